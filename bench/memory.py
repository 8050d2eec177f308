"""Runs the lecture with one epoch in several kernels at once, and prints their memory as JSON.

memory.py NOTEBOOK KERNELS

The kernels run each cell at the same time, and the next one when all have been read.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_client import AsyncKernelManager

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from run_notebook import Failure, check_kernel, read, set_epochs

KERNEL = "tslab"
LATER = 10  # seconds; the kernel unloads plotly.js a few seconds after the last figure
CELL_TIMEOUT = 600  # seconds; a kernel that died does not answer


async def main():
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    check_kernel(KERNEL)
    notebook = read(path)
    set_epochs(notebook, 1)
    with tempfile.TemporaryDirectory(prefix="mnist-memory-") as folder:
        (Path(folder) / "node_modules").symlink_to(ROOT / "node_modules")
        kernels = [Kernel(Path(folder) / f"student-{number}" / "notebooks") for number in range(1, count + 1)]
        try:
            await asyncio.gather(*(kernel.start() for kernel in kernels))
            cells = [await reading("idle", kernels)]
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    await asyncio.gather(*(kernel.run(cell) for kernel in kernels))
                    cells.append(await reading(cell.id, kernels))
            await asyncio.sleep(LATER)
            cells.append(await reading(f"{LATER} s later", kernels))
            print(json.dumps({"cells": cells, "peaks": [kernel.peak() for kernel in kernels]}))
        finally:
            await asyncio.gather(*(kernel.stop() for kernel in kernels))


async def reading(cell, kernels):
    """Each kernel's resident memory, and the part of it that belongs to no other process, in MB."""
    # A kernel may still load something in the background, such as plotly.js after `imports`.
    await asyncio.gather(*(kernel.quiet() for kernel in kernels))
    memory = [kernel.memory() for kernel in kernels]
    return {"cell": cell, "resident": [resident for resident, _ in memory], "own": [own for _, own in memory]}


class Kernel:
    """A kernel in a folder of its own, because the lecture saves its network."""

    def __init__(self, folder):
        self.folder = folder
        self.manager = AsyncKernelManager(kernel_name=KERNEL)

    async def start(self):
        self.folder.mkdir(parents=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        await self.manager.start_kernel(cwd=str(self.folder), **quiet)
        self.client = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=60)

    async def run(self, cell):
        reply = await self.client.execute_interactive(
            cell.source, allow_stdin=False, timeout=CELL_TIMEOUT, output_hook=lambda message: None
        )
        if reply["content"]["status"] != "ok":
            raise Failure("\n".join([f"Cell {cell.id} failed:", *reply["content"].get("traceback", [])]))

    async def quiet(self):
        """Waits until the process has used less than a tenth of a processor for 0.3 s."""
        used = None
        while used is None or self.processor_seconds() - used > 0.03:
            used = self.processor_seconds()
            await asyncio.sleep(0.3)

    async def stop(self):
        if self.manager.has_kernel:
            self.client.stop_channels()
            await self.manager.shutdown_kernel(now=True)

    def memory(self):
        sizes = self.sizes("smaps_rollup")
        return sizes["Rss"], sizes["Private_Clean"] + sizes["Private_Dirty"]

    def peak(self):
        return self.sizes("status")["VmHWM"]

    def processor_seconds(self):
        fields = self.read("stat").rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")  # utime and stime, see proc(5)

    def sizes(self, file):
        text = self.read(file)
        lines = re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)
        return {name: int(kilobytes) / 1000 for name, kilobytes in lines}

    def read(self, file):
        return Path(f"/proc/{self.manager.provisioner.pid}/{file}").read_text()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Failure as failure:
        sys.exit(str(failure))
