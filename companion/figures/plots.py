"""The pictures that chapters share. Tensors of any device and dtype come in; a Still comes out."""

import math

import numpy as np
import torch

from companion.figures import look
from companion.figures.ground import paint_levels, quantile_levels
from companion.figures.look import LINE, LOOK
from companion.figures.still import Alt, Size, Still, axes, still
from companion.hints import Count, Flag, Function, Tensor, Word, checked
from companion.inputs import a_cloud, a_number, a_tensor, one_each

Many = torch.Tensor | list | dict  # one tensor, a list of them, or {label: tensor}


def _array(x, name="x"):
    if not isinstance(x, torch.Tensor) or x.is_complex():
        raise TypeError(f"{name} is {x!r}; expected a tensor of real numbers.")
    if x.isnan().any():
        raise ValueError(f"{name} contains NaN, which is no point; expected numbers: leave out what is not there.")
    return (x.to(torch.float32) if x.dtype == torch.bfloat16 else x).detach().cpu().numpy()


def _plane(x, name):
    return _array(a_cloud(_tensor(x, name), name, d=2).reshape(-1, 2), name)


def _tensor(x, name):
    """x as a tensor of real numbers. Raises TypeError."""
    try:
        return torch.as_tensor(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} is a {type(x).__name__}; expected a tensor, or what torch.as_tensor takes.") from error


def _named(given, name):
    """A dict label -> tensor, also from one tensor or a list of them, which have no label."""
    if isinstance(given, torch.Tensor):
        given = [given]
    if not isinstance(given, (dict, list, tuple)):
        raise TypeError(f"{name} is a {type(given).__name__}; expected a tensor, a list of tensors, or a dictionary label -> tensor.")
    items = list(given.items()) if isinstance(given, dict) else [(None, value) for value in given]
    if not items:
        raise ValueError(f"{name} is empty; expected a tensor, a list of tensors, or a dictionary label -> tensor.")
    return items


def _legend(ax, items):
    if any(label is not None for label, _ in items):
        ax.legend()


def _finish(figure, ax, alt, caption, xlabel="", ylabel="", equal=False):
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    if equal:
        ax.set_aspect("equal", adjustable="datalim")
    return still(figure, alt=alt, caption=caption)


@checked
def clouds(x: Many, *, alt: Alt, caption: Word | None = None, title: Word | None = None, size: Size = (4.4, 4.2)) -> Still:
    """Clouds (n, 2) in the plane, one colour and one marker each. x: a tensor, a list, or {label: tensor}. Raises TypeError, ValueError."""
    figure, ax = axes(title, size)
    items = _named(x, "x")
    for i, (label, cloud) in enumerate(items):
        marker, s = look.mark(i, LOOK["dot"]["point"])
        ax.scatter(*_plane(cloud, "x").T, s=s, marker=marker, color=look.color(i), alpha=0.75, linewidths=0, label=label)
    _legend(ax, items)
    return _finish(figure, ax, alt, caption, equal=True)


def _draw_paths(ax, x, i=0, label=None):
    points = _array(a_tensor(x, "x"), "x")
    if points.ndim < 2 or points.shape[-1] != 2:
        raise ValueError(f"x has shape {points.shape}; expected states along time (K + 1, ..., 2).")
    if not points.size:
        raise ValueError(f"x has shape {points.shape}; expected at least one state.")
    points = points.reshape(len(points), -1, 2)
    color, open_end, (marker, s) = look.color(i), look.mark(0, LOOK["dot"]["now"]), look.mark(i, LOOK["dot"]["now"])
    for k in range(points.shape[1]):
        ax.plot(*points[:, k].T, color=color, alpha=0.7, linewidth=LINE["path"], label=label if k == 0 else None)
    ax.scatter(*points[0].T, s=open_end[1], facecolors=look.LIGHT["sheet"], edgecolors=color, zorder=3)
    ax.scatter(*points[-1].T, s=s, marker=marker, color=color, zorder=3)


@checked
def paths(x: Many, *, alt: Alt, caption: Word | None = None, title: Word | None = None, size: Size = (4.4, 4.2)) -> Still:
    """Trajectories (K + 1, ..., 2) in the plane: open circle at the start, full marker at the end. x: as in `clouds`."""
    figure, ax = axes(title, size)
    items = _named(x, "x")
    for i, (label, path) in enumerate(items):
        _draw_paths(ax, path, i, label)
    _legend(ax, items)
    return _finish(figure, ax, alt, caption, equal=True)


def _grid(box, n):
    if not isinstance(box, (tuple, list)) or len(box) != 4:
        raise TypeError(f"box is {box!r}; expected (left, right, low, high).")
    left, right, low, high = (a_number(side, "a side of box") for side in box)
    if not (left < right and low < high):
        raise ValueError(f"box is {box}; expected (left, right, low, high) with left < right and low < high.")
    return torch.meshgrid(torch.linspace(left, right, n), torch.linspace(low, high, n), indexing="xy")


