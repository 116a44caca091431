"""Shooting along a known sequence of arcs: bang, singular, on a boundary, off.
The junction times are unknowns, each with its condition."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from companion.architectures.control.hamiltonian import extremal, priced
from companion.architectures.control.newton import newton
from companion.architectures.control.problem import NoSolution, Posed, Solution
from companion.architectures.control.shooting import allowed, along
from companion.flow import Path, flow
from companion.hints import Count, Function, Positive, Tensor, checked
from companion.inputs import a_function


class Arc(NamedTuple):
    """law(t, x, p) -> u on the arc; on a boundary g(x) = 0 also constraint = g and
    multiplier(t, x, p) = mu."""

    law: object
    constraint: object = None
    multiplier: object = None


@checked
def follow(problem: Posed, arcs: Sequence[Arc], x0: Tensor, p0: Tensor, times: Tensor, *,
           steps: Count = 100) -> list:
    """The extremal through the arcs: a list of Paths z (K+1, 2, n), one an arc; times (arcs + 1,),
    the start of the first arc and the ends of all. Differentiable in p0 and times.
    Raises TypeError, ValueError."""
    _some_arcs(arcs)
    if x0.shape != p0.shape or x0.shape != (problem.n,) or times.shape != (len(arcs) + 1,):
        shapes = [tuple(v.shape) for v in (x0, p0, times)]
        raise ValueError(f"x0, p0, times have shapes {shapes}; expected ({problem.n},) twice and "
                         f"({len(arcs) + 1},).")
    return _followed(problem, arcs, x0, p0, times, steps)


def _followed(problem, arcs, x0, p0, times, steps):
    z, paths = torch.stack([x0, p0]), []
    for arc, begin, end in zip(arcs, times[:-1], times[1:], strict=True):
        paths.append(_run(_field(problem, arc), z, begin, end, steps))
        z = paths[-1].end
    return paths


def _field(problem, arc):
    return extremal(problem, arc.law, constraint=arc.constraint, multiplier=arc.multiplier)


def _run(v, z, begin, end, steps):
    """One arc. It runs on [0, steps] in its own clock, so that autograd reaches both of its ends,
    and so that an end before the beginning is no error on the way to the solution."""
    share = (end - begin) / steps
    path = flow(lambda s, w: share * v(begin + s * share, w), z, float(steps), steps)
    return Path(begin + path.t * share, path.x)


@checked
def shoot_arcs(problem: Posed, arcs: Sequence[Arc], conditions: Function, *, p0: Tensor,
               times: Tensor = None,
               steps: Count = 50, tol: Positive = 1e-8) -> Solution:
    """A Solution along the arcs, `steps` steps each.

    p0: (n,), a guess of p(t0).  times: guesses of the arcs' ends that are unknown:
    (arcs,) of a free horizon; (arcs - 1,) of a fixed one, where the last arc ends
    at T (none for a single arc).
    conditions(t, x, p) -> as many numbers as there are unknowns, which must vanish:
    t (arcs,), x and p (arcs, n) are time, state and costate at the arcs' ends,
    so that x[-1] is the end and t[0] the first junction. The residual is the largest of the
    conditions, also when each step is halved.
    Raises TypeError, ValueError, NoSolution.
    """
    y = _unknowns(problem, arcs, p0, times)

    def nodes(y):
        last = [problem.T] if problem.T is not None else []
        return torch.cat([y.new_tensor([problem.t0]), y[problem.n:], y.new_tensor(last)])

    def residual(y, steps=steps):
        paths = _followed(problem, arcs, problem.x0, y[: problem.n], nodes(y), steps)
        ends = torch.stack([path.end for path in paths])
        if not bool(ends.isfinite().all()):
            return y * torch.nan
        return _conditions(conditions, nodes(y)[1:], ends)

    y = newton(residual, y, tol=tol)
    left = max(residual(y, n).detach().abs().max().item() for n in (steps, 2 * steps))
    return _solution(problem, arcs, y[: problem.n], nodes(y), steps, left, tol)


def _conditions(conditions, t, ends):
    found = conditions(t, ends[:, 0], ends[:, 1])
    if not isinstance(found, torch.Tensor) or found.ndim != 1 or not found.is_floating_point():
        shape = tuple(getattr(found, "shape", ()))
        raise ValueError(f"conditions(t, x, p) has shape {shape}; expected floating-point numbers "
                         "(m,), as many as there are unknowns: torch.stack([...]).")
    return found


@torch.no_grad()
def _solution(problem, arcs, p0, times, steps, left, tol):
    """The Solution from p0 through the arcs. Raises NoSolution if it is none of the problem."""
    if not bool((times.diff() > 0).all()):
        raise NoSolution(f"the arcs end at the times {times[1:].tolist()} from {times[0]:g}: one "
                         "ends before it begins; expected another guess, or fewer arcs.", left)
    z, parts = torch.stack([problem.x0, p0]), []
    z = torch.cat([z, z.new_zeros(2, 1)], 1)
    for arc, begin, end in zip(arcs, times[:-1], times[1:], strict=True):
        path = _run(priced(problem, _field(problem, arc), arc.law), z, begin, end, steps)
        x, p, z = path.x[:, 0, :-1], path.x[:, 1, :-1], path.end
        parts.append((path.t, x, p, along(arc.law, path.t, x, p)))
    t, x, p, u = (torch.cat(rows) for rows in zip(*parts, strict=True))
    miss = max([0.0, *problem.miss(x[-1]).abs().tolist()])
    if miss > 10 * tol:
        raise NoSolution(f"the conditions hold, yet the end xT is missed by {miss:.2e}; expected "
                         "conditions that say x[-1] - xT where the end is fixed.", miss)
    cost = z[0, -1] + problem.final(x[-1])
    return allowed(problem, Solution(Path(t, x), u, p, cost, max(left, miss)))


def _some_arcs(arcs):
    if not isinstance(arcs, (list, tuple)) or not arcs or not all(isinstance(a, Arc) for a in arcs):
        raise TypeError(f"arcs = {arcs!r}; expected a list of Arc(law), at least one.")
    for i, arc in enumerate(arcs):
        a_function(arc.law, f"arcs[{i}].law")


def _unknowns(problem, arcs, p0, times):
    """The guess y = (p0, times), checked."""
    _some_arcs(arcs)
    times = p0.new_zeros(0) if times is None else times
    count = len(arcs) - (problem.T is not None)
    if p0.shape != (problem.n,) or times.shape != (count,):
        why = (
            "an end for each arc"
            if problem.T is None
            else f"the last arc ends at T = {problem.T:g}"
        )
        raise ValueError(f"p0 has shape {tuple(p0.shape)}, times {tuple(times.shape)}; expected "
                         f"({problem.n},) and ({count},): {why}.")
    return torch.cat([p0, times]).detach().to("cpu", torch.float64)
