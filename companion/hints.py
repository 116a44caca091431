"""Type hints that check: what a public function says of its arguments is what it refuses otherwise.

    @checked
    def mmd(x: Cloud, y: Cloud, *, scale: Positive = 1.0) -> Tensor: ...

A hint is an ordinary type with the check that belongs to it (typing.Annotated). `checked` looks at each argument
that was given, by its name, and at all tensors it checks together: they share dtype and device. Defaults are the author's.
It looks at the numbers of the answer too: numbers that overflow, or 0 / 0 on the way, are said in words. Infinity is an answer where the
docstring speaks of it. Inside a run, and where a graph is traced, only types and shapes are looked at, as `companion.inputs` says.
"""

import functools
import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Sequence
from typing import Annotated

import torch

from companion.inputs import (
    DTYPES,
    a_cloud,
    a_count,
    a_function,
    a_generator,
    a_number,
    a_state,
    a_tensor,
    alike,
    concrete_value,
)


def a_shape(x, name="x", *, shape=None, last=None, ndim=None):
    """Return x, a tensor of this shape, or whose last axes are `last`, or of `ndim` axes, not empty. Raises TypeError, ValueError."""
    a_tensor(x, name)
    if shape is not None and x.shape != shape:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {shape}.")
    if last is not None and (x.ndim < len(last) or x.shape[-len(last):] != last or not x.numel()):
        said = ", ".join(map(str, last))
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected (..., {said}), not empty.")
    if ndim is not None and (x.ndim != ndim or not x.numel()):
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {ndim} axes, not empty.")
    return x


def a_flag(value, name):
    """Return value, True or False. Raises TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected True or False.")
    return value


def a_dtype(dtype, name="dtype"):
    """Return dtype, torch.float32 or torch.float64. Raises TypeError."""
    if dtype not in DTYPES:
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


def a_word(value, name):
    """Return value, a str. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}; expected a word: {name}=\"...\".")
    return value


def an_instance(kind, how):
    """The check of a value of this kind; `how` says how to make one."""
    def check(value, name):
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {type(value).__name__}; expected {how}.")
        return value

    return check


def a_real(value, name):
    """Return value, a finite number, or finite numbers of any shape. Raises TypeError, ValueError."""
    return a_tensor(value, name) if isinstance(value, torch.Tensor) and value.ndim else a_number(value, name)


def numbers(value, name, shape):
    """value, tensor or sequence, as finite float64 numbers of this shape. Raises TypeError, ValueError."""
    try:
        x = torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} is {value!r}; expected numbers of shape {shape}.") from error
    if isinstance(value, bool) or x.shape != shape or not bool(x.isfinite().all()):
        raise ValueError(f"{name} = {value!r} has shape {tuple(x.shape)}; expected finite numbers of shape {shape}.")
    return x


Tensor = Annotated[torch.Tensor, a_tensor]  # floating point, float32 or float64, without NaN or infinity
State = Annotated[torch.Tensor | tuple, a_state]  # a tensor, or a flat NamedTuple of tensors
Extended = Annotated[torch.Tensor, functools.partial(a_tensor, extended=True)]  # -inf too, as of log 0
Cloud = Annotated[torch.Tensor, a_cloud]  # (..., n, d), n >= 1 points in rows
Point = Annotated[torch.Tensor, functools.partial(a_shape, shape=(2,))]  # (2,)
Plane = Annotated[torch.Tensor, functools.partial(a_shape, last=(2,))]  # (..., 2)
Space = Annotated[torch.Tensor, functools.partial(a_shape, last=(3,))]  # (..., 3)
Column = Annotated[torch.Tensor, functools.partial(a_shape, last=(1,))]  # (..., 1), as one control for each state
Row = Annotated[torch.Tensor, functools.partial(a_shape, ndim=1)]  # (n,), n >= 1
Numbers = float | Sequence | torch.Tensor  # what `numbers` makes a tensor of
Real = Annotated[float | torch.Tensor, a_real]  # a time, or times
Number = Annotated[float | torch.Tensor, a_number]  # a finite number, or a 0-d tensor of one
Positive = Annotated[float | torch.Tensor, functools.partial(a_number, above=0)]
NonNegative = Annotated[float | torch.Tensor, functools.partial(a_number, least=0)]
Share = Annotated[float | torch.Tensor, functools.partial(a_number, least=0, most=1)]
Count = Annotated[int, a_count]  # at least 1
Index = Annotated[int, functools.partial(a_count, least=0)]  # at least 0
Function = Annotated[Callable, a_function]
Generator = Annotated[torch.Generator, a_generator]
Flag = Annotated[bool, a_flag]
Dtype = Annotated[torch.dtype, a_dtype]
Device = Annotated[str | torch.device | None, a_device]
Word = Annotated[str, a_word]


def checked(f):
    """f, which looks at its arguments as its hints say. Raises TypeError, ValueError in the reader's words."""
    parameters = inspect.signature(f).parameters.values()
    hints = typing.get_type_hints(f, include_extras=True)
    checks = {p.name: _check(hints[p.name], p.default is None) for p in parameters if p.name in hints}
    places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    endless = re.search(r"\binf(inite|inity)?\b", f.__doc__ or "") is not None

    @functools.wraps(f)
    def told(*args, **named):
        given = {**dict(zip(places, args, strict=False)), **named}
        for name, value in given.items():
            if checks.get(name) is not None:
                checks[name](value, name)
        looked_at = {n: v for n, v in given.items() if checks.get(n) is not None and isinstance(v, torch.Tensor)}
        alike({n: v for n, v in looked_at.items() if v.ndim and v.is_floating_point()})
        try:
            answer = f(*args, **named)
        except (OverflowError, ZeroDivisionError) as error:
            raise ValueError(f"{f.__name__} overflows or divides by 0 ({error}); expected arguments of moderate size.") from error
        return _finite(answer, f.__name__, endless)

    return told


def _finite(answer, name, endless):
    """answer, if its numbers are finite; also if they are infinite where that is said. Raises ValueError."""
    for part in answer if isinstance(answer, (tuple, list)) else (answer,):
        if isinstance(part, (tuple, list)):
            _finite(part, name, endless)
        elif isinstance(part, float):
            _refuse(math.isnan(part) or (not endless and math.isinf(part)), name)
        elif isinstance(part, torch.Tensor) and part.is_floating_point():
            bad = torch.isnan if endless else lambda x: ~torch.isfinite(x)
            _refuse(concrete_value(lambda part=part, bad=bad: bad(part).any(), part), name)
    return answer


def _refuse(wrong, name):
    if wrong:
        raise ValueError(f"{name} gives a number that is not finite: something overflows, or is 0 / 0; expected arguments of moderate size.")


def _check(hint, optional):
    """The check of a hint, or None if it has none; None itself passes where the hint or the default allows it."""
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    optional = optional or type(None) in kinds
    found = [mark for kind in kinds for mark in getattr(kind, "__metadata__", ()) if callable(mark)]
    if len(found) > 1:
        raise TypeError(f"the hint {hint} has {len(found)} checks; expected one: write a check of your own in Annotated[...].")
    if not found:
        return None
    return lambda value, name: None if value is None and optional else found[0](value, name)
