"""Energies E: (..., n, d) -> (...) of a cloud, potentials f: (..., d) -> (...) of a point,
and the fields that descend them.

Squares are not halved: a flow of (1/2) MMD^2 is written half(mmd2(y)). All points of a cloud weigh
1/n.
"""

from companion.energies.discrepancies import mmd2, w2_squared
from companion.energies.fields import descent, grad, half, wasserstein_descent
from companion.energies.functionals import interaction, kl_blob, potential_energy
from companion.energies.sinkhorn import sinkhorn_divergence

__all__ = [
    "descent",
    "grad",
    "half",
    "interaction",
    "kl_blob",
    "mmd2",
    "potential_energy",
    "sinkhorn_divergence",
    "w2_squared",
    "wasserstein_descent",
]
