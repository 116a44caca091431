"""The indirect method: find the costate p(t0), and what else is free, for which the extremal ends
where it must.

Newton's method, with the Jacobian by autograd through the flow; the grid gets a node at each kink.
Source: Stoer and Bulirsch, Introduction to Numerical Analysis, chapter 7.3.
"""

import torch

from companion.architectures.control.hamiltonian import (
    extremal,
    fit,
    hamiltonian_value,
    jumping,
    maximiser,
    priced,
)
from companion.architectures.control.kinks import kinks
from companion.architectures.control.newton import newton
from companion.architectures.control.problem import NoSolution, Posed, Solution, horizon_guess
from companion.energies import grad
from companion.flow import Path, flow
from companion.hints import Count, Function, Number, Positive, Real, Tensor, checked

ROUNDS = 5  # of: solve, look for kinks, put nodes there


@checked
def transversality(problem: Posed, t: Real, x: Tensor, p: Tensor, u: Tensor) -> torch.Tensor:
    """What must vanish at the end: x - xT where it is fixed, p + grad phi where it is free, H where
    the horizon is free. Raises TypeError, ValueError."""
    fit(problem, x, p, u)
    return _transversality(problem, t, x, p, u)


def _transversality(problem, t, x, p, u):
    free = [i for i in range(problem.n) if i not in problem.fixed]
    parts = [problem.miss(x)]
    if free:
        slope = grad(lambda y: problem.final(y) + 0 * y.sum(-1), x)
        parts.append((p + slope)[..., free])
    if problem.T is None:
        parts.append(hamiltonian_value(problem, t, x, p, u)[..., None])
    return torch.cat(parts, -1)


@checked
def shooting(problem: Posed, *, p0: Tensor, T: Number = None, law: Function = None,
             steps: Count = 200,
             tol: Positive = 1e-9) -> Solution:
    """A Solution by simple shooting: p(t0), and T where it is free, for which the extremal ends
    right.

    p0: (n,), a guess.  T: a guess of a free end.  law(t, x, p) -> u maximises H (found where H is a
    separable quadratic in u). `steps` equal steps, and a node more at each kink of the control.
    The residual is the largest condition of the end, also when each step is halved.
    The law must be continuous: where the control jumps, say the arcs (`shoot_arcs`).
    Raises TypeError, ValueError, NoSolution.
    """
    if p0.shape != (problem.n,):
        raise ValueError(f"p0 has shape {tuple(p0.shape)}; expected ({problem.n},), like x0.")
    y = torch.cat([p0.detach().to("cpu", torch.float64), horizon_guess(problem, T)])
    shot = Shot(problem, law)
    shares = torch.linspace(0, 1, steps + 1, dtype=y.dtype)
    shot.starts(y, shares)
    for _ in range(ROUNDS):
        y = newton(lambda z, at=shares: shot.left(z, at), y, tol=tol)
        more = shot.kinks(y, shares)
        if not len(more):
            break
        shares = torch.cat([shares, more]).unique()
    return shot.solution(y, shares)


class Shot:
    """Extremals of a problem under a law (None: the maximiser), from y = (p(t0), T if it is free),
    on nodes at shares of the horizon in [0, 1]."""

    def __init__(self, problem, law):
        self.problem, self.law = problem, law or _continuous(problem)
        self.v, self.clipped = extremal(problem, self.law), bool(law or problem.bounds)

    def grid(self, y, shares):
        """The times at these shares."""
        end = y[-1] if self.problem.T is None else self.problem.T
        return self.problem.t0 + shares * (end - self.problem.t0)

    def run(self, y, shares, *, v=None, column=0, every=1):
        """The Path of z = (x, p), (2, n), with `column` columns of zeros more for a field
        v of theirs."""
        z = torch.stack([self.problem.x0, y[: self.problem.n]])
        z = torch.cat([z, z.new_zeros(2, column)], 1)
        return flow(v or self.v, z, self.grid(y, shares), every=every)

    def left(self, y, shares):
        """What must vanish at the end; NaN where the extremal does not come so far."""
        if self.problem.T is None and not bool(y[-1] > self.problem.t0):
            return y * torch.nan
        path = self.run(y, shares, every=len(shares) - 1)
        if not bool(path.end.isfinite().all()):
            return y * torch.nan
        t, (x, p) = path.t[-1], path.end
        return _transversality(self.problem, t, x, p, self.law(t, x, p))

    def starts(self, y, shares):
        """Raises NoSolution if the extremal of the guess blows up."""
        with torch.no_grad():
            path = self.run(y, shares)
        fine = path.x.isfinite().all(-1).all(-1)
        if not bool(fine.all()):
            when = path.t[~fine][0].item()
            raise NoSolution(f"from p0 = {y[: self.problem.n].tolist()} the extremal blows up: it "
                             f"overflows at t = {when:.4g}. Expected a guess nearer to a "
                             "solution: the direct method gives one, direct(problem).costate[0].")

    def kinks(self, y, shares):
        """The shares (m,) at which the control has a kink inside a step:
        none where no bound clips it."""
        if not self.clipped:
            return shares[:0]
        path = self.run(y.detach(), shares)
        times = kinks(self.v, lambda t, z: self.law(t, *z), path)
        return (times - path.t[0]) / (path.t[-1] - path.t[0])

    @torch.no_grad()
    def solution(self, y, shares):
        """The Solution from y. Raises NoSolution if it leaves what is allowed."""
        path = self.run(y, shares, v=priced(self.problem, self.v, self.law), column=1)
        t, x, p = path.t, path.x[:, 0, :-1], path.x[:, 1, :-1]
        u = along(self.law, t, x, p)
        cost = path.end[0, -1] + self.problem.final(x[-1])
        twice = torch.cat([shares, (shares[1:] + shares[:-1]) / 2]).sort().values
        left = max(self.left(y, nodes).abs().max().item() for nodes in (shares, twice))
        return allowed(self.problem, Solution(Path(t, x), u, p, cost, left))


def along(law, t, x, p):
    """The controls (K, m) of the law at the points of an extremal."""
    return torch.stack([law(*point) for point in zip(t, x, p, strict=True)]).detach()


def allowed(problem, found, tol=1e-6):
    """Return found, a Solution that keeps bounds and constraints to tol. Raises NoSolution."""
    broken = problem.broken(found.path.x, found.u)
    if not broken <= tol:
        raise NoSolution(f"the extremal leaves what is allowed (bounds=, above=) by {broken:.2e}; "
                         "expected a law between the bounds, and on a boundary an arc of its own "
                         "(shoot_arcs), or the direct method.", broken)
    return found._replace(residual=max(found.residual, broken))


def _continuous(problem):
    """The maximiser, where it is a continuous law. Raises ValueError."""
    law, jumps = maximiser(problem), jumping(problem)
    if jumps:
        raise ValueError(f"H is affine or convex in the control u[{jumps[0]}]: the law that "
                         "maximises it jumps from bound to bound (bang-bang), and Newton's method "
                         "sees no slope there. Expected the arcs, shoot_arcs(problem, arcs, "
                         "conditions, ...), or method=direct; law=... "
                         "where you know that it does not jump.")
    return law
