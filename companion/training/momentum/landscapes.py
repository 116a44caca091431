"""Landscapes to walk on: potentials f: (..., 2) -> (...) or (..., d) -> (...).
Rosenbrock's valley is in `companion.potentials`."""

import torch

from companion.entries import AtLeastOne, Points
from companion.hints import Cloud, Device, Dtype, Number, Plane, Tensor, checked


@checked
def valley(x: Plane, *, kappa: AtLeastOne, angle: Number = 0.0) -> Tensor:
    """(p^2 / kappa + q^2) / 2: curvatures 1 across and 1/kappa along a valley whose axis
    p is turned by `angle` (radians) from the first axis.

    x: (..., 2); kappa >= 1 the condition number. Gradient descent is stable for lr < 2,
    whatever kappa. Raises TypeError, ValueError.
    """
    a, b = x[..., 0], x[..., 1]
    angle = torch.as_tensor(angle, dtype=x.dtype, device=x.device)
    p, q = torch.cos(angle) * a + torch.sin(angle) * b, torch.cos(angle) * b - torch.sin(angle) * a
    return (p.square() / kappa + q.square()) / 2


@checked
def powers(x: Points, *, gamma: AtLeastOne) -> Tensor:
    """sum_i |x_i|^gamma, gamma >= 1: sharp for gamma < 2, flat for gamma > 2. x: (..., d).
    For gamma = 1 its gradient at 0 is taken as 0."""
    return (x.abs() ** gamma).sum(-1)


@checked
def himmelblau(x: Plane) -> Tensor:
    """(x^2 + y - 11)^2 + (x + y^2 - 7)^2: four minima of value 0, see `wells`; x: (..., 2).
    Himmelblau, Applied Nonlinear Programming (1972)."""
    a, b = x[..., 0], x[..., 1]
    return (a.square() + b - 11).square() + (a + b.square() - 7).square()


@checked
def wells(*, dtype: Dtype = torch.float64, device: Device = None) -> Tensor:
    """The four minima of `himmelblau`, to 15 digits: (4, 2)."""
    found = [[3.0, 2.0], [-2.805118086952745, 3.131312518250573],
             [-3.779310253377747, -3.283185991286170], [3.584428340330492, -1.848126526964404]]
    return torch.tensor(found, dtype=dtype, device=device)


@checked
def nearest(x: Points, y: Cloud) -> Tensor:
    """The number (an index, in the dtype of x) of the row of y (m, d) that is nearest
    to x (..., d): (...). Plain operations, for a live figure."""
    if y.ndim != 2 or y.shape[1] != x.shape[-1]:
        raise ValueError(f"y has shape {tuple(y.shape)}; "
                         f"expected points with the coordinates of x: (m, {x.shape[-1]}).")
    return (x[..., None, :] - y).square().sum(-1).argmin(-1).to(x.dtype)


@checked
def lessard(x: Points) -> Tensor:
    """The sum over coordinates of Lessard, Recht and Packard's function: f' = 25 x for x < 1,
    x + 24 for 1 <= x < 2, 25 x - 24 for x >= 2.

    Strongly convex with mu = 1, smooth with L = 25, minimum 0 at 0: heavy ball with its own tuning
    cycles on it. x: (..., d).
    SIAM J. Optim. 26 (2016) 57-95, section 4.6.
    """
    low, mid, high = (
        12.5 * x.square(),
        0.5 * x.square() + 24 * x - 12,
        12.5 * x.square() - 24 * x + 36,
    )
    return torch.where(x < 1, low, torch.where(x < 2, mid, high)).sum(-1)
