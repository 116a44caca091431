"""Semi-discrete transport, Lloyd's maps in the plane, k-means: closed forms, Newton's order, POT, scikit-learn, bad input."""

import math
from functools import partial

import numpy as np
import pytest
import torch

import companion.sampling.quantization as qz
from companion import check
from companion.energies import grad
from companion.flow import iterate
from tests.helpers import rand

F8 = torch.float64


def lattice(m, side=1.0):
    s = (torch.arange(m, dtype=F8) + 0.5) / m
    return side * torch.cartesian_prod(s, s)


def line(n):
    return torch.stack([torch.full((n,), 0.5, dtype=F8), (torch.arange(n, dtype=F8) + 0.5) / n], 1)


def shares(n, seed):
    a = 0.2 + rand(n, seed=seed)
    return a / a.sum()


def hill(h=30, w=20, floor=1e-2):
    x, z = torch.linspace(-1, 1, w, dtype=F8), torch.linspace(-1, 1, h, dtype=F8)[:, None]
    return torch.exp(-3 * (x**2 + z**2)) + floor


def disc(h=40, w=40):
    x, z = torch.linspace(-1, 1, w, dtype=F8), torch.linspace(-1, 1, h, dtype=F8)[:, None]
    return (x**2 + z**2 < 0.5).double()


HEXAGON = torch.tensor([[math.cos(k * math.pi / 3), math.sin(k * math.pi / 3)] for k in range(6)], dtype=F8)
LAWS = {"square": qz.SQUARE, "hexagon": qz.uniform(HEXAGON), "picture": qz.pixels(hill()), "black and white": qz.pixels(disc())}

# --- Newton ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_masses_are_the_shares_and_the_dual_is_the_cost(law, n):
    y, a = rand(n, 2, seed=n), shares(n, n + 1)
    for weights in (None, a):
        found = qz.semidiscrete(y, weights, density=LAWS[law])
        asked = torch.full((n,), 1 / n, dtype=F8) if weights is None else a
        assert (found.cells.mass - asked).abs().max() < 1e-10 and abs(found.dual - found.cost) < 1e-11
        assert abs(found.w.mean()) < 1e-12 and found.errors[-1] <= 1e-11 and len(found.errors) < 40


def test_shares_are_normalised_and_the_cells_are_those_of_the_weights():
    y, a = rand(9, 2, seed=1), shares(9, 2)
    one, other = qz.semidiscrete(y, a), qz.semidiscrete(y, 5 * a)
    assert torch.allclose(one.w, other.w, atol=1e-12) and torch.allclose(qz.power_cells(y, one.w).mass, a, atol=1e-11)


@pytest.mark.parametrize("law", ["square", "picture"])
def test_newton_converges_quadratically(law):
    """The last errors fall as e -> C e^2 (order at least 1.6 between them); uniform sites need few steps."""
    found = qz.semidiscrete(rand(60, 2, seed=3), density=LAWS[law], tol=1e-13)
    e = found.errors[found.errors > 1e-14]
    assert len(found.errors) < 16 and (e[1:] < e[:-1]).all()
    order = (e[-1] / e[-2]).log() / (e[-2] / e[-3]).log()
    assert order > 1.6 or (e[-2] / e[-3]).log() / (e[-3] / e[-4]).log() > 1.6


@pytest.mark.parametrize("seed", [10, 11])
def test_very_unequal_shares_take_few_steps_and_the_error_never_rises(seed):
    """Where one half of the damping is missing, the error rises (seed 10: no decrease asked) or the steps double (seed 11: the floor too high)."""
    g = torch.Generator().manual_seed(seed)
    y, a = torch.rand(12, 2, dtype=F8, generator=g), torch.rand(12, dtype=F8, generator=g) ** 6 + 1e-4
    found = qz.semidiscrete(y, a)
    assert len(found.errors) < 16 and (found.errors[1:] < found.errors[:-1]).all()


def test_dual_is_the_dual_far_from_convergence_too():
    y = rand(15, 2, seed=8)
    found = qz.semidiscrete(y, tol=0.02)
    cells = qz.power_cells(y, found.w)
    assert 1e-6 < found.errors[-1] <= 0.02 and abs(found.cost - cells.second.sum()) < 1e-14
    assert abs(found.dual - cells.second.sum() - (found.w * (1 / 15 - cells.mass)).sum()) < 1e-14
    assert 1e-7 < abs(found.dual - found.cost) and found.dual < qz.w2_squared(y)


