"""Shooting along a known sequence of arcs: bang, singular, on a boundary, off. The junction times are unknowns, each with its condition."""

from typing import NamedTuple

import torch

from companion.architectures.control.hamiltonian import extremal
from companion.architectures.control.problem import Solution, a_problem
from companion.architectures.control.shooting import newton, running_cost
from companion.flow import Path, flow
from companion.inputs import a_count, a_function, a_tensor


class Arc(NamedTuple):
    """law(t, x, p) -> u on the arc; on a boundary g(x) = 0 also constraint = g and multiplier(t, x, p) = mu."""

    law: object
    constraint: object = None
    multiplier: object = None


def follow(problem, arcs, x0, p0, times, *, steps=100):
    """The extremal through the arcs: a list of Paths z (K+1, 2, n), one an arc; times (arcs + 1,), increasing from the start."""
    a_problem(problem), a_count(steps, "steps")
    z, paths = torch.stack([x0, p0]), []
    for arc, begin, end in zip(arcs, times[:-1], times[1:], strict=True):
        v = extremal(problem, arc.law, constraint=arc.constraint, multiplier=arc.multiplier)
        share = (end - begin) / steps  # the arc runs on [0, steps] in its own clock, so that autograd reaches both of its ends
        path = flow(lambda s, w, v=v, begin=begin, share=share: share * v(begin + s * share, w), z, float(steps), steps)
        paths.append(Path(begin + path.t * share, path.x))
        z = path.end
    return paths


def shoot_arcs(problem, arcs, conditions, *, p0, times, steps=50, tol=1e-8):
    """A Solution along the arcs. p0: (n,), and times: (number of arcs,), the arcs' ends: guesses.

    conditions(x, p): states and costates (arcs, n) at the arcs' ends -> (n + arcs,), what must vanish. Raises TypeError, ValueError, NoSolution.
    """
    a_problem(problem), a_function(conditions, "conditions")
    p0, times = (a_tensor(v, name).detach().to(torch.float64) for v, name in ((p0, "p0"), (times, "times")))
    if p0.shape != (problem.n,) or times.shape != (len(arcs),):
        raise ValueError(f"p0 has shape {tuple(p0.shape)}, times {tuple(times.shape)}; expected ({problem.n},) and ({len(arcs)},): "
                         "an end for each arc.")
    x0 = problem.x0.to(torch.float64)

    def paths_of(y):
        return follow(problem, arcs, x0, y[: problem.n], torch.cat([y.new_zeros(1), y[problem.n:]]), steps=steps)

    def residual(y):
        ends = torch.stack([path.end for path in paths_of(y)])
        return conditions(ends[:, 0], ends[:, 1])

    y = newton(residual, torch.cat([p0, times]), jac=None, tol=tol)  # the brackets of a singular arc already are third derivatives
    y = y.detach()
    parts = [_part(problem, arc, path) for arc, path in zip(arcs, paths_of(y), strict=True)]
    t, x, p, u = (torch.cat([part[i] for part in parts]) for i in range(4))
    left = residual(y).detach().abs().max()
    cost = sum(running_cost(problem, *(part[i] for i in (0, 1, 3))) for part in parts) + problem.final(x[-1])
    return Solution(Path(t, x), u, p, cost, float(left))


def _part(problem, arc, path):
    """(t, x, p, u) along one arc."""
    t, x, p = path.t.detach(), path.x[:, 0].detach(), path.x[:, 1].detach()
    return t, x, p, torch.stack([arc.law(*point) for point in zip(t, x, p, strict=True)]).detach()
