"""Generative sampling: carry noise (time 0) to data (time 1), by a diffusion run backwards,
by flow matching, by a trained network.

The exact scores and velocities of Gaussian mixtures come first: with them every error of a sampler
has a name. A noising process has its own letter s, with data at s = 0.
Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.sampling.generative.closed_forms import (
    biased_mean,
    denoising_floor,
    flow_line,
    from_noise,
    girsanov_bound,
    noised_std,
    normal,
    sampled_variance,
    start_kl,
)
from companion.sampling.generative.diffusion import (
    ddim_step,
    euler_step,
    exact_score,
    heun_step,
    log_snr_clock,
    noised,
    posterior_mean,
    probability_flow,
    sampler,
    sde_step,
    spread,
    uniform_clock,
)
from companion.sampling.generative.guidance import guided, guided_mean, guided_std, tilted
from companion.sampling.generative.matching import (
    Independent,
    batch_cost,
    batch_pairs,
    independent,
    interpolate,
    matching_loss,
    normal_order_means,
    pairs_velocity,
)
from companion.sampling.generative.memory import (
    agreement,
    collapse_time,
    empirical_score,
    own_weight,
    speciation_time,
    weights,
)
from companion.sampling.generative.rectified import (
    costs_by_angle,
    ellipse,
    geometric_mean,
    matching_floor,
    optimal_velocity,
    plane_cost,
    plane_map,
    plane_optimal_map,
    plane_root,
    plane_velocity,
    rectified_cost,
    rectified_map,
    rectified_velocity,
    residual,
    straight_velocity,
    turned_costs,
)
from companion.sampling.generative.stretching import (
    bumps_cdf,
    bumps_velocity,
    coupling_inverse,
    coupling_layer,
    log_middle_slope,
    planar_layer,
    with_log_det,
)

__all__ = [
    "Independent", "agreement", "batch_cost", "batch_pairs", "biased_mean", "bumps_cdf",
    "bumps_velocity", "collapse_time", "costs_by_angle", "coupling_inverse", "coupling_layer",
    "ddim_step", "denoising_floor", "ellipse", "empirical_score", "euler_step", "exact_score",
    "flow_line", "from_noise", "geometric_mean", "girsanov_bound", "guided", "guided_mean",
    "guided_std", "heun_step", "independent", "interpolate", "log_middle_slope", "log_snr_clock",
    "matching_floor", "matching_loss", "noised", "noised_std", "normal", "normal_order_means",
    "optimal_velocity", "own_weight", "pairs_velocity", "planar_layer", "plane_cost", "plane_map",
    "plane_optimal_map", "plane_root", "plane_velocity", "posterior_mean", "probability_flow",
    "rectified_cost", "rectified_map", "rectified_velocity", "residual", "sampled_variance",
    "sampler", "sde_step", "speciation_time", "spread", "start_kl", "straight_velocity", "tilted",
    "turned_costs", "uniform_clock", "weights", "with_log_det",
]
