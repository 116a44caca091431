"""Flow matching: X_t = (1 - t) X0 + t X1 from noise (t = 0) to data (t = 1), followed on average by v(t, x) = E[X1 - X0 | X_t = x].

The coupling of X0 and X1 is free: independent, optimal, or optimal in small batches. Each has its velocity; all carry noise to data.
Sources: Lipman et al., Liu, Gong and Liu, Albergo and Vanden-Eijnden, ICLR 2023; Tong et al., TMLR 2024 (batches).
"""

import math
from typing import Annotated, NamedTuple

import torch

from companion.gaussians import Mixture, mixture
from companion.gaussians.checks import a_gaussian
from companion.gaussians.mixtures import a_mixture, check_values
from companion.hints import Cloud, Count, Function, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor, alike, batch, like, same_dimension
from companion.sampling.order_statistics import normal_order
from companion.sampling.quantization.points import Points
from companion.transport import assignment


def a_moment(t, name):
    """Return t, a number or a tensor of times. Raises TypeError, ValueError."""
    return a_tensor(t, name) if isinstance(t, torch.Tensor) and t.ndim else a_number(t, name)


Time = Annotated[float | torch.Tensor, a_moment]


class Independent(NamedTuple):
    """X0 and X1 independent, both mixtures of Gaussians. Made by `independent`; one row for each pair of components N(m, A), N(r, B).

    Each pair has a frame M in which both are diagonal, A = M M^T and B = M diag(b) M^T; then X_t has the covariance
    M diag(g) M^T, g = (1 - t)^2 + t^2 b. Methods use plain operations; t is a number, or (..., 1), a time for each row of x.
    """

    log_weights: torch.Tensor  # (L,), of the pairs
    starts: torch.Tensor  # (L, d), m
    ends: torch.Tensor  # (L, d), r
    frames: torch.Tensor  # (L, d, d), M
    inverses: torch.Tensor  # (L, d, d)
    ratios: torch.Tensor  # (L, d), b
    log_dets: torch.Tensor  # (L,), log det A

    def velocity(self, t, x):
        """v(t, x) = sum_l p_l(t, x) [r - m + (t B - (1 - t) A) C_t^-1 (x - m_t)], p_l the probability of the pair l given X_t = x.

        x: (..., d) -> (..., d).
        """
        t, y, g = self._whitened(t, x)
        drift = torch.einsum("lij,...lj->...li", self.frames, y * (t * self.ratios - (1 - t)) / g) + self.ends - self.starts
        return (torch.softmax(self._log_terms(y, g), -1)[..., None] * drift).sum(-2)

    def log_density(self, t, x):
        """The log density of X_t at x.   x: (..., d) -> (...)."""
        _, y, g = self._whitened(t, x)
        return torch.logsumexp(self._log_terms(y, g), -1)

    def _whitened(self, t, x):
        """Times that broadcast with (..., L, d); y = M^-1 (x - m_t) and its variances g."""
        a_moment(t, "t")
        t = a_time(t, x)[..., None]
        alike({"the laws": self.starts, "x": x})
        if x.ndim == 0 or x.shape[-1] != self.starts.shape[-1]:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., {self.starts.shape[-1]}).")
        apart = x[..., None, :] - torch.lerp(self.starts, self.ends, t)
        return t, torch.einsum("lij,...lj->...li", self.inverses, apart), (1 - t).square() + t.square() * self.ratios

    def _log_terms(self, y, g):
        d = self.starts.shape[-1]
        return self.log_weights - (self.log_dets + d * math.log(2 * math.pi) + (y.square() / g + g.log()).sum(-1)) / 2


@checked
def independent(p: tuple, q: tuple) -> Independent:
    """The independent coupling of noise p and data q, an `Independent`.   p, q: a Gaussian (mean, covariance), or a `Mixture`.

    Covariances are definite: the velocity of a singular law blows up at its end. Raises TypeError, ValueError.
    """
    p, q = _a_mixture(p, "p"), _a_mixture(q, "q")
    if p.means.shape[-1] != q.means.shape[-1]:
        raise ValueError(f"p and q live in dimensions {p.means.shape[-1]} and {q.means.shape[-1]}; expected one dimension for both.")
    alike({"p's means": p.means, "q's means": q.means})
    J, K = len(p.means), len(q.means)
    j, k = torch.arange(J).repeat_interleave(K), torch.arange(K).repeat(J)
    factor = torch.linalg.cholesky(_matrices(p))[j]
    whitened = torch.linalg.solve_triangular(factor, _matrices(q)[k], upper=False)
    ratios, turn = torch.linalg.eigh(torch.linalg.solve_triangular(factor, whitened.mT, upper=False))
    inverses = torch.linalg.solve_triangular(factor.mT, turn, upper=True).mT
    log_dets = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return Independent(p.weights.log()[j] + q.weights.log()[k], p.means[j], q.means[k], factor @ turn, inverses, ratios, log_dets)


