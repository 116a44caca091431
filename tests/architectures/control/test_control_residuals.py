"""What a method reports of itself: residuals, ends that cannot be reached, constraints, kinks, and starts of every quality."""

import time

import pytest
import torch

from companion.architectures import control
from companion.architectures.control import Arc, NoSolution, Problem, direct, shoot_arcs, shooting
from companion.architectures.control import double_integrator as cart
from companion.architectures.control.kinks import kinks
from companion.flow import flow
from tests.helpers import half_square, near, vector

F8 = torch.float64


def line(**options):
    """x' = u from 0, with least 1/2 integral of u^2."""
    return Problem(lambda t, x, u: u, half_square, **{"x0": vector(0), "T": 1.0} | options)


# residuals

def test_newton_reports_the_largest_residual():
    with pytest.raises(NoSolution, match=r"residuals \(0.00e\+00, ") as told:
        control.newton(lambda y: torch.stack([y[0], 1 + y[1] ** 2]), vector(0, 0.5))
    assert told.value.residual[0] == 0 and told.value.residual[1] >= 1
    assert near(control.newton(lambda y: torch.stack([y[1] ** 3 - 8, y[0] - y[1]]), vector(1, 1)), [2, 2], 1e-9)


def test_newton_steps_back_from_what_overflows():
    # log y + 3: from 1 Newton's step is -2, where there is no logarithm
    assert near(control.newton(lambda y: y.log() + 3, vector(1.0)).log(), [-3], 1e-9)
    with pytest.raises(NoSolution, match="at the guess") as told:
        control.newton(lambda y: y.log(), vector(-1.0))
    assert told.value.residual.isnan().all()


def test_a_jacobian_of_functions_that_know_no_batches():
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, y):
            ctx.save_for_backward(y)
            return y * y

        @staticmethod
        def backward(ctx, g):
            return g * 2 * float(ctx.saved_tensors[0][0]) * float(g.sum() / g.sum()) if g.sum() else 0 * g  # looks at numbers

    assert near(control.newton(lambda y: Square.apply(y) - 4, vector(1.5)), [2], 1e-9)


def test_the_direct_method_reports_the_largest_miss():
    # nothing acts on the first two components: they end at 1 and 3, wherever the third goes
    problem = Problem(lambda t, x, u: torch.stack([0 * u[..., 0] + 1, 0 * u[..., 0] + 3, u[..., 0]], -1), half_square, x0=vector(0, 0, 0),
                      xT=(0, 0, 0.5), T=1.0)
    with pytest.raises(NoSolution, match=r"missed by 3\.00e") as told:
        direct(problem, steps=3, most=20)
    assert told.value.residual == pytest.approx(3, abs=1e-6)


def test_the_direct_method_reports_the_largest_breach():
    # x' = u - 2 with |u| <= 1 falls to -1 at least, and -1/2 is allowed
    problem = Problem(lambda t, x, u: u - 2, half_square, x0=vector(0), T=1.0, bounds=(-1, 1), above=lambda x: x + 0.5)
    with pytest.raises(NoSolution, match="constraints by") as told:
        direct(problem, steps=4, most=20)
    assert 0.4 < told.value.residual < 4


def test_an_unreachable_end_by_shooting():
    with pytest.raises(NoSolution, match="residuals") as told:
        shooting(line(xT=(2,), bounds=(-1, 1)), p0=vector(0.3), steps=5)
    assert told.value.residual.abs() >= 1 - 1e-9  # at full throttle it comes to 1


# what must stay >= 0

def test_a_constraint_that_holds_at_the_end():
    # x' = 1 + u, x(2) <= 1: u = -1/2 = p all along
    problem = Problem(lambda t, x, u: 1 + u, half_square, x0=vector(0), T=2.0, above=lambda x: torch.stack([1 - x[..., 0], x[..., 0] + 5], -1))
    found = direct(problem, steps=6)
    assert near(found.cost, 0.25, 1e-8) and near(found.u, torch.full((7, 1), -0.5, dtype=F8), 1e-5)
    assert near(found.costate, torch.full((7, 1), -0.5, dtype=F8), 1e-5) and near(found.path.x[-1], [1], 1e-8)


def test_a_constraint_along_the_way():
    # x'' = u from (0, 1) to (0, -1) with x <= 1/9, T = 1 (Bryson and Denham, 1963): cost 4 / (9 l) for l <= 1/6
    problem = Problem(cart.field, half_square, x0=vector(0, 1), xT=(0, -1), T=1.0, above=lambda x: 1 / 9 - x[..., :1])
    found = direct(problem, steps=24)
    assert near(found.cost, 4, 0.05) and found.path.x[:, 0].max() < 1 / 9 + 1e-7 and found.cost > 3.99
    assert near(found.costate[0], [-2 / (9 / 81), -2 / (3 / 9)], 1.5)  # u = p_2 = -(2 / 3l) (1 - t / 3l) on the first arc
    with pytest.raises(NoSolution, match=r"leaves what is allowed.* by 1\.39e-01"):  # without it the parabola t (1 - t), up to 1/4
        shooting(problem, p0=vector(0, -2), steps=10)


