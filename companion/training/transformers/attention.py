"""Self-attention as a field on the sphere: SA (softmax) and USA (its normalisation frozen),
and the energy that both increase.

Source: Geshkovski, Letrouit, Polyanskiy, Rigollet, A mathematical perspective on Transformers
(arXiv:2312.10794).
"""

from typing import Annotated

import torch

from companion.flow import heun
from companion.hints import Cloud, Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor, batch, concrete_value, like


def a_nonzero(value, name):
    """Return value, a finite number other than 0. Raises TypeError, ValueError."""
    a_number(value, name)
    if concrete_value(lambda: value == 0, value) if isinstance(value, torch.Tensor) else value == 0:
        raise ValueError(f"{name} = 0; expected a number other than 0: it is divided by.")
    return value


NonZero = Annotated[float | torch.Tensor, a_nonzero]


@checked
def normalise(x: Cloud) -> Tensor:
    """x_i / |x_i|: the projection of a cloud (..., n, d) to the unit sphere.
    Raises ValueError for a token at 0."""
    size = x.norm(dim=-1, keepdim=True)
    if concrete_value(lambda: (size == 0).any(), size):
        raise ValueError("x has a token at 0; expected tokens that have a direction.")
    return x / size


@checked
def tangent(x: Tensor, y: Tensor) -> Tensor:
    """P_x y = y - <x, y> x: the part of y (..., n, d) tangent to the sphere at x (..., n, d)."""
    batch((x.shape, "x"), (y.shape, "y"))
    return _tangent(x, y)


def _tangent(x, y):
    """The same, unchecked: for the inside of a run."""
    return y - (x * y).sum(-1, keepdim=True) * x


@checked
def similarities(x: Cloud) -> Tensor:
    """<x_i, x_j>: (..., n, n) for a cloud (..., n, d)."""
    return _similarities(x)


def _similarities(x):
    return x @ x.transpose(-1, -2)


@checked
def sa(t: Number, x: Cloud, beta: Number, *, masses: Tensor | None = None) -> Tensor:
    """x_i' = P_{x_i} sum_j A_ij x_j,  A = softmax_j(beta <x_i, x_j> + log m_j).

    x (..., n, d) on the unit sphere; beta any sign; masses (n,) positive, equal if not given.
    Autonomous: t is not used.
    """
    return _tangent(x, weights(beta * _similarities(x), masses) @ x)


def weights(logits, masses=None):
    """A = softmax_j(logits_ij + log m_j): (..., n, n), rows of sum 1; masses (n,),
    equal if not given."""
    if masses is not None:
        logits = logits + torch.log(of_sum_one(masses, logits))
    return torch.softmax(logits, -1)


@checked
def usa(t: Number, x: Cloud, beta: Number, *, masses: Tensor | None = None) -> Tensor:
    """x_i' = P_{x_i} sum_j m_j exp(beta <x_i, x_j>) x_j,  with m_j = 1/n or masses/sum(masses).

    x (..., n, d) on the unit sphere; beta any sign. n times the gradient of `energy`. Autonomous:
    t is not used.
    """
    pull = torch.exp(beta * _similarities(x))
    if masses is None:
        return _tangent(x, pull @ x / x.shape[-2])
    return _tangent(x, pull @ (of_sum_one(masses, x)[:, None] * x))


@checked
def energy(x: Cloud, beta: NonZero) -> Tensor:
    """E(x) = sum_ij exp(beta <x_i, x_j>) / (2 beta n^2), shape (...), for a cloud (..., n, d) and
    beta != 0."""
    terms = torch.exp(beta * _similarities(x))
    return terms.mean((-1, -2), dtype=torch.float64).to(x.dtype) / (2 * beta)


@checked
def partition(x: Cloud, beta: Number) -> Tensor:
    """Z_i / n = mean_j exp(beta <x_i, x_j>), shape (..., n): what SA divides by and USA does not.
    """
    return torch.exp(beta * _similarities(x)).mean(-1)


@checked
def noisy_step(k: Number, x: Cloud, xi: Tensor, *, model: Function, beta: Number, D: NonNegative,
               dt: Positive) -> Tensor:
    """x -> normalise(heun step of the field model(t, x, beta) + sqrt(2 D dt) P_x xi):
    dx = model dt + sqrt(2 D) dW on the sphere.

    xi like x, standard normal; D >= 0, dt > 0. Order 2 where D = 0, weak order 1 else.
    """
    like(xi, x, "xi")
    moved = heun(lambda t, y: model(t, y, beta), k * dt, x, dt)
    return normalise(moved + (2 * D * dt) ** 0.5 * _tangent(x, xi))


def of_sum_one(masses, x):
    """masses / sum(masses), (n,): one positive mass for each row of x (..., n, d).
    Raises TypeError, ValueError."""
    a_tensor(masses, "masses")
    if masses.shape != (x.shape[-2],):
        raise ValueError(f"masses has shape {tuple(masses.shape)}; expected one mass a token: "
                         f"({x.shape[-2]},).")
    if concrete_value(lambda: (masses <= 0).any(), masses):
        raise ValueError(f"masses has the minimum {masses.min().item()}; expected positive "
                         "numbers.")
    return masses / masses.sum()
