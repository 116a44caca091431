"""A figure of the reader's own as one page: it plays by double click with every other host cut, and its numbers are torch's."""

import base64
import hashlib
import json
import re

import pytest
import torch

from companion.flow import flow
from companion.live import Slider, curves, export, live, plane, play, replay, store
from tests.live.test_widget import EVIL, Reader

START = torch.tensor([[0.5, -0.5], [1.0, 0.25], [-0.75, 0.5]])
BOX = {"view": [plane(x=(-1, 1), y=(-1, 1)), curves("size")], "sentence": "At t = {t:.2f} the size is {size:.3f}.", "alt": "Three points turn."}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """An empty cache, no shipped graphs, no build."""
    for name in ("COMPANION_EXPORT", "COMPANION_LIVE_FIGURES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    return tmp_path


def mine(**options):
    return live(lambda t, x, rate: torch.stack([-x[:, 1], x[:, 0]], -1) - rate * x, START, dt=0.05, frames=20, name="my_spiral",
                controls={"rate": Slider(0, 1, 0.3)}, readouts={"size": lambda x: x.square().sum()}, **{**BOX, **options})


def recorded(**options):
    path = flow(lambda t, x: -x, START, 1.0, 20)
    return play(path, name="tape", readouts={"size": lambda x: x.square().sum()}, **{**BOX, **options})


def read(path):
    return Reader(path.read_text("utf8").removeprefix("<!doctype html>\n")).found


def test_a_saved_figure_plays_by_double_click(places, visit):
    figure = mine()
    path = figure.save(places / "mine.html")
    assert path == places / "mine.html" and [p.name for p in places.glob("*.html")] == ["mine.html"]
    seen = visit(path.as_uri())
    element = seen.page.locator("figure.live")
    slider = element.locator(".live-controls input[type=range]")
    slider.focus()
    seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_selector("figure.live[data-status=playing], figure.live[data-status=ready]", timeout=60_000)
    state = element.evaluate("async (f) => { const c = f.companion; await c.reset(); await c.advance(20); return c.state(); }")
    assert state["k"] == 20 and state["controls"]["rate"] > 0.3
    end = replay(figure, state["events"] or [(0, "rate", state["controls"]["rate"])], 20).end
    assert (torch.tensor(state["x"]).reshape(3, 2) - end).abs().max() < 1e-6
    assert abs(state["readouts"]["size"] - end.square().sum()) < 1e-5
    seen.clean()
    assert seen.refused() == []


def test_a_saved_recording_plays_by_double_click(places, visit):
    figure = recorded()
    path = figure.save(str(places / "tape.html"), title="My run", lang="fr")
    assert path.stat().st_size < 400_000
    seen = visit(path.as_uri())
    assert seen.page.title() == "My run" and seen.page.locator("html").get_attribute("lang") == "fr"
    seen.page.wait_for_selector("figure.live[data-status=tape]")
    assert seen.page.locator(".live-sentence:visible").inner_text() == figure.sentence
    seen.page.locator("[data-act=reset]").click()
    assert f"the size is {START.square().sum():.3f}" in seen.page.locator(".live-sentence:visible").inner_text()
    seen.page.locator("[data-act=play]").click()
    seen.page.wait_for_selector("figure.live[data-frame='20']")
    seen.clean()
    assert seen.refused() == []


def test_the_page_says_what_it_is_without_javascript(places, visit):
    seen = visit(recorded().save(places / "tape.html").as_uri(), java_script_enabled=False)
    assert seen.page.get_by_role("img", name="Three points turn.").is_visible() and seen.page.get_by_role("heading").inner_text() == "Tape"


def test_the_policy_names_each_script_and_lets_nothing_else_in(places, monkeypatch):
    monkeypatch.setattr(export, "to_onnx", lambda *traced: b"onnx")
    for figure, count in ((mine(caption=EVIL, alt=EVIL, sentence=EVIL), 3), (recorded(caption=EVIL, sentence=EVIL), 2)):
        path = figure.save(places / "page.html", title=EVIL)
        found = read(path)
        rules = next(a["content"] for tag, a, _ in found if tag == "meta" and "http-equiv" in a)
        scripts = re.findall(r"<script>(.*?)</script>", path.read_text("utf8"), re.DOTALL)
        assert len(scripts) == count and [text.rstrip("\n") for tag, _, text in found if tag in ("title", "h1")] == [EVIL, EVIL]
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
        rule = dict(part.strip().split(" ", 1) for part in rules.split(";"))
        assert rule["script-src"].split() == [*hashes, "'wasm-unsafe-eval'", "blob:"] and rule["default-src"] == "'none'"
        assert not re.search(r"(?:src|href)=\"(?!data:)", re.sub(r"<script.*?</script>", "", path.read_text("utf8"), flags=re.DOTALL))
        spec = json.loads(next(text for tag, a, text in found if a.get("class") == "live-spec"))
        assert spec["engine"] == ("page" if count == 3 else "recording")
        assert set(spec["graphs"]) == {key for row in spec["programs"].values() for key in row.values()}


def test_what_only_a_kernel_computes_is_refused_in_words(places):
    with pytest.raises(ValueError, match=r"'my_spiral' has engine='kernel'.*play"):
        mine(engine="kernel").save(places / "mine.html")
    solves = live(lambda t, x: torch.linalg.solve(torch.eye(2) + x.T @ x, x.T).T, START, dt=0.1, name="solves",
                  **{**BOX, "view": plane(x=(-1, 1), y=(-1, 1)), "sentence": "t"})
    with pytest.raises(ValueError, match=r"(?s)'solves' cannot be exported for a page.*play"):
        solves.save(places / "mine.html")
    assert list(places.glob("*.html")) == []


def test_a_missing_exporter_is_named(places, monkeypatch):
    def missing(*traced):
        raise ModuleNotFoundError("No module named 'onnxscript'", name="onnxscript")

    monkeypatch.setattr(export, "to_onnx", missing)
    with pytest.raises(ValueError, match="onnxscript is missing: pip install"):
        mine().save(places / "mine.html")


@pytest.mark.parametrize("path, options, words", [
    (3, {}, "expected the name of a file"), ("mine", {}, "ends with .html"), ("mine.png", {}, "ends with .html"), ("nowhere/mine.html", {}, "folder"),
    ("mine.html", {"title": 3}, "title is a int"), ("mine.html", {"lang": 3}, "lang is a int"),
])
def test_a_path_that_cannot_be_one_is_refused(path, options, words, places, monkeypatch):
    monkeypatch.chdir(places)
    with pytest.raises((TypeError, ValueError), match=words):
        recorded().save(path, **options)
