"""Where a state is drawn. A view is a kind, its options (plain data for the page) and its functions (exported as graphs)."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from companion.inputs import a_function, a_number

GRID = 240  # points of a target curve
GROUND = 64  # points a side of a landscape


Interval = tuple[float, float]
Names = Sequence[str] | None


@dataclass(frozen=True)
class View:
    """kind: the name of the drawing; options: plain data; show, ... put: functions or None; reference: label -> function."""

    kind: str
    options: dict
    show: object = None
    target: object = None
    under: object = None
    segments: object = None
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


def packed(tensor: torch.Tensor | None) -> dict | None:
    """A tensor as base64 float32 with its shape; None stays None."""
    if tensor is None:
        return None
    data = tensor.detach().cpu().to(torch.float32).contiguous()
    return {"shape": list(data.shape), "data": base64.b64encode(data.numpy().tobytes()).decode()}


def _interval(pair, name):
    lo, hi = pair
    a_number(lo, f"{name}[0]"), a_number(hi, f"{name}[1]")
    if not lo < hi:
        raise ValueError(f"{name} = {pair}; expected (lo, hi) with lo < hi.")
    return [float(lo), float(hi)]


def put_point(x: torch.Tensor, i: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """The cloud x (n, 2) with its i-th point at p."""
    here = torch.arange(x.shape[-2], device=x.device)[:, None] == i
    return torch.where(here, p, x)


def plane(*, x: Interval, y: Interval, show: Callable | None = None, title: str = "", trail: int | bool = 0, drag: Callable | bool = False,
          labels: Sequence[int] | None = None, names: Names = None, colors: torch.Tensor | None = None,
          target: torch.Tensor | Callable | None = None, target_colors: torch.Tensor | None = None, size: float = 4, joined: bool = False,
          xlabel: str = "", ylabel: str = "", under: Callable | None = None, segments: Callable | None = None, ground: Callable | None = None,
          levels: int = 14, kind: str = "plane") -> View:
    """Points (n, 2) in the box x, y. labels: group of each point; target: points drawn beneath; drag: True or put(x, i, p) -> x.

    under(x, controls): a picture, as for `picture`, over the whole box beneath the points; segments(x, controls): (m, 2, 2), from -> to.
    """
    put = put_point if drag is True else (a_function(drag, "drag") if drag else None)
    options = {"x": _interval(x, "x"), "y": _interval(y, "y"), "title": title, "trail": trail, "names": names, "size": size, "joined": joined,
               "labels": None if labels is None else [int(i) for i in labels], "colors": packed(colors), "target_colors": packed(target_colors),
               "xlabel": xlabel, "ylabel": ylabel, "levels": levels}
    seen = {name: a_function(f, name) for name, f in (("under", under), ("segments", segments)) if f is not None}
    return View(kind, options, show=show, target=target, ground=ground, put=put, **seen)


def landscape(f: Callable, *, x: Interval, y: Interval, levels: int = 14, **options: Any) -> View:
    """Points over the level sets of a potential f(p, controls): (m, 2) -> (m,). Options as for `plane`."""
    return plane(x=x, y=y, ground=a_function(f, "f"), levels=levels, kind="landscape", **options)


def circle(*, show: Callable | None = None, title: str = "", labels: Sequence[int] | None = None, names: Names = None, size: float = 5,
           trail: int | bool = 0) -> View:
    """Points (n, 2) of the unit circle, or angles (n,)."""
    labels = None if labels is None else [int(i) for i in labels]
    return View("circle", {"title": title, "labels": labels, "names": names, "size": size, "trail": trail}, show=show)


def sphere(*, show: Callable | None = None, title: str = "", labels: Sequence[int] | None = None, names: Names = None, size: float = 5,
           trail: int | bool = 0) -> View:
    """Points (n, 3) of the unit sphere."""
    labels = None if labels is None else [int(i) for i in labels]
    return View("sphere", {"title": title, "labels": labels, "names": names, "size": size, "trail": trail}, show=show)


def histogram(lo: float, hi: float, *, bins: int = 60, show: Callable | None = None, target: Callable | None = None, ymax: float | None = None,
              names: Names = None, title: str = "", xlabel: str = "") -> View:
    """Numbers (n,), (n, 1), or groups (c, n), as a histogram of unit mass; target(s, controls): a density at s (m,)."""
    _interval((lo, hi), "(lo, hi)")
    options = {"lo": float(lo), "hi": float(hi), "bins": bins, "ymax": ymax, "names": names, "title": title, "xlabel": xlabel}
    return View("histogram", options, show=show, target=target)


def density(lo: float, hi: float, *, show: Callable | None = None, target: Callable | None = None, ymax: float | None = None, names: Names = None,
            logy: bool = False, title: str = "", xlabel: str = "", ylabel: str = "") -> View:
    """Values (m,) or (c, m) on the uniform grid of [lo, hi], as curves."""
    _interval((lo, hi), "(lo, hi)")
    options = {"lo": float(lo), "hi": float(hi), "ymax": ymax, "names": names, "logy": logy, "title": title, "xlabel": xlabel, "ylabel": ylabel}
    return View("density", options, show=show, target=target)


def curves(*readouts: str, reference: dict[str, Callable] | None = None, logx: bool = False, logy: bool = False, xlim: Interval | None = None,
           ylim: Interval | None = None, xlabel: str = "t", ylabel: str = "", names: Names = None, title: str = "") -> View:
    """Readouts against time, with reference curves label -> f(t, controls)."""
    options = {"readouts": list(readouts), "logx": logx, "logy": logy, "xlim": xlim, "ylim": ylim, "xlabel": xlabel, "ylabel": ylabel,
               "names": names, "title": title}
    return View("curves", options, reference=dict(reference or {}))


def matrix(lo: float, hi: float, *, show: Callable | None = None, title: str = "", xlabel: str = "", ylabel: str = "") -> View:
    """A heat map of (n, m) values between lo and hi."""
    _interval((lo, hi), "(lo, hi)")
    return View("matrix", {"lo": float(lo), "hi": float(hi), "title": title, "xlabel": xlabel, "ylabel": ylabel}, show=show)


def picture(*, show: Callable | None = None, ratio: float = 1.0, smooth: bool = False, title: str = "") -> View:
    """Colours (h, w, 3) in [0, 1], or ink (h, w) from 0 (paper) to 1; the first row on top. ratio: width over height; smooth: pixels melt."""
    return View("picture", {"ratio": a_number(ratio, "ratio", above=0), "smooth": bool(smooth), "title": title}, show=show)
