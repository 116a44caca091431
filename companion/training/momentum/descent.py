"""Descent without memory: the gradient, its sign, its direction, its image in a mirror.
Maps step(k, x) for `iterate`.

Each is steepest descent in some geometry (Balles, Pedregosa, Le Roux, arXiv:2002.08056; Beck and
Teboulle, Oper. Res. Lett. 31 (2003) 167-175).
x: (..., d), as many starts as there are leading entries; f: (..., d) -> (...), one number a start;
lr > 0.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch

from companion.energies import grad
from companion.entries import Points
from companion.hints import Function, Number, Positive, Tensor, an_instance, checked
from companion.inputs import a_number, concrete_value, like
from companion.training.momentum.phase import euclidean, ratio


@checked
def gradient_descent(k: Number, x: Tensor, *, f: Function, lr: Positive) -> Tensor:
    """x - lr grad f(x): stable on a curvature L iff lr < 2 / L. Autonomous: k is not used."""
    return x - lr * grad(f, x)


@checked
def sign_descent(k: Number, x: Tensor, *, f: Function, lr: Positive) -> Tensor:
    """x - lr sign(grad f(x)), coordinate by coordinate: steepest descent in the largest-coordinate
    norm. Each coordinate moves by lr, or is at rest.

    Autonomous: k is not used.
    """
    return x - lr * torch.sign(grad(f, x))


@checked
def normalised_descent(k: Number, x: Points, *, f: Function, lr: Positive) -> Tensor:
    """x - lr g / |g|, g = grad f(x): each start moves by the length lr, or not at all where g = 0.
    Autonomous: k is not used."""
    g = grad(f, x)
    return x - lr * ratio(g, euclidean(g)[..., None])


class Mirror(NamedTuple):
    """A mirror map: up is the gradient of a convex psi, down its inverse, the gradient of the dual
    psi*; both (..., d) -> (..., d)."""

    up: Callable
    down: Callable


euclid = Mirror(lambda x: x, lambda y: y)  # psi = |x|^2 / 2
entropy = Mirror(torch.log, torch.exp)  # psi = sum x log x - x, for x > 0
simplex = Mirror(torch.log, lambda y: torch.softmax(y, -1))  # the same among x > 0 of sum 1


def _above_one(p, name):
    return a_number(p, name, above=1)


_a_mirror = an_instance(Mirror, "a Mirror: entropy, simplex, euclid, power(p), or Mirror(up, down)")


@checked
def power(p: Annotated[float | torch.Tensor, _above_one]) -> Mirror:
    """psi(x) = sum_i |x_i|^p / p, p > 1: the `Mirror` between the exponents p and p / (p - 1).
    Raises TypeError, ValueError."""
    return Mirror(lambda x: torch.sign(x) * x.abs() ** (p - 1),
                  lambda y: torch.sign(y) * y.abs() ** (1 / (p - 1)))


@checked
def mirror_descent(k: Number, x: Tensor, *, f: Function, lr: Positive,
                   mirror: Annotated[Mirror, _a_mirror] = entropy) -> Tensor:
    """grad psi(x_{k+1}) = grad psi(x_k) - lr grad f(x_k); with `entropy` x exp(-lr grad f),
    with `simplex` the same divided by its sum.

    Nemirovski and Yudin (1983). Autonomous: k is not used. Raises TypeError, ValueError.
    """
    seen = like(mirror.up(x), x, "mirror.up(x)")
    if concrete_value(lambda: seen.isnan().any(), seen):
        raise ValueError("mirror.up(x) is NaN: x lies outside of the mirror's domain; "
                         "expected x > 0 for entropy and simplex.")
    return like(mirror.down(seen - lr * grad(f, x)), x, "mirror.down(y)")