@checked
def landscape(f: Function, x: Many | None = None, *, box: tuple, alt: Alt, caption: Word | None = None, title: Word | None = None,
              size: Size = (5, 4.2), log: Flag = False) -> Still:
    """Level sets of a potential f: (..., 2) -> (...) on box = (left, right, low, high), with trajectories x as in `paths`.

    log: levels evenly spaced in log(f - min f), for a narrow valley; else as in the page. Raises TypeError, ValueError.
    """
    across, up = _grid(box, 160)
    with torch.no_grad():
        value = f(torch.stack([across, up], -1))
    one_each(value, across.shape, "f(x)", "one number a point of the grid")
    value = (value - value.min()).clamp_min(1e-6).log() if log else value
    figure, ax = axes(title, size)
    heights = _array(value)
    levels = quantile_levels(heights, 24)
    if log and len(levels):
        known = heights[np.isfinite(heights)]
        levels = np.linspace(known.min(), known.max(), 26)[1:-1]
    paint_levels(ax, _array(across), _array(up), heights, levels)
    items = [] if x is None else _named(x, "x")
    for i, (label, path) in enumerate(items):
        _draw_paths(ax, path, i, label)
    _legend(ax, items)
    ax.set_xlim(*box[:2])
    ax.set_ylim(*box[2:])
    return _finish(figure, ax, alt, caption)


@checked
def densities(x: Many, *, alt: Alt, caption: Word | None = None, title: Word | None = None, size: Size = (5, 3.6), bins: Count = 60,
              curve: dict | None = None, xlabel: Word = "") -> Still:
    """Histograms of mass 1 of samples (any shape), and over them densities curve = {label: (t, p(t))}. x: as in `clouds`."""
    figure, ax = axes(title, size)
    items = _named(x, "x")
    for i, (label, sample) in enumerate(items):
        values = _array(a_tensor(sample, "x", floating=False), "x").ravel()
        try:
            ax.hist(values, bins=bins, density=True, color=look.color(i), alpha=0.45, label=label)
        except (ValueError, IndexError) as error:  # the latter from older NumPy
            raise ValueError(f"x has no histogram of {bins} bins: {error}; expected numbers of moderate size.") from error
    drawn = [] if curve is None else _pairs(curve)
    for i, (label, (t, p)) in enumerate(drawn, len(items)):
        ax.plot(_array(t, "curve"), _array(p, "curve"), color=look.color(i), linewidth=LINE["curve"], label=label)
    _legend(ax, items + drawn)
    return _finish(figure, ax, alt, caption, xlabel, "density")


def _pairs(curve):
    """The items of a dictionary label -> (t, p). Raises TypeError."""
    if not isinstance(curve, dict) or not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in curve.values()):
        raise TypeError(f"curve is {curve!r}; expected a dictionary label -> (t, p): the places, and the density there.")
    return list(curve.items())


@checked
def curves(t: Many, y: Many, *, alt: Alt, caption: Word | None = None, title: Word | None = None, size: Size = (5, 3.6),
           xlabel: Word = "t", ylabel: Word = "", logx: Flag = False, logy: Flag = False) -> Still:
    """Curves y (K + 1,) or (K + 1, m) over t (K + 1,). y: a tensor, a list, or {label: tensor}. Raises TypeError, ValueError."""
    figure, ax = axes(title, size)
    items, styles = _named(y, "y"), [look.dash(pattern) for pattern in LOOK["dashes"]]
    times = _array(_tensor(t, "t"), "t")
    for i, (label, values) in enumerate(items):
        values = _array(values, "y")
        if times.ndim != 1 or values.ndim not in (1, 2) or len(values) != len(times) or not values.size:
            raise ValueError(f"y has shape {values.shape} and t {times.shape}; expected times (K + 1,) and a row of values at each.")
        lines = ax.plot(times, values, color=look.color(i), linestyle=styles[i % len(styles)], linewidth=LINE["curve"])
        lines[0].set_label(label if label is not None else "_")
    ax.set_xscale("log" if logx else "linear")
    ax.set_yscale("log" if logy else "linear")
    _legend(ax, items)
    return _finish(figure, ax, alt, caption, xlabel, ylabel)


@checked
def images(x: Tensor, *, alt: Alt, caption: Word | None = None, title: Word | None = None, columns: Count = 8,
           titles: list | None = None) -> Still:
    """A grid of images (n, h, w), 0 is black and 1 is white, or (n, h, w, 3), colours in [0, 1]. Raises TypeError, ValueError."""
    pictures = _array(x, "x")
    if pictures.ndim not in (3, 4) or len(pictures) == 0 or (pictures.ndim == 4 and pictures.shape[-1] != 3):
        raise ValueError(f"x has shape {pictures.shape}; expected images (n, h, w) or (n, h, w, 3), n >= 1.")
    if titles is not None and not (hasattr(titles, "__getitem__") and hasattr(titles, "__len__") and len(titles) >= len(pictures)):
        raise ValueError(f"titles = {titles!r}; expected a list of {len(pictures)} titles, one for each image.")
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    side = max(1.1, 4 / columns)  # inches
    figure, _ = axes(title, (side * columns, side * rows * pictures.shape[1] / pictures.shape[2] + 0.5), rows=rows, columns=columns)
    for i, ax in enumerate(figure.axes):
        ax.axis("off")
        if i < len(pictures):
            ax.imshow(pictures[i].clip(0, 1), cmap="gray", vmin=0, vmax=1)
            ax.set_title(str(titles[i]) if titles is not None else "", fontsize="small")
    return still(figure, alt=alt, caption=caption)
