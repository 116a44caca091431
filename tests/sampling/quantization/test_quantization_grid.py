"""The steps on a grid of pixels and the entropic solver against exact power cells and Newton; what a page runs keeps symmetries exactly."""

import math
from functools import partial

import pytest
import torch

import companion.sampling.quantization as qz
from companion.data import photograph
from companion.flow import iterate
from companion.kernels import dense, streamed
from tests.helpers import rand

F8 = torch.float64
SQUARE = qz.pixel_grid(torch.ones(64, 64, dtype=F8))


def spread_out(n, seed=0):
    """Sites as they are after a Lloyd step: cells of similar size."""
    return qz.power_lloyd(0, rand(n, 2, seed=seed))


def hills():
    s = (torch.arange(60, dtype=F8) + 0.5) / 60
    return 0.2 + torch.sin(3 * s[None, :40]).square() + s[:, None]


def test_a_grid_is_its_density():
    values = hills()
    grid = qz.pixel_grid(values, lo=(-1.0, 0.0), hi=(1.0, 3.0))
    assert grid.mass.shape == (60, 40) and abs(grid.mass.sum() - 1) < 1e-12 and grid.pixel == (0.05, 0.05)
    assert grid.points[0].tolist() == [-0.975, 2.975] and abs(grid.points[-1] - torch.tensor([0.975, 0.025], dtype=F8)).max() < 1e-12
    assert torch.allclose(grid.mean, grid.mass.flatten() @ grid.points)
    assert torch.allclose(grid.spread**2, grid.mass.flatten() @ (grid.points - grid.mean).square().sum(-1))
    assert grid.points[1, 0] > grid.points[0, 0] and torch.allclose(grid.mass.flatten()[40], values[1, 0] / values.sum())  # row by row, downwards


@pytest.mark.parametrize(("n", "seed"), [(7, 0), (30, 1), (100, 2)])
def test_equal_weights_are_newtons(n, seed):
    for y in (spread_out(n, seed), 0.02 * spread_out(n, seed) - 3.0, 5 * spread_out(n, seed)):
        exact, w = qz.semidiscrete(y), qz.equal_weights(y, grid=SQUARE)
        assert abs(w.mean()) < 1e-12
        assert (n * qz.power_cells(y, w).mass - 1).abs().max() < 0.05 + n / 64**2
        count = torch.bincount(qz.grid_labels(y, w, grid=SQUARE).flatten(), minlength=n)
        assert (count - 64**2 / n).abs().max() < 0.25 * 4 * 64 / math.sqrt(n)  # pixels: a quarter of the cell's border
        assert abs(qz.grid_cost(y, w, grid=SQUARE) / exact.cost - 1) < 8e-3
        assert (qz.grid_step(0, y, weights=qz.equal_weights, grid=SQUARE) - exact.cells.barycentre).abs().max() < 0.25 / 64


def test_more_sweeps_and_pixels_come_nearer():
    y, errors = spread_out(20, 3), []
    exact = qz.semidiscrete(y)
    for side, sweeps in ((24, 16), (64, 32), (160, 80)):
        grid = qz.pixel_grid(torch.ones(side, side, dtype=F8))
        w = qz.equal_weights(y, grid=grid, sweeps=sweeps)
        errors.append([(20 * qz.power_cells(y, w).mass - 1).abs().max().item(), abs(qz.grid_cost(y, w, grid=grid) - exact.cost).item(),
                       (qz.grid_barycentres(y, w, grid=grid) - exact.cells.barycentre).abs().max().item()])
    for one, two, three in zip(*errors, strict=True):
        assert three < two < one
    assert errors[-1][0] < 0.01 and errors[-1][1] < 1e-5 and errors[-1][2] < 1e-3