def test_two_hundred_and_a_thousand_sites_take_few_steps():
    for n, most in ((200, 12), (1000, 14)):
        found = qz.semidiscrete(rand(n, 2, seed=n))
        assert len(found.errors) < most and (found.cells.mass * n - 1).abs().max() < 1e-7


def test_the_weights_maximise_the_dual():
    """K(w) = int min_i (|x - y_i|^2 - w_i) drho + sum a_i w_i has its maximum, the cost, at w."""
    y, a, density = rand(8, 2, seed=5), shares(8, 6), LAWS["picture"]
    found = qz.semidiscrete(y, a, density=density)

    def dual(w):
        cells = qz.power_cells(y, w, density=density)
        return cells.second.sum() + (w * (a - cells.mass)).sum()

    assert abs(dual(found.w) - found.cost) < 1e-11
    for s in (1e-2, 1e-3):
        for seed in range(4):
            e = rand(8, seed=seed) - 0.5
            assert dual(found.w + s * e) < found.cost and abs(dual(found.w + s * e) - found.cost) < 10 * s**2
    w, h = found.w + 0.02 * rand(8, seed=9), 1e-5
    slope = torch.stack([(dual(w + h * e) - dual(w - h * e)) / (2 * h) for e in torch.eye(8, dtype=F8)])
    assert torch.allclose(slope, a - qz.power_cells(y, w, density=density).mass, atol=1e-8)


def test_cost_of_one_site_and_of_two():
    y = torch.tensor([[0.3, 0.9]], dtype=F8)
    assert abs(qz.w2_squared(y) - (1 / 6 + 0.04 + 0.16)) < 1e-14
    two, a = torch.tensor([[0.1, 0.5], [0.4, 0.5]], dtype=F8), torch.tensor([0.3, 0.7], dtype=F8)
    expected = (0.2**3 + 0.1**3) / 3 + (0.6**3 - (-0.1) ** 3) / 3 + 1 / 12
    assert abs(qz.w2_squared(two, a) - expected) < 1e-13
    assert abs(qz.semidiscrete(two, a).w.diff() - (0.25 - 0.3) * 2 * 0.3) < 1e-12  # the edge at 0.3 and not at the middle, 0.25


def test_sites_outside_the_domain_and_in_a_corner_start_well():
    shifted = qz.semidiscrete(rand(40, 2, seed=1) + 7)
    here = qz.semidiscrete(rand(40, 2, seed=1))
    assert len(shifted.errors) < 12 and torch.allclose(shifted.cells.barycentre, here.cells.barycentre, atol=1e-8)
    far = 7 * torch.tensor([1.0, 1.0], dtype=F8)
    gain = 2 * ((here.cells.barycentre - rand(40, 2, seed=1)) * far).sum(1).mean()  # a translation adds |m|^2 - 2 <m, mean of x - y>
    assert abs(shifted.cost - here.cost - far.square().sum() + gain) < 1e-9
    corner = qz.semidiscrete(lattice(10, 0.1))
    assert len(corner.errors) == 1 and abs(100 * corner.cells.spread.sum() - qz.LATTICE) < 1e-12


@pytest.mark.parametrize("n", [3, 20, 60])
@pytest.mark.parametrize("far", [1e3, 1e6, 1e8])
def test_one_site_far_away_takes_a_strip_and_the_others_share_the_rest(n, far):
    """A site at (far, 0.3) sees |x - y|^2 = far^2 - 2 far x_1 + ...: its cell is x_1 > 1 - 1/(n + 1), up to the order of 1/far."""
    near, a = rand(n, 2, seed=n), 1 / (n + 1)
    found = qz.semidiscrete(torch.cat([near, torch.tensor([[far, 0.3]], dtype=F8)]))
    left = qz.uniform(torch.tensor([[0.0, 0.0], [1 - a, 0.0], [1 - a, 1.0], [0.0, 1.0]], dtype=F8))
    assert found.errors[-1] <= 1e-11 and abs(found.dual / found.cost - 1) < 1e-12
    assert (found.cells.barycentre[-1] - torch.tensor([1 - a / 2, 0.5], dtype=F8)).abs().max() < 5 / far + 1e-7
    assert (found.cells.barycentre[:-1] - qz.semidiscrete(near, density=left).cells.barycentre).abs().max() < 5 / far + 1e-7


