"""A reader's hands on a figure in Chromium: mouse, touch, keys, sliders, tools, links; by where the point goes and what the files hold."""

import csv
import io

import numpy as np
import pytest
import torch
from PIL import Image

from companion.figures.numbers import said
from companion.live import Button, Choice, Slider, assets, curves, live, plane
from tests.browsing import Visit

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Trial</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="live/live.css"></head><body><main>{body}</main><div style="height: 3000px"></div>
<script defer src="live/live.js"></script></body></html>"""
START = torch.tensor([[0.5, 0.25], [-0.5, 0.0], [0.0, -0.5]])
SENTENCE = "At t = {t:.2f} (step {k:.0f}, {mode}, gain {gain:.3g}) the sum of squares is {E:.3e}."


def step(k, x, *, rate, gain, mode, cells, level):
    return x * (1 + 0.001 * mode * rate * gain) + 0 * (cells + level)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANION_LIVE_FIGURES", str(tmp_path_factory.mktemp("figures")))
        controls = {
            "rate": Slider(0, 30, 1),
            "gain": Slider(1e-2, 1e6, 1, log=True),
            "cells": Slider(1, 9, 3, step=1),
            "level": Slider(values=(0, 0.5, 3)),
            "mode": Choice({"grow": 1.0, "shrink & rest": -1.0}),
            "kick": Button(lambda x: 2 * x),
        }
        yield live(
            step,
            START,
            name="hands",
            dt=0.5,
            method=None,
            frames=12,
            still=6,
            controls=controls,
            sentence=SENTENCE,
            alt="Three points.",
            view=[plane(x=(-1, 1), y=(-1, 1), drag=True, size=8, title="The plane"), curves("E")],
            readouts={"E": lambda x: x.square().sum()},
        )


@pytest.fixture(scope="module")
def address(shown, tmp_path_factory, serve):
    site = tmp_path_factory.mktemp("site")
    assets.write(site)
    (site / "index.html").write_text(PAGE.format(body=shown.html()), encoding="utf-8")
    return serve(site) + "/index.html"


class Figure:
    """The figure of a page, and the reader's hands."""

    def __init__(self, page):
        self.page, self.figure, self.canvas = page, page.locator("figure"), page.locator("canvas").first

    def state(self):
        return self.page.evaluate(
            "document.querySelector('figure').companion.ready().then(() => document.querySelector('figure').companion.state())"
        )

    def advance(self, steps):
        self.page.evaluate(f"document.querySelector('figure').companion.advance({steps})")

    def fresh(self):
        """At the start of the declared run, at rest."""
        self.page.evaluate(
            """(async () => { const f = document.querySelector('figure').companion; await f.reset(); })()"""
        )
        return self

    def key(self, *keys, on=None):
        (on or self.canvas).focus()
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def slider(self, name):
        return self.page.locator(f"input[name={name}]")

    def press(self, act):
        self.page.locator(f"[data-act={act}]").click()

    def sentence(self):
        return self.page.locator(".live-sentence[aria-live]").inner_text()

    def rests(self, frame):
        self.page.wait_for_function(
            "n => document.querySelector('figure').dataset.frame === String(n)", arg=frame, timeout=20_000
        )
        self.page.wait_for_selector("figure:not([data-status=playing]):not([data-status=loading])", timeout=20_000)

    def painted(self):
        """Where pixels of the points' colour are, on the page."""
        box = self.canvas.bounding_box()
        return np.add(self.page.evaluate(BLUE), (box["x"], box["y"]))


BLUE = """() => {
  const c = document.querySelector("canvas"), r = c.width / c.clientWidth, d = c.getContext("2d").getImageData(0, 0, c.width, c.height), found = [];
  for (let p = 0; p < d.width * d.height; p++) {
    const [red, green, blue, solid] = d.data.slice(4 * p, 4 * p + 4);
    const off = Math.abs(red - 11) + Math.abs(green - 106) + Math.abs(blue - 173);
    if (solid > 250 && off < 12) found.push([(p % d.width) / r, Math.floor(p / d.width) / r]);
  }
  return found;
}"""


