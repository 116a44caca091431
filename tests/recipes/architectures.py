"""Valid calls of architectures, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""


NAMES = {}

RECIPES = {}
