"""Curves, densities, histograms and heat maps on paper: their lines are the recorded numbers."""

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from companion.figures import PALETTE, look
from companion.live import curves, density, histogram, matrix, picture, plane
from companion.live.figure import declare
from companion.live.poster import draw
from companion.live.run import tape

ROWS = torch.tensor([[0.0, 1.0, 2.0], [3.0, 1.0, 1.0]], dtype=torch.float64)


def drawn(view, start=ROWS, steps=2):
    """The axes of a poster of x -> x + 1, from t = 0, a step being half a unit of time."""
    f = declare(lambda k, x: x + 1, start, name="f", view=view, sentence="t", alt="lines", method=None, dt=0.5, frames=steps,
                readouts={"mean": lambda x: x.mean(), "first": lambda x: x.flatten()[0] + 1})
    ax = Figure().add_subplot()
    draw(ax, f, 0, tape(f))
    return ax


def legend(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()] if ax.get_legend() else None


def styled(line):
    """(colour, width in pixels, dashes in pixels) of a line."""
    (_, dashes), width = line._dash_pattern, line.get_linewidth()
    return to_rgb(line.get_color()), round(width / look.PX, 6), [round(d / look.PX, 6) for d in dashes or ()]


def ticks(axis):
    return [t.get_text() for t in axis.get_ticklabels()]


def test_a_density_is_drawn_on_its_interval():
    ax = drawn(density(-1, 1, names=["u", "v"], target=lambda s: s**2, ymax=7, xlabel="x", ylabel="p", title="T"))
    assert [line.get_xydata().tolist() for line in ax.lines[:2]] == [[[-1, 2], [0, 3], [1, 4]], [[-1, 5], [0, 3], [1, 3]]]
    s, target = ax.lines[2].get_xydata().T
    assert np.allclose(target, s**2) and (s[0], s[-1], len(s)) == (-1, 1, 240)
    assert legend(ax) == ["u", "v", "target"] and ax.get_ylim() == (0, 7) and ax.get_xlim() == (-1, 1) and ax.get_yscale() == "linear"
    colors = [to_rgb(c) for c in (*PALETTE[:2], look.INK)]
    assert [styled(line) for line in ax.lines] == [(colors[0], 2.2, []), (colors[1], 2.2, [9, 4]), (colors[2], 1.6, [5, 4])]
    assert (ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()) == ("T", "x", "p") and ticks(ax.xaxis) == ["−1.0", "−0.5", "0", "0.5", "1.0"]
    plain = drawn(density(0, 1, logy=True), ROWS[0] + 1)
    assert legend(plain) is None and plain.get_yscale() == "log" and plain.lines[0].get_ydata().tolist() == [3, 4, 5]
    assert plain.get_ylim() == (2, 5)
    assert len(drawn(density(0, 1), ROWS[0][:, None]).lines) == 1
    assert drawn(density(0, 1), ROWS[0]).get_ylim() == (0, 5)  # 1.06 times 4, to whole steps
    none = drawn(density(0, 1, logy=True), ROWS[0] - 2)
    assert np.isnan(none.lines[0].get_ydata()).tolist() == [True, False, False]  # 0 is nowhere on a logarithmic axis


def bars(line):
    """[(left, right, height)] of the bars that stand."""
    x, y = line.get_xydata().T.round(9)
    return [(a, b, h) for a, b, h in zip(x[::2].tolist(), x[1::2].tolist(), y[::2].tolist(), strict=True) if h > 0]


def test_a_histogram_has_unit_mass():
    one = drawn(histogram(0, 8, bins=4), ROWS[0], steps=1)  # 1, 2, 3
    assert bars(one.lines[0]) == [(0, 2, round(1 / 6, 9)), (2, 4, round(1 / 3, 9))] and legend(one) is None
    assert bars(drawn(histogram(0, 8, bins=4), ROWS[0][:, None], steps=1).lines[0]) == bars(one.lines[0])
    two = drawn(histogram(0, 8, bins=4, names=["u", "v"], target=lambda s: s / 32), steps=1)  # and 4, 2, 2
    assert bars(two.lines[0]) == bars(one.lines[0]) and bars(two.lines[1]) == [(2, 4, round(1 / 3, 9)), (4, 6, round(1 / 6, 9))]
    assert legend(two) == ["u", "v", "target"] and [styled(line)[:2] for line in two.lines[:2]] == [(to_rgb(c), 1.3) for c in PALETTE[:2]]
    assert two.lines[2].get_xdata()[[0, -1]].tolist() == [0, 8] and two.collections[0].get_alpha() == 0.26


def test_points_outside_a_histogram_have_mass_that_is_not_seen():
    assert bars(drawn(histogram(1.5, 2.5, bins=2), ROWS[0], steps=1).lines[0]) == [(2, 2.5, round(2 / 3, 9))]


