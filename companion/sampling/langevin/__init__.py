"""Langevin dynamics and its perturbations: sampling exp(-V) by noise, momentum, swirls,
births and deaths.

A step is a map step(k, z, xi) with the noise given (`with_noise` of companion.noise draws it),
a flow of laws is a field v(t, x).
Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.fokker_planck import (
    equilibrium,
    eyring_kramers,
    fisher_rao,
    fokker_planck_step,
    generator_eigenvalues,
)
from companion.gaussians import ula_variance
from companion.sampling.langevin.birth_death import birth_death, birth_death_rate
from companion.sampling.langevin.kinetic import (
    Variances,
    aboba_variances,
    baoab_variances,
    best_friction,
    kinetic_euler_variances,
    kinetic_gap,
    obabo_variances,
)
from companion.sampling.langevin.linear import (
    Linear,
    contraction,
    drift_gap,
    linear_step,
    stationary_covariance,
)
from companion.sampling.langevin.overdamped import (
    Metropolis,
    mala,
    mala_speed,
    squared_jump,
    ula_bound,
    ula_covariance,
    ula_kl,
    ula_w2,
)
from companion.sampling.langevin.plane import (
    WithCovariance,
    cloud_and_covariance,
    ellipse,
    euler_transition,
    exact_transition,
    plane_drift,
    plane_exponential,
    plane_gap,
    plane_root,
    quarter_turn,
)
from companion.sampling.langevin.sandbox import (
    fisher_rao_law,
    fisher_rao_moments,
    gaussian_kl,
    gaussian_w2_squared,
    kinetic_moments,
    langevin_law,
    langevin_moments,
    svgd_moments,
    ula_moments,
    wfr_moments,
)
from companion.sampling.langevin.swirl import (
    asymptotic_variance,
    constant_diagonal,
    optimal_swirl,
    swirl_field,
)
from companion.sde import (
    Averaged,
    Phase,
    aboba,
    baoab,
    euler_maruyama,
    kinetic_euler,
    kinetic_field,
    leimkuhler_matthews,
    obabo,
    ula,
)

__all__ = [
    "Averaged", "Linear", "Metropolis", "Phase", "Variances", "WithCovariance", "aboba",
    "aboba_variances", "asymptotic_variance", "baoab", "baoab_variances", "best_friction",
    "birth_death", "birth_death_rate", "cloud_and_covariance", "constant_diagonal", "contraction",
    "drift_gap", "ellipse", "equilibrium", "euler_maruyama", "euler_transition", "exact_transition",
    "eyring_kramers", "fisher_rao", "fisher_rao_law", "fisher_rao_moments", "fokker_planck_step",
    "gaussian_kl", "gaussian_w2_squared", "generator_eigenvalues", "kinetic_euler",
    "kinetic_euler_variances", "kinetic_field", "kinetic_gap", "kinetic_moments", "langevin_law",
    "langevin_moments", "leimkuhler_matthews", "linear_step", "mala", "mala_speed", "obabo",
    "obabo_variances", "optimal_swirl", "plane_drift", "plane_exponential", "plane_gap",
    "plane_root", "quarter_turn", "squared_jump", "stationary_covariance", "svgd_moments",
    "swirl_field", "ula", "ula_bound", "ula_covariance", "ula_kl", "ula_moments", "ula_variance",
    "ula_w2", "wfr_moments",
]
