"""Laws on the plane with exact integrals over polygons: uniform on a convex polygon,
or constant on each pixel of a picture.

Green: the integral of g over a polygon is the integral along its border of F dy with
F(x, y) = int^x g(s, y) ds. On a pixel F is a polynomial; for g = 1, x, y, |x|^2 its degree
is at most 3, and two Gauss points a segment are exact.
"""

from typing import Annotated, NamedTuple

import numpy as np
import torch

from companion.hints import Tensor, an_instance, checked
from companion.inputs import a_cloud, a_number, concrete_value

GAUSS = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3)


class Density(NamedTuple):
    """A law of mass 1 on a convex polygon; float64 arrays, coordinates relative to `centre`.
    Made by `uniform` and `pixels`.

    corners (m, 2) counter-clockwise; values (h, w) on the polygon's box, lowest row first; lines:
    the (w + 1,) and (h + 1,) lines of the grid; tables (3, h, w): F for g = 1, x,
    x^2 is tables + values * (x, x^2 / 2, x^3 / 3) on a pixel.
    """

    centre: np.ndarray
    corners: np.ndarray
    values: np.ndarray
    lines: tuple
    tables: np.ndarray


a_density = an_instance(Density, "a Density: uniform(corners) or pixels(values)")


OnPlane = Annotated[Density, a_density]


@checked
def uniform(corners: Tensor | None = None) -> Density:
    """The uniform law on the unit square, or on the convex polygon of corners (m, 2),
    turning either way. Raises TypeError, ValueError."""
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    corners = _convex(square if corners is None else a_cloud(corners, "corners", d=2))
    centre = (corners.min(0) + corners.max(0)) / 2
    corners = corners - centre
    x, y = corners.T
    area = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
    return tabulate(centre, corners, np.full((1, 1), 1 / area))


@checked
def pixels(values: Tensor, *, lo: tuple = (0.0, 0.0), hi: tuple = (1.0, 1.0)) -> Density:
    """The law proportional to values (h, w) >= 0, first row on top, constant on each pixel of the
    rectangle from lo to hi.

    A picture with dark = dense is pixels(1 - gray). Raises TypeError; ValueError,
    also if the total mass is zero.
    """
    rho = a_picture(values).detach().to("cpu", torch.float64).numpy()[::-1]
    lo, hi = _box(lo, hi)
    half = (hi - lo) / 2
    corners = half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    return tabulate((lo + hi) / 2, corners, rho / (rho.mean() * 4 * half.prod()))


def a_picture(values):
    """Return values, a picture (h, w) of finite entries of at least 0 and positive mass.
    Raises ValueError."""
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"values has shape {tuple(values.shape)}; expected a picture (h, w): one "
                         "number a pixel.")
    if concrete_value(lambda: (values < 0).any() | ~torch.isfinite(values.double().sum()), values):
        raise ValueError("values has a negative entry, or a sum that is infinite; expected a "
                         "density: values.clamp(min=0), divided by its maximum.")
    if concrete_value(lambda: values.double().sum() == 0, values):
        raise ValueError("values has mass zero; expected a positive pixel somewhere.")
    return values


def a_box(lo, hi):
    """Two corners of a rectangle, as two pairs of numbers. Raises TypeError, ValueError."""
    two_numbers(lo, "lo"), two_numbers(hi, "hi")
    if not all(a < b for a, b in zip(lo, hi, strict=True)):
        raise ValueError(f"lo = {lo}, hi = {hi}; expected lo below hi in both coordinates.")
    return lo, hi


def two_numbers(pair, name):
    """Return pair, a tuple or list of two numbers. Raises TypeError, ValueError."""
    if not isinstance(pair, (tuple, list)):
        raise TypeError(f"{name} is {pair!r}; expected two numbers: {name}=(0.0, 1.0).")
    if len(pair) != 2:
        raise ValueError(f"{name} is {pair!r}; expected two numbers: {name}=(0.0, 1.0).")
    for part in pair:
        a_number(part, name)
    return pair


