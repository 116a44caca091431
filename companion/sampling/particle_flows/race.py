"""Five samplers on one target from one start, as one map: Langevin twice, with noise, and three deterministic flows of kernels.

The state is z (6, n, 2): the particles of ULA, the positions and the velocities of kinetic Langevin (BAOAB), then SVGD, KSD descent, MMD flow.
SVGD, KSD descent and Langevin know the target by its score, the MMD flow by a sample. A second sample judges all five.
One run is an anecdote: `tournament` runs the race from many starts.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.energies import mmd2
from companion.flow import iterate
from companion.hints import Cloud, Count, Dtype, Generator, NonNegative, Number, Positive, checked
from companion.inputs import a_cloud, a_number, a_tensor, has_values, like
from companion.kernels import energy_distance, gaussian
from companion.langevin import ula
from companion.sampling.langevin.kinetic import baoab
from companion.sampling.particle_flows.ksd import ksd_field
from companion.sampling.particle_flows.mmd_flow import Level, noise_injection, sample_mean
from companion.sampling.particle_flows.svgd import svgd
from companion.sampling.particle_flows.targets import ATarget, Target
from companion.sampling.quantization.cells import Sites

ROWS = ("ULA", "kinetic", "velocity", "SVGD", "KSD", "MMD")
PLACES = [i for i, name in enumerate(ROWS) if name != "velocity"]
PACE = (20.0, 4.0, 60.0)  # steps of SVGD, KSD descent and MMD flow over that of ULA: times of different flows have different units
LONGEST = 0.5  # a step of the three deterministic flows is shorter: they are stiff where the target is steep


class Track(NamedTuple):
    """A target, the sample that the MMD flow sees, the one that judges, (m, 2) and (m', 2), and the energy distance to this one.

    exact(n) is the mean of this distance for n independent exact points: the floor of sampling.
    """

    target: Target
    seen: torch.Tensor
    judge: torch.Tensor
    distance: Callable
    exact: Callable


def a_track(on, name):
    """Return on, a `Track`. Raises TypeError, ValueError."""
    if not isinstance(on, Track):
        raise TypeError(f"{name} is a {type(on).__name__}; expected a Track: track(ring(), generator=torch.Generator()).")
    a_cloud(on.seen, f"{name}.seen", d=2), a_cloud(on.judge, f"{name}.judge", d=2)
    return on


def a_field(z, name):
    """Return z, the states of all who race, (6, ..., n, 2). Raises TypeError, ValueError."""
    if a_tensor(z, name).ndim < 3 or z.shape[0] != len(ROWS) or z.shape[-1] != 2:
        raise ValueError(f"{name} has shape {tuple(z.shape)}; expected (6, ..., n, 2), as race_start gives it.")
    return z


ATrack = Annotated[Track, a_track]
Field = Annotated[torch.Tensor, a_field]
Side = Annotated[float | torch.Tensor, partial(a_number, above=0.2)]  # a panel has a margin of 0.1


class Standings(NamedTuple):
    """The end of a tournament: states (6, repeats, n, 2), energy distances (5, repeats) of ULA, kinetic, SVGD, KSD, MMD, and the floor,
    the mean distance of n exact points."""

    z: torch.Tensor
    distance: torch.Tensor
    exact: float


@checked
def track(target: ATarget, *, generator: Generator, seen: Count = 100, judge: Count = 200, dtype: Dtype = torch.float32) -> Track:
    """A `Track` with samples of these sizes; the step of `race` must have their dtype. Raises TypeError, ValueError."""
    seen, judge = (target.sample(m, generator=generator).to(dtype) for m in (seen, judge))
    far = mmd2(judge.double(), kernel=energy_distance)  # a difference of means: in float32 a small distance has two digits
    return Track(target, seen, judge, lambda x: far(x.double()).to(x.dtype), _floor(target, judge, generator))


def _floor(target, judge, generator, many=2000):
    """n -> E MMD^2(n exact points, judge) = limit + spread/n, from one large sample."""
    x = target.sample(many, generator=generator)
    k = energy_distance(x, x)
    spread = k.diagonal().mean() - (k.sum() - k.diagonal().sum()) / (many * (many - 1))
    limit = mmd2(judge.double(), kernel=energy_distance)(x) - spread / many
    limit, spread = (float(v) for v in (limit, spread))
    return lambda n: limit + spread / n


@checked
def race_start(xi: Sites, *, width: NonNegative = 0.5, height: Number = 1.0) -> torch.Tensor:
    """Everyone at N((0, height), diag(width^2, 1/4)), velocities 0: xi (n, 2) -> z (6, n, 2)."""
    across = torch.as_tensor(width, dtype=xi.dtype) * xi[:, 0]
    x = torch.stack([across, height + xi[:, 1] / 2], -1)
    return torch.stack([x, x, 0 * x, x, x, x])


@checked
def race(on: ATrack, h: Positive, *, length: Positive, beta: Level = 0.0) -> Callable:
    """The map step(k, z, xi) of the five on z (6, ..., n, 2), xi like z. on: a `Track`; its seen sample may have leading entries too.

    h > 0: the step of ULA; BAOAB takes sqrt(2 h) with friction 3/2, so that for large friction both have the time h; SVGD, KSD and MMD take
    20 h, 4 h and 60 h, cut to length 1/2. length > 0: of the three Gaussian kernels; beta >= 0: noise injected in the MMD flow.
    Raises TypeError, ValueError.
    """
    law, kernel = on.target, gaussian(length)
    plain, kinetic = ula(law.potential, h), baoab(law.potential, (2 * h) ** 0.5, gamma=1.5)
    stein, ksd = svgd(law.score, length=length), ksd_field(law.score, length=length)
    mmd = noise_injection(kernel=kernel, target_mean=sample_mean(on.seen, kernel=kernel), step=PACE[2] * h, beta=beta)

    @checked
    def step(k: Number, z: Field, xi: Field) -> torch.Tensor:
        like(xi, z, "xi")
        moves = PACE[0] * h * stein(0.0, z[3]), PACE[1] * h * ksd(0.0, z[4]), mmd(k, z[5], xi[5]) - z[5]
        flows = [x + cut(move) for x, move in zip((z[3], z[4], z[5]), moves, strict=True)]
        return torch.stack([plain(k, z[0], xi[0]), *kinetic(k, z[1:3], xi[1:3]), *flows])

    return step


@checked
def tournament(target: ATarget, *, n: Count, length: Positive, generator: Generator, repeats: Count = 6, steps: Count = 200,
               h: Positive = 0.015, judge: Count = 500) -> Standings:
    """`Standings` of the race from `repeats` starts of n particles, each with its own noise and its own 100 points for the MMD flow.

    One sample of the target judges all of them. Raises TypeError, ValueError.
    """
    on = track(target, generator=generator, judge=judge)
    on = on._replace(seen=target.sample(100 * repeats, generator=generator).to(on.judge).unflatten(0, (repeats, 100)))
    starts = torch.randn(repeats, n, 2, generator=generator, dtype=on.judge.dtype)
    step = race(on, h, length=length)
    z = torch.stack([race_start(xi) for xi in starts], 1)
    z = iterate(lambda k, z: step(k, z, torch.randn(z.shape, generator=generator, dtype=z.dtype)), z, steps, every=steps).end
    return Standings(z, torch.stack([on.distance(z[i]) for i in PLACES]), on.exact(n))


@checked
def cut(move: Cloud) -> torch.Tensor:
    """move, shortened smoothly to a length below 1/2: move/(1 + |move|/(1/2))."""
    return move / (1 + move.square().sum(-1, keepdim=True).sqrt() / LONGEST)


@checked
def race_panels(z: Field, on: ATrack, *, side: Side = 6.0) -> torch.Tensor:
    """ULA, kinetic, SVGD above; KSD, MMD and n points of the judge below: (6 n, 2), the i-th of each in turn, in panels of this side.

    The first panel is [-side/2, side/2] x [-side/2 + 1, side/2 + 1]; who leaves a panel stays at its border.
    """
    n, half = z.shape[-2], side / 2 - 0.1
    if z.ndim != 3 or (has_values(z) and n > len(on.judge)):
        raise ValueError(f"z has shape {tuple(z.shape)}; expected (6, n, 2) with at most as many points as the judge has, {len(on.judge)}.")
    x = torch.cat([z[:2], z[3:], on.judge[:n].to(z)[None]])
    lift = torch.tensor([0.0, 1.0], dtype=z.dtype)
    x = lift + torch.minimum(torch.maximum(x - lift, torch.full_like(lift, -half)), torch.full_like(lift, half))
    corner = side * torch.tensor([[0.0, 0], [1, 0], [2, 0], [0, -1], [1, -1], [2, -1]], dtype=z.dtype)
    return (x + corner[:, None]).transpose(0, 1).flatten(0, 1)


@checked
def race_ground(on: ATrack, *, side: Side = 6.0, pixels: Count = 32) -> torch.Tensor:
    """exp(-V) over its maximum, as ink (2 pixels, 3 pixels) for the six panels."""
    s = (torch.arange(pixels, dtype=on.judge.dtype) + 0.5) / pixels * side - side / 2
    grid = torch.stack([s[None, :] + 0 * s[:, None], 1 - s[:, None] + 0 * s[None, :]], -1)
    V = on.target.potential(grid)
    ink = torch.exp(V.amin((0, 1)) - V)
    return torch.cat([torch.cat([ink, ink, ink], 1)] * 2, 0)
