"""The still picture: what stands on paper is what was recorded, and every kind of view can be drawn."""

import io
import math

import matplotlib.colors
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from companion.figures import PALETTE
from companion.live import circle, curves, density, histogram, landscape, matrix, picture, plane, sphere
from companion.live.figure import declare
from companion.live.poster import DRAW, _frame, draw_ground, poster
from companion.live.run import tape

BOX = {"x": (-2, 2), "y": (-1, 1)}
CLOUD = torch.tensor([[1.0, 0.5], [-1.0, 0.25], [0.5, -0.5]], dtype=torch.float64)
GROW = {"readouts": {"mass": lambda x: x.sum(), "t1": lambda t: t + 1}, "frames": 4, "dt": 1.0, "method": None}


def doubling(view, start=CLOUD):
    """x doubles: four steps, seen."""
    return declare(lambda k, x: 2 * x, start, name="f", view=view, sentence="t", alt="points", **GROW)


def drawn(view, start=CLOUD):
    """The axes of a poster."""
    f, ax = doubling(view, start), Figure().add_subplot()
    DRAW[view.kind](ax, view, 0, tape(f))
    _frame(ax, view)
    return ax


def points(collection):
    return np.asarray(collection.get_offsets())


def color(c):
    return matplotlib.colors.to_rgba_array(c)[:, :3].tolist()


LINE = torch.linspace(0, 0.1, 30)
EVERY = {
    "plane": (plane(**BOX), CLOUD / 50), "landscape": (landscape(lambda p: p.square().sum(-1), **BOX), CLOUD / 50), "circle": (circle(), LINE),
    "sphere": (sphere(), torch.rand(9, 3, generator=torch.Generator().manual_seed(0)) / 20), "density": (density(0, 1, ymax=2), LINE),
    "histogram": (histogram(0, 2, bins=30), LINE), "curves": (curves("mass"), CLOUD), "matrix": (matrix(0, 1), torch.rand(5, 5) / 20),
    "picture": (picture(), torch.rand(5, 5, 3) / 20), "ink": (picture(ratio=2.0, smooth=True), torch.rand(5, 5) / 20),
    "under": (plane(**BOX, under=lambda x: x[:, :1] * 9), CLOUD / 50),
    "segments": (plane(**BOX, segments=lambda x: torch.stack([x, -20 * x], 1)), CLOUD / 50),
}


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_is_a_picture_of_its_last_frame(kind):
    view, start = EVERY[kind]
    f = doubling(view, start)
    seen = tape(f)
    first, last = (np.asarray(Image.open(io.BytesIO(poster(f, s))).convert("RGB"), dtype=int) for s in (seen[:-1], seen))
    assert first.shape == last.shape == (374, 440, 3)
    assert (abs(last - first).max(-1) > 40).sum() > 20 and (last.min(-1) < 200).mean() > 0.0005


def test_panels_stand_side_by_side():
    f = doubling([plane(**BOX), curves("mass"), matrix(0, 1)])
    image = np.asarray(Image.open(io.BytesIO(poster(f, tape(f)))).convert("L"))
    assert image.shape == (374, 1320) and all((image[:, a:a + 440] < 128).any() for a in (0, 440, 880))


def test_points_groups_trails_and_targets():
    target = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    ax = drawn(plane(**BOX, labels=[0, 1, 0], names=["u", "v"], trail=2, target=target, title="T", xlabel="p", ylabel="q",
                     target_colors=torch.tensor([[0, 1.0, 0], [2, 0, 0]])))
    beneath, zero, one = ax.collections
    assert np.allclose(points(beneath), target) and beneath.get_edgecolor()[:, :3].tolist() == [[0, 1, 0], [1, 0, 0]]
    assert np.allclose(points(zero), 16 * CLOUD[[0, 2]]) and np.allclose(points(one), 16 * CLOUD[[1]])
    assert color(zero.get_facecolor()) == color(PALETTE[0]) and color(one.get_facecolor()) == color(PALETTE[1])
    assert np.allclose(ax.lines[0].get_xydata(), [[4, 2], [8, 4], [16, 8]]) and len(ax.lines) == 3  # the first point, two frames back
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["u", "v"]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("T", "p", "q") and ax.get_aspect() == 1
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 1)) and not ax.spines["top"].get_visible()
    assert zero.get_sizes() == [16] and beneath.get_sizes() == [12]


def test_trails_are_as_long_as_asked():
    assert [len(line.get_xdata()) for line in drawn(plane(**BOX, trail=True)).lines] == [5] * 3
    assert drawn(plane(**BOX)).lines[:] == [] and len(drawn(plane(**BOX, trail=1)).lines[0].get_xdata()) == 2
    assert drawn(plane(x=(0, 9), y=(0, 1))).get_aspect() == drawn(plane(x=(0, 1), y=(0, 9))).get_aspect() == "auto"


def test_own_colours_joined_points_and_a_moving_target():
    colors = torch.tensor([[0, 0, 1.0], [0, 1, 0], [1, 0, 3]])
    ax = drawn(plane(**BOX, colors=colors, labels=[0, 1, 1], target=lambda t: t * CLOUD))
    assert color(ax.collections[2].get_facecolor()) == [[0, 1, 0], [1, 0, 1]] and np.allclose(points(ax.collections[0]), 4 * CLOUD)
    assert color(ax.collections[0].get_edgecolor()) == [[0.6] * 3]
    ax = drawn(plane(**BOX, joined=True))
    assert np.allclose(ax.lines[0].get_xydata(), 16 * CLOUD) and not ax.collections[:]


def test_a_family_of_clouds_has_a_colour_each():
    start = torch.stack([CLOUD, -CLOUD])
    ax = drawn(plane(**BOX, trail=1), start)
    assert [np.allclose(points(c), 16 * x) for c, x in zip(ax.collections, start, strict=True)] == [True, True] and len(ax.lines) == 6
    ax = drawn(plane(**BOX, labels=[0, 1, 2]), start)  # labels say the points of each
    assert np.allclose(points(ax.collections[1]), 16 * start[:, 1])


def test_angles_stand_on_the_circle():
    ax = drawn(circle(), torch.tensor([0.0, math.pi / 32]))
    assert np.allclose(points(ax.collections[0]), [[1, 0], [0, 1]], atol=1e-6)
    assert np.allclose(np.hypot(*ax.lines[0].get_xydata().T), 1) and np.allclose(ax.lines[0].get_xydata()[[0, 45, 90]], [[1, 0], [0, 1], [-1, 0]])
    assert ax.get_xlim() == ax.get_ylim() == (-1.15, 1.15) and not ax.axison
    assert np.allclose(ax.lines[0].get_xydata()[-1], [1, 0])


def test_the_ground_lies_as_the_potential_does():
    view = landscape(lambda p: 3 * p[:, 0] + 0 * p[:, 1], **BOX, levels=6)
    ax = Figure().add_subplot()
    draw_ground(ax, view, 0, doubling(view))
    levels = ax.collections[0].levels
    assert len(levels) == 7 and np.allclose(levels[[0, 3, 6]], [-6, 0, 6])
    for path, lo, hi in zip(ax.collections[0].get_paths(), levels[:-1], levels[1:], strict=True):
        assert np.allclose((path.vertices[:, 0].min(), path.vertices[:, 0].max()), (lo / 3, hi / 3), atol=0.07)
        assert np.allclose((path.vertices[:, 1].min(), path.vertices[:, 1].max()), (-1, 1))
    flat = landscape(lambda p: 0 * p[:, 0], **BOX)
    ax = Figure().add_subplot()
    draw_ground(ax, flat, 0, doubling(flat))
    assert not ax.collections[:]
