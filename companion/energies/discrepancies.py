"""Squared distances to a target cloud, as energies: MMD^2 and W2^2. Not halved."""

from collections.abc import Callable

from companion.hints import Cloud, Function, Tensor, checked
from companion.inputs import same_dimension
from companion.kernels import mean_kernel, squared_distances
from companion.transport import plan


@checked
def mmd2(y: Cloud, *, kernel: Function) -> Callable:
    """E(x) = mean_ij k(x_i, x_j) - 2 mean_ij k(x_i, y_j) + mean_ij k(y_i, y_j), MMD^2 with its
    diagonal terms (the V-statistic).

    y: (..., m, d), the target;  kernel: of companion.kernels, energy_kernel
    or gaussian_kernel(length).
    Raises TypeError, ValueError.
    """
    own = mean_kernel(kernel, y, y)

    def E(x):
        same_dimension(y, x, ("y", "x"))
        return mean_kernel(kernel, x, x) - 2 * mean_kernel(kernel, x, y) + own

    return E


@checked
def w2_squared(y: Cloud) -> Callable:
    """E(x) = W2^2(x, y) = min_P sum_ij P_ij |x_i - y_j|^2 over the plans P of x and y, exact (POT).
    Not for exported figures.

    y: (..., m, d), the target. The gradient is taken at the optimal plan:
    (2/n) (x_i - barycentre of the mass that x_i sends); where several plans are optimal it is one
    of the subgradients. Raises TypeError, ValueError.
    """
    @checked
    def E(x: Cloud) -> Tensor:
        same_dimension(y, x, ("y", "x"))
        return (plan(x, y) * squared_distances(x, y)).sum((-1, -2))

    return E
