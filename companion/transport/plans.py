"""Exact plans between clouds in any dimension, and what one does with them."""

from typing import NamedTuple

import torch

from companion.inputs import a_cloud, a_number, a_tensor, has_values, same_dimension
from companion.kernels import squared_distances
from companion.transport.shares import shares

DUST = 1e-12  # of a point's share: less than this in an entry of a plan is rounding


class Displacement(NamedTuple):
    """A displacement interpolation: mass `weights` goes from `start` to `end` in straight lines. McCann, Adv. Math. 128 (1997) 153-179."""

    start: torch.Tensor  # (s, d)
    end: torch.Tensor  # (s, d)
    weights: torch.Tensor  # (s,), sum 1

    def at(self, t):
        """The points (1 - t) start + t end, (s, d), at time t in [0, 1]."""
        return torch.lerp(self.start, self.end, a_number(t, "t", least=0, most=1))


def plan(x, y, a=None, b=None):
    """The optimal plan P: P >= 0, row sums a, column sums b, least sum_ij P_ij |x_i - y_j|^2. Exact (network simplex of POT), on the CPU.

    x: (..., n, d), y: (..., m, d), weights a (..., n), b (..., m) -> (..., n, m), without a gradient. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    batch = torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    with torch.no_grad():
        cost = squared_distances(x.to(torch.float64), y.to(torch.float64)).expand(*batch, -1, -1)
        a, b = (shares(w, z[..., 0].double(), name).expand(*batch, -1) for w, z, name in ((a, x, "a"), (b, y, "b")))
    cells = zip(cost.reshape(-1, *cost.shape[-2:]), a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]), strict=True)
    return torch.stack([_simplex(*cell) for cell in cells]).reshape(cost.shape).to(x)


def assignment(x, y):
    """The permutation s of least sum_i |x_i - y_s(i)|^2, so that y[s] stands beside x.   x, y: (n, d) -> (n,), integers.

    Batches (..., n, d) -> (..., n). Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    if x.shape[-2] != y.shape[-2]:
        raise ValueError(f"x and y have {x.shape[-2]} and {y.shape[-2]} points; expected one size: plan(x, y) splits the mass of points.")
    return plan(x, y).argmax(-1)


def barycentric(P, y):
    """T(x_i) = sum_j P_ij y_j / sum_j P_ij, where x_i's mass goes on average.   P: (..., n, m) >= 0, y: (..., m, d) -> (..., n, d)."""
    a_cloud(y, "y")
    if a_tensor(P, "P").ndim < 2 or P.shape[-1] != y.shape[-2]:
        raise ValueError(f"P has shape {tuple(P.shape)}; expected a plan (..., n, {y.shape[-2]}), a column for each point of y.")
    mass = P.sum(-1, keepdim=True)
    if has_values(P) and ((P < 0).any() or (mass == 0).any()):
        raise ValueError("P has a negative entry or a row without mass; expected entries of at least 0, and a positive sum in every row.")
    return P @ y / mass


def displacement(x, y, a=None, b=None):
    """The W2 geodesic from cloud x to cloud y, a `Displacement`: one particle for each entry of the optimal plan that carries mass.

    x: (n, d), y: (m, d), weights a (n,), b (m,). Equal sizes without weights: n particles in the order of x. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    if x.ndim != 2 or y.ndim != 2:
        raise ValueError(f"x and y have shapes {tuple(x.shape)} and {tuple(y.shape)}; expected two single clouds (n, d) and (m, d).")
    if a is None and b is None and len(x) == len(y):
        return Displacement(x, y[assignment(x, y)], torch.full_like(x[:, 0], 1 / len(x)))
    P = plan(x, y, a, b)
    i, j = (P > DUST / max(P.shape)).nonzero(as_tuple=True)
    return Displacement(x[i], y[j], P[i, j] / P[i, j].sum())


def _simplex(cost, a, b):
    import ot

    P, log = ot.emd(a.cpu().numpy(), b.cpu().numpy(), cost.cpu().numpy(), numItermax=10_000_000, log=True)
    if log["warning"] is not None:
        raise RuntimeError(f"POT found no optimal plan for {len(a)} and {len(b)} points: {log['warning']}")
    return torch.from_numpy(P).to(cost.device)
