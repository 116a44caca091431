"""The classical functionals of a measure, at a cloud: potential, interaction and (blurred) relative entropy.

Ambrosio, Gigli and Savare, *Gradient Flows* (2008), chapter 9.
"""

import math

from companion.inputs import a_cloud, a_function, a_number
from companion.kernels import gaussian_sum, mean_kernel


def potential_energy(V):
    """E(x) = mean_i V(x_i).   V: (..., d) -> (...). Its Wasserstein descent is -grad V(x_i)."""
    a_function(V, "V")
    return lambda x: each_point(V, a_cloud(x)).mean(-1)


def interaction(W):
    """E(x) = (1/2) mean_ij W(x_i - x_j), the n terms i = j included.   W: (..., d) -> (...), differentiable at 0.

    For even W its Wasserstein descent is -mean_j grad W(x_i - x_j).
    """
    a_function(W, "W")

    def pairs(x, y):
        return each_point(W, x[..., :, None, :] - y[..., None, :, :], "W")

    return lambda x: mean_kernel(pairs, x, x) / 2


def kl_blob(V, *, length):
    """E(x) = mean_i [ log mean_j phi(x_i - x_j) + V(x_i) ], phi the Gaussian density of variance length^2 in each coordinate.

    The blob form of KL(. | exp(-V)): the entropy of rho is replaced by the integral of log(phi * rho) d rho, finite on Diracs and
    with a gradient flow of its own (Carrillo, Craig and Patacchini, Calc. Var. 58:53, 2019). As length -> 0 and n -> infinity, it tends to
    KL if exp(-V) has mass 1 (else to KL less the log of the mass). V: (..., d) -> (...);  length > 0. Raises TypeError, ValueError.
    """
    a_function(V, "V")
    a_number(length, "length", above=0)

    def E(x):
        n, d = a_cloud(x).shape[-2:]
        density = gaussian_sum(x, x, length=length) / (n * (math.sqrt(2 * math.pi) * length) ** d)
        return (density.log() + each_point(V, x)).mean(-1)

    return E


def each_point(V, x, name="V"):
    """V(x), one number for each point. Raises ValueError."""
    value = V(x)
    if value.shape != x.shape[:-1]:
        shapes = f"shape {tuple(value.shape)} for points of shape {tuple(x.shape)}"
        raise ValueError(f"{name}(x) has {shapes}; expected one number for each point, as .sum(-1) leaves it.")
    return value
