"""The Fokker-Planck equation d_t rho = d_x(rho V') + eps d_xx rho on a grid,
by the rates of Scharfetter and Gummel.

Cells of width h exchange mass at the rates

    r(i -> i+1) = (eps / h^2) B((V_{i+1} - V_i) / eps),    r(i+1 -> i) = (eps / h^2)
    B(-(V_{i+1} - V_i) / eps),    B(z) = z / (e^z - 1).

Since B(-z) = e^z B(z), the discrete equilibrium is exactly e^{-V_i / eps};
mass is kept and no density becomes negative.
Sources: Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969); Eyring-Kramers:
Bovier, Gayrard and Klein, J. Eur. Math. Soc. 7 (2005).
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated

import torch
from scipy.linalg import eigh_tridiagonal

from companion.energies import grad
from companion.hints import Count, Function, Number, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor, alike, concrete_value
from companion.training.entries import values, wide


def _a_grid(grid, name):
    """Return grid, a uniform increasing tensor (m,), m >= 3. Raises TypeError, ValueError."""
    if a_tensor(grid, name).ndim != 1 or len(grid) < 3:
        raise ValueError(f"{name} has shape {tuple(grid.shape)}; "
                         "expected at least three points (m,).")
    h = (grid[-1] - grid[0]) / (len(grid) - 1)
    if concrete_value(lambda: ((torch.diff(grid) - h).abs() < 1e-3 * h).all(), grid) is False:
        raise ValueError(f"{name} is not uniform and increasing; "
                         "expected torch.linspace(lo, hi, m).")
    return grid


def _critical(points, name):
    """Return points, a sequence of numbers. Raises TypeError, ValueError."""
    row = isinstance(points, torch.Tensor) and points.ndim == 1
    if not (row or isinstance(points, (tuple, list))) or len(points) == 0:
        raise TypeError(f"{name} is {points!r}; "
                        "expected the places of the wells, a sequence of numbers: (-1.0, 1.0).")
    for point in points:
        a_number(point, name)
    return points


Grid = Annotated[torch.Tensor, _a_grid]
Wells = Annotated[Sequence, _critical]


@checked
def bernoulli(z: Tensor) -> Tensor:
    """B(z) = z / (e^z - 1), with B(0) = 1."""
    small = z.abs() < 0.05
    near, away = torch.where(small, z, 0.0), torch.where(small, 1.0, z)
    size = away.abs()  # no power of e overflows, here and in the gradient
    series = 1 - near / 2 + near**2 / 12 - near**4 / 720 + near**6 / 30240
    beyond = size * torch.where(away > 0, torch.exp(-size), 1.0) / -torch.expm1(-size)
    return torch.where(small, series, beyond)


@checked
def rates(V: Function, grid: Grid, *, eps: Positive = 1.0) -> tuple:
    """The rates (forward, backward), each (m-1,), between neighbours of a uniform grid (m,).   V:
    (m, 1) -> (m,), eps > 0.

    Raises TypeError, ValueError.
    """
    h, z = spacing(grid), torch.diff(values(V, grid[:, None])) / eps
    return eps / h**2 * bernoulli(z), eps / h**2 * bernoulli(-z)


@checked
def fokker_planck(V: Function, grid: Grid, *, eps: Positive = 1.0) -> Callable:
    """The field v(t, rho) of d_t rho = d_x(rho V') + eps d_xx rho, no flux at the ends.   rho:
    (..., m) densities on the grid (m,)."""
    forward, backward = rates(V, grid, eps=eps)

    @checked
    def v(t: Number, rho: Tensor) -> Tensor:
        on_grid(rho, grid)
        flux = forward * rho[..., :-1] - backward * rho[..., 1:]
        wall = torch.zeros_like(rho[..., :1])
        return torch.cat((wall, flux), -1) - torch.cat((flux, wall), -1)

    return v


@checked
def transition(V: Function, grid: Grid, *, eps: Positive = 1.0, dt: Positive,
               halvings: Count = 12) -> Tensor:
    """P (m, m) such that rho P is rho after the time dt: explicit Euler with 2^halvings steps,
    by squaring I + dt Q / 2^halvings.

    Non-negative with rows of sum 1, hence a Markov chain, if 2^halvings exceeds dt times the
    largest rate out of a cell.
    Computed in float64: each squaring doubles the error of the sums. Raises TypeError, ValueError.
    """
    one = torch.eye(len(grid), dtype=grid.dtype, device=grid.device)
    P = wide(one) + dt / 2**halvings * wide(fokker_planck(V, grid, eps=eps)(0.0, one))
    for _ in range(halvings):
        P = P @ P
    return P.to(grid.dtype)


@checked
def equilibrium(V: Function, grid: Grid, *, eps: Positive = 1.0) -> Tensor:
    """e^{-V / eps} / Z on the grid, with sum times h equal to 1."""
    return torch.softmax(-values(V, grid[:, None]) / eps, -1) / spacing(grid)


@checked
def decay_rates(V: Function, grid: Grid, *, eps: Positive = 1.0, count: Count = 4) -> Tensor:
    """The `count` smallest eigenvalues 0 = lambda_0 < lambda_1 < ... of minus the generator,
    increasing: (count,) float64.

    Its matrix, seen from the equilibrium, is symmetric and tridiagonal. Raises TypeError,
    ValueError.
    """
    if count > len(grid):
        raise ValueError(f"count = {count}; expected at most {len(grid)}, the number of cells.")
    forward, backward = (r.double().cpu() for r in rates(V, grid, eps=eps))
    wall = torch.zeros(1, dtype=torch.float64)
    out = torch.cat((forward, wall)) + torch.cat((wall, backward))
    beside = -(forward * backward).sqrt().numpy()
    found = eigh_tridiagonal(out.numpy(), beside, eigvals_only=True, select="i",
                             select_range=(0, count - 1))
    return torch.as_tensor(found)


@checked
def eyring_kramers(V: Function, wells: Wells, saddle: Number, *, eps: Positive) -> float:
    """sum over the two wells a of sqrt(V''(a) |V''(s)|) / (2 pi) e^{-(V(s) - V(a)) / eps}:
    lambda_1 to leading order as eps -> 0, a float.

    lambda_1 is the sum of the two rates of escape, hence 1/pi and not 1/2pi for a symmetric
    potential.   V: (n, 1) -> (n,).
    """
    points = torch.tensor([*map(float, wells), float(saddle)], dtype=torch.float64)[:, None]
    height, bend = values(V, points), grad(lambda z: grad(V, z)[:, 0], points)[:, 0]
    if not ((bend[:-1] > 0).all() and bend[-1] < 0):
        raise ValueError(f"V'' is {bend.tolist()} at the wells and the saddle; expected positive "
                         "at the wells, negative at the saddle.")
    escape = (
        (bend[:-1] * -bend[-1]).sqrt()
        / (2 * math.pi)
        * torch.exp(-(height[-1] - height[:-1]) / eps)
    )
    return escape.sum().item()


@checked
def spacing(grid: Grid) -> Tensor:
    """The width h of the cells of a uniform increasing grid (m,), a 0-d tensor. Raises TypeError,
    ValueError."""
    return (grid[-1] - grid[0]) / (len(grid) - 1)


def on_grid(rho: Tensor, grid: Tensor) -> None:
    """rho (..., m) has a number for each point of the grid (m,), in its dtype. Raises TypeError,
    ValueError."""
    if rho.ndim == 0 or rho.shape[-1] != len(grid):
        raise ValueError(f"rho has shape {tuple(rho.shape)}; "
                         f"expected one number for each point of the grid: (..., {len(grid)}).")
    alike({"grid": grid, "rho": rho})
