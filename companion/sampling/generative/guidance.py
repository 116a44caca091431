"""Guidance: run the probability flow with (1 + w) s_c - w s_u, the conditional score pushed away from the unconditional one.

It is not the flow of the tilted law p_c^(1+w) p_u^(-w): at noise level s the mixed score belongs to no noised law. For Gaussians all is known.
Ho and Salimans, arXiv 2207.12598 (the rule). The closed forms are for conditional N(m, std^2), unconditional N(0, S^2), T -> infinity.
"""

import torch

from companion.inputs import a_function, a_number

NODES = 200  # intervals of Simpson's rule


def guided(conditional, unconditional, w):
    """The function (s, x) -> (1 + w) conditional(s, x) - w unconditional(s, x). w: a number or a 0-d tensor; w = 0 is no guidance."""
    a_function(conditional, "conditional")
    a_function(unconditional, "unconditional")
    a_number(w, "w")
    return lambda s, x: (1 + w) * conditional(s, x) - w * unconditional(s, x)


def guided_std(w, *, std, S=1.0):
    """std^(1 + w) / S^w: the standard deviation of the guided samples. Raises TypeError, ValueError."""
    return a_number(std, "std", above=0) ** (1 + a_number(w, "w")) / a_number(S, "S", above=0) ** w


def guided_mean(w, *, m, std):
    """(1 + w) m std^(1+w) int_0^1 (1 - (1 - std^2) u^2)^(-(3+w)/2) du, the mean of the guided samples for S = 1. A 0-d tensor.

    w = 2: m (1 + 2 std^2). With u = tanh(y) / q, q^2 = 1 - std^2 < 1 the integrand is (1 - tanh^2)^(-(1+w)/2) / q, smooth up to the end.
    Raises TypeError, ValueError.
    """
    std = torch.as_tensor(a_number(std, "std", above=0, most=1), dtype=std.dtype if isinstance(std, torch.Tensor) else torch.float64)
    q = torch.sqrt(torch.clamp(1 - std**2, min=1e-8))
    top = (torch.log1p(q) - torch.log1p(-q)) / 2  # artanh q
    i = torch.arange(NODES + 1, dtype=std.dtype, device=std.device)
    simpson = torch.where((i == 0) | (i == NODES), 1, torch.where(i % 2 == 1, 4, 2)) / (3 * NODES)
    integral = (simpson * torch.cosh(i / NODES * top).pow(1 + a_number(w, "w"))).sum() * top / q
    return (1 + w) * a_number(m, "m") * std ** (1 + w) * integral


def tilted(w, *, m, std, S=1.0):
    """(mean, std) of the law proportional to p_c^(1+w) p_u^(-w): variance 1 / ((1+w) / std^2 - w / S^2), mean (1+w) m variance / std^2.

    Raises ValueError where that is no law: the precision must be positive.
    """
    precision = (1 + a_number(w, "w")) / a_number(std, "std", above=0) ** 2 - w / a_number(S, "S", above=0) ** 2
    a_number(precision, "the tilted law's precision", above=0)
    return (1 + w) * a_number(m, "m") / std**2 / precision, 1 / precision**0.5
