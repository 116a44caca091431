"""Birth and death: mass is not moved, it is reweighted. The Fisher-Rao flow of KL(. | pi),

    d/dt rho = -rho (log(rho / pi) - KL(rho | pi)),      rho_t = rho_0^(e^-t)
    pi^(1 - e^-t) / normalisation,

whose rate is 1 for every pi: a barrier or a wide target does not slow it.
But where rho_0 has no mass it never has any.
On a grid laws are masses p (..., m) of sum 1, of m cells; for particles the flow becomes jumps:
those in excess die, others split.
Lu, Lu and Nolen, Accelerating Langevin sampling with birth-death, arXiv 1905.09863;
Lu, Slepcev and Wang, Nonlinearity 36 (2023) 5731-5772.
"""

import math
from collections.abc import Callable
from typing import Annotated

import torch

from companion.hints import Cloud, Function, NonNegative, Number, Positive, checked
from companion.inputs import a_tensor, batch, concrete_value, like, one_each
from companion.kernels import gaussian_sum


def masses(p, name):
    """Return p (..., m), entries of at least 0 and sum 1. Raises TypeError, ValueError."""
    if a_tensor(p, name).ndim == 0:
        raise ValueError(f"{name} has shape (); expected masses of the cells of a grid: (..., m).")
    if concrete_value(lambda: (p < 0).any() | ((p.sum(-1) - 1).abs() > 1e-3).any(), p):
        raise ValueError(f"{name} has a negative entry or a sum other than 1; expected masses: "
                         f"{name} / {name}.sum(-1, keepdim=True).")
    return p


Masses = Annotated[torch.Tensor, masses]


@checked
def grid_kl(p: Masses, pi: Masses) -> torch.Tensor:
    """KL(p | pi) = sum p log(p / pi), 0 log 0 = 0.   p: (..., m), pi: (m,) or like p,
    masses of sum 1, pi > 0 -> (...)."""
    return (p * _log_ratio(p, pi)).sum(-1)


@checked
def fisher_rao(t: Number, p: Masses, *, pi: Masses) -> torch.Tensor:
    """-p (log(p / pi) - KL(p | pi)): the Fisher-Rao flow of KL on a grid, a field for `flow`.
    Mass is conserved.   p: (..., m), pi as there."""
    ratio = _log_ratio(p, pi)
    return -p * (ratio - (p * ratio).sum(-1, keepdim=True))


@checked
def fisher_rao_at(t: NonNegative, p: Masses, *, pi: Masses) -> torch.Tensor:
    """p^(e^-t) pi^(1 - e^-t), normalised: where `fisher_rao` has come after the time t >= 0 from p,
    exactly.   p: (..., m) -> like p.

    A number or 0-d tensor t; steps compose: t after s is t + s. A mass that is 0 stays 0.
    Plain operations. Raises TypeError, ValueError.
    """
    _log_ratio(p, pi)
    left = torch.exp(-torch.as_tensor(t, dtype=p.dtype, device=p.device))
    weight = torch.softmax(left * _log(p) + (1 - left) * _log(pi), -1) * (p > 0)
    return weight / weight.sum(-1, keepdim=True)


@checked
def birth_death_rate(x: Cloud, V: Function, *, bandwidth: Positive) -> torch.Tensor:
    """log (K * rho)(x_i) + V(x_i) minus its mean over i: how much too crowded it is at x_i,
    for the target exp(-V).   x: (..., n, d) -> (..., n).

    rho is the cloud's law, K the Gaussian density of standard deviation `bandwidth` > 0.
    Constants in V do not matter.
    """
    height = one_each(V(x), x.shape[:-1], "V(x)").to(x)
    crowd = torch.log(gaussian_sum(x, x, length=bandwidth)) + height
    return crowd - crowd.mean(-1, keepdim=True)


@checked
def birth_death(V: Function, h: Positive, *, bandwidth: Positive) -> Callable:
    """The map step(k, x, xi) of birth and death for the target exp(-V): n particles x (..., n, d),
    xi like x, independent N(0, 1) numbers.

    With L = `birth_death_rate`: where L_i > 0, x_i dies with probability 1 - exp(-h L_i),
    and a copy of another particle takes its place; where L_i < 0, x_i splits with probability
    1 - exp(h L_i), and its copy takes the place of another. The other one is drawn uniformly,
    n is kept. All draws of a step are made at once: of several copies for one place the last wins,
    and a copy wins over a death; this is O(h^2). One number a particle is used:
    U = Phi(xi_i1) decides, and given an event U / probability is uniform, and draws the other.
    The bias of the kernel: at rest K * rho, not rho, is the target. V: (..., d) -> (...), h > 0.
    Raises TypeError, ValueError.
    """

    @checked
    def step(k: Number, x: Cloud, xi: Cloud) -> torch.Tensor:
        if like(xi, x, "xi").shape[-2] < 2:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (..., n, d) with n >= 2: a "
                             "single particle has no other.")
        return _jump(x, xi[..., 0], birth_death_rate(x, V, bandwidth=bandwidth), h)

    return step


def _jump(x, xi, L, h):
    n = x.shape[-2]
    place, one, none = (
        torch.arange(n, dtype=x.dtype, device=x.device),
        torch.ones_like(L),
        torch.zeros_like(L),
    )
    u, chance = (1 + torch.erf(xi / math.sqrt(2))) / 2, -torch.expm1(-h * L.abs())
    event = u < chance
    share = torch.where(event, u / torch.where(event, chance, one), none)
    # any place but its own
    other = torch.remainder(place + 1 + torch.clamp(torch.floor(share * (n - 1)), max=n - 2), n)
    dies, splits = event & (L > 0), event & (L < 0)
    # 0: no one
    claims = torch.where(splits[..., :, None] & (other[..., :, None] == place), place[:, None] + 1,
                         none[..., None]).amax(-2)
    source = torch.where(claims > 0, claims - 1, torch.where(dies, other, place))
    return (source[..., :, None] == place).to(x.dtype) @ x


def _log(p):
    return torch.log(p.clamp(min=torch.finfo(p.dtype).tiny))


def _log_ratio(p, pi):
    """log(p / pi), finite where p = 0; the grids checked."""
    if pi.shape[-1] != p.shape[-1]:
        raise ValueError(f"pi has shape {tuple(pi.shape)}; expected masses of the {p.shape[-1]} "
                         "cells of p: (..., m) and (m,).")
    if batch((p.shape, "p"), (pi.shape, "pi")) != p.shape:
        raise ValueError(f"pi has shape {tuple(pi.shape)}; expected (m,), or the shape of p, "
                         f"{tuple(p.shape)}.")
    return _log(p) - _log(pi)
