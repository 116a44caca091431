"""The flow of MMD^2/2 to a target law: particles descend the witness function, the difference of two kernel means.

    F(mu) = MMD^2(mu, pi)/2,   f_mu = int k(., y) dmu(y) - int k(., y) dpi(y),   x' = -grad f_mu(x),   d/dt F = -int |grad f_mu|^2 dmu.

F is not geodesically convex. Noise injection moves where the gradient is read: x <- x - step grad f_mu(x + beta xi), and is then a descent of
a witness that the noise has smoothed. Arbel, Korba, Salim and Gretton, Maximum mean discrepancy gradient flow, NeurIPS 2019.
"""

from collections.abc import Callable
from typing import Annotated

import torch

from companion.energies import grad, half, mmd2, wasserstein_descent
from companion.gaussians.checks import a_covariance, two_gaussians
from companion.hints import Cloud, Count, Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor, like, one_each, same_dimension
from companion.sampling.wide import wide


def a_place(center, name):
    """Return center, a number or a point (d,). Raises TypeError, ValueError."""
    if isinstance(center, torch.Tensor) and center.ndim:
        if a_tensor(center, name).ndim != 1:
            raise ValueError(f"{name} has shape {tuple(center.shape)}; expected a number, or a point (d,).")
        return center
    return a_number(center, name)


def a_level(beta, name):
    """Return beta, a number of at least 0 or a function of k. Raises TypeError, ValueError."""
    return beta if callable(beta) else a_number(beta, name, least=0)


Place = Annotated[float | torch.Tensor, a_place]
Level = Annotated[float | torch.Tensor | Callable, a_level]


@checked
def mmd_flow(y: Cloud, *, kernel: Function) -> Callable:
    """v(t, x) = -grad f_x(x_i) on clouds (..., n, d): the Wasserstein gradient flow of MMD^2/2 to the points y (..., m, d).

    kernel: gaussian_kernel(length) or energy_kernel of companion.kernels. On a line the energy distance moves every quantile by itself,
    d/dt Q(s) = 2 (s - G(Q(s))), G the distribution function of the target. Raises TypeError, ValueError.
    """
    return wasserstein_descent(half(mmd2(y, kernel=kernel)))


@checked
def sample_mean(y: Cloud, *, kernel: Function) -> Callable:
    """z -> mean_j k(z, y_j), the kernel mean of the points y (..., m, d): (..., n, d) -> (..., n). Raises TypeError, ValueError."""

    @checked
    def mean(z: Cloud) -> torch.Tensor:
        same_dimension(y, z, ("y", "z"))
        common = torch.broadcast_shapes(z.shape[:-2], y.shape[:-2])
        return one_each(kernel(z, y), (*common, z.shape[-2], y.shape[-2]), "kernel(z, y)", "one number for each pair of points").mean(-1)

    return mean


@checked
def gaussian_mean(*, length: Positive, center: Place = 0.0, variance: NonNegative = 1.0) -> Callable:
    """z -> E k(z, Y) = (l^2/(l^2 + s))^{d/2} exp(-|z - m|^2/(2 (l^2 + s))), Y of N(m, s I), k Gaussian: (..., d) -> (...).

    length > 0, variance s >= 0 and center m: numbers, 0-d tensors, or m a point (d,). Raises TypeError, ValueError.
    """
    square = length**2
    spread = square + variance

    @checked
    def mean(z: Tensor) -> torch.Tensor:
        if z.ndim == 0 or (isinstance(center, torch.Tensor) and center.ndim and center.shape != z.shape[-1:]):
            raise ValueError(f"z has shape {tuple(z.shape)}; expected points (..., d) of the dimension of the center.")
        far = (z - center).square().sum(-1)
        return (square / spread) ** (z.shape[-1] / 2) * torch.exp(-far / (2 * spread))

    return mean


@checked
def witness(x: Cloud, *, kernel: Function, target_mean: Function) -> Callable:
    """f(z) = mean_j k(z, x_j) - target_mean(z), z (..., m, d) -> (..., m): high where the cloud x has too much mass.

    target_mean: `sample_mean` or `gaussian_mean` with the same kernel. Raises TypeError, ValueError.
    """
    own = sample_mean(x, kernel=kernel)

    @checked
    def f(z: Cloud) -> torch.Tensor:
        mass = own(z)
        return mass - one_each(target_mean(z), z.shape[:-1], "target_mean(z)")

    return f


