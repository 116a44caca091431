"""Diffusion's oracles: exact scores, samplers on Gaussians, what an error in the score costs, and where guidance overshoots."""

import math
from functools import partial

import pytest
import torch
from scipy.integrate import quad

import companion.sampling.generative as ge
from companion import check
from companion.energies import grad
from companion.flow import euler, flow, heun, iterate
from companion.gaussians import Gaussian, kl, mixture, ornstein_uhlenbeck
from companion.noise import with_noise
from tests.helpers import cloud, number

F8 = torch.float64
uniform = partial(ge.uniform_clock, T=3.0)
log_snr = partial(ge.log_snr_clock, T=3.0)
STEPS = (ge.euler_step, ge.heun_step, ge.ddim_step, ge.sde_step)


def some_mixture(d, full, K=3):
    M = cloud(K, d, d, seed=5)
    spread = 0.3 * torch.eye(d, dtype=F8) + M @ M.mT / d if full else cloud(K, seed=6).abs() + 0.1
    return mixture(torch.arange(1, K + 1, dtype=F8), 2 * cloud(K, d, seed=7), spread)


# --- laws and scores (4c.1) ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("s", [0.0, 0.01, 0.7, 3.0])
@pytest.mark.parametrize("d, full", [(1, False), (2, False), (5, False), (2, True), (3, True)])
def test_the_noised_law_is_each_components_ornstein_uhlenbeck_law(d, full, s):
    target, x = some_mixture(d, full), 2 * cloud(20, d)
    moved = [ornstein_uhlenbeck((m, C if full else C * torch.eye(d, dtype=F8)), s) for m, C in zip(target.means, target.covariances, strict=True)]
    expected = mixture(target.weights, torch.stack([g.mean for g in moved]), torch.stack([g.covariance for g in moved]))
    law = ge.noised(target, s)
    check.close(law.log_density(x), expected.log_density(x), tol=1e-11)
    check.close(ge.exact_score(target)(s, x), grad(expected.log_density, x), tol=1e-11)
    check.close(law.responsibilities(x), expected.responsibilities(x), tol=1e-11)


def test_the_noised_density_solves_its_equation():
    target, x, s, h = some_mixture(2, True), cloud(6, 2), 0.4, 1e-4
    density = lambda s, x: ge.noised(target, s).log_density(x).exp()  # noqa: E731
    time = (density(s + h, x) - density(s - h, x)) / (2 * h)
    flux = lambda x: (density(s, x)[:, None] * ge.probability_flow(ge.exact_score(target))(s, x))  # noqa: E731
    sides = h * torch.eye(2, dtype=F8)
    divergence = sum((flux(x + e)[:, i] - flux(x - e)[:, i]) / (2 * h) for i, e in enumerate(sides))
    check.close(time, -divergence, tol=1e-6)


@pytest.mark.parametrize("d, full", [(2, True), (3, False)])
def test_the_spread_of_an_exact_sample_is_one(d, full):
    target, n, a = some_mixture(d, full), 100_000, math.exp(-0.3)
    x = a * target.sample(n, generator=torch.Generator().manual_seed(0)) + math.sqrt(1 - a * a) * cloud(n, d)
    assert abs(ge.spread(target, 0.3, x) - 1) < 4 * math.sqrt(2 / (n * d)) * 1.5
    one = mixture(torch.ones(1, dtype=F8), target.means[:1], target.covariances[:1])
    near = one.means + math.sqrt(0.5) * (one.sample(n, generator=torch.Generator().manual_seed(1)) - one.means)
    assert abs(ge.spread(one, 0.0, near) - 0.5) < 2 * math.sqrt(2 / (n * d))


def test_tweedie_is_the_conditional_mean():
    """E[X_0 | X_s = x] of a mixture on the line, by quadrature."""
    target, s = some_mixture(1, False), 0.5
    a, v = math.exp(-s), 1 - math.exp(-2 * s)
    joint = lambda y, x: math.exp(float(target.log_density(number([y]))) - (x - a * y) ** 2 / (2 * v))  # noqa: E731
    for x in (-1.0, 0.3, 2.0):
        mean = quad(lambda y, x=x: y * joint(y, x), -12, 12)[0] / quad(lambda y, x=x: joint(y, x), -12, 12)[0]
        check.close(ge.posterior_mean(ge.exact_score(target), s, number([x])), [mean], tol=1e-7)


# --- one Gaussian (4c.2, 4c.3) ---------------------------------------------------------------------------------------------------

