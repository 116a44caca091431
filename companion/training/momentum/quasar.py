"""Beyond convexity: a bowl with ripples that is strongly quasar-convex, and the energy that heavy
ball decreases on such functions.

f is (tau, mu)-strongly quasar-convex, 0 < tau <= 1, if f* >= f(x) + <grad f(x),
x* - x>/tau + mu |x - x*|^2/2 for all x.
Sources: Hinder, Sidford, Sohoni, COLT 2020 (the class); Aujol, Dossal, Rondepierre, SIAM J. Optim.
32 (2022) (the energy at tau = 1);
Hermant et al. (arXiv:2405.19809). The class alone does not make momentum faster than descent:
Hermant (arXiv:2602.10022).
"""

from typing import Annotated, NamedTuple

import torch
from scipy.optimize import minimize_scalar

from companion.entries import Numbers, Points
from companion.hints import Function, Number, Positive, Tensor, checked
from companion.inputs import a_number, batch, one_each
from companion.training.momentum.phase import WithInertia


class Bowl(NamedTuple):
    """The constants of `bumpy_bowl`: bounds of <grad f, x>/|x|^2 (slopes), of f'' along a ray
    (curvatures); floats, lowest first."""

    slopes: tuple
    curvatures: tuple


class Certificate(NamedTuple):
    """(tau, mu)-strong quasar-convexity, the friction of heavy ball for it,
    and the rate of f - f* = O(e^{-rate t}); floats."""

    tau: float
    mu: float
    friction: float
    rate: float


def _a_share(tau, name):
    return a_number(tau, name, above=0, most=1)


Tau = Annotated[float | torch.Tensor, _a_share]  # 0 < tau <= 1


@checked
def bumpy_bowl(x: Points, *, ripple: Number = 0.3, pitch: Number = 5.0) -> Tensor:
    """f(x) = |x|^2 (1 + ripple sin(pitch log|x|))/2, f(0) = 0: (...) for x (..., d).
    Minimum 0 at 0 if |ripple| < 1."""
    square = x.square().sum(-1)
    log = torch.log(square.clamp(min=torch.finfo(x.dtype).tiny)) / 2
    return square * (1 + ripple * torch.sin(pitch * log)) / 2


@checked
def bowl_constants(*, ripple: Number = 0.3, pitch: Number = 5.0) -> Bowl:
    """With e = ripple, w = pitch: slopes 1 +- e sqrt(1 + w^2/4),
    curvatures 1 +- e sqrt((1 - w^2/2)^2 + (3w/2)^2): a `Bowl`.

    The minimum is the only critical point if and only if the lowest slope is positive.
    """
    e, w = abs(float(ripple)), float(pitch)
    slope, curvature = e * (1 + w**2 / 4) ** 0.5, e * ((1 - w**2 / 2) ** 2 + (1.5 * w) ** 2) ** 0.5
    return Bowl((1 - slope, 1 + slope), (1 - curvature, 1 + curvature))


@checked
def bowl_mu(tau: Tau, *, ripple: Number = 0.3, pitch: Number = 5.0) -> float:
    """The largest mu for which `bumpy_bowl` is (tau, mu)-strongly quasar-convex:
    q - e sqrt(q^2 + (w/tau)^2), q = 2/tau - 1. A float."""
    tau, e, w = float(tau), abs(float(ripple)), float(pitch)
    q = 2 / tau - 1
    return q - e * (q**2 + (w / tau) ** 2) ** 0.5


@checked
def best_certificate(*, ripple: Number = 0.3, pitch: Number = 5.0) -> Certificate:
    """The pair (tau, bowl_mu(tau)) with the fastest rate: a `Certificate`.
    Raises ValueError where other critical points appear."""
    ripple, pitch = float(ripple), float(pitch)
    lowest = bowl_constants(ripple=ripple, pitch=pitch).slopes[0]
    if lowest <= 0:
        given = f"ripple = {ripple}, pitch = {pitch}, lowest slope {lowest:.3g}"
        raise ValueError(f"{given}; expected a slope above 0, a bowl with one critical point.")

    def rate(tau):
        return quasar_rate(bowl_mu(tau, ripple=ripple, pitch=pitch), tau=tau)

    last = 2 - abs(ripple * pitch) / (1 - ripple**2) ** 0.5  # where bowl_mu is 0
    tau = minimize_scalar(lambda tau: -rate(tau), bounds=(0.0, min(1.0, last)), method="bounded",
                          options={"xatol": 1e-12}).x
    tau = 1.0 if last > 1 and rate(1.0) > rate(tau) else float(tau)
    mu = bowl_mu(tau, ripple=ripple, pitch=pitch)
    return Certificate(tau, mu, quasar_friction(mu, tau=tau), quasar_rate(mu, tau=tau))


@checked
def quasar_friction(mu: Positive, *, tau: Tau = 1.0) -> float | torch.Tensor:
    """(1 + tau/2) lam,  lam = sqrt(2 mu/(2 - tau)): the friction with the guarantee `quasar_rate`;
    3 sqrt(mu/2) at tau = 1."""
    return (1 + tau / 2) * _lam(mu, tau)


@checked
def quasar_rate(mu: Positive, *, tau: Tau = 1.0) -> float | torch.Tensor:
    """tau lam,  lam = sqrt(2 mu/(2 - tau)): f - f* = O(e^{-tau lam t}) along heavy ball;
    sqrt(2 mu) at tau = 1."""
    return tau * _lam(mu, tau)


@checked
def quasar_energy(z: WithInertia, *, f: Function, mu: Positive, tau: Tau = 1.0,
                  minimiser: Numbers = 0.0, lowest: Number = 0.0) -> Tensor:
    """E = f(x) - f* + |lam (x - x*) + v|^2/2 - lam^2 tau |x - x*|^2/4 >= 0: (...) for z = (x, v)
    with parts (..., d), lam as above.

    Along heavy ball with friction `quasar_friction`, E' <= -tau lam E if f is (tau, mu)-strongly
    quasar-convex; x* = minimiser, f* = lowest.
    """
    x, v = z.x, z.v
    if isinstance(minimiser, torch.Tensor):
        batch((x.shape, "x"), (minimiser.shape, "minimiser"))
    away, lam = x - minimiser, _lam(mu, tau)
    kinetic = (lam * away + v).square().sum(-1) / 2
    above = one_each(f(x), x.shape[:-1], "f(x)") - lowest
    return above + kinetic - lam**2 * tau * away.square().sum(-1) / 4


@checked
def quasar_gap(f: Function, slope: Points, x: Points, *, mu: Positive, tau: Tau = 1.0) -> Tensor:
    """<slope, x>/tau - f(x) - mu |x|^2/2, (...): nowhere negative if and only if f is
    (tau, mu)-strongly quasar-convex with x* = 0, f* = 0."""
    if slope.shape != x.shape:
        raise ValueError(f"slope has shape {tuple(slope.shape)}; expected that of x, "
                         f"{tuple(x.shape)}: slope = grad(f, x).")
    value = one_each(f(x), x.shape[:-1], "f(x)")
    return (slope * x).sum(-1) / tau - value - mu * x.square().sum(-1) / 2


def _lam(mu, tau):
    return (2 * mu / (2 - tau)) ** 0.5
