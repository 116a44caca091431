"""What the exact score of n data points does: it sends every sample to a datum.
When it decides which class, and which datum.

The empirical law (1/n) sum_j delta_{y_j}, noised, is a mixture of Gaussians round a y_j of variance
1 - a^2, a = exp(-s); a bandwidth eps blurs the data first. Biroli, Bonnaire, de Bortoli and Mezard,
Dynamical regimes of diffusion models, Nature Communications 15 (2024).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch

from companion.hints import Cloud, NonNegative, Positive, Tensor, checked
from companion.inputs import a_number, concrete_value, like, same_dimension
from companion.kernels.distances import squares

AtLeastOne = Annotated[float | torch.Tensor, partial(a_number, least=1)]
AboveOne = Annotated[float | torch.Tensor, partial(a_number, above=1)]
NODES = 200  # of the rule for E f(z), z normal: equal steps on [-8, 8]


@checked
def weights(s: NonNegative, x: Cloud, data: Cloud, *, eps: NonNegative = 0.0,
            present: AtLeastOne | None = None) -> torch.Tensor:
    """P(X_0 = y_j | X_s = x) = softmax_j(-|x - a y_j|^2 / (2 v)), v = 1 - a^2 + a^2 eps^2.   x:
    (..., m, d), data: (..., n, d) -> (..., m, n).

    s > 0, unless eps > 0. present: how many of the data count, the first ones,
    a number or a 0-d tensor. Raises TypeError, ValueError.
    """
    same_dimension(x, data, ("x", "data"))
    a, v = _levels(s, x, eps)
    logits = -squares(x, a * data) / (2 * v)
    if present is not None:
        absent = torch.arange(data.shape[-2], device=x.device) >= present
        logits = torch.where(absent, -1e9, logits)
    return torch.softmax(logits, -1)


@checked
def empirical_score(data: Cloud, *, eps: NonNegative = 0.0,
                    present: AtLeastOne | None = None) -> Callable:
    """The function (s, x) -> (a sum_j w_j y_j - x) / v: the score of the noised data,
    w_j and v as in `weights`.   data: (n, d)."""

    @checked
    def score(s: NonNegative, x: Cloud) -> torch.Tensor:
        same_dimension(x, data, ("x", "data"))
        a, v = _levels(s, x, eps)
        return (a * (weights(s, x, data, eps=eps, present=present) @ data) - x) / v

    return score


@checked
def own_weight(s: Positive, data: Cloud, xi: Cloud) -> torch.Tensor:
    """The weight of y_i at its own noised copy a y_i + sqrt(1 - a^2) xi_i,
    one for each datum.   data, xi: (n, d) -> (n,)."""
    like(xi, data, "xi")
    a, v = _levels(s, data, 0.0)
    return torch.diagonal(weights(s, a * data + v.sqrt() * xi, data), dim1=-2, dim2=-1)


@checked
def collapse_time(n: AboveOne, d: Positive, *, std: Positive = 1.0) -> torch.Tensor:
    """t_C = log(1 + std^2 / (n^(2/d) - 1)) / 2, for n data N(0, std^2 I) in R^d, d large:
    below it a sample belongs to one datum.

    n, d: numbers or 0-d tensors, n > 1. Raises TypeError, ValueError.
    """
    power = 2 / d * torch.log(_tensor(n))
    return torch.log1p(std**2 / torch.expm1(power)) / 2


@checked
def speciation_time(m: Positive) -> torch.Tensor:
    """t_S = log|m|, for data (N(-m, I) + N(m, I)) / 2: a sampler decides the class near it.
    The data's top variance is 1 + |m|^2. m: |m|."""
    return torch.log(_tensor(m))


@checked
def agreement(s: Tensor, m: NonNegative) -> torch.Tensor:
    """(1 + E tanh^2(r^2 + r z)) / 2, r = |m| exp(-s), z normal: the probability that two clones
    of a sample at noising time s end in one class.

    Data (N(-m, I) + N(m, I)) / 2. At s = t_S it is 0.775, whatever m.   s: a tensor (...) -> (...);
    m: |m|. Raises TypeError, ValueError.
    """
    r = m * torch.exp(-s)[..., None]
    z = 16 * (torch.arange(NODES + 1, dtype=s.dtype, device=s.device) / NODES) - 8
    bell = torch.exp(-z.square() / 2) * (16 / NODES / math.sqrt(2 * math.pi))
    return (1 + (torch.tanh(r * r + r * z).square() * bell).sum(-1)) / 2


def _levels(s, x, eps):
    """a = exp(-s) and v = 1 - a^2 + a^2 eps^2, 0-d tensors like x."""
    s = torch.as_tensor(s, dtype=x.dtype, device=x.device)
    v = -torch.expm1(-2 * s) + torch.exp(-2 * s) * eps**2
    if concrete_value(lambda: v <= 0, v):
        raise ValueError("s = 0 and eps = 0; expected s > 0 or eps > 0: without noise and without "
                         "blur a point has no weights.")
    return torch.exp(-s), v


def _tensor(value):
    return (
        value
        if isinstance(value, torch.Tensor)
        else torch.tensor(float(value), dtype=torch.float64)
    )
