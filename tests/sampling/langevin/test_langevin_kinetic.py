"""Kinetic Langevin: what each splitting keeps, on quadratics without statistics; gaps; limits of large friction; orders."""

import math

import pytest
import torch
from scipy.optimize import minimize_scalar

import companion.sampling.langevin as lg
from companion.flow import flow, iterate
from companion.noise import with_noise
from companion.potentials import double_well, quadratic
from tests.helpers import cloud

F8 = torch.float64
REST = lg.Phase(torch.zeros(1, dtype=F8), torch.zeros(1, dtype=F8))
SPLITTINGS = {"BAOAB": lg.baoab, "OBABO": lg.obabo, "ABOBA": lg.aboba}
KEPT = {"BAOAB": lg.baoab_variances, "OBABO": lg.obabo_variances, "ABOBA": lg.aboba_variances}


def line(omega):
    return quadratic(torch.tensor([[omega**2]], dtype=F8))


def kept(method, h, gamma, omega=1.0, **more):
    """(omega^2 Var x, Cov, Var y) of the stationary law, by Lyapunov."""
    C = lg.stationary_covariance(method(line(omega), h, gamma=gamma, **more), REST)
    return omega**2 * C[0, 0].item(), C[0, 1].item(), C[1, 1].item()


# --- stationary laws (1c.6, 1c.7) ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("gamma", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("h, omega", [(0.5, 1.0), (1.9, 1.0), (0.3, 4.0)])
@pytest.mark.parametrize("name", SPLITTINGS)
def test_what_a_splitting_keeps(name, h, omega, gamma):
    q = (h * omega) ** 2 / 4
    closed = {"BAOAB": (1, 1 - q), "OBABO": (1 / (1 - q), 1), "ABOBA": (1, 1 / (1 - q))}[name]
    x, across, y = kept(SPLITTINGS[name], h, gamma, omega)
    assert (x, y) == pytest.approx(closed, rel=1e-9) and abs(across) < 1e-9
    assert KEPT[name](h, omega=omega) == pytest.approx(closed, rel=1e-14)


@pytest.mark.parametrize("name", SPLITTINGS)
def test_the_temperature_scales_the_law(name):
    x, _, y = kept(SPLITTINGS[name], 0.8, 1.3, 1.0, temperature=0.3)
    assert (x / 0.3, y / 0.3) == pytest.approx(KEPT[name](0.8), rel=1e-9)
    assert kept(lg.kinetic_euler, 0.1, 1.3, 1.0, temperature=0.3)[2] / 0.3 == pytest.approx(lg.kinetic_euler_variances(0.1, gamma=1.3).y, rel=1e-9)


@pytest.mark.parametrize("h, gamma, omega", [(0.5, 1.0, 1.0), (0.01, 0.5, 2.0), (0.05, 3.0, 7.0), (0.3, 5.0, 1.0)])
def test_what_euler_keeps(h, gamma, omega):
    x, _, y = kept(lg.kinetic_euler, h, gamma, omega)
    assert lg.kinetic_euler_variances(h, gamma=gamma, omega=omega) == pytest.approx((x, y), rel=1e-9)


def test_euler_pays_more_than_obabo():
    """1c.7 at h = 1/2, gamma = omega = 1."""
    assert lg.kinetic_euler_variances(0.5, gamma=1.0) == pytest.approx((2.153846, 2.461538), abs=5e-7)
    assert lg.obabo_variances(0.5) == pytest.approx((1.0667, 1.0), abs=5e-5)


@pytest.mark.parametrize("gamma, omega", [(1.0, 1.0), (0.3, 2.0), (6.0, 1.0), (2.0, 1.0), (8.0, 3.0)])
def test_where_euler_is_stable(gamma, omega):
    for h in (0.02, 0.2, 0.5, 0.9, 1.1, 2.0):
        if lg.contraction(lg.kinetic_euler(line(omega), h, gamma=gamma), REST) < 1 - 1e-12:
            lg.kinetic_euler_variances(h, gamma=gamma, omega=omega)
        else:
            with pytest.raises(ValueError, match="unstable"):
                lg.kinetic_euler_variances(h, gamma=gamma, omega=omega)


@pytest.mark.parametrize("name", SPLITTINGS)
def test_a_splitting_is_stable_below_two_over_omega(name):
    inside, outside = (lg.contraction(SPLITTINGS[name](line(3.0), h, gamma=1.0), REST) for h in (0.66, 0.67))
    assert inside < 1 < outside


