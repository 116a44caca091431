"""The cells of a power diagram in the plane as tensors, and as polygons:
P_i = {x : |x - y_i|^2 - w_i least}."""

from typing import Annotated, NamedTuple

import numpy as np
import torch

from companion.hints import Tensor, checked
from companion.inputs import a_cloud
from companion.sampling.quantization.densities import SQUARE, OnPlane
from companion.sampling.quantization.diagrams import diagram

DUST = 1e-14  # a smaller mass is rounding: the cell counts as empty
HIGHEST = 1e15  # of a weight: beyond it the hull of the lifted points is flat


class Cells(NamedTuple):
    """The cells of n sites under a law rho: mass (n,), barycentre (n, 2), spread (n,) = int
    |x - b|^2 drho, second (n,) = int |x - y|^2 drho.

    pairs (e, 2) are the neighbours, segments (e, 2, 2) the edges between them,
    flux (e,) = int rho along each; border (f, 2, 2) are the edges on the domain's border and owners
    (f,) their cells. An empty cell has mass 0, and its site for barycentre.
    """

    mass: torch.Tensor
    barycentre: torch.Tensor
    spread: torch.Tensor
    second: torch.Tensor
    pairs: torch.Tensor
    segments: torch.Tensor
    flux: torch.Tensor
    border: torch.Tensor
    owners: torch.Tensor


def a_site_set(y, name):
    """Return y, one set of sites (n, 2) in the plane. Raises TypeError, ValueError."""
    if a_cloud(y, name, d=2).ndim != 2:
        raise ValueError(f"{name} has shape {tuple(y.shape)}; expected one set of sites (n, 2).")
    return y


Sites = Annotated[torch.Tensor, a_site_set]


@checked
def power_cells(y: Sites, w: Tensor | None = None, *, density: OnPlane = SQUARE) -> Cells:
    """The `Cells` of sites y (n, 2) with weights w (n,); without weights Voronoi cells.
    Sites may lie outside the domain.

    Computed in float64 on the CPU; the answer has y's dtype and device. Raises TypeError;
    ValueError, also for coincident sites.
    """
    sites = a_sites(y, density)
    return as_cells(diagram(sites, _weights(w, y), density), y)


@checked
def polygons(y: Sites, w: Tensor | None = None, *, density: OnPlane = SQUARE) -> list:
    """The cells as polygons, counter-clockwise: a list of n tensors (k_i, 2), k_i = 0 for an empty
    cell. Raises TypeError, ValueError."""
    cells = power_cells(y.double(), None if w is None else w.double(), density=density)
    # each edge runs counter-clockwise round its own cell
    ends = torch.cat([cells.segments, cells.segments.flip(1), cells.border])
    owners = torch.cat([cells.pairs[:, 0], cells.pairs[:, 1], cells.owners])
    found = []
    for i in range(len(y)):
        starts = ends[owners == i, 0]
        around = starts - starts.mean(0)
        found.append(starts[torch.atan2(around[:, 1], around[:, 0]).argsort()].to(y))
    return found


def a_sites(y, density):
    """The sites as a float64 array relative to the density's centre. Raises ValueError."""
    sites = y.detach().to("cpu", torch.float64).numpy() - density.centre
    if not np.isfinite(sites).all():
        raise ValueError("y has an infinite entry; expected sites in the plane.")
    order = np.lexsort(sites.T)
    same = (np.diff(sites[order], axis=0) == 0).all(1)
    if same.any():
        k = int(same.argmax())
        i, j = sorted(order[k:k + 2].tolist())
        raise ValueError(f"y[{i}] and y[{j}] coincide; expected distinct sites: nothing says "
                         "which of them owns their cell; move one.")
    return sites


def _weights(w, y):
    if w is None:
        return np.zeros(len(y))
    if w.shape != y.shape[:1] or not torch.isfinite(w).all():
        raise ValueError(f"w has shape {tuple(w.shape)}; expected one finite weight for each of "
                         f"the {len(y)} sites: ({len(y)},).")
    if w.abs().max() > HIGHEST:
        raise ValueError(f"w has an entry of size {w.abs().max().item():.3g}; expected at most "
                         f"{HIGHEST:.0e}: choose another unit.")
    return w.detach().to("cpu", torch.float64).numpy()


def as_cells(found, y):
    """A `Diagram` as `Cells` like y."""
    full = found.mass > DUST
    mass, first, square = np.where(full, found.mass, 0), found.moments[:, 1:3], found.moments[:, 3]
    b = np.where(full[:, None], first / np.where(full, mass, 1)[:, None], found.sites)
    spread = np.where(full, np.maximum(square - mass * (b**2).sum(1), 0), 0)
    second = spread + mass * ((b - found.sites) ** 2).sum(1)
    placed = (b + found.centre, spread, second, found.pairs, found.segments + found.centre,
              found.flux, found.border + found.centre)
    return Cells(
        *(
            torch.as_tensor(v).to(y.device, y.dtype if v.dtype.kind == "f" else torch.int64)
            for v in (mass, *placed, found.owners)
        )
    )
