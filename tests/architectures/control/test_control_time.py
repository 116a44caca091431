"""Problems in which time enters the motion, the cost and the conditions, from a start other than 0."""

import math

import numpy as np
import pytest
import torch

from companion.architectures.control import Arc, NoSolution, Problem, direct, follow, shoot_arcs, shooting
from companion.architectures.control import double_integrator as cart
from tests.helpers import half_square, near, vector

F8 = torch.float64


def constant(value):
    return Arc(lambda t, x, p: torch.full_like(x[..., :1], value))


# x' = t u, L = (1 + t) u^2 / 2 from x(1) = 0 to x(2) = 1: u = p t / (1 + t) with p = 1 / G

G = 0.5 + math.log(1.5)  # the integral of t^2 / (1 + t) over [1, 2]


def weighted():
    return Problem(lambda t, x, u: t * u, lambda t, x, u: (1 + t) * half_square(t, x, u), x0=vector(0), xT=(1,), t0=1.0, T=2.0)


def test_time_in_motion_and_cost_by_shooting():
    found = shooting(weighted(), p0=vector(0.3), steps=40)
    t = found.path.t
    assert near(t[[0, -1]], [1, 2], 1e-15) and near(found.costate, torch.full((41, 1), 1 / G, dtype=F8), 1e-8)
    assert near(found.u[:, 0], t / (1 + t) / G, 1e-8) and near(found.cost, 1 / (2 * G), 1e-8)
    assert near(found.path.x[:, 0], (t**2 / 2 - t + (1 + t).log() - (0.5 - 1 + math.log(2))) / G, 1e-8)


@pytest.mark.parametrize("N", [1, 3, 8])
def test_time_in_motion_and_cost_directly(N):
    # with b_k, c_k the integrals of t and 1 + t over an interval: the least sum of c u^2 / 2 under sum of b u = 1
    found, t = direct(weighted(), steps=N), torch.linspace(1, 2, N + 1, dtype=F8)
    b, c = t.square().diff() / 2, (t + t.square() / 2).diff()
    p = 1 / (b**2 / c).sum()
    assert near(found.cost, p / 2, 1e-10) and near(found.u[:-1, 0], p * b / c, 1e-5) and near(found.path.t, t, 1e-14)
    assert near(found.costate, p.expand(N + 1, 1), 1e-5) and found.residual < 1e-5
    assert near(found.path.x[1:, 0], (b * found.u[:-1, 0]).cumsum(0), 1e-12)


def test_time_in_motion_and_cost_along_an_arc():
    found = shoot_arcs(weighted(), [Arc(lambda t, x, p: p * t / (1 + t))], lambda t, x, p: x[-1] - 1, p0=vector(0.3), steps=20)
    assert near(found.costate[0], [1 / G], 1e-8) and near(found.cost, 1 / (2 * G), 1e-8) and near(found.path.t[[0, -1]], [1, 2], 0)


# x' = u, L = t + u^2 / 2 from 0 to 1, the end free: H = p^2 / 2 - t vanishes at T, and p (T - 1) = 1

ROOT = max(r.real for r in np.roots([0.5, 0, -1, -1]) if abs(r.imag) < 1e-9)  # p^3 / 2 - p = 1


def hurried():
    return Problem(lambda t, x, u: u, lambda t, x, u: t + half_square(t, x, u), x0=vector(0), xT=(1,), t0=1.0)


@pytest.mark.parametrize("solve", [
    lambda problem: shooting(problem, p0=vector(1.0), T=2.0, steps=4),
    lambda problem: direct(problem, steps=4, u0=1.0, T=2.0),
    lambda problem: shoot_arcs(problem, [Arc(lambda t, x, p: p)], lambda t, x, p: torch.stack([x[-1, 0] - 1, p[-1, 0] ** 2 / 2 - t[-1]]),
                               p0=vector(1.0), times=vector(2.0), steps=4)])
