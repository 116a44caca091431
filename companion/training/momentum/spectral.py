"""Steepest descent of a matrix in the spectral norm: U V^T for the gradient U S V^T, exactly, or by Muon's five Newton-Schulz steps.

Sources: Carlson et al., NeurIPS 2015 (spectral descent); Jordan et al., Muon (2024), as in torch.optim; Bernstein and Newhouse, arXiv:2409.20325.
W: (..., m, n); f: (..., m, n) -> (...).
"""

import torch

from companion.energies import grad
from companion.inputs import a_cloud, a_count, a_number
from companion.training.momentum.phase import parts

QUINTIC = (3.4445, -4.7750, 2.0315)  # Muon's a, b, c: steep at 0, so that small singular values rise fast; not exactly 1 in the end


def polar(G, *, tol=None):
    """U V^T for G = U S V^T (..., m, n), without the directions of singular value <= tol (default: rounding). By SVD: not for a live figure."""
    U, S, Vh = torch.linalg.svd(a_cloud(G, "G"), full_matrices=False)
    floor = torch.finfo(G.dtype).eps * max(G.shape[-2:]) * S[..., :1] if tol is None else a_number(tol, "tol", least=0)
    return (U * (S > floor).to(G.dtype)[..., None, :]) @ Vh


def newton_schulz(G, steps=5):
    """p o ... o p of the singular values of G / |G|, p(s) = a s + b s^3 + c s^5: near U V^T, singular values in [0.68, 1.14]. (..., m, n).

    Those below 0.01 |G| are not yet there after five steps; |G| is the Frobenius norm. Matrix products only. Where G = 0 it is 0.
    """
    a, b, c = QUINTIC
    tall = a_cloud(G, "G").shape[-2] > G.shape[-1]
    X = G.mT if tall else G
    X = X / torch.clamp(torch.sqrt(X.square().sum((-1, -2), keepdim=True)), min=1e-7)
    for _ in range(a_count(steps, "steps")):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if tall else X


def spectral_descent(k, W, *, f, lr, orthogonal=polar):
    """W - lr U V^T, where grad f(W) = U S V^T: every singular value of the step is lr. Autonomous: k is not used. orthogonal: G -> U V^T."""
    return W - a_number(lr, "lr", above=0) * orthogonal(grad(f, W))


def muon(k, z, *, f, lr, momentum=0.95, decay=0.0, steps=5, orthogonal=newton_schulz):
    """M <- momentum M + (1 - momentum) G,  W <- (1 - lr decay) W - lr s orthogonal((1 - momentum) G + momentum M),  G = grad f(W).

    z = (W, M): (2, ..., m, n), start at_rest(W, 2); s = sqrt(max(1, m / n)). torch.optim.Muon(weight_decay=decay), which rounds to bfloat16.
    """
    W, M = parts(z, "W", "M")
    a_number(momentum, "momentum", least=0, most=1)
    G = grad(f, W)
    M = momentum * M + (1 - momentum) * G
    D = orthogonal((1 - momentum) * G + momentum * M)
    kept = 1 - a_number(lr, "lr", above=0) * a_number(decay, "decay", least=0)
    return torch.stack([kept * W - lr * max(1.0, W.shape[-2] / W.shape[-1]) ** 0.5 * D, M])
