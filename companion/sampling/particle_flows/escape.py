"""One particle against a Dirac mass at 0 on the line, three ways side by side:
balls on the hills that their kernels make.

The state is x (2 + m, 1): a particle of the Gaussian kernel, one of the energy distance,
m of the Gaussian kernel with injected noise. Each is alone with the target.
By symmetry the noisy ones are kept at x >= 0.
"""

from typing import Annotated

import torch

from companion.hints import NonNegative, Positive, Tensor, checked
from companion.inputs import a_cloud, like
from companion.kernels import energy_distance, gaussian
from companion.sampling.particle_flows.mmd_flow import gaussian_mean, mmd_flow, noise_injection


def alone(x, name):
    """Return x, at least three particles of the line (2 + m, 1). Raises TypeError, ValueError."""
    if a_cloud(x, name, d=1).ndim != 2 or x.shape[0] < 3:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected (2 + m, 1), m >= 1: one "
                         "particle a kernel, and m with noise.")
    return x


Alone = Annotated[torch.Tensor, alone]


@checked
def roll(x: Alone, xi: Alone, *, step: Positive, length: Positive,
         beta: NonNegative) -> torch.Tensor:
    """One step of the flow of MMD^2/2 for every particle alone: x and xi (2 + m, 1) -> (2 + m, 1).
    Raises TypeError, ValueError."""
    like(xi, x, "xi")
    # clouds of one particle
    mean, z, u = gaussian_mean(length=length, variance=0), x[:, :, None], xi[:, :, None]
    quiet, loud = (
        noise_injection(kernel=gaussian(length), target_mean=mean, step=step, beta=b)
        for b in (0.0, beta)
    )
    cone = mmd_flow(torch.zeros_like(z[0]), kernel=energy_distance)
    moved = quiet(0, z[:1], u[:1]), z[1:2] + step * cone(0.0, z[1:2]), loud(0, z[2:], u[2:]).abs()
    return torch.cat(moved)[..., 0]


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
    """The particles x (2 + m, 1) on their hills, the noisy ones a little above: (2 + m, 2)."""
    return torch.cat(
        [x, torch.cat([_bowl(x[:1], length), x[1:2].abs() / 4 - 1.6, _bowl(x[2:], length) + 0.12])],
        -1,
    )


def _bowl(s, length):
    return -torch.exp(-s.square() / (2 * length**2))
