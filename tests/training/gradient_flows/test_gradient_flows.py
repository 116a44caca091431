"""Gaussians: four schemes against closed forms, brute force and each other; the Euclidean Euler schemes."""

import itertools
import math

import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from companion import gaussians
from companion.energies import descent, interaction, wasserstein_descent
from companion.flow import as_scipy, euler, flow, iterate
from companion.noise import noise, with_noise
from companion.potentials import rosenbrock
from companion.training import gradient_flows as gf
from companion.training.gradient_flows import bowl, double_well
from tests.helpers import close

CASES = [(1.5, 1.2, 2.0, 0.4), (0.7, -0.8, 0.3, 1.7), (3.0, 2.0, 1.1, 0.05), (0.2, 0.0, 4.0, 3.0)]  # lam, m, s, tau


pytestmark = pytest.mark.usefixtures("float64")


def law(m, v):
    return torch.tensor([m]), torch.tensor([[v]])


def test_ornstein_uhlenbeck_golden_numbers():
    close(gf.ou_moments(1.0, 1.2, 4.0, lam=1.5)[0], 0.267756192)
    close(gf.ou_moments(1.0, 1.2, 4.0, lam=1.5)[1], 0.832623561)
    close(gf.ou_kl(1.2, 4.0, lam=1.5), 2.684120265)
    close(gf.ou_fisher(1.2, 4.0, lam=1.5), 9.49)


@pytest.mark.parametrize("lam, m, s, t", CASES)
def test_ornstein_uhlenbeck_against_matrix_formulas(lam, m, s, t):
    target = law(0.0, 1 / lam)
    mean, variance = gaussians.ornstein_uhlenbeck(law(m, s**2), t, target=target)
    close(torch.stack(gf.ou_moments(t, m, s**2, lam=lam)), torch.stack((mean[0], variance[0, 0])))
    close(gf.ou_kl(m, s**2, lam=lam), gaussians.kl(law(m, s**2), target))
    close(gf.ou_fisher(m, s**2, lam=lam), gaussians.relative_fisher(law(m, s**2), target))


@pytest.mark.parametrize("lam, m, s, t", CASES)
def test_kl_decreases_at_the_rate_of_the_fisher_information(lam, m, s, t):
    def kl(r):
        return gf.ou_kl(*gf.ou_moments(r, m, s**2, lam=lam), lam=lam)

    close((kl(t + 1e-5) - kl(t - 1e-5)) / 2e-5, -gf.ou_fisher(*gf.ou_moments(t, m, s**2, lam=lam), lam=lam), 1e-7)


def test_matrix_ornstein_uhlenbeck_solves_its_equation(generator):
    A = torch.randn(3, 3, generator=generator)
    L, C = A @ A.mT + torch.eye(3), torch.eye(3) * 2 + A.mT @ A
    target = (torch.zeros(3), torch.linalg.inv(L))
    end = flow(lambda t, S: -L @ S - S @ L + 2 * torch.eye(3), C, 0.3, 400).end
    close(end, gaussians.ornstein_uhlenbeck((target[0], C), 0.3, target=target).covariance, 1e-6)


def test_jko_golden_numbers():
    m, s = gf.jko_gaussian_step(1.2, 2.0, tau=0.4, lam=1.5)
    close(m, 0.75)
    close(s, 1.425390530)


@pytest.mark.parametrize("lam, m, s, tau", CASES)
def test_jko_step_minimises_over_gaussians(lam, m, s, tau):
    new = gf.jko_gaussian_step(m, s, tau=tau, lam=lam)
    best = minimize_scalar(lambda r: lam * r**2 / 2 + (r - m) ** 2 / (2 * tau), bracket=(-1, 1), tol=1e-12).x
    spread = minimize_scalar(lambda r: lam * r**2 / 2 - math.log(r) + (r - s) ** 2 / (2 * tau), bounds=(1e-3, 9), method="bounded",
                             options={"xatol": 1e-10}).x
    close(torch.stack(new), torch.tensor([best, spread]), 1e-6)


@pytest.mark.parametrize("tau", [0.01, 0.4, 3.0, 100.0])
def test_jko_is_unbiased_and_contracts_at_two_lam_tau(tau):
    lam = 1.5
    rest = torch.tensor(1 / lam).sqrt()
    close(gf.jko_gaussian_step(0.0, rest, tau=tau, lam=lam)[1], rest)
    slopes = [(gf.jko_gaussian_step(0.0, rest + h, tau=tau, lam=lam)[1] - rest) / h for h in (1e-6, -1e-6)]
    close(sum(slopes) / 2, 1 / (1 + 2 * lam * tau), 1e-6)


