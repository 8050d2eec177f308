"""Keras's side of the benchmark: does the same as train.mjs, with the same data, network and batch size."""

import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np

data, epochs, batch_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
epoch_seconds = []


def read(name, header):
    return np.frombuffer((data / name).read_bytes(), np.uint8)[header:]


class EpochTimer(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        epoch_seconds.append(time.perf_counter() - self.start)


start = time.perf_counter()
train_images, test_images = read("train-images-idx3-ubyte", 16), read("t10k-images-idx3-ubyte", 16)
train_labels, test_labels = read("train-labels-idx1-ubyte", 8), read("t10k-labels-idx1-ubyte", 8)
loading = time.perf_counter() - start
train_x, test_x = (images.reshape(-1, 784).astype("float32") / 255 for images in (train_images, test_images))
train_y, test_y = (keras.utils.to_categorical(labels, 10) for labels in (train_labels, test_labels))

keras.utils.set_random_seed(13)
model = keras.Sequential(
    [keras.Input((784,)), keras.layers.Dense(1000, activation="relu"), keras.layers.Dense(10, activation="softmax")]
)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(
    train_x, train_y, epochs=epochs, batch_size=batch_size, validation_data=(test_x, test_y), verbose=0, callbacks=[EpochTimer()]
)
start = time.perf_counter()
_, accuracy = model.evaluate(test_x, test_y, batch_size=batch_size, verbose=0)
evaluating = time.perf_counter() - start
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1000 if sys.platform == "darwin" else 1)
result = {
    "epochs": epoch_seconds,
    "floors": [],
    "loading": loading,
    "evaluating": evaluating,
    "accuracy": accuracy,
    "megabytes": kilobytes / 1000,
}
print(json.dumps(result))
