"""Attention without normalisation, in R^d: Gaussian tokens stay Gaussian, and may blow up in finite time.

Attention averages a Gaussian N(m, S) tilted by e^{<A x, y>} in y, A = K^T Q: a Gaussian of mean m + S A x.
Source: Castin, Ablin, Carrillo, Peyre (arXiv:2501.18322).
"""

import math

import numpy as np
import torch

from companion.inputs import a_cloud, a_count, a_number, a_tensor
from companion.training.transformers.attention import of_sum_one, weights


def attention(t, x, beta, V=1.0, *, masses=None):
    """x_i' = V sum_j softmax_j(beta <x_i, x_j> + log m_j) x_j for tokens (..., n, d) in R^d; V a number, V > 0 expands, V < 0 contracts."""
    logits = a_number(beta, "beta") * a_cloud(x) @ x.transpose(-1, -2)
    return a_number(V, "V") * weights(logits, masses) @ x


def gaussian_rates(mean, cov, A, V):
    """m' = V (I + S A) m,  S' = V S A S + (V S A S)^T for x' = V (m + S A x); mean (d,), cov, A, V (d, d). Returns (m', S')."""
    d = a_tensor(mean, "mean").shape[-1]
    for name, matrix in {"cov": cov, "A": A, "V": V}.items():
        if a_tensor(matrix, name).shape[-2:] != (d, d):
            raise ValueError(f"{name} has shape {tuple(matrix.shape)}; expected ({d}, {d}) as mean has {d} coordinates.")
    turn = V @ cov @ A
    return V @ mean + turn @ mean, turn @ cov + (turn @ cov).transpose(-1, -2)


def gaussian_tokens(t, mean, var, beta, V=1.0):
    """m_t = m_0 e^{Vt} (1 - 2 V beta s_0 t)^{-1/2},  s_t = s_0 / (1 - 2 V beta s_0 t): mean and variance along each principal axis.

    mean, var (d,): A = beta I, scalar V, diagonal covariance. V = 1 blows up at `blow_up`. Returns (m_t, s_t); t before the blow-up.
    """
    room = 1 - 2 * V * beta * a_tensor(var, "var") * t
    return a_tensor(mean, "mean") * torch.exp(torch.as_tensor(V * t, dtype=var.dtype)) / torch.sqrt(room), var / room


def blow_up(var, beta, V=1.0):
    """t* = 1 / (2 V beta max s_0): when Gaussian tokens leave to infinity; infinite where V beta <= 0. A 0-d tensor; var (d,)."""
    rate = 2 * a_number(V, "V") * a_number(beta, "beta") * a_tensor(var, "var").amax(-1)
    return torch.where(rate > 0, 1 / rate, torch.full_like(rate, torch.inf))


def ellipse(mean, cov, points=64, *, radius=2.0):
    """m + radius S^{1/2} (cos a, sin a): `points` points of the ellipse of N(mean, cov) in the plane; mean (2,), cov (2, 2), definite.

    For two by two matrices S^{1/2} = (S + sqrt(det S) I) / sqrt(tr S + 2 sqrt(det S)): plain operations.
    """
    if a_tensor(cov, "cov").shape[-2:] != (2, 2):
        raise ValueError(f"cov has shape {tuple(cov.shape)}; expected (2, 2): an ellipse is in the plane.")
    a = 2 * math.pi * torch.arange(a_count(points, "points"), dtype=cov.dtype, device=cov.device) / points
    det = torch.sqrt(cov[0, 0] * cov[1, 1] - cov[0, 1] * cov[1, 0])
    root = (cov + det * torch.eye(2, dtype=cov.dtype, device=cov.device)) / torch.sqrt(cov[0, 0] + cov[1, 1] + 2 * det)
    return a_tensor(mean, "mean") + a_number(radius, "radius") * torch.stack([torch.cos(a), torch.sin(a)], -1) @ root


def moments(x, masses):
    """(m, S): mean (d,) and covariance (d, d) of tokens x (n, d) of the given masses (n,), normalised to sum 1."""
    w = of_sum_one(masses, a_cloud(x))
    mean = w @ x
    return mean, (x - mean).T @ (w[:, None] * (x - mean))


def quadrature_tokens(mean, var, points=16):
    """Gauss-Hermite tokens (points^d, d) and their masses (points^d,), for N(mean, diag(var)); mean and var (d,).

    Attention sees the tails: as many sampled tokens would be wrong by percents.
    """
    rule, d = np.polynomial.hermite_e.hermegauss(a_count(points, "points")), a_tensor(mean, "mean").shape[-1]
    nodes, shares = (torch.as_tensor(p, dtype=a_tensor(var, "var").dtype, device=var.device) for p in rule)
    grid = torch.cartesian_prod(*[nodes] * d).reshape(-1, d)
    masses = torch.cartesian_prod(*[shares] * d).reshape(-1, d).prod(-1)
    return mean + torch.sqrt(var) * grid, masses / masses.sum()
