"""Theorems at a point: a fixed point, a gradient, a root, a value."""

import math

import torch

from companion.check.report import agree, at, magnitude, numbers, report, scale, worst
from companion.hints import Function, NonNegative, Number, Tensor, Word, checked


@checked
def close(value: torch.Tensor | float, expected: torch.Tensor | float, *, tol: NonNegative = 1e-6,
          name: Word = "value") -> None:
    """value = expected: numbers or tensors of one shape; prints both where they differ.
    Raises AssertionError, TypeError, ValueError.

    To check the answer of an exercise use `answer`.
    """
    agree(value, expected, tol, f"The {name} is as expected", name)


@checked
def answer(value: torch.Tensor | float, expected: torch.Tensor | float, *, tol: NonNegative = 1e-6,
           name: Word = "value") -> None:
    """value = expected, which is not printed: of a wrong value the side is said,
    and the power of ten of its error.

    Numbers or tensors of one shape. Raises AssertionError, TypeError, ValueError.
    """
    value, expected = numbers(value, name), numbers(expected, "expected")
    if value.shape != expected.shape:
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected "
                         f"{tuple(expected.shape)}.")
    error = (value - expected).abs()
    where = worst(error / scale(expected))
    off, side = (
        magnitude(error[where].item()),
        "large" if value[where] > expected[where] else "small",
    )
    found = f"{value[where]:.9g}{at(where)}"
    report((error <= tol * scale(expected)).all(), f"The {name} is right to {tol:g}", found,
           f"{found} is too {side}, by {off}.")


@checked
def fixed_point(step: Function, x: Tensor, *, tol: NonNegative = 1e-6) -> None:
    """step(0, x) = x, for a map step(k, x). Raises AssertionError, TypeError, ValueError."""
    agree(step(0, x), x, tol, "The state is a fixed point", "step(0, x)")


@checked
def gradient(f: Function, g: Function, x: Tensor, *, tol: NonNegative = 1e-6) -> None:
    """g(x) = grad f(x), against (f(x + h e) - f(x - h e)) / 2h in float64 for every unit vector e.
    f: (*shape) -> (...), summed.

    g(x) has the shape of x. Raises AssertionError, TypeError, ValueError.
    """
    if x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected at least one number.")
    x, h = x.detach().to(torch.float64), 1e-5

    def total(y):
        return numbers(f(y), "f(x)").sum()

    units = torch.eye(x.numel(), dtype=x.dtype, device=x.device).view(-1, *x.shape)
    differences = torch.stack([(total(x + h * e) - total(x - h * e)) / (2 * h) for e in units]).view(x.shape)
    # The differences carry the rounding of f divided by h: no gradient can be asked to agree better
    # than that.
    rounding = 10 * torch.finfo(x.dtype).eps * total(x).abs().item() / h
    agree(g(x), differences, tol + rounding, "The gradient agrees with finite differences", "g(x)")


@checked
def root(f: Function, value: Number, lo: Number, hi: Number, *, tol: NonNegative = 1e-6) -> None:
    """value is the root, between lo and hi, of a monotone function f of a number:
    found by bisection, and not printed.

    Raises AssertionError, TypeError; ValueError if f does not change its sign between lo and hi.
    """
    value, a, b = float(value), float(lo), float(hi)
    at_a, at_b = _at(f, a), _at(f, b)
    if not (min(at_a, at_b) <= 0 <= max(at_a, at_b) and a < b):
        raise ValueError(f"f({a}) = {at_a:.3g} and f({b}) = {at_b:.3g}; expected lo < hi and a "
                         "change of sign between them.")
    for _ in range(200):
        middle = (a + b) / 2
        a, b = (a, middle) if (_at(f, middle) > 0) == (at_b > at_a) else (middle, b)
    at_value = _at(f, value)
    report(abs(value - b) <= tol * max(1.0, abs(b)), "The value is the root", f"f({value:.9g}) = {at_value:.3g}",
           f"{value:.9g} is too {'large' if value > b else 'small'}: there f = {at_value:.3g}, "
           "not 0.")


def _at(f, z):
    """f(z), a finite number. Raises TypeError, ValueError."""
    value = numbers(f(z), f"f({z:.3g})")
    if value.numel() != 1:
        raise ValueError(f"f({z:.3g}) has shape {tuple(value.shape)}; expected a number.")
    if not math.isfinite(value.item()):
        raise ValueError(f"f({z:.3g}) = {value.item()}; expected a finite number.")
    return value.item()
