"""Distances and kernels between two clouds: (..., n, d) and (..., m, d) give (..., n, m)."""

from typing import NamedTuple

import torch

from companion.hints import Cloud, Number, Positive, Tensor, checked
from companion.inputs import has_values, same_dimension


def squared_distances(x: Cloud, y: Cloud) -> Tensor:
    """|x_i - y_j|^2, from differences: exactly 0 where x_i = y_j, which |x|^2 + |y|^2 - 2 <x,
    y> is not;
    inf where the square overflows (float32: 1.8e19 apart).

    x (..., n, d), y (..., m, d) -> (..., n, m). Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    return squares(x, y)


def squares(x, y):
    """squared_distances without the checks, for inner loops."""
    if has_values(x) and has_values(y):
        return Squares.apply(x, y)
    return sum((x[..., :, None, k] - y[..., None, :, k]).square() for k in range(x.shape[-1]))


class Squares(torch.autograd.Function):
    """cdist without its cancellation, with a gradient by matrix products, d times cheaper,
    that has derivatives of every order."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()

    @staticmethod
    def backward(ctx, g):
        """2 sum_j g_ij (x_i - y_j), and the same for y: two large sums are subtracted,
        so in float64, about a centre."""
        x, y = ctx.saved_tensors
        centre = y.detach().mean(-2, keepdim=True, dtype=torch.float64)
        wide, X, Y = g.double(), x.double() - centre, y.double() - centre
        to_x = 2 * (wide.sum(-1)[..., None] * X - wide @ Y)
        to_y = 2 * (wide.sum(-2)[..., None] * Y - wide.mT @ X)
        return to_x.sum_to_size(x.shape).to(x), to_y.sum_to_size(y.shape).to(y)


def distances(x: Cloud, y: Cloud) -> Tensor:
    """|x_i - y_j|, with gradient 0 (the least subgradient) where the points coincide;
    inf where the square overflows.

    x (..., n, d), y (..., m, d) -> (..., n, m). Raises TypeError, ValueError.
    """
    squared = squared_distances(x, y)
    # the square root has slope inf at 0, and inf * 0 is NaN: it must not see the 0
    apart = squared > 0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)


class Gaussian(NamedTuple):
    """The Gaussian kernel: a function that shows its length, so that a sum of it can take a faster
    way."""

    length: Number

    def __call__(self, x: Cloud, y: Cloud) -> Tensor:
        return torch.exp(-squared_distances(x, y) / (2 * self.length**2))


@checked
def gaussian_kernel(length: Positive) -> Gaussian:
    """The kernel k(x, y) = exp(-|x_i - y_j|^2 / (2 length^2)), k(x, y): (..., n, d),
    (..., m, d) -> (..., n, m).

    length > 0, a number or a 0-d tensor, in the units of x. Raises TypeError, ValueError.
    """
    return Gaussian(length)


def energy_kernel(x: Cloud, y: Cloud) -> Tensor:
    """The kernel k(x, y) = -|x_i - y_j|, conditionally positive definite (Szekely and Rizzo, 2013):
    its MMD^2 is the energy distance;
    -inf where the square overflows.

    x (..., n, d), y (..., m, d) -> (..., n, m). Raises TypeError, ValueError.
    """
    return -distances(x, y)
