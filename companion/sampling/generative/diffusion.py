"""Diffusion with the exact score of a Gaussian mixture: the law of noised data, its reversal by an SDE or an ODE, samplers and their clocks.

Noising has its own letter s, data at s = 0:  dX = -X ds + sqrt(2) dW,  X_s = a X_0 + sqrt(1 - a^2) xi,  a = exp(-s),  law p_s.
A sampler's time is the book's: t = 0 is noise, t = 1 data. A clock is the decreasing map t -> s between them.
Anderson, Stochastic Process. Appl. 12 (1982); Song, Sohl-Dickstein, Kingma, Kumar, Ermon and Poole, ICLR 2021.
"""

from collections.abc import Callable
from typing import Annotated

import torch

from companion.gaussians import Mixture, mixture
from companion.gaussians.mixtures import a_mixture
from companion.hints import Cloud, Function, NonNegative, Positive, Tensor, checked
from companion.inputs import a_count, a_number, alike, like, running

LEAST = 1e-3  # where a clock of log SNR stops: at s = 0 the ratio is infinite


def how_many(n, name):
    """Return n, a count, or a number of at least 1 in a 0-d tensor. Raises TypeError, ValueError."""
    return a_number(n, name, least=1) if isinstance(n, torch.Tensor) else a_count(n, name)


AMixture = Annotated[Mixture, a_mixture]
HowMany = Annotated[int | torch.Tensor, how_many]


@checked
def noised(target: AMixture, s: NonNegative) -> Mixture:
    """p_s of a mixture sum_k w_k N(m_k, C_k): the mixture sum_k w_k N(a m_k, a^2 C_k + (1 - a^2) I), a = exp(-s).

    target: a `Mixture` of companion.gaussians;  s >= 0: a number or a 0-d tensor. With variances (K,), or in the plane, only plain
    operations are used, so that s may be a slider. `noised(target, s).score(x)` is the score of p_s. Raises TypeError, ValueError.
    """
    weights, means, spread = target[:3]
    a2 = torch.exp(-2 * torch.as_tensor(s, dtype=means.dtype, device=means.device))
    if spread.ndim == 1:
        variances = a2 * spread + (1 - a2)
        log_det = means.shape[-1] * torch.log(2 * torch.pi * variances)
        return Mixture(weights, a2.sqrt() * means, variances, 1 / variances, weights.log() - log_det / 2)
    spread = a2 * spread + (1 - a2) * torch.eye(means.shape[-1], dtype=means.dtype, device=means.device)
    if means.shape[-1] != 2:
        return mixture(weights, a2.sqrt() * means, spread)
    p, q, r = spread[:, 0, 0], spread[:, 0, 1], spread[:, 1, 1]
    det = p * r - q * q
    inverse = torch.stack([torch.stack([r, -q], -1), torch.stack([-q, p], -1)], -2) / det[:, None, None]
    return Mixture(weights, a2.sqrt() * means, spread, inverse, weights.log() - torch.log(4 * torch.pi**2 * det) / 2)


@checked
def exact_score(target: AMixture) -> Callable:
    """The function (s, x) -> grad log p_s(x) of a `Mixture`.   x: (..., d). Infinite at s = 0 where a component has no width."""

    @checked
    def score(s: NonNegative, x: Tensor) -> torch.Tensor:
        _of_the_law(target, x)
        return noised(target, s).score(x)

    return score


@checked
def spread(target: AMixture, s: NonNegative, x: Cloud) -> torch.Tensor:
    """mean_i sum_k r_k(x_i) |C_k^(-1/2) (x_i - m_k)|^2 / d, with the C_k, m_k of p_s: its mean is exactly 1 if the x_i have the law p_s.

    More says that the cloud is too wide about its modes, less that it is too narrow.   x: (n, d) -> 0-d. Raises TypeError, ValueError.
    """
    law = noised(_of_the_law(target, x), s)
    apart = x[..., None, :] - law.means
    precisions = law.precisions if law.precisions.ndim == 3 else law.precisions[:, None, None] * torch.eye(x.shape[-1]).to(x)
    squares = torch.einsum("...ki,kij,...kj->...k", apart, precisions, apart)
    return (law.responsibilities(x) * squares).sum(-1).mean(-1) / x.shape[-1]


@checked
def posterior_mean(score: Function, s: NonNegative, x: Tensor) -> torch.Tensor:
    """E[X_0 | X_s = x] = (x + (1 - a^2) score(s, x)) / a: Tweedie's formula.   x: (..., d). Raises TypeError."""
    a, v = _signal(s, x)
    return (x + v * _scored(score, s, x)) / a


@checked
def probability_flow(score: Function) -> Callable:
    """The field (s, x) -> -x - score(s, x): its flow carries p_s along with s. A sampler runs it from s = T down to 0."""

    @checked
    def v(s: NonNegative, x: Tensor) -> torch.Tensor:
        return -x - _scored(score, s, x)

    return v