def test_a_free_end_of_a_cost_that_grows_with_time(solve):
    found, T = solve(hurried()), ROOT**2 / 2
    assert near(found.path.t[-1], T, 1e-5) and near(found.u, torch.full_like(found.u, ROOT), 1e-5) and near(found.path.t[0], 1, 0)
    assert near(found.cost, (T**2 - 1) / 2 + ROOT / 2, 1e-9) and near(found.costate, torch.full_like(found.costate, ROOT), 1e-5)
    assert found.residual < 1e-5


# x' = u, |u| <= 1, L = t u, from x(0) = 0 to x(2) = 1/2: H = (p - t) u, full ahead until t = p = 5/4, then back; cost p^2 - 2

def priced_by_the_clock(t0=0.0):
    return Problem(lambda t, x, u: u, lambda t, x, u: (t - t0) * u.sum(-1), x0=vector(0), xT=(0.5,), t0=t0, T=t0 + 2, bounds=(-1, 1))


@pytest.mark.parametrize("t0", [0.0, -3.0])
def test_a_switch_by_the_clock(t0):
    found = shoot_arcs(priced_by_the_clock(t0), [constant(1.0), constant(-1.0)], lambda t, x, p: torch.stack([x[-1, 0] - 0.5, p[0, 0] - (t[0] - t0)]),
                       p0=vector(1.0), times=vector(t0 + 0.8), steps=3)
    assert near(found.path.t[[0, 3, 4, 7]], [t0, t0 + 1.25, t0 + 1.25, t0 + 2], 1e-12) and near(found.costate[0], [1.25], 1e-12)
    assert near(found.cost, 1.25**2 - 2, 1e-12) and found.residual < 1e-12


def test_a_switch_by_the_clock_directly():
    found = direct(priced_by_the_clock(), steps=16)
    assert near(found.cost, 1.25**2 - 2, 1e-9) and near(found.u[:-1, 0], [1.0] * 10 + [-1.0] * 6, 1e-8)
    assert near(found.costate, torch.full((17, 1), 1.25), 1 / 16 + 1e-9)  # all multipliers between the means of t beside the switch are right
    assert found.residual < 1e-9


def test_a_fixed_horizon_along_arcs():
    # least fuel, |u| <= 5: full ahead, off, full back; the end of the last arc is no unknown
    law = cart.fuel(5.0)
    problem = Problem(cart.field, lambda t, x, u: u.abs().sum(-1), x0=vector(-1, 0), xT=(0, 0), T=1.0, bounds=(-5, 5))
    arcs = [constant(5.0), constant(0.0), constant(-5.0)]

    def conditions(t, x, p):  # at rest at the end, p_2 = 1 and -1 at the junctions
        return torch.stack([x[-1, 0], x[-1, 1], p[0, 1] - 1, p[1, 1] + 1])

    found = shoot_arcs(problem, arcs, conditions, p0=vector(4, 2), times=vector(0.2, 0.7), steps=4)
    assert near(found.costate[0], law.p0, 1e-9) and near(found.path.t[[4, 9, 14]], [*law.switches, 1], 1e-10) and near(found.cost, law.cost, 1e-9)
    assert near(found.path.x[-1], [0, 0], 1e-12) and near(found.u[[0, 7, 14], 0], [5, 0, -5], 0)


# against SciPy's solver of boundary value problems

def driven():
    """A pendulum shaken by cos 2t, its angle priced by 1 + sin(t) / 2; the angle of the end is fixed, the speed costs."""
    return Problem(lambda t, x, u: torch.stack([x[..., 1], u[..., 0] - x[..., 0].sin() + 0.3 * (2 * t).cos()], -1),
                   lambda t, x, u: (u[..., 0] ** 2 + (1 + t.sin() / 2) * x[..., 0] ** 2) / 2, x0=vector(0.4, -0.2), xT=(1, None), t0=0.5, T=3.0,
                   final=lambda x: x[..., 1] ** 2)


