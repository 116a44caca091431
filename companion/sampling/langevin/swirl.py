"""A drift that does no work: dX = -(I + J) grad V(X) dt + sqrt(2) dW with J antisymmetric keeps
exp(-V), and forgets faster.

The current exp(-V) J grad V has no divergence. S is a matrix (d, d) of curvatures, V(x) = <x,
S x> / 2; then the drift is -B x, B = (I + J) S.
Lelievre, Nier and Pavliotis, J. Stat. Phys. 152 (2013) 237-274.
"""

from collections.abc import Callable

import torch

from companion.energies import grad
from companion.hints import Function, Number, Tensor, checked
from companion.inputs import alike
from companion.sampling.langevin.linear import Antisymmetric, Curvatures, Symmetric


@checked
def swirl_field(V: Function, J: Antisymmetric) -> Callable:
    """v(t, x) = -(I + J) grad V(x).   V: a potential, J: (d, d) antisymmetric; x: (..., d).
    Raises TypeError, ValueError."""

    @checked
    def v(t: Number, x: Tensor) -> torch.Tensor:
        alike({"J": J, "x": x})
        if x.ndim == 0 or x.shape[-1] != J.shape[0]:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected points (..., {J.shape[0]}), "
                             f"as J is {tuple(J.shape)}.")
        force = -grad(V, x)
        return force + force @ J.mT

    return v


@checked
def optimal_swirl(S: Curvatures) -> torch.Tensor:
    """J (d, d), antisymmetric, such that every eigenvalue of (I + J) S has the real part tr(S) / d,
    which no J can exceed.

    U turns S to M = U^T S U of constant diagonal; with weights w = (1, ..., d),
    K_kl = M_kl (w_k + w_l) / (w_k - w_l) and J = S^-1/2 U K U^T S^-1/2.   S:
    (d, d), symmetric positive definite. Raises TypeError, ValueError.
    """
    values, vectors = torch.linalg.eigh(S)
    root = vectors * values.rsqrt() @ vectors.mT
    U = constant_diagonal(S)
    w = torch.arange(1, len(S) + 1, dtype=S.dtype, device=S.device)
    apart = w[:, None] - w
    K = (U.mT @ S @ U) * torch.where(apart == 0, 0, (w[:, None] + w) / apart)
    J = root @ U @ K @ U.mT @ root
    return (J - J.mT) / 2


@checked
def constant_diagonal(S: Symmetric) -> torch.Tensor:
    """A rotation U (d, d) such that the diagonal of U^T S U is constant, tr(S) / d:
    one rotation of a plane for each entry but the last.

    S: (d, d), symmetric. Raises TypeError, ValueError.
    """
    M, U = S.clone(), torch.eye(len(S), dtype=S.dtype, device=S.device)
    mean, free = M.diagonal().mean(), list(range(len(S)))
    while len(free) > 1:
        free.sort(key=lambda i: M[i, i].item())
        # the least, below the mean, and the largest, above: the least is lifted to the mean
        i, j = free.pop(0), free[-1]
        low, high, across = M[i, i] - mean, M[j, j] - mean, M[i, j]
        if high - low == 0:
            break
        tangent = (-across + torch.sqrt(across**2 - low * high)) / high if high > 0 else 0 * high
        c = 1 / torch.sqrt(1 + tangent**2)
        G = torch.eye(len(S), dtype=S.dtype, device=S.device)
        G[i, i], G[j, j], G[j, i], G[i, j] = c, c, c * tangent, -c * tangent
        M, U = G.mT @ M @ G, U @ G
    return U


@checked
def asymptotic_variance(S: Curvatures, J: Antisymmetric, u: Tensor) -> torch.Tensor:
    """2 <u, S^-1 (I + J)^-1 S^-1 u>: T times the variance of the time average of <u,
    X> up to a long time T. 0-d.

    S, J: (d, d), u: (d,). For S = I and a turn J of the plane it is 2 |u|^2 / (1 + a^2),
    though the gap is 1 for every a.
    Duncan, Lelievre and Pavliotis, J. Stat. Phys. 163 (2016) 457-491. Raises TypeError, ValueError.
    """
    if u.shape != S.shape[:1] or J.shape != S.shape:
        raise ValueError(f"S, J, u have shapes {tuple(S.shape)}, {tuple(J.shape)}, "
                         f"{tuple(u.shape)}; expected (d, d), (d, d), (d,).")
    w = torch.linalg.solve(S, u)
    return 2 * w @ torch.linalg.solve(torch.eye(len(S), dtype=S.dtype, device=S.device) + J, w)
