"""Flow matching between Gaussians N(0, A) and N(0, B) is linear, and one rectification makes it straight. Straight is not optimal.

Everything is the geometric mean A # B of the two covariances. In the plane it has a closed form of plain operations, so that angles may be sliders.
Sources: Hertrich, Chambolle and Delon, NeurIPS 2025; the geometric mean: Bhatia, Positive Definite Matrices, 2007, chapter 4.
"""

import math
from typing import Annotated

import torch

from companion.gaussians import square_root
from companion.gaussians.checks import definite_covariance
from companion.hints import Count, Number, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor, concrete_value
from companion.sampling.generative.matching import Time, a_time
from companion.sampling.wide import wide


def plane_matrix(N, name):
    """Return N, 2 x 2 matrices (..., 2, 2). Raises TypeError, ValueError."""
    if a_tensor(N, name).shape[-2:] != (2, 2):
        raise ValueError(f"{name} has shape {tuple(N.shape)}; expected 2 x 2 matrices (..., 2, 2).")
    return N


def in_the_plane(x, name):
    """Return x, points of the plane (..., 2). Raises TypeError, ValueError."""
    if a_tensor(x, name).ndim == 0 or x.shape[-1] != 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected points of the plane, (..., 2).")
    return x


def degrees(angle, name):
    """Return angle, a number or numbers of degrees. Raises TypeError, ValueError."""
    return a_tensor(angle, name) if isinstance(angle, torch.Tensor) else a_number(angle, name)


PlaneMatrix = Annotated[torch.Tensor, plane_matrix]
InPlane = Annotated[torch.Tensor, in_the_plane]
Degrees = Annotated[float | torch.Tensor, degrees]


@checked
def geometric_mean(A: Tensor, B: Tensor) -> torch.Tensor:
    """A # B = A^1/2 (A^-1/2 B A^-1/2)^1/2 A^1/2, the symmetric G > 0 with G A^-1 G = B.   A, B: (d, d), definite."""
    _two_covariances(A, B)
    root, C = square_root(wide(A)), wide(B)
    inverse = torch.linalg.inv(root)
    inner = inverse @ C @ inverse
    G = root @ square_root((inner + inner.mT) / 2) @ root
    return ((G + G.mT) / 2).to(A)


@checked
def rectified_map(A: Tensor, B: Tensor) -> torch.Tensor:
    """T = (A # B) A^-1 = (B A^-1)^1/2: where the flow of the independent coupling of N(0, A) and N(0, B) carries x, T x.   (d, d).

    T A T^T = B. T is symmetric, that is optimal, if and only if A B = B A.
    """
    return torch.linalg.solve(wide(A), geometric_mean(wide(A), wide(B))).mT.to(A)


@checked
def rectified_cost(A: Tensor, B: Tensor) -> torch.Tensor:
    """E |T X - X|^2 = tr A + tr B - 2 tr(A # B), X ~ N(0, A). Never below `bures_squared(A, B)`, equal if and only if A B = B A."""
    C, D = wide(A), wide(B)
    mean = geometric_mean(C, D)
    return torch.trace(C + D - 2 * mean).to(A)


@checked
def matching_floor(A: Tensor, B: Tensor) -> torch.Tensor:
    """(pi / 2) tr(A # B), the least flow-matching loss from N(0, A) to N(0, B), independent. On the line (pi / 2) sqrt(a b)."""
    return math.pi / 2 * torch.trace(geometric_mean(A, B))


@checked
def residual(t: Time, a: Positive, b: Positive) -> float | torch.Tensor:
    """Var(X1 - X0 | X_t) = a b / ((1 - t)^2 a + t^2 b), X0 ~ N(0, a) and X1 ~ N(0, b) independent numbers: its integral is the floor."""
    return a * b / ((1 - t) ** 2 * a + t**2 * b)


@checked
def straight_velocity(t: Time, x: InPlane, T: PlaneMatrix) -> torch.Tensor:
    """The velocity of the pairs (x, T x): (T - I) ((1 - t) I + t T)^-1 x, while the inverse exists; then x moves straight to T x.

    x: (..., 2), T: (2, 2). Plain operations.
    """
    t = a_time(t, x)
    identity = torch.eye(2, dtype=x.dtype, device=x.device)
    return x @ ((T - identity) @ plane_inverse((1 - t) * identity + t * T)).mT


@checked
def plane_velocity(t: Time, x: InPlane, A: PlaneMatrix, B: PlaneMatrix) -> torch.Tensor:
    """v = (t B - (1 - t) A) ((1 - t)^2 A + t^2 B)^-1 x, the independent coupling of N(0, A) and N(0, B) in the plane.   x: (..., 2)."""
    t = a_time(t, x)
    return x @ ((t * B - (1 - t) * A) @ plane_inverse((1 - t).square() * A + t.square() * B)).mT


@checked
def rectified_velocity(t: Time, x: InPlane, A: PlaneMatrix, B: PlaneMatrix) -> torch.Tensor:
    """`straight_velocity` of the rectified map, in the plane.   x: (..., 2); A, B: (2, 2), as in `plane_velocity`."""
    return straight_velocity(t, x, plane_map(A, B))