def test_the_flow_of_a_gaussian_is_a_line():
    m, std, T, z = 1.5, 0.3, 3.0, number([[-1.0], [0.2], [2.0]])
    path = flow(ge.probability_flow(ge.exact_score(ge.normal(m, std))), z, 0.0, 400, t0=T, every=100)
    for s, x in zip(path.t, path.x, strict=True):
        check.close(x, ge.flow_line(z, s, m=m, std=std, T=T), tol=1e-6)


@pytest.mark.parametrize("method, p", [(euler, 1), (heun, 2)])
def test_orders_of_the_flow_and_of_its_steps(method, p):
    z, v = number([[0.7], [-1.0]]), ge.probability_flow(ge.exact_score(ge.normal(1.5, 0.3)))
    exact = ge.flow_line(z, number(0.0), m=1.5, std=0.3, T=3.0)
    check.order(lambda n: flow(v, z, 0.0, n, t0=3.0, method=method).end, p, exact=exact, steps=(200, 400, 800))
    step = {euler: ge.euler_step, heun: ge.heun_step}[method]
    same = iterate(ge.sampler(step, ge.exact_score(ge.normal(1.5, 0.3)), clock=uniform, n=80), z, 80).end
    check.close(same, flow(v, z, 0.0, 80, t0=3.0, method=method).end, tol=1e-12)
    assert (same - exact).abs().max() > 1e-4


def test_twice_the_steps_halve_eulers_error_and_quarter_heuns():
    z, v = number([[0.0], [1.0]]), ge.probability_flow(ge.exact_score(ge.normal(1.5, 0.3)))
    exact = ge.flow_line(z, number(0.0), m=1.5, std=0.3, T=3.0)
    errors = {(f, n): (flow(v, z, 0.0, n, t0=3.0, method=f).end - exact).abs().max() for f in (euler, heun) for n in (80, 160)}
    assert 1.7 < errors[euler, 80] / errors[euler, 160] < 2.2
    assert 3.4 < errors[heun, 80] / errors[heun, 160] < 4.6


def test_what_the_start_leaves():
    m, std, T = 1.5, 0.3, 1.2
    mean, variance = ge.from_noise(m, std, T)
    a, sigma = math.exp(-T), math.sqrt(math.exp(-2 * T) * std**2 + 1 - math.exp(-2 * T))
    check.close(torch.stack([mean, variance]), [m * (1 - a * std / sigma), std**2 / sigma**2], tol=1e-14)
    z = cloud(20_000, 1)
    ends = flow(ge.probability_flow(ge.exact_score(ge.normal(m, std))), (z - z.mean()) / z.std(correction=0), 0.0, 300, t0=T).end
    check.close(torch.stack([ends.mean(), ends.var(correction=0)]), torch.stack([mean, variance]), tol=1e-6)


@pytest.mark.parametrize("T", [0.0, 0.3, 2.0])
def test_the_price_of_the_start(T):
    m, std = 1.5, 0.3
    law = ornstein_uhlenbeck((number([m]), number([[std**2]])), T)
    check.close(ge.start_kl(m, std, T), kl(law, Gaussian(number([0.0]), number([[1.0]]))), tol=1e-12)
    check.close(ge.start_kl(m, 1.0, T), m**2 * math.exp(-2 * T) / 2, tol=1e-12)


# --- samplers with few steps (4c.4) ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("step, values", [
    (ge.sde_step, {50: 0.1700, 100: 0.1256, 200: 0.1064, 400: 0.0978, 800: 0.0938}),
    (ge.euler_step, {50: 0.1286, 100: 0.1085, 200: 0.0990, 400: 0.0945, 800: 0.0923}),
    (ge.ddim_step, {10: 0.0087, 20: 0.0178, 50: 0.0355, 100: 0.0504, 200: 0.0637, 400: 0.0736}),
])
def test_variances_of_coarse_samplers(step, values):
    for n, variance in values.items():
        assert abs(ge.sampled_variance(step, n, std=0.3, clock=uniform) - variance) < 6e-5


def test_the_variance_recursions():
    n, std, h = 20, 0.3, 0.15
    V, W = 1.0, 1.0
    for k in range(n):
        v = float(ge.noised_std(std, number(3 - k * h))) ** 2
        V, W = (1 + h - 2 * h / v) ** 2 * V + 2 * h, (1 + h - h / v) ** 2 * W
    check.close(ge.sampled_variance(ge.sde_step, n, std=std, clock=uniform), V, tol=1e-10)
    check.close(ge.sampled_variance(ge.euler_step, n, std=std, clock=uniform), W, tol=1e-10)


