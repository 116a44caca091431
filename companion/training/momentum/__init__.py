"""Momentum and Adam as dynamics: optimisers as maps on phase space, and the differential equations they follow.

A map is step(k, z, *, f, lr, ...), for `iterate`: iterate(partial(adam, f=f, lr=0.01), at_rest(x, 3), 500), for thousands of starts x (..., d) at once.
A field is v(t, z), for `flow`. Parameters may be numbers or 0-d tensors. Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.training.momentum.adam import adam, adam_l2, adamw, amsgrad, preconditioner, sgd_decay, stability_limit
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
from companion.training.momentum.inertia import (
    heavy_ball,
    heavy_ball_tuning,
    nesterov,
    nesterov_constant,
    nesterov_torch,
    nesterov_tuning,
)
from companion.training.momentum.landscapes import himmelblau, lessard, nearest, powers, valley, wells
from companion.training.momentum.learning import accuracy, distance_to, factorisation, logistic, margin
from companion.training.momentum.phase import at_rest
from companion.training.momentum.spectral import muon, newton_schulz, polar, spectral_descent

__all__ = [
    "Mirror", "accuracy", "adam", "adam_l2", "adamw", "amsgrad", "at_rest", "distance_to", "entropy", "euclid", "factorisation",
    "gradient_descent", "heavy_ball", "heavy_ball_tuning", "himmelblau", "lessard", "logistic", "margin", "mirror_descent", "muon", "nearest",
    "nesterov", "nesterov_constant", "nesterov_torch", "nesterov_tuning", "newton_schulz", "normalised_descent", "polar", "power", "powers",
    "preconditioner", "sgd_decay", "sign_descent", "simplex", "spectral_descent", "stability_limit", "valley", "wells",
]
