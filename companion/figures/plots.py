"""The pictures that chapters share. Tensors of any device and dtype come in; a Still comes out."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from companion.figures.still import PALETTE, Still, a_text, axes, still
from companion.inputs import a_cloud, a_count, a_function, a_tensor

MARKERS = "osD^vP*"  # a shape beside each colour: colour alone carries no meaning


def _array(x, name="x"):
    return a_tensor(x, name, floating=False).detach().cpu().numpy()


def _plane(x, name):
    return _array(a_cloud(torch.as_tensor(x), name, d=2).reshape(-1, 2), name)


def _named(given, name):
    """A dict label -> tensor, also from one tensor or a list of them, which have no label."""
    if isinstance(given, torch.Tensor):
        given = [given]
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


def clouds(x: torch.Tensor | dict[str, torch.Tensor], *,
           alt: str, caption: str | None = None, title: str | None = None, size: tuple[float, float] = (4.4, 4.2)) -> Still:
    """Clouds (n, 2) in the plane, one colour and one marker each. x: a tensor, a list, or {label: tensor}. Raises TypeError, ValueError."""
    a_text(alt)
    figure, ax = axes(title, size)
    items = _named(x, "x")
    for i, (label, cloud) in enumerate(items):
        ax.scatter(*_plane(cloud, "x").T, s=14, marker=MARKERS[i % 7], color=PALETTE[i % 7], alpha=0.75, linewidths=0, label=label)
    _legend(ax, items)
    return _finish(figure, ax, alt, caption, equal=True)


def _draw_paths(ax, x, i=0, label=None):
    points = _array(a_tensor(x, "x"), "x")
    if points.ndim < 2 or points.shape[-1] != 2:
        raise ValueError(f"x has shape {points.shape}; expected states along time (K + 1, ..., 2).")
    points = points.reshape(len(points), -1, 2)
    color = PALETTE[i % 7]
    for k in range(points.shape[1]):
        ax.plot(*points[:, k].T, color=color, alpha=0.7, linewidth=1.2, label=label if k == 0 else None)
    ax.scatter(*points[0].T, s=22, facecolors="white", edgecolors=color, zorder=3)
    ax.scatter(*points[-1].T, s=24, marker=MARKERS[i % 7], color=color, zorder=3)


def paths(x: torch.Tensor | dict[str, torch.Tensor], *,
          alt: str, caption: str | None = None, title: str | None = None, size: tuple[float, float] = (4.4, 4.2)) -> Still:
    """Trajectories (K + 1, ..., 2) in the plane: open circle at the start, full marker at the end. x: as in `clouds`."""
    a_text(alt)
    figure, ax = axes(title, size)
    items = _named(x, "x")
    for i, (label, path) in enumerate(items):
        _draw_paths(ax, path, i, label)
    _legend(ax, items)
    return _finish(figure, ax, alt, caption, equal=True)


def _grid(box, n):
    left, right, low, high = box
    if not (left < right and low < high):
        raise ValueError(f"box is {box}; expected (left, right, low, high) with left < right and low < high.")
    return torch.meshgrid(torch.linspace(left, right, n), torch.linspace(low, high, n), indexing="xy")


def landscape(f: Callable, x: torch.Tensor | dict[str, torch.Tensor] | None = None, *, box: tuple,
              alt: str, caption: str | None = None, title: str | None = None,
              size: tuple[float, float] = (5, 4.2), log: bool = False) -> Still:
    """Level sets of a potential f: (..., 2) -> (...) on box = (left, right, low, high), with trajectories x as in `paths`.

    log: levels evenly spaced in log(f - min f), for a narrow valley. Raises TypeError, ValueError.
    """
    a_text(alt)
    across, up = _grid(box, 160)
    with torch.no_grad():
        value = a_function(f, "f")(torch.stack([across, up], -1))
    if value.shape != across.shape:
        raise ValueError(f"f gives shape {tuple(value.shape)} on points (n, n, 2); expected (n, n), one number a point.")
    value = (value - value.min()).clamp_min(1e-6).log() if log else value
    figure, ax = axes(title, size)
    ax.contourf(_array(across), _array(up), _array(value), levels=24, cmap="Greys", alpha=0.4)
    ax.contour(_array(across), _array(up), _array(value), levels=24, colors="#666666", linewidths=0.5)
    items = [] if x is None else _named(x, "x")
    for i, (label, path) in enumerate(items):
        _draw_paths(ax, path, i, label)
    _legend(ax, items)
    ax.set_xlim(*box[:2])
    ax.set_ylim(*box[2:])
    return _finish(figure, ax, alt, caption)


def densities(x: torch.Tensor | dict[str, torch.Tensor], *,
              alt: str, caption: str | None = None, title: str | None = None, size: tuple[float, float] = (5, 3.6), bins: int = 60,
              curve: Any = None, xlabel: str = "") -> Still:
    """Histograms of mass 1 of samples (any shape), and over them densities curve = {label: (t, p(t))}. x: as in `clouds`."""
    a_text(alt)
    figure, ax = axes(title, size)
    items = _named(x, "x")
    for i, (label, sample) in enumerate(items):
        ax.hist(_array(sample).ravel(), bins=bins, density=True, color=PALETTE[i % 7], alpha=0.45, label=label)
    drawn = list((curve or {}).items())
    for i, (label, (t, p)) in enumerate(drawn, len(items)):
        ax.plot(_array(t), _array(p), color=PALETTE[i % 7], label=label)
    _legend(ax, items + drawn)
    return _finish(figure, ax, alt, caption, xlabel, "density")


def curves(t: Any, y: Any, *,
           alt: str, caption: str | None = None, title: str | None = None, size: tuple[float, float] = (5, 3.6), xlabel: str = "t", ylabel: str = "",
           logx: bool = False, logy: bool = False) -> Still:
    """Curves y (K + 1,) or (K + 1, m) over t (K + 1,). y: a tensor, a list, or {label: tensor}. Raises TypeError, ValueError."""
    a_text(alt)
    figure, ax = axes(title, size)
    items, styles = _named(y, "y"), ("-", "--", "-.", ":")
    for i, (label, values) in enumerate(items):
        values = _array(values, "y")
        if len(values) != len(t):
            raise ValueError(f"y has {len(values)} rows and t has {len(t)}; expected a value at each time.")
        lines = ax.plot(_array(torch.as_tensor(t), "t"), values, color=PALETTE[i % 7], linestyle=styles[i % 4], linewidth=1.6)
        lines[0].set_label(label if label is not None else "_")
    ax.set_xscale("log" if logx else "linear")
    ax.set_yscale("log" if logy else "linear")
    _legend(ax, items)
    return _finish(figure, ax, alt, caption, xlabel, ylabel)


def images(x: torch.Tensor, *,
           alt: str, caption: str | None = None, title: str | None = None, columns: int = 8,
           titles: Sequence[str] | None = None) -> Still:
    """A grid of images (n, h, w), 0 is black and 1 is white, or (n, h, w, 3), colours in [0, 1]. Raises TypeError, ValueError."""
    a_text(alt)
    pictures = _array(a_tensor(x, "x"), "x")
    if pictures.ndim not in (3, 4) or len(pictures) == 0 or (pictures.ndim == 4 and pictures.shape[-1] != 3):
        raise ValueError(f"x has shape {pictures.shape}; expected images (n, h, w) or (n, h, w, 3), n >= 1.")
    columns = min(a_count(columns, "columns"), len(pictures))
    rows = math.ceil(len(pictures) / columns)
    side = max(1.1, 4 / columns)  # inches
    figure, _ = axes(title, (side * columns, side * rows * pictures.shape[1] / pictures.shape[2] + 0.5), rows=rows, columns=columns)
    for i, ax in enumerate(figure.axes):
        ax.axis("off")
        if i < len(pictures):
            ax.imshow(pictures[i].clip(0, 1), cmap="gray", vmin=0, vmax=1)
            ax.set_title(str(titles[i]) if titles is not None else "", fontsize=9)
    return still(figure, alt=alt, caption=caption)
