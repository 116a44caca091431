"""The checks of the chapter's exercises: what a right answer must satisfy, computed here and not
stored."""

from typing import Annotated

import torch

from companion import check
from companion.architectures.control.hamiltonian import extremal, hamiltonian
from companion.architectures.control.playground import COSTS, shooting_residual
from companion.architectures.control.problem import Posed, Solution
from companion.check.report import report
from companion.flow import flow, rk4
from companion.hints import Numbers, Positive, Row, an_instance, checked, numbers

DOUBLE = torch.float64


_a_solution = an_instance(Solution, "the Solution that solve(problem, ...) returns")


Found = Annotated[Solution, _a_solution]


def saturated(p0: Numbers) -> None:
    """The extremal of least energy with |u| <= 4.5 from (-1, 0) that starts with the costate
    p0 (2,) ends at rest at 0 at time 1, to 1e-6.

    Raises AssertionError, TypeError, ValueError.
    """
    p0 = numbers(p0, "p0", (2,))
    bounded, gamma = COSTS["energy, |u| ≤ γ"], torch.tensor(4.5, dtype=DOUBLE)
    left = shooting_residual(p0, bounded, gamma).abs().max().item()
    report(left <= 1e-6, "The extremal lands", f"the end is missed by {left:.1e}",
           f"From p(0) = {p0.tolist()} the end is missed by {left:.4g}: with the bound the slope "
           "of p_2 is steeper than 12.")


@checked
def slow_enough(T: Positive) -> None:
    """T is the least horizon for which the cart can be brought from (-1, 0) to rest at 0 with
    1/2 integral of u^2 <= 1; to 1e-6.

    The least energy from x0 is <e, W^-1 e> / 2 with W the Gramian of controllability and e = e^{AT}
    x0. Raises AssertionError, TypeError, ValueError.
    """

    def excess(T):
        W = torch.tensor([[T**3 / 3, T**2 / 2], [T**2 / 2, T]], dtype=DOUBLE)
        e = torch.tensor([-1.0, 0.0], dtype=DOUBLE)
        return (e @ torch.linalg.solve(W, e)).item() / 2 - 1

    check.root(excess, T, 0.1, 50.0, tol=1e-6)


@checked
def lifted(problem: Posed, found: Found) -> None:
    """A Solution of the pendulum x'' = u - sin x, from rest at 0 to rest at 2 in T = 4 with least
    1/2 integral of u^2.

    The problem says so, `optimal` holds, and the cost beats that of the cubic path
    x = 2 (3 s^2 - 2 s^3), s = t/4.
    Raises AssertionError, TypeError, ValueError.
    """
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    u = torch.linspace(-2, 2, 20, dtype=DOUBLE)[:, None]
    expected = torch.stack([x[:, 1], u[:, 0] - torch.sin(x[:, 0])], -1)
    check.answer(torch.stack([problem.f(0.0, *pair) for pair in zip(x, u, strict=True)]), expected,
                 tol=1e-6, name="field f(t, x, u)")
    costs = torch.stack(
        [torch.as_tensor(problem.cost(0.0, *pair), dtype=DOUBLE) for pair in zip(x, u, strict=True)]
    )
    check.answer(costs, u[:, 0].square() / 2, tol=1e-6, name="running cost")
    ends = torch.cat([found.path.x[0], found.path.x[-1], found.path.t[[0, -1]]])
    check.close(ends, torch.tensor([0.0, 0, 2, 0, 0, 4], dtype=DOUBLE), tol=1e-5,
                name="state and time at both ends")
    optimal(problem, found)
    spent = running(found.path.t, found.u[:, 0].square() / 2)
    report(spent < cubic(), "It spends less than the cubic path", f"{spent:.4f} against "
                                                                  f"{cubic():.4f}",
           f"It spends {spent:.4f}, the cubic {cubic():.4f}.")


@checked
def optimal(problem: Posed, found: Found, *, tol: Positive = 5e-3) -> None:
    """Pontryagin's conditions along a Solution of an autonomous Problem, each to tol:
    state and costate follow their equations under the control (interpolated between the nodes),
    H is constant, no control between the bounds makes H larger, the fixed ends are reached.

    Raises AssertionError, TypeError.
    """
    (t, x), u, p = found.path, found.u, found.costate
    check.close(torch.cat([x[0], problem.miss(x[-1])]),
                torch.cat([problem.x0, 0 * problem.miss(x[-1])]), tol=tol,
                name="state at both ends")
    z = torch.stack([x, p], 1)
    check.close(flow(extremal(problem, _interpolated(t, u)), z[0], t, method=rk4).x, z, tol=tol,
                name="run of state and costate under this control")
    H = hamiltonian(problem, 0.0, x, p, u)
    check.close(H, H[:1].expand_as(H), tol=tol, name="Hamiltonian along the way")
    tried = problem.within(u + torch.linspace(-2, 2, 41, dtype=DOUBLE)[:, None, None])
    best = hamiltonian(problem, 0.0, x.expand(41, *x.shape), p.expand(41, *p.shape), tried).amax(0)
    gap = (best - H).max().item()
    report(gap <= tol, "The control maximises H", "no other does better by more than "
                                                  f"{max(gap, 0.0):.1e}",
           f"At t = {t[(best - H).argmax()]:.3g} another control makes H larger by {gap:.3g}.")


def cubic() -> float:
    """The cost of the path x = 2 (3 s^2 - 2 s^3): u = x'' + sin x."""
    t = torch.linspace(0, 4, 401, dtype=DOUBLE)
    s = t / 4
    u = 2 * (6 - 12 * s) / 16 + torch.sin(2 * (3 * s**2 - 2 * s**3))
    return running(t, u.square() / 2)


@checked
def running(t: Row, values: Row) -> float:
    """The integral over the times t (K,) by trapezoids, values (K,). Raises TypeError, ValueError.
    """
    if t.shape != values.shape:
        raise ValueError(f"t, values have shapes {tuple(t.shape)}, {tuple(values.shape)}; "
                         "expected (K,) twice.")
    return torch.trapezoid(values, t).item()


def _interpolated(t, u):
    """The control as a law: linear between the nodes."""
    def law(s, x, p):
        k = int(
            torch.clamp(
                torch.searchsorted(t, torch.as_tensor(s, dtype=t.dtype).reshape(1)) - 1,
                0,
                len(t) - 2,
            )
        )
        return torch.lerp(u[k], u[k + 1], (s - t[k]) / (t[k + 1] - t[k]))

    return law
