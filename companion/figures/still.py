"""A still: a picture with its alternative text, one object for a notebook, a page,
paper and a screen reader."""

import base64
import html
import io
import sys
from typing import Annotated

from companion.figures.look import DPI, INK, LIGHT, PALETTE, STILL
from companion.hints import Count, Word, checked
from companion.inputs import a_number


class Still:
    """A drawn figure: .png (bytes), .alt, .caption, .figure (matplotlib's).
    A notebook shows it with its text."""

    def __init__(self, figure, alt, caption, png):
        self.figure, self.alt, self.caption, self.png = figure, alt, caption, png

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.alt, "image/png": base64.b64encode(self.png).decode(),
                "text/html": self.html()}

    def html(self):
        """The picture within the page: <figure class="still">, the text in alt, the caption below.
        """
        source = base64.b64encode(self.png).decode()
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        image = f'<img src="data:image/png;base64,{source}" alt="{html.escape(self.alt, quote=True)}" style="max-width:100%;height:auto">'
        return f'<figure class="still">{image}{caption}</figure>'

    def save(self, path):
        """Write the figure to a file: .png, .pdf, .svg."""
        self.figure.savefig(path, bbox_inches="tight")


def a_size(size, name="size"):
    """Return size, (width, height) in inches. Raises TypeError, ValueError."""
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise TypeError(f"{name} is {size!r}; expected (width, height) in inches.")
    for side in size:
        a_number(side, f"a side of {name}", above=0, most=100)
    return size


def a_text(alt):
    """Return alt, a sentence that says what is to be seen. Raises ValueError."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f'alt is {alt!r}; expected a sentence that says what is to be seen: '
                         'alt="Two clouds meet at the origin."')
    return alt.strip()


Alt = Annotated[str, lambda alt, name: a_text(alt)]
Size = Annotated[tuple, a_size]


@checked
def axes(title: Word | None = None, size: Size = (5, 3.6), *, rows: Count = 1,
         columns: Count = 1) -> tuple:
    """A figure of size inches (width, height) and its axes, or an array (rows, columns) of them:
    matplotlib's own, free of pyplot.

    White, whatever the page: black axes do not vanish in dark mode.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STILL):
        figure = Figure(figsize=size, facecolor=LIGHT["sheet"], layout="constrained")
        ax = figure.subplots(rows, columns)
    for one in figure.axes:
        one.set_prop_cycle(color=PALETTE)
    if title:
        figure.suptitle(title, color=INK) if rows * columns > 1 else ax.set_title(title, color=INK)
    return figure, ax


@checked
def still(figure: object, *, alt: Alt, caption: Word | None = None) -> Still:
    """The still of a matplotlib figure. alt says what is to be seen, caption stands below it.
    Raises TypeError, ValueError.

    A figure of pyplot is closed, so that the notebook shows it once.
    """
    if not hasattr(figure, "savefig"):
        raise TypeError(f"figure is a {type(figure).__name__}; expected a matplotlib Figure: "
                        "figure, ax = axes().")
    alt, memory = a_text(alt), io.BytesIO()
    figure.savefig(memory, format="png", dpi=DPI, facecolor=figure.get_facecolor(), bbox_inches="tight", metadata={"Description": alt})
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)
    return Still(figure, alt, caption, memory.getvalue())
