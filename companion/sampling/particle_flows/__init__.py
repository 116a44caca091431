"""Particle flows for sampling: a cloud follows the gradient of a distance to the target,
known by its score or by its samples.

Squares are not halved, flows are those of MMD^2/2, KSD^2/2, KL; every velocity carries the factor
n of the Wasserstein metric.
Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.energies import mmd2
from companion.sampling.particle_flows.escape import Balls, balls, hills, roll
from companion.sampling.particle_flows.kernel_kl import kernel_kl, kkl, trace_xlogx
from companion.sampling.particle_flows.ksd import ksd_field, lbfgs, stein_kernel
from companion.sampling.particle_flows.mmd_flow import (
    escape_time,
    gaussian_mean,
    gaussians_mmd2,
    mean_gaussian_kernel,
    mmd_descent,
    mmd_flow,
    noise_injection,
    sample_mean,
    sampling_floor,
    smoothed,
    witness,
)
from companion.sampling.particle_flows.race import (
    Racers,
    Standings,
    Track,
    cut,
    race,
    race_ground,
    race_panels,
    race_start,
    tournament,
    track,
)
from companion.sampling.particle_flows.rings import (
    kkl_on_rings,
    mmd_on_rings,
    ring_distance,
    ring_start,
    rings,
)
from companion.sampling.particle_flows.svgd import (
    median_length,
    median_log_length,
    median_squared,
    simplex_radius_squared,
    stein_direction,
    svgd,
    svgd_bilinear,
)
from companion.sampling.particle_flows.targets import Target, banana, ring, two_modes
from companion.sampling.quantization.kernel_points import gaussian_mmd2, ksd2, normal_score

__all__ = [
    "Balls", "Racers", "Standings", "Target", "Track", "balls", "banana", "cut", "escape_time",
    "gaussian_mean", "gaussian_mmd2", "gaussians_mmd2", "hills", "kernel_kl", "kkl", "kkl_on_rings",
    "ksd2", "ksd_field", "lbfgs", "mean_gaussian_kernel", "median_length", "median_log_length",
    "median_squared", "mmd2", "mmd_descent", "mmd_flow", "mmd_on_rings", "noise_injection",
    "normal_score", "race", "race_ground", "race_panels", "race_start", "ring", "ring_distance",
    "ring_start", "rings", "roll", "sample_mean", "sampling_floor", "simplex_radius_squared",
    "smoothed", "stein_direction", "stein_kernel", "svgd", "svgd_bilinear", "tournament",
    "trace_xlogx", "track", "two_modes", "witness",
]
