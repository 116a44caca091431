"""Attention without normalisation, in R^d: Gaussian tokens stay Gaussian, and may blow up in finite
time.

Attention averages a Gaussian N(m, S) tilted by e^{<A x, y>} in y, A = K^T Q:
a Gaussian of mean m + S A x.
Source: Castin, Ablin, Carrillo, Peyre (arXiv:2501.18322).
"""

import functools
import math
from typing import Annotated

import numpy as np
import torch

from companion.hints import Cloud, Count, Number, Point, Real, Row, Tensor, a_shape, checked
from companion.inputs import a_tensor, batch, concrete_value
from companion.training.transformers.attention import of_sum_one, weights


def the_variances(var, name):
    """Return var, variances (..., d), not negative. Raises TypeError, ValueError."""
    if a_tensor(var, name).ndim == 0 or not var.numel():
        raise ValueError(f"{name} has shape {tuple(var.shape)}; expected (d,), a variance along "
                         "each axis.")
    if concrete_value(lambda: (var < 0).any(), var):
        raise ValueError(f"{name} has the minimum {var.min().item()}; expected variances, at "
                         "least 0.")
    return var


Variances = Annotated[torch.Tensor, the_variances]
Square = Annotated[torch.Tensor, functools.partial(a_shape, shape=(2, 2))]


@checked
def attention(t: Number, x: Cloud, beta: Number, V: Number = 1.0, *,
              masses: Tensor | None = None) -> Tensor:
    """x_i' = V sum_j softmax_j(beta <x_i, x_j> + log m_j) x_j for tokens (..., n, d) in R^d;
    V a number, V > 0 expands, V < 0 contracts."""
    logits = beta * x @ x.transpose(-1, -2)
    return V * weights(logits, masses) @ x


@checked
def gaussian_rates(mean: Row, cov: Tensor, A: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
    """m' = V (I + S A) m,  S' = V S A S + (V S A S)^T for x' = V (m + S A x); mean (d,), cov,
    A, V (d, d). Returns (m', S')."""
    d, matrices = len(mean), {"cov": cov, "A": A, "V": V}
    for name, matrix in matrices.items():
        if matrix.shape[-2:] != (d, d):
            raise ValueError(f"{name} has shape {tuple(matrix.shape)}; expected ({d}, {d}) as "
                             f"mean has {d} coordinates.")
    batch(*((matrix.shape, name) for name, matrix in matrices.items()))
    turn = V @ cov @ A
    return V @ mean + turn @ mean, turn @ cov + (turn @ cov).transpose(-1, -2)


@checked
def gaussian_tokens(t: Real, mean: Tensor, var: Variances, beta: Number,
                    V: Number = 1.0) -> tuple[Tensor, Tensor]:
    """m_t = m_0 e^{Vt} (1 - 2 V beta s_0 t)^{-1/2},  s_t = s_0 / (1 - 2 V beta s_0 t):
    mean and variance along each principal axis.

    mean, var (d,): A = beta I, scalar V, diagonal covariance. V = 1 blows up at `blow_up`.
    Returns (m_t, s_t); t before the blow-up.
    """
    batch((mean.shape, "mean"), (var.shape, "var"), (getattr(t, "shape", ()), "t"))
    room = 1 - 2 * V * beta * var * t
    if concrete_value(lambda: (room <= 0).any(), room):
        raise ValueError(f"t = {t}; expected a time before the blow-up, below blow_up(var, beta, "
                         f"V) = {blow_up(var, beta, V):.6g}.")
    return mean * torch.exp(torch.as_tensor(V * t, dtype=var.dtype)) / torch.sqrt(room), var / room


@checked
def blow_up(var: Variances, beta: Number, V: Number = 1.0) -> Tensor:
    """t* = 1 / (2 V beta max s_0): when Gaussian tokens leave to infinity;
    infinite where V beta <= 0. A 0-d tensor; var (d,)."""
    rate = 2 * V * beta * var.amax(-1)
    return torch.where(rate > 0, 1 / rate, torch.full_like(rate, torch.inf))


@checked
def ellipse(mean: Point, cov: Square, points: Count = 64, *, radius: Number = 2.0) -> Tensor:
    """m + radius S^{1/2} (cos a, sin a): `points` points of the ellipse of N(mean, cov) in the
    plane; mean (2,), cov (2, 2), definite.

    For two by two matrices S^{1/2} = (S + sqrt(det S) I) / sqrt(tr S + 2 sqrt(det S)):
    plain operations.
    """
    a = 2 * math.pi * torch.arange(points, dtype=cov.dtype, device=cov.device) / points
    det, trace = cov[0, 0] * cov[1, 1] - cov[0, 1] * cov[1, 0], cov[0, 0] + cov[1, 1]
    if concrete_value(lambda: (det < 0) | (trace <= 0), det):
        raise ValueError(f"cov = {cov.tolist()}; expected a covariance, symmetric and definite.")
    det = torch.sqrt(det)
    root = (cov + det * torch.eye(2, dtype=cov.dtype, device=cov.device)) / torch.sqrt(
        trace + 2 * det
    )
    return mean + radius * torch.stack([torch.cos(a), torch.sin(a)], -1) @ root


@checked
def moments(x: Cloud, masses: Tensor) -> tuple[Tensor, Tensor]:
    """(m, S): mean (d,) and covariance (d, d) of tokens x (n, d) of the given masses (n,),
    normalised to sum 1."""
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected one cloud of tokens (n, d).")
    w = of_sum_one(masses, x)
    mean = w @ x
    return mean, (x - mean).T @ (w[:, None] * (x - mean))


@checked
def quadrature_tokens(mean: Row, var: Variances, points: Count = 16) -> tuple[Tensor, Tensor]:
    """Gauss-Hermite tokens (points^d, d) and their masses (points^d,), for N(mean, diag(var));
    mean and var (d,).

    Attention sees the tails: as many sampled tokens would be wrong by percents.
    """
    if var.shape != mean.shape:
        raise ValueError(f"var has shape {tuple(var.shape)}; expected the shape of mean, "
                         f"{tuple(mean.shape)}.")
    rule, d = np.polynomial.hermite_e.hermegauss(points), len(mean)
    nodes, shares = (torch.as_tensor(p, dtype=var.dtype, device=var.device) for p in rule)
    grid = torch.cartesian_prod(*[nodes] * d).reshape(-1, d)
    masses = torch.cartesian_prod(*[shares] * d).reshape(-1, d).prod(-1)
    return mean + torch.sqrt(var) * grid, masses / masses.sum()
