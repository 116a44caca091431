"""What an optimal control problem is, and what a solution of it is.

Minimise  phi(x(T)) + integral of L(t, x, u)  over controls u with  x' = f(t, x, u),  x(0) = x0,  lo <= u <= hi.

Signs, once: H = <p, f> - L is maximised by u, p' = -dH/dx, p(T) = -grad phi where the end is free (Pontryagin's sign, that of the
control-toolbox). Back-propagation carries -p: the gradient of the cost with respect to the state.
Source: Trelat, Controle optimal: theorie et applications (2005), chapter 7.
"""

from typing import NamedTuple

import torch

from companion.flow import Path
from companion.inputs import a_count, a_function, a_number, a_tensor


class NoSolution(RuntimeError):
    """A method ended without a solution. `residual` holds what is left of its conditions."""

    def __init__(self, message, residual=None):
        super().__init__(message)
        self.residual = residual


class Solution(NamedTuple):
    """path: times (K+1,), states (K+1, n);  u: controls (K+1, m) at these times;  costate (K+1, n), in Pontryagin's sign;
    cost: 0-d;  residual: the largest condition left unmet (end points, stationarity)."""

    path: Path
    u: torch.Tensor
    costate: torch.Tensor
    cost: torch.Tensor
    residual: float


def nothing(*_):
    """0: a cost that is absent."""
    return 0.0


class Problem:
    """An optimal control problem, checked.

    f(t, x, u) -> (..., n) and cost(t, x, u) -> (...) for states x (..., n) and controls u (..., m), m = controls.
    x0: (n,).  xT: n numbers, None where the end is free (all free without xT).  T: the horizon, None where it is free.
    final(x) -> (...): a cost of the end.  bounds: (lo, hi) of the controls, numbers or m numbers.
    above(x) -> (..., c): what must stay >= 0 along the way. Computations are in the dtype of x0. Raises TypeError, ValueError.
    """

    def __init__(self, f, cost=None, *, x0, controls=1, xT=None, T=None, final=None, bounds=None, above=None):
        self.f, self.cost, self.final = a_function(f, "f"), a_function(cost or nothing, "cost"), a_function(final or nothing, "final")
        self.x0, self.m = a_tensor(x0, "x0"), a_count(controls, "controls")
        if self.x0.ndim != 1:
            raise ValueError(f"x0 has shape {tuple(x0.shape)}; expected one state (n,).")
        self.n, self.T = len(x0), None if T is None else a_number(T, "T", above=0)
        self.above = None if above is None else a_function(above, "above")
        self.fixed, self.xT = self._ends([None] * self.n if xT is None else list(xT))
        self.bounds = self._bounds(bounds)
        self._try()

    def _ends(self, ends):
        """Which components of the end are fixed (indices), and where."""
        if len(ends) != self.n:
            raise ValueError(f"xT has {len(ends)} entries; expected {self.n}, one for each component of x0: None where it is free.")
        fixed = [i for i, end in enumerate(ends) if end is not None]
        return fixed, self.x0.new_tensor([float(a_number(ends[i], f"xT[{i}]")) for i in fixed])

    def _bounds(self, bounds):
        """(lo, hi), each (m,), or None."""
        if bounds is None:
            return None
        lo, hi = (torch.as_tensor(b, dtype=self.x0.dtype).broadcast_to((self.m,)).clone() for b in bounds)
        if not bool((lo < hi).all()):
            raise ValueError(f"bounds = {bounds}; expected (lo, hi) with lo < hi, for each of the {self.m} controls.")
        return lo, hi

    def _try(self):
        """The functions, once, at the start: shapes in the reader's words."""
        t, u = self.x0.new_zeros(()), self.x0.new_zeros(self.m)
        velocity, cost = self.f(t, self.x0, u), torch.as_tensor(self.cost(t, self.x0, u))
        if not isinstance(velocity, torch.Tensor) or velocity.shape != self.x0.shape:
            shape = tuple(getattr(velocity, "shape", ()))
            raise ValueError(f"f(t, x, u) has shape {shape}; expected that of x, ({self.n},): torch.stack([...], -1).")
        if cost.shape != ():
            raise ValueError(f"cost(t, x, u) has shape {tuple(cost.shape)} for one state; expected a number: sum over the last axis.")
        if torch.as_tensor(self.final(self.x0)).shape != ():
            raise ValueError("final(x) is not a number for one state; expected one: sum over the last axis.")

    def within(self, u):
        """u, brought between the bounds."""
        return u if self.bounds is None else torch.minimum(torch.maximum(u, self.bounds[0].to(u)), self.bounds[1].to(u))

    def miss(self, x):
        """x(T) - xT in the fixed components: (..., number of them)."""
        return x[..., self.fixed] - self.xT.to(x)


def a_problem(problem):
    """Return problem, a Problem. Raises TypeError."""
    if not isinstance(problem, Problem):
        raise TypeError(f"problem is a {type(problem).__name__}; expected Problem(f, cost, x0=..., ...).")
    return problem


def solve(problem, *, method, **options):
    """The Solution that method(problem, ...) finds: `direct` or `shooting`. Raises TypeError, ValueError, NoSolution."""
    return a_function(method, "method")(a_problem(problem), **options)
