"""Optimal transport between Gaussians: everything is a square root of a matrix.

Bures distance, map and geodesic: Bhatia, Jain and Lim, *Expositiones Mathematicae* 37 (2019) 165-191; McCann, *Adv. Math.* 128 (1997).
"""

import torch

from companion.gaussians.checks import a_covariance, definite_covariance, two_gaussians
from companion.gaussians.laws import Gaussian
from companion.inputs import a_number, a_tensor


def square_root(C):
    """The symmetric R >= 0 with R R = C.   C: (..., d, d), a covariance. Has its first derivative, also where eigenvalues coincide."""
    values, vectors = torch.linalg.eigh(a_covariance(C, "C").detach())
    roots = values.clamp(min=0).sqrt()
    R = vectors * roots[..., None, :] @ vectors.mT
    if not C.requires_grad:
        return R
    # R dR + dR R = dC in the eigenbasis: torch's own derivative of eigenvectors divides by differences of eigenvalues.
    sums = roots[..., :, None] + roots[..., None, :]
    dC = vectors.mT @ (C - C.detach()) @ vectors
    return R + vectors @ (dC * torch.where(sums > 0, 1 / sums, 0)) @ vectors.mT


def bures_squared(A, B):
    """tr A + tr B - 2 tr (A^1/2 B A^1/2)^1/2, the squared W2 of N(0, A) and N(0, B).   A, B: (..., d, d) covariances."""
    a_covariance(A, "A")
    if a_covariance(B, "B").shape[-1] != A.shape[-1]:
        raise ValueError(f"A and B have shapes {tuple(A.shape)} and {tuple(B.shape)}; expected matrices of one size.")
    root = square_root(A)
    overlap = _trace(square_root(_symmetric(root @ B @ root)))
    return (_trace(A) + _trace(B) - 2 * overlap).clamp(min=0)


def w2_squared(p, q):
    """W2^2(p, q) = |m - r|^2 + bures_squared(C, S) for p = N(m, C), q = N(r, S)."""
    (m, C), (r, S) = two_gaussians(p, q)
    return (m - r).square().sum() + bures_squared(C, S)


def transport_map(p, q):
    """The optimal map x -> r + T (x - m) of p = N(m, C) to q = N(r, S),  T = C^-1/2 (C^1/2 S C^1/2)^1/2 C^-1/2.   x: (..., d).

    Raises ValueError where C is singular: mass on a subspace cannot be sent by a map to mass off it.
    """
    (m, C), (r, S) = two_gaussians(p, q)
    T = _transport_matrix(C, S)
    return lambda x: r + (a_tensor(x, "x") - m) @ T


def geodesic(p, q, t):
    """The law of (1 - t) X + t T(X) for X ~ p, T the optimal map to q: the point at time t in [0, 1] of the W2 geodesic from p to q."""
    (m, C), (r, S) = two_gaussians(p, q)
    a_number(t, "t", least=0, most=1)
    M = torch.lerp(torch.eye(len(m), dtype=C.dtype, device=C.device), _transport_matrix(C, S), t)
    return Gaussian(m + t * (r - m), _symmetric(M @ C @ M))


def _transport_matrix(C, S):
    root = square_root(definite_covariance(C, "p's covariance"))
    inverse = torch.linalg.inv(root)
    return _symmetric(inverse @ square_root(_symmetric(root @ S @ root)) @ inverse)


def _symmetric(C):
    return (C + C.mT) / 2


def _trace(C):
    return C.diagonal(dim1=-2, dim2=-1).sum(-1)
