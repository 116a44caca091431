"""companion: the mathematics of *Learning in Motion*, in torch. Two verbs: `flow` and `iterate`."""

__version__ = "0.1.0"
