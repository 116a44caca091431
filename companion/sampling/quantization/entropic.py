"""Semi-discrete transport with entropy on a grid of pixels: linear memory, any device,
any number of sites.

Sinkhorn's algorithm, u(p) = -eps log sum_i a_i e^{(w_i - |p - y_i|^2)/eps}, w_i = -eps log
sum_p rho_p e^{(u(p) - |p - y_i|^2)/eps}, with eps coming down by halves and over-relaxed steps
(Cuturi and Peyre, SIAM J. Imaging Sci. 9 (2016) 320-343; Thibault et al., Algorithms 14:143, 2021).
The cloud of sites is moved and dilated to the mean and the variance of the law first;
the plan does not change when eps is dilated with it.
"""

import math
from typing import NamedTuple

import torch

from companion.energies import grad
from companion.hints import Count, Function, Positive, Tensor, checked
from companion.kernels import softmin
from companion.sampling.quantization.cells import Sites
from companion.sampling.quantization.grid import centred, dilation
from companion.sampling.quantization.points import one_share_each
from companion.sampling.quantization.rasters import OnGrid

RELAXATION = 1.7  # below 2


class Entropic(NamedTuple):
    """w (n,) weights of mean 0; value 0-d, min_P <P, |p - y|^2> + eps KL(P | rho x a);
    barycentre (n, 2) of what each site receives; steps taken."""

    w: torch.Tensor
    value: torch.Tensor
    barycentre: torch.Tensor
    steps: int


@checked
def entropic(y: Sites, a: Tensor | None = None, *, grid: OnGrid, eps: Positive,
             tol: Positive = 1e-4, steps: Count = 5000,
             engine: Function | None = None) -> Entropic:
    """Entropic transport of a `Grid` to the sites y (n, 2) with shares a (n,), equal by default:
    an `Entropic`.

    W2^2 <= value <= W2^2 + eps log(n) for equal shares (of the law in the centres of pixels),
    and w tends to the weights of the power cells as eps -> 0. eps > 0, an area. tol:
    how far the shares of sites are from a, on average and relative. engine: of companion.kernels.
    Raises TypeError, ValueError; RuntimeError if `steps` steps are not enough.
    """
    size, log_a = dilation(y, grid), one_share_each(a, y).log()
    z, q, log_rho = centred(y) / size, grid.points - grid.mean, grid.mass.flatten().log()

    def other(w, now):
        return softmin(q, z, w + now * log_a, eps=now, engine=engine)

    def own(w, now):
        return softmin(z, q, other(w, now) + now * log_rho, eps=now, engine=engine)

    w, end = torch.zeros_like(z[:, 0]), eps / size
    w, taken = _descend(w, own, end, grid, tol, steps)
    u = other(w, end)
    b = z - grad(lambda s: softmin(s, q, u + end * log_rho, eps=end, engine=engine),
                 z) / 2 + grid.mean
    # |p - y_i|^2 - size |p - z_i|^2, less what depends on p alone
    known = (y - grid.mean).square().sum(-1) - size * z.square().sum(-1)
    value = (
        size * (grid.mass.flatten() @ u)
        + log_a.exp() @ (size * w + known)
        + (1 - size) * grid.spread**2
    )
    weights = size * w + known
    return Entropic(weights - weights.mean(), value, b, taken)


def _descend(w, own, eps, grid, tol, steps):
    """The potential w at eps, and the number of steps: a few at each larger eps,
    then as many as it takes."""
    levels = max(1, math.ceil(math.log2(max(2.0, float(4 * grid.spread**2 / eps)))))
    for level in range(levels):
        now = eps * 2.0 ** (levels - level)
        for _ in range(4):
            w = torch.lerp(w, own(w, now), RELAXATION)
    for step in range(steps):
        new = own(w, eps)
        if (new - w).abs().mean() <= tol * eps:
            return new, 4 * levels + step + 1
        w = torch.lerp(w, new, RELAXATION)
    raise RuntimeError(f"after {steps} steps the shares are not within {tol}; expected a larger "
                       "eps, a larger tol or more steps.")
