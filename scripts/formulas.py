"""Turns the formulas of markdown cells into MathML, which browsers show without a script."""

from html import escape

from latex2mathml.converter import convert
from nbconvert.exporters.html import HTMLExporter, contextfilter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, MathInlineParser

# As Pandoc has it: no space beside a dollar sign on the inside, and no digit after the last. So prices stay prices. Nor
# does a formula reach into a code span.
INLINE = r"(?<![$\\])\$(?![\s$])(?P<math_inline_tex>(?:\\.|[^$`\\])+?)(?<!\s)\$(?![\d$])"


class FormulasExporter(HTMLExporter):
    """Exports a page whose formulas are MathML."""

    @contextfilter
    def markdown2html(self, context, source):
        cell, resources = context.get("cell", {}), context.get("resources", {})
        renderer = MathMLRenderer(
            escape=False,
            attachments=cell.get("attachments", {}),
            embed_images=self.embed_images,
            path=resources.get("metadata", {}).get("path", ""),
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
        )
        return MarkdownWithMath(renderer, inline=FormulaParser(hard_wrap=False)).render(source)


class FormulaParser(MathInlineParser):
    SPECIFICATION = {**MathInlineParser.SPECIFICATION, "inline_math_tex": INLINE}


class MathMLRenderer(IPythonRenderer):
    def inline_math(self, body):
        return to_mathml(body, "inline") or super().inline_math(body)

    def block_math(self, body):
        return to_mathml(body, "block") or super().block_math(body)

    def latex_environment(self, name, body):
        source = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return to_mathml(source, "block") or super().latex_environment(name, body)


def to_mathml(source, display):
    """The formula, or None if it is not valid: its source is shown instead."""
    try:
        return convert(source.strip(), display=display)
    except Exception:  # the converter raises errors of many kinds
        return None
