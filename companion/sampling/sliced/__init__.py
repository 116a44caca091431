"""Sliced transport: look at clouds from many directions, sort, and average what the lines say.

Directions are an argument: unit vectors (L, d). Squares are not halved;
the average over directions has total mass 1.
Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.sampling.sliced.busemann import (
    busemann_ball,
    busemann_gaussian,
    busemann_lorentz,
    horospherical,
    hsw2_squared,
    hyperbolic_distance,
    lorentz,
)
from companion.sampling.sliced.circle import circle_w2_squared, circle_w2_squared_uniform
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
    spiked_gaussians,
    translates,
)
from companion.sampling.sliced.colour import colour_step, colour_transfer, picture, pixels
from companion.sampling.sliced.directions import (
    equispaced,
    frames,
    half_circle,
    iid,
    random_directions,
)
from companion.sampling.sliced.distances import (
    MaxSliced,
    max_sliced,
    project,
    quantile_sw2_squared,
    slices,
    sw1,
    sw2_squared,
)
from companion.sampling.sliced.estimator import (
    Pair,
    add_equispaced,
    add_frame,
    add_iid,
    estimates,
    spiked_pair,
    translated_pair,
)
from companion.sampling.sliced.flows import frame_step, fresh_step, quantile_velocity, velocity
from companion.sampling.sliced.high_dimension import (
    directions_needed,
    gaussian_floor,
    moment_formula,
    w2_per_dimension,
)
from companion.sampling.sliced.lamp import dial, matched, ray, shadow, with_the_one_across
from companion.sampling.sliced.sphere import (
    great_circles,
    sphere_descent,
    sphere_velocity,
    sphere_velocity_uniform,
    ssw2_squared,
    ssw2_squared_uniform,
    to_sphere,
    turns,
    two_diracs,
)

__all__ = [
    "MaxSliced", "Pair", "Translates", "add_equispaced", "add_frame", "add_iid", "busemann_ball",
    "busemann_gaussian", "busemann_lorentz", "circle_w2_squared", "circle_w2_squared_uniform",
    "colour_step", "colour_transfer", "dial", "directions_needed", "equispaced", "estimates",
    "frame_step", "frames", "fresh_step", "gaussian_floor", "gaussian_slices", "great_circles",
    "half_circle", "horospherical", "hsw2_squared", "hyperbolic_distance", "iid", "line_critical",
    "line_level", "line_stretch", "lorentz", "matched", "max_commuting", "max_sliced", "mean_abs",
    "moment_formula", "normal_cells", "picture", "pixels", "plane_gaussians", "project",
    "quantile_sw2_squared", "quantile_velocity", "random_directions", "ray", "relative_std",
    "shadow", "slice_variance", "slices", "sphere_descent", "sphere_velocity",
    "sphere_velocity_uniform", "spiked_gaussians", "spiked_pair", "ssw2_squared",
    "ssw2_squared_uniform", "sw1", "sw2_squared", "to_sphere", "translated_pair", "translates",
    "turns", "two_diracs", "velocity", "w2_per_dimension", "with_the_one_across",
]
