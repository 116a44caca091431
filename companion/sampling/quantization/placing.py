"""Where Newton's method sees the sites: as they are, dilated into the domain, or drawn near. Cells
stay what they are, for other weights."""

from typing import NamedTuple

import numpy as np

from companion.sampling.quantization.diagrams import diagram


class Placed(NamedTuple):
    """Sites z = s (y - middle) + centre. Their power cells are those of y for other weights:
    Newton's method never sees where y is."""

    sites: np.ndarray
    s: float
    shift: np.ndarray  # y = z / s + shift


def placed_well(sites, density):
    """The sites where they are, or moved and dilated into the domain, whichever has the fuller
    smallest Voronoi cell; and those cells."""
    places = [Placed(sites, 1.0, np.zeros(2)), dilated(sites, density)]
    found = [(place, diagram(place.sites, np.zeros(len(sites)), density)) for place in places]
    return max(found, key=lambda start: start[1].mass.min())


def dilated(sites, density):
    """The sites moved and dilated into the domain."""
    corners = density.corners
    sides = np.roll(corners, -1, 0) - corners
    outward = np.column_stack([sides[:, 1], -sides[:, 0]])
    centre, middle = corners.mean(0), (sites.min(0) + sites.max(0)) / 2
    room = (outward * (corners - centre)).sum(1)
    ratio = ((outward @ (sites - middle).T).max(1) / room).max()
    s = 0.9 / ratio if ratio > 0 else 1.0
    return Placed(s * (sites - middle) + centre, s, middle - centre / s)


def weights(placed, v):
    """The weights w of y, of mean zero, that have the cells of z with v:
    |y|^2 - w = (|z|^2 - v) / s up to a constant."""
    z, s = placed.sites, placed.s
    w = (v + (1 / s - 1) * (z**2).sum(1) + 2 * z @ placed.shift) / s
    return w - w.mean()


def reach(density):
    """The distance of the domain's farthest corner."""
    return np.hypot(*density.corners.T).max()


def pull_of(sites, limit):
    """The factors (n,) that leave a distance r up to the limit as it is, and make limit (1 + log(r / limit)) of a larger one."""
    r = np.maximum(np.hypot(*sites.T) / limit, 1.0)
    return (1 + np.log(r)) / r
