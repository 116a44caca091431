"""Linear steps and linear fields: what they keep, and how fast they forget. No statistics:
matrices.

On a quadratic potential every scheme of the chapter is z' = A z + B xi, and its invariant law
is N(0, C) with C = A C A^T + B B^T.
"""

import math
from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.hints import Function, State, checked
from companion.inputs import a_tensor, batch, concrete_value, like
from companion.state import cut, flat


def a_square(S, name, *, symmetric=False, definite=False):
    """Return S, a finite square matrix (d, d), symmetric or symmetric positive definite if asked.
    Raises TypeError, ValueError."""
    a_tensor(S, name)
    if S.ndim != 2 or S.shape[0] != S.shape[1] or not S.shape[0]:
        raise ValueError(f"{name} has shape {tuple(S.shape)}; expected a square matrix (d, d).")
    if (symmetric or definite) and concrete_value(
            lambda: (S - S.mT).abs().max() > 1e-5 * S.abs().max(), S):
        raise ValueError(f"{name} is not symmetric{definite * ' positive definite'}; expected a "
                         f"symmetric matrix: ({name} + {name}.T) / 2.")
    if definite and concrete_value(lambda: torch.linalg.eigvalsh(S.detach()).min() <= 0, S):
        raise ValueError(f"{name} is not symmetric positive definite; expected a matrix of "
                         "curvatures.")
    return S


def antisymmetric(J, name):
    """Return J (d, d) with J^T = -J. Raises TypeError, ValueError."""
    a_square(J, name)
    if concrete_value(lambda: (J + J.mT).abs().max() > 1e-6 * (1 + J.abs().max()), J):
        raise ValueError(f"{name} is not antisymmetric; expected {name}.T = -{name}: ({name} - "
                         f"{name}.T) / 2.")
    return J


Symmetric = Annotated[torch.Tensor, partial(a_square, symmetric=True)]
Curvatures = Annotated[torch.Tensor, partial(a_square, definite=True)]
Antisymmetric = Annotated[torch.Tensor, antisymmetric]


class Linear(NamedTuple):
    """z' = A z + B xi, states in one row, part after part.   A: (s, s), B: (s, q)."""

    A: torch.Tensor
    B: torch.Tensor


@checked
def linear_step(step: Function, z: State, *, noise: State | None = None) -> Linear:
    """A and B of a step(k, z, xi) that is linear in (z, xi), from its images of the unit vectors,
    in float64.

    z: any state of the step;  noise: any xi, by default like z. Their shapes count, not their
    numbers. Raises TypeError; ValueError if the step is not linear.
    """
    noise = z if noise is None else noise
    no_z, no_xi = _zeros(z, "z"), _zeros(noise, "noise")

    def moved(row, draws):
        given = cut(row, z)
        return flat(like(step(0, given, cut(draws, noise)), given, "step(k, z, xi)"))

    A = torch.stack([moved(e, no_xi) for e in torch.eye(len(no_z)).to(no_z)], 1)
    B = torch.stack([moved(no_z, e) for e in torch.eye(len(no_xi)).to(no_z)], 1)
    row = torch.linspace(-1.0, 2.0, len(no_z)).to(no_z)
    draws = torch.linspace(1.5, -0.7, len(no_xi)).to(no_z)
    if not torch.allclose(moved(row, draws), A @ row + B @ draws, rtol=1e-9, atol=1e-9):
        raise ValueError("step is not linear in (z, xi); expected the step of a quadratic "
                         "potential with its minimum at 0.")
    return Linear(A, B)


@checked
def stationary_covariance(step: Function, z: State, *,
                          noise: State | None = None) -> torch.Tensor:
    """C = A C A^T + B B^T = sum_k A^k B B^T (A^T)^k, the covariance (s, s) that a linear step
    keeps; z and noise as in `linear_step`.

    Summed by doubling: C <- C + A C A^T, A <- A A. Raises ValueError if the step is not linear,
    or not stable: spectral radius >= 1.
    """
    A, B = linear_step(step, z, noise=noise)
    radius = _radius(A)
    if not radius < 1 - 1e-13:
        raise ValueError(f"step has the spectral radius {radius:.6g}; expected less than 1: take "
                         "a smaller h.")
    C = B @ B.T
    for _ in range(math.ceil(math.log2(50 / -math.log(radius)))) if radius > 0 else range(len(A)):
        C, A = C + A @ C @ A.T, A @ A
    return (C + C.T) / 2


@checked
def contraction(step: Function, z: State, *, noise: State | None = None) -> float:
    """The spectral radius of a linear step: means decay like its k-th power. A float."""
    return _radius(linear_step(step, z, noise=noise).A)


@checked
def drift_gap(v: Function, z: State) -> float:
    """min Re of the spectrum of B, where v(t, z) = -B z is a linear field:
    means decay like exp(-gap t). A float.

    z: any state, its shapes count. Raises TypeError; ValueError if the field is not linear.
    """
    A = linear_step(lambda k, z, xi: like(v(0.0, z), z, "v(t, z)"), z).A
    return -torch.linalg.eigvals(A).real.max().item()


def _radius(A):
    return torch.linalg.eigvals(A).abs().max().item()


def _zeros(z, name):
    """As many zeros in a row as z has numbers, in float64. Raises ValueError."""
    row = torch.zeros_like(flat(z), dtype=torch.float64, device="cpu")
    if not len(row):
        raise ValueError(f"{name} has no number; expected a state of at least one.")
    return row


def as_tensors(**given):
    """The values as tensors: numbers in the dtype of the first tensor among them, else in float64.
    Raises ValueError if shapes do not fit."""
    first = next((value for value in given.values() if isinstance(value, torch.Tensor)),
                 torch.zeros((), dtype=torch.float64))
    found = {
        n: v
        if isinstance(v, torch.Tensor)
        else torch.tensor(float(v), dtype=first.dtype, device=first.device)
        for n, v in given.items()
    }
    batch(*((value.shape, name) for name, value in found.items()))
    return list(found.values())
