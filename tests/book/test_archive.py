"""The package ships the graphs that the book's notebooks use: one archive a chapter, entries that can be read."""

import json
import zipfile

import pytest

from companion.live import store
from tools import archive


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """stage(chapter, *specs): write an executed notebook into a stage; the package has no graphs but a build's loose ones."""
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "graphs")
    monkeypatch.setenv("COMPANION_EXPORT", "1")
    store.shipped.cache_clear()

    def add(page, *specs):
        texts = [f'<script type="application/json" class="live-spec">{json.dumps(spec)}</script>' for spec in specs]
        cells = [{"outputs": [{"data": {"text/html": [text]}}]} for text in texts] + [{}, {"outputs": [{"text": "said"}]}]
        path = tmp_path / "stage" / f"{page}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cells": cells}))
        return tmp_path / "stage"

    return add


def spec(name, programs, shipped=True):
    return {"name": name, "programs": programs, "shipped": shipped}


RACE = spec("race", {"heavy ball|x_1": {"step": "k1", "see": "k2"}, "Nesterov|x_1": {"step": "k3", "see": "k2"}})


def test_a_chapter_has_one_archive_with_names_that_can_be_read(stage, tmp_path):
    stage("training/momentum", RACE, spec("fresh", {"": {"step": "trained"}}, shipped=False))
    stage("training/momentum_solutions", spec("mine", {"": {"step": "k4"}}))
    folder = stage("sampling/sliced", spec("lamp", {"": {"step": "k1"}}))
    for key in ("k1", "k2", "k3", "k4", "idle"):
        store.keep(key, key.encode())
    archive.main(folder)
    there = {p.relative_to(tmp_path / "graphs").as_posix() for p in (tmp_path / "graphs").rglob("*") if p.is_file()}
    assert there == {"training/momentum.zip", "sampling/sliced.zip"}
    with zipfile.ZipFile(tmp_path / "graphs" / "training" / "momentum.zip") as kept:
        race = ["race/Nesterov-x_1.step.k3.onnx", "race/heavy-ball-x_1.see.k2.onnx", "race/heavy-ball-x_1.step.k1.onnx"]
        assert kept.namelist() == ["mine/step.k4.onnx", *race]
        assert [kept.read(entry) for entry in kept.namelist()] == [b"k4", b"k3", b"k2", b"k1"]
        assert {entry.date_time for entry in kept.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    store.shipped.cache_clear()
    assert store.find("k1") == b"k1" and store.find("idle") is None


def test_an_archive_changes_with_its_graphs_only(stage, tmp_path):
    folder, file = stage("training/momentum", RACE), tmp_path / "graphs" / "training" / "momentum.zip"
    for key in ("k1", "k2", "k3"):
        store.keep(key, key.encode())
    archive.main(folder)
    store.shipped.cache_clear()
    before = file.stat().st_mtime_ns
    archive.main(folder)
    assert file.stat().st_mtime_ns == before
    store.keep("k5", b"k5")
    archive.main(stage("training/momentum", RACE, spec("new", {"": {"step": "k5"}})))
    assert "new/step.k5.onnx" in zipfile.ZipFile(file).namelist() and len(zipfile.ZipFile(file).namelist()) == 4


def test_a_graph_that_is_nowhere_is_named(stage):
    folder = stage("training/momentum", RACE)
    store.keep("k1", b"k1")
    with pytest.raises(SystemExit, match=r"race/Nesterov-x_1.step.k3.onnx is not there, and 1 others; make graphs"):
        archive.main(folder)
