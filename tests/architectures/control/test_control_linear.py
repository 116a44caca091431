"""Linear-quadratic control: Riccati, the exact solver, the turnpike; and what a reader may get wrong."""

import math

import pytest
import torch

from companion.architectures import control
from companion.architectures.control import Problem, direct, shooting, solve
from companion.architectures.control import double_integrator as cart
from companion.flow import flow
from tests.helpers import half_square, near, vector

F8 = torch.float64
OSCILLATOR = {"A": [[0.0, 1.0], [-1.0, 0.0]], "B": [[0.0], [1.0]], "Q": [[1.0, 0.0], [0.0, 1.0]], "R": [[1.0]]}
SCALAR = {"A": [[1.0]], "B": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}


def test_riccati_of_the_oscillator():
    P, K = control.riccati(**OSCILLATOR)
    p12, p22 = math.sqrt(2) - 1, math.sqrt(2 * math.sqrt(2) - 1)
    assert near(P, [[math.sqrt(2) * p22, p12], [p12, p22]], 1e-12) and near(K, [[p12, p22]], 1e-12)
    assert p22 == pytest.approx(1.352193449) and math.sqrt(2) * p22 == pytest.approx(1.912290315)
    closed = torch.linalg.eigvals(vector(0, 1, -1, 0).reshape(2, 2) - vector(0, 1)[:, None] @ K)
    assert near(closed.real, [-0.676096725] * 2, 1e-9) and near(closed.imag.abs(), [0.978318343] * 2, 1e-9)


@pytest.mark.parametrize("T, cost", [(3.0, 0.648779991), (5.0, 0.673999046), (30.0, 0.676096725)])
def test_costs_of_the_oscillator(T, cost):
    found = control.linear_quadratic(**OSCILLATOR, x0=vector(0, 1), T=T)
    assert near(found.cost, cost, 1e-9) and found.residual < 1e-12 and near(found.costate[-1], [0, 0], 1e-12)
    P = flow(control.riccati_field(**OSCILLATOR), torch.zeros(2, 2, dtype=F8), T, 1000).end
    assert near(P[1, 1] / 2, cost, 1e-9) and near(-P @ vector(0, 1), found.costate[0], 1e-8)


def test_riccati_is_tanh():
    P = flow(control.riccati_field([[0.0]], [[1.0]], [[1.0]], [[1.0]]), torch.zeros(1, 1, dtype=F8), 2.0, 200)
    assert near(P.x[:, 0, 0], P.t.tanh(), 1e-9)


def test_the_exact_solver_agrees_with_shooting_and_with_the_direct_method():
    A, B, Q, R, a, F = [[0.2, 1.0], [-0.5, -0.1]], [[0.3], [1.0]], [[2.0, 0.3], [0.3, 1.0]], [[0.7]], vector(0.4, -0.2), [[1.0, 0.2], [0.2, 0.5]]
    (At, Bt, Qt, Rt, Ft) = (torch.tensor(m, dtype=F8) for m in (A, B, Q, R, F))

    def weighed(x, M):
        return ((x - a) @ M * (x - a)).sum(-1) / 2

    def problem(**end):
        return Problem(lambda t, x, u: x @ At.T + u @ Bt.T, lambda t, x, u: weighed(x, Qt) + (u @ Rt * u).sum(-1) / 2, x0=vector(1, 2), T=1.5, **end)

    for end, options in (({"final": lambda x: weighed(x, Ft)}, {"F": F}), ({"xT": (0.5, -0.5)}, {"xT": vector(0.5, -0.5)})):
        exact = control.linear_quadratic(A, B, Q, R, x0=vector(1, 2), T=1.5, target=a, steps=60, **options)
        shot = shooting(problem(**end), p0=vector(0, 0), steps=60)
        assert near(exact.path.x, shot.path.x, 1e-7) and near(exact.u, shot.u, 1e-6) and near(exact.costate, shot.costate, 1e-6)
        assert near(exact.cost, shot.cost, 5e-7)  # its steps
        coarse = control.linear_quadratic(A, B, Q, R, x0=vector(1, 2), T=1.5, target=a, steps=3, **options)
        assert near(coarse.cost, exact.cost, 1e-11)  # exact, whatever the grid
        assert near(direct(problem(**end), steps=15).cost, shot.cost, 1.5e-2)


