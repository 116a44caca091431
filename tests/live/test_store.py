"""Graphs are found in the package first, then in the reader's cache, and appear there whole."""

import gzip
import zipfile

import pytest
import torch

from companion.live import Choice, Slider, export, plane, store
from companion.live.figure import declare


@pytest.fixture
def places(tmp_path, monkeypatch):
    """(shipped, cache): two empty folders in place of the package's and the reader's."""
    monkeypatch.delenv("COMPANION_EXPORT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped", tmp_path / "home" / "learning-in-motion" / "graphs"


def test_a_graph_is_kept_in_the_readers_cache(places):
    shipped, cache = places
    assert store.find("a") is None
    store.keep("a", b"graph")
    assert store.find("a") == b"graph" and store.find("b") is None and not shipped.exists()
    assert [f.name for f in cache.iterdir()] == ["a.onnx.gz"] and gzip.decompress((cache / "a.onnx.gz").read_bytes()) == b"graph"
    store.keep("a", b"another"), store.keep("b", b"more")
    assert store.find("a") == b"another" and store.find("b") == b"more"


def test_a_build_keeps_graphs_in_the_package(places, monkeypatch):
    shipped, cache = places
    monkeypatch.setenv("COMPANION_EXPORT", "1")
    store.keep("a", b"graph")
    assert [f.name for f in shipped.iterdir()] == ["a.onnx.gz"] and not cache.exists()
    monkeypatch.delenv("COMPANION_EXPORT")
    assert store.find("a") == b"graph"


def test_shipped_graphs_come_before_the_cache(places):
    shipped, _ = places
    store.keep("a", b"cached"), store.keep("c", b"cached")
    (shipped / "training").mkdir(parents=True)
    with zipfile.ZipFile(shipped / "training" / "momentum.zip", "w") as archive:
        archive.writestr("race/heavy-ball.step.a.onnx", b"shipped"), archive.writestr("race/see.b.onnx", b"seen")
    (shipped / "c.onnx.gz").write_bytes(store.packed(b"of a build"))
    store.shipped.cache_clear()
    assert [store.find(key) for key in "abcd"] == [b"shipped", b"seen", b"of a build", None]


def test_a_graph_appears_whole(places, monkeypatch):
    seen = []
    write = type(places[1]).write_bytes
    monkeypatch.setattr(type(places[1]), "write_bytes", lambda path, data: (write(path, data), seen.append(store.find("a"))))
    store.keep("a", b"graph")
    assert seen == [None] and store.find("a") == b"graph"


def test_the_cache_is_at_home_when_nothing_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False), monkeypatch.delenv("COMPANION_EXPORT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.cache() == tmp_path / ".cache" / "learning-in-motion" / "graphs"


def test_packed_bytes_are_gzip_and_always_the_same():
    data = b"learning in motion" * 500
    assert gzip.decompress(store.packed(data)) == data and len(store.packed(data)) < 200
    assert store.packed(data)[4:8] == bytes(4)  # no date: the same graph is the same file


def figure(**options):
    given = {"dynamics": lambda t, x, *, rate: -rate * x, "start": torch.rand(4, 2), "dt": 0.1, "controls": {"rate": Slider(0, 1, 0.5)},
             "view": plane(x=(0, 1), y=(0, 1), drag=True)}
    return declare(**{**given, **options}, name="f", sentence="t", alt="points")


def test_graphs_are_exported_once(places, monkeypatch):
    with pytest.raises(export.Missing, match="f: step"):
        export.graphs(figure(), export=False)
    table, found = export.graphs(figure())
    assert set(table) == {""} and set(table[""]) == {"step", "see", "put"} and set(found) == set(table[""].values())
    assert {k: store.find(k) for k in found} == found
    monkeypatch.setattr(export, "to_onnx", None)
    start = figure().start
    assert export.graphs(figure(start=start))[0] == table == export.graphs(figure(start=start), export=False)[0]


def test_what_a_notebook_has_trained_is_not_shipped(places, monkeypatch):
    monkeypatch.setenv("COMPANION_EXPORT", "1")
    trained = torch.rand(4, 2)  # another build trains other numbers: another trace, another key
    f = figure(dynamics=lambda t, x, *, rate: rate * trained * x, shipped=False)
    table, found = export.graphs(f)
    assert set(found) == set(table[""].values()) and not places[0].exists() and not places[1].exists()
    with pytest.raises(export.Missing):
        export.graphs(f, export=False)
    export.graphs(figure())
    assert len(list(places[0].iterdir())) == 3


def test_every_combination_of_choices_has_its_graphs(places, monkeypatch):
    monkeypatch.setattr(export, "to_onnx", lambda *traced: b"graph")
    choices = {"m": Choice({"a": 1.0, "b": 2.0}), "s": Choice({"in": 1.0, "out": -1.0}), "rate": Slider(0, 1, 0.5)}
    table, _ = export.graphs(figure(dynamics=lambda t, x, *, m, s, rate: rate * m * s * x, controls=choices))
    assert set(table) == {"a|in", "a|out", "b|in", "b|out"} and len({row["step"] for row in table.values()}) == 4
    assert len({row["see"] for row in table.values()}) == 1


def sized(shape=("n", 2), **options):
    controls = {"n": Slider(2, 30, 6, step=1, acts="start"), "rate": Slider(0, 1, 0.5)}
    return figure(start=lambda xi: xi, shape=shape, controls=controls, **options)


def test_example_inputs_say_which_axis_is_the_readers():
    x = torch.zeros(6, 2)
    inputs, axes = export.examples(sized(), "step", x)
    assert list(inputs) == ["t", "k", "dt", "n", "rate", "x"] and inputs["x"].shape == (37, 2) and axes == {"x": {0: "n"}}
    inputs, axes = export.examples(sized(), "start", x)
    assert inputs["xi"].shape == (37, 2) and "x" not in inputs and axes == {"xi": {0: "n"}}
    inputs, axes = export.examples(sized(shape=(3, "n", 2)), "see", torch.zeros(3, 6, 2))
    assert inputs["x"].shape == (3, 37, 2) and axes == {"x": {1: "n"}}
    inputs, axes = export.examples(sized(), "put", x)
    assert inputs["p"].shape == (2,) and inputs["i"].shape == () and axes == {"x": {0: "n"}}
    inputs, axes = export.examples(sized(method=None, noise=True, dynamics=lambda k, x, xi: x + xi), "step", x)
    assert inputs["xi"].shape == (37, 2) and axes == {"x": {0: "n"}, "xi": {0: "n"}}
    fixed = figure()
    inputs, axes = export.examples(fixed, "step", fixed.start)
    assert torch.equal(inputs["x"], fixed.start) and inputs["x"] is not fixed.start and axes == {}
    assert list(export.examples(fixed, "ground", fixed.start)[0]) == ["t", "k", "dt", "rate"]


def test_a_graph_of_any_size_is_one_graph():
    def key(n):
        f = sized()
        inputs, axes = export.examples(f, "step", torch.zeros(n, 2))
        traced, outputs = export.trace(export.programs(f, {})["step"], inputs, axes)
        assert outputs == ["next"]
        return export.key(traced, inputs, axes, outputs)

    assert key(5) == key(6) and len(key(5)) == 20
