"""Every kind of view, drawn in Chromium and drawn on paper from the same frames, is one picture: the same words, ticks at the same
numbers, and within the box of the axes the same colours at the same places."""

import base64
import io
import json
import math

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image, ImageFilter

from companion.figures import look
from companion.figures.look import DPI, LINE, LOOK
from companion.live import assets, circle, curves, density, histogram, landscape, matrix, picture, plane, poster_points, poster_round, sphere
from companion.live.bundle import bundle
from companion.live.figure import declare
from companion.live.poster import draw
from companion.live.poster_axes import PANEL
from companion.live.poster_tables import show_picture
from companion.live.run import Run, tape
from tests.live.painting import array, number

RANDOM = torch.Generator().manual_seed(3)
CLOUD = torch.randn(40, 2, generator=RANDOM, dtype=torch.float64) * 0.6
SPOTS = torch.nn.functional.normalize(torch.randn(30, 3, generator=RANDOM, dtype=torch.float64), dim=-1)
BOX = {"x": (-2, 2), "y": (-1.5, 1.5), "xlabel": "across", "ylabel": "up"}
GRID = torch.linspace(0, 1, 50, dtype=torch.float64)
LABELS = [i % 8 for i in range(40)]


def wells(p):
    return (p[:, 0] ** 2 - 1) ** 2 + p[:, 1] ** 2


LAWS = {"limit": lambda: 0.2, "law": lambda t: 0.4 * torch.exp(-t)}
VIEWS = {
    "plane": (plane(**BOX, labels=LABELS, names=[*"abcdefgh"], target=0.5 * CLOUD[:9]), CLOUD),
    "trail": (plane(**BOX, trail=12), CLOUD[:6]),
    "wide": (plane(x=(0, 9), y=(-1, 1), trail=True, show=lambda x: x + torch.tensor([3.0, 0.0])), CLOUD[:3]),
    "joined": (plane(**BOX, joined=True, labels=[0] * 20 + [1] * 20, names=["one", "two"]), CLOUD),
    "segments": (plane(**BOX, segments=lambda x: torch.stack([x, -x], 1)), CLOUD[:9]),
    "cells": (plane(x=(-2, 2), y=(-1.5, 1.5), cells=lambda x: torch.cat([x, 0.2 * x[:, :1].square()], 1)), CLOUD[:20]),
    "under": (plane(**BOX, under=lambda x: (GRID[:30, None] * GRID[None, :40]).flip(0) + 0 * x[0, 0]), CLOUD[:9]),
    "landscape": (landscape(wells, **BOX, labels=[0, 1]), CLOUD),
    "circle": (circle(labels=[0] * 13 + [1] * 13 + [2] * 14, names=["p", "q", "r"], show=lambda x: x / x.norm(dim=-1, keepdim=True)), CLOUD),
    "sphere": (sphere(labels=[0, 1, 2], trail=6), SPOTS),
    "density": (density(0, 1, names=["now", "then"], show=lambda x: torch.stack([GRID**2, x[0, 0].abs() + GRID]), target=lambda s: 1 - s,
                        xlabel="place", ylabel="mass"), CLOUD),
    "log density": (density(0, 1, logy=True, show=lambda x: torch.exp(-9 * GRID) * x[0, 0].abs()), CLOUD),
    "histogram": (histogram(-2, 2, bins=20, show=lambda x: x.T, names=["x", "y"], target=lambda s: torch.exp(-s * s)), CLOUD),
    "curves": (curves("E", "m", names=["energy", "mean"], ylabel="value", reference=LAWS), CLOUD),
    "log curves": (curves("E", logx=True, logy=True, reference={"limit": lambda: 1e-3}), CLOUD),
    "narrow": (curves("E", names=["the energy of the whole cloud"], reference={"its limit": lambda: 0.2}), CLOUD),
    "alone": (curves("m"), CLOUD),
    "matrix": (matrix(-1, 1, show=lambda x: x[:12] @ x[:12].T, xlabel="column", ylabel="row"), CLOUD),
    "one sign": (matrix(0, 2, show=lambda x: (x[:12] @ x[:9].T).abs()), CLOUD),
    "picture": (picture(ratio=1.5, show=lambda x: torch.sigmoid(3 * x[:24]).repeat(1, 2)[:, :3].reshape(4, 6, 3)), CLOUD),
    "ink": (picture(show=lambda x: torch.sigmoid(3 * x[:36, 0]).reshape(6, 6)), CLOUD),
}  # fmt: skip


def turn(k, x):
    c, s = math.cos(0.12), math.sin(0.12)
    turned = torch.stack([c * x[:, 0] - s * x[:, 1], s * x[:, 0] + c * x[:, 1]], -1)
    return torch.cat([turned, x[:, 2:]], -1) if x.shape[-1] == 3 else 0.97 * turned


