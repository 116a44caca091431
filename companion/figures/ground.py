"""The level sets of a landscape, as in the page (live/front/contours.js and ground.js): bands
between quantiles, dark in the valleys, because equal steps would spend all levels on the walls."""

import numpy as np

from companion.figures.look import LINE, LOOK, mixed


def quantile_levels(values, count):
    """The heights of at most `count` level sets, closer in the valleys; none of a constant."""
    known, rule = np.sort(values[np.isfinite(values)]), LOOK["levels"]
    if not known.size or known[0] == known[-1]:
        return known[:0]
    at = ((np.arange(count) + rule["shift"]) / count) ** rule["power"]
    return np.unique(known[np.minimum(known.size - 1, np.floor(at * known.size).astype(int))])


def paint_levels(ax, x, y, values, levels):
    """Bands and lines at these levels of values on the grid x, y, beneath all else."""
    if not len(levels):
        return
    depth = (1 - np.arange(len(levels) + 1) / len(levels)) ** 1.4
    bands = [mixed(0.03 + 0.4 * d, "ground") for d in depth]
    if len(levels) > 1:  # matplotlib has no bands about one level
        ax.contourf(x, y, values, levels=levels, extend="both", colors=bands, zorder=0.5)
    lines = [mixed(0.22 + 0.4 * d, "ground") for d in depth[:-1]]
    ax.contour(x, y, values, levels=levels, linewidths=LINE["level"], colors=lines, zorder=0.5)
