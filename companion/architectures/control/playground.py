"""Landing the double integrator by hand, x(0) = (-1, 0): what the live figures step and draw,
in plain operations on tensors.

Extremals have p_1 constant and p_2 = p_2(0) - p_1 t, so that the control u = law(p_2) is affine
on at most three arcs and the end of the trajectory is known in closed form. Pontryagin's sign.
Source: Bryson and Ho, Applied Optimal Control (1975), chapter 3.
"""

from itertools import pairwise
from typing import Annotated, NamedTuple

import torch

from companion.energies import grad
from companion.hints import Count, Number, Plane, Point, Positive, Real, an_instance, checked
from companion.inputs import a_number

WEIGHT = 10.0  # least time costs 10 a unit, so that its costate has the size of the others


class Shape(NamedTuple):
    """A cost: law(p_2, gamma) -> u maximises H and changes at |p_2| = edge(gamma); exact(gamma):
    the costate p(0) (2,) that lands;
    horizon(p, gamma) -> (...): the time at which one looks."""

    law: object
    edge: object
    exact: object
    horizon: object


_a_cost = an_instance(Shape, "one of playground.COSTS.values()")


Cost = Annotated[Shape, _a_cost]


def _bounded(s, gamma):
    return torch.maximum(torch.minimum(s, gamma + 0 * s), -gamma + 0 * s)


def _saturated(gamma):
    w = torch.clamp(torch.sqrt(torch.clamp(3 * (0.25 - 1 / gamma), min=1e-12)), max=0.5)
    return torch.stack([w + 0 * gamma, w / 2]) * torch.where(w < 0.5, gamma, 6.0) / w.square()


def _coasting(gamma):
    root = torch.sqrt(torch.clamp(1 - 4 / gamma, min=1e-12))
    return torch.stack([2 / root, 1 / root])


def _one(p, gamma):
    return torch.ones_like(p[..., 0])


def _at_rest(p, gamma):
    """The time 2 p_2 / p_1 at which full ahead, full back has come to rest, between 0.02 and 4."""
    return torch.clamp(2 * p[..., 1] / _away(p[..., 0]), 0.02, 4.0)


ENERGY = Shape(lambda s, gamma: s + 0 * gamma, lambda gamma: 0 * gamma,
               lambda gamma: torch.stack([12 + 0 * gamma, 6 + 0 * gamma]), _one)
BOUNDED = Shape(_bounded, lambda gamma: gamma, _saturated, _one)
FUEL = Shape(lambda s, gamma: gamma * (torch.sign(s - 1) + torch.sign(s + 1)) / 2,
             lambda gamma: 0 * gamma + 1, _coasting, _one)
TIME = Shape(lambda s, gamma: gamma * torch.sign(s), lambda gamma: 0 * gamma,
             lambda gamma: WEIGHT * torch.stack([1 / torch.sqrt(gamma), 1 / gamma]), _at_rest)
COSTS = {"energy": ENERGY, "energy, |u| ≤ γ": BOUNDED, "fuel, |u| ≤ γ": FUEL, "time, |u| ≤ γ": TIME}


@checked
def extremal_state(p: Plane, t: Real, cost: Cost, gamma: Positive) -> torch.Tensor:
    """The state (..., 2) at the times t (...) of the extremal from (-1, 0) with the costate
    p (..., 2) at the start. Exact, arc by arc."""
    gamma, t = (
        torch.as_tensor(gamma, dtype=p.dtype),
        t if isinstance(t, torch.Tensor) else p.new_tensor(t),
    )
    edge, slope = cost.edge(gamma), _away(p[..., 0])
    one, two = (
        torch.minimum(torch.clamp((p[..., 1] + side * edge) / slope, min=0.0), t)
        for side in (-1, 1)
    )
    nodes = [torch.zeros_like(one), torch.minimum(one, two), torch.maximum(one, two), t + 0 * one]
    place, speed = -1 + 0 * one, 0 * one
    for begin, end in pairwise(nodes):
        long = end - begin
        early, late = (
            cost.law(p[..., 1] - p[..., 0] * (begin + share * long), gamma)
            for share in (0.25, 0.75)
        )
        place = place + long * speed + long.square() * ((early + late) / 4 - (late - early) / 6)
        speed = speed + long * (early + late) / 2
    return torch.stack([place, speed], -1)


