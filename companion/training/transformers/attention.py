"""Self-attention as a field on the sphere: SA (softmax) and USA (its normalisation frozen), and the energy that both increase.

Source: Geshkovski, Letrouit, Polyanskiy, Rigollet, A mathematical perspective on Transformers (arXiv:2312.10794).
"""

import torch

from companion.flow import heun
from companion.inputs import a_cloud, a_function, a_number, a_tensor, look


def normalise(x):
    """x_i / |x_i|: the projection of a cloud (..., n, d) to the unit sphere."""
    return a_cloud(x) / x.norm(dim=-1, keepdim=True)


def tangent(x, y):
    """P_x y = y - <x, y> x: the part of y (..., n, d) tangent to the sphere at x (..., n, d)."""
    return y - (x * y).sum(-1, keepdim=True) * x


def similarities(x):
    """<x_i, x_j>: (..., n, n) for a cloud (..., n, d)."""
    return a_cloud(x) @ x.transpose(-1, -2)


def sa(t, x, beta, *, masses=None):
    """x_i' = P_{x_i} sum_j A_ij x_j,  A = softmax_j(beta <x_i, x_j> + log m_j).

    x (..., n, d) on the unit sphere; beta any sign; masses (n,) positive, equal if not given. Autonomous: t is not used.
    """
    return tangent(x, weights(a_number(beta, "beta") * similarities(x), masses) @ x)


def weights(logits, masses=None):
    """A = softmax_j(logits_ij + log m_j): (..., n, n), rows of sum 1; masses (n,), equal if not given."""
    if masses is not None:
        logits = logits + torch.log(of_sum_one(masses, logits))
    return torch.softmax(logits, -1)


def usa(t, x, beta, *, masses=None):
    """x_i' = P_{x_i} sum_j m_j exp(beta <x_i, x_j>) x_j,  with m_j = 1/n or masses/sum(masses).

    x (..., n, d) on the unit sphere; beta any sign. n times the gradient of `energy`. Autonomous: t is not used.
    """
    pull = torch.exp(a_number(beta, "beta") * similarities(x))
    if masses is None:
        return tangent(x, pull @ x / x.shape[-2])
    return tangent(x, pull @ (of_sum_one(masses, x)[:, None] * x))


def energy(x, beta):
    """E(x) = sum_ij exp(beta <x_i, x_j>) / (2 beta n^2), shape (...), for a cloud (..., n, d) and beta != 0."""
    terms = torch.exp(a_number(beta, "beta") * similarities(x))
    return terms.mean((-1, -2), dtype=torch.float64).to(x.dtype) / (2 * beta)


def partition(x, beta):
    """Z_i / n = mean_j exp(beta <x_i, x_j>), shape (..., n): what SA divides by and USA does not."""
    return torch.exp(a_number(beta, "beta") * similarities(x)).mean(-1)


def noisy_step(k, x, xi, *, model, beta, D, dt):
    """x -> normalise(heun step of the field model(t, x, beta) + sqrt(2 D dt) P_x xi): dx = model dt + sqrt(2 D) dW on the sphere.

    xi like x, standard normal; D >= 0, dt > 0. Order 2 where D = 0, weak order 1 else.
    """
    a_number(D, "D", least=0.0)
    a_number(dt, "dt", above=0.0)
    moved = heun(lambda t, y: a_function(model, "model")(t, y, beta), k * dt, x, dt)
    return normalise(moved + (2 * D * dt) ** 0.5 * tangent(x, xi))


def of_sum_one(masses, x):
    """masses / sum(masses), (n,): one positive mass for each row of x (..., n, d). Raises TypeError, ValueError."""
    a_tensor(masses, "masses")
    if masses.shape != (x.shape[-2],):
        raise ValueError(f"masses has shape {tuple(masses.shape)}; expected one mass a token: ({x.shape[-2]},).")
    if look(lambda: (masses <= 0).any(), masses):
        raise ValueError(f"masses has the minimum {masses.min().item()}; expected positive numbers.")
    return masses / masses.sum()
