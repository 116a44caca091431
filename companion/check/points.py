"""Theorems at a point: a fixed point, a gradient, a root, a value."""

import torch

from companion.check.report import agree, at, magnitude, numbers, report, scale, worst
from companion.inputs import a_function, a_number, a_tensor


def close(value, expected, *, tol=1e-6, name="value"):
    """value = expected: numbers or tensors of one shape; prints both where they differ. Raises AssertionError, TypeError, ValueError.

    To check the answer of an exercise use `answer`.
    """
    agree(value, expected, tol, f"The {name} is as expected", name)


def answer(value, expected, *, tol=1e-6, name="value"):
    """value = expected, which is not printed: of a wrong value the side is said, and the power of ten of its error.

    Numbers or tensors of one shape. Raises AssertionError, TypeError, ValueError.
    """
    a_number(tol, "tol", least=0)
    value, expected = numbers(value, name), numbers(expected, "expected")
    if value.shape != expected.shape:
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected {tuple(expected.shape)}.")
    error = (value - expected).abs()
    where = worst(error / scale(expected))
    off, side = magnitude(error[where].item()), "large" if value[where] > expected[where] else "small"
    found = f"{value[where]:.9g}{at(where)}"
    report((error <= tol * scale(expected)).all(), f"The {name} is right to {tol:g}", found, f"{found} is too {side}, by {off}.")


def fixed_point(step, x, *, tol=1e-6):
    """step(0, x) = x, for a map step(k, x). Raises AssertionError, TypeError, ValueError."""
    a_function(step, "step")
    agree(step(0, a_tensor(x)), x, tol, "The state is a fixed point", "step(0, x)")


def gradient(f, g, x, *, tol=1e-6):
    """g(x) = grad f(x), against (f(x + h e) - f(x - h e)) / 2h in float64 for every unit vector e. f: (*shape) -> (...), summed.

    g(x) has the shape of x. Raises AssertionError, TypeError, ValueError.
    """
    a_function(f, "f")
    a_function(g, "g")
    a_number(tol, "tol", least=0)
    x, h = a_tensor(x).detach().to(torch.float64), 1e-5

    def total(y):
        return numbers(f(y), "f(x)").sum()

    units = torch.eye(x.numel(), dtype=x.dtype, device=x.device).view(-1, *x.shape)
    differences = torch.stack([(total(x + h * e) - total(x - h * e)) / (2 * h) for e in units]).view(x.shape)
    # The differences carry the rounding of f divided by h: no gradient can be asked to agree better than that.
    rounding = 10 * torch.finfo(x.dtype).eps * total(x).abs().item() / h
    agree(g(x), differences, tol + rounding, "The gradient agrees with finite differences", "g(x)")


def root(f, value, lo, hi, *, tol=1e-6):
    """value is the root, between lo and hi, of a monotone function f of a number: found by bisection, and not printed.

    Raises AssertionError, TypeError; ValueError if f does not change its sign between lo and hi.
    """
    a_function(f, "f")
    for number, name in ((value, "value"), (lo, "lo"), (hi, "hi"), (tol, "tol")):
        a_number(number, name)
    value, a, b = float(value), float(lo), float(hi)
    at_a, at_b = float(f(a)), float(f(b))
    if not (min(at_a, at_b) <= 0 <= max(at_a, at_b) and a < b):
        raise ValueError(f"f({a}) = {at_a:.3g} and f({b}) = {at_b:.3g}; expected lo < hi and a change of sign between them.")
    for _ in range(200):
        middle = (a + b) / 2
        a, b = (a, middle) if (f(middle) > 0) == (at_b > at_a) else (middle, b)
    at_value = float(f(value))
    report(abs(value - b) <= tol * max(1.0, abs(b)), "The value is the root", f"f({value:.9g}) = {at_value:.3g}",
           f"{value:.9g} is too {'large' if value > b else 'small'}: there f = {at_value:.3g}, not 0.")