def test_jko_has_order_one():
    v = gf.ou_moments(1.0, 1.2, 4.0, lam=1.5)[1]
    errors = []
    for n in (10, 20, 40, 80):
        m, s = 1.2, 2.0
        for _ in range(n):
            m, s = gf.jko_gaussian_step(m, s, tau=1 / n, lam=1.5)
        errors.append(torch.stack((m - 1.2 * math.exp(-1.5), s - v.sqrt())).norm().item())
    assert all(1.9 < a / b < 2.1 for a, b in itertools.pairwise(errors))


@pytest.mark.parametrize("lam, m, s, tau", CASES)
def test_jko_stays_within_the_bound_of_ambrosio_gigli_savare(lam, m, s, tau):
    bound, far, exact = gf.ags_bound(m, s, tau=tau, lam=lam), 0.0, s
    close(bound, tau / math.sqrt(2) * gf.ou_fisher(m, s**2, lam=lam).sqrt())
    mean, spread = m, s
    for k in range(1, 40):
        mean, spread = gf.jko_gaussian_step(mean, spread, tau=tau, lam=lam)
        exact = gf.ou_moments(k * tau, m, s**2, lam=lam)
        far = max(far, ((mean - exact[0]) ** 2 + (spread - exact[1].sqrt()) ** 2).sqrt())
    assert 0 < far <= bound


@pytest.mark.parametrize("tau, far, bound", [(0.2, 0.0983, 0.436), (0.1, 0.0523, 0.218), (0.05, 0.0271, 0.109)])
def test_ambrosio_gigli_savare_golden_numbers(tau, far, bound):
    mean, spread, worst = 1.2, 2.0, 0.0
    for k in range(1, int(6 / tau)):
        mean, spread = gf.jko_gaussian_step(mean, spread, tau=tau, lam=1.5)
        m, v = gf.ou_moments(k * tau, 1.2, 4.0, lam=1.5)
        worst = max(worst, ((mean - m) ** 2 + (spread - v.sqrt()) ** 2).sqrt().item())
    assert abs(worst - far) < 1e-4 and abs(gf.ags_bound(1.2, 2.0, tau=tau, lam=1.5).item() - bound) < 1e-3


@pytest.mark.parametrize("lam, tau", [(1.5, 0.4), (0.5, 3.0), (2.0, 0.9), (1.0, 1.0), (1.5, 1.0)])
def test_stationary_variances_of_langevin_and_of_the_splitting(lam, tau):
    variance = gf.ula_variance(tau, lam=lam)
    close(gf.ula_gaussian_step(0.0, math.sqrt(variance), tau=tau, lam=lam)[1] ** 2, variance)
    s = 0.3
    for _ in range(2000):
        s = gf.fb_gaussian_step(0.0, s, tau=tau, lam=lam)[1]
    close(s**2, 1 / lam if lam * tau <= 1 else tau / (2 - lam * tau), 1e-6)


def test_bias_golden_numbers():
    close(gf.ula_variance(0.4, lam=1.5), 0.952380952)
    close(gf.ula_gaussian_step(2.0, 3.0, tau=0.4, lam=1.5)[0], 0.8)
    close(gf.fb_gaussian_step(2.0, 3.0, tau=0.4, lam=1.5)[0], 0.8)


@pytest.mark.parametrize("lam, m, s, tau", CASES[:1] + CASES[2:3])
def test_the_splitting_is_an_explicit_then_an_implicit_step(lam, m, s, tau):
    q = abs(1 - tau * lam) * s
    best = minimize_scalar(lambda r: -math.log(r) + (r - q) ** 2 / (2 * tau), bounds=(1e-3, 9), method="bounded", options={"xatol": 1e-10})
    close(gf.fb_gaussian_step(m, s, tau=tau, lam=lam)[1], best.x, 1e-6)


def test_a_mean_error_decays_at_two_lam_and_a_variance_error_at_four_lam():
    lam, t = 1.5, 2.0
    start, end = (gf.ou_kl(*gf.ou_moments(r, 1.0, 1 / lam, lam=lam), lam=lam) for r in (0.0, t))
    close(torch.log(start / end) / t, 2 * lam)
    late, later = (gf.ou_kl(*gf.ou_moments(r, 0.0, 4.0, lam=lam), lam=lam) for r in (4.0, 4.5))
    close(torch.log(late / later) / 0.5, 4 * lam, 1e-4)


