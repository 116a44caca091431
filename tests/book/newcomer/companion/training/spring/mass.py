"""The damped spring x'' = -x - 2 c x' as a field of a state with two named parts.

Source: any course of mechanics.
"""

from typing import NamedTuple

import torch

from companion.hints import NonNegative, Number, checked


class Mass(NamedTuple):
    """Place and speed of masses, each (n,)."""

    place: torch.Tensor
    speed: torch.Tensor


@checked
def spring(t: Number, z: Mass, *, c: NonNegative) -> Mass:
    """(x', v') = (v, -x - 2 c v).   z: parts (n,), c >= 0 the friction."""
    return Mass(z.speed, -z.place - 2 * c * z.speed)


@checked
def energy(z: Mass) -> torch.Tensor:
    """(x^2 + v^2) / 2 of each mass, (n,); d/dt is -2 c v^2."""
    return (z.place.square() + z.speed.square()) / 2
