"""The swirl in the plane, V(x) = (x_1^2 + kappa x_2^2) / 2, in closed form and by plain operations:
a, kappa and h may be sliders."""

import math
from functools import partial
from typing import Annotated, NamedTuple

import torch

from companion.entries import Numbers, Positives
from companion.hints import Number, Positive, checked
from companion.inputs import a_cloud, a_count, a_tensor, alike, concrete_value, like
from companion.sampling.langevin.linear import as_tensors
from companion.state import of_kind

SLACK = 1e-3  # what rounding may do to a covariance, as a share of its largest entry


def of_the_plane(B, name):
    """Return B, a matrix (2, 2). Raises TypeError, ValueError."""
    if a_tensor(B, name).shape != (2, 2):
        raise ValueError(f"{name} has shape {tuple(B.shape)}; expected (2, 2).")
    return B


def covariance(C, name):
    """Return C (2, 2), symmetric without negative eigenvalue, up to rounding. Raises TypeError,
    ValueError."""
    def astray():
        z = C.detach()
        return ((z - z.mT).abs().max() > SLACK * z.abs().max()) | (
            torch.linalg.eigvalsh(z)[0] < -SLACK * z.abs().max()
        )

    if concrete_value(astray, of_the_plane(C, name)):
        raise ValueError(f"{name} is not symmetric, or has a negative eigenvalue; expected a "
                         "covariance: A @ A.T of some A (2, 2).")
    return C


class WithCovariance(NamedTuple):
    """A cloud x (n, 2), and the second moments C (2, 2) that infinitely many points would have."""

    x: torch.Tensor
    C: torch.Tensor


def a_cloud_with_covariance(z, name):
    """Return z = WithCovariance(x, C). Raises TypeError, ValueError."""
    a_cloud(of_kind(z, name, kind=WithCovariance).x, f"{name}.x", d=2)
    of_the_plane(z.C, f"{name}.C")
    return z


Plane = Annotated[torch.Tensor, of_the_plane]
Covariance = Annotated[torch.Tensor, covariance]
PointsAndCovariance = Annotated[WithCovariance, a_cloud_with_covariance]
Angles = Annotated[int, partial(a_count, least=3)]


@checked
def quarter_turn(a: Number) -> torch.Tensor:
    """a [[0, -1], [1, 0]]: the antisymmetric matrices of the plane.   a: a number or a 0-d tensor;
    the result is (2, 2), like it."""
    a = a if isinstance(a, torch.Tensor) else torch.tensor(float(a), dtype=torch.float64)
    return torch.stack([torch.stack([0 * a, -a]), torch.stack([a, 0 * a])])


@checked
def plane_drift(a: Number, kappa: Positive) -> torch.Tensor:
    """B = (I + a [[0, -1], [1, 0]]) diag(1, kappa) = [[1, -a kappa], [a, kappa]].   a, kappa:
    numbers or 0-d tensors."""
    J = quarter_turn(a)
    stretch = torch.as_tensor(kappa, dtype=J.dtype, device=J.device)
    return (torch.eye(2, dtype=J.dtype, device=J.device) + J) * torch.stack(
        [torch.ones_like(stretch), stretch]
    )


@checked
def plane_gap(a: Numbers, kappa: Positives) -> torch.Tensor:
    """Least real part of the spectrum of `plane_drift`: t - sqrt(max(0, t^2 - kappa (1 + a^2))),
    t = (1 + kappa) / 2. A tensor.

    It grows from min(1, kappa) to t, which it reaches at a = |kappa - 1| / (2 sqrt(kappa)),
    and stays.
    """
    a, kappa = as_tensors(a=a, kappa=kappa)
    t = (1 + kappa) / 2
    return t - torch.sqrt(torch.clamp(t**2 - kappa * (1 + a**2), min=0))


@checked
def plane_exponential(B: Plane, s: Number) -> torch.Tensor:
    """exp(-s B) of a matrix B (2, 2) in closed form:
    exp(-s t) (cosh(s r) I - sinh(s r) / r (B - t I)), t = tr B / 2, r^2 = t^2 - det B.

    Plain operations: B and s may follow sliders. Raises TypeError, ValueError.
    """
    eye = torch.eye(2, dtype=B.dtype, device=B.device)
    t = (B[0, 0] + B[1, 1]) / 2
    square = t**2 - (B[0, 0] * B[1, 1] - B[0, 1] * B[1, 0])
    r = torch.sqrt(torch.clamp(square.abs(), min=1e-8))  # where r = 0 the quotient is s up to 1e-8
    even = torch.where(square > 0, torch.cosh(s * r), torch.cos(s * r))
    odd = torch.where(square > 0, torch.sinh(s * r), torch.sin(s * r)) / r
    return torch.exp(-s * t) * (even * eye - odd * (B - t * eye))


@checked
def exact_transition(B: Plane, C: Covariance, h: Positive) -> tuple:
    """E = exp(-h B) and Q = C - E C E^T: the law of X(h) given X(0) = x is N(E x, Q),
    if dX = -B X dt + ... keeps N(0, C).   B, C: (2, 2)."""
    E = plane_exponential(B, h)
    return E, C - E @ C @ E.mT


@checked
def euler_transition(B: Plane, C: Covariance, h: Positive) -> tuple:
    """E = I - h B and Q = 2 h I: the same for one step of Euler-Maruyama, which knows nothing of C.
    """
    eye = torch.eye(2, dtype=B.dtype, device=B.device)
    return eye - h * B, 2 * h * eye


@checked
def plane_root(Q: Covariance) -> torch.Tensor:
    """The lower triangular R with R R^T = Q, for a covariance Q (2, 2), also a singular one;
    plain operations. Raises TypeError, ValueError."""
    first = torch.sqrt(torch.clamp(Q[0, 0], min=0))
    across = Q[1, 0] / torch.clamp(first, min=1e-12)
    second = torch.sqrt(torch.clamp(Q[1, 1] - across**2, min=0))
    return torch.stack([torch.stack([first, 0 * first]), torch.stack([across, second])])


@checked
def ellipse(C: Covariance, n: Angles = 60) -> torch.Tensor:
    """The points x with <x, C^-1 x> = 1, at n angles: (n, 2).   C: (2, 2), a covariance."""
    root = plane_root(C)
    angle = torch.arange(n, dtype=C.dtype, device=C.device) * (2 * math.pi / n)
    return torch.stack([angle.cos(), angle.sin()], -1) @ root.mT


@checked
def cloud_and_covariance(z: PointsAndCovariance, xi: PointsAndCovariance, E: Plane,
                         Q: Covariance) -> WithCovariance:
    """x' = E x + Q^1/2 xi for the rows of a cloud, and C' = E C E^T + Q for the covariance that
    infinitely many would have.

    z = WithCovariance(x, C); xi like z, of which xi.x counts. Raises TypeError, ValueError.
    """
    alike({"E": E, "z.x": z.x})
    x = z.x @ E.mT + like(xi, z, "xi").x @ plane_root(Q).mT
    return WithCovariance(x, E @ z.C @ E.mT + Q)
