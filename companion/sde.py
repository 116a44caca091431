"""Langevin steps: maps step(k, z, xi) with the noise given, which `with_noise` of companion.noise
draws.

    overdamped   dX = -grad V dt + sqrt(2 T) dW                              keeps exp(-V / T)
    kinetic      dX = Y dt,  dY = -grad V(X) dt - gamma Y dt + sqrt(2 gamma T) dW
                                                              keeps exp(-V / T) x N(0, T I)

T is the temperature, 1 unless said. A kinetic step is a word of three exact flows, from left to
right:

    A: x <- x + s y        B: y <- y - s grad V(x)
    O: y <- c y + sqrt((1 - c^2) T) xi,  c = exp(-gamma s)

Words with one O use xi.y (noise belongs to y), OBABO uses both.
The steps are plain operations: h, T and gamma may be sliders.
Leimkuhler and Matthews, Molecular Dynamics, Springer 2015, chapter 7.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.energies import descent, grad
from companion.flow import euler
from companion.hints import Function, NonNegative, Number, Positive, checked
from companion.inputs import a_number, a_tensor, alike, like
from companion.state import of_points


class Averaged(NamedTuple):
    """The state of averaged noise: the position x (..., d), and the last noise, like it."""

    x: torch.Tensor
    last: torch.Tensor


@checked
def euler_maruyama(drift: Function, h: Positive, *, temperature: NonNegative = 1.0) -> Callable:
    """x + h drift(k h, x) + sqrt(2 h T) xi: one step of dX = drift(t, X) dt + sqrt(2 T) dW,
    weak order 1.

    drift(t, x) -> like x, a field as in `flow`: a score s goes in as lambda t, x: s(x).   h > 0,
    T >= 0: numbers or 0-d tensors;
    xi: like x, independent N(0, 1) numbers. Raises TypeError, ValueError.
    """
    def step(k, x, xi):
        _noise_like(x, xi)
        pull = like(drift(a_number(k, "k") * h, x), x, "drift(t, x)")
        return x + h * pull + (2 * h * temperature) ** 0.5 * xi

    return step


@checked
def ula(V: Function, h: Positive, *, temperature: NonNegative = 1.0) -> Callable:
    """x - h grad V(x) + sqrt(2 h T) xi: the unadjusted Langevin algorithm,
    Euler-Maruyama of a potential V: (..., d) -> (...).

    Its invariant law is off by O(h): for V = lam x^2 / 2 the variance is T / (lam (1 - lam h / 2)),
    finite for h < 2 / lam.
    """
    return euler_maruyama(descent(V), h, temperature=temperature)


@checked
def leimkuhler_matthews(V: Function, h: Positive, *, temperature: NonNegative = 1.0) -> Callable:
    """x' = x - h grad V(x) + sqrt(h T / 2) (xi + xi'): each noise is used in two steps,
    and the error of the invariant law is O(h^2).

    The state is z = Averaged(x, xi), since the next step needs the last noise;
    start from Averaged(x0, xi0) or Averaged(x0, 0 * x0).
    For V quadratic the variance is exact for every stable h. Leimkuhler and Matthews, Appl. Math.
    Res. eXpress 2013, 34-56.
    step(k, z, xi') -> Averaged(x', xi'), xi': like x. Raises TypeError, ValueError.
    """
    def step(k, z, xi):
        x, last = of_points(z, "z", kind=Averaged)
        _noise_like(x, xi)
        return Averaged(x - h * grad(V, x) + (h * temperature / 2) ** 0.5 * (last + xi), xi)

    return step


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


def _noise_like(x, xi):
    if a_tensor(xi, "xi").shape != a_tensor(x, "x").shape:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected the shape of x, "
                         f"{tuple(x.shape)}.")
    alike({"x": x, "xi": xi})
