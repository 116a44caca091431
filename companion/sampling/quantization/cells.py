"""Power diagrams in the plane: P_i = {x : |x - y_i|^2 - w_i <= |x - y_j|^2 - w_j for all j}, and exact integrals over the cells.

Who is whose neighbour is read off the lower convex hull of the lifted points (y, |y|^2 - w) (Aurenhammer 1987). Each edge is then an
interval of the line between two neighbours, cut by the half-planes of the others: no cell's vertices need to be put in order, and nothing is
divided by the area of a triangle. Four sites far away, whose cells miss the domain, make the hull full even where all sites are on one line.
"""

from typing import Annotated, NamedTuple

import numpy as np
import torch
from scipy.spatial import ConvexHull

from companion.hints import Tensor, checked
from companion.inputs import a_cloud
from companion.sampling.quantization.densities import SQUARE, OnPlane, border_integrals

DUST = 1e-14  # a smaller mass is rounding: the cell counts as empty
HIGHEST = 1e15  # of a weight: beyond it the hull of the lifted points is flat
FAR = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


class Cells(NamedTuple):
    """The cells of n sites under a law rho: mass (n,), barycentre (n, 2), spread (n,) = int |x - b|^2 drho, second (n,) = int |x - y|^2 drho.

    pairs (e, 2) are the neighbours, segments (e, 2, 2) the edges between them, flux (e,) = int rho along each; border (f, 2, 2) are the edges
    on the domain's border and owners (f,) their cells. An empty cell has mass 0, and its site for barycentre.
    """

    mass: torch.Tensor
    barycentre: torch.Tensor
    spread: torch.Tensor
    second: torch.Tensor
    pairs: torch.Tensor
    segments: torch.Tensor
    flux: torch.Tensor
    border: torch.Tensor
    owners: torch.Tensor


def a_site_set(y, name):
    """Return y, one set of sites (n, 2) in the plane. Raises TypeError, ValueError."""
    if a_cloud(y, name, d=2).ndim != 2:
        raise ValueError(f"{name} has shape {tuple(y.shape)}; expected one set of sites (n, 2).")
    return y


Sites = Annotated[torch.Tensor, a_site_set]


@checked
def power_cells(y: Sites, w: Tensor | None = None, *, density: OnPlane = SQUARE) -> Cells:
    """The `Cells` of sites y (n, 2) with weights w (n,); without weights Voronoi cells. Sites may lie outside the domain.

    Computed in float64 on the CPU; the answer has y's dtype and device. Raises TypeError; ValueError, also for coincident sites.
    """
    sites = a_sites(y, density)
    return as_cells(diagram(sites, _weights(w, y), density), y)


@checked
def polygons(y: Sites, w: Tensor | None = None, *, density: OnPlane = SQUARE) -> list:
    """The cells as polygons, counter-clockwise: a list of n tensors (k_i, 2), k_i = 0 for an empty cell. Raises TypeError, ValueError."""
    cells = power_cells(y.double(), None if w is None else w.double(), density=density)
    ends = torch.cat([cells.segments, cells.segments.flip(1), cells.border])  # each edge runs counter-clockwise round its own cell
    owners = torch.cat([cells.pairs[:, 0], cells.pairs[:, 1], cells.owners])
    found = []
    for i in range(len(y)):
        starts = ends[owners == i, 0]
        around = starts - starts.mean(0)
        found.append(starts[torch.atan2(around[:, 1], around[:, 0]).argsort()].to(y))
    return found


def a_sites(y, density):
    """The sites as a float64 array relative to the density's centre. Raises ValueError."""
    sites = y.detach().to("cpu", torch.float64).numpy() - density.centre
    if not np.isfinite(sites).all():
        raise ValueError("y has an infinite entry; expected sites in the plane.")
    order = np.lexsort(sites.T)
    same = (np.diff(sites[order], axis=0) == 0).all(1)
    if same.any():
        k = int(same.argmax())
        i, j = sorted(order[k:k + 2].tolist())
        raise ValueError(f"y[{i}] and y[{j}] coincide; expected distinct sites: nothing says which of them owns their cell; move one.")
    return sites


