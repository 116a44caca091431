"""The parts of the solvers, each by itself: problems, Pontryagin's laws and fields, Newton's method, runs and programs."""

import math

import pytest
import torch

from companion.architectures import control
from companion.architectures.control import NoSolution, Problem, direct, rollout, shooting
from companion.architectures.control.hamiltonian import jumping, priced
from companion.architectures.control.newton import jacobian
from companion.architectures.control.program import NonlinearProgram
from companion.flow import rk4
from tests.helpers import half_square, near, vector

F8 = torch.float64


def line(f=lambda t, x, u: u, cost=half_square, **options):
    return Problem(f, cost, **{"x0": vector(0), "T": 1.0} | options)


class Counted:
    """A function that counts its calls."""

    def __init__(self, f):
        self.f, self.calls = f, 0

    def __call__(self, y):
        self.calls += 1
        return self.f(y)


# problems

@pytest.mark.parametrize("options, error, words", [
    ({"x0": torch.zeros(0)}, ValueError, "one finite state"),
    ({"controls": 2, "f": lambda t, x, u: u.sum(-1, keepdim=True), "bounds": ((0, 1), (1, 1))}, ValueError, "lo < hi"),
    ({"f": lambda t, x, u: u.float()}, TypeError, r"dtype torch\.float32.*expected torch\.float64"),
    ({"above": lambda x: torch.cat([x + 1, x - 1], -1)}, ValueError, r"above\(x0\) = \[1\.0, -1\.0\]"),
])
def test_a_problem_is_checked(options, error, words):
    with pytest.raises(error, match=words):
        line(**options)


def test_how_far_a_run_leaves_what_is_allowed():
    problem = line(bounds=(-1, 2), above=lambda x: 3 - x)
    x, u = vector(0, 1, 2)[:, None], vector(0, 1, -1)[:, None]
    assert problem.broken(x, u) == 0 and problem.broken(x, u - 0.5) == 0.5 and problem.broken(x, u + 1.25) == 0.25
    assert problem.broken(x + 1.75, u) == 0.75 and line().broken(x, 100 * u) == 0
    assert torch.equal(problem.within(3 * u), vector(0, 2, -1)[:, None]) and torch.equal(line(xT=(2,)).miss(x), x - 2)


# Pontryagin's principle

def uneven(**options):
    """Three controls between bounds, in which H is concave, convex and affine."""
    def cost(t, x, u):
        return u[..., 0].square() * (1 + x[..., 0].square()) - u[..., 1].square() / 2 + u[..., 2]

    return Problem(lambda t, x, u: u, cost, **{"x0": vector(0.1, 0, 0), "T": 1.0, "controls": 3, "bounds": ((-1, -1, -2), (0.5, 3, 1))} | options)


def test_the_maximiser_takes_the_best_of_all_controls():
    problem, grid = uneven(), torch.linspace(0, 1, 201, dtype=F8)[:, None]
    x, p = 3 * torch.randn(2, 300, 3, generator=torch.Generator().manual_seed(0), dtype=F8)
    found = control.hamiltonian(problem, 0.0, x, p, control.maximiser(problem)(0.0, x, p))
    best = 0
    for j in range(3):  # H is a sum over the controls
        u = torch.zeros(201, 3, dtype=F8)
        u[:, j:j + 1] = torch.lerp(problem.bounds[0][j], problem.bounds[1][j], grid)
        best = best + control.hamiltonian(problem, 0.0, x[:, None], p[:, None], u.expand(300, 201, 3)).amax(1)
    assert (found >= best - 1e-12).all() and near(found, best, 1e-2) and jumping(problem) == [1, 2]


def test_what_the_maximiser_refuses():
    with pytest.raises(ValueError, match="another thing with rows"):
        control.maximiser(line(lambda t, x, u: torch.stack([x[0] + u[0]])))
    with pytest.raises(ValueError, match="not bounded above"):
        control.maximiser(line(cost=lambda t, x, u: x.square().sum(-1)))
    with pytest.raises(ValueError, match="separable"):
        control.maximiser(line(lambda t, x, u: u.prod(-1, keepdim=True), controls=2, bounds=(-1, 1)))


@pytest.mark.parametrize("given", ["constraint", "multiplier"])
def test_a_boundary_has_a_constraint_and_its_multiplier(given):
    with pytest.raises(ValueError, match="both on a boundary"):
        control.extremal(line(), lambda t, x, p: p, **{given: lambda *z: z[0].sum(-1)})


