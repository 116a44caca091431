"""Quantization on the line, its constants, and points that minimise a kernel discrepancy: closed forms, rates, other implementations."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from scipy.optimize import linear_sum_assignment

import companion.sampling.quantization as qz
from companion.energies import grad, mmd2
from companion.flow import iterate
from companion.gaussians import mixture
from companion.kernels import energy_kernel, gaussian_kernel
from companion.transport import line_w2_squared
from tests.helpers import rand

F8 = torch.float64
LAWS = {"uniform": qz.UNIFORM, "tilted": qz.tilted(0.7), "steep": qz.tilted(-1.0), "gaussian": qz.GAUSSIAN}
law_of = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def randn(*shape, seed=0):
    return torch.randn(*shape, dtype=F8, generator=torch.Generator().manual_seed(seed))


def close(a, b, tol=1e-9):
    a, b = torch.as_tensor(a, dtype=F8), torch.as_tensor(b, dtype=F8)
    assert ((a - b).abs() <= tol * b.abs().clamp(min=1)).all(), (a, b)


@law_of
def test_a_law_agrees_with_quadrature(law):
    def f(s):
        return law.density(torch.tensor(s, dtype=F8)).item()

    def integral(g, end):
        return integrate.quad(g, law.lo, end, epsabs=1e-13, epsrel=1e-12)[0]

    for s in (0.1, 0.45, 0.8):
        close(law.cdf(torch.tensor(s, dtype=F8)), integral(f, s))
        close(law.partial(torch.tensor(s, dtype=F8)), integral(lambda r: r * f(r), s))
    close(law.mean, integral(lambda r: r * f(r), law.hi))
    close(law.second, integral(lambda r: r * r * f(r), law.hi))
    close(law.gap, 2 * integral(lambda s: law.cdf(torch.tensor(s, dtype=F8)).item() * (1 - law.cdf(torch.tensor(s, dtype=F8)).item()), law.hi), 1e-8)
    ends = torch.tensor([-math.inf, -3.0, 4.0, math.inf], dtype=F8) if law is qz.GAUSSIAN else torch.tensor([-1.0, 0.0, 1.0, 2.0], dtype=F8)
    assert law.cdf(ends).isfinite().all() and law.partial(ends[[0, 3]]).isfinite().all() and law.cdf(ends)[[0, 3]].tolist() == [0.0, 1.0]
    if law is not qz.GAUSSIAN:
        assert law.density(ends)[[0, 3]].tolist() == [0.0, 0.0]


@law_of
def test_quantiles_invert_the_cdf(law):
    u = torch.cat([torch.tensor([0.0, 1e-3, 0.5, 1.0], dtype=F8), rand(50)])
    s = law.quantile(u)
    close(law.cdf(s), u, 1e-12)
    assert s[0] == law.lo and s[3] == law.hi


def test_gaussian_quantiles_keep_their_digits_in_the_tails():
    u = torch.tensor([1e-300, 1e-100, 1e-20, 1e-6, 0.0249, 0.5, 0.9, 1 - 1e-9], dtype=F8)
    close(qz.GAUSSIAN.quantile(u), torch.special.ndtri(u), 1e-9)
    assert (qz.GAUSSIAN.quantile(u.float()[3:7]).double() - torch.special.ndtri(u[3:7])).abs().max() < 1e-5


def test_uniform_law_optimum_has_equal_weights():
    for n in (1, 2, 5, 9):
        middles = (2 * torch.arange(1, n + 1, dtype=F8) - 1) / (2 * n)
        close(qz.free_quantizer(qz.UNIFORM, n), middles, 1e-10)
        close(qz.equal_quantizer(qz.UNIFORM, n), middles)
        close(qz.line_error(middles, law=qz.UNIFORM), 1 / (12 * n * n))
        close(qz.cell_moments(middles, law=qz.UNIFORM)[0], torch.full((n,), 1 / n, dtype=F8))


def test_lloyds_rate_on_the_uniform_law():
    n = 5
    y = (2 * torch.arange(1, n + 1, dtype=F8) - 1) / (2 * n)
    step = partial(qz.lloyd_max, 0, law=qz.UNIFORM)
    jacobian = torch.stack([(step(y + 1e-4 * e) - step(y - 1e-4 * e)) / 2e-4 for e in torch.eye(n, dtype=F8)], 1)
    close(torch.linalg.eigvals(jacobian).real.sort(descending=True).values, qz.lloyd_rates(n), 1e-8)
    path = iterate(partial(qz.lloyd_max, law=qz.UNIFORM), rand(n, seed=3).sort().values, 200)
    gaps = (path.x - y).norm(dim=-1)
    close(gaps[-1] / gaps[-2], math.cos(math.pi / 10) ** 2, 1e-7)
    close(qz.lloyd_rates(5)[0], 0.9045085, 1e-7)
    assert abs(qz.lloyd_rates(100)[0] - (1 - math.pi**2 / 4e4)) < 1e-6


@pytest.mark.parametrize(("dtype", "tol"), [(F8, 1e-13), (torch.float32, 1e-5)])
def test_both_tails_of_the_gaussian_have_all_digits(dtype, tol):
    """Cells far above 0 are those far below: 1 - Phi(8) is 6e-16, and in float64 1 minus Phi(8) keeps one digit of it."""
    y = torch.tensor([0.5, 3.0, 4.5, 5.0, 7.0, 9.0], dtype=dtype)
    mass, first = qz.cell_moments(y, law=qz.GAUSSIAN)
    mirrored, mean = qz.cell_moments(-y.flip(0), law=qz.GAUSSIAN)
    assert torch.allclose(mass, mirrored.flip(0), rtol=tol, atol=0) and torch.allclose(first, -mean.flip(0), rtol=tol, atol=tol)
    ends = [(y[3] + y[4]) / 2, (y[4] + y[5]) / 2]
    assert mass[5].item() == pytest.approx(stats.norm.sf(ends[1].item()), rel=10 * tol)
    assert qz.lloyd_max(0, y, law=qz.GAUSSIAN)[4].item() == pytest.approx(
        stats.truncnorm.mean(*(end.item() for end in ends)), rel=100 * tol)


def test_lloyd_max_table_of_the_gaussian():
    table = {1: 1.0, 2: 1 - 2 / math.pi, 3: 0.190174, 4: 0.117482, 5: 0.079941, 6: 0.057978, 8: 0.034548, 16: 0.009501, 32: 0.002505}
    for n, value in table.items():
        y = qz.free_quantizer(qz.GAUSSIAN, n)
        close(y, qz.lloyd_max(0, y, law=qz.GAUSSIAN), 1e-12)
        assert abs(qz.line_error(y, law=qz.GAUSSIAN) - value) < 6e-7, n
    limit = qz.panter_dite(qz.GAUSSIAN)
    close(limit, math.sqrt(3) * math.pi / 2, 1e-8)
    scaled = [float(n * n * qz.line_error(qz.free_quantizer(qz.GAUSSIAN, n), law=qz.GAUSSIAN)) for n in (16, 32, 64, 128)]
    assert scaled == sorted(scaled) and abs(scaled[1] - 2.565) < 1e-3 and limit - scaled[-1] < 0.06
    close(qz.panter_dite(qz.UNIFORM), 1 / 12, 1e-8)


@law_of
def test_line_error_is_the_expected_squared_distance_and_lloyd_its_gradient_step(law):
    y = law.quantile(rand(6, seed=1)).sort().values
    sample = law.quantile((torch.arange(200_000, dtype=F8) + 0.5) / 200_000)
    close(qz.line_error(y, law=law), (sample[:, None] - y).square().min(-1).values.mean(), 1e-4)
    mass, first = qz.cell_moments(y, law=law)
    close(mass.sum(), 1.0)
    close(first.sum(), law.mean)
    close(grad(partial(qz.line_error, law=law), y), 2 * (mass * y - first), 1e-10)
    close(qz.lloyd_max(0, y, law=law), y - grad(partial(qz.line_error, law=law), y) / (2 * mass), 1e-9)
    path = iterate(partial(qz.lloyd_max, law=law), y, 30)
    assert (torch.diff(qz.line_error(path.x, law=law)) <= 1e-14).all()
    assert (torch.diff(path.x) > 0).all()


def test_a_point_of_no_mass_stays():
    y = torch.tensor([-8.0, -7.0, 0.5], dtype=F8)
    assert (qz.lloyd_max(0, y, law=qz.UNIFORM)[0] == -8.0) and qz.lloyd_max(0, y, law=qz.UNIFORM).isfinite().all()


@law_of
def test_two_points_in_one_place_are_one(law):
    y = torch.tensor([0.1, 0.1, 0.1, 0.6], dtype=F8)
    close(qz.line_error(y, law=law), qz.line_error(y[2:], law=law), 1e-14)
    mass, first = (part.reshape(2, 2) for part in qz.cell_moments(y[[0, 0, 3, 3]], law=law))
    close(torch.stack([mass.sum(1), first.sum(1)]), torch.stack(qz.cell_moments(y[2:], law=law)), 1e-14)


def test_newton_needs_few_steps():
    for n in (2, 7, 30):
        close(qz.free_quantizer(qz.GAUSSIAN, n, steps=14), qz.free_quantizer(qz.GAUSSIAN, n), 1e-9)


def test_equal_weights_of_the_gaussian():
    table = {2: 0.363380, 3: 0.206771, 4: 0.139441, 10: 0.0409535, 100: 2.27220e-3, 1000: 1.53788e-4, 10**6: 7.82754e-8}
    for n, value in table.items():
        y = qz.equal_quantizer(qz.GAUSSIAN, n)
        error = qz.equal_error(y, law=qz.GAUSSIAN).item()
        assert abs(error / value - 1) < 5e-6, (n, error)
    for n, value in ((100, 1.046), (1000, 1.062), (10**6, 1.081)):
        assert abs(n * math.log(n) * table[n] - value) < 1e-3
    assert qz.equal_quantizer(qz.GAUSSIAN, 3, dtype=torch.float32).dtype == torch.float32


@law_of
def test_equal_error_is_w2_squared_to_a_fine_sample(law):
    n, m = 7, 140_000
    sample = law.quantile((torch.arange(m, dtype=F8) + 0.5) / m)
    y = randn(n, seed=2)
    close(qz.equal_error(y, law=law), line_w2_squared(y.repeat_interleave(m // n), sample), 2e-4)
    b = qz.equal_quantizer(law, n)
    close(b, sample.reshape(n, -1).mean(-1), 1e-3)
    assert grad(partial(qz.equal_error, law=law), b).abs().max() < 1e-12
    assert torch.equal(qz.line_power_lloyd(0, y.sort().values, law=law), b)
    assert qz.equal_error(b, law=law) >= qz.line_error(b, law=law) >= qz.line_error(qz.free_quantizer(law, n), law=law) - 1e-15


@law_of
def test_energy_distance_is_least_at_the_mid_quantiles(law):
    n, m = 6, 4000
    y, energy = qz.mid_quantiles(law, n), partial(qz.line_energy_distance, law=law)
    assert grad(energy, y).abs().max() < 1e-12
    assert all(energy(y + 0.1 * randn(n, seed=s)) > energy(y) for s in range(5))
    fine = law.quantile((torch.arange(m, dtype=F8) + 0.5) / m)[:, None]
    far = randn(n, seed=4)
    close(energy(far), mmd2(fine, kernel=energy_kernel)(far[:, None]), 1e-3)
    close(law.cdf(y), (torch.arange(n, dtype=F8) + 0.5) / n, 1e-12)
    apart = (y - qz.equal_quantizer(law, n)).abs().max()
    assert (apart < 1e-12) == (law is qz.UNIFORM)  # the two notions agree for the uniform law only


def test_constants_of_cells():
    close(qz.polygon_moment(6), 5 / (18 * math.sqrt(3)))
    close(qz.polygon_moment(4), 1 / 6)
    close(qz.polygon_moment(100_000), qz.ball_moment(2))
    close(qz.ball_moment(2), 1 / (2 * math.pi))
    close([qz.ball_moment(1), qz.cube_moment(1), qz.cube_moment(2), qz.ball_volume(3)], [1 / 12, 1 / 12, 1 / 6, 4 * math.pi / 3])
    assert all(qz.ball_moment(d) < qz.cube_moment(d) for d in range(2, 40))
    assert abs(qz.ball_moment(1000) / 1000 - 1 / (2 * math.pi * math.e)) < 1e-3  # Zador's constant over d as d grows


def test_a_random_codebook():
    expected = {1: 0.5, 2: 0.3183, 3: 0.3474, 5: 0.4566}
    for d, value in expected.items():
        assert abs(qz.random_codebook(d) - value) < 1e-4
    n = 1000
    for d in (1, 2):
        x, centre = rand(n, 400, d, seed=d), torch.full((d,), 0.5, dtype=F8)  # 400 codebooks, seen from the centre: as on the torus
        nearest = (x - centre).square().sum(-1).min(0).values * n ** (2 / d)
        assert abs(nearest.mean() - qz.random_codebook(d)) < 4 * nearest.std() / 20 + 2 / n, d


def test_samples_on_the_line_exactly():
    n, runs = 5, 20_000
    x, y = rand(runs, n, seed=1), rand(runs, n, seed=2)
    one = qz.equal_error(x, law=qz.UNIFORM)
    two = line_w2_squared(x, y)
    assert abs(one.mean() - qz.sample_error(n)) < 4 * one.std() / math.sqrt(runs)
    assert abs(two.mean() - qz.sample_matching(n)) < 4 * two.std() / math.sqrt(runs)
    assert qz.sample_error(5) == 1 / 30 and qz.sample_matching(5) == 1 / 18


def test_matching_in_the_plane_grows_like_a_logarithm():
    def cost(n, runs):
        x, y = rand(runs, n, 1, 2, seed=n), rand(runs, 1, n, 2, seed=n + 1)
        apart = (x - y).abs()
        costs = torch.minimum(apart, 1 - apart).square().sum(-1).numpy()
        return np.mean([c[linear_sum_assignment(c)].sum() for c in costs])  # n E W2^2 on the torus

    small, large = cost(25, 400), cost(400, 30)
    assert 0.12 < (large - small) / math.log(16) < 0.20  # 1/(2 pi) = 0.159
    close(16 * qz.plane_matching(16), math.log(16) / (2 * math.pi))
    close(qz.plane_matching(16, samples=1), qz.plane_matching(16) / 2)


def test_mmd_to_the_gaussian_in_closed_form():
    x, far = randn(9, 2, seed=5), randn(3000, 2, seed=6)
    for length in (0.5, 1.0, 2.0):
        E = qz.gaussian_mmd2(length=length)
        sampled = mmd2(far, kernel=gaussian_kernel(length))(x)
        assert abs(E(x) - sampled) < 0.02, length
    ring = torch.linspace(-8, 8, 400, dtype=F8)  # quadrature of both integrals in d = 1
    weight = torch.tensor(stats.norm.pdf(ring.numpy())) * (ring[1] - ring[0])
    k = gaussian_kernel(0.7)
    z = randn(4, 1, seed=7)
    exact = k(z, z).mean() - 2 * (k(z, ring[:, None]) @ weight).mean() + weight @ k(ring[:, None], ring[:, None]) @ weight
    close(qz.gaussian_mmd2(length=0.7)(z), exact, 1e-9)


def test_independent_points_have_the_stated_mmd():
    n, runs = 10, 4000
    found = qz.gaussian_mmd2()(randn(runs, n, 2, seed=8))
    assert abs(found.mean() - (1 - 1 / 3) / n) < 4 * found.std() / math.sqrt(runs)


def test_mmd_points_beat_independent_ones_by_a_power():
    ns, found = (8, 16, 32, 64), []
    for n in ns:
        best = min((qz.minimise(qz.gaussian_mmd2(), randn(n, 2, seed=s)) for s in ((0, 1) if n < 64 else (0,))), key=qz.gaussian_mmd2())
        found.append(qz.gaussian_mmd2()(best).sqrt().item())
    slope = np.polyfit(np.log(ns), np.log(found), 1)[0]
    assert -1.7 < slope < -1.1
    for value, expected in zip(found, (0.0462, 0.0186, 0.00674, 0.00265), strict=True):
        assert 0.8 < value / expected < 1.2, (value, expected)


def test_stein_discrepancy():
    law = mixture(torch.tensor([0.3, 0.7], dtype=F8), torch.tensor([[-1.0], [1.5]], dtype=F8), torch.tensor([0.5, 0.3], dtype=F8))
    line = torch.linspace(-9, 9, 1500, dtype=F8)[:, None]
    weight = law.log_density(line).exp() * (line[1, 0] - line[0, 0])
    E, x = qz.ksd2(law.score, length=0.8), randn(5, 1, seed=9)

    def stein(a, b):
        """k_pi by automatic differentiation."""
        a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
        k = torch.exp(-(a - b).square().sum() / (2 * 0.8**2))
        by_a, by_b = torch.autograd.grad(k, (a, b), create_graph=True)
        trace = sum(torch.autograd.grad(by_a[i], b, retain_graph=True)[0][i] for i in range(len(a)))
        s, r = law.score(a), law.score(b)
        return (s @ r * k + s @ by_b + r @ by_a + trace).detach()

    close(E(x), torch.stack([stein(a, b) for a in x for b in x]).mean(), 1e-10)
    point = x[:1]  # int k_pi(x, y) pi(dy) = 0: read it off the energy of the pair {x, y} by polarisation
    pair = torch.cat([point.expand(len(line), 1, 1), line[:, None]], 1)
    kernel = (4 * E(pair) - E(point[None].expand(len(line), 1, 1)) - E(line[:, None])) / 2
    assert abs(weight @ kernel) < 1e-8
    assert E(randn(3, 5, 1, seed=10)).shape == (3,)


def test_stein_points_are_good_mmd_points_too():
    x = randn(16, 2, seed=11)
    E = qz.ksd2(qz.normal_score)
    y = qz.minimise(E, x)
    assert E(y) < E(x) / 30 and qz.gaussian_mmd2()(y).sqrt() < 0.05 < qz.gaussian_mmd2()(x).sqrt()
    assert 16 * grad(E, y).abs().max() < 1e-6


def test_cosine_errors():
    w = torch.tensor([[1.0, 0.0], [0.5, -2.0]], dtype=F8)
    x = randn(200_000, 2, seed=12)
    assert qz.cosine_errors(x, w).abs().max() < 4 / math.sqrt(200_000)
    close(qz.cosine_errors(torch.zeros(3, 2, dtype=F8), w), 1 - torch.exp(-w.square().sum(-1) / 2))


POINTS = torch.tensor([0.1, 0.2], dtype=F8)


@pytest.mark.parametrize(("call", "error"), [
    (lambda: qz.tilted(1.5), ValueError), (lambda: qz.tilted("steep"), TypeError), (lambda: qz.UNIFORM.quantile(torch.tensor([1.5])), ValueError),
    (lambda: qz.GAUSSIAN.quantile(torch.tensor([-0.1])), ValueError), (lambda: qz.GAUSSIAN.quantile(0.5), TypeError),
    (lambda: qz.lloyd_max(0, POINTS.flip(0), law=qz.UNIFORM), ValueError), (lambda: qz.lloyd_max(0, POINTS, law="uniform"), TypeError),
    (lambda: qz.cell_moments(torch.tensor(1.0), law=qz.UNIFORM), ValueError), (lambda: qz.line_error([0.1], law=qz.UNIFORM), TypeError),
    (lambda: qz.free_quantizer(qz.UNIFORM, 0), ValueError), (lambda: qz.equal_quantizer(qz.UNIFORM, 2.0), TypeError),
    (lambda: qz.free_quantizer(qz.GAUSSIAN, 9, steps=1), RuntimeError), (lambda: qz.equal_quantizer(None, 3), TypeError),
    (lambda: qz.equal_error(3.0, law=qz.UNIFORM), TypeError), (lambda: qz.mid_quantiles(qz.UNIFORM, -1), ValueError),
    (lambda: qz.mid_quantiles("uniform", 3), TypeError), (lambda: qz.line_energy_distance(POINTS, law=1), TypeError),
    (lambda: qz.line_power_lloyd(0, POINTS.flip(0), law=qz.UNIFORM), ValueError), (lambda: qz.line_power_lloyd(0, POINTS, law=None), TypeError),
    (lambda: qz.equal_error(POINTS[:0], law=qz.UNIFORM), ValueError), (lambda: qz.lloyd_rates(0), ValueError),
    (lambda: qz.panter_dite(3), TypeError), (lambda: qz.polygon_moment(2), ValueError),
    (lambda: qz.cube_moment(0), ValueError), (lambda: qz.ball_moment(1.5), TypeError), (lambda: qz.ball_volume(0), ValueError),
    (lambda: qz.random_codebook(-1), ValueError), (lambda: qz.sample_error(0), ValueError), (lambda: qz.sample_matching(0), ValueError),
    (lambda: qz.plane_matching(1), ValueError), (lambda: qz.plane_matching(9, samples=3), ValueError),
    (lambda: qz.gaussian_mmd2(length=0), ValueError),
    (lambda: qz.gaussian_mmd2()(POINTS), ValueError), (lambda: qz.ksd2(3.0), TypeError), (lambda: qz.ksd2(lambda x: -x, length=-1), ValueError),
    (lambda: qz.ksd2(lambda x: x.sum(-1))(POINTS[:, None]), ValueError), (lambda: qz.minimise(None, POINTS[:, None]), TypeError),
    (lambda: qz.minimise(qz.gaussian_mmd2(), POINTS), ValueError), (lambda: qz.minimise(qz.gaussian_mmd2(), POINTS[:, None], steps=0), ValueError),
    (lambda: qz.cosine_errors(POINTS[:, None], torch.ones(1, 2, dtype=F8)), ValueError)])
def test_bad_input_is_refused(call, error):
    with pytest.raises(error):
        call()
