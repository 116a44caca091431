"""Linear steps and linear fields: what they keep, and how fast they forget. No statistics: matrices.

On a quadratic potential every scheme of the chapter is z' = A z + B xi, and its invariant law is N(0, C) with C = A C A^T + B B^T.
"""

import math
from typing import NamedTuple

import torch

from companion.inputs import a_count, a_function, a_number, a_tensor


class Linear(NamedTuple):
    """z' = A z + B xi on flattened states.   A: (s, s), B: (s, q)."""

    A: torch.Tensor
    B: torch.Tensor


def linear_step(step, shape, *, noise=None):
    """A and B of a step(k, z, xi) that is linear in (z, xi), from its images of the unit vectors, in float64.

    shape: of z;  noise: the shape of xi, by default that of z. Raises TypeError; ValueError if the step is not linear.
    """
    a_function(step, "step")
    shape, noise = _shape(shape, "shape"), _shape(shape if noise is None else noise, "noise")
    z0, xi0 = (torch.zeros(s, dtype=torch.float64) for s in (shape, noise))
    A = torch.stack([step(0, e, xi0).reshape(-1) for e in _units(shape)], 1)
    B = torch.stack([step(0, z0, e).reshape(-1) for e in _units(noise)], 1)
    z, xi = torch.linspace(-1.0, 2.0, z0.numel()).to(z0), torch.linspace(1.5, -0.7, xi0.numel()).to(z0)
    image = step(0, z.reshape(shape), xi.reshape(noise)).reshape(-1)
    if not torch.allclose(image, A @ z + B @ xi, rtol=1e-9, atol=1e-9):
        raise ValueError("step is not linear in (z, xi); expected the step of a quadratic potential with its minimum at 0.")
    return Linear(A, B)


def stationary_covariance(step, shape, *, noise=None):
    """C = A C A^T + B B^T = sum_k A^k B B^T (A^T)^k, the covariance (s, s) that a linear step keeps; the state is flattened.

    Summed by doubling: C <- C + A C A^T, A <- A A. Raises ValueError if the step is not linear, or not stable: spectral radius >= 1.
    """
    A, B = linear_step(step, shape, noise=noise)
    radius = _radius(A)
    if not radius < 1 - 1e-13:
        raise ValueError(f"step has the spectral radius {radius:.6g}; expected less than 1: take a smaller h.")
    C = B @ B.T
    for _ in range(math.ceil(math.log2(50 / -math.log(radius)))) if radius > 0 else range(len(A)):
        C, A = C + A @ C @ A.T, A @ A
    return (C + C.T) / 2


def contraction(step, shape, *, noise=None):
    """The spectral radius of a linear step: means decay like its k-th power. A float."""
    return _radius(linear_step(step, shape, noise=noise).A)


def drift_gap(v, shape):
    """min Re of the spectrum of B, where v(t, z) = -B z is a linear field: means decay like exp(-gap t). A float.

    shape: of z. Raises TypeError; ValueError if the field is not linear.
    """
    a_function(v, "v")
    A = linear_step(lambda k, z, xi: v(0.0, z), shape).A
    return -torch.linalg.eigvals(A).real.max().item()


def _radius(A):
    return torch.linalg.eigvals(A).abs().max().item()


def _units(shape):
    n = math.prod(shape)
    return torch.eye(n, dtype=torch.float64).reshape(n, *shape)


def _shape(shape, name):
    if not isinstance(shape, (tuple, list, torch.Size)) or not shape:
        raise TypeError(f"{name} is {shape!r}; expected a tuple of integers: (d,), or (2, d) for a phase space.")
    return tuple(a_count(side, f"an entry of {name}") for side in shape)


def a_square(S, name, *, symmetric=False):
    """Return S, a finite square matrix (d, d), symmetric positive definite if asked. Raises TypeError, ValueError."""
    a_tensor(S, name)
    if S.ndim != 2 or S.shape[0] != S.shape[1]:
        raise ValueError(f"{name} has shape {tuple(S.shape)}; expected a square matrix (d, d).")
    if symmetric and not (torch.allclose(S, S.T) and bool((torch.linalg.eigvalsh(S) > 0).all())):
        raise ValueError(f"{name} is not symmetric positive definite; expected a matrix of curvatures.")
    return S


def numbers_or_tensors(**given):
    """The values as tensors: numbers in the dtype of the first tensor among them, else in float64. Raises TypeError, ValueError."""
    like = next((value for value in given.values() if isinstance(value, torch.Tensor)), torch.zeros((), dtype=torch.float64))

    def as_tensor(value, name):
        if isinstance(value, torch.Tensor):
            return a_tensor(value, name)
        return torch.tensor(float(a_number(value, name)), dtype=like.dtype, device=like.device)

    return [as_tensor(value, name) for name, value in given.items()]