def visit_(browser, address, **options):
    visit = Visit(
        browser.new_context(viewport={"width": 900, "height": 1000}, accept_downloads=True, **options).new_page()
    ).watch()
    visit.page.goto(address)
    visit.page.wait_for_selector("figure[data-status=tape],figure[data-status=ready]", timeout=20_000)
    return visit


@pytest.fixture(scope="module")
def hands(browser, address):
    """One visit for all these tests."""
    visit = visit_(browser, address)
    yield Figure(visit.page)
    visit.clean()
    visit.page.context.close()


def clusters(f):
    """Middles of the three painted points, on the page, from left to right."""
    at = f.painted()
    order = at[np.argsort(at[:, 0])]
    groups = np.split(order, np.nonzero(np.diff(order[:, 0]) > 4)[0] + 1)
    assert len(groups) == 3
    return [tuple((g.min(0) + g.max(0)) / 2) for g in groups]


def test_a_point_follows_the_mouse_and_lies_where_it_is_let_go(hands):
    f = hands.fresh()
    left, middle, right = clusters(f)  # (-0.5, 0), (0, -0.5), (0.5, 0.25)
    unit = (right[0] - left[0]) / 1.0
    assert (left[1] - right[1]) / unit == pytest.approx(0.25, abs=0.02) and (
        middle[1] - left[1]
    ) / unit == pytest.approx(0.5, abs=0.02)
    f.page.mouse.move(*right)
    assert f.canvas.evaluate("c => c.style.cursor") == "grab"
    f.page.mouse.down()
    assert f.canvas.evaluate("c => c.style.cursor") == "grabbing"
    f.page.mouse.move(right[0] + 10, right[1] - 10)
    f.page.mouse.move(right[0] + 0.2 * unit, right[1] - 0.5 * unit, steps=4)
    f.page.mouse.up()
    f.page.wait_for_function("document.querySelector('figure').companion.state().events.length > 0", timeout=20_000)
    state = f.state()
    if f.figure.get_attribute("data-status") == "playing":
        f.press("play")
    _, name, (i, x, y) = state["events"][-1]
    assert (name, i) == ("drag", 0) and (x, y) == pytest.approx((0.7, 0.75), abs=0.02)
    assert f.page.locator(".live-spoken").first.inner_text().startswith("Point 1 of 3 at (")
    f.page.mouse.move(left[0], left[1] + 60)
    assert f.canvas.evaluate("c => c.style.cursor") == ""


def test_keys_choose_and_move_points(hands):
    f = hands.fresh()
    f.key("Escape", "]", "]", "ArrowRight", "ArrowUp", "Shift+ArrowUp", "[", "ArrowLeft", "ArrowDown")
    f.page.wait_for_function(
        "document.querySelector('figure').companion.state().events.some(([, , [i, , y]]) => i === 1 && y > 0.15)", timeout=20_000)
    f.page.wait_for_function("document.querySelector('figure').companion.state().events.at(-1)[2][0] === 0", timeout=20_000)
    state = f.state()
    assert {event[1] for event in state["events"]} == {"drag"} and {event[2][0] for event in state["events"]} == {
        0,
        1,
    }
    one = [e[2] for e in state["events"] if e[2][0] == 1]
    assert one[0][1:] == pytest.approx([-0.46, 0.0], abs=0.05) and one[-1][2] > 0.15
    assert f.page.locator(".live-spoken").first.inner_text().startswith("Point 1 of 3 at (")


def test_sliders_by_keys(hands):
    f = hands.fresh()
    for name, first, more, fewer in (
        ("rate", "1.0", "1.2", "0"),
        ("cells", "3", "4", "1"),
        ("level", "0", "0.5", "0"),
        ("gain", "1", "1.1", "0.01"),
    ):
        slider, output = f.slider(name), f.page.locator(f"output[for={f.slider(name).get_attribute('id')}]")
        assert float(output.inner_text()) == pytest.approx(float(first)), name
        f.key("ArrowRight", on=slider)
        assert (
            float(output.inner_text()) == pytest.approx(float(more), rel=0.2)
            and slider.get_attribute("aria-valuetext") == output.inner_text()
        ), name
        f.key("Home", on=slider)
        assert float(output.inner_text()) == pytest.approx(float(fewer), abs=1e-9), name
    f.key("End", on=f.slider("gain"))
    f.key("End", on=f.slider("level"))
    f.page.locator(".live-choice input").first.focus()
    f.page.keyboard.press("ArrowRight")
    controls = f.state()["controls"]
    assert controls == {"rate": 0, "gain": 1e6, "cells": 1, "level": 3, "mode": "shrink & rest"}
    assert f.page.locator(".live-choice label:has(:checked)").inner_text() == "shrink & rest"


