"""A particle in the double well U(x) = (x^2 - 1)^2 / 4: dX = -U' dt + sqrt(2 eps) dW has to wait
for the rare noise that carries it over.

The law exp(-U / eps) is invariant, and for small eps the spectral gap is that of Eyring and
Kramers, (sqrt 2 / pi) exp(-1 / (4 eps)).
Finite volumes: cells of width dx, masses p (..., m), and jumps to the two neighbours,
reversible for pi_i ~ exp(-U_i / eps),

    rate(i -> j) = (2 eps / dx^2) pi_j / (pi_i + pi_j) = (2 eps / dx^2) sigmoid((U_i - U_j) / eps),

so that the resistance 1 / pi of a face is the mean of its two cells': the trapezoid rule.
Nothing flows out at the two ends.
Rates never exceed 2 eps / dx^2, whatever U. Berglund, Markov Process.
Related Fields 19 (2013) 459-490 (Kramers' law, a review).
"""

import math
from typing import Annotated

import torch

from companion.hints import Count, Number, Positive, Tensor, checked
from companion.inputs import a_tensor, concrete_value
from companion.potentials import double_well


def on_cells(U, name):
    """Return U (m,), m >= 2 values on a line of cells. Raises TypeError, ValueError."""
    if a_tensor(U, name).ndim != 1 or len(U) < 2:
        raise ValueError(f"{name} has shape {tuple(U.shape)}; expected the potential's values on "
                         "a line of cells: (m,), m >= 2.")
    return U


OnCells = Annotated[torch.Tensor, on_cells]


@checked
def well(x: Tensor) -> torch.Tensor:
    """U(x) = (x^2 - 1)^2 / 4 at numbers x (...): wells at -1 and 1, a pass of height 1/4 at 0."""
    return double_well(x[..., None])


@checked
def gibbs(U: OnCells, *, eps: Positive) -> torch.Tensor:
    """The masses exp(-U_i / eps), normalised.   U: (m,) values of a potential on the cells,
    eps > 0: a number or 0-d tensor -> (m,)."""
    return torch.softmax(-U / eps, -1)


@checked
def jump_rates(U: OnCells, *, eps: Positive, dx: Positive) -> tuple:
    """(up, down): rates of the jumps i -> i + 1 and i + 1 -> i, i = 0, ..., m - 2,
    each (m - 1,).   U: (m,), m >= 2."""
    climb = (U[1:] - U[:-1]) / eps
    most = 2 * eps / dx**2
    return most * torch.sigmoid(-climb), most * torch.sigmoid(climb)


@checked
def generator(U: OnCells, *, eps: Positive, dx: Positive) -> torch.Tensor:
    """Q (m, m) with p'(t) = p Q: off the diagonal the rates of i -> j, rows of sum 0.
    Second order in dx. Plain operations."""
    up, down = jump_rates(U, eps=eps, dx=dx)
    none = torch.zeros_like(U[:1])
    stay = -torch.cat([up, none]) - torch.cat([none, down])
    above, here, below = (_line(len(U), shift, U) for shift in (1, 0, -1))
    return (
        torch.cat([up, none])[:, None] * above
        + stay[:, None] * here
        + torch.cat([none, down])[:, None] * below
    )


@checked
def propagator(U: OnCells, h: Positive, *, eps: Positive, dx: Positive,
               doublings: Count = 12) -> torch.Tensor:
    """(I + h Q / 2^doublings)^(2^doublings), by squaring: close to exp(h Q), and a stochastic
    matrix if h <= 2^doublings dx^2 / (4 eps).

    A longer h is refused where its value is seen. Rows are made to sum to 1 after each squaring,
    so that rounding loses no mass.
    Plain operations: m^3 doublings of them. U: (m,), h > 0: a number or 0-d tensor -> (m, m).
    Raises TypeError, ValueError.
    """
    Q = generator(U, eps=eps, dx=dx)
    small = h / 2**doublings
    if concrete_value(lambda: (Q.diagonal() * small < -1).any(), Q + small):
        raise ValueError(f"h = {h} is too long for {doublings} doublings; expected h <= "
                         "2^doublings dx^2 / (4 eps): more doublings.")
    P = _line(len(U), 0, U) + small * Q
    for _ in range(doublings):
        P = P @ P
        P = P / P.sum(-1, keepdim=True)
    return P


@checked
def density_step(k: Number, p: Tensor, *, U: OnCells, h: Positive, eps: Positive, dx: Positive,
                 doublings: Count = 12) -> torch.Tensor:
    """p exp(h Q): the law of the particle a time h later, with `propagator`.   p: (..., m), U:
    (m,). A map for `iterate` and live figures."""
    if p.ndim == 0 or p.shape[-1] != U.shape[-1]:
        raise ValueError(f"p has shape {tuple(p.shape)}; expected the masses of {U.shape[-1]} "
                         f"cells: (..., {U.shape[-1]}).")
    return p @ propagator(U, h, eps=eps, dx=dx, doublings=doublings)


@checked
def eyring_kramers(eps: Positive) -> float | torch.Tensor:
    """(sqrt 2 / pi) exp(-1 / (4 eps)): what the spectral gap of the double well tends
    to as eps -> 0, up to a factor that tends to 1.

    Twice the rate of leaving a well, sqrt(U''(1) |U''(0)|) / (2 pi) exp(-(U(0) - U(1)) / eps). eps:
    a number or 0-d tensor.
    """
    return (
        math.sqrt(2)
        / math.pi
        * (
            math.exp(-1 / (4 * eps))
            if not isinstance(eps, torch.Tensor)
            else torch.exp(-1 / (4 * eps))
        )
    )


@checked
def spectrum(U: OnCells, *, eps: Positive, dx: Positive, count: Count = 3) -> torch.Tensor:
    """The `count` smallest eigenvalues of -Q, increasing, the first is 0: (count,), by SciPy,
    in float64 on the CPU.

    -Q is similar to a symmetric tridiagonal matrix with the products of opposite rates.
    U: (m,), no export.
    """
    from scipy.linalg import eigh_tridiagonal

    up, down = (r.detach().double().cpu() for r in jump_rates(U, eps=eps, dx=dx))
    if count > len(U):
        raise ValueError(f"count = {count}; expected at most {len(U)}, the number of cells.")
    diagonal = torch.nn.functional.pad(up, (0, 1)) + torch.nn.functional.pad(down, (1, 0))
    found = eigh_tridiagonal(diagonal.numpy(), -(up * down).sqrt().numpy(), eigvals_only=True,
                             select="i", select_range=(0, count - 1))
    return torch.from_numpy(found)


@checked
def log_odds(p: Tensor, x: Tensor) -> torch.Tensor:
    """log (mass at x < 0 / mass at x > 0), infinite where one side is empty.   p:
    (..., m) masses of cells at x (m,) -> (...)."""
    if p.ndim == 0 or x.shape != p.shape[-1:]:
        raise ValueError(f"p and x have shapes {tuple(p.shape)} and {tuple(x.shape)}; expected "
                         "masses (..., m) of cells at x (m,).")
    if concrete_value(lambda: (p < 0).any() | ((p * (x != 0)).sum(-1) == 0).any(), p):
        raise ValueError("p has a negative entry, or no mass beside 0; expected masses: p / "
                         "p.sum(-1, keepdim=True).")
    return torch.log((p * (x < 0)).sum(-1)) - torch.log((p * (x > 0)).sum(-1))


def _line(m, shift, like):
    """The m x m matrix with ones where column - row = shift."""
    place = torch.arange(m, device=like.device)
    return (place == place[:, None] + shift).to(like.dtype)
