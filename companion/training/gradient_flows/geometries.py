"""One energy, KL(rho | pi), three geometries on densities: mass moves, mass is reweighted, or both.

    fokker_planck_step   d_t rho = d_x(rho d_x log(rho / pi))             W2: transport
    fisher_rao_step      d_t rho = -rho (log(rho / pi) - KL(rho | pi))    Fisher-Rao: reweighting
    wfr_step             the sum of the two                               Wasserstein-Fisher-Rao

Sources: Otto, Comm. PDE 26 (2001); Lu, Lu and Nolen, Accelerating Langevin sampling with
birth-death (2019), for the sum.
Densities are values on a uniform grid (m,), of sum times h equal to 1. pi = e^{-U} / Z,
with U = V / eps for a potential V: the clock is that of KL, eps = 1.
"""

from companion.entries import Density, Grid
from companion.fokker_planck import equilibrium, fisher_rao, fokker_planck_step
from companion.hints import Function, NonNegative, Positive, Tensor, checked


@checked
def fisher_rao_step(rho: Density, U: Function, grid: Grid, *, dt: NonNegative) -> Tensor:
    """rho (..., m) after the time dt of the reweighting flow.   U: (m, 1) -> (m,), the potential
    -log pi."""
    return fisher_rao(rho, equilibrium(U, grid), t=dt)


@checked
def wfr_step(rho: Density, U: Function, grid: Grid, *, dt: Positive) -> Tensor:
    """rho (..., m) after the time dt of both flows, one after the other:
    an error O(dt) of splitting; the equilibrium is exact."""
    return fisher_rao_step(fokker_planck_step(rho, U, grid, dt=dt), U, grid, dt=dt)
