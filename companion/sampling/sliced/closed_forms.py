"""Sliced distances that are known: translates, Gaussians, a measure on a line against a radial law.

c_d = E|theta_1| and E theta_1^2 = 1/d for theta uniform on the sphere of R^d;
the rest follows from these and from the distance (m - m')^2 + (s - s')^2 of Gaussians on the line.
"""

import math
from typing import Annotated, NamedTuple

import torch
from scipy.integrate import quad
from scipy.special import ellipe, ndtri

from companion.gaussians.checks import two_gaussians
from companion.hints import Cloud, Count, Device, Dtype, NonNegative, Positive, checked
from companion.inputs import a_cloud, a_count, a_tensor, alike


def a_vector(m, name):
    """Return m, a vector (..., d). Raises TypeError, ValueError."""
    if a_tensor(m, name).ndim == 0 or m.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(m.shape)}; expected a vector (..., d).")
    return m


Vector = Annotated[torch.Tensor, a_vector]


class Translates(NamedTuple):
    """The sliced distances between a law and its translate."""

    sw2_squared: torch.Tensor
    sw1: torch.Tensor
    max_sw2_squared: torch.Tensor


@checked
def mean_abs(d: Count) -> float:
    """c_d = E|theta_1| = Gamma(d/2) / (sqrt(pi) Gamma((d+1)/2)), a float: 1, 2/pi, 1/2, ...;
    about sqrt(2/(pi d))."""
    return math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2)) / math.sqrt(math.pi)


@checked
def translates(m: Vector) -> Translates:
    """SW2^2 = |m|^2/d, SW1 = c_d |m|, max SW2^2 = |m|^2 between any law and its translate
    by m.   m: (..., d) -> (...) each."""
    square = m.square().sum(-1)
    return Translates(square / m.shape[-1], mean_abs(m.shape[-1]) * square.sqrt(), square)


@checked
def slice_variance(m: Vector) -> torch.Tensor:
    """Var_theta (theta . m)^2 = 2 (d-1) |m|^4 / (d^2 (d+2)): the variance of one slice
    of a translate by m.   (..., d) -> (...)."""
    d = m.shape[-1]
    return 2 * (d - 1) / (d**2 * (d + 2)) * m.square().sum(-1) ** 2


@checked
def relative_std(d: Count, L: Count) -> float:
    """sqrt(2 (d-1) / ((d+2) L)): std over mean of SW2^2 between translates,
    L independent directions. A float, at most sqrt(2/L)."""
    return math.sqrt(2 * (d - 1) / ((d + 2) * L))


@checked
def gaussian_slices(p: tuple, q: tuple, directions: Cloud) -> torch.Tensor:
    """(theta . (m - r))^2 + (sqrt(theta . A theta) - sqrt(theta . B theta))^2,
    the slices of p = N(m, A) and q = N(r, B): (..., L).

    Their mean over all directions is SW2^2.   directions: (..., L, d). Raises TypeError,
    ValueError.
    """
    two_gaussians(p, q)
    a_cloud(directions, "directions", d=len(p[0]))
    alike({"p[0]": p[0], "directions": directions})
    return unchecked_gaussian_slices(p, q, directions)


def unchecked_gaussian_slices(p, q, directions):
    """`gaussian_slices` without a look at values: for functions that are exported."""
    (m, A), (r, B) = p, q
    spread, other = (((directions @ C) * directions).sum(-1).clamp(min=0).sqrt() for C in (A, B))
    return (directions @ (m - r)) ** 2 + (spread - other) ** 2


@checked
def plane_gaussians(a: Positive, b: NonNegative, c: NonNegative) -> float:
    """SW2^2 of N(0, diag(a, b)) and N(0, c I) in the plane:
    (a+b)/2 + c - (4/pi) sqrt(a c) E(1 - b/a), a > 0. A float.

    E(m) is the complete elliptic integral of the second kind, of parameter m:
    the mean of sqrt(theta . A theta) is 2 sqrt(a) E / pi.
    """
    a, b, c = float(a), float(b), float(c)
    return (a + b) / 2 + c - 4 / math.pi * math.sqrt(a * c) * float(ellipe(1 - b / a))


