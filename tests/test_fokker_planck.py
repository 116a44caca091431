"""The Fokker-Planck equation on a grid: a reversible chain of order two, its slow eigenvalue, the law of Eyring and Kramers, Fisher-Rao."""

import math
from itertools import pairwise

import pytest
import torch

from companion.flow import flow, iterate
from companion.fokker_planck import (
    bernoulli,
    equilibrium,
    eyring_kramers,
    fisher_rao,
    fokker_planck,
    fokker_planck_step,
    generator_eigenvalues,
    jump_rates,
    kl_on_grid,
    spacing,
    transition_matrix,
)
from companion.gaussians import ou_moments
from companion.noise import noise, with_noise
from companion.potentials import double_well
from companion.sampling.langevin import fisher_rao_law
from companion.sde import ula
from tests.helpers import close

F8 = torch.float64
GRID = torch.linspace(-3, 3, 121, dtype=F8)
H = (GRID[1] - GRID[0]).item()
FOUND = {0.2: (1.045, 1.31), 0.1: (0.908, 0.93), 0.06: (0.905, 0.82),
         0.05: (0.915, 0.82), 0.04: (0.931, 0.84), 0.03: (0.949, 0.88), 0.02: (0.968, 0.92)}

pytestmark = pytest.mark.usefixtures("float64")


def bowl(lam):
    return lambda x: lam * x.square().sum(-1) / 2


def tilted(x):
    return double_well(x) + 0.3 * x[..., 0]


def slanted(x):
    y = x[..., 0]
    return y**4 / 4 - y**2 / 2 + 0.1 * y**3 / 3 - 0.1 * y  # V' = (y + 0.1)(y^2 - 1)


def cells(m, half=2.0):
    """Centres of m cells of [-half, half]."""
    return (torch.arange(m, dtype=F8) + 0.5) * (2 * half / m) - half


def kramers(eps):
    return eyring_kramers(double_well, (-1.0, 1.0), 0.0, eps=eps)


def some_density(generator):
    rho = torch.rand(2, 121, generator=generator) ** 3
    return rho / (rho.sum(-1, keepdim=True) * H)


def matrix(V, grid, eps):
    """Q (m, m) with d_t rho = rho Q."""
    return fokker_planck(V, grid, eps=eps)(0.0, torch.eye(len(grid)))


def test_bernoulli_function():
    z = torch.tensor([-40.0, -1.0, -0.0501, -0.0499, -1e-6, 0.0, 1e-9, 0.03, 0.06, 2.0, 800.0])
    exact = torch.where(z == 0, 1.0, torch.where(z == 0, 1.0, z) / torch.special.expm1(torch.where(z == 0, 1.0, z)))
    close(bernoulli(z), exact, 1e-13)
    close(bernoulli(-z) - bernoulli(z), z)


@pytest.mark.parametrize("eps", [1.0, 0.1])
def test_the_chain_keeps_mass_is_reversible_and_has_the_gibbs_equilibrium(eps, generator):
    v, pi, Q = fokker_planck(tilted, GRID, eps=eps), equilibrium(tilted, GRID, eps=eps), matrix(tilted, GRID, eps)
    up, down = jump_rates(tilted, GRID, eps=eps)
    assert v(0.0, some_density(generator)).sum(-1).abs().max() < 1e-9 and Q.sum(-1).abs().max() < 1e-11 * Q.abs().max()
    close(v(0.0, pi), torch.zeros(121), 1e-9)
    close(pi.sum() * H, 1.0)
    close(torch.log(pi[1:] / pi[:-1]), -torch.diff(tilted(GRID[:, None])) / eps)
    close(up * pi[:-1], down * pi[1:])  # detailed balance
    assert torch.equal(Q.diagonal(1), up) and torch.equal(Q.diagonal(-1), down) and torch.equal(Q, Q.triu(-1).tril(1))


def test_the_equation_is_met_to_order_two():
    errors = []
    for m in (200, 400):
        x = torch.linspace(-2, 2, m + 1)
        rho, eps = torch.sin(x) + 2, 0.7
        exact = torch.cos(x) * (x**3 - x) + rho * (3 * x**2 - 1) - eps * torch.sin(x)
        errors.append((fokker_planck(double_well, x, eps=eps)(0.0, rho) - exact)[x.abs() < 1.5].abs().max().item())
    assert 3.5 < errors[0] / errors[1] < 4.5


