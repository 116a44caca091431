"""Densities: Scharfetter-Gummel, three geometries, the porous medium, JKO in quantile coordinates."""

import math

import pytest
import torch
from scipy.integrate import quad

from companion.flow import euler, flow, iterate
from companion.potentials import double_well
from companion.training import gradient_flows as gf

GRID = torch.linspace(-3, 3, 121, dtype=torch.float64)
H = (GRID[1] - GRID[0]).item()


pytestmark = pytest.mark.usefixtures("float64")


def close(a, b, tol=1e-9):
    torch.testing.assert_close(torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64), rtol=tol, atol=tol)


def bowl(lam):
    return lambda x: lam * x.square().sum(-1) / 2


def tilted(x):
    return double_well(x) + 0.3 * x[..., 0]


def some_density(generator):
    rho = torch.rand(2, 121, generator=generator) ** 3
    return rho / (rho.sum(-1, keepdim=True) * H)


def test_bernoulli_function():
    z = torch.tensor([-40.0, -1.0, -0.0501, -0.0499, -1e-6, 0.0, 1e-9, 0.03, 0.06, 2.0, 800.0])
    exact = torch.where(z == 0, 1.0, torch.where(z == 0, 1.0, z) / torch.special.expm1(torch.where(z == 0, 1.0, z)))
    close(gf.bernoulli(z), exact, 1e-13)
    close(gf.bernoulli(-z) - gf.bernoulli(z), z)


@pytest.mark.parametrize("eps", [1.0, 0.1])
def test_scharfetter_gummel_keeps_mass_and_has_the_gibbs_equilibrium(eps, generator):
    v, pi = gf.fokker_planck(tilted, GRID, eps=eps), gf.equilibrium(tilted, GRID, eps=eps)
    assert v(0.0, some_density(generator)).sum(-1).abs().max() < 1e-9
    close(v(0.0, pi), torch.zeros(121), 1e-9)
    close(pi.sum() * H, 1.0)
    close(torch.log(pi[1:] / pi[:-1]), -torch.diff(tilted(GRID[:, None])) / eps)


def test_detailed_balance():
    forward, backward = gf.rates(tilted, GRID, eps=0.3)
    pi = gf.equilibrium(tilted, GRID, eps=0.3)
    close(forward * pi[:-1], backward * pi[1:])


def test_scharfetter_gummel_is_consistent_of_order_two():
    errors = []
    for cells in (200, 400):
        x = torch.linspace(-2, 2, cells + 1)
        rho, eps = torch.sin(x) + 2, 0.7
        exact = torch.cos(x) * (x**3 - x) + rho * (3 * x**2 - 1) - eps * torch.sin(x)
        error = gf.fokker_planck(lambda p: double_well(p), x, eps=eps)(0.0, rho) - exact
        errors.append(error[x.abs() < 1.5].abs().max().item())
    assert 3.5 < errors[0] / errors[1] < 4.5


def test_transition_is_a_markov_chain_and_the_exact_semigroup():
    P = gf.transition(tilted, GRID, eps=0.5, dt=0.3, halvings=14)
    Q = gf.fokker_planck(tilted, GRID, eps=0.5)(0.0, torch.eye(121))
    assert (P >= 0).all()
    close(P.sum(-1), torch.ones(121), 1e-10)
    close(P, torch.linalg.matrix_exp(0.3 * Q), 1e-4)
    coarse = torch.eye(121) + 0.01 / 4 * Q
    close(gf.transition(tilted, GRID, eps=0.5, dt=0.01, halvings=2), coarse @ coarse @ coarse @ coarse)


def test_spectrum_of_ornstein_uhlenbeck():
    lam = 1.5
    x = torch.linspace(-7, 7, 1500)
    found = gf.decay_rates(bowl(lam), x, count=5)
    close(found[1:] / lam, torch.tensor([1.0, 2.0, 3.0, 4.0]), 1e-3)
    assert found[0].abs() < 1e-8
    Q = gf.fokker_planck(tilted, GRID, eps=0.4)(0.0, torch.eye(121))
    dense = torch.linalg.eigvals(-Q).real.sort().values[:4]
    close(gf.decay_rates(tilted, GRID, eps=0.4, count=4), dense, 1e-8)


