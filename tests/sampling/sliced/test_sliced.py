"""The chapter's oracles: sliced distances in closed form, directions that are exact, critical lines, sliced flows."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from scipy.stats import norm, wasserstein_distance

import companion.sampling.sliced as sl
from companion import check
from companion.energies import grad, half, w2_squared, wasserstein_descent
from companion.flow import euler, flow, iterate
from companion.gaussians import Gaussian
from companion.gaussians import w2_squared as gaussian_w2
from companion.noise import noise, with_noise
from companion.transport import line_w2_squared, quantile
from tests.helpers import cloud

F8 = torch.float64


def rays(L, d, seed=0, rule=sl.iid):
    return rule(cloud(L, d, seed=1000 + seed))


def diagonal(*variances):
    return Gaussian(torch.zeros(len(variances), dtype=F8), torch.diag(torch.tensor(variances, dtype=F8)))


def exact(mean, value, std, L, sigmas=4):
    assert abs(mean - value) < sigmas * std / math.sqrt(L), (mean, value)


# --- directions ------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("shape", [(7, 2), (12, 5), (3, 4, 3), (1, 6), (5, 1)])
def test_every_rule_gives_unit_rows_of_the_same_shape(shape):
    xi = cloud(*shape)
    for rule in (sl.iid, sl.frames) + (sl.equispaced,) * (shape[-1] == 2):
        theta = rule(xi)
        assert theta.shape == xi.shape
        assert (theta.square().sum(-1) - 1).abs().max() < 1e-14
    assert torch.allclose(sl.iid(xi) * xi.norm(dim=-1, keepdim=True), xi)


def test_a_zero_row_has_no_direction():
    assert torch.equal(sl.iid(torch.zeros(2, 3)), torch.zeros(2, 3))


@pytest.mark.parametrize("L, d", [(6, 3), (7, 3), (2, 5), (300, 300)])
def test_frames_are_orthonormal_block_by_block_and_begin_with_the_noise(L, d):
    theta = rays(L, d, rule=sl.frames)
    for k in range(0, L, d):
        block = theta[k : k + d]
        assert (block @ block.T - torch.eye(len(block), dtype=F8)).abs().max() < 1e-13
        assert torch.allclose(block[0], sl.iid(cloud(L, d, seed=1000))[k])


def test_frames_span_what_the_noise_spans():
    xi = cloud(3, 5)
    theta = sl.frames(xi)
    assert torch.allclose(xi @ theta.T @ theta, xi, atol=1e-12)
    assert torch.allclose((xi @ theta.T).triu(1), torch.zeros(3, 3, dtype=F8), atol=1e-12)
    assert ((xi @ theta.T).diagonal() > 0).all()


@pytest.mark.parametrize("rule, d", [(sl.iid, 2), (sl.iid, 6), (sl.frames, 4), (sl.equispaced, 2)])
def test_every_rule_is_uniform_on_the_sphere(rule, d):
    """First and second moments of one row, over many draws; for the plane also the fourth Fourier mode, which a law of angles would show."""
    theta = rule(cloud(20000, d, d, seed=4))[:, -1]
    assert theta.mean(0).abs().max() < 4 / math.sqrt(20000 * d)
    assert (theta.T @ theta / 20000 - torch.eye(d, dtype=F8) / d).abs().max() < 4 / math.sqrt(20000) / d * math.sqrt(2)
    if d == 2:
        angle = torch.atan2(theta[:, 1], theta[:, 0])
        assert (4 * angle).cos().mean().abs() < 4 / math.sqrt(2 * 20000)


def test_equispaced_is_the_half_circle_turned():
    xi = cloud(9, 2)
    phase = math.atan2(xi[0, 1], xi[0, 0])
    assert torch.allclose(sl.equispaced(xi), sl.half_circle(9, phase=phase), atol=1e-14)
    angle = torch.atan2(*sl.half_circle(5).T.flip(0))
    assert torch.allclose(angle, torch.arange(5, dtype=F8) * math.pi / 5)


def test_random_directions_follow_the_seed_and_the_rule():
    def draw(**more):
        return sl.random_directions(4, 4, generator=torch.Generator().manual_seed(5), **more)

    assert draw().dtype == torch.float32 and torch.equal(draw(), draw())
    theta = draw(rule=sl.frames, dtype=F8)
    assert (theta @ theta.T - torch.eye(4, dtype=F8)).abs().max() < 1e-14
    assert torch.allclose(theta[0].float(), draw()[0])


# --- distances -------------------------------------------------------------------------------------------------------------------

def test_projections_are_scalar_products():
    x, theta = cloud(5, 3), rays(4, 3)
    for i in range(5):
        for k in range(4):
            assert abs(sl.project(x, theta)[k, i] - x[i] @ theta[k]) < 1e-14


@pytest.mark.parametrize("n, m", [(8, 8), (8, 12), (7, 5), (1, 6), (10, 1), (30, 47)])
def test_slices_are_distances_on_lines(n, m):
    x, y, theta = cloud(n, 3), cloud(m, 3, seed=1) + 0.3, rays(6, 3)
    on_lines = line_w2_squared((x @ theta.T).T, (y @ theta.T).T)
    assert torch.allclose(sl.slices(x, y, theta), on_lines, atol=1e-12)
    assert abs(sl.sw2_squared(x, y, theta) - on_lines.mean()) < 1e-12
    scipy = [wasserstein_distance((x @ t).numpy(), (y @ t).numpy()) for t in theta]
    assert abs(sl.sw1(x, y, theta).item() - sum(scipy) / 6) < 1e-12


@pytest.mark.parametrize("n, m, d, L", [(20, 20, 2, 50), (15, 40, 3, 30), (50, 10, 20, 60)])
def test_agreement_with_pot_which_returns_the_distance(n, m, d, L):
    import ot

    x, y, theta = cloud(n, d), 1.5 * cloud(m, d, seed=2) + 0.2, rays(L, d)
    pot = ot.sliced_wasserstein_distance(x.numpy(), y.numpy(), projections=theta.T.numpy())
    assert abs(sl.sw2_squared(x, y, theta).item() - pot**2) < 1e-12
    pot = ot.sliced_wasserstein_distance(x.numpy(), y.numpy(), projections=theta.T.numpy(), p=1)
    assert abs(sl.sw1(x, y, theta).item() - pot) < 1e-12
    pot = ot.max_sliced_wasserstein_distance(x.numpy(), y.numpy(), projections=theta.T.numpy())
    assert abs(sl.max_sliced(x, y, theta).value.item() - pot**2) < 1e-12


def test_one_dimension_is_the_distance_itself():
    x, y = cloud(9, 1), cloud(9, 1, seed=1)
    for theta in (torch.ones(1, 1, dtype=F8), rays(5, 1)):
        assert abs(sl.sw2_squared(x, y, theta) - w2_squared(y)(x)) < 1e-12


@pytest.mark.parametrize("m", [6, 9])
def test_invariances(m):
    """Permutations, rotations with their directions, common translations; both arguments exchanged; a dilation scales."""
    x, y, theta = cloud(6, 3), cloud(m, 3, seed=1), rays(10, 3)
    value, one = sl.sw2_squared(x, y, theta), sl.sw1(x, y, theta)
    turn = torch.linalg.qr(cloud(3, 3, seed=7)).Q
    same = [(x.flip(0), y, theta), (y, x, theta), (x @ turn, y @ turn, theta @ turn), (x + 2, y + 2, theta), (x, y, -theta), (-x, -y, theta)]
    for a, b, directions in same:
        assert abs(sl.sw2_squared(a, b, directions) - value) < 1e-12
        assert abs(sl.sw1(a, b, directions) - one) < 1e-12
    assert abs(sl.sw2_squared(3 * x, 3 * y, theta) - 9 * value) < 1e-12
    assert abs(sl.sw1(3 * x, 3 * y, theta) - 3 * one) < 1e-12


def test_repeated_points_weigh_as_many():
    x, y, theta = cloud(4, 3), cloud(6, 3, seed=1), rays(5, 3)
    assert abs(sl.sw2_squared(x.repeat(3, 1), y, theta) - sl.sw2_squared(x, y, theta)) < 1e-13
    assert abs(sl.sw2_squared(x.repeat(3, 1), y.repeat(2, 1), theta) - sl.sw2_squared(x, y, theta)) < 1e-13
    assert sl.sw2_squared(x.repeat(2, 1), x, theta) < 1e-28


@pytest.mark.parametrize("d", [2, 5])
def test_it_is_a_distance_below_w2(d):
    """Triangle inequality; SW2^2 <= W2^2/d with whole frames (their mean is at most the mean of |x_i - y_s(i)|^2/d); SW1 <= SW2."""
    x, y, z = cloud(12, d), cloud(12, d, seed=1) + 1, 2 * cloud(12, d, seed=2)
    theta = rays(10 * d, d, rule=sl.frames)
    a, b, c = (sl.sw2_squared(*pair, theta).sqrt() for pair in ((x, z), (x, y), (y, z)))
    assert a <= b + c
    for other in (y, z):
        assert sl.sw2_squared(x, other, theta) <= w2_squared(other)(x) / d
        assert sl.sw1(x, other, theta) <= sl.sw2_squared(x, other, theta).sqrt()


def test_batches_of_clouds_and_of_directions():
    x, y, theta = cloud(3, 6, 2), cloud(4, 2, seed=1), cloud(3, 5, 2, seed=2)
    theta = sl.iid(theta)
    for function in (sl.slices, sl.sw2_squared, sl.sw1):
        all_at_once = function(x, y, theta)
        assert torch.allclose(all_at_once, torch.stack([function(x[i], y, theta[i]) for i in range(3)]))
        assert torch.allclose(function(x, y, theta[0])[2], function(x[2], y, theta[0]))
    best = sl.max_sliced(x, y, theta[0], steps=10)
    each = [sl.max_sliced(x[i], y, theta[0], steps=10) for i in range(3)]
    assert torch.allclose(best.value, torch.stack([e.value for e in each]))
    assert torch.allclose(best.direction, torch.stack([e.direction for e in each]))


@pytest.mark.parametrize("n, m", [(5, 5), (4, 6), (6, 4)])
def test_gradient_by_finite_differences_and_the_velocity(n, m):
    """v = -n grad (SW2^2/2): the field of the ground floor and the sorted formula agree."""
    x, y, theta = cloud(n, 3), cloud(m, 3, seed=1) - 0.2, rays(7, 3)
    def E(z):
        return sl.sw2_squared(z, y, theta)

    check.gradient(E, lambda z: grad(E, z), x)
    check.gradient(lambda z: sl.sw1(z, y, theta), lambda z: grad(lambda w: sl.sw1(w, y, theta), z), x)
    assert torch.allclose(wasserstein_descent(half(E))(0.0, x), sl.velocity(0.0, x, y, theta), atol=1e-12)


def test_large_clouds_in_high_dimension():
    x, theta = torch.randn(2000, 1000, generator=torch.Generator().manual_seed(0)), rays(20, 1000).float()
    m = torch.full((1000,), 0.5)
    assert abs(sl.slices(x, x + m, theta) - (theta @ m).square()).max() < 1e-5
    y = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(1), dtype=F8)
    assert sl.sw2_squared(y[:100_000], y[100_000:], sl.half_circle(4)) < 1e-3


# --- max-sliced ------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(3))
def test_max_sliced_is_a_lower_bound_that_ascent_improves(seed):
    x, y, theta = cloud(15, 2, seed=seed), cloud(15, 2, seed=seed + 50) * 1.5 + 0.4, rays(5, 2, seed=seed)
    fine = sl.slices(x, y, sl.half_circle(20000)).max()
    given, found = sl.max_sliced(x, y, theta), sl.max_sliced(x, y, theta, steps=80)
    assert given.value == sl.slices(x, y, theta).max() <= found.value
    assert abs(found.value - fine) < 1e-4 * fine  # the grid is coarse, and ascent may stop at a kink
    for steps in (1, 2, 5, 80):  # what is returned is a slice, at its own direction
        found = sl.max_sliced(x, y, theta, steps=steps)
        assert abs(sl.slices(x, y, found.direction[None])[0] - found.value) < 1e-13
    assert fine <= w2_squared(y)(x) + 1e-12
    assert sl.sw2_squared(x, y, theta) <= given.value


def test_max_sliced_of_translates_in_high_dimension():
    m = cloud(50, seed=3)
    x = cloud(60, 50)
    found = sl.max_sliced(x, x + m, rays(3, 50), steps=60)
    assert abs(found.value / m.square().sum() - 1) < 1e-8
    assert abs((found.direction @ m).abs() / m.norm() - 1) < 1e-8


# --- closed forms: 3c.1 to 3c.5 ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d, c", [(1, 1.0), (2, 2 / math.pi), (3, 0.5), (10, 0.258690), (100, 0.0799882)])
def test_mean_absolute_coordinate(d, c):
    assert abs(sl.mean_abs(d) - c) < 1e-6
    theta = rays(40000, d)[:, 0].abs()
    exact(theta.mean().item(), sl.mean_abs(d), theta.std().item() + 1e-12, 40000)


@pytest.mark.parametrize("d", [2, 3, 10, 50])
def test_translates(d):
    """The three distances, and the variance of a slice."""
    m, x = cloud(d, seed=d) / math.sqrt(d), cloud(20, d)
    theta = rays(20000, d, seed=d)
    slices, forms = sl.slices(x, x + m, theta), sl.translates(m)
    variance = sl.slice_variance(m).item()
    assert torch.allclose(slices, (theta @ m).square(), atol=1e-12)
    exact(slices.mean().item(), forms.sw2_squared.item(), math.sqrt(variance), 20000)
    exact(sl.sw1(x, x + m, theta).item(), forms.sw1.item(), (theta @ m).abs().std().item(), 20000)
    fourth = ((slices - slices.mean()) ** 2).std().item()
    exact(slices.var().item(), variance, fourth, 20000, sigmas=5)
    assert abs(forms.max_sw2_squared - m @ m) < 1e-13
    assert abs(forms.sw2_squared - m @ m / d) < 1e-13
    assert abs(sl.relative_std(d, 7) - math.sqrt(variance / 7) / forms.sw2_squared.item()) < 1e-12


def test_relative_std_of_two_thousand_estimates():
    d, L, m = 10, 8, cloud(10)
    estimates = (sl.iid(cloud(4000, L, d, seed=6)) @ m).square().mean(-1)
    assert abs(estimates.std() / estimates.mean() / sl.relative_std(d, L) - 1) < 0.06


@pytest.mark.parametrize("d", [2, 3, 17])
def test_a_frame_is_exact_on_translates_and_dilations(d):
    import ot

    x, m = cloud(25, d), cloud(d, seed=1)
    theta = rays(2 * d, d, rule=sl.frames)
    assert abs(sl.sw2_squared(x, x + m, theta) - m @ m / d) < 1e-13 * max(1, m @ m)
    pot = ot.sliced_wasserstein_distance(x.numpy(), (x + m).numpy(), projections=theta[:d].T.numpy())
    assert abs(pot**2 - (m @ m / d).item()) < 1e-14 * max(1, m @ m)
    c = 1.7
    assert abs(sl.sw2_squared(x, c * x, theta) - (1 - c) ** 2 * x.square().sum(-1).mean() / d) < 1e-12
    assert abs(sl.sw2_squared(x, c * x + m, theta) - w2_squared(c * x + m)(x) / d) < 1e-12


def test_gaussians_isotropic_dilated_shifted():
    d, theta = 4, rays(12, 4, rule=sl.frames)
    A = cloud(d, d)
    A, m = A @ A.T, cloud(d, seed=2)
    zero, eye = torch.zeros(d, dtype=F8), torch.eye(d, dtype=F8)
    assert torch.allclose(sl.gaussian_slices(Gaussian(zero, 4 * eye), Gaussian(zero, 9 * eye), theta), torch.ones(12, dtype=F8))
    dilated = sl.gaussian_slices(Gaussian(zero, A), Gaussian(m, 0.25 * A), theta).mean()
    assert abs(dilated - (m @ m + 0.25 * A.trace()) / d) < 1e-12
    assert dilated <= gaussian_w2(Gaussian(zero, A), Gaussian(m, 0.25 * A)) / d + 1e-12


def test_gaussian_slices_are_those_of_two_large_clouds():
    cells = sl.normal_cells(4000)
    p, q, theta = Gaussian(torch.tensor([0.3, -1.0], dtype=F8), torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=F8)), diagonal(1.0, 0.2), rays(5, 2)
    q = Gaussian(torch.tensor([0.5, 0.7], dtype=F8), q.covariance)
    for slice_, t in zip(sl.gaussian_slices(p, q, theta), theta, strict=True):
        u, v = (t @ m + (t @ C @ t).sqrt() * cells for m, C in (p, q))
        assert abs(slice_ - line_w2_squared(u, v)) < 2e-3


@pytest.mark.parametrize("L, error", [(2, 1.2e-1), (4, 4.2e-3), (8, 1.7e-5), (16, 8.9e-10), (32, 1e-15)])
def test_equispaced_directions_converge_spectrally_on_gaussians(L, error):
    p, q = diagonal(4.0, 1.0), diagonal(2.25, 2.25)
    found = abs(sl.gaussian_slices(p, q, sl.half_circle(L)).mean().item() - sl.plane_gaussians(4, 1, 2.25))
    assert found < 1.1 * error
    assert L == 32 or found > 0.9 * error


def test_plane_gaussians():
    assert abs(sl.plane_gaussians(4, 1, 2.25) - 0.1241067) < 1e-7
    assert abs(sl.plane_gaussians(1, 4, 2.25) - sl.plane_gaussians(4, 1, 2.25)) < 1e-15
    assert abs(sl.plane_gaussians(4, 4, 1) - 1) < 1e-14
    assert abs(sl.plane_gaussians(4, 0, 1) - (3 - 8 / math.pi)) < 1e-14  # a line: the mean of (2 |cos| - 1)^2
    assert abs(gaussian_w2(diagonal(4.0, 1.0), diagonal(2.25, 2.25)) / 2 - 0.25) < 1e-12
    iid = sl.gaussian_slices(diagonal(4.0, 1.0), diagonal(2.25, 2.25), rays(100000, 2))
    exact(iid.mean().item(), sl.plane_gaussians(4, 1, 2.25), iid.std().item(), 100000)
    assert 0.08 < iid.std() < 0.1  # so that 32 independent directions leave an error of 1.6e-2


def test_equispaced_beats_iid_on_point_clouds():
    """At L = 5, n = 40: root mean square errors over 40 draws."""
    x, y = cloud(40, 2), cloud(40, 2, seed=1) * torch.tensor([1.5, 0.7], dtype=F8) + 0.5
    true = sl.sw2_squared(x, y, sl.half_circle(4096))
    errors = [sl.sw2_squared(x, y, rule(cloud(200, 5, 2, seed=2))).sub(true).square().mean().sqrt() for rule in (sl.equispaced, sl.frames, sl.iid)]
    assert errors[0] < errors[2] / 8 and errors[0] < 0.03 * true


def test_max_sliced_of_commuting_gaussians():
    a, b = torch.tensor([4.0, 1.0, 0.3], dtype=F8), torch.tensor([1.0, 3.0, 2.0], dtype=F8)
    value = sl.max_commuting(a, b)
    assert abs(value - 1) < 1e-14
    p, q = diagonal(*a.tolist()), diagonal(*b.tolist())
    assert torch.allclose(sl.gaussian_slices(p, q, torch.eye(3, dtype=F8)), (a.sqrt() - b.sqrt()) ** 2)
    assert sl.gaussian_slices(p, q, rays(20000, 3)).max() <= value + 1e-12
    swapped = sl.max_commuting(torch.stack([a, 9 * a]), torch.stack([b, a]))
    assert torch.allclose(swapped, torch.tensor([1.0, 16.0], dtype=F8))


# --- 3c.7, 3c.8 ------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("n, sw", [(50, 0.101), (200, 0.030), (800, 0.0073)])
def test_no_curse(n, sw):
    """Two samples of one law: SW2^2 does not see d, W2^2/d does. Four repetitions, half as margin."""
    for d, w in ((2, None), (10, {50: 0.816, 200: 0.602}.get(n)), (50, {50: 1.415, 200: 1.285}.get(n))):
        pairs = [(cloud(n, d, seed=s), cloud(n, d, seed=s + 100)) for s in range(4)]
        mean = sum(sl.sw2_squared(x, y, rays(100, d)).item() for x, y in pairs) / 4
        assert 0.5 * sw < mean < 1.6 * sw
        if w:
            assert abs(w2_squared(pairs[0][1])(pairs[0][0]) / d / w - 1) < 0.15


def test_near_discrete_measures():
    """SW2^2 / (W2^2/d) -> 1 when y = x + eps xi, eps -> 0; far from 1 when eps is as large as the gaps."""
    x, xi, ratios = cloud(30, 2), cloud(30, 2, seed=1), []
    for eps in (1e-1, 1e-2, 1e-3, 1e-4):
        y = x + eps * xi
        ratios.append((sl.sw2_squared(x, y, sl.half_circle(4000)) / (w2_squared(y)(x) / 2)).item())
    assert all(a < b <= 1 + 1e-9 for a, b in pairwise(ratios))
    assert ratios[0] < 0.75 and ratios[3] > 0.99


# --- 3c.9, 3c.10: on a line --------------------------------------------------------------------------------------------------------

def test_normal_cells_are_means_of_the_quantile_function():
    cells = sl.normal_cells(5)
    for i, cell in enumerate(cells):
        u = (i + (torch.arange(200000, dtype=F8) + 0.5) / 200000) / 5
        assert abs(cell - torch.from_numpy(norm.ppf(u.numpy())).mean()) < 1e-5
    assert torch.allclose(cells, -cells.flip(0))
    assert sl.normal_cells(4, dtype=torch.float32).dtype == torch.float32


def test_line_constants():
    assert abs(sl.line_stretch(2) - 4 / math.pi) < 1e-14 and abs(sl.line_stretch(2) - 1.27324) < 1e-5
    assert abs(sl.line_level(2) - (1 - 8 / math.pi**2)) < 1e-14 and abs(sl.line_level(2) - 0.1894305) < 1e-7
    assert abs(sl.line_level(3) - 0.25) < 1e-14
    assert abs(sl.line_level(1)) < 1e-14


def on_axis(n, L, d=2):
    cells, theta = sl.normal_cells(n), sl.half_circle(L, phase=math.pi / 2 / L) if d == 2 else rays(L, d)
    slope, value = sl.line_critical(cells, theta)
    x = torch.zeros(n, d, dtype=F8)
    x[:, 0] = slope * cells
    return x, cells, theta, value


@pytest.mark.parametrize("n, L, d", [(100, 64, 2), (50, 40, 3), (17, 8, 2)])
def test_the_line_is_critical(n, L, d):
    """Along the line the velocity vanishes; the value is the formula's; every other scale on the line costs more."""
    x, cells, theta, value = on_axis(n, L, d)
    within = 1 - cells.square().mean().item()

    def E(x):
        return sl.quantile_sw2_squared(x, cells, theta, within=within)

    v = sl.quantile_velocity(0.0, x, cells, theta)
    assert v[:, 0].abs().max() < 1e-13
    assert d > 2 or v.abs().max() < 1e-13
    assert abs(E(x) - value) < 1e-13
    assert min(E(0.99 * x), E(1.01 * x)) > value


