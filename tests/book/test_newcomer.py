"""A chapter added by following CONTRIBUTING.md is executed, built and proved: the files of tests/book/newcomer in a copy of the house."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools.archive import SPEC
from tools.check_notebooks import FIRST_CELL

ROOT = Path(__file__).parents[2]
NEW = Path(__file__).parent / "newcomer"
FILES = sorted(path.relative_to(NEW).as_posix() for path in NEW.rglob("*.*") if "__pycache__" not in path.parts)


def notebook(text):
    """The notebook of a text whose cells begin with +++ and a tag, or with +++ markdown."""
    kinds = re.findall(r"^\+\+\+ ?(.*)$", text, re.MULTILINE)
    cells = []
    for kind, source in zip(["markdown", *kinds], re.split(r"^\+\+\+.*\n", text, flags=re.MULTILINE), strict=True):
        source = FIRST_CELL if source.strip() == "FIRST CELL" else source.strip()
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cells.append(new(source, metadata={"tags": [kind]} if kind not in ("markdown", "") else {}))
    language = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=language)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the house with the chapter training/spring in it."""
    folder = tmp_path_factory.mktemp("newcomer") / "house"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not name.startswith("tests/book/newcomer/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for name in FILES:
        to = folder / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.suffix == ".md":
            nbformat.write(notebook((NEW / name).read_text("utf8")), to.with_suffix(".ipynb"))
        else:
            shutil.copy(NEW / name, to)
    return folder


def said(house, *command):
    """(status, words) of a command run in the house as a newcomer would."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COMPANION_", "PYTEST_"))}
    env |= {"PYTHONPATH": str(house), "XDG_CACHE_HOME": str(house.parent / "cache"), "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, *command], cwd=house, env=env, capture_output=True, text=True, timeout=1200)
    return run.returncode, run.stdout + run.stderr


def test_the_guide_names_every_file_of_a_chapter():
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf8")
    for name in FILES:
        place = name.replace("training", "<theme>").replace("spring", "<chapter>").replace("mass.py", "...").replace(".md", ".ipynb")
        assert place.removesuffix("__init__.py").removesuffix("...") in guide, f"{place} is not said"


def test_a_chapter_by_the_guide_is_executed_built_and_proved(house):
    assert said(house, "-m", "tools.contents")[0] == 0
    assert "training/spring" in (house / "_toc.yml").read_text("utf8")
    assert "[A spring](training/spring.ipynb) (draft)" in (house / "book" / "index.md").read_text("utf8")
    written = [name.replace(".md", ".ipynb") for name in FILES if Path(name).suffix in (".py", ".md")]
    for rule in (("-m", "ruff", "check", *written), ("tools/check_notebooks.py", "book")):
        status, words = said(house, *rule)
        assert status == 0, words
    status, words = said(house, "tools/chapter.py", "training/spring")
    assert status == 0, words
    page = (house / "_build" / "chapter" / "_build" / "html" / "training" / "spring.html").read_text("utf8")
    spec = json.loads(re.search(SPEC, page)[1])
    assert spec["name"] == "swing" and spec["engine"] == "page"
    assert "You will learn" in page and "De potentia restitutiva" in page
