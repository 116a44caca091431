"""The JKO scheme on the line for any potential: the unknown is a monotone map of quantiles,
not a density.

A density is n points x_1 < ... < x_n and the masses p_1, ..., p_{n-1} of the gaps between them,
which never change; in a gap the density is p_i / (x_{i+1} - x_i). In one dimension the optimal map
keeps the order, so that W2 is a weighted Euclidean distance of the points.

    F(x) = sum_i w_i V(x_i) + sum_i p_i log(p_i / (x_{i+1} - x_i)),     w_i = (p_{i-1} + p_i) / 2
    JKO    argmin_y  F(y) + sum_i w_i (y_i - x_i)^2 / (2 tau)

Source: Jordan, Kinderlehrer and Otto, SIAM J. Math. Anal. 29 (1998); quantile coordinates:
Blanchet, Calvez and Carrillo, SIAM J. Numer. Anal. 46 (2008).
"""

from typing import Annotated

import torch
from scipy.linalg import LinAlgError, solveh_banded

from companion.energies import grad
from companion.entries import values
from companion.hints import Count, Function, Positive, Tensor, checked
from companion.inputs import a_tensor, has_values


def _increasing(x, name):
    """Return x, quantiles x_1 < ... < x_n, n >= 2. Raises TypeError, ValueError."""
    if a_tensor(x, name).ndim != 1 or len(x) < 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected n >= 2 points (n,).")
    if has_values(x) and not (torch.diff(x) > 0).all():
        raise ValueError(f"{name} is not increasing; expected quantiles x_1 < x_2 < ...: "
                         f"{name}.sort().values if they are distinct.")
    return x


def _masses(p, name):
    """Return p, the positive masses (n-1,) of the gaps. Raises TypeError, ValueError."""
    if a_tensor(p, name).ndim != 1 or len(p) < 1:
        raise ValueError(f"{name} has shape {tuple(p.shape)}; "
                         "expected the masses between n >= 2 points, (n - 1,).")
    if has_values(p) and not (p > 0).all():
        raise ValueError(f"{name} has the entry {p.min().item()}; expected positive masses.")
    return p


Quantiles = Annotated[torch.Tensor, _increasing]
Masses = Annotated[torch.Tensor, _masses]


@checked
def node_masses(p: Masses) -> Tensor:
    """w_i = (p_{i-1} + p_i) / 2, half a gap at both ends.   p: (n-1,) -> (n,), of the same sum."""
    zero = torch.zeros_like(p[:1])
    return (torch.cat((zero, p)) + torch.cat((p, zero))) / 2


@checked
def free_energy(V: Function, x: Quantiles, p: Masses) -> Tensor:
    """F(x) = sum w V(x) + sum p log(p / gap).

    V: (n, 1) -> (n,), x: (n,) increasing, p: (n-1,) positive. Raises TypeError, ValueError.
    """
    _one_mass_a_gap(p, x=x)
    return _energy(V, x, p)


@checked
def w2_squared_quantiles(x: Quantiles, y: Quantiles, p: Masses) -> Tensor:
    """W2^2 = sum w (x - y)^2 of two densities with the same masses.

    x, y: (n,) increasing, p: (n-1,) positive.
    """
    _one_mass_a_gap(p, x=x, y=y)
    return (node_masses(p) * (x - y).square()).sum()


@checked
def jko_quantile_step(V: Function, x: Quantiles, p: Masses, *, tau: Positive,
                      iterations: Count = 100) -> Tensor:
    """The points y (n,) of the JKO step of length tau > 0 from x (n,), gap masses p (n-1,):
    Newton's method with a tridiagonal Hessian.

    V: (n, 1) -> (n,), twice differentiable. The minimiser is unique where V + x^2 / (2 tau) is
    convex; elsewhere the result is a critical point below the start.
    In both cases the energy pays for the distance: F(y) + W2^2(x, y) / (2 tau) <= F(x).
    Raises TypeError, ValueError.
    """
    _one_mass_a_gap(p, x=x)
    w, y = node_masses(p), x

    def objective(y):
        return _energy(V, y, p) + (w * (x - y).square()).sum() / (2 * tau)

    for _ in range(iterations):
        slope, bend = _derivatives(V, y)
        force = w * (slope + (y - x) / tau) - _pressure(p, y)
        moved = -_newton(w, bend, tau, p / torch.diff(y).square(), force)
        y = _shortened(objective, y, moved)
        if (force * moved).sum().abs() < 1e-20:
            break
    return y


def _derivatives(V, y):
    """V' and V'' at the points y (n,)."""
    slope = grad(V, y[:, None])[:, 0]
    return slope, grad(lambda z: grad(V, z)[:, 0], y[:, None])[:, 0]


def _pressure(p, y):
    """Minus the derivative of the entropy at each point: p_{i-1} / gap_{i-1} - p_i / gap_i,
    the jump of the density."""
    density, zero = p / torch.diff(y), torch.zeros_like(p[:1])
    return torch.cat((zero, density)) - torch.cat((density, zero))


def _newton(w, bend, tau, c, force):
    """H^-1 force, with |V''| in place of V'' where H is not positive:
    a direction of descent in all cases."""
    try:
        return _solve_tridiagonal(w * (bend + 1 / tau), c, force)
    except LinAlgError:
        return _solve_tridiagonal(w * (bend.abs() + 1 / tau), c, force)


def _solve_tridiagonal(diagonal, c, force):
    """H^-1 force for the Hessian H = diag(diagonal) + sum_i c_i (e_i - e_{i+1})(e_i - e_{i+1})^T of
    the objective.   diagonal: (n,), c: (n-1,)."""
    zero = torch.zeros_like(c[:1])
    bands = torch.stack(
        (diagonal + torch.cat((zero, c)) + torch.cat((c, zero)), torch.cat((-c, zero)))
    )
    if not (bands.isfinite().all() and force.isfinite().all()):
        raise ValueError("the step overflows; "
                         "expected gaps, masses and V of moderate size, or x.double().")
    return torch.as_tensor(solveh_banded(bands.cpu().numpy(), force.cpu().numpy(), lower=True),
                           dtype=force.dtype, device=force.device)


def _shortened(objective, y, moved):
    """y + s moved with s = 1, 1/2, 1/4, ...: the first that keeps the order of the points and does
    not increase the objective, but by rounding."""
    before = objective(y)
    before = before + 10 * torch.finfo(y.dtype).eps * before.abs()
    for power in range(60):
        trial = y + 0.5**power * moved
        if (torch.diff(trial) > 0).all() and objective(trial) <= before:
            return trial
    return y


def _energy(V, x, p):
    return (node_masses(p) * values(V, x[:, None])).sum() + (p * (p / torch.diff(x)).log()).sum()


def _one_mass_a_gap(p, **points):
    """Of n points there are n - 1 gaps. Raises ValueError."""
    for name, x in points.items():
        if len(x) != len(p) + 1:
            shapes = f"{name} has shape {tuple(x.shape)} and p {tuple(p.shape)}"
            raise ValueError(f"{shapes}; expected n points (n,) and the n - 1 masses between them.")