def test_sites_far_away_on_two_sides():
    near, a = rand(40, 2, seed=5), 1 / 42
    found = qz.semidiscrete(torch.cat([near, torch.tensor([[1e6, 0.3], [-1e6, 0.6]], dtype=F8)]))
    middle = qz.uniform(torch.tensor([[a, 0.0], [1 - a, 0.0], [1 - a, 1.0], [a, 1.0]], dtype=F8))
    assert found.errors[-1] <= 1e-11
    assert (found.cells.barycentre[:-2] - qz.semidiscrete(near, density=middle).cells.barycentre).abs().max() < 5e-6


def test_rotations_and_dilations_of_everything():
    y, a = rand(15, 2, seed=2) - 0.5, shares(15, 3)
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]], dtype=F8)
    one = qz.semidiscrete(y, a, density=qz.uniform(HEXAGON))
    other = qz.semidiscrete(10 * y @ turn.T, a, density=qz.uniform(10 * HEXAGON @ turn.T))
    assert abs(other.cost / one.cost - 100) < 1e-8 and torch.allclose(other.w, 100 * one.w, atol=1e-7)


# --- the peers -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("law", ["square", "picture", "black and white"])
def test_agrees_with_emd2_on_a_fine_grid(law):
    """Points of a grid in place of the law: W2 changes by at most half a diagonal of the grid's cell."""
    ot = pytest.importorskip("ot")
    y, a, m = rand(10, 2, seed=1), shares(10, 2), 40
    x = lattice(m)
    picture = {"square": torch.ones(40, 40, dtype=F8), "picture": hill(40, 40), "black and white": disc()}[law]
    rho = picture.flip(0).T.reshape(-1) / picture.sum()  # rows from the top; cartesian_prod runs over x first
    ours = qz.w2_squared(y, a, density=qz.pixels(picture))
    theirs = ot.emd2(rho.numpy(), a.numpy(), torch.cdist(x, y).square().numpy())
    assert abs(ours.sqrt() - math.sqrt(theirs)) < math.sqrt(1 / 6) / m  # W2 from a pixel's mass to its centre
    assert abs(ours - theirs) < 2e-3 * ours + 1 / (6 * m**2)


def test_agrees_with_the_stochastic_solver_of_pot():
    solver = pytest.importorskip("ot.semidiscrete")
    y = rand(8, 2, seed=4)
    np.random.seed(0)
    found = qz.semidiscrete(y)
    g = torch.as_tensor(solver.solve_semidiscrete(y.numpy(), sampler_source="unif", max_iter=3000, batch_size=32))
    assert ((g - g.mean()) - found.w).std() < 0.02
    theirs = qz.power_cells(y, g)
    assert (theirs.mass - found.cells.mass).abs().max() < 0.05
    assert 0 <= found.cost - (theirs.second.sum() + (g * (1 / 8 - theirs.mass)).sum()) < 1e-3


# --- Lloyd -----------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("law", LAWS)
def test_gradients_are_twice_the_mass_times_the_way_to_the_barycentre(law):
    """2c.12: central differences at 1e-5, and the closed forms 2 rho(V_i) (y_i - b_i), 2 a_i (y_i - b_i)."""
    n = 5 if law == "black and white" else 9
    y, a, density = rand(n, 2, seed=1), shares(n, 2), LAWS[law]
    free, equal = (partial(f, density=density) for f in (qz.quantization_error, lambda y, density: qz.w2_squared(y, a, density=density)))
    cells = qz.power_cells(y, density=density)
    assert torch.allclose(grad(free, y), 2 * cells.mass[:, None] * (y - cells.barycentre), atol=1e-12)
    b = qz.power_lloyd(0, y, density=density, a=a)
    assert torch.allclose(grad(equal, y), 2 * a[:, None] * (y - b), atol=1e-10)
    tol = 1e-9 if law != "black and white" else 1e-6  # without positive flux everywhere the energy has fewer derivatives
    check.gradient(free, partial(grad, free), y, tol=tol)
    check.gradient(equal, partial(grad, equal), y, tol=tol)


