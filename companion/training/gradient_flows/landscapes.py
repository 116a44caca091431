"""Two landscapes in the plane whose exact flow and proximal step are formulas,
so that three clocks can run side by side in a page.

    bowl          f(x, y) = (x^2 + kappa y^2) / 2
    double well   f(x, y) = (x^2 - 1)^2 / 4 + kappa y^2 / 2
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch

from companion import potentials
from companion.hints import Number, Positive, Tensor, an_instance, checked
from companion.inputs import a_number, a_tensor
from companion.training.gradient_flows.euler import explicit_step


class Landscape(NamedTuple):
    """f(x, kappa), the exact flow(x, t, kappa), the proximal step prox(x, tau, kappa).

    x: (..., 2), kappa > 0 the stiff curvature.
    """

    f: Callable
    flow: Callable
    prox: Callable


def _planar(x, kappa):
    if a_tensor(x, "x").ndim == 0 or x.shape[-1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points of the plane (..., 2).")
    a_number(kappa, "kappa", above=0)
    return x[..., 0], x[..., 1]


def _bowl(x, kappa):
    a, b = _planar(x, kappa)
    return (a.square() + kappa * b.square()) / 2


def _bowl_flow(x, t, kappa):
    a, b = _planar(x, kappa)
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device)
    return torch.stack((torch.exp(-t) * a, torch.exp(-kappa * t) * b), -1)


def _bowl_prox(x, tau, kappa):
    a, b = _planar(x, kappa)
    return torch.stack((a / (1 + tau), b / (1 + tau * kappa)), -1)


def _well(x, kappa):
    a, b = _planar(x, kappa)
    return potentials.double_well(torch.stack((a, kappa**0.5 * b), -1))


def _well_flow(x, t, kappa):
    a, b = _planar(x, kappa)
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device)
    grown = a.square() * -torch.expm1(-2 * t)
    return torch.stack((a / (torch.exp(-2 * t) + grown).sqrt(), torch.exp(-kappa * t) * b), -1)


def _well_prox(x, tau, kappa):
    """y + tau (y^3 - y) = |a| has one root y > 0, and its left side is convex there:
    Newton's method descends to it from above: from max(|a|, 1), or 1 + (|a| / tau)^(1/3),
    as tau (y - 1)^3 <= |a| if y >= 1.
    """
    a, b = _planar(x, kappa)
    size = a.abs()
    y = torch.minimum(size.clamp(min=1), 1 + (size / tau) ** (1 / 3))
    for _ in range(12):
        y = y - (y + tau * (y**3 - y) - size) / (1 + tau * (3 * y.square() - 1))
    return torch.stack((torch.where(a < 0, -y, y), b / (1 + tau * kappa)), -1)


bowl = Landscape(_bowl, _bowl_flow, _bowl_prox)
double_well = Landscape(_well, _well_flow, _well_prox)


_a_landscape = an_instance(Landscape, "a Landscape: bowl, double_well, or Landscape(f, flow, prox)")


def _travellers(x, name):
    if a_tensor(x, name).ndim < 2 or x.shape[0] != 3 or x.shape[-1] != 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; "
                         "expected the places of three travellers in the plane: (3, 2).")
    return x


@checked
def three_clocks(k: Number, x: Annotated[torch.Tensor, _travellers], *, tau: Positive,
                 kappa: Positive,
                 terrain: Annotated[Landscape, _a_landscape]) -> Tensor:
    """One step tau of three travellers from their places x (3, 2): the exact flow, explicit Euler,
    implicit Euler (the proximal step)."""
    exact = terrain.flow(x[0], tau, kappa)
    explicit = explicit_step(lambda p: terrain.f(p, kappa), x[1], tau=tau)
    return torch.stack((exact, explicit, terrain.prox(x[2], tau, kappa)))
