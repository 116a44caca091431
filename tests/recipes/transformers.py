"""Valid calls of the chapter on transformers, where names and hints do not say enough. The form is in tests/fuzzing.py."""

import math

import torch

from companion.training import transformers as tf
from tests.fuzzing import Recipe, normal


def tokens(d=2):
    return tf.normalise(normal(5, d))


def masses():
    return torch.arange(1.0, 6.0)


def attending(**more):
    return Recipe(lambda: {"x": tokens(), **more}, other={"masses": masses()}, shape=(5, 2))


def spread():
    """A Gaussian of the plane along its axes."""
    return {"mean": torch.tensor([0.5, -0.2]), "var": torch.tensor([0.3, 0.1])}


def gamma(**more):
    return Recipe(lambda: {"gamma": torch.tensor([-0.2, 0.5]), **more}, shape=(2,))


def turned():
    return torch.tensor([[0.3, 0.1], [0.1, 0.2]])


def rate(beta):
    return (0.75 * beta + 0.5) * math.exp(-beta / 2)


ON_CIRCLE = ("angles", "close_pairs", "count_clusters", "cross_ratio", "mean_similarity", "mode_amplitude", "order_parameter")

CHAPTER = {
    **{f"readouts.{name}": Recipe(lambda: {"x": tokens()}) for name in ON_CIRCLE},
    "attention.noisy_step": Recipe(lambda: {"x": tokens(), "model": tf.sa, "D": 0.1, "dt": 0.1}, shape=(5, 2)),
    "attention.sa": attending(), "attention.usa": attending(), "euclidean.attention": attending(),
    "circle.landau_coefficients": Recipe(lambda: {"noise": 0.9}),
    "density.bump": Recipe(lambda: {"order": 0.2}, other={"points": 16}, shape=(256,)),
    "density.order_of": Recipe(lambda: {"rho": tf.bump(0.2, 16)}, shape=()),
    "density.picard": Recipe(lambda: {"rho": tf.bump(0.2, 16), "D": 0.3}, shape=(16,)),
    "euclidean.blow_up": Recipe(lambda: {"var": spread()["var"]}, shape=()),
    "euclidean.ellipse": Recipe(lambda: {"mean": spread()["mean"], "cov": turned()}, shape=(64, 2)),
    "euclidean.gaussian_rates": Recipe(lambda: {"mean": spread()["mean"], "cov": turned(), "A": torch.eye(2), "V": turned()}, shape=(2, 2)),
    "euclidean.gaussian_tokens": Recipe(spread, shape=(2,)),
    "euclidean.moments": Recipe(lambda: {"masses": masses()}, shape=(2, 2)),
    "euclidean.quadrature_tokens": Recipe(spread, other={"points": 3}, shape=(256, 2)),
    "exercises.a_million": Recipe(lambda: {"beta": 17.3557}),
    "exercises.five_clusters": Recipe(lambda: {"low": 10.2285, "high": 15.2363}),
    "exercises.three_tokens": Recipe(lambda: {"rate": rate}),
    "lattice.predicted_clusters": Recipe(lambda: {"beta": 20.0}, other={"modes": 3}, shape=()),
    "readouts.count_clusters": Recipe(lambda: {"x": tokens()}, other={"gap": 2.0}, shape=()),
    "readouts.close_pairs": Recipe(lambda: {"x": tokens()}, other={"above": 0.1}, shape=()),
    "similarity.equiangular_sa": gamma(n=3), "similarity.equiangular_usa": gamma(n=3), "similarity.two_tokens": gamma(mass=0.3),
    "similarity.merge_clock": Recipe(lambda: {"start": 0.1}, other={"nodes": 3}, shape=()),
    "similarity.merge_time": Recipe(lambda: {"start": 0.1, "end": 0.9}),
}
