"""The classical functionals of a measure, at a cloud: potential, interaction and (blurred) relative
entropy.

Ambrosio, Gigli and Savare, *Gradient Flows* (2008), chapter 9.
"""

import math
from collections.abc import Callable

from companion.hints import Function, Positive, checked
from companion.inputs import a_cloud, one_each
from companion.kernels import gaussian_sum, mean_kernel


@checked
def potential_energy(V: Function) -> Callable:
    """E(x) = mean_i V(x_i), infinite where V is.   V: (..., d) -> (...).
    Its Wasserstein descent is -grad V(x_i)."""
    return lambda x: each_point(V, a_cloud(x)).mean(-1)


@checked
def interaction(W: Function) -> Callable:
    """E(x) = (1/2) mean_ij W(x_i - x_j), the n terms i = j included.   W: (..., d) -> (...),
    differentiable at 0.

    For even W its Wasserstein descent is -mean_j grad W(x_i - x_j).
    """
    def pairs(x, y):
        return each_point(W, x[..., :, None, :] - y[..., None, :, :], "W")

    return lambda x: mean_kernel(pairs, x, x) / 2


@checked
def kl_blob(V: Function, *, length: Positive) -> Callable:
    """E(x) = mean_i [ log mean_j phi(x_i - x_j) + V(x_i) ], phi the Gaussian density of variance
    length^2 in each coordinate.

    The blob form of KL(. | exp(-V)): the entropy of rho is replaced by the integral
    of log(phi * rho) d rho, finite on Diracs and with a gradient flow of its own
    (Carrillo, Craig and Patacchini, Calc. Var. 58:53, 2019). As length -> 0 and n -> infinity,
    it tends to KL if exp(-V) has mass 1 (else to KL less the log of the mass). V:
    (..., d) -> (...);  length > 0. Raises TypeError, ValueError.
    """
    def E(x):
        n, d = a_cloud(x).shape[-2:]
        density = gaussian_sum(x, x, length=length) / (n * (math.sqrt(2 * math.pi) * length) ** d)
        return (density.log() + each_point(V, x)).mean(-1)

    return E


def each_point(V, x, name="V"):
    """V(x), one number for each point. Raises TypeError, ValueError."""
    return one_each(V(x), x.shape[:-1], f"{name}(x)")
