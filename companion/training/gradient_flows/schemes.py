"""Three time steps for one Langevin equation, on clouds of numbers that share their start:
for a figure, side by side."""

from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.entries import Numbers, Points, Positives
from companion.hints import Number, Positive, Tensor, checked
from companion.inputs import like
from companion.sde import ula
from companion.state import of_points
from companion.training.gradient_flows.gaussian_steps import (
    fb_gaussian_step,
    jko_gaussian_step,
    moments,
    rescale,
)


class Schemes(NamedTuple):
    """A cloud of numbers (..., n) for each scheme."""

    jko: torch.Tensor
    langevin: torch.Tensor
    splitting: torch.Tensor


ThreeClouds = Annotated[Schemes, partial(of_points, kind=Schemes)]


@checked
def three_schemes(k: Number, x: ThreeClouds, xi: ThreeClouds, *, tau: Positive,
                  lam: Positive) -> Schemes:
    """One step tau of three clouds for V = lam x^2 / 2: JKO, unadjusted Langevin with noise xi,
    forward-backward.   xi: like x, of which xi.langevin counts.

    JKO and forward-backward move their cloud by the affine map between the Gaussians before and
    after the step: no noise. For a cloud whose mean and standard deviation are those of a Gaussian,
    its own follow the Gaussian's exactly.
    """
    like(xi, x, "xi")
    step = ula(lambda p: lam * p.square().sum(-1) / 2, tau)
    walk = step(k, x.langevin[..., None], xi.langevin[..., None])[..., 0]
    return Schemes(_moved(jko_gaussian_step, x.jko, tau, lam), walk,
                   _moved(fb_gaussian_step, x.splitting, tau, lam))


@checked
def gaussian_start(xi: Points, m: Numbers, s: Positives) -> Tensor:
    """The numbers xi (..., n), moved to mean m and standard deviation s exactly.

    m, s > 0: numbers, or (...). Raises TypeError, ValueError.
    """
    return rescale(xi, m, s)


def _moved(step, x, tau, lam):
    return rescale(x, *step(*moments(x), tau=tau, lam=lam))
