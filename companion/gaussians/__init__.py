"""Gaussian laws and their mixtures in closed form: the oracles of every chapter that moves
measures.

A Gaussian is a pair (mean, covariance), mean (d,) and covariance (d, d), as a plain tuple
or a `Gaussian`. Squares are not halved.
"""

from companion.gaussians.bures import (
    bures_squared,
    geodesic,
    square_root,
    transport_map,
    w2_squared,
)
from companion.gaussians.laws import Gaussian, kl, ornstein_uhlenbeck, relative_fisher, tilt
from companion.gaussians.line import ou_fisher, ou_kl, ou_moments, ula_variance
from companion.gaussians.mixtures import Mixture, mixture

__all__ = [
    "Gaussian", "Mixture", "bures_squared", "geodesic", "kl", "mixture", "ornstein_uhlenbeck",
    "ou_fisher", "ou_kl", "ou_moments", "relative_fisher", "square_root", "tilt", "transport_map",
    "ula_variance", "w2_squared",
]
