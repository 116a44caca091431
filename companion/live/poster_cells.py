"""The cells of a power diagram on paper, as in the page (front/cells.js): the box, cut by the line
between its site and each other one."""

import numpy as np

from companion.figures.look import LINE, LOOK, mixed


def cut(polygon, normal, c):
    """The part of a polygon (k, 2) where <normal, p> <= c."""
    room = c - polygon @ normal
    part = []
    ends = zip(polygon, np.roll(polygon, -1, 0), room, np.roll(room, -1), strict=True)
    for p, q, here, there in ends:
        part += [p] if here >= 0 else []
        part += [p + here / (here - there) * (q - p)] if (here >= 0) != (there >= 0) else []
    return np.reshape(part, (-1, 2))


def power_polygons(sites, x, y):
    """The polygons of sites (n, 3), coordinates and a weight, in the box x, y; one may be empty."""
    points, height = sites[:, :2], (sites[:, :2] ** 2).sum(1) - sites[:, 2]
    cells = []
    for i, here in enumerate(points):
        polygon = np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
        for j in np.flatnonzero(np.arange(len(points)) != i):
            if len(polygon):
                polygon = cut(polygon, 2 * (points[j] - here), height[j] - height[i])
        cells.append(polygon)
    return cells


def draw_cells(ax, sites, x, y):
    """The borders of the cells."""
    from matplotlib.collections import PolyCollection

    cells = [cell for cell in power_polygons(sites, x, y) if len(cell)]
    ax.add_collection(PolyCollection(cells, facecolors="none", linewidths=LINE["segment"], zorder=1,
                                     edgecolors=[mixed(LOOK["ink"]["axis"])]), autolim=False)
