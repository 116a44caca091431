"""SW2^2(mu, nu) = E_theta W2^2(theta#mu, theta#nu): the mean over directions of distances on lines,
that is of sorted projections.

Clouds x (..., n, d) and y (..., m, d), equal weights 1/n and 1/m, directions (L, d) or (..., L, d),
unit rows. One call costs L (n d + n log n). Squares are not halved. Rabin, Peyre, Delon and Bernot,
SSVM 2011; Deshpande et al., CVPR 2019 (the maximum).
"""

from typing import NamedTuple

import torch

from companion.energies import grad
from companion.hints import Cloud, Index, NonNegative, Tensor, checked
from companion.inputs import concrete_value, same_dimension
from companion.sampling.sliced.directions import iid
from companion.sampling.wide import wide


@checked
def project(x: Cloud, directions: Cloud) -> torch.Tensor:
    """theta_l . x_i.   x: (..., n, d), directions: (..., L, d), unit rows -> (..., L, n).
    Raises TypeError, ValueError."""
    same_dimension(x, directions, ("x", "directions"))
    off = concrete_value(lambda: (directions.square().sum(-1) - 1).abs().max(), directions)
    if off is not None and off > 1e-3:
        raise ValueError(f"directions have rows whose squared length is off 1 by {off:.3g}; "
                         "expected unit rows: iid(directions) makes them so.")
    return directions @ x.mT


@checked
def slices(x: Cloud, y: Cloud, directions: Cloud) -> torch.Tensor:
    """W2^2(theta#x, theta#y), a number for each direction: (..., L)."""
    gaps, widths = _gaps(x, y, directions)
    return (gaps.square() * widths).sum(-1)


@checked
def sw2_squared(x: Cloud, y: Cloud, directions: Cloud) -> torch.Tensor:
    """SW2^2 by the mean over the given directions: (...). `energies.grad` differentiates it;
    the velocity is in `flows`."""
    return slices(x, y, directions).mean(-1)


@checked
def sw1(x: Cloud, y: Cloud, directions: Cloud) -> torch.Tensor:
    """SW1 = E_theta W1(theta#x, theta#y), the integral of |Q_x - Q_y|, by the mean over the given
    directions: (...)."""
    gaps, widths = _gaps(x, y, directions)
    return (gaps.abs() * widths).sum(-1).mean(-1)


def _gaps(x, y, directions):
    """The differences Q_x(u) - Q_y(u) of quantiles on the intervals of u where both are constant
    (..., L, k), and their widths (k,) or 1/n."""
    same_dimension(x, y)
    n, m = x.shape[-2], y.shape[-2]
    centre = middle(x, y)
    u, v = (project(z - centre, directions).sort(-1).values for z in (x, y))
    if n == m:
        return u - v, 1 / n
    # in units of 1/(n m): exact
    ends = torch.cat([m * torch.arange(1, n + 1), n * torch.arange(1, m + 1)]).unique().to(x.device)
    widths = torch.diff(ends, prepend=ends.new_zeros(1)).to(x.dtype) / (n * m)
    return u[..., (ends - 1) // m] - v[..., (ends - 1) // n], widths


def middle(x, y):
    """One place (..., 1, d) near both clouds: distances do not feel it, and projections seen from
    it keep their digits."""
    return (wide(x).mean(-2, keepdim=True) / 2 + wide(y).mean(-2, keepdim=True) / 2).detach().to(x)


@checked
def quantile_sw2_squared(x: Cloud, cells: Tensor, directions: Cloud, *,
                         within: NonNegative = 0.0) -> torch.Tensor:
    """SW2^2 to a law given by the quantile function of each of its projections: (...).

    cells: (n,) or (L, n), the n means of that function over ((i-1)/n, i/n), in order;  within:
    its mean variance inside those cells (0: the law of n atoms). Raises TypeError, ValueError.
    """
    u = project(x, directions).sort(-1).values
    return (u - matching_cells(cells, u)).square().mean((-1, -2)) + within


def matching_cells(cells, u):
    """cells, checked against the projections u (..., L, n)."""
    if (
        cells.ndim not in (1, 2)
        or cells.shape[-1] != u.shape[-1]
        or (cells.ndim == 2 and cells.shape[0] != u.shape[-2])
    ):
        raise ValueError(f"cells has shape {tuple(cells.shape)}; expected one number a particle, "
                         f"({u.shape[-1]},), or a row of them a direction.")
    if concrete_value(lambda: (torch.diff(cells, dim=-1) < 0).any(), cells):
        raise ValueError("cells decrease somewhere; expected the means of a quantile function, in "
                         "order.")
    return cells


class MaxSliced(NamedTuple):
    """The largest slice that was found."""

    value: torch.Tensor  # (...), W2^2: a square
    direction: torch.Tensor  # (..., d), a unit vector


@checked
def max_sliced(x: Cloud, y: Cloud, directions: Cloud, *, steps: Index = 0) -> MaxSliced:
    """max_theta W2^2(theta#x, theta#y), from below: the largest given slice,
    or what gradient ascent on the sphere finds from each of them.

    Each of the steps turns theta by an angle along the gradient, keeps the new theta if its slice
    is larger, and else halves the angle.
    """
    value = slices(x, y, directions).detach()
    theta = directions.expand(*value.shape, directions.shape[-1])
    angle = torch.full_like(value, 0.5)
    for _ in range(steps):
        g = grad(lambda z: slices(x, y, z), theta)
        g = iid(g - (g * theta).sum(-1, keepdim=True) * theta)
        trial = iid(angle.cos()[..., None] * theta + angle.sin()[..., None] * g)
        found = slices(x, y, trial).detach()
        better = found > value
        theta, value = (
            torch.where(better[..., None], trial, theta),
            torch.where(better, found, value),
        )
        angle = torch.where(better, angle, angle / 2)
    best = value.argmax(-1, keepdim=True)
    return MaxSliced(
        value.gather(-1, best)[..., 0],
        theta.gather(-2, best[..., None].expand(*best.shape, theta.shape[-1]))[..., 0, :],
    )
