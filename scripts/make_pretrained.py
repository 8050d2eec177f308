"""Runs the lecture until its network is trained, and saves it for `loadPretrained` (`npm run pretrained` runs it)."""

from nbformat.v4 import new_code_cell

from run_notebook import ROOT, read, run, run_command

NOTEBOOK = ROOT / "notebooks" / "mnist-dense.ipynb"
SAVE = """\
import { savePretrained } from 'mnist-lib/dist/training/pretrained';
await savePretrained(model, history);"""


def main():
    notebook = read(NOTEBOOK)
    fit = [cell.id for cell in notebook.cells].index("fit")
    notebook.cells[fit + 1 :] = [new_code_cell(SAVE, id="save-pretrained")]
    run(notebook, "tslab", folder=NOTEBOOK.parent)
    print(f"wrote {ROOT / 'lib' / 'pretrained'}")


if __name__ == "__main__":
    run_command(main)