@checked
def optimal_velocity(t: Time, x: InPlane, A: PlaneMatrix, B: PlaneMatrix) -> torch.Tensor:
    """`straight_velocity` of the optimal map, in the plane.   x: (..., 2); A, B: (2, 2), as in `plane_velocity`."""
    return straight_velocity(t, x, plane_optimal_map(A, B))


@checked
def plane_map(A: PlaneMatrix, B: PlaneMatrix) -> torch.Tensor:
    """`rectified_map` in the plane, by plain operations: N = B A^-1 has the root (N + r I) / sqrt(tr N + 2 r), r = sqrt(det N)."""
    return plane_root(B @ plane_inverse(A))


@checked
def plane_optimal_map(A: PlaneMatrix, B: PlaneMatrix) -> torch.Tensor:
    """The optimal map of N(0, A) to N(0, B) in the plane: the geometric mean of A^-1 and B, by plain operations."""
    inverse = plane_inverse(A)
    alpha, beta = (plane_det(C).sqrt()[..., None, None] for C in (inverse, B))
    mean = inverse / alpha + B / beta
    return (alpha * beta / plane_det(mean)[..., None, None]).sqrt() * mean


@checked
def plane_cost(A: PlaneMatrix, T: PlaneMatrix) -> torch.Tensor:
    """E |T X - X|^2 for X ~ N(0, A) = tr (T - I) A (T - I)^T.   A, T: (..., 2, 2) -> (...)."""
    moved = T - torch.eye(2, dtype=T.dtype, device=T.device)
    return ((moved @ A) * moved).sum((-2, -1))


@checked
def plane_root(N: PlaneMatrix) -> torch.Tensor:
    """The square root of a 2 x 2 matrix with positive eigenvalues, by Cayley and Hamilton: (N + r I) / sqrt(tr N + 2 r), r = sqrt(det N)."""
    r = plane_det(N).sqrt()
    trace = N[..., 0, 0] + N[..., 1, 1]
    identity = torch.eye(2, dtype=N.dtype, device=N.device)
    return (N + r[..., None, None] * identity) / (trace + 2 * r).sqrt()[..., None, None]


@checked
def plane_det(N: PlaneMatrix) -> torch.Tensor:
    """det N.   N: (..., 2, 2)."""
    M = wide(N)
    return (M[..., 0, 0] * M[..., 1, 1] - M[..., 0, 1] * M[..., 1, 0]).to(N)


@checked
def plane_inverse(N: PlaneMatrix) -> torch.Tensor:
    """N^-1, by cofactors.   N: (..., 2, 2), not singular."""
    det = plane_det(N)
    if concrete_value(lambda: (det == 0).any(), det):
        raise ValueError("N has the determinant 0; expected matrices with an inverse.")
    rows = torch.stack([N[..., 1, 1], -N[..., 0, 1], -N[..., 1, 0], N[..., 0, 0]], -1)
    return rows.unflatten(-1, (2, 2)) / det[..., None, None]


@checked
def ellipse(kappa: Positive, angle: Degrees) -> torch.Tensor:
    """The covariance R diag(kappa, 1 / kappa) R^T, R the turn by `angle` degrees.   kappa > 0; angle: a number, or (m,) -> (2, 2), (m, 2, 2)."""
    turn = torch.as_tensor(angle) * (math.pi / 180)
    c, s = turn.cos(), turn.sin()
    kappa = torch.as_tensor(kappa, dtype=c.dtype)
    rows = [kappa * c * c + s * s / kappa, (kappa - 1 / kappa) * c * s, (kappa - 1 / kappa) * c * s, kappa * s * s + c * c / kappa]
    return torch.stack(rows, -1).unflatten(-1, (2, 2))


@checked
def turned_costs(kappa: Positive, angle: Degrees) -> tuple:
    """The costs of the rectified flow and of the optimal map from ellipse(kappa, 0) to ellipse(kappa, angle).   angle: 0-d, or (m,)."""
    angle = torch.as_tensor(angle)
    A, B = ellipse(kappa, 0 * angle), ellipse(kappa, angle)
    return plane_cost(A, plane_map(A, B)), plane_cost(A, plane_optimal_map(A, B))


@checked
def costs_by_angle(kappa: Positive, angle: Number, *, grid: Count = 91) -> torch.Tensor:
    """(3, grid): `turned_costs` at angles 0, ..., 90 degrees, and a tip as high as the first at `angle`. Plain operations."""
    angle = torch.as_tensor(angle)
    angles = torch.linspace(0, 90, grid, dtype=angle.dtype, device=angle.device)
    rectified, optimal = turned_costs(kappa, angles)
    return torch.stack([rectified, optimal, torch.clamp(1 - (angles - angle).abs() / 2, min=0) * rectified])


def _two_covariances(A, B):
    definite_covariance(A, "A")
    if definite_covariance(B, "B").shape != A.shape:
        raise ValueError(f"A and B have shapes {tuple(A.shape)} and {tuple(B.shape)}; expected matrices of one size.")
