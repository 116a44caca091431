"""The flow of MMD^2/2 to a target law: particles descend the witness function, the difference of two kernel means.

    F(mu) = MMD^2(mu, pi)/2,   f_mu = int k(., y) dmu(y) - int k(., y) dpi(y),   x' = -grad f_mu(x),   d/dt F = -int |grad f_mu|^2 dmu.

F is not geodesically convex. Noise injection moves where the gradient is read: x <- x - step grad f_mu(x + beta xi), and is then a descent of
a witness that the noise has smoothed. Arbel, Korba, Salim and Gretton, Maximum mean discrepancy gradient flow, NeurIPS 2019.
"""

import math

import torch

from companion.energies import grad, half, mmd2, wasserstein_descent
from companion.gaussians.checks import two_gaussians
from companion.inputs import a_cloud, a_count, a_function, a_number, a_tensor, same_dimension


def mmd_flow(y, *, kernel):
    """v(t, x) = -grad f_x(x_i) on clouds (..., n, d): the Wasserstein gradient flow of MMD^2/2 to the points y (..., m, d).

    kernel: gaussian(length) or energy_distance of companion.kernels. On a line the energy distance moves every quantile by itself,
    d/dt Q(s) = 2 (s - G(Q(s))), G the distribution function of the target. Raises TypeError, ValueError.
    """
    return wasserstein_descent(half(mmd2(y, kernel=kernel)))


def sample_mean(y, *, kernel):
    """z -> mean_j k(z, y_j), the kernel mean of the points y (..., m, d): (..., n, d) -> (..., n). Raises TypeError, ValueError."""
    a_cloud(y, "y")
    a_function(kernel, "kernel")
    return lambda z: kernel(z, y).mean(-1)


def gaussian_mean(*, length, center=0.0, variance=1.0):
    """z -> E k(z, Y) = (l^2/(l^2 + s))^{d/2} exp(-|z - m|^2/(2 (l^2 + s))), Y of N(m, s I), k Gaussian: (..., d) -> (...).

    length > 0, variance s >= 0 and center m: numbers, 0-d tensors, or m a point (d,). Raises TypeError, ValueError.
    """
    square = a_number(length, "length", above=0) ** 2
    spread = square + a_number(variance, "variance", least=0)
    if not isinstance(center, torch.Tensor):
        a_number(center, "center")

    def mean(z):
        far = (a_tensor(z, "z") - center).square().sum(-1)
        return (square / spread) ** (z.shape[-1] / 2) * torch.exp(-far / (2 * spread))

    return mean


def witness(x, *, kernel, target_mean):
    """f(z) = mean_j k(z, x_j) - target_mean(z), z (..., m, d) -> (..., m): high where the cloud x has too much mass.

    target_mean: `sample_mean` or `gaussian_mean` with the same kernel. Raises TypeError, ValueError.
    """
    own = sample_mean(a_cloud(x), kernel=kernel)
    a_function(target_mean, "target_mean")

    def f(z):
        same_dimension(x, z, ("x", "z"))
        return own(z) - target_mean(z)

    return f


def mmd_descent(*, kernel, target_mean):
    """v(t, x) = -grad f_x(x_i), as `mmd_flow` for any target whose kernel mean is known."""
    a_function(kernel, "kernel")
    a_function(target_mean, "target_mean")
    return lambda t, x: -grad(witness(x.detach(), kernel=kernel, target_mean=target_mean), x)


def noise_injection(*, kernel, target_mean, step, beta):
    """step(k, x, xi) = x - step grad f_x(x + beta xi): the gradient is read at a point that the noise has moved, the measure stays.

    step > 0, beta >= 0: numbers or 0-d tensors, or beta a function of k;  xi like x: independent N(0, 1) numbers. Raises TypeError, ValueError.
    """
    a_function(kernel, "kernel")
    a_function(target_mean, "target_mean")
    a_number(step, "step", above=0)
    level = beta if callable(beta) else lambda k: beta
    if not callable(beta):
        a_number(beta, "beta", least=0)

    def move(k, x, xi):
        if a_tensor(xi, "xi").shape != a_cloud(x).shape:
            raise ValueError(f"xi has shape {tuple(xi.shape)}; expected the shape of x, {tuple(x.shape)}.")
        return x - step * grad(witness(x.detach(), kernel=kernel, target_mean=target_mean), x + level(k) * xi)

    return move


def mean_gaussian_kernel(delta, covariance, *, length):
    """E k(X, Y) = det(I + C/l^2)^{-1/2} exp(-<delta, (l^2 I + C)^{-1} delta>/2) for X - Y of N(delta, C), k Gaussian: a 0-d tensor.

    delta: (d,), covariance C: (d, d), C >= 0;  length > 0. Raises TypeError, ValueError.
    """
    square = a_number(length, "length", above=0) ** 2
    d = a_tensor(delta, "delta").shape[-1] if delta.ndim == 1 else None
    if d is None or a_tensor(covariance, "covariance").shape != (d, d):
        raise ValueError(f"The shapes are {tuple(delta.shape)} and {tuple(covariance.shape)}; expected delta (d,) and covariance (d, d).")
    eye = torch.eye(d, dtype=delta.dtype, device=delta.device)
    pull = delta @ torch.linalg.solve(square * eye + covariance, delta)
    return torch.exp(-pull / 2 - torch.logdet(eye + covariance / square) / 2)


def gaussians_mmd2(p, q, *, length):
    """MMD^2 of p = N(m, C) and q = N(r, S) for the Gaussian kernel, in closed form: a 0-d tensor. Raises TypeError, ValueError."""
    (m, C), (r, S) = two_gaussians(p, q)
    return (mean_gaussian_kernel(0 * m, 2 * C, length=length) + mean_gaussian_kernel(0 * r, 2 * S, length=length)
            - 2 * mean_gaussian_kernel(m - r, C + S, length=length))


def sampling_floor(n, d, *, length):
    """E MMD^2(n independent points of N(0, I_d), N(0, I_d)) = (1 - (1 + 2/l^2)^{-d/2})/n, k Gaussian. Raises TypeError, ValueError."""
    square = a_number(length, "length", above=0) ** 2
    return (1 - (1 + 2 / square) ** (-a_count(d, "d") / 2)) / a_count(n, "n")


def escape_time(r, to, *, length=1.0):
    """(l^2/2) (Ei(r^2/(2 l^2)) - Ei(to^2/(2 l^2))): the time of one particle from distance r to distance `to` < r of a Dirac mass, k Gaussian.

    It grows like (l^4/r^2) exp(r^2/(2 l^2)); with the energy distance the speed is 1 and the time r - to. Raises TypeError, ValueError.
    """
    from scipy.special import expi

    u = 2 * a_number(length, "length", above=0) ** 2
    a_number(to, "to", above=0)
    if not to <= a_number(r, "r"):
        raise ValueError(f"r = {r} and to = {to}; expected r >= to: the particle comes closer.")
    return u / 4 * (float(expi(r**2 / u)) - float(expi(to**2 / u)))


def smoothed(length, beta, d):
    """(A, l') with E k_l(x + beta xi, y) = A k_l'(x, y):  l' = sqrt(l^2 + beta^2), A = (l/l')^d: what injected noise does to the kernel."""
    for value, name in ((length, "length"), (beta, "beta")):
        a_number(value, name, above=0 if name == "length" else -math.inf, least=0)
    wide = (length**2 + beta**2) ** 0.5
    return (length / wide) ** a_count(d, "d"), wide