def test_the_field_of_an_extremal_on_a_boundary():
    # H = p (u - x) - x^2 - u^2 / 2, g = 1 - x^2: x' = u - x, p' = p + 2 x + 2 mu x; and the cost beside it
    problem = line(lambda t, x, u: u - x, lambda t, x, u: x.square().sum(-1) + half_square(t, x, u))
    v = control.extremal(problem, lambda t, x, p: p / 2, constraint=lambda x: (1 - x.square()).sum(-1), multiplier=lambda t, x, p: 3 * p[..., 0])
    x, p = 0.7, -0.4
    assert near(v(0.0, vector(x, p)[:, None]), [[p / 2 - x], [p + 2 * x + 6 * p * x]], 1e-12)
    with_cost = priced(problem, v, lambda t, x, p: p / 2)(0.0, torch.tensor([[x, 9], [p, 9]], dtype=F8))
    assert near(with_cost[:, 1], [x**2 + p**2 / 8, 0], 1e-12)


def test_a_singular_law_keeps_the_bracket():
    def h0(x, p):
        return p[..., 0] * x[..., 1] ** 2 + p[..., 1] * (x[..., 0] - x[..., 1] ** 3)

    def h1(x, p):
        return p[..., 0] * x[..., 0].cos() + 2 * p[..., 1] * x[..., 1]

    x, p = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(0), dtype=F8)
    h01 = control.bracket(h0, h1)
    along, across = (control.bracket(h, h01)(x, p) for h in (h0, h1))
    u = control.singular(h0, h1)(0.0, x, p)[:, 0]
    assert near((along + u * across) / across, torch.zeros(40), 1e-9)  # the rate of h01 under h0 + u h1


# Newton's method

def test_newton_takes_one_step_where_all_is_linear():
    A = vector(2, 1, 0, -1, 3, 1, 0, 1, 1).reshape(3, 3)
    residual = Counted(lambda y: A @ y - vector(1, 2, 3))
    assert near(A @ control.newton(residual, vector(0, 0, 0)), [1, 2, 3], 1e-12) and residual.calls <= 4


def test_newton_halves_a_step_that_leads_too_far():
    bent = Counted(torch.atan)  # from 2, whole steps run away: from 1.39 on each is longer than the one before
    assert near(control.newton(bent, vector(2.0)), [0], 1e-9) and bent.calls <= 18
    steep = Counted(lambda y: y.log() + 3)  # to -2 first, where there is no logarithm
    assert near(control.newton(steep, vector(1.0)).log(), [-3], 1e-9) and steep.calls <= 20


def test_newton_goes_on_below_the_tolerance():
    # from 17 / 12, which satisfies a hundredth, to 577 / 408
    assert near(control.newton(lambda y: y.square() - 2, vector(17 / 12), tol=1e-2), [577 / 408], 1e-12)


def test_where_newton_has_no_step_the_hybrid_method_goes_on_from_there():
    # the sum 3 and the product 2: at (a, a) the Jacobian is singular, and at 0 there is no logarithm
    found = control.newton(lambda y: torch.stack([y.sum() - 3, y.log().sum() - math.log(2)]), vector(1.2, 1.2))
    assert near(found.sort().values, [1, 2], 1e-9)


def test_a_jacobian_row_by_row():
    class Squares(torch.autograd.Function):
        """Its gradient looks at numbers, which a batch of gradients does not have."""

        @staticmethod
        def forward(ctx, y):
            ctx.save_for_backward(y)
            return y.square()

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g if float(g.abs().sum()) else 0 * g

    value, J = jacobian(lambda y: torch.stack([Squares.apply(y).sum(), y[0] + 3 * y[1]]), vector(2, 5))
    assert near(value, [29, 17], 0) and near(J, [[4, 10], [1, 3]], 0)


@pytest.mark.parametrize("residual, guess, error, words", [
    (lambda y: y[:1], vector(1, 1), ValueError, "as many conditions as unknowns"),
    (lambda y: y > 0, vector(1), TypeError, "expected a floating-point"),
    (lambda y: y.log(), vector(-1), NoSolution, "at the guess"),
    (lambda y: y, vector(math.inf), ValueError, "infinity"),
    (lambda y: y, torch.zeros(0), ValueError, "expected finite numbers"),
    (lambda y: y, torch.zeros(1, 1), ValueError, "expected finite numbers"),
])
def test_what_newton_refuses(residual, guess, error, words):
    with pytest.raises(error, match=words):
        control.newton(residual, guess)


# runs and programs

def test_a_run_is_shifted_at_its_nodes():
    u, off = vector(1, 2, -1)[:, None], vector(0.5, 0.25, 0, -0.125)[:, None]
    x, spent = rollout(line(t0=2.0, T=3.5), u, 3.5, off)
    assert near(x[:, 0], (torch.cat([vector(0), u[:, 0] / 2]) + off[:, 0]).cumsum(0), 1e-15) and near(spent, [0, 0.25, 1.25, 1.5], 1e-15)
    for wrong in (off[:3], off[:, 0]):
        with pytest.raises(ValueError, match="state_perturbation"):
            rollout(line(), u, 1.0, wrong)


