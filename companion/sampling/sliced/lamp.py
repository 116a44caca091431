"""What the slicing lamp shows: clouds in the plane, a direction at an angle in degrees,
shadows on a wall, the distance against the angle."""

import math
from typing import Annotated

import torch

from companion.hints import Number, checked
from companion.inputs import a_tensor
from companion.sampling.quantization.cells import Sites
from companion.sampling.quantization.densities import two_numbers
from companion.sampling.sliced.directions import half_circle
from companion.sampling.sliced.distances import project, slices

DIAL = 120  # directions all around: half a turn


def degrees(angle, name):
    """Return angle, one number of degrees as a tensor (1,). Raises TypeError, ValueError."""
    if a_tensor(angle, name).shape != (1,):
        raise ValueError(f"{name} has shape {tuple(angle.shape)}; expected one angle in degrees, "
                         "(1,): torch.tensor([30.0]).")
    return angle


Degrees = Annotated[torch.Tensor, degrees]


@checked
def ray(angle: Degrees) -> torch.Tensor:
    """(cos, sin) of an angle (1,) in degrees: one direction, (1, 2)."""
    angle = angle * (math.pi / 180)
    return torch.stack([angle.cos(), angle.sin()], -1)


@checked
def shadow(x: Sites, angle: Degrees, distance: Number) -> torch.Tensor:
    """The projections of x (n, 2) on the line of that angle, moved by `distance` across it:
    points (n, 2) on a wall."""
    return project(x, ray(angle)).mT * ray(angle) + distance * ray(angle + 90)


@checked
def matched(x: Sites, y: Sites, angle: Degrees, distances: tuple = (-2.0, -3.0)) -> torch.Tensor:
    """The shadows of x and y on two walls, joined in sorted order, which is optimal transport:
    (n, 2, 2), from -> to; sizes are equal."""
    if x.shape[0] != y.shape[0]:
        raise ValueError(f"x and y have {x.shape[0]} and {y.shape[0]} points; expected one size: "
                         "shadows are joined in order.")
    two_numbers(distances, "distances")
    on_line = (project(z, ray(angle)).sort(-1).values.mT for z in (x, y))
    return torch.stack(
        [s * ray(angle) + far * ray(angle + 90) for s, far in zip(on_line, distances, strict=True)],
        1,
    )


@checked
def dial(x: Sites, y: Sites, angle: Degrees) -> torch.Tensor:
    """Against the angles 0, 1.5, ..., 180: W2^2 of the slice, its mean (SW2^2), the largest,
    and a tip of that height at the angle: (4, 121)."""
    around = slices(x, y, half_circle(DIAL, dtype=x.dtype, device=x.device))
    turn = torch.arange(DIAL + 1, dtype=x.dtype, device=x.device) * (180 / DIAL)
    tip = torch.clamp(1 - (turn - angle).abs() / 2, min=0) * slices(x, y, ray(angle))
    flat = torch.ones_like(turn)
    return torch.stack(
        [torch.cat([around, around[:1]]), around.mean() * flat, around.amax(-1) * flat, tip]
    )


@checked
def with_the_one_across(x: Sites, y: Sites, angle: Degrees) -> torch.Tensor:
    """The mean of two slices at a right angle, 0-d: SW2^2 itself if y is a translate or a dilation
    of x."""
    return (slices(x, y, ray(angle)) + slices(x, y, ray(angle + 90))).mean() / 2
