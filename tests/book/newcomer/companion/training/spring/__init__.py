"""A mass on a spring with friction, the smallest chapter: x'' = -x - 2 c x'."""

from companion.training.spring.mass import Mass, energy, spring

__all__ = ["Mass", "energy", "spring"]
