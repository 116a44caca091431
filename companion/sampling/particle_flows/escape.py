"""One particle against a Dirac mass at 0 on the line, three ways side by side: balls on the hills that their kernels make.

The state is x (2 + m, 1): a particle of the Gaussian kernel, one of the energy distance, m of the Gaussian kernel with injected noise. Each is
alone with the target. By symmetry the noisy ones are kept at x >= 0.
"""

import torch

from companion.inputs import a_cloud, a_number, a_tensor
from companion.kernels import energy_distance, gaussian
from companion.sampling.particle_flows.mmd_flow import gaussian_mean, mmd_flow, noise_injection


def roll(x, xi, *, step, length, beta):
    """One step of the flow of MMD^2/2 for every particle alone: x and xi (2 + m, 1) -> (2 + m, 1). Raises TypeError, ValueError."""
    if a_tensor(xi, "xi").shape != a_cloud(x, d=1).shape or x.shape[0] < 3:
        raise ValueError(f"x and xi have shapes {tuple(x.shape)} and {tuple(xi.shape)}; expected (2 + m, 1) for both, m >= 1.")
    mean, z, u = gaussian_mean(length=length, variance=0), x[:, :, None], xi[:, :, None]  # clouds of one particle
    quiet, loud = (noise_injection(kernel=gaussian(length), target_mean=mean, step=step, beta=b) for b in (0.0, beta))
    cone = mmd_flow(torch.zeros_like(z[0]), kernel=energy_distance)
    moved = quiet(0, z[:1], u[:1]), z[1:2] + step * cone(0.0, z[1:2]), loud(0, z[2:], u[2:]).abs()
    return torch.cat(moved)[..., 0]


def hills(grid, *, length):
    """The curves -exp(-s^2/(2 l^2)) and |s|/4 - 1.6 over the grid (g,) as segments (2 (g - 1), 2, 2): minus the target's kernel means."""
    a_tensor(grid, "grid")
    curves = (torch.stack([grid, height], -1) for height in (_bowl(grid, length), grid.abs() / 4 - 1.6))
    return torch.cat([torch.stack([curve[:-1], curve[1:]], 1) for curve in curves])


def balls(x, *, length):
    """The particles x (2 + m, 1) on their hills, the noisy ones a little above: (2 + m, 2)."""
    a_cloud(x, d=1)
    return torch.cat([x, torch.cat([_bowl(x[:1], length), x[1:2].abs() / 4 - 1.6, _bowl(x[2:], length) + 0.12])], -1)


def _bowl(s, length):
    return -torch.exp(-s.square() / (2 * a_number(length, "length", above=0) ** 2))
