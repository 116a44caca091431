"""The direct method: controls constant on N intervals, states by Runge-Kutta, then sequential quadratic
programming (SciPy's SLSQP).

Gradients by autograd through the run; the costate is minus the gradient of the Lagrangian with respect to
the states, with the multipliers that come nearest to stationarity.
Source: Betts, Practical Methods for Optimal Control and Estimation Using Nonlinear Programming (2010),
chapter 4; Nocedal and Wright, Numerical Optimization (2006), chapter 12, for the multipliers.
"""

import numpy as np
import torch

from companion.architectures.control.newton import FAR, jacobian
from companion.architectures.control.problem import NoSolution, Posed, Solution, horizon_guess
from companion.energies import grad
from companion.flow import Path, iterate, rk4
from companion.hints import Count, Function, Number, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor

LIMIT = 9  # SLSQP's status when it ran out of iterations
ACTIVE = 1e-7  # a constraint or a bound this near holds


@checked
def transcribed(problem: Posed, u: Tensor, T: Number, push: Tensor = None, method: Function = rk4) -> tuple:
    """The states (N+1, n) and running costs (N+1,) under controls u (N, m), constant on N equal intervals of
    [t0, T].

    push (N+1, n), if given, is added to the states at the nodes: the gradient with respect to it is that with
    respect to the states. Raises TypeError, ValueError.
    """
    steps, n = len(u) if u.ndim else 0, problem.n
    if u.shape != (steps, problem.m) or not steps or (push is not None and push.shape != (steps + 1, n)):
        raise ValueError(f"u has shape {tuple(u.shape)}; expected (N, {problem.m}), and push (N + 1, {n}).")
    return _transcribed(problem, u, T, push, method)


def _transcribed(problem, u, T, push, method):
    steps, n = len(u), problem.n
    nodes = problem.t0 + torch.arange(steps, dtype=u.dtype) / steps * (T - problem.t0)
    h = (T - problem.t0) / steps

    def step(k, z):
        def v(t, y):
            cost = torch.as_tensor(problem.cost(t, y[:n], u[k]), dtype=y.dtype)
            return torch.cat([problem.f(t, y[:n], u[k]), cost[None]])

        z = method(v, nodes[k], z, h)
        return z if push is None else torch.cat([z[:n] + push[k + 1], z[n:]])

    x0 = problem.x0.to(u.dtype) if push is None else problem.x0.to(u.dtype) + push[0]
    path = iterate(step, torch.cat([x0, u.new_zeros(1)]), steps).x
    return path[:, :n], path[:, n]


class Program:
    """The nonlinear program in y = (u, T if it is free): what is minimised, what vanishes, what stays >= 0,
    each with its gradient."""

    def __init__(self, problem, steps, method):
        self.problem, self.steps, self.method, self.at, self.kept = problem, steps, method, None, None

    def split(self, y):
        """y -> controls (N, m) and the end of time."""
        size = self.steps * self.problem.m
        return y[:size].reshape(self.steps, self.problem.m), (y[size] if self.problem.T is None else self.problem.T)

    def parts(self, y, push=None):
        """(cost, misses at the end, what is to stay >= 0 at the nodes 1, ..., N)."""
        x, cost = _transcribed(self.problem, *self.split(y), push, self.method)
        above = self.problem.above(x[1:]).reshape(-1) if self.problem.above else x.new_zeros(0)
        return cost[-1] + self.problem.final(x[-1]), self.problem.miss(x[-1]), above

    def look(self, y):
        """Values and Jacobian of all of it, computed once for each y."""
        if self.at is None or not (self.at == y).all():
            def everything(y):
                cost, miss, above = self.parts(y)
                return torch.cat([cost[None], miss, above])

            self.at = np.array(y)
            self.kept = [np.nan_to_num(part.numpy(), nan=FAR, posinf=FAR, neginf=-FAR)
                         for part in jacobian(everything, torch.tensor(self.at))]
        return self.kept

    def constraints(self):
        """As SciPy takes them."""
        end = 1 + len(self.problem.fixed)
        made = []
        if self.problem.fixed:
            made.append({"type": "eq", "fun": lambda y: self.look(y)[0][1:end], "jac": lambda y: self.look(y)[1][1:end]})
        if self.problem.above:
            made.append({"type": "ineq", "fun": lambda y: self.look(y)[0][end:], "jac": lambda y: self.look(y)[1][end:]})
        return made

    def bounds(self):
        """(lowest, highest) of y, each like y; a free horizon stays positive."""
        problem = self.problem
        lo, hi = problem.bounds or (problem.x0.new_full((problem.m,), s * torch.inf) for s in (-1, 1))
        free = problem.T is None
        return (np.append(np.tile(lo, self.steps), [problem.t0 + 1e-6] * free), np.append(np.tile(hi, self.steps), [np.inf] * free))

    def feasible(self, y):
        """A y near this one at which the ends are met and nothing is broken, as far as least squares get."""
        from scipy.optimize import least_squares

        ends, (low, high) = 1 + len(self.problem.fixed), self.bounds()
        gap = np.minimum(1e-3 * (high - low), 1e-3)

        def worth(y):  # which rows count: ends always, the others where they are broken
            return np.arange(len(self.look(y)[0]) - 1) < ends - 1, self.look(y)[0][1:] < 0

        def left(y):
            ends, broken = worth(y)
            return self.look(y)[0][1:] * (ends | broken)

        def slopes(y):
            ends, broken = worth(y)
            return self.look(y)[1][1:] * (ends | broken)[:, None]

        inside = np.clip(y, low + gap, high - gap)
        return least_squares(left, inside, slopes, bounds=(low, high), xtol=1e-12).x if len(left(y)) else y

    def multipliers(self, y):
        """(those of the ends and of what stays >= 0, one each; the largest |dH/du| or H they leave).

        The least squares of grad cost = J'm over the multipliers m of what holds with equality: those of
        inequalities are >= 0, of bounds too.
        """
        from scipy.optimize import lsq_linear

        (values, rows), ends = self.look(y), len(self.problem.fixed)
        holds = np.append(np.ones(ends, dtype=bool), values[1 + ends:] <= ACTIVE)
        low, high = (np.abs(y - b) <= ACTIVE for b in self.bounds())
        unit = np.eye(len(y))
        columns = np.concatenate([rows[1:][holds], unit[low], -unit[high]])
        least = np.append(np.full(ends, -np.inf), np.zeros(len(columns) - ends))
        found = np.zeros(len(columns))
        if len(columns):
            found = lsq_linear(columns.T, rows[0], (least, np.inf), method="bvls", tol=1e-14, max_iter=20 * len(y)).x
        m = np.zeros(len(values) - 1)
        m[holds] = found[: holds.sum()]
        return m, self.per_time(rows[0] - columns.T @ found, y)

    def per_time(self, slopes, y):
        """The largest |dH/du|, or |H| at a free end, that slopes of the Lagrangian (like y) are."""
        size, T = self.steps * self.problem.m, self.split(torch.as_tensor(y))[1]
        h = (float(T) - self.problem.t0) / self.steps
        return float(max(np.abs(slopes[:size]).max() / h, *np.abs(slopes[size:]), 0.0))


