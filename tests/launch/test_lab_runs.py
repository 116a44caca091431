"""`make lab-runs`: a chapter runs as a reader's JupyterLab runs it, and a cell that dies there is reported."""

import re

import nbformat
import pytest

from tools import lab_runs

FIGURE = """import torch
from companion.live import live, plane, store
assert not store.SHIPPED.exists() and not store.cache().exists()
live(lambda t, x: -0.015625 * x, torch.ones(3, 2), name="f", view=plane(x=(-2, 2), y=(-2, 2)), dt=0.1, alt="Points.", sentence="t")"""
TRAINS = "w = torch.ones(2, requires_grad=True)\nfor _ in range(99): w.square().sum().backward()"
DIES = "raise KeyError('custom')"


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """chapter(*cells) -> the path of such a notebook; the switches of a build are set."""
    monkeypatch.setenv("COMPANION_EXPORT", "1")
    monkeypatch.setenv("COMPANION_LIVE_FIGURES", str(tmp_path / "figures"))

    def make(*cells):
        path = tmp_path / "chapter.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells]), path)
        return path

    return make


@pytest.mark.parametrize("cells, bad", [
    ([FIGURE, TRAINS], 0), ([FIGURE, DIES], 2), ([FIGURE.replace("-0.015625 * x", "x @ torch.linalg.inv(torch.eye(2) + x.T @ x)")], 1),
])
def test_a_cell_that_dies_is_reported(chapter, cells, bad):
    said = []
    assert lab_runs.runs([chapter(*cells)], 2, out=lambda text, **_: said.append(text)) == bad
    assert [re.match(r"chapter (\d)/2 \d+ s (FAILED)?", text).groups() for text in said] == [
        (str(n), "FAILED" if n <= bad else None) for n in (1, 2)]
    assert "1 figures compute in the page" in said[0] or bad
    assert bad != 2 or all("custom" in text for text in said)
    assert bad != 1 or "not exported: ['f']" in said[0]


def test_every_chapter_with_a_live_figure_is_run():
    names = {path.stem for path in lab_runs.chapters()}
    assert {"transformers", "neural_control", "generative"} <= names and not any("solutions" in name for name in names)
