"""Sums of a kernel over a cloud, whatever its size: `engine` says how, None lets size and device say."""

import torch

from companion.inputs import a_cloud, a_function, a_number, a_tensor, same_dimension
from companion.kernels.distances import Gaussian, squared_distances
from companion.kernels.engines import chosen, exp_sum, log_sum, soft_average


def gaussian_sum(x, y, b=None, *, length, engine=None):
    """sum_j exp(-|x_i - y_j|^2 / (2 length^2)) b_j

    x (..., n, d), y (..., m, d), b (..., m, c) -> (..., n, c); without b, every b_j = 1 and the sum is (..., n).
    length > 0: a number or a 0-d tensor. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    a_number(length, "length", above=0)
    weights = torch.ones_like(y[..., :1]) if b is None else values(b, y)
    scale = 2**-0.5 / length
    out = chosen(engine, x, y)(exp_sum, x * scale, y * scale, weights)
    return out[..., 0] if b is None else out


def softmax_average(x, y, b, *, beta, engine=None):
    """sum_j softmax_j(beta <x_i, y_j>) b_j

    x (..., n, d), y (..., m, d), b (..., m, c) -> (..., n, c). beta: a number or a 0-d tensor of any sign. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    a_number(beta, "beta")
    return chosen(engine, x, y)(soft_average, x * beta, y, values(b, y))


def softmin(x, y, h=None, *, eps, cost=squared_distances, engine=None):
    """-eps log sum_j exp((h_j - c(x_i, y_j)) / eps), which tends to min_j c(x_i, y_j) - h_j as eps -> 0

    With h = g + eps log b it is Sinkhorn's update of the potential f, for weights b and potential g on y. x (..., n, d), y (..., m, d),
    h (..., m) or None for 0 -> (..., n). cost(x, y) -> (..., n, m). eps > 0: a number or a 0-d tensor. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    a_number(eps, "eps", above=0)
    h = torch.zeros_like(y[..., :1]) if h is None else values(a_tensor(h, "h")[..., None], y, "h[..., None]")
    if a_function(cost, "cost") is squared_distances:
        root = eps**-0.5
        return -eps * chosen(engine, x, y)(log_sum, x * root, y * root, h / eps)[..., 0]

    def scaled(x, y, h):
        return torch.logsumexp((h.mT - cost(x, y)) / eps, -1, keepdim=True)

    return -eps * chosen(engine, x, y)(scaled, x, y, h)[..., 0]


def mean_kernel(kernel, x, y, *, engine=None):
    """mean_ij k(x_i, y_j)

    kernel(x, y) -> (..., n, m); x (..., n, d), y (..., m, d) -> (...). Linear memory for large clouds. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    if isinstance(a_function(kernel, "kernel"), Gaussian):
        return gaussian_sum(x, y, length=kernel.length, engine=engine).mean(-1) / y.shape[-2]

    def row_mean(x, y, _):
        return kernel(x, y).mean(-1, keepdim=True)

    return chosen(engine, x, y)(row_mean, x, y, y[..., :1])[..., 0].mean(-1)


def values(b, y, name="b"):
    """Return b, a value of c >= 1 numbers for each point of y. Raises TypeError, ValueError."""
    a_cloud(b, name)
    if b.shape[-2] != y.shape[-2]:
        raise ValueError(f"{name} has shape {tuple(b.shape)}; expected one row for each of the {y.shape[-2]} points of y.")
    if b.dtype != y.dtype or b.device != y.device:
        raise ValueError(f"{name} is {b.dtype} on {b.device}; expected {y.dtype} on {y.device}, as y: use {name}.to(y).")
    return b
