"""The checks of the chapter's exercises. They know theorems, not answers."""

import torch

from companion.check.report import report
from companion.gaussians import mixture
from companion.hints import Count, Positive, Share, Tensor, checked
from companion.sampling.generative.diffusion import AMixture
from companion.sampling.particle_flows.mmd_flow import escape_time
from companion.sampling.particle_flows.svgd import median_length, svgd
from companion.sampling.quantization.constants import TwoOrMore
from companion.sampling.quantization.kernel_points import ksd2, normal_score

F8 = torch.float64
CENTRES = torch.tensor([[-1.0, 0.0], [1.5, 1.0]], dtype=F8)
HIDDEN = mixture(torch.tensor([0.8, 0.2], dtype=F8), CENTRES, torch.full((2,), 0.15, dtype=F8))


@checked
def check_radius(value: Positive, *, n: TwoOrMore = 30, d: Count = 500,
                 tol: Positive = 1e-4) -> None:
    """A regular simplex of n <= d + 1 particles with (1/n) sum |x_i|^2 = value is at rest under
    SVGD: pi = N(0, I_d), h = 2 l^2 = med^2.

    The fastest particle of this simplex, against its radius, is at most tol. Raises AssertionError,
    TypeError, ValueError.
    """
    if n > d + 1:
        raise ValueError(f"n = {n} and d = {d}; expected n <= d + 1: a larger simplex does not "
                         "fit.")
    corners = torch.eye(n, dtype=F8) - 1 / n  # in the hyperplane that they span, whatever d
    x = corners * (float(value) * n / (n - 1)) ** 0.5
    speed = svgd(normal_score,
                 length=median_length)(0.0, x).norm(dim=-1).max() / x.norm(dim=-1).max()
    found = f"relative speed {float(speed) * n:.1e}"
    report(n * speed <= tol, "The simplex of this size is at rest", found,
           f"With the sum {float(value):.8g} it moves: {found}.")


@checked
def check_length(length: Positive, *, r: Positive = 3.0, to: Positive = 0.1,
                 within: Share = 0.005) -> None:
    """A length up to 0.5 % longer or shorter is the fastest: one particle, a Dirac target,
    from distance r to distance `to`, MMD^2/2's flow.

    Times 1 % away on both sides are longer. Raises AssertionError, TypeError, ValueError.
    """
    time, below, above = (
        escape_time(r, to, length=float(length) * factor)
        for factor in (1, 1 - 2 * within, 1 + 2 * within)
    )
    found = f"times {below:.7g}, {time:.7g}, {above:.7g} at {1 - 2 * within:g} l, l and {1 + 2 * within:g} l"
    report(time < min(below, above), "No length a little away is faster", found, f"The {found}.")


@checked
def check_hidden_minimum(x: Tensor, *, law: AMixture = HIDDEN, tol: Positive = 1e-9) -> None:
    """x (2,) is a global minimum of KSD^2(delta_x | law), and yet the law's density at x is less
    than a hundredth of that at its centres.

    KSD^2 with l = 1 is at most tol above d/l^2, its least value for one particle.
    Raises AssertionError, TypeError, ValueError.
    """
    if x.shape != law.means.shape[1:]:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected one point, "
                         f"{tuple(law.means.shape[1:])}.")
    x = x.detach().to(law.means)
    excess = float(ksd2(law.score)(x[None])) - x.shape[-1]
    report(excess <= tol, "KSD^2 of this particle is least", f"excess {excess:.1e}",
           f"KSD^2 is {excess:.3g} above the least value.")
    share = float(torch.exp(law.log_density(x) - law.log_density(law.means).max()))
    found = f"its density is {share:.2g} of that at the best centre"
    report(share < 0.01, "Hardly any mass is near it", found, f"The point is near a mode: {found}.")
