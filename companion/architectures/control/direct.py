"""The direct method: controls constant on N intervals, states by Runge-Kutta, then sequential quadratic programming (SciPy's SLSQP).

Gradients by autograd through the run; the costate comes out of it as minus the gradient of the Lagrangian with respect to the states.
Source: Betts, Practical Methods for Optimal Control and Estimation Using Nonlinear Programming (2010), chapter 4.
"""

import torch

from companion.architectures.control.problem import NoSolution, Solution, a_problem
from companion.energies import grad
from companion.flow import Path, iterate, rk4
from companion.inputs import a_count, a_function, a_number, a_tensor


def transcribed(problem, u, T, push=None, method=rk4):
    """The states (N+1, n) and running costs (N+1,) under controls u (N, m), constant on N equal intervals of [0, T].

    push (N+1, n), if given, is added to the states at the nodes: the gradient with respect to it is that with respect to the states.
    """
    steps, n = len(u), problem.n
    h = T / steps

    def step(k, z):
        def v(t, y):
            cost = torch.as_tensor(problem.cost(t, y[:n], u[k]), dtype=y.dtype)
            return torch.cat([problem.f(t, y[:n], u[k]), cost[None]])

        z = method(v, k * h, z, h)
        return z if push is None else torch.cat([z[:n] + push[k + 1], z[n:]])

    x0 = problem.x0.to(u.dtype) if push is None else problem.x0.to(u.dtype) + push[0]
    path = iterate(step, torch.cat([x0, u.new_zeros(1)]), steps).x
    return path[:, :n], path[:, n]


class Program:
    """The nonlinear program in y = (u, T if it is free): what is minimised, what vanishes, what stays >= 0, each with its gradient."""

    def __init__(self, problem, steps, method):
        self.problem, self.steps, self.method, self.at, self.kept = problem, steps, method, None, None

    def split(self, y):
        """y -> controls (N, m) and horizon."""
        size = self.steps * self.problem.m
        return y[:size].reshape(self.steps, self.problem.m), (y[size] if self.problem.T is None else self.problem.T)

    def parts(self, y, push=None):
        """(cost, misses at the end, what is to stay >= 0 at the nodes 1, ..., N)."""
        x, cost = transcribed(self.problem, *self.split(y), push, self.method)
        above = self.problem.above(x[1:]).reshape(-1) if self.problem.above else x.new_zeros(0)
        return cost[-1] + self.problem.final(x[-1]), self.problem.miss(x[-1]), above

    def look(self, y):
        """Values and Jacobian of all of it, computed once for each y."""
        if self.at is None or not (self.at == y).all():
            y = torch.tensor(y, dtype=torch.float64)

            def everything(y):
                cost, miss, above = self.parts(y)
                return torch.cat([cost[None], miss, above])

            rows = torch.autograd.functional.jacobian(everything, y, vectorize=bool(self.problem.above))
            self.at, self.kept = y.numpy().copy(), (everything(y).detach().numpy(), rows.numpy())
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
        """As SciPy takes them; a free horizon stays positive."""
        bounds = self.problem.bounds
        inside = [(None, None)] * self.problem.m if bounds is None else list(zip(*(b.tolist() for b in bounds), strict=True))
        return inside * self.steps + ([(1e-6, None)] if self.problem.T is None else [])


def direct(problem, *, steps=50, u0=None, T=None, method=rk4, tol=1e-12, most=200):
    """A Solution by the direct method: u is constant on `steps` intervals; the last of its rows is repeated at T.

    u0: (steps, m), or a number: a guess.  T: a guess of a free horizon.  most: iterations. Raises TypeError, ValueError, NoSolution.
    """
    from scipy.optimize import minimize

    a_problem(problem), a_count(steps, "steps"), a_function(method, "method")
    program, guess = Program(problem, steps, method), _a_guess(problem, steps, u0, T)
    found = minimize(lambda y: program.look(y)[0][0], guess.numpy(), jac=lambda y: program.look(y)[1][0], method="SLSQP",
                     bounds=program.bounds(), constraints=program.constraints(), options={"ftol": tol, "maxiter": most})
    y = torch.as_tensor(found.x, dtype=torch.float64)
    cost, miss, above = (part.detach() for part in program.parts(y))
    end, along = max([0.0, *miss.abs().tolist()]), max([0.0, *(-above).tolist()])
    left = max(end, along)
    if not found.success or not left <= 1e-6:
        raise NoSolution(f"the direct method stopped: {found.message}. The end is missed by {end:.2e}, constraints by {along:.2e}; "
                         "expected a feasible problem: more time, wider bounds, or a nearer guess u0.", left)
    return _solution(program, y, cost, left, found.multipliers)


def _solution(program, y, cost, left, multipliers):
    """The Solution at y, its costate from the multipliers of the end and of the constraints."""
    u, T = program.split(y)
    ends = torch.as_tensor(multipliers, dtype=y.dtype)

    def lagrangian(push):
        value, miss, above = program.parts(y, push)
        return value - (ends * torch.cat([miss, above])).sum()

    x, _ = transcribed(program.problem, u, T, method=program.method)
    costate = -grad(lagrangian, torch.zeros_like(x))
    t = torch.linspace(0, 1, len(x), dtype=y.dtype) * T
    return Solution(Path(t, x.detach()), torch.cat([u, u[-1:]]).detach(), costate, cost, left)


def _a_guess(problem, steps, u0, T):
    u = torch.zeros(steps, problem.m, dtype=torch.float64)
    if u0 is not None:
        if isinstance(u0, torch.Tensor) and u0.shape != u.shape:
            raise ValueError(f"u0 has shape {tuple(u0.shape)}; expected ({steps}, {problem.m}), or a number.")
        u = u + (a_tensor(u0, "u0").to(u) if isinstance(u0, torch.Tensor) else a_number(u0, "u0"))
    u = problem.within(u).reshape(-1)
    if problem.T is not None:
        if T is not None:
            raise ValueError("T is given, but the problem has a horizon of its own; expected no T here.")
        return u
    if T is None:
        raise ValueError("the horizon is free; expected a guess of it: T=...")
    return torch.cat([u, u.new_tensor([float(a_number(T, "T", above=0))])])
