"""Busemann functions: what <x, v> becomes where the space is curved.
B_v(x) is the limit of distance(x, gamma(t)) - t along a ray gamma.

The level sets are horospheres.
They slice the Poincare ball (Bonet, Chapel, Drumetz and Courty, TAG-ML 2023), curvature -1,
and the space of one-dimensional Gaussians with W2 (Bonet, Cazelles, Drumetz and Courty,
arXiv:2510.04579). Directions v: (L, d), unit rows.
"""

from typing import Annotated

import torch

from companion.hints import Cloud, Tensor, checked
from companion.inputs import a_cloud, a_number, batch, concrete_value
from companion.sampling.quantization.densities import two_numbers
from companion.sampling.wide import wide
from companion.transport import line_w2_squared


def in_ball(x, name):
    """Return x, a cloud in the open unit ball. Raises TypeError, ValueError."""
    if concrete_value(lambda: (x.square().sum(-1) >= 1).any(), a_cloud(x, name)):
        raise ValueError(f"{name} has a point of norm 1 or more; expected points of the open unit "
                         "ball.")
    return x


InBall = Annotated[torch.Tensor, in_ball]


@checked
def busemann_ball(x: InBall, directions: Cloud) -> torch.Tensor:
    """B_v(x) = log( |v - x|^2 / (1 - |x|^2) ) in the Poincare ball: x (..., n, d), |x| < 1,
    and (L, d) -> (..., L, n)."""
    v, z = wide(_unit(directions, x.shape[-1])), wide(x)
    apart = (v[..., :, None, :] - z[..., None, :, :]).square().sum(-1)
    return (torch.log(apart) - torch.log1p(-z.square().sum(-1)[..., None, :])).to(x)


@checked
def busemann_lorentz(x: Cloud, directions: Cloud) -> torch.Tensor:
    """B_v(x) = log( x_0 - <x_{1:}, v> ) on the hyperboloid x_0^2 = 1 + |x_{1:}|^2:
    x (..., n, d + 1) and (L, d) -> (..., L, n)."""
    v = _unit(directions, _hyperboloid(x).shape[-1] - 1)
    return torch.log(x[..., None, :, 0] - v @ x[..., 1:].transpose(-1, -2))


@checked
def lorentz(x: InBall) -> torch.Tensor:
    """(1 + |x|^2, 2 x) / (1 - |x|^2): from the ball (..., n, d) to the hyperboloid (..., n, d + 1),
    an isometry."""
    z = wide(x)
    norm = z.square().sum(-1, keepdim=True)
    return (torch.cat([1 + norm, 2 * z], -1) / (1 - norm)).to(x)


@checked
def hyperbolic_distance(x: InBall, y: InBall) -> torch.Tensor:
    """2 arsinh( |x - y| / sqrt((1 - |x|^2)(1 - |y|^2)) ), row by row:
    x, y (..., n, d) in the ball -> (..., n)."""
    batch((x.shape, "x"), (y.shape, "y"))
    p, q = wide(x), wide(y)
    room = (1 - p.square().sum(-1)) * (1 - q.square().sum(-1))
    return (2 * torch.asinh(((p - q).square().sum(-1) / room).sqrt())).to(x)


@checked
def horospherical(x: InBall, directions: Cloud) -> torch.Tensor:
    """tanh(-B_v(x) / 2) v: where the horosphere of x crosses the geodesic from -v to v;
    (..., n, d) and (L, d) -> (..., L, n, d)."""
    return torch.tanh(-busemann_ball(x, directions) / 2)[..., None] * directions[..., :, None, :]


@checked
def hsw2_squared(x: InBall, y: InBall, directions: Cloud) -> torch.Tensor:
    """HSW2^2 = mean_v W2^2(B_v(x), B_v(y)), horospherical sliced; x (..., n, d),
    y (..., m, d) in the ball, (L, d) -> (...).

    From 0 to one point of the disc, |x| = r, all directions: 2 Li_2(r^2) + log(1 - r^2)^2,
    by the Fourier series of log|v - x|^2.
    """
    return line_w2_squared(busemann_ball(x, directions), busemann_ball(y, directions)).mean(-1)


@checked
def busemann_gaussian(mean: Tensor, std: Tensor, *, start: tuple, speed: tuple) -> torch.Tensor:
    """B(N(m, s^2)) = -[ m' (m - m_0) + s' (s - s_0) ] along the ray N(m_0 + t m', (s_0 + t s')^2)
    of the W2 space of Gaussians on R.

    mean, std tensors of one shape, std >= 0; start (m_0, s_0), speed (m', s'),
    numbers with m'^2 + s'^2 = 1 and s' >= 0: a geodesic for ever only if the standard deviation
    never reaches 0. Raises TypeError, ValueError.
    """
    if std.shape != mean.shape:
        raise ValueError(f"mean and std have shapes {tuple(mean.shape)} and {tuple(std.shape)}; "
                         "expected one shape.")
    if concrete_value(lambda: (std < 0).any(), std):
        raise ValueError("std has a negative entry; expected standard deviations of at least 0.")
    (m0, s0), (dm, ds) = two_numbers(start, "start"), two_numbers(speed, "speed")
    a_number(s0, "s_0", least=0)
    a_number(ds, "s'", least=0)
    if abs(float(dm) ** 2 + float(ds) ** 2 - 1) > 1e-6:
        raise ValueError(f"speed = ({dm}, {ds}); expected a unit vector: divide both by its "
                         "length.")
    return -(dm * (mean - m0) + ds * (std - s0))


def _hyperboloid(x):
    if x.shape[-1] < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., n, d + 1) of at "
                         "least two coordinates: lorentz(x).")
    height = (1 + x[..., 1:].square().sum(-1)).sqrt()
    if concrete_value(lambda: ((x[..., 0] - height).abs() > 1e-3 * height).any(), x):
        raise ValueError("x has points off the hyperboloid; expected x_0 = sqrt(1 + |x_{1:}|^2): "
                         "lorentz(x) brings the ball there.")
    return x


def _unit(v, d):
    a_cloud(v, "directions", d=d)
    if concrete_value(lambda: ((v.square().sum(-1) - 1).abs() > 1e-3).any(), v):
        raise ValueError("directions has rows that are not unit vectors; expected points of the "
                         "sphere: divide them by their norms.")
    return v
