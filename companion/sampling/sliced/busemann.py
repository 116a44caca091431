"""Busemann functions: what <x, v> becomes where the space is curved. B_v(x) is the limit of distance(x, gamma(t)) - t along a ray gamma.

The level sets are horospheres. They slice the Poincare ball (Bonet, Chapel, Drumetz and Courty, TAG-ML 2023), curvature -1, and the
space of one-dimensional Gaussians with W2 (Bonet, Cazelles, Drumetz and Courty, arXiv:2510.04579). Directions v: (L, d), unit rows.
"""

import torch

from companion.inputs import a_cloud, a_number, a_tensor, look
from companion.transport import line_w2_squared


def busemann_ball(x, directions):
    """B_v(x) = log( |v - x|^2 / (1 - |x|^2) ) in the Poincare ball: x (..., n, d), |x| < 1, and (L, d) -> (..., L, n)."""
    norm = in_ball(x).square().sum(-1)[..., None, :]
    v = _unit(directions, x.shape[-1])
    apart = (v[..., :, None, :] - x[..., None, :, :]).square().sum(-1)
    return torch.log(apart) - torch.log1p(-norm)


def busemann_lorentz(x, directions):
    """B_v(x) = log( x_0 - <x_{1:}, v> ) on the hyperboloid x_0^2 = 1 + |x_{1:}|^2: x (..., n, d + 1) and (L, d) -> (..., L, n)."""
    v = _unit(directions, _hyperboloid(x).shape[-1] - 1)
    return torch.log(x[..., None, :, 0] - v @ x[..., 1:].transpose(-1, -2))


def lorentz(x):
    """(1 + |x|^2, 2 x) / (1 - |x|^2): from the ball (..., n, d) to the hyperboloid (..., n, d + 1), an isometry."""
    norm = in_ball(x).square().sum(-1, keepdim=True)
    return torch.cat([1 + norm, 2 * x], -1) / (1 - norm)


def hyperbolic_distance(x, y):
    """2 arsinh( |x - y| / sqrt((1 - |x|^2)(1 - |y|^2)) ), row by row: x, y (..., n, d) in the ball -> (..., n)."""
    room = (1 - in_ball(x).square().sum(-1)) * (1 - in_ball(y, "y").square().sum(-1))
    return 2 * torch.asinh(((x - y).square().sum(-1) / room).sqrt())


def horospherical(x, directions):
    """tanh(-B_v(x) / 2) v: where the horosphere of x crosses the geodesic from -v to v; (..., n, d) and (L, d) -> (..., L, n, d)."""
    return torch.tanh(-busemann_ball(x, directions) / 2)[..., None] * directions[..., :, None, :]


def hsw2_squared(x, y, directions):
    """HSW2^2 = mean_v W2^2(B_v(x), B_v(y)), horospherical sliced; x (..., n, d), y (..., m, d) in the ball, (L, d) -> (...).

    From 0 to one point of the disc, |x| = r, all directions: 2 Li_2(r^2) + log(1 - r^2)^2, by the Fourier series of log|v - x|^2.
    """
    return line_w2_squared(busemann_ball(x, directions), busemann_ball(y, directions)).mean(-1)


def busemann_gaussian(mean, std, *, start, speed):
    """B(N(m, s^2)) = -[ m' (m - m_0) + s' (s - s_0) ] along the ray N(m_0 + t m', (s_0 + t s')^2) of the W2 space of Gaussians on R.

    mean, std tensors of one shape, std >= 0; start (m_0, s_0), speed (m', s'), numbers with m'^2 + s'^2 = 1 and s' >= 0: a geodesic for ever
    only if the standard deviation never reaches 0. Raises TypeError, ValueError.
    """
    a_tensor(mean, "mean")
    if look(lambda: (std < 0).any(), a_tensor(std, "std")):
        raise ValueError("std has a negative entry; expected standard deviations of at least 0.")
    (m0, s0), (dm, ds) = start, speed
    a_number(m0, "m_0")
    a_number(s0, "s_0", least=0)
    a_number(ds, "s'", least=0)
    if abs(float(a_number(dm, "m'")) ** 2 + float(ds) ** 2 - 1) > 1e-6:
        raise ValueError(f"speed = ({dm}, {ds}); expected a unit vector: divide both by its length.")
    return -(dm * (mean - m0) + ds * (std - s0))


def in_ball(x, name="x"):
    """x, a cloud in the open unit ball. Raises TypeError, ValueError."""
    if look(lambda: (x.square().sum(-1) >= 1).any(), a_cloud(x, name)):
        raise ValueError(f"{name} has a point of norm 1 or more; expected points of the open unit ball.")
    return x


def _hyperboloid(x):
    if a_cloud(x).shape[-1] < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., n, d + 1) of at least two coordinates: lorentz(x).")
    height = (1 + x[..., 1:].square().sum(-1)).sqrt()
    if look(lambda: ((x[..., 0] - height).abs() > 1e-3 * height).any(), x):
        raise ValueError("x has points off the hyperboloid; expected x_0 = sqrt(1 + |x_{1:}|^2): lorentz(x) brings the ball there.")
    return x


def _unit(v, d):
    if look(lambda: ((v.square().sum(-1) - 1).abs() > 1e-3).any(), a_cloud(v, "directions", d=d)):
        raise ValueError("directions has rows that are not unit vectors; expected points of the sphere: divide them by their norms.")
    return v