def declared(f):
    """Set every control back to its declared value, and start."""
    for name, keys in (("rate", ["Home", *["ArrowRight"] * 10]), ("level", ["Home"]), ("gain", ["Home"])):
        f.key(*keys, on=f.slider(name))
    f.page.locator(".live-choice label", has_text="grow").click()
    return f.fresh()


def test_play_rests_at_the_last_frame_and_step_and_reset(browser, address, shown):
    visit = visit_(browser, address)
    f = Figure(visit.page)
    assert f.figure.get_attribute("data-frame") == "6" and f.canvas.get_attribute("aria-label").startswith(
        "The plane. Three points."
    )
    f.press("play")
    f.page.wait_for_selector("[data-act=play][aria-label=Pause]")
    f.rests(12)
    state = f.state()
    assert state["k"] == 12 and f.page.locator("[data-act=play]").get_attribute("aria-label") == "Play"
    scrub = f.page.locator(".live-scrub")
    assert (scrub.input_value(), scrub.get_attribute("max"), scrub.get_attribute("aria-valuetext")) == (
        "12",
        "12",
        "t = 6",
    )
    want = said(SENTENCE, {"t": 6.0, "k": 12, "mode": "grow", "gain": 1.0, "E": state["readouts"]["E"]})
    assert f.sentence() == want
    f.key("Home", on=scrub)
    assert f.figure.get_attribute("data-frame") == "0" and "At t = 0.00 (step 0" in f.sentence()
    f.press("step")
    f.rests(1)
    f.press("reset")
    f.rests(0)
    state = f.state()
    assert (
        state["k"] == 0
        and np.allclose(state["x"], START.reshape(-1))
        and state["events"] == []
        and scrub.input_value() == "0"
    )
    visit.clean()
    visit.page.context.close()


def test_what_overflows_stops_and_says_so(browser, address):
    visit = visit_(browser, address)
    f = Figure(visit.page)
    f.key("End", on=f.slider("rate"))
    f.key("End", on=f.slider("gain"))
    f.page.wait_for_selector("figure[data-status=error]", timeout=20_000)
    words = f.page.locator(".live-message").inner_text()
    assert (
        "overflow" in words
        and np.isfinite(f.page.evaluate("document.querySelector('figure').companion.state().x")).all()
    )
    assert int(f.figure.get_attribute("data-frame")) >= 1
    f.key("Home", on=f.slider("gain"))
    f.page.wait_for_selector("figure:not([data-status=error])", timeout=20_000)
    f.rests(12)
    assert f.page.locator(".live-message").inner_text() == ""
    visit.clean()
    visit.page.context.close()


def saved(f, act):
    with f.page.expect_download() as found:
        f.press(act)
    return found.value.suggested_filename, found.value.path()


