"""Lloyd's algorithm: every site goes to the barycentre of its cell.
With free weights the cells are Voronoi cells and the map is a gradient step for G(y) = int
min_i |x - y_i|^2 drho; with shares a_i they are power cells of mass a_i, and it is one for
F(y) = W2^2(rho, sum a_i delta_y_i).

Lloyd, IEEE Trans. Inf. Theory 28 (1982); Du, Faber and Gunzburger, SIAM Review 41 (1999); Merigot,
Santambrogio and Sarrazin, NeurIPS 2021.
"""

import math
from typing import NamedTuple

import torch

from companion.hints import Number, Tensor, checked
from companion.sampling.quantization.cells import Sites, power_cells
from companion.sampling.quantization.densities import SQUARE, OnPlane
from companion.sampling.quantization.semidiscrete import semidiscrete

# int |x - centre|^2 over a regular hexagon of area 1: n W2^2 of the best n points,
# n large (Fejes Toth)
HEXAGON = 5 / (18 * math.sqrt(3))
LATTICE = 1 / 6  # of a square
DISC = 1 / (2 * math.pi)  # of a disc: no cell does better


class Pythagoras(NamedTuple):
    """W2^2(rho, sum a_i delta_y_i) = moved + spread: sum_i a_i |y_i - b_i|^2, which one Lloyd step
    takes away, + sum_i int_{P_i} |x - b_i|^2."""

    moved: torch.Tensor
    spread: torch.Tensor


@checked
def lloyd(k: Number, y: Sites, *, density: OnPlane = SQUARE) -> torch.Tensor:
    """y_i <- the barycentre of its Voronoi cell: a map for `iterate`. y: (n, 2) -> (n, 2).
    A site with an empty cell stays where it is.

    G(lloyd(y)) <= G(y) - sum_i rho(V_i) |y_i - b_i|^2 for G = quantization_error. Raises TypeError,
    ValueError.
    """
    return power_cells(y, density=density).barycentre


@checked
def power_lloyd(k: Number, y: Sites, *, density: OnPlane = SQUARE,
                a: Tensor | None = None) -> torch.Tensor:
    """y_i <- the barycentre of its power cell of mass a_i (1 / n by default): a map for `iterate`.
    y: (n, 2) -> (n, 2).

    W2^2 falls by sum_i a_i |y_i - b_i|^2 or more. Raises TypeError, ValueError, RuntimeError.
    """
    return semidiscrete(y, a, density=density).cells.barycentre


@checked
def quantization_error(y: Sites, *, density: OnPlane = SQUARE) -> torch.Tensor:
    """G(y) = int min_i |x - y_i|^2 drho, 0-d, for sites y (n, 2).
    Its gradient is 2 rho(V_i) (y_i - b_i). Raises TypeError, ValueError."""
    return _moment(y, power_cells(y, density=density))


@checked
def w2_squared(y: Sites, a: Tensor | None = None, *, density: OnPlane = SQUARE) -> torch.Tensor:
    """W2^2(rho, sum_i a_i delta_{y_i}), 0-d, for sites y (n, 2).
    Its gradient in y is 2 a_i (y_i - b_i).

    Raises TypeError, ValueError, RuntimeError.
    """
    return _moment(y, semidiscrete(y, a, density=density).cells)


@checked
def pythagoras(y: Sites, a: Tensor | None = None, *, density: OnPlane = SQUARE) -> Pythagoras:
    """The two parts of W2^2(rho, sum_i a_i delta_{y_i}), a `Pythagoras`. Raises TypeError,
    ValueError, RuntimeError."""
    cells = semidiscrete(y, a, density=density).cells
    return Pythagoras((cells.mass * (y - cells.barycentre).square().sum(-1)).sum(),
                      cells.spread.sum())


def _moment(y, cells):
    """sum_i int_{P_i} |x - y_i|^2: the cells are best for y, so their own motion does not enter the
    gradient."""
    return (cells.spread + cells.mass * (y - cells.barycentre).square().sum(-1)).sum()
