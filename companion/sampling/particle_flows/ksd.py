"""KSD descent: particles that lower the kernel Stein discrepancy, a plain function of their
positions, by its flow or by L-BFGS.

Korba, Aubin-Frankowski, Majewski and Ablin, Kernel Stein discrepancy descent, ICML 2021, PMLR 139.
Its energy is `ksd2`. For one particle KSD^2 = |s(x)|^2 + d/l^2, s = grad log pi:
least wherever s = 0, also at a saddle or at the lowest point between two modes. Hence its traps.
"""

from collections.abc import Callable

import torch

from companion.energies import grad, half, wasserstein_descent
from companion.flow import Path, iterate
from companion.hints import Cloud, Count, Function, Positive, checked
from companion.inputs import like, one_each, same_dimension
from companion.kernels import squared_distances
from companion.sampling.quantization.kernel_points import ksd2
from companion.sampling.quantization.points import Points


@checked
def stein_kernel(x: Cloud, y: Cloud, score: Function, *, length: Positive = 1.0) -> torch.Tensor:
    """k_pi(x_i, y_j), the Stein kernel of pi with s = grad log pi,
    for k(x, y) = exp(-|x - y|^2/(2 l^2)).

    k_pi = k (<s(x), s(y)> + <s(x) - s(y), x - y>/l^2 + d/l^2 - |x - y|^2/l^4),
    and int k_pi(., y) dpi = 0 for every y.
    x (..., n, d), y (..., m, d) -> (..., n, m);  score: (..., d) -> (..., d);  length > 0.
    Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    square = length**2
    s, r = like(score(x), x, "score(x)"), like(score(y), y, "score(y)")
    far = squared_distances(x, y)
    # <s(x_i) - s(y_j), x_i - y_j>
    work = (s * x).sum(-1)[..., :, None] - s @ y.mT + (r * y).sum(-1)[..., None, :] - x @ r.mT
    return torch.exp(-far / (2 * square)) * (
        s @ r.mT + (work + x.shape[-1]) / square - far / square**2
    )


@checked
def ksd_field(score: Function, *, length: Positive = 1.0) -> Callable:
    """v(t, x) = -n grad E(x) with E = KSD^2/2: the Wasserstein gradient flow of KSD^2/2,
    a field on clouds (..., n, d).

    score: (..., d) -> (..., d), differentiable by torch: the flow sees the Hessian of log
    pi;  length > 0. Raises TypeError, ValueError.
    """
    return wasserstein_descent(half(ksd2(score, length=length)))


@checked
def lbfgs(E: Function, x: Points, *, steps: Count = 500, every: Count = 1) -> Path:
    """A `Path` of `steps` iterations of L-BFGS, with a strong Wolfe line search,
    on the energy E from the cloud x (n, d). float64 is wise.

    E: (n, d) -> 0-d, multiplied by n for the search, as in the flow. t counts iterations;
    one state in `every` is kept, and always the last.
    Where the gradient vanishes the path stays. Liu and Nocedal, Mathematical Programming 45 (1989)
    503-528. Raises TypeError, ValueError.
    """
    n = len(x)
    y = x.detach().clone().requires_grad_()
    # max_eval bounds the line search as well
    options = {"max_iter": 1, "max_eval": 50, "history_size": 20, "line_search_fn": "strong_wolfe"}
    search = torch.optim.LBFGS([y], tolerance_grad=0, tolerance_change=0, **options)

    def value():
        y.grad = n * grad(E, y.detach())
        return n * one_each(E(y.detach()), (), "E(x)", "one number for the cloud")

    def step(k, x):
        search.step(value)
        # no step along the direction of the past: forget it, and go downhill
        if torch.equal(y.detach(), x):
            search.state.clear()
        return y.detach().clone()

    return iterate(step, x.detach(), steps, every=every)
