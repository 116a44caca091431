"""The Gaussian sandbox: flows towards N(r, s) on the line that keep Gaussians Gaussian,
as ODEs of the mean and the variance.

A law N(m, v) is the pair (m, v), the last axis of a tensor (..., 2);
the target is N(mean, variance) with keywords, numbers or 0-d tensors.
Below r = mean, s = variance, u = m - r. Langevin, Fisher-Rao and their sum descend KL(. | N(r, s)),
each in its own geometry.
All are plain operations: they go into `flow` (ULA into `iterate`) and into a live figure.
"""

from functools import partial
from typing import Annotated

import torch

from companion.gaussians import ou_kl, ou_moments
from companion.hints import NonNegative, Number, Positive, checked
from companion.inputs import a_number, a_tensor, alike, batch, concrete_value

NAMES = {2: "(mean, variance)", 5: "(E X, E Y, Var X, Cov, Var Y)"}


def moments(x, name, *, count):
    """Return x, pairs or fives of moments on the last axis; the variance of a pair is positive.
    Raises TypeError, ValueError."""
    if a_tensor(x, name).ndim == 0 or x.shape[-1] != count:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {NAMES[count]}: (..., "
                         f"{count}).")
    if count == 2 and concrete_value(lambda: (x[..., 1] <= 0).any(), x):
        raise ValueError(f"{name} has a variance that is not positive; expected pairs (mean, "
                         f"variance): (..., 2), {name}[..., 1] > 0.")
    return x


def times(t, name):
    """Return t >= 0, a number, or one for each law. Raises TypeError, ValueError."""
    if not isinstance(t, torch.Tensor) or t.ndim == 0:
        return a_number(t, name, least=0)
    if concrete_value(lambda: (t < 0).any(), a_tensor(t, name)):
        raise ValueError(f"{name} has a negative entry; expected times of at least 0.")
    return t


Moments = Annotated[torch.Tensor, partial(moments, count=2)]
Five = Annotated[torch.Tensor, partial(moments, count=5)]
Times = Annotated[float | torch.Tensor, times]


@checked
def langevin_moments(t: Number, x: Moments, *, mean: Number = 0.0,
                     variance: Positive = 1.0) -> torch.Tensor:
    """m' = -u / s,  v' = 2 - 2 v / s: the law of dX = -(X - r) / s dt + sqrt(2) dW.   x: (..., 2).
    Raises TypeError, ValueError."""
    u, v, s = _state(x, mean, variance)
    return torch.stack([-u / s, 2 - 2 * v / s], -1)


@checked
def fisher_rao_moments(t: Number, x: Moments, *, mean: Number = 0.0,
                       variance: Positive = 1.0) -> torch.Tensor:
    """m' = -v u / s,  v' = v - v^2 / s: the Fisher-Rao flow of KL, which reweights and moves
    no mass: hence v in m'.   x: (..., 2).

    In the precision 1 / v and in m / v it is linear, see `fisher_rao_law`. Raises TypeError,
    ValueError.
    """
    u, v, s = _state(x, mean, variance)
    return torch.stack([-v * u / s, v - v * v / s], -1)


@checked
def wfr_moments(t: Number, x: Moments, *, mean: Number = 0.0,
                variance: Positive = 1.0) -> torch.Tensor:
    """The sum of `langevin_moments` and `fisher_rao_moments`: the Wasserstein-Fisher-Rao flow
    of KL.   x: (..., 2)."""
    return langevin_moments(t, x, mean=mean, variance=variance) + fisher_rao_moments(
        t, x, mean=mean, variance=variance
    )


@checked
def svgd_moments(t: Number, x: Moments, *, mean: Number = 0.0,
                 variance: Positive = 1.0) -> torch.Tensor:
    """m' = -u / s + u (1 - (v + u^2) / s),  v' = 2 v (1 - (v + u^2) / s):
    SVGD with the kernel 1 + (x - r) (y - r).   x: (..., 2).

    Exact for the mean and variance (divide by n) of n particles too, whatever their law,
    as the velocity is affine. For u = 0 it is `fisher_rao_moments` at double speed. Liu and Wang,
    NeurIPS 2018 (SVGD as moment matching). Raises TypeError, ValueError.
    """
    u, v, s = _state(x, mean, variance)
    pull = 1 - (v + u * u) / s
    return torch.stack([-u / s + u * pull, 2 * v * pull], -1)


