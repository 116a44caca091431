"""Infinitely many noisy tokens on the circle: the steady densities of USA,
rho = exp(W * rho / D) / Z with W = e^{beta cos} / beta.

They are the critical points of the free energy D int rho log rho - E
(Balasubramanian, Banerjee, Rigollet, arXiv:2510.20094).
A density is a tensor (points,) of values at 2 pi i/points, of mean 1: rho / (uniform law).
"""

import functools
import math
from typing import Annotated

import torch

from companion.hints import Dtype, Number, Positive, Tensor, checked
from companion.inputs import a_count, a_number, a_tensor
from companion.training.transformers.attention import NonZero


def a_density(rho, name):
    """Return rho, the values (..., points) of a density. Raises TypeError, ValueError."""
    if a_tensor(rho, name).ndim == 0 or not rho.numel():
        raise ValueError(f"{name} has shape {tuple(rho.shape)}; expected (..., points), the "
                         "values of a density: bump(0.1).")
    return rho


Density = Annotated[torch.Tensor, a_density]
Points = Annotated[int, functools.partial(a_count, least=8)]
Half = Annotated[float | torch.Tensor, functools.partial(a_number, least=0, most=0.5)]


@checked
def grid(points: Points = 256, dtype: Dtype = torch.float64) -> Tensor:
    """theta_i = 2 pi i/points, (points,)."""
    return 2 * math.pi * torch.arange(points, dtype=dtype) / points


@checked
def bump(order: Half, points: Points = 256) -> Tensor:
    """1 + 2 R cos theta: a density of order parameter R, 0 <= R <= 1/2."""
    return 1 + 2 * order * torch.cos(grid(points))


@checked
def picard(k: Number, rho: Density, beta: NonZero, D: Positive) -> Tensor:
    """rho -> exp(W * rho / D) / Z: a step that has the steady densities as fixed points,
    and never increases the free energy."""
    points, theta = _grid_of(rho)
    kernel = torch.exp(beta * torch.cos(theta[:, None] - theta)) / beta
    return torch.softmax(rho @ kernel / (points * D), -1) * points


@checked
def order_of(rho: Density) -> Tensor:
    """R = |int e^{i theta} rho|, in [0, 1]."""
    _, theta = _grid_of(rho)
    return torch.sqrt(
        (rho * torch.cos(theta)).mean(-1) ** 2 + (rho * torch.sin(theta)).mean(-1) ** 2
    )


def _grid_of(rho):
    """The number of points of rho (..., points), and theta, like rho."""
    points = rho.shape[-1]
    return points, 2 * math.pi * torch.arange(points, dtype=rho.dtype, device=rho.device) / points
