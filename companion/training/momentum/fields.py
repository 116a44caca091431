"""Momentum and Adam in continuous time: fields v(t, z) on phase space, for `flow` and for the live
figures.

The state z holds x and what the method remembers along its first axis: (x, v) is (2, ..., d),
(x, m, v) is (3, ..., d), any batch between.
Gradient flow itself is companion.energies.descent(f).
Sources: Polyak, USSR Comput. Math. Math. Phys. 4 (1964); Su, Boyd, Candes, JMLR 17 (2016); Barakat,
Bianchi, SIAM J. Optim. 31 (2021).
"""

import torch

from companion.energies import grad
from companion.hints import Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import one_each
from companion.training.momentum.phase import mean_square, parts, ratio


@checked
def heavy_ball_flow(t: Number, z: Tensor, *, f: Function, friction: NonNegative) -> Tensor:
    """x' = v,  v' = -friction v - grad f(x).   z = (x, v): (2, ..., d);  friction >= 0, a number.
    Autonomous: t is not used."""
    x, v = parts(z, "x", "v")
    return torch.stack((v, -friction * v - grad(f, x)))


@checked
def nesterov_flow(t: NonNegative, z: Tensor, *, f: Function, r: NonNegative = 3.0) -> Tensor:
    """x' = v,  v' = -(r/t) v - grad f(x),  t >= 0.   z = (x, v): (2, ..., d);  r >= 0, a number.

    At t = 0 the velocity has to be 0, and the field is its limit along the solution,
    v' = -grad f(x)/(1 + r).
    """
    x, v = parts(z, "x", "v")
    t = torch.as_tensor(t, dtype=z.dtype, device=z.device)
    g = grad(f, x)
    later = -r / torch.where(t > 0, t, 1.0) * v - g
    return torch.stack((v, torch.where(t > 0, later, -g / (1 + r))))


@checked
def adam_flow(t: NonNegative, z: Tensor, *, f: Function, a: Positive = 1.0, b: Positive = 0.5,
              eps: NonNegative = 1e-8, variance: NonNegative = 0.0) -> Tensor:
    """x' = -M/(eps + sqrt(V)),  m' = a (g - m),  v' = b (g^2 + variance - v),  with
    M = m/(1 - e^{-a t}), V = v/(1 - e^{-b t}).

    g = grad f(x);  z = (x, m, v): (3, ..., d), m = v = 0 at t = 0, where M = g and
    V = g^2 + variance. Products entry by entry.
    Adam with beta1 = 1 - a lr, beta2 = 1 - b lr tends to it as lr -> 0, t = k lr. variance >= 0:
    of the noise in each entry of g.
    """
    x, m, v = parts(z, "x", "m", "v")
    g = grad(f, x)
    square = g.square() + variance
    M, V = corrected(t, m, a, g), corrected(t, mean_square(v), b, square)
    return torch.stack((-ratio(M, torch.sqrt(V) + eps), a * (g - m), b * (square - v)))


@checked
def adam_energy(t: NonNegative, z: Tensor, *, f: Function, a: Positive = 1.0, b: Positive = 0.5,
                eps: NonNegative = 1e-8) -> Tensor:
    """f(x) + sum_i m_i^2/(2 U_i),  U = a (1 - e^{-a t}) (eps + sqrt(v/(1 - e^{-b t}))):
    (...) for z = (x, m, v): (3, ..., d).

    Never increases along `adam_flow` if b <= 4 a; at t = 0, where m = 0, it is f(x).
    Barakat and Bianchi (2021), section 3.
    """
    x, m, v = parts(z, "x", "m", "v")
    grown = growth(t, a, like=z)
    V = corrected(t, mean_square(v), b, torch.ones_like(v))
    moving = ratio(m.square(), 2 * a * grown * (torch.sqrt(V) + eps)).sum(-1)
    return one_each(f(x), x.shape[:-1], "f(x)") + moving


def corrected(t: NonNegative, mean: Tensor, rate: Positive, first: Tensor) -> Tensor:
    """mean/(1 - e^{-rate t}), an average begun at 0 freed of its start; at t = 0 its limit `first`.
    t >= 0."""
    grown = growth(t, rate, like=mean)
    return torch.where(grown > 0, mean / torch.where(grown > 0, grown, 1.0), first)


def growth(t: NonNegative, rate: Positive, *, like: Tensor) -> Tensor:
    """1 - e^{-rate t}, to full precision also where t is small."""
    return -torch.expm1(-rate * torch.as_tensor(t, dtype=like.dtype, device=like.device))