@checked
def interpolate(t: Time, x0: Cloud, x1: Cloud) -> torch.Tensor:
    """X_t = (1 - t) x0 + t x1.   x0, x1: (..., n, d); t: a number, or (..., n, 1), a time for each pair."""
    same_dimension(x0, x1, ("x0", "x1"))
    t = a_time(t, x0)
    batch((t.shape, "t"), (x0.shape, "x0"), (x1.shape, "x1"))
    return (1 - t) * x0 + t * x1


@checked
def matching_loss(v: Function, t: Time, x0: Cloud, x1: Cloud) -> torch.Tensor:
    """The mean over pairs of |v(t, X_t) - (x1 - x0)|^2.   v(t, x) -> like x; t: (n, 1), or a number; x0, x1: (n, d), row i is one pair.

    Its least value is not 0 but the mean conditional variance of X1 - X0 given X_t: see `matching_floor`. Raises TypeError, ValueError.
    """
    x = interpolate(t, x0, x1)
    if x0.shape != x1.shape:
        raise ValueError(f"x0 and x1 have shapes {tuple(x0.shape)} and {tuple(x1.shape)}; expected pairs: one shape for both.")
    return (like(v(a_time(t, x0), x), x, "v(t, x)") - (x1 - x0)).square().sum(-1).mean()


@checked
def pairs_velocity(t: Time, x: Tensor, x0: Cloud, x1: Cloud, *, spread: Positive) -> torch.Tensor:
    """The velocity of finitely many pairs, blurred: sum_i w_i (x1_i - x0_i), w = softmax_i(-|x - (1 - t) x0_i - t x1_i|^2 / (2 spread^2)).

    It carries the mean of the N(x0_i, spread^2 I) to the mean of the N(x1_i, spread^2 I), exactly.   x: (..., d); x0, x1: (n, d), row i a pair.
    """
    if x0.shape != x1.shape or x0.ndim != 2:
        raise ValueError(f"x0 and x1 have shapes {tuple(x0.shape)} and {tuple(x1.shape)}; expected pairs: both (n, d).")
    t = a_time(t, x)[..., None]
    if x.ndim == 0 or x.shape[-1] != x0.shape[-1]:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., {x0.shape[-1]}).")
    apart = x[..., None, :] - (1 - t) * x0 - t * x1
    return torch.softmax(-apart.square().sum(-1) / (2 * spread**2), -1) @ (x1 - x0)


@checked
def batch_pairs(x0: Points, x1: Points, m: Count) -> torch.Tensor:
    """x1 in another order: the rows m i, ..., m i + m - 1 of x0 and x1 are paired optimally among themselves, for each i.

    m = 1 keeps the pairs, m = n gives the optimal coupling of the clouds. x0, x1: (n, d), n a multiple of m. Raises TypeError, ValueError.
    """
    if x0.shape != x1.shape or x0.ndim != 2 or x0.shape[0] % m:
        raise ValueError(f"x0 and x1 have shapes {tuple(x0.shape)} and {tuple(x1.shape)}; expected both (n, d), n a multiple of m = {m}.")
    first, second = (x.unflatten(0, (-1, m)) for x in (x0, x1))
    order = assignment(first, second)[..., None].expand_as(second)
    return second.gather(-2, order).flatten(0, 1)


@checked
def normal_order_means(m: Count) -> torch.Tensor:
    """E X_(1), ..., E X_(m) for m independent N(0, 1) numbers in increasing order: (m,), float64.

    By a trapezoid rule, whose error is far below rounding for these densities. Raises TypeError, ValueError.
    """
    return normal_order(m)[0]


@checked
def batch_cost(m: Count) -> torch.Tensor:
    """E |X1 - X0|^2 = (2 / m) sum_i Var X_(i), where m numbers N(0, 1) are paired with m others, in order: `batch_pairs` on the line."""
    return 2 * normal_order(m)[1].mean()


def _a_mixture(p, name):
    if isinstance(p, Mixture):
        check_values(a_mixture(p, name).weights, p.covariances)
        return p
    mean, covariance = a_gaussian(p, name)
    return mixture(torch.ones_like(mean[:1]), mean[None], covariance[None])


def _matrices(p):
    """The covariances of a mixture as matrices (K, d, d)."""
    if p.covariances.ndim == 3:
        return p.covariances
    return p.covariances[:, None, None] * torch.eye(p.means.shape[-1], dtype=p.means.dtype, device=p.means.device)


def a_time(t, x):
    """t as a tensor like x, 0-d or (..., 1). Raises TypeError, ValueError."""
    a_tensor(x, "x")
    t = torch.as_tensor(t, dtype=x.dtype, device=x.device)
    if t.ndim and t.shape[-1] != 1:
        raise ValueError(f"t has shape {tuple(t.shape)}; expected a number, or one time for each row of x: (..., 1).")
    batch((t.shape, "t"), (x.shape, "x"))
    return t
