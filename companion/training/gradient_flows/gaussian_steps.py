"""Four schemes for one Fokker-Planck equation, on Gaussians, where every step is a formula.

F(rho) = int V rho + int rho log rho with V = lam x^2 / 2; the minimiser is N(0, 1 / lam),
and the flow of F in W2 is the law of dX = -lam X dt + sqrt(2) dW. A Gaussian N(m, s^2) stays
Gaussian under the flow and under each scheme.

    exact   m e^{-lam t}, 1/lam + (s^2 - 1/lam) e^{-2 lam t}: Ornstein and Uhlenbeck
    JKO     argmin_rho F(rho) + W2^2(rho, rho_k) / (2 tau), implicit Euler:
            Jordan, Kinderlehrer and Otto (1998)
    ULA     x - tau lam x + sqrt(2 tau) xi, explicit Euler with noise: unadjusted Langevin
    FB      explicit step for V, then implicit step for the entropy, forward-backward:
            Wibisono (2018); Salim, Korba and Luise (2020)

m and s are numbers or tensors; lam, tau > 0. Raises TypeError, ValueError.
The exact flow, KL, Fisher information and ULA's variance stand in companion.gaussians.
"""

import torch

from companion.entries import Numbers, Points, Positives
from companion.gaussians import ou_fisher
from companion.gaussians.line import as_moments
from companion.hints import Positive, Tensor, checked
from companion.inputs import batch, concrete_value


@checked
def jko_gaussian_step(m: Numbers, s: Positives, *, tau: Positive, lam: Positive) -> tuple:
    """m' = m / (1 + tau lam),  s' = (s + sqrt(s^2 + 4 tau (1 + tau lam))) / (2 (1 + tau lam)):
    the JKO step, mean and standard deviation.

    The root of s' - s + tau (lam s' - 1/s') = 0. Fixed point lam s^2 = 1 for every tau: no bias.
    """
    m, s = as_moments(m, s, "s")
    implicit = 1 + tau * lam
    return m / implicit, (s + torch.sqrt(s**2 + 4 * tau * implicit)) / (2 * implicit)


@checked
def ula_gaussian_step(m: Numbers, s: Positives, *, tau: Positive, lam: Positive) -> tuple:
    """m' = (1 - tau lam) m,  s'^2 = (1 - tau lam)^2 s^2 + 2 tau."""
    m, s = as_moments(m, s, "s")
    explicit = 1 - tau * lam
    return explicit * m, torch.sqrt(explicit**2 * s**2 + 2 * tau)


@checked
def fb_gaussian_step(m: Numbers, s: Positives, *, tau: Positive, lam: Positive) -> tuple:
    """m' = (1 - tau lam) m,  s' = (|q| + sqrt(q^2 + 4 tau)) / 2 with q = (1 - tau lam) s:
    the prox of the entropy solves s' - |q| = tau / s'."""
    m, s = as_moments(m, s, "s")
    explicit = 1 - tau * lam
    q = torch.abs(explicit * s)
    return explicit * m, (q + torch.sqrt(q**2 + 4 * tau)) / 2


@checked
def ags_bound(m: Numbers, s: Positives, *, tau: Positive, lam: Positive) -> Tensor:
    """tau sqrt(I / 2): how far JKO may be from the exact flow, sup_k W2(rho_k, rho(k tau)),
    for a start N(m, s^2).

    The error bound of Ambrosio, Gigli and Savare, Gradient Flows (2008), for functionals that are
    convex along geodesics.
    """
    m, s = as_moments(m, s, "s")
    return tau * torch.sqrt(ou_fisher(m, s**2, lam=lam) / 2)


@checked
def rescale(x: Points, m: Numbers, s: Positives) -> Tensor:
    """The cloud x (..., n) moved by the increasing affine map to mean m and standard deviation
    s (...): the optimal map between Gaussians.

    The numbers of a cloud are not all equal. Raises TypeError, ValueError.
    """
    mean, std = moments(x)
    m, s = (torch.as_tensor(a, dtype=x.dtype, device=x.device) for a in (m, s))
    batch((m.shape, "m"), (s.shape, "s"), (x.shape[:-1], "the batch of x"))
    if concrete_value(lambda: (std == 0).any(), x):
        raise ValueError("x has a cloud of equal numbers; expected a standard deviation above 0.")
    return m[..., None] + (s / std)[..., None] * (x - mean[..., None])


@checked
def moments(x: Points) -> tuple:
    """Mean and standard deviation (divided by n) of the numbers x (..., n), n >= 1.
    Raises TypeError, ValueError."""
    mean = x.mean(-1)
    return mean, (x - mean[..., None]).square().mean(-1).sqrt()
