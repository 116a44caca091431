"""Directions: unit vectors (L, d), rows. Each rule is a function of Gaussian noise xi (..., L, d),
so that a page can draw them too.

A standard Gaussian vector has a uniform direction; d of them, orthonormalised by Gram and Schmidt,
are a uniform (Haar) frame.
"""

import math

import torch

from companion.hints import Cloud, Count, Device, Dtype, Function, Generator, Number, checked
from companion.inputs import like


@checked
def iid(xi: Cloud) -> torch.Tensor:
    """theta_l = xi_l / |xi_l|: independent and uniform on the sphere.   xi:
    (..., L, d) -> (..., L, d). A zero row stays zero."""
    length = xi.square().sum(-1, keepdim=True).sqrt()
    return xi / torch.where(length > 0, length, 1)


@checked
def frames(xi: Cloud) -> torch.Tensor:
    """Rows 0..d-1 orthonormal, rows d..2d-1 too, and so on: independent uniform frames.   xi:
    (..., L, d) -> (..., L, d).

    Gram-Schmidt, twice (once loses digits in high dimension). An incomplete last block
    is orthonormal as well.
    """
    L, d = xi.shape[-2:]
    return torch.cat([_gram_schmidt(xi[..., k : k + d, :]) for k in range(0, L, d)], -2)


def _gram_schmidt(rows):
    found = iid(rows[..., :1, :])
    for k in range(1, rows.shape[-2]):
        new = rows[..., k : k + 1, :]
        for _ in range(2):
            new = new - (new @ found.mT) @ found
        found = torch.cat([found, iid(new)], -2)
    return found


@checked
def equispaced(xi: Cloud) -> torch.Tensor:
    """Angles a, a + pi/L, ..., a + pi (L - 1)/L in the plane; a is the angle of xi_0.   xi:
    (..., L, 2) -> (..., L, 2).

    Half a turn is enough: theta and -theta see the same distance.
    """
    L, d = xi.shape[-2:]
    if d != 2:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected noise in the plane, (..., L, "
                         "2): elsewhere use frames(xi).")
    return turned(iid(xi[..., :1, :]), half_circle(L, dtype=xi.dtype, device=xi.device))


@checked
def half_circle(L: Count, *, phase: Number = 0.0, dtype: Dtype = torch.float64,
                device: Device = None) -> torch.Tensor:
    """The L directions of angles phase + pi k/L, k = 0..L-1: (L, 2). The same rule as `equispaced`,
    without chance."""
    angle = phase + torch.arange(L, dtype=dtype, device=device) * (math.pi / L)
    return torch.stack([angle.cos(), angle.sin()], -1)


def turned(first, fan):
    """The unit vectors fan (..., L, 2), turned by the angle of the unit vector first (..., 1, 2):
    a product of complex numbers."""
    (a, b), (c, s) = first.unbind(-1), fan.unbind(-1)
    return torch.stack([a * c - b * s, a * s + b * c], -1)


@checked
def random_directions(L: Count, d: Count, *, generator: Generator, rule: Function = iid,
                      dtype: Dtype = torch.float32,
                      device: Device = None) -> torch.Tensor:
    """L directions in R^d by a rule (iid, frames, equispaced), from a generator on the CPU:
    (L, d). Raises TypeError, ValueError."""
    xi = torch.randn(L, d, generator=generator, dtype=torch.float64)
    return like(rule(xi), xi, "rule(xi)").to(device, dtype)
