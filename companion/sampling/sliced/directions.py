"""Directions: unit vectors (L, d), rows. Each rule is a function of Gaussian noise xi (..., L, d), so that a page can draw them too.

A standard Gaussian vector has a uniform direction; d of them, orthonormalised by Gram and Schmidt, are a uniform (Haar) frame.
"""

import math

import torch

from companion.inputs import a_cloud, a_count, a_function, a_generator, a_number


def iid(xi):
    """theta_l = xi_l / |xi_l|: independent and uniform on the sphere.   xi: (..., L, d) -> (..., L, d). A zero row stays zero."""
    a_cloud(xi, "xi")
    length = xi.square().sum(-1, keepdim=True).sqrt()
    return xi / torch.where(length > 0, length, 1)


def frames(xi):
    """Rows 0..d-1 orthonormal, rows d..2d-1 too, and so on: independent uniform frames.   xi: (..., L, d) -> (..., L, d).

    Gram-Schmidt, twice (once loses digits in high dimension). An incomplete last block is orthonormal as well.
    """
    L, d = a_cloud(xi, "xi").shape[-2:]
    return torch.cat([_gram_schmidt(xi[..., k : k + d, :]) for k in range(0, L, d)], -2)


def _gram_schmidt(rows):
    found = iid(rows[..., :1, :])
    for k in range(1, rows.shape[-2]):
        new = rows[..., k : k + 1, :]
        for _ in range(2):
            new = new - (new @ found.mT) @ found
        found = torch.cat([found, iid(new)], -2)
    return found


def equispaced(xi):
    """Angles a, a + pi/L, ..., a + pi (L - 1)/L in the plane; a is the angle of xi_0.   xi: (..., L, 2) -> (..., L, 2).

    Half a turn is enough: theta and -theta see the same distance.
    """
    L, d = a_cloud(xi, "xi").shape[-2:]
    if d != 2:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected noise in the plane, (..., L, 2): elsewhere use frames(xi).")
    return turned(iid(xi[..., :1, :]), half_circle(L, dtype=xi.dtype, device=xi.device))


def half_circle(L, *, phase=0.0, dtype=torch.float64, device=None):
    """The L directions of angles phase + pi k/L, k = 0..L-1: (L, 2). The same rule as `equispaced`, without chance."""
    a_number(phase, "phase")
    angle = phase + torch.arange(a_count(L, "L"), dtype=dtype, device=device) * (math.pi / L)
    return torch.stack([angle.cos(), angle.sin()], -1)


def turned(first, fan):
    """The unit vectors fan (..., L, 2), turned by the angle of the unit vector first (..., 1, 2): a product of complex numbers."""
    (a, b), (c, s) = first.unbind(-1), fan.unbind(-1)
    return torch.stack([a * c - b * s, a * s + b * c], -1)


def random_directions(L, d, *, generator, rule=iid, dtype=torch.float32, device=None):
    """L directions in R^d by a rule (iid, frames, equispaced), from a generator on the CPU: (L, d). Raises TypeError, ValueError."""
    a_function(rule, "rule")
    xi = torch.randn(a_count(L, "L"), a_count(d, "d"), generator=a_generator(generator), dtype=torch.float64)
    return rule(xi).to(device, dtype)