@pytest.mark.parametrize("name, ones", [("BAOAB", 1), ("ABOBA", 1), ("OBABO", 2), ("Euler", 1)])
def test_noise_belongs_to_the_velocity(name, ones):
    B = lg.linear_step((SPLITTINGS | {"Euler": lg.kinetic_euler})[name](line(1.0), 0.5, gamma=1.0), REST).B
    assert (B.abs().sum(0) > 0).tolist() == [ones == 2, True]


# --- the words --------------------------------------------------------------------------------------------------------------------

def by_hand(word, z, xi, h, gamma, T):
    (x, y), draws = z, {"BAOAB": ["y"], "ABOBA": ["y"], "OBABO": ["y", "x"]}[word][:]
    for letter in word:
        s = h if word.count(letter) == 1 else h / 2
        slope = torch.stack([x[..., 0] * (x[..., 0].square() - 1), x[..., 1]], -1)
        if letter == "A":
            x = x + s * y
        if letter == "B":
            y = y - s * slope
        if letter == "O":
            y = math.exp(-gamma * s) * y + math.sqrt(T * (1 - math.exp(-2 * gamma * s))) * getattr(xi, draws.pop(0))
    return lg.Phase(x, y)


@pytest.mark.parametrize("word", SPLITTINGS)
def test_a_word_is_its_flows_from_left_to_right(word):
    z, xi = lg.Phase(*cloud(2, 5, 2)), lg.Phase(*cloud(2, 5, 2, seed=1))
    step = SPLITTINGS[word](double_well, 0.3, gamma=0.7, temperature=0.6)
    torch.testing.assert_close(step(3, z, xi), by_hand(word, z, xi, 0.3, 0.7, 0.6))


def test_euler_by_hand():
    z, xi = lg.Phase(*cloud(2, 5, 2)), lg.Phase(*cloud(2, 5, 2, seed=1))
    x, y = z
    slope = torch.stack([x[:, 0] * (x[:, 0].square() - 1), x[:, 1]], -1)
    torch.testing.assert_close(lg.kinetic_field(double_well, gamma=0.7)(0.0, z), lg.Phase(y, -slope - 0.7 * y))
    found = lg.kinetic_euler(double_well, 0.2, gamma=0.7, temperature=0.5)(4, z, xi)
    torch.testing.assert_close(found, lg.Phase(x + 0.2 * y, y - 0.2 * slope - 0.14 * y + math.sqrt(2 * 0.7 * 0.2 * 0.5) * xi.y))


@pytest.mark.parametrize("name", SPLITTINGS)
def test_without_friction_it_is_leapfrog(name):
    """gamma = 0: the energy oscillates by O(h^2) and does not drift; and the step is reversible: back with y turned round."""
    step, z = SPLITTINGS[name](double_well, 0.05, gamma=0.0), lg.Phase(cloud(20, 2) + 1, cloud(20, 2, seed=1))
    energy = lambda z: double_well(z.x) + z.y.square().sum(-1) / 2  # noqa: E731
    ones = lg.Phase(*torch.ones(2, 20, 2, dtype=F8))
    path = iterate(lambda k, z: step(k, z, ones), z, 400)
    drift = energy(path.x) - energy(z)
    assert drift.abs().max() < 0.03
    turned = path.end._replace(y=-path.end.y)
    back = iterate(lambda k, z: step(k, z, ones), turned, 400).end
    torch.testing.assert_close(back, lg.Phase(z.x, -z.y))


@pytest.mark.parametrize("name", [*SPLITTINGS, "Euler"])
def test_means_follow_the_field_with_the_order_of_the_scheme(name):
    """Without temperature, against the exact exponential of the linear field: order 2 for splittings, 1 for Euler."""
    gamma, z, ones = 0.9, lg.Phase(*torch.tensor([[1.0], [0.5]], dtype=F8)), lg.Phase(*torch.ones(2, 1, dtype=F8))
    exact = flow(lg.kinetic_field(line(1.3), gamma=gamma), z, 2.0, 4000).end
    errors = []
    for n in (40, 80):
        step = (SPLITTINGS | {"Euler": lg.kinetic_euler})[name](line(1.3), 2.0 / n, gamma=gamma, temperature=0.0)
        end = iterate(lambda k, z, step=step: step(k, z, ones), z, n).end
        errors.append(math.dist(end, exact))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1 if name == "Euler" else 2, abs=0.15)


