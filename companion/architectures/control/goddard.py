"""Goddard's rocket: the highest flight with the fuel there is, the speed bounded. Bang, singular,
boundary, off.

r' = v,  v' = (u T_max - D) / m - 1 / r^2,  m' = -b u T_max,  D = C_d v^2
exp(-beta (r - 1)),  0 <= u <= 1,  v <= v_max; maximise r(T).
Source: Goddard (1919); with these constants Caillau, Ferretti, Trelat and Zidani,
Numerical Control: Part A (2022).
"""

import functools
from typing import Annotated

import torch

from companion.architectures.control.arcs import Arc, shoot_arcs
from companion.architectures.control.hamiltonian import bracket, singular
from companion.architectures.control.problem import Problem, Solution
from companion.hints import Column, Count, Real, Space, Tensor, a_shape, checked
from companion.inputs import batch

Junctions = Annotated[torch.Tensor, functools.partial(a_shape, shape=(4, 3))]
DRAG, THRUST, BETA, BURN, FASTEST, EMPTY = 310.0, 3.5, 500.0, 2.0, 0.1, 0.6


@checked
def drift(x: Space) -> torch.Tensor:
    """F0: the field without thrust, (..., 3). Raises TypeError, ValueError."""
    r, v, m = x.unbind(-1)
    drag = DRAG * v.square() * torch.exp(-BETA * (r - 1))
    return torch.stack([v, -drag / m - 1 / r.square(), torch.zeros_like(m)], -1)


@checked
def thrust(x: Space) -> torch.Tensor:
    """F1: what full thrust adds, (..., 3). Raises TypeError, ValueError."""
    m = x[..., 2]
    return torch.stack([torch.zeros_like(m), THRUST / m, torch.full_like(m, -BURN * THRUST)], -1)


@checked
def field(t: Real, x: Space, u: Column) -> torch.Tensor:
    """F0 + u F1: (..., 3), u (..., 1). Raises TypeError, ValueError."""
    batch((u.shape[:-1], "the batch of u"), (x.shape[:-1], "the batch of x"))
    return drift(x) + u * thrust(x)


@checked
def below(x: Space) -> torch.Tensor:
    """g = v_max - v >= 0: (...). Raises TypeError, ValueError."""
    return FASTEST - x[..., 1]


@checked
def h0(x: Space, p: Space) -> torch.Tensor:
    """<p, F0>: (...). Raises TypeError, ValueError."""
    batch((x.shape, "x"), (p.shape, "p"))
    return (p * drift(x)).sum(-1)


@checked
def h1(x: Space, p: Space) -> torch.Tensor:
    """<p, F1>, the switching function: (...). Raises TypeError, ValueError."""
    batch((x.shape, "x"), (p.shape, "p"))
    return (p * thrust(x)).sum(-1)


h01 = bracket(h0, h1)


@checked
def boundary(t: Real, x: Space, p: Space | None) -> torch.Tensor:
    """u = m (D / m + 1 / r^2) / T_max: the control that keeps v = v_max: (..., 1).
    Raises TypeError, ValueError."""
    return (-drift(x)[..., 1] * x[..., 2] / THRUST)[..., None]


@checked
def pressure(t: Real, x: Space, p: Space) -> torch.Tensor:
    """mu = H01 / (F1 . g), the multiplier of g on the boundary: F1 . g = -T_max / m. (...).

    Raises TypeError, ValueError.
    """
    return h01(x, p) / (-THRUST / x[..., 2])


def rocket() -> Problem:
    """The Problem: start (1, 0, 1), the tank empty at m = 0.6, the horizon free."""
    start = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    return Problem(field, x0=start, xT=(None, None, EMPTY), final=lambda x: -x[..., 0],
                   bounds=(0.0, 1.0), above=lambda x: below(x)[..., None])


@checked
def full(t: Real, x: Space, p: Space | None) -> torch.Tensor:
    """u = 1: (..., 1). Raises TypeError, ValueError."""
    return torch.ones_like(x[..., :1])


@checked
def off(t: Real, x: Space, p: Space | None) -> torch.Tensor:
    """u = 0: (..., 1). Raises TypeError, ValueError."""
    return torch.zeros_like(x[..., :1])


ARCS = (Arc(full), Arc(singular(h0, h1)), Arc(boundary, below, pressure), Arc(off))


@checked
def conditions(t: Real, x: Junctions, p: Junctions) -> torch.Tensor:
    """The seven equations: H1 = H01 = 0 where the singular arc begins, g = 0 where the boundary
    does, and at the end m, p_r, p_v and H0. States and costates (4, 3) at the arcs' ends -> (7,).
    """
    return torch.stack(
        [
            x[-1, 2] - EMPTY,
            p[-1, 0] - 1,
            p[-1, 1],
            h1(x[0], p[0]),
            h01(x[0], p[0]),
            below(x[1]),
            h0(x[-1], p[-1]),
        ]
    )


@checked
def fly(p0: Tensor, times: Tensor, *, steps: Count = 50) -> Solution:
    """The Solution near a guess of p(0) (3,) and of the four times at which the arcs end (4,):
    first with few steps an arc, then with `steps`. Raises TypeError, ValueError, NoSolution."""
    few = min(steps, 10)
    found = shoot_arcs(rocket(), ARCS, conditions, p0=p0, times=times, steps=few)
    if steps > few:
        p0, times = found.costate[0], found.path.t[few :: few + 1]
        found = shoot_arcs(rocket(), ARCS, conditions, p0=p0, times=times, steps=steps)
    return found
