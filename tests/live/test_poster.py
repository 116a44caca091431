"""The still picture: what stands on paper is what was recorded, and every kind of view can be drawn."""

import io
import math

import matplotlib.colors
import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from PIL import Image

from companion.figures import PALETTE, look
from companion.live import circle, curves, density, histogram, landscape, matrix, picture, plane, sphere
from companion.live.figure import declare
from companion.live.poster import draw, poster
from companion.live.poster_points import draw_ground
from companion.live.poster_round import crowded, turned
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
    draw(ax, f, 0, tape(f))
    return ax


def points(collection):
    return np.asarray(collection.get_offsets())


def color(c):
    return matplotlib.colors.to_rgba_array(c)[:, :3].tolist()


def reach(group, radius=4):
    return look.mark(group, 1.055 * radius)[1]


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


def test_rare_colours_stay_in_the_png():
    shades = torch.linspace(0, 1, 3000).reshape(30, 100, 1) ** torch.tensor([1.0, 2, 3])
    view = plane(**BOX, labels=range(8), size=3, under=lambda x: shades + 0 * x[0, 0])
    f = doubling(view, 0.1 * torch.stack([torch.linspace(-1, 1, 8), 0 * torch.ones(8)], 1))
    pixels = np.asarray(Image.open(io.BytesIO(poster(f, tape(f)))).convert("RGB"), dtype=int).reshape(-1, 3)
    for color in look.PALETTE:
        mine = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert abs(pixels - mine).max(1).min() <= 24, color


def test_panels_stand_side_by_side():
    f = doubling([plane(**BOX), curves("mass"), matrix(0, 1)])
    image = np.asarray(Image.open(io.BytesIO(poster(f, tape(f)))).convert("L"))
    assert image.shape == (374, 1320) and all((image[:, a:a + 440] < 128).any() for a in (0, 440, 880))


def scatters(ax):
    return [c for c in ax.collections if isinstance(c, PathCollection)]


def paths(ax):
    """[(segments, first colour, width in pixels, alpha)] of the trails, oldest first."""
    found = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [(np.array(c.get_segments()), color(c.get_colors())[0], c.get_linewidths()[0] / look.PX, c.get_alpha()) for c in found]


def test_points_groups_trails_and_targets():
    target = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    ax = drawn(plane(**BOX, labels=[0, 1, 0], names=["u", "v"], trail=2, target=target, title="T", xlabel="p", ylabel="q",
                     target_colors=torch.tensor([[0, 1.0, 0], [2, 0, 0]])))
    beneath, zero, one = scatters(ax)
    assert np.allclose(points(beneath), target) and beneath.get_edgecolor()[:, :3].tolist() == [[0, 1, 0], [1, 0, 0]]
    assert np.allclose(points(zero), 16 * CLOUD[[0, 2]]) and np.allclose(points(one), 16 * CLOUD[[1]])
    assert color(zero.get_facecolor()) == color(PALETTE[0]) and color(one.get_facecolor()) == color(PALETTE[1])
    older, newer = paths(ax)  # the first point, two frames back
    assert np.allclose(older[0][0], [[4, 2], [8, 4]]) and np.allclose(newer[0][0], [[8, 4], [16, 8]]) and len(older[0]) == 3
    assert older[1] == color(PALETTE[0])[0] and older[2] == pytest.approx(2) and 0.45 < older[3] < newer[3] == pytest.approx(0.9)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["u", "v"]
    assert (ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()) == ("T", "p", "q") and ax.get_aspect() == 1
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 1)) and not ax.spines["top"].get_visible()
    assert zero.get_sizes() == pytest.approx(reach(0)) and one.get_sizes() == pytest.approx(reach(1))
    assert beneath.get_sizes() == pytest.approx(look.mark(0, 3.8)[1])


def test_trails_are_as_long_as_asked_and_fade():
    assert [len(segments[0]) for segments, *_ in paths(drawn(plane(**BOX, trail=True)))] == [2] * 4
    assert paths(drawn(plane(**BOX))) == [] and len(paths(drawn(plane(**BOX, trail=1)))) == 1
    many = paths(drawn(plane(**BOX, trail=True), CLOUD.repeat(50, 1)))
    assert many[0][2] == pytest.approx(1.4) and many[-1][3] == pytest.approx(0.4) and many[0][3] < 0.1


def test_lengths_compare_unless_the_box_is_far_from_a_square():
    assert drawn(plane(x=(0, 9), y=(0, 1))).get_aspect() == drawn(plane(x=(0, 1), y=(0, 9))).get_aspect() == "auto"
    assert drawn(plane(x=(0, 2.5), y=(0, 1))).get_aspect() == drawn(plane(x=(0, 1), y=(0, 2.4))).get_aspect() == 1