def test_a_cloud_has_the_sampled_variance():
    n, count = 25, 40_000
    advance = with_noise(ge.sampler(ge.sde_step, ge.exact_score(ge.normal(0.0, 0.3)), clock=uniform, n=n), seed=3)
    end = iterate(advance, cloud(count, 1), n).end
    exact = ge.sampled_variance(ge.sde_step, n, std=0.3, clock=uniform)
    assert abs(end.var() - exact) < 4 * exact * math.sqrt(2 / count)


@pytest.mark.parametrize("step", STEPS)
def test_every_sampler_converges_on_both_clocks(step):
    exact = ge.from_noise(0.0, 0.3, 3.0)[1]
    for clock in (uniform, log_snr):
        errors = [abs(ge.sampled_variance(step, n, std=0.3, clock=clock) - exact) for n in (200, 800)]
        assert errors[1] < 0.45 * errors[0] or errors[1] < 0.003  # 2 a: where the log clock stops, at s = 0.001
    assert abs(ge.sampled_variance(ge.ddim_step, 20, std=0.3, clock=log_snr) - exact) < 0.02 < abs(
        ge.sampled_variance(ge.ddim_step, 20, std=0.3, clock=uniform) - exact)


def test_ddim_is_exact_where_the_datum_is_one_point():
    y, x = cloud(1, 3), cloud(5, 3)
    score = ge.exact_score(mixture(torch.ones(1, dtype=F8), y, number([1e-12])))
    a, b = math.exp(-1.3), math.exp(-0.2)
    expected = b * y + math.sqrt((1 - b * b) / (1 - a * a)) * (x - a * y)
    check.close(ge.ddim_step(score, x, None, 1.3, 0.2), expected, tol=1e-9)
    check.close(ge.ddim_step(score, x, None, 1.3, 1.3), x, tol=1e-12)


def test_clocks_are_equal_steps_of_their_quantity():
    t = torch.linspace(0, 1, 21, dtype=F8)
    s = ge.uniform_clock(t, T=4.0, least=0.1)
    check.close(torch.diff(s), torch.full((20,), -3.9 / 20, dtype=F8), tol=1e-12)
    s = ge.log_snr_clock(t, T=4.0, least=0.01)
    check.close(s[[0, -1]], [4.0, 0.01], tol=1e-12)
    gaps = torch.diff(torch.log(1 / torch.expm1(2 * s)))
    check.close(gaps, gaps.mean() * torch.ones(20, dtype=F8), tol=1e-9)
    assert gaps[0] > 0 and (ge.uniform_clock(t, T=3.0)[-1] == 0)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("clock", [uniform, log_snr], ids=["s", "log SNR"])
@pytest.mark.parametrize("std", [0.3, 1e-200])
def test_beyond_its_last_step_a_sampler_is_the_identity(step, clock, std):
    """Also as a slider's tensor, and where the score has become infinite: data at one point."""
    def score(s, x):
        return -x / (std**2 * torch.exp(-2 * s) - torch.expm1(-2 * s))

    x, xi = cloud(4, 1), cloud(4, 1, seed=1)
    for n in (5, torch.tensor(5.0)):
        advance = ge.sampler(step, score, clock=clock, n=n)
        assert all(torch.equal(advance(k, x, xi), x) for k in (5, 6, 50, torch.tensor(5.0), torch.tensor(61.0)))
        assert not torch.equal(advance(3, x, xi), x)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("s", [0.0, 0.5])
def test_a_step_of_no_length_does_not_move(step, s):
    x, s = cloud(4, 1), torch.tensor(s)
    torch.testing.assert_close(step(ge.exact_score(ge.normal(0.0, 0.3)), x, cloud(4, 1, seed=1), s, s), x)


# --- errors of the score (4c.5), floors (4c.6) -----------------------------------------------------------------------------------

