"""Prints the output of cells in a new kernel: ask_kernel.py FOLDER CELL... (`npm run doctor` runs it)"""

import sys

from jupyter_client.manager import start_new_kernel


def show(message):
    content = message["content"]
    if message["msg_type"] == "stream":
        print(content["text"], end="")
    elif message["msg_type"] == "error":
        print(content["ename"] + ": " + content["evalue"])


folder, *cells = sys.argv[1:]
manager, client = start_new_kernel(kernel_name="tslab", startup_timeout=60, cwd=folder)
try:
    for cell in cells:
        client.execute_interactive(cell, output_hook=show, timeout=120)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
