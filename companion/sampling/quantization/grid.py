"""Cells of a law on a grid of pixels, with free weights or with equal ones, in plain operations: Lloyd's steps that run in a page.

A pixel p belongs to the site of least |p - y_i|^2 - w_i; w = 0 gives Voronoi cells. For cells of equal mass w maximises the concave function
K(w) = int min_i (|x - y_i|^2 - w_i) drho + mean_i w_i, whose maximum is W2^2(rho, mean of Diracs).

Two facts make a fixed, small number of steps enough. Cells do not change when the sites are moved together or dilated together
(y -> s y + c with |y_i|^2 - w_i -> s times itself), so the solver moves and dilates them first, until mean and variance are those of the law:
weights then start near 0. And softmax in place of argmin makes the update w_i -= eps log(n mass_i) converge from anywhere, while eps comes
down (Sinkhorn's algorithm for one continuous law; Cuturi and Peyre, SIAM J. Imaging Sci. 9 (2016) 320-343).
"""

from functools import partial
from typing import Annotated

import torch

from companion.hints import Function, Number, Share, Tensor, checked
from companion.inputs import a_cloud, a_count
from companion.sampling.quantization.cells import Sites
from companion.sampling.quantization.rasters import OnGrid

SWEEPS = 16  # of the solver: masses within a few percent of 1/n
START = 30.0  # eps at first, in units of eps at last
MOMENTUM = 0.5
SHARPNESS = 0.84  # eps at last = 0.84 * pixel * (spread of the law) / sqrt(n), see `grid_cost`: borders soft by a third of a pixel


def weighted(x, name):
    """Return x, sites and weights (n, 3). Raises TypeError, ValueError."""
    if a_cloud(x, name, d=3).ndim != 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected sites and their weights (n, 3): with_weights(y, grid=grid).")
    return x


Weighted = Annotated[torch.Tensor, weighted]
Sweeps = Annotated[int, partial(a_count, least=2)]


@checked
def free_weights(y: Sites, *, grid: OnGrid) -> torch.Tensor:
    """0 for every site: Voronoi cells.   y: (n, 2) -> (n,)."""
    return torch.zeros_like(y[:, 0])


@checked
def equal_weights(y: Sites, *, grid: OnGrid, sweeps: Sweeps = SWEEPS) -> torch.Tensor:
    """Weights w of mean 0 whose power cells have equal masses, to a few percent and up to pixels, for sites y (n, 2): (n,).

    Sites that coincide share a cell. Raises TypeError, ValueError.
    """
    size = dilation(_as_the_grid(y, grid), grid)
    z = centred(y) / size
    high, eps, n = z.square().sum(-1), _sharpness(y, grid), torch.ones_like(y[:, 0]).sum()
    scores = _products(z, grid.mean, grid) - high
    w = velocity = torch.zeros_like(high)
    for sweep in range(sweeps):
        now = eps * START ** (1 - sweep / (sweeps - 1))
        share = grid.mass.flatten() @ torch.softmax((scores + w) / now, -1).flatten(0, 1)
        velocity = MOMENTUM * velocity - now * (n * share + 1e-30).log()
        w = w + velocity
    w = (y - grid.mean).square().sum(-1) - size * (high - w)
    return w - w.mean()


@checked
def grid_cells(y: Sites, w: Tensor, *, grid: OnGrid) -> torch.Tensor:
    """The share of each pixel that each site has, (h, w, n): softmax of (w_i - |p - y_i|^2)/eps, 0 or 1 but for the pixels on borders."""
    return torch.softmax(_scores(y, w, grid) / (dilation(y, grid) * _sharpness(y, grid)), -1)


@checked
def grid_labels(y: Sites, w: Tensor, *, grid: OnGrid) -> torch.Tensor:
    """The site of each pixel, argmin of |p - y_i|^2 - w_i: (h, w) integers."""
    return _scores(y, w, grid).argmax(-1)


@checked
def grid_step(k: Number, y: Sites, *, weights: Function, grid: OnGrid) -> torch.Tensor:
    """y_i <- the barycentre of its cell: a map for `iterate`, Lloyd's with weights=free_weights, power Lloyd's with weights=equal_weights.

    y: (n, 2) -> (n, 2). A site of no mass stays. What is symmetric under left-right reflection stays so exactly, on a symmetric law.
    Raises TypeError, ValueError.
    """
    return grid_barycentres(y, weights(y, grid=grid), grid=grid)


@checked
def with_weights(y: Sites, *, grid: OnGrid) -> torch.Tensor:
    """Sites and the weights that make their power cells equal, one row each: (n, 3) from y (n, 2). The state of a live figure."""
    return torch.cat([y, equal_weights(y, grid=grid)[:, None]], -1)


