"""Distances and kernels between two clouds: (..., n, d) and (..., m, d) give (..., n, m)."""

from typing import NamedTuple

import torch

from companion.inputs import a_number, has_values, same_dimension


def squared_distances(x, y):
    """|x_i - y_j|^2, from differences: exactly 0 where x_i = y_j, which |x|^2 + |y|^2 - 2 <x, y> is not.

    x (..., n, d), y (..., m, d) -> (..., n, m). Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    return squares(x, y)


def squares(x, y):
    """squared_distances without the checks, for inner loops."""
    if not (has_values(x) and has_values(y)):
        return sum((x[..., :, None, k] - y[..., None, :, k]).square() for k in range(x.shape[-1]))
    centre = y.detach().mean(-2, keepdim=True)  # the gradient below subtracts two sums: small ones near the origin
    return Squares.apply(x - centre, y - centre)


class Squares(torch.autograd.Function):
    """cdist without its cancellation, with a gradient by matrix products, d times cheaper, that has derivatives of every order."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        to_x = 2 * (g.sum(-1)[..., None] * x - g @ y)
        to_y = 2 * (g.sum(-2)[..., None] * y - g.mT @ x)
        return to_x.sum_to_size(x.shape), to_y.sum_to_size(y.shape)


def distances(x, y):
    """|x_i - y_j|, with gradient 0 (the least subgradient) where the points coincide.

    x (..., n, d), y (..., m, d) -> (..., n, m). Raises TypeError, ValueError.
    """
    squared = squared_distances(x, y)
    apart = squared > 0  # the square root has slope inf at 0, and inf * 0 is NaN: it must not see the 0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)


class Gaussian(NamedTuple):
    """The Gaussian kernel: a function that shows its length, so that a sum of it can take a faster way."""

    length: float | torch.Tensor

    def __call__(self, x, y):
        return torch.exp(-squared_distances(x, y) / (2 * self.length**2))


def gaussian(length):
    """The kernel k(x, y) = exp(-|x_i - y_j|^2 / (2 length^2)), k(x, y): (..., n, d), (..., m, d) -> (..., n, m).

    length > 0, a number or a 0-d tensor, in the units of x. Raises TypeError, ValueError.
    """
    return Gaussian(a_number(length, "length", above=0))


def energy_distance(x, y):
    """The kernel k(x, y) = -|x_i - y_j|, conditionally positive definite (Szekely and Rizzo, 2013): its MMD^2 is the energy distance.

    x (..., n, d), y (..., m, d) -> (..., n, m). Raises TypeError, ValueError.
    """
    return -distances(x, y)