def test_a_direction_across_the_line_pushes_off_it():
    """Odd L: the middle direction of `on_axis` is orthogonal to the line, and sees all particles in one point."""
    x, cells, theta, _ = on_axis(17, 9)
    v = sl.quantile_velocity(0.0, x, cells, theta)
    assert v[:, 0].abs().max() < 1e-13
    assert torch.allclose(v[:, 1].sort().values, cells / 9)


def test_the_levels_of_the_line():
    _, cells, _, value = on_axis(100, 64)
    assert abs(value - 0.1911099) < 1e-7
    assert abs(on_axis(20000, 2000)[3] - sl.line_level(2)) < 1e-4
    slanted = torch.tensor([[0.6, 0.8], [0.8, 0.6], [0.0, 1.0]], dtype=F8)  # an axis of its own for each answer
    for axis in (0, 1):
        along = slanted[:, axis]
        assert abs(sl.line_critical(cells, slanted, axis=axis)[0] - along.sum() / along.square().sum()) < 1e-14
    third = sl.line_critical(sl.normal_cells(2000), rays(100000, 3), axis=2)
    assert abs(third[1] - sl.line_level(3)) < 0.01 and abs(third[0] - sl.line_stretch(3)) < 0.01
    assert abs(sl.line_critical(3 * cells, sl.half_circle(64), second_moment=9.0)[1] / 9 - sl.line_critical(cells, sl.half_circle(64))[1]) < 1e-12


