"""Descent with memory: heavy ball and Nesterov's methods, maps step(k, z) on phase space z = (x, v), v_k = x_k - x_{k-1}; start at_rest(x, 2).

Sources: Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1-17; Nesterov, Soviet Math. Dokl. 27 (1983) 372-376; Su, Boyd, Candes, JMLR 17 (2016).
z: (2, ..., d), as many starts as there are entries between; f: (..., d) -> (...), one number a start; lr > 0.
"""

import torch

from companion.energies import grad
from companion.inputs import a_number
from companion.training.momentum.phase import parts


def heavy_ball(k, z, *, f, lr, momentum):
    """v <- momentum v - lr grad f(x), x <- x + v: torch.optim.SGD(lr, momentum). Stable on a curvature L iff lr L < 2 (1 + momentum).

    0 <= momentum <= 1. Autonomous: k is not used.
    """
    x, v = parts(z, "x", "v")
    v = _momentum(momentum) * v - a_number(lr, "lr", above=0) * grad(f, x)
    return torch.stack([x + v, v])


def nesterov(k, z, *, f, lr, r=3.0):
    """y = x_k + (k-1)/(k+r-1) v_k, x_{k+1} = y - lr grad f(y), v_{k+1} = x_{k+1} - x_k, for convex f and lr <= 1 / L.

    k = 0, 1, ... (x_1 is a gradient step), r > 0; r = 3 is Nesterov's (k-1)/(k+2). In the time k sqrt(lr) it follows x'' + (r/t) x' + grad f = 0.
    """
    a_number(r, "r", above=0)
    before = torch.clamp(torch.as_tensor(k, dtype=z.dtype, device=z.device) - 1, min=0)
    return _look_ahead(z, f, lr, before / (before + r))


def nesterov_constant(k, z, *, f, lr, momentum):
    """y = x_k + momentum v_k, x_{k+1} = y - lr grad f(y), v_{k+1} = x_{k+1} - x_k, for strongly convex f: see `nesterov_tuning`.

    0 <= momentum <= 1. Autonomous: k is not used.
    """
    return _look_ahead(z, f, lr, _momentum(momentum))


def nesterov_torch(k, z, *, f, lr, momentum):
    """v <- momentum v - lr g, y <- y + momentum v - lr g, g = grad f(y): torch.optim.SGD(lr, momentum, nesterov=True).

    It is `nesterov_constant` seen from its other point: y = x + momentum v. Autonomous: k is not used.
    """
    y, v = parts(z, "y", "v")
    push = a_number(lr, "lr", above=0) * grad(f, y)
    v = _momentum(momentum) * v - push
    return torch.stack([y + momentum * v - push, v])


def heavy_ball_tuning(mu, L):
    """Polyak's (lr, momentum) for a quadratic with curvatures in [mu, L]: 4 / (sqrt L + sqrt mu)^2 and ((sqrt kappa - 1) / (sqrt kappa + 1))^2.

    Its rate (sqrt kappa - 1) / (sqrt kappa + 1), kappa = L / mu, is the best of all first-order methods on quadratics. Raises TypeError, ValueError.
    """
    a, b = _curvatures(mu, L)
    return 4 / (a + b) ** 2, ((b - a) / (b + a)) ** 2


def nesterov_tuning(mu, L):
    """Nesterov's (lr, momentum) for mu-strongly convex, L-smooth f: 1 / L and (sqrt kappa - 1) / (sqrt kappa + 1), kappa = L / mu.

    f - min f decreases by 1 - kappa^{-1/2} a step, on the whole class. Raises TypeError, ValueError.
    """
    a, b = _curvatures(mu, L)
    return 1 / L, (b - a) / (b + a)


def _look_ahead(z, f, lr, momentum):
    x, v = parts(z, "x", "v")
    y = x + momentum * v
    new = y - a_number(lr, "lr", above=0) * grad(f, y)
    return torch.stack([new, new - x])


def _momentum(momentum):
    return a_number(momentum, "momentum", least=0, most=1)


def _curvatures(mu, L):
    a_number(mu, "mu", above=0)
    a_number(L, "L", above=0)
    if not isinstance(mu, torch.Tensor) and not isinstance(L, torch.Tensor) and mu > L:
        raise ValueError(f"mu = {mu}, L = {L}; expected the smallest curvature mu and the largest L, mu <= L.")
    return mu**0.5, L**0.5
