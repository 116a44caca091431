"""Laws of the plane on which samplers race: potential, score and exact samples, each of plain operations.

A `Target` is pi = exp(-potential) up to a constant. The samples are images of Gaussian or uniform numbers, no Markov chain.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from companion.gaussians import mixture
from companion.inputs import a_count, a_generator, a_number, a_tensor


class Target(NamedTuple):
    """potential V: (..., 2) -> (...), score = -grad V: (..., 2) -> (..., 2), sample(n, *, generator) -> (n, 2) in float64."""

    potential: Callable
    score: Callable
    sample: Callable


def banana(*, bend=1.0, width=1.0, thickness=0.4):
    """V(x) = x_1^2/(2 w^2) + (x_2 - b (x_1^2 - w^2))^2/(2 t^2): a Gaussian bent along a parabola, of mean 0 (Haario, Saksman, Tamminen, 1999).

    b = bend, w = width > 0, t = thickness > 0. Raises TypeError, ValueError.
    """
    b, w2, t2 = a_number(bend, "bend"), a_number(width, "width", above=0) ** 2, a_number(thickness, "thickness", above=0) ** 2

    def height(x):
        return x[..., 1] - b * (x[..., 0].square() - w2)

    def potential(x):
        return _plane(x)[..., 0].square() / (2 * w2) + height(x).square() / (2 * t2)

    def score(x):
        pull = height(_plane(x)) / t2
        return torch.stack([2 * b * x[..., 0] * pull - x[..., 0] / w2, -pull], -1)

    def sample(n, *, generator):
        z = torch.randn(a_count(n, "n"), 2, generator=a_generator(generator), dtype=torch.float64)
        first = z[:, 0] * w2**0.5
        return torch.stack([first, b * (first.square() - w2) + z[:, 1] * t2**0.5], -1)

    return Target(potential, score, sample)


def two_modes(*, distance=2.0, variance=0.3):
    """(N(-m e_1, s I) + N(m e_1, s I))/2, m = distance, s = variance > 0: its score is 0 in the first coordinate where x_1 = 0.

    V(x) = |x|^2/(2 s) - log cosh(m x_1/s): so that the score, with tanh, sees even x_1 = 1e-12. Raises TypeError, ValueError.
    """
    m, s = a_number(distance, "distance", least=0), a_number(variance, "variance", above=0)

    def potential(x):
        u = m * _plane(x)[..., 0] / s
        return x.square().sum(-1) / (2 * s) - u - torch.nn.functional.softplus(-2 * u) + math.log(2)

    def score(x):
        pull = m * torch.tanh(m * _plane(x)[..., 0] / s)
        return (torch.stack([pull, 0 * pull], -1) - x) / s

    def sample(n, *, generator):
        centers = torch.tensor([[-m, 0.0], [m, 0.0]], dtype=torch.float64)
        law = mixture(torch.ones(2, dtype=torch.float64), centers, torch.full((2,), float(s), dtype=torch.float64))
        return law.sample(n, generator=generator)

    return Target(potential, score, sample)


def ring(*, radius=1.5, width=0.25):
    """V(x) = (|x|^2 - r^2)^2/(8 r^2 w^2): about ((|x| - r)/w)^2/2 near the circle, and smooth at 0, where it has a maximum.

    |x|^2 is N(r^2, (2 r w)^2) conditioned to be positive. r = radius > 0, w = width > 0. Raises TypeError, ValueError.
    """
    r2, w2 = a_number(radius, "radius", above=0) ** 2, a_number(width, "width", above=0) ** 2

    def potential(x):
        return (_plane(x).square().sum(-1) - r2).square() / (8 * r2 * w2)

    def score(x):
        return (r2 - _plane(x).square().sum(-1, keepdim=True)) / (2 * r2 * w2) * x

    def sample(n, *, generator):
        u = torch.rand(a_count(n, "n"), 2, generator=a_generator(generator), dtype=torch.float64)
        spread = 2 * (r2 * w2) ** 0.5
        least = torch.special.ndtr(torch.tensor(-r2 / spread, dtype=torch.float64))
        square = r2 + spread * torch.special.ndtri(least + (1 - least) * u[:, 0])
        angle = 2 * math.pi * u[:, 1]
        return square.clamp(min=0).sqrt()[:, None] * torch.stack([angle.cos(), angle.sin()], -1)

    return Target(potential, score, sample)


def _plane(x):
    if a_tensor(x, "x").ndim == 0 or x.shape[-1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected points of the plane (..., 2).")
    return x
