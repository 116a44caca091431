"""Sums of kernels, float32: the engine that the size chooses against the plain formulas, and against KeOps where a compiler is."""

import torch

from bench.measure import Race
from companion.kernels import gaussian_kernel, gaussian_sum, keops, mean_kernel, softmax_average, softmin
from companion.kernels.keops import keops_works


def cloud(n, d):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(n + d))


def by_product(x, length):
    """|x - y|^2 by a matrix product, the fast dense form."""
    squares = x.square().sum(1)
    return torch.exp((2 * x @ x.T - squares[:, None] - squares) / (2 * length**2))


def with_keops(rivals, call):
    return rivals | {"KeOps": call} if keops_works("cpu") else rivals


def gaussian_races():
    for n, length, goals in ((1000, 1.0, {}), (10000, 1.0, {"matrix product": 0.6, "KeOps": 0.4}), (10000, 0.05, {"KeOps": 0.4})):
        x, b = cloud(n, 2), cloud(n, 1).abs()
        rivals = {
            "companion": lambda x=x, b=b, s=length: gaussian_sum(x, x, b, length=s),
            "matrix product": lambda x=x, b=b, s=length: by_product(x, s) @ b,
            "cdist": lambda x=x, b=b, s=length: torch.exp(-torch.cdist(x, x).square() / (2 * s**2)) @ b,
        }
        call = lambda x=x, b=b, s=length: gaussian_sum(x, x, b, length=s, engine=keops)  # noqa: E731
        yield Race(f"Gaussian sum, D = 2, N = {n}, length {length}", with_keops(rivals, call), goals, 1e-3)


def softmax_races():
    for n, d in ((1000, 2), (10000, 2), (10000, 16)):
        x = cloud(n, d)
        rivals = {
            "companion": lambda x=x: softmax_average(x, x, x, beta=1.0),
            "dense softmax": lambda x=x: torch.softmax(x @ x.T, 1) @ x,
        }
        if d == 2:
            rivals = with_keops(rivals, lambda x=x: softmax_average(x, x, x, beta=1.0, engine=keops))
        yield Race(f"Softmax average, D = {d}, N = {n}", rivals, {"dense softmax": 0.3, "KeOps": 0.25} if n == 10000 else {})


def mmd_force_races():
    def force(mean, x):
        x = x.clone().requires_grad_()
        return torch.autograd.grad(mean(x), x)[0]

    for n in (1000, 10000):
        x = cloud(n, 2)
        rivals = {
            "companion": lambda x=x: force(lambda z: mean_kernel(gaussian_kernel(1.0), z, z), x),
            "matrix product": lambda x=x: force(lambda z: by_product(z, 1.0).mean(), x),
        }
        yield Race(f"gradient of mean_ij k(x_i, x_j), D = 2, N = {n}", rivals, {"matrix product": 0.6} if n == 10000 else {}, 1e-3)


def softmin_races():
    for n in (1000, 10000):
        x = cloud(n, 2)
        rivals = {
            "companion": lambda x=x: softmin(x, x, eps=0.1),
            "logsumexp": lambda x=x: -0.1 * torch.logsumexp(-torch.cdist(x, x).square() / 0.1, 1),
        }
        yield Race(f"softmin, D = 2, N = {n}, eps 0.1", rivals, {"logsumexp": 0.6} if n == 10000 else {})


RACES = [gaussian_races, softmax_races, mmd_force_races, softmin_races]
