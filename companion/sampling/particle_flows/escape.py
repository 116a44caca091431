"""One particle against a Dirac mass at 0 on the line, three ways side by side:
balls on the hills that their kernels make.

Each particle is alone with the target. By symmetry the noisy ones are kept at x >= 0.
"""

from typing import Annotated, NamedTuple

import torch

from companion.hints import NonNegative, Positive, Tensor, checked
from companion.inputs import a_cloud, like
from companion.kernels import energy_kernel, gaussian_kernel
from companion.sampling.particle_flows.mmd_flow import gaussian_mean, mmd_flow, noise_injection
from companion.state import each, of_kind, parts


class Balls(NamedTuple):
    """Particles of the line, (n, 1) each: of the Gaussian kernel, of the energy distance, and of
    the Gaussian kernel with injected noise."""

    gaussian: torch.Tensor
    distance: torch.Tensor
    noisy: torch.Tensor


def alone(x, name):
    """Return x = Balls(gaussian, distance, noisy). Raises TypeError, ValueError."""
    for field, part in parts(of_kind(x, name, kind=Balls)).items():
        if a_cloud(part, f"{name}.{field}", d=1).ndim != 2:
            raise ValueError(f"{name}.{field} has shape {tuple(part.shape)}; expected (n, 1).")
    return x


Alone = Annotated[Balls, alone]


@checked
def roll(x: Alone, xi: Alone, *, step: Positive, length: Positive,
         beta: NonNegative) -> Balls:
    """One step of the flow of MMD^2/2 for every particle alone; xi like x.
    Raises TypeError, ValueError."""
    # clouds of one particle
    z, u = (each(lambda part: part[:, None], s) for s in (x, like(xi, x, "xi")))
    mean = gaussian_mean(length=length, variance=0)
    quiet, loud = (
        noise_injection(kernel=gaussian_kernel(length), target_mean=mean, step=step, beta=b)
        for b in (0.0, beta)
    )
    cone = mmd_flow(torch.zeros_like(x.distance[:1]), kernel=energy_kernel)
    return each(lambda part: part[:, 0], Balls(quiet(0, z.gaussian, u.gaussian),
                                               z.distance + step * cone(0.0, z.distance),
                                               loud(0, z.noisy, u.noisy).abs()))


@checked
def hills(grid: Tensor, *, length: Positive) -> torch.Tensor:
    """The curves -exp(-s^2/(2 l^2)) and |s|/4 - 1.6 over the grid (g,) as segments
    (2 (g - 1), 2, 2): minus the target's kernel means."""
    if grid.ndim != 1 or len(grid) < 2:
        raise ValueError(f"grid has shape {tuple(grid.shape)}; expected at least two numbers in "
                         "order, (g,): torch.linspace(-3, 3, 61).")
    curves = (
        torch.stack([grid, height], -1) for height in (_bowl(grid, length), grid.abs() / 4 - 1.6)
    )
    return torch.cat([torch.stack([curve[:-1], curve[1:]], 1) for curve in curves])


@checked
def balls(x: Alone, *, length: Positive) -> torch.Tensor:
    """All particles (., 2), in the order of the parts, on their hills, the noisy ones a little
    above."""
    heights = Balls(_bowl(x.gaussian, length), x.distance.abs() / 4 - 1.6,
                    _bowl(x.noisy, length) + 0.12)
    return torch.cat([torch.cat(x), torch.cat(heights)], -1)


def _bowl(s, length):
    return -torch.exp(-s.square() / (2 * length**2))
