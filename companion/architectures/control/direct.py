"""The direct method: controls constant on N intervals, states by Runge-Kutta,
then sequential quadratic programming (SciPy's SLSQP).

Gradients by autograd through the run; the costate is minus the gradient of the Lagrangian with
respect to the states, with the multipliers that come nearest to stationarity.
Source: Betts, Practical Methods for Optimal Control and Estimation Using Nonlinear Programming
(2010), chapter 4; Nocedal and Wright, Numerical Optimization (2006), chapter 12,
for the multipliers.
"""

import numpy as np
import torch

from companion.architectures.control.problem import NoSolution, Posed, Solution, horizon_guess
from companion.architectures.control.program import NonlinearProgram, run_of
from companion.energies import grad
from companion.flow import Path, rk4
from companion.hints import Count, Function, Number, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor

LIMIT = 9  # SLSQP's status when it ran out of iterations


@checked
def rollout(problem: Posed, u: Tensor, T: Number, state_perturbation: Tensor = None,
                method: Function = rk4) -> tuple:
    """The states (N+1, n) and running costs (N+1,) under controls u (N, m), constant on N equal
    intervals of [t0, T].

    state_perturbation (N+1, n), if given, is added to the states at the nodes:
    the gradient with respect to it is that with respect to the states. Raises TypeError,
    ValueError.
    """
    steps, n = len(u) if u.ndim else 0, problem.n
    shifted = state_perturbation is None or state_perturbation.shape == (steps + 1, n)
    if u.shape != (steps, problem.m) or not steps or not shifted:
        raise ValueError(f"u has shape {tuple(u.shape)}; expected (N, {problem.m}), and "
                         f"state_perturbation (N + 1, {n}).")
    return run_of(problem, u, T, state_perturbation, method)


@checked
def direct(problem: Posed, *, steps: Count = 50, u0: torch.Tensor | float | None = None,
           T: Number = None, method: Function = rk4,
           tol: Positive = 1e-12, most: Count = 200) -> Solution:
    """A Solution by the direct method: u is constant on `steps` intervals;
    the last of its rows is repeated at T.

    u0: (steps, m), or a number: a guess.  T: a guess of a free end.  most: iterations.
    The residual is the largest of: misses of the end, constraints broken at the nodes,
    |dH/du| (averaged over an interval) where no bound holds u, |H| at a free end. Raises TypeError,
    ValueError, NoSolution.
    """
    program = NonlinearProgram(problem, steps, method)
    guess = torch.cat([_a_guess(problem, steps, u0), horizon_guess(problem, T)]).numpy()
    found = _minimised(program, guess, tol, most)
    if not found.success and found.status != LIMIT:
        found = _minimised(program, program.feasible(guess), tol, most)
    y = torch.as_tensor(found.x, dtype=torch.float64)
    cost, miss, above = (part.detach() for part in program.parts(y))
    end, along = (max([0.0, *part.tolist()]) for part in (miss.abs(), -above))
    if not found.success or not max(end, along) <= 1e-6:
        raise NoSolution(f"the direct method stopped: {found.message}. The end is missed by "
                         f"{end:.2e}, constraints by {along:.2e}; expected a feasible problem: "
                         f"more time, wider bounds, or a nearer guess u0.", max(end, along))
    multipliers, slope = program.multipliers(found.x)
    return _solution(program, y, cost, max(end, along, slope), multipliers)


def _minimised(program, guess, tol, most):
    """What SciPy's SLSQP finds from a guess."""
    from scipy.optimize import Bounds, minimize

    with np.errstate(all="ignore"):  # a trial far out may overflow: the line search steps back
        return minimize(lambda y: program.look(y)[0][0], guess, jac=lambda y: program.look(y)[1][0],
                        method="SLSQP",
                        bounds=Bounds(*program.bounds()), constraints=program.constraints(),
                        options={"ftol": tol, "maxiter": most})


def _solution(program, y, cost, left, multipliers):
    """The Solution at y, its costate from the multipliers of the end and of the constraints."""
    u, T = program.split(y)
    m = torch.as_tensor(multipliers, dtype=y.dtype)

    def lagrangian(state_perturbation):
        value, miss, above = program.parts(y, state_perturbation)
        return value - (m * torch.cat([miss, above])).sum()

    x, _ = run_of(program.problem, u, T, None, program.method)
    costate = -grad(lagrangian, torch.zeros_like(x))
    t = program.problem.t0 + torch.linspace(0, 1, len(x), dtype=y.dtype) * (T - program.problem.t0)
    return Solution(Path(t, x.detach()), torch.cat([u, u[-1:]]).detach(), costate, cost, left)


def _a_guess(problem, steps, u0):
    """The controls (steps * m,) of a guess: 0, a number, or a tensor, brought between the bounds.
    """
    u = torch.zeros(steps, problem.m, dtype=torch.float64)
    if isinstance(u0, torch.Tensor) and u0.ndim:
        if a_tensor(u0, "u0").shape != u.shape or not bool(u0.isfinite().all()):
            raise ValueError(f"u0 has shape {tuple(u0.shape)}; expected finite numbers ({steps}, "
                             f"{problem.m}), or a number.")
        u = u0.detach().to(u)
    elif u0 is not None:
        u = u + float(a_number(u0, "u0"))
    return problem.within(u).reshape(-1)