@pytest.mark.parametrize("law", LAWS)
def test_pythagoras_and_descent(law):
    """2a.3: W2^2 = moved + spread, and the spread bounds W2^2 after the step; the same for Voronoi cells."""
    for seed in range(3):
        y, a, density = rand(20, 2, seed=seed), shares(20, seed), LAWS[law]
        parts, found = qz.pythagoras(y, a, density=density), qz.semidiscrete(y, a, density=density)
        b = found.cells.barycentre
        assert abs(sum(parts) - found.cost) < 1e-12 and abs(qz.w2_squared(y, a, density=density) - found.cost) < 1e-12
        assert abs(parts.moved - (a * (y - b).square().sum(1)).sum()) < 1e-10
        assert qz.w2_squared(b, a, density=density) <= parts.spread + 1e-12
        assert torch.equal(qz.power_lloyd(3, y, density=density, a=a), b)
        cells, G = qz.power_cells(y, density=density), partial(qz.quantization_error, density=density)
        assert torch.equal(qz.lloyd(3, y, density=density), cells.barycentre)
        moved = (cells.mass * (y - cells.barycentre).square().sum(1)).sum()
        assert G(cells.barycentre) <= G(y) - moved + 1e-12 and abs(G(y) - cells.second.sum()) < 1e-13
        assert G(y) <= found.cost


def test_energies_decrease_along_both_maps():
    y = rand(15, 2, seed=3)
    for step, energy in ((qz.lloyd, qz.quantization_error), (qz.power_lloyd, qz.w2_squared)):
        for density in (qz.SQUARE, LAWS["picture"]):
            check.decreasing(partial(energy, density=density), iterate(partial(step, density=density), y, 20))


def test_the_first_power_lloyd_step_does_nearly_everything():
    """2c.11: n W2^2 falls from about 0.7 to [0.17, 0.22] in one step, and not below the hexagons' constant later."""
    for n in (25, 100):
        path = iterate(qz.power_lloyd, rand(n, 2, seed=n), 6)
        values = [n * qz.w2_squared(y).item() for y in path.x]
        assert 0.3 < values[0] < 1.5 and 0.17 < values[1] < 0.22 and 0.16 < values[-1] < values[1] and values[1] < values[0] / 2


def test_mean_over_starts_of_the_first_step():
    """2c.11, n = 25: 0.692, 0.200, 0.186 at steps 0, 1, 2, within 4 standard errors."""
    runs = torch.tensor([[25 * qz.w2_squared(y).item() for y in iterate(qz.power_lloyd, rand(25, 2, seed=s), 2).x] for s in range(30)])
    mean, error = runs.mean(0), runs.std(0) / math.sqrt(len(runs))
    assert ((mean - torch.tensor([0.692, 0.200, 0.186])).abs() < 4 * error + 0.01).all()


def test_a_grid_in_a_corner_is_dilated_in_one_step():
    for m, side in ((4, 0.1), (7, 0.25)):
        after = qz.power_lloyd(0, lattice(m, side) + 0.01)
        assert torch.allclose(after, lattice(m), atol=1e-9) and abs(m**2 * qz.w2_squared(after) - qz.LATTICE) < 1e-7


@pytest.mark.parametrize("n", [2, 16, 40])
def test_the_vertical_line_is_a_critical_point(n):
    """2c.10: W2^2 = 1/12 + 1/(12 n^2) however many sites, gradient zero: the power-Lloyd step does not move it."""
    assert abs(qz.w2_squared(line(n)) - 1 / 12 - 1 / (12 * n**2)) < 1e-14
    assert grad(qz.w2_squared, line(n)).abs().max() < 1e-15
    check.fixed_point(qz.power_lloyd, line(n), tol=1e-14)
    check.fixed_point(qz.lloyd, line(n), tol=1e-14)


