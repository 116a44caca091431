"""The still picture of a live figure: on paper, without JavaScript, while loading. Each view draws
its last recorded frame with matplotlib, as the page draws it (front/make_view.js) in a panel of
this size."""

import io

from companion.figures import look
from companion.figures.look import DPI, PX
from companion.live.poster_axes import PANEL, TITLE, TYPE
from companion.live.poster_lines import draw_curves, draw_density, draw_histogram
from companion.live.poster_points import draw_plane
from companion.live.poster_round import draw_circle, draw_sphere
from companion.live.poster_tables import draw_matrix, draw_picture

DRAW = {"plane": draw_plane, "landscape": draw_plane, "circle": draw_circle, "sphere": draw_sphere,
        "density": draw_density, "histogram": draw_histogram, "curves": draw_curves,
        "matrix": draw_matrix, "picture": draw_picture}


def draw(ax, figure, j, seen, recorded=False):
    """Draw view j of a figure from its frames [(moment, seen)]."""
    view = figure.views[j]
    head = DRAW[view.kind](ax, view, j, seen, figure=figure, recorded=recorded) or 0
    ax.set_title(view.options.get("title", ""), loc="left", color=look.INK, fontweight="bold",
                 fontsize=TITLE * PX, pad=(head + 0.5 * TYPE) * PX)


def poster(figure, seen, *, recorded=False, dpi=DPI):
    """PNG bytes of a figure's recorded frames [(moment, seen)]: the last one, with trails and
    curves of those before. recorded: the frames are the whole run."""
    from matplotlib.figure import Figure

    many, (width, height) = len(figure.views), PANEL
    page = Figure(figsize=(width * many / DPI, height / DPI), layout="constrained",
                  facecolor=look.LIGHT["sheet"])
    for j in range(many):
        draw(page.add_subplot(1, many, j + 1), figure, j, seen, recorded)
    return png(page, dpi)


def png(page, dpi):
    """A drawing as PNG bytes in 128 colours, rare ones too: a quarter of the weight, and the eye
    does not tell."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    page.savefig(full, format="png", dpi=dpi)
    few = Image.open(full).convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()
