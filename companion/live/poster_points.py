"""Points in the plane on paper, as in the page (front/plane.js, cloud.js, marks.js, ground.js)."""

import base64

import numpy as np
import torch

from companion.figures import look
from companion.figures.ground import paint_levels, quantile_levels
from companion.figures.look import LINE, LOOK, PX, mixed
from companion.live.poster_axes import array, dress, legend, line_key
from companion.live.poster_cells import draw_cells
from companion.live.poster_tables import show_picture
from companion.live.run import Run
from companion.live.views import GROUND

INK, LIGHT = LOOK["ink"], look.LIGHT


def is_equal(o):
    """Whether lengths compare across the axes: unless the box is far from a square."""
    ratio = (o["x"][1] - o["x"][0]) / (o["y"][1] - o["y"][0])
    return LOOK["equal"][0] < ratio < LOOK["equal"][1]


def groups_of(view, shape):
    """The group of each point of (n, d) or (c, n, d): its label, else its first index of three."""
    i, labels = np.arange(np.prod(shape[:-1], dtype=int)), view.options.get("labels")
    own = i // shape[-2] if len(shape) > 2 else 0 * i
    return own if labels is None else np.asarray(labels)[i % len(labels)]


def radius_of(view, n):
    """The pixels of a mark: smaller where there are many."""
    return view.options["size"] * next((f for most, f in LOOK["dot"]["many"] if n > most), 1)


def _unpacked(packed):
    data = packed and base64.b64decode(packed["data"])
    return np.frombuffer(data, "<f4").reshape(packed["shape"]).clip(0, 1) if packed else None


def draw_plane(ax, view, j, seen, *, figure, **_):
    """plane, landscape: points, their trails, their target, a ground or a picture beneath."""
    o, frames = view.options, [array(s[f"show{j}"]) for _, s in seen]
    groups = groups_of(view, frames[-1].shape)
    frames = [f.reshape(-1, f.shape[-1])[:, :2] for f in frames]
    if view.ground is not None:
        draw_ground(ax, view, j, figure)
    _beneath(ax, view, j, seen)
    _target(ax, view, seen[-1][1].get(f"target{j}"))
    colors = _unpacked(o["colors"])
    trails(ax, view, frames, groups, colors)
    if o["joined"]:
        for g in np.unique(groups):
            ax.plot(*frames[-1][groups == g].T, color=look.color(g), linewidth=LINE["curve"],
                    linestyle=look.dash(LOOK["dashes"][int(g) % 8]))
    else:
        n = len(groups)
        radius = radius_of(view, n) * (1.5 if view.put and n <= 16 else 1)
        marks(ax, frames[-1], groups, radius, colors, alpha=0.82 if n > 60 else 1)
    dress(ax, o["x"], o["y"], o, grid=False)
    ax.set_aspect("equal" if is_equal(o) else "auto")
    return names(ax, view)


def names(ax, view):
    """The names of groups above the points; the height that they take."""
    o, items = view.options, []
    for group, text in enumerate(o["names"] or []):
        joined = o.get("joined", False)
        line = line_key(group, LOOK["dashes"][group % 8], marked=not joined)
        if not joined:
            line.set_linestyle("none")
        items.append((line, text))
    return legend(ax, items, o.get("ylabel"))


def marks(ax, x, groups, radius, colors=None, alpha=1.0, **more):
    """Points (n, 2) as marks of a radius, or of one each, in pixels; a paper rim parts them."""
    for g in np.unique(groups):
        mine, each = groups == g, np.broadcast_to(radius, len(groups))[groups == g]
        rim = 0.11 * each.mean()  # beyond the mark, so that its own size stays
        sizes = [look.mark(g, r + rim / 2)[1] for r in each]
        paint = look.color(g) if colors is None else colors[np.flatnonzero(mine) % len(colors)]
        ax.scatter(*x[mine].T, s=sizes, marker=look.mark(g, 1)[0],
                   c=[paint] if colors is None else paint, edgecolors=LIGHT["paper"],
                   linewidths=rim * PX, alpha=alpha, **{"zorder": 3, **more})


def trails(ax, view, frames, groups, colors=None):
    """Where the points come from; a path of few points keeps its beginning, other trails fade."""
    from matplotlib.collections import LineCollection

    trail, last = view.options["trail"], len(frames) - 1
    past = np.stack(frames[0 if trail is True else max(0, last - trail):])
    n, shades = len(groups), min(8, len(past) - 1)
    few = n <= 12
    strength = 0.9 if few else 0.4 if n > 120 else 0.65
    paint = [look.color(g) for g in groups] if colors is None else colors[:n]
    for b in range(shades if trail else 0):
        ends = [b * (len(past) - 1) // shades, (b + 1) * (len(past) - 1) // shades + 1]
        alpha = strength * ((0.5 if few else 0) + (0.5 if few else 1) * ((b + 1) / shades) ** 1.6)
        ax.add_collection(LineCollection(list(past[slice(*ends)].transpose(1, 0, 2)), colors=paint,
                                         linewidths=LINE["path" if few else "trail"], alpha=alpha))


def _target(ax, view, moving):
    target = view.target if isinstance(view.target, torch.Tensor) else moving
    if target is None:
        return
    target, edge = array(target).reshape(-1, 2), _unpacked(view.options["target_colors"])
    marker, s = look.mark(0, 0.95 * radius_of(view, len(target)))
    ax.scatter(*target.T, s=s, marker=marker, facecolors="none", linewidths=LINE["hollow"],
               edgecolors=LIGHT["muted"] if edge is None else edge,
               alpha=0.6 if len(target) > 150 else 0.9)


def _beneath(ax, view, j, seen):
    """The picture, the cells and the segments under the points of a plane."""
    from matplotlib.collections import LineCollection

    last, names = seen[-1][1], ("under", "segments", "cells")
    under, segments, cells = (last.get(f"{name}{j}") for name in names)
    if under is not None:
        box = (*view.options["x"], *view.options["y"])
        show_picture(ax, array(under), extent=box, interpolation="bilinear")
    if cells is not None:
        draw_cells(ax, array(cells), view.options["x"], view.options["y"])
    if segments is not None:
        ax.add_collection(LineCollection(array(segments), colors=[mixed(INK["segment"])],
                                         linewidths=LINE["segment"]))


def draw_ground(ax, view, j, figure):
    """The level sets beneath a landscape: quantiles, closer in the valleys, which are dark."""
    values, o = array(Run(figure).grounds()[f"ground{j}"]), view.options
    levels = quantile_levels(values, o["levels"])
    x, y = (np.linspace(*o[side], GROUND) for side in "xy")
    paint_levels(ax, x, y, values.reshape(GROUND, GROUND), levels)
