"""Momentum and Adam as dynamics: optimisers as maps on phase space, and the differential equations
they follow.

A map is step(k, z, *, f, lr, ...):
iterate(partial(adam, f=f, lr=0.01), at_rest(x, Moments), 500),
for thousands of starts x (..., d) at once.
A field is v(t, z), for `flow`. Parameters may be numbers or 0-d tensors.

Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.training.momentum.adam import (
    adam,
    adam_l2,
    adamw,
    amsgrad,
    preconditioner,
    sgd_decay,
    stability_limit,
    step_bound,
)
from companion.training.momentum.bessel import (
    bessel_peak,
    bessel_profile,
    bessel_tail,
    nesterov_profile,
    nesterov_quadratic,
)
from companion.training.momentum.descent import (
    Mirror,
    entropy,
    euclid,
    gradient_descent,
    mirror_descent,
    normalised_descent,
    power,
    sign_descent,
    simplex,
)
from companion.training.momentum.fields import (
    adam_energy,
    adam_flow,
    heavy_ball_flow,
    nesterov_flow,
)
from companion.training.momentum.inertia import (
    heavy_ball,
    heavy_ball_tuning,
    nesterov,
    nesterov_constant,
    nesterov_torch,
    nesterov_tuning,
)
from companion.training.momentum.landscapes import (
    himmelblau,
    lessard,
    nearest,
    powers,
    valley,
    wells,
)
from companion.training.momentum.learning import (
    accuracy,
    distance_to,
    factorisation,
    logistic,
    margin,
)
from companion.training.momentum.norms import (
    Geometry,
    l1,
    l2,
    linf,
    linf_smoothness,
    operator,
    rotated,
    steepest_flow,
    steepest_step,
)
from companion.training.momentum.phase import (
    Inertia,
    MatrixMoment,
    MaxMoments,
    Moments,
    at_rest,
)
from companion.training.momentum.quasar import (
    Bowl,
    Certificate,
    best_certificate,
    bowl_constants,
    bowl_mu,
    bumpy_bowl,
    quasar_energy,
    quasar_friction,
    quasar_gap,
    quasar_rate,
)
from companion.training.momentum.race import FIVE, five, memoryless, timed, together
from companion.training.momentum.rates import (
    damping_exponent,
    descent_radius,
    descent_tuning,
    frozen_adam_radius,
    heavy_ball_radius,
    nesterov_exponent,
    nesterov_quadratic_tuning,
    nesterov_radius,
)
from companion.training.momentum.spectral import muon, newton_schulz, polar, spectral_descent
from companion.training.momentum.stationary import (
    batch_growth,
    correlation,
    growth_ratio,
    matching_lr,
    stationary_variance,
)

__all__ = [
    "FIVE", "Bowl", "Certificate", "Geometry", "Inertia", "MatrixMoment", "MaxMoments",
    "Mirror", "Moments", "accuracy", "adam", "adam_energy", "adam_flow", "adam_l2", "adamw",
    "amsgrad", "at_rest", "batch_growth", "bessel_peak", "bessel_profile", "bessel_tail",
    "best_certificate", "bowl_constants", "bowl_mu", "bumpy_bowl", "correlation",
    "damping_exponent", "descent_radius", "descent_tuning", "distance_to", "entropy", "euclid",
    "factorisation", "five", "frozen_adam_radius", "gradient_descent", "growth_ratio",
    "heavy_ball", "heavy_ball_flow", "heavy_ball_radius", "heavy_ball_tuning", "himmelblau",
    "l1", "l2", "lessard", "linf", "linf_smoothness", "logistic", "margin", "matching_lr",
    "memoryless", "mirror_descent", "muon", "nearest", "nesterov", "nesterov_constant",
    "nesterov_exponent", "nesterov_flow", "nesterov_profile", "nesterov_quadratic",
    "nesterov_quadratic_tuning", "nesterov_radius", "nesterov_torch", "nesterov_tuning",
    "newton_schulz", "normalised_descent", "operator", "polar", "power", "powers",
    "preconditioner", "quasar_energy", "quasar_friction", "quasar_gap", "quasar_rate",
    "rotated", "sgd_decay", "sign_descent", "simplex", "spectral_descent", "stability_limit",
    "stationary_variance", "steepest_flow", "steepest_step", "step_bound", "timed", "together",
    "valley", "wells",
]
