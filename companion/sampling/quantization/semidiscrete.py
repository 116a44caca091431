"""Exact semi-discrete transport for |x - y|^2: weights w whose power cells have given masses,
by a damped Newton method.

K(w) = int min_i (|x - y_i|^2 - w_i) drho + sum_i a_i w_i is concave, dK/dw_i = a_i - rho(P_i),
and for neighbours i, j d2K/dw_i dw_j = int_{edge ij} rho / (2 |y_i - y_j|):
minus the Laplacian of a graph. The step is halved until no cell's mass is below half of the
smallest one met at the start (or asked for) and the error falls: Kitagawa,
Merigot and Thibert (2019) prove that this converges from any start with full cells,
in the end at better than a linear rate.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu
from scipy.spatial.distance import pdist

from companion.hints import Count, Positive, Tensor, checked
from companion.sampling.quantization.cells import DUST, Cells, Sites, a_sites, as_cells
from companion.sampling.quantization.densities import SQUARE, OnPlane, tabulate
from companion.sampling.quantization.diagrams import diagram
from companion.sampling.quantization.placing import dilated, placed_well, pull_of, reach, weights
from companion.sampling.quantization.points import one_share_each

# shares of the uniform law, where the density leaves a cell empty
MIXTURES = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 0.0)


class SemiDiscrete(NamedTuple):
    """The optimal transport of rho to sum_i a_i delta_{y_i}.

    w (n,) weights of mean zero; cost 0-d, W2^2 = sum_i int_{P_i} |x - y_i|^2 drho;
    dual 0-d, K(w), its equal; cells, a `Cells`; errors (K+1,), max_i |rho(P_i) - a_i| before each
    Newton step and at the end.
    """

    w: torch.Tensor
    cost: torch.Tensor
    dual: torch.Tensor
    cells: Cells
    errors: torch.Tensor


@checked
def semidiscrete(y: Sites, a: Tensor | None = None, *, density: OnPlane = SQUARE,
                 tol: Positive = 1e-11, steps: Count = 100) -> SemiDiscrete:
    """Optimal transport of the density to the sites y (n, 2) with shares a (n,) > 0,
    equal by default: a `SemiDiscrete`.

    Exact up to tol, in mass, and rounding in float64: sites may be 1e8 away from the domain, all or some of them. Starts from
    the cells of the sites, or of the sites enlarged to fill the domain, whichever has the fuller smallest cell; where the density
    leaves cells empty, through mixtures with the uniform law. Raises TypeError; ValueError for coincident sites, shares that are not
    positive, or a density cut in pieces by zeros; RuntimeError if `steps` Newton steps do not bring all masses within tol.
    """
    sites = a_sites(y, density)
    goal = one_share_each(a, y).double().cpu().numpy()
    if not (goal > 0).all():
        raise ValueError(f"a[{int(goal.argmin())}] = 0; expected positive shares: leave that site "
                         "out.")
    w, found, errors = solve(sites, goal / goal.sum(), density, tol, steps)
    cells = as_cells(found, y.double())
    cost = cells.second.sum()
    dual = cost - float(w @ (found.mass - goal))
    like = [torch.as_tensor(v).to(y) for v in (w, cost, dual)]
    return SemiDiscrete(*like, as_cells(found, y), torch.as_tensor(errors).to(y))


def solve(sites, a, density, tol, steps):
    """Weights, `Diagram` and the errors of `semidiscrete`, in arrays."""
    placed, found = placed_well(sites, density)
    if found.mass.min() < 1e-3 * a.min() and np.hypot(*sites.T).max() > 4 * reach(density) and density.values.min() > 0:
        placed, v, found, errors = _from_afar(sites, a, density, tol, steps)
    elif found.mass.min() > 100 * DUST:
        v, found, errors = _newton(placed.sites, a, np.zeros(len(a)), found, density, tol, steps)
    else:
        placed, _ = placed_well(sites, _evened(density, 1.0))
        v, found, errors = _through_mixtures(placed.sites, a, density, tol, steps)
    return weights(placed, v), found._replace(sites=sites), errors


def _through_mixtures(sites, a, density, tol, steps):
    w, errors = np.zeros(len(a)), []
    for share in MIXTURES:
        mixed = _evened(density, share)
        found = diagram(sites, w, mixed)
        w, found, more = _newton(
            sites, a, w, found, mixed, max(tol, 0.1 * a.min()) if share else tol, steps
        )
        errors += more
    return w, found, errors


def _from_afar(sites, a, density, tol, steps):
    """Sites far out are drawn near, to a logarithm of their distance r, and let go step by step: each start has the last one's borders.

    A cell is where the affine function h_i - 2 <x, y_i> is least, h = |y|^2 - w; a site q times as far keeps its borders with q h.
    """
    limit, v, errors = 2 * reach(density), np.zeros(len(a)), []
    pull = pull_of(sites, limit)
    placed, found = placed_well(sites * pull[:, None], density)
    while True:
        there = bool((pull == 1).all())
        v, found, more = _newton(placed.sites, a, v, found, density, tol if there else max(tol, 0.1 * a.min()), steps)
        errors += more
        if there:
            return placed, v, found, errors
        h = ((placed.sites**2).sum(1) - v) / placed.s
        before, limit = pull, 4 * limit
        pull = pull_of(sites, limit)
        placed = dilated(sites * pull[:, None], density)
        v = (placed.sites**2).sum(1) - placed.s * (h - np.median(h)) * pull / before
        found = diagram(placed.sites, v := v - np.median(v), density)


def _newton(sites, a, w, found, density, tol, steps):
    least = min(a.min(), found.mass.min()) / 2
    errors = [np.abs(a - found.mass).max()]
    while errors[-1] > tol:
        if len(errors) > steps:
            raise RuntimeError(f"after {steps} Newton steps the masses are off by "
                               f"{errors[-1]:.1e}; expected {tol:.1e}: "
                               "give more steps, or a larger tol.")
        w, found = _step(sites, a, w, found, density, least)
        errors.append(np.abs(a - found.mass).max())
    return w, found, errors


def _step(sites, a, w, found, density, least):
    """One damped Newton step. Raises ValueError, RuntimeError."""
    gap = a - found.mass
    direction, share = _laplacian(sites, found, gap), 1.0
    while share > 1e-8:
        trial = w + share * direction
        reached = diagram(sites, trial, density)
        if reached.mass.min() >= least and np.linalg.norm(a - reached.mass) <= (
            1 - share / 2
        ) * np.linalg.norm(gap):
            return trial, reached
        share /= 2
    closest = pdist(sites).min() / np.ptp(sites, axis=0).max()
    raise RuntimeError(f"Newton's method stalls with masses off by {np.abs(gap).max():.1e}; "
                       "expected sites further apart (the closest two are at "
                       f"{closest:.1e} of the width of all) and a density without zeros: move "
                       "sites, add a little to the density, or give a larger tol.")


def _laplacian(sites, found, gap):
    """The solution of L v = gap with v_{n-1} = 0, L the graph Laplacian with conductances
    flux / (2 |y_i - y_j|)."""
    n, (i, j) = len(sites), found.pairs.T
    if n == 1:
        return np.zeros(1)
    c = found.flux / (2 * np.hypot(*(sites[j] - sites[i]).T))
    entries, rows, cols = (
        np.concatenate([-c, -c, c, c]),
        np.concatenate([i, j, i, j]),
        np.concatenate([j, i, i, j]),
    )
    matrix = coo_matrix((entries, (rows, cols)), (n, n)).tocsc()[:-1, :-1]
    try:
        v = splu(matrix).solve(gap[:-1])
    except RuntimeError:
        v = np.full(n - 1, np.nan)
    if not np.isfinite(v).all():
        raise ValueError("the density is zero on whole edges of cells, and cuts the sites in "
                         "groups that exchange no mass; expected a connected "
                         "density: add a little to it everywhere.")
    v = np.append(v, 0.0)
    # weights of most sites stay small, and keep their digits, however large that of an outlier
    return v - np.median(v)


def _evened(density, share):
    """The density mixed with the uniform law of its polygon, which has the area of its box wherever
    there are pixels."""
    area = np.ptp(density.corners, axis=0).prod()
    return tabulate(density.centre, density.corners, (1 - share) * density.values + share / area)
