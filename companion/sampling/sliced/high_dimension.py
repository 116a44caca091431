"""What dimension does to slices: projections of weakly dependent coordinates are nearly Gaussian, and samples cost no more than on the line.

Samples: Nadjahi, Durmus, Chizat, Kolouri, Shahrampour and Simsekli, NeurIPS 2020. Formula: Nadjahi, Durmus, Jacob, Badeau and Simsekli,
NeurIPS 2021.
"""

import math

import numpy as np
from scipy.special import gammaln, log_ndtr

from companion.energies import w2_squared
from companion.inputs import a_count, a_number, same_dimension


def moment_formula(x, y):
    """SW2^2 ~ ( |m_x - m_y|^2 + (sqrt(Tr S_x) - sqrt(Tr S_y))^2 ) / d, means and covariances (divided by n) of the clouds.

    x (..., n, d), y (..., m, d) -> (...). Near in high dimension, for weakly dependent coordinates. Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    (mx, sx), (my, sy) = ((z.mean(-2), (z - z.mean(-2, keepdim=True)).square().mean(-2).sum(-1)) for z in (x, y))
    return ((mx - my).square().sum(-1) + (sx.sqrt() - sy.sqrt()).square()) / x.shape[-1]


def w2_per_dimension(x, y):
    """W2^2(x, y) / d, exact (POT): what SW2^2 is at most. x (..., n, d), y (..., m, d) -> (...). Raises TypeError, ValueError."""
    same_dimension(x, y)
    return w2_squared(y)(x) / x.shape[-1]


def gaussian_floor(n):
    """E SW2^2 of two samples of n points of N(0, I_d): 2 (1 - mean_i (E X_(i))^2), X_(i) the order statistics of N(0, 1), in EVERY d.

    For each direction the projections are two samples of N(0, 1). A float; like log log n / n as n grows. Raises TypeError, ValueError.
    """
    a_count(n, "n")
    z, i = np.linspace(-10, 10, 4001), np.arange(1, n + 1)[:, None]
    log_beta = gammaln(n + 1) - gammaln(i) - gammaln(n - i + 1)
    density = np.exp(log_beta + (i - 1) * log_ndtr(z) + (n - i) * log_ndtr(-z) - z**2 / 2) / math.sqrt(2 * math.pi)
    means = (density * z).sum(1) * (z[1] - z[0])
    return float(2 * (1 - (means**2).mean()))


def directions_needed(d, tol):
    """The least L with sqrt(2 (d - 1) / ((d + 2) L)) <= tol: independent directions for that relative deviation on a translate.

    d = 100 and 1 %: 19412; an orthonormal frame of d directions has none. Raises TypeError, ValueError.
    """
    a_count(d, "d")
    return max(1, math.ceil(2 * (d - 1) / ((d + 2) * float(a_number(tol, "tol", above=0)) ** 2)))
