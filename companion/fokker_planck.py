"""The Fokker-Planck equation d_t rho = d_x(rho V') + eps d_xx rho, the law of
dX = -V'(X) dt + sqrt(2 eps) dW, on a grid, by the rates of Scharfetter and Gummel.

Cells of width h exchange mass at the rates

    r(i -> i+1) = (eps / h^2) B((V_{i+1} - V_i) / eps),
    r(i+1 -> i) = (eps / h^2) B(-(V_{i+1} - V_i) / eps),      B(z) = z / (e^z - 1).

Since B(-z) = e^z B(z), the discrete equilibrium is exactly e^{-V_i / eps}; mass is kept, no density
becomes negative, and the error is of order h^2. Nothing flows out at the two ends.
A density rho (..., m) has sum times h equal to 1; V: (m, 1) -> (m,), a potential of points.
Sources: Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969); Eyring-Kramers:
Bovier, Gayrard and Klein, J. Eur. Math. Soc. 7 (2005).
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated

import torch
from scipy.linalg import eigh_tridiagonal

from companion.energies import grad
from companion.entries import Density, Grid, values, wide
from companion.hints import Count, Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import a_number, alike, batch, concrete_value


def _critical(points, name):
    """Return points, a sequence of numbers. Raises TypeError, ValueError."""
    row = isinstance(points, torch.Tensor) and points.ndim == 1
    if not (row or isinstance(points, (tuple, list))) or len(points) == 0:
        raise TypeError(f"{name} is {points!r}; "
                        "expected the places of the wells, a sequence of numbers: (-1.0, 1.0).")
    for point in points:
        a_number(point, name)
    return points


Wells = Annotated[Sequence, _critical]


@checked
def spacing(grid: Grid) -> Tensor:
    """The width h of the cells of a grid (m,), a 0-d tensor. Raises TypeError, ValueError."""
    return (grid[-1] - grid[0]) / (len(grid) - 1)


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
def jump_rates(V: Function, grid: Grid, *, eps: Positive = 1.0) -> tuple:
    """The rates (up, down) of the jumps i -> i+1 and i+1 -> i, each (m-1,).

    Raises TypeError, ValueError.
    """
    h, z = spacing(grid), torch.diff(values(V, grid[:, None])) / eps
    return eps / h**2 * bernoulli(z), eps / h**2 * bernoulli(-z)


@checked
def fokker_planck(V: Function, grid: Grid, *, eps: Positive = 1.0) -> Callable:
    """The field v(t, rho) of d_t rho = d_x(rho V') + eps d_xx rho on the grid.   rho: (..., m)."""
    up, down = jump_rates(V, grid, eps=eps)

    @checked
    def v(t: Number, rho: Tensor) -> Tensor:
        _on_grid(rho, grid)
        flux = up * rho[..., :-1] - down * rho[..., 1:]
        wall = torch.zeros_like(rho[..., :1])
        return torch.cat((wall, flux), -1) - torch.cat((flux, wall), -1)

    return v


@checked
def transition_matrix(V: Function, grid: Grid, *, eps: Positive = 1.0, dt: Positive,
                      halvings: Count = 12) -> Tensor:
    """P (m, m), close to e^{dt Q}, such that rho P is rho after the time dt: explicit Euler with
    2^halvings steps, by squaring I + dt Q / 2^halvings. A Markov chain.

    A dt whose steps exceed 1 / the largest rate out of a cell is refused where its value is seen.
    Computed in float64, and rows are made to sum to 1 after each squaring, which doubles the error
    of the sums: rounding loses no mass. Raises TypeError, ValueError.
    """
    one = torch.eye(len(grid), dtype=grid.dtype, device=grid.device)
    P = wide(one) + dt / 2**halvings * wide(fokker_planck(V, grid, eps=eps)(0.0, one))
    if concrete_value(lambda: (P.diagonal() < 0).any(), P):
        raise ValueError(f"dt = {dt} is too long for {halvings} halvings; expected at most "
                         "2^halvings / the largest rate out of a cell: more halvings.")
    for _ in range(halvings):
        P = P @ P
        P = P / P.sum(-1, keepdim=True)
    return P.to(grid.dtype)


@checked
def fokker_planck_step(rho: Density, V: Function, grid: Grid, *, eps: Positive = 1.0,
                       dt: Positive, halvings: Count = 10) -> Tensor:
    """rho (..., m) after the time dt; halvings: see `transition_matrix`."""
    _on_grid(rho, grid)
    return rho @ transition_matrix(V, grid, eps=eps, dt=dt, halvings=halvings)


@checked
def equilibrium(V: Function, grid: Grid, *, eps: Positive = 1.0) -> Tensor:
    """e^{-V / eps} / Z on the grid, with sum times h equal to 1."""
    return torch.softmax(-values(V, grid[:, None]) / eps, -1) / spacing(grid)


@checked
def generator_eigenvalues(V: Function, grid: Grid, *, eps: Positive = 1.0,
                          count: Count = 4) -> Tensor:
    """The `count` smallest eigenvalues 0 = lambda_0 < lambda_1 < ... of minus the generator,
    increasing: (count,) float64.

    Its matrix, seen from the equilibrium, is symmetric and tridiagonal. Raises TypeError,
    ValueError.
    """
    if count > len(grid):
        raise ValueError(f"count = {count}; expected at most {len(grid)}, the number of cells.")
    up, down = (r.detach().double().cpu() for r in jump_rates(V, grid, eps=eps))
    wall = torch.zeros(1, dtype=torch.float64)
    out = torch.cat((up, wall)) + torch.cat((wall, down))
    found = eigh_tridiagonal(out.numpy(), -(up * down).sqrt().numpy(), eigvals_only=True,
                             select="i", select_range=(0, count - 1))
    return torch.as_tensor(found)


@checked
def eyring_kramers(V: Function, wells: Wells, saddle: Number, *, eps: Positive) -> Tensor:
    """sum over the wells a of sqrt(V''(a) |V''(s)|) / (2 pi) e^{-(V(s) - V(a)) / eps}:
    lambda_1 to leading order as eps -> 0, a 0-d tensor in float64.

    lambda_1 is the sum of the two rates of escape, hence 1/pi and not 1/2pi for a symmetric
    potential.   V: (n, 1) -> (n,).
    """
    points = torch.tensor([*map(float, wells), float(saddle)], dtype=torch.float64)[:, None]
    height, bend = values(V, points), grad(lambda z: grad(V, z)[:, 0], points)[:, 0]
    if concrete_value(lambda: (bend[:-1] > 0).all() & (bend[-1] < 0), bend) is False:
        raise ValueError(f"V'' is {bend.tolist()} at the wells and the saddle; expected positive "
                         "at the wells, negative at the saddle.")
    escape = (bend[:-1] * -bend[-1]).sqrt() * torch.exp(-(height[-1] - height[:-1]) / eps)
    return escape.sum() / (2 * math.pi)


@checked
def fisher_rao(rho: Density, pi: Density, *, t: NonNegative) -> Tensor:
    """rho^{e^-t} pi^{1 - e^-t}, with the mass of rho: where the Fisher-Rao flow of KL(. | pi),
    d_t rho = -rho (log(rho / pi) - KL(rho | pi)), has come after the time t >= 0, exactly.

    rho, pi > 0: (..., m), masses of cells or densities. Where rho is 0 it stays 0. t after s is
    t + s. Raises TypeError, ValueError.
    """
    _on_one_grid(rho, pi)
    if concrete_value(lambda: ((pi == 0) & (rho > 0)).any(), rho):
        raise ValueError("pi is 0 where rho is not; expected pi > 0: KL(rho | pi) is infinite.")
    keep = torch.exp(-torch.as_tensor(t, dtype=rho.dtype, device=rho.device))
    weight = torch.softmax(keep * _log(rho) + (1 - keep) * _log(pi), -1) * (rho > 0)
    return weight * (rho.sum(-1, keepdim=True) / weight.sum(-1, keepdim=True))


@checked
def kl_on_grid(rho: Density, pi: Density, h: Positive) -> Tensor:
    """KL(rho | pi) = h sum rho log(rho / pi), 0 log 0 = 0; inf where rho > 0 = pi.   (..., m)."""
    _on_one_grid(rho, pi)
    inside, target = (torch.where(rho > 0, a, torch.ones_like(a)) for a in (rho, pi))
    return (rho * (torch.log(inside) - torch.log(target))).sum(-1) * h


def _log(rho):
    return torch.log(rho.clamp(min=torch.finfo(rho.dtype).tiny))


def _on_grid(rho, grid):
    """rho (..., m) has a number for each point of the grid (m,), in its dtype. Raises TypeError,
    ValueError."""
    if rho.ndim == 0 or rho.shape[-1] != len(grid):
        raise ValueError(f"rho has shape {tuple(rho.shape)}; "
                         f"expected one number for each point of the grid: (..., {len(grid)}).")
    alike({"grid": grid, "rho": rho})


def _on_one_grid(rho, pi):
    """rho and pi (..., m) have as many points, and batches that go together. Raises ValueError."""
    if 0 in (rho.ndim, pi.ndim) or rho.shape[-1] != pi.shape[-1] or rho.shape[-1] == 0:
        raise ValueError(f"rho has shape {tuple(rho.shape)} and pi {tuple(pi.shape)}; "
                         "expected numbers on one grid: (..., m).")
    batch((rho.shape, "rho"), (pi.shape, "pi"))
    alike({"rho": rho, "pi": pi})
