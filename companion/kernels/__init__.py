"""Kernels between clouds, and their sums at every size: one formula,
three engines (dense, streamed, keops), the same numbers."""

from companion.kernels.distances import distances, energy_kernel, gaussian_kernel, squared_distances
from companion.kernels.engines import dense, streamed
from companion.kernels.keops import keops
from companion.kernels.sums import gaussian_sum, mean_kernel, softmax_average, softmin

__all__ = [
    "dense",
    "distances",
    "energy_kernel",
    "gaussian_kernel",
    "gaussian_sum",
    "keops",
    "mean_kernel",
    "softmax_average",
    "softmin",
    "squared_distances",
    "streamed",
]
