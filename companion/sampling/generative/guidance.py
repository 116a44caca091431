"""Guidance: run the probability flow with (1 + w) s_c - w s_u, the conditional score pushed away
from the unconditional one.

It is not the flow of the tilted law p_c^(1+w) p_u^(-w): at noise level s the mixed score belongs
to no noised law. For Gaussians all is known.
Ho and Salimans, arXiv 2207.12598 (the rule). The closed forms are for conditional N(m, std^2),
unconditional N(0, S^2), T -> infinity.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch

from companion.hints import Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import a_number, like

NODES = 1000  # intervals of Simpson's rule
Scale = Annotated[float | torch.Tensor, partial(a_number, above=0, most=1e15)]
Narrow = Annotated[float | torch.Tensor, partial(a_number, above=0, most=1)]


@checked
def guided(conditional: Function, unconditional: Function, w: Number) -> Callable:
    """The function (s, x) -> (1 + w) conditional(s, x) - w unconditional(s, x). w:
    a number or a 0-d tensor; w = 0 is no guidance."""

    @checked
    def score(s: NonNegative, x: Tensor) -> torch.Tensor:
        own, others = (
            like(conditional(s, x), x, "conditional(s, x)"),
            like(unconditional(s, x), x, "unconditional(s, x)"),
        )
        return (1 + w) * own - w * others

    return score


@checked
def guided_std(w: Number, *, std: Scale, S: Scale = 1.0) -> float | torch.Tensor:
    """std^(1 + w) / S^w: the standard deviation of the guided samples. Raises TypeError,
    ValueError."""
    return std ** (1 + w) / S**w


@checked
def guided_mean(w: Number, *, m: Number, std: Narrow) -> torch.Tensor:
    """(1 + w) m std^(1+w) int_0^1 (1 - (1 - std^2) u^2)^(-(3+w)/2) du, the mean of the guided
    samples for S = 1. A 0-d tensor.

    w = 2: m (1 + 2 std^2). With u = tanh(y) / q, q^2 = 1 - std^2 < 1 the integrand
    is (1 - tanh^2)^(-(1+w)/2) / q, smooth up to the end.
    Raises TypeError, ValueError.
    """
    std = torch.as_tensor(std, dtype=std.dtype if isinstance(std, torch.Tensor) else torch.float64)
    q = torch.sqrt(torch.clamp(1 - std**2, min=1e-8))
    small = q.clamp(max=0.5)
    # artanh q; 1 - q would lose digits
    top = torch.where(q < 0.5, (torch.log1p(small) - torch.log1p(-small)) / 2,
                      torch.log1p(q) - torch.log(std))
    i = torch.arange(NODES + 1, dtype=std.dtype, device=std.device)
    simpson = torch.where((i == 0) | (i == NODES), 1, torch.where(i % 2 == 1, 4, 2)) / (3 * NODES)
    integral = (simpson * torch.cosh(i / NODES * top).pow(1 + w)).sum() * top / q
    return (1 + w) * m * std ** (1 + w) * integral


@checked
def tilted(w: Number, *, m: Number, std: Positive, S: Positive = 1.0) -> tuple:
    """(mean, std) of the law proportional to p_c^(1+w) p_u^(-w):
    variance 1 / ((1+w) / std^2 - w / S^2), mean (1+w) m variance / std^2.

    Raises ValueError where that is no law: the precision must be positive.
    """
    precision = (1 + w) / std**2 - w / S**2
    a_number(precision, "the tilted law's precision", above=0)
    return (1 + w) * m / std**2 / precision, 1 / precision**0.5