def test_free_weights_give_voronoi_cells():
    y = rand(20, 2, seed=4)
    exact, w = qz.power_cells(y), qz.free_weights(y, grid=SQUARE)
    share = torch.bincount(qz.grid_labels(y, w, grid=SQUARE).flatten(), minlength=20) / 64**2
    assert (share - exact.mass).abs().max() < 2e-3
    assert (qz.grid_barycentres(y, w, grid=SQUARE) - exact.barycentre).abs().max() < 4e-3
    assert abs(qz.grid_cost(y, w, grid=SQUARE) / qz.quantization_error(y) - 1) < 2e-3
    cells = qz.grid_cells(y, w, grid=SQUARE)
    assert cells.shape == (64, 64, 20) and torch.allclose(cells.sum(-1), torch.ones((), dtype=F8))
    assert ((cells > 0.99) | (cells < 0.01)).double().mean() > 0.96
    assert (cells.argmax(-1) == qz.grid_labels(y, w, grid=SQUARE)).all()


def test_a_picture_against_the_exact_cells_of_its_pixels():
    values = hills()
    grid, density = (make(values, lo=(0.0, 0.0), hi=(2.0, 3.0)) for make in (qz.pixel_grid, qz.pixels))
    y = qz.power_lloyd(0, rand(25, 2) * torch.tensor([2.0, 3.0], dtype=F8), density=density)
    exact, w = qz.semidiscrete(y, density=density), qz.equal_weights(y, grid=grid)
    assert abs(qz.grid_cost(y, w, grid=grid) / exact.cost - 1) < 1e-2
    assert (25 * qz.power_cells(y, w, density=density).mass - 1).abs().max() < 0.06
    assert (qz.grid_barycentres(y, w, grid=grid) - exact.cells.barycentre).abs().max() < 0.02
    free = qz.grid_step(0, y, weights=qz.free_weights, grid=grid)
    assert (free - qz.lloyd(0, y, density=density)).abs().max() < 0.02


def test_the_dual_value_is_a_bound():
    y = spread_out(12, 5)
    best, w = qz.semidiscrete(y).cost, qz.equal_weights(y, grid=SQUARE)
    for seed in range(4):
        other = w + 0.02 * (rand(12, seed=seed) - 0.5)
        assert qz.grid_cost(y, other, grid=SQUARE) < best + 2e-5
    assert torch.allclose(qz.grid_cost(y, w + 0.3, grid=SQUARE), qz.grid_cost(y, w, grid=SQUARE))  # a constant changes nothing
    assert torch.allclose(qz.grid_labels(y, w + 0.3, grid=SQUARE), qz.grid_labels(y, w, grid=SQUARE))


def test_dilations_change_no_cell():
    y = rand(15, 2, seed=6)
    for size, shift in ((0.1, 0.4), (3.0, -2.0)):
        z = size * y + shift
        one, two = (qz.grid_labels(s, qz.equal_weights(s, grid=SQUARE), grid=SQUARE) for s in (y, z))
        assert (one == two).double().mean() > 0.999
    corner = 0.05 + 0.2 * torch.cartesian_prod(*2 * [(torch.arange(5, dtype=F8) + 0.5) / 5])
    after = qz.grid_step(0, corner, weights=qz.equal_weights, grid=SQUARE)
    w = qz.equal_weights(after, grid=SQUARE)
    assert abs(25 * qz.grid_cost(after, w, grid=SQUARE) - 1 / 6) < 2e-3  # a small lattice in a corner: one step, and it is the lattice


def test_one_power_step_does_nearly_everything():
    step, n = partial(qz.grid_step, weights=qz.equal_weights, grid=SQUARE), 25
    paths = [iterate(step, rand(n, 2, seed=s), 5).x for s in range(6)]
    runs = n * torch.stack([torch.stack([qz.grid_cost(y, qz.equal_weights(y, grid=SQUARE), grid=SQUARE) for y in path]) for path in paths])
    first, second = runs.mean(0)[:2]
    assert 0.45 < first < 1.0 and 0.17 < second < 0.22 and (runs[:, -1] > qz.HEXAGON).all()


