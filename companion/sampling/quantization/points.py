"""Lloyd's algorithm for a law known through points, in any dimension: k-means,
and the same with shares prescribed. Plain operations.

Distances come from differences and sums are taken in float64: |y|^2 - 2 <x, y> puts points of two
far groups on the wrong side, and a float32 sum of a million points forgets the last of them.
The answers have the dtype of the sites.
"""

from typing import Annotated

import torch

from companion.hints import Number, Tensor, checked
from companion.inputs import a_cloud, concrete_value, has_values
from companion.sampling.wide import wide
from companion.transport import barycentric, plan
from companion.transport.weights import normalised_weights

LARGEST = 1e15
BLOCK = 2**18  # distances held at a time


def a_point_set(x, name):
    """Return x, one finite set of points (n, d). Raises TypeError, ValueError."""
    if a_cloud(x, name).ndim != 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected one set of points (n, d).")
    if concrete_value(lambda: (x.abs() > LARGEST).any(), x):
        raise ValueError(f"{name} has an entry beyond {LARGEST:.0e} or an infinity; expected "
                         "numbers whose squares fit: choose another unit.")
    return x


Points = Annotated[torch.Tensor, a_point_set]


@checked
def labels(y: Points, x: Points) -> torch.Tensor:
    """The number of the site nearest to each point (the first of several).   y: (n, d) sites, x:
    (m, d) points -> (m,) integers.

    Raises TypeError; ValueError, also for more sites than points.
    """
    if y.shape[1] != x.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points with {y.shape[1]} "
                         "coordinates, as many as the sites have.")
    if has_values(y) and len(y) > len(x):
        raise ValueError(f"y has {len(y)} sites for {len(x)} points; expected at most one site a "
                         "point.")
    y, x = wide(y.detach()), x.detach()
    tiles = x.split(max(1, BLOCK // len(y))) if has_values(x) else (x,)
    return torch.cat([_squares(wide(tile), y).argmin(1) for tile in tiles])


@checked
def inertia(y: Points, x: Points, a: Tensor | None = None) -> torch.Tensor:
    """G(y) = sum_j a_j min_i |x_j - y_i|^2, 0-d; a (m,) shares of the points, equal by default:
    then it is scikit-learn's inertia_ over m.

    y: (n, d) sites, x: (m, d) points. Its gradient is 2 sum_{j nearest to i} a_j (y_i - x_j).
    Raises TypeError, ValueError.
    """
    nearest = y[labels(y, x)]
    far = (wide(x) - wide(nearest)).square().sum(-1)
    return (one_share_each(a, x).to(far) * far).sum().to(y)


@checked
def kmeans_step(k: Number, y: Points, *, x: Points, a: Tensor | None = None) -> torch.Tensor:
    """y_i <- the mean of the points nearest to y_i: a map for `iterate`. y: (n, d) -> (n, d); x:
    (m, d) points, a (m,) their shares.

    A site that is nearest to no point stays where it is (scikit-learn moves it elsewhere).
    Raises TypeError, ValueError.
    """
    owner, points = labels(y, x), wide(x)
    a = one_share_each(None if a is None else wide(a), points)[:, None]
    mass = torch.zeros_like(y[:, :1], dtype=points.dtype).index_add(0, owner, a)
    first = torch.zeros_like(y, dtype=points.dtype).index_add(0, owner, a * points)
    empty = mass == 0
    return torch.where(empty, y, (first / torch.where(empty, 1.0, mass)).to(y))


@checked
def uniform_kmeans_step(k: Number, y: Points, *, x: Points,
                        a: Tensor | None = None) -> torch.Tensor:
    """y_i <- the mean of the share 1 / n of the points that optimal transport sends to y_i:
    a map for `iterate`. y: (n, d) -> (n, d).

    The plan is POT's, on the CPU. More sites than points share them. Raises TypeError, ValueError.
    """
    sites, points = y.double(), x.double()
    return barycentric(
        plan(sites, points, None, one_share_each(None if a is None else a.double(), points)), points
    ).to(y)


def one_share_each(a, x):
    """Shares (n,) of total 1 for the points x (n, d), equal if a is None. Raises ValueError."""
    if a is not None and a.shape != x.shape[:1]:
        raise ValueError(f"a has shape {tuple(a.shape)}; expected one weight for each of the "
                         f"{len(x)} points: ({len(x)},).")
    return normalised_weights(a, x[:, 0], "a")


def _squares(x, y):
    return sum((x[:, None, k] - y[:, k]).square() for k in range(x.shape[1]))