def test_three_schemes_follow_their_gaussians_and_langevin_its_variance():
    lam, tau, n = torch.tensor(1.5), torch.tensor(0.4), 20000
    x0 = gf.gaussian_start(noise((3, n), seed=1, k=-1, dtype=torch.float64), 1.2, 2.0)
    close(torch.stack(gf.moments(x0)), torch.tensor([[1.2] * 3, [2.0] * 3]))
    path = iterate(with_noise(lambda k, x, xi: gf.three_schemes(k, x, xi, tau=tau, lam=lam), seed=2), gf.Schemes(*x0), 12)
    jko, fb = (1.2, 2.0), (1.2, 2.0)
    for _ in range(12):
        jko, fb = gf.jko_gaussian_step(*jko, tau=0.4, lam=1.5), gf.fb_gaussian_step(*fb, tau=0.4, lam=1.5)
    mean, std = gf.moments(torch.stack(path.end))
    close(torch.stack((mean[0], std[0], mean[2], std[2])), torch.stack((*jko, *fb)))
    variance = gf.ula_variance(0.4, lam=1.5)
    assert abs(std[1] ** 2 - variance) < 4 * variance * math.sqrt(2 / n) and abs(mean[1]) < 4 * math.sqrt(variance / n)
    xi = noise((3, n), seed=2, k=0, dtype=torch.float64)
    close(path.x.langevin[1], (1 - 0.6) * x0[1] + math.sqrt(0.8) * xi[1])
    assert (path.end.jko.argsort() == x0[0].argsort()).all()  # the optimal map keeps the order


def test_pure_interaction_contracts_the_covariance(generator):
    x0 = torch.randn(7, 3, generator=generator) + 1
    v = wasserstein_descent(interaction(lambda z: z.square().sum(-1) / 2))
    end, coarse = flow(v, x0, 0.6, 60).end, flow(v, x0, 0.6, 3, method=euler).end
    close(end.mean(0), x0.mean(0))
    close(torch.cov(end.T), math.exp(-1.2) * torch.cov(x0.T), 1e-7)
    close(torch.cov(coarse.T), (1 - 0.2) ** 6 * torch.cov(x0.T))


def test_bures_distance_against_pot(generator):
    ot = pytest.importorskip("ot")
    m, r = torch.randn(2, 4, generator=generator)
    A, B = torch.randn(2, 4, 4, generator=generator)
    A, B = A @ A.mT, B @ B.mT
    close(gaussians.w2_squared((m, A), (r, B)), ot.gaussian.bures_wasserstein_distance(m, r, A, B).squeeze() ** 2)


@pytest.mark.parametrize("land", [bowl, double_well])
def test_the_exact_flow_of_a_landscape_solves_its_equation(land, generator):
    x = torch.randn(6, 2, generator=generator)
    v = descent(lambda p: land.f(p, 3.0))
    ode = solve_ivp(as_scipy(v, x), (0, 0.7), x.numpy().ravel(), rtol=1e-11, atol=1e-12).y[:, -1]
    close(land.flow(x, 0.7, 3.0), torch.as_tensor(ode).view(6, 2), 1e-8)


@pytest.mark.parametrize("land", [bowl, double_well])
@pytest.mark.parametrize("tau", [0.03, 0.8, 10.0, 1000.0])
def test_the_proximal_step_of_a_landscape_minimises(land, tau, generator):
    x = 2 * torch.randn(40, 2, generator=generator)
    y = land.prox(x, tau, 7.0)

    def objective(z):
        return land.f(z, 7.0) + (z - x).square().sum(-1) / (2 * tau)

    assert descent(objective)(0.0, y).abs().max() < 1e-8
    grid = torch.linspace(-4, 4, 2001)
    for c in grid.split(200):
        trial = torch.stack((c.expand(40, -1), y[:, 1:].expand(-1, len(c))), -1)
        rough = land.f(trial, 7.0) + (trial - x[:, None]).square().sum(-1) / (2 * tau)
        assert (objective(y)[:, None] <= rough + 1e-12).all()


def test_newton_finds_the_proximal_step(generator):
    x = torch.randn(20, 2, generator=generator)
    for land, tau in ((bowl, 5.0), (double_well, 0.9)):
        close(gf.implicit_step(lambda p, land=land: land.f(p, 4.0), x, tau=tau), land.prox(x, tau, 4.0), 1e-8)


@pytest.mark.parametrize("tau", [0.01, 1.0, 100.0])
def test_the_implicit_step_never_increases_rosenbrock(tau, generator):
    x = torch.randn(12, 2, generator=generator)
    y = gf.implicit_step(rosenbrock, x, tau=tau)
    assert (rosenbrock(y) + (y - x).square().sum(-1) / (2 * tau) <= rosenbrock(x)).all()
    assert (descent(rosenbrock)(0.0, y) - (y - x) / tau).abs().max() < 1e-6


