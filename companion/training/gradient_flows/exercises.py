"""The checks of the chapter's exercises. They know theorems, not answers."""

import torch

from companion import check
from companion.check.report import magnitude, numbers, report
from companion.flow import iterate
from companion.gaussians import ou_kl, ou_moments
from companion.hints import Function, Number, Positive, checked
from companion.training.gradient_flows.gaussian_steps import (
    fb_gaussian_step,
    jko_gaussian_step,
)


@checked
def check_unbiased_step(tau: Positive, *, lam: Positive = 2.0) -> None:
    """Forward-backward steps a little shorter than tau end at the variance 1 / lam,
    and a little longer they do not.

    Raises AssertionError, TypeError, ValueError.
    """
    shorter, longer = (_end_variance(factor * tau, lam) for factor in (0.98, 1.02))
    report(abs(shorter * lam - 1) <= 1e-6, "Shorter steps are not biased", "tried with 0.98 tau",
           f"Steps of length {0.98 * tau:.6g} end at another variance than the target's: tau is "
           "too large.")
    report(abs(longer - 1 / lam) > 1e-3 / lam, "Longer steps are biased", "tried with 1.02 tau",
           f"Steps of length {1.02 * tau:.6g} still end at the variance of the target: tau is too "
           "small.")


@checked
def check_forgotten(t: Number) -> None:
    """At the time t, mean and spread contribute equally to KL, for the flow of V = x^2 / 2 from
    N(1, 4).

    Raises AssertionError, TypeError.
    """
    check.root(_lead_of_the_mean, t, 0.01, 5.0, tol=1e-4)


@checked
def check_contraction(factor: Function) -> None:
    """factor(tau, lam) is the derivative of the JKO step of the standard deviation at its fixed
    point, tried on 20 pairs (tau, lam).

    Raises AssertionError, TypeError.
    """
    tau = torch.logspace(-2, 1, 20, dtype=torch.float64)
    lam = 0.5 + 2 * torch.linspace(0, 1, 20, dtype=torch.float64).flip(0) ** 2
    pairs = list(zip(tau, lam, strict=True))
    given = torch.stack([_a_number(factor, float(a), float(b)) for a, b in pairs])
    slopes = [(_jko(1e-5, a, b) - _jko(-1e-5, a, b)) / 2e-5 for a, b in pairs]
    error = (given - torch.stack(slopes)).abs().nan_to_num(nan=torch.inf)
    i = int(error.argmax())
    side = "large" if given[i] > slopes[i] else "small"
    report((error <= 1e-6).all(), "It is the derivative of the step at its fixed point",
           f"on {len(tau)} pairs (tau, lam)",
           f"At tau = {tau[i]:.3g} and lam = {lam[i]:.3g} it is too {side}, by "
           f"{magnitude(error[i].item())}.")


def _a_number(factor, tau, lam):
    value = numbers(factor(tau, lam), "factor(tau, lam)")
    if value.ndim:
        raise ValueError(f"factor(tau, lam) has shape {tuple(value.shape)}; expected a number.")
    return value


def _jko(distance, tau, lam):
    return jko_gaussian_step(0.0, lam**-0.5 + distance, tau=tau, lam=lam)[1]


def _lead_of_the_mean(t):
    """KL of the mean error minus KL of the spread error at the time t: KL splits into the two."""
    mean, variance = ou_moments(t, 1.0, 4.0, lam=1.0)
    spread = ou_kl(0.0, variance, lam=1.0)
    return float(ou_kl(mean, variance, lam=1.0) - 2 * spread)


def _end_variance(tau, lam):
    """The variance after 4000 forward-backward steps from N(0, 1); infinite where the scheme
    is unstable."""
    one = torch.ones((), dtype=torch.float64)
    path = iterate(lambda k, s: fb_gaussian_step(0.0, s, tau=tau, lam=lam)[1], one, 4000,
                   every=4000)
    return float(path.end**2)