def declared(view, start):
    readouts = {"E": lambda x: x.square().mean(), "m": lambda x: x.mean() + 0.4}
    return declare(turn, start, name="f", view=view, sentence="t", alt="a", method=None, frames=25, still=20, dt=0.1, readouts=readouts)


DOCUMENT = """<!doctype html><html data-theme="light"><style>{style} body {{ margin: 0; background: white }} .live {{ margin: 0 !important }}</style>
<body><figure class="live" style="width: {width}px"><div class="live-panels"></div></figure></body></html>"""
NOTED = """const noted = [];
for (const name of ["fillText", "arc", "drawImage"]) {
  const plain = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...given) {
    noted.push({ name, canvas: this.canvas, given: given.filter((g) => typeof g !== "object"), style: this.fillStyle, align: this.textAlign });
    return plain.apply(this, given);
  };
}
window.paintView = ({ view, figure, frames, extra }) => {
  const filled = (data) => Float64Array.from(data, (v) => (v === null ? NaN : v));
  for (const { arrays } of frames) for (const array of Object.values(arrays)) array.data = filled(array.data);
  const panels = document.querySelector(".live-panels"), shown = makeView(view, figure);
  panels.replaceChildren(shown.element);
  noted.length = 0;
  shown.draw(frames[frames.length - 1], frames, frames.length - 1, extra);
  const { canvas } = shown, png = canvas.toDataURL("image/png");
  const ops = noted.filter((op) => op.canvas === canvas).map(({ canvas, ...op }) => op);
  shown.destroy();
  return { png, ops };
};"""


@pytest.fixture(scope="module")
def chromium_page(browser):
    context = browser.new_context(viewport={"width": 700, "height": 800}, device_scale_factor=1, color_scheme="light")
    page = context.new_page()
    page.set_content(DOCUMENT.format(style=assets.style(), width=PANEL[0]))
    page.add_script_tag(content=f"(() => {{ {bundle('figure.js', assets.FRONT, assets.given())}\n{NOTED} }})()")
    yield page
    context.close()


class Picture:
    """An image, its words {text: colour}, its ticks ([value, ...] across, up), and its box (left, top, right, bottom) in pixels."""

    def __init__(self, image, words, ticks, box):
        self.image, self.words, self.ticks, self.box = image.convert("RGB"), words, ticks, box

    def inside(self, size=(160, 120)):
        """The inside of the box, brought to one size and a little blurred."""
        part = self.image.resize(size, Image.Resampling.BILINEAR, box=self.box)
        return np.asarray(part.filter(ImageFilter.GaussianBlur(1.2)), dtype=float)


def in_page(page, figure, seen):
    """What Chromium draws."""
    view, arrays = figure.views[0], [{name: array(value) for name, value in s.items()} for _, s in seen]
    frames = [{"number": i, "k": m.k, "t": m.t, "arrays": a} for i, ((m, _), a) in enumerate(zip(seen, arrays, strict=True))]
    ground = {name: value.double().tolist() for name, value in Run(figure).grounds().items()}
    spec = {"name": "f", "alt": "a", "frames": figure.frames, "substeps": 1, "dt": figure.dt, "engine": "page", "controls": []}
    shown = view.spec()
    found = page.evaluate("(asked) => window.paintView(asked)",
                          {"view": shown, "figure": {**spec, "views": [shown]}, "frames": json.loads(json.dumps(frames)), "extra": ground})
    image = Image.open(io.BytesIO(base64.b64decode(found["png"].split(",")[1]))).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    texts = [(op["given"][0], *op["given"][1:3], op["style"], op["align"]) for op in found["ops"] if op["name"] == "fillText" and op["given"][0]]
    return Picture(paper, {text: style for text, _, _, style, _ in texts}, *measured(view, found["ops"], texts))


def measured(view, ops, texts):
    """(ticks, box) of a view in the page."""
    if view.kind in ("circle", "sphere"):
        x, y, r = max((op["given"][:3] for op in ops if op["name"] == "arc"), key=lambda arc: arc[2])
        return ([], []), (x - r, y - r, x + r, y + r)
    if view.kind in ("matrix", "picture"):
        left, top, width, height = next(op["given"][-4:] for op in ops if op["name"] == "drawImage")
        return ([], [number(t[0]) for t in texts if t[4] == "left" and number(t[0]) is not None]), (left, top, left + width, top + height)
    found = []
    for align, axis in (("center", 1), ("right", 2)):
        found.append(sorted((number(t[0]), t[axis] - 0.5 * (axis == 2)) for t in texts if t[4] == align and number(t[0]) is not None))
    return found, None