def _box(lo, hi):
    """The corners of a rectangle as arrays."""
    return (np.array([float(c) for c in corner]) for corner in a_box(lo, hi))


def _convex(corners):
    """The corners of a convex polygon, counter-clockwise. Raises ValueError."""
    corners = corners.detach().to("cpu", torch.float64).numpy()
    if corners.ndim != 2 or len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError(f"corners have shape {corners.shape}; expected the finite corners (m, 2) "
                         "of a polygon, m >= 3.")
    sides = np.roll(corners, -1, 0) - corners
    after = np.roll(sides, -1, 0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    angles = np.arctan2(turns, (sides * after).sum(1))
    if not ((turns > 0).all() or (turns < 0).all()) or abs(abs(angles.sum()) - 2 * np.pi) > 1e-6:
        raise ValueError("corners is no strictly convex polygon; expected its corners in order, "
                         "each one a turn to the same side.")
    return corners if turns[0] > 0 else corners[::-1].copy()


def tabulate(centre, corners, rho):
    """The `Density` of values rho (h, w), lowest row first, on the box of a polygon's corners
    relative to centre."""
    h, w = rho.shape
    lo, hi = corners.min(0), corners.max(0)
    lines = tuple(np.linspace(lo[k], hi[k], cells + 1) for k, cells in ((0, w), (1, h)))
    powers = [lines[0] ** (p + 1) / (p + 1) for p in range(3)]
    before = [np.cumsum(rho * np.diff(p), 1) - rho * np.diff(p) for p in powers]
    tables = np.stack([b - rho * p[:-1] for b, p in zip(before, powers, strict=True)])
    return Density(centre, corners, rho, lines, tables)


def border_integrals(density, p, q):
    """The integrals of F dy for g = 1, x, y, |x|^2 along the segments from p to q (e, 2): (e, 4);
    and the mass along them, int rho dl (e,)."""
    ids, a, b = split(density, p, q)
    col, row = (np.clip(np.searchsorted(line, m, "right") - 1, 0, len(line) - 2)
                for line, m in zip(density.lines, ((a + b) / 2).T, strict=True))
    rho, tables = density.values[row, col], density.tables[:, row, col]
    total = np.zeros((len(ids), 4))
    for g in GAUSS:
        x, y = (a + g * (b - a)).T
        one, first, square = (tables[k] + rho * x ** (k + 1) / (k + 1) for k in range(3))
        total += np.stack([one, first, y * one, square + y**2 * one], 1)
    total *= (b - a)[:, 1:] / 2
    lengths = rho * np.hypot(*(b - a).T)
    # bincount counts nothing in integers
    sums = [np.bincount(ids, column, len(p)).astype(float) for column in (*total.T, lengths)]
    return np.stack(sums[:4], 1), sums[4]


def split(density, p, q):
    """The segments p-q cut at the lines of the grid: (segment's number, start, end) of every part.
    """
    e = len(p)
    ids, cuts = [np.arange(e), np.arange(e)], [np.zeros(e), np.ones(e)]
    for k, line in enumerate(density.lines):
        first = np.searchsorted(line, np.minimum(p[:, k], q[:, k]), "right")
        count = np.maximum(np.searchsorted(line, np.maximum(p[:, k], q[:, k]), "left") - first, 0)
        who = np.repeat(np.arange(e), count)
        crossed = line[
            first[who] + np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count)
        ]
        ids.append(who)
        cuts.append((crossed - p[who, k]) / (q[who, k] - p[who, k]))
    ids, cuts = np.concatenate(ids), np.concatenate(cuts)
    order = np.lexsort((cuts, ids))
    ids, cuts = ids[order], cuts[order]
    inside = ids[1:] == ids[:-1]
    who, s, t = ids[1:][inside], cuts[:-1][inside, None], cuts[1:][inside, None]
    return who, (1 - s) * p[who] + s * q[who], (1 - t) * p[who] + t * q[who]


SQUARE = uniform()