def test_in_the_limit_of_large_friction_baoab_is_leimkuhler_matthews():
    """c = 0: velocities are drawn anew, and positions make the step h^2 / 2 of the scheme with the averaged noise."""
    h, n, xi = 0.4, 6, cloud(8, 5, 2)
    x, noises = cloud(5, 2, seed=1), [lg.Phase(xi[i], xi[i]) for i in range(8)]
    z = lg.Phase(x, torch.zeros_like(x))
    step = lg.baoab(double_well, h, gamma=1e4)
    overdamped = lg.leimkuhler_matthews(double_well, h**2 / 2)
    path = iterate(lambda k, z: step(k, z, noises[k]), z, n + 1).x.x
    pair = lg.Averaged(path[1], xi[0])
    states = iterate(lambda k, z: overdamped(k, z, xi[k + 1]), pair, n).x.x
    torch.testing.assert_close(path[1:], states)


def waves(x):
    return (x.square() / 2 + torch.cos(2 * x)).sum(-1)


def test_the_law_of_a_wavy_potential():
    """Statistics once: 20000 particles with h = 0.3; the second moment of BAOAB is that of exp(-V) by quadrature, of Euler it is not."""
    n, h, gamma = 20_000, 0.3, 1.0
    grid = torch.linspace(-9, 9, 4001, dtype=F8)
    weight = torch.exp(-waves(grid[:, None]))
    exact = ((grid.square() * weight).sum() / weight.sum()).item()
    start, error = lg.Phase(cloud(n, 1) * exact**0.5, cloud(n, 1, seed=1)), {}
    for name, method in (("BAOAB", lg.baoab), ("Euler", lg.kinetic_euler)):
        square = iterate(with_noise(method(waves, h, gamma=gamma), seed=2), start, 80).end.x.square()
        error[name] = abs(square.mean().item() - exact) / (square.std().item() / math.sqrt(n))
    assert error["BAOAB"] < 4 and error["Euler"] > 20


# --- gaps (1c.5) -----------------------------------------------------------------------------------------------------------------

def test_gaps_by_the_numbers():
    found = [lg.kinetic_gap(gamma).item() for gamma in (1.0, 2.0, 3.0, 5.0, 10.0)]
    assert found == pytest.approx([0.5, 1.0, 0.38197, 0.20871, 0.10102], abs=5e-6)


@pytest.mark.parametrize("gamma, omega", [(0.3, 1.0), (1.9, 1.0), (2.3, 1.0), (9.0, 4.0), (5.0, 0.5)])
def test_gap_against_eigenvalues(gamma, omega):
    assert lg.kinetic_gap(gamma, omega=omega).item() == pytest.approx(lg.drift_gap(lg.kinetic_field(line(omega), gamma=gamma), REST), rel=1e-9)


def test_the_flattest_direction_alone_sets_the_friction():
    omega = torch.tensor([1.5, 2.0, 5.0], dtype=F8)
    assert lg.best_friction(omega.square()).item() == 3.0
    best = minimize_scalar(lambda g: -lg.kinetic_gap(g, omega=omega).min().item(), bounds=(0.1, 12), method="bounded", options={"xatol": 1e-9})
    assert best.x == pytest.approx(3.0, abs=1e-6) and -best.fun == pytest.approx(1.5, abs=1e-3)
    for steep in (4.0, 400.0):
        field = lg.kinetic_field(quadratic(torch.diag(torch.tensor([1.0, steep], dtype=F8))), gamma=1.9)
        assert lg.drift_gap(field, lg.Phase(*torch.zeros(2, 2, dtype=F8))) == pytest.approx(0.95, rel=1e-9)


def test_jordan_block_at_critical_friction():
    """gamma = 2 omega: |mean| ~ (1 + omega t) exp(-omega t) from rest."""
    omega = 1.7
    end = flow(lg.kinetic_field(line(omega), gamma=2 * omega), lg.Phase(*torch.tensor([[1.0], [0.0]], dtype=F8)), 3.0, 2000).end
    assert end.x.item() == pytest.approx((1 + 3 * omega) * math.exp(-3 * omega), rel=1e-8)


