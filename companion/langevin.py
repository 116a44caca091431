"""Langevin dynamics dX = -grad V dt + sqrt(2 T) dW as maps step(k, x, xi) with the noise given:
`with_noise` of companion.noise draws it.

T is the temperature, 1 unless said; the law exp(-V / T) is invariant.
The steps are plain operations: h and T may be sliders.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from companion.energies import descent, grad
from companion.hints import Function, NonNegative, Positive, checked
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
        return x + h * like(drift(a_number(k, "k") * h, x), x, "drift(t, x)") + (2 * h * temperature) ** 0.5 * xi

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


def _noise_like(x, xi):
    if a_tensor(xi, "xi").shape != a_tensor(x, "x").shape:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected the shape of x, "
                         f"{tuple(x.shape)}.")
    alike({"x": x, "xi": xi})