def released(L, eps, T=150.0, steps=300):
    x, cells, theta, _ = on_axis(100, L)
    x[:, 1] = eps * cloud(100, seed=3)
    end = flow(partial(sl.quantile_velocity, cells=cells, directions=theta), x, T, steps, method=euler, every=steps).end
    return end[:, 1].std(), sl.quantile_sw2_squared(end, cells, theta, within=1 - cells.square().mean().item())


def test_stability_of_the_line_has_a_threshold():
    """Transverse noise: damped below a threshold that falls with L, a way out above."""
    spread, value = released(32, 1e-4)
    assert spread < 1e-12 and value > 0.19
    for L, eps in ((256, 1e-4), (32, 1e-3)):
        spread, value = released(L, eps)
        assert abs(spread - 1) < 0.05 and value < 0.008


# --- 3c.11: flows ------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(2))
def test_fresh_directions_match_exactly_and_fixed_ones_stall(seed):
    x, y, theta = cloud(40, 2, seed=seed), cloud(40, 2, seed=seed + 9) + 1, sl.half_circle(20)
    fresh = iterate(with_noise(partial(sl.fresh_step, y=y), seed=seed), x, 500, every=500).end
    assert w2_squared(y)(fresh) < 1e-15
    fixed = flow(partial(sl.velocity, y=y, directions=theta), x, 100.0, 200, method=euler, every=50)
    check.decreasing(lambda z: sl.sw2_squared(z, y, theta), fixed)
    assert sl.sw2_squared(fixed.end, y, sl.half_circle(500)) > 1e-4 and w2_squared(y)(fixed.end) > 1e-3