def test_files_hold_what_is_shown(hands):
    f = declared(hands)
    f.advance(3)
    name, path = saved(f, "csv")
    rows = list(csv.reader(io.StringIO(path.read_text())))
    state = f.state()
    assert name == "hands-readouts.csv" and rows[0] == ["k", "t", "E"] and [r[0] for r in rows[1:]] == ["0", "3"]
    assert [float(v) for v in rows[2]] == pytest.approx([3, 1.5, state["readouts"]["E"]])
    name, path = saved(f, "points")
    rows = list(csv.reader(io.StringIO(path.read_text())))
    assert (
        name == "hands-points.csv"
        and rows[0] == ["k", "t", "row", "x0", "x1"]
        and [r[2] for r in rows[1:]] == ["0", "1", "2"]
    )
    assert np.allclose([[float(v) for v in r[3:]] for r in rows[1:]], np.reshape(state["x"], (3, 2)))
    name, path = saved(f, "png")
    image = np.asarray(Image.open(path).convert("RGB"))
    boxes = [c.bounding_box() for c in f.page.locator("canvas").all()]
    assert name == "hands.png" and image.shape[1] == round(sum(b["width"] for b in boxes)) + 24 + 40
    assert image.shape[0] > boxes[0]["height"] + 40 + 28 + 30 and tuple(image[0, 0]) == (255, 255, 255)
    assert (
        0.01 < (image != 255).any(-1).mean() < 0.9 and (image[-60:] != 255).any()
    )  # the sentence stands at the foot


def test_a_link_brings_everything_back(hands, browser):
    f = declared(hands)
    f.page.locator(".live-choice label", has_text="shrink").click()
    f.key("ArrowRight", "ArrowRight", on=f.slider("rate"))
    f.press("link")
    f.page.locator(".live-message", has_text="link").wait_for()  # it passes
    link, controls = f.page.url, f.state()["controls"]
    assert "#hands?" in link and "mode=shrink+%26+rest" in link and "seed" not in link
    visit = visit_(browser, link)
    other = Figure(visit.page)
    other.rests(6)
    assert other.state()["controls"] == controls and other.state()["k"] == 6
    assert (
        other.page.evaluate("scrollY") >= 0
        and other.page.locator(".live-choice label:has(:checked)").inner_text() == "shrink & rest"
    )
    visit.clean()
    visit.page.context.close()


def test_the_projector_fills_the_window_until_escape(hands):
    f = hands
    f.press("projector")
    box = f.figure.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 900, 1000)
    assert f.page.locator("[data-act=projector]").get_attribute("aria-pressed") == "true"
    f.page.keyboard.press("Escape")
    assert (
        f.figure.bounding_box()["height"] != 1000
        and f.page.locator("[data-act=projector]").get_attribute("aria-pressed") == "false"
    )
    f.press("projector"), f.press("projector")
    assert not f.page.evaluate("document.documentElement.classList.contains('live-projecting')")


def test_a_dark_page_repaints(hands):
    sheet = "(() => { const c = document.querySelector('canvas'); return c.toDataURL(); })()"
    before = hands.page.evaluate(sheet)
    hands.page.evaluate("document.documentElement.setAttribute('data-theme', 'dark')")
    hands.page.wait_for_timeout(200)
    dark = hands.page.evaluate(sheet)
    hands.page.evaluate("document.documentElement.removeAttribute('data-theme')")
    hands.page.wait_for_timeout(200)
    assert dark != before == hands.page.evaluate(sheet)


def scrolled(f, x, y):
    """How far the page scrolls under a finger that goes 200 pixels up from a place of the canvas."""
    f.page.evaluate("scrollTo(0, 0)")
    box, session = f.canvas.bounding_box(), f.page.context.new_cdp_session(f.page)
    for kind, up in (("touchStart", 0), *(("touchMove", 10 * k) for k in range(1, 21)), ("touchEnd", None)):
        points = [] if up is None else [{"x": box["x"] + x, "y": box["y"] + y - up}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    f.page.wait_for_timeout(300)
    return f.page.evaluate("scrollY")


def test_a_finger_on_a_point_moves_it_and_beside_it_scrolls(browser, address):
    visit = visit_(browser, address, has_touch=True)
    f = Figure(visit.page)
    f.fresh()
    box = f.canvas.bounding_box()
    left, middle, _ = clusters(f)
    assert scrolled(f, middle[0] - box["x"] + 60, middle[1] - box["y"]) > 100
    assert f.state()["events"] == []
    assert scrolled(f, left[0] - box["x"], left[1] - box["y"]) == 0
    state = f.state()
    _, name, (i, x, y) = state["events"][-1]
    assert (name, i) == ("drag", 1) and x == pytest.approx(-0.5, abs=0.06) and y > 0.5
    visit.clean()
    visit.page.context.close()
