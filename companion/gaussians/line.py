"""Gaussians on the line relative to N(0, 1 / lam), the law of V = lam x^2 / 2, in plain operations
that a page can run: dX = -lam X dt + sqrt(2) dW of Ornstein and Uhlenbeck, and its time steps.

m and v, mean and variance, are numbers or tensors; lam > 0. For another mean r of the target give
m - r. `laws.py` has the matrices.
"""

import torch

from companion.entries import NonNegatives, Numbers, Positives
from companion.hints import Positive, Tensor, checked
from companion.inputs import batch, concrete_value


@checked
def ou_moments(t: NonNegatives, m: Numbers, v: Positives, *, lam: Positive) -> tuple:
    """(m e^{-lam t}, 1/lam + (v - 1/lam) e^{-2 lam t}): mean and VARIANCE of the exact flow at time
    t >= 0 from N(m, v)."""
    m, v = as_moments(m, v)
    spent = lam * torch.as_tensor(t, dtype=v.dtype, device=v.device)
    batch((spent.shape, "t"), (m.shape, "m"), (v.shape, "v"))
    return m * torch.exp(-spent), v * torch.exp(-2 * spent) - torch.expm1(-2 * spent) / lam


@checked
def ou_kl(m: Numbers, v: Positives, *, lam: Positive) -> Tensor:
    """KL(N(m, v) | N(0, 1/lam)) = (lam (m^2 + v) - 1 - log(lam v)) / 2."""
    m, v = as_moments(m, v)
    excess = lam * v - 1  # near equilibrium 1 and the logarithm cancel
    return (lam * m**2 + (excess - torch.log1p(excess))) / 2


@checked
def ou_fisher(m: Numbers, v: Positives, *, lam: Positive) -> Tensor:
    """I(N(m, v) | N(0, 1/lam)) = lam^2 m^2 + (lam - 1/v)^2 v; along the exact flow d/dt KL = -I."""
    m, v = as_moments(m, v)
    return lam**2 * m**2 + (lam - 1 / v) ** 2 * v


@checked
def ula_variance(h: Positive, *, lam: Positive = 1.0) -> float | torch.Tensor:
    """1 / (lam (1 - lam h / 2)), the variance that steps h of the unadjusted Langevin algorithm
    keep; stable if and only if lam h < 2."""
    return 1 / (lam * (1 - stable(h, lam) / 2))


def stable(h, lam):
    """lam h < 2. Raises ValueError."""
    product = lam * h
    beyond = product >= 2
    if concrete_value(lambda: beyond, beyond) if isinstance(beyond, torch.Tensor) else beyond:
        raise ValueError(f"lam h = {float(product)}; expected less than 2, a stable step: beyond, "
                         "the scheme has no stationary law.")
    return product


def as_moments(m, v, name="v"):
    """m and v as tensors of shapes that broadcast, numbers in float64."""
    m, v = (a if isinstance(a, torch.Tensor) else torch.tensor(a, dtype=torch.float64)
            for a in (m, v))
    batch((m.shape, "m"), (v.shape, name))
    return m, v
