"""Valid calls of sampling, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""

import torch

from companion.sampling import particle_flows as pf
from tests.fuzzing import Recipe

NAMES = {}

RECIPES = {
    "companion.sampling.particle_flows.race.tournament": Recipe(
        lambda: {"target": pf.two_modes(), "n": 4, "length": 0.5, "generator": torch.Generator().manual_seed(0), "repeats": 2, "steps": 2,
                 "judge": 10}, other={"h": 0.01, "repeats": 3, "steps": 3, "judge": 12}),
    "companion.sampling.particle_flows.ksd.lbfgs": Recipe(lambda: {"steps": 3}, shape=(4, 5, 2)),
}
