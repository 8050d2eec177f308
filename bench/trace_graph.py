"""Where the time goes inside the graph that trains: trace_graph.py SAVED_MODEL BATCH_SIZE

Runs the graph in TensorFlow for Python, which can record each operation; tfjs-node cannot. Prints, for training and for
validation, the calls and milliseconds of each operation per batch, and the milliseconds from the first to the last one.
"""

import json
import os
import sys
from collections import defaultdict
from statistics import median

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf

saved_model, batch_size = sys.argv[1], int(sys.argv[2])
COUNT = 10_000  # enough examples that those of a batch are not in the processor's caches
WARM_UP, TRACED = 10, 40

v1 = tf.compat.v1
random = np.random.default_rng(13)
# As scripts/setup/session_options.h says.
config = v1.ConfigProto(intra_op_parallelism_threads=1)
config.graph_options.rewrite_options.disable_meta_optimizer = True
session = v1.Session(graph=tf.Graph(), config=config)
with session.graph.as_default():
    v1.saved_model.load(session, ["serve", "run-as-described", "one-thread-per-operation"], saved_model)
types = {operation.name: operation.type for operation in session.graph.get_operations()}
shapes = {
    name: session.graph.get_tensor_by_name(f"{name}:0").shape.as_list()
    for name, kind in types.items()
    if kind == "Placeholder"
}

for name, shape in shapes.items():
    if name.endswith("/new"):
        scale = 0.05 if "/m" not in name and "/v" not in name else 0
        value = scale * random.standard_normal(shape, "float32")
        session.run(name.replace("/new", "/assigned") + ":0", {name + ":0": value})
x = random.random((COUNT, shapes["x"][1]), "float32")
y = np.eye(shapes["y"][1], dtype="float32")[random.integers(0, shapes["y"][1], COUNT)]


def trace(results, steps, more):
    """Runs a number of steps at a time. Returns {operation: [calls, ms]} per batch, and the median of the milliseconds per
    batch from the first operation to the last one."""
    operations, spans = defaultdict(lambda: [0, 0.0]), []
    options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
    for run in range(WARM_UP + TRACED):
        feeds = {"x:0": x, "y:0": y, **more}
        for step in range(steps):
            feeds[f"indices{step}:0"] = random.integers(0, COUNT, batch_size).astype("int32")
        metadata = v1.RunMetadata()
        fetches = results + [f"labels{step}:0" for step in range(steps)]
        session.run(fetches, feeds, options=options, run_metadata=metadata)
        nodes = [node for device in metadata.step_stats.dev_stats for node in device.node_stats]
        if run < WARM_UP:
            continue
        for node in nodes:
            # "output0 = _MklMatMul(batch, ...)" says which operation TensorFlow has put in the place of a MatMul.
            label = node.timeline_label
            call = operations[label.split(" = ")[1].split("(")[0] if " = " in label else types[node.node_name]]
            call[0] += 1 / (TRACED * steps)
            call[1] += (node.op_end_rel_nanos - node.op_start_rel_nanos) / 1e6 / (TRACED * steps)
        first = min(node.all_start_nanos for node in nodes)
        last = max(node.all_start_nanos + node.op_end_rel_nanos for node in nodes)
        spans.append((last - first) / 1e6 / steps)
    return {"operations": operations, "ms": median(spans)}


max_steps = sum(name.startswith("indices") for name in shapes)
hyperparameters = [0.9, 0.999, 0.001, 0.9, 0.999, 1e-7, 1 / batch_size]
training = trace(
    [f"step{step}:0" for step in range(max_steps)],
    max_steps,
    {f"hyperparameters{step}:0": hyperparameters for step in range(max_steps)},
)
print(json.dumps({"training": training, "validation": trace(["probabilities:0"], 1, {})}))
