"""The benchmark in Python: does the same as train.mjs, with the same data, network and batch size.

train.py DATA ENGINE EPOCHS BATCH_SIZE, where ENGINE is tensorflow or jax (Keras on it) or jax-by-hand.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

data, engine, epochs, batch_size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
if engine == "jax-by-hand":
    from jax_by_hand import Network
else:
    os.environ["KERAS_BACKEND"] = engine  # before Keras is imported
    from keras_network import Network


def read(name, header):
    return np.frombuffer((data / name).read_bytes(), np.uint8)[header:]


def main():
    start = time.perf_counter()
    train_images, test_images = read("train-images-idx3-ubyte", 16), read("t10k-images-idx3-ubyte", 16)
    train_labels, test_labels = read("train-labels-idx1-ubyte", 8), read("t10k-labels-idx1-ubyte", 8)
    loading = time.perf_counter() - start
    train_x, test_x = (images.reshape(-1, 784).astype("float32") / 255 for images in (train_images, test_images))
    train_y, test_y = (np.eye(10, dtype="float32")[labels] for labels in (train_labels, test_labels))

    network = Network(seed=13)
    epoch_seconds = network.fit(train_x, train_y, test_x, test_y, epochs, batch_size)
    start = time.perf_counter()
    _, accuracy = network.evaluate(test_x, test_y, batch_size)
    evaluating = time.perf_counter() - start
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1000 if sys.platform == "darwin" else 1)
    result = {
        "epochs": epoch_seconds,
        "loading": loading,
        "evaluating": evaluating,
        "accuracy": accuracy,
        "megabytes": kilobytes / 1000,
    }
    print(json.dumps(result))


main()
