"""The double integrator x'' = u from rest at -d to rest at 0: every cost has its own shape
of control, in closed form.

Source: Bryson and Ho, Applied Optimal Control (1975), chapter 3. Pontryagin's sign.
"""

import math
from typing import NamedTuple

import torch

from companion.hints import Column, Plane, Positive, Real, checked
from companion.inputs import batch


class Transfer(NamedTuple):
    """A solved transfer: p0 (2,), the cost, and the times at which the law of the control changes.
    """

    p0: torch.Tensor
    cost: float
    switches: tuple


@checked
def field(t: Real, x: Plane, u: Column) -> torch.Tensor:
    """(position, speed)' = (speed, u): (..., 2), u (..., 1). Raises TypeError, ValueError."""
    batch((u.shape[:-1], "the batch of u"), (x.shape[:-1], "the batch of x"))
    return torch.stack(torch.broadcast_tensors(x[..., 1], u[..., 0]), -1)


@checked
def energy(d: Positive = 1.0, T: Positive = 1.0) -> Transfer:
    """Least 1/2 integral of u^2: u = (6 d / T^2) (1 - 2 t / T), cost 6 d^2 / T^3. Raises TypeError,
    ValueError."""
    d, T = float(d), float(T)
    return Transfer(torch.tensor([12 * d / T**3, 6 * d / T**2], dtype=torch.float64),
                    6 * d**2 / T**3, ())


@checked
def bounded_energy(gamma: Positive, d: Positive = 1.0, T: Positive = 1.0) -> Transfer:
    """The same with |u| <= gamma, 4 d / T^2 < gamma: saturated until T/2 - w and after T/2 + w,
    a line between, w = sqrt(3 (T^2/4 - d / gamma)).

    Without effect, as `energy`, for gamma >= 6 d / T^2. Raises TypeError, ValueError.
    """
    gamma, d, T = _reach(gamma, d, T)
    w = math.sqrt(3 * (T**2 / 4 - d / gamma))
    if w >= T / 2:
        return energy(d, T)
    p0 = torch.tensor([gamma / w, gamma * T / (2 * w)], dtype=torch.float64)
    return Transfer(p0, gamma**2 * (T / 2 - 2 * w / 3), (T / 2 - w, T / 2 + w))


@checked
def fuel(gamma: Positive, d: Positive = 1.0, T: Positive = 1.0) -> Transfer:
    """Least integral of |u| with |u| <= gamma: full ahead until s, off, full back from T - s,
    s = T/2 (1 - sqrt(1 - 4 d / (gamma T^2))).

    The cost is 2 gamma s. Raises TypeError, ValueError.
    """
    gamma, d, T = _reach(gamma, d, T)
    s = T / 2 * (1 - math.sqrt(1 - 4 * d / (gamma * T**2)))
    slope = 2 / (T - 2 * s)  # p_2 falls from 1 to -1 between the switches
    return Transfer(torch.tensor([slope, slope * T / 2], dtype=torch.float64), 2 * gamma * s,
                    (s, T - s))


@checked
def least_time(x: Plane, gamma: Positive = 1.0) -> torch.Tensor:
    """The least time from the states x (..., 2) to rest at 0 with |u| <= gamma: (...).
    Raises TypeError, ValueError.

    With sigma = x + v|v| / (2 gamma):  v / gamma + 2 sqrt(v^2 / 2 + gamma x) / gamma if sigma > 0,
    and its mirror image if sigma < 0.
    """
    place, speed = x[..., 0], x[..., 1]
    side = torch.sign(place + speed * speed.abs() / (2 * gamma))
    return (
        torch.where(
            side == 0,
            speed.abs(),
            side * speed + 2 * (speed.square() / 2 + side * gamma * place).clamp(min=0).sqrt(),
        )
        / gamma
    )


@checked
def time_feedback(t: Real, x: Plane, gamma: Positive = 1.0) -> torch.Tensor:
    """The control of least time as a feedback: -gamma above the switching curve
    x = -v|v| / (2 gamma), gamma below: (..., 1). Raises TypeError, ValueError."""
    place, speed = x[..., :1], x[..., 1:]
    side = torch.sign(place + speed * speed.abs() / (2 * gamma))
    return -gamma * torch.where(side == 0, torch.sign(speed), side)


def _reach(gamma, d, T):
    """The three as floats, if somebody arrives in time."""
    gamma, d, T = float(gamma), float(d), float(T)
    if not gamma > 4 * d / T**2:
        least = 4 * d / T**2
        raise ValueError(f"gamma = {gamma}; expected more than 4 d / T^2 = {least:.6g}: with less "
                         "nobody arrives in time.")
    return gamma, d, T
