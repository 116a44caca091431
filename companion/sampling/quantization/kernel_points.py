"""Points that minimise a discrepancy of kernels, MMD or KSD: energies of clouds for a flow or for
L-BFGS.

Xu, Korba and Slepcev, ICML 2022, PMLR 162; Korba, Aubin-Frankowski, Majewski and Ablin,
ICML 2021 (KSD descent).
"""

from collections.abc import Callable

import torch

from companion.energies import grad
from companion.hints import Cloud, Count, Function, NonNegative, Positive, Tensor, checked
from companion.inputs import like, one_each
from companion.kernels import gaussian_sum, squared_distances
from companion.sampling.quantization.points import Points


@checked
def gaussian_mmd2(*, length: Positive = 1.0) -> Callable:
    """E(x) = MMD^2(cloud, N(0, I)) for the kernel exp(-|x - y|^2/(2 l^2)), in closed form:
    x (..., n, d) -> (...).

    mean_ij k(x_i, x_j) - 2 (l^2/(l^2 + 1))^{d/2} mean_i exp(-|x_i|^2/(2 (l^2 + 1))) +
    (l^2/(l^2 + 2))^{d/2}.
    n independent points have E MMD^2 = (1 - (l^2/(l^2 + 2))^{d/2})/n. length > 0. Raises TypeError,
    ValueError.
    """
    square = length ** 2

    @checked
    def E(x: Cloud) -> torch.Tensor:
        n, d = x.shape[-2:]
        own = gaussian_sum(x, x, length=length).mean(-1) / n
        cross = torch.exp(-x.square().sum(-1) / (2 * (square + 1))).mean(-1)
        return (
            own
            - 2 * (square / (square + 1)) ** (d / 2) * cross
            + (square / (square + 2)) ** (d / 2)
        )

    return E


@checked
def ksd2(score: Function, *, length: Positive = 1.0) -> Callable:
    """E(x) = KSD^2(cloud, pi) = mean_ij k_pi(x_i, x_j), where pi is known through score = grad log
    pi alone: x (..., n, d) -> (...).

    k_pi(x, y) = <s(x), s(y)> k + <s(x), grad_y k> + <s(y), grad_x k> + tr grad_x grad_y k,
    k(x, y) = exp(-|x - y|^2/(2 l^2)): its mean under pi is 0 for every y. score:
    (..., d) -> (..., d);  length > 0. Needs float64 near the minimum. Raises TypeError, ValueError.

    Liu, Lee and Jordan; Chwialkowski, Strathmann and Gretton, ICML 2016.
    """
    square = length ** 2

    @checked
    def E(x: Cloud) -> torch.Tensor:
        d, s = x.shape[-1], like(score(x), x, "score(x)")
        far = squared_distances(x, x)
        own = (s * x).sum(-1)
        # <s(x_i), x_i - x_j>, with grad_y k = k (x_i - x_j)/l^2
        turn = own[..., :, None] - s @ x.mT
        stein = s @ s.mT + (turn + turn.mT) / square + d / square - far / square**2
        return (stein * torch.exp(-far / (2 * square))).mean((-1, -2))

    return E


@checked
def normal_score(x: Tensor) -> torch.Tensor:
    """-x, the score of N(0, I).   x: (..., d)."""
    return -x


@checked
def minimise(E: Function, x: Points, *, steps: Count = 500,
             tol: NonNegative = 1e-10) -> torch.Tensor:
    """A local minimum of the energy E near the cloud x (n, d), by L-BFGS with a strong Wolfe line
    search: (n, d). float64 is wise.

    E: (n, d) -> 0-d. Stops when no entry of n grad E is above tol, when a step changes nothing,
    or after `steps` steps.
    Raises TypeError, ValueError.
    """
    n = len(x)
    y = x.detach().clone().requires_grad_()
    search = torch.optim.LBFGS([y], max_iter=steps, tolerance_grad=tol, tolerance_change=1e-16,
                               history_size=20, line_search_fn="strong_wolfe")

    def value():
        y.grad = n * grad(E, y.detach())
        return n * one_each(E(y.detach()), (), "E(x)", "one number for the cloud")

    search.step(value)
    return y.detach()


@checked
def cosine_errors(x: Cloud, frequencies: Points) -> torch.Tensor:
    """mean_i cos(<w, x_i>) - exp(-|w|^2/2), the error of the cloud as a rule for E cos(<w, X>),
    X ~ N(0, I), for each row w: (..., m).

    x: (..., n, d), frequencies (m, d). Raises TypeError, ValueError.
    """
    if frequencies.shape[-1] != x.shape[-1]:
        raise ValueError(f"frequencies has shape {tuple(frequencies.shape)}; expected rows of "
                         f"{x.shape[-1]} coordinates: (m, {x.shape[-1]}).")
    return torch.cos(x @ frequencies.mT).mean(-2) - torch.exp(-frequencies.square().sum(-1) / 2)