@pytest.mark.parametrize("e, T", [(0.3, 0.5), (-0.7, 2.5)])
def test_a_constant_error_shifts_the_mean(e, T):
    wrong = lambda s, x: ge.exact_score(ge.normal(0.0, 1.0))(s, x) + e  # noqa: E731
    x, n = number([[0.4], [-2.0]]), 2000
    by_sde, by_ode = ge.biased_mean(number(e), number(T))
    clock = partial(ge.uniform_clock, T=T)
    ode = iterate(ge.sampler(ge.euler_step, wrong, clock=clock, n=n), x, n).end
    check.close(ode - x, by_ode * torch.ones_like(x), tol=1e-9)
    advance = ge.sampler(ge.sde_step, wrong, clock=clock, n=n)
    mean = iterate(lambda k, x: advance(k, x, 0 * x), 0 * x, n).end
    check.close(mean, by_sde * torch.ones_like(x), tol=2e-3)
    assert torch.allclose(by_sde, number(2 * e * (1 - math.exp(-T)))) and torch.allclose(by_ode, number(e * T))


def test_girsanov_bounds_the_sde_and_not_the_ode():
    e, T = number(0.4), torch.linspace(0.01, 8, 80_000, dtype=F8)
    by_sde, by_ode = (mean**2 / 2 for mean in ge.biased_mean(e, T))
    ratio = by_sde / ge.girsanov_bound(e, T)
    assert abs(ratio.max() - 0.8145) < 1e-4 and abs(T[ratio.argmax()] - 1.2564) < 1e-3
    assert abs(T[(by_ode > by_sde).nonzero()[0]] - 1.59362) < 2e-4
    assert abs(T[(by_ode > ge.girsanov_bound(e, T)).nonzero()[0]] - 2.0) < 2e-4


@pytest.mark.parametrize("d, std, s", [(1, 0.5, 0.2), (3, 2.0, 1.0)])
def test_the_floor_of_denoising(d, std, s):
    n = 100_000
    a, v = math.exp(-s), 1 - math.exp(-2 * s)
    xi = cloud(n, d)
    x = a * std * cloud(n, d, seed=1) + math.sqrt(v) * xi
    gap = (-xi / math.sqrt(v) + x / ge.noised_std(std, number(s)) ** 2).square().sum(-1)
    assert abs(gap.mean() - ge.denoising_floor(std, number(s), d=d)) < 4 * gap.std() / math.sqrt(n)


# --- guidance (4c.12) ------------------------------------------------------------------------------------------------------------

def ends(w, m, std, S, n=1500, T=12.0):
    score = ge.guided(ge.exact_score(ge.normal(m, std)), ge.exact_score(ge.normal(0.0, S)), w)
    clock = partial(ge.log_snr_clock, T=T, least=1e-7)
    end = iterate(ge.sampler(ge.heun_step, score, clock=clock, n=n), number([[0.0], [1.0]]), n, every=n).end[:, 0]
    return end[0], end[1] - end[0]


@pytest.mark.parametrize("w, m, std", [(0.0, 2.0, 0.5), (1.0, 2.0, 0.5), (2.0, 2.0, 0.5), (3.7, -1.0, 0.8), (0.5, 1.0, 0.2)])
def test_guidance_overshoots_by_the_closed_form(w, m, std):
    mean, spread = ends(w, m, std, 1.0)
    check.close(mean, ge.guided_mean(w, m=m, std=std), tol=1e-4)
    check.close(spread, ge.guided_std(w, std=std), tol=1e-4)


@pytest.mark.parametrize("S", [0.7, 1.6])
def test_the_spread_for_any_unconditional_law(S):
    check.close(ends(1.5, 1.0, 0.5, S)[1], ge.guided_std(1.5, std=0.5, S=S), tol=1e-4)


def test_guided_means_by_hand():
    for m, std in ((2.0, 0.5), (1.0, 0.9), (-3.0, 0.05)):
        q = math.sqrt(1 - std**2)
        check.close(ge.guided_mean(0.0, m=m, std=std), m, tol=1e-6)
        check.close(ge.guided_mean(1.0, m=m, std=std), m * (1 + std**2 * math.atanh(q) / q), tol=1e-6)
        check.close(ge.guided_mean(2.0, m=m, std=std), m * (1 + 2 * std**2), tol=1e-6)
    check.close(ge.guided_mean(3.0, m=1.5, std=1.0), 1.5 * 4, tol=1e-6)
    assert ge.guided_std(2.0, std=0.5) == 0.125
    integrand = lambda u: (1 - 0.75 * u * u) ** (-3.25)  # noqa: E731
    check.close(ge.guided_mean(3.5, m=2.0, std=0.5), 4.5 * 2 * 0.5**4.5 * quad(integrand, 0, 1)[0], tol=1e-7)


