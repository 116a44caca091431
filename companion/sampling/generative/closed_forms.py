"""Samplers of one Gaussian N(m, std^2) in closed form: what remains of the start,
of the size of the steps, and of an error in the score."""

import torch

from companion.gaussians import Mixture, mixture
from companion.hints import Count, Dtype, Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import batch, concrete_value
from companion.sampling.generative.diffusion import exact_score, sampler


@checked
def normal(m: Number, std: Positive, *, dtype: Dtype = torch.float64) -> Mixture:
    """N(m, std^2) on the line, as a `Mixture` of one component: m, std numbers or 0-d tensors."""
    m, std = (torch.as_tensor(value, dtype=dtype) for value in (m, std))
    return mixture(torch.ones(1, dtype=dtype, device=m.device), m.reshape(1, 1),
                   std.square().reshape(1))


@checked
def noised_std(std: Positive, s: Tensor) -> torch.Tensor:
    """sqrt(a^2 std^2 + 1 - a^2), a = exp(-s): the standard deviation of N(m, std^2) noised for
    a time s, a tensor."""
    _from_data(s)
    return (torch.exp(-2 * s) * std**2 - torch.expm1(-2 * s)).sqrt()


@checked
def flow_line(z: Tensor, s: Tensor, *, m: Number, std: Positive, T: NonNegative) -> torch.Tensor:
    """a_s m + (sigma_s / sigma_T) (z - a_T m): where the probability-flow ODE that is at z at
    noising time T passes at time s.

    sigma_s = noised_std(std, s). z, s: tensors that broadcast. Raises TypeError, ValueError.
    """
    batch((z.shape, "z"), (s.shape, "s"))
    last = torch.as_tensor(T, dtype=z.dtype, device=z.device)
    return torch.exp(-s) * m + noised_std(std, s) / noised_std(std, last) * (
        z - torch.exp(-last) * m
    )


@checked
def from_noise(m: Number, std: Positive, T: NonNegative) -> tuple:
    """(mean, variance) at s = 0 of the exact ODE from N(0, 1) in place of p_T:  m
    (1 - a_T std / sigma_T), std^2 / sigma_T^2. 0-d tensors."""
    end = flow_line(torch.tensor([0.0, 1.0], dtype=torch.float64),
                    torch.zeros((), dtype=torch.float64), m=m, std=std, T=T)
    return end[0], (end[1] - end[0]).square()


@checked
def start_kl(m: Number, std: Positive, T: NonNegative) -> torch.Tensor:
    """KL(p_T | N(0, 1)) = (sigma_T^2 - 1 - log sigma_T^2 + a_T^2 m^2) / 2:
    the price of starting from noise, a 0-d tensor."""
    T = torch.as_tensor(T, dtype=torch.float64)
    variance = noised_std(std, T).square()
    return (variance - 1 - variance.log() + torch.exp(-2 * T) * m**2) / 2


@checked
def sampled_variance(step: Function, n: Count, *, std: Positive, clock: Function) -> torch.Tensor:
    """The variance that n steps of a sampler make of N(0, 1) for data N(0, std^2), a 0-d tensor:
    V <- A^2 V + B^2, exact, no sampling.

    Every step is linear here, x -> A x + B xi: it is applied to (x, xi) = (1, 0) and (0, 1).
    For example A = 1 + h - 2h / sigma_s^2, B^2 = 2h for the SDE, A = 1 + h - h / sigma_s^2 for
    Euler's ODE. Raises TypeError, ValueError.
    """
    advance = sampler(step, exact_score(normal(0.0, std)), clock=clock, n=n)
    unit = torch.eye(2, dtype=torch.float64)[..., None]
    variance = torch.ones((), dtype=torch.float64)
    for k in range(n):
        A, B = advance(k, *unit)[:, 0]
        variance = A**2 * variance + B**2
    return variance


@checked
def biased_mean(e: Tensor, T: Tensor) -> tuple:
    """Data N(0, 1), the score wrong by a constant e from T to 0: (2 e (1 - exp(-T)), e T),
    the shifts of the mean by the SDE and the ODE.

    The variance stays 1, so KL(sampled | data) is half the square of each. e, T: tensors.
    Raises TypeError.
    """
    batch((e.shape, "e"), (_from_data(T, "T").shape, "T"))
    return 2 * e * -torch.expm1(-T), e * T


@checked
def girsanov_bound(e: Tensor, T: Tensor) -> torch.Tensor:
    """int_0^T E|error of the score|^2 ds = e^2 T: what KL(data | sampled by the SDE) is at most,
    beside the start's. e, T: tensors."""
    batch((e.shape, "e"), (_from_data(T, "T").shape, "T"))
    return e**2 * T


@checked
def denoising_floor(std: Positive, s: Tensor, *, d: Count = 1) -> torch.Tensor:
    """d (1 / (1 - a^2) - 1 / sigma_s^2): the least value of E|v(X_s) - grad log p(X_s | X_0)|^2
    over all v, for data N(0, std^2 I), s > 0.

    The exact score attains it: a denoising loss does not go to 0. s: a tensor. Raises TypeError,
    ValueError.
    """
    if concrete_value(lambda: (s <= 0).any(), s):
        raise ValueError("s has an entry that is not above 0; expected noising times s > 0: at 0 "
                         "there is no noise to remove.")
    return d * (-1 / torch.expm1(-2 * s) - 1 / noised_std(std, s) ** 2)


def _from_data(s, name="s"):
    """Return s, noising times of at least 0. Raises ValueError."""
    if concrete_value(lambda: (s < 0).any(), s):
        raise ValueError(f"{name} has a negative entry; expected noising times of at least 0.")
    return s
