"""Pictures in a page: the colours of the pixels are those of the tensor; beneath points they cover the box; segments join what they say."""

import numpy as np
import pytest
import torch

from companion.live import assets, live, picture, plane
from companion.live.tapes import decoded, run_of, tape
from tests.browsing import PATIENCE, Visit

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Trial</title><link rel="icon" href="data:,">
<style>:root {{ --live-ink: #000; --live-paper: #fff; }}</style></head><body><main>{body}</main>
<script defer src="live/live.js"></script></body></html>"""
CORNERS = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0], [0.2, 0.4, 0.6]]])  # red, green above blue, slate


def fade(k, x):
    return 0.5 * x


def big(x):
    return x.repeat_interleave(20, 0).repeat_interleave(20, 1)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANION_LIVE_FIGURES", str(tmp_path_factory.mktemp("figures")))
        yield live(fade, CORNERS, name="fade", method=None, frames=3, still=2, sentence="{k:.0f} steps", alt="Four colours fade.", view=[
            picture(), plane(x=(0, 1), y=(0, 1), under=big, size=1, show=lambda x: x[:, 0, :2]),
            plane(x=(0, 1), y=(0, 1), under=lambda x: big(x[..., 1]), size=1, show=lambda x: x[:, 0, :2],
                  segments=lambda x: torch.tensor([[[0.25, 0.25], [0.75, 0.25]]]) + 0 * x[0, 0, 0])])


@pytest.fixture(scope="module")
def page(shown, tmp_path_factory, serve, browser):
    site = tmp_path_factory.mktemp("site")
    assets.write(site)
    (site / "index.html").write_text(PAGE.format(body=shown.html()), encoding="utf-8")
    visit = Visit(browser.new_context(viewport={"width": 1000, "height": 900}).new_page()).watch()
    visit.page.goto(serve(site) + "/index.html")
    visit.page.wait_for_selector("figure[data-status=tape],figure[data-status=ready]", timeout=PATIENCE)
    yield visit.page
    visit.clean()
    visit.page.context.close()


def at(page, j, u, v):
    """The colour of canvas j at the shares u (from the left), v (from the bottom) of the box that its axes or its picture span."""
    return page.evaluate("""([j, u, v]) => {
        const canvas = document.querySelectorAll("figure.live canvas")[j], ratio = canvas.width / canvas.clientWidth;
        const side = Math.min(canvas.clientWidth, canvas.clientHeight);
        const box = j ? window.boxes[j] : { left: (canvas.clientWidth - side) / 2, top: (canvas.clientHeight - side) / 2, side };
        const x = box.left + u * box.side, y = box.top + (1 - v) * box.side;
        return Array.from(canvas.getContext("2d").getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data);
    }""", [j, u, v])


def box_of(page, j):
    """Find the box of a plane on its canvas: the rows and columns that a picture over all of it has coloured."""
    found = page.evaluate("""(j) => {
        const canvas = document.querySelectorAll("figure.live canvas")[j], g = canvas.getContext("2d"), ratio = canvas.width / canvas.clientWidth;
        const data = g.getImageData(0, 0, canvas.width, canvas.height).data, coloured = [];
        for (let i = 0; i < data.length; i += 4) {
            const [r, g0, b, a] = data.slice(i, i + 4);
            if (a === 255 && Math.max(r, g0, b) - Math.min(r, g0, b) > 90) coloured.push([(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)]);
        }
        const xs = coloured.map((c) => c[0]), ys = coloured.map((c) => c[1]);
        const least = (v) => v.reduce((a, b) => Math.min(a, b)), most = (v) => v.reduce((a, b) => Math.max(a, b));
        window.boxes = window.boxes || {};
        window.boxes[j] = { left: least(xs) / ratio, top: least(ys) / ratio, side: (most(xs) - least(xs)) / ratio };
        return [(most(xs) - least(xs)) / ratio, (most(ys) - least(ys)) / ratio];
    }""", j)
    return found


def to_start(page):
    page.locator("figure.live").evaluate("async (f) => { await f.companion.reset(); }")


def test_the_pixels_are_those_of_the_tensor(page):
    to_start(page)
    for (row, column), (u, v) in zip(((0, 0), (0, 1), (1, 0), (1, 1)), ((0.25, 0.75), (0.75, 0.75), (0.25, 0.25), (0.75, 0.25)), strict=True):
        assert np.abs(np.array(at(page, 0, u, v)[:3]) - 255 * CORNERS[row, column].numpy()).max() <= 1
    page.locator("figure.live").evaluate("async (f) => { await f.companion.advance(1); }")
    assert np.abs(np.array(at(page, 0, 0.25, 0.75)[:3]) - [128, 0, 0]).max() <= 1


def test_a_picture_beneath_covers_the_box(page):
    to_start(page)
    width, height = box_of(page, 1)
    assert abs(width - height) < 4 and width > 100
    for (row, column), (u, v) in zip(((0, 0), (0, 1), (1, 0)), ((0.25, 0.75), (0.75, 0.75), (0.25, 0.25)), strict=True):
        assert np.abs(np.array(at(page, 1, u, v)[:3]) - 255 * CORNERS[row, column].numpy()).max() <= 2


def test_ink_is_transparent_where_it_is_zero_and_segments_are_drawn(page):
    to_start(page)
    box_of(page, 1)
    page.evaluate("window.boxes[2] = window.boxes[1]")
    assert at(page, 2, 0.25, 0.75)[3] == 0 and at(page, 2, 0.75, 0.75) == [0, 0, 0, 255]
    slate = at(page, 2, 0.75, 0.35)
    assert slate[3] == pytest.approx(102, abs=2)
    joined = [at(page, 2, u, 0.25 + dv)[3] for u in (0.3, 0.4) for dv in np.linspace(-0.02, 0.02, 15)]
    beside = [at(page, 2, u, 0.25 + dv)[3] for u in (0.15, 0.2) for dv in np.linspace(-0.02, 0.02, 15)]
    assert max(joined) > 100 and max(beside) == 0


def test_pictures_are_recorded_in_256_shades(shown):
    seen = tape(shown.figure)
    values = torch.linspace(0, 1, 1000).reshape(10, 10, 10)
    plain = run_of([(seen[0][0], {"show0": values})])["arrays"]["show0"]
    shaded = run_of([(seen[0][0], {"show0": values})], pictures={"show0"})["arrays"]["show0"]
    assert shaded["scale"] == pytest.approx(1 / 255) and plain["scale"] == pytest.approx(1 / 65535)
    assert np.abs(decoded(shaded) - values[None].numpy()).max() <= 0.5001 / 255
    tape_scales = {n: a["scale"] for n, a in run_of(seen, pictures={"show0", "under1", "under2"})["arrays"].items()}
    assert tape_scales["show0"] == tape_scales["under1"] == pytest.approx(1 / 255)
