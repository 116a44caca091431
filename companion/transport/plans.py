"""Exact plans between clouds in any dimension, and what one does with them."""

from typing import NamedTuple

import numpy as np
import torch

from companion.hints import Cloud, Share, Tensor, checked
from companion.inputs import batch, has_values, same_dimension
from companion.transport.costs import reduced_cost
from companion.transport.weights import normalised_weights

DUST = 1e-12  # of a point's share: less than this in an entry of a plan is rounding


class Displacement(NamedTuple):
    """A displacement interpolation: mass `weights` goes from `start` to `end` in straight lines.
    McCann, Adv. Math. 128 (1997) 153-179."""

    start: torch.Tensor  # (s, d)
    end: torch.Tensor  # (s, d)
    weights: torch.Tensor  # (s,), sum 1

    @checked
    def at(self, t: Share) -> torch.Tensor:
        """The points (1 - t) start + t end, (s, d), at time t in [0, 1]."""
        return torch.lerp(self.start, self.end, t)


@checked
def plan(x: Cloud, y: Cloud, a: Tensor | None = None, b: Tensor | None = None) -> Tensor:
    """The optimal plan P: P >= 0, row sums a, column sums b, least sum_ij P_ij |x_i - y_j|^2.
    Exact (network simplex of POT), on the CPU.

    Equal sizes without weights: an assignment, which is optimal (Birkhoff).
    x: (..., n, d), y: (..., m, d), weights a (..., n), b (..., m) -> (..., n, m),
    without a gradient. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    n, m = x.shape[-2], y.shape[-2]
    if a is None and b is None and n == m:
        s = assignment(x, y)
        return torch.zeros(*s.shape, m, dtype=x.dtype,
                           device=x.device).scatter_(-1, s[..., None], 1 / n)
    leading = torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    a, b = (
        normalised_weights(w, z[..., 0].detach().double(), name)
        for w, z, name in ((a, x, "a"), (b, y, "b"))
    )
    leading = batch((leading, "the batch of x and y"), (a.shape[:-1], "the batch of a"),
                    (b.shape[:-1], "the batch of b"))
    shape = (*leading, n, m)
    cells = zip(*_each(x, y, leading), a.expand(*leading, n).reshape(-1, n),
                b.expand(*leading, m).reshape(-1, m), strict=True)
    return torch.stack([_simplex(*cell)[0] for cell in cells]).reshape(shape).to(x)


@checked
def assignment(x: Cloud, y: Cloud) -> torch.Tensor:
    """The permutation s of least sum_i |x_i - y_s(i)|^2, so that y[s] stands beside x.   x, y:
    (n, d) -> (n,), integers.

    Batches (..., n, d) -> (..., n). Exact, also beside points 1e8 away, on the CPU.
    Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    if x.shape[-2] != y.shape[-2]:
        raise ValueError(f"x and y have {x.shape[-2]} and {y.shape[-2]} points; expected one "
                         "size: plan(x, y) splits the mass of points.")
    leading = torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    found = [_permutation(*cell) for cell in zip(*_each(x, y, leading), strict=True)]
    return torch.stack(found).reshape(*leading, -1).to(x.device)


@checked
def barycentric(P: Tensor, y: Cloud) -> Tensor:
    """T(x_i) = sum_j P_ij y_j / sum_j P_ij, where x_i's mass goes on average.   P:
    (..., n, m) >= 0, y: (..., m, d) -> (..., n, d)."""
    if P.ndim < 2 or P.shape[-1] != y.shape[-2] or P.shape[-2] == 0:
        raise ValueError(f"P has shape {tuple(P.shape)}; expected a plan (..., n, {y.shape[-2]}), "
                         "a column for each point of y.")
    batch((P.shape[:-2], "the batch of P"), (y.shape[:-2], "the batch of y"))
    mass = P.sum(-1, keepdim=True)
    if has_values(P) and ((P < 0).any() or (mass == 0).any()):
        raise ValueError("P has a negative entry or a row without mass; expected entries of at "
                         "least 0, and a positive sum in every row.")
    if not has_values(P):
        return P @ y / mass
    wide = P.double()
    return (wide @ y.double() / wide.sum(-1, keepdim=True)).to(y)


@checked
def displacement(x: Cloud, y: Cloud, a: Tensor | None = None,
                 b: Tensor | None = None) -> Displacement:
    """The W2 geodesic from cloud x to cloud y, a `Displacement`: one particle for each entry of the
    optimal plan that carries mass.

    x: (n, d), y: (m, d), weights a (n,), b (m,). Equal sizes without weights:
    n particles in the order of x. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    if x.ndim != 2 or y.ndim != 2:
        raise ValueError(f"x and y have shapes {tuple(x.shape)} and {tuple(y.shape)}; expected "
                         "two single clouds (n, d) and (m, d).")
    if a is None and b is None and len(x) == len(y):
        return Displacement(x, y[assignment(x, y)], torch.full_like(x[:, 0], 1 / len(x)))
    P = plan(x, y, a, b)
    if P.ndim != 2:
        raise ValueError(f"a and b make a plan of shape {tuple(P.shape)}; expected weights (n,) "
                         "and (m,) of two single clouds.")
    i, j = (P > DUST / max(P.shape)).nonzero(as_tuple=True)
    return Displacement(x[i], y[j], P[i, j] / P[i, j].sum())


def _each(x, y, leading):
    """The clouds of a batch, one after another, as NumPy arrays in float64."""
    return tuple(
        z.detach().cpu().double().expand(*leading, *z.shape[-2:]).reshape(-1, *z.shape[-2:]).numpy()
        for z in (x, y)
    )


def _permutation(x, y):
    """By POT, which is several times faster than SciPy; by SciPy (shortest augmenting paths) where
    POT's duals prove no optimum."""
    from scipy.optimize import linear_sum_assignment

    share = torch.full((len(x),), 1 / len(x), dtype=torch.float64)
    P, proven = _simplex(x, y, share, share)
    found = P.argmax(1)
    if proven and len(set(found.tolist())) == len(x):
        return found
    return torch.from_numpy(linear_sum_assignment(reduced_cost(x, y))[1])


def _simplex(x, y, a, b):
    """The plan of two clouds, and whether duals prove it; what the duals leave is solved again
    where they are not feasible."""
    import ot

    cost = reduced_cost(x, y)
    cost /= float(np.median(cost)) or float(cost.max()) or 1.0
    for _ in range(3):
        P, log = ot.emd(a.cpu().numpy(), b.cpu().numpy(), cost, numItermax=10_000_000, log=True)
        if log["warning"] is not None:
            raise RuntimeError(f"POT found no optimal plan for {len(a)} and {len(b)} points: "
                               f"{log['warning']}")
        left = cost - log["u"][:, None] - log["v"]
        proven = left.min() >= -1e-9 and (P * left).sum() <= 1e-12
        if proven:
            break
        cost = left - min(left.min(), 0)
    return torch.from_numpy(P), proven