@pytest.mark.parametrize("eps, ratio, second", [
    (0.2, 1.045, 1.31), (0.1, 0.908, 0.93), (0.06, 0.905, 0.82), (0.04, 0.931, 0.84), (0.03, 0.949, 0.88),
])
def test_eyring_kramers(eps, ratio, second):
    x = torch.linspace(-2.5, 2.5, 1500)
    formula = gf.eyring_kramers(double_well, (-1.0, 1.0), 0.0, eps=eps)
    close(formula, math.sqrt(2) / math.pi * math.exp(-1 / (4 * eps)))
    found = gf.decay_rates(double_well, x, eps=eps, count=3)
    assert abs(found[1] / formula - ratio) < 2e-3 and abs(found[2] - second) < 1e-2


def test_eyring_kramers_of_an_asymmetric_well_counts_each_exit():
    one, other = (gf.eyring_kramers(lambda x: x[..., 0] ** 4 / 4 - x[..., 0] ** 2 / 2, (a,), 0.0, eps=0.1) for a in (-1.0, 1.0))
    close(gf.eyring_kramers(double_well, (-1.0, 1.0), 0.0, eps=0.1), one + other)

    def slanted(x):
        y = x[..., 0]
        return y**4 / 4 - y**2 / 2 + 0.1 * y**3 / 3 - 0.1 * y  # V' = (y + 0.1)(y^2 - 1)

    x = torch.linspace(-2.5, 2.5, 1500)
    found = gf.decay_rates(slanted, x, eps=0.02, count=2)[1].item()
    assert 0.9 < found / gf.eyring_kramers(slanted, (-1.0, 1.0), -0.1, eps=0.02) < 1.0


