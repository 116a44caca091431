"""Noise turns into digits, frame by frame: Euler's method drawn as the polygon that it is.

The state is (4, n, d): the place x, the velocity of the present step, the noise that it began with,
and the number of frames since then.
A run has 60 frames; with N steps the velocity is asked N times, and in between the point goes
straight on.
"""

from functools import partial
from typing import Annotated

import torch

from companion.hints import Count, Number, checked
from companion.inputs import a_number, a_tensor, has_values
from companion.sampling.generative.digits.network import Label, Theta, velocity
from companion.sampling.quantization.points import Points

FRAMES = 60


def a_state(s, name):
    """Return s, a state (4, n, d). Raises TypeError, ValueError."""
    if a_tensor(s, name).ndim != 3 or s.shape[0] != 4 or 0 in s.shape:
        raise ValueError(f"{name} has shape {tuple(s.shape)}; expected a state (4, n, d): "
                         "begin(z) makes one.")
    return s


State = Annotated[torch.Tensor, a_state]
Steps = Annotated[float | torch.Tensor, partial(a_number, least=1, most=FRAMES)]


@checked
def begin(z: Points) -> torch.Tensor:
    """The state before the first frame: z (n, d) -> (4, n, d)."""
    return torch.stack([z, torch.zeros_like(z), z, torch.zeros_like(z)])


@checked
def frame(s: State, *, theta: Theta, label: Label, w: Number, steps: Steps) -> torch.Tensor:
    """One frame of Euler's method with `steps` steps, x + (frames of a step) / 60 v(t, x),
    one frame at a time; at t = 1 it rests.

    steps divides 60; label, w as in `velocity`. s: (4, n, d) -> (4, n, d). Raises TypeError,
    ValueError.
    """
    x, v, z, done = s
    # rounding must not lose a corner
    due = torch.floor(done * steps / FRAMES + 1e-3) > torch.floor(
        (done - 1) * steps / FRAMES + 1e-3
    )
    v = torch.where(due, velocity(done[:, :1] / FRAMES, x, theta=theta, label=label, w=w), v)
    goes = (done < FRAMES).to(x.dtype)
    return torch.stack([x + goes * v / FRAMES, v, z, done + goes])


@checked
def another(s: State) -> torch.Tensor:
    """The state begun again from other noise: the old, shuffled, and half of its signs changed.
    The map is orthogonal: the law stays N(0, I)."""
    n, d = s.shape[-2:]
    z = s[2].reshape(d, n).mT.reshape(n, d)  # as one shuffles cards
    sign = 1 - 2 * ((torch.arange(n * d, device=s.device) * 0.6180339887) % 1 < 0.5).to(
        s.dtype
    ).reshape(n, d)
    return begin(sign * z)


@checked
def sheet(x: Points, *, columns: Count = 4, side: Count = 8) -> torch.Tensor:
    """n images (n, side^2) in [-1, 1] as one sheet of ink in [0, 1], `columns` in a row,
    with a margin of paper: (rows, columns) of pixels."""
    n = x.shape[0]
    if n % columns or x.shape[1] != side**2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (n, {side**2}), n a multiple of "
                         f"columns = {columns}.")
    ink = 1 - torch.relu(1 - torch.relu((x + 1) / 2))
    tiles = torch.nn.functional.pad(ink.reshape(n // columns, columns, side, side), (1, 1, 1, 1))
    return tiles.transpose(1, 2).reshape(n // columns * (side + 2), columns * (side + 2))


@checked
def spread(x: Points) -> torch.Tensor:
    """The root of the mean squared distance to the mean, n - 1 in the denominator:
    0 when all are alike. x: (n, d) -> 0-d."""
    if has_values(x) and len(x) < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected at least two images: one alone "
                         "has no spread.")
    return ((x - x.mean(0)).square().sum() / (x.shape[0] - 1)).sqrt()