def test_turnpike():
    rest = control.steady(**SCALAR, target=[1.0])
    assert near(rest.x, [0.5], 1e-14) and near(rest.u, [-0.5], 1e-14) and near(rest.p, [-0.5], 1e-14)
    assert rest.rate == pytest.approx(math.sqrt(2))
    left = {}
    for T, expected in ((5.0, 1.08e-1), (10.0, 3.15e-3), (20.0, 2.67e-6)):
        found = control.linear_quadratic(**SCALAR, x0=vector(3), T=T, target=[1.0], steps=400)
        left[T] = (found.path.x[200, 0] - 0.5).abs().item()
        assert left[T] == pytest.approx(expected, rel=5e-3)
        t, apart = found.path.t, (found.path.x[:, 0] - 0.5).abs()
        assert (apart <= 4 * (torch.exp(-rest.rate * t) + torch.exp(-rest.rate * (T - t)))).all()
    assert math.log(left[10.0] / left[20.0]) / 5 == pytest.approx(math.sqrt(2), abs=1e-4)


@pytest.mark.parametrize("T, norm", [(5, 1177.4), (10, 1.39e6), (20, 1.92e12)])
def test_shooting_is_hopeless_on_a_turnpike(T, norm):
    M = control.hamiltonian_matrix(**SCALAR)
    assert near(M, [[1, 1], [1, -1]], 0)
    grows = torch.linalg.matrix_norm(torch.linalg.matrix_exp(T * M), 2).item()
    assert grows == pytest.approx(math.exp(math.sqrt(2) * T), rel=1e-9) and grows == pytest.approx(norm, rel=5e-3)


def test_a_turnpike_with_corners():
    # the integral of x^2 with |u| <= 1 from 1 to 1/2 in T = 2: down to 0, stay, up: 1/3 + 1/24
    problem = Problem(lambda t, x, u: u, lambda t, x, u: x.square().sum(-1), x0=vector(1), xT=(0.5,), T=2.0, bounds=(-1, 1))
    found = direct(problem, steps=40)
    assert near(found.cost, 0.375, 1e-6) and near(found.u[[5, 25, 35], 0], [-1, 0, 1], 2e-2)


def test_successive_approximations_are_gradient_descent():
    # u <- -a (u - 1) on 1/2 int u^2 + a/2 (x(1) - 1)^2: converges iff a < 1; damped by theta iff theta (1 + a) < 2
    def after(a, theta, n=400):
        u = 0.0
        for _ in range(n):
            u = (1 - theta) * u + theta * -a * (u - 1)
        return u

    problem = Problem(lambda t, x, u: u, half_square, x0=vector(0), T=1.0, final=lambda x: 0.9 * (x - 1).square().sum(-1) / 2)
    best = direct(problem, steps=1).u[0, 0]
    assert near(best, 0.9 / 1.9, 1e-9) and near(after(0.9, 1.0), best, 1e-9) and abs(after(1.1, 1.0)) > 1e9
    assert near(after(3.0, 0.49), 0.75, 1e-6) and abs(after(3.0, 0.51)) > 1e3


# what a reader may get wrong

def transfer(**options):
    return Problem(cart.field, **{"cost": half_square, "x0": vector(-1, 0), "xT": (0, 0), "T": 1.0} | options)


def full(t, x, p):
    return torch.ones_like(x[..., :1])