def test_the_vertical_line_stays_and_noise_breaks_it():
    n, grid = 16, qz.pixel_grid(torch.ones(64, 64))
    line = torch.stack([torch.full((n,), 0.5), (torch.arange(n) + 0.5) / n], 1)
    step = partial(qz.grid_step, weights=qz.equal_weights, grid=grid)
    path = iterate(step, line, 50)
    assert (path.x[..., 0] == 0.5).all()  # exactly, in single precision
    cost = qz.grid_cost(path.end, qz.equal_weights(path.end, grid=grid), grid=grid)
    assert abs(n * cost - n * (1 / 12 + 1 / (12 * n * n))) < 4e-3
    noisy = line + 1e-3 * torch.randn(n, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.0])
    end = iterate(step, noisy, 40).end
    assert n * qz.grid_cost(end, qz.equal_weights(end, grid=grid), grid=grid) < 0.18
    tall = torch.flip(line, [1])  # the same on its side, up to the rounding of a mean
    assert (iterate(step, tall, 20).x[..., 1] == 0.5).all()


def test_the_state_of_a_figure():
    y = rand(10, 2, seed=7)
    x = qz.with_weights(y, grid=SQUARE)
    assert torch.equal(x[:, :2], y) and torch.equal(x[:, 2], qz.equal_weights(y, grid=SQUARE))
    for equal, weights in ((1.0, qz.equal_weights), (0.0, qz.free_weights)):
        after = qz.weighted_step(0, x, equal=equal, grid=SQUARE)
        assert torch.allclose(after[:, :2], qz.grid_step(0, y, weights=weights, grid=SQUARE))
        assert torch.equal(after[:, 2], qz.equal_weights(after[:, :2], grid=SQUARE))


    there = torch.tensor([0.1, 0.9], dtype=F8)
    moved = qz.move_site(x, 3, there, grid=SQUARE)
    assert torch.equal(moved[3, :2], there) and torch.equal(moved[:3, :2], y[:3]) and torch.equal(moved[4:, :2], y[4:])
    assert torch.equal(moved[:, 2], qz.equal_weights(moved[:, :2], grid=SQUARE))


def test_starts():
    xi = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(1), dtype=F8)
    u = qz.uniforms(xi)
    assert torch.allclose(u, torch.special.ndtr(xi), atol=1e-15)
    assert (u.mean(0) - 0.5).abs().max() < 4 / math.sqrt(12 * 20_000) and (u.var(0) - 1 / 12).abs().max() < 2e-3 and u.min() > 0 and u.max() < 1
    assert torch.allclose(qz.corner(xi, side=0.3), 0.05 + 0.3 * u)
    lattice = qz.corner_lattice(xi[:9], side=0.3)
    assert torch.allclose(lattice, 0.05 + 0.1 * torch.cartesian_prod(*2 * [torch.arange(3, dtype=F8) + 0.5]).flip(-1))
    thirty = qz.corner_lattice(xi[:30])
    assert len(torch.unique(thirty, dim=0)) == 30 and thirty.min() > 0.05 and thirty.max() < 0.25
    line = qz.vertical_line(xi[:4], moved=0.01)
    assert torch.allclose(line[:, 1], torch.tensor([1, 3, 5, 7], dtype=F8) / 8) and torch.allclose(line[:, 0], 0.5 + 0.01 * xi[:4, 0])


def test_rows_of_pixels_begin_at_the_top():
    y = torch.tensor([[0.25, 0.75], [0.75, 0.75], [0.25, 0.25], [0.75, 0.25]])
    grid = qz.pixel_grid(torch.ones(8, 8))
    site = qz.grid_labels(y, qz.free_weights(y, grid=grid), grid=grid)
    assert site[0, 0] == 0 and site[0, -1] == 1 and site[-1, 0] == 2 and site[-1, -1] == 3


