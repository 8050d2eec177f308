"""Writes the lecture as slides, with the outputs that the notebook has (`npm run slides` runs it)."""

import argparse
import re
from copy import deepcopy
from pathlib import Path

from nbconvert import HTMLExporter

from run_notebook import ROOT, Failure, check_folder, page_config, read, run_command, tags, write

REVEAL = ROOT / "node_modules" / "reveal.js"


def main():
    arguments = parse_arguments()
    notebook = read(arguments.notebook)
    slideshow = {cell.id: cell.metadata.get("slideshow", {}) for cell in read(arguments.structure).cells}
    check_folder(arguments.out)
    notebook.cells = [
        part
        for cell in notebook.cells
        for part in paragraphs(cell, slideshow.get(cell.id, cell.metadata.get("slideshow", {})))
    ]
    suffix = "" if arguments.language == "en" else f".{arguments.language}"
    write(arguments.out / f"{arguments.notebook.stem}{suffix}.slides.html", slides(notebook, arguments.language))


def parse_arguments():
    """Reads the options of slides.mjs, which describes and checks them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--language", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--notebook", type=Path, required=True)
    parser.add_argument("--structure", type=Path, required=True)
    return parser.parse_args()


def paragraphs(cell, slideshow):
    """A cell with its place on the slides. A text cell becomes one cell for each paragraph that has a place of its own.

    `slide_type` is the place of the cell or its first paragraph, `next_paragraphs` are those of the following ones. The
    last one also holds for the rest of the text.
    """
    types = [slideshow.get("slide_type", "-"), *slideshow.get("next_paragraphs", [])]
    texts = re.split(r"\n{2,}", cell.source, maxsplit=len(types) - 1) if len(types) > 1 else [cell.source]
    if len(texts) < len(types):
        raise Failure(
            f"Cell {cell.id} has {len(texts)} paragraphs, but the metadata of its English edition place {len(types)} on "
            "slides: correct `next_paragraphs` there, or divide the text into as many paragraphs."
        )
    for number, (text, slide_type) in enumerate(zip(texts, types)):
        part = deepcopy(cell)
        part.id = f"{cell.id}-{number}" if number else cell.id
        part.source = text
        part.metadata.slideshow = {"slide_type": slide_type}
        if any(is_high(output) for output in cell.get("outputs", [])):
            part.metadata.tags = [*tags(cell), "high-figure"]  # a class of the cell in HTML, for slides.css
        yield part


def is_high(output):
    """Whether an output is a figure that is higher than wide."""
    size = re.match(r'<svg\b[^>]* width="([\d.]+)[^>]* height="([\d.]+)', output.get("data", {}).get("image/svg+xml", ""))
    return size is not None and float(size[2]) > 1.05 * float(size[1])


def slides(notebook, language):
    exporter = HTMLExporter(
        config=page_config(),
        template_name="slides",
        extra_template_basedirs=[str(ROOT)],
        language_code=language,
    )
    files = ("dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js")
    reveal = {Path(name).name: (REVEAL / name).read_text(encoding="utf-8") for name in files}
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": "mnist-dense"}, "reveal": reveal})
    return html


if __name__ == "__main__":
    run_command(main)
