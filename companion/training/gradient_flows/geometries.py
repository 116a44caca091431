"""One energy, KL(rho | pi), three geometries on densities: mass moves, mass is reweighted, or both.

    transport   d_t rho = d_x(rho d_x log(rho / pi))                    W2:
    the Fokker-Planck equation reweight    d_t rho = -rho
    (log(rho / pi) - KL(rho | pi))           Fisher-Rao:
    rho_t proportional to rho_0^{e^-t} pi^{1 - e^-t} both        the sum of the
    two                                      Wasserstein-Fisher-Rao

Sources: Otto, Comm. PDE 26 (2001); Lu, Lu and Nolen, Accelerating Langevin sampling with
birth-death (2019), for the sum.
Densities are values on a uniform grid (m,), of sum times h equal to 1. pi = e^{-U} / Z,
with U = V / eps for a potential V.
"""

from collections.abc import Callable

import torch

from companion.hints import Count, Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import batch, concrete_value
from companion.training.entries import Density, MeanVariance, Numbers, Positives, values
from companion.training.gradient_flows.fokker_planck import Grid, on_grid, spacing, transition


@checked
def fisher_rao_field(pi: Density) -> Callable:
    """The field v(t, rho) = -rho (log(rho / pi) - mean of log(rho / pi) under rho),
    0 where rho is 0.

    pi > 0, rho: (..., m) on a common uniform grid. Raises TypeError, ValueError.
    """
    _positive(pi)

    @checked
    def v(t: Number, rho: Density) -> Tensor:
        _on_one_grid(rho, pi)
        surprise = torch.log(torch.where(rho == 0, pi, rho) / pi)
        return -rho * (
            surprise - (rho * surprise).sum(-1, keepdim=True) / rho.sum(-1, keepdim=True)
        )

    return v


@checked
def fisher_rao(rho: Density, pi: Density, h: Positive, *, t: NonNegative) -> Tensor:
    """rho^{e^-t} pi^{1 - e^-t}, of sum times h equal to 1: the exact flow for a time t >= 0.
    Where rho is 0 it stays 0."""
    _on_one_grid(rho, pi)
    keep = torch.exp(-torch.as_tensor(t, dtype=rho.dtype, device=rho.device))
    mixed = rho**keep * pi ** (1 - keep)
    return mixed / (mixed.sum(-1, keepdim=True) * h)


@checked
def fisher_rao_gaussian(m: Numbers, v: Positives, *, target: MeanVariance, t: NonNegative) -> tuple:
    """Mean and variance after the time t: the precisions 1/v and precision times mean interpolate
    with weights e^-t, 1 - e^-t.

    target: (mean, variance) of pi.
    """
    (r, w), t = target, torch.as_tensor(t, dtype=torch.float64)
    shapes = (getattr(a, "shape", ()) for a in (m, v, r, w))
    batch(*zip(shapes, ("m", "v", "target[0]", "target[1]"), strict=True))
    keep, gone = torch.exp(-t), -torch.expm1(-t)
    precision = keep / v + gone / w
    return (keep * m / v + gone * r / w) / precision, 1 / precision


@checked
def transport(rho: Density, U: Function, grid: Grid, *, dt: Positive,
              halvings: Count = 10) -> Tensor:
    """rho (..., m) after the time dt of the transport flow.   U: (m, 1) -> (m,), the potential -log
    pi; halvings: see `transition`."""
    on_grid(rho, grid)
    return rho @ transition(U, grid, dt=dt, halvings=halvings)


@checked
def reweight(rho: Density, U: Function, grid: Grid, *, dt: NonNegative) -> Tensor:
    """rho (..., m) after the time dt of the reweighting flow."""
    on_grid(rho, grid)
    h = spacing(grid)
    return fisher_rao(rho, torch.softmax(-values(U, grid[:, None]), -1) / h, h, t=dt)


@checked
def both(rho: Density, U: Function, grid: Grid, *, dt: Positive) -> Tensor:
    """rho (..., m) after the time dt of both flows, one after the other:
    an error O(dt) of splitting; the equilibrium is exact."""
    return reweight(transport(rho, U, grid, dt=dt), U, grid, dt=dt)


@checked
def kl_on_grid(rho: Density, pi: Density, h: Positive) -> Tensor:
    """KL(rho | pi) = h sum rho log(rho / pi), 0 log 0 = 0; inf where rho > 0 = pi.   (..., m)."""
    _on_one_grid(rho, pi)
    inside, target = (torch.where(rho > 0, a, torch.ones_like(a)) for a in (rho, pi))
    return (rho * (torch.log(inside) - torch.log(target))).sum(-1) * h


def _on_one_grid(rho, pi):
    """rho and pi (..., m) have as many points, and batches that go together. Raises ValueError."""
    if 0 in (rho.ndim, pi.ndim) or rho.shape[-1] != pi.shape[-1] or rho.shape[-1] == 0:
        raise ValueError(f"rho has shape {tuple(rho.shape)} and pi {tuple(pi.shape)}; "
                         "expected numbers on one grid: (..., m).")
    batch((rho.shape, "rho"), (pi.shape, "pi"))


def _positive(pi):
    if concrete_value(lambda: (pi == 0).any(), pi):
        raise ValueError("pi is 0 at a point of the grid; "
                         "expected a density above 0 there: a shorter grid, or a wider pi.")
