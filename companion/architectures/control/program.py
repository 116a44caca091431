"""An optimal control problem as a nonlinear program: controls constant on N intervals,
states by Runge-Kutta.

Source: Betts, Practical Methods for Optimal Control and Estimation Using Nonlinear Programming
(2010), chapter 4; Nocedal and Wright, Numerical Optimization (2006), chapter 12,
for the multipliers.
"""

import numpy as np
import torch

from companion.architectures.control.newton import FAR, jacobian
from companion.flow import iterate

ACTIVE = 1e-7  # a constraint or a bound this near holds


def run_of(problem, u, T, state_perturbation, method):
    """The states (N+1, n) and running costs (N+1,) under controls u (N, m), constant on N equal
    intervals."""
    steps, n = len(u), problem.n
    nodes = problem.t0 + torch.arange(steps, dtype=u.dtype) / steps * (T - problem.t0)
    h = (T - problem.t0) / steps

    def step(k, z):
        def v(t, y):
            cost = torch.as_tensor(problem.cost(t, y[:n], u[k]), dtype=y.dtype)
            return torch.cat([problem.f(t, y[:n], u[k]), cost[None]])

        z = method(v, nodes[k], z, h)
        if state_perturbation is None:
            return z
        return torch.cat([z[:n] + state_perturbation[k + 1], z[n:]])

    x0 = problem.x0.to(u.dtype)
    if state_perturbation is not None:
        x0 = x0 + state_perturbation[0]
    path = iterate(step, torch.cat([x0, u.new_zeros(1)]), steps).x
    return path[:, :n], path[:, n]


class NonlinearProgram:
    """The nonlinear program in y = (u, T if it is free): what is minimised, what vanishes,
    what stays >= 0, each with its gradient."""

    def __init__(self, problem, steps, method):
        self.problem, self.steps, self.method, self.at, self.kept = (
            problem,
            steps,
            method,
            None,
            None,
        )

    def split(self, y):
        """y -> controls (N, m) and the end of time."""
        size = self.steps * self.problem.m
        return y[:size].reshape(self.steps, self.problem.m), (
            y[size] if self.problem.T is None else self.problem.T
        )

    def parts(self, y, state_perturbation=None):
        """(cost, misses at the end, what is to stay >= 0 at the nodes 1, ..., N)."""
        x, cost = run_of(self.problem, *self.split(y), state_perturbation, self.method)
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
            made.append(
                {
                    "type": "eq",
                    "fun": lambda y: self.look(y)[0][1:end],
                    "jac": lambda y: self.look(y)[1][1:end],
                }
            )
        if self.problem.above:
            made.append(
                {
                    "type": "ineq",
                    "fun": lambda y: self.look(y)[0][end:],
                    "jac": lambda y: self.look(y)[1][end:],
                }
            )
        return made

    def bounds(self):
        """(lowest, highest) of y, each like y; a free horizon stays positive."""
        problem = self.problem
        lo, hi = problem.bounds or (
            problem.x0.new_full((problem.m,), s * torch.inf) for s in (-1, 1)
        )
        free = problem.T is None
        return (np.append(np.tile(lo, self.steps), [problem.t0 + 1e-6] * free),
                np.append(np.tile(hi, self.steps), [np.inf] * free))

    def feasible(self, y):
        """A y near this one at which the ends are met and nothing is broken,
        as far as least squares get."""
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
        return least_squares(left, inside, slopes, bounds=(low, high),
                             xtol=1e-12).x if len(left(y)) else y

    def multipliers(self, y):
        """(those of the ends and of what stays >= 0, one each; the largest |dH/du| or H they
        leave).

        The least squares of grad cost = J'm over the multipliers m of what holds with equality:
        those of inequalities are >= 0, of bounds too.
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
            found = lsq_linear(columns.T, rows[0], (least, np.inf), method="bvls", tol=1e-14,
                               max_iter=20 * len(y)).x
        m = np.zeros(len(values) - 1)
        m[holds] = found[: holds.sum()]
        return m, self.per_time(rows[0] - columns.T @ found, y)

    def per_time(self, slopes, y):
        """The largest |dH/du|, or |H| at a free end, that slopes of the Lagrangian (like y) are."""
        size, T = self.steps * self.problem.m, self.split(torch.as_tensor(y))[1]
        h = (float(T) - self.problem.t0) / self.steps
        return float(max(np.abs(slopes[:size]).max() / h, *np.abs(slopes[size:]), 0.0))
