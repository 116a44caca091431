"""Optimal transport between Gaussians: everything is a square root of a matrix.

Bures distance, map and geodesic: Bhatia, Jain and Lim, *Expositiones Mathematicae* 37 (2019)
165-191; McCann, *Adv. Math.* 128 (1997).
"""

from collections.abc import Callable

import torch

from companion.gaussians.checks import Law, a_covariance, definite_covariance, two_gaussians
from companion.gaussians.laws import Gaussian
from companion.hints import Share, Tensor, checked
from companion.inputs import a_tensor, alike, batch


@checked
def square_root(C: Tensor) -> Tensor:
    """The symmetric R >= 0 with R R = C.   C: (..., d, d), a covariance. Has its first derivative,
    also where eigenvalues coincide."""
    values, vectors = torch.linalg.eigh(a_covariance(C, "C").detach())
    roots = values.clamp(min=0).sqrt()
    R = vectors * roots[..., None, :] @ vectors.mT
    if not C.requires_grad:
        return R
    # R dR + dR R = dC in the eigenbasis: torch's own derivative of eigenvectors divides
    # by differences of eigenvalues.
    sums = roots[..., :, None] + roots[..., None, :]
    dC = vectors.mT @ (C - C.detach()) @ vectors
    return R + vectors @ (dC * torch.where(sums > 0, 1 / sums, 0)) @ vectors.mT


@checked
def bures_squared(A: Tensor, B: Tensor) -> Tensor:
    """tr A + tr B - 2 tr (A^1/2 B A^1/2)^1/2, the squared W2 of N(0, A) and N(0, B).   A, B:
    (..., d, d) covariances.

    Computed as the least |A^1/2 - B^1/2 U|^2 over rotations U, in float64: a square of differences,
    where the traces would cancel.
    """
    a_covariance(A, "A")
    if a_covariance(B, "B").shape[-1] != A.shape[-1]:
        raise ValueError(f"A and B have shapes {tuple(A.shape)} and {tuple(B.shape)}; expected "
                         "matrices of one size.")
    batch((A.shape, "A"), (B.shape, "B"))
    root, other = square_root(A.double()), square_root(B.double())
    # U is the least already: no derivative goes through it
    left, _, right = torch.linalg.svd((other.mT @ root).detach())
    return (root - other @ (left @ right)).square().sum((-1, -2)).to(A)


@checked
def w2_squared(p: Law, q: Law) -> Tensor:
    """W2^2(p, q) = |m - r|^2 + bures_squared(C, S) for p = N(m, C), q = N(r, S)."""
    (m, C), (r, S) = two_gaussians(p, q)
    return (m - r).square().sum() + bures_squared(C, S)


@checked
def transport_map(p: Law, q: Law) -> Callable:
    """The optimal map x -> r + T (x - m) of p = N(m, C) to q = N(r, S),  T = C^-1/2
    (C^1/2 S C^1/2)^1/2 C^-1/2.   x: (..., d).

    Raises ValueError where C is singular: mass on a subspace cannot be sent by a map to mass off
    it.
    """
    (m, C), (r, S) = two_gaussians(p, q)
    T = _transport_matrix(C, S)

    def image(x):
        if a_tensor(x, "x").ndim == 0 or x.shape[-1] != len(m):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., {len(m)}).")
        alike({"p": m, "x": x})
        return r + (x - m) @ T

    return image


@checked
def geodesic(p: Law, q: Law, t: Share) -> Gaussian:
    """The law of (1 - t) X + t T(X) for X ~ p, T the optimal map to q:
    the point at time t in [0, 1] of the W2 geodesic from p to q."""
    (m, C), (r, S) = two_gaussians(p, q)
    M = torch.lerp(torch.eye(len(m), dtype=C.dtype, device=C.device), _transport_matrix(C, S), t)
    return Gaussian(m + t * (r - m), _symmetric(M @ C @ M))


def _transport_matrix(C, S):
    root = square_root(definite_covariance(C, "p's covariance").double())
    inverse = torch.linalg.inv(root)
    return _symmetric(inverse @ square_root(_symmetric(root @ S.double() @ root)) @ inverse).to(C)


def _symmetric(C):
    return (C + C.mT) / 2
