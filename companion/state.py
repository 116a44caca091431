"""A state is a tensor, or a flat NamedTuple of tensors: its named parts (position and velocity; parameters and moments; cloud and weights).

    class Phase(NamedTuple):
        x: torch.Tensor
        v: torch.Tensor

Parts may have different shapes; they share dtype and device. What acts on a state acts on each part: `each`. A stepper is a formula of
sums and multiples, x + dt v; with parts it means the same of every part: `by_parts`.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from companion.inputs import a_state, has_values, like


def parts(x: Any, name: str = "x") -> dict[str, torch.Tensor]:
    """{name: tensor}: the parts of a state by their names; of a tensor itself, under the name given."""
    return x._asdict() if isinstance(x, tuple) else {name: x}


def each(f: Callable, *states: Any) -> Any:
    """f(x, y, ...) of states alike, part by part: a state of the same parts; f(x, y, ...) itself where they are tensors."""
    first = states[0]
    return type(first)(*(f(*p) for p in zip(*states, strict=True))) if isinstance(first, tuple) else f(*states)


def one(x: Any) -> torch.Tensor:
    """A tensor of the state x: all its parts share dtype and device."""
    return x[0] if isinstance(x, tuple) else x


def flat(x: Any) -> torch.Tensor:
    """The numbers of the state x in one row, part after part."""
    return torch.cat([part.reshape(-1) for part in parts(x).values()])


def cut(row: torch.Tensor, x: Any) -> Any:
    """A row of numbers as a state of the parts of x, in their order: cut(flat(x), x) is x."""
    pieces = iter(row.split([part.numel() for part in parts(x).values()]))
    return each(lambda part: next(pieces).reshape(part.shape), x)


def of_kind(z: Any, name: str, *, kind: type) -> Any:
    """Return z, a NamedTuple of this kind, its parts tensors. Raises TypeError, ValueError."""
    if not isinstance(z, kind):
        fields = ", ".join(kind._fields)
        raise TypeError(f"{name} is a {type(z).__name__}; expected {kind.__name__}({fields}).")
    return a_state(z, name)


def of_points(z: Any, name: str, *, kind: type) -> Any:
    """Return z, of this kind, each part of the same shape (..., d). Raises TypeError, ValueError."""
    first, *others = of_kind(z, name, kind=kind)
    if not first.ndim or not first.shape[-1]:
        raise ValueError(f"{name}.{kind._fields[0]} has shape {tuple(first.shape)}; "
                         "expected points (..., d).")
    for field, part in zip(kind._fields[1:], others, strict=True):
        like(part, first, f"{name}.{field}")
    return z


class Sum:
    """A state with parts in a stepper's formula: x + y, x - y, c x, x / c act on each part."""

    def __init__(self, parts):
        self.parts = parts

    def __add__(self, other):
        return Sum(each(torch.add, self.parts, other.parts))

    def __sub__(self, other):
        return Sum(each(torch.sub, self.parts, other.parts))

    def __mul__(self, number):
        return Sum(each(lambda x: number * x, self.parts))

    def __truediv__(self, number):
        return Sum(each(lambda x: x / number, self.parts))

    def __neg__(self):
        return self * -1

    __rmul__ = __mul__


def by_parts(method: Callable) -> Callable:
    """The stepper method(v, t, x, dt) -> x, for states with parts too. What v gives is checked: TypeError, ValueError."""
    if getattr(method, "by_parts", False):
        return method

    @functools.wraps(method)
    def stepped(v, t, x, dt):
        if isinstance(x, tuple):
            return method(lambda s, y: Sum(like(v(s, y.parts), y.parts, "v(t, x)")), t, Sum(x), dt).parts
        return method(lambda s, y: like(v(s, y), y, "v(t, x)"), t, x, dt)

    stepped.by_parts = True
    return stepped


def shaken(x: Any, x0: Any) -> Any:
    """x, one step after x0; where COMPANION_SHAKE holds a seed, x (1 + e s): signs s drawn from it, e = 1e-13, in float32 2^-23.

    A run calls it once, after its first step: no two processors round alike, and what is asserted of a run holds for all of
    them (`make shake`). What the step left alone, and whole numbers, have no digit that could be rounded otherwise.
    """
    seed = os.environ.get("COMPANION_SHAKE")
    if not seed or not has_values(one(x)):
        return x
    draw = np.random.default_rng(int(seed))

    def moved(x, x0):
        signs = torch.from_numpy(draw.choice([-1.0, 1.0], tuple(x.shape)))
        exact = (x == x0) | (x == x.round())
        return torch.where(exact, x, x * (1 + max(1e-13, torch.finfo(x.dtype).eps) * signs.to(x)))

    return each(moved, x, x0)