def test_frozen_permutation_contracts_by_one_minus_one_over_d():
    """Once every point is near its own target, a fresh line removes 1/d of the squared error on average, a frame all of it."""
    y = 10 * cloud(20, 4)
    e = 1e-3 * cloud(500, 20, 4, seed=1)
    after = sl.fresh_step(0, y + e, cloud(500, 20, 4, seed=2), y) - y
    assert abs(after.square().sum() / e.square().sum() / (1 - 1 / 4) - 1) < 0.03
    assert (sl.frame_step(0, y + e[0], cloud(20, 4), y) - y).abs().max() < 1e-12


@pytest.mark.parametrize("m", [8, 12, 5])
def test_one_step_matches_the_projections(m):
    """One fresh line: the projection is y's (or, sizes differing, the means of y's quantile function); nothing moves across it."""
    x, y, xi = cloud(8, 3), cloud(m, 3, seed=1), cloud(8, 3, seed=2)
    theta = sl.iid(xi[:1])
    new = sl.fresh_step(3, x, xi, y)
    got = sl.project(new, theta)[0].sort().values
    u = (torch.arange(8 * 5 * 12, dtype=F8) + 0.5) / (8 * 5 * 12)
    assert torch.allclose(got, quantile(sl.project(y, theta)[0], u).reshape(8, -1).mean(-1), atol=1e-12)
    assert torch.allclose((new - x) - (new - x) @ theta.T @ theta, torch.zeros(8, 3, dtype=F8), atol=1e-13)
    assert (sl.project(x, theta)[0].argsort() == sl.project(new, theta)[0].argsort()).all()
    assert torch.allclose(sl.fresh_step(3, x, xi, y, tau=0.25) - x, 0.25 * (new - x))