def test_a_start_that_breaks_a_constraint():
    with pytest.raises(ValueError, match=r"above\(x0\) = \[-1\.0"):
        line(above=lambda x: x - 1)
    with pytest.raises(ValueError, match=r"g\(x\)\[\.\.\., None\]"):
        line(above=lambda x: 1 - x[..., 0])


def test_a_law_that_leaves_the_bounds():
    with pytest.raises(NoSolution, match=r"by 5\.00e-01"):
        shooting(line(xT=(1.5,), bounds=(-1, 1)), p0=vector(1.0), law=lambda t, x, p: p, steps=4)
    with pytest.raises(NoSolution, match=r"by 1\.00e"):
        shoot_arcs(line(xT=(-2,), bounds=(-1, 1)), [Arc(lambda t, x, p: p)], lambda t, x, p: x[-1] + 2, p0=vector(1.0), steps=4)


# where the control jumps, or has a kink

def test_a_bang_bang_problem_is_refused_at_once():
    swing = Problem(lambda t, x, u: torch.stack([x[..., 1], u[..., 0] - x[..., 0] - 0.2 * x[..., 1]], -1), lambda t, x, u: 1 + 0 * u.sum(-1),
                    x0=vector(2, 0), xT=(0, 0), bounds=(-1, 1))
    begin = time.process_time()
    with pytest.raises(ValueError, match=r"u\[0\].*jumps.*shoot_arcs"):
        shooting(swing, p0=vector(0.5, 0.5), T=2.5)
    assert time.process_time() - begin < 2
    with pytest.raises(ValueError, match=r"u\[1\].*shoot_arcs"):
        shooting(Problem(lambda t, x, u: u.sum(-1, keepdim=True), lambda t, x, u: u[..., 0] ** 2, x0=vector(0), xT=(1,), T=1.0, controls=2,
                         bounds=(-1, 1)), p0=vector(1.0))


@pytest.mark.parametrize("steps, law", [(15, None), (16, None), (23, lambda t, x, p: p[..., 1:].clamp(-4.5, 4.5))])
def test_shooting_over_kinks(steps, law):
    exact = cart.bounded_energy(4.5)
    problem = Problem(cart.field, half_square, x0=vector(-1, 0), xT=(0, 0), T=1.0, bounds=(-4.5, 4.5))
    found = shooting(problem, p0=vector(12, 6), law=law, steps=steps)
    assert near(found.cost, exact.cost, 1e-7) and near(found.costate[0], exact.p0, 1e-6) and found.residual < 1e-7
    for switch in exact.switches:
        assert (found.path.t - switch).abs().min() < 1e-7


def test_a_free_end_after_a_kink():
    # x' = u, 1 + u^2 / 2 with u <= 1: H = p u - 1 - u^2 / 2 = 0 with u = 1: p = 3/2, T = 1; and L = 2 + ... where nothing clips: p = 2
    for price, speed in ((0.5, 1.0), (2.0, 1.5), (2.0, 9.0)):
        problem = Problem(lambda t, x, u: u, lambda t, x, u, c=price: c + half_square(t, x, u), x0=vector(0), xT=(1,), bounds=(-1, speed))
        found = shooting(problem, p0=vector(1.8), T=0.8, steps=6)
        u = min(speed, (2 * price) ** 0.5)
        assert near(found.path.t[-1], 1 / u, 1e-9) and near(found.costate[0], [(price + u * u / 2) / u], 1e-8)


def test_kinks_are_found():
    places = vector(0.3217, 0.9, 0.91)

    def v(t, x):
        return (t - places).abs().sum() + 0 * x

    found = kinks(v, v, flow(v, vector(0), 1.0, 10))
    assert len(found) == 2 and near(found, places[[0, 2]], 1e-9)  # 0.9 is a node: a kink there does no harm


def test_a_kink_of_the_state_while_time_goes_on():
    # x' = 2 t + max(x - 0.3, 0) from 0: x = t^2 until it reaches 0.3
    found = kinks(lambda t, x: 2 * t + (x - 0.3).relu(), lambda t, x: (x - 0.3).relu(),
                  flow(lambda t, x: 2 * t + (x - 0.3).relu(), vector(0), 1.0, 10))
    assert len(found) == 1 and near(found, [0.3**0.5], 1e-9)


