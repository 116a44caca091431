"""Kinetic Langevin: dX = Y dt, dY = -grad V(X) dt - gamma Y dt + sqrt(2 gamma T) dW.
It keeps exp(-V / T) x N(0, T I).

Phase space: z = Phase(x, y). A step is a word of three exact flows, applied from left to right:

    A: x <- x + s y        B: y <- y - s grad V(x)        O:
    y <- c y + sqrt((1 - c^2) T) xi,  c = exp(-gamma s)

and step(k, z, xi) takes xi like z. Words with one O use xi.y (noise belongs to y), OBABO uses both.
Leimkuhler and Matthews, Molecular Dynamics, Springer 2015, chapter 7.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.energies import grad
from companion.flow import euler
from companion.hints import Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import concrete_value, like
from companion.sampling.langevin.linear import Numbers, PositiveNumbers, as_tensors
from companion.state import of_points


class Phase(NamedTuple):
    """Positions x (..., d) and velocities y, like x."""

    x: torch.Tensor
    y: torch.Tensor


InPhaseSpace = Annotated[Phase, partial(of_points, kind=Phase)]


@checked
def kinetic_field(V: Function, *, gamma: NonNegative) -> Callable:
    """v(t, z) = Phase(y, -grad V(x) - gamma y), the drift: followed by the mean of the law if V is
    quadratic. Raises TypeError, ValueError."""

    @checked
    def v(t: Number, z: InPhaseSpace) -> Phase:
        return Phase(z.y, -grad(V, z.x) - gamma * z.y)

    return v


@checked
def baoab(V: Function, h: Positive, *, gamma: NonNegative,
          temperature: NonNegative = 1.0) -> Callable:
    """B(h/2) A(h/2) O(h) A(h/2) B(h/2): positions exact on quadratics, and O(h^4) in the limit
    of large friction."""
    return _splitting("BAOAB", V, h, gamma, temperature)


@checked
def obabo(V: Function, h: Positive, *, gamma: NonNegative,
          temperature: NonNegative = 1.0) -> Callable:
    """O(h/2) B(h/2) A(h) B(h/2) O(h/2): a leapfrog step between two partial refreshments;
    velocities exact on quadratics."""
    return _splitting("OBABO", V, h, gamma, temperature)


@checked
def aboba(V: Function, h: Positive, *, gamma: NonNegative,
          temperature: NonNegative = 1.0) -> Callable:
    """A(h/2) B(h/2) O(h) B(h/2) A(h/2): positions exact on quadratics, one gradient,
    at the midpoint."""
    return _splitting("ABOBA", V, h, gamma, temperature)


@checked
def kinetic_euler(V: Function, h: Positive, *, gamma: NonNegative,
                  temperature: NonNegative = 1.0) -> Callable:
    """x' = x + h y,  y' = y - h grad V(x) - h gamma y + sqrt(2 gamma h T) xi: Euler-Maruyama,
    weak order 1."""
    v = kinetic_field(V, gamma=gamma)

    @checked
    def step(k: Number, z: InPhaseSpace, xi: InPhaseSpace) -> Phase:
        x, y = euler(v, k * h, z, h)
        return Phase(x, y + (2 * gamma * h * temperature) ** 0.5 * like(xi, z, "xi").y)

    return step


def _splitting(word, V, h, gamma, temperature):
    """The palindrome of exact flows: the letter in the middle runs for h if it stands once,
    each other letter for h / 2."""

    @checked
    def step(k: Number, z: InPhaseSpace, xi: InPhaseSpace) -> Phase:
        (x, y), noises = z, [like(xi, z, "xi").y, xi.x]
        for letter in word:
            s = h / word.count(letter)
            if letter == "A":
                x = x + s * y
            elif letter == "B":
                y = y - s * grad(V, x)
            else:
                c = torch.exp(-torch.as_tensor(gamma * s, dtype=y.dtype, device=y.device))
                y = c * y + ((1 - c**2) * temperature) ** 0.5 * noises.pop(0)
        return Phase(x, y)

    return step


class Variances(NamedTuple):
    """omega^2 Var x and Var y of a stationary law, 1 and 1 in continuous time."""

    x: float
    y: float


@checked
def baoab_variances(h: Positive, *, omega: Positive = 1.0) -> Variances:
    """(1, 1 - (h omega)^2 / 4): what BAOAB keeps on V = omega^2 x^2 / 2, for h omega < 2 and any
    friction."""
    return Variances(_one(h, omega), 1 - _quarter(h, omega))


@checked
def obabo_variances(h: Positive, *, omega: Positive = 1.0) -> Variances:
    """(1 / (1 - (h omega)^2 / 4), 1): what OBABO keeps on V = omega^2 x^2 / 2, for h omega < 2 and
    any friction."""
    return Variances(1 / (1 - _quarter(h, omega)), _one(h, omega))


@checked
def aboba_variances(h: Positive, *, omega: Positive = 1.0) -> Variances:
    """(1, 1 / (1 - (h omega)^2 / 4)): what ABOBA keeps on V = omega^2 x^2 / 2, for h omega < 2 and
    any friction."""
    return Variances(_one(h, omega), 1 / (1 - _quarter(h, omega)))


@checked
def kinetic_euler_variances(h: Positive, *, gamma: Positive, omega: Positive = 1.0) -> Variances:
    """What Euler-Maruyama keeps on V = omega^2 x^2 / 2:  Var y = c,  omega^2 Var
    x = c (1 - gamma h / 2 + (omega h)^2 / 2),

    c = 2 gamma / (2 gamma - gamma^2 h - omega^2 h (2 - 3 gamma h / 2 + (omega h)^2 / 2)),
    where stable; else ValueError.
    """
    rest = 2 * gamma - gamma**2 * h - omega**2 * h * (2 - 3 * gamma * h / 2 + (omega * h) ** 2 / 2)
    if not (gamma > omega**2 * h and rest > 0):  # spectral radius below 1, by Jury's criterion
        raise ValueError(f"h = {h} is unstable for gamma = {gamma}, omega = {omega}; expected a "
                         "smaller step.")
    c = 2 * gamma / rest
    return Variances(c * (1 - gamma * h / 2 + (omega * h) ** 2 / 2), c)


@checked
def kinetic_gap(gamma: Numbers, *, omega: PositiveNumbers = 1.0) -> torch.Tensor:
    """(gamma - sqrt(max(0, gamma^2 - 4 omega^2))) / 2: means on V = omega^2 x^2 / 2 decay like
    exp(-gap t), at best omega at gamma = 2 omega.

    There a Jordan block makes it (1 + omega t) exp(-omega t). gamma, omega: numbers or tensors;
    with several omega take the least.
    """
    gamma, omega = as_tensors(gamma=gamma, omega=omega)
    return (gamma - torch.sqrt(torch.clamp(gamma**2 - 4 * omega**2, min=0))) / 2


@checked
def best_friction(curvatures: Tensor) -> torch.Tensor:
    """2 sqrt(m), m the least curvature: the friction with the largest gap, sqrt(m).   curvatures:
    (d,), positive. A 0-d tensor."""
    if curvatures.ndim != 1 or not len(curvatures):
        raise ValueError(f"curvatures has shape {tuple(curvatures.shape)}; expected positive "
                         "numbers (d,).")
    if concrete_value(lambda: (curvatures <= 0).any(), curvatures):
        raise ValueError("curvatures has an entry that is not positive; expected positive numbers "
                         "(d,).")
    return 2 * curvatures.min().sqrt()


def _quarter(h, omega):
    if not h * omega < 2:
        raise ValueError(f"h omega = {h * omega}; expected a stable step, 0 < h omega < 2.")
    return (h * omega) ** 2 / 4


def _one(h, omega):
    return 1.0 + 0 * _quarter(h, omega)