def test_own_colours_joined_points_and_a_moving_target():
    colors = torch.tensor([[0, 0, 1.0], [0, 1, 0], [1, 0, 3]])
    beneath, _, ours = scatters(drawn(plane(**BOX, colors=colors, labels=[0, 1, 1], target=lambda t: t * CLOUD)))
    assert color(ours.get_facecolor()) == [[0, 1, 0], [1, 0, 1]] and np.allclose(points(beneath), 4 * CLOUD)
    assert color(beneath.get_edgecolor()) == color(look.LIGHT["muted"])
    ax = drawn(plane(**BOX, joined=True, labels=[0, 0, 1]))
    assert np.allclose(ax.lines[0].get_xydata(), 16 * CLOUD[:2]) and not ax.collections[:]
    assert ax.lines[0].get_linestyle() == "-" and ax.lines[1].get_linestyle() == "--" and ax.lines[0].get_linewidth() == pytest.approx(2.2 * look.PX)


def test_a_family_of_clouds_has_a_colour_each():
    start = torch.stack([CLOUD, -CLOUD])
    ax = drawn(plane(**BOX, trail=1), start)
    assert [np.allclose(points(c), 16 * x) for c, x in zip(scatters(ax), start, strict=True)] == [True, True] and len(paths(ax)[0][0]) == 6
    ax = drawn(plane(**BOX, labels=[0, 1, 2]), start)  # labels say the points of each
    assert np.allclose(points(scatters(ax)[1]), 16 * start[:, 1])


def test_many_points_are_small_and_pale():
    few, many = (scatters(drawn(plane(**BOX), CLOUD.repeat(n, 1)))[0] for n in (1, 200))
    assert few.get_alpha() == 1 and many.get_alpha() == 0.82 and many.get_sizes()[0] == pytest.approx(reach(0, 4 * 0.65))
    assert scatters(drawn(plane(**BOX, drag=True)))[0].get_sizes() == pytest.approx(reach(0, 6))


def test_angles_stand_on_the_circle():
    ax = drawn(circle(), torch.tensor([0.0, math.pi / 32]))
    assert np.allclose(points(scatters(ax)[0]), [[1, 0], [0, 1]], atol=1e-6)
    assert np.allclose(np.hypot(*ax.lines[0].get_xydata().T), 1) and np.allclose(ax.lines[0].get_xydata()[[0, 45, 90]], [[1, 0], [0, 1], [-1, 0]])
    assert ax.get_xlim() == ax.get_ylim() and 1.05 < ax.get_xlim()[1] < 1.15 and not ax.axison
    assert np.allclose(ax.lines[0].get_xydata()[-1], [1, 0])


def test_where_points_meet_the_mark_grows():
    alone, pair = crowded(np.array([[0.0, 0.0], [100, 0]]), 5), crowded(np.zeros((2, 2)), 5)
    assert alone == pytest.approx([5, 5]) and pair == pytest.approx([5 * math.sqrt(1.4)] * 2)
    assert crowded(np.zeros((500, 2)), 5) == pytest.approx([17] * 500) and crowded(np.zeros((1300, 2)), 5) == pytest.approx([5] * 1300)


def test_the_sphere_is_seen_from_the_camera():
    x = torch.eye(3, dtype=torch.float64)
    seen = turned(np.concatenate([x, -x]))
    assert np.allclose(np.linalg.norm(seen, axis=1), 1) and np.allclose(seen[:3] @ seen[:3].T, np.eye(3))
    assert seen[2, 0] == 0 and 0.8 < seen[2, 1] < 1 and seen[2, 2] > 0  # e3 is upright, its end a little towards the eye
    ax = drawn(sphere(), torch.cat([x, -x]) / 16)
    back, front = scatters(ax)
    assert back.get_alpha() < 0.3 < 0.8 < front.get_alpha() and len(points(back)) == len(points(front)) == 3
    assert np.allclose(points(front), seen[seen[:, 2] >= 0][:, :2], atol=1e-6) and front.get_sizes().min() > back.get_sizes().max()


def test_the_ground_lies_as_the_potential_does():
    view = landscape(lambda p: 3 * p[:, 0] + 0 * p[:, 1], **BOX, levels=6)
    ax = Figure().add_subplot()
    draw_ground(ax, view, 0, doubling(view))
    bands, lines = ax.collections
    u = ((np.arange(6) + 0.4) / 6) ** 1.25  # quantiles, closer in the valley
    assert np.allclose(bands.levels, -6 + 12 * u, atol=0.2) and bands.extend == "both" and np.allclose(lines.levels, bands.levels)
    for path, level in zip(lines.get_paths(), lines.levels, strict=True):
        assert np.allclose(path.vertices[:, 0], level / 3, atol=1e-6) and np.allclose((path.vertices[:, 1].min(), path.vertices[:, 1].max()), (-1, 1))
    shades = np.array([band.sum() for band in bands.get_facecolor()[:, :3]])
    assert (np.diff(shades) > 0).all() and shades[-1] > 2.9  # valleys are dark
    flat = landscape(lambda p: 0 * p[:, 0], **BOX)
    ax = Figure().add_subplot()
    draw_ground(ax, flat, 0, doubling(flat))
    assert not ax.collections[:]
