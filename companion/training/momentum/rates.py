"""How fast: spectral radii of the maps on a mode of curvature lam, their tunings,
exponents of the flows, the edge of stability.

On f = lam x^2/2 each method is a linear map of (x_{k-1}, x_k) with characteristic polynomial
z^2 - p z + q; its radius is max |z|.
Sources: Polyak, USSR Comput. Math. Math. Phys. 4 (1964); Lessard, Recht, Packard, SIAM J. Optim.
26 (2016); Aujol, Dossal, Rondepierre, SIAM J. Optim. 29 (2019); Cohen et al., Adaptive gradient
methods at the edge of stability (arXiv:2207.14484).
"""

import torch

from companion.entries import AtLeastOne, Curvatures, wide
from companion.hints import NonNegative, Positive, Share, Tensor, checked
from companion.inputs import a_number


@checked
def descent_radius(lam: Tensor, *, lr: Positive) -> Tensor:
    """|1 - lr lam|: gradient descent, x+ = x - lr lam x. Like lam, a tensor of curvatures;
    so in the next three."""
    return (1 - lr * wide(lam)).abs().to(lam.dtype)


@checked
def heavy_ball_radius(lam: Tensor, *, lr: Positive, momentum: Share) -> Tensor:
    """max |z|,  z^2 - (1 + momentum - lr lam) z + momentum: heavy ball,
    x+ = x - lr lam x + momentum (x - x-)."""
    x = wide(lam)
    return _radius(1 + momentum - lr * x, momentum + torch.zeros_like(x)).to(lam.dtype)


@checked
def nesterov_radius(lam: Tensor, *, lr: Positive, momentum: Share) -> Tensor:
    """max |z|,  z^2 - (1 + momentum) q z + momentum q,  q = 1 - lr lam: Nesterov,
    y = x + momentum (x - x-), x+ = y - lr lam y."""
    q = 1 - lr * wide(lam)
    return _radius((1 + momentum) * q, momentum * q).to(lam.dtype)


@checked
def frozen_adam_radius(lam: Tensor, *, beta1: Share) -> Tensor:
    """max |z| of Adam with its preconditioner frozen: m+ = beta1 m + (1 - beta1) g,
    x+ = x - lr m+/sqrt(v); lam is lr curvature/sqrt(v).

    Heavy ball with momentum = beta1 and step 1 - beta1:
    below 1 if and only if 0 < lam < `stability_limit(beta1)`.
    """
    x = wide(lam)
    return _radius(1 + beta1 - (1 - beta1) * x, beta1 + torch.zeros_like(x)).to(lam.dtype)


def _radius(p, q):
    """The largest |z| with z^2 - p z + q = 0, p and q real tensors.

    Near a double root it feels the square root of their rounding.
    """
    discriminant = p.square() - 4 * q
    return torch.where(discriminant >= 0, (p.abs() + torch.sqrt(discriminant.clamp(min=0.0))) / 2,
                       torch.sqrt(q.clamp(min=0.0)))


@checked
def descent_tuning(mu: Positive, L: Positive) -> float:
    """lr = 2/(L + mu): the best radius on curvatures in [mu, L], (kappa - 1)/(kappa + 1) with
    kappa = L/mu. A float."""
    mu, L = _curvatures(mu, L)
    return 2 / (L + mu)


@checked
def nesterov_quadratic_tuning(mu: Positive, L: Positive) -> tuple:
    """(lr, momentum) = 4/(3 L + mu), (q - 2)/(q + 2), q = sqrt(3 kappa + 1): radius 1 - 2/q,
    the best of Nesterov's method on quadratics. Floats."""
    mu, L = _curvatures(mu, L)
    q = (3 * L / mu + 1) ** 0.5
    return 4 / (3 * L + mu), (q - 2) / (q + 2)


@checked
def damping_exponent(mu: Curvatures, *, friction: NonNegative) -> Tensor:
    """The a in f = O(e^{-a t}) of x'' + friction x' + mu x = 0:
    friction - sqrt(max(0, friction^2 - 4 mu)). Like mu, curvatures > 0.

    At friction = 2 sqrt mu the best, 2 sqrt mu (up to a factor t^2);
    over modes in [mu, infinity) the lowest is the slowest.
    """
    root = torch.sqrt((friction**2 - 4 * mu).clamp(min=0.0))  # friction - root, without cancelling
    return torch.where(root > 0, 4 * mu / (friction + root), friction)


@checked
def nesterov_exponent(gamma: AtLeastOne, r: Positive) -> float:
    """The a in f = O(t^-a) of x'' + (r/t) x' + f'(x) = 0 on f = |x|^gamma:
    min(2 gamma r/(gamma + 2), 2 gamma/(gamma - 2) if gamma > 2).

    gamma >= 1, r > 0: a float. The first by the virial <x'^2> = 2 gamma/(gamma + 2) E of fast
    oscillations; the second does not oscillate.
    """
    gamma, r = float(gamma), float(r)
    ripples = 2 * gamma * r / (gamma + 2)
    return min(ripples, 2 * gamma / (gamma - 2)) if gamma > 2 else ripples


def _curvatures(mu, L):
    """0 < mu <= L, as floats. Raises TypeError, ValueError."""
    return float(mu), float(a_number(L, "L", least=float(mu)))
