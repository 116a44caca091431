"""Neural feedback: u = pi(x), a small network, trained by descending the cost of its own closed loop through `flow`.

Sources: Astrom and Furuta, Swinging up a pendulum by energy control, Automatica 36 (2000); Barto, Sutton and Anderson, IEEE Trans. SMC 13 (1983).
"""

import torch

from companion.flow import flow, heun
from companion.inputs import a_count, a_function, a_generator, a_number, a_tensor


def pendulum(t, x, u, *, friction=0.0):
    """(angle, speed)' = (speed, sin angle - friction speed + u): upright at 0, hanging at pi. x (..., 2), u (..., 1): like x."""
    angle, speed = x[..., 0], x[..., 1]
    return torch.stack([speed, angle.sin() - friction * speed + u[..., 0]], -1)


def energy(x):
    """speed^2 / 2 + cos angle: (...). 1 at rest upright, -1 at rest hanging."""
    return x[..., 1].square() / 2 + x[..., 0].cos()


def swing_up(t, x, *, most=0.8, gain=2.0):
    """Energy control: u = -most tanh(gain (E - 1) speed), brought near the top: dE/dt = u speed drives the energy to that of the top: (..., 1)."""
    return -most * torch.tanh(gain * (energy(x) - 1) * x[..., 1])[..., None]


def cart_pole(t, x, u, *, cart=1.0, pole=0.1, length=0.5, gravity=9.81):
    """A pole on a cart: (place, speed, angle, turn)', upright at angle 0, u the force on the cart. x (..., 4), u (..., 1): like x.

    length: half of the pole's. Without friction.
    """
    speed, angle, turn = x[..., 1], x[..., 2], x[..., 3]
    total, s, c = cart + pole, angle.sin(), angle.cos()
    push = (u[..., 0] + pole * length * turn.square() * s) / total
    turning = (gravity * s - c * push) / (length * (4 / 3 - pole * c.square() / total))
    return torch.stack([speed, push - pole * length * turning * c / total, turn, turning], -1)


def policy(inputs, width, *, generator, outputs=1, scale=0.3, dtype=torch.float32):
    """Random weights theta of a network inputs -> width -> outputs: one vector. Raises TypeError, ValueError."""
    sizes = [a_count(width, "width") * a_count(inputs, "inputs"), width, a_count(outputs, "outputs") * width]
    theta = torch.randn(sum(sizes), generator=a_generator(generator), dtype=torch.float64)
    theta[: sizes[0]] *= inputs**-0.5 / scale
    return (a_number(scale, "scale", above=0) * theta).to(dtype)


def network(z, theta, *, outputs=1):
    """V tanh(W z + b), without a constant: (..., outputs), for z (..., inputs) and theta from `policy`."""
    inputs = z.shape[-1]
    width = theta.shape[-1] // (inputs + 1 + outputs)
    W, b, V = theta.split([width * inputs, width, outputs * width], -1)
    return torch.tanh(z @ W.view(width, inputs).T + b) @ V.view(outputs, width).T


def seen(x):
    """What the pendulum's network sees: (sin angle, cos angle, speed), (..., 3): a turn more or less does not matter."""
    return torch.stack([x[..., 0].sin(), x[..., 0].cos(), x[..., 1]], -1)


def pendulum_policy(t, x, *, theta, most=0.8):
    """u = most tanh(network(sin angle, cos angle, speed)): (..., 1)."""
    return most * torch.tanh(network(seen(x), theta))


def closed(f, law):
    """The field of the closed loop: v(t, x) = f(t, x, law(t, x))."""
    a_function(f, "f"), a_function(law, "law")
    return lambda t, x: f(t, x, law(t, x))


def mean_cost(f, law, cost, x0, T, steps, *, method=heun):
    """The mean over the starts x0 (n, d) of (1/T) integral of cost(x, u) along the closed loop x' = f(t, x, law(t, x)): 0-d, differentiable.

    cost(x, u) -> (...). Raises TypeError, ValueError.
    """
    a_function(cost, "cost"), a_tensor(x0, "x0"), a_number(T, "T", above=0)

    def v(t, z):
        x = z[..., :-1]
        u = law(t, x)
        return torch.cat([f(t, x, u), cost(x, u)[..., None]], -1)

    z0 = torch.cat([x0, torch.zeros_like(x0[..., :1])], -1)
    return flow(v, z0, T, steps, method=method, every=steps).end[..., -1].mean() / T
