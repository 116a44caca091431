"""Valid calls of sampling, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""

from tests.fuzzing import Recipe

NAMES = {}

RECIPES = {
    "companion.sampling.particle_flows.ksd.lbfgs": Recipe(lambda: {"steps": 3}, shape=(4, 5, 2)),
}
