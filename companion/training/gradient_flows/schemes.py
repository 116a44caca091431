"""Three time steps for one Langevin equation, on clouds of numbers that share their start:
for a figure, side by side."""

from typing import Annotated

import torch

from companion.hints import Number, Positive, Tensor, checked
from companion.inputs import a_tensor, like
from companion.langevin import ula
from companion.training.entries import Numbers, Points, Positives
from companion.training.gradient_flows.gaussian_steps import (
    fb_gaussian_step,
    jko_gaussian_step,
    moments,
    rescale,
)


def _three_clouds(x, name):
    if a_tensor(x, name).ndim != 2 or x.shape[0] != 3 or x.shape[1] == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; "
                         "expected three clouds of numbers (3, n).")
    return x


ThreeClouds = Annotated[torch.Tensor, _three_clouds]


@checked
def three_schemes(k: Number, x: ThreeClouds, xi: ThreeClouds, *, tau: Positive,
                  lam: Positive) -> Tensor:
    """One step tau of three clouds x (3, n) for V = lam x^2 / 2: JKO, unadjusted Langevin with
    noise xi, forward-backward.

    JKO and forward-backward move their cloud by the affine map between the Gaussians before and
    after the step: no noise. For a cloud whose mean and standard deviation are those of a Gaussian,
    its own follow the Gaussian's exactly.
    """
    like(xi, x, "xi")
    jko, langevin, splitting = x
    walk = ula(lambda p: lam * p.square().sum(-1) / 2, tau)(k, langevin[:, None],
                                                            xi[1][:, None])[:, 0]
    return torch.stack(
        (
            _moved(jko_gaussian_step, jko, tau, lam),
            walk,
            _moved(fb_gaussian_step, splitting, tau, lam),
        )
    )


@checked
def gaussian_start(xi: Points, m: Numbers, s: Positives) -> Tensor:
    """The numbers xi (..., n), moved to mean m and standard deviation s exactly.

    m, s > 0: numbers, or (...). Raises TypeError, ValueError.
    """
    return rescale(xi, m, s)


def _moved(step, x, tau, lam):
    return rescale(x, *step(*moments(x), tau=tau, lam=lam))
