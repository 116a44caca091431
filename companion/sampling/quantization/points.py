"""Lloyd's algorithm for a law known through points, in any dimension: k-means, and the same with shares prescribed. Plain operations."""

import torch

from companion.inputs import has_values, same_dimension
from companion.transport import barycentric, plan
from companion.transport.shares import shares

INTEGERS = {torch.float32: torch.int32, torch.float64: torch.int64}
TILE = 8192  # points at a time


def labels(y, x):
    """The number of the site nearest to each point (the first of several).   y: (n, d) sites, x: (m, d) points -> (m,) integers.

    For up to 128 sites and more than 8192 points on the CPU, squared distances that agree to one part in 2^16 (float32; 2^45 in float64)
    count as equal.
    Raises TypeError; ValueError, also for more sites than points.
    """
    same_dimension(y, x)
    if y.ndim != 2 or x.ndim != 2:
        raise ValueError(f"y and x have shapes {tuple(y.shape)} and {tuple(x.shape)}; expected sites (n, d) and points (m, d).")
    if has_values(y) and len(y) > len(x):
        raise ValueError(f"y has {len(y)} sites for {len(x)} points; expected at most one site a point.")
    centre = y.mean(0)  # near the origin |y|^2 - 2 <x, y> loses no digits
    y, x = y.detach() - centre.detach(), x.detach() - centre.detach()
    if has_values(y) and x.device.type == "cpu" and x.dtype in INTEGERS and len(y) <= 128 and len(x) > TILE:
        return torch.cat([_packed(y, tile) for tile in x.split(TILE)])
    return (y.square().sum(1) / 2 - x @ y.T).argmin(1)


def _packed(y, x):
    """argmin_i |x - y_i|^2 by one minimum of integers: positive floats are ordered as their bits are, and the last bits hold i.

    A square that rounding makes negative comes first, as it should. Seven times faster than argmin for 100 sites, which is not vectorised.
    """
    last = (1 << max(len(y) - 1, 1).bit_length()) - 1
    squares = torch.addmm(y.square().sum(1), x, y.T, alpha=-2).add_(x.square().sum(1, keepdim=True))
    bits = squares.view(INTEGERS[x.dtype]).bitwise_and_(~last)
    return bits.bitwise_or_(torch.arange(len(y), dtype=bits.dtype)).amin(1).bitwise_and_(last).long()


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
    owner, a = labels(y, x), shares(a, x[:, 0], "a")[:, None]
    mass = torch.zeros_like(y[:, :1]).index_add(0, owner, a)
    first = torch.zeros_like(y).index_add(0, owner, a * x)
    empty = mass == 0
    return torch.where(empty, y, first / torch.where(empty, 1.0, mass))


def uniform_kmeans_step(k, y, *, x, a=None):
    """y_i <- the mean of the share 1 / n of the points that optimal transport sends to y_i: a map for `iterate`. y: (n, d) -> (n, d).

    The plan is POT's, on the CPU. More sites than points share them. Raises TypeError, ValueError.
    """
    return barycentric(plan(y, x, None, a), x)
