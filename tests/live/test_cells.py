"""Cells of a power diagram, drawn as polygons: page and paper cut the same ones, which are those of the chapter's own diagram."""

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

import companion.sampling.quantization as qz
from companion.live import plane
from companion.live.figure import declare
from companion.live.poster import draw
from companion.live.poster_cells import power_polygons
from companion.live.run import tape
from tests.live.javascript import page
from tests.live.painting import frame, paint

UNIT = {"x": (0, 1), "y": (0, 1)}


def sites(n, seed, spread=0.02, scale=1.0):
    made = torch.Generator().manual_seed(seed)
    y, w = torch.rand(n, 2, generator=made, dtype=torch.float64), torch.rand(n, 1, generator=made, dtype=torch.float64)
    return torch.cat([0.5 + scale * (y - 0.5), spread * w], 1)


def area(polygon):
    x, y = polygon.T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


def in_page(given, x=(0, 1), y=(0, 1)):
    return [np.reshape(cell, (-1, 2)) for cell in page(f"powerPolygons({given.flatten().tolist()}, {list(x)}, {list(y)})")]


SOME = [sites(1, 0), sites(12, 1), sites(40, 2), sites(40, 3, spread=0.3), sites(9, 4, scale=2.0), sites(6, 5, spread=0.0)]


@pytest.mark.parametrize("given", SOME)
def test_the_polygons_are_those_of_the_diagram(given):
    expected = qz.power_cells(given[:, :2], given[:, 2])
    for cells in (in_page(given), power_polygons(given.numpy(), (0, 1), (0, 1))):
        areas = [area(cell) if len(cell) else 0.0 for cell in cells]
        assert areas == pytest.approx(expected.mass.tolist(), abs=1e-9) and sum(areas) == pytest.approx(1)
    for mine, theirs in zip(in_page(given), power_polygons(given.numpy(), (0, 1), (0, 1)), strict=True):
        assert mine.shape == theirs.shape and np.allclose(mine, theirs, atol=1e-12)
    if (expected.mass > 1e-3).all():
        for mine, theirs in zip(in_page(given), qz.polygons(given[:, :2], given[:, 2]), strict=True):
            assert max(np.abs(mine - corner.numpy()).sum(1).min() for corner in theirs) < 1e-9  # each corner of theirs is one of mine


def test_any_box_is_covered_and_coinciding_sites_break_nothing():
    given = sites(15, 6)
    assert sum(map(area, in_page(given, (-1, 3), (0, 2)))) == pytest.approx(8)
    twice = torch.cat([given, given[:1]])
    for cells in (in_page(twice), power_polygons(twice.numpy(), (0, 1), (0, 1))):
        one, other = area(cells[0]), area(cells[-1])
        assert one == pytest.approx(other) and sum(area(cell) for cell in cells if len(cell)) == pytest.approx(1 + one)
    assert in_page(torch.tensor([[0.5, 0.5, float("inf")], [0.1, 0.1, 0.0]]).nan_to_num(posinf=1e30))[1].size == 0


def test_the_page_draws_their_borders_beneath_the_points():
    given = sites(5, 7)
    p = paint(plane(**UNIT, cells=lambda x: x), frame(given[:, :2], cells0=given))
    borders = next(op for op in p.of("stroke") if op["clip"] and ["Z"] in op["path"])
    assert sum(part == ["Z"] for part in borders["path"]) == 5 and borders["width"] == pytest.approx(1.2)
    x, y = p.scale("center"), p.scale("right")
    corners = {(round(part[1]), round(part[2])) for part in borders["path"] if len(part) == 3}
    assert {(round(x(u)), round(y(v))) for u in (0, 1) for v in (0, 1)} <= corners
    assert p.ops.index(borders) < p.ops.index(p.of("fill")[-1])


def test_paper_draws_them_too():
    given = sites(5, 7)
    view = plane(**UNIT, show=lambda x: x[:, :2], cells=lambda x: x)
    f = declare(lambda k, x: x, given, name="f", view=view, sentence="t", alt="a", method=None, frames=1)
    ax = Figure().add_subplot()
    draw(ax, f, 0, tape(f))
    (cells,) = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert sum(abs(area(path.vertices[:-1])) for path in cells.get_paths()) == pytest.approx(1)