@checked
def euler_step(score: Function, x: Tensor, xi: Tensor | None, s: NonNegative, r: NonNegative) -> torch.Tensor:
    """x + (s - r) (x + score(s, x)): Euler's step of the probability-flow ODE from noising time s to r <= s.

    Every step here has these arguments: score(s, x) -> like x, x: (..., d), xi: noise like x, which the steps of an ODE ignore.
    """
    return x + (s - r) * (x + _scored(score, s, x))


@checked
def heun_step(score: Function, x: Tensor, xi: Tensor | None, s: NonNegative, r: NonNegative) -> torch.Tensor:
    """The explicit trapezoid rule for the probability-flow ODE, order 2: two scores a step."""
    slope = x + _scored(score, s, x)
    ahead = x + (s - r) * slope
    return x + (s - r) * (slope + ahead + _scored(score, r, ahead)) / 2


@checked
def ddim_step(score: Function, x: Tensor, xi: Tensor | None, s: NonNegative, r: NonNegative) -> torch.Tensor:
    """a_r x0 + sqrt((1 - a_r^2) / (1 - a_s^2)) (x - a_s x0),  x0 = E[X_0 | X_s = x]: exact if x0 did not change on the way.

    From s = 0 no step is left, and x stays. Song, Meng and Ermon, Denoising diffusion implicit models, ICLR 2021.
    """
    guess = posterior_mean(score, s, x)
    (a, v), (b, w) = _signal(s, x), _signal(r, x)
    kept = torch.where(v > 0, w / torch.where(v > 0, v, 1), 1).sqrt()  # at s = 0 it would be 0 / 0
    return b * guess + kept * (x - a * guess)


@checked
def sde_step(score: Function, x: Tensor, xi: Tensor, s: NonNegative, r: NonNegative) -> torch.Tensor:
    """x + h (x + 2 score(s, x)) + sqrt(2 h) xi,  h = s - r: Euler-Maruyama's step of the reversed SDE. Raises TypeError, ValueError."""
    if xi.shape != x.shape:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected the shape of x, {tuple(x.shape)}.")
    h = torch.as_tensor(s - r, dtype=x.dtype, device=x.device)
    a_number(h, "s - r", least=0)
    return x + h * (x + 2 * _scored(score, s, x)) + (2 * h).sqrt() * xi


@checked
def uniform_clock(t: Tensor, *, T: NonNegative, least: NonNegative = 0.0) -> torch.Tensor:
    """s = T + t (least - T): equal steps of the noising time, from T to `least`.   t: a tensor in [0, 1]."""
    return T + t * (least - T)


@checked
def log_snr_clock(t: Tensor, *, T: Positive, least: Positive = LEAST) -> torch.Tensor:
    """Equal steps of log SNR, SNR = a^2 / (1 - a^2) = 1 / (e^{2s} - 1), from s = T to s = least > 0: short steps close to the data."""
    first, last = (_log_noise(s, t) for s in (T, least))
    level = first + t * (last - first)
    return (level.clamp(min=0) + torch.log1p(torch.exp(-level.abs()))) / 2


@checked
def sampler(step: Function, score: Function, *, clock: Function, n: HowMany) -> Callable:
    """The map (k, x, xi=None) -> x: the k-th of n steps goes from clock(k / n) to clock((k + 1) / n). After n steps it is the identity.

    step: euler_step, heun_step, ddim_step or sde_step;  clock(t) -> s;  n: a count, or a 0-d tensor (a slider). Raises TypeError, ValueError.
    """

    @checked
    def advance(k: NonNegative, x: Tensor, xi: Tensor | None = None) -> torch.Tensor:
        s, r = (clock(torch.as_tensor(j / n, dtype=x.dtype, device=x.device).clamp(max=1)) for j in (k, k + 1))
        with running():  # beyond the end the score may be infinite
            moved = like(step(score, x, xi, s, r), x, "step(score, x, xi, s, r)")
        return torch.where(torch.as_tensor(k < n, device=x.device), moved, x)

    return advance


def _signal(s, x):
    """a = exp(-s) and 1 - a^2, 0-d tensors like x."""
    s = torch.as_tensor(s, dtype=x.dtype, device=x.device)
    return torch.exp(-s), -torch.expm1(-2 * s)


def _log_noise(s, t):
    """log(e^{2s} - 1), for large s too."""
    s = torch.as_tensor(s, dtype=t.dtype, device=t.device)
    return 2 * s + torch.log(-torch.expm1(-2 * s))


def _scored(score, s, x):
    return like(score(s, x), x, "score(s, x)")


def _of_the_law(target, x):
    """Return target, a law of points like x. Raises TypeError, ValueError."""
    d = target.means.shape[-1]
    if x.ndim == 0 or x.shape[-1] != d:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points with {d} coordinates: (..., {d}).")
    alike({"the target": target.means, "x": x})
    return target
