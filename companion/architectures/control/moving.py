"""What the other live figures of the chapter step: a turnpike, feedback against a clock,
a discretised control between bounds.

Plain operations on tensors, so that the page runs them. Pontryagin's sign.
"""

import functools
import math
from typing import Annotated

import torch

from companion.hints import (
    Count,
    Number,
    Plane,
    Point,
    Positive,
    Real,
    Row,
    Tensor,
    a_shape,
    checked,
)

RATE = math.sqrt(2)  # of x' = x + u with the cost 1/2 (x - 1)^2 + 1/2 u^2
Carts = Annotated[torch.Tensor, functools.partial(a_shape, shape=(4, 2))]
Squeezed = Annotated[torch.Tensor, functools.partial(a_shape, last=(2,), ndim=2)]  # (N, 2)
REST = (0.5, -0.5)  # its optimal steady state and costate


@checked
def turnpike(t: Real, x0: Number, T: Positive) -> torch.Tensor:
    """(x, p) at the time t of the optimum of 1/2 integral of (x - 1)^2 + u^2, x' = x + u,
    x(0) = x0, x(T) free: (..., 2).

    x = 1/2 + a e^{-wt} + b e^{-w(T-t)}, w = sqrt 2, and p = 0 at the end.
    """
    t = t if isinstance(t, torch.Tensor) else torch.tensor(float(t), dtype=torch.float64)
    gone = torch.exp(-RATE * torch.as_tensor(T, dtype=torch.float64))
    y = x0 - REST[0]
    # a + b gone = y;  -(1 + w) a gone + (w - 1) b = -p_bar
    det = (RATE - 1) + (RATE + 1) * gone.square()
    a = ((RATE - 1) * y + REST[1] * gone) / det
    b = (-REST[1] + (RATE + 1) * gone * y) / det
    down, up = a * torch.exp(-RATE * t), b * torch.exp(-RATE * (T - t))
    return torch.stack([REST[0] + down + up, REST[1] - (RATE + 1) * down + (RATE - 1) * up], -1)


@checked
def extremal_step(z: Plane, h: Number) -> torch.Tensor:
    """The exact flow over h of the extremals (x, p) of that problem: z' = M (z - rest),
    M = [[1, 1], [1, -1]], M^2 = 2. z: (..., 2)."""
    y = z - torch.tensor(REST, dtype=z.dtype, device=z.device)
    grow, fall = (
        torch.exp(RATE * torch.as_tensor(h, dtype=z.dtype)),
        torch.exp(-RATE * torch.as_tensor(h, dtype=z.dtype)),
    )
    turned = torch.stack([y[..., 0] + y[..., 1], y[..., 0] - y[..., 1]], -1)
    return z - y + (grow + fall) / 2 * y + (grow - fall) / (2 * RATE) * turned


@checked
def rounded(x: Tensor, digits: Number) -> torch.Tensor:
    """x to so many decimals."""
    scale = torch.exp(torch.as_tensor(digits, dtype=x.dtype) * math.log(10.0))
    return torch.round(x * scale) / scale


@checked
def bang_bang_feedback(x: Plane) -> torch.Tensor:
    """The control of least time with |u| <= 1 at the states x (..., 2):
    -1 above the switching curve x = -v|v|/2, +1 below: (...)."""
    place, speed = x[..., 0], x[..., 1]
    side = torch.sign(place + speed * speed.abs() / 2)
    return -torch.where(side == 0, torch.sign(speed), side)


@checked
def open_loop_control(t: Real, start: Plane) -> torch.Tensor:
    """The same control as a function of time, planned at the state start (..., 2): a first arc,
    a second, then 0: (...)."""
    first = bang_bang_feedback(start)
    # mirrored, so that the first arc brakes
    place, speed = -first * start[..., 0], -first * start[..., 1]
    root = torch.sqrt(torch.clamp(place + speed.square() / 2, min=0.0))
    turn, end = speed + root, speed + 2 * root
    return torch.where(t < turn, first, torch.where(t < end, -first, 0 * first))


@checked
def wind_step(x: Carts, dt: Positive, wind: Number = 0.0) -> torch.Tensor:
    """One step of two carts in the wind, x (4, 2): feedback, clock, the state where the clock was
    set, (time since, 0). u is held over dt."""
    u = torch.stack([bang_bang_feedback(x[0]), open_loop_control(x[3, 0] + dt / 2, x[2])]) + wind
    carts = torch.stack([x[:2, 0] + dt * x[:2, 1] + dt**2 * u / 2, x[:2, 1] + dt * u], -1)
    return torch.cat([carts, x[2:3], (x[3] + torch.tensor([dt, 0.0], dtype=x.dtype))[None]])


@checked
def initial_carts(p: Point) -> torch.Tensor:
    """Both carts at p (2,), the clock set there: (4, 2)."""
    return torch.stack([p, p, p, 0 * p])


@checked
def dykstra_step(x: Squeezed, gamma: Positive) -> torch.Tensor:
    """One step of Dykstra's alternating projections towards the least-energy control of the double
    integrator with |u| <= gamma.

    x (N, 2): controls on N intervals, and the memory of the clipping.
    First onto the controls that land, then between the bounds; from zero it converges to the point
    of both sets that is nearest to zero. Source: Boyle and Dykstra (1986).
    """
    u, memory = x.unbind(-1)
    tilt = tilted(u)
    lands = u - u.mean() - tilt * ((tilt * u).mean() - 2) / tilt.square().mean()
    wanted = lands + memory
    clipped = torch.maximum(torch.minimum(wanted, gamma + 0 * u), -gamma + 0 * u)
    return torch.stack([clipped, wanted - clipped], -1)


@checked
def tilted(u: Row) -> torch.Tensor:
    """1 - 2 m at the middles m of the intervals: (N,)."""
    one = torch.ones_like(u)
    return 1 - (2 * torch.cumsum(one, -1) - 1) / one.sum(-1, keepdim=True)


@checked
def landing(u: Row) -> torch.Tensor:
    """|x(1)| under the controls u (N,), constant on N intervals, from (-1, 0): 0-d. Exact:
    x_1 = -1 + mean of (1 - m) u, x_2 = mean of u."""
    place, speed = -1 + ((1 + tilted(u)) / 2 * u).mean(), u.mean()
    return (place.square() + speed.square()).sqrt()


@checked
def clipped_line(gamma: Positive, points: Count = 61) -> torch.Tensor:
    """Points (points, 2) of the graph of the optimal control of that problem in continuous time:
    (1/2 - t) gamma / w, clipped at gamma.

    w = sqrt(3 (1/4 - 1/gamma)), at most 1/2 (no bound is felt); for gamma <= 4,
    where nobody arrives, full ahead and full back.
    """
    t, gamma = (
        torch.linspace(0, 1, points, dtype=torch.float64),
        torch.as_tensor(gamma, dtype=torch.float64),
    )
    w = torch.clamp(torch.sqrt(torch.clamp(3 * (0.25 - 1 / gamma), min=1e-12)), max=0.5)
    height = torch.where(w < 0.5, gamma, 6.0 + 0 * gamma)
    return torch.stack([t, torch.maximum(torch.minimum((0.5 - t) * height / w, height), -height)],
                       -1)
