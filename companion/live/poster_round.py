"""The circle and the sphere on paper, as in the page (front/circle.js, front/sphere.js)."""

import numpy as np

from companion.figures.look import LINE, LOOK, mixed
from companion.live.poster_axes import PANEL, array
from companion.live.poster_points import groups_of, marks, names, radius_of, trails

INK = LOOK["ink"]


def _stage(ax, margin):
    """Room for the unit disc, without axes; its radius in pixels."""
    radius = min(PANEL) / 2 - margin
    reach = min(PANEL) / 2 / radius
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.axis("off")
    return radius


def crowded(x, radius):
    """The radius of each mark at x (n, 2), in pixels; where points meet, its area grows."""
    mass, reach = np.ones(len(x)), 0.5 * radius
    if len(x) <= 1200:
        near = ((x[:, None] - x[None]) ** 2).sum(-1)
        mass = np.where(near <= 18 * reach**2, np.exp(-near / (2 * reach**2)), 0).sum(1)
    return radius * np.minimum(3.4, np.sqrt(0.6 + 0.4 * mass))


def draw_circle(ax, view, j, seen, **_):
    """circle: points or angles on a ring; where tokens meet, the mark grows with their number."""
    frames = [array(s[f"show{j}"]) for _, s in seen]
    frames = [np.stack([np.cos(f), np.sin(f)], -1) if f.ndim == 1 else f for f in frames]
    R, angle = _stage(ax, 16), np.linspace(0, 2 * np.pi, 181)
    ax.plot(np.cos(angle), np.sin(angle), color=mixed(INK["frame"]), linewidth=LINE["ring"],
            zorder=1)
    _round(ax, view, frames, groups_of(view, frames[-1].shape), 1.15, R)
    return names(ax, view)


def _round(ax, view, frames, groups, stretch, R, depth=None):
    frames = [f.reshape(-1, f.shape[-1])[:, :2] for f in frames]
    trails(ax, view, frames, groups)
    radii = crowded(R * frames[-1], radius_of(view, len(groups)) * stretch)
    for back in () if depth is None else (True, False):
        mine = (depth < 0) == back
        marks(ax, frames[-1][mine], groups[mine], (radii * (0.86 + 0.14 * depth))[mine],
              alpha=0.28 if back else 0.85, zorder=2.5 + 0.5 * (not back), clip_on=False)
    if depth is None:
        marks(ax, frames[-1], groups, radii, alpha=0.78, clip_on=False)


def turned(x):
    """Points (..., 3) as the camera sees them: right, up, towards the eye; e3 is upright."""
    a, b = np.cos(LOOK["camera"]["yaw"]), np.sin(LOOK["camera"]["yaw"])
    c, s = np.cos(LOOK["camera"]["pitch"]), np.sin(LOOK["camera"]["pitch"])
    u, v = a * x[..., 0] - b * x[..., 1], b * x[..., 0] + a * x[..., 1]
    return np.stack([u, c * x[..., 2] + s * v, s * x[..., 2] - c * v], -1)


def draw_sphere(ax, view, j, seen, **_):
    """sphere: orthographic, the far side paler."""
    from matplotlib.patches import Circle

    R, frames = _stage(ax, 14), [turned(array(s[f"show{j}"])) for _, s in seen]
    ax.add_patch(Circle((0, 0), 1, facecolor=mixed(0.08, "ground"), linewidth=LINE["ring"],
                        edgecolor=mixed(INK["frame"]), zorder=0.5))
    s, degrees = np.linspace(0, 2 * np.pi, 73), np.pi / 6
    one, cos, sin = np.ones_like(s), np.cos, np.sin
    up = [(cos(k * degrees) * cos(s), sin(k * degrees) * cos(s), sin(s)) for k in range(6)]
    level = [(cos(h * degrees) * cos(s), cos(h * degrees) * sin(s), sin(h * degrees) * one)
             for h in range(-2, 3)]
    for line in map(turned, np.stack([*up, *level]).transpose(0, 2, 1)):
        for side, strength in ((-1, INK["far"]), (1, INK["near"])):
            x = np.where(side * line[:, 2] >= 0, line[:, 0], np.nan)
            ax.plot(x, line[:, 1], color=mixed(strength), linewidth=LINE["level"], zorder=0.6)
    depth = frames[-1][..., 2].reshape(-1)
    _round(ax, view, frames, groups_of(view, frames[-1].shape), 1.1, R, depth)
    return names(ax, view)
