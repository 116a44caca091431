"""Hints of shapes that the chapters on control share: states whose last axis is known, single points, costates."""

import functools
from typing import Annotated

import torch

from companion.inputs import a_number, a_tensor, look


def a_finite(x, name="x", *, shape=None, last=None, ndim=None):
    """Return x, finite numbers of this shape, or whose last axes are `last`, or of `ndim` axes. Raises TypeError, ValueError."""
    a_tensor(x, name)
    if shape is not None and x.shape != shape:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {shape}.")
    if last is not None and (x.ndim < len(last) or x.shape[-len(last):] != last or not x.numel()):
        said = ", ".join(map(str, last))
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected (..., {said}), not empty.")
    if ndim is not None and (x.ndim != ndim or not x.numel()):
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {ndim} axes, not empty.")
    if look(lambda: ~torch.isfinite(x).all(), x):
        raise ValueError(f"{name} contains infinity; expected finite numbers.")
    return x


def numbers(value, name, shape):
    """value, tensor or sequence, as finite float64 numbers of this shape. Raises TypeError, ValueError."""
    try:
        x = torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} is {value!r}; expected numbers of shape {shape}.") from error
    if isinstance(value, bool) or x.shape != shape or not bool(x.isfinite().all()):
        raise ValueError(f"{name} = {value!r} has shape {tuple(x.shape)}; expected finite numbers of shape {shape}.")
    return x


def one_each(u, x):
    """Controls u (..., 1) belong to states x (..., d): one for each, or one for all. Raises ValueError."""
    fits = u.shape[-1:] == (1,) and u.ndim <= x.ndim
    if not fits or any(a != b and a != 1 for a, b in zip(u.shape[-2::-1], x.shape[-2::-1], strict=False)):
        raise ValueError(f"u has shape {tuple(u.shape)}, x {tuple(x.shape)}; expected (..., 1), a control for each state.")


def a_dtype(dtype, name="dtype"):
    """Return dtype, torch.float32 or torch.float64. Raises TypeError."""
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} is {dtype!r}; expected torch.float32 or torch.float64.")
    return dtype


def a_real(value, name):
    """Return value, a finite number, or finite numbers of any shape. Raises TypeError, ValueError."""
    return a_finite(value, name) if isinstance(value, torch.Tensor) and value.ndim else a_number(value, name)


Real = Annotated[float | torch.Tensor, a_real]  # a time, or times
Plane = Annotated[torch.Tensor, functools.partial(a_finite, last=(2,))]  # (..., 2)
Point = Annotated[torch.Tensor, functools.partial(a_finite, shape=(2,))]  # (2,)
Finite = Annotated[torch.Tensor, a_finite]
Space = Annotated[torch.Tensor, functools.partial(a_finite, last=(3,))]  # (..., 3)
