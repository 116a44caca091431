"""Langevin in time steps: the bias of the unadjusted scheme in closed form,
and the test that removes it.

Scale: potentials V with invariant law exp(-V); S is a matrix (d, d) of curvatures, V(x) = <x,
S x> / 2.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.energies import grad
from companion.entries import Shares
from companion.gaussians import ula_variance
from companion.hints import Function, NonNegative, Number, Positive, checked
from companion.inputs import a_number, a_tensor, alike, like, one_each
from companion.sampling.langevin.linear import Curvatures


class Metropolis(NamedTuple):
    """Positions x (..., d) and a (...), the probabilities with which the last proposals were taken.
    """

    x: torch.Tensor
    a: torch.Tensor


def a_metropolis(z, name, *, extended=False):
    """Return z = Metropolis(x, a) or its noise, where a may be -inf if extended. Raises TypeError,
    ValueError."""
    if not isinstance(z, Metropolis):
        raise TypeError(f"{name} is a {type(z).__name__}; expected Metropolis(x, a), x (..., d) "
                        "and a (...): Metropolis(x, torch.ones_like(x[..., 0])).")
    if not a_tensor(z.x, f"{name}.x").ndim or not z.x.shape[-1]:
        raise ValueError(f"{name}.x has shape {tuple(z.x.shape)}; expected points (..., d).")
    if a_tensor(z.a, f"{name}.a", extended=extended).shape != z.x.shape[:-1]:
        raise ValueError(f"{name}.a has shape {tuple(z.a.shape)}; expected a number for each "
                         f"point, {tuple(z.x.shape[:-1])}.")
    alike(z._asdict())
    return z


Moved = Annotated[Metropolis, a_metropolis]
Draws = Annotated[Metropolis, partial(a_metropolis, extended=True)]  # -inf accepts always


@checked
def mala(V: Function, h: Positive, *, temperature: Positive = 1.0) -> Callable:
    """ULA's step y = x - h grad V(x) + sqrt(2 h T) xi, taken with probability a, else x again:
    exp(-V / T) is kept exactly.

    a = min(1, exp(-(V(y) - V(x)) / T) q(y, x) / q(x, y)),   q(x, y) = exp(-|y - x + h grad
    V(x)|^2 / (4 h T)).

    The state is z = Metropolis(x, a) with the last probability a, so that it can be averaged;
    start from a = 1. step(k, z, xi), xi like z: xi.x proposes, and xi.a decides: yes if
    Phi(xi.a) < a.
    Where V is infinite nothing is accepted; where V or its slope is NaN, the point becomes NaN,
    to be seen in a run, refused elsewhere.
    Roberts and Tweedie, Bernoulli 2 (1996) 341-363. Raises TypeError, ValueError.
    """
    def height(x):
        return one_each(V(x), x.shape[:-1], "V(x)").to(x)

    @checked
    def step(k: Number, z: Moved, xi: Draws) -> Metropolis:
        x, (noise, u) = z.x, like(xi, z, "xi")
        y = x - h * grad(height, x) + (2 * h * temperature) ** 0.5 * noise
        back = (x - y + h * grad(height, y)).square().sum(-1) / (
            4 * h
        ) - temperature * noise.square().sum(-1) / 2
        above = height(y)
        log_a = torch.where(above == math.inf, -math.inf, (height(x) - above - back) / temperature)
        a = torch.exp(torch.clamp(log_a, max=0))
        moved = torch.where((torch.special.ndtr(u) < a)[..., None], y, x)
        return Metropolis(torch.where(a.isnan()[..., None], a[..., None], moved), a)

    return step


@checked
def squared_jump(V: Function, h: Positive, z: Moved, xi: Moved, *,
                 temperature: Positive = 1.0) -> torch.Tensor:
    """E |x' - x|^2 of MALA's step from z, given its proposal: a |y - x|^2, (...).
    Its mean over the target measures the speed.

    z, xi: as for `mala`. A proposal accepted with probability a moves that often.
    """
    # Phi(-inf) = 0: accepted, unless a = 0 and y = x
    always = xi._replace(a=torch.full_like(xi.a, -math.inf))
    y, a = mala(V, h, temperature=temperature)(0, z, always)
    return a * (y - z.x).square().sum(-1)


@checked
def mala_speed(a: Shares) -> torch.Tensor:
    """a Phi^-1(1 - a / 2)^(2/3): the speed of MALA in high dimension as a function of its
    acceptance a in [0, 1], up to a factor.

    The largest is at a = 0.574. Roberts and Rosenthal, J. R. Statist. Soc. B 60 (1998) 255-268:
    a = 2 Phi(-K l^3 / 2), speed l^2 a.
    """
    a = a if isinstance(a, torch.Tensor) else torch.tensor(float(a), dtype=torch.float64)
    # Phi^-1(1 - s) is -Phi^-1(s), which keeps the digits of a small s
    least = torch.finfo(a.dtype).tiny
    return torch.where(a > 0, a * (-torch.special.ndtri(a.clamp(min=least) / 2)) ** (2 / 3), 0)


@checked
def ula_covariance(S: Curvatures, h: Positive) -> torch.Tensor:
    """(S - h S S / 2)^-1: the covariance that ULA keeps for V = <x, S x> / 2, S symmetric;
    S^-1 is right.   S: (d, d), h < 2 / |S|.

    Raises TypeError, ValueError.
    """
    if not h < 2 / torch.linalg.eigvalsh(S)[-1]:
        raise ValueError(f"h = {h} is unstable; expected a step below 2 / |S| = "
                         f"{2 / torch.linalg.eigvalsh(S)[-1]:.4g}.")
    C = torch.linalg.inv(S - h * S @ S / 2)
    return (C + C.T) / 2


@checked
def ula_kl(h: Positive) -> torch.Tensor:
    """(r - 1 - log r) / 2, r = 1 / (1 - h / 2): KL from ULA's invariant law to N(0, 1);
    h^2 / 16 for small h, to all its digits."""
    ula_variance(h)
    log1p, expm1 = ((torch.log1p, torch.expm1) if isinstance(h, torch.Tensor)
                    else (math.log1p, math.expm1))
    a = -log1p(-h / 2)  # log r
    # exp(a) - 1 - a = (exp(a/2) - 1)^2 + 2 (exp(a/2) - 1 - a/2), again and again: no difference
    return sum(2.0**j * expm1(a / 2.0**j) ** 2 for j in range(1, 60)) / 4


@checked
def ula_w2(h: Positive, *, sigma: Positive = 1.0) -> float | torch.Tensor:
    """sigma ((1 - h / (2 sigma^2))^(-1/2) - 1): W2 from ULA's invariant law to N(0, sigma^2);
    h / (4 sigma) for small h, to all its digits."""
    q = sigma / ula_variance(h, lam=sigma**-2) ** 0.5
    return h / (2 * sigma * q * (1 + q))  # 1 / q - 1 = (1 - q^2) / (q (1 + q)): no difference


@checked
def ula_bound(k: NonNegative, h: Positive, kl0: NonNegative, *, d: Positive, lam: Positive,
              L: Positive) -> float:
    """exp(-lam h k) KL_0 + 8 h d L^2 / lam: a bound on KL after k steps of ULA,
    if exp(-V) satisfies LSI(lam), grad V is L-Lipschitz.

    For h <= lam / (4 L^2), else ValueError. Vempala and Wibisono, NeurIPS 2019.
    """
    a_number(h, "h", above=0, most=lam / (4 * L**2))
    return math.exp(-lam * h * k) * kl0 + 8 * h * d * L**2 / lam
