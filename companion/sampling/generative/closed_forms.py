"""Samplers of one Gaussian N(m, std^2) in closed form: what remains of the start, of the size of the steps, and of an error in the score."""

import torch

from companion.gaussians import mixture
from companion.inputs import a_count, a_number, a_tensor
from companion.sampling.generative.diffusion import exact_score, sampler


def normal(m, std, *, dtype=torch.float64):
    """N(m, std^2) on the line, as a `Mixture` of one component: m, std numbers or 0-d tensors."""
    m, std = (torch.as_tensor(a_number(value, name, above=low), dtype=dtype) for value, name, low in ((m, "m", -torch.inf), (std, "std", 0)))
    return mixture(torch.ones(1, dtype=dtype, device=m.device), m.reshape(1, 1), std.square().reshape(1))


def noised_std(std, s):
    """sqrt(a^2 std^2 + 1 - a^2), a = exp(-s): the standard deviation of N(m, std^2) noised for a time s, a tensor."""
    a2 = torch.exp(-2 * a_tensor(s, "s"))
    return (a2 * a_number(std, "std", above=0) ** 2 + 1 - a2).sqrt()


def flow_line(z, s, *, m, std, T):
    """a_s m + (sigma_s / sigma_T) (z - a_T m): where the probability-flow ODE that is at z at noising time T passes at time s.

    sigma_s = noised_std(std, s). z, s: tensors that broadcast. Raises TypeError, ValueError.
    """
    last = torch.as_tensor(a_number(T, "T", least=0), dtype=a_tensor(z, "z").dtype, device=z.device)
    return torch.exp(-s) * m + noised_std(std, s) / noised_std(std, last) * (z - torch.exp(-last) * m)


def from_noise(m, std, T):
    """(mean, variance) at s = 0 of the exact ODE from N(0, 1) in place of p_T:  m (1 - a_T std / sigma_T), std^2 / sigma_T^2. 0-d tensors."""
    end = flow_line(torch.tensor([0.0, 1.0], dtype=torch.float64), torch.zeros((), dtype=torch.float64), m=m, std=std, T=T)
    return end[0], (end[1] - end[0]).square()


def start_kl(m, std, T):
    """KL(p_T | N(0, 1)) = (sigma_T^2 - 1 - log sigma_T^2 + a_T^2 m^2) / 2: the price of starting from noise, a 0-d tensor."""
    T = torch.as_tensor(a_number(T, "T", least=0), dtype=torch.float64)
    variance = noised_std(std, T).square()
    return (variance - 1 - variance.log() + torch.exp(-2 * T) * a_number(m, "m") ** 2) / 2


def sampled_variance(step, n, *, std, clock):
    """The variance that n steps of a sampler make of N(0, 1) for data N(0, std^2), a 0-d tensor: V <- A^2 V + B^2, exact, no sampling.

    Every step is linear here, x -> A x + B xi: it is applied to (x, xi) = (1, 0) and (0, 1). For example
    A = 1 + h - 2h / sigma_s^2, B^2 = 2h for the SDE, A = 1 + h - h / sigma_s^2 for Euler's ODE. Raises TypeError, ValueError.
    """
    advance = sampler(step, exact_score(normal(0.0, std)), clock=clock, n=n)
    unit = torch.eye(2, dtype=torch.float64)[..., None]
    variance = torch.ones((), dtype=torch.float64)
    for k in range(n):
        A, B = advance(k, *unit)[:, 0]
        variance = A**2 * variance + B**2
    return variance


def biased_mean(e, T):
    """Data N(0, 1), the score wrong by a constant e from T to 0: (2 e (1 - exp(-T)), e T), the shifts of the mean by the SDE and the ODE.

    The variance stays 1, so KL(sampled | data) is half the square of each. e, T: tensors. Raises TypeError.
    """
    return 2 * a_tensor(e, "e") * -torch.expm1(-a_tensor(T, "T")), e * T


def girsanov_bound(e, T):
    """int_0^T E|error of the score|^2 ds = e^2 T: what KL(data | sampled by the SDE) is at most, beside the start's. e, T: tensors."""
    return a_tensor(e, "e") ** 2 * a_tensor(T, "T")


def denoising_floor(std, s, *, d=1):
    """d (1 / (1 - a^2) - 1 / sigma_s^2): the least value of E|v(X_s) - grad log p(X_s | X_0)|^2 over all v, for data N(0, std^2 I), s > 0.

    The exact score attains it: a denoising loss does not go to 0. s: a tensor. Raises TypeError, ValueError.
    """
    return a_count(d, "d") * (-1 / torch.expm1(-2 * a_tensor(s, "s")) - 1 / noised_std(std, s) ** 2)
