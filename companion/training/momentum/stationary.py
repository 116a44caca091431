"""Momentum with noise: where the iterates end on a quadratic, and how much of a gradient is shared
by its samples.

The gradient of lam x^2/2 is seen with noise: lam x + noise xi, xi standard normal.
Sources: the discrete Lyapunov equation; Hermant et al., Gradient correlation is a key ingredient
to accelerate SGD with momentum, ICLR 2025.
"""

import torch

from companion.entries import AtLeastOne, AtLeastOnes, wide
from companion.hints import Cloud, NonNegative, Positive, Tensor, checked
from companion.inputs import a_number, concrete_value
from companion.training.momentum.adam import Beta


@checked
def stationary_variance(lam: Positive, *, lr: Positive, noise: NonNegative,
                        momentum: Beta = 0.0) -> float | torch.Tensor:
    """lr noise^2/lam (1 + momentum)/((1 - momentum) (2 (1 + momentum) - lr lam)):
    of x under x+ = x - lr (lam x + noise xi) + momentum (x - x-).

    lam > 0 and the rest numbers, 0 <= momentum < 1, lr lam < 2 (1 + momentum), where the iterates
    have a law to tend to.
    """
    a_number(2 * (1 + momentum) - lr * lam, "2 (1 + momentum) - lr lam", above=0.0)
    return lr * noise**2 / lam * (1 + momentum) / ((1 - momentum) * (2 * (1 + momentum) - lr * lam))


@checked
def matching_lr(lr: Positive, *, lam: Positive, momentum: Beta) -> float | torch.Tensor:
    """lr (1 - momentum^2)/(1 + momentum - momentum lr lam): the step with which heavy ball has the
    stationary variance of SGD with step lr.

    About (1 - momentum) lr where lr lam is small. lr lam < 2, 0 <= momentum < 1.
    """
    a_number(2 - lr * lam, "2 - lr lam", above=0.0)
    return lr * (1 - momentum**2) / (1 + momentum - momentum * lr * lam)


@checked
def correlation(gradients: Cloud) -> Tensor:
    """c = sum_{i != j} <g_i, g_j> / sum_i |g_i|^2, in [-1, N - 1]: (...) for the gradients
    (..., N, d) of N samples at one point."""
    each, total = _squares(gradients)
    return (total / each - 1).to(gradients.dtype)


@checked
def growth_ratio(gradients: Cloud) -> Tensor:
    """rho = mean of |g_i|^2 / |mean of g_i|^2 = N/(1 + c): (...) for (..., N, d);
    inf where the mean is 0.

    The constant of the strong growth condition at one point.
    """
    each, total = _squares(gradients)
    return (gradients.shape[-2] * each / total).to(gradients.dtype)


@checked
def batch_growth(rho: AtLeastOnes, K: AtLeastOne) -> float | torch.Tensor:
    """rho_K = 1 + (rho - 1)/K: E|g|^2/|mean g|^2 for batches of K samples drawn with replacement.
    rho >= 1, K >= 1."""
    return 1 + (rho - 1) / K


def _squares(gradients):
    """sum_i |g_i|^2 and |sum_i g_i|^2. Raises TypeError, ValueError."""
    g = wide(gradients)
    each, total = g.square().sum((-1, -2)), g.sum(-2).square().sum(-1)
    if concrete_value(lambda: (each == 0).any(), each):
        raise ValueError("gradients are 0 at a point, all of them; "
                         "expected one that is not: there is no ratio to take.")
    return each, total
