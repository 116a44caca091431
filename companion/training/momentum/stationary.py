"""Momentum with noise: where the iterates end on a quadratic, and how much of a gradient is shared by its samples.

The gradient of lam x^2/2 is seen with noise: lam x + noise xi, xi standard normal.
Sources: the discrete Lyapunov equation; Hermant et al., Gradient correlation is a key ingredient to accelerate SGD with momentum, ICLR 2025.
"""

import torch

from companion.inputs import a_number, a_tensor


def stationary_variance(lam, *, lr, noise, momentum=0.0):
    """lr noise^2/lam (1 + momentum)/((1 - momentum) (2 (1 + momentum) - lr lam)): of x under x+ = x - lr (lam x + noise xi) + momentum (x - x-).

    lam > 0 and the rest numbers, 0 <= momentum < 1, lr lam < 2 (1 + momentum), where the iterates have a law to tend to.
    """
    a_number(lam, "lam", above=0.0)
    a_number(noise, "noise", least=0.0)
    a_number(1 - a_number(momentum, "momentum", least=0.0), "1 - momentum", above=0.0)
    a_number(2 * (1 + momentum) - a_number(lr, "lr", above=0.0) * lam, "2 (1 + momentum) - lr lam", above=0.0)
    return lr * noise**2 / lam * (1 + momentum) / ((1 - momentum) * (2 * (1 + momentum) - lr * lam))


def matching_lr(lr, *, lam, momentum):
    """lr (1 - momentum^2)/(1 + momentum - momentum lr lam): the step with which heavy ball has the stationary variance of SGD with step lr.

    About (1 - momentum) lr where lr lam is small. lr lam < 2, 0 <= momentum < 1.
    """
    a_number(2 - a_number(lr, "lr", above=0.0) * a_number(lam, "lam", above=0.0), "2 - lr lam", above=0.0)
    a_number(1 - a_number(momentum, "momentum", least=0.0), "1 - momentum", above=0.0)
    return lr * (1 - momentum**2) / (1 + momentum - momentum * lr * lam)


def correlation(gradients):
    """c = sum_{i != j} <g_i, g_j> / sum_i |g_i|^2, in [-1, N - 1]: (...) for the gradients (..., N, d) of N samples at one point."""
    each, total = _squares(gradients)
    return total / each - 1


def growth_ratio(gradients):
    """rho = mean of |g_i|^2 / |mean of g_i|^2 = N/(1 + c): (...) for (..., N, d). The constant of the strong growth condition at one point."""
    each, total = _squares(gradients)
    return gradients.shape[-2] * each / total


def batch_growth(rho, K):
    """rho_K = 1 + (rho - 1)/K: E|g|^2/|mean g|^2 for batches of K samples drawn with replacement. rho >= 1, K >= 1."""
    if not isinstance(rho, torch.Tensor):
        a_number(rho, "rho", least=1.0)
    return 1 + (rho - 1) / a_number(K, "K", least=1.0)


def _squares(gradients):
    """sum_i |g_i|^2 and |sum_i g_i|^2. Raises TypeError, ValueError."""
    if a_tensor(gradients, "gradients").ndim < 2:
        raise ValueError(f"gradients has shape {tuple(gradients.shape)}; expected one row a sample: (..., N, d).")
    return gradients.square().sum((-1, -2)), gradients.sum(-2).square().sum(-1)
