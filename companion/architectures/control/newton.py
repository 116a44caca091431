"""Newton's method, and Powell's hybrid of it (SciPy), with the Jacobian by autograd."""

import torch

from companion.architectures.control.problem import NoSolution
from companion.hints import Function, Positive, Tensor, checked

# of Newton's steps, and what is tried of each
ITERATIONS, SHARES = 30, (1.0, 0.5, 0.25, 0.125, 0.0625)
FAR = 1e10  # stands for a residual that overflows: the method steps back from it


def jacobian(residual, y):
    """(residual(y), its derivative), (m,) and (m, n), by autograd: all rows at once, or one by one
    where the functions know no batches."""
    y = y.detach().requires_grad_()
    with torch.enable_grad():
        value = residual(y) + 0 * y.sum()
    rows = torch.eye(len(value), dtype=value.dtype)
    try:
        J = torch.autograd.grad(value, y, rows, is_grads_batched=True, retain_graph=True)[0]
    except RuntimeError:
        each = [torch.autograd.grad(value, y, row, retain_graph=True)[0] for row in rows]
        J = torch.stack(each)
    return value.detach(), J


@checked
def newton(residual: Function, guess: Tensor, *, tol: Positive = 1e-9) -> torch.Tensor:
    """A root y of residual(y), both (m,): Newton's steps, shortened until the residual falls, then
    where that ends Powell's hybrid of Newton's method and of descent.

    The first residual must be finite; where a later one is not, the step is made shorter.
    Raises TypeError, ValueError; NoSolution, with the residuals, if max |residual| > tol.
    """
    guess = _a_vector(guess).detach().to("cpu", torch.float64)
    first = _value(residual, guess)
    if first.shape != guess.shape:
        raise ValueError(f"residual(y) has shape {tuple(first.shape)} for y of shape "
                         f"{tuple(guess.shape)}; expected as many conditions as unknowns.")
    if not bool(first.isfinite().all()):
        raise NoSolution(f"at the guess the residuals are {first.tolist()}; expected a guess at "
                         "which they are finite.", first)

    y, left = _damped(residual, guess, first, tol)
    why = ""
    if not bool(left.abs().max() <= tol):
        found = _hybrid(residual, y)
        y, why = torch.as_tensor(found.x), " ".join(found.message.split())
        left = _value(residual, y)
    if not bool(left.abs().max() <= tol):
        said = ", ".join(f"{r:.2e}" for r in left.tolist())
        raise NoSolution(f"shooting ended with the residuals ({said}), above {tol:.0e}; expected "
                         f"a guess nearer to a solution, or a problem that has one. {why}", left)
    return y


def _damped(residual, y, left, tol):
    """Newton's steps, each halved until |residual| falls by a quarter of its share
    (where it overflows, too), until none does, or all is below tol / 1000."""
    for _ in range(ITERATIONS):
        if left.abs().max() <= 1e-3 * tol:
            break
        step, bad = torch.linalg.solve_ex(jacobian(residual, y)[1], left)
        if bad or not bool(step.isfinite().all()):
            break
        tried = ((share, y - share * step) for share in SHARES)
        nearer = ((z, r) for share,
                  z in tried if (r := _value(residual, z)).norm() <= (1 - share / 4) * left.norm())
        y_next, left = next(nearer, (None, left))
        if y_next is None:
            break
        y = y_next
    return y, left


def _hybrid(residual, y):
    """What SciPy's hybrid method finds from y."""
    from scipy.optimize import root

    def value(y):
        return torch.nan_to_num(_value(residual, torch.as_tensor(y)), FAR, FAR, -FAR).numpy()

    return root(value, y.numpy(), method="hybr", options={"xtol": 1e-13, "maxfev": 150},
                jac=lambda y: jacobian(residual, torch.as_tensor(y))[1].numpy())


@torch.no_grad()
def _value(residual, y):
    value = residual(y)
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        raise TypeError(f"residual(y) is {value!r}; expected a floating-point torch.Tensor of "
                        f"shape {tuple(y.shape)}.")
    return value


def _a_vector(guess):
    if guess.ndim != 1 or not len(guess):
        raise ValueError(f"guess has shape {tuple(guess.shape)}; expected finite numbers (m,), m "
                         ">= 1.")
    return guess
