"""One energy, KL(rho | pi), three geometries on densities: mass moves, mass is reweighted, or both.

    transport   d_t rho = d_x(rho d_x log(rho / pi))                    W2: the Fokker-Planck equation
    reweight    d_t rho = -rho (log(rho / pi) - KL(rho | pi))           Fisher-Rao: rho_t proportional to rho_0^{e^-t} pi^{1 - e^-t}
    both        the sum of the two                                      Wasserstein-Fisher-Rao

Sources: Otto, Comm. PDE 26 (2001); Lu, Lu and Nolen, Accelerating Langevin sampling with birth-death (2019), for the sum.
Densities are values on a uniform grid (m,), of sum times h equal to 1. pi = e^{-U} / Z, with U = V / eps for a potential V.
"""

import torch

from companion.inputs import a_number, a_tensor
from companion.training.gradient_flows.fokker_planck import spacing, transition


def fisher_rao_field(pi):
    """The field v(t, rho) = -rho (log(rho / pi) - mean of log(rho / pi) under rho).   pi, rho: (..., m) on a common uniform grid."""
    a_tensor(pi, "pi")

    def v(t, rho):
        surprise = torch.log(rho / pi)
        return -rho * (surprise - (rho * surprise).sum(-1, keepdim=True) / rho.sum(-1, keepdim=True))

    return v


def fisher_rao(rho, pi, h, *, t):
    """rho^{e^-t} pi^{1 - e^-t}, of sum times h equal to 1: the exact flow for a time t >= 0. Where rho is 0 it stays 0."""
    a_number(t, "t", least=0)
    keep = torch.exp(-torch.as_tensor(t, dtype=rho.dtype, device=rho.device))
    mixed = a_tensor(rho, "rho") ** keep * a_tensor(pi, "pi") ** (1 - keep)
    return mixed / (mixed.sum(-1, keepdim=True) * h)


def fisher_rao_gaussian(m, v, *, target, t):
    """Mean and variance after the time t: the precisions 1/v and precision times mean interpolate with weights e^-t, 1 - e^-t.

    target: (mean, variance) of pi.
    """
    a_number(t, "t", least=0)
    (r, w), keep = target, torch.exp(-torch.as_tensor(t, dtype=torch.float64))
    precision = keep / v + (1 - keep) / w
    return (keep * m / v + (1 - keep) * r / w) / precision, 1 / precision


def transport(rho, U, grid, *, dt, halvings=10):
    """rho (..., m) after the time dt of the transport flow.   U: (m, 1) -> (m,), the potential -log pi; halvings: see `transition`."""
    return rho @ transition(U, grid, dt=a_number(dt, "dt", above=0), halvings=halvings)


def reweight(rho, U, grid, *, dt):
    """rho (..., m) after the time dt of the reweighting flow."""
    h = spacing(grid)
    return fisher_rao(rho, torch.softmax(-U(grid[:, None]), -1) / h, h, t=dt)


def both(rho, U, grid, *, dt):
    """rho (..., m) after the time dt of both flows, one after the other: an error O(dt) of splitting; the equilibrium is exact."""
    return reweight(transport(rho, U, grid, dt=dt), U, grid, dt=dt)


def kl_on_grid(rho, pi, h):
    """KL(rho | pi) = h sum rho log(rho / pi), with 0 log 0 = 0.   rho, pi: (..., m)."""
    inside = torch.where(a_tensor(rho, "rho") > 0, rho, torch.ones_like(rho))
    return (rho * (torch.log(inside) - torch.log(pi))).sum(-1) * h