def _weights(w, y):
    if w is None:
        return np.zeros(len(y))
    if w.shape != y.shape[:1] or not torch.isfinite(w).all():
        raise ValueError(f"w has shape {tuple(w.shape)}; expected one finite weight for each of the {len(y)} sites: ({len(y)},).")
    if w.abs().max() > HIGHEST:
        raise ValueError(f"w has an entry of size {w.abs().max().item():.3g}; expected at most {HIGHEST:.0e}: choose another unit.")
    return w.detach().to("cpu", torch.float64).numpy()


class Diagram(NamedTuple):
    """Cells as float64 arrays relative to the density's centre: moments (n, 4) of 1, x, y, |x|^2."""

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
    signed = ((pairs[:, 0], inner, 1), (pairs[:, 1], inner, -1), (owners, outer, 1))  # an edge runs backwards round the second cell
    moments = sum(s * np.stack([np.bincount(who, part, n) for part in parts.T], 1) for who, parts, s in signed)
    return Diagram(sites, moments, pairs, segments, flux, border, owners, density.centre)


def neighbours(sites, w, reach):
    """Pairs (e, 2) that may share an edge within `reach` of the origin, and whether each site may have a cell: (n,)."""
    n, scale = len(sites), reach + np.abs(sites).max()
    u, h = sites / scale, (sites**2).sum(1) / scale**2 - w / scale**2
    # Where |x| <= 1: -2 x.far + high > min_i (-2 x.u_i + h_i), so the far sites own nothing there.
    high = 6 * np.sqrt(2) + (2 * np.hypot(*u.T) + h).min() + 1
    lifted = np.column_stack([np.concatenate([u, 3 * FAR]), np.append(h, np.full(4, high))])
    hull = ConvexHull(lifted, qhull_options="Qt Qc")
    lower = hull.simplices[hull.equations[:, 2] < 0]
    pairs = np.concatenate([lower[:, [0, 1]], lower[:, [1, 2]], lower[:, [2, 0]]])
    flat = hull.coplanar[:, 0]  # in a facet to rounding: a cell of rounding's size, anybody's neighbour
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
    """The edges of cells on the sides of the domain, counter-clockwise: (f, 2, 2), and the cell of each (f,)."""
    sides = np.roll(corners, -1, 0) - corners
    owner, start, side = np.repeat(seen, len(corners)), np.tile(corners, (len(seen), 1)), np.tile(sides, (len(seen), 1))
    zero, one = np.zeros(len(owner)), np.ones(len(owner))
    low, high = _cut(sites, w, owner, np.full(len(owner), -1), start, side, zero, one, around)
    kept = high > low
    return _ends(start, side, low, high)[kept], owner[kept]


def _cut(sites, w, i, j, point, direction, low, high, around):
    """The part of {point + s direction, low <= s <= high} in the cell of i, as its neighbours other than j leave it."""
    degree, listed = around
    first = np.cumsum(degree) - degree
    who = np.repeat(np.arange(len(i)), degree[i])
    k = listed[np.arange(len(who)) + np.repeat(first[i] - np.cumsum(degree[i]) + degree[i], degree[i])]
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


def as_cells(found, y):
    """A `Diagram` as `Cells` like y."""
    full = found.mass > DUST
    mass, first, square = np.where(full, found.mass, 0), found.moments[:, 1:3], found.moments[:, 3]
    b = np.where(full[:, None], first / np.where(full, mass, 1)[:, None], found.sites)
    spread = np.where(full, np.maximum(square - mass * (b**2).sum(1), 0), 0)
    second = spread + mass * ((b - found.sites) ** 2).sum(1)
    placed = (b + found.centre, spread, second, found.pairs, found.segments + found.centre, found.flux, found.border + found.centre)
    return Cells(*(torch.as_tensor(v).to(y.device, y.dtype if v.dtype.kind == "f" else torch.int64) for v in (mass, *placed, found.owners)))
