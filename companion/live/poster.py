"""The still picture of a live figure: paper, no JavaScript, while loading. Each view draws its last recorded frame with matplotlib."""

import base64
import io

import numpy as np
import torch

from companion.figures import PALETTE
from companion.live.run import Run
from companion.live.views import GRID, GROUND

MARKERS = "osD^vP*X"


def _array(value):
    return np.asarray(value.detach().cpu(), dtype=float)


def _groups(view, shape):
    """The group of each point of (n, d) or (c, n, d), as the page takes it: its label, else its first index of three."""
    i, labels = np.arange(np.prod(shape[:-1], dtype=int)), view.options.get("labels")
    return (i // shape[-2] if len(shape) > 2 else 0 * i) if labels is None else np.asarray(labels)[i % len(labels)]


def _unpacked(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), "<f4").reshape(packed["shape"]) if packed else None


def draw_points(ax, view, j, seen, **_):
    """plane, landscape, circle, sphere: points, their trails, their target."""
    frames, o = [_array(s[f"show{j}"]) for _, s in seen], view.options
    if view.kind == "circle":
        frames = [np.stack([np.cos(f), np.sin(f)], -1) if f.ndim == 1 else f for f in frames]
    if view.kind in ("circle", "sphere"):
        angle = np.linspace(0, 2 * np.pi, 181)
        ax.plot(np.cos(angle), np.sin(angle), color="0.75", lw=0.8)
    groups, frames = _groups(view, frames[-1].shape), [f.reshape(-1, f.shape[-1]) for f in frames]
    target = view.target if isinstance(view.target, torch.Tensor) else seen[-1][1].get(f"target{j}")
    now = frames[-1]
    draw_beneath(ax, view, j, seen)
    if target is not None:
        target, edge = _array(target), _unpacked(o.get("target_colors"))
        ax.scatter(target[:, 0], target[:, 1], s=o["size"] * 3, facecolors="none", edgecolors="0.6" if edge is None else edge.clip(0, 1), lw=0.7)
    trail = len(frames) if o.get("trail") is True else int(o.get("trail") or 0)
    colors = _unpacked(o.get("colors"))
    for g in np.unique(groups):
        mine = groups == g
        color = PALETTE[int(g) % len(PALETTE)]
        if trail:
            past = np.stack(frames[-trail - 1:])[:, mine, :2]
            ax.plot(past[..., 0], past[..., 1], color=color, lw=0.9, alpha=0.6)
        name = o["names"][int(g)] if o.get("names") else None
        if o.get("joined"):
            ax.plot(now[mine, 0], now[mine, 1], color=color, lw=1.8, label=name)
        else:
            ax.scatter(now[mine, 0], now[mine, 1], s=o["size"] ** 2, c=[color] if colors is None else colors[mine].clip(0, 1), label=name,
                       marker=MARKERS[int(g) % len(MARKERS)], linewidths=0, alpha=0.85)
    if o.get("names"):
        ax.legend(frameon=False, fontsize=8)


def draw_beneath(ax, view, j, seen):
    """The picture and the segments under the points of a plane."""
    under, segments = (seen[-1][1].get(f"{name}{j}") for name in ("under", "segments"))
    if under is not None:
        _show_picture(ax, _array(under), extent=(*view.options["x"], *view.options["y"]), interpolation="bilinear")
    for (x0, y0), (x1, y1) in [] if segments is None else _array(segments):
        ax.plot([x0, x1], [y0, y1], color="0.55", lw=0.8)


def _show_picture(ax, values, **options):
    if values.ndim == 2:
        options.update(cmap="Greys", vmin=0, vmax=1)
    ax.imshow(values.clip(0, 1), zorder=0, **options)


def draw_picture(ax, view, j, seen, **_):
    """picture: colours, or ink."""
    _show_picture(ax, _array(seen[-1][1][f"show{j}"]), interpolation="bilinear" if view.options["smooth"] else "nearest", aspect="auto")
    ax.set_box_aspect(1 / view.options["ratio"])
    ax.axis("off")


def draw_ground(ax, view, j, figure):
    """The level sets beneath a landscape."""
    values = _array(Run(figure).grounds()[f"ground{j}"]).reshape(GROUND, GROUND)
    levels = np.unique(np.quantile(values[np.isfinite(values)], np.linspace(0, 1, view.options["levels"] + 1)))
    if len(levels) > 1:
        (x0, x1), (y0, y1) = view.options["x"], view.options["y"]
        ax.contourf(np.linspace(x0, x1, GROUND), np.linspace(y0, y1, GROUND), values, levels=levels, cmap="Blues_r", alpha=0.35)


