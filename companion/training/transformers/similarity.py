"""When all tokens see each other alike, one number says everything: gamma = <x_i, x_j>.

gamma' for n equiangular tokens and for two tokens of unequal masses;
the time to merge in closed form.
Source: Geshkovski et al. (arXiv:2312.10794), sections on high dimension.
"""

import functools
from typing import Annotated

import numpy as np
import torch
from scipy.integrate import quad

from companion.hints import Count, Number, Tensor, checked
from companion.inputs import a_count, a_number

# tokens; not an integer in a page
Some = Annotated[float | torch.Tensor, functools.partial(a_number, least=2)]
Mass = Annotated[float | torch.Tensor, functools.partial(a_number, above=0, most=1)]
Gamma = Annotated[float | torch.Tensor, functools.partial(a_number, above=-1, most=1)]


@checked
def equiangular_sa(t: Number, gamma: Tensor, beta: Number, n: Some) -> Tensor:
    """gamma' = 2 e^{beta gamma} (1 - gamma) ((n-1) gamma + 1) / (e^beta + (n-1) e^{beta gamma});
    gamma of any shape."""
    return 2 * (1 - gamma) * ((n - 1) * gamma + 1) / (torch.exp(beta * (1 - gamma)) + n - 1)


@checked
def equiangular_usa(t: Number, gamma: Tensor, beta: Number, n: Some) -> Tensor:
    """gamma' = (2/n) e^{beta gamma} (1 - gamma) ((n-1) gamma + 1); gamma of any shape."""
    return 2 / n * torch.exp(beta * gamma) * (1 - gamma) * ((n - 1) * gamma + 1)


@checked
def two_tokens(t: Number, gamma: Tensor, beta: Number, mass: Mass) -> Tensor:
    """gamma' of SA for two tokens of masses (mass, 1 - mass):

    (1 - gamma^2) [ m2 e^{beta gamma} / (m1 e^beta + m2 e^{beta gamma}) + the same with m1 and
    m2 exchanged ].
    """
    m1, m2 = mass, 1 - mass
    gap = torch.exp(beta * (1 - gamma))
    return (1 - gamma**2) * (m2 / (m1 * gap + m2) + m1 / (m2 * gap + m1))


@checked
def merge_time(beta: Number, start: Number, end: Number, *, n: Count = 2) -> float:
    """T = int_start^end (e^{beta (1-gamma)} + n - 1) / (2 (1 - gamma) ((n-1) gamma + 1)) dgamma:
    SA's time from similarity start to end, n equiangular tokens of equal mass,
    -1/(n-1) < start <= end < 1. A float; relative error 1e-10.
    """
    beta = float(beta)
    a_count(n, "n", least=2)
    start = float(a_number(start, "start", above=-1 / (n - 1), most=1.0))
    end = float(a_number(end, "end", least=start))
    if end >= 1:
        raise ValueError(f"end = {end}; expected a number below 1: two tokens meet only in the "
                         "limit of infinite time.")

    def slowness(gamma):
        return 1 / equiangular_sa(0.0, torch.tensor(gamma, dtype=torch.float64), beta, n).item()

    return quad(slowness, start, end, epsabs=0, epsrel=1e-10, limit=200)[0]


@checked
def merge_clock(beta: Number, start: Gamma, mass: Mass = 0.5, *, end: Gamma = 0.9,
                nodes: Count = 64) -> Tensor:
    """T = int_start^end dgamma / two_tokens(gamma): SA's time for two tokens of masses
    (mass, 1 - mass), in plain operations.

    0-d, in the dtype of beta; Gauss-Legendre quadrature. -1 < start < end < 1.
    """
    points, weights = np.polynomial.legendre.leggauss(nodes)
    like = beta if isinstance(beta, torch.Tensor) else torch.zeros((), dtype=torch.float64)
    points, weights = (
        torch.as_tensor(p, dtype=like.dtype, device=like.device) for p in (points, weights)
    )
    half = (end - start) / 2
    return (half * weights / two_tokens(0.0, start + half * (1 + points), beta, mass)).sum()
