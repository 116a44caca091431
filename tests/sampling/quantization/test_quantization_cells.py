"""Power cells and exact integrals: closed forms, Green and Euler, invariances, a second implementation, degenerate and bad input."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.spatial import Voronoi

import companion.sampling.quantization as qz
from companion.flow import running
from companion.noise import noise
from companion.sampling.quantization.densities import border_integrals
from companion.sampling.quantization.diagrams import diagram, neighbours
from tests.helpers import rand

F8 = torch.float64


def lattice(m):
    s = (torch.arange(m, dtype=F8) + 0.5) / m
    return torch.cartesian_prod(s, s)


def line(n):
    return torch.stack([torch.full((n,), 0.5, dtype=F8), (torch.arange(n, dtype=F8) + 0.5) / n], 1)


def polygon(m, area=1.0):
    t = 2 * math.pi * (torch.arange(m, dtype=F8) + 0.3) / m
    radius = math.sqrt(2 * area / (m * math.sin(2 * math.pi / m)))
    return radius * torch.stack([t.cos(), t.sin()], 1)


# --- closed forms ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("corners, constant", [
    (polygon(6), qz.HEXAGON), (polygon(4), qz.LATTICE), (polygon(1000), qz.DISC), (polygon(3), 2 / (6 * math.sqrt(3))),
    (torch.tensor([[0, 0], [2, 0], [2, 0.5], [0, 0.5]], dtype=F8), (4 + 0.25) / 12),
])
def test_constants_of_a_cell_of_area_one(corners, constant):
    """2c.6: int |x - centre|^2 over the hexagon, the square, the disc; and n V_n of a lattice."""
    cells = qz.power_cells(torch.tensor([[3.0, -1.0]], dtype=F8), density=qz.uniform(corners))
    assert abs(cells.spread[0] - constant) < 1e-5 * (len(corners) == 1000) + 1e-14
    assert torch.allclose(cells.barycentre[0], corners.mean(0), atol=1e-14)
    assert abs(cells.second[0] - cells.spread[0] - (cells.barycentre[0] - torch.tensor([3.0, -1.0])).square().sum()) < 1e-13


def test_constants_are_ordered_and_the_lattice_has_that_of_the_square():
    assert abs(qz.HEXAGON - 0.1603751) < 1e-7 and abs(qz.DISC - 0.1591549) < 1e-7 and qz.DISC < qz.HEXAGON < qz.LATTICE == 1 / 6
    for m in (1, 2, 7):
        cells = qz.power_cells(lattice(m))
        assert torch.allclose(cells.mass, torch.full((m * m,), 1 / m**2, dtype=F8), atol=1e-15)
        assert abs(m**2 * qz.quantization_error(lattice(m)) - qz.LATTICE) < 1e-14
        assert len(cells.pairs) >= 2 * m * (m - 1) and abs(cells.flux.sum() - 2 * (m - 1)) < 1e-14


def test_a_weight_moves_the_edge_of_two_cells_by_the_formula():
    """The edge of two sites at distance d lies at d / 2 + (w_0 - w_1) / (2 d) from the first."""
    y = torch.tensor([[0.2, 0.5], [0.7, 0.5]], dtype=F8)
    for w0, w1 in ((0.0, 0.0), (0.1, 0.0), (0.0, 0.2), (-0.3, -0.2), (0.7, 0.0)):
        cells = qz.power_cells(y, torch.tensor([w0, w1], dtype=F8))
        edge = min(max(0.2 + 0.25 + w0 - w1, 0.0), 1.0)
        assert abs(cells.mass[0] - edge) < 1e-15
        assert torch.allclose(cells.flux, torch.ones(1 if 0 < edge < 1 else 0, dtype=F8))
        assert abs(cells.second.sum() - ((edge - 0.2) ** 3 + 0.2**3 + 0.3**3 - (edge - 0.7) ** 3) / 3 - 1 / 12) < 1e-15


def test_a_line_of_sites_has_strips_for_cells():
    """2c.10: all sites on one line, where the lifted points lie in a plane."""
    for y in (line(16), line(16).flip(1), line(3)):
        n = len(y)
        cells = qz.power_cells(y)
        assert torch.allclose(cells.mass, torch.full((n,), 1 / n, dtype=F8), atol=1e-15) and len(cells.pairs) == n - 1
        assert torch.allclose(cells.barycentre, y, atol=1e-15)
        assert abs(cells.second.sum() - 1 / 12 - 1 / (12 * n**2)) < 1e-15


# --- a second implementation -----------------------------------------------------------------------------------------------------

def clipped(corners, i, y, w):
    """The cell of y_i by cutting the polygon with one half-plane after the other."""
    cell = [np.array(c) for c in corners]
    for j in (j for j in range(len(y)) if j != i):
        n = 2 * (y[j] - y[i])
        b = (y[j] - y[i]) @ (y[j] + y[i]) - w[j] + w[i]
        kept = []
        for p, q in zip(cell, cell[1:] + cell[:1], strict=True):
            f, g = n @ p - b, n @ q - b
            kept += [p] * int(f <= 0) + ([p + (q - p) * f / (f - g)] if (f < 0) != (g < 0) and f != g else [])
        cell = kept
    return np.array(cell).reshape(-1, 2)


def moments_of(cell):
    """int 1, x, |x|^2 over a polygon, by triangles."""
    total = np.zeros(4)
    for p, q in itertools.pairwise(cell[1:]):
        area = ((p - cell[0])[0] * (q - cell[0])[1] - (p - cell[0])[1] * (q - cell[0])[0]) / 2
        middles = (cell[0] + p) / 2, (p + q) / 2, (q + cell[0]) / 2  # exact for degree 2
        total += area / 3 * sum(np.array([1, *m, m @ m]) for m in middles)
    return total


def circle(n, radius=0.3):
    t = 2 * math.pi * torch.arange(n, dtype=F8) / n
    return 0.5 + radius * torch.stack([t.cos(), t.sin()], 1)


SITES = {
    **{f"random {n}": (rand(n, 2, seed=n), 0.1 * n % 3 * rand(n, seed=n + 1) / n) for n in (2, 3, 5, 12, 30)},
    "many hidden": (rand(25, 2, seed=7), rand(25, seed=8)),
    "one owns all": (rand(9, 2, seed=7), 100 * rand(9, seed=8)),
    "outside": (3 * rand(20, 2, seed=1) - 1, 0.3 * rand(20, seed=2)),
    "far away": (rand(20, 2, seed=1) + 5, 0.1 * rand(20, seed=2)),
    "lattice": (lattice(5), 1e-13 * rand(25, seed=3)),
    "lattice shaken": (lattice(5) + 1e-14 * rand(25, 2, seed=3), torch.zeros(25, dtype=F8)),
    "diagonal": (rand(9, 1, seed=4).repeat(1, 2), 0.02 * rand(9, seed=5)),
    "circle": (circle(12), torch.zeros(12, dtype=F8)),
    "circle, centre at a vertex": (torch.cat([circle(12), circle(1, 0.0)]), torch.tensor([0.0] * 12 + [-0.09], dtype=F8)),
    "circle, centre at last": (torch.cat([circle(12), circle(1, 0.0)]), torch.tensor([0.0] * 12 + [-0.089999], dtype=F8)),
    **{f"line shaken {e}": (line(12) + e * (rand(12, 2, seed=6) - 0.5), torch.zeros(12, dtype=F8)) for e in (1e-3, 1e-6, 1e-9, 1e-12, 1e-15)},
}


@pytest.mark.parametrize("case", SITES)
@pytest.mark.parametrize("corners", [torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=F8), polygon(5, 0.6) + 0.5])
def test_cells_are_those_of_cutting_by_half_planes(case, corners):
    (y, w), area = SITES[case], 1.0 if len(corners) == 4 else 0.6
    cells = qz.power_cells(y, w, density=qz.uniform(corners))
    for i, found in enumerate(qz.polygons(y, w, density=qz.uniform(corners))):
        cell = clipped(corners.numpy(), i, y.numpy(), w.numpy())
        mass, *first, square = moments_of(cell) / area if len(cell) > 2 else np.zeros(4)
        assert abs(cells.mass[i] - mass) < 5e-13
        assert np.abs((cells.mass[i] * cells.barycentre[i]).numpy() - first).max() < 5e-13 or mass == 0
        assert abs(cells.spread[i] + cells.mass[i] * cells.barycentre[i].square().sum() - square) < 5e-13 or mass == 0
        assert abs((moments_of(found.numpy())[0] / area if len(found) > 2 else 0) - mass) < 5e-13
    assert abs(cells.mass.sum() - 1) < 5e-13


def test_neighbours_are_those_of_scipy_and_euler_counts_them():
    y = 0.25 + 0.5 * rand(50, 2, seed=3)
    cells = qz.power_cells(y, density=qz.uniform(400 * (polygon(4) + 0.1)))
    theirs = {tuple(sorted(pair)) for pair in Voronoi(y.numpy()).ridge_points.tolist()}
    ours = {tuple(sorted(pair)) for pair in cells.pairs.tolist()}
    assert ours <= theirs and len(theirs - ours) <= 3  # theirs may meet far outside
    near = qz.power_cells(rand(50, 2, seed=3))
    ends = torch.cat([near.segments, near.border]).reshape(-1, 2).round(decimals=9)
    vertices = len(torch.unique(ends, dim=0))
    assert vertices - (len(near.segments) + len(near.border)) + 50 == 1  # V - E + F = 1 without the outer face


def test_edges_lie_on_their_bisectors_and_run_round_their_cell():
    y, w = rand(30, 2, seed=1), 0.01 * rand(30, seed=2)
    cells = qz.power_cells(y, w)
    i, j = cells.pairs.T
    for k in (0, 1):
        x = cells.segments[:, k]
        assert ((x - y[i]).square().sum(1) - w[i] - (x - y[j]).square().sum(1) + w[j]).abs().max() < 1e-14
    along = cells.segments[:, 1] - cells.segments[:, 0]
    across = y[j] - y[i]
    assert (across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0] > 0).all() and torch.allclose(along.norm(dim=1), cells.flux)
    assert abs((cells.border[:, 1] - cells.border[:, 0]).norm(dim=1).sum() - 4) < 1e-14


# --- pixels ----------------------------------------------------------------------------------------------------------------------

def by_sub_pixels(picture, lo, hi, y, w, fine=40):
    """Masses and first and second moments of the cells by a sum over the points of a fine grid."""
    h, k = (fine * n for n in picture.shape)
    x = lo[0] + (hi[0] - lo[0]) * (torch.arange(k, dtype=F8) + 0.5) / k
    z = hi[1] - (hi[1] - lo[1]) * (torch.arange(h, dtype=F8) + 0.5) / h
    p = torch.stack([x.expand(h, k), z[:, None].expand(h, k)], -1).reshape(-1, 2)
    rho = picture.repeat_interleave(fine, 0).repeat_interleave(fine, 1).reshape(-1)
    rho = rho / rho.sum()
    owner = (torch.cdist(p, y).square() - w).argmin(1)
    return [torch.zeros(len(y), dtype=F8).index_add(0, owner, rho * f) for f in (1.0, p[:, 0], p[:, 1], p.square().sum(1))]


def test_integrals_over_a_picture_are_sums_over_its_pixels():
    picture, lo, hi = rand(7, 11, seed=1) ** 3, (-0.5, 0.2), (1.5, 1.2)
    y = torch.tensor(lo, dtype=F8) + rand(9, 2, seed=2) * torch.tensor([2.0, 1.0], dtype=F8)
    w = 0.05 * rand(9, seed=3)
    cells = qz.power_cells(y, w, density=qz.pixels(picture, lo=lo, hi=hi))
    mass, x, z, square = by_sub_pixels(picture, lo, hi, y, w)
    b = cells.barycentre
    for ours, theirs in ((cells.mass, mass), (cells.mass * b[:, 0], x), (cells.mass * b[:, 1], z),
                         (cells.spread + cells.mass * b.square().sum(1), square)):
        assert (ours - theirs).abs().max() < 1e-3
    assert abs(cells.mass.sum() - 1) < 1e-14 and abs((cells.spread + cells.mass * b.square().sum(1)).sum() - square.sum()) < 1e-3


def test_first_row_of_a_picture_is_on_top():
    density = qz.pixels(torch.tensor([[0.0, 3.0], [1.0, 0.0]], dtype=F8))
    cells = qz.power_cells(torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]], dtype=F8), density=density)
    assert torch.allclose(cells.mass, torch.tensor([0.25, 0, 0, 0.75], dtype=F8), atol=1e-15)
    assert torch.allclose(cells.barycentre, torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]], dtype=F8), atol=1e-15)


def test_a_picture_of_one_gray_is_the_uniform_law_and_pixels_may_be_split():
    y, w = rand(40, 2, seed=5), 0.01 * rand(40, seed=6)
    plain = qz.power_cells(y, w)
    picture = rand(5, 4, seed=7)
    pairs = [(plain, qz.power_cells(y, w, density=qz.pixels(torch.full((9, 13), 7.0)))),
             (qz.power_cells(y, w, density=qz.pixels(picture)),
              qz.power_cells(y, w, density=qz.pixels(picture.repeat_interleave(3, 0).repeat_interleave(2, 1))))]
    for one, other in pairs:
        for k in ("mass", "barycentre", "spread", "second", "flux"):
            assert torch.allclose(getattr(one, k), getattr(other, k), atol=1e-13), k


def test_a_density_of_height_x_has_the_moments_of_a_staircase():
    """rho = c on column c: one cell, every moment by hand."""
    columns = torch.arange(5, dtype=F8)
    cells = qz.power_cells(torch.zeros(1, 2, dtype=F8), density=qz.pixels(columns.expand(3, 5)))
    mean = float((columns * (columns + 0.5)).sum() / (5 * columns.sum()))
    square = float((columns * (columns**2 + columns + 1 / 3)).sum() / (25 * columns.sum())) + 1 / 3
    assert torch.allclose(cells.barycentre[0], torch.tensor([mean, 0.5], dtype=F8), atol=1e-15) and abs(cells.second[0] - square) < 1e-15


def test_flux_is_the_derivative_of_the_masses():
    """d rho(P_i) / d w_j = - int_{edge} rho / (2 |y_i - y_j|), by central differences."""
    y, w, density = rand(12, 2, seed=1), 0.02 * rand(12, seed=2), qz.pixels(0.2 + rand(6, 5, seed=3))
    cells, h = qz.power_cells(y, w, density=density), 1e-6
    slope = torch.zeros(12, 12, dtype=F8)
    i, j = cells.pairs.T
    slope[i, j] = slope[j, i] = -cells.flux / (2 * (y[i] - y[j]).norm(dim=1))
    slope -= torch.diag(slope.sum(1))
    for k in range(12):
        e = h * torch.eye(12, dtype=F8)[k]
        up, down = (qz.power_cells(y, w + s * e, density=density).mass for s in (1, -1))
        assert ((up - down) / (2 * h) - slope[k]).abs().max() < 1e-5


# --- invariances -----------------------------------------------------------------------------------------------------------------

def moved(kind):
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]], dtype=F8)
    return {"shift": (torch.eye(2, dtype=F8), torch.tensor([100.0, -7.0], dtype=F8), 1.0), "turn": (turn, torch.zeros(2, dtype=F8), 1.0),
            "scale": (torch.eye(2, dtype=F8), torch.zeros(2, dtype=F8), 1000.0), "flip": (torch.diag(torch.tensor([-1.0, 1.0], dtype=F8)),
            torch.zeros(2, dtype=F8), 0.01)}[kind]


@pytest.mark.parametrize("kind", ["shift", "turn", "scale", "flip"])
def test_cells_move_with_the_plane(kind):
    turn, shift, scale = moved(kind)
    corners, y, w = polygon(5), rand(20, 2, seed=1) - 0.5, 0.03 * rand(20, seed=2)
    here = qz.power_cells(y, w, density=qz.uniform(corners))
    there = qz.power_cells(scale * y @ turn.T + shift, scale**2 * w, density=qz.uniform(scale * corners @ turn.T + shift))
    assert torch.allclose(there.mass, here.mass, atol=1e-12) and torch.allclose(there.spread, scale**2 * here.spread, atol=1e-12 * scale**2)
    assert torch.allclose((there.barycentre - shift) / scale, here.barycentre @ turn.T, atol=1e-10)


def test_a_constant_added_to_the_weights_does_nothing_and_order_does_not_matter():
    y, w = rand(20, 2, seed=1), 0.03 * rand(20, seed=2)
    one, other = qz.power_cells(y, w), qz.power_cells(y.flip(0), w.flip(0) + 3.0)
    assert torch.allclose(one.mass, other.mass.flip(0), atol=1e-13) and torch.allclose(one.barycentre, other.barycentre.flip(0), atol=1e-11)


def test_dtype_is_kept_and_the_work_is_done_in_float64():
    y = rand(20, 2, seed=1).float()
    low, high = qz.power_cells(y), qz.power_cells(y.double())
    assert low.mass.dtype == low.barycentre.dtype == low.flux.dtype == torch.float32 and low.pairs.dtype == torch.int64
    assert torch.equal(low.mass, high.mass.float()) and torch.equal(low.barycentre, high.barycentre.float())
    assert qz.polygons(y)[0].dtype == torch.float32


# --- empty cells, bad input ------------------------------------------------------------------------------------------------------

def test_an_empty_cell_has_mass_zero_and_its_site_for_barycentre():
    y = torch.cat([rand(5, 2, seed=1), torch.tensor([[4.0, 4.0], [0.31, 0.42]], dtype=F8)])
    cells = qz.power_cells(y, torch.tensor([0, 0, 0, 0, 0, 0, -3.0], dtype=F8))
    assert (cells.mass[5:] == 0).all() and torch.allclose(cells.barycentre[5:], y[5:], atol=1e-15) and (cells.spread[5:] == 0).all()
    assert abs(cells.mass.sum() - 1) < 1e-15 and len(qz.polygons(y, torch.tensor([0, 0, 0, 0, 0, 0, -3.0], dtype=F8))[6]) == 0


def test_a_site_flat_in_a_facet_is_everybodys_neighbour():
    """The lifted centre of a circle of sites, with w = -radius^2, lies in the plane of the others: Qhull leaves it out."""
    y, w = SITES["circle, centre at a vertex"]
    pairs, seen = neighbours(y.numpy() - 0.5, w.numpy(), 0.8)
    assert seen.all() and (pairs == 12).any(1).sum() == 12


def test_integrals_on_a_line_of_the_grid_and_across_it():
    density = qz.pixels(torch.tensor([[1.0, 3.0]], dtype=F8))
    p, q = np.array([[-0.5, 0.0], [-0.25, -0.5]]), np.array([[0.5, 0.0], [-0.25, 0.5]])
    along, lengths = border_integrals(density, p, q)
    assert np.allclose(lengths, [1.0, 0.5]) and np.allclose(along[0], 0) and abs(along[1, 0] - 0.125) < 1e-15


@pytest.mark.parametrize("call, words", [
    (lambda: qz.power_cells([[0.0, 0.0]]), "torch.as_tensor"), (lambda: qz.power_cells(torch.zeros(3, 3)), "2 coordinates"),
    (lambda: qz.power_cells(torch.zeros(2, 3, 2)), "one set of sites"), (lambda: qz.power_cells(torch.zeros(0, 2)), "at least one point"),
    (lambda: qz.power_cells(torch.tensor([[math.nan, 0.0]])), "NaN"), (lambda: qz.power_cells(torch.tensor([[math.inf, 0.0]])), "infini"),
    (lambda: qz.power_cells(torch.tensor([[0.1, 0.2], [0.3, 0.3], [0.1, 0.2]])), r"y\[0\] and y\[2\] coincide"),
    (lambda: qz.power_cells(torch.rand(3, 2), torch.zeros(2)), "one finite weight"),
    (lambda: qz.power_cells(torch.rand(3, 2), torch.tensor([0.0, 0.0, math.inf])), "infini|one finite weight"),
    (lambda: qz.power_cells(torch.rand(3, 2), torch.tensor([0.0, -1e16, 0.0])), "another unit"),
    (lambda: qz.power_cells(torch.rand(3, 2), density=torch.ones(3, 3)), "expected a Density"),
    (lambda: qz.polygons([[0.0, 0.0]]), "torch.as_tensor"), (lambda: qz.polygons(torch.zeros(2, 2)), "coincide"),
    (lambda: qz.pixels(torch.zeros(4, 4)), "mass zero"), (lambda: qz.pixels(torch.tensor([[1.0, -1.0]])), "negative"),
    (lambda: qz.pixels(torch.ones(4)), "picture"), (lambda: qz.pixels(torch.ones(0, 4)), "picture"),
    (lambda: qz.pixels(torch.tensor([[math.inf]])), "infini"), (lambda: qz.pixels(torch.full((1, 2), 1e308, dtype=F8)), "sum that is infinite"),
    (lambda: qz.pixels(torch.ones(2, 2), lo=(0.0, 1.0)), "lo below hi"),
    (lambda: qz.pixels(torch.ones(2, 2), hi=(1.0,)), "two numbers"),
    (lambda: qz.pixels(torch.ones(2, 2), hi=(1.0, 1.0, 1.0)), "two numbers"), (lambda: qz.pixels(torch.ones(2, 2).long()), "floating point"),
    (lambda: qz.uniform(torch.tensor([[0.0, 0.0], [1.0, 1.0]])), "m >= 3"), (lambda: qz.uniform(torch.tensor([[0.0, 0], [1, 0], [2, 0]])), "convex"),
    (lambda: qz.uniform(torch.tensor([[0.0, 0], [1, 0], [0.2, 0.2], [0, 1]])), "convex"),
    (lambda: qz.uniform(polygon(5)[[0, 2, 4, 1, 3]]), "convex"), (lambda: qz.uniform(torch.ones(2, 3, 2)), "polygon"),
])
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_in_a_run_infinity_is_refused_in_words_too(bad):
    """Inside a run values are trusted; what Qhull would say of these is no help."""
    with running(), pytest.raises(ValueError, match="infinite entry"):
        qz.power_cells(torch.tensor([[0.1, bad], [0.5, 0.5]]))
    with running(), pytest.raises(ValueError, match="one finite weight"):
        qz.power_cells(rand(2, 2), torch.tensor([0.0, bad], dtype=F8))


def test_a_thousand_sites_keep_the_total_and_the_first_moments():
    y = noise((1000, 2), seed=1, k=-1, dtype=F8) * 0.2 + 0.5
    for density in (qz.SQUARE, qz.pixels(rand(64, 48, seed=1))):
        cells = qz.power_cells(y, density=density)
        whole = diagram(np.zeros((1, 2)), np.zeros(1), density)
        assert abs(cells.mass.sum() - 1) < 1e-13 and cells.spread.min() >= 0
        assert np.abs((cells.mass[:, None] * cells.barycentre).sum(0).numpy() - 0.5 - whole.moments[0, 1:3]).max() < 1e-13