@pytest.fixture(scope="module")
def by_collocation():
    from scipy.integrate import solve_bvp

    def field(t, y):
        x, v, p, q, _ = y
        price = 1 + np.sin(t) / 2
        return np.stack([v, q - np.sin(x) + 0.3 * np.cos(2 * t), q * np.cos(x) + price * x, -p, (q**2 + price * x**2) / 2])

    t = np.linspace(0.5, 3, 60)
    found = solve_bvp(field, lambda a, b: np.array([a[0] - 0.4, a[1] + 0.2, a[4], b[0] - 1, b[3] + 2 * b[1]]), t, np.zeros((5, 60)), tol=1e-9,
                      max_nodes=20000)
    assert found.success
    return found.sol(0.5)[2:4], found.sol(3.0)[4] + found.sol(3.0)[1] ** 2, found.sol


def test_shooting_agrees_with_collocation(by_collocation):
    p0, cost, path = by_collocation
    found = shooting(driven(), p0=vector(0, 0), steps=60)
    assert near(found.costate[0], p0, 1e-5) and near(found.cost, cost, 1e-6)
    assert near(found.path.x, path(found.path.t.numpy())[:2].T, 1e-5) and near(found.costate[-1, 1], -2 * found.path.x[-1, 1], 1e-8)


def test_the_direct_method_agrees_with_collocation(by_collocation):
    p0, cost, path = by_collocation
    errors = []
    for N in (10, 20):
        found = direct(driven(), steps=N)
        middles = (found.path.t[1:] + found.path.t[:-1]) / 2
        assert cost < found.cost and near(found.costate[0], p0, 0.4 / N) and near(found.u[:-1, 0], path(middles.numpy())[3], 3 / N**2)
        errors.append((found.cost - cost).item())
    assert 3.5 < errors[0] / errors[1] < 4.5  # steps of the control cost order 2


def test_along_an_arc_agrees_with_collocation(by_collocation):
    p0, cost, _ = by_collocation
    found = shoot_arcs(driven(), [Arc(lambda t, x, p: p[..., 1:])], lambda t, x, p: torch.stack([x[-1, 0] - 1, p[-1, 1] + 2 * x[-1, 1]]),
                       p0=vector(0, 0), steps=60)
    assert near(found.costate[0], p0, 1e-5) and near(found.cost, cost, 1e-6)


# what is asked, and what is refused

def test_an_end_before_the_start_is_refused():
    for T in (2.0, 1.0):
        with pytest.raises(ValueError, match="above t0 = 2"):
            Problem(lambda t, x, u: u, x0=vector(0), t0=2.0, T=T)
    for method, guess in ((shooting, {"p0": vector(1.0)}), (direct, {})):
        with pytest.raises(ValueError, match="above 1"):
            method(hurried(), T=1.0, **guess)


def test_arcs_that_run_backwards_are_no_solution():
    # to -1/2 with the throttle open: the arc would have to end before it begins
    problem = Problem(lambda t, x, u: u, lambda t, x, u: 1 + 0 * u.sum(-1), x0=vector(0), xT=(-0.5,), bounds=(-1, 1))
    with pytest.raises(NoSolution, match="before it begins"):
        shoot_arcs(problem, [constant(1.0)], lambda t, x, p: torch.cat([x[-1] + 0.5, p[-1] - 1]), p0=vector(1.0), times=vector(0.5))


def test_conditions_that_forget_the_end_are_no_solution():
    with pytest.raises(NoSolution, match="end xT is missed by 1"):
        shoot_arcs(weighted(), [constant(0.0)], lambda t, x, p: p[-1] - 1, p0=vector(0.5))
    with pytest.raises(NoSolution, match=r"end xT is missed by 1\.00e-04"):  # another end than the problem's
        shoot_arcs(weighted(), [Arc(lambda t, x, p: p * t / (1 + t))], lambda t, x, p: x[-1] - 1.0001, p0=vector(0.3))


@pytest.mark.parametrize("x0, p0, times", [(vector(0, 0), vector(0), vector(1, 2)), (vector(0, 0), vector(0, 0), vector(1, 2)),
                                           (vector(0), vector(0), vector(1, 1.5, 2))])
def test_arcs_are_followed_from_a_state_and_a_costate_over_their_times(x0, p0, times):
    with pytest.raises(ValueError, match="x0, p0, times have shapes"):
        follow(weighted(), [constant(0.0)], x0, p0, times)