@checked
def shooting_residual(p: Plane, cost: Cost, gamma: Positive) -> torch.Tensor:
    """What must vanish, (..., 2): the state at the horizon. For least time, which ends at rest:
    the place there, and H / 10 - 1."""
    end = extremal_state(p, cost.horizon(p, gamma), cost, gamma)
    normal = gamma * p[..., 1] / WEIGHT - 1
    return torch.stack([end[..., 0], normal], -1) if cost.horizon is _at_rest else end


@checked
def residual_norm(p: Plane, cost: Cost, gamma: Positive) -> torch.Tensor:
    """|shooting_residual| (...)."""
    return shooting_residual(p, cost, gamma).square().sum(-1).sqrt()


@checked
def newton_step(p: Plane, cost: Cost, gamma: Positive, share: Number = 1.0,
                longest: Positive = 12.0) -> torch.Tensor:
    """p - share J^-1 r, r the shooting residual, J by autograd and inverted by hand; where J is
    singular p stays. No step is longer than `longest`.

    p: (..., 2). Raises TypeError, ValueError.
    """
    a_number(share, "share", above=0.0, most=1.0)
    r = shooting_residual(p, cost, gamma)
    (a, b), (c, d) = (
        grad(lambda q, i=i: shooting_residual(q, cost, gamma)[..., i], p).unbind(-1) for i in (0, 1)
    )
    det = a * d - b * c
    move = torch.stack([d * r[..., 0] - b * r[..., 1], a * r[..., 1] - c * r[..., 0]],
                       -1) / _away(det)[..., None]
    move = torch.where(det.abs()[..., None] > 1e-9, move, 0 * move)
    size = move.square().sum(-1, keepdim=True).sqrt()
    return p - share * move * torch.clamp(longest / torch.clamp(size, min=1e-12), max=1.0)


@checked
def line(p: Point, cost: Cost, gamma: Positive, points: Count = 81) -> torch.Tensor:
    """The trajectory of p (2,) as points (points, 2) of the plane of place and speed."""
    share = torch.linspace(0, 1, points, dtype=p.dtype)
    return extremal_state(p.expand(points, 2), share * cost.horizon(p, gamma), cost, gamma)


@checked
def control_along(p: Point, s: Real, cost: Cost, gamma: Positive) -> torch.Tensor:
    """u at the shares s (m,) of the horizon: (m,)."""
    return cost.law(p[1] - p[0] * s * cost.horizon(p, gamma), torch.as_tensor(gamma, dtype=p.dtype))


@checked
def optimal_states(t: Number, gamma: Positive) -> torch.Tensor:
    """The four optimal carts at time t, (4, 2). The fastest waits at 0."""
    gamma = torch.as_tensor(gamma)
    found = []
    for cost in COSTS.values():
        p = cost.exact(gamma)
        until = torch.minimum(t + 0 * p[0], cost.horizon(p, gamma))
        found.append(extremal_state(p, until, cost, gamma))
    return torch.stack(found)


@checked
def four_controls(t: Number, gamma: Positive) -> torch.Tensor:
    """Their controls at time t, (4,)."""
    found = []
    for cost in COSTS.values():
        p = cost.exact(torch.as_tensor(gamma))
        u = cost.law(p[1] - p[0] * t, gamma)
        found.append(torch.where(t <= cost.horizon(p, gamma) + 1e-6, u, 0 * u))
    return torch.stack(found)


def _away(x):
    """x, kept away from 0."""
    return torch.where(x.abs() < 1e-9, torch.full_like(x, 1e-9), x)
