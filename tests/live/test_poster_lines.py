"""Curves, densities, histograms and heat maps on paper: their lines are the recorded numbers."""

import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from companion.figures import PALETTE
from companion.live import curves, density, histogram, matrix, picture, plane
from companion.live.figure import declare
from companion.live.poster import DRAW, _frame
from companion.live.run import tape

ROWS = torch.tensor([[0.0, 1.0, 2.0], [3.0, 1.0, 1.0]], dtype=torch.float64)


def drawn(view, start=ROWS, steps=2):
    """The axes of a poster of x -> x + 1, from t = 0, a step being half a unit of time."""
    f = declare(lambda k, x: x + 1, start, name="f", view=view, sentence="t", alt="lines", method=None, dt=0.5, frames=steps,
                readouts={"mean": lambda x: x.mean(), "first": lambda x: x.flatten()[0] + 1})
    ax = Figure().add_subplot()
    DRAW[view.kind](ax, view, 0, tape(f))
    _frame(ax, view)
    return ax


def legend(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()] if ax.get_legend() else None


def test_a_density_is_drawn_on_its_interval():
    ax = drawn(density(-1, 1, names=["u", "v"], target=lambda s: s**2, ymax=7, xlabel="x", ylabel="p", title="T"))
    assert [line.get_xydata().tolist() for line in ax.lines[:2]] == [[[-1, 2], [0, 3], [1, 4]], [[-1, 5], [0, 3], [1, 3]]]
    s, target = ax.lines[2].get_xydata().T
    assert np.allclose(target, s**2) and (s[0], s[-1], len(s)) == (-1, 1, 240) and ax.lines[2].get_linestyle() == "--"
    assert legend(ax) == ["u", "v", "target"] and ax.get_ylim()[1] == 7 and ax.get_yscale() == "linear"
    assert [to_rgb(line.get_color()) for line in ax.lines[:2]] == [to_rgb(c) for c in PALETTE[:2]]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("T", "x", "p")
    plain = drawn(density(0, 1, logy=True), ROWS[0] + 1)
    assert legend(plain) is None and plain.get_yscale() == "log" and plain.lines[0].get_ydata().tolist() == [3, 4, 5]


def bars(ax):
    """[(left, right, height)] of the bars that stand."""
    return [(round(b.get_x(), 9), round(b.get_x() + b.get_width(), 9), round(b.get_height(), 9)) for b in ax.patches if b.get_height() > 0]


def test_a_histogram_has_unit_mass():
    one = drawn(histogram(0, 8, bins=4), ROWS[0], steps=1)  # 1, 2, 3
    assert bars(one) == [(0, 2, round(1 / 6, 9)), (2, 4, round(1 / 3, 9))] and legend(one) is None
    assert bars(drawn(histogram(0, 8, bins=4), ROWS[0][:, None], steps=1)) == bars(one)
    two = drawn(histogram(0, 8, bins=4, names=["u", "v"], target=lambda s: s / 32), steps=1)  # and 4, 2, 2
    assert bars(two)[:2] == bars(one) and bars(two)[2:] == [(2, 4, round(1 / 3, 9)), (4, 6, round(1 / 6, 9))]
    assert legend(two) == ["u", "v", "target"] or sorted(legend(two)) == ["target", "u", "v"]
    assert [to_rgb(two.patches[i].get_facecolor()[:3]) for i in (0, 4)] == [to_rgb(c) for c in PALETTE[:2]]
    assert two.lines[0].get_xdata()[[0, -1]].tolist() == [0, 8]


def test_a_histogram_keeps_what_lies_outside_at_its_ends():
    assert bars(drawn(histogram(1.5, 2.5, bins=2), ROWS[0], steps=1)) == [(1.5, 2, round(2 / 3, 9)), (2, 2.5, round(4 / 3, 9))]


def test_curves_are_readouts_against_time():
    ax = drawn(curves("mean", "first", names=["m", "x0"], reference={"law": lambda t: 2 * t + 5}, ylim=(-1, 9), ylabel="y"))
    assert ax.lines[0].get_xydata()[:, 0].tolist() == [0, 0.5, 1] and np.allclose(ax.lines[0].get_ydata(), ROWS.mean().item() + np.arange(3))
    assert ax.lines[1].get_ydata().tolist() == [1, 2, 3] and ax.lines[2].get_xydata().tolist() == [[0, 5], [0.5, 6], [1, 7]]
    assert legend(ax) == ["m", "x0", "law"] and ax.get_ylim() == (-1, 9) and (ax.get_xlabel(), ax.get_ylabel()) == ("t", "y")
    assert [to_rgb(line.get_color()) for line in ax.lines[:2]] == [to_rgb(c) for c in PALETTE[:2]] and ax.lines[2].get_linestyle() == "--"
    log = drawn(curves("first", logx=True, logy=True, xlim=(0.1, 2), reference={"law": lambda t: t}))
    assert log.lines[0].get_xdata().tolist() == [0.5, 1] == log.lines[1].get_xdata().tolist()  # log 0 is nowhere
    assert (log.get_xscale(), log.get_yscale(), log.get_xlim()) == ("log", "log", (0.1, 2)) and legend(log) == ["first", "law"]


def test_ink_is_as_dark_as_its_value_and_segments_are_thin():
    image = drawn(picture(), ROWS / 10).images[0]
    assert image.get_clim() == (0, 1) and image.get_cmap().name == "Greys"
    ax = drawn(plane(x=(0, 9), y=(0, 9), show=lambda x: x[:, :2], segments=lambda x: torch.stack([x[:, :2], x[:, 1:]], 1)))
    assert [line.get_linewidth() for line in ax.lines] == [0.8, 0.8]


def test_a_matrix_is_a_heat_map():
    image = drawn(matrix(-1, 4)).images[0]
    assert image.get_array().tolist() == (ROWS + 2).tolist() and image.get_clim() == (-1, 4)
