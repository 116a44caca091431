"""Five samplers on one target from one start, as one map: Langevin twice, with noise, and three deterministic flows of kernels.

The state has a cloud (n, 2) for each, and the velocities of kinetic Langevin (BAOAB).
SVGD, KSD descent and Langevin know the target by its score, the MMD flow by a sample. A second sample judges all five.
One run is an anecdote: `tournament` runs the race from many starts.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion import state
from companion.energies import mmd2
from companion.flow import iterate
from companion.hints import Cloud, Count, Dtype, Generator, NonNegative, Number, Positive, checked
from companion.inputs import a_cloud, a_number, has_values, like
from companion.kernels import energy_kernel, gaussian_kernel
from companion.sampling.particle_flows.ksd import ksd_field
from companion.sampling.particle_flows.mmd_flow import Level, noise_injection, sample_mean
from companion.sampling.particle_flows.svgd import svgd
from companion.sampling.particle_flows.targets import ATarget, Target
from companion.sampling.quantization.cells import Sites
from companion.sde import Phase, baoab, ula
from companion.state import each, flat, of_points

PACE = (20.0, 4.0, 60.0)  # steps of SVGD, KSD descent and MMD flow over that of ULA: times of different flows have different units
LONGEST = 0.5  # a step of the three deterministic flows is shorter: they are stiff where the target is steep


class Racers(NamedTuple):
    """The clouds (..., n, 2) of the five; velocity belongs to kinetic."""

    ULA: torch.Tensor
    kinetic: torch.Tensor
    velocity: torch.Tensor
    SVGD: torch.Tensor
    KSD: torch.Tensor
    MMD: torch.Tensor

    @property
    def positions(self):
        """The five clouds."""
        return self[:2] + self[3:]


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
    """Return z, clouds (..., n, 2) of all who race. Raises TypeError, ValueError."""
    a_cloud(of_points(z, name, kind=Racers).ULA, f"{name}.ULA", d=2)
    return z


ATrack = Annotated[Track, a_track]
Field = Annotated[Racers, a_field]
Side = Annotated[float | torch.Tensor, partial(a_number, above=0.2)]  # a panel has a margin of 0.1


class Standings(NamedTuple):
    """The end of a tournament: `Racers` (repeats, n, 2), energy distances (5, repeats) of ULA,
    kinetic, SVGD, KSD, MMD, and the floor, the mean distance of n exact points."""

    z: Racers
    distance: torch.Tensor
    exact: float


@checked
def track(target: ATarget, *, generator: Generator, seen: Count = 100, judge: Count = 200, dtype: Dtype = torch.float32) -> Track:
    """A `Track` with samples of these sizes; the step of `race` must have their dtype. Raises TypeError, ValueError."""
    seen, judge = (target.sample(m, generator=generator).to(dtype) for m in (seen, judge))
    far = mmd2(judge.double(), kernel=energy_kernel)  # a difference of means: in float32 a small distance has two digits
    return Track(target, seen, judge, lambda x: far(x.double()).to(x.dtype), _floor(target, judge, generator))


def _floor(target, judge, generator, many=2000):
    """n -> E MMD^2(n exact points, judge) = limit + spread/n, from one large sample."""
    x = target.sample(many, generator=generator)
    k = energy_kernel(x, x)
    spread = k.diagonal().mean() - (k.sum() - k.diagonal().sum()) / (many * (many - 1))
    limit = mmd2(judge.double(), kernel=energy_kernel)(x) - spread / many
    limit, spread = (float(v) for v in (limit, spread))
    return lambda n: limit + spread / n


@checked
def race_start(xi: Sites, *, width: NonNegative = 0.5, height: Number = 1.0) -> Racers:
    """Everyone at N((0, height), diag(width^2, 1/4)), velocities 0.   xi: (n, 2)."""
    across = torch.as_tensor(width, dtype=xi.dtype) * xi[:, 0]
    x = torch.stack([across, height + xi[:, 1] / 2], -1)
    return Racers(x, x, 0 * x, x, x, x)


@checked
def race(on: ATrack, h: Positive, *, length: Positive, beta: Level = 0.0) -> Callable:
    """The map step(k, z, xi) of the five on `Racers` z, xi like z. on: a `Track`; its seen sample
    may have leading entries too.

    h > 0: the step of ULA; BAOAB takes sqrt(2 h) with friction 3/2, so that for large friction both have the time h; SVGD, KSD and MMD take
    20 h, 4 h and 60 h, cut to length 1/2. length > 0: of the three Gaussian kernels; beta >= 0: noise injected in the MMD flow.
    Raises TypeError, ValueError.
    """
    law, kernel = on.target, gaussian_kernel(length)
    plain, kinetic = ula(law.potential, h), baoab(law.potential, (2 * h) ** 0.5, gamma=1.5)
    stein, ksd = svgd(law.score, length=length), ksd_field(law.score, length=length)
    mmd = noise_injection(kernel=kernel, target_mean=sample_mean(on.seen, kernel=kernel), step=PACE[2] * h, beta=beta)

    @checked
    def step(k: Number, z: Field, xi: Field) -> Racers:
        like(xi, z, "xi")
        return Racers(
            plain(k, z.ULA, xi.ULA),
            *kinetic(k, Phase(z.kinetic, z.velocity), Phase(xi.kinetic, xi.velocity)),
            z.SVGD + cut(PACE[0] * h * stein(0.0, z.SVGD)),
            z.KSD + cut(PACE[1] * h * ksd(0.0, z.KSD)),
            z.MMD + cut(mmd(k, z.MMD, xi.MMD) - z.MMD))

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
    z = each(lambda *x: torch.stack(x), *map(race_start, starts))
    z = iterate(lambda k, z: step(k, z, _normal(z, generator)), z, steps, every=steps).end
    return Standings(z, torch.stack([on.distance(x) for x in z.positions]), on.exact(n))


def _normal(z, generator):
    """Normal numbers like z."""
    return state.cut(torch.randn(flat(z).shape, generator=generator, dtype=z.ULA.dtype), z)


@checked
def cut(move: Cloud) -> torch.Tensor:
    """move, shortened smoothly to a length below 1/2: move/(1 + |move|/(1/2))."""
    return move / (1 + move.square().sum(-1, keepdim=True).sqrt() / LONGEST)


@checked
def race_panels(z: Field, on: ATrack, *, side: Side = 6.0) -> torch.Tensor:
    """ULA, kinetic, SVGD above; KSD, MMD and n points of the judge below: (6 n, 2), the i-th of each in turn, in panels of this side.

    The first panel is [-side/2, side/2] x [-side/2 + 1, side/2 + 1]; who leaves a panel stays at its border.
    """
    n, half = z.ULA.shape[-2], side / 2 - 0.1
    if z.ULA.ndim != 2 or (has_values(z.ULA) and n > len(on.judge)):
        raise ValueError(f"z.ULA has shape {tuple(z.ULA.shape)}; expected (n, 2) with at most as "
                         f"many points as the judge has, {len(on.judge)}.")
    x = torch.stack([*z.positions, on.judge[:n].to(z.ULA)])
    lift = torch.tensor([0.0, 1.0], dtype=x.dtype)
    x = lift + torch.minimum(torch.maximum(x - lift, torch.full_like(lift, -half)), torch.full_like(lift, half))
    corner = side * torch.tensor([[0.0, 0], [1, 0], [2, 0], [0, -1], [1, -1], [2, -1]], dtype=x.dtype)
    return (x + corner[:, None]).transpose(0, 1).flatten(0, 1)


@checked
def race_ground(on: ATrack, *, side: Side = 6.0, pixels: Count = 32) -> torch.Tensor:
    """exp(-V) over its maximum, as ink (2 pixels, 3 pixels) for the six panels."""
    s = (torch.arange(pixels, dtype=on.judge.dtype) + 0.5) / pixels * side - side / 2
    grid = torch.stack([s[None, :] + 0 * s[:, None], 1 - s[:, None] + 0 * s[None, :]], -1)
    V = on.target.potential(grid)
    ink = torch.exp(V.amin((0, 1)) - V)
    return torch.cat([torch.cat([ink, ink, ink], 1)] * 2, 0)
