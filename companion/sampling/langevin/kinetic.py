"""What kinetic Langevin keeps on quadratic potentials, and how fast it forgets:
the variances of the words of `companion.sde`, the gap, the best friction.

Leimkuhler and Matthews, Molecular Dynamics, Springer 2015, chapter 7.
"""

from typing import NamedTuple

import torch

from companion.entries import Numbers, Positives
from companion.hints import Positive, Tensor, checked
from companion.inputs import concrete_value
from companion.sampling.langevin.linear import as_tensors


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
def kinetic_gap(gamma: Numbers, *, omega: Positives = 1.0) -> torch.Tensor:
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