@pytest.mark.parametrize("wrong", [-3.0, 3.0])
def test_an_end_is_missed_on_either_side(wrong):
    with pytest.raises(NoSolution, match=r"missed by 3\.00e"):
        direct(line(lambda t, x, u: 0 * u + wrong, xT=(0,)), steps=2)


def test_a_tolerance_too_loose_for_the_end():
    with pytest.raises(NoSolution, match="is missed by"):
        direct(line(lambda t, x, u: u + x.square(), xT=(1,)), steps=3, tol=1e-2)


@pytest.mark.parametrize("u0", [1.0, -1.0])
def test_the_direct_method_begins_at_its_guess(u0):
    assert near(direct(line(lambda t, x, u: u.square(), xT=(0.25,)), steps=2, u0=u0).u, torch.full((3, 1), u0 / 2), 1e-6)


def test_from_where_nothing_moves_least_squares_find_a_start():
    found = direct(line(lambda t, x, u: u.tanh(), xT=(0.5,)), steps=2, u0=-3.0)
    assert near(found.u, torch.full((3, 1), math.atanh(0.5)), 1e-6)
    # of two motions one has to end at 1/2, the other to stay ahead of t / 2
    program = NonlinearProgram(Problem(lambda t, x, u: torch.cat([u.tanh(), 1 + 0 * u[..., :1]], -1), half_square, x0=vector(0, 0, 0), T=1.0,
                                       controls=2, xT=(0.5, None, None), above=lambda x: x[..., 1:2] - x[..., 2:] / 2), 2, rk4)
    _, miss, above = program.parts(torch.as_tensor(program.feasible(vector(-2, -2, -2, -2).numpy())))
    assert miss.abs().max() < 1e-5 and above.min() > -1e-5


@pytest.mark.parametrize("t0", [0.0, 7.0])
def test_stationarity_is_in_the_residual(t0):
    # stopped early: dH/du = p - u^3, with the p that comes nearest, and the slope of the cost by u_k is h times as large
    problem = line(cost=lambda t, x, u: (u**4).sum(-1) / 4, t0=t0, T=t0 + 2, xT=(1,))
    found = direct(problem, steps=4, u0=vector(0, 1, 0, 1)[:, None], tol=1e-2)
    cubes = found.u[:-1, 0] ** 3
    assert 1e-3 < found.residual and near(found.residual, (cubes - cubes.mean()).abs().max(), 1e-9)


def test_the_cost_of_the_end_is_minimised_too():
    # u^2 / 2 over [0, 2] and a (x - 1)^2 / 2 at the end: x(2) = 2 a / (1 + 2 a), the cost a / (1 + 2 a) / 2
    found = direct(line(T=2.0, final=lambda x: 1.5 * (x - 1).square().sum(-1)), steps=2)
    assert near(found.path.x[-1], [6 / 7], 1e-8) and near(found.cost, 3 / 14, 1e-8)


# shooting

def test_a_kink_by_the_clock():
    # L = u^2 / 2 + s u with s = t + 3, |u| <= 1 from 0 to 7/8 in 2: u = clip(p - s), p = 3/2: full ahead for 1/2, then down to -1/2
    problem = line(cost=lambda t, x, u: half_square(t, x, u) + (t + 3) * u.sum(-1), t0=-3.0, T=-1.0, xT=(0.875,), bounds=(-1, 1))
    found = shooting(problem, p0=vector(1.3), steps=5)
    assert near(found.costate, torch.full_like(found.costate, 1.5), 1e-8) and near(found.cost, 0.75, 1e-8)
    assert (found.path.t + 2.5).abs().min() < 1e-7 and near(found.path.t[[0, -1]], [-3, -1], 0) and found.residual < 1e-8


def test_a_breach_within_the_tolerance_is_in_the_residual():
    found = shooting(line(xT=(1 + 1e-7,), bounds=(-1, 1)), p0=vector(1.0), law=lambda t, x, p: p, steps=2)
    assert near(found.residual, 1e-7, 1e-9)


def test_a_motion_that_overflows_is_no_solution():
    jump = Problem(lambda t, x, u: torch.stack([u[..., 0], torch.where(x[..., 0] > 0.9, torch.inf, 0.0)], -1), half_square, x0=vector(0, 0),
                   xT=(1, None), T=1.0)
    with pytest.raises(NoSolution):
        shooting(jump, p0=vector(0.5, 0), steps=4)


def test_conditions_of_an_end():
    x, p, u = vector(1, 2, 3), vector(4, 5, 6), vector(0.5)
    problem = Problem(lambda t, x, u: torch.cat([x[..., 1:], u], -1), half_square, x0=vector(0, 0, 0), xT=(7, None, None),
                      final=lambda x: x[..., 1] * x[..., 2])
    assert near(control.transversality(problem, 0.0, x, p, u), [-6, 5 + 3, 6 + 2, 4 * 2 + 5 * 3 + 6 / 2 - 1 / 8], 1e-12)
