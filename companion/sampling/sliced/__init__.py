"""Sliced transport: look at clouds from many directions, sort, and average what the lines say.

Directions are an argument: unit vectors (L, d). Squares are not halved; the average over directions has total mass 1.
Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.sampling.sliced.closed_forms import (
    Translates,
    gaussian_slices,
    line_critical,
    line_level,
    line_stretch,
    max_commuting,
    mean_abs,
    normal_cells,
    plane_gaussians,
    relative_std,
    slice_variance,
    translates,
)
from companion.sampling.sliced.directions import equispaced, frames, half_circle, iid, random_directions
from companion.sampling.sliced.distances import MaxSliced, max_sliced, project, quantile_sw2_squared, slices, sw1, sw2_squared
from companion.sampling.sliced.flows import fresh_step, frame_step, quantile_velocity, velocity

__all__ = [
    "MaxSliced", "Translates", "equispaced", "frame_step", "frames", "fresh_step", "gaussian_slices", "half_circle", "iid",
    "line_critical", "line_level", "line_stretch", "max_commuting", "max_sliced", "mean_abs", "normal_cells", "plane_gaussians", "project",
    "quantile_sw2_squared", "quantile_velocity", "random_directions", "relative_std", "slice_variance", "slices", "sw1", "sw2_squared", "translates", "velocity",
]
