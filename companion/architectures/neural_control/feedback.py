"""Neural feedback: u = pi(x), a small network, trained by descending the cost of its own closed
loop through `flow`.

Sources: Astrom and Furuta, Swinging up a pendulum by energy control, Automatica 36 (2000); Barto,
Sutton and Anderson, IEEE Trans. SMC 13 (1983).
"""

import functools
from collections.abc import Callable
from typing import Annotated

import torch

from companion.flow import flow, heun
from companion.hints import (
    Cloud,
    Column,
    Count,
    Dtype,
    Function,
    Generator,
    NonNegative,
    Number,
    Plane,
    Positive,
    Real,
    Tensor,
    a_shape,
    checked,
)
from companion.inputs import batch

Cart = Annotated[torch.Tensor, functools.partial(a_shape, last=(4,))]  # (..., 4)


@checked
def pendulum(t: Real, x: Plane, u: Column, *, friction: NonNegative = 0.0) -> torch.Tensor:
    """(angle, speed)' = (speed, sin angle - friction speed + u): upright at 0, hanging at pi.

    x (..., 2), u (..., 1): like x. Raises TypeError, ValueError.
    """
    batch((u.shape[:-1], "the batch of u"), (x.shape[:-1], "the batch of x"))
    angle, speed = x[..., 0], x[..., 1]
    return torch.stack(torch.broadcast_tensors(speed, angle.sin() - friction * speed + u[..., 0]),
                       -1)


@checked
def energy(x: Plane) -> torch.Tensor:
    """speed^2 / 2 + cos angle: (...). 1 at rest upright, -1 at rest hanging. Raises TypeError,
    ValueError."""
    return x[..., 1].square() / 2 + x[..., 0].cos()


@checked
def swing_up(t: Real, x: Plane, *, most: Positive = 0.8, gain: Number = 2.0) -> torch.Tensor:
    """Energy control: u = -most tanh(gain (E - 1) speed), brought near the top:
    dE/dt = u speed drives the energy to that of the top: (..., 1)."""
    return -most * torch.tanh(gain * (energy(x) - 1) * x[..., 1])[..., None]


@checked
def cart_pole(t: Real, x: Cart, u: Column, *, cart: Positive = 1.0, pole: Positive = 0.1,
              length: Positive = 0.5,
              gravity: Number = 9.81) -> torch.Tensor:
    """A pole on a cart: (place, speed, angle, turn)', upright at angle 0, u the force on the cart.
    x (..., 4), u (..., 1): like x.

    length: half of the pole's. Without friction. Raises TypeError, ValueError.
    """
    batch((u.shape[:-1], "the batch of u"), (x.shape[:-1], "the batch of x"))
    speed, angle, turn = x[..., 1], x[..., 2], x[..., 3]
    total, s, c = cart + pole, angle.sin(), angle.cos()
    push = (u[..., 0] + pole * length * turn.square() * s) / total
    turning = (gravity * s - c * push) / (length * (4 / 3 - pole * c.square() / total))
    return torch.stack(
        torch.broadcast_tensors(speed, push - pole * length * turning * c / total, turn, turning),
        -1,
    )


@checked
def policy(inputs: Count, width: Count, *, generator: Generator, outputs: Count = 1,
           scale: Positive = 0.3,
           dtype: Dtype = torch.float32) -> torch.Tensor:
    """Random weights theta of a network inputs -> width -> outputs: one vector. Raises TypeError,
    ValueError."""
    sizes = [width * inputs, width, outputs * width]
    theta = torch.randn(sum(sizes), generator=generator, dtype=torch.float64)
    theta[: sizes[0]] *= inputs**-0.5 / scale
    return (float(scale) * theta).to(dtype)


@checked
def network(z: Tensor, theta: Tensor, *, outputs: Count = 1) -> torch.Tensor:
    """V tanh(W z + b), without a constant: (..., outputs), for z (..., inputs) and theta from
    `policy`.

    Raises TypeError, ValueError.
    """
    inputs = z.shape[-1] if z.ndim else 0
    if theta.ndim != 1 or not inputs or not len(theta) or len(theta) % (inputs + 1 + outputs):
        raise ValueError(f"theta has shape {tuple(theta.shape)}, z {tuple(z.shape)}; expected "
                         "width * (inputs + 1 + outputs) weights and "
                         "(..., inputs): policy(inputs, width, ...).")
    width = theta.shape[-1] // (inputs + 1 + outputs)
    W, b, V = theta.split([width * inputs, width, outputs * width], -1)
    return torch.tanh(z @ W.view(width, inputs).T + b) @ V.view(outputs, width).T


@checked
def seen(x: Plane) -> torch.Tensor:
    """What the pendulum's network sees: (sin angle, cos angle, speed), (..., 3):
    a turn more or less does not matter.

    Raises TypeError, ValueError.
    """
    return torch.stack([x[..., 0].sin(), x[..., 0].cos(), x[..., 1]], -1)


@checked
def pendulum_policy(t: Real, x: Plane, *, theta: Tensor, most: Positive = 0.8) -> torch.Tensor:
    """u = most tanh(network(sin angle, cos angle, speed)): (..., 1). Raises TypeError, ValueError.
    """
    return most * torch.tanh(network(seen(x), theta))


@checked
def closed(f: Function, law: Function) -> Callable:
    """The field of the closed loop: v(t, x) = f(t, x, law(t, x)). Raises TypeError."""
    return lambda t, x: f(t, x, law(t, x))


@checked
def mean_cost(f: Function, law: Function, cost: Function, x0: Cloud, T: Positive, steps: Count, *,
              method: Function = heun) -> torch.Tensor:
    """The mean over the starts x0 (n, d) of (1/T) integral of cost(x, u) along the closed loop
    x' = f(t, x, law(t, x)): 0-d, differentiable.

    cost(x, u) -> (...). Raises TypeError, ValueError.
    """

    u = law(x0.new_zeros(()), x0)
    for value, shape, name in (
        (f(x0.new_zeros(()), x0, u), x0.shape, "f(t, x, u)"),
        (cost(x0, u), x0.shape[:-1], "cost(x, u)"),
    ):
        if not isinstance(value, torch.Tensor) or value.shape != shape:
            found = tuple(getattr(value, "shape", ()))
            raise ValueError(f"{name} is a {type(value).__name__} of shape {found}; expected a "
                             f"tensor of shape {tuple(shape)}.")

    def v(t, z):
        x = z[..., :-1]
        u = law(t, x)
        return torch.cat([f(t, x, u), cost(x, u)[..., None]], -1)

    z0 = torch.cat([x0, torch.zeros_like(x0[..., :1])], -1)
    return flow(v, z0, T, steps, method=method, every=steps).end[..., -1].mean() / T
