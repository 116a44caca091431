"""The porous medium equation d_t u = d_xx u^m, the W2 gradient flow of int u^m / (m - 1):
for m > 1 its solutions have a front.

Barenblatt's solution on the line, k = 1 / (m + 1):

    u(t, x) = t^-k (C - k (m - 1) / (2 m) x^2 t^{-2k})_+^{1 / (m - 1)},
    front at  t^k sqrt(2 m C / (k (m - 1))),

and C fixed by the mass. As m -> 1 it is the heat kernel, which is positive everywhere.
Sources: Vazquez, The Porous Medium Equation (2007); Otto, Comm. PDE 26 (2001).
"""

import math

import torch

from companion.entries import AtLeastOne, Points, wide
from companion.hints import Positive, Tensor, checked

# below this exponent the heat kernel stands for Barenblatt's solution: they differ by O(m - 1)
HEAT = 1.001


@checked
def porous_medium(u: Points, h: Positive, *, m: AtLeastOne) -> Tensor:
    """d_xx u^m on cells of width h, no flux at the ends: mass is kept.   u: (..., cells),
    negative values counted as 0; m >= 1.

    Explicit Euler keeps u >= 0 for steps dt <= h^2 / (2 m max u^{m-1}).
    """
    pressure = u.clamp(min=0) ** m
    flux = torch.diff(pressure, dim=-1) / h**2
    wall = torch.zeros_like(u[..., :1])
    return torch.cat((flux, wall), -1) - torch.cat((wall, flux), -1)


@checked
def barenblatt(x: Tensor, *, t: Positive, m: AtLeastOne, mass: Positive = 1.0) -> Tensor:
    """u(t, x) of the given mass.   x: any shape, t > 0, m >= 1 (the heat kernel below 1.001)."""
    dtype, x = x.dtype, wide(x)  # near the heat kernel the powers are high
    m = _exponent(x, m)
    slow = m.clamp(min=HEAT)
    k, power = 1 / (slow + 1), 1 / (slow - 1)
    inside = (1 - (x / _front(x, t, slow, mass)).square()).clamp(min=0)
    porous = t**-k * _constant(x, slow, mass) ** power * inside**power
    heat = mass * torch.exp(-x.square() / (4 * t)) / (4 * math.pi * t) ** 0.5
    return torch.where(m < HEAT, heat, porous).to(dtype)


@checked
def front(x: Tensor, *, t: Positive, m: AtLeastOne, mass: Positive = 1.0) -> Tensor:
    """t^k sqrt(2 m C / (k (m - 1))), a 0-d tensor in the dtype of x:
    beyond it u = 0.   m is counted as 1.001 if it is less."""
    far = wide(x)
    return _front(far, t, _exponent(far, m).clamp(min=HEAT), mass).to(x.dtype)


def _front(x, t, m, mass):
    k = 1 / (m + 1)
    return t**k * torch.sqrt(2 * m * _constant(x, m, mass) / (k * (m - 1)))


def _exponent(x, m):
    return torch.as_tensor(m, dtype=x.dtype, device=x.device)


def _constant(x, m, mass):
    """C, from mass = C^{1/(m-1) + 1/2} sqrt(2 m / (k (m - 1))) J,
    J = int cos^{(m+1)/(m-1)} over (-pi/2, pi/2), by the midpoint rule."""
    nodes = 512
    angle = ((torch.arange(nodes, dtype=x.dtype, device=x.device) + 0.5) / nodes - 0.5) * math.pi
    J = (torch.cos(angle) ** ((m + 1) / (m - 1))).mean() * math.pi
    width = torch.sqrt(2 * m * (m + 1) / (m - 1))
    return (mass / (J * width)) ** (2 * (m - 1) / (m + 1))