def draw_lines(ax, view, j, seen, **_):
    """density: values on the grid, and their target."""
    now = np.atleast_2d(_array(seen[-1][1][f"show{j}"]))
    x = np.linspace(view.options["lo"], view.options["hi"], now.shape[-1])
    for c, line in enumerate(now):
        ax.plot(x, line, color=PALETTE[c % len(PALETTE)], label=view.options["names"][c] if view.options["names"] else None)
    _target_line(ax, view, j, seen)
    ax.set_yscale("log" if view.options["logy"] else "linear")


def draw_histogram(ax, view, j, seen, **_):
    """histogram: groups of numbers as unit masses, and their target."""
    now = _array(seen[-1][1][f"show{j}"])
    groups = [now.reshape(-1)] if now.ndim == 1 or now.shape[-1] == 1 else list(now)
    lo, hi = view.options["lo"], view.options["hi"]
    for c, g in enumerate(groups):
        name = view.options["names"][c] if view.options["names"] else None
        ax.hist(g.clip(lo, hi), bins=view.options["bins"], range=(lo, hi), density=True, color=PALETTE[c % len(PALETTE)], alpha=0.6, label=name)
    _target_line(ax, view, j, seen)


def _target_line(ax, view, j, seen):
    if f"target{j}" in seen[-1][1]:
        ax.plot(np.linspace(view.options["lo"], view.options["hi"], GRID), _array(seen[-1][1][f"target{j}"]), "--", color="0.35", label="target")
    if view.options["names"] or f"target{j}" in seen[-1][1]:
        ax.legend(frameon=False, fontsize=8)
    if view.options["ymax"]:
        ax.set_ylim(top=view.options["ymax"])


def draw_curves(ax, view, j, seen, **_):
    """curves: readouts and references against time."""
    o, t = view.options, np.array([m.t for m, _ in seen])
    keep = t > 0 if o["logx"] else t >= 0
    for c, name in enumerate(o["readouts"]):
        y = np.array([float(s[f"readout:{name}"]) for _, s in seen])
        ax.plot(t[keep], y[keep], color=PALETTE[c % len(PALETTE)], label=(o["names"] or o["readouts"])[c])
    for label in view.reference:
        y = np.array([float(s[f"ref:{j}:{label}"]) for _, s in seen])
        ax.plot(t[keep], y[keep], "--", color="0.35", label=label)
    ax.set_xscale("log" if o["logx"] else "linear")
    ax.set_yscale("log" if o["logy"] else "linear")
    ax.set(**{k: o[k] for k in ("xlim", "ylim") if o[k]})
    ax.legend(frameon=False, fontsize=8)


def draw_matrix(ax, view, j, seen, **_):
    """matrix: a heat map."""
    ax.imshow(_array(seen[-1][1][f"show{j}"]), vmin=view.options["lo"], vmax=view.options["hi"], cmap="cividis", aspect="auto")


DRAW = {"plane": draw_points, "landscape": draw_points, "circle": draw_points, "sphere": draw_points, "density": draw_lines,
        "histogram": draw_histogram, "curves": draw_curves, "matrix": draw_matrix, "picture": draw_picture}


def _frame(ax, view):
    o = view.options
    ax.set_title(o.get("title", ""), fontsize=10)
    ax.set_xlabel(o.get("xlabel", "")), ax.set_ylabel(o.get("ylabel", ""))
    ax.spines[["top", "right"]].set_visible(False)
    if view.kind in ("circle", "sphere"):
        ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
        ax.axis("off")
    if view.kind in ("plane", "landscape"):
        ax.set(xlim=o["x"], ylim=o["y"], aspect="equal" if 0.5 <= (o["x"][1] - o["x"][0]) / (o["y"][1] - o["y"][0]) <= 2 else "auto")


def poster(figure, seen, *, dpi=110):
    """PNG bytes of a figure's recorded frames [(moment, seen)]: the last one, with trails and curves of those before."""
    from matplotlib.figure import Figure

    page = Figure(figsize=(4.0 * len(figure.views), 3.4), layout="constrained", facecolor="white")
    for j, view in enumerate(figure.views):
        ax = page.add_subplot(1, len(figure.views), j + 1)
        if view.ground is not None:
            draw_ground(ax, view, j, figure)
        DRAW[view.kind](ax, view, j, seen)
        _frame(ax, view)
    return png(page, dpi)


def png(page, dpi):
    """A drawing as PNG bytes in 128 colours: a third of the weight, and the eye does not tell."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    page.savefig(full, format="png", dpi=dpi)
    Image.open(full).convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()
