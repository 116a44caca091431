"""What a reader's function gave, and how shapes go together: checks of the areas of this folder, in words."""

from typing import Annotated

import torch


def a_dtype(dtype, name="dtype"):
    """Return dtype, torch.float32 or torch.float64. Raises TypeError."""
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} is {dtype!r}; expected torch.float32 or torch.float64.")
    return dtype


def a_device(device, name="device"):
    """Return device, None or what torch.device takes. Raises TypeError, ValueError."""
    if device is not None and not isinstance(device, (str, torch.device)):
        raise TypeError(f'{name} is {device!r}; expected None, "cpu", "cuda" or a torch.device.')
    try:
        return device if device is None else torch.device(device)
    except RuntimeError:
        raise ValueError(f'{name} is {device!r}; expected None, "cpu", "cuda" or a torch.device.') from None


Dtype = Annotated[torch.dtype, a_dtype]
Device = Annotated[str | torch.device | None, a_device]


def batch(*shapes):
    """The common shape of (shape, name) pairs under broadcasting. Raises ValueError."""
    try:
        return torch.broadcast_shapes(*(shape for shape, _ in shapes))
    except RuntimeError:
        told = ", ".join(f"{name} has shape {tuple(shape)}" for shape, name in shapes)
        raise ValueError(f"{told}; expected shapes that broadcast: equal, or 1, from the last on.") from None


def like(out, x, name):
    """Return out, what a reader's function gave: a tensor with the shape, dtype and device of x. Raises TypeError, ValueError."""
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"{name} is a {type(out).__name__}; expected a torch.Tensor of shape {tuple(x.shape)}.")
    if out.shape != x.shape:
        raise ValueError(f"{name} has shape {tuple(out.shape)}; expected the shape of x, {tuple(x.shape)}.")
    if out.dtype != x.dtype or out.device != x.device:
        raise TypeError(f"{name} is {out.dtype} on {out.device}; expected {x.dtype} on {x.device}, like x.")
    return out


def one_each(value, shape, name, what="one number for each point, as .sum(-1) leaves it"):
    """Return value, what a reader's function gave: a floating-point tensor of this shape. Raises TypeError, ValueError."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        kind = f"has dtype {value.dtype}" if isinstance(value, torch.Tensor) else f"is a {type(value).__name__}"
        raise TypeError(f"{name} {kind}; expected a floating-point torch.Tensor, {what}.")
    if value.shape != torch.Size(shape):
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected {tuple(shape)}: {what}.")
    return value
