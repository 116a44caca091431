"""What all checks share: numbers in float64, the worst entry, the printed line and the
counterexample."""

import math

import torch

from companion.inputs import a_number


def report(ok, statement, found, counterexample):
    """Print the statement, the verdict and what was found. Raises AssertionError with the
    counterexample if not ok."""
    print(f"{statement}: {'yes' if ok else 'NO'} ({found}).")
    if not ok:
        raise AssertionError(f"{statement}: no. {counterexample}")


def agree(value, expected, tol, statement, name):
    """|value - expected| <= tol max(1, |expected|) in every entry, or AssertionError with the worst
    entry."""
    a_number(tol, "tol", least=0)
    value, expected = numbers(value, name), numbers(expected, "expected")
    if value.shape != expected.shape:
        report(False, statement, f"shape {tuple(value.shape)}", f"{name} has shape "
                                                                f"{tuple(value.shape)}, not "
                                                                f"{tuple(expected.shape)}.")
    error = (value - expected).abs()
    where = worst(error / scale(expected))
    counterexample = f"{name}{at(where)} is {value[where]:.9g}; expected {expected[where]:.9g}."
    report((error <= tol * scale(expected)).all(), statement, f"largest difference {error[where]:.3g}", counterexample)


def magnitude(error):
    """'more than 0.01' for 0.03: the power of ten at or below the error, which tells its size and
    no digit of an answer."""
    if not math.isfinite(error):
        return "more than any number"
    return "nothing" if error == 0 else f"more than {10.0 ** math.floor(math.log10(error)):g}"


def numbers(value, name):
    """value as a float64 tensor on the CPU, without gradient. Raises TypeError."""
    try:
        return torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name} is a {type(value).__name__}; expected a number or a tensor."
        ) from error


def scale(x):
    """max(1, |x|), entry by entry."""
    return x.abs().clamp(min=1)


def worst(values):
    """The index of the largest entry, NaN counting as the largest."""
    if values.numel() == 0:
        raise ValueError("There is nothing to check: the tensor is empty; expected at least one "
                         "number.")
    return tuple(int(i) for i in torch.unravel_index(values.nan_to_num(nan=math.inf).argmax(), values.shape))


def at(where):
    """' at (i, j)', or nothing for a single number."""
    return f" at {where}" if where else ""
