"""Times this kernel, tslab's own and ipykernel in turn, and prints the results as JSON.

kernel.py ROUNDS TSLAB NODE

TSLAB is the path of tslab's command, NODE that of Node. Each round starts each kernel once. A case is a cell in TypeScript,
and the same in Python.
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

TYPESCRIPT, PYTHON = 0, 1
FIRST = ("1 + 1", "1 + 1")
SMALL = {
    "a small cell, `1 + 1`": FIRST,
    "a constant and a function": (
        "const n{0} = {0}; function add{0}(value: number): number {{ return value + n{0}; }}",
        "n{0} = {0}\ndef add{0}(value): return value + n{0}",
    ),
}
TIMES = 20  # how often a kernel runs a small cell
LINES = {
    "40,000 lines in a loop": (
        "for (let i = 0; i < 40000; i++) console.log(i);",
        "for i in range(40000): print(i)",
    ),
    "20,000 lines, with an `await` after each": (
        "for (let i = 0; i < 20000; i++) { console.log(i); await null; }",
        "import asyncio\nfor i in range(20000): print(i); await asyncio.sleep(0)",
    ),
}
TIMEOUT = 60  # seconds


def main():
    rounds, tslab, node = int(sys.argv[1]), *sys.argv[2:]
    # tslab's kernel loses lines, and its cell does not end.
    kernels = {
        "this kernel": (None, TYPESCRIPT, LINES),
        "stock tslab": ([node, tslab, "kernel", "--config-path={connection_file}"], TYPESCRIPT, {}),
        "ipykernel": ([sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], PYTHON, LINES),
    }
    results = {name: {} for name in kernels}
    for _ in range(rounds):
        for name, (command, language, lines) in kernels.items():
            for case, value in measure(command, language, lines):
                results[name].setdefault(case, []).append(value)
    print(json.dumps(results))


def measure(command, language, lines):
    """Starts a kernel and yields the name and the value of each case: seconds, or megabytes of memory."""
    manager = KernelManager(kernel_name="tslab")
    if command:
        manager._kernel_spec = KernelSpec(argv=command, display_name="", language="")
    with tempfile.TemporaryDirectory(prefix="mnist-kernel-") as folder:
        begin = time.perf_counter()
        manager.start_kernel(cwd=folder)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=TIMEOUT)
            yield "start, until it replies", time.perf_counter() - begin
            time.sleep(1)
            yield "memory when idle", memory(manager.provisioner.pid)
            yield "the first cell, `1 + 1`", run(client, FIRST[language])
            for case, cells in SMALL.items():
                for number in range(TIMES):
                    yield case, run(client, cells[language].format(number))
            for case, cells in lines.items():
                yield case, run(client, cells[language], int(re.match(r"[\d,]+", case)[0].replace(",", "")))
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def run(client, code, lines=0):
    """The time from the request until `idle`. All lines must have arrived before that."""
    begin = time.perf_counter()
    request, printed = client.execute(code), 0
    while True:
        message = client.get_iopub_msg(timeout=TIMEOUT)
        content = message["content"]
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "error":
            sys.exit("\n".join([f"{code} failed:", *content["traceback"]]))
        if message["msg_type"] == "stream":
            printed += content["text"].count("\n")
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            if lines and printed != lines:
                sys.exit(f"{code}: {printed} lines arrived (expected {lines}).")
            return time.perf_counter() - begin


def memory(pid):
    """The proportional set size, in MB: what the kernel shares with others counts in part."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)[1]) / 1000


if __name__ == "__main__":
    main()
