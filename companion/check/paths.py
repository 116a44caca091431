"""Theorems about a whole Path: an energy decreases, a quantity is conserved."""

import torch

from companion.check.report import at, numbers, report, scale, worst
from companion.flow import Path
from companion.hints import Function, NonNegative, a_shape, checked
from companion.inputs import a_state, running
from companion.state import each, one, parts


@checked
def decreasing(E: Function, path: Path, *, tol: NonNegative | None = None) -> None:
    """E(x_{k+1}) <= E(x_k) along the states of a Path, and the sum of E is lower at the end.
    E: (*shape) -> (...).

    tol is the rise that rounding may cause, by default 100 times the dtype's precision.
    Raises AssertionError, TypeError.
    """
    values = _along(E, path, "E")
    excess = torch.diff(values, dim=0) - _tolerance(tol, path, 100) * scale(values[:-1])
    k, *where = worst(excess)
    where = tuple(where)
    found = f"from {values[0].sum():.6g} to {values[-1].sum():.6g} over {len(values)} states"
    counterexample = f"E{at(where)} goes from {values[k][where]:.9g} at state {k} to {values[k + 1][where]:.9g} at state {k + 1}."
    never_rises = (excess <= 0).all()
    if never_rises:
        counterexample = "E is as large at the end as at the start: does the state move?"
    report(never_rises and values[-1].sum() < values[0].sum(), "The energy decreases", found, counterexample)


@checked
def conserved(q: Function, path: Path, *, tol: NonNegative | None = None) -> None:
    """q(x_k) = q(x_0) for all states of a Path. q: (*shape) -> (...), for instance the mass,
    or the mean of a cloud.

    tol is by default 1000 times the dtype's precision. Raises AssertionError, TypeError.
    """
    values = _along(q, path, "q")
    drift = (values - values[0]).abs() / scale(values[0])
    k, *where = worst(drift)
    where = tuple(where)
    found = f"largest change {(values - values[0]).abs().max():.3g} over {len(values)} states"
    counterexample = f"q{at(where)} is {values[0][where]:.9g} at the start and {values[k][where]:.9g} at state {k}."
    report((drift <= _tolerance(tol, path, 1000)).all(), "The quantity is conserved", found, counterexample)


def _along(q, path, name):
    """The values of q at the states of a Path, in float64: (K+1, ...)."""
    if not isinstance(path, Path):
        raise TypeError(f"path is a {type(path).__name__}; expected a Path of two or more states, "
                        "as flow and iterate return it.")
    a_shape(path.t, "path.t", ndim=1)
    with running():  # a path that blew up is told by its values
        a_state(path.x, "path.x")
    for part, x in parts(path.x).items():
        if not x.ndim or len(x) != len(path.t) or len(x) < 2:
            raise ValueError(f"path has {len(path.t)} times, and {part} of shape {tuple(x.shape)}; "
                             "expected as many states as times, two at least.")
    states = (each(lambda x, k=k: x[k], path.x) for k in range(len(path.t)))
    return torch.stack([numbers(q(x), f"{name}(x)") for x in states])


def _tolerance(tol, path, factor):
    return factor * torch.finfo(one(path.x).dtype).eps if tol is None else tol
