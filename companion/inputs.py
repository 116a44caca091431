"""Checks of what a reader gives, in the reader's words: what came, what is expected, how to mend it.

Values are looked at only where there are values: inside an exported graph tensors are symbolic, and only shapes are checked.
"""

import math

import torch


def a_tensor(x, name="x", *, floating=True):
    """Return x, a tensor of floating-point numbers without NaN. Raises TypeError, ValueError."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} is a {type(x).__name__}; expected a torch.Tensor: use torch.as_tensor({name}).")
    if floating and not x.is_floating_point():
        raise TypeError(f"{name} has dtype {x.dtype}; expected floating point: use {name}.to(torch.float32).")
    if type(x) in (torch.Tensor, torch.nn.Parameter) and torch.isnan(x).any():
        raise ValueError(f"{name} contains NaN; expected numbers: find where with torch.isnan({name}).nonzero().")
    return x


def a_cloud(x, name="x", *, d=None):
    """Return x, a cloud (..., n, d) of n >= 1 points, rows are points. Raises TypeError, ValueError."""
    a_tensor(x, name)
    if x.ndim < 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected a cloud (..., n, d): points on a line are {name}[:, None].")
    if x.shape[-2] == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected at least one point of at least one coordinate.")
    if d is not None and x.shape[-1] != d:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected points with {d} coordinates: (..., n, {d}).")
    return x


def same_dimension(x, y, names=("x", "y")):
    """Two clouds live in one space. Raises TypeError, ValueError."""
    a_cloud(x, names[0])
    a_cloud(y, names[1], d=x.shape[-1])


def a_function(f, name="f"):
    """Return f, a callable. Raises TypeError."""
    if not callable(f):
        raise TypeError(f"{name} is a {type(f).__name__}; expected a function: write {name}=lambda ...: ...")
    return f


def a_number(value, name, *, above=-math.inf, least=-math.inf, most=math.inf):
    """Return value, a finite number (or 0-d tensor) with above < value, least <= value <= most. Raises TypeError, ValueError."""
    if isinstance(value, torch.Tensor) and value.ndim == 0:
        if type(value) is not torch.Tensor or not value.is_floating_point() and value.dtype == torch.bool:
            return value
        number = value.item() if value.device.type != "meta" else 1.0
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    else:
        raise TypeError(f"{name} is {value!r}; expected a number.")
    if not (math.isfinite(number) and number > above and least <= number <= most):
        bounds = f"above {above}" if above > -math.inf else f"between {least} and {most}"
        raise ValueError(f"{name} = {number}; expected a finite number {bounds}.")
    return value


def a_count(value, name, *, least=1):
    """Return value, an integer of at least `least`. Raises TypeError, ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}; expected an integer: int({name}) if it is one.")
    if value < least:
        raise ValueError(f"{name} = {value}; expected an integer of at least {least}.")
    return value