def test_sliders_of_a_traced_step():
    from torch.fx.experimental.proxy_tensor import make_fx

    def taught(z, xi, h, gamma):
        steps = (*SPLITTINGS.values(), lg.kinetic_euler)
        return [method(double_well, h, gamma=gamma)(0, z, xi) for method in steps], lg.kinetic_gap(gamma, omega=2.0)

    inputs = (lg.Phase(*cloud(2, 4, 2)), lg.Phase(*cloud(2, 4, 2, seed=1)), torch.tensor(0.1, dtype=F8), torch.tensor(0.8, dtype=F8))
    graph = make_fx(taught, tracing_mode="symbolic")(*inputs)
    other = (lg.Phase(*cloud(2, 9, 2)), lg.Phase(*cloud(2, 9, 2, seed=1)), torch.tensor(0.3, dtype=F8), torch.tensor(5.0, dtype=F8))
    torch.testing.assert_close(graph(*other), taught(*other))
    assert lg.kinetic_gap(torch.tensor(3.0)).dtype == torch.float32


# --- bad input -------------------------------------------------------------------------------------------------------------------

X = torch.ones(3, 2)
Z = lg.Phase(X, X)
BOWL = quadratic(torch.eye(2))


@pytest.mark.parametrize("method", [*SPLITTINGS.values(), lg.kinetic_euler])
@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda m: m(3, 0.1, gamma=1.0), TypeError, "function"),
    (lambda m: m(BOWL, 0.0, gamma=1.0), ValueError, "h = 0"),
    (lambda m: m(BOWL, 0.1, gamma=-1.0), ValueError, "gamma = -1"),
    (lambda m: m(BOWL, 0.1, gamma=1.0, temperature=-1.0), ValueError, "temperature"),
    (lambda m: m(BOWL, 0.1, gamma="1"), TypeError, "gamma"),
    (lambda m: m(BOWL, 0.1, gamma=1.0)(0, X, X), TypeError, r"z is a Tensor; expected Phase\(x, y\)"),
    (lambda m: m(BOWL, 0.1, gamma=1.0)(0, lg.Averaged(X, X), Z), TypeError, r"z is a Averaged; expected Phase\(x, y\)"),
    (lambda m: m(BOWL, 0.1, gamma=1.0)(0, lg.Phase(X[0, 0], X[0, 0]), Z), ValueError, r"z.x has shape \(\)"),
    (lambda m: m(BOWL, 0.1, gamma=1.0)(0, lg.Phase(X, X[:1]), Z), ValueError, "z.y has shape"),
    (lambda m: m(BOWL, 0.1, gamma=1.0)(0, Z, lg.Phase(X[:1], X[:1])), ValueError, "xi.x has shape"),
    (lambda m: m(BOWL, 0.1, gamma=1.0)(0, Z, X), TypeError, "xi is a Tensor"),
    (lambda m: m(BOWL, 0.1, gamma=1.0)(0, Z, 0), TypeError, "xi"),
])
def test_bad_steps_are_told(method, call, error, words):
    with pytest.raises(error, match=words):
        call(method)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: lg.kinetic_field(None, gamma=1.0), TypeError, "function"),
    (lambda: lg.kinetic_field(BOWL, gamma=-1.0), ValueError, "gamma"),
    (lambda: lg.kinetic_field(BOWL, gamma=1.0)(0.0, X), TypeError, r"Phase\(x, y\)"),
    (lambda: lg.baoab_variances(2.0), ValueError, "stable"),
    (lambda: lg.obabo_variances(0.0), ValueError, "h = 0"),
    (lambda: lg.aboba_variances(0.5, omega=4.0), ValueError, "stable"),
    (lambda: lg.aboba_variances(0.5, omega=0.0), ValueError, "omega"),
    (lambda: lg.kinetic_euler_variances(0.0, gamma=1.0), ValueError, "h = 0"),
    (lambda: lg.kinetic_euler_variances(0.1, gamma=0.0), ValueError, "gamma"),
    (lambda: lg.kinetic_gap("3"), TypeError, "gamma is '3'"),
    (lambda: lg.kinetic_gap(torch.nan), ValueError, "finite"),
    (lambda: lg.best_friction(torch.tensor([1.0, 0.0])), ValueError, "positive"),
    (lambda: lg.best_friction(torch.ones(2, 2)), ValueError, "positive"),
    (lambda: lg.best_friction([1.0]), TypeError, "curvatures is a list"),
])
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()
