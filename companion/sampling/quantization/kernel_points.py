"""Points that minimise a discrepancy of kernels, MMD or KSD: energies of clouds for a flow or for L-BFGS.

Xu, Korba and Slepcev, ICML 2022, PMLR 162; Korba, Aubin-Frankowski, Majewski and Ablin, ICML 2021 (KSD descent).
"""

import torch

from companion.energies import grad
from companion.inputs import a_cloud, a_count, a_function, a_number
from companion.kernels import gaussian_sum, squared_distances


def gaussian_mmd2(*, length=1.0):
    """E(x) = MMD^2(cloud, N(0, I)) for the kernel exp(-|x - y|^2/(2 l^2)), in closed form: x (..., n, d) -> (...).

    mean_ij k(x_i, x_j) - 2 (l^2/(l^2 + 1))^{d/2} mean_i exp(-|x_i|^2/(2 (l^2 + 1))) + (l^2/(l^2 + 2))^{d/2}.
    n independent points have E MMD^2 = (1 - (l^2/(l^2 + 2))^{d/2})/n. length > 0. Raises TypeError, ValueError.
    """
    square = a_number(length, "length", above=0) ** 2

    def E(x):
        n, d = a_cloud(x).shape[-2:]
        own = gaussian_sum(x, x, length=length).mean(-1) / n
        cross = torch.exp(-x.square().sum(-1) / (2 * (square + 1))).mean(-1)
        return own - 2 * (square / (square + 1)) ** (d / 2) * cross + (square / (square + 2)) ** (d / 2)

    return E


def ksd2(score, *, length=1.0):
    """E(x) = KSD^2(cloud, pi) = mean_ij k_pi(x_i, x_j), where pi is known through score = grad log pi alone: x (..., n, d) -> (...).

    k_pi(x, y) = <s(x), s(y)> k + <s(x), grad_y k> + <s(y), grad_x k> + tr grad_x grad_y k, k(x, y) = exp(-|x - y|^2/(2 l^2)): its mean
    under pi is 0 for every y. score: (..., d) -> (..., d);  length > 0. Needs float64 near the minimum. Raises TypeError, ValueError.

    Liu, Lee and Jordan; Chwialkowski, Strathmann and Gretton, ICML 2016.
    """
    a_function(score, "score")
    square = a_number(length, "length", above=0) ** 2

    def E(x):
        d = a_cloud(x).shape[-1]
        s = score(x)
        if s.shape != x.shape:
            raise ValueError(f"score(x) has shape {tuple(s.shape)}; expected the shape of x, {tuple(x.shape)}.")
        far = squared_distances(x, x)
        own = (s * x).sum(-1)
        turn = own[..., :, None] - s @ x.mT  # <s(x_i), x_i - x_j>, with grad_y k = k (x_i - x_j)/l^2
        stein = s @ s.mT + (turn + turn.mT) / square + d / square - far / square**2
        return (stein * torch.exp(-far / (2 * square))).mean((-1, -2))

    return E


def normal_score(x):
    """-x, the score of N(0, I).   x: (..., d)."""
    return -x


def minimise(E, x, *, steps=500, tol=1e-10):
    """A local minimum of the energy E near the cloud x (n, d), by L-BFGS with a strong Wolfe line search: (n, d). float64 is wise.

    E: (n, d) -> 0-d. Stops when no entry of n grad E is above tol, when a step changes nothing, or after `steps` steps.
    Raises TypeError, ValueError.
    """
    a_function(E, "E")
    n = a_cloud(x).shape[-2]
    a_count(steps, "steps")
    a_number(tol, "tol", least=0)
    y = x.detach().clone().requires_grad_()
    search = torch.optim.LBFGS([y], max_iter=steps, tolerance_grad=tol, tolerance_change=1e-16, history_size=20, line_search_fn="strong_wolfe")

    def value():
        y.grad = n * grad(E, y.detach())
        return n * E(y.detach())

    search.step(value)
    return y.detach()


def cosine_errors(x, frequencies):
    """mean_i cos(<w, x_i>) - exp(-|w|^2/2), the error of the cloud as a rule for E cos(<w, X>), X ~ N(0, I), for each row w: (..., m).

    x: (..., n, d), frequencies (m, d). Raises TypeError, ValueError.
    """
    a_cloud(x)
    a_cloud(frequencies, "frequencies", d=x.shape[-1])
    return torch.cos(x @ frequencies.mT).mean(-2) - torch.exp(-frequencies.square().sum(-1) / 2)
