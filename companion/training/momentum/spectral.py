"""Steepest descent of a matrix in the spectral norm: U V^T for the gradient U S V^T, exactly,
or by Muon's five Newton-Schulz steps.

Sources: Carlson et al., NeurIPS 2015 (spectral descent); Jordan et al., Muon (2024),
as in torch.optim; Bernstein and Newhouse, arXiv:2409.20325.
W: (..., m, n); f: (..., m, n) -> (...).
"""

from functools import partial

import torch

from companion.energies import grad
from companion.hints import (
    Cloud,
    Count,
    Function,
    NonNegative,
    Number,
    Positive,
    Share,
    Tensor,
    checked,
)
from companion.inputs import a_cloud, concrete_value, like
from companion.training.momentum.phase import WithMatrixMoment

# Muon's a, b, c: steep at 0, so that small singular values rise fast; not exactly 1 in the end
QUINTIC = (3.4445, -4.7750, 2.0315)


@checked
def polar(G: Cloud, *, tol: NonNegative | None = None) -> Tensor:
    """U V^T for G = U S V^T (..., m, n), without the directions of singular value <= tol
    (default: rounding). By SVD: not for a live figure."""
    U, S, Vh = torch.linalg.svd(G, full_matrices=False)
    floor = torch.finfo(G.dtype).eps * max(G.shape[-2:]) * S[..., :1] if tol is None else tol
    return (U * (S > floor).to(G.dtype)[..., None, :]) @ Vh


@checked
def newton_schulz(G: Cloud, steps: Count = 5) -> Tensor:
    """p o ... o p of the singular values of G / |G|, p(s) = a s + b s^3 + c s^5: near U V^T,
    singular values in [0.68, 1.14]. (..., m, n).

    Those below 0.01 |G| are not yet there after five steps; |G| is the Frobenius norm.
    Matrix products only. Where G = 0 it is 0.
    """
    a, b, c = QUINTIC
    tall = G.shape[-2] > G.shape[-1]
    X = G.mT if tall else G
    size = torch.sqrt(X.square().sum((-1, -2), keepdim=True))
    if concrete_value(lambda: size.isinf().any() & G.isfinite().all(), G):
        raise ValueError("|G| overflows; "
                         "expected numbers of moderate size, or float64: G.double().")
    X = X / torch.clamp(size, min=1e-7)
    for _ in range(steps):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if tall else X


@checked
def spectral_descent(k: Number, W: Cloud, *, f: Function, lr: Positive,
                     orthogonal: Function = polar) -> Tensor:
    """W - lr U V^T, where grad f(W) = U S V^T: every singular value of the step is lr. Autonomous:
    k is not used. orthogonal: G -> U V^T."""
    return W - lr * like(orthogonal(grad(f, W)), W, "orthogonal(G)")


@checked
def muon(k: Number, z: WithMatrixMoment, *, f: Function, lr: Positive, momentum: Share = 0.95,
         decay: NonNegative = 0.0, steps: Count = 5,
         orthogonal: Function | None = None) -> WithMatrixMoment:
    """M <- momentum M + (1 - momentum) G,  W <- (1 - lr decay) W - lr s
    orthogonal((1 - momentum) G + momentum M),  G = grad f(W).

    Start at_rest(W, MatrixMoment); s = sqrt(max(1, m / n)).
    torch.optim.Muon(weight_decay=decay), which rounds to bfloat16.
    orthogonal: G -> U V^T; without it `newton_schulz` with so many steps.
    """
    W = a_cloud(z.W, "z.W")
    G = grad(f, W)
    M = momentum * z.M + (1 - momentum) * G
    push = (1 - momentum) * G + momentum * M
    D = like((orthogonal or partial(newton_schulz, steps=steps))(push), W, "orthogonal(G)")
    tall = max(1.0, W.shape[-2] / W.shape[-1]) ** 0.5
    return z._replace(W=(1 - lr * decay) * W - lr * tall * D, M=M)
