"""Valid calls of training, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""


import torch

from tests.fuzzing import Recipe

NAMES = {}

RECIPES = {
    "companion.training.momentum.bessel.nesterov_profile": Recipe(
        lambda: {"t": torch.linspace(0, 5, 6), "mu": 1.0, "h": 0.1}, other={"r": 2.0}, shape=(6,)),
}