def test_noise_breaks_the_vertical_line():
    """2c.10: with noise 1e-3, n = 16 sites leave it and end near the 4 x 4 lattice's 1/6."""
    y = line(16) + 1e-3 * torch.randn(16, 2, dtype=F8, generator=torch.Generator().manual_seed(0))
    values = [16 * qz.w2_squared(z).item() for z in iterate(qz.power_lloyd, y, 60).x]
    assert 1.3 < values[0] < 1.4 and values[5] < 0.2 and 0.1600 < values[60] < 0.17


def test_lattice_is_a_fixed_point_and_a_site_alone_in_nothing_stays():
    check.fixed_point(qz.lloyd, lattice(5), tol=1e-14)
    check.fixed_point(qz.power_lloyd, lattice(5), tol=1e-12)
    y = torch.cat([rand(5, 2, seed=1), torch.tensor([[3.0, 3.0], [-2.0, 0.4]], dtype=F8)])
    after = qz.lloyd(0, y)
    assert torch.allclose(after[5:], y[5:], atol=1e-15) and (after[:5] > 0).all() and (after[:5] < 1).all()
    y = torch.cat([y, torch.tensor([[0.02, 0.02], [0.05, 0.03], [0.99, 0.98]], dtype=F8)])
    dark = qz.power_cells(y, density=LAWS["black and white"])
    assert (dark.mass[5:8] == 0).all() and (dark.spread[5:8] == 0).all() and torch.allclose(dark.barycentre[5:8], y[5:8], atol=1e-15)


def test_dtype_and_device_of_the_sites_are_kept():
    y = rand(12, 2, seed=1).float()
    found = qz.semidiscrete(y)
    assert {v.dtype for v in (found.w, found.cost, found.dual, found.errors, qz.lloyd(0, y), qz.w2_squared(y), *qz.pythagoras(y))} == {torch.float32}
    assert abs(found.cost - qz.w2_squared(y.double())) < 1e-7 and grad(qz.w2_squared, y).dtype == torch.float32


# --- points ----------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d", [1, 2, 3])
def test_kmeans_has_the_inertia_of_scikit_learn_from_the_same_start(d):
    cluster = pytest.importorskip("sklearn.cluster")
    x = rand(400, d, seed=d) ** 2
    start = x[:7].clone()
    for steps in (1, 5, 300):
        theirs = cluster.KMeans(7, init=start.numpy(), n_init=1, max_iter=steps, tol=0, algorithm="lloyd").fit(x.numpy())
        ours = iterate(partial(qz.kmeans_step, x=x), start, theirs.n_iter_ - (steps == 300)).end
        assert abs(len(x) * qz.inertia(ours, x) - theirs.inertia_) < 1e-9 * theirs.inertia_
        assert np.abs(ours.numpy() - theirs.cluster_centers_).max() < 1e-10
        assert (qz.labels(ours, x).numpy() == theirs.labels_).mean() > 0.999


def test_kmeans_with_shares_is_kmeans_of_repeated_points():
    x, times = rand(30, 2, seed=1), torch.randint(1, 5, (30,), generator=torch.Generator().manual_seed(2))
    y, many = x[:4] + 0.01, x.repeat_interleave(times, 0)
    weights = times.double()
    assert torch.allclose(qz.kmeans_step(0, y, x=x, a=weights), qz.kmeans_step(0, y, x=many), atol=1e-14)
    assert abs(qz.inertia(y, x, weights) - qz.inertia(y, many)) < 1e-14


def test_kmeans_descends_is_a_gradient_step_and_leaves_an_idle_site():
    x = rand(200, 3, seed=1)
    y = torch.cat([x[:6], torch.full((1, 3), 9.0, dtype=F8)])
    check.decreasing(partial(qz.inertia, x=x), iterate(partial(qz.kmeans_step, x=x), y, 10))
    after = qz.kmeans_step(0, y, x=x)
    assert torch.equal(after[6], y[6]) and (qz.labels(y, x) < 6).all()
    mass = torch.bincount(qz.labels(y, x), minlength=7) / 200
    assert torch.allclose(grad(lambda z: qz.inertia(z, x), y), 2 * mass[:, None] * (y - after), atol=1e-14)


