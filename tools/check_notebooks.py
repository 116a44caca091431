"""The rules of a committed notebook, and of an executed one: each rule says what is wrong and where.

    python tools/check_notebooks.py book              committed notebooks
    python tools/check_notebooks.py --executed FOLDER alternative texts of every picture that was drawn
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

FIRST_CELL = """try:
    import companion
except ImportError:  # Colab, or a folder of its own
    %pip install -q --no-deps git+https://github.com/learning-in-motion/learning-in-motion anywidget psygnal pot
    import companion"""
LINES = 20
IMAGES = ("image/png", "image/svg+xml", "image/jpeg")
MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
HTML_ALT = re.compile(r"""\balt\s*=\s*(["'])\s*\S.*?\1""", re.IGNORECASE | re.DOTALL)
DIRECTIVE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(figure|image)\}(?P<body>.*?)^(?P=fence)", re.MULTILINE | re.DOTALL)


def committed(notebook):
    """What is wrong with a notebook as it is committed: a list of sentences."""
    found = [*format_faults(notebook)]
    if "widgets" in notebook.metadata:
        found.append("its metadata keep the state of widgets")
    for number, cell in enumerate(notebook.cells):
        found += [f"cell {number}: {fault}" for fault in cell_faults(cell)]
    code = [cell.source.rstrip() for cell in notebook.cells if cell.cell_type == "code"]
    if not code or code[0] != FIRST_CELL:
        found.append("its first code cell is not the agreed one, which also works on Colab and in a folder of its own")
    return found


def format_faults(notebook):
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"it is no valid notebook: {error.message}"


def cell_faults(cell):
    """Sentences about one cell."""
    if r"\newcommand" in cell.source:
        yield r"\newcommand typesets in the book and not on Colab: write the symbol out"
    if cell.cell_type == "markdown":
        yield from picture_faults(cell.source)
        yield from formula_faults(cell.source)
    if cell.cell_type == "code":
        if cell.outputs or cell.execution_count is not None:
            yield "it has outputs: clear them before you commit"
        if len(cell.source.splitlines()) > LINES:
            yield f"it has {len(cell.source.splitlines())} lines, more than {LINES}: move mathematics to companion, or split it"


def formula_faults(text):
    """Displayed formulas that touch a line of text: the book then typesets the text as mathematics."""
    lines, inside = text.splitlines(), False
    for number, line in enumerate(lines):
        marks = line.count("$$")
        before, after = (lines[n].strip() if 0 <= n < len(lines) else "" for n in (number - 1, number + 1))
        opens, inside = marks and not inside, inside != (marks % 2 == 1)
        if (opens and before and not before.startswith(":")) or (marks and not inside and after and not after.startswith(":")):
            yield f"a displayed formula touches text at line {number + 1}: put a blank line before and after $$"


def picture_faults(text):
    """Pictures of a Markdown text that have no alternative text."""
    for found in MARKDOWN_IMAGE.finditer(text):
        if not found["alt"].strip():
            yield "a picture has no alternative text: ![what is to be seen](...)"
    for tag in HTML_IMAGE.findall(text):
        if not HTML_ALT.search(tag):
            yield "an <img> has no alternative text"
    for found in DIRECTIVE.finditer(text):
        if not re.search(r"^:alt:[ \t]*\S|^alt:[ \t]*\S", found["body"], re.MULTILINE):
            yield "a {figure} has no :alt: line"


def executed(notebook):
    """Pictures among the outputs that have no alternative text."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            found += [f"cell {number}: {fault}" for fault in output_faults(output)]
    return found


def output_faults(output):
    """A page shows an output's HTML, else its bare picture, which has no room for a text."""
    html = "".join(output.get("data", {}).get("text/html", ""))
    yield from picture_faults(html)
    if not html and any(mime in output.get("data", {}) for mime in IMAGES):
        yield "a picture was drawn without alternative text: use companion.figures, with alt=..."


def main(folder, rules):
    faults = 0
    paths = sorted(p for p in Path(folder).rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    for path in paths:
        for fault in rules(nbformat.read(path, as_version=4)):
            print(f"{path}: {fault}")
            faults += 1
    print(f"{len(paths)} notebooks, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--executed", action="store_true")
    options = parser.parse_args()
    sys.exit(main(options.folder, executed if options.executed else committed))