@checked
def move_site(x: Weighted, i: Number, p: Tensor, *, grid: OnGrid) -> torch.Tensor:
    """Sites and weights x (n, 3) with the i-th site at p (2,), and the weights that belong to them: what dragging does."""
    if p.shape != (2,):
        raise ValueError(f"p has shape {tuple(p.shape)}; expected one point of the plane, (2,).")
    here = torch.arange(x.shape[-2], device=x.device)[:, None] == i
    return with_weights(torch.where(here, p, x[:, :2]), grid=grid)


@checked
def weighted_step(k: Number, x: Weighted, *, equal: Share, grid: OnGrid) -> torch.Tensor:
    """grid_step on the rows (y_i, w_i) of x = with_weights(y): equal = 1 for power cells, 0 for Voronoi cells.   x: (n, 3) -> (n, 3)."""
    return with_weights(grid_barycentres(x[:, :2], equal * x[:, 2], grid=grid), grid=grid)


@checked
def grid_barycentres(y: Sites, w: Tensor, *, grid: OnGrid) -> torch.Tensor:
    """The barycentre of each cell: (n, 2)."""
    owned = grid.mass[..., None] * grid_cells(y, w, grid=grid)
    columns, rows = owned.sum(0), owned.sum(1)  # (w, n), (h, n)
    share = rows.sum(0)[:, None]
    middle = torch.stack([(side[0] + side[-1]) / 2 for side in (grid.columns, grid.rows)])
    first = torch.stack([_antisymmetric(columns, grid.columns), _antisymmetric(rows, grid.rows)], -1)
    return torch.where(share > 0, middle + first / torch.where(share > 0, share, 1.0), y)


def _antisymmetric(share, places):
    """sum_c x_c share_c, x_c the places about their middle, over pairs: equal shares left and right give exactly 0."""
    x = (places - places.flip(0)) / 2
    return (x[:, None] * (share - share.flip(0))).sum(0) / 2


@checked
def grid_cost(y: Sites, w: Tensor, *, grid: OnGrid) -> torch.Tensor:
    """K(w) = sum_p rho_p (softmin_i (|p - y_i|^2 - w_i) + |pixel|^2/12) + mean_i w_i, 0-d; |pixel|^2/12 is the moment of a pixel.

    For w of equal masses it is W2^2, and less for any other w; for w = 0 it is the error of free weights, int min_i |x - y_i|^2 drho. On a border
    softmin is too small by pi^2 eps^2/6 a unit of slope, a pixel's minimum by |y_i - y_j|^2 pixel^2/6: they agree if eps = |y_i - y_j| pixel/pi,
    as it is for neighbours in hexagons on the uniform law of a square.
    """
    mean, eps = _mean(y), dilation(y, grid) * _sharpness(y, grid)
    reach = (grid.columns - mean[0]).square() + (grid.rows - mean[1]).square()[:, None]
    nearest = (grid.mass * (reach - eps * torch.logsumexp(_scores(y, w, grid) / eps, -1))).sum(dtype=torch.float64).to(w.dtype)
    return nearest + w.mean() + (grid.pixel[0] ** 2 + grid.pixel[1] ** 2) / 12


def _scores(y, w, grid):
    """2 <p', y_i'> - |y_i'|^2 + w_i, (h, w, n), largest for the pixel's site; primes: about the mean of the sites, where float32 has its digits."""
    _as_the_grid(y, grid)
    if w.shape != y.shape[:1]:
        raise ValueError(f"w has shape {tuple(w.shape)}; expected one weight for each of the {len(y)} sites: ({len(y)},).")
    moved = centred(y)
    return _products(moved, _mean(y), grid) - (moved.square().sum(-1) - w)


def _as_the_grid(y, grid):
    """Return y, whose dtype and device are the grid's. Raises TypeError."""
    if y.dtype != grid.mass.dtype or y.device != grid.mass.device:
        raise TypeError(f"y is {y.dtype} on {y.device}; expected {grid.mass.dtype} on {grid.mass.device}, like the grid: pixel_grid(values.to(y)).")
    return y


def _products(z, mean, grid):
    """2 <p - mean, z_i> of every pixel and site: (h, w, n)."""
    return 2 * (grid.columns - mean[0])[:, None] * z[:, 0] + (2 * (grid.rows - mean[1])[:, None] * z[:, 1])[:, None]


def _mean(y):
    return y[0] + (y - y[:1]).mean(0)  # exact where all sites have one coordinate


def centred(y):
    return y - _mean(y)


def dilation(y, grid):
    """How much the sites are dilated against the law."""
    return (centred(y).square().sum(-1).mean() + 1e-24).sqrt() / grid.spread


def _sharpness(y, grid):
    return SHARPNESS * max(grid.pixel) * grid.spread / torch.ones_like(y[:, 0]).sum().sqrt()
