"""Stein variational gradient descent (SVGD): particles driven by the score of the target,
averaged by a kernel, and by the kernel's repulsion.

    x_i' = (1/n) sum_j [ k(x_j, x_i) s(x_j) + grad_{x_j} k(x_j, x_i) ],   s = grad log pi.

Liu and Wang, NeurIPS 2016. In the limit of many particles d/dt KL(rho | pi) = -KSD^2(rho | pi)
(Liu, NeurIPS 2017). The Gaussian kernel here is exp(-|x - y|^2/(2 l^2));
where papers write exp(-|x - y|^2/h), h = 2 l^2.
"""

import math
from collections.abc import Callable
from typing import Annotated

import torch

from companion.hints import Cloud, Function, Number, Positive, checked
from companion.inputs import a_number, a_tensor, concrete_value, like, same_dimension
from companion.kernels import gaussian_sum, squared_distances
from companion.sampling.quantization.constants import TwoOrMore


def a_length(length, name):
    """Return length > 0, a number or one for each cloud, (..., 1, 1). Raises TypeError, ValueError.
    """
    if isinstance(length, torch.Tensor) and length.ndim:
        if a_tensor(length, name).shape[-2:] != (1, 1) or concrete_value(
                lambda: (length <= 0).any(), length):
            raise ValueError(f"{name} has shape {tuple(length.shape)}; expected a positive number "
                             "for each cloud: (..., 1, 1).")
        return length
    return a_number(length, name, above=0)


def a_rule(length, name):
    """Return length > 0 or a function of the cloud. Raises TypeError, ValueError."""
    return length if callable(length) else a_number(length, name, above=0)


Length = Annotated[float | torch.Tensor, a_length]
Rule = Annotated[float | torch.Tensor | Callable, a_rule]

TINY = 1e-12  # the least squared median: particles that all coincide have length 1e-6, not 0


@checked
def svgd(score: Function, *, length: Rule) -> Callable:
    """The SVGD field v(t, x) of the Gaussian kernel on clouds (..., n, d).

    score = grad log pi: (..., d) -> (..., d), for which pi need not be normalised.  length > 0:
    a number, a 0-d tensor, or a function of the cloud, for instance `median_length` or
    `median_log_length`. Raises TypeError, ValueError.
    """
    rule = length if callable(length) else lambda x: length

    @checked
    def v(t: Number, x: Cloud) -> torch.Tensor:
        return stein_direction(x, x, like(score(x), x, "score(x)"),
                               length=a_length(rule(x), "length(x)"))

    return v


@checked
def stein_direction(z: Cloud, x: Cloud, s: Cloud, *, length: Length) -> torch.Tensor:
    """phi(z_i) = (1/n) sum_j k(x_j, z_i) (s_j + (z_i - x_j)/l^2), the field of SVGD at any points
    z, by the cloud x with scores s.

    E_rho |phi|^2 in the kernel's space is KSD^2(rho | pi). z (..., m, d),
    x and s (..., n, d) -> (..., m, d). length > 0: a number, a 0-d tensor, or one for each cloud,
    (..., 1, 1). Raises TypeError, ValueError.
    """
    same_dimension(x, z, ("x", "z"))
    if s.shape != x.shape:
        raise ValueError(f"s has shape {tuple(s.shape)}; expected one score for each particle, "
                         f"{tuple(x.shape)}.")
    weights = torch.cat([s - x / length**2, torch.ones_like(x[..., :1]) / length**2], -1)
    # lengths may differ from cloud to cloud
    sums = gaussian_sum(z / length, x / length, weights, length=1.0)
    return (sums[..., :-1] + z * sums[..., -1:]) / x.shape[-2]


@checked
def svgd_bilinear(score: Function) -> Callable:
    """The SVGD field of k(x, y) = 1 + <x, y>:  x_i' = mean_j s(x_j) + x_i + (1/n) sum_j <x_i,
    x_j> s(x_j).   x: (..., n, d).

    For pi Gaussian and n > d particles in general position its limit has exactly the mean and the
    covariance (over n) of pi: Stein's identity for affine functions (Liu and Wang, NeurIPS 2018).
    Raises TypeError, ValueError.
    """

    @checked
    def v(t: Number, x: Cloud) -> torch.Tensor:
        s = like(score(x), x, "score(x)")
        return s.mean(-2, keepdim=True) + x + x @ (x.mT @ s) / x.shape[-2]

    return v


@checked
def median_squared(x: Cloud) -> torch.Tensor:
    """The median of |x_i - x_j|^2 over the n (n - 1)/2 pairs
    (for an even number, the mean of the two in the middle): (..., n, d) -> (..., 1, 1).

    By sorting, since a median is not exported to a page. At least 1e-12. Raises TypeError,
    ValueError.
    """
    n = x.shape[-2]
    if n < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected at least two particles: one has "
                         "no distances.")
    middle = n + n * (n - 1) // 2  # behind n zeros of the diagonal, every pair stands twice
    ordered = squared_distances(x, x).flatten(-2).sort(-1).values
    return ordered[..., middle - 1 : middle + 1].mean(-1)[..., None, None].clamp(min=TINY)


@checked
def median_length(x: Cloud) -> torch.Tensor:
    """l = med/sqrt(2), the bandwidth h = 2 l^2 = med^2 of SVGD: (..., n, d) -> (..., 1, 1)."""
    return (median_squared(x) / 2).sqrt()


@checked
def median_log_length(x: Cloud) -> torch.Tensor:
    """l = med/sqrt(2 log n), the bandwidth h = 2 l^2 = med^2/log n that Liu and Wang propose:
    (..., n, d), n >= 2 -> (..., 1, 1)."""
    # math.log would fix n in an exported graph
    log_n = torch.ones_like(x[..., :1]).sum((-1, -2)).log()[..., None, None]
    return (median_squared(x) / (2 * log_n)).sqrt()


@checked
def simplex_radius_squared(n: TwoOrMore, *, ratio: Positive = 1.0) -> float:
    """|x_i|^2 = (n - 1)/(c (e^{1/c} - 1)): a regular simplex of n particles at rest under SVGD with
    h = c med^2 and pi = N(0, I), c = ratio.

    It lives in dimension d >= n - 1 and does not know d, where E|X|^2 = d:
    for h = med^2 the variance in each coordinate is (n - 1)/(d (e - 1)), for h = med^2/log
    n it is log(n)/d. Raises TypeError, ValueError.
    """
    return (n - 1) / (ratio * math.expm1(1 / ratio))