def test_degenerate_sites():
    same = torch.full((5, 2), 0.3, dtype=F8)
    assert torch.allclose(qz.grid_step(0, same, weights=qz.equal_weights, grid=SQUARE), SQUARE.mean.expand(5, 2))
    assert torch.allclose(qz.grid_step(0, same[:1], weights=qz.equal_weights, grid=SQUARE), SQUARE.mean)
    out = torch.tensor([[0.5, 0.5], [40.0, 0.5]], dtype=F8)  # an empty Voronoi cell: the site stays
    assert torch.equal(qz.grid_step(0, out, weights=qz.free_weights, grid=SQUARE)[1], out[1])
    assert (qz.grid_step(0, out, weights=qz.equal_weights, grid=SQUARE)[:, 0] - torch.tensor([0.25, 0.75])).abs().max() < 0.01


def test_stippling_a_photograph_keeps_its_tones():
    ink = 1 - photograph("china", size=72, dtype=F8).mean(-1)
    grid = qz.pixel_grid(ink, hi=(1.5, 1.0))
    start = torch.rand(150, 2, generator=torch.Generator().manual_seed(0), dtype=F8) * torch.tensor([1.5, 1.0])
    dark = grid.mass > grid.mass.flatten().quantile(0.75)

    def share(weights):
        y = iterate(partial(qz.grid_step, weights=weights, grid=grid), start, 25).end
        apart = (grid.points[:, None] - y).square().sum(-1)
        return dark.flatten()[apart.argmin(0)].double().mean()

    due, flat = grid.mass[dark].sum(), grid.mass.sqrt()[dark].sum() / grid.mass.sqrt().sum()
    equal, free = share(qz.equal_weights), share(qz.free_weights)
    assert abs(equal - due) < 0.05 and abs(free - flat) < 0.06 and free < equal - 0.02


@pytest.mark.parametrize("engine", [dense, streamed])
def test_entropic_transport_tends_to_newtons(engine):
    y = spread_out(14, 8)
    exact, errors = qz.semidiscrete(y), []
    for eps in (4e-3, 1e-3):
        found = qz.entropic(y, grid=SQUARE, eps=eps, engine=engine)
        excess = found.value + 2 / (12 * 64**2) - exact.cost
        assert -1e-5 < excess < eps * math.log(14) + 1e-5 and abs(found.w.mean()) < 1e-12
        errors.append([excess.item(), (found.w - exact.w).abs().max().item(), (found.barycentre - exact.cells.barycentre).abs().max().item()])
    assert all(b < a / 1.5 for a, b in zip(*errors, strict=True)) and errors[1][1] < 2e-4 and errors[1][2] < 2e-3, errors


def test_entropic_plan_against_its_definition():
    """The plan from the weights: marginals, cost, entropy, barycentres written out."""
    grid, y, a = qz.pixel_grid(hills()), rand(6, 2, seed=9) * 0.3 + 0.1, torch.tensor([1.0, 2, 1, 3, 1, 2], dtype=F8) / 10
    eps = 0.02
    found = qz.entropic(y, a, grid=grid, eps=eps, tol=1e-9)
    cost, rho = (grid.points[:, None] - y).square().sum(-1), grid.mass.flatten()
    plan = rho[:, None] * torch.softmax((found.w - cost) / eps + a.log(), -1)
    assert torch.allclose(plan.sum(0), a, atol=1e-8)
    value = (plan * cost).sum() + eps * (plan * (plan / (rho[:, None] * a)).log()).sum()
    assert torch.allclose(found.value, value, atol=1e-9)
    assert torch.allclose(found.barycentre, plan.T @ grid.points / a[:, None], atol=1e-7)
    assert 1 < qz.entropic(y, a, grid=grid, eps=eps, tol=1e-3).steps < found.steps


def test_entropic_transport_of_a_small_corner_and_of_zeros():
    values = torch.zeros(32, 32, dtype=F8)
    values[:, 16:] = 1.0
    grid = qz.pixel_grid(values)
    y = torch.tensor([[0.01, 0.011], [0.012, 0.014]], dtype=F8)
    found = qz.entropic(y, grid=grid, eps=1e-5)
    assert found.value.isfinite() and torch.allclose(found.barycentre.mean(0), torch.tensor([0.75, 0.5], dtype=F8), atol=1e-3)