def test_a_kink_in_a_control_that_bends():
    def v(t, x):
        return t**2 + (t - 0.34).abs() + 0 * x  # within one step its bend is some ten times that of its neighbours

    found = kinks(v, v, flow(v, vector(0), 1.0, 10))
    assert len(found) == 1 and near(found, [0.34], 1e-9)


def test_what_is_smooth_has_no_kinks():
    # the third has its inflection in the middle of a step, which bends much less than those beside it
    for v in (lambda t, x: torch.sin(7 * t) - x, lambda t, x: (20 * (t - 0.55)).tanh() + 0 * x, lambda t, x: torch.sin(7 * (t - 0.5125)) - x):
        assert len(kinks(v, v, flow(v, vector(0), 1.0, 40))) == 0


def test_the_residual_knows_the_error_of_the_steps():
    # with 4 steps Runge and Kutta's method errs by 1e-3: Newton's residual alone would say 1e-16
    problem = Problem(lambda t, x, u: u - 3 * x, half_square, x0=vector(-1), xT=(0,), T=1.5)
    exact = 6 / (torch.tensor(3.0, dtype=F8) * 3).expm1()  # p(0) = 2 a / (e^{2 a T} - 1)
    residuals = {steps: shooting(problem, p0=vector(0.0), steps=steps) for steps in (4, 8, 64)}
    by_an_arc = shoot_arcs(problem, [Arc(lambda t, x, p: p)], lambda t, x, p: x[-1], p0=vector(0.0), steps=4)
    for found in (by_an_arc, *residuals.values()):
        off = (found.costate[0, 0] - exact).abs() * 60  # d x(T) / d p(0) = sinh(a T) / a
        assert 0.02 * off < found.residual < 20 * off + 1e-12
    assert residuals[4].residual > 1e-4 > 1e-7 > residuals[64].residual


# starts

def test_a_start_that_blows_up():
    burst = Problem(lambda t, x, u: x**3 + u, half_square, x0=vector(2), xT=(0,), T=1.0)
    with pytest.raises(NoSolution, match=r"from p0 = \[50.0\] the extremal blows up.*direct"):
        shooting(burst, p0=vector(50.0), steps=50)


def test_warm_and_infeasible_starts():
    problem = Problem(lambda t, x, u: torch.stack([x[..., 1], u[..., 0] - x[..., 0].sin()], -1), half_square, x0=vector(0, 0), xT=(1.5, 0), T=3.0,
                      bounds=(-1.2, 1.2))
    cold = direct(problem, steps=8)
    with pytest.raises(NoSolution, match=r"[Ii]teration"):
        direct(problem, steps=8, most=3)
    warm = direct(problem, steps=8, u0=cold.u[:-1], most=3)
    assert near(warm.cost, cold.cost, 1e-9) and near(warm.u, cold.u, 1e-5)
    for start in (40.0, -40.0, torch.linspace(-9, 9, 8, dtype=F8)[:, None]):  # brought between the bounds
        assert near(direct(problem, steps=8, u0=start).cost, cold.cost, 1e-8)


def test_a_warm_start_of_a_free_horizon():
    problem = Problem(cart.field, lambda t, x, u: 1 + half_square(t, x, u), x0=vector(-1, 0), xT=(0, 0))
    cold = direct(problem, steps=6, u0=0.1, T=3.0)
    assert near(direct(problem, steps=6, u0=cold.u[:-1], T=cold.path.t[-1], most=3).cost, cold.cost, 1e-9)
    c = 6 / (1 - 6**-2)  # T + c / T^3 is least at T^4 = 3 c
    assert near(cold.path.t[-1], (3 * c) ** 0.25, 1e-5) and near(cold.cost, (3 * c) ** 0.25 * 4 / 3, 1e-9) and cold.residual < 1e-5


# multipliers

def test_multipliers_are_those_of_the_program():
    # x' = u with -1 <= u <= 1, least integral of (u - 3)^2 / 2, x(1) = -1/2: u = -1/2, and the costate is u - 3; no bound holds
    problem = Problem(lambda t, x, u: u, lambda t, x, u: (u - 3).square().sum(-1) / 2, x0=vector(0), xT=(-0.5,), T=1.0, bounds=(-1, 1))
    assert near(direct(problem, steps=4).costate, torch.full((5, 1), -3.5, dtype=F8), 1e-5)
    free = Problem(problem.f, problem.cost, x0=vector(0), T=1.0, bounds=(-1, 1))
    found = direct(free, steps=4)  # u = 1, held by the bound
    assert near(found.u, torch.ones(5, 1), 1e-9) and near(found.costate, torch.zeros(5, 1), 1e-12) and found.residual < 1e-9
