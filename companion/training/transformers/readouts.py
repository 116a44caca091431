"""What is read off a cloud of tokens: clusters, similarity, order. Plain operations, so that a live figure can carry them."""

import math

import torch

from companion.inputs import a_cloud, a_count, a_number, a_tensor
from companion.training.transformers.attention import normalise, similarities


def angles(x):
    """theta_i in (-pi, pi]: (..., n) for tokens on the circle (..., n, 2)."""
    a_cloud(x, d=2)
    return torch.atan2(x[..., 1], x[..., 0])


def on_circle(theta):
    """(cos theta, sin theta): (..., n, 2)."""
    return torch.stack([torch.cos(a_tensor(theta, "theta")), torch.sin(theta)], -1)


def near_lattice(xi, spread=0.01):
    """n equispaced angles, each moved by spread times a normal number: tokens (n, 2) from xi (n, 2), whose first column is used."""
    a_cloud(xi, "xi", d=2)
    n = xi.shape[-2]
    return on_circle(2 * math.pi * torch.arange(n, dtype=xi.dtype, device=xi.device) / n + spread * xi[..., 0])


def count_clusters(x, gap=0.15):
    """The number of gaps wider than `gap` radians between neighbours on the circle, at least 1; (...) for tokens (..., n, 2)."""
    a_number(gap, "gap", above=0.0)
    order = torch.sort(angles(x), -1).values
    around = torch.cat([order, order[..., :1] + 2 * math.pi], -1)
    wide = (around[..., 1:] - around[..., :-1] > gap).to(x.dtype)
    return torch.clamp(wide.sum(-1), min=1.0)


def mean_similarity(x):
    """mean of <x_i, x_j> over the pairs i != j: (...) for unit tokens (..., n, d), n >= 2."""
    n = _several(x)
    return ((similarities(x).sum((-1, -2), dtype=torch.float64) - n) / (n * (n - 1))).to(x.dtype)


def close_pairs(x, above=0.999):
    """The fraction of pairs i != j with <x_i, x_j> > above, 0 <= above < 1: (...) for unit tokens (..., n, d), n >= 2."""
    n = _several(x)
    close = (similarities(x) > a_number(above, "above", most=1.0)).to(x.dtype)
    return (close.sum((-1, -2)) - n) / (n * (n - 1))


def order_parameter(x):
    """R = |mean of x_i|, in [0, 1]: 1 for one point; (...) for unit tokens (..., n, d)."""
    return torch.sqrt((a_cloud(x).mean(-2) ** 2).sum(-1))


def mode_amplitude(x, k):
    """|mean of e^{i k theta_j}|: how much of a k-fold pattern there is; (...) for tokens (..., n, 2)."""
    theta = a_count(k, "k") * angles(x)
    return torch.sqrt(torch.cos(theta).mean(-1) ** 2 + torch.sin(theta).mean(-1) ** 2)


def cross_ratio(x):
    """|x_1 - x_3| |x_2 - x_4| / (|x_2 - x_3| |x_1 - x_4|) of each four consecutive tokens (..., n, 2): (..., n - 3). Kept by beta = 0."""
    if a_cloud(x, d=2).shape[-2] < 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected at least four tokens.")
    a, b, c, d = (x[..., i : x.shape[-2] - 3 + i, :] for i in range(4))
    return (a - c).norm(dim=-1) * (b - d).norm(dim=-1) / ((b - c).norm(dim=-1) * (a - d).norm(dim=-1))


def uniform(xi):
    """Independent uniform tokens on the sphere, xi/|xi| (n, d) from standard normal xi (n, d)."""
    return normalise(xi)


def _several(x):
    if a_cloud(x).shape[-2] < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected at least two tokens.")
    return x.shape[-2]