def on_paper(figure, seen):
    """What matplotlib draws."""
    sheet = Figure(figsize=(PANEL[0] / DPI, PANEL[1] / DPI), dpi=DPI, layout="constrained")
    canvas, ax, view = FigureCanvasAgg(sheet), sheet.add_subplot(), figure.views[0]
    draw(ax, figure, 0, seen)
    canvas.draw()
    image, high = Image.fromarray(np.asarray(canvas.buffer_rgba())), canvas.get_width_height()[1]
    (left, low), (right, top) = ax.transData.transform([(-1, -1), (1, 1)]) if view.kind in ("circle", "sphere") else ax.bbox.get_points()
    words = {t.get_text(): to_hex(t.get_color()) for a in sheet.axes if a.axison for t in a.findobj(Text) if t.get_text() and t.get_visible()}
    words |= {t.get_text(): to_hex(t.get_color()) for t in (ax.get_legend().get_texts() if ax.get_legend() else [])}
    bar = [t for a in sheet.axes[1:] for t in a.get_yticks()]
    ticks = ([], bar) if view.kind in ("circle", "sphere", "matrix", "picture") else (ax.get_xticks().tolist(), ax.get_yticks().tolist())
    return Picture(image, words, ticks, (left, high - top, right, high - low)), ax


def box_of(ticks, ax):
    """The page's box, from two ticks an axis and the limits on paper."""
    sides = []
    for found, (lo, hi), scale in zip(ticks, (ax.get_xlim(), ax.get_ylim()), (ax.get_xscale(), ax.get_yscale()), strict=True):
        f = math.log if scale == "log" else float
        (a, p), (b, q) = found[0], found[-1]
        sides.append([p + (f(v) - f(a)) * (q - p) / (f(b) - f(a)) for v in (lo, hi)])
    (left, right), (bottom, top) = sides
    return left, top, right, bottom


def both(page, view, start):
    figure = declared(view, start)
    seen = tape(figure)
    mine, (paper, ax) = in_page(page, figure, seen), on_paper(figure, seen)
    if mine.box is None:
        mine.box, mine.ticks = box_of(mine.ticks, ax), [[value for value, _ in found] for found in mine.ticks]
    return mine, paper


def unlike(mine, paper):
    """(share of what is drawn that is clearly not of one colour, share of all ink that is not common)."""
    a, b = mine.inside(), paper.inside()
    apart, drawn = np.abs(a - b), np.maximum(255 - a, 255 - b).max(-1) > 60
    return (float((apart.max(-1)[drawn] > 45).mean()) if drawn.any() else 0.0, float(apart.sum() / (510 - a - b).sum()))


DENSE = ("under", "landscape", "matrix", "one sign", "picture", "ink")


def alike(kind, mine, paper):
    apart, ink = unlike(mine, paper)
    return apart < 0.15 and ink < (0.04 if kind in DENSE else 0.27)  # lines are thinner than a point of the common grid


@pytest.mark.parametrize("kind", VIEWS)
def test_a_view_and_its_poster_are_one_picture(chromium_page, kind):
    mine, paper = both(chromium_page, *VIEWS[kind])
    assert mine.words == paper.words
    for a, b in zip(mine.ticks, paper.ticks, strict=True):
        assert a == pytest.approx(b)
    assert np.ptp(paper.inside()) > 60 and alike(kind, mine, paper), unlike(mine, paper)


def shifted(colors):
    return (*colors[1:], colors[0])


PLANTED = [
    ("sphere", lambda patch: patch.setitem(LOOK["camera"], "yaw", 0.4)),
    ("sphere", lambda patch: patch.setitem(LOOK["camera"], "pitch", 0.3)),
    ("plane", lambda patch: patch.setattr(poster_points, "radius_of", lambda view, n: 6)),
    ("plane", lambda patch: patch.setattr(look, "PALETTE", shifted(look.PALETTE))),
    ("density", lambda patch: patch.setattr(look, "PALETTE", shifted(look.PALETTE))),
    ("one sign", lambda patch: patch.setattr(look, "PALETTE", shifted(look.PALETTE))),
    ("landscape", lambda patch: patch.setitem(LOOK["levels"], "power", 1.0)),
    ("joined", lambda patch: patch.setitem(LINE, "curve", 2 * LINE["curve"])),
    ("histogram", lambda patch: patch.setitem(LOOK["ink"], "bars", 0.6)),
    ("circle", lambda patch: patch.setattr(poster_round, "crowded", lambda x, radius: np.full(len(x), 2 * radius))),
    ("under", lambda patch: patch.setattr(poster_points, "show_picture", lambda ax, values, **o: show_picture(ax, values[::-1], **o))),
]  # fmt: skip


@pytest.mark.parametrize("kind, plant", PLANTED)
def test_what_is_drawn_otherwise_on_paper_is_seen(chromium_page, monkeypatch, kind, plant):
    plant(monkeypatch)
    assert not alike(kind, *both(chromium_page, *VIEWS[kind]))