def test_labels_take_the_first_of_the_nearest_and_keep_digits_far_from_the_origin():
    y = torch.tensor([[0.0], [1.0], [1.0]])
    assert qz.labels(y, torch.tensor([[0.3], [0.9], [-3.0]])).tolist() == [0, 1, 0]
    x, sites = rand(300, 2, seed=1), rand(20, 2, seed=2)
    assert torch.equal(qz.labels(sites, x), torch.cdist(x, sites).argmin(1))
    assert torch.equal(qz.labels(x, x), torch.arange(300))  # as many sites as points
    near = qz.labels((sites + 1000).float(), (x + 1000).float())
    assert (near == qz.labels(sites, x)).double().mean() > 0.99


SCALES = [(offset, spread) for offset in (0.0, 1.0, 1e3, 1e6) for spread in (1.0, 1e3, 1e6)]


def groups(m, n, offset, spread, dtype, seed=0):
    """m points and n sites in two groups, a `spread` apart, far from the origin."""
    side = spread * (rand(m + n, 1, seed=seed) > 0.5)
    z = (offset + side + rand(m + n, 3, seed=seed + 1)).to(dtype)
    return z[:m], z[m:]


@pytest.mark.parametrize(("offset", "spread"), SCALES)
@pytest.mark.parametrize("dtype", [torch.float32, F8])
@pytest.mark.parametrize("n", [1, 2, 130])
def test_labels_are_those_of_the_differences_at_every_scale(offset, spread, dtype, n):
    """Against NumPy's differences in float64, for every point: |y|^2 - 2 <x, y> misses 62 of 1000 of two groups 1e3 apart."""
    x, y = groups(3000, n, offset, spread, dtype, seed=n)
    far = ((x.double().numpy()[:, None] - y.double().numpy()) ** 2).sum(-1)
    assert (qz.labels(y, x).numpy() == far.argmin(1)).all()
    assert abs(qz.inertia(y, x) - far.min(1).mean()) <= (1e-7 if dtype == torch.float32 else 1e-15) * 3 * far.min(1).mean()


@pytest.mark.parametrize("m", [30_000, 4_000_000])
@pytest.mark.parametrize(("offset", "spread"), [(10.0, 1.0), (1e6, 1.0), (0.0, 1e6)])
def test_means_of_many_points_keep_the_digits_of_float32(m, offset, spread):
    """The mean of 1e5 points of [10, 11] by a float32 sum is off by 0.01. Here: one rounding, of the mean itself."""
    x, _ = groups(m, 1, offset, spread, torch.float32)
    x = x[:, :1]
    y = torch.tensor([[offset], [offset + spread + 1.0]])
    owner = qz.labels(y, x)
    for i, mean in enumerate(qz.kmeans_step(0, y, x=x).double()):
        exact = x[owner == i].double().mean(0)
        assert (mean - exact).abs() <= 2.0**-24 * exact.abs() * 1.01


def test_an_outlier_takes_nothing_from_the_others():
    """One point at 1e8: every label and every other mean is what it was."""
    x, y = groups(2000, 5, 0.0, 1e3, torch.float32)
    with_outlier, sites = torch.cat([x, torch.full((1, 3), 1e8)]), torch.cat([y, torch.full((1, 3), 9e7)])
    assert torch.equal(qz.labels(sites, with_outlier)[:-1], qz.labels(y, x)) and qz.labels(sites, with_outlier)[-1] == 5
    assert torch.equal(qz.kmeans_step(0, sites, x=with_outlier)[:-1], qz.kmeans_step(0, y, x=x))
    assert torch.equal(qz.kmeans_step(0, sites, x=with_outlier)[-1], with_outlier[-1])


def test_shares_count_in_float64_and_points_of_no_share_do_not_count():
    x, a = groups(100_000, 1, 10.0, 1.0, torch.float32)[0], rand(100_000, seed=9).float()
    a[::7] = 0
    owner, y = qz.labels(x[:3], x), x[:3]
    for i, mean in enumerate(qz.kmeans_step(0, y, x=x, a=a).double()):
        mine = owner == i
        exact = (a[mine].double()[:, None] * x[mine].double()).sum(0) / a[mine].double().sum()
        assert (mean - exact).abs().max() < 1e-6


