"""Quantization: a measure is replaced by n points. Lloyd's maps, exact semi-discrete transport, points that minimise a discrepancy.

Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.sampling.quantization.cells import Cells, polygons, power_cells
from companion.sampling.quantization.densities import SQUARE, Density, pixels, uniform
from companion.sampling.quantization.lloyd import (
    DISC,
    HEXAGON,
    LATTICE,
    Pythagoras,
    lloyd,
    power_lloyd,
    pythagoras,
    quantization_error,
    w2_squared,
)
from companion.sampling.quantization.points import inertia, kmeans_step, labels, uniform_kmeans_step
from companion.sampling.quantization.semidiscrete import SemiDiscrete, semidiscrete

__all__ = [
    "DISC", "HEXAGON", "LATTICE", "SQUARE", "Cells", "Density", "Pythagoras", "SemiDiscrete", "inertia", "kmeans_step", "labels", "lloyd",
    "pixels", "polygons", "power_cells", "power_lloyd", "pythagoras", "quantization_error", "semidiscrete", "uniform", "uniform_kmeans_step",
    "w2_squared",
]
