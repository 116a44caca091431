"""Densities: three geometries, the porous medium, JKO in quantile coordinates."""

import math

import pytest
import torch
from scipy.integrate import quad

from companion.flow import euler, flow, iterate
from companion.potentials import double_well
from companion.training import gradient_flows as gf
from tests.helpers import close

GRID = torch.linspace(-3, 3, 121, dtype=torch.float64)
H = (GRID[1] - GRID[0]).item()


pytestmark = pytest.mark.usefixtures("float64")


def bowl(lam):
    return lambda x: lam * x.square().sum(-1) / 2


def tilted(x):
    return double_well(x) + 0.3 * x[..., 0]


def some_density(generator):
    rho = torch.rand(2, 121, generator=generator) ** 3
    return rho / (rho.sum(-1, keepdim=True) * H)


def gaussian_density(x, m, v):
    return torch.exp(-((x - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)


@pytest.mark.parametrize("move", [gf.fokker_planck_step, gf.fisher_rao_step, gf.wfr_step])
def test_each_geometry_keeps_mass_and_equilibrium_and_decreases_kl(move, generator):
    rho, pi = some_density(generator), gf.equilibrium(tilted, GRID)
    path = iterate(lambda k, r: move(r, tilted, GRID, dt=0.05), rho, 20)
    close(path.x.sum(-1) * H, torch.ones(21, 2), 1e-10)
    assert (path.x >= 0).all() and (torch.diff(gf.kl_on_grid(path.x, pi, H), dim=0) < 0).all()
    close(move(pi, tilted, GRID, dt=0.3), pi, 1e-8)


def test_both_flows_together_are_the_sum_of_the_two_to_first_order(generator):
    rho, pi = some_density(generator) + 0.05, gf.equilibrium(tilted, GRID)
    rho = rho / (rho.sum(-1, keepdim=True) * H)
    surprise = torch.log(rho / pi)
    mean = (rho * surprise).sum(-1, keepdim=True) * H
    exact = gf.fokker_planck(tilted, GRID)(0.0, rho) - rho * (surprise - mean)
    errors = [((gf.wfr_step(rho, tilted, GRID, dt=dt) - rho) / dt - exact).abs().max() for dt in (2e-6, 1e-6)]
    assert errors[1] < 1e-2 * exact.abs().max() and 1.9 < errors[0] / errors[1] < 2.1


def test_transport_and_reweighting_have_their_own_rates():
    eps = 0.08
    pi = gf.equilibrium(double_well, GRID, eps=eps)
    start = torch.where(GRID < 0, pi, 1e-3 * pi)
    start = start / (start.sum() * H)

    def left(move, t):
        rho = move(start, lambda x: double_well(x) / eps, GRID, dt=t, **({"halvings": 14} if move is gf.fokker_planck_step else {}))
        return (rho[GRID < -1e-9].sum() * H - 0.5).item()

    slow = gf.generator_eigenvalues(double_well, GRID, eps=eps, count=2)[1].item() / eps
    U = lambda x: double_well(x) / eps  # noqa: E731
    Q = gf.fokker_planck(U, GRID)(0.0, torch.eye(121))
    close(gf.fokker_planck_step(start, U, GRID, dt=0.5, halvings=14), start @ torch.linalg.matrix_exp(0.5 * Q), 1e-3)
    assert abs(math.log(left(gf.fokker_planck_step, 0.5) / left(gf.fokker_planck_step, 1.0)) / 0.5 / slow - 1) < 0.02
    odds = math.log(1e3) * math.exp(-3.0)  # log(left / right) decays like e^-t, whatever eps
    assert abs(left(gf.fisher_rao_step, 3.0) - (1 / (1 + math.exp(-odds)) - 0.5)) < 0.01


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
    close(gf.barenblatt(x.float(), t=0.8, m=1.002).double(), gf.barenblatt(x, t=0.8, m=1.002), 1e-6)  # its powers are high
    close(gf.front(x, t=0.8, m=1.0), gf.front(x, t=0.8, m=1.001))


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


@pytest.mark.parametrize("points, masses, words", [
    (POINTS[[0, 2, 1, 3, 4, 5]], ONE, "is not increasing"), (POINTS, ONE * (POINTS[:5] > 0), "expected positive masses"),
])
def test_quantiles_rise_and_gaps_have_mass(points, masses, words):
    with pytest.raises(ValueError, match=words):
        gf.free_energy(tilted, points, masses)


@pytest.mark.parametrize("call", [
    lambda: gf.fokker_planck_step(ONE, tilted, GRID, dt=-1.0),
    lambda: gf.fisher_rao_step(ONE, tilted, POINTS[:2], dt=1.0), lambda: gf.wfr_step(ONE, tilted, GRID, dt=0.0),
    lambda: gf.porous_medium([1.0], 0.1, m=2.0), lambda: gf.porous_medium(ONE, 0.0, m=2.0), lambda: gf.porous_medium(ONE, 0.1, m=0.5),
    lambda: gf.barenblatt(ONE, t=0.0, m=2.0), lambda: gf.barenblatt(ONE, t=1.0, m=0.9), lambda: gf.barenblatt(ONE, t=1.0, m=2.0, mass=0.0),
    lambda: gf.front(3.0, t=1.0, m=2.0),
    lambda: gf.free_energy("V", POINTS, ONE), lambda: gf.free_energy(tilted, POINTS.flip(0), ONE), lambda: gf.free_energy(tilted, POINTS, -ONE),
    lambda: gf.jko_quantile_step(tilted, POINTS, ONE[:3], tau=1.0), lambda: gf.jko_quantile_step(tilted, POINTS, ONE, tau=0.0),
    lambda: gf.jko_quantile_step(tilted, POINTS, ONE, tau=1.0, iterations=0),
    lambda: gf.node_masses([1.0]),
    lambda: gf.w2_squared_quantiles(POINTS, POINTS, [1.0]),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
