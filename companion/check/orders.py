"""The theorem of a time stepper: its order of convergence."""

import inspect
import math

import torch

from companion.check.report import numbers, report
from companion.flow import flow
from companion.hints import Function, Number, Positive, checked
from companion.inputs import a_count


@checked
def order(solver: Function, p: Positive, *, exact: torch.Tensor | float | None = None,
          steps: tuple = (16, 32, 64, 128),
          slack: Number = 0.25) -> None:
    """The error e_n after n steps is O(n^-p): the order log(e_m / e_n) / log(n / m) of the last two
    numbers of steps is at least p - slack.

    solver is a stepper (v, t, x, dt) -> x, tried in float64 on x' = A x and on x' = -2 t x^2,
    whose solutions are known; or a function of the number of steps, n -> x at the end,
    compared with `exact`, or else with itself at 2n steps. Errors at the level of rounding are left
    out. Raises AssertionError, TypeError, ValueError.
    """
    if (
        not isinstance(steps, (tuple, list))
        or len(steps) < 2
        or any(a_count(n, "steps") <= m for m, n in zip((0, *steps), steps, strict=False))
    ):
        raise ValueError(f"steps = {steps}; expected two or more numbers of steps, increasing: "
                         "(16, 32, 64).")
    problems = _known_problems(solver) if _is_stepper(solver) else [(solver, exact)]
    errors = [[_error(solve, limit, n) for n in steps] for solve, limit in problems]
    measured = min(_slope(steps, e, known=limit is not None) for e, (_, limit) in zip(errors, problems, strict=True))
    listed = " and ".join(", ".join(f"{e:.2g}" for e, _ in each) for each in errors)
    report(measured >= p - slack, f"The order is at least {p}", f"measured {measured:.2f}",
           f"Measured: {measured:.2f}. The errors at {steps} steps are {listed}.")


def _is_stepper(f):
    """Whether f takes (v, t, x, dt), and not n alone."""
    return _takes(f, 4) and not _takes(f, 1)


def _takes(f, count):
    try:
        inspect.signature(f).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


def _known_problems(method):
    """Two problems on [0, 1] with their ends: a damped oscillator, exp(A) x0; and x' = -2 t x^2,
    x(0) = 1, which is 1 / (1 + t^2)."""
    A = torch.tensor([[0.0, 1.0], [-1.0, -0.5]], dtype=torch.float64)
    x0, one = torch.tensor([1.0, 0.5], dtype=torch.float64), torch.ones((), dtype=torch.float64)
    return [
        (
            lambda n: flow(lambda t, x: A @ x, x0, 1.0, n, method=method).end,
            torch.linalg.matrix_exp(A) @ x0,
        ),
        (lambda n: flow(lambda t, x: -2 * t * x**2, one, 1.0, n, method=method).end, one / 2),
    ]


def _error(solve, limit, n):
    """The largest error after n steps, and the level of rounding below which it says nothing."""
    end = solve(n)
    eps = torch.finfo(end.dtype).eps if isinstance(end, torch.Tensor) and end.is_floating_point() else torch.finfo(torch.float64).eps
    end, limit = (
        numbers(end, "solver(n)"),
        numbers(solve(2 * n) if limit is None else limit, "exact"),
    )
    if end.shape != limit.shape:
        raise ValueError(f"solver({n}) has shape {tuple(end.shape)}; expected that of the "
                         f"solution, {tuple(limit.shape)}.")
    return (end - limit).abs().max().item(), 1000 * eps * max(1.0, limit.abs().max().item())


def _slope(steps, errors, *, known):
    """The order between the last two errors above rounding; without two,
    infinite for a known solution, else 0 (nothing changes)."""
    if not all(math.isfinite(e) for e, _ in errors):
        return -math.inf
    seen = [(n, e) for n, (e, floor) in zip(steps, errors, strict=True) if e > floor]
    if len(seen) < 2:
        return math.inf if known else 0.0
    (m, coarse), (n, fine) = seen[-2:]
    return math.log(coarse / fine) / math.log(n / m)
