"""Runs the lecture from top to bottom in a new kernel, without a browser (`npm run lecture` runs it)."""

import argparse
import asyncio
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter
from nbconvert.filters import strip_ansi
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "notebooks" / "mnist-dense.ipynb"
STACK_FRAME = re.compile(r"^\s+at .*\n?", re.MULTILINE)


class Failure(Exception):
    """Why the lecture failed, in words for the person who typed the command."""


def main():
    arguments = parse_arguments()
    notebook = nbformat.read(arguments.notebook, as_version=4)
    if arguments.epochs is not None:
        set_epochs(notebook, arguments.epochs)
    run(notebook, arguments.kernel, folder=arguments.notebook.parent)
    clean(notebook)
    html = page(notebook, title=arguments.notebook.stem)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write(arguments.out / arguments.notebook.name, nbformat.writes(notebook) + "\n")
    write(arguments.out / f"{arguments.notebook.stem}.html", html)
    print(text_of(next(cell for cell in notebook.cells if cell.id == "evaluate"), "stdout"), end="")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="npm run lecture --", description="Runs the whole lecture without a browser.")
    parser.add_argument("--epochs", type=int, help="number of epochs (default: as in the notebook)")
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for the results")
    parser.add_argument("--kernel", default="tslab", help="name of the kernelspec (default: tslab)")
    parser.add_argument("--notebook", type=Path, default=NOTEBOOK, help="another notebook (default: the lecture)")
    arguments = parser.parse_args()
    if arguments.epochs is not None and arguments.epochs < 1:
        parser.error(f"--epochs {arguments.epochs}: expected 1 or more")
    return arguments


def set_epochs(notebook, epochs):
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    cell.source, replaced = re.subn(r"(?<=const epochs = )\d+(?=;)", str(epochs), cell.source)
    if replaced != 1:
        raise Failure(f"Cell {cell.id} does not set the epochs (expected one line such as `const epochs = 10;`).")


def run(notebook, kernel, folder):
    """Executes all cells and fills in their outputs. Prints one line per cell."""
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    started = {}

    def start(cell, cell_index):
        started["cell"], started["at"] = cell, time.monotonic()

    def end(cell, cell_index, execute_reply):
        number = f"{code_cells.index(cell) + 1:2}/{len(code_cells)}"
        print(f"[{number}] {cell.id:15} {time.monotonic() - started['at']:6.1f} s", flush=True)

    def forward_interrupts(notebook):
        # The terminal's Ctrl-C does not reach the kernel. Forward it: training ends early, and the lecture continues.
        # Set once the kernel runs, because nbclient sets a handler of its own before, which would kill the kernel.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)

    def interrupt():
        print(f"Interrupted: cell {started['cell'].id} is stopped.", flush=True)
        asyncio.ensure_future(client.km.interrupt_kernel())

    client = NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=None,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        on_notebook_start=forward_interrupts,
        on_cell_execute=start,
        on_cell_executed=end,
    )
    # TensorFlow prints past the notebook. This matters only if the kernel dies.
    with tempfile.TemporaryFile() as kernel_messages:
        try:
            client.execute(stderr=kernel_messages)
        except CellExecutionError as error:
            raise Failure(reason(started["cell"]) or str(error)) from error
        except DeadKernelError as error:
            kernel_messages.seek(0)
            tail = kernel_messages.read().decode(errors="replace")[-2000:]
            raise Failure(f"{tail}\nThe kernel died in cell {started['cell'].id}.") from error
    # An error in an unawaited promise does not end its cell.
    for cell in code_cells:
        if any(output.output_type == "error" for output in cell.outputs):
            raise Failure(reason(cell))


def reason(cell):
    """Why a cell failed, in plain text. Without the stack: the line of the cell is where to look."""
    tracebacks = ["\n".join(output.traceback) for output in cell.outputs if output.output_type == "error"]
    # The kernel of `tslab install` prints its traceback instead of sending it.
    message = STACK_FRAME.sub("", strip_ansi("\n".join(tracebacks)) or text_of(cell, "stderr")).strip()
    return message and f"Cell {cell.id} failed:\n\n{message}"


def text_of(cell, stream):
    return "".join(output.text for output in cell.outputs if output.get("name") == stream)


def clean(notebook):
    """Removes what differs between runs, and keeps the outputs."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None


def page(notebook, title):
    """The page that JupyterLab exports, too."""
    config = PyFileConfigLoader("jupyter_config.py", str(ROOT / "page")).load_config()
    html, _ = HTMLExporter(config=config).from_notebook_node(notebook, {"metadata": {"name": title}})
    return html


def write(path, text):
    """Writes a file that appears whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    print(f"wrote {path}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
