"""Infinitely many noisy tokens on the circle: the steady densities of USA, rho = exp(W * rho / D) / Z with W = e^{beta cos} / beta.

They are the critical points of the free energy D int rho log rho - E (Balasubramanian, Banerjee, Rigollet, arXiv:2510.20094).
A density is a tensor (points,) of values at 2 pi i/points, of mean 1: rho / (uniform law).
"""

import math

import torch

from companion.inputs import a_count, a_number, a_tensor


def grid(points=256, dtype=torch.float64):
    """theta_i = 2 pi i/points, (points,)."""
    return 2 * math.pi * torch.arange(a_count(points, "points", least=8), dtype=dtype) / points


def bump(order, points=256):
    """1 + 2 R cos theta: a density of order parameter R, 0 <= R <= 1/2."""
    return 1 + 2 * a_number(order, "order", least=0.0, most=0.5) * torch.cos(grid(points))


def picard(k, rho, beta, D):
    """rho -> exp(W * rho / D) / Z: a step that has the steady densities as fixed points, and never increases the free energy."""
    points, theta = _grid_of(rho)
    a_number(D, "D", above=0.0)
    kernel = torch.exp(a_number(beta, "beta") * torch.cos(theta[:, None] - theta)) / beta
    return torch.softmax(rho @ kernel / (points * D), -1) * points


def order_of(rho):
    """R = |int e^{i theta} rho|, in [0, 1]."""
    _, theta = _grid_of(rho)
    return torch.sqrt((rho * torch.cos(theta)).mean(-1) ** 2 + (rho * torch.sin(theta)).mean(-1) ** 2)


def _grid_of(rho):
    """The number of points of rho (..., points), and theta, like rho."""
    points = a_tensor(rho, "rho").shape[-1]
    return points, 2 * math.pi * torch.arange(points, dtype=rho.dtype, device=rho.device) / points
