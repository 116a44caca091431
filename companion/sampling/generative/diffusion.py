"""Diffusion with the exact score of a Gaussian mixture: the law of noised data, its reversal by an SDE or an ODE, samplers and their clocks.

Noising has its own letter s, data at s = 0:  dX = -X ds + sqrt(2) dW,  X_s = a X_0 + sqrt(1 - a^2) xi,  a = exp(-s),  law p_s.
A sampler's time is the book's: t = 0 is noise, t = 1 data. A clock is the decreasing map t -> s between them.
Anderson, Stochastic Process. Appl. 12 (1982); Song, Sohl-Dickstein, Kingma, Kumar, Ermon and Poole, ICLR 2021.
"""

import torch

from companion.gaussians import Mixture, mixture
from companion.inputs import a_cloud, a_count, a_function, a_number, a_tensor

LEAST = 1e-3  # where a clock of log SNR stops: at s = 0 the ratio is infinite


def noised(target, s):
    """p_s of a mixture sum_k w_k N(m_k, C_k): the mixture sum_k w_k N(a m_k, a^2 C_k + (1 - a^2) I), a = exp(-s).

    target: a `Mixture` of companion.gaussians;  s >= 0: a number or a 0-d tensor. With variances (K,), or in the plane, only plain
    operations are used, so that s may be a slider. `noised(target, s).score(x)` is the score of p_s. Raises TypeError, ValueError.
    """
    if not isinstance(target, Mixture):
        raise TypeError(f"target is a {type(target).__name__}; expected companion.gaussians.mixture(weights, means, covariances).")
    weights, means, spread = target[:3]
    a2 = torch.exp(-2 * torch.as_tensor(a_number(s, "s", least=0), dtype=means.dtype, device=means.device))
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


def exact_score(target):
    """The function (s, x) -> grad log p_s(x) of a `Mixture`.   x: (..., d)."""
    return lambda s, x: noised(target, s).score(x)


def spread(target, s, x):
    """mean_i sum_k r_k(x_i) |C_k^(-1/2) (x_i - m_k)|^2 / d, with the C_k, m_k of p_s: its mean is exactly 1 if the x_i have the law p_s.

    More says that the cloud is too wide about its modes, less that it is too narrow.   x: (n, d) -> 0-d. Raises TypeError, ValueError.
    """
    law = noised(target, s)
    apart = a_cloud(x, "x", d=law.means.shape[-1])[..., None, :] - law.means
    precisions = law.precisions if law.precisions.ndim == 3 else law.precisions[:, None, None] * torch.eye(x.shape[-1]).to(x)
    squares = torch.einsum("...ki,kij,...kj->...k", apart, precisions, apart)
    return (law.responsibilities(x) * squares).sum(-1).mean(-1) / x.shape[-1]


def posterior_mean(score, s, x):
    """E[X_0 | X_s = x] = (x + (1 - a^2) score(s, x)) / a: Tweedie's formula.   x: (..., d). Raises TypeError."""
    a, v = _signal(s, a_tensor(x, "x"))
    return (x + v * a_function(score, "score")(s, x)) / a


def probability_flow(score):
    """The field (s, x) -> -x - score(s, x): its flow carries p_s along with s. A sampler runs it from s = T down to 0."""
    a_function(score, "score")
    return lambda s, x: -x - score(s, x)


def euler_step(score, x, xi, s, r):
    """x + (s - r) (x + score(s, x)): Euler's step of the probability-flow ODE from noising time s to r <= s.

    Every step here has these arguments: score(s, x) -> like x, x: (..., d), xi: noise like x, which the steps of an ODE ignore.
    """
    return a_tensor(x, "x") + (s - r) * (x + score(s, x))


def heun_step(score, x, xi, s, r):
    """The explicit trapezoid rule for the probability-flow ODE, order 2: two scores a step."""
    slope = a_tensor(x, "x") + score(s, x)
    ahead = x + (s - r) * slope
    return x + (s - r) * (slope + ahead + score(r, ahead)) / 2


def ddim_step(score, x, xi, s, r):
    """a_r x0 + sqrt((1 - a_r^2) / (1 - a_s^2)) (x - a_s x0),  x0 = E[X_0 | X_s = x]: exact if x0 did not change on the way.

    From s = 0 no step is left, and x stays. Song, Meng and Ermon, Denoising diffusion implicit models, ICLR 2021.
    """
    guess = posterior_mean(score, s, x)
    (a, v), (b, w) = _signal(s, x), _signal(r, x)
    kept = torch.where(v > 0, w / torch.where(v > 0, v, 1), 1).sqrt()  # at s = 0 it would be 0 / 0
    return b * guess + kept * (x - a * guess)


def sde_step(score, x, xi, s, r):
    """x + h (x + 2 score(s, x)) + sqrt(2 h) xi,  h = s - r: Euler-Maruyama's step of the reversed SDE. Raises TypeError, ValueError."""
    if a_tensor(xi, "xi").shape != a_tensor(x, "x").shape:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected the shape of x, {tuple(x.shape)}.")
    h = torch.as_tensor(s - r, dtype=x.dtype, device=x.device)
    return x + h * (x + 2 * score(s, x)) + (2 * h).sqrt() * xi


def uniform_clock(t, *, T, least=0.0):
    """s = T + t (least - T): equal steps of the noising time, from T to `least`.   t: a tensor in [0, 1]."""
    return T + a_tensor(t, "t") * (least - T)


def log_snr_clock(t, *, T, least=LEAST):
    """Equal steps of log SNR, SNR = a^2 / (1 - a^2) = 1 / (e^{2s} - 1), from s = T to s = least > 0: short steps close to the data."""
    first, last = (_log_noise(s, a_tensor(t, "t")) for s in (T, a_number(least, "least", above=0)))
    return torch.log1p(torch.exp(first + t * (last - first))) / 2


def sampler(step, score, *, clock, n):
    """The map (k, x, xi=None) -> x: the k-th of n steps goes from clock(k / n) to clock((k + 1) / n). After n steps it is the identity.

    step: euler_step, heun_step, ddim_step or sde_step;  clock(t) -> s;  n: a count, or a 0-d tensor (a slider). Raises TypeError, ValueError.
    """
    for f, name in ((step, "step"), (score, "score"), (clock, "clock")):
        a_function(f, name)
    if not isinstance(n, torch.Tensor):
        a_count(n, "n")

    def advance(k, x, xi=None):
        s, r = (clock(torch.as_tensor(j / n, dtype=x.dtype, device=x.device).clamp(max=1)) for j in (k, k + 1))
        moved = step(score, x, xi, s, r)
        return torch.where(torch.as_tensor(k < n, device=x.device), moved, x)  # beyond the end the score may be infinite

    return advance


def _signal(s, x):
    """a = exp(-s) and 1 - a^2, 0-d tensors like x."""
    s = torch.as_tensor(a_number(s, "s", least=0), dtype=x.dtype, device=x.device)
    return torch.exp(-s), -torch.expm1(-2 * s)


def _log_noise(s, t):
    return torch.log(torch.expm1(2 * torch.as_tensor(s, dtype=t.dtype, device=t.device)))
