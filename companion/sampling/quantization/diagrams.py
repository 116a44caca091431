"""Power diagrams in the plane: P_i = {x : |x - y_i|^2 - w_i <= |x - y_j|^2 - w_j for all j},
and exact integrals over the cells.

Who is whose neighbour is read off the lower convex hull of the lifted points (y, |y|^2 - w)
(Aurenhammer 1987). Each edge is then an interval of the line between two neighbours,
cut by the half-planes of the others:
no cell's vertices need to be put in order, and nothing is divided by the area of a triangle.
Four sites far away, whose cells miss the domain, make the hull full even where all sites are on one
line.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull

from companion.sampling.quantization.densities import border_integrals

FAR = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


class Diagram(NamedTuple):
    """Cells as float64 arrays relative to the density's centre: moments (n, 4) of 1, x, y, |x|^2.
    """

    sites: np.ndarray
    moments: np.ndarray
    pairs: np.ndarray
    segments: np.ndarray
    flux: np.ndarray
    border: np.ndarray
    owners: np.ndarray
    centre: np.ndarray

    @property
    def mass(self):
        return self.moments[:, 0]


def diagram(sites, w, density):
    """The power diagram of distinct sites (n, 2) with weights w (n,), and its integrals."""
    n, corners = len(sites), density.corners
    pairs, seen = neighbours(sites, w, np.hypot(*corners.T).max())
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    around = np.bincount(both[:, 0], minlength=n), both[:, 1]
    segments, kept = _between(sites, w, pairs, around, corners)
    border, owners = _on_border(sites, w, np.flatnonzero(seen), around, corners)
    pairs = pairs[kept]
    inner, flux = border_integrals(density, *segments.transpose(1, 0, 2))
    outer, _ = border_integrals(density, *border.transpose(1, 0, 2))
    # an edge runs backwards round the second cell
    signed = ((pairs[:, 0], inner, 1), (pairs[:, 1], inner, -1), (owners, outer, 1))
    moments = sum(s * np.stack([np.bincount(who, part, n) for part in parts.T], 1) for who, parts,
                  s in signed)
    return Diagram(sites, moments, pairs, segments, flux, border, owners, density.centre)


def neighbours(sites, w, reach):
    """Pairs (e, 2) that may share an edge within `reach` of the origin, and whether each site may
    have a cell: (n,)."""
    n, scale = len(sites), reach + np.abs(sites).max()
    u, h = sites / scale, (sites**2).sum(1) / scale**2 - w / scale**2
    # Where |x| <= 1: -2 x.far + high > min_i (-2 x.u_i + h_i), so the far sites own nothing there.
    high = 6 * np.sqrt(2) + (2 * np.hypot(*u.T) + h).min() + 1
    lifted = np.column_stack([np.concatenate([u, 3 * FAR]), np.append(h, np.full(4, high))])
    hull = ConvexHull(lifted, qhull_options="Qt Qc")
    lower = hull.simplices[hull.equations[:, 2] < 0]
    pairs = np.concatenate([lower[:, [0, 1]], lower[:, [1, 2]], lower[:, [2, 0]]])
    # in a facet to rounding: a cell of rounding's size, anybody's neighbour
    flat = hull.coplanar[:, 0]
    pairs = np.concatenate([pairs, *(np.column_stack([np.full(n, i), np.arange(n)]) for i in flat)])
    pairs = np.unique(np.sort(pairs[(pairs < n).all(1) & (pairs[:, 0] != pairs[:, 1])], 1), axis=0)
    seen = np.zeros(n + 4, bool)
    seen[lower] = seen[flat] = True
    return pairs, seen[:n]


def _between(sites, w, pairs, around, corners):
    """The edges of neighbours (i, j), with i on their left: (e, 2, 2), and which pairs have one."""
    i, j = pairs.T
    d = sites[j] - sites[i]
    length = np.hypot(*d.T)[:, None]
    normal = d / length
    middle = (sites[i] + sites[j]) / 2 - (w[j] - w[i])[:, None] / (2 * length) * normal
    outward = -turned(np.roll(corners, -1, 0) - corners)
    slope = turned(normal) @ outward.T
    room = (outward * corners).sum(1) - middle @ outward.T
    low, high = _interval(slope, room)
    low, high = _cut(sites, w, i, j, middle, turned(normal), low.max(1), high.min(1), around)
    kept = high > low
    return _ends(middle, turned(normal), low, high)[kept], kept


def _on_border(sites, w, seen, around, corners):
    """The edges of cells on the sides of the domain, counter-clockwise:
    (f, 2, 2), and the cell of each (f,)."""
    sides = np.roll(corners, -1, 0) - corners
    owner, start, side = (
        np.repeat(seen, len(corners)),
        np.tile(corners, (len(seen), 1)),
        np.tile(sides, (len(seen), 1)),
    )
    zero, one = np.zeros(len(owner)), np.ones(len(owner))
    low, high = _cut(sites, w, owner, np.full(len(owner), -1), start, side, zero, one, around)
    kept = high > low
    return _ends(start, side, low, high)[kept], owner[kept]


def _cut(sites, w, i, j, point, direction, low, high, around):
    """The part of {point + s direction, low <= s <= high} in the cell of i, as its neighbours other
    than j leave it."""
    degree, listed = around
    first = np.cumsum(degree) - degree
    who = np.repeat(np.arange(len(i)), degree[i])
    k = listed[
        np.arange(len(who)) + np.repeat(first[i] - np.cumsum(degree[i]) + degree[i], degree[i])
    ]
    who, k = who[k != j[who]], k[k != j[who]]
    d = sites[k] - sites[i[who]]
    slope = 2 * (d * direction[who]).sum(1)
    room = (d * (sites[k] + sites[i[who]] - 2 * point[who])).sum(1) - (w[k] - w[i[who]])
    below, above = _interval(slope, room)
    starts = np.flatnonzero(np.diff(who, prepend=-1))
    if len(starts):
        low[who[starts]] = np.maximum(low[who[starts]], np.maximum.reduceat(below, starts))
        high[who[starts]] = np.minimum(high[who[starts]], np.minimum.reduceat(above, starts))
    return low, high


def _interval(slope, room):
    """The s with slope s <= room, as (lowest, highest)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = room / slope
    low, high = np.where(slope < 0, bound, -np.inf), np.where(slope > 0, bound, np.inf)
    return low, np.where((slope == 0) & (room < 0), -np.inf, high)


def _ends(point, direction, low, high):
    with np.errstate(invalid="ignore"):
        return np.stack([point + low[:, None] * direction, point + high[:, None] * direction], 1)


def turned(v):
    """Vectors (n, 2) turned by +90 degrees."""
    return np.column_stack([-v[:, 1], v[:, 0]])
