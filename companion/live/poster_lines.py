"""Curves, densities and histograms on paper, as in the page (front/curves.js, front/density.js)."""

import numpy as np

from companion.figures import look
from companion.figures.look import LINE, LOOK
from companion.figures.ticks import log_range, tick_range
from companion.live.poster_axes import (
    PANEL,
    array,
    dress,
    end_labels,
    legend,
    line_key,
    text_width,
)
from companion.live.run import Run, steps_of_frame

INK, THEORY = LOOK["ink"], LOOK["theory"]


def draw_density(ax, view, j, seen, **_):
    """density: values on the grid, and their target."""
    rows = np.atleast_2d(_rows(array(seen[-1][1][f"show{j}"])))
    x = np.linspace(view.options["lo"], view.options["hi"], rows.shape[-1])
    strength = INK["areas" if len(rows) > 1 else "area"]
    return _densities(ax, view, j, seen, [(x, row) for row in rows], "curve", strength)


def draw_histogram(ax, view, j, seen, **_):
    """histogram: groups of numbers, of unit mass with those outside, and their target."""
    o = view.options
    edges, bars = np.linspace(o["lo"], o["hi"], o["bins"] + 1), []
    for values in np.atleast_2d(_rows(array(seen[-1][1][f"show{j}"]))):
        counts, _ = np.histogram(values, edges)
        heights = counts / (values.size * (edges[1] - edges[0]))
        bars.append((np.repeat(edges, 2)[1:-1], np.repeat(heights, 2)))
    return _densities(ax, view, j, seen, bars, "bars", INK["bars"])


def _rows(values):
    """(m,) or (m, 1) is one row, (c, m) are c."""
    return values[..., 0] if values.ndim > 1 and values.shape[-1] == 1 else values


def _densities(ax, view, j, seen, rows, line, strength):
    o, target = view.options, _target(view, seen[-1][1].get(f"target{j}"))
    names = o["names"] or [""] * len(rows)
    ylim = _height(o, [y for _, y in rows] + ([] if target is None else [target[1]]))
    items = []
    for c, (x, y) in enumerate(rows):
        drawn = np.where(y > 0, y, np.nan) if o.get("logy") else y
        ax.fill_between(x, ylim[0], drawn, color=look.color(c), alpha=strength, linewidth=0)
        style = look.dash(LOOK["dashes"][c % 8], line)
        ax.plot(x, drawn, color=look.color(c), linewidth=LINE[line], linestyle=style)
        if c < len(names) and names[c]:
            items.append((line_key(c, LOOK["dashes"][c % 8]), names[c]))
    if target is not None:
        ax.plot(*target, color=look.INK, linewidth=LINE["theory"],
                linestyle=look.dash(THEORY, "theory"))
        items.append((line_key(0, THEORY, look.INK), "target"))
    dress(ax, (o["lo"], o["hi"]), ylim, o)
    return legend(ax, items, o.get("ylabel"))


def _target(view, values):
    if values is None:
        return None
    values = array(values)
    return np.linspace(view.options["lo"], view.options["hi"], values.shape[-1]), values


def _height(o, curves):
    finite = np.concatenate([y[np.isfinite(y)] for y in curves])
    top = max(0.0, finite.max(initial=0.0))
    if o.get("logy"):
        least = finite[finite > 0].min(initial=np.inf)
        return log_range(max(least, top * 1e-8) if top else 1e-3, o["ymax"] or top or 1.0)
    return (0.0, o["ymax"] or tick_range(0.0, 1.06 * top or 1.0, 5)[1])


def draw_curves(ax, view, j, seen, *, figure, recorded=False):
    """curves: readouts and references against time; what is constant runs the whole axis."""
    o, t = view.options, np.array([m.t for m, _ in seen])
    series = _series(view, j, seen)
    xlim, ylim = _times(o, t, figure, recorded), _values(o, [y for *_, y in series])
    alone = len(series) == 1 and not o["names"]
    ylabel = o["ylabel"] or (series[0][0] if alone else "")
    dress(ax, xlim, ylim, {**o, "ylabel": ylabel})
    ends = []
    for text, group, color, dashed, constant, y in series:
        x, line = (np.array(xlim) if constant else t), "theory" if dashed else "curve"
        y = y[[-1, -1]] if constant else y
        style = look.dash(THEORY if dashed else [], line)
        ax.plot(x, y, color=color, linewidth=LINE[line], linestyle=style)
        if not dashed:
            _now(ax, group, color, x[-1], y[-1])
        if not constant or ylim[0] <= y[-1] <= ylim[1]:
            ends += [(text, color, x[i], y[i]) for i in np.flatnonzero(np.isfinite(y))[-1:]]
    return _names(ax, [] if alone else ends, series, ylabel)


def _series(view, j, seen):
    """[(text, group, colour, dashed, constant, values)]: theory first, readouts above it."""
    o, paired = view.options, 1 < len(view.reference) == len(view.options["readouts"])
    colors = look.PALETTE if paired else [look.LIGHT["muted"]] * len(view.reference)
    theory = [(label, i, colors[i], True, label in o["constant"], _read(seen, f"ref:{j}:{label}"))
              for i, label in enumerate(view.reference)]
    own = [((o["names"] or o["readouts"])[i], i, look.color(i), False, False,
            _read(seen, f"readout:{name}")) for i, name in enumerate(o["readouts"])]
    return [*theory, *own]


def _read(seen, key):
    return np.array([float(s[key]) for _, s in seen])


def _now(ax, group, color, x, y):
    marker, s = look.mark(group, LOOK["dot"]["now"])
    ax.scatter([x], [y], marker=marker, s=s, color=color, linewidths=0, zorder=4, clip_on=False)


def _names(ax, ends, series, ylabel):
    """Names at the ends where there is room, else above; a constant has its own on its line."""
    widest = max((text_width(text, "bold") + 14 for text, *_ in ends), default=0)
    if widest < 0.33 * PANEL[0] and len(ends) <= 7:
        end_labels(ax, ends)
        return legend(ax, [], ylabel)
    fixed = {text for text, *_, constant, _ in series if constant}
    end_labels(ax, [end for end in ends if end[0] in fixed], within=True)
    items = [(line_key(group, THEORY if dashed else (), color, marked=not dashed), text)
             for text, group, color, dashed, constant, _ in series if not constant]
    return legend(ax, items, ylabel)


def _times(o, t, figure, recorded):
    """The time axis: of the whole run, also where the frames end before (front/clock.js)."""
    if o["xlim"]:
        return tuple(o["xlim"])
    k, dt = 0, Run(figure).dt
    for _ in range(1, figure.frames):
        k += steps_of_frame(figure, k)
    end = max(t[-1], 0 if recorded else k * dt) or 1.0
    if not o["logx"]:
        return (0.0, end)
    start = t[t > 0][0] if (t > 0).any() else dt * figure.substeps
    return (min(start, end / 10), end)


def _values(o, values):
    if o["ylim"]:
        return tuple(o["ylim"])
    every = np.concatenate(values)
    every = every[np.isfinite(every) & ((every > 0) | (not o["logy"]))]
    if not every.size:
        return (0.1, 10.0) if o["logy"] else (0.0, 1.0)
    lo, hi = every.min(), every.max()
    return log_range(lo, hi) if o["logy"] else tick_range(0.0 if 0 < lo < 0.4 * hi else lo, hi, 12)