@pytest.mark.parametrize("rule", [sl.iid, sl.frames])
def test_fresh_steps_are_euler_steps_of_the_velocity(rule):
    x, y, xi = cloud(8, 3), cloud(8, 3, seed=1), cloud(8, 3, seed=2)
    new = sl.fresh_step(0, x, xi, y, L=5, rule=rule, tau=torch.tensor(0.7))
    assert torch.allclose(new, x + 0.7 * sl.velocity(0.0, x, y, rule(xi[:5])), atol=1e-7)


def test_frame_steps_undo_translations_and_match_every_coordinate():
    x, xi = cloud(8, 3), cloud(8, 3, seed=2)
    assert torch.allclose(sl.frame_step(0, x, xi, x + 3), x + 3)
    assert torch.allclose(sl.frame_step(0, x, xi, x + 3, tau=0.5), x + 1.5)
    assert torch.allclose(sl.frame_step(0, x[:3], xi[:3], x[:3] + 3), x[:3] + 3)  # as many points as dimensions, the least
    y, theta = cloud(8, 3, seed=4), sl.frames(xi[:3])
    new = sl.frame_step(0, x, xi, y)
    assert torch.allclose(sl.project(new, theta).sort(-1).values, sl.project(y, theta).sort(-1).values)


def test_the_flow_is_d_times_slower_than_that_of_w2():
    x, d = cloud(10, 5), 5
    m = cloud(5, seed=3)
    end = flow(partial(sl.velocity, y=x + m, directions=rays(2 * d, d, rule=sl.frames)), x, 3.0, 60).end
    assert torch.allclose(end, x + m * (1 - math.exp(-3.0 / d)), atol=1e-6)


