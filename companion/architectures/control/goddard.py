"""Goddard's rocket: the highest flight with the fuel there is, the speed bounded. Bang, singular, boundary, off.

r' = v,  v' = (u T_max - D) / m - 1 / r^2,  m' = -b u T_max,  D = C_d v^2 exp(-beta (r - 1)),  0 <= u <= 1,  v <= v_max; maximise r(T).
Source: Goddard (1919); with these constants Caillau, Ferretti, Trelat and Zidani, Numerical Control: Part A (2022).
"""

import torch

from companion.architectures.control.arcs import Arc, shoot_arcs
from companion.architectures.control.hamiltonian import bracket, singular
from companion.architectures.control.problem import Problem

DRAG, THRUST, BETA, BURN, FASTEST, EMPTY = 310.0, 3.5, 500.0, 2.0, 0.1, 0.6


def drift(x):
    """F0: the field without thrust, (..., 3)."""
    r, v, m = x.unbind(-1)
    drag = DRAG * v.square() * torch.exp(-BETA * (r - 1))
    return torch.stack([v, -drag / m - 1 / r.square(), torch.zeros_like(m)], -1)


def thrust(x):
    """F1: what full thrust adds, (..., 3)."""
    m = x[..., 2]
    return torch.stack([torch.zeros_like(m), THRUST / m, torch.full_like(m, -BURN * THRUST)], -1)


def field(t, x, u):
    """F0 + u F1."""
    return drift(x) + u * thrust(x)


def below(x):
    """g = v_max - v >= 0."""
    return FASTEST - x[..., 1]


def h0(x, p):
    """<p, F0>."""
    return (p * drift(x)).sum(-1)


def h1(x, p):
    """<p, F1>: the switching function."""
    return (p * thrust(x)).sum(-1)


h01 = bracket(h0, h1)


def boundary(t, x, p):
    """u = m (D / m + 1 / r^2) / T_max: the control that keeps v = v_max."""
    return (-drift(x)[..., 1] * x[..., 2] / THRUST)[..., None]


def pressure(t, x, p):
    """mu = H01 / (F1 . g), the multiplier of g on the boundary: F1 . g = -T_max / m."""
    return h01(x, p) / (-THRUST / x[..., 2])


def rocket():
    """The Problem: start (1, 0, 1), the tank empty at m = 0.6, the horizon free."""
    start = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    return Problem(field, x0=start, xT=(None, None, EMPTY), final=lambda x: -x[..., 0], bounds=(0.0, 1.0), above=lambda x: below(x)[..., None])


def full(t, x, p):
    """u = 1."""
    return torch.ones_like(x[..., :1])


def off(t, x, p):
    """u = 0."""
    return torch.zeros_like(x[..., :1])


ARCS = (Arc(full), Arc(singular(h0, h1)), Arc(boundary, below, pressure), Arc(off))


def conditions(x, p):
    """The seven equations: H1 = H01 = 0 where the singular arc begins, g = 0 where the boundary does, and at the end m, p_r, p_v and H0."""
    return torch.stack([x[-1, 2] - EMPTY, p[-1, 0] - 1, p[-1, 1], h1(x[0], p[0]), h01(x[0], p[0]), below(x[1]), h0(x[-1], p[-1])])


def fly(p0, times, *, steps=50):
    """The Solution near a guess of p(0) (3,) and of the four times at which the arcs end (4,). Raises TypeError, ValueError, NoSolution."""
    return shoot_arcs(rocket(), ARCS, conditions, p0=p0, times=times, steps=steps)
