"""The kernel Kullback-Leibler divergence of two clouds, between their covariance operators in the
kernel's space, and its regularisation.

With Sigma_p = E phi(X) phi(X)*, <phi(x), phi(y)> = k(x, y), k(x, x) = 1:
KKL(p || q) = Tr Sigma_p (log Sigma_p - log Sigma_q) <= KL(p || q)
(Bach, IEEE Transactions on Information Theory 69 (2023)). It is infinite for two clouds in general
position; finite and at most log(1/alpha) is KKL_alpha(p || q) = KKL(p || (1 - alpha) q + alpha p)
(Chazal, Korba and Bach, arXiv 2408.16543).
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch

from companion.hints import Cloud, Function, Tensor, checked
from companion.inputs import a_number, alike, batch, concrete_value, one_each, same_dimension
from companion.transport.weights import normalised_weights

Portion = Annotated[float, partial(a_number, above=0, most=1)]


@checked
def trace_xlogx(K: Tensor, b: Tensor | None = None) -> torch.Tensor:
    """Tr(diag(b) K log K) = sum_i b_i (K log K)_ii for symmetric K >= 0, with 0 log 0 = 0;
    without b, every b_i = 1: minus an entropy.

    K: (..., N, N), b: (..., N) -> (...). Differentiable once in K, stably where eigenvalues meet;
    K (N, N) need not be invertible: the slope of s log s at 0 is cut at the smallest positive
    number that eigenvalues resolve. float64 only. Raises TypeError, ValueError.
    """
    if K.ndim < 2 or K.shape[-1] != K.shape[-2] or K.shape[-1] == 0:
        raise ValueError(f"K has shape {tuple(K.shape)}; expected symmetric matrices (..., N, N).")
    if K.dtype != torch.float64:
        raise TypeError(f"K has dtype {K.dtype}; expected float64, eigenvalues near 0 count: use "
                        "x.double() and y.double().")
    if concrete_value(lambda: (K - K.mT).abs().amax() > 1e-8 * (1 + K.abs().amax()), K):
        raise ValueError("K is not symmetric; expected a Gram matrix: (K + K.mT) / 2.")
    b = K.new_ones(K.shape[-1]) if b is None else b
    if b.ndim == 0 or b.shape[-1] != K.shape[-1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected one number for each row of K, "
                         f"(..., {K.shape[-1]}).")
    batch((K.shape[:-1], "the diagonal of K"), (b.shape, "b"))
    return TraceXLogX.apply(K, b)


class TraceXLogX(torch.autograd.Function):
    """Tr(diag(b) f(K)), f(s) = s log s. Its gradient is U (f[s_i, s_j] * U' diag(b) U) U',
    K = U diag(s) U' (Daleckii and Krein, 1951).

    The gradient of eigh alone divides by s_i - s_j, which is noise when eigenvalues cluster;
    the divided differences f[s_i, s_j] do not.
    """

    @staticmethod
    def forward(ctx, K, b):
        s, U = torch.linalg.eigh(K)
        s = s.clamp(min=torch.finfo(s.dtype).tiny)
        ctx.save_for_backward(s, U, b)
        return (b * (U.square() * torch.xlogy(s, s)[..., None, :]).sum(-1)).sum(-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        s, U, b = ctx.saved_tensors
        inner = U.mT @ (b[..., :, None] * U)
        slope = U @ (divided_differences(s) * inner) @ U.mT
        return g[..., None, None] * slope, None


def divided_differences(s):
    """f[s_i, s_j] = (f(s_i) - f(s_j))/(s_i - s_j) for f(s) = s log s, and f'(s_i) = 1 + log
    s_i where they meet: (..., N) -> (..., N, N).

    With a <= b: log b + r log(r)/(r - 1), r = a/b, no cancellation.
    Eigenvalues are only known to N eps max(s): smaller ones count as that.
    """
    s = s.clamp(min=0)
    s = torch.maximum(s, s.shape[-1] * torch.finfo(s.dtype).eps * s.amax(-1, keepdim=True))
    low, high = (
        torch.minimum(s[..., :, None], s[..., None, :]),
        torch.maximum(s[..., :, None], s[..., None, :]),
    )
    gap = (low - high) / high  # r - 1, in (-1, 0]
    return high.log() + torch.where(gap == 0, 1.0, (1 + gap) * torch.log1p(gap) / gap)


@checked
def kernel_kl(x: Cloud, y: Cloud, *, kernel: Function, alpha: Portion = 0.01,
              a: Tensor | None = None, b: Tensor | None = None) -> torch.Tensor:
    """KKL_alpha(p || q) for p = sum_i a_i delta_{x_i} and q = sum_j b_j delta_{y_j},
    in [0, log(1/alpha)], nonincreasing in alpha.

    Tr(G log G) at alpha = 1 minus Tr(P G log G)/alpha, where G is the Gram matrix of the points
    with weights (alpha a, (1 - alpha) b) and P keeps the points x. x (..., n, d), y (..., m, d),
    weights a (..., n), b (..., m) or None for equal -> (...). kernel(x, y) -> (..., n, m) with
    k(x, x) = 1, gaussian_kernel(length) for instance;  0 < alpha <= 1. Cost (n + m)^3; float64.
    Raises TypeError, ValueError.
    """
    same_dimension(x, y)
    common = torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = x.expand(*common, *x.shape[-2:]), y.expand(*common, *y.shape[-2:])
    for w, z, name in ((a, x, "a"), (b, y, "b")):
        if w is not None and w.shape not in (z.shape[:-1], z.shape[-2:-1]):
            raise ValueError(f"{name} has shape {tuple(w.shape)}; expected one weight for each "
                             f"point, {tuple(z.shape[:-1])}.")
    a, b = normalised_weights(a, x[..., 0], "a"), normalised_weights(b, y[..., 0], "b")
    root = torch.cat([(alpha * a).sqrt(), ((1 - alpha) * b).sqrt()], -1)
    points = torch.cat([x, y], -2)
    gram = one_each(kernel(points, points), (*points.shape[:-1], points.shape[-2]), "kernel(x, x)",
                    "one number for each pair of points")
    alike({"x": x, "kernel(x, x)": gram})
    if concrete_value(lambda: ((gram.diagonal(dim1=-2, dim2=-1) - 1).abs() > 1e-5).any(), gram):
        raise ValueError("kernel(x, x) is not 1 on the diagonal; expected k(x, x) = 1, as for "
                         "gaussian_kernel(length).")
    G = root[..., :, None] * gram * root[..., None, :]
    keep = torch.cat([torch.ones_like(a), torch.zeros_like(b)], -1) / alpha
    own = gram[..., : a.shape[-1], : a.shape[-1]] * (a[..., :, None] * a[..., None, :]).sqrt()
    return trace_xlogx(own) - trace_xlogx(G, keep)


@checked
def kkl(y: Cloud, *, kernel: Function, alpha: Portion = 0.01) -> Callable:
    """E(x) = KKL_alpha(cloud x || cloud y): an energy of clouds (..., n, d) for
    `wasserstein_descent`, or for L-BFGS. Raises TypeError, ValueError.

    y (..., m, d), the target;  kernel(x, y) with k(x, x) = 1;  0 < alpha <= 1.
    Not for exported figures: it needs eigenvalues.
    """
    return lambda x: kernel_kl(x, y, kernel=kernel, alpha=alpha)