def test_the_mean_velocity_preserves_batches_and_quantile_targets():
    x, y, theta = cloud(2, 6, 3), cloud(6, 3, seed=1), rays(4, 3)
    assert torch.allclose(sl.velocity(0.0, x, y, theta)[1], sl.velocity(0.0, x[1], y, theta))
    cells = sl.project(y, theta).sort(-1).values
    assert torch.allclose(sl.quantile_velocity(0.0, x, cells, theta), sl.velocity(0.0, x, y, theta))
    assert torch.allclose(sl.quantile_sw2_squared(x, cells, theta), sl.sw2_squared(x, y, theta))
    row = sl.normal_cells(6)
    assert torch.allclose(sl.quantile_velocity(0.0, x, row, theta), sl.quantile_velocity(0.0, x, row.expand(4, 6), theta))
    v = wasserstein_descent(half(lambda z: sl.quantile_sw2_squared(z, row, theta, within=0.3)))(0.0, x[0])
    assert torch.allclose(v, sl.quantile_velocity(0.0, x[0], row, theta), atol=1e-12)
    assert abs(sl.quantile_sw2_squared(x[0], row, theta, within=0.3) - sl.quantile_sw2_squared(x[0], row, theta) - 0.3) < 1e-13


# --- the lamp ----------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("degrees", [0.0, 33.0, 135.0])
def test_shadows_on_the_wall(degrees):
    """A shadow has the projection of its point, and stands on the wall; the joining lines are the sorted matching."""
    x, y, angle = cloud(7, 2), cloud(7, 2, seed=1), torch.tensor([degrees], dtype=F8)
    along = torch.tensor([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], dtype=F8)
    across = torch.stack([-along[1], along[0]])
    assert torch.allclose(sl.ray(angle), along[None])
    wall = sl.shadow(x, angle, -2.0)
    assert torch.allclose(wall @ along, x @ along) and torch.allclose(wall @ across, torch.full((7,), -2.0, dtype=F8))
    lines = sl.matched(x, y, angle, (-2.0, -3.0))
    assert lines.shape == (7, 2, 2)
    assert torch.allclose(lines @ across, torch.tensor([-2.0, -3.0], dtype=F8).expand(7, 2))
    assert torch.allclose((lines @ along).T, torch.stack([x @ along, y @ along]).sort(-1).values)  # from x, to y
    cost = ((lines[:, 0] - lines[:, 1]) @ along).square().mean()
    assert torch.allclose(cost, sl.slices(x, y, along[None])[0])


def test_the_dial():
    x, y, angle = cloud(7, 2), cloud(9, 2, seed=1) + 1, torch.tensor([45.0], dtype=F8)
    around, mean, most, tip = sl.dial(x, y, angle)
    fan = sl.half_circle(120)
    assert torch.allclose(around[:-1], sl.slices(x, y, fan)) and around[-1] == around[0]
    assert torch.allclose(mean, sl.sw2_squared(x, y, fan)) and torch.allclose(most, sl.slices(x, y, fan).max())
    assert torch.allclose(tip[30], around[30]) and torch.allclose(tip[29], around[30] / 4) and (tip[:29] == 0).all() and (tip[32:] == 0).all()


def test_a_direction_and_the_one_across_it():
    x, m = cloud(7, 2), torch.tensor([1.2, 0.9], dtype=F8)
    for degrees in (0.0, 17.0, 140.0):
        angle = torch.tensor([degrees], dtype=F8)
        assert abs(sl.with_the_one_across(x, 2 * x + m, angle) - w2_squared(2 * x + m)(x) / 2) < 1e-12
        both = sl.slices(x, x.sqrt().nan_to_num() + m, torch.cat([sl.ray(angle), sl.ray(angle + 90)])).mean()
        assert abs(sl.with_the_one_across(x, x.sqrt().nan_to_num() + m, angle) - both) < 1e-12
    with pytest.raises(TypeError, match="angle"):
        sl.ray(3.0)
    with pytest.raises(ValueError, match="coordinates"):
        sl.shadow(cloud(7, 3), angle, 1.0)
    with pytest.raises(ValueError, match="coordinates"):
        sl.matched(x, cloud(7, 3), angle, (1.0, 2.0))
    with pytest.raises(ValueError, match="one size"):
        sl.matched(x, x[:5], angle)
    with pytest.raises(ValueError, match="two numbers"):
        sl.matched(x, x, angle, (1.0,))
    with pytest.raises(ValueError, match=r"\(1,\)"):
        sl.ray(torch.tensor(30.0))


