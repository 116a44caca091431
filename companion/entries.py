"""Hints that the chapters share: a number or many, points; and float64 where a difference needs it.
"""

import functools
import math
from typing import Annotated

import torch

from companion.inputs import a_number, a_tensor, alike, concrete_value, has_values, one_each


def _numbers(value, name, *, above=-math.inf, least=-math.inf, most=math.inf):
    """Return value, a finite number or a tensor of them within the bounds. Raises TypeError,
    ValueError."""
    if not isinstance(value, torch.Tensor) or value.ndim == 0:
        return a_number(value, name, above=above, least=least, most=most)
    return _entries(value, name, above=above, least=least, most=most)


def _entries(x, name, *, above=-math.inf, least=-math.inf, most=math.inf):
    """Return x, a tensor of numbers within the bounds. Raises TypeError, ValueError."""
    a_tensor(x, name)
    bounds = (above, "above", x.le), (least, "at least", x.lt), (most, "at most", x.gt)
    for bound, word, wrong in bounds:
        if math.isfinite(bound) and concrete_value(
                lambda wrong=wrong, bound=bound: wrong(bound).any(), x):
            raise ValueError(f"{name} has entries from {x.min().item()} to {x.max().item()}; "
                             f"expected numbers {word} {bound}.")
    return x


def _points(x, name):
    """Return x, points (..., d) of d >= 1 coordinates. Raises TypeError, ValueError."""
    if a_tensor(x, name).ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; "
                         "expected at least one number in the last axis: (..., d).")
    return x


def _a_pair(value, name):
    """Return value, (mean, variance) of a Gaussian. Raises TypeError, ValueError."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} is {value!r}; expected a pair (mean, variance).")
    _numbers(value[0], f"{name}[0]")
    _numbers(value[1], f"{name}[1]", above=0)
    return value


def _a_grid(grid, name):
    """Return grid, a uniform increasing tensor (m,), m >= 3. Raises TypeError, ValueError."""
    if a_tensor(grid, name).ndim != 1 or len(grid) < 3:
        raise ValueError(f"{name} has shape {tuple(grid.shape)}; "
                         "expected at least three points (m,).")
    h = (grid[-1] - grid[0]) / (len(grid) - 1)
    if concrete_value(lambda: ((torch.diff(grid) - h).abs() < 1e-3 * h).all(), grid) is False:
        raise ValueError(f"{name} is not uniform and increasing; "
                         "expected torch.linspace(lo, hi, m).")
    return grid


Numbers = Annotated[float | torch.Tensor, _numbers]  # a number, or a tensor of any shape
Positives = Annotated[float | torch.Tensor, functools.partial(_numbers, above=0)]
NonNegatives = Annotated[float | torch.Tensor, functools.partial(_numbers, least=0)]
Curvatures = Annotated[torch.Tensor, functools.partial(_entries, above=0)]  # a tensor
Density = Annotated[torch.Tensor, functools.partial(_entries, least=0)]
Grid = Annotated[torch.Tensor, _a_grid]  # (m,), uniform and increasing
Points = Annotated[torch.Tensor, _points]  # (..., d), d >= 1
MeanVariance = Annotated[tuple, _a_pair]
Shares = Annotated[float | torch.Tensor, functools.partial(_numbers, least=0, most=1)]
AtLeastOnes = Annotated[float | torch.Tensor, functools.partial(_numbers, least=1)]
AtLeastOne = Annotated[float | torch.Tensor, functools.partial(a_number, least=1)]


def values(V, x):
    """V(x), one number for each point of x (..., d), in its dtype. Raises TypeError, ValueError."""
    value = one_each(V(x), x.shape[:-1], "V(x)")
    alike({"x": x, "V(x)": value})
    return value


def wide(x):
    """x in float64; in an exported graph x itself, whose dtype is the figure's."""
    return x.double() if has_values(x) else x
