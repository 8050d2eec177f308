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
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter
from nbconvert.filters import strip_ansi
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).parent.parent
STACK_FRAME = re.compile(r"^\s+at .*\n?", re.MULTILINE)


class Failure(Exception):
    """Why the lecture failed, in words for the person who typed the command."""


def main():
    arguments = parse_arguments()
    notebook = read(arguments.notebook)
    remove_outputs(notebook)
    check_kernel(arguments.kernel)
    check_folder(arguments.out)
    if arguments.epochs is not None:
        set_epochs(notebook, arguments.epochs)
    try:
        run(notebook, arguments.kernel, folder=arguments.notebook.parent)
    finally:
        # Also after a failure, to show what came before it and the error itself.
        write_results(notebook, arguments.notebook, arguments.out)
    print("".join(text_of(cell, "stdout") for cell in notebook.cells if cell.id == "evaluate"), end="")


def parse_arguments():
    """Reads the options of lecture.mjs, which describes and checks them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--notebook", type=Path, required=True)
    return parser.parse_args()


def read(path):
    try:
        return nbformat.v4.upgrade(nbformat.read(path, as_version=4))  # before version 4.5, cells had no ids
    except Exception as error:  # of many kinds: no such file, no JSON, no notebook
        raise Failure(f"{path} cannot be read as a notebook: {error}") from error


def remove_outputs(notebook):
    """Removes all outputs, so that only those of this run are written if it fails."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "skip-execution" not in tags(cell):
            cell.outputs = []


def check_kernel(name):
    kernels = KernelSpecManager().find_kernel_specs()
    if name not in kernels:
        raise Failure(f"There is no kernel named {name} (expected one of {', '.join(sorted(kernels))}).")


def check_folder(out):
    """Finds out before the lecture runs whether its results can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise Failure(f"{out} may not be written to ({error.strerror}): name another folder with --out.") from error


def set_epochs(notebook, epochs):
    cell = next((cell for cell in notebook.cells if "parameters" in tags(cell)), None)
    if cell is None:
        raise Failure(f"--epochs {epochs}: the notebook has no cell with the tag `parameters`.")
    cell.source, replaced = re.subn(r"(?<=const epochs = )\d+(?=;)", str(epochs), cell.source)
    if replaced != 1:
        raise Failure(f"Cell {cell.id} does not set the epochs (expected one line such as `const epochs = 10;`).")


def write_results(notebook, path, out):
    clean(notebook)
    write(out / path.name, nbformat.writes(notebook) + "\n")
    write(out / f"{path.stem}.html", page(notebook, title=path.stem))


def run(notebook, kernel, folder):
    """Executes all cells and fills in their outputs. Prints one line per cell."""
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    numbers = {cell.id: number for number, cell in enumerate(code_cells, start=1)}
    started = {}

    def start(cell, cell_index):
        started["cell"], started["at"] = cell, time.monotonic()

    def end(cell, cell_index, execute_reply):
        number = f"{numbers[cell.id]:2}/{len(numbers)}"
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
        if any(output.output_type == "error" for output in cell.outputs) and not may_fail(cell):
            raise Failure(reason(cell))


def reason(cell):
    """Why a cell failed, in plain text. Without the stack: the line of the cell is where to look."""
    tracebacks = ["\n".join(output.traceback) for output in cell.outputs if output.output_type == "error"]
    # The kernel of `tslab install` prints its traceback instead of sending it.
    message = STACK_FRAME.sub("", strip_ansi("\n".join(tracebacks)) or text_of(cell, "stderr")).strip()
    return message and f"Cell {cell.id} failed:\n\n{message}"


def tags(cell):
    return cell.metadata.get("tags", [])


def may_fail(cell):
    return "raises-exception" in tags(cell) or "skip-execution" in tags(cell)


def text_of(cell, stream):
    return "".join(output.text for output in cell.outputs if output.get("name") == stream)


def clean(notebook):
    """Removes what differs between runs, and keeps the outputs."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None


def page(notebook, title):
    """The page that JupyterLab exports, too."""
    html, _ = HTMLExporter(config=page_config()).from_notebook_node(notebook, {"metadata": {"name": title}})
    return html


def page_config():
    return PyFileConfigLoader("jupyter_config.py", str(ROOT / "page")).load_config()


def write(path, text):
    """Writes a file that appears whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    print(f"wrote {path}")


def run_command(main):
    """Runs a program. A Failure ends it with its sentence."""
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    run_command(main)
