"""Gradient flows: a flow is an energy and a geometry. Euclidean, proximal,
Wasserstein and Fisher-Rao, with their time steps.

Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.training.gradient_flows.euler import explicit_step, hessian, implicit_step
from companion.training.gradient_flows.fokker_planck import (
    bernoulli,
    decay_rates,
    equilibrium,
    eyring_kramers,
    fokker_planck,
    rates,
    spacing,
    transition,
)
from companion.training.gradient_flows.gaussian_steps import (
    ags_bound,
    fb_gaussian_step,
    fb_variance,
    jko_gaussian_step,
    moments,
    ou_fisher,
    ou_kl,
    ou_moments,
    rescale,
    ula_gaussian_step,
    ula_variance,
)
from companion.training.gradient_flows.geometries import (
    both,
    fisher_rao,
    fisher_rao_field,
    fisher_rao_gaussian,
    kl_on_grid,
    reweight,
    transport,
)
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
    "Landscape", "Schemes", "ags_bound", "barenblatt", "bernoulli", "both", "bowl", "decay_rates",
    "double_well", "equilibrium", "explicit_step", "eyring_kramers", "fb_gaussian_step",
    "fb_variance", "fisher_rao", "fisher_rao_field", "fisher_rao_gaussian", "fokker_planck",
    "free_energy", "front", "gaussian_start", "hessian", "implicit_step", "jko_gaussian_step",
    "jko_quantile_step", "kl_on_grid", "moments", "node_masses", "ou_fisher", "ou_kl", "ou_moments",
    "porous_medium", "rates", "rescale", "reweight", "spacing", "three_clocks", "three_schemes",
    "transition", "transport", "ula_gaussian_step", "ula_variance", "w2_squared_quantiles",
]