@pytest.mark.parametrize("eps", [0.2, 1.0])
@pytest.mark.parametrize("lam", [1.0, 1.5])
def test_eigenvalues_of_ornstein_and_uhlenbeck_are_found_to_order_two(lam, eps):
    """V = lam x^2 / 2: 0, lam, 2 lam, 3 lam at every temperature; half the width, a quarter of the error."""
    errors = [(generator_eigenvalues(bowl(lam), cells(m, 8 * math.sqrt(eps / lam)), eps=eps) - lam * torch.arange(4.0)).abs()[1:]
              for m in (100, 200, 400)]
    for coarse, fine in pairwise(errors):
        assert (coarse / fine - 4).abs().max() < 0.1
    assert errors[-1].max() < 5e-3 * lam


def test_eigenvalues_are_those_of_the_matrix():
    grid = torch.linspace(-2, 2, 30)
    dense = torch.linalg.eigvals(-matrix(tilted, grid, 0.4)).real.sort().values
    close(generator_eigenvalues(tilted, grid, eps=0.4, count=30), dense, 1e-8)
    assert len(generator_eigenvalues(tilted, grid)) == 4 and abs(generator_eigenvalues(tilted, GRID)[0]) < 1e-9


@pytest.mark.parametrize("eps", FOUND)
def test_eyring_and_kramers(eps):
    ratio, second = FOUND[eps]
    close(kramers(eps), math.sqrt(2) / math.pi * math.exp(-1 / (4 * eps)))
    close(kramers(torch.tensor(eps)), kramers(eps))
    found = generator_eigenvalues(double_well, torch.linspace(-2.5, 2.5, 1500), eps=eps, count=3)
    assert abs(found[1] / kramers(eps) - ratio) < 2e-3 and abs(found[2] - second) < 1e-2
    coarse = generator_eigenvalues(double_well, cells(80), eps=eps, count=2)[1]  # the grid of a figure is enough
    assert abs(coarse / found[1] - 1) < 1e-2


def test_eyring_and_kramers_are_right_in_the_limit():
    """1 - ratio is of the order eps."""
    slopes = [(1 - float(generator_eigenvalues(double_well, cells(400, 1.8), eps=e, count=2)[1] / kramers(e))) / e for e in (0.032, 0.024, 0.018)]
    assert min(slopes) > 1 and max(slopes) / min(slopes) < 1.1


def test_eyring_kramers_of_an_asymmetric_well_counts_each_exit():
    one, other = (eyring_kramers(double_well, (a,), 0.0, eps=0.1) for a in (-1.0, 1.0))
    close(kramers(0.1), one + other)
    found = generator_eigenvalues(slanted, torch.linspace(-2.5, 2.5, 1500), eps=0.02, count=2)[1]
    assert 0.9 < found / eyring_kramers(slanted, (-1.0, 1.0), -0.1, eps=0.02) < 1.0


@pytest.mark.parametrize("wells, saddle", [((-1.0, 1.0), 1.0), ((-1.0, 0.0), 0.0), ((0.1,), 0.0)])
def test_wells_and_saddles_that_are_none_are_told_with_their_curvature(wells, saddle):
    with pytest.raises(ValueError, match="positive at the wells, negative at the saddle"):
        eyring_kramers(double_well, wells, saddle, eps=0.1)


def test_the_transition_matrix_is_a_markov_chain_and_tends_to_the_exponential():
    grid, Q = cells(32), matrix(tilted, cells(32), 0.15)
    exact, pi = torch.linalg.matrix_exp(0.7 * Q), equilibrium(tilted, cells(32), eps=0.15)
    errors = [(transition_matrix(tilted, grid, eps=0.15, dt=0.7, halvings=k) - exact).abs().max() for k in (7, 8, 9)]
    assert all(1.8 < a / b < 2.2 for a, b in pairwise(errors)) and errors[2] < 5e-3
    P = transition_matrix(tilted, grid, eps=0.15, dt=0.7)
    assert P.min() >= 0 and (P.sum(-1) - 1).abs().max() < 1e-14
    close(pi @ P, pi, 1e-10)
    close(pi[:, None] * P, (pi[:, None] * P).T, 1e-8)
    coarse = torch.eye(32) + 0.001 / 4 * Q
    close(transition_matrix(tilted, grid, eps=0.15, dt=0.001, halvings=2), coarse @ coarse @ coarse @ coarse)


