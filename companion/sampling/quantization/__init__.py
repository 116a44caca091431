"""Quantization: a measure is replaced by n points. Lloyd's maps, exact semi-discrete transport,
points that minimise a discrepancy.

Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.sampling.quantization.cells import Cells, polygons, power_cells
from companion.sampling.quantization.constants import (
    ball_moment,
    ball_volume,
    cube_moment,
    plane_matching,
    polygon_moment,
    random_codebook,
    sample_error,
    sample_matching,
)
from companion.sampling.quantization.densities import SQUARE, Density, pixels, uniform
from companion.sampling.quantization.entropic import Entropic, entropic
from companion.sampling.quantization.grid import (
    equal_weights,
    free_weights,
    grid_barycentres,
    grid_cells,
    grid_cost,
    grid_labels,
    grid_step,
    move_site,
    weighted_step,
    with_weights,
)
from companion.sampling.quantization.kernel_points import (
    cosine_errors,
    gaussian_mmd2,
    ksd2,
    minimise,
    normal_score,
)
from companion.sampling.quantization.laws import GAUSSIAN, UNIFORM, Law, tilted
from companion.sampling.quantization.line import (
    cell_moments,
    equal_error,
    equal_quantizer,
    free_quantizer,
    line_energy_distance,
    line_error,
    line_power_lloyd,
    lloyd_max,
    lloyd_rates,
    mid_quantiles,
    panter_dite,
)
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
from companion.sampling.quantization.rasters import Grid, pixel_grid
from companion.sampling.quantization.semidiscrete import SemiDiscrete, semidiscrete
from companion.sampling.quantization.starts import corner, corner_lattice, uniforms, vertical_line

__all__ = [
    "DISC", "GAUSSIAN", "HEXAGON", "LATTICE", "SQUARE", "UNIFORM", "Cells", "Density", "Entropic",
    "Grid", "Law", "Pythagoras", "SemiDiscrete", "ball_moment", "ball_volume", "cell_moments",
    "corner", "corner_lattice", "cosine_errors", "cube_moment", "entropic", "equal_error",
    "equal_quantizer", "equal_weights", "free_quantizer", "free_weights", "gaussian_mmd2",
    "grid_barycentres", "grid_cells", "grid_cost", "grid_labels", "grid_step",
    "inertia", "kmeans_step", "ksd2", "labels", "line_energy_distance", "line_error",
    "line_power_lloyd", "lloyd", "lloyd_max", "lloyd_rates", "mid_quantiles", "minimise",
    "move_site", "normal_score", "panter_dite", "pixel_grid", "pixels", "plane_matching",
    "polygon_moment", "polygons", "power_cells", "power_lloyd", "pythagoras", "quantization_error",
    "random_codebook", "sample_error", "sample_matching", "semidiscrete", "tilted", "uniform",
    "uniform_kmeans_step", "uniforms", "vertical_line", "w2_squared", "weighted_step",
    "with_weights",
]
