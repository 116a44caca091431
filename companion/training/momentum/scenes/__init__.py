"""The figures of the chapter: how its runs are seen, what a reader can change, what is said.

What moves, and from where, comes from the notebook.
"""

from companion.training.momentum.scenes.averages import edge_of_stability, limit, spikes, tumours
from companion.training.momentum.scenes.geometries import basins, clip, margins, rotate, singular
from companion.training.momentum.scenes.inertial import bumpy, cycle, damping, race, ripples

__all__ = ["basins", "bumpy", "clip", "cycle", "damping", "edge_of_stability", "limit", "margins",
           "race", "ripples", "rotate", "singular", "spikes", "tumours"]