def test_too_long_a_step_is_refused_and_the_bound_is_enough():
    grid = cells(32)
    longest = 2**5 / matrix(tilted, grid, 0.3).diagonal().abs().max()
    assert transition_matrix(tilted, grid, eps=0.3, dt=0.999 * longest, halvings=5).min() >= 0
    for dt in (1.01 * longest, 1.01 * float(longest)):
        with pytest.raises(ValueError, match="more halvings"):
            transition_matrix(tilted, grid, eps=0.3, dt=dt, halvings=5)


def start(x, share=0.9, width=0.05):
    p = torch.where(x < 0, share, 1 - share).to(x) * torch.exp(-((x.abs() - 1) ** 2) / width)
    return p / (p.sum() * spacing(x))


def test_steps_solve_the_equation():
    x = cells(24)
    rho, pi = torch.stack([start(x), start(x, 0.3)]), equilibrium(double_well, x, eps=0.2)
    path = iterate(lambda k, p: fokker_planck_step(p, double_well, x, eps=0.2, dt=0.1, halvings=14), rho, 5)
    close(path.end, flow(fokker_planck(double_well, x, eps=0.2), rho, 0.5, 2000).end, 1e-4)
    close(path.x.sum(-1) * spacing(x), torch.ones(6, 2), 1e-12)
    assert path.x.min() >= 0 and (torch.diff(kl_on_grid(path.x, pi, spacing(x)), dim=0) < 0).all()


@pytest.mark.parametrize("dtype", [F8, torch.float32])
def test_the_slow_mode_decays_at_the_gap(dtype):
    """After the wells have filled, the difference of their masses is exp(-lambda_1 t), in float32 too."""
    x, eps, dt = cells(64).to(dtype), 0.05, 5.0
    path = iterate(lambda k, p: fokker_planck_step(p, double_well, x, eps=eps, dt=dt, halvings=12), start(x), 60)
    tilt = (path.x.double() * torch.sign(x).double()).sum(-1)
    gap = float(generator_eigenvalues(double_well, x, eps=eps)[1])
    assert abs(float(-torch.log(tilt[60] / tilt[10]) / (50 * dt)) / gap - 1) < 3e-3
    assert 0.40 < tilt[60] / tilt[0] < 0.45 and abs(float(path.end.sum() * spacing(x)) - 1) < 1e-5


def test_a_gaussian_stays_the_known_gaussian():
    x = torch.linspace(-8, 8, 801)
    end = fokker_planck_step(gaussian_density(x, 1.5, 0.3), bowl(1.0), x, dt=0.5, halvings=16)
    close(end, gaussian_density(x, *ou_moments(0.5, 1.5, 0.3, lam=1.0)), 1e-3)


def test_langevin_particles_agree_with_the_density():
    """The share left of the pass after t = 3 at eps = 0.1, by many small steps of particles."""
    n, h, t, eps = 20000, 0.02, 3.0, 0.1
    x = cells(96, 2.4)
    p = torch.where(x < 0, torch.exp(-((x + 1) ** 2) / (2 * 0.01)), 0.0)
    end = fokker_planck_step(p / p.sum(), double_well, x, eps=eps, dt=t, halvings=14)
    particles = -1 + 0.1 * noise((n, 1), seed=0, k=-1, dtype=F8)
    end_particles = iterate(with_noise(ula(double_well, h, temperature=eps), seed=0), particles, round(t / h), every=150).end
    share, expected = float((end_particles < 0).double().mean()), float((end * (x < 0)).sum())
    assert expected < 0.97 and abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / n) + 2e-3  # 2e-3: h


