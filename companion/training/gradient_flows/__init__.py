"""Gradient flows: a flow is an energy and a geometry. Euclidean, proximal,
Wasserstein and Fisher-Rao, with their time steps.

Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.fokker_planck import (
    equilibrium,
    eyring_kramers,
    fisher_rao,
    fokker_planck,
    fokker_planck_step,
    generator_eigenvalues,
    jump_rates,
    kl_on_grid,
    spacing,
    transition_matrix,
)
from companion.gaussians import ou_fisher, ou_kl, ou_moments, ula_variance
from companion.training.gradient_flows.euler import explicit_step, hessian, implicit_step
from companion.training.gradient_flows.gaussian_steps import (
    ags_bound,
    fb_gaussian_step,
    jko_gaussian_step,
    moments,
    rescale,
    ula_gaussian_step,
)
from companion.training.gradient_flows.geometries import fisher_rao_step, wfr_step
from companion.training.gradient_flows.jko import (
    free_energy,
    jko_quantile_step,
    node_masses,
    w2_squared_quantiles,
)
from companion.training.gradient_flows.landscapes import Landscape, bowl, double_well, three_clocks
from companion.training.gradient_flows.porous import barenblatt, front, porous_medium
from companion.training.gradient_flows.schemes import Schemes, gaussian_start, three_schemes

__all__ = [
    "Landscape", "Schemes", "ags_bound", "barenblatt", "bowl", "double_well", "equilibrium",
    "explicit_step", "eyring_kramers", "fb_gaussian_step", "fisher_rao", "fisher_rao_step",
    "fokker_planck", "fokker_planck_step", "free_energy", "front", "gaussian_start",
    "generator_eigenvalues", "hessian", "implicit_step", "jko_gaussian_step", "jko_quantile_step",
    "jump_rates", "kl_on_grid", "moments", "node_masses", "ou_fisher", "ou_kl", "ou_moments",
    "porous_medium", "rescale", "spacing", "three_clocks", "three_schemes", "transition_matrix",
    "ula_gaussian_step", "ula_variance", "w2_squared_quantiles", "wfr_step",
]
