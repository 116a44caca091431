"""Sites to start from, made of standard normal numbers xi (n, 2): what a live figure's start needs,
for any number of sites."""

import math

import torch

from companion.hints import Number, Positive, Tensor, checked
from companion.sampling.quantization.cells import Sites


@checked
def uniforms(xi: Tensor) -> torch.Tensor:
    """Phi(xi), uniform on (0, 1) where xi is standard normal: any shape."""
    return (1 + torch.erf(xi / math.sqrt(2))) / 2


@checked
def corner(xi: Sites, *, side: Positive = 0.2) -> torch.Tensor:
    """n independent points of the square of this side at the corner (0, 0), a twentieth away from
    the border: (n, 2)."""
    return 0.05 + side * uniforms(xi)


@checked
def corner_lattice(xi: Sites, *, side: Positive = 0.2) -> torch.Tensor:
    """The n first points of a square lattice of this side at the corner (0, 0), row by row:
    (n, 2). Of xi the shape alone counts."""
    rank = _ranks(xi)
    many = torch.ones_like(rank).sum().sqrt().ceil()
    return 0.05 + side * (torch.stack([torch.remainder(rank, many), torch.floor(rank / many)], -1)
                          + 0.5) / many


@checked
def vertical_line(xi: Sites, *, moved: Number = 0.0) -> torch.Tensor:
    """(1/2 + moved xi_i1, (i - 1/2)/n), i = 1..n: (n, 2). A critical point of W2^2 to the unit
    square if moved = 0."""
    rank = _ranks(xi)
    return torch.stack([0.5 + moved * xi[:, 0], (rank + 0.5) / torch.ones_like(rank).sum()], -1)


def _ranks(xi):
    return torch.ones_like(xi[:, 0]).cumsum(0) - 1
