"""Laws of the plane on which samplers race: potential, score and exact samples,
each of plain operations.

A `Target` is pi = exp(-potential) up to a constant. The samples are images of Gaussian or uniform
numbers, no Markov chain.
"""

import math
from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch

from companion.gaussians import mixture
from companion.hints import Count, Generator, NonNegative, Number, Positive, an_instance, checked
from companion.inputs import a_tensor


class Target(NamedTuple):
    """potential V: (..., 2) -> (...), score = -grad V: (..., 2) -> (..., 2),
    sample(n, *, generator) -> (n, 2) in float64."""

    potential: Callable
    score: Callable
    sample: Callable


a_target = an_instance(Target, "a Target: banana(), two_modes() or ring()")


def in_the_plane(x, name):
    """Return x, points of the plane (..., 2). Raises TypeError, ValueError."""
    if a_tensor(x, name).ndim == 0 or x.shape[-1] != 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected points of the plane (..., "
                         "2).")
    return x


ATarget = Annotated[Target, a_target]
InPlane = Annotated[torch.Tensor, in_the_plane]


@checked
def banana(*, bend: Number = 1.0, width: Positive = 1.0, thickness: Positive = 0.4) -> Target:
    """V(x) = x_1^2/(2 w^2) + (x_2 - b (x_1^2 - w^2))^2/(2 t^2): a Gaussian bent along a parabola,
    of mean 0 (Haario, Saksman, Tamminen, 1999).

    b = bend, w = width > 0, t = thickness > 0. Raises TypeError, ValueError.
    """
    b, w2, t2 = bend, width**2, thickness**2

    def height(x):
        return x[..., 1] - b * (x[..., 0].square() - w2)

    @checked
    def potential(x: InPlane) -> torch.Tensor:
        return x[..., 0].square() / (2 * w2) + height(x).square() / (2 * t2)

    @checked
    def score(x: InPlane) -> torch.Tensor:
        pull = height(x) / t2
        return torch.stack([2 * b * x[..., 0] * pull - x[..., 0] / w2, -pull], -1)

    @checked
    def sample(n: Count, *, generator: Generator) -> torch.Tensor:
        z = torch.randn(n, 2, generator=generator, dtype=torch.float64)
        first = z[:, 0] * w2**0.5
        return torch.stack([first, b * (first.square() - w2) + z[:, 1] * t2**0.5], -1)

    return Target(potential, score, sample)


@checked
def two_modes(*, distance: NonNegative = 2.0, variance: Positive = 0.3) -> Target:
    """(N(-m e_1, s I) + N(m e_1, s I))/2, m = distance, s = variance > 0:
    its score is 0 in the first coordinate where x_1 = 0.

    V(x) = |x|^2/(2 s) - log cosh(m x_1/s): so that the score, with tanh, sees even x_1 = 1e-12.
    Raises TypeError, ValueError.
    """
    m, s = distance, variance

    @checked
    def potential(x: InPlane) -> torch.Tensor:
        u = m * x[..., 0] / s
        return x.square().sum(-1) / (2 * s) - u - torch.nn.functional.softplus(-2 * u) + math.log(2)

    @checked
    def score(x: InPlane) -> torch.Tensor:
        pull = m * torch.tanh(m * x[..., 0] / s)
        return (torch.stack([pull, 0 * pull], -1) - x) / s

    @checked
    def sample(n: Count, *, generator: Generator) -> torch.Tensor:
        centers = torch.tensor([[-m, 0.0], [m, 0.0]], dtype=torch.float64)
        law = mixture(torch.ones(2, dtype=torch.float64), centers,
                      torch.full((2,), float(s), dtype=torch.float64))
        return law.sample(n, generator=generator)

    return Target(potential, score, sample)


@checked
def ring(*, radius: Positive = 1.5, width: Positive = 0.25) -> Target:
    """V(x) = (|x|^2 - r^2)^2/(8 r^2 w^2): about ((|x| - r)/w)^2/2 near the circle, and smooth at 0,
    where it has a maximum.

    |x|^2 is N(r^2, (2 r w)^2) conditioned to be positive. r = radius > 0, w = width > 0.
    Raises TypeError, ValueError.
    """
    r2, w2 = radius**2, width**2

    @checked
    def potential(x: InPlane) -> torch.Tensor:
        return (x.square().sum(-1) - r2).square() / (8 * r2 * w2)

    @checked
    def score(x: InPlane) -> torch.Tensor:
        return (r2 - x.square().sum(-1, keepdim=True)) / (2 * r2 * w2) * x

    @checked
    def sample(n: Count, *, generator: Generator) -> torch.Tensor:
        u = torch.rand(n, 2, generator=generator, dtype=torch.float64)
        spread = 2 * (r2 * w2) ** 0.5
        least = torch.special.ndtr(torch.tensor(-r2 / spread, dtype=torch.float64))
        square = r2 + spread * torch.special.ndtri(least + (1 - least) * u[:, 0])
        angle = 2 * math.pi * u[:, 1]
        return square.clamp(min=0).sqrt()[:, None] * torch.stack([angle.cos(), angle.sin()], -1)

    return Target(potential, score, sample)
