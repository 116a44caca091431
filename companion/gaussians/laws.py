"""One Gaussian: divergences, the Ornstein-Uhlenbeck flow, exponential tilts."""

from typing import NamedTuple

import torch

from companion.gaussians.checks import (
    Law,
    a_gaussian,
    a_symmetric,
    definite_covariance,
    of_shape,
    two_gaussians,
)
from companion.hints import NonNegative, Tensor, checked
from companion.inputs import alike


class Gaussian(NamedTuple):
    """N(mean, covariance).   mean: (d,), covariance: (d, d)."""

    mean: torch.Tensor
    covariance: torch.Tensor


@checked
def kl(p: Law, q: Law) -> Tensor:
    """KL(p | q) = (tr(S^-1 C) - d + <m - r, S^-1 (m - r)> + log det S - log det C) / 2 for
    p = N(m, C), q = N(r, S), C and S definite."""
    (m, C), (r, S) = ([z.double() for z in law] for law in two_gaussians(p, q, definite=True))  # near p = q the terms cancel
    factor, scale = torch.linalg.cholesky(C), torch.linalg.cholesky(S)
    whitened = torch.linalg.solve_triangular(scale, torch.cat([factor, (m - r)[:, None]], -1),
                                             upper=False)
    log_ratio = (scale.diagonal().log() - factor.diagonal().log()).sum()
    return (whitened.square().sum() / 2 - len(m) / 2 + log_ratio).to(p[0])


@checked
def relative_fisher(p: Law, q: Law) -> Tensor:
    """I(p | q) = E_p |grad log p/q|^2 = tr(D C D) + |S^-1 (m - r)|^2, D = S^-1 - C^-1,
    for p = N(m, C), q = N(r, S), C and S definite.

    The Langevin flow of a potential -log q spends it: d/dt KL(p_t | q) = -I(p_t | q).
    """
    (m, C), (r, S) = ([z.double() for z in law] for law in two_gaussians(p, q, definite=True))
    precision = torch.linalg.inv(S)
    D = precision - torch.linalg.inv(C)
    return (torch.trace(D @ C @ D) + (precision @ (m - r)).square().sum()).to(p[0])


@checked
def ornstein_uhlenbeck(p: Law, s: NonNegative, *, target: Law | None = None) -> Gaussian:
    """The law at time s >= 0 of dX = -S^-1 (X - r) ds + sqrt(2) dW started from p = N(m, C).

    It is N(r + A (m - r), S + A (C - S) A), A = exp(-s S^-1).

    target: N(r, S), the limit; without one N(0, I), where A = exp(-s) and only plain operations are
    used, so that s may be a slider.
    """
    m, C = a_gaussian(p, "p")
    if target is None:
        shrink = torch.exp(-torch.as_tensor(s, dtype=m.dtype, device=m.device))
        identity = torch.eye(m.shape[-1], dtype=C.dtype, device=C.device)
        return Gaussian(shrink * m, identity + shrink**2 * (C - identity))
    (m, C), (r, S) = two_gaussians(p, target)
    values, vectors = torch.linalg.eigh(definite_covariance(S, "target's covariance"))
    A = vectors * torch.exp(-s / values) @ vectors.mT
    return Gaussian(r + A @ (m - r), S + A @ (C - S) @ A)


@checked
def tilt(p: Law, *, linear: Tensor | None = None, quadratic: Tensor | None = None) -> Gaussian:
    """The law proportional to exp(<b, x> - <x, Q x>/2) p(dx), p = N(m, C):  N(M (m + C b), M C),
    M = (I + C Q)^-1.

    linear: b (d,);  quadratic: Q (d, d), symmetric, such that C^-1 + Q is definite
    (else the mass is infinite: ValueError).
    Softmax attention on Gaussian tokens is a linear tilt, conditioning on a noisy observation
    a quadratic one (Q = I / noise variance).
    """
    m, C = a_gaussian(p, "p")
    alike(
        {
            "p": m,
            **{n: z for n, z in (("linear", linear), ("quadratic", quadratic)) if z is not None},
        }
    )
    shifted = m if linear is None else m + C @ of_shape(linear, "linear", m.shape)
    if quadratic is None:
        return Gaussian(shifted, C)
    Q = a_symmetric(of_shape(quadratic, "quadratic", C.shape), "quadratic")
    M = torch.eye(len(m), dtype=C.dtype, device=C.device) + C @ Q
    if torch.linalg.eigvals(M.detach()).real.min() <= 0:
        raise ValueError("quadratic makes the tilted mass infinite; expected a Q such that C^-1 + "
                         "Q is positive definite.")
    covariance = torch.linalg.solve(M, C)
    return Gaussian(torch.linalg.solve(M, shifted), (covariance + covariance.mT) / 2)
