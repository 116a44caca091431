"""Descent with memory: heavy ball and Nesterov's methods, maps step(k, z) on phase space,
z = Inertia(x, v), v_k = x_k - x_{k-1}; start at_rest(x, Inertia).

Sources: Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1-17; Nesterov, Soviet Math. Dokl.
27 (1983) 372-376; Su, Boyd, Candes, JMLR 17 (2016).
x, v: (..., d), as many starts as there are leading entries; f: (..., d) -> (...),
one number a start; lr > 0.
"""

import torch

from companion.energies import grad
from companion.hints import Function, NonNegative, Number, Positive, Share, checked
from companion.inputs import concrete_value
from companion.training.momentum.phase import WithInertia


@checked
def heavy_ball(k: Number, z: WithInertia, *, f: Function, lr: Positive,
               momentum: Share) -> WithInertia:
    """v <- momentum v - lr grad f(x), x <- x + v: torch.optim.SGD(lr, momentum).
    Stable on a curvature L iff lr L < 2 (1 + momentum).

    0 <= momentum <= 1. Autonomous: k is not used.
    """
    v = momentum * z.v - lr * grad(f, z.x)
    return z._replace(x=z.x + v, v=v)


@checked
def nesterov(k: NonNegative, z: WithInertia, *, f: Function, lr: Positive,
             r: Positive = 3.0) -> WithInertia:
    """y = x_k + (k-1)/(k+r-1) v_k, x_{k+1} = y - lr grad f(y), v_{k+1} = x_{k+1} - x_k,
    for convex f and lr <= 1 / L.

    k = 0, 1, ... (x_1 is a gradient step), r > 0; r = 3 is Nesterov's (k-1)/(k+2).
    In the time k sqrt(lr) it follows x'' + (r/t) x' + grad f = 0.
    """
    before = torch.clamp(torch.as_tensor(k, dtype=z.x.dtype, device=z.x.device) - 1, min=0)
    return _look_ahead(z, f, lr, before / (before + r))


@checked
def nesterov_constant(k: Number, z: WithInertia, *, f: Function, lr: Positive,
                      momentum: Share) -> WithInertia:
    """y = x_k + momentum v_k, x_{k+1} = y - lr grad f(y), v_{k+1} = x_{k+1} - x_k,
    for strongly convex f: see `nesterov_tuning`.

    0 <= momentum <= 1. Autonomous: k is not used.
    """
    return _look_ahead(z, f, lr, momentum)


@checked
def nesterov_torch(k: Number, z: WithInertia, *, f: Function, lr: Positive,
                   momentum: Share) -> WithInertia:
    """v <- momentum v - lr g, y <- y + momentum v - lr g, g = grad f(y), z = (y, v):
    torch.optim.SGD(lr, momentum, nesterov=True).

    It is `nesterov_constant` seen from its other point: y = x + momentum v. Autonomous:
    k is not used.
    """
    push = lr * grad(f, z.x)
    v = momentum * z.v - push
    return z._replace(x=z.x + momentum * v - push, v=v)


@checked
def heavy_ball_tuning(mu: Positive, L: Positive) -> tuple:
    """Polyak's (lr, momentum) for a quadratic with curvatures in [mu, L]:
    4 / (sqrt L + sqrt mu)^2 and ((sqrt kappa - 1) / (sqrt kappa + 1))^2.

    Its rate (sqrt kappa - 1) / (sqrt kappa + 1), kappa = L / mu, is the best of all first-order
    methods on quadratics. Raises TypeError, ValueError.
    """
    a, b = _curvatures(mu, L)
    return 4 / (a + b) ** 2, ((L - mu) / (a + b) ** 2) ** 2


@checked
def nesterov_tuning(mu: Positive, L: Positive) -> tuple:
    """Nesterov's (lr, momentum) for mu-strongly convex, L-smooth f:
    1 / L and (sqrt kappa - 1) / (sqrt kappa + 1), kappa = L / mu.

    f - min f decreases by 1 - kappa^{-1/2} a step, on the whole class. Raises TypeError,
    ValueError.
    """
    a, b = _curvatures(mu, L)
    return 1 / L, (L - mu) / (a + b) ** 2


def _look_ahead(z, f, lr, momentum):
    y = z.x + momentum * z.v
    new = y - lr * grad(f, y)
    return z._replace(x=new, v=new - z.x)


def _curvatures(mu, L):
    width = torch.as_tensor(L - mu)
    if concrete_value(lambda: width < 0, width):
        raise ValueError(f"mu = {float(mu)}, L = {float(L)}; "
                         "expected the smallest curvature mu and the largest L, mu <= L.")
    return mu**0.5, L**0.5
