"""Phase space: the position and what the method remembers, each under its name.

    gradient descent   x
    heavy ball         Inertia(x, v)             v the last step x_k - x_{k-1}
    Adam               Moments(x, m, v)          m, v running means of the gradient and its square
    AMSGrad            MaxMoments(x, m, v, top)  top the largest v so far
    Muon               MatrixMoment(W, M)        M a running mean of the gradient

A map moves the parts that it names and leaves the others as they are: a state may hold more,
such as a clock.
"""

from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.hints import Tensor, checked
from companion.inputs import a_state, concrete_value, like


class Inertia(NamedTuple):
    """A position and its velocity: both (..., d)."""

    x: torch.Tensor
    v: torch.Tensor


class Moments(NamedTuple):
    """A position and running means of the gradient and of its square: all (..., d)."""

    x: torch.Tensor
    m: torch.Tensor
    v: torch.Tensor


class MaxMoments(NamedTuple):
    """`Moments` and the largest v so far: all (..., d)."""

    x: torch.Tensor
    m: torch.Tensor
    v: torch.Tensor
    top: torch.Tensor


class MatrixMoment(NamedTuple):
    """A matrix and a running mean of its gradient: both (..., m, n)."""

    W: torch.Tensor
    M: torch.Tensor


def a_kind(kind, name):
    """Return kind, the class of a state. Raises TypeError."""
    if not isinstance(kind, type) or not getattr(kind, "_fields", ()):
        raise TypeError(f"{name} is {kind!r}; expected the class of a state: Inertia, Moments.")
    return kind


def with_parts(z, name, *, kind):
    """Return z, a state that has the parts of this kind, of one shape (..., d). Raises TypeError,
    ValueError."""
    first, *rest = kind._fields
    if not set(kind._fields) <= set(getattr(z, "_fields", ())):
        said = ", ".join(kind._fields)
        raise TypeError(f"{name} is a {type(z).__name__}; expected a state with the parts {said}: "
                        f"at_rest({first}, {kind.__name__}) makes a start of {first}.")
    x = getattr(a_state(z, name), first)
    if x.ndim == 0:
        raise ValueError(f"{name}.{first} has shape (); expected (..., d): {first}[None].")
    for field in rest:
        like(getattr(z, field), x, f"{name}.{field}")
    return z


WithInertia = Annotated[Inertia, partial(with_parts, kind=Inertia)]
WithMoments = Annotated[Moments, partial(with_parts, kind=Moments)]
WithMaxMoments = Annotated[MaxMoments, partial(with_parts, kind=MaxMoments)]
WithMatrixMoment = Annotated[MatrixMoment, partial(with_parts, kind=MatrixMoment)]


@checked
def at_rest(x: Tensor, kind: Annotated[type, a_kind]) -> tuple:
    """kind(x, 0, ..., 0), the start of a method: at_rest(x, Moments) for Adam, x (..., d). Raises
    TypeError, ValueError."""
    return kind(x, *(torch.zeros_like(x) for _ in kind._fields[1:]))


def mean_square(v: Tensor, name: str = "v") -> Tensor:
    """Return v, a running mean of squares: no entry is negative. Raises ValueError."""
    if v.numel() and concrete_value(lambda: v.amin() < 0, v):
        raise ValueError(f"{name} has the entry {v.min().item()}; "
                         "expected means of squares, at least 0: at_rest(x, Moments) is a start.")
    return v


def euclidean(g: Tensor) -> Tensor:
    """|g|, (...) for (..., d). Raises ValueError where the squares overflow: g / |g| would be 0."""
    length = torch.sqrt(g.square().sum(-1))
    if concrete_value(lambda: length.isinf().any() & g.isfinite().all(), g):
        raise ValueError("the squares of the entries overflow; "
                         "expected numbers of moderate size, or float64: x.double().")
    return length


def ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, and 0 where b is 0: a coordinate that never had a gradient does not move."""
    return torch.where(b > 0, a / torch.where(b > 0, b, torch.ones_like(b)), torch.zeros_like(a))
