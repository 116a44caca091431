"""Quantization: exact power cells by Newton (float64) against POT's stochastic solver, and Lloyd on points (float32) against scikit-learn.

The two solvers of the first race are not equally exact: ours brings all masses to 1e-11, POT's are off by some tenths of 1/n.
"""

from functools import partial

import numpy as np
import torch

from bench.measure import Race
from companion.flow import iterate
from companion.sampling.quantization import inertia, kmeans_step, pixels, power_cells, semidiscrete


def sites(n):
    return torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(n))


def stochastic(y):
    """The dual value of POT's potential: W2^2 for the masses that it finds, corrected to first order."""
    from ot.semidiscrete import solve_semidiscrete

    np.random.seed(0)
    g = torch.as_tensor(solve_semidiscrete(y.numpy(), sampler_source="unif"))
    cells = power_cells(y, g)
    return cells.second.sum() + (g * (1 / len(y) - cells.mass)).sum()


def semidiscrete_races():
    for n in (100, 500):
        y = sites(n)
        rivals = {"companion": lambda y=y: semidiscrete(y).cost, "POT, stochastic": lambda y=y: stochastic(y)}
        yield Race(f"Semi-discrete transport, uniform square, {n} sites", rivals, {"POT, stochastic": 0.4}, 0.1)


def growth_races():
    """Two hundred and a thousand sites on a picture of 128 x 128 pixels: how the cost grows; no peer takes such a density."""
    x = torch.linspace(-1, 1, 128, dtype=torch.float64)
    picture = pixels(torch.exp(-2 * (x**2 + x[:, None] ** 2)) * (1.2 + torch.sin(9 * x)))
    for n in (200, 1000):
        y = sites(n)
        yield Race(f"Semi-discrete transport, {n} sites, a picture", {"companion": lambda y=y: semidiscrete(y, density=picture).cost}, {})


def lloyd_races():
    from sklearn.cluster import KMeans

    for m, n, d, goals in ((100_000, 100, 2, {"scikit-learn": 1.6}), (50_000, 16, 3, {})):
        x = torch.randn(m, d, generator=torch.Generator().manual_seed(d))
        start = x[:n].clone()
        model = KMeans(n, init=start.numpy(), n_init=1, max_iter=20, tol=0, algorithm="lloyd")
        rivals = {
            "companion": lambda x=x, y=start: inertia(iterate(partial(kmeans_step, x=x), y, 20, every=20).end, x),
            "scikit-learn": lambda x=x, model=model: model.fit(x.numpy()).inertia_ / len(x),
        }
        yield Race(f"Lloyd, {m} points, {n} sites, D = {d}, 20 steps", rivals, goals, 1e-3)


RACES = [semidiscrete_races, growth_races, lloyd_races]
