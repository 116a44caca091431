"""Sums of a kernel over a cloud, whatever its size: `engine` says how, None lets size and device
say.

Every sum but that of `cost` and `kernel` depends on differences alone:
it is taken about the mean of y, so that far clouds keep digits.
"""

from collections.abc import Callable

import torch

from companion.hints import Cloud, Extended, Function, Number, Positive, Tensor, checked
from companion.inputs import a_cloud, has_values, one_each, same_dimension
from companion.kernels.distances import Gaussian, squared_distances
from companion.kernels.engines import chosen
from companion.kernels.formulas import exp_sum, log_sum, rows, soft_average


@checked
def gaussian_sum(x: Cloud, y: Cloud, b: Cloud | None = None, *, length: Positive,
                 engine: Callable | None = None) -> Tensor:
    """sum_j exp(-|x_i - y_j|^2 / (2 length^2)) b_j

    x (..., n, d), y (..., m, d), b (..., m, c) -> (..., n, c); without b, every b_j = 1 and the sum
    is (..., n).
    length > 0: a number or a 0-d tensor. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    weights = torch.ones_like(y[..., :1]) if b is None else values(b, y)
    scale, (x, y) = 2**-0.5 / length, centred(x, y)
    out = chosen(engine, x, y)(exp_sum, x * scale, y * scale, weights)
    return out[..., 0] if b is None else out


@checked
def softmax_average(x: Cloud, y: Cloud, b: Cloud, *, beta: Number,
                    engine: Callable | None = None) -> Tensor:
    """sum_j softmax_j(beta <x_i, y_j>) b_j

    x (..., n, d), y (..., m, d), b (..., m, c) -> (..., n, c). beta:
    a number or a 0-d tensor of any sign. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    return chosen(engine, x, y)(soft_average, x * beta, centred(y, y)[0], values(b, y))


@checked
def softmin(x: Cloud, y: Cloud, h: Extended | None = None, *, eps: Positive,
            cost: Function = squared_distances,
            engine: Callable | None = None) -> Tensor:
    """-eps log sum_j exp((h_j - c(x_i, y_j)) / eps), which tends to min_j c(x_i, y_j) - h_j as
    eps -> 0

    With h = g + eps log b it is Sinkhorn's update of the potential f, for weights b and potential
    g on y. x (..., n, d), y (..., m, d), h (..., m), -inf for a point without weight,
    or None for 0 -> (..., n). cost(x, y) -> (..., n, m). eps > 0: a number or a 0-d tensor.
    inf where no point has weight. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    h = torch.zeros_like(y[..., :1]) if h is None else rows(h[..., None] if h.ndim else h, y, "h[..., None]")
    if cost is squared_distances:
        root, (x, y) = eps**-0.5, centred(x, y)
        return -eps * chosen(engine, x, y)(log_sum, x * root, y * root, h / eps)[..., 0]

    def scaled(x, y, h):
        return torch.logsumexp((h.mT - of_pairs(cost, x, y, "cost")) / eps, -1, keepdim=True)

    return -eps * chosen(engine, x, y)(scaled, x, y, h)[..., 0]


@checked
def mean_kernel(kernel: Function, x: Cloud, y: Cloud, *, engine: Callable | None = None) -> Tensor:
    """mean_ij k(x_i, y_j)

    kernel(x, y) -> (..., n, m); x (..., n, d), y (..., m, d) -> (...). Linear memory for large
    clouds. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    if isinstance(kernel, Gaussian):
        return gaussian_sum(x, y, length=kernel.length, engine=engine).mean(-1) / y.shape[-2]

    def row_mean(x, y, _):
        return of_pairs(kernel, x, y, "kernel").mean(-1, keepdim=True)

    return chosen(engine, x, y)(row_mean, x, y, y[..., :1])[..., 0].mean(-1)


def centred(x, y):
    """x and y about the mean of y, which is moved by no gradient: what depends on differences alone
    stays as it is."""
    if not (has_values(x) and has_values(y)):
        return x, y
    centre = y.detach().mean(-2, keepdim=True, dtype=torch.float64).to(y.dtype)
    return x - centre, y - centre


def of_pairs(kernel, x, y, name):
    """kernel(x, y), a number for each pair. Raises TypeError, ValueError."""
    pairs = (*torch.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-2])
    return one_each(kernel(x, y), pairs, f"{name}(x, y)", "one number for each pair of points")


def values(b, y, name="b"):
    """Return b, a value of c >= 1 numbers for each point of y. Raises TypeError, ValueError."""
    return rows(a_cloud(b, name), y, name)
