"""The Fokker-Planck equation d_t rho = d_x(rho V') + eps d_xx rho on a grid, by the rates of Scharfetter and Gummel.

Cells of width h exchange mass at the rates

    r(i -> i+1) = (eps / h^2) B((V_{i+1} - V_i) / eps),    r(i+1 -> i) = (eps / h^2) B(-(V_{i+1} - V_i) / eps),    B(z) = z / (e^z - 1).

Since B(-z) = e^z B(z), the discrete equilibrium is exactly e^{-V_i / eps}; mass is kept and no density becomes negative.
Sources: Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969); Eyring-Kramers: Bovier, Gayrard and Klein, J. Eur. Math. Soc. 7 (2005).
"""

import math

import torch
from scipy.linalg import eigh_tridiagonal

from companion.energies import grad
from companion.inputs import a_count, a_function, a_number, a_tensor, look


def bernoulli(z):
    """B(z) = z / (e^z - 1), with B(0) = 1."""
    small = a_tensor(z, "z").abs() < 0.05
    away = torch.where(small, torch.ones_like(z), z)
    series = 1 - z / 2 + z**2 / 12 - z**4 / 720 + z**6 / 30240
    return torch.where(small, series, away / (torch.exp(away) - 1))


def rates(V, grid, *, eps=1.0):
    """The rates (forward, backward), each (m-1,), between neighbours of a uniform grid (m,).   V: (m, 1) -> (m,), eps > 0.

    Raises TypeError, ValueError.
    """
    a_function(V, "V")
    h = spacing(grid)
    z = torch.diff(V(grid[:, None])) / a_number(eps, "eps", above=0)
    return eps / h**2 * bernoulli(z), eps / h**2 * bernoulli(-z)


def fokker_planck(V, grid, *, eps=1.0):
    """The field v(t, rho) of d_t rho = d_x(rho V') + eps d_xx rho, no flux at the ends.   rho: (..., m) densities on the grid (m,)."""
    forward, backward = rates(V, grid, eps=eps)

    def v(t, rho):
        flux = forward * rho[..., :-1] - backward * rho[..., 1:]
        wall = torch.zeros_like(rho[..., :1])
        return torch.cat((wall, flux), -1) - torch.cat((flux, wall), -1)

    return v


def transition(V, grid, *, eps=1.0, dt, halvings=12):
    """P (m, m) such that rho P is rho after the time dt: explicit Euler with 2^halvings steps, by squaring I + dt Q / 2^halvings.

    Non-negative with rows of sum 1, hence a Markov chain, if 2^halvings exceeds dt times the largest rate out of a cell.
    """
    a_number(dt, "dt", above=0)
    one = torch.eye(len(grid), dtype=grid.dtype, device=grid.device)
    P = one + dt / 2 ** a_count(halvings, "halvings") * fokker_planck(V, grid, eps=eps)(0.0, one)
    for _ in range(halvings):
        P = P @ P
    return P


def equilibrium(V, grid, *, eps=1.0):
    """e^{-V / eps} / Z on the grid, with sum times h equal to 1."""
    h = spacing(grid)
    return torch.softmax(-V(grid[:, None]) / a_number(eps, "eps", above=0), -1) / h


def decay_rates(V, grid, *, eps=1.0, count=4):
    """The `count` smallest eigenvalues 0 = lambda_0 < lambda_1 < ... of minus the generator, increasing: (count,) float64.

    Its matrix, seen from the equilibrium, is symmetric and tridiagonal.
    """
    forward, backward = (r.double().cpu() for r in rates(V, grid, eps=eps))
    wall = torch.zeros(1, dtype=torch.float64)
    out = torch.cat((forward, wall)) + torch.cat((wall, backward))
    select = (0, a_count(count, "count") - 1)
    found = eigh_tridiagonal(out.numpy(), -(forward * backward).sqrt().numpy(), eigvals_only=True, select="i", select_range=select)
    return torch.as_tensor(found)


def eyring_kramers(V, wells, saddle, *, eps):
    """sum over the two wells a of sqrt(V''(a) |V''(s)|) / (2 pi) e^{-(V(s) - V(a)) / eps}: lambda_1 to leading order as eps -> 0, a float.

    lambda_1 is the sum of the two rates of escape, hence 1/pi and not 1/2pi for a symmetric potential.   V: (n, 1) -> (n,).
    """
    a_function(V, "V")
    a_number(eps, "eps", above=0)
    points = torch.tensor([*(float(a_number(a, "wells")) for a in wells), float(a_number(saddle, "saddle"))], dtype=torch.float64)[:, None]
    height, bend = V(points), grad(lambda z: grad(V, z)[:, 0], points)[:, 0]
    if not ((bend[:-1] > 0).all() and bend[-1] < 0):
        raise ValueError(f"V'' is {bend.tolist()} at the wells and the saddle; expected positive at the wells, negative at the saddle.")
    escape = (bend[:-1] * -bend[-1]).sqrt() / (2 * math.pi) * torch.exp(-(height[-1] - height[:-1]) / eps)
    return escape.sum().item()


def spacing(grid):
    """The width h of the cells of a uniform increasing grid (m,), a 0-d tensor. Raises TypeError, ValueError."""
    if a_tensor(grid, "grid").ndim != 1 or len(grid) < 3:
        raise ValueError(f"grid has shape {tuple(grid.shape)}; expected at least three points (m,).")
    h = (grid[-1] - grid[0]) / (len(grid) - 1)
    if look(lambda: ((torch.diff(grid) - h).abs() < 1e-3 * h).all(), grid) is False:
        raise ValueError("grid is not uniform and increasing; expected torch.linspace(lo, hi, m).")
    return h
