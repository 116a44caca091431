"""Momentum and Adam in continuous time: fields v(t, z) on phase space, for `flow` and for the live figures.

The state z holds x and what the method remembers along its first axis: (x, v) is (2, ..., d), (x, m, v) is (3, ..., d), any batch between.
Gradient flow itself is companion.energies.descent(f).
Sources: Polyak, USSR Comput. Math. Math. Phys. 4 (1964); Su, Boyd, Candes, JMLR 17 (2016); Barakat, Bianchi, SIAM J. Optim. 31 (2021).
"""

import torch

from companion.energies import grad
from companion.inputs import a_number
from companion.training.momentum.phase import parts, ratio


def heavy_ball_flow(t, z, *, f, friction):
    """x' = v,  v' = -friction v - grad f(x).   z = (x, v): (2, ..., d);  friction >= 0, a number. Autonomous: t is not used."""
    x, v = parts(z, "x", "v")
    return torch.stack((v, -a_number(friction, "friction", least=0.0) * v - grad(f, x)))


def nesterov_flow(t, z, *, f, r=3.0):
    """x' = v,  v' = -(r/t) v - grad f(x),  t >= 0.   z = (x, v): (2, ..., d);  r >= 0, a number.

    At t = 0 the velocity has to be 0, and the field is its limit along the solution, v' = -grad f(x)/(1 + r).
    """
    x, v = parts(z, "x", "v")
    t = torch.as_tensor(t, dtype=z.dtype, device=z.device)
    g = grad(f, x)
    later = -a_number(r, "r", least=0.0) / torch.where(t > 0, t, 1.0) * v - g
    return torch.stack((v, torch.where(t > 0, later, -g / (1 + r))))


def adam_flow(t, z, *, f, a=1.0, b=0.5, eps=1e-8, variance=0.0):
    """x' = -M/(eps + sqrt(V)),  m' = a (g - m),  v' = b (g^2 + variance - v),  with M = m/(1 - e^{-a t}), V = v/(1 - e^{-b t}).

    g = grad f(x);  z = (x, m, v): (3, ..., d), m = v = 0 at t = 0, where M = g and V = g^2 + variance. Products entry by entry.
    Adam with beta1 = 1 - a lr, beta2 = 1 - b lr tends to it as lr -> 0, t = k lr. variance >= 0: of the noise in each entry of g.
    """
    x, m, v = parts(z, "x", "m", "v")
    g = grad(f, x)
    square = g.square() + a_number(variance, "variance", least=0.0)
    M, V = corrected(t, m, a_number(a, "a", above=0.0), g), corrected(t, v, a_number(b, "b", above=0.0), square)
    return torch.stack((-ratio(M, torch.sqrt(V) + a_number(eps, "eps", least=0.0)), a * (g - m), b * (square - v)))


def adam_energy(t, z, *, f, a=1.0, b=0.5, eps=1e-8):
    """f(x) + sum_i m_i^2/(2 U_i),  U = a (1 - e^{-a t}) (eps + sqrt(v/(1 - e^{-b t}))): (...) for z = (x, m, v): (3, ..., d).

    Never increases along `adam_flow` if b <= 4 a; at t = 0, where m = 0, it is f(x). Barakat and Bianchi (2021), section 3.
    """
    x, m, v = parts(z, "x", "m", "v")
    grown = growth(t, a_number(a, "a", above=0.0), like=z)
    V = corrected(t, v, a_number(b, "b", above=0.0), torch.ones_like(v))
    return f(x) + ratio(m.square(), 2 * a * grown * (torch.sqrt(V) + a_number(eps, "eps", least=0.0))).sum(-1)


def corrected(t, mean, rate, first):
    """mean/(1 - e^{-rate t}), an average begun at 0 freed of its start; at t = 0 its limit `first`. t >= 0."""
    grown = growth(t, rate, like=mean)
    return torch.where(grown > 0, mean / torch.where(grown > 0, grown, 1.0), first)


def growth(t, rate, *, like):
    """1 - e^{-rate t}, to full precision also where t is small."""
    return -torch.expm1(-rate * torch.as_tensor(t, dtype=like.dtype, device=like.device))

