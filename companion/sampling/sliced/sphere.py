"""Slicing the sphere S^{d-1}: a slice is a great circle, a point goes to the nearest point of it,
and the circle has circumference 1.

SSW2^2(mu, nu) is the mean of W2^2 over uniform great circles. Bonet, Berg, Courty, Septier,
Drumetz and Pham, ICLR 2023.
Great circles are an argument: circles (L, 2, d), two orthonormal vectors each.
"""

import math
from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch

from companion.energies import grad
from companion.hints import Cloud, Count, Function, Number, Tensor, checked
from companion.inputs import a_cloud, a_number, concrete_value, one_each
from companion.sampling.sliced.circle import circle_w2_squared, circle_w2_squared_uniform


def on_sphere(x, name):
    """Return x, a cloud of unit vectors of at least two coordinates. Raises TypeError, ValueError.
    """
    if a_cloud(x, name).shape[-1] < 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected points of at least two "
                         "coordinates.")
    if concrete_value(lambda: ((x.square().sum(-1) - 1).abs() > 1e-3).any(), x):
        raise ValueError(f"{name} has points off the unit sphere; expected unit vectors: "
                         f"to_sphere({name}).")
    return x


def an_angle(angle, name):
    """Return angle, a number in (0, pi]. Raises TypeError, ValueError."""
    return a_number(angle, name, above=0, most=math.pi)


OnSphere = Annotated[torch.Tensor, on_sphere]
Angle = Annotated[float, an_angle]


@checked
def great_circles(xi: Cloud) -> torch.Tensor:
    """e1 = a/|a|,  e2 = (b - <b, e1> e1) / |.|: uniform great circles (..., L, 2, d) from normal
    numbers (a, b) = xi (..., L, 2, d)."""
    if xi.shape[-2] != 2 or xi.shape[-1] < 2 or xi.ndim < 3:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected pairs of vectors of at least "
                         "two coordinates: (..., L, 2, d).")
    a, b = xi[..., 0, :], xi[..., 1, :]
    e1 = to_sphere(a)
    return torch.stack([e1, to_sphere(tangent(e1, b))], -2)


@checked
def turns(x: Cloud, circles: Tensor) -> torch.Tensor:
    """atan2(<e2, x>, <e1, x>) / 2 pi, in turns: (..., n, d) and (..., L, 2, d) -> (..., L, n).
    Orthogonal to both: 0, without gradient."""
    d = x.shape[-1]
    if circles.ndim < 3 or circles.shape[-2:] != (2, d):
        raise ValueError(f"circles has shape {tuple(circles.shape)}; expected two orthonormal "
                         f"vectors of R^{d} a circle: (L, 2, {d}).")
    first, second = (circles @ x.unsqueeze(-3).transpose(-1, -2)).unbind(-2)
    return torch.atan2(second, first) / (2 * math.pi)


@checked
def ssw2_squared(x: OnSphere, y: OnSphere, circles: Tensor) -> torch.Tensor:
    """SSW2^2(x, y) = mean over the circles of W2^2 on the circle; x, y (..., n, d) on the sphere,
    of one size -> (...)."""
    return circle_w2_squared(turns(x, circles), turns(y, circles)).mean(-1)


@checked
def ssw2_squared_uniform(x: OnSphere, circles: Tensor) -> torch.Tensor:
    """SSW2^2(x, uniform law on the sphere) -> (...): the uniform law is uniform on every great
    circle; x (..., n, d) on the sphere."""
    return circle_w2_squared_uniform(turns(x, circles)).mean(-1)


@checked
def sphere_descent(E: Function) -> Callable:
    """The field v(t, x)_i = -n P_{x_i} grad_i E(x), the descent of E in W2 on the sphere;
    E: (..., n, d) -> (...). Raises TypeError."""

    @checked
    def v(t: Number, x: Cloud) -> torch.Tensor:
        return -x.shape[-2] * tangent(
            x, grad(lambda z: one_each(E(z), z.shape[:-2], "E(x)", "one number for each cloud"), x)
        )

    return v


@checked
def sphere_velocity(t: Number, x: OnSphere, y: OnSphere, circles: Tensor) -> torch.Tensor:
    """-n P_x grad (1/2) SSW2^2(., y). On the circle, d = 2, it takes a time of (2 pi)^2 to arrive:
    lengths are turns in SSW."""
    return sphere_descent(lambda z: ssw2_squared(z, y, circles) / 2)(t, x)


@checked
def sphere_velocity_uniform(t: Number, x: OnSphere, circles: Tensor) -> torch.Tensor:
    """-n P_x grad (1/2) SSW2^2(., uniform law): points spread over the sphere.
    Time as in `sphere_velocity`."""
    return sphere_descent(lambda z: ssw2_squared_uniform(z, circles) / 2)(t, x)


@checked
def two_diracs(angle: Angle, points: Count = 200) -> float:
    """SSW2^2(delta_x, delta_y) for x, y on S^2 at the angle 0 < a <= pi, by quadrature, a float.

    The mean of (gamma / 2 pi)^2, gamma the angle under which x and y are seen from a uniform point
    w; by symmetry w is nearer to x than to -x, y, -y. In polar coordinates w = (beta, psi) about
    x the integrand is smooth. Mean of gamma: exactly a (Crofton). Raises TypeError, ValueError.
    """
    a = float(angle)
    nodes, weights = np.polynomial.legendre.leggauss(points)
    total = 0.0
    # towards y, and away: distance of x from the end of its quarter
    for side, width in ((-1, a / 2), (1, (math.pi - a) / 2)):
        psi = math.pi / 4 * (2 - side * (1 - nodes))[:, None]
        far = np.arctan2(math.tan(width), np.abs(np.cos(psi)))
        beta = far * (1 + nodes) / 2
        gamma = np.arctan2(math.sin(a) * np.sin(psi),
                           math.cos(a) * np.sin(beta) + math.sin(a) * np.cos(beta) * np.cos(psi))
        total += (math.pi / 4 * weights[:, None] * far / 2 * weights * (gamma / (2 * math.pi)) ** 2
                  * np.sin(beta)).sum()
    return float(2 / math.pi * total)


@checked
def to_sphere(x: Cloud) -> torch.Tensor:
    """x_i / |x_i|, the nearest points of the sphere: (..., n, d). Raises TypeError; ValueError,
    also for a point at the centre."""
    if concrete_value(lambda: (x == 0).all(-1).any(), x):
        raise ValueError("x has a point at the origin; expected points that have a nearest one on "
                         "the sphere: move it.")
    return x / x.square().sum(-1, keepdim=True).sqrt()


def tangent(x, y):
    """P_x y = y - <x, y> x, the part of y tangent to the sphere at x."""
    return y - (x * y).sum(-1, keepdim=True) * x