@pytest.mark.parametrize("make, error, words", [
    (lambda: Problem(3, x0=vector(1), T=1.0), TypeError, "function"),
    (lambda: transfer(x0=torch.zeros(2, 2)), ValueError, "one finite state"),
    (lambda: transfer(xT=(0,)), ValueError, "2, one for each"),
    (lambda: transfer(xT=(0, math.inf)), ValueError, r"xT\[1\]"),
    (lambda: transfer(T=-1.0), ValueError, "above t0"),
    (lambda: transfer(bounds=(1, 1)), ValueError, "lo < hi"),
    (lambda: transfer(controls=0), ValueError, "controls"),
    (lambda: Problem(lambda t, x, u: x[..., :1], x0=vector(0, 0), T=1.0), ValueError, "shape of x|that of x"),
    (lambda: Problem(cart.field, lambda t, x, u: u, x0=vector(0, 0), T=1.0), ValueError, "expected a number"),
    (lambda: Problem(cart.field, x0=vector(0, 0), T=1.0, final=lambda x: x), ValueError, "final"),
    (lambda: solve(cart.field, method=direct), TypeError, "Problem"),
    (lambda: solve(transfer(), method="direct"), TypeError, "function"),
    (lambda: shooting(transfer(), p0=vector(1)), ValueError, "p0 has shape"),
    (lambda: shooting(transfer(), p0=vector(1, 1), T=1.0), ValueError, "end of its own"),
    (lambda: shooting(transfer(T=None), p0=vector(1, 1)), ValueError, "guess"),
    (lambda: direct(transfer(), T=2.0), ValueError, "end of its own"),
    (lambda: direct(transfer(T=None)), ValueError, "guess"),
    (lambda: direct(transfer(), steps=4, u0=torch.zeros(3, 1)), ValueError, "u0 has shape"),
    (lambda: shooting(transfer(cost=lambda t, x, u: u.abs().sum(-1)), p0=vector(1, 1)), ValueError, "separable"),
    (lambda: shooting(transfer(cost=lambda t, x, u: 1 + 0 * x.sum(-1), T=None), p0=vector(1, 1), T=1.0), ValueError, "not bounded above.*bounds="),
    (lambda: control.shoot_arcs(transfer(), [], None, p0=vector(1, 1), times=vector(1)), TypeError, "conditions"),
    (lambda: control.shoot_arcs(transfer(), [], lambda t, x, p: x, p0=vector(1, 1)), TypeError, "at least one"),
    (lambda: control.shoot_arcs(transfer(T=None), [control.Arc(full)], lambda t, x, p: x, p0=vector(1, 1)), ValueError, "an end for each arc"),
    (lambda: control.shoot_arcs(transfer(), [control.Arc(full)], lambda t, x, p: x, p0=vector(1, 1), times=vector(1)), ValueError, "ends at T = 1"),
    (lambda: control.newton(lambda y: y[:1], vector(1, 1)), ValueError, "as many conditions"),
    (lambda: control.riccati([[0.0]], [[0.0, 1.0]], [[1.0]], [[1.0]]), ValueError, "shapes"),
    (lambda: control.riccati([[0.0]], [[1.0]], [[1.0]], [[-1.0]]), ValueError, "weigh"),
    (lambda: control.riccati([[1.0]], [[0.0]], [[1.0]], [[1.0]]), ValueError, "stabilisable"),
    (lambda: cart.fuel(4.0), ValueError, "more than"), (lambda: cart.bounded_energy(3.0), ValueError, "more than"),
    (lambda: cart.energy(-1.0), ValueError, "d = "), (lambda: cart.least_time(vector(1, 1), 0.0), ValueError, "gamma"),
])
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_an_impossible_transfer_says_so():
    with pytest.raises(control.NoSolution, match="The end is missed by") as told:
        direct(transfer(bounds=(-3, 3)), steps=10, most=30)  # 4 is needed
    assert told.value.residual > 1e-3
    with pytest.raises(control.NoSolution, match="residuals") as told:
        shooting(Problem(lambda t, x, u: u - x.square() - 1, half_square, x0=vector(0), xT=(3,), T=1.0, bounds=(-0.5, 0.5)), p0=vector(1.0), steps=20)
    assert told.value.residual.shape == (1,)
