"""One chapter alone (make chapter): what is executed, what its little book holds, which tests prove it, which warnings count."""

import json

import pytest
import yaml

from tools import chapter, contents

TITLE = {"cell_type": "markdown", "metadata": {}, "source": ["# A toy"]}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A book of one chapter, its runs, and what was executed: every notebook is its own hash."""
    book, runs, ran = tmp_path / "book", tmp_path / "runs", []
    (book / "training").mkdir(parents=True)
    for name in ("toy", "toy_solutions", "other"):
        (book / "training" / f"{name}.ipynb").write_text(json.dumps({"cells": [TITLE], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    monkeypatch.setattr(chapter.stage, "BOOK", book)
    monkeypatch.setattr(chapter.stage, "digest", lambda path: path.name)

    def run(names, runs):
        ran.extend(names)
        for name in names:
            stop = {"cell": 1, "line": "", "error": "planted"} if name.endswith("solutions") else None
            chapter.stage.keep(runs / name, book / f"{name}.ipynb", tmp_path / "none", {"hash": f"{name.split('/')[1]}.ipynb", "stop": stop})

    monkeypatch.setattr(chapter.stage, "run", run)
    return runs, ran


def test_what_has_changed_is_executed_and_what_stopped_is_told(runs):
    folder, ran = runs
    pages = chapter.pages_of("training/toy")
    assert chapter.execute(pages, folder) == {"training/toy_solutions": {"cell": 1, "line": "", "error": "planted"}}
    assert ran == ["training/toy", "training/toy_solutions"]
    chapter.execute(pages, folder)
    assert ran == ["training/toy", "training/toy_solutions", "training/toy_solutions"]  # one that stopped runs again


def test_the_little_book_holds_the_chapter_alone(runs, tmp_path):
    pages = chapter.pages_of("training/toy")
    chapter.execute(pages, runs[0])
    toc = yaml.safe_load(chapter.put_together(pages, runs[0], tmp_path / "chapter").read_text())
    assert toc["root"] == pages[0] and [c["file"] for c in toc["chapters"]] == [pages[1], *chapter.SHARED]
    found = sorted(p.name for p in (tmp_path / "chapter" / "stage").rglob("*.ipynb"))
    assert found == ["toy.ipynb", "toy_solutions.ipynb"]


@pytest.mark.parametrize("page", contents.chapters())
def test_every_chapter_has_tests_of_its_own(page):
    found = chapter.tests_of(page)
    assert sum(page.split("/")[1] in name for name in found) >= 1 and all((chapter.ROOT / name).exists() for name in found)
    assert "tests/book/test_notebooks.py" in found


def test_warnings_about_pages_that_are_elsewhere_do_not_count():
    said = "toy.ipynb: WARNING: Inline emphasis\ntoy.ipynb: WARNING: unknown document: other\nreading sources\nindex: ERROR: no such directive"
    assert chapter.warnings_of(said) == ["toy.ipynb: WARNING: Inline emphasis", "index: ERROR: no such directive"]


def test_a_chapter_that_is_not_there_is_answered_in_words(capsys):
    assert chapter.main("training/mometum") == 2
    said = capsys.readouterr().out
    assert "no chapter 'training/mometum'" in said and "training/momentum" in said