def test_the_tilted_law():
    mean, std = ge.tilted(2.0, m=2.0, std=0.5)
    assert abs(mean - 2.4) < 1e-12 and abs(std - 0.31623) < 1e-5
    x = torch.linspace(-6, 8, 20_001, dtype=F8)[:, None]
    log = 2.5 * ge.normal(1.0, 0.6).log_density(x) - 1.5 * ge.normal(0.0, 1.3).log_density(x)
    p = torch.softmax(log, 0)
    found = (p * x[:, 0]).sum()
    mean, std = ge.tilted(1.5, m=1.0, std=0.6, S=1.3)
    check.close(torch.stack([found, (p * (x[:, 0] - found) ** 2).sum().sqrt()]), [mean, std], tol=1e-8)


# --- bad input -------------------------------------------------------------------------------------------------------------------

X, ONE = torch.zeros(3, 1, dtype=F8), ge.exact_score(ge.normal(0.0, 1.0))


@pytest.mark.parametrize("call, error", [
    (lambda: ge.noised("moons", 1.0), TypeError), (lambda: ge.noised(ge.normal(0.0, 1.0), -1.0), ValueError),
    (lambda: ge.exact_score(3)(0.1, X), TypeError), (lambda: ONE(0.1, torch.zeros(3, 2, dtype=F8)), ValueError),
    (lambda: ge.posterior_mean(ONE, -0.5, X), ValueError), (lambda: ge.posterior_mean(None, 0.5, X), TypeError),
    (lambda: ge.spread(ge.normal(0.0, 1.0), 0.1, torch.zeros(3, 2, dtype=F8)), ValueError), (lambda: ge.spread(None, 0.1, X), TypeError),
    (lambda: ge.probability_flow(2), TypeError), (lambda: ge.sde_step(ONE, X, None, 1.0, 0.5), TypeError),
    (lambda: ge.sde_step(ONE, X, X[:2], 1.0, 0.5), ValueError), (lambda: ge.ddim_step(ONE, [1.0], None, 1.0, 0.5), TypeError),
    (lambda: ge.euler_step(ONE, [1.0], None, 1.0, 0.5), TypeError), (lambda: ge.heun_step(ONE, [1.0], None, 1.0, 0.5), TypeError),
    (lambda: ge.uniform_clock(0.5, T=1.0), TypeError), (lambda: ge.log_snr_clock(number(0.5), T=1.0, least=0.0), ValueError),
    (lambda: ge.sampler(ge.ddim_step, ONE, clock=uniform, n=2.5), TypeError), (lambda: ge.sampler("ddim", ONE, clock=uniform, n=2), TypeError),
    (lambda: ge.sampler(ge.ddim_step, ONE, clock=uniform, n=0), ValueError), (lambda: ge.normal(0.0, 0.0), ValueError),
    (lambda: ge.noised_std(1.0, number([-1.0, 1.0])), ValueError),
    (lambda: ge.normal("a", 1.0), TypeError), (lambda: ge.noised_std(1.0, 0.5), TypeError), (lambda: ge.noised_std(0.0, number(0.5)), ValueError),
    (lambda: ge.flow_line(1.0, number(0.5), m=0.0, std=1.0, T=3.0), TypeError), (lambda: ge.from_noise(0.0, 1.0, -1.0), ValueError),
    (lambda: ge.start_kl(0.0, -1.0, 1.0), ValueError), (lambda: ge.sampled_variance(ge.ddim_step, 0, std=1.0, clock=uniform), ValueError),
    (lambda: ge.biased_mean(0.1, 1.0), TypeError), (lambda: ge.girsanov_bound(0.1, 1.0), TypeError),
    (lambda: ge.denoising_floor(1.0, number(0.5), d=0), ValueError), (lambda: ge.guided(ONE, 2.0, 1.0), TypeError),
    (lambda: ge.guided(ONE, ONE, "much"), TypeError), (lambda: ge.guided_std(1.0, std=0.0), ValueError),
    (lambda: ge.guided_mean(1.0, m=1.0, std=1.5), ValueError), (lambda: ge.tilted(5.0, m=1.0, std=2.0, S=1.0), ValueError),
])
def test_bad_input_is_refused(call, error):
    with pytest.raises(error):
        call()


def test_a_step_of_the_sde_goes_towards_the_data():
    with pytest.raises(ValueError, match="s - r"):
        ge.sde_step(ONE, X, X, 0.5, 1.0)


def test_a_law_of_the_line_takes_points_of_the_line():
    with pytest.raises(ValueError, match="points with 1 coord"):
        ONE(0.1, torch.zeros(3, 2, dtype=F8))
