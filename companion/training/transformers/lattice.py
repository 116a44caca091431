"""The same growth rates for n equispaced tokens, exactly, in plain operations:
what a live figure can compute for the reader.

The pull of a token at angle u is h(u) = e^{beta cos u} sin u; about the lattice,
mode k of a small displacement grows like e^{rate t}.
"""

import math

import torch

from companion.hints import Cloud, Count, NonNegative, Number, Tensor, checked
from companion.training.transformers.attention import usa


@checked
def lattice_partition(beta: Number, n: Count = 128) -> Tensor:
    """mean_j e^{beta cos(2 pi j/n)}, 0-d: Z_i/n of n equispaced tokens, and I_0(beta) to rounding
    for n much larger than beta."""
    return torch.exp(beta * torch.cos(_circle(beta, n))).mean()


@checked
def lattice_rates(beta: Number, n: Count = 128, modes: Count = 16) -> Tensor:
    """mean_j h'(u_j) (cos(k u_j) - 1), h(u) = e^{beta cos u} sin u:
    USA's rates of modes k = 1..modes about n equispaced tokens, (modes,).

    Tends to growth_usa as n grows; n = 3, k = 1 gives (3 beta/4 + 1/2) e^{-beta/2}.
    Divide by `lattice_partition` for SA.
    """
    u = _circle(beta, n)
    k = torch.arange(1, modes + 1, dtype=u.dtype, device=u.device)
    slope = (torch.cos(u) - beta * torch.sin(u) ** 2) * torch.exp(beta * torch.cos(u))
    return (slope * (torch.cos(k[:, None] * u) - 1)).mean(-1)


@checked
def paced_usa(t: Number, x: Cloud, beta: Number) -> Tensor:
    """usa(t, x, beta) / I_0(beta): USA in a clock of its own, in which it leaves the uniform law
    on the circle as fast as SA does."""
    return usa(t, x, beta) / lattice_partition(beta)


@checked
def predicted_clusters(beta: Number, D: NonNegative = 0.0, *, modes: Count = 12) -> Tensor:
    """argmax_k of SA's rates k^2 (I_k/(beta I_0) - D): how many clusters grow first,
    and 1 where nothing grows. 0-d, in beta's dtype.

    beta up to 50 with 12 modes: there k = 10 is the fastest.
    """
    # 64 points: exact to rounding for beta up to 50, a small graph
    rates = lattice_rates(beta, 64, modes) / lattice_partition(beta, 64)
    k = torch.arange(1, modes + 1, dtype=rates.dtype, device=rates.device)
    return (torch.argmax(rates - D * k**2, -1) + 1).to(rates.dtype)


def _circle(beta, n):
    like = beta if isinstance(beta, torch.Tensor) else torch.zeros((), dtype=torch.float64)
    return 2 * math.pi * torch.arange(n, dtype=like.dtype, device=like.device) / n