# --- bad input -------------------------------------------------------------------------------------------------------------------

X, Y, TH = cloud(5, 3), cloud(5, 3, seed=1), rays(4, 3)
BAD = [
    (ValueError, "cloud", lambda: sl.iid(X[0])),
    (TypeError, "floating", lambda: sl.iid(torch.ones(2, 2, dtype=torch.int64))),
    (ValueError, "cloud", lambda: sl.frames(X[0])),
    (ValueError, "frames", lambda: sl.equispaced(X)),
    (ValueError, "L = 0", lambda: sl.half_circle(0)),
    (TypeError, "phase", lambda: sl.half_circle(3, phase="0")),
    (TypeError, "generator", lambda: sl.random_directions(3, 2, generator=0)),
    (TypeError, "rule", lambda: sl.random_directions(3, 2, generator=torch.Generator(), rule="iid")),
    (ValueError, "d = 0", lambda: sl.random_directions(3, 0, generator=torch.Generator())),
    (ValueError, "unit rows", lambda: sl.project(X, 2 * TH)),
    (ValueError, "3 coordinates", lambda: sl.project(X, rays(4, 2))),
    (ValueError, "coordinates", lambda: sl.slices(X, Y[:, :2], TH)),
    (ValueError, "cloud", lambda: sl.sw2_squared(X[0], Y, TH)),
    (ValueError, "NaN", lambda: sl.sw2_squared(X * math.nan, Y, TH)),
    (TypeError, "Tensor", lambda: sl.sw1(X.numpy(), Y, TH)),
    (ValueError, "steps", lambda: sl.max_sliced(X, Y, TH, steps=-1)),
    (ValueError, "one number a particle", lambda: sl.quantile_sw2_squared(X, sl.normal_cells(4), TH)),
    (ValueError, "one number a particle", lambda: sl.quantile_sw2_squared(X, sl.normal_cells(5).expand(3, 5), TH)),
    (ValueError, "in order", lambda: sl.quantile_sw2_squared(X, sl.normal_cells(5).flip(0), TH)),
    (ValueError, "in order", lambda: sl.quantile_sw2_squared(X, sl.normal_cells(5)[[0, 1, 3, 2, 4]], TH)),
    (ValueError, "within", lambda: sl.quantile_sw2_squared(X, sl.normal_cells(5), TH, within=-1.0)),
    (ValueError, "d = 0", lambda: sl.mean_abs(0)),
    (ValueError, "vector", lambda: sl.translates(torch.tensor(1.0))),
    (TypeError, "Tensor", lambda: sl.slice_variance([1.0])),
    (TypeError, "integer", lambda: sl.relative_std(2.5, 3)),
    (ValueError, "L = 0", lambda: sl.relative_std(2, 0)),
    (TypeError, "pair", lambda: sl.gaussian_slices(X, diagonal(1, 1), TH)),
    (ValueError, "coordinates", lambda: sl.gaussian_slices(diagonal(1, 1), diagonal(2, 1), TH)),
    (ValueError, "a = 0", lambda: sl.plane_gaussians(0, 1, 1)),
    (ValueError, "b = -1", lambda: sl.plane_gaussians(1, -1, 1)),
    (ValueError, "c = -1", lambda: sl.plane_gaussians(1, 1, -1)),
    (ValueError, "variances", lambda: sl.max_commuting(-X[0].abs(), X[0].abs())),
    (ValueError, "variances", lambda: sl.max_commuting(X[0].square(), torch.tensor([1.0, 2, -1e-3], dtype=F8))),
    (ValueError, "as many", lambda: sl.max_commuting(X[0].abs(), X[0, :2].abs())),
    (ValueError, "n = 0", lambda: sl.normal_cells(0)),
    (ValueError, "second_moment", lambda: sl.line_critical(sl.normal_cells(3), TH, second_moment=-1.0)),
    (ValueError, "cloud", lambda: sl.line_critical(sl.normal_cells(3), TH[0])),
    (ValueError, "axis = 3", lambda: sl.line_critical(sl.normal_cells(3), TH, axis=3)),
    (ValueError, "d = 0", lambda: sl.line_level(0)),
    (ValueError, "d = 0", lambda: sl.line_stretch(0)),
    (ValueError, "coordinates", lambda: sl.velocity(0.0, X, Y[:, :2], TH)),
    (ValueError, "one number a particle", lambda: sl.quantile_velocity(0.0, X, sl.normal_cells(4), TH)),
    (ValueError, "at most 5", lambda: sl.fresh_step(0, X, X, Y, L=6)),
    (ValueError, "L = 0", lambda: sl.fresh_step(0, X, X, Y, L=0)),
    (TypeError, "rule", lambda: sl.fresh_step(0, X, X, Y, rule=3)),
    (ValueError, "xi", lambda: sl.fresh_step(0, X, X[:, :2], Y)),
    (TypeError, "tau", lambda: sl.frame_step(0, X, X, Y, tau="1")),
    (ValueError, "at least d", lambda: sl.frame_step(0, X[:2], X[:2], Y)),
]


@pytest.mark.parametrize("error, words, call", BAD)
def test_bad_input_is_said_in_words(error, words, call):
    with pytest.raises(error, match=words):
        call()


# --- the estimator, one direction at a time ------------------------------------------------------------------------------------------

def grown(rule, pair, d, L, D=5, R=40):
    return iterate(with_noise(partial(rule, pair=pair, d=d), seed=2), torch.zeros(R, D + 1, D, dtype=F8), L)