@checked
def spiked_gaussians(a: Positive, c: NonNegative, d: Count) -> float:
    """SW2^2 of N(0, diag(a, 1, ..., 1)) and N(0, c I) in R^d, a float:
    E(sqrt(1 + (a-1) p) - sqrt c)^2, p = theta_1^2 ~ Beta(1/2, (d-1)/2)."""
    a, c = float(a), float(c)
    if d == 1:
        return (math.sqrt(a) - math.sqrt(c)) ** 2
    # in the angle of theta to the axis the law of p has the smooth density sin^(d-2)
    def mean(f):
        return quad(lambda u: f(math.cos(u) ** 2) * math.sin(u) ** (d - 2), 0, math.pi / 2,
                    epsabs=1e-14)[0]

    return mean(lambda p: (math.sqrt(1 + (a - 1) * p) - math.sqrt(c)) ** 2) / mean(lambda p: 1.0)


@checked
def max_commuting(a: Vector, b: Vector) -> torch.Tensor:
    """max_i (sqrt a_i - sqrt b_i)^2, the max-sliced square of N(0, diag(a)) and
    N(0, diag(b)).   (..., d) -> (...).

    A slice is (sqrt(p.a) - sqrt(p.b))^2, p_i = theta_i^2:
    convex in p (jointly homogeneous of degree one), so largest at a vertex.
    """
    for variances, name in ((a, "a"), (b, "b")):
        if (variances < 0).any():
            raise ValueError(f"{name} has a negative entry; expected variances.")
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"a and b have {a.shape[-1]} and {b.shape[-1]} entries; expected as many.")
    return (a.sqrt() - b.sqrt()).square().amax(-1)


@checked
def line_stretch(d: Count) -> float:
    """d c_d: the measure on a line that is critical for SW2^2 to a radial law has its 1-D marginal,
    stretched by this. A float; 4/pi in the plane."""
    return d * mean_abs(d)


@checked
def line_level(d: Count) -> float:
    """1 - d c_d^2: the value of SW2^2 there, in units of the variance of the 1-D marginal. A float;
    1 - 8/pi^2 in the plane."""
    return 1 - line_stretch(d) * mean_abs(d)


@checked
def normal_cells(n: Count, *, dtype: Dtype = torch.float64, device: Device = None) -> torch.Tensor:
    """The means of the quantile function of N(0, 1) over ((i-1)/n, i/n):
    n (phi(z_{i-1}) - phi(z_i)), z_i = Phi^-1(i/n). (n,), in order."""
    levels = torch.arange(n + 1, dtype=torch.float64) / n
    phi = torch.exp(-(torch.from_numpy(ndtri(levels.numpy())) ** 2) / 2) / math.sqrt(2 * math.pi)
    return (-n * torch.diff(phi)).to(device, dtype)


@checked
def line_critical(cells: Vector, directions: Cloud, *, axis: int = 0,
                  second_moment: NonNegative = 1.0) -> tuple:
    """(slope, value): particles at slope * cells_i on a coordinate axis are critical for SW2^2 to a
    radial law, at finitely many directions.

    slope = C1/C2, value = second_moment - (C1^2/C2) mean_i cells_i^2, with C1, C2 the means over
    l of |theta_l|, theta_l^2 along the axis.
    cells: (n,) as for `quantile_sw2_squared`, of a law whose 1-D marginals have that second moment.
    Two 0-d tensors. A derivation: the projections are slope |theta_l| cells_i,
    and sum_l |theta_l| (slope |theta_l| - 1) = 0.
    """
    if not 0 <= a_count(axis, "axis", least=0) < directions.shape[-1]:
        raise ValueError(f"axis = {axis}; expected one of the {directions.shape[-1]} coordinates, "
                         f"0 to {directions.shape[-1] - 1}.")
    along = directions[..., axis]
    first, second = along.abs().mean(-1), along.square().mean(-1)
    return first / second, second_moment - first**2 / second * cells.square().mean(-1)
