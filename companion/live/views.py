"""Where a state is drawn. A view is a kind, its options (plain data for the page) and its functions
(exported as graphs)."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from companion.hints import Count, Flag, Function, Number, Positive, Word, checked
from companion.inputs import a_function, a_tensor
from companion.live.options import (
    Interval,
    Labels,
    Names,
    Reference,
    Show,
    Trail,
    a_target,
    an_interval,
    floats,
    the_labels,
    the_names,
)
from companion.live.programs import keywords

GRID = 240  # points of a target curve
GROUND = 64  # points a side of a landscape


@dataclass(frozen=True)
class View:
    """kind: the name of the drawing; options: plain data; show, ... put: functions or None;
    reference: label -> function."""

    kind: str
    options: dict
    show: object = None
    target: object = None
    under: object = None
    segments: object = None
    cells: object = None
    ground: object = None
    put: object = None
    reference: dict = field(default_factory=dict)

    def grid(self, dtype):
        """The points where target (a line) or ground (a square, row by row) is evaluated."""
        if self.kind in ("histogram", "density"):
            return torch.linspace(self.options["lo"], self.options["hi"], GRID, dtype=dtype)
        (x0, x1), (y0, y1) = self.options["x"], self.options["y"]
        x, y = torch.linspace(x0, x1, GROUND, dtype=dtype), torch.linspace(y0, y1, GROUND, dtype=dtype)
        return torch.stack([x.repeat(GROUND), y.repeat_interleave(GROUND)], -1)

    def spec(self):
        """The view as the page reads it: data, no functions."""
        names = {"target": "graph" if callable(self.target) else packed(self.target), "ground": self.ground is not None,
                 "drag": self.put is not None, "reference": list(self.reference)}
        return {"kind": self.kind, **self.options, **names}


def packed(tensor: torch.Tensor | None, name: str = "tensor") -> dict | None:
    """A tensor as base64 float32 with its shape; None stays None. Raises TypeError, ValueError."""
    if tensor is None:
        return None
    data = a_tensor(tensor, name, floating=False).detach().cpu().to(torch.float32).contiguous()
    return {"shape": list(data.shape), "data": base64.b64encode(data.numpy().tobytes()).decode()}


def put_point(x: torch.Tensor, i: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """The cloud x (n, 2) with its i-th point at p."""
    here = torch.arange(x.shape[-2], device=x.device)[:, None] == i
    return torch.where(here, p, x)


@checked
def plane(*, x: Interval, y: Interval, show: Show = None, title: Word = "", trail: Trail = 0,
          drag: Callable | bool = False, labels: Labels = None, names: Names = None,
          colors: torch.Tensor | None = None, target: torch.Tensor | Callable | None = None,
          target_colors: torch.Tensor | None = None, size: Positive = 4, joined: Flag = False,
          xlabel: Word = "", ylabel: Word = "", under: Show = None, segments: Show = None,
          cells: Show = None,
          ground: Show = None, levels: Count = 14, kind: Word = "plane") -> View:
    """Points (n, 2) in the box x, y. labels: group of each point; target: points drawn beneath;
    drag: True or put(x, i, p) -> x.

    under(x, controls): a picture, as for `picture`, over the whole box beneath the points;
    segments(x, controls): (m, 2, 2), from -> to; cells(x, controls): (n, 3), the sites of a power
    diagram and their weights, whose cells in the box are drawn. Raises TypeError, ValueError.
    """
    if kind not in ("plane", "landscape"):
        raise ValueError(f"kind = {kind!r}; expected 'plane', or 'landscape' with its ground.")
    put = put_point if drag is True else (None if drag is False else a_function(drag, "drag"))
    options = {"x": floats(x), "y": floats(y), "title": title, "trail": trail, "names": names,
               "size": size,
               "joined": joined, "labels": the_labels(labels), "colors": packed(colors, "colors"),
               "target_colors": packed(target_colors, "target_colors"), "xlabel": xlabel,
               "ylabel": ylabel,
               "levels": levels}
    return View(kind, options, show=show, target=a_target(target), under=under, segments=segments,
                cells=cells, ground=ground, put=put)


@checked
def landscape(f: Function, *, x: Interval, y: Interval, levels: Count = 14, **options: Any) -> View:
    """Points over the level sets of a potential f(p, controls): (m, 2) -> (m,).
    Options as for `plane`."""
    return plane(x=x, y=y, ground=f, levels=levels, kind="landscape", **options)


@checked
def circle(*, show: Show = None, title: Word = "", labels: Labels = None, names: Names = None,
           size: Positive = 5, trail: Trail = 0) -> View:
    """Points (n, 2) of the unit circle, or angles (n,). Raises TypeError, ValueError."""
    return _round("circle", show, title, labels, names, size, trail)


@checked
def sphere(*, show: Show = None, title: Word = "", labels: Labels = None, names: Names = None,
           size: Positive = 5, trail: Trail = 0) -> View:
    """Points (n, 3) of the unit sphere. Raises TypeError, ValueError."""
    return _round("sphere", show, title, labels, names, size, trail)


def _round(kind, show, title, labels, names, size, trail):
    options = {"title": title, "labels": the_labels(labels), "names": names, "size": size,
               "trail": trail}
    return View(kind, options, show=show)


@checked
def histogram(lo: Number, hi: Number, *, bins: Count = 60, show: Show = None, target: Show = None,
              ymax: Positive | None = None, names: Names = None, title: Word = "",
              xlabel: Word = "") -> View:
    """Numbers (n,), (n, 1), or groups (c, n), as a histogram of unit mass; target(s, controls):
    a density at s (m,). Raises TypeError, ValueError."""
    an_interval((lo, hi), "(lo, hi)")
    options = {"lo": float(lo), "hi": float(hi), "bins": bins, "ymax": ymax, "names": names,
               "title": title,
               "xlabel": xlabel}
    return View("histogram", options, show=show, target=target)


@checked
def density(lo: Number, hi: Number, *, show: Show = None, target: Show = None,
            ymax: Positive | None = None,
            names: Names = None, logy: Flag = False, title: Word = "", xlabel: Word = "",
            ylabel: Word = "") -> View:
    """Values (m,) or (c, m) on the uniform grid of [lo, hi], as curves. Raises TypeError,
    ValueError."""
    an_interval((lo, hi), "(lo, hi)")
    options = {"lo": float(lo), "hi": float(hi), "ymax": ymax, "names": names, "logy": logy,
               "title": title,
               "xlabel": xlabel, "ylabel": ylabel}
    return View("density", options, show=show, target=target)


@checked
def curves(*readouts: str, reference: Reference | None = None, logx: Flag = False,
           logy: Flag = False,
           xlim: Interval | None = None, ylim: Interval | None = None, xlabel: Word = "t",
           ylabel: Word = "",
           names: Names = None, title: Word = "") -> View:
    """Readouts against time, with reference curves label -> f(t, controls); one that does not ask
    for the time is constant, and runs the whole axis. Raises TypeError, ValueError."""
    the_names(readouts, "readouts")
    known = dict(reference or {})
    constant = [label for label, f in known.items() if _timeless(f)]
    options = {"readouts": list(readouts), "constant": constant, "logx": logx, "logy": logy,
               "xlim": xlim, "ylim": ylim,
               "xlabel": xlabel, "ylabel": ylabel, "names": names, "title": title}
    return View("curves", options, reference=known)


def _timeless(f):
    try:
        names = keywords(f, 0)
    except ValueError:  # a function of C, whose parameters have no names
        return False
    return names is not None and not {"t", "k"} & set(names)


@checked
def matrix(lo: Number, hi: Number, *, show: Show = None, title: Word = "", xlabel: Word = "",
           ylabel: Word = "") -> View:
    """A heat map of (n, m) values between lo and hi. Raises TypeError, ValueError."""
    an_interval((lo, hi), "(lo, hi)")
    options = {"lo": float(lo), "hi": float(hi), "title": title, "xlabel": xlabel, "ylabel": ylabel}
    return View("matrix", options, show=show)


@checked
def picture(*, show: Show = None, ratio: Positive = 1.0, smooth: Flag = False,
            title: Word = "") -> View:
    """Colours (h, w, 3) in [0, 1], or ink (h, w) from 0 (paper) to 1; the first row on top. ratio:
    width over height; smooth: pixels melt. Raises TypeError, ValueError."""
    return View("picture", {"ratio": ratio, "smooth": smooth, "title": title}, show=show)
