"""Lloyd's algorithm for a law known through points, in any dimension: k-means, and the same with shares prescribed. Plain operations."""

import torch

from companion.inputs import has_values, same_dimension
from companion.transport import barycentric, plan
from companion.transport.shares import shares


def labels(y, x):
    """The number of the site nearest to each point (the first of several).   y: (n, d) sites, x: (m, d) points -> (m,) integers.

    Raises TypeError; ValueError, also for more sites than points.
    """
    same_dimension(y, x)
    if y.ndim != 2 or x.ndim != 2:
        raise ValueError(f"y and x have shapes {tuple(y.shape)} and {tuple(x.shape)}; expected sites (n, d) and points (m, d).")
    if has_values(y) and len(y) > len(x):
        raise ValueError(f"y has {len(y)} sites for {len(x)} points; expected at most one site a point.")
    centre = y.mean(0)  # near the origin |y|^2 - 2 <x, y> loses no digits
    y, x = y.detach() - centre.detach(), x.detach() - centre.detach()
    return (y.square().sum(1) / 2 - x @ y.T).argmin(1)


def inertia(y, x, a=None):
    """G(y) = sum_j a_j min_i |x_j - y_i|^2, 0-d; a (m,) shares of the points, equal by default: then it is scikit-learn's inertia_ over m.

    y: (n, d) sites, x: (m, d) points. Its gradient is 2 sum_{j nearest to i} a_j (y_i - x_j). Raises TypeError, ValueError.
    """
    nearest = y[labels(y, x)]
    return (shares(a, x[:, 0], "a") * (x - nearest).square().sum(-1)).sum()


def kmeans_step(k, y, *, x, a=None):
    """y_i <- the mean of the points nearest to y_i: a map for `iterate`. y: (n, d) -> (n, d); x: (m, d) points, a (m,) their shares.

    A site that is nearest to no point stays where it is (scikit-learn moves it elsewhere). Raises TypeError, ValueError.
    """
    nearest = labels(y, x)[:, None] == torch.arange(y.shape[0], device=y.device)
    owned = nearest.to(x.dtype) * shares(a, x[:, 0], "a")[:, None]
    mass = owned.sum(0)[:, None]
    empty = mass == 0
    return torch.where(empty, y, owned.T @ x / torch.where(empty, 1.0, mass))


def uniform_kmeans_step(k, y, *, x, a=None):
    """y_i <- the mean of the share 1 / n of the points that optimal transport sends to y_i: a map for `iterate`. y: (n, d) -> (n, d).

    The plan is POT's, on the CPU. More sites than points share them. Raises TypeError, ValueError.
    """
    return barycentric(plan(y, x, None, a), x)
