"""The Sinkhorn divergence, between W2^2 (blur -> 0) and the squared distance of the means
(blur -> infinity).

Genevay, Peyre and Cuturi, AISTATS 2018; Feydy, Sejourne, Vialard, Amari, Trouve and Peyre,
AISTATS 2019.
"""

import math
from collections.abc import Callable

import torch

from companion.hints import Cloud, Positive, Tensor, checked
from companion.inputs import a_count, same_dimension
from companion.kernels import softmin

# of the potentials once eps is reached;
# below 2 (Thibault, Chizat, Dossal and Papadakis, Algorithms 14:143, 2021)
RELAXATION = 1.6
# of the potentials, on average, in units of eps: the share of the mass that is not where it should
# be
TOLERANCE = 1e-4
PATIENCE = 5000


@checked
def sinkhorn_divergence(y: Cloud, *, blur: Positive, iterations: int | None = None) -> Callable:
    """E(x) = OT(x, y) - OT(x, x)/2 - OT(y, y)/2,  OT(x, y) = min_P sum_ij P_ij |x_i - y_j|^2 + eps
    KL(P | 1/(n m)),  eps = 2 blur^2.

    The minimum is over the plans P of x and y. Twice the divergence of cost |x - y|^2 / 2 and
    eps = blur^2 that others compute.
    y: (..., m, d), the target;  blur > 0, a length in the units of x, a number or a 0-d tensor.
    Linear memory for large clouds.
    Gradient by the envelope theorem (first derivatives, in x and in y):
    (2/n) (x_i-to-x barycentre - x_i-to-y barycentre).
    iterations: None, up to convergence (RuntimeError if there is none in 5000 steps),
    or a fixed number of steps, for exported figures.
    Raises TypeError, ValueError.
    """
    if iterations is not None:
        a_count(iterations, "iterations", least=2)
    eps = 2 * blur**2
    own = _self_potential(y.detach(), eps, iterations)

    @checked
    def E(x: Cloud) -> Tensor:
        same_dimension(y, x, ("y", "x"))
        z, target = x.detach(), y.detach()
        f, g = _potentials(z, target, eps, iterations)
        on_x = _update(x, target, g, eps) - _update(x, z, _self_potential(z, eps, iterations), eps)
        on_y = _update(y, z, f, eps) - _update(y, target, own, eps)
        return on_x.mean(-1) + on_y.mean(-1)

    return E


def _update(x, y, g, eps):
    """f(x_i) = -eps log mean_j exp((g_j - |x_i - y_j|^2) / eps), the best potential on x for
    g on y; grad f(x_i) = 2 (x_i - barycentre)."""
    log_m = torch.ones_like(y[..., :1]).sum(-2).log()  # math.log would fix m in an exported graph
    return softmin(x, y, g, eps=eps) + eps * log_m


def _self_potential(x, eps, iterations):
    """The fixed point f = _update(x, x, f): averaging halves the error, at least, at every step."""

    def step(f):
        return (f + _update(x, x, f, eps)) / 2

    return _repeat(step, torch.zeros_like(x[..., 0]), eps, iterations)


def _potentials(x, y, eps, iterations):
    """The potentials (f, g) of OT(x, y): eps comes down from the squared diameter,
    over-relaxed steps follow, plain ones end."""
    g = torch.zeros_like(y[..., 0]) + torch.zeros_like(x[..., :1, 0])  # of the batch of both
    ratio = _squared_diameter(x, y) / eps
    levels = iterations // 2 if iterations else math.ceil(math.log(max(4.0, float(ratio)), 4))
    for level in range(levels):
        now = eps * torch.clamp(ratio, min=1) ** (1 - level / levels)
        g = _update(y, x, _update(x, y, g, now), now)

    def step(g):
        f = _update(x, y, g, eps)
        return torch.lerp(g, _update(y, x, f, eps), RELAXATION)

    g = _repeat(step, g, eps, iterations and iterations - levels - 1)
    f = _update(x, y, g, eps)
    return f, _update(y, x, f, eps)


def _squared_diameter(x, y):
    """Of the smallest box around both, the largest of the batch."""
    sides = torch.maximum(x.amax(-2), y.amax(-2)) - torch.minimum(x.amin(-2), y.amin(-2))
    return sides.square().sum(-1).max()


def _repeat(step, f, eps, iterations):
    """step(step(...f)), a fixed number of times, or until f moves by less than the tolerance."""
    for _ in range(PATIENCE if iterations is None else iterations):
        last, f = f, step(f)
        if iterations is None:
            floor = 8 * torch.finfo(f.dtype).eps * f.abs().max()
            if (f - last).abs().mean(-1).max() <= TOLERANCE * eps + floor:
                return f
    if iterations is None:
        raise RuntimeError(f"Sinkhorn's iteration has not converged in {PATIENCE} steps; expected "
                           "a larger blur, or iterations= a fixed number.")
    return f