@pytest.mark.parametrize(("offset", "spread"), [(1e6, 1.0), (1.0, 1e6)])
def test_uniform_kmeans_keeps_the_digits_of_float32(offset, spread):
    x, y = groups(60, 5, offset, spread, torch.float32)
    exact = qz.uniform_kmeans_step(0, y.double(), x=x.double())
    assert ((qz.uniform_kmeans_step(0, y, x=x).double() - exact).abs() <= 2.0**-24 * exact.abs() * 1.01).all()


def test_labels_trace_and_the_graph_finds_the_same():
    from torch.fx.experimental.proxy_tensor import make_fx

    x, y = groups(50, 4, 0.0, 1.0, torch.float32)
    graph = make_fx(lambda y, x: qz.kmeans_step(0, y, x=x), tracing_mode="symbolic")(y, x)
    assert torch.allclose(graph(y, x), qz.kmeans_step(0, y, x=x), atol=1e-6)


def test_kmeans_on_a_grid_is_lloyd_on_the_picture():
    """Pixel centres with the ink for shares: the barycentres of the same cells, to the pixel's size squared."""
    picture, m = hill(120, 120, 0.05), 120
    s = (torch.arange(m, dtype=F8) + 0.5) / m
    x = torch.stack([s.expand(m, m), s.flip(0)[:, None].expand(m, m)], -1).reshape(-1, 2)
    y = rand(10, 2, seed=3)
    exact = qz.lloyd(0, y, density=qz.pixels(picture))
    assert (qz.kmeans_step(0, y, x=x, a=picture.reshape(-1)) - exact).abs().max() < 2 / m / 10


def test_uniform_kmeans_is_the_free_support_barycentre_of_pot():
    ot = pytest.importorskip("ot")
    x, y = rand(60, 2, seed=1), rand(10, 2, seed=2)
    a = shares(60, 3)
    theirs = ot.lp.free_support_barycenter([x.numpy()], [a.numpy()], y.numpy(), numItermax=1)
    assert np.abs(qz.uniform_kmeans_step(0, y, x=x, a=a).numpy() - theirs).max() < 1e-10
    ends = iterate(partial(qz.uniform_kmeans_step, x=x), y, 30).end
    theirs = ot.lp.free_support_barycenter([x.numpy()], [np.full(60, 1 / 60)], y.numpy(), numItermax=30, stopThr=0)
    assert np.abs(ends.numpy() - theirs).max() < 1e-8


def test_uniform_kmeans_approaches_power_lloyd():
    y = rand(6, 2, seed=4)
    assert (qz.uniform_kmeans_step(0, y, x=lattice(60)) - qz.power_lloyd(0, y)).abs().max() < 2e-3


# --- bad input -------------------------------------------------------------------------------------------------------------------

SOME = torch.rand(3, 2)


@pytest.mark.parametrize("call, words", [
    (lambda: qz.semidiscrete([[0.0, 1.0]]), "torch.as_tensor"), (lambda: qz.semidiscrete(torch.zeros(2, 2)), r"y\[0\] and y\[1\] coincide"),
    (lambda: qz.semidiscrete(SOME, torch.ones(2)), "one weight for each"),
    (lambda: qz.semidiscrete(SOME, torch.tensor([1.0, -1.0, 1.0])), "negative"),
    (lambda: qz.semidiscrete(SOME, torch.tensor([1.0, 0.0, 1.0])), r"a\[1\] = 0.*leave that site out"),
    (lambda: qz.semidiscrete(SOME, tol=0.0), "tol"), (lambda: qz.semidiscrete(SOME, steps=0), "steps"),
    (lambda: qz.semidiscrete(SOME, steps=2.5), "steps"),
    (lambda: qz.semidiscrete(SOME, density=torch.ones(2, 2)), "Density"), (lambda: qz.w2_squared(torch.zeros(3)), "cloud"),
    (lambda: qz.power_lloyd(0, torch.zeros(3, 3)), "2 coordinates"), (lambda: qz.lloyd(0, torch.zeros(2, 2)), "coincide"),
    (lambda: qz.quantization_error(torch.zeros(2, 2)), "coincide"), (lambda: qz.pythagoras(torch.zeros(2, 2)), "coincide"),
    (lambda: qz.labels(torch.rand(4, 2), SOME), "4 sites for 3 points"), (lambda: qz.labels(torch.rand(2, 3), SOME), "coordinates"),
    (lambda: qz.labels(torch.rand(1, 2, 2), SOME), "one set of points"),
    (lambda: qz.labels(SOME, torch.full((3, 2), -1e16)), "another unit"), (lambda: qz.labels(SOME, torch.full((3, 2), math.inf)), "infini"),
    (lambda: qz.kmeans_step(0, SOME, x=[1.0]), "torch.as_tensor"),
    (lambda: qz.kmeans_step(0, SOME, x=SOME, a=-torch.ones(3)), "negative"), (lambda: qz.inertia(SOME, SOME, torch.ones(4)), "one weight"),
    (lambda: qz.inertia(SOME, SOME, torch.ones(2, 3)), "one weight"),
    (lambda: qz.inertia(SOME, SOME[:2]), "3 sites for 2 points"), (lambda: qz.uniform_kmeans_step(0, SOME, x=torch.rand(2, 3)), "coordinates"),
    (lambda: qz.uniform_kmeans_step(0, SOME, x=SOME, a=torch.zeros(3)), "positive mass"),
])
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


