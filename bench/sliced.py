"""Sliced distances and their gradients against POT, in the same directions: float32 (on the sphere float64), equal sizes, d up to 1000."""

import numpy as np
import torch

import companion.sampling.sliced as sl
from bench.measure import Race


def clouds(n, d):
    generator = torch.Generator().manual_seed(n + d)
    x, y = torch.randn(2, n, d, generator=generator)
    return x, y + 0.5, generator


def distance_races():
    import ot

    for n, d, L in ((1000, 2, 100), (1000, 1000, 100), (10000, 10, 100)):
        x, y, generator = clouds(n, d)
        directions = sl.random_directions(L, d, generator=generator)
        a, b, projections = x.numpy(), y.numpy(), directions.T.contiguous().numpy()
        yield Race(f"SW2^2, {n} points, D = {d}, {L} directions", {
            "companion": lambda x=x, y=y, v=directions: sl.sw2_squared(x, y, v),
            "POT, NumPy": lambda a=a, b=b, v=projections: ot.sliced_wasserstein_distance(a, b, projections=v) ** 2,
            "POT, torch": lambda x=x, y=y, v=directions.T: ot.sliced_wasserstein_distance(x, y, projections=v) ** 2,
        }, {"POT, NumPy": 1.3, "POT, torch": 1.0}, 1e-3)


def velocity_races():
    import ot

    def by_autograd(x, y, v):
        x = x.clone().requires_grad_()
        energy = ot.sliced_wasserstein_distance(x, y, projections=v) ** 2 / 2
        return -len(x) * torch.autograd.grad(energy, x)[0]

    for n, d, L in ((1000, 2, 100), (1000, 1000, 100)):
        x, y, generator = clouds(n, d)
        directions = sl.random_directions(L, d, generator=generator)
        yield Race(f"velocity -n grad SW2^2 / 2, {n} points, D = {d}, {L} directions", {
            "companion": lambda x=x, y=y, v=directions: sl.velocity(0.0, x, y, v),
            "POT, autograd": lambda x=x, y=y, v=directions.T: by_autograd(x, y, v),
        }, {"POT, autograd": 0.9}, 1e-3)


def sphere_races():
    from ot import semidiscrete_wasserstein2_unif_circle, sliced_wasserstein_sphere

    for n, d, L in ((1000, 3, 100), (300, 1000, 100)):
        x, y, generator = clouds(n, d)
        x, y, circles = sl.to_sphere(x.double()), sl.to_sphere(y.double()), sl.great_circles(torch.randn(L, 2, d, generator=generator).double())
        a, b, planes = x.numpy(), y.numpy(), np.ascontiguousarray(circles.mT.numpy())
        options = {"n_projections": L, "p": 2, "projections": planes}
        yield Race(f"SSW2^2, {n} points on the sphere, D = {d}, {L} great circles", {
            "companion": lambda x=x, y=y, c=circles: sl.ssw2_squared(x, y, c),
            "POT, NumPy": lambda a=a, b=b, o=options: sliced_wasserstein_sphere(a, b, **o) ** 2,
        }, {"POT, NumPy": 0.5}, 1e-3)
        yield Race(f"SSW2^2 to the uniform law, {n} points, D = {d}, {L} great circles", {
            "companion": lambda x=x, c=circles: sl.ssw2_squared_uniform(x, c),
            "POT, on our angles": lambda x=x, c=circles: np.mean(semidiscrete_wasserstein2_unif_circle(sl.turns(x, c).T.numpy() % 1)),
        }, {"POT, on our angles": 1.5}, 1e-3)


RACES = [distance_races, velocity_races, sphere_races]
