"""The three sums over the points of a cloud, as they are written: what the engines evaluate.

A sum is a function op(q, k, b): (..., n, d), (..., m, d), (..., m, c) -> (..., n, c) whose row
i needs row i of q alone.
"""

import torch

from companion.inputs import batch, has_values, same_dimension
from companion.kernels.distances import squares

# points from which a sum is taken in float64: 4e6 numbers added in float32 lose three digits
MANY = 2**12


def exp_sum(q, k, b):
    """sum_j exp(-|q_i - k_j|^2) b_j"""
    return total(torch.exp(-squares(q, k)), b)


def soft_average(q, k, b):
    """sum_j softmax_j(<q_i, k_j>) b_j"""
    return total(torch.softmax(q @ k.mT, -1), b)


def log_sum(q, k, h):
    """log sum_j exp(h_j - |q_i - k_j|^2), h (..., m, 1)"""
    return torch.logsumexp(h.mT - squares(q, k), -1, keepdim=True)


def total(p, b):
    """sum_j p_ij b_j, many terms in float64."""
    if not has_values(p) or p.shape[-1] < MANY:
        return p @ b
    return (p.double() @ b.double()).to(b.dtype)


def rows(b, y, name="b"):
    """Return b, which has one row for each point of y. Raises ValueError."""
    if b.ndim < 2 or b.shape[-2] != y.shape[-2] or b.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(b.shape)}; expected one row for each of the "
                         f"{y.shape[-2]} points of y.")
    return b


def fitting(q, k, b):
    """q, k, b: points of one dimension, a row of b for each point of k, batches that go together.
    Raises ValueError."""
    same_dimension(q, k, ("q", "k"))
    if b.ndim > 2 and has_values(q):
        batch((q.shape[:-2], "the batch of q"), (k.shape[:-2], "the batch of k"),
              (b.shape[:-2], "the batch of b"))
    return q, k, rows(b, k)