@checked
def mmd_descent(*, kernel: Function, target_mean: Function) -> Callable:
    """v(t, x) = -grad f_x(x_i), as `mmd_flow` for any target whose kernel mean is known."""

    @checked
    def v(t: Number, x: Cloud) -> torch.Tensor:
        return -grad(witness(x.detach(), kernel=kernel, target_mean=target_mean), x)

    return v


@checked
def noise_injection(*, kernel: Function, target_mean: Function, step: Positive, beta: Level) -> Callable:
    """step(k, x, xi) = x - step grad f_x(x + beta xi): the gradient is read at a point that the noise has moved, the measure stays.

    step > 0, beta >= 0: numbers or 0-d tensors, or beta a function of k;  xi like x: independent N(0, 1) numbers. Raises TypeError, ValueError.
    """
    level = beta if callable(beta) else lambda k: beta

    @checked
    def move(k: Number, x: Cloud, xi: Cloud) -> torch.Tensor:
        noise = a_number(level(k), "beta(k)", least=0) * like(xi, x, "xi")
        return x - step * grad(witness(x.detach(), kernel=kernel, target_mean=target_mean), x + noise)

    return move


@checked
def mean_gaussian_kernel(delta: Tensor, covariance: Tensor, *, length: Positive) -> torch.Tensor:
    """E k(X, Y) = det(I + C/l^2)^{-1/2} exp(-<delta, (l^2 I + C)^{-1} delta>/2) for X - Y of N(delta, C), k Gaussian: a 0-d tensor.

    delta: (d,), covariance C: (d, d), C >= 0;  length > 0. Raises TypeError, ValueError.
    """
    square, d = length**2, delta.shape[-1] if delta.ndim == 1 else None
    if not d or covariance.shape != (d, d):
        raise ValueError(f"The shapes are {tuple(delta.shape)} and {tuple(covariance.shape)}; expected delta (d,) and covariance (d, d).")
    a_covariance(covariance, "covariance")
    eye = torch.eye(d, dtype=delta.dtype, device=delta.device)
    try:
        pull = delta @ torch.linalg.solve(square * eye + covariance, delta)
    except torch.linalg.LinAlgError:
        raise ValueError(f"covariance + length^2 I is singular for length = {length}; expected a length that is not lost beside it.") from None
    return torch.exp(-pull / 2 - torch.logdet(eye + covariance / square) / 2)


@checked
def gaussians_mmd2(p: tuple, q: tuple, *, length: Positive) -> torch.Tensor:
    """MMD^2 of p = N(m, C) and q = N(r, S) for the Gaussian kernel, in closed form: a 0-d tensor. Raises TypeError, ValueError."""
    (m, C), (r, S) = ((wide(part) for part in law) for law in two_gaussians(p, q))
    own = mean_gaussian_kernel(0 * m, 2 * C, length=length) + mean_gaussian_kernel(0 * r, 2 * S, length=length)
    return (own - 2 * mean_gaussian_kernel(m - r, C + S, length=length)).to(p[0])


@checked
def sampling_floor(n: Count, d: Count, *, length: Positive) -> float | torch.Tensor:
    """E MMD^2(n independent points of N(0, I_d), N(0, I_d)) = (1 - (1 + 2/l^2)^{-d/2})/n, k Gaussian. Raises TypeError, ValueError."""
    return (1 - (1 + 2 / length**2) ** (-d / 2)) / n


@checked
def escape_time(r: Positive, to: Positive, *, length: Positive = 1.0) -> float:
    """(l^2/2) (Ei(r^2/(2 l^2)) - Ei(to^2/(2 l^2))): the time of one particle from distance r to distance `to` < r of a Dirac mass, k Gaussian.

    It grows like (l^4/r^2) exp(r^2/(2 l^2)); with the energy distance the speed is 1 and the time r - to. Raises TypeError, ValueError.
    """
    from scipy.special import expi

    u = 2 * float(length) ** 2
    if not to <= r:
        raise ValueError(f"r = {r} and to = {to}; expected r >= to: the particle comes closer.")
    return u / 4 * (float(expi(float(r) ** 2 / u)) - float(expi(float(to) ** 2 / u)))


@checked
def smoothed(length: Positive, beta: NonNegative, d: Count) -> tuple:
    """(A, l') with E k_l(x + beta xi, y) = A k_l'(x, y):  l' = sqrt(l^2 + beta^2), A = (l/l')^d: what injected noise does to the kernel."""
    broad = (length**2 + beta**2) ** 0.5
    return (length / broad) ** d, broad