Y = torch.full((3, 2), 0.5)
G = qz.pixel_grid(torch.ones(4, 4))


@pytest.mark.parametrize(("call", "error"), [
    (lambda: qz.pixel_grid(torch.ones(4)), ValueError), (lambda: qz.pixel_grid([[1.0]]), TypeError),
    (lambda: qz.pixel_grid(-torch.ones(2, 2)), ValueError),
    (lambda: qz.pixel_grid(torch.zeros(2, 2)), ValueError), (lambda: qz.pixel_grid(torch.ones(2, 2), hi=(1.0, 0.0)), ValueError),
    (lambda: qz.pixel_grid(torch.ones(2, 2), lo=(0.0,)), ValueError), (lambda: qz.pixel_grid(torch.ones(2, 2), hi=("a", 1.0)), TypeError),
    (lambda: qz.pixel_grid(torch.ones(0, 2)), ValueError), (lambda: qz.pixel_grid(torch.full((2, 2), math.inf)), ValueError),
    (lambda: qz.free_weights(torch.ones(3), grid=G), ValueError), (lambda: qz.equal_weights(torch.ones(2, 3, 2), grid=G), ValueError),
    (lambda: qz.equal_weights(Y, grid=torch.ones(4, 4)), TypeError), (lambda: qz.equal_weights(Y, grid=G, sweeps=1), ValueError),
    (lambda: qz.equal_weights(torch.ones(3, 3), grid=G), ValueError), (lambda: qz.grid_cells(Y, torch.zeros(2), grid=G), ValueError),
    (lambda: qz.grid_labels(Y, 0.0, grid=G), TypeError), (lambda: qz.grid_step(0, Y, weights=1.0, grid=G), TypeError),
    (lambda: qz.grid_barycentres(Y, torch.zeros(3), grid=None), TypeError), (lambda: qz.grid_cost(Y, torch.zeros(4), grid=G), ValueError),
    (lambda: qz.grid_labels(torch.ones(3, 1), torch.zeros(3), grid=G), ValueError), (lambda: qz.with_weights([[0.5, 0.5]], grid=G), TypeError),
    (lambda: qz.weighted_step(0, Y, equal=1.0, grid=G), ValueError), (lambda: qz.weighted_step(0, torch.ones(3, 3), equal=2.0, grid=G), ValueError),
    (lambda: qz.move_site(Y, 0, Y[0], grid=G), ValueError), (lambda: qz.uniforms(0.5), TypeError), (lambda: qz.corner(Y[0]), ValueError),
    (lambda: qz.corner(Y, side=0.0), ValueError), (lambda: qz.corner_lattice(Y, side=-1.0), ValueError),
    (lambda: qz.corner_lattice(torch.ones(3)), ValueError), (lambda: qz.vertical_line(Y, moved="a bit"), TypeError),
    (lambda: qz.vertical_line(torch.ones(3, 3)), ValueError),
    (lambda: qz.entropic(Y, grid=G, eps=0.0), ValueError), (lambda: qz.entropic(Y, grid=G, eps=0.1, tol=0.0), ValueError),
    (lambda: qz.entropic(Y, torch.ones(2), grid=G, eps=0.1), ValueError), (lambda: qz.entropic(Y, grid=G, eps=0.1, steps=0), ValueError),
    (lambda: qz.entropic(Y, grid=None, eps=0.1), TypeError),
    (lambda: qz.entropic(rand(9, 2), grid=SQUARE, eps=1e-3, steps=3), RuntimeError)])
def test_bad_input_is_refused(call, error):
    with pytest.raises(error):
        call()


def test_one_sweep_is_refused_for_what_it_is():
    with pytest.raises(ValueError, match="sweeps = 1; expected an integer of at least 2"):
        qz.equal_weights(Y, grid=G, sweeps=1)
