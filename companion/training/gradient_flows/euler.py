"""One gradient flow x' = -grad f(x), and its two Euler schemes.

    explicit   x_{k+1} = x_k - tau grad f(x_k)
    implicit   x_{k+1} = prox_{tau f}(x_k) = argmin_y  f(y) + |y - x_k|^2 / (2 tau)

On a quadratic of curvature L the first is stable if and only if tau < 2 / L.
The second never increases f, for any tau > 0.
Source: Parikh and Boyd, Proximal algorithms, Foundations and Trends in Optimization 1 (2014).
"""

import torch

from companion.energies import grad
from companion.entries import Points, values
from companion.hints import Cloud, Count, Function, Positive, Tensor, checked


@checked
def explicit_step(f: Function, x: Tensor, *, tau: Positive) -> Tensor:
    """x - tau grad f(x).   f: (..., d) -> (...), x: (..., d). Raises TypeError, ValueError."""
    return x - tau * grad(f, x)


@checked
def implicit_step(f: Function, x: Points, *, tau: Positive, iterations: Count = 50) -> Tensor:
    """prox_{tau f}(x) = argmin_y f(y) + |y - x|^2 / (2 tau), by Newton's method with step
    halving.   f: (..., d) -> (...), x: (..., d).

    f must be twice differentiable. The minimiser is unique where f + |.|^2 / (2 tau) is strictly
    convex; elsewhere the result is a critical point with a value no larger than f(x).
    Not for a page: it solves linear systems. Raises TypeError, ValueError.
    """
    rows = x.detach().reshape(-1, x.shape[-1])

    def objective(y):
        return values(f, y) + (y - rows).square().sum(-1) / (2 * tau)

    y = rows
    for _ in range(iterations):
        slope = grad(objective, y)
        y = _halved(objective, y, _newton_direction(hessian(objective, y), slope))
        if (slope.abs() < 1e3 * torch.finfo(x.dtype).eps).all():
            break
    return y.reshape(x.shape)


def _newton_direction(H, slope):
    """-H^-1 slope, with the eigenvalues of H replaced by their absolute values:
    a direction of descent also where H is not positive."""
    values, vectors = torch.linalg.eigh(H)
    coordinates = (vectors.mT @ slope[..., None]) / values.abs().clamp(min=1e-8)[..., None]
    return -(vectors @ coordinates)[..., 0]


def _halved(objective, y, moved):
    """y + s moved with the largest s = 1, 1/2, 1/4, ... that does not increase the objective,
    but by rounding.

    Row by row; y if none does.
    """
    best, found = y, torch.zeros(y.shape[:-1], dtype=torch.bool, device=y.device)
    before = objective(y)
    before = before + 10 * torch.finfo(y.dtype).eps * before.abs()
    for power in range(30):
        trial = y + 0.5**power * moved
        accept = ~found & (objective(trial) <= before)
        best, found = torch.where(accept[..., None], trial, best), found | accept
        if found.all():
            break
    return best


@checked
def hessian(f: Function, x: Cloud) -> Tensor:
    """D^2 f at each row, (n, d, d), from gradients of gradients.   f: (n, d) -> (n,), x: (n, d).
    Raises TypeError, ValueError."""
    columns = [grad(lambda y, i=i: grad(f, y)[..., i], x) for i in range(x.shape[-1])]
    return torch.stack(columns, -2)
