"""What Jupyter exports: the page, and only the formats that work without further programs and without a network."""

import re

from jinja2 import pass_context


@pass_context
def markdown_to_html(context, source):
    """Markdown as HTML, with its formulas as MathML, which browsers show without a script."""
    # Imported here because every Jupyter command reads this file.
    from latex2mathml.converter import convert
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, MathBlockParser, MathInlineParser

    class BlockParser(MathBlockParser):
        # nbconvert's rule also finds formulas inside code spans.
        SPECIFICATION = {
            **MathBlockParser.SPECIFICATION,
            "multiline_math": rf"^ {{0,3}}(?:{MathBlockParser.MULTILINE_MATH})",
        }

    class InlineParser(MathInlineParser):
        # Pandoc's rule: "$5 and $6" are prices, and code spans stay whole.
        SPECIFICATION = {
            **MathInlineParser.SPECIFICATION,
            "inline_math_tex": r"(?<![$\\])\$(?!\s)(?P<math_inline_tex>[^$`]+?)(?<![\s\\])\$(?![$\d])",
        }

    class Renderer(IPythonRenderer):
        def inline_math(self, body):
            return mathml(body, "inline", super().inline_math(body))

        def block_math(self, body):
            return mathml(body, "block", super().block_math(body))

        def latex_environment(self, name, body):
            text = f"\\begin{{{name}}}{body}\\end{{{name}}}"
            return mathml(text, "block", super().latex_environment(name, body))

    def mathml(formula, display, otherwise):
        try:
            return convert(formula.strip(), display=display)
        except Exception:  # latex2mathml raises many kinds; the reader then sees the formula as it was typed
            return otherwise

    renderer = Renderer(escape=False, attachments=context.get("cell", {}).get("attachments"))
    return MarkdownWithMath(renderer, BlockParser(), InlineParser(hard_wrap=False)).render(source)


# bleach drops the tags of a script, and would show what it contains.
SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
HTML = "br caption dd del div dl dt h1 h2 h3 h4 h5 h6 hr img p pre s span sub sup table tbody td tfoot th thead tr"
MATHML = (
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub"
    " msubsup msup mtable mtd mtext mtr munder munderover"
)
ATTRIBUTES = (
    "accent alt class colspan columnalign columnspacing depth display displaystyle fence form height id linethickness"
    " lspace mathvariant maxsize minsize movablelimits rowspacing rowspan rspace src stretchy title width"
)


def clean_html(html):
    """Drops scripts and the like, if the reader chooses "Sanitize HTML output", JupyterLab's default.

    nbconvert's own filter does not know headings, paragraphs, pictures and formulas: it shows their tags as text.
    """
    import bleach

    def is_allowed_on_link(tag, name, value):
        return name in bleach.ALLOWED_ATTRIBUTES[tag] and not value.strip().lower().startswith("data:")

    tags = {*bleach.ALLOWED_TAGS, *HTML.split(), *MATHML.split()}
    attributes = {**bleach.ALLOWED_ATTRIBUTES, "a": is_allowed_on_link, "*": ATTRIBUTES.split()}
    protocols = {*bleach.ALLOWED_PROTOCOLS, "data"}  # of pictures
    return bleach.clean(SCRIPT.sub("", str(html)), tags, attributes, protocols, strip=True)


c = get_config()  # Jupyter provides it
c.HTMLExporter.template_name = "lecture"
c.HTMLExporter.filters = {"markdown2html": markdown_to_html, "clean_html": clean_html}

# These need pandoc, LaTeX, Qt or a browser of their own, or load scripts from the network.
for exporter in ("ASCIIDoc", "Latex", "Qt", "RST", "Slides", "WebPDF"):
    c[f"{exporter}Exporter"].enabled = False
