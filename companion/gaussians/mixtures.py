"""Mixtures of Gaussians: density, score and samples in closed form.

`mixture(...)` checks and factors once; what it returns is used as functions: `target.score`,
`target.potential`, `target.log_density`.
Without full covariances only plain operations are used, so that weights, means and variances may
be sliders.
"""

import math
from typing import NamedTuple

import torch

from companion.gaussians.bures import square_root
from companion.gaussians.checks import definite_covariance
from companion.hints import Cloud, Count, Generator, Tensor, checked
from companion.inputs import a_tensor, alike, has_values


class Mixture(NamedTuple):
    """sum_k w_k N(m_k, C_k). Made by `mixture`; every method maps points x (..., d)."""

    weights: torch.Tensor  # (K,), sum 1
    means: torch.Tensor  # (K, d)
    covariances: torch.Tensor  # (K, d, d), or (K,) variances
    precisions: torch.Tensor  # their inverses
    log_norms: torch.Tensor  # (K,), log w_k - log det(2 pi C_k) / 2

    def log_density(self, x: Tensor) -> Tensor:
        """log sum_k w_k N(x; m_k, C_k).   x: (..., d) -> (...)."""
        return torch.logsumexp(self._log_terms(self._apart(x)), -1)

    def potential(self, x: Tensor) -> Tensor:
        """V(x) = -log_density(x): the law is exp(-V).   x: (..., d) -> (...)."""
        return -self.log_density(x)

    def score(self, x: Tensor) -> Tensor:
        """grad log density = sum_k r_k(x) C_k^-1 (m_k - x), r the responsibilities.   x:
        (..., d) -> (..., d)."""
        return (self.responsibilities(x)[..., None] * self._pulls(self._apart(x))).sum(-2)

    def responsibilities(self, x: Tensor) -> Tensor:
        """r_k(x) = softmax_k(log w_k + log N(x; m_k, C_k)), the probability that x came from
        component k.   x: (..., d) -> (..., K)."""
        return torch.softmax(self._log_terms(self._apart(x)), -1)

    @checked
    def sample(self, n: Count, *, generator: Generator) -> Tensor:
        """n points of the law, (n, d). generator: a torch.Generator on the CPU;
        a seed gives the same points on every machine."""
        means = self.means.cpu()
        which = torch.multinomial(self.weights.cpu(), n, replacement=True, generator=generator)
        xi = torch.randn(n, means.shape[-1], generator=generator, dtype=means.dtype)
        spread = self.covariances.cpu()
        noise = (
            spread.sqrt()[which, None] * xi
            if spread.ndim == 1
            else torch.einsum("nij,nj->ni", square_root(spread)[which], xi)
        )
        return (means[which] + noise).to(self.means.device)

    def _apart(self, x):
        """m_k - x: (..., K, d)."""
        a_tensor(x, "x")
        if x.ndim == 0 or x.shape[-1] != self.means.shape[-1]:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., "
                             f"{self.means.shape[-1]}).")
        alike({"means": self.means, "x": x})
        return self.means - x[..., None, :]

    def _pulls(self, apart):
        """C_k^-1 (m_k - x): (..., K, d)."""
        return (
            self.precisions[:, None] * apart
            if self.precisions.ndim == 1
            else torch.einsum("kij,...kj->...ki", self.precisions, apart)
        )

    def _log_terms(self, apart):
        """log w_k + log N(x; m_k, C_k): (..., K)."""
        return self.log_norms - (apart * self._pulls(apart)).sum(-1) / 2


def a_mixture(p, name):
    """Return p, a `Mixture` whose parts belong together. Raises TypeError, ValueError."""
    if not isinstance(p, Mixture):
        raise TypeError(f"{name} is a {type(p).__name__}; expected "
                        "companion.gaussians.mixture(weights, means, covariances).")
    named = {f"{name}.{field}": a_tensor(part, f"{name}.{field}", extended=field == "log_norms")
             for field, part in p._asdict().items()}
    alike(named)
    K, d = p.means.shape if p.means.ndim == 2 else (0, 0)
    spread = (K, d, d) if p.covariances.ndim == 3 else (K,)
    if K * d == 0 or tuple(part.shape for part in p) != ((K,), (K, d), spread, spread, (K,)):
        shapes = ", ".join(f"{field} {tuple(part.shape)}" for field, part in named.items())
        raise ValueError(f"The shapes are {shapes}; expected those that "
                         "companion.gaussians.mixture(weights, means, covariances) gives.")
    return p


@checked
def mixture(weights: Tensor, means: Cloud, covariances: Tensor) -> Mixture:
    """sum_k w_k N(m_k, C_k), a `Mixture`; a component of weight 0 has log weight -inf.

    weights: (K,), >= 0, normalised here;  means: (K, d);  covariances:
    (K, d, d), or (K,) variances of isotropic components.
    Raises TypeError, ValueError for negative weights, zero mass, singular covariances,
    shapes that do not fit.
    """
    if means.ndim != 2:
        raise ValueError(f"means has shape {tuple(means.shape)}; expected one mean a row: (K, d).")
    K, d = means.shape
    if weights.shape != (K,) or covariances.shape not in ((K,), (K, d, d)):
        shapes = f"weights {tuple(weights.shape)}, means {(K, d)}, covariances {tuple(covariances.shape)}"
        raise ValueError(f"The shapes are {shapes}; expected (K,), (K, d) and (K, d, d), or (K,) "
                         "for variances.")
    check_values(weights, covariances)
    weights = weights / weights.sum()
    if covariances.ndim == 1:
        return Mixture(weights, means, covariances, 1 / covariances,
                       weights.log() - d / 2 * torch.log(2 * math.pi * covariances))
    log_det = (
        torch.linalg.cholesky(2 * math.pi * covariances).diagonal(dim1=-2, dim2=-1).log().sum(-1)
    )
    return Mixture(weights, means, covariances,
                   torch.cholesky_inverse(torch.linalg.cholesky(covariances)),
                   weights.log() - log_det)


def check_values(weights, covariances):
    """The weights are a law's and the covariances definite. Raises ValueError."""
    if has_values(weights) and ((weights < 0).any() or weights.sum() <= 0):
        raise ValueError("weights has a negative entry or no mass; expected entries of at least 0 "
                         "with a positive sum.")
    if covariances.ndim == 3:
        definite_covariance(covariances, "covariances")
    elif has_values(covariances) and (covariances <= 0).any():
        raise ValueError("covariances has a variance that is not positive; expected every "
                         "variance above 0.")
