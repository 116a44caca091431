"""The indirect method: find the costate p(0), and what else is free, for which the extremal ends where it must.

Newton's method (Powell's hybrid of it, in SciPy), with the Jacobian by autograd through the flow.
Source: Stoer and Bulirsch, Introduction to Numerical Analysis, chapter 7.3.
"""

import torch

from companion.architectures.control.hamiltonian import extremal, hamiltonian, maximiser
from companion.architectures.control.problem import NoSolution, Solution, a_problem
from companion.energies import grad
from companion.flow import Path, flow
from companion.inputs import a_count, a_function, a_number, a_tensor


def jacobian(residual, y):
    """d residual / d y (m, m) by autograd, row by row."""
    return torch.autograd.functional.jacobian(residual, y)


def newton(residual, guess, *, jac=jacobian, tol=1e-9):
    """A root y of residual(y), both (m,): Powell's hybrid of Newton's method and of descent, from SciPy.

    jac(residual, y) -> (m, m); None: differences. Raises TypeError, ValueError; NoSolution, with the residuals, if max |residual| > tol.
    """
    from scipy.optimize import root

    guess = a_tensor(guess, "guess").detach().to(torch.float64)

    @torch.no_grad()
    def value(y):
        return residual(torch.as_tensor(y, dtype=guess.dtype))

    if (first := value(guess)).shape != guess.shape:
        raise ValueError(f"residual(y) has shape {tuple(first.shape)} for y of shape {tuple(guess.shape)}; expected as many conditions as unknowns.")
    by_hand = None if jac is None else lambda y: jac(residual, torch.as_tensor(y, dtype=guess.dtype)).numpy()
    found = root(lambda y: value(y).numpy(), guess.numpy(), jac=by_hand, method="hybr", options={"xtol": 1e-14, "maxfev": 150})
    left = value(found.x)
    if not bool(left.abs().max() <= tol):
        said = ", ".join(f"{r:.2e}" for r in left.tolist())
        raise NoSolution(f"shooting ended with the residuals ({said}), above {tol:.0e}; expected a guess nearer to a solution, or a problem that "
                         f"has one. {' '.join(found.message.split())}", left)
    return torch.as_tensor(found.x, dtype=guess.dtype)


def transversality(problem, t, x, p, u):
    """What must vanish at the end: x - xT where it is fixed, p + grad phi where it is free, H where the horizon is free."""
    free = [i for i in range(problem.n) if i not in problem.fixed]
    parts = [problem.miss(x)]
    if free:
        slope = grad(lambda y: problem.final(y) + 0 * y.sum(-1), x)
        parts.append((p + slope)[..., free])
    if problem.T is None:
        parts.append(hamiltonian(problem, t, x, p, u)[..., None])
    return torch.cat(parts, -1)


def shooting(problem, *, p0, T=None, law=None, steps=200, tol=1e-9):
    """A Solution by simple shooting: p(0), and T where it is free, such that the end of the extremal is right.

    p0: (n,), a guess.  T: a guess of a free horizon.  law(t, x, p) -> u maximises H (found where H is a separable quadratic in u).
    The law must be continuous: where the control jumps, say the arcs and shoot at their ends too (`arcs`).
    Raises TypeError, ValueError, NoSolution.
    """
    a_problem(problem), a_count(steps, "steps")
    guess = _a_guess(problem, p0, T)
    law = a_function(law, "law") if law else maximiser(problem)
    v, x0 = extremal(problem, law), problem.x0.to(torch.float64)

    def run(y, every):
        horizon = y[-1] if problem.T is None else problem.T
        return flow(v, torch.stack([x0, y[: problem.n]]), horizon, steps, every=every)

    def residual(y):
        end = run(y, steps)
        x, p = end.end
        return transversality(problem, end.t[-1], x, p, law(end.t[-1], x, p))

    y = newton(residual, guess, tol=tol)
    path = run(y, 1)
    return as_solution(problem, path, law, residual(y).detach())


def as_solution(problem, path, law, left):
    """The Solution on an extremal z (K+1, 2, n)."""
    t, x, p = path.t.detach(), path.x[:, 0].detach(), path.x[:, 1].detach()
    u = torch.stack([law(*point) for point in zip(t, x, p, strict=True)]).detach()
    return Solution(Path(t, x), u, p, running_cost(problem, t, x, u) + problem.final(x[-1]), float(left.abs().max()))


def running_cost(problem, t, x, u):
    """The integral of L along (K+1,) times: by Simpson's rule if K is even and the steps are equal, else by trapezoids: 0-d."""
    values = torch.stack([torch.as_tensor(problem.cost(*point), dtype=x.dtype) for point in zip(t, x, u, strict=True)])
    h = torch.diff(t)
    if len(h) % 2 == 0 and torch.allclose(h, h[0].expand_as(h)):
        total = h[0] / 3 * (values[0] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum() + values[-1])
    else:
        total = (h * (values[1:] + values[:-1]) / 2).sum()
    return total


def _a_guess(problem, p0, T):
    p0 = a_tensor(p0, "p0").detach().to(torch.float64)
    if p0.shape != (problem.n,):
        raise ValueError(f"p0 has shape {tuple(p0.shape)}; expected ({problem.n},), like x0.")
    if problem.T is not None:
        if T is not None:
            raise ValueError("T is given, but the problem has a horizon of its own; expected no T here.")
        return p0
    if T is None:
        raise ValueError("the horizon is free; expected a guess of it: T=...")
    return torch.cat([p0, p0.new_tensor([float(a_number(T, "T", above=0))])])