def gaussian_density(x, m, v):
    return torch.exp(-((x - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)


def test_fisher_rao_between_gaussians():
    x = torch.linspace(-8, 10, 2001)
    for (m, v), (r, s), t in (((4.0, 0.25), (0.0, 1.0), 1.0), ((1.0, 0.5), (3.0, 2.0), 0.4)):
        mean, variance = fisher_rao_law(t, torch.tensor([m, v]), mean=r, variance=s)
        close(fisher_rao(gaussian_density(x, m, v), gaussian_density(x, r, s), t=t), gaussian_density(x, mean, variance), 1e-4)
    close(fisher_rao_law(1.0, torch.tensor([4.0, 0.25])), torch.tensor([2.798043272, 0.475366887]))


def reweighting(pi):
    """The Fisher-Rao flow of KL(. | pi), as a field."""
    def v(t, rho):
        ratio = torch.log(rho / pi)
        return -rho * (ratio - (rho * ratio).sum(-1, keepdim=True) / rho.sum(-1, keepdim=True))

    return v


def test_fisher_rao_solves_its_equation_and_is_a_semigroup(generator):
    rho, pi = some_density(generator) + 0.1, equilibrium(tilted, GRID)
    rho = rho / (rho.sum(-1, keepdim=True) * H)
    close(flow(reweighting(pi), rho, 0.8, 200).end, fisher_rao(rho, pi, t=0.8), 1e-9)
    close(fisher_rao(rho, pi, t=0.7), rho ** math.exp(-0.7) * pi ** (1 - math.exp(-0.7))
          / (rho ** math.exp(-0.7) * pi ** (1 - math.exp(-0.7))).sum(-1, keepdim=True) / H)
    close(fisher_rao(fisher_rao(rho, pi, t=0.3), pi, t=0.4), fisher_rao(rho, pi, t=0.7), 1e-11)
    close(fisher_rao(rho, pi, t=0.0), rho, 1e-12)
    close(fisher_rao(rho, pi, t=50.0), pi.expand(2, -1), 1e-12)
    close(fisher_rao(rho.float(), pi.float(), t=torch.tensor(0.7)), fisher_rao(rho, pi, t=0.7), 1e-5)
    close(fisher_rao(H * rho, H * pi, t=0.7), H * fisher_rao(rho, pi, t=0.7), 1e-12)  # masses of cells, or densities


def test_where_there_is_no_mass_there_will_be_none(generator):
    holes, pi = torch.where(GRID > 0, some_density(generator)[0], 0), equilibrium(tilted, GRID)
    for late in (fisher_rao(holes, pi, t=5.0), fisher_rao(holes.float(), pi.float(), t=500.0)):
        assert (late[GRID <= 0] == 0).all() and late.isfinite().all()
        close(late.sum(), holes.sum(), 1e-5)


def test_kl_falls_by_the_variance_of_the_log_ratio(generator):
    rho, pi = some_density(generator) + 0.1, equilibrium(tilted, GRID)
    rho = rho / (rho.sum(-1, keepdim=True) * H)
    ratio, kl = torch.log(rho / pi), kl_on_grid(rho, pi, H)
    close(kl, (rho * ratio).sum(-1) * H, 1e-12)
    loss = torch.func.jvp(lambda p: kl_on_grid(p, pi, H), (rho,), (reweighting(pi)(0.0, rho),))[1]
    close(loss, -(rho * (ratio - kl[:, None]) ** 2).sum(-1) * H)


@pytest.mark.parametrize("barrier", [2.0, 4.0])
def test_the_rate_does_not_see_the_target(barrier, generator):
    """KL_t = e^(-2t) Var_pi(log rho_0 / pi) / 2 + o(e^(-2t)), whatever pi: Domingo-Enrich and Pooladian."""
    rho, pi = some_density(generator) + 0.1, equilibrium(lambda x: barrier * tilted(x), GRID)
    ratio = torch.log(rho / rho.sum(-1, keepdim=True) / H / pi)
    variance = (pi * (ratio - (pi * ratio).sum(-1, keepdim=True) * H) ** 2).sum(-1) * H
    late = kl_on_grid(fisher_rao(rho / rho.sum(-1, keepdim=True) / H, pi, t=9.0), pi, H)
    close(late * math.exp(18.0) / (variance / 2), torch.ones(2), 5e-3)


@pytest.mark.parametrize("t, share", [(0.0, 0.9), (0.5, 0.7913), (1.0, 0.6918), (2.0, 0.5738)])
def test_log_odds_of_two_wells_decay_like_exp_minus_t(t, share):
    x = cells(80)
    pi = equilibrium(double_well, x, eps=0.03)
    rho = fisher_rao(2 * pi * torch.where(x < 0, 0.9, 0.1), pi, t=t)
    left, right = (rho[side].sum() for side in (x < 0, x > 0))
    assert abs(left * spacing(x) - share) < 5e-5
    close(torch.log(left / right), math.exp(-t) * math.log(9))


def test_kl_on_grid():
    x = torch.linspace(-10, 10, 4001)
    rho, pi = gaussian_density(x, 1.0, 0.5), gaussian_density(x, 0.0, 2.0)
    close(kl_on_grid(rho, pi, 0.005), (0.5 * (1 + 0.5) - 1 - math.log(0.5 * 0.5)) / 2, 1e-8)
    assert kl_on_grid(torch.where(x > 0, rho, 0.0), pi, 0.005).isfinite()
    assert kl_on_grid(rho, torch.where(x > 0, pi, 0.0), 0.005) == math.inf


def test_an_export_gives_the_same_numbers():
    from torch.fx.experimental.proxy_tensor import make_fx

    x = cells(24)

    def all_of_them(rho, eps, h):
        pi = equilibrium(double_well, x, eps=eps)
        return fokker_planck_step(rho, double_well, x, eps=eps, dt=h, halvings=12), pi, fisher_rao(rho, pi, t=h), kramers(eps)

    eps, h = torch.tensor(0.12), torch.tensor(0.3)
    traced = make_fx(all_of_them, tracing_mode="fake", _allow_non_fake_inputs=True)(start(x), eps, h)
    for found, expected in zip(traced(start(x), eps, h), all_of_them(start(x), 0.12, 0.3), strict=True):
        close(found, expected, 1e-11)


ONE = torch.full((5,), 0.2, dtype=F8)


@pytest.mark.parametrize("call", [
    lambda: jump_rates("V", GRID), lambda: jump_rates(tilted, GRID, eps=0.0), lambda: fokker_planck(tilted, GRID.flip(0)),
    lambda: fokker_planck(tilted, GRID**3), lambda: spacing(torch.ones(2)), lambda: equilibrium(tilted, GRID, eps=-1.0),
    lambda: fokker_planck(tilted, GRID)(0.0, ONE), lambda: fokker_planck(tilted, GRID)(0.0, torch.ones(121, dtype=torch.float32)),
    lambda: transition_matrix(tilted, GRID, dt=0.0), lambda: transition_matrix(tilted, GRID, dt=1.0, halvings=0),
    lambda: transition_matrix(tilted, GRID, dt=1.0, halvings=2.5), lambda: transition_matrix(tilted, GRID, dt="1"),
    lambda: fokker_planck_step(ONE, tilted, GRID, dt=0.1), lambda: fokker_planck_step(torch.tensor(1.0), tilted, GRID, dt=0.1),
    lambda: fokker_planck_step(-torch.ones(121), tilted, GRID, dt=0.1), lambda: fokker_planck_step(None, tilted, GRID, dt=0.1),
    lambda: generator_eigenvalues(tilted, GRID, count=0), lambda: generator_eigenvalues(tilted, GRID, count=122),
    lambda: eyring_kramers(double_well, (-1.0, 0.0), 1.0, eps=0.1), lambda: eyring_kramers(double_well, (), 0.0, eps=0.1),
    lambda: eyring_kramers(double_well, (-1.0, 1.0), 0.0, eps=0.0), lambda: eyring_kramers(3, (-1.0, 1.0), 0.0, eps=0.1),
    lambda: eyring_kramers(double_well, "wells", 0.0, eps=0.1), lambda: eyring_kramers(double_well, ("left",), 0.0, eps=0.1),
    lambda: fisher_rao(ONE, ONE, t=-1.0), lambda: fisher_rao(ONE, [0.2], t=1.0), lambda: fisher_rao(ONE, ONE[:4], t=1.0),
    lambda: fisher_rao(ONE, ONE.float(), t=1.0), lambda: fisher_rao(ONE, -ONE, t=1.0), lambda: fisher_rao(torch.tensor(1.0), ONE, t=1.0),
    lambda: fisher_rao(torch.stack([ONE] * 2), torch.stack([ONE] * 3), t=1.0), lambda: kl_on_grid("rho", ONE, 1.0), lambda: bernoulli(1.0),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
