"""Three rings: the target on which Glaser, Arbel and Gretton, and then Chazal, Korba and Bach, compare flows of kernels.

Circles of radius 0.35 centred at (0, 0), (0.8, 0) and (1.6, 0), and a start near the lowest point of the first: the flow must carry particles
from one ring to the next. Glaser, Arbel and Gretton, NeurIPS 2021 (KALE flow); Chazal, Korba and Bach, arXiv 2408.16543.
"""

import math

import torch

from companion.energies import mmd2
from companion.inputs import a_cloud, a_count, a_generator
from companion.kernels import gaussian
from companion.sampling.particle_flows.kernel_kl import kkl
from companion.sampling.particle_flows.ksd import lbfgs

RADIUS = 0.35
CENTRES = (0.0, 0.8, 1.6)


def rings(n=90, *, dtype=torch.float64):
    """n points, equally spaced on three rings, n a multiple of 3: (n, 2). Raises TypeError, ValueError."""
    if a_count(n, "n", least=3) % 3:
        raise ValueError(f"n = {n}; expected a multiple of 3: as many points on each ring.")
    angle = 2 * math.pi * torch.arange(n // 3, dtype=dtype) / (n // 3)
    circle = RADIUS * torch.stack([angle.cos(), angle.sin()], -1)
    return torch.cat([circle + torch.tensor([c, 0.0], dtype=dtype) for c in CENTRES])


def ring_start(n=90, *, generator, dtype=torch.float64):
    """n points of N((0, -0.35), 0.05^2 I), near the lowest point of the first ring: (n, 2). Raises TypeError, ValueError."""
    a_generator(generator)
    return torch.tensor([0.0, -RADIUS], dtype=dtype) + 0.05 * torch.randn(a_count(n, "n"), 2, generator=generator, dtype=dtype)


def ring_distance(x):
    """The distance from each point to the three circles: x (..., n, 2) -> (..., n). Raises TypeError, ValueError."""
    a_cloud(x, d=2)
    centres = torch.tensor([[c, 0.0] for c in CENTRES], dtype=x.dtype, device=x.device)
    return ((x[..., None, :] - centres).norm(dim=-1) - RADIUS).abs().amin(-1)


def kkl_on_rings(x, *, length=0.1, alpha=0.01, steps=150, every=1):
    """A `Path` of L-BFGS on KKL_alpha to as many points of the rings, from the cloud x (n, 2), n a multiple of 3; its kernel is Gaussian."""
    return lbfgs(kkl(rings(a_cloud(x, d=2).shape[-2]), kernel=gaussian(length), alpha=alpha), x, steps=steps, every=every)


def mmd_on_rings(x, *, length=0.1, steps=150, every=1):
    """As `kkl_on_rings`, on MMD^2 with the same kernel."""
    return lbfgs(mmd2(rings(a_cloud(x, d=2).shape[-2]), kernel=gaussian(length)), x, steps=steps, every=every)