def test_curves_are_readouts_against_time():
    ax = drawn(curves("mean", "first", names=["m", "x0"], reference={"law": lambda t: 2 * t + 5}, ylim=(-1, 9), ylabel="y"))
    law, mean, first = ax.lines
    assert mean.get_xydata()[:, 0].tolist() == [0, 0.5, 1] and np.allclose(mean.get_ydata(), ROWS.mean().item() + np.arange(3))
    assert first.get_ydata().tolist() == [1, 2, 3] and law.get_xydata().tolist() == [[0, 5], [0.5, 6], [1, 7]]
    assert legend(ax) is None  # names stand where the lines end
    assert ends(ax) == {"law": 7, "m": mean.get_ydata()[-1], "x0": pytest.approx(2.8, abs=0.1)}
    assert ax.get_ylim() == (-1, 9) and (ax.get_xlabel(), ax.get_ylabel()) == ("t", "y") and ax.get_xlim() == (0, 1)
    assert [styled(line) for line in ax.lines] == [(to_rgb(look.LIGHT["muted"]), 1.6, [5, 4]), *((to_rgb(c), 2.2, []) for c in PALETTE[:2])]
    log = drawn(curves("first", logx=True, logy=True, xlim=(0.1, 2), reference={"law": lambda t: t}))
    assert (log.get_xscale(), log.get_yscale(), log.get_xlim()) == ("log", "log", (0.1, 2)) and set(ends(log)) == {"first", "law"}


def ends(ax):
    """{name: the value at whose height it stands}."""
    back = (ax.transAxes + ax.transData.inverted()).transform
    return {t.get_text(): pytest.approx(back((1, t.xy[1]))[1], abs=0.02) for t in ax.texts}


def test_names_that_would_overlap_are_pushed_apart_and_stay_in_the_plot():
    ax = drawn(curves("mean", "first", reference={name: (lambda t: 3.0 + 0 * t) for name in "abc"}, ylim=(3, 4)))
    heights = sorted(t.xy[1] for t in ax.texts)
    assert len(heights) == 5 and np.diff(heights).min() > 0.04 and heights[0] >= 0 and heights[-1] <= 1


def test_what_is_constant_runs_the_whole_axis_and_has_its_name_at_its_end():
    reference = {"limit": lambda: 2.5, "far": lambda: 50.0}
    ax = drawn(curves("mean", names=["m"], reference=reference, ylim=(0, 5), xlim=(0, 4)))
    limit = ax.lines[0]
    assert limit.get_xydata().tolist() == [[0, 2.5], [4, 2.5]] and styled(limit)[1:] == (1.6, [5, 4])
    assert set(ends(ax)) == {"limit", "m"} and ends(ax)["limit"] == 2.5  # what lies outside has no line, and no name
    (name,) = (t for t in ax.texts if t.get_text() == "limit")
    assert name.xy[0] == 4
    words = "a name that is too long to stand beside the plot of it"
    narrow = drawn(curves("mean", names=[words], reference={"limit": lambda: 2.5}, ylim=(0, 5)))
    (name,) = narrow.texts
    assert legend(narrow) == [words] and name.get_text() == "limit" and name.get_ha() == "right"
    assert name.xy[0] == narrow.get_xlim()[1] and 0.51 < name.xy[1] < 0.55  # above its line
    two = drawn(curves("mean", names=[words], reference={"limit": lambda: 2.5, "other": lambda: 2.52}, ylim=(0, 5)))
    assert abs(two.texts[0].xy[1] - two.texts[1].xy[1]) > 0.04


def test_the_time_axis_is_of_the_whole_run():
    f = declare(lambda k, x: x + 1, ROWS, name="f", view=curves("first"), sentence="t", alt="lines", method=None, dt=0.5, frames=9, still=2,
                readouts={"first": lambda x: x.sum()})
    ax = Figure().add_subplot()
    draw(ax, f, 0, tape(f))
    assert ax.get_xlim() == (0, 4) and ax.lines[0].get_xdata()[-1] == 1
    recorded = Figure().add_subplot()
    draw(recorded, f, 0, tape(f), recorded=True)
    assert recorded.get_xlim() == (0, 1)


def test_ink_is_as_dark_as_its_value_and_segments_are_thin():
    (image,) = drawn(picture(), ROWS / 10).images
    shown = image.get_array()
    assert np.allclose(shown[..., 3], (ROWS / 10 + 2).clamp(0, 1)) and np.allclose(shown[0, 0, :3], to_rgb(look.INK))
    ax = drawn(plane(x=(0, 9), y=(0, 9), show=lambda x: x[:, :2], segments=lambda x: torch.stack([x[:, :2], x[:, 1:]], 1)))
    (segments,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    assert len(segments.get_segments()) == 2 and segments.get_linewidths() == pytest.approx(1.2 * look.PX)


def test_a_matrix_is_a_heat_map_with_its_scale():
    ax = drawn(matrix(-1, 4, xlabel="j", ylabel="i"))
    (image,) = ax.images
    assert image.get_array().tolist() == (ROWS + 2).tolist() and image.get_clim() == (-1, 4) and image.get_cmap().N == 256
    zero, most = image.cmap(0.2)[:3], image.cmap(1.0)[:3]
    assert min(zero) > 0.95 and np.allclose(most, to_rgb(PALETTE[0]), atol=0.01)  # paper at zero
    assert image.cmap(0.0)[0] > image.cmap(0.0)[2]  # the other sign is warm
    assert ticks(ax.figure.axes[1].yaxis) == ["0", "2", "4"] and (ax.get_xlabel(), ax.get_ylabel()) == ("j", "i")
    one = drawn(matrix(0, 4)).images[0].cmap
    assert sum(one(1.0)[:3]) < sum(to_rgb(PALETTE[0])) < sum(one(0.0)[:3]) and min(one(0.0)[:3]) > 0.9
