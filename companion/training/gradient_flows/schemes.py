"""Three time steps for one Langevin equation, on clouds of numbers that share their start: for a figure, side by side."""

import torch

from companion.inputs import a_tensor
from companion.langevin import ula
from companion.training.gradient_flows.gaussian_steps import fb_gaussian_step, jko_gaussian_step, moments, rescale


def three_schemes(k, x, xi, *, tau, lam):
    """One step tau of three clouds x (3, n) for V = lam x^2 / 2: JKO, unadjusted Langevin with noise xi, forward-backward.

    JKO and forward-backward move their cloud by the affine map between the Gaussians before and after the step: no noise. For a cloud
    whose mean and standard deviation are those of a Gaussian, its own follow the Gaussian's exactly.
    """
    if a_tensor(x, "x").ndim != 2 or x.shape[0] != 3:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected three clouds of numbers (3, n).")
    jko, langevin, splitting = x
    walk = ula(lambda p: lam * p.square().sum(-1) / 2, tau)(k, langevin[:, None], xi[1][:, None])[:, 0]
    return torch.stack((_moved(jko_gaussian_step, jko, tau, lam), walk, _moved(fb_gaussian_step, splitting, tau, lam)))


def gaussian_start(xi, m, s):
    """The numbers xi (..., n), moved to mean m and standard deviation s exactly."""
    one = torch.ones_like(a_tensor(xi, "xi")[..., 0])
    return rescale(xi, m * one, s * one)


def _moved(step, x, tau, lam):
    return rescale(x, *step(*moments(x), tau=tau, lam=lam))
