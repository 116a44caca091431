"""Potentials f: (..., d) -> (...) that several chapters share. `descent(f)` is their field -grad f.

Each acts on the last axis, so that one call takes a point, a cloud, or a batch of clouds.
"""

from collections.abc import Callable

from companion.hints import Number, Positive, Tensor, checked
from companion.inputs import a_tensor, alike


@checked
def quadratic(A: Tensor) -> Callable:
    """f(x) = <x, A x> / 2.   A: (d, d), of which only the symmetric part counts;
    inf where it overflows. Raises TypeError, ValueError."""
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise ValueError(f"A has shape {tuple(A.shape)}; expected a square matrix (d, d): a list "
                         "of curvatures is torch.diag(curvatures).")

    @checked
    def f(x: Tensor) -> Tensor:
        """<x, A x> / 2, inf where it overflows."""
        _points(x, A.shape[0])
        alike({"A": A, "x": x})
        return (x * (x @ A)).sum(-1) / 2

    return f


@checked
def double_well(x: Tensor) -> Tensor:
    """f(x) = (x_1^2 - 1)^2 / 4 + (x_2^2 + ... + x_d^2) / 2: wells at +-e_1, a pass of height
    1/4 at 0.   x: (..., d), d >= 1."""
    _points(x)
    return (x[..., 0].square() - 1).square() / 4 + x[..., 1:].square().sum(-1) / 2


@checked
def rosenbrock(x: Tensor, *, a: Number = 1.0, b: Positive = 100.0) -> Tensor:
    """f(x) = (a - x_1)^2 + b (x_2 - x_1^2)^2: a curved valley, minimum 0 at (a, a^2).   x:
    (..., 2), b > 0.

    Rosenbrock, The Computer Journal 3 (1960) 175-184.
    """
    _points(x, 2)
    return (a - x[..., 0]).square() + b * (x[..., 1] - x[..., 0].square()).square()


def _points(x, d=None):
    a_tensor(x, "x")
    if x.ndim == 0 or x.shape[-1] == 0 or d not in (None, x.shape[-1]):
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., {d or 'd'}): one "
                         "row for each point.")
