"""Momentum and Adam in continuous time: fields v(t, z) on phase space, for `flow` and for the live
figures.

The state z is Inertia(x, v) or Moments(x, m, v), the field one of the same parts.
Gradient flow itself is companion.energies.descent(f).
Sources: Polyak, USSR Comput. Math. Math. Phys. 4 (1964); Su, Boyd, Candes, JMLR 17 (2016); Barakat,
Bianchi, SIAM J. Optim. 31 (2021).
"""

import torch

from companion.energies import grad
from companion.entries import NonNegatives
from companion.hints import Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import batch, one_each
from companion.training.momentum.phase import (
    Inertia,
    Moments,
    WithInertia,
    WithMoments,
    mean_square,
    ratio,
)


@checked
def heavy_ball_flow(t: Number, z: WithInertia, *, f: Function, friction: NonNegative) -> Inertia:
    """x' = v,  v' = -friction v - grad f(x).   friction >= 0, a number.
    Autonomous: t is not used."""
    return Inertia(z.v, -friction * z.v - grad(f, z.x))


@checked
def nesterov_flow(t: NonNegative, z: WithInertia, *, f: Function,
                  r: NonNegative = 3.0) -> Inertia:
    """x' = v,  v' = -(r/t) v - grad f(x),  t >= 0.   r >= 0, a number.

    At t = 0 the velocity has to be 0, and the field is its limit along the solution,
    v' = -grad f(x)/(1 + r).
    """
    t = torch.as_tensor(t, dtype=z.x.dtype, device=z.x.device)
    g = grad(f, z.x)
    later = -r / torch.where(t > 0, t, 1.0) * z.v - g
    return Inertia(z.v, torch.where(t > 0, later, -g / (1 + r)))


@checked
def adam_flow(t: NonNegative, z: WithMoments, *, f: Function, a: Positive = 1.0,
              b: Positive = 0.5, eps: NonNegative = 1e-8,
              variance: NonNegative = 0.0) -> Moments:
    """x' = -M/(eps + sqrt(V)),  m' = a (g - m),  v' = b (g^2 + variance - v),  with
    M = m/(1 - e^{-a t}), V = v/(1 - e^{-b t}).

    g = grad f(x);  m = v = 0 at t = 0, where M = g and V = g^2 + variance. Products entry by entry.
    Adam with beta1 = 1 - a lr, beta2 = 1 - b lr tends to it as lr -> 0, t = k lr. variance >= 0:
    of the noise in each entry of g.
    """
    g = grad(f, z.x)
    square = g.square() + variance
    M, V = corrected(t, z.m, a, g), corrected(t, mean_square(z.v), b, square)
    return Moments(-ratio(M, torch.sqrt(V) + eps), a * (g - z.m), b * (square - z.v))


@checked
def adam_energy(t: NonNegatives, z: WithMoments, *, f: Function, a: Positive = 1.0,
                b: Positive = 0.5, eps: NonNegative = 1e-8) -> Tensor:
    """f(x) + sum_i m_i^2/(2 U_i),  U = a (1 - e^{-a t}) (eps + sqrt(v/(1 - e^{-b t}))):
    (...) for parts (..., d). t: a number, or one for each state, as path.t[:, None] for path.x.

    Never increases along `adam_flow` if b <= 4 a; at t = 0, where m = 0, it is f(x).
    Barakat and Bianchi (2021), section 3.
    """
    grown = growth(t, a, like=z.x)
    batch((grown.shape, "t"), (z.x.shape, "z.x"))
    V = corrected(t, mean_square(z.v), b, torch.ones_like(z.v))
    moving = ratio(z.m.square(), 2 * a * grown * (torch.sqrt(V) + eps)).sum(-1)
    return one_each(f(z.x), z.x.shape[:-1], "f(x)") + moving


def corrected(t: NonNegatives, mean: Tensor, rate: Positive, first: Tensor) -> Tensor:
    """mean/(1 - e^{-rate t}), an average begun at 0 freed of its start; at t = 0 its limit `first`.
    t >= 0."""
    grown = growth(t, rate, like=mean)
    return torch.where(grown > 0, mean / torch.where(grown > 0, grown, 1.0), first)


def growth(t: NonNegatives, rate: Positive, *, like: Tensor) -> Tensor:
    """1 - e^{-rate t}, to full precision also where t is small."""
    return -torch.expm1(-rate * torch.as_tensor(t, dtype=like.dtype, device=like.device))

