"""What a page of the book needs beyond the theme: its live figures, its own scripts, and nothing from other hosts.

Third-party files are copied from companion/live/vendor; `companion.live.assets.write` adds the front end of the live figures.
"""

import json
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from companion.figures import look
from companion.live import assets

OURS = Path(__file__).parents[1] / "assets"
VENDOR = Path(assets.__file__).parent / "vendor"
WIDGETS = ["vendor/requirejs/require.js", "widgets-paths.js", "vendor/html-manager/embed-amd.js"]
SHIPPED = ["requirejs", "html-manager", "anywidget", "mathjax"]
FIGURE = re.compile(r'<figure\b[^>]*\bclass="[^"]*\blive\b')
MENDED = [  # a fold of the menu without a name; a fold with two; three names for the one button of light and dark
    (re.compile(r"<summary>(?=<span class=\"toctree-toggle\")"), '<summary aria-label="Pages of this part">'),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),  # its children are entries, not items
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (re.compile(r'(<i class="theme-switch [^>]*?) title="[^"]*"'), r"\1"),
    (re.compile(r'(<a href="[^"]*\.(?:ipynb|zip)") target="_blank"'), r'\1 target="_blank" download'),  # to keep, not to look at
    # what sphinx-thebe leaves in a notebook's page, and nobody reads
    (re.compile(r'<script type="text/x-thebe-config">.*?</script>|<script>kernelName = [^<]*</script>', re.DOTALL), ""),
]
TEMPLATES = ("webpack-macros.html", "sbt-webpack-macros.html")  # the theme builds its pages with them; they are none
CLUTTER = ("thebe", "sphinx-thebe")


class LiveFigure(SphinxDirective):
    """```{live-figure} training/transformers:NAME: the live figure of that name, from the executed notebook, in any page."""

    required_arguments = 1

    def run(self):
        document, _, name = self.arguments[0].partition(":")
        path = Path(self.env.srcdir) / f"{document}.ipynb"
        self.env.note_dependency(str(path))
        for html in figures_of(path):
            if f'id="live-{name}"' in html:
                return [nodes.raw("", html, format="html")]
        if stopped(path):
            text = f"A live figure is missing here: the notebook {document} stopped on the machine that built this page."
            return [nodes.note("", nodes.paragraph("", text))]
        raise self.error(f"{document}.ipynb shows no live figure named {name!r}.")


def stopped(path):
    """Whether a staged notebook did not come to its end (tools/notes.py)."""
    return path.exists() and "stopped" in json.loads(path.read_text("utf8"))["metadata"]


def figures_of(path):
    """The HTML of each live figure that an executed notebook shows."""
    if not path.exists():
        return
    for cell in json.loads(path.read_text("utf8"))["cells"]:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if FIGURE.search(html):
                yield html


def configure(app, config):
    """Every chapter owns one bibliography; the scripts of ordinary widgets and of formulas come from the book itself."""
    config.bibtex_bibfiles = sorted(p.relative_to(app.srcdir).as_posix() for p in Path(app.srcdir, "references").glob("*.bib"))
    config.mathjax_path = "vendor/mathjax/tex-chtml.js"
    config.nb_ipywidgets_js = {path: {} for path in WIDGETS}


def write_assets(app):
    """Fill _static before the pages are written, so that their links carry checksums."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for name in SHIPPED:
        shutil.copytree(VENDOR / name, static / "vendor" / name, dirs_exist_ok=True)
    for name in ("widgets-paths.js", "search_from_file.js"):
        shutil.copy(OURS / name, static / name)
    (static / "style.css").write_text(look.sheet() + (OURS / "style.css").read_text("utf8"), "utf8")
    if (assets.FRONT / "live.css").exists():
        assets.write(static)


def dress(app, page, template, context, doctree):
    """One page: drop what nobody uses (a second THEBE_JS_URL is an error of the console), add what its figures need."""
    for kind in ("script_files", "css_files"):
        context[kind][:] = [file for file in context[kind] if not unused(file)]
    if FIGURE.search(context.get("body", "")):
        app.add_css_file("live/live.css")
        app.add_js_file("live/live.js", loading_method="defer")
    if template == "search.html":
        app.add_js_file("search_from_file.js")


def unused(file):
    words = f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', {}).get('body', '')}"
    return any(word in words for word in CLUTTER) or "THEBE_JS_URL" in words


def mend(app, exception):
    """The theme's markup, where a screen reader would stumble over it, and what it leaves lying about."""
    if app.builder.format != "html" or exception:
        return
    for name in TEMPLATES:
        (Path(app.outdir) / "_static" / name).unlink(missing_ok=True)
    for path in Path(app.outdir).rglob("*.html"):
        html = path.read_text("utf8")
        for found, better in MENDED:
            html = found.sub(better, html)
        path.write_text(html, "utf8")


def setup(app):
    app.add_directive("live-figure", LiveFigure)
    app.connect("config-inited", configure, priority=100)
    app.connect("builder-inited", write_assets)
    app.connect("html-page-context", dress, priority=900)
    app.connect("build-finished", mend)
    app.add_css_file("style.css", priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
