"""How fast: spectral radii of the maps on a mode of curvature lam, their tunings, exponents of the flows, the edge of stability.

On f = lam x^2/2 each method is a linear map of (x_{k-1}, x_k) with characteristic polynomial z^2 - p z + q; its radius is max |z|.
Sources: Polyak, USSR Comput. Math. Math. Phys. 4 (1964); Lessard, Recht, Packard, SIAM J. Optim. 26 (2016); Aujol, Dossal, Rondepierre,
SIAM J. Optim. 29 (2019); Cohen et al., Adaptive gradient methods at the edge of stability (arXiv:2207.14484).
"""

import torch

from companion.inputs import a_number, a_tensor


def descent_radius(lam, *, lr):
    """|1 - lr lam|: gradient descent, x+ = x - lr lam x. Like lam, a tensor of curvatures; so in the next three."""
    return (1 - a_number(lr, "lr", above=0.0) * a_tensor(lam, "lam")).abs()


def heavy_ball_radius(lam, *, lr, momentum):
    """max |z|,  z^2 - (1 + momentum - lr lam) z + momentum: heavy ball, x+ = x - lr lam x + momentum (x - x-)."""
    a_number(lr, "lr", above=0.0)
    return _radius(1 + momentum - lr * a_tensor(lam, "lam"), a_number(momentum, "momentum", least=0.0, most=1.0) + torch.zeros_like(lam))


def nesterov_radius(lam, *, lr, momentum):
    """max |z|,  z^2 - (1 + momentum) q z + momentum q,  q = 1 - lr lam: Nesterov, y = x + momentum (x - x-), x+ = y - lr lam y."""
    q = 1 - a_number(lr, "lr", above=0.0) * a_tensor(lam, "lam")
    return _radius((1 + a_number(momentum, "momentum", least=0.0, most=1.0)) * q, momentum * q)


def frozen_adam_radius(lam, *, beta1):
    """max |z| of Adam with its preconditioner frozen: m+ = beta1 m + (1 - beta1) g, x+ = x - lr m+/sqrt(v); lam is lr curvature/sqrt(v).

    Heavy ball with momentum = beta1 and step 1 - beta1: below 1 if and only if 0 < lam < `stability_limit(beta1)`.
    """
    a_number(beta1, "beta1", least=0.0, most=1.0)
    return _radius(1 + beta1 - (1 - beta1) * a_tensor(lam, "lam"), beta1 + torch.zeros_like(lam))


def _radius(p, q):
    """The largest |z| with z^2 - p z + q = 0, p and q real tensors."""
    discriminant = p.square() - 4 * q
    return torch.where(discriminant >= 0, (p.abs() + torch.sqrt(discriminant.clamp(min=0.0))) / 2, torch.sqrt(q.clamp(min=0.0)))


def descent_tuning(mu, L):
    """lr = 2/(L + mu): the best radius on curvatures in [mu, L], (kappa - 1)/(kappa + 1) with kappa = L/mu. A float."""
    mu, L = _curvatures(mu, L)
    return 2 / (L + mu)


def nesterov_quadratic_tuning(mu, L):
    """(lr, momentum) = 4/(3 L + mu), (q - 2)/(q + 2), q = sqrt(3 kappa + 1): radius 1 - 2/q, the best of Nesterov's method on quadratics. Floats."""
    mu, L = _curvatures(mu, L)
    q = (3 * L / mu + 1) ** 0.5
    return 4 / (3 * L + mu), (q - 2) / (q + 2)


def damping_exponent(mu, *, friction):
    """The a in f = O(e^{-a t}) of x'' + friction x' + mu x = 0: friction - sqrt(max(0, friction^2 - 4 mu)). Like mu, curvatures > 0.

    At friction = 2 sqrt mu the best, 2 sqrt mu (up to a factor t^2); over modes in [mu, infinity) the lowest is the slowest.
    """
    a_number(friction, "friction", least=0.0)
    return friction - torch.sqrt((friction**2 - 4 * a_tensor(mu, "mu")).clamp(min=0.0))


def nesterov_exponent(gamma, r):
    """The a in f = O(t^-a) of x'' + (r/t) x' + f'(x) = 0 on f = |x|^gamma: min(2 gamma r/(gamma + 2), 2 gamma/(gamma - 2) if gamma > 2).

    gamma >= 1, r > 0: a float. The first by the virial <x'^2> = 2 gamma/(gamma + 2) E of fast oscillations; the second does not oscillate.
    """
    gamma, r = float(a_number(gamma, "gamma", least=1.0)), float(a_number(r, "r", above=0.0))
    ripples = 2 * gamma * r / (gamma + 2)
    return min(ripples, 2 * gamma / (gamma - 2)) if gamma > 2 else ripples


def _curvatures(mu, L):
    """0 < mu <= L, as floats. Raises TypeError, ValueError."""
    return float(a_number(mu, "mu", above=0.0)), float(a_number(L, "L", least=float(mu)))
