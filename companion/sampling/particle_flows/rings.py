"""Three rings: the target on which Glaser, Arbel and Gretton, and then Chazal, Korba and Bach,
compare flows of kernels.

Circles of radius 0.35 centred at (0, 0), (0.8, 0) and (1.6, 0), and a start near the lowest point
of the first: the flow must carry particles from one ring to the next. Glaser, Arbel and Gretton,
NeurIPS 2021 (KALE flow); Chazal, Korba and Bach, arXiv 2408.16543.
"""

import math
from typing import Annotated

import torch

from companion.energies import mmd2
from companion.flow import Path
from companion.hints import Count, Dtype, Generator, Positive, checked
from companion.inputs import a_cloud, a_count
from companion.kernels import gaussian_kernel
from companion.sampling.particle_flows.kernel_kl import Portion, kkl
from companion.sampling.particle_flows.ksd import lbfgs
from companion.sampling.quantization.cells import Sites

RADIUS = 0.35
CENTRES = (0.0, 0.8, 1.6)


def threefold(n, name):
    """Return n, a multiple of 3. Raises TypeError, ValueError."""
    if a_count(n, name, least=3) % 3:
        raise ValueError(f"{name} = {n}; expected a multiple of 3: as many points on each ring.")
    return n


def on_the_plane(x, name):
    """Return x, a cloud of the plane (..., n, 2). Raises TypeError, ValueError."""
    return a_cloud(x, name, d=2)


Threefold = Annotated[int, threefold]
OnPlane = Annotated[torch.Tensor, on_the_plane]


@checked
def rings(n: Threefold = 90, *, dtype: Dtype = torch.float64) -> torch.Tensor:
    """n points, equally spaced on three rings, n a multiple of 3: (n, 2). Raises TypeError,
    ValueError."""
    angle = 2 * math.pi * torch.arange(n // 3, dtype=dtype) / (n // 3)
    circle = RADIUS * torch.stack([angle.cos(), angle.sin()], -1)
    return torch.cat([circle + torch.tensor([c, 0.0], dtype=dtype) for c in CENTRES])


@checked
def ring_start(n: Count = 90, *, generator: Generator,
               dtype: Dtype = torch.float64) -> torch.Tensor:
    """n points of N((0, -0.35), 0.05^2 I), near the lowest point of the first ring: (n, 2).
    Raises TypeError, ValueError."""
    return torch.tensor([0.0, -RADIUS],
                        dtype=dtype) + 0.05 * torch.randn(n, 2, generator=generator, dtype=dtype)


@checked
def ring_distance(x: OnPlane) -> torch.Tensor:
    """The distance from each point to the three circles: x (..., n, 2) -> (..., n).
    Raises TypeError, ValueError."""
    centres = torch.tensor([[c, 0.0] for c in CENTRES], dtype=x.dtype, device=x.device)
    return ((x[..., None, :] - centres).norm(dim=-1) - RADIUS).abs().amin(-1)


@checked
def kkl_on_rings(x: Sites, *, length: Positive = 0.1, alpha: Portion = 0.01, steps: Count = 150,
                 every: Count = 1) -> Path:
    """A `Path` of L-BFGS on KKL_alpha to as many points of the rings, from the cloud x (n, 2),
    n a multiple of 3; its kernel is Gaussian."""
    return lbfgs(kkl(rings(len(x), dtype=x.dtype), kernel=gaussian_kernel(length), alpha=alpha), x,
                 steps=steps, every=every)


@checked
def mmd_on_rings(x: Sites, *, length: Positive = 0.1, steps: Count = 150, every: Count = 1) -> Path:
    """As `kkl_on_rings`, on MMD^2 with the same kernel."""
    return lbfgs(mmd2(rings(len(x), dtype=x.dtype), kernel=gaussian_kernel(length)), x, steps=steps,
                 every=every)