def gaussian_density(x, m, v):
    return torch.exp(-((x - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)


def test_fisher_rao_between_gaussians():
    mean, variance = gf.fisher_rao_gaussian(4.0, 0.25, target=(0.0, 1.0), t=1.0)
    close(mean, 2.798043272)
    close(variance, 0.475366887)
    x = torch.linspace(-8, 10, 2001)
    h = 18 / 2000
    end = gf.fisher_rao(gaussian_density(x, 4.0, 0.25), gaussian_density(x, 0.0, 1.0), h, t=1.0)
    close(end, gaussian_density(x, mean, variance), 1e-8)
    shifted = gf.fisher_rao_gaussian(1.0, 0.5, target=(3.0, 2.0), t=0.4)
    start, goal = gaussian_density(x, 1.0, 0.5), gaussian_density(x, 3.0, 2.0)
    close(gf.fisher_rao(start, goal, h, t=0.4), gaussian_density(x, *shifted), 1e-4)


def test_fisher_rao_formula_solves_its_equation(generator):
    rho, pi = some_density(generator)[0] + 0.1, gf.equilibrium(tilted, GRID)
    rho = rho / (rho.sum() * H)
    end = flow(gf.fisher_rao_field(pi), rho, 0.8, 40).end
    close(end, gf.fisher_rao(rho, pi, H, t=0.8), 1e-7)
    close(end.sum() * H, 1.0)
    holes = torch.where(GRID > 0, rho, 0)
    assert (gf.fisher_rao(holes, pi, H, t=5.0)[GRID <= 0] == 0).all()  # no support is created


@pytest.mark.parametrize("move", [gf.transport, gf.reweight, gf.both])
def test_each_geometry_keeps_mass_and_equilibrium_and_decreases_kl(move, generator):
    rho, pi = some_density(generator), gf.equilibrium(tilted, GRID)
    path = iterate(lambda k, r: move(r, tilted, GRID, dt=0.05), rho, 20)
    close(path.x.sum(-1) * H, torch.ones(21, 2), 1e-10)
    assert (path.x >= 0).all() and (torch.diff(gf.kl_on_grid(path.x, pi, H), dim=0) < 0).all()
    close(move(pi, tilted, GRID, dt=0.3), pi, 1e-8)


def test_transport_and_reweighting_have_their_own_rates():
    eps = 0.08
    pi = gf.equilibrium(double_well, GRID, eps=eps)
    start = torch.where(GRID < 0, pi, 1e-3 * pi)
    start = start / (start.sum() * H)

    def left(move, t):
        rho = move(start, lambda x: double_well(x) / eps, GRID, dt=t, **({"halvings": 14} if move is gf.transport else {}))
        return (rho[GRID < -1e-9].sum() * H - 0.5).item()

    slow = gf.decay_rates(double_well, GRID, eps=eps, count=2)[1].item() / eps
    U = lambda x: double_well(x) / eps  # noqa: E731
    Q = gf.fokker_planck(U, GRID)(0.0, torch.eye(121))
    close(gf.transport(start, U, GRID, dt=0.5, halvings=14), start @ torch.linalg.matrix_exp(0.5 * Q), 1e-3)
    assert abs(math.log(left(gf.transport, 0.5) / left(gf.transport, 1.0)) / 0.5 / slow - 1) < 0.02
    odds = math.log(1e3) * math.exp(-3.0)  # log(left / right) decays like e^-t, whatever eps
    assert abs(left(gf.reweight, 3.0) - (1 / (1 + math.exp(-odds)) - 0.5)) < 0.01


def test_kl_on_grid():
    x = torch.linspace(-10, 10, 4001)
    rho, pi = gaussian_density(x, 1.0, 0.5), gaussian_density(x, 0.0, 2.0)
    close(gf.kl_on_grid(rho, pi, 0.005), (0.5 * (1 + 0.5) - 1 - math.log(0.5 * 0.5)) / 2, 1e-8)
    assert gf.kl_on_grid(torch.where(x > 0, rho, 0.0), pi, 0.005).isfinite()


def test_barenblatt_golden_numbers():
    x = torch.zeros(1)
    close(gf.front(x, t=1.0, m=2.0), 2.080083823)
    close(gf.front(x, t=8.0, m=2.0), 2 * 2.080083823)
    close(gf.barenblatt(x, t=1.0, m=2.0), torch.tensor([0.360562393]))


@pytest.mark.parametrize("m", [1.0, 1.3, 2.0, 3.7])
@pytest.mark.parametrize("t", [0.2, 3.0])
def test_barenblatt_has_its_mass_and_solves_the_equation(m, t):
    def u(s, r=t):
        return gf.barenblatt(torch.tensor(s), t=r, m=m, mass=0.7).item()

    edge = gf.front(torch.zeros(1), t=t, m=m, mass=0.7).item() if m > 1 else 30.0
    close(quad(u, -edge, edge, limit=400, points=[0.0])[0], 0.7, 1e-6)
    s, h = 0.31 * min(edge, 1.0), 1e-3
    space = (u(s + h) ** m - 2 * u(s) ** m + u(s - h) ** m) / h**2
    close((u(s, t + 1e-5) - u(s, t - 1e-5)) / 2e-5, space, 1e-4)
    assert m == 1.0 or (u(1.001 * edge) == 0.0 < u(0.999 * edge))


def test_barenblatt_tends_to_the_heat_kernel():
    x = torch.linspace(-3, 3, 50)
    close(gf.barenblatt(x, t=0.8, m=1.002), gf.barenblatt(x, t=0.8, m=1.0), 2e-3)
    close(gf.barenblatt(x, t=0.8, m=1.0, mass=2.0), 2 * gaussian_density(x, 0.0, 1.6))


def test_explicit_porous_medium_follows_barenblatt():
    x = (torch.arange(400) + 0.5) / 400 * 6 - 3
    h = 6 / 400
    u0 = gf.barenblatt(x, t=0.1, m=2.0)
    path = flow(lambda t, u: gf.porous_medium(u, h, m=2.0), u0, 0.9, 18000, method=euler, every=3000)
    assert ((path.end - gf.barenblatt(x, t=1.0, m=2.0)).abs().sum() * h) < 6e-5
    close(path.x.sum(-1) * h, torch.ones(7) * u0.sum() * h, 1e-12)
    assert (path.x >= 0).all()


@pytest.mark.parametrize("m", [1.0, 2.5])
def test_porous_medium_field_is_second_order(m):
    errors = []
    for cells in (100, 200):
        x = torch.linspace(0, 1, cells + 1)
        exact = torch.autograd.functional.hessian(lambda y: ((2 + torch.sin(y)) ** m).sum(), x).diagonal()
        errors.append((gf.porous_medium(2 + torch.sin(x), 1 / cells, m=m) - exact)[2:-2].abs().max().item())
    assert 3.5 < errors[0] / errors[1] < 4.5
    close(gf.porous_medium(torch.tensor([-1.0, 1.0, -1.0]), 1.0, m=m), torch.tensor([1.0, -2.0, 1.0]))


def quantiles(m=1.2, s=2.0, n=400, wide=6.0):
    """A Gaussian as n points and the masses between them."""
    edges = torch.linspace(-wide, wide, n)
    p = torch.diff(torch.special.ndtr(edges))
    return m + s * edges, p / p.sum()


def test_jko_in_quantile_coordinates_finds_the_gaussian_step():
    x, p = quantiles()
    y = gf.jko_quantile_step(bowl(1.5), x, p, tau=0.4)
    w = gf.node_masses(p)
    mean = (w * y).sum()
    close(mean, 0.75, 1e-6)
    inner = w > 1e-6
    slope = (torch.diff(y) / torch.diff(x))[inner[1:]]
    assert (slope * 2.0 - 1.425390530).abs().max() < 1e-3


@pytest.mark.parametrize("V", [bowl(1.5), double_well, tilted, lambda x: torch.cos(3 * x[..., 0]) / 5 + x[..., 0].square() / 2])
@pytest.mark.parametrize("tau", [0.05, 0.5, 5.0])
def test_jko_decreases_the_energy_by_its_own_square(V, tau, generator):
    x = (torch.rand(60, generator=generator) * 4 - 2).sort().values
    p = torch.rand(59, generator=generator) + 0.1
    p = p / p.sum()
    for _ in range(4):
        y = gf.jko_quantile_step(V, x, p, tau=tau)
        assert (torch.diff(y) > 0).all()
        spent = gf.free_energy(V, x, p) - gf.free_energy(V, y, p)
        assert spent >= gf.w2_squared_quantiles(x, y, p) / (2 * tau) - 1e-12 and spent > 0
        x = y
    z = y.clone().requires_grad_()
    total = gf.free_energy(V, z, p) + gf.w2_squared_quantiles(y, z, p) / (2 * tau)
    total.backward()
    assert z.grad.abs().max() > 1e-8  # not at rest yet: the next step moves
    z = gf.jko_quantile_step(V, y, p, tau=tau).requires_grad_()
    (gf.free_energy(V, z, p) + gf.w2_squared_quantiles(y, z, p) / (2 * tau)).backward()
    assert z.grad.abs().max() < 1e-9


def slope_of_jko(V, x, y, p, tau):
    z = y.clone().requires_grad_()
    (gf.free_energy(V, z, p) + gf.w2_squared_quantiles(x, z, p) / (2 * tau)).backward()
    return z.grad.abs().max()


def test_newton_converges_quadratically_on_a_jko_step():
    x, p = quantiles(n=100, wide=3.0)
    assert slope_of_jko(bowl(1.5), x, gf.jko_quantile_step(bowl(1.5), x, p, tau=0.4, iterations=7), p, 0.4) < 1e-10


def test_jko_step_where_the_problem_is_not_convex():
    x, p = torch.linspace(-1.6, -0.8, 60), torch.full((59,), 1 / 59)
    for _ in range(3):
        y = gf.jko_quantile_step(lambda z: 5 * tilted(z), x, p, tau=20.0)
        assert slope_of_jko(lambda z: 5 * tilted(z), x, y, p, 20.0) < 1e-9
        x = y


def test_jko_ends_at_the_gibbs_law_of_a_double_well():
    x, p = quantiles(m=0.0, s=0.8, n=300, wide=5.0)
    for _ in range(60):
        x = gf.jko_quantile_step(tilted, x, p, tau=0.5)
    rho, middle = p / torch.diff(x), (x[1:] + x[:-1]) / 2
    Z = quad(lambda s: math.exp(-tilted(torch.tensor([s])).item()), -6, 6)[0]
    inner = p > 1e-4
    assert ((rho - torch.exp(-tilted(middle[:, None])) / Z).abs()[inner]).max() < 2e-3


def test_free_energy_and_distance_of_quantiles():
    x, p = quantiles(m=1.2, s=2.0, n=2000, wide=7.0)
    exact = 1.5 * (1.2**2 + 4) / 2 - 0.5 * math.log(2 * math.pi * math.e * 4)
    close(gf.free_energy(bowl(1.5), x, p), exact, 1e-4)
    y, _ = quantiles(m=-0.3, s=0.7, n=2000, wide=7.0)
    close(gf.w2_squared_quantiles(x, y, p), 1.5**2 + 1.3**2, 1e-4)
    close(gf.node_masses(torch.tensor([0.2, 0.8])), torch.tensor([0.1, 0.5, 0.4]), 1e-6)


ONE = torch.full((5,), 0.2)
POINTS = torch.arange(6.0)


@pytest.mark.parametrize("call", [
    lambda: gf.rates("V", GRID), lambda: gf.rates(tilted, GRID, eps=0.0), lambda: gf.fokker_planck(tilted, GRID.flip(0)),
    lambda: gf.fokker_planck(tilted, GRID**3), lambda: gf.spacing(torch.ones(2)), lambda: gf.equilibrium(tilted, GRID, eps=-1.0),
    lambda: gf.transition(tilted, GRID, dt=0.0), lambda: gf.transition(tilted, GRID, dt=1.0, halvings=0),
    lambda: gf.decay_rates(tilted, GRID, count=0), lambda: gf.eyring_kramers(double_well, (-1.0, 0.0), 1.0, eps=0.1),
    lambda: gf.eyring_kramers(double_well, (-1.0, 1.0), 0.0, eps=0.0), lambda: gf.eyring_kramers(3, (-1.0, 1.0), 0.0, eps=0.1),
    lambda: gf.fisher_rao_field([1.0]), lambda: gf.fisher_rao(ONE, ONE, 1.0, t=-1.0), lambda: gf.fisher_rao(ONE, [0.2], 1.0, t=1.0),
    lambda: gf.fisher_rao_gaussian(0.0, 1.0, target=(0.0, 1.0), t=-1.0), lambda: gf.transport(ONE, tilted, GRID, dt=-1.0),
    lambda: gf.reweight(ONE, tilted, POINTS[:2], dt=1.0), lambda: gf.both(ONE, tilted, GRID, dt=0.0),
    lambda: gf.porous_medium([1.0], 0.1, m=2.0), lambda: gf.porous_medium(ONE, 0.0, m=2.0), lambda: gf.porous_medium(ONE, 0.1, m=0.5),
    lambda: gf.barenblatt(ONE, t=0.0, m=2.0), lambda: gf.barenblatt(ONE, t=1.0, m=0.9), lambda: gf.barenblatt(ONE, t=1.0, m=2.0, mass=0.0),
    lambda: gf.front(3.0, t=1.0, m=2.0),
    lambda: gf.free_energy("V", POINTS, ONE), lambda: gf.free_energy(tilted, POINTS.flip(0), ONE), lambda: gf.free_energy(tilted, POINTS, -ONE),
    lambda: gf.jko_quantile_step(tilted, POINTS, ONE[:3], tau=1.0), lambda: gf.jko_quantile_step(tilted, POINTS, ONE, tau=0.0),
    lambda: gf.jko_quantile_step(tilted, POINTS, ONE, tau=1.0, iterations=0),
    lambda: gf.kl_on_grid("rho", ONE, 1.0), lambda: gf.bernoulli(1.0), lambda: gf.node_masses([1.0]),
    lambda: gf.w2_squared_quantiles(POINTS, POINTS, [1.0]),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
