"""What an optimal control problem is, and what a solution of it is.

Minimise  phi(x(T)) + integral of L(t, x, u)  over controls u with  x' = f(t, x, u),  x(t0) = x0,
lo <= u <= hi.

Signs, once: H = <p, f> - L is maximised by u, p' = -dH/dx, p(T) = -grad phi where the end is free
(Pontryagin's sign, that of the control-toolbox). Back-propagation carries -p: the gradient of the
cost with respect to the state.
Source: Trelat, Controle optimal: theorie et applications (2005), chapter 7.
"""

from typing import Annotated, Any, NamedTuple

import torch

from companion.flow import Path
from companion.hints import Count, Function, Number, Tensor, an_instance, checked
from companion.inputs import a_function, a_number


class NoSolution(ValueError):
    """A method ended without a solution. `residual` holds what is left of its conditions."""

    def __init__(self, message, residual=None):
        super().__init__(message)
        self.residual = residual


class Solution(NamedTuple):
    """path: times (K+1,), states (K+1, n);  u: controls (K+1, m) at these times;  costate (K+1, n),
    in Pontryagin's sign;  cost: 0-d;  residual: the largest condition left unmet, those of the end,
    of what must stay >= 0 along the way, and of the costate (stationarity)."""

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

    f(t, x, u) -> (..., n) and cost(t, x, u) -> (...) for states x (..., n) and controls u (..., m),
    m = controls; t is a 0-d tensor.
    x0: (n,), at the time t0.  xT: n numbers, None where the end is free (all free without xT).
    T > t0: the time of the end, None where it is free.
    final(x) -> (...): a cost of the end.  bounds: (lo, hi) of the controls, numbers or m numbers.
    above(x) -> (..., c): what must stay >= 0 along the way.
    Computations are in float64 on the CPU. Raises TypeError, ValueError.
    """

    @checked
    def __init__(self, f: Function, cost: Function = None, *, x0: Tensor, controls: Count = 1,
                 xT=None, T: Number = None, t0: Number = 0.0, final: Function = None, bounds=None,
                 above: Function = None):
        self.f, self.cost, self.final, self.above = f, cost or nothing, final or nothing, above
        if x0.ndim != 1 or not len(x0):
            raise ValueError(f"x0 = {x0.tolist()} has shape {tuple(x0.shape)}; expected one finite "
                             "state (n,).")
        self.x0, self.n, self.m = x0.detach().to("cpu", torch.float64), len(x0), controls
        self.t0, self.T = float(t0), None if T is None else float(T)
        if self.T is not None and not self.T > self.t0:
            raise ValueError(f"T = {self.T}; expected an end above t0 = {self.t0}.")
        self.fixed, self.xT = self._ends(xT)
        self.bounds = None if bounds is None else self._bounds(bounds)
        self._try()

    def _ends(self, xT):
        """Which components of the end are fixed (indices), and where."""
        try:
            ends = [None] * self.n if xT is None else list(xT)
        except TypeError as error:
            raise TypeError(f"xT is a {type(xT).__name__}; expected a sequence of {self.n} numbers, "
                            "None where the end is free.") from error
        if len(ends) != self.n:
            raise ValueError(f"xT has {len(ends)} entries; expected {self.n}, one for each component "
                             "of x0: None where it is free.")
        fixed = [i for i, end in enumerate(ends) if end is not None]
        return fixed, self.x0.new_tensor([float(a_number(ends[i], f"xT[{i}]")) for i in fixed])

    def _bounds(self, bounds):
        """(lo, hi), each (m,)."""
        expected = f"expected (lo, hi) with lo < hi, for each of the {self.m} controls."
        try:
            ends = [torch.as_tensor(b, dtype=torch.float64, device="cpu") for b in bounds]
            lo, hi = (b.broadcast_to((self.m,)).clone() for b in ends)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"bounds = {bounds!r}; {expected}") from error
        if not bool((lo < hi).all()):
            raise ValueError(f"bounds = {bounds}; {expected}")
        return lo, hi

    def _try(self):
        """The functions, once, at the start: shapes in the reader's words."""
        t, x, u = self.x0.new_tensor(self.t0), self.x0, self.within(self.x0.new_zeros(self.m))
        velocity = self.f(t, x, u)
        if not isinstance(velocity, torch.Tensor) or velocity.shape != x.shape:
            shape = tuple(getattr(velocity, "shape", ()))
            raise ValueError(f"f(t, x, u) has shape {shape}; expected that of x, ({self.n},): "
                             "torch.stack([...], -1).")
        if velocity.dtype != torch.float64:
            raise TypeError(f"f(t, x, u) has dtype {velocity.dtype}; expected torch.float64, in which "
                            "x comes: let the numbers in f be of x's dtype.")
        a_value(self.cost(t, x, u), "cost(t, x, u)"), a_value(self.final(x), "final(x)")
        if self.above is not None:
            self._start(self.above(x))

    def _start(self, room):
        """What must stay >= 0 is so at the start, which no control can change."""
        if not isinstance(room, torch.Tensor) or room.ndim != 1:
            raise ValueError(f"above(x) has shape {tuple(getattr(room, 'shape', ()))} for one state; "
                             "expected (..., c): g(x)[..., None] for one constraint.")
        if not bool((room >= 0).all()):
            raise ValueError(f"above(x0) = {room.tolist()}; expected numbers >= 0: the start must "
                             "keep the constraint.")

    def in_batches(self):
        """f and cost do with rows of states what they do with one. Raises ValueError."""
        t, x = self.x0.new_tensor(self.t0), self.x0 + 0.01 * torch.arange(3.0)[:, None]
        u = self.within(self.x0.new_zeros(3, self.m))
        for f, name in ((self.f, "f(t, x, u)"), (self.cost, "cost(t, x, u)")):
            alone = torch.stack([torch.as_tensor(f(t, *row)) for row in zip(x, u, strict=True)])
            try:
                same = torch.allclose(torch.as_tensor(f(t, x, u)).expand_as(alone), alone)
            except (RuntimeError, IndexError):
                same = False
            if not same:
                raise ValueError(f"{name} does another thing with rows of states x (3, {self.n}) than "
                                 "with each; expected x[..., i], u[..., j], and sums over the last axis.")

    def within(self, u):
        """u, brought between the bounds."""
        if self.bounds is None:
            return u
        return torch.minimum(torch.maximum(u, self.bounds[0].to(u)), self.bounds[1].to(u))

    def miss(self, x):
        """x(T) - xT in the fixed components: (..., number of them)."""
        return x[..., self.fixed] - self.xT.to(x)

    def broken(self, x, u):
        """How far states (K, n) and controls (K, m) leave what is allowed: a number, 0 if nowhere."""
        room = [] if self.above is None else [self.above(x)]
        if self.bounds is not None:
            room += [u - self.bounds[0], self.bounds[1] - u]
        return max([0.0, *(-part.min().item() for part in room)])


def a_value(value, name):
    """Return value, a number for one state. Raises TypeError, ValueError."""
    if not isinstance(value, (int, float, torch.Tensor)) or isinstance(value, bool):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a number for one state.")
    if torch.as_tensor(value).shape != ():
        raise ValueError(f"{name} has shape {tuple(value.shape)} for one state; expected a number: sum "
                         "over the last axis.")
    return value


a_problem = an_instance(Problem, "Problem(f, cost, x0=..., ...)")


Posed = Annotated[Problem, a_problem]


def horizon_guess(problem, T):
    """A guess of the end of a free horizon as (1,), (0,) if it is fixed. Raises TypeError, ValueError."""
    if problem.T is not None:
        if T is not None:
            raise ValueError("T is given, but the problem has an end of its own; expected no T here.")
        return problem.x0.new_zeros(0)
    if T is None:
        raise ValueError("the horizon is free; expected a guess of its end: T=...")
    return problem.x0.new_tensor([float(a_number(T, "T", above=problem.t0))])


@checked
def solve(problem: Posed, *, method: Function, **options: Any) -> Solution:
    """The Solution that method(problem, ...) finds: `direct` or `shooting`. Raises as they do."""
    return a_function(method, "method")(problem, **options)