@checked
def direct(problem: Posed, *, steps: Count = 50, u0: torch.Tensor | float | None = None, T: Number = None, method: Function = rk4,
           tol: Positive = 1e-12, most: Count = 200) -> Solution:
    """A Solution by the direct method: u is constant on `steps` intervals; the last of its rows is repeated at T.

    u0: (steps, m), or a number: a guess.  T: a guess of a free end.  most: iterations.
    The residual is the largest of: misses of the end, constraints broken at the nodes, |dH/du| (averaged over
    an interval) where no bound holds u, |H| at a free end. Raises TypeError, ValueError, NoSolution.
    """
    program = Program(problem, steps, method)
    guess = torch.cat([_a_guess(problem, steps, u0), horizon_guess(problem, T)]).numpy()
    found = _minimised(program, guess, tol, most)
    if not found.success and found.status != LIMIT:
        found = _minimised(program, program.feasible(guess), tol, most)
    y = torch.as_tensor(found.x, dtype=torch.float64)
    cost, miss, above = (part.detach() for part in program.parts(y))
    end, along = (max([0.0, *part.tolist()]) for part in (miss.abs(), -above))
    if not found.success or not max(end, along) <= 1e-6:
        raise NoSolution(f"the direct method stopped: {found.message}. The end is missed by {end:.2e}, constraints by "
                         f"{along:.2e}; expected a feasible problem: more time, wider bounds, or a nearer guess u0.", max(end, along))
    multipliers, slope = program.multipliers(found.x)
    return _solution(program, y, cost, max(end, along, slope), multipliers)


def _minimised(program, guess, tol, most):
    """What SciPy's SLSQP finds from a guess."""
    from scipy.optimize import Bounds, minimize

    with np.errstate(all="ignore"):  # a trial far out may overflow: the line search steps back
        return minimize(lambda y: program.look(y)[0][0], guess, jac=lambda y: program.look(y)[1][0], method="SLSQP",
                        bounds=Bounds(*program.bounds()), constraints=program.constraints(), options={"ftol": tol, "maxiter": most})


def _solution(program, y, cost, left, multipliers):
    """The Solution at y, its costate from the multipliers of the end and of the constraints."""
    u, T = program.split(y)
    m = torch.as_tensor(multipliers, dtype=y.dtype)

    def lagrangian(push):
        value, miss, above = program.parts(y, push)
        return value - (m * torch.cat([miss, above])).sum()

    x, _ = _transcribed(program.problem, u, T, None, program.method)
    costate = -grad(lagrangian, torch.zeros_like(x))
    t = program.problem.t0 + torch.linspace(0, 1, len(x), dtype=y.dtype) * (T - program.problem.t0)
    return Solution(Path(t, x.detach()), torch.cat([u, u[-1:]]).detach(), costate, cost, left)


def _a_guess(problem, steps, u0):
    """The controls (steps * m,) of a guess: 0, a number, or a tensor, brought between the bounds."""
    u = torch.zeros(steps, problem.m, dtype=torch.float64)
    if isinstance(u0, torch.Tensor) and u0.ndim:
        if a_tensor(u0, "u0").shape != u.shape or not bool(u0.isfinite().all()):
            raise ValueError(f"u0 has shape {tuple(u0.shape)}; expected finite numbers ({steps}, {problem.m}), or a number.")
        u = u0.detach().to(u)
    elif u0 is not None:
        u = u + float(a_number(u0, "u0"))
    return problem.within(u).reshape(-1)