def test_as_many_steps_are_taken_as_are_allowed():
    y = rand(30, 2, seed=1)
    needed = len(qz.semidiscrete(y).errors) - 1
    assert len(qz.semidiscrete(y, steps=needed).errors) == needed + 1
    with pytest.raises(RuntimeError, match=f"after {needed - 1} Newton steps"):
        qz.semidiscrete(y, steps=needed - 1)


def test_newton_says_why_it_cannot():
    y = rand(30, 2, seed=1)
    with pytest.raises(RuntimeError, match=r"after 2 Newton steps the masses are off .* give more steps"):
        qz.semidiscrete(y, steps=2)
    bars = torch.tensor([[1.0, 0.0, 0.0, 0.0, 1.0]], dtype=F8)
    y, a = torch.tensor([[0.1, 0.5], [0.15, 0.4], [0.9, 0.5]], dtype=F8), torch.tensor([1.0, 2.0, 4.0], dtype=F8)
    with pytest.raises((ValueError, RuntimeError), match="add a little"):
        qz.semidiscrete(y, a, density=qz.pixels(bars))
    close = torch.cat([rand(20, 2, seed=2), 0.5 + 1e-12 * rand(10, 2, seed=3)])
    with pytest.raises(RuntimeError, match="expected sites further apart"):
        qz.semidiscrete(close)


def test_where_voronoi_cells_are_empty_the_start_is_mended():
    """Sites in the dark of a picture own nothing at first; through mixtures with the uniform law all get their share."""
    y = torch.cat([0.1 * rand(15, 2, seed=1), 0.5 + 0.1 * rand(5, 2, seed=2)])
    density = LAWS["black and white"]
    assert (qz.power_cells(y, density=density).mass == 0).any()
    found = qz.semidiscrete(y, density=density)
    assert (found.cells.mass - 1 / 20).abs().max() < 1e-10
    b = found.cells.barycentre
    assert ((b - 0.5).square().sum(1) < 0.5 / 4).all()
    large = qz.semidiscrete(9 * y, density=qz.pixels(disc(), hi=(9.0, 9.0)))
    assert torch.allclose(large.cells.barycentre, 9 * b, atol=1e-7) and abs(large.cost / found.cost - 81) < 1e-7


def test_sites_close_together_outside_a_triangle():
    """The middle of a triangle is not that of its box: the weights are those of the sites where they are, not of the dilated ones."""
    y, triangle = 3 + 0.01 * rand(12, 2, seed=5), qz.uniform(torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 1.0]], dtype=F8))
    found = qz.semidiscrete(y, density=triangle)
    assert len(found.errors) < 20 and (qz.power_cells(y, found.w, density=triangle).mass - 1 / 12).abs().max() < 1e-9


def test_undamped_newton_would_empty_a_cell():
    """The first full step from Voronoi cells sends a mass to zero: the damping is needed, and is used."""
    y = torch.cat([0.5 + 0.02 * rand(12, 2, seed=3), rand(3, 2, seed=4)])
    found = qz.semidiscrete(y)
    assert (found.errors[1:] > 0.45 * found.errors[:-1]).any() and (found.cells.mass - 1 / 15).abs().max() < 1e-10
