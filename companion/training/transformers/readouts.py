"""What is read off a cloud of tokens: clusters, similarity, order. Plain operations,
so that a live figure can carry them."""

import functools
import math
from typing import Annotated

import torch

from companion.hints import Cloud, Count, Number, Positive, Tensor, checked
from companion.inputs import a_cloud, a_number, concrete_value
from companion.training.transformers.attention import normalise, similarities


def several(x, name):
    """Return x, a cloud (..., n, d) of n >= 2 points. Raises TypeError, ValueError."""
    if a_cloud(x, name).shape[-2] < 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected at least two tokens.")
    return x


Flat = Annotated[torch.Tensor, functools.partial(a_cloud, d=2)]  # (..., n, 2)
Several = Annotated[torch.Tensor, several]
Level = Annotated[float | torch.Tensor, functools.partial(a_number, most=1)]


@checked
def angles(x: Flat) -> Tensor:
    """theta_i in (-pi, pi]: (..., n) for tokens on the circle (..., n, 2)."""
    return torch.atan2(x[..., 1], x[..., 0])


@checked
def on_circle(theta: Tensor) -> Tensor:
    """(cos theta, sin theta): (..., n, 2)."""
    return torch.stack([torch.cos(theta), torch.sin(theta)], -1)


@checked
def near_lattice(xi: Flat, spread: Number = 0.01) -> Tensor:
    """n equispaced angles, each moved by spread times a normal number:
    tokens (n, 2) from xi (n, 2), whose first column is used."""
    n = xi.shape[-2]
    return on_circle(
        2 * math.pi * torch.arange(n, dtype=xi.dtype, device=xi.device) / n + spread * xi[..., 0]
    )


@checked
def count_clusters(x: Flat, gap: Positive = 0.15) -> Tensor:
    """The number of gaps wider than `gap` radians between neighbours on the circle, at least 1;
    (...) for tokens (..., n, 2)."""
    order = torch.sort(angles(x), -1).values
    around = torch.cat([order, order[..., :1] + 2 * math.pi], -1)
    wide = (around[..., 1:] - around[..., :-1] > gap).to(x.dtype)
    return torch.clamp(wide.sum(-1), min=1.0)


@checked
def mean_similarity(x: Several) -> Tensor:
    """mean of <x_i, x_j> over the pairs i != j: (...) for unit tokens (..., n, d), n >= 2."""
    n = x.shape[-2]
    return ((similarities(x).sum((-1, -2), dtype=torch.float64) - n) / (n * (n - 1))).to(x.dtype)


@checked
def close_pairs(x: Several, above: Level = 0.999) -> Tensor:
    """The fraction of pairs i != j with <x_i, x_j> > above, 0 <= above < 1:
    (...) for unit tokens (..., n, d), n >= 2."""
    n = x.shape[-2]
    close = (similarities(x) > above).to(x.dtype)
    return (close.sum((-1, -2)) - n) / (n * (n - 1))


@checked
def order_parameter(x: Cloud) -> Tensor:
    """R = |mean of x_i|, in [0, 1]: 1 for one point; (...) for unit tokens (..., n, d)."""
    return torch.sqrt((x.mean(-2) ** 2).sum(-1))


@checked
def mode_amplitude(x: Flat, k: Count) -> Tensor:
    """|mean of e^{i k theta_j}|: how much of a k-fold pattern there is;
    (...) for tokens (..., n, 2)."""
    theta = k * angles(x)
    return torch.sqrt(torch.cos(theta).mean(-1) ** 2 + torch.sin(theta).mean(-1) ** 2)


@checked
def cross_ratio(x: Flat) -> Tensor:
    """|x_1 - x_3| |x_2 - x_4| / (|x_2 - x_3| |x_1 - x_4|) of each four consecutive tokens
    (..., n, 2): (..., n - 3). Kept by beta = 0."""
    if x.shape[-2] < 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected at least four tokens.")
    a, b, c, d = (x[..., i : x.shape[-2] - 3 + i, :] for i in range(4))
    across = (b - c).norm(dim=-1) * (a - d).norm(dim=-1)
    if concrete_value(lambda: (across == 0).any(), across):
        raise ValueError("x has tokens that coincide; expected consecutive tokens apart.")
    return (a - c).norm(dim=-1) * (b - d).norm(dim=-1) / across


@checked
def uniform(xi: Cloud) -> Tensor:
    """Independent uniform tokens on the sphere, xi/|xi| (n, d) from standard normal xi (n, d)."""
    return normalise(xi)
