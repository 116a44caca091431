"""Matrices and pictures on paper, as in the page (front/matrix.js, front/picture.js)."""

import numpy as np

from companion.figures import look
from companion.figures.look import LINE, LOOK, PX, mixed
from companion.figures.ticks import ticks
from companion.live.poster_axes import TYPE, array, moved


def show_picture(ax, values, **options):
    """Colours (rows, columns, 3), or ink (rows, columns) on the paper."""
    if values.ndim == 2:
        ink = np.broadcast_to(mixed(1, "ink"), (*values.shape, 3))
        values = np.concatenate([ink, np.nan_to_num(values)[..., None]], -1)
    ax.imshow(values.clip(0, 1), zorder=0, aspect="auto", **options)


def _framed(ax):
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color=mixed(LOOK["ink"]["frame"]), linewidth=LINE["axis"])


def draw_picture(ax, view, j, seen, **_):
    """picture: colours, or ink."""
    smooth = "bilinear" if view.options["smooth"] else "nearest"
    show_picture(ax, array(seen[-1][1][f"show{j}"]), interpolation=smooth)
    ax.set_box_aspect(1 / view.options["ratio"])
    _framed(ax)


def shades(lo, hi):
    """256 colours from lo to hi: paper at zero, one hue for one sign, two for two signs."""
    cold, warm = look.PALETTE[:2]
    strong = "#" + "".join(f"{round(255 * c):02x}" for c in _between(cold, look.INK, 0.55))
    if lo < 0 < hi:
        values = np.linspace(lo, hi, 256) / max(-lo, hi)
        return [mixed(abs(v) ** 0.85, warm if v < 0 else cold) for v in values]
    values = np.linspace(0, 1, 256)
    low = [mixed(0.03 + 0.97 * u / 0.6, cold) for u in values if u < 0.6]
    return low + [_between(cold, strong, (u - 0.6) / 0.4) for u in values if u >= 0.6]


def _between(a, b, u):
    return tuple(x + (y - x) * u for x, y in zip(mixed(1, a), mixed(1, b), strict=True))


def draw_matrix(ax, view, j, seen, **_):
    """matrix: a heat map with its scale."""
    from matplotlib.colors import ListedColormap

    o = view.options
    image = ax.imshow(array(seen[-1][1][f"show{j}"]), vmin=o["lo"], vmax=o["hi"],
                      cmap=ListedColormap(shades(o["lo"], o["hi"])))
    _framed(ax)
    quiet = {"fontsize": TYPE * PX, "color": look.LIGHT["muted"]}
    ax.set_xlabel(o["xlabel"], **quiet)
    ax.set_ylabel(o["ylabel"], rotation=0, ha="left", va="baseline", **quiet)
    ax.yaxis.set_label_coords(0, 1, transform=moved(ax, 0, 0.6 * TYPE))
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.03)
    places, texts = zip(*ticks(o["lo"], o["hi"], 4), strict=True)
    bar.set_ticks(places, labels=texts)
    bar.ax.tick_params(length=0, pad=0.5 * TYPE * PX, labelsize=TYPE * PX,
                       labelcolor=look.LIGHT["muted"])
    bar.outline.set(edgecolor=mixed(LOOK["ink"]["frame"]), linewidth=LINE["axis"])
    return 1.8 * TYPE if o["ylabel"] else 0
