"""Axes on paper as in the page (front/axes.js, front/legend.js): hairlines, few ticks, and words
written where they belong."""

import numpy as np

from companion.figures import look
from companion.figures.look import DPI, LINE, LOOK, PX, mixed
from companion.figures.ticks import ticks

PANEL = (440, 374)  # pixels
TYPE, TITLE, GAP, INK = LOOK["type"], LOOK["title"], LOOK["gap"], LOOK["ink"]
BOLD = {"fontweight": "bold", "fontsize": TYPE * PX}
COUNT_X = max(3, min(6, PANEL[0] // 85))
COUNT_Y = max(3, min(5, PANEL[1] // 55))


def array(value):
    """A tensor as numbers of NumPy."""
    return np.asarray(value.detach().cpu(), dtype=float)


def dress(ax, xlim, ylim, options, *, grid=True):
    """Set limits, scales (logx, logy of the options), ticks, labels and hairlines of an axis."""
    logx, logy = options.get("logx", False), options.get("logy", False)
    ax.set_xscale("log" if logx else "linear"), ax.set_yscale("log" if logy else "linear")
    ax.set(xlim=xlim, ylim=ylim)
    across, up = ticks(*xlim, COUNT_X, logx), ticks(*ylim, COUNT_Y, logy)
    for axis, found in ((ax.xaxis, across), (ax.yaxis, up)):
        axis.set_ticks([v for v, _ in found], [text for _, text in found])
        axis.set_ticks([], minor=True)
    shade, quiet = mixed(INK["axis"]), {"width": LINE["axis"], "labelcolor": look.LIGHT["muted"]}
    ax.tick_params(length=GAP["tick"] * PX, pad=(GAP["number"] - GAP["tick"]) * PX, color=shade,
                   labelsize=TYPE * PX, **quiet)
    ax.spines[["top", "right", *(["left"] if grid else [])]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=shade, linewidth=LINE["axis"])
    if grid:
        ax.tick_params(axis="y", length=0, pad=GAP["number"] * PX)
        ax.grid(axis="y", color=mixed(INK["grid"]), linewidth=LINE["axis"])
        ax.set_axisbelow(True)
    _name(ax, options.get("xlabel") or "", options.get("ylabel") or "")


def _name(ax, xlabel, ylabel):
    quiet = {"fontsize": TYPE * PX, "color": look.LIGHT["muted"]}
    ax.set_xlabel(xlabel, **quiet)
    ax.set_ylabel(ylabel, rotation=0, ha="left", va="baseline", **quiet)
    ax.yaxis.set_label_coords(0, 1, transform=moved(ax, -GAP["number"], 0.75 * TYPE))


def moved(ax, right, up):
    """Axes coordinates, moved by pixels."""
    from matplotlib.transforms import ScaledTranslation

    return ax.transAxes + ScaledTranslation(right / DPI, up / DPI, ax.figure.dpi_scale_trans)


def text_width(text, weight="normal"):
    """The width of a text in pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    known = TextPath((0, 0), text or " ", size=TYPE, prop=FontProperties(weight=weight))
    return float(known.get_extents().width)


def legend(ax, items, ylabel=""):
    """Names above the plot, [(handle, text)]; the height in pixels that they and ylabel take."""
    head = 1.8 * TYPE if ylabel else 0.0
    if not items:
        return head
    widest = max(text_width(text) for _, text in items) + 40
    columns = max(1, min(len(items), int(PANEL[0] // widest)))
    handles, texts = zip(*items, strict=True)
    key = ax.legend(handles, texts, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns,
                    bbox_transform=moved(ax, 0, head or 0.4 * TYPE), frameon=False, borderaxespad=0,
                    borderpad=0, fontsize=TYPE * PX, labelcolor=look.INK, handlelength=23 / TYPE,
                    handletextpad=5 / TYPE, columnspacing=1)
    key.set_alignment("left")
    return head + 1.6 * TYPE * -(-len(items) // columns)


def line_key(group, pattern=(), color=None, marked=False):
    """What stands for a line in a legend."""
    from matplotlib.lines import Line2D

    marker, s = look.mark(group, LOOK["dot"]["key"])
    style = {"marker": marker, "markersize": s**0.5, "markeredgewidth": 0} if marked else {}
    return Line2D([], [], color=color or look.color(group), linewidth=LINE["curve"],
                  linestyle=look.dash(pattern), **style)


def end_labels(ax, ends, within=False):
    """Names at the ends of lines, [(text, colour, x, y)], pushed apart so that no two overlap;
    within: where there is no room beside the plot, on the line."""
    gap, bottom, lift = (share * TYPE / (PANEL[1] - 70) for share in (1.22, 0.4, 0.7 * within))
    places = []
    for text, color, x, y in ends:
        _, up = ax.transLimits.transform(ax.transScale.transform((x, y)))
        places.append([float(up) + lift, text, color, x])
    places.sort(key=lambda place: -place[0])
    for above, place in zip([None, *places], places, strict=False):
        place[0] = min(place[0], 1.0 if above is None else above[0] - gap)
    for below, place in zip([None, *places[::-1]], places[::-1], strict=False):
        place[0] = max(place[0], bottom if below is None else below[0] + gap)
    room, side = (-GAP["tick"], "right") if within else (GAP["end"], "left")
    for up, text, color, x in places:
        ax.annotate(text, (x, up), xycoords=("data", "axes fraction"), xytext=(room * PX, 0),
                    textcoords="offset points", va="center_baseline", ha=side, color=color,
                    annotation_clip=False, **BOLD)