def test_each_start_takes_its_own_longest_step():
    # Newton's step on sqrt(1 + |x|^2) leads too far from afar, and is taken whole from nearby
    x = torch.tensor([[[0.1, 0.0], [4.0, -1.0]], [[-9.0, 2.0], [0.2, 0.3]]])
    y = gf.implicit_step(lambda p: (1 + p.square().sum(-1)).sqrt(), x, tau=50.0, iterations=2)
    alone = [[gf.implicit_step(lambda p: (1 + p.square().sum(-1)).sqrt(), p, tau=50.0, iterations=2) for p in row] for row in x]
    close(y, torch.stack([torch.stack(row) for row in alone]))


def test_explicit_euler_is_stable_below_two_over_curvature():
    L = 10.0
    for tau, stable in ((0.199, True), (0.201, False)):
        x = torch.tensor([0.0, 1.0])
        far = iterate(lambda k, y, tau=tau: gf.explicit_step(lambda p: bowl.f(p, L), y, tau=tau), x, 400).x
        assert (far[-1].norm() < 1) == stable
    close(gf.explicit_step(lambda p: bowl.f(p, L), x, tau=0.15), torch.tensor([0.0, -0.5]))  # zigzag in (1/L, 2/L)


def test_three_clocks_are_the_three_schemes():
    x = torch.tensor([[1.0, 2.0], [0.3, -1.0], [-2.0, 0.4]])
    new = gf.three_clocks(0, x, tau=0.1, kappa=6.0, terrain=double_well)
    close(new[0], double_well.flow(x[0], 0.1, 6.0))
    close(new[1], x[1] - 0.1 * torch.tensor([0.3 * (0.09 - 1), -6.0]))
    close(new[2], double_well.prox(x[2], 0.1, 6.0))


def test_hessian_against_autograd(generator):
    x = torch.randn(5, 2, generator=generator)
    close(gf.hessian(rosenbrock, x), torch.stack([torch.autograd.functional.hessian(rosenbrock, p) for p in x]))


@pytest.mark.parametrize("call, words", [
    (lambda: gf.rescale(torch.tensor([[1.0, 1.0], [1.0, 2.0]]), 0.0, 1.0), "a cloud of equal numbers"),
    (lambda: gf.three_clocks(0, torch.ones(4, 2), tau=0.1, kappa=1.0, terrain=bowl), "three travellers"),
    (lambda: gf.three_schemes(0, gf.Schemes(*torch.randn(3, 5)), gf.Schemes(torch.ones(4), *torch.randn(2, 5)), tau=0.1, lam=1.0), "xi"),
])
def test_what_is_wrong_is_said_in_its_own_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("call", [
    lambda: gf.ou_moments(-1.0, 0.0, 1.0, lam=1.0), lambda: gf.ou_kl(0.0, 0.0, lam=1.0), lambda: gf.ou_fisher(0.0, 1.0, lam=0.0),
    lambda: gf.ou_kl(0.0, torch.tensor([1.0, -1.0]), lam=1.0),
    lambda: gf.jko_gaussian_step(0.0, 1.0, tau=0.0, lam=1.0), lambda: gf.ula_gaussian_step(0.0, -1.0, tau=1.0, lam=1.0),
    lambda: gf.fb_gaussian_step(0.0, math.nan, tau=1.0, lam=1.0), lambda: gf.ula_variance(2.0, lam=1.0),
    lambda: gf.ags_bound(0.0, 1.0, tau=-1.0, lam=1.0), lambda: gf.moments([1.0, 2.0]),
    lambda: gf.rescale("x", 0.0, 1.0), lambda: gf.gaussian_start([1.0], 0.0, 1.0),
    lambda: gf.three_schemes(0, torch.ones(3, 5), torch.ones(3, 5), tau=0.1, lam=1.0),
    lambda: gf.three_schemes(0, gf.Schemes(*torch.randn(3, 5)), gf.Schemes(*torch.randn(3, 4)), tau=0.1, lam=1.0),
    lambda: gf.three_schemes(0, gf.Schemes(*torch.randn(2, 5), torch.ones(4)), gf.Schemes(*torch.randn(3, 5)), tau=0.1, lam=1.0),
    lambda: gf.explicit_step(rosenbrock, torch.ones(2), tau=-1.0), lambda: gf.implicit_step(rosenbrock, torch.ones(2), tau=0.0),
    lambda: gf.implicit_step("f", torch.ones(2), tau=1.0), lambda: gf.implicit_step(rosenbrock, torch.ones(2), tau=1.0, iterations=0),
    lambda: gf.hessian(rosenbrock, 3.0), lambda: bowl.f(torch.ones(3), 1.0), lambda: double_well.prox(torch.ones(2), 1.0, -1.0),
    lambda: gf.three_clocks(0, torch.ones(3, 2), tau=0.1, kappa=0.0, terrain=bowl),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
