"""Descending sliced distances: with fixed directions a flow, with fresh ones a map.

F(x) = SW2^2(x, y)/2. Its velocity is v_i = -n dF/dx_i = mean_theta (T_theta(theta.x_i) - theta.x_i)
theta, T_theta the monotone map of the projections. On translates that is m/d:
d times slower than W2's. Bonneel, Rabin, Peyre and Pfister, JMIV 51 (2015); slice matching:
Pitie, Kokaram and Dahyot, CVIU 107 (2007); Li, Moosmueller and Wang, arXiv 2307.05705.
"""

import torch

from companion.hints import Cloud, Count, Function, Number, Tensor, checked
from companion.inputs import has_values, like, same_dimension
from companion.sampling.sliced.directions import frames, iid
from companion.sampling.sliced.distances import matching_cells, middle, project
from companion.sampling.wide import wide
from companion.transport import rearrangement


@checked
def velocity(t: Number, x: Cloud, y: Cloud, directions: Cloud) -> torch.Tensor:
    """v_i = mean_l (T_l(theta_l . x_i) - theta_l . x_i) theta_l = -n grad_i (SW2^2/2).   x:
    (..., n, d), y: (..., m, d), directions (..., L, d).

    Where the sizes differ, T_l is the mean of y's quantile function over the particle's share
    of the mass. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    centre = middle(x, y)
    u, v = (project(z - centre, directions) for z in (x, y))
    return _lift(u, _cells(v, x.shape[-2]), directions)


@checked
def quantile_velocity(t: Number, x: Cloud, cells: Tensor, directions: Cloud) -> torch.Tensor:
    """The same to a law given by the quantile function of its projections: cells (n,) or (L, n),
    means over ((i-1)/n, i/n), in order."""
    u = project(x, directions)
    return _lift(u, matching_cells(cells, u), directions)


@checked
def fresh_step(k: Number, x: Cloud, xi: Cloud, y: Cloud, *, L: Count = 1, rule: Function = iid,
               tau: Number = 1.0) -> torch.Tensor:
    """x + tau v, with L fresh directions rule(xi[..., :L, :]) at every step:
    stochastic gradient descent of SW2^2/2.

    L = 1, tau = 1 matches the clouds exactly along one random line. xi: noise like x,
    so L is at most n. Raises TypeError, ValueError.
    """
    same_dimension(x, xi, ("x", "xi"))
    if has_values(xi) and L > xi.shape[-2]:
        raise ValueError(f"L = {L}; expected at most {xi.shape[-2]}, the rows of the noise.")
    drawn = xi[..., :L, :]
    return x + tau * velocity(0.0, x, y, like(rule(drawn), drawn, "rule(xi)"))


@checked
def frame_step(k: Number, x: Cloud, xi: Cloud, y: Cloud, *, tau: Number = 1.0) -> torch.Tensor:
    """x + tau sum_l (T_l(theta_l . x) - theta_l . x) theta_l over a fresh orthonormal frame:
    all d coordinates matched at once (tau = 1).

    xi: noise like x, of n >= d rows. A translation is undone in one step. Raises TypeError,
    ValueError.
    """
    n, d = x.shape[-2:]
    if has_values(x) and n < d:
        raise ValueError(f"x has {n} points in dimension {d}; expected at least d: the noise of "
                         "the cloud makes the frame.")
    return fresh_step(k, x, xi, y, L=d, rule=frames, tau=d * tau)


def _lift(u, targets, directions):
    """mean_l (T_l(u_li) - u_li) theta_l, T_l the monotone map of the projections u to the n numbers
    in targets."""
    moved = rearrangement(u, targets) - u
    return moved.mT @ directions / directions.shape[-2]


def _cells(v, n):
    """The n means of the quantile function of the numbers v (..., m) over ((i-1)/n, i/n): (..., n).
    For n = m it is v."""
    m = v.shape[-1]
    if m == n:
        return v
    w = wide(v)
    # sums of the first 0, 1, ..., m; the last entry is never weighted
    total = torch.nn.functional.pad(w.sort(-1).values.cumsum(-1), (1, 1))
    reach = m * torch.arange(n + 1, device=v.device)  # of n m parts: exact
    whole, part = reach // n, (reach % n).to(w.dtype) / n
    integral = total[..., whole] + part * (total[..., whole + 1] - total[..., whole])
    return (torch.diff(integral, dim=-1) * (n / m)).to(v)