@checked
def ula_moments(k: Number, x: Moments, *, h: Positive, mean: Number = 0.0,
                variance: Positive = 1.0) -> torch.Tensor:
    """m -> r + (1 - h / s) u,  v -> (1 - h / s)^2 v + 2 h: one step of the unadjusted Langevin
    algorithm.   x: (..., 2), h > 0.

    Stable for h < 2 s; v then tends to s / (1 - h / (2 s)), not to s. Raises TypeError, ValueError.
    """
    u, v, s = _state(x, mean, variance)
    shrink = 1 - h / s
    return torch.stack([mean + shrink * u, shrink * shrink * v + 2 * h], -1)


@checked
def kinetic_moments(t: Number, x: Five, *, gamma: NonNegative, mean: Number = 0.0,
                    variance: Positive = 1.0) -> torch.Tensor:
    """The law of dX = Y dt, dY = -(X - r) / s dt - g Y dt + sqrt(2 g) dW,
    g = gamma >= 0:  x = (E X, E Y, Var X, Cov, Var Y), (..., 5).

    m_X' = m_Y,  m_Y' = -u / s - g m_Y,  (Var X)' = 2 Cov,  Cov' = Var Y - Var X / s - g
    Cov,  (Var Y)' = 2 g - 2 Cov / s - 2 g Var Y.
    It ends at (r, 0, s, 0, 1). Raises TypeError, ValueError.
    """
    mx, my, a, b, c = x.unbind(-1)
    s = variance
    force = -(mx - mean) / s
    return torch.stack(
        [
            my,
            force - gamma * my,
            2 * b,
            c - a / s - gamma * b,
            2 * gamma - 2 * b / s - 2 * gamma * c,
        ],
        -1,
    )


@checked
def gaussian_kl(x: Moments, *, mean: Number = 0.0, variance: Positive = 1.0) -> torch.Tensor:
    """KL(N(m, v) | N(r, s)) = (v / s - 1 - log(v / s) + u^2 / s) / 2, of plain operations.   x:
    (..., 2), v > 0 -> (...)."""
    u, v, s = _state(x, mean, variance)
    return ou_kl(u, v, lam=1 / s)


@checked
def gaussian_w2_squared(x: Moments, *, mean: Number = 0.0,
                        variance: Positive = 1.0) -> torch.Tensor:
    """W2^2 = u^2 + (sqrt(v) - sqrt(s))^2 from N(m, v) to N(r, s), of plain operations.   x:
    (..., 2) -> (...)."""
    u, v, s = _state(x, mean, variance)
    return u * u + (v.sqrt() - s**0.5) ** 2


@checked
def langevin_law(t: Times, x: Moments, *, mean: Number = 0.0,
                 variance: Positive = 1.0) -> torch.Tensor:
    """The solution of `langevin_moments` at t >= 0 from x (..., 2):
    m = r + e^(-t/s) u_0,  v = s + e^(-2t/s) (v_0 - s).

    t: a number or (...).
    """
    u, v, s = _state(x, mean, variance)
    u, v = ou_moments(_time(t, x), u, v, lam=1 / s)
    return torch.stack([mean + u, v], -1)


@checked
def fisher_rao_law(t: Times, x: Moments, *, mean: Number = 0.0,
                   variance: Positive = 1.0) -> torch.Tensor:
    """The solution of `fisher_rao_moments` at t >= 0 from x (..., 2):
    1 / v = e^-t / v_0 + (1 - e^-t) / s,  u / v = e^-t u_0 / v_0.

    rho_t is rho_0^(e^-t) pi^(1 - e^-t), normalised; t: a number or (...).
    """
    u, v, s = _state(x, mean, variance)
    left = torch.exp(-_time(t, x))
    now = 1 / (left / v + (1 - left) / s)
    return torch.stack([mean + now * left * u / v, now], -1)


def _state(x, mean, variance):
    """u = m - mean, v and the target's variance."""
    m, v = x.unbind(-1)
    return m - mean, v, variance


def _time(t, x):
    """t as a tensor of x's dtype: a number, or one time for each row."""
    if isinstance(t, torch.Tensor) and t.ndim:
        alike({"x": x, "t": t})
        batch((t.shape, "t"), (x.shape[:-1], "the laws x"))
        return t
    return torch.as_tensor(t, dtype=x.dtype, device=x.device)