def test_spiked_gaussians():
    assert abs(sl.spiked_gaussians(4, 2.25, 2) - sl.plane_gaussians(4, 1, 2.25)) < 1e-12
    assert abs(sl.spiked_gaussians(4, 2.25, 1) - 0.25) < 1e-14
    assert abs(sl.spiked_gaussians(1, 4, 7) - 1) < 1e-12
    theta = rays(100000, 6)
    slices = sl.gaussian_slices(diagonal(9.0, 1, 1, 1, 1, 1), diagonal(*[0.5] * 6), theta)
    exact(slices.mean().item(), sl.spiked_gaussians(9, 0.5, 6), slices.std().item(), 100000)
    for d in (1, 2, 5):
        assert abs(sl.spiked_pair(5).value[d - 1] - sl.spiked_gaussians(4, 2.25, d)) < 1e-15
        assert abs(sl.translated_pair(5).value[d - 1] - 1 / d) < 1e-15


@pytest.mark.parametrize("rule", [sl.add_iid, sl.add_frame])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_estimates_are_means_of_slices(rule, d):
    """Independent: the first d coordinates of each step's noise, normalised. Frames: the rows kept are the last ones, block by block."""
    pair, z = sl.spiked_pair(5), torch.zeros(40, 6, 5, dtype=F8)
    seen, drawn = [], []
    for k in range(7):
        xi = noise(z.shape, seed=2, k=k, dtype=F8)
        z = rule(k, z, xi, pair, d)
        theta = sl.iid(xi[:, 0] * (torch.arange(5) < d)) if rule is sl.add_iid else z[:, k % d]
        seen.append(sl.gaussian_slices(pair.p, pair.q, theta[:, None])[:, 0])
        block = z[:, : k % d + 1]
        assert rule is sl.add_iid or (block @ block.mT - torch.eye(k % d + 1, dtype=F8)).abs().max() < 1e-13
        assert (z[:, :-1, d:] == 0).all()
        drawn.append(xi[:, 0, :d])
        if rule is sl.add_frame and k % d == d - 1:  # each frame is that of its own noise: it knows nothing of the one before
            assert torch.allclose(z[:, :d, :d], sl.frames(torch.stack(drawn[-d:], 1)), atol=1e-12)
        expected = torch.stack(seen).mean(0) / sl.spiked_gaussians(4, 2.25, d)
        assert torch.allclose(sl.estimates(z, pair, k=k + 1, d=d), expected, atol=1e-13)


def test_the_noise_of_a_step_is_used_once_and_nothing_at_the_start():
    pair = sl.translated_pair(5)
    path = grown(sl.add_frame, pair, 3, 6)
    assert (sl.estimates(path.x[0], pair, k=0, d=3) == 0).all()
    assert (sl.estimates(path.x[3], pair, k=3, d=3) - 1).abs().max() < 1e-14  # one whole frame, a translate
    assert (sl.estimates(path.x[4], pair, k=4, d=3) - 1).abs().max() > 0.01
    assert (sl.estimates(path.end, pair, k=6, d=3) - 1).abs().max() < 1e-14
    assert (path.x[6][:, :3] - path.x[3][:, :3]).abs().max() > 0.1


def test_equispaced_estimates():
    pair = sl.spiked_pair(5)
    path = grown(sl.add_equispaced, pair, 5, 33)
    xi = noise((40, 6, 5), seed=2, k=0, dtype=F8)[:, 0, :2]
    plane = [diagonal(4.0, 1.0), diagonal(2.25, 2.25)]
    for L in (1, 3, 6):
        theta = sl.equispaced(xi[:, None].expand(40, L, 2))
        expected = sl.gaussian_slices(*plane, theta).mean(-1) / sl.plane_gaussians(4, 1, 2.25)
        assert torch.allclose(sl.estimates(path.x[L], pair, k=L, d=2), expected, atol=1e-13)
    assert (sl.estimates(path.x[32], pair, k=32, d=2) - 1).abs().max() < 1e-14  # as the chapter says: rounding


def test_the_spread_of_estimates_falls_as_the_theory_says():
    pair = sl.translated_pair(5)
    z = grown(sl.add_iid, pair, 5, 8, R=4000).end
    assert abs(sl.estimates(z, pair, k=8, d=5).std() / sl.relative_std(5, 8) - 1) < 0.06
    assert abs(sl.estimates(z, pair, k=8, d=5).mean() - 1) < 4 * sl.relative_std(5, 8) / math.sqrt(4000)


@pytest.mark.parametrize("call", [
    lambda: sl.add_iid(0, torch.zeros(3, 5, 5), torch.zeros(3, 5, 5), sl.translated_pair(5), 2),
    lambda: sl.add_frame(0, torch.zeros(3, 6, 5), torch.zeros(3, 6, 4), sl.translated_pair(5), 2),
    lambda: sl.add_equispaced(0, torch.zeros(5), torch.zeros(5), sl.translated_pair(5), 2),
    lambda: sl.add_iid(0, torch.zeros(3, 6, 5), torch.zeros(3, 6, 5), sl.translated_pair(5), 2),
    lambda: sl.add_iid(0, torch.zeros(2, 3, 6, 5, dtype=F8), torch.zeros(2, 3, 6, 5, dtype=F8), sl.translated_pair(5), 2),
    lambda: sl.add_frame(0, torch.zeros(3, 6, 5, dtype=F8), torch.zeros(3, 5, 5, dtype=F8), sl.translated_pair(5), 2),
    lambda: sl.translated_pair(0), lambda: sl.spiked_pair(3, a=-1.0), lambda: sl.spiked_gaussians(1, 1, 0),
])
def test_bad_input_of_the_estimator(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()


def test_a_dimension_that_the_pair_has_not_is_refused_for_what_it_is():
    z, pair = torch.zeros(3, 6, 5, dtype=F8), sl.translated_pair(5)
    for call in (lambda: sl.estimates(z, pair, k=1, d=6), lambda: sl.add_iid(0, z, z, pair, 6)):
        with pytest.raises(ValueError, match="d = 6"):
            call()
