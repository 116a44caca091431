"""What a class takes home, in the built book: every notebook without outputs, a zip for students and a zip for teachers.

Both zips unpack to one folder: the notebooks in their themes' folders with the pictures they show and the pages they link to, the wheel of
`companion`, and a README with the lines to type. Solutions are the notebooks whose name ends in _solutions; the students' zip has none. The same
sources make the same bytes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

from tools.contents import CLASSES, chapters

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
NAME = "learning-in-motion"
DAY = (2026, 1, 1, 0, 0, 0)  # of every file in a zip, so that the same sources make the same bytes
SOLUTIONS = "_solutions.ipynb"
PAGE = re.compile(r"\]\((?P<path>[\w./]+\.md)\)")
PICTURE = re.compile(r"!\[[^\]]*\]\((?P<path>[^)\s:]+)\)|<img\b[^>]*\bsrc=\\?[\"'](?P<source>[^\"'\\:]+)")
README = """Learning in Motion: the notebooks{whom}.

You need Python 3.11 or newer. In a terminal, in this folder:

    python3 -m venv .venv
    . .venv/bin/activate                      (Windows: .venv\\Scripts\\activate)
    pip install torch                         (Linux without an NVIDIA card: add --index-url https://download.pytorch.org/whl/cpu)
    pip install "./{wheel}[live,pot,data,export]" jupyterlab jupyterlab-myst ipywidgets
    jupyter lab

Then open a notebook and run its cells from the top. Exercises stand at the end of a chapter: replace None by your
answer and run the cell; the check says what it measured. The chapters, in the order of the book:

{chapters}

The book and its sources: {repository}
Code: MIT (LICENSE). Text and figures: CC BY 4.0 (LICENSE-text).
"""


def notebooks(*, solutions):
    """The notebooks of the book, with or without the solutions, in the order of their paths."""
    found = [p for p in sorted(BOOK.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
    return [p for p in found if solutions or not p.name.endswith(SOLUTIONS)]


def shown(paths):
    """The files of the book that notebooks show, and the pages without code that they link to."""
    texts = {path: path.read_text("utf8") for path in paths}
    found = {path.parent / (m["path"] or m["source"]) for path, text in texts.items() for m in PICTURE.finditer(text)}
    found |= {path.parent / m["path"] for path, text in texts.items() for m in PAGE.finditer(text)}
    return sorted(file for file in {f.resolve() for f in found} if file.is_file() and file.is_relative_to(BOOK))


def wheel(folder):
    """Build the wheel of companion into a folder, without a network. Returns its path.

    From a copy: setuptools leaves a folder `build` behind, and takes modules that are no more from the one it finds.
    """
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(ROOT / "companion", Path(copy) / "companion", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check", "--wheel-dir", folder]
        subprocess.run([sys.executable, "-m", "pip", "wheel", *options, copy], check=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1767225600"})
    return next(Path(folder).glob("*.whl"))


def contents(package, *, solutions):
    """{name in the zip: its bytes}."""
    paths = notebooks(solutions=solutions)
    listed = "\n".join(f"    {page}.ipynb: {about['name']}. {CLASSES[about['classes']]}" for page, about in chapters().items())
    repository = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["repository"]["url"]
    readme = README.format(whom=", and the solutions, for teachers" if solutions else "", wheel=package.name,
                           chapters=listed, repository=repository)  # fmt: skip
    files = {p.relative_to(BOOK).as_posix(): p.read_bytes() for p in [*paths, *shown(paths)]}
    files |= {name: (ROOT / name).read_bytes() for name in ("LICENSE", "LICENSE-text")}
    return files | {"README.txt": readme.encode(), package.name: package.read_bytes()}


def pack(path, files):
    """Write a zip whose bytes depend on the files alone."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{NAME}/{name}", DAY)
            entry.external_attr = 0o644 << 16
            kind = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, kind)


def write(site):
    """Put the notebooks and the two zips into a built book."""
    for path in notebooks(solutions=True):  # the button .ipynb gives what the repository has, not a megabyte of outputs
        page = Path(site) / "_sources" / path.relative_to(BOOK)
        if page.exists():
            shutil.copyfile(path, page)
    folder = Path(site) / "_static" / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        package = wheel(temporary)
        for who, solutions in (("students", False), ("teachers", True)):
            pack(folder / f"{NAME}-{who}.zip", contents(package, solutions=solutions))
