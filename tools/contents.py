"""One description a chapter, book/<theme>/<chapter>.yml, and all that is made from it:

    python -m tools.contents       writes _toc.yml, the cards of book/index.md, the list of book/solutions.md, the box "At a glance" of each chapter

A description has the name (on cards and in lists; the title is the notebook's own), the order within its theme, the status (complete or draft), the
chapters it comes after, the number of classes of 90 minutes, the seconds that its notebook runs on two CPU cores, what the reader will learn and
needs, and what a better machine would gain. book/<theme>/theme.yml describes a theme. tests/book/test_contents.py compares.
"""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
KINDS = {"name": str, "order": int, "status": str, "after": list, "classes": int, "seconds": int, "learn": str, "need": str, "machine": str}
FRONT = [("Before you start", ["how_to_read", "how_to_run"])]
CLASSES = {1: "90 minutes of class.", 2: "Two classes of 90 minutes.", 3: "Three classes of 90 minutes."}
BOX = """:::{{admonition}} At a glance
:class: tip
**You will learn** {learn}

**You need** {need}

**Time** {time} The notebook runs in about {seconds} seconds on two CPU cores. {machine}
:::"""
CARD = """::::{{grid-item-card}} {title}
:shadow: none
:img-top: assets/{theme}.svg
:img-alt: {picture}

{sentence}

{links}
::::"""
GRID = """:::::{{grid}} 1 1 3 3
:gutter: 3
:class-container: themes

{cards}
:::::"""
GLANCE = re.compile(r":::\{admonition\} At a glance\n.*?\n:::", re.DOTALL)


def themes(book=None):
    """{folder: its theme.yml}, in their order."""
    found = {p.parent.name: yaml.safe_load(p.read_text("utf8")) for p in ((book or ROOT / "book").glob("*/theme.yml"))}
    return dict(sorted(found.items(), key=lambda item: item[1]["order"]))


def chapters(book=None):
    """{page: its description}, as training/momentum, in the order of the book."""
    book, found = book or ROOT / "book", {}
    for theme in themes(book):
        here = {f"{theme}/{p.stem}": described(p) for p in (book / theme).glob("*.yml") if p.name != "theme.yml"}
        found.update(sorted(here.items(), key=lambda item: item[1]["order"]))
    return found


def described(path):
    """A chapter's description; ValueError where a word is missing, is none of KINDS, or is of another kind."""
    found = yaml.safe_load(path.read_text("utf8"))
    wrong = [name for name in KINDS.keys() | found.keys() if not isinstance(found.get(name), KINDS.get(name, ()))]
    if wrong or found["status"] not in ("complete", "draft") or found["classes"] not in CLASSES:
        raise ValueError(f"{path}: {', '.join(sorted(wrong)) or 'status, classes'} cannot be read; expected {KINDS}, a status complete or draft, "
                         f"and 1 to {len(CLASSES)} classes.")
    return {name: value.strip() if isinstance(value, str) else value for name, value in found.items()}


def link(page, about, *, suffix=""):
    """The chapter's name as a link; a draft says that it is one."""
    return f"[{about['name']}]({page}{suffix}.ipynb)" + " (draft)" * (about["status"] == "draft")


def of(theme, known):
    """The chapters of one theme."""
    return {page: about for page, about in known.items() if page.startswith(f"{theme}/")}


def toc(book=None):
    """The text of _toc.yml."""
    known = chapters(book)
    parts = [*FRONT, *((about["title"], list(of(theme, known))) for theme, about in themes(book).items())]
    lines = ["format: jb-book", "root: index", "parts:"]
    for caption, pages in parts:
        lines += [f"  - caption: {caption}", "    chapters:", *(f"      - file: {page}" for page in pages)]
    lines += ["  - caption: At the back", "    chapters:", "      - file: glossary", "      - file: solutions", "        sections:"]
    lines += [f"          - file: {page}_solutions" for page in known]
    return "\n".join([*lines, "      - file: api", "        title: The package companion", "      - file: references", ""])


def cards(book=None):
    """The cards of the first page, one a theme."""
    known = chapters(book)
    written = (CARD.format(theme=theme, **about, links=" ·\n".join(link(*item) for item in of(theme, known).items()))
               for theme, about in themes(book).items())
    return GRID.format(cards="\n\n".join(written))


def solutions(book=None):
    """The list of all solutions."""
    return "\n".join(f"- {link(page, about, suffix='_solutions')}" for page, about in chapters(book).items())


def between(text, name, new):
    """The text with `new` between its lines `% name` and `% end of name`."""
    return re.sub(rf"(?<=^% {name}\n).*?(?=^% end of {name}$)", lambda _: f"\n{new}\n\n", text, count=1, flags=re.DOTALL | re.MULTILINE)


def glance(about):
    """The box that stands near the beginning of a chapter."""
    return BOX.format(**about, time=CLASSES[about["classes"]])


def with_glance(text, about):
    """A notebook's text with the box of its description."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and GLANCE.search(source):
            cell["source"] = GLANCE.sub(lambda _: glance(about), source).splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def made(root=ROOT):
    """{path: what its text should be}."""
    book = root / "book"
    found = {root / "_toc.yml": toc(book)}
    for name, new in (("index", cards(book)), ("solutions", solutions(book))):
        found[book / f"{name}.md"] = between((book / f"{name}.md").read_text("utf8"), "made by tools/contents.py", new)
    return found | {book / f"{page}.ipynb": with_glance((book / f"{page}.ipynb").read_text("utf8"), about) for page, about in chapters(book).items()}


if __name__ == "__main__":
    for path, text in made().items():
        if path.read_text("utf8") != text:
            path.write_text(text, "utf8")
            print(f"{path.relative_to(ROOT)}: written")
