"""The swirl in the plane, V(x) = (x_1^2 + kappa x_2^2) / 2, in closed form and by plain operations: a, kappa and h may be sliders."""

import math

import torch

from companion.inputs import a_cloud, a_count, a_number, a_tensor
from companion.sampling.langevin.linear import numbers_or_tensors


def quarter_turn(a):
    """a [[0, -1], [1, 0]]: the antisymmetric matrices of the plane.   a: a number or a 0-d tensor; the result is (2, 2), like it."""
    a_number(a, "a")
    a = a if isinstance(a, torch.Tensor) else torch.tensor(float(a), dtype=torch.float64)
    return torch.stack([torch.stack([0 * a, -a]), torch.stack([a, 0 * a])])


def plane_drift(a, kappa):
    """B = (I + a [[0, -1], [1, 0]]) diag(1, kappa) = [[1, -a kappa], [a, kappa]].   a, kappa: numbers or 0-d tensors."""
    J = quarter_turn(a)
    stretch = torch.as_tensor(a_number(kappa, "kappa", above=0), dtype=J.dtype, device=J.device)
    return (torch.eye(2, dtype=J.dtype, device=J.device) + J) * torch.stack([torch.ones_like(stretch), stretch])


def plane_gap(a, kappa):
    """Least real part of the spectrum of `plane_drift`: t - sqrt(max(0, t^2 - kappa (1 + a^2))), t = (1 + kappa) / 2. A tensor.

    It grows from min(1, kappa) to t, which it reaches at a = |kappa - 1| / (2 sqrt(kappa)), and stays.
    """
    a, kappa = numbers_or_tensors(a=a, kappa=kappa)
    t = (1 + kappa) / 2
    return t - torch.sqrt(torch.clamp(t**2 - kappa * (1 + a**2), min=0))


def plane_exponential(B, s):
    """exp(-s B) of a matrix B (2, 2) in closed form: exp(-s t) (cosh(s r) I - sinh(s r) / r (B - t I)), t = tr B / 2, r^2 = t^2 - det B.

    Plain operations: B and s may follow sliders. Raises TypeError, ValueError.
    """
    if a_tensor(B, "B").shape != (2, 2):
        raise ValueError(f"B has shape {tuple(B.shape)}; expected (2, 2).")
    a_number(s, "s")
    eye = torch.eye(2, dtype=B.dtype, device=B.device)
    t = (B[0, 0] + B[1, 1]) / 2
    square = t**2 - (B[0, 0] * B[1, 1] - B[0, 1] * B[1, 0])
    r = torch.sqrt(torch.clamp(square.abs(), min=1e-8))  # where r = 0 the quotient is s up to 1e-8
    even = torch.where(square > 0, torch.cosh(s * r), torch.cos(s * r))
    odd = torch.where(square > 0, torch.sinh(s * r), torch.sin(s * r)) / r
    return torch.exp(-s * t) * (even * eye - odd * (B - t * eye))


def exact_transition(B, C, h):
    """E = exp(-h B) and Q = C - E C E^T: the law of X(h) given X(0) = x is N(E x, Q), if dX = -B X dt + ... keeps N(0, C).   B, C: (2, 2)."""
    E = plane_exponential(B, h)
    return E, C - E @ C @ E.mT


def euler_transition(B, C, h):
    """E = I - h B and Q = 2 h I: the same for one step of Euler-Maruyama, which knows nothing of C."""
    a_number(h, "h", above=0)
    eye = torch.eye(2, dtype=B.dtype, device=B.device)
    return eye - h * B, 2 * h * eye


def plane_root(Q):
    """The lower triangular R with R R^T = Q, for a covariance Q (2, 2), also a singular one; plain operations. Raises TypeError, ValueError."""
    if a_tensor(Q, "Q").shape != (2, 2):
        raise ValueError(f"Q has shape {tuple(Q.shape)}; expected (2, 2).")
    first = torch.sqrt(torch.clamp(Q[0, 0], min=0))
    across = Q[1, 0] / torch.clamp(first, min=1e-12)
    second = torch.sqrt(torch.clamp(Q[1, 1] - across**2, min=0))
    return torch.stack([torch.stack([first, 0 * first]), torch.stack([across, second])])


def ellipse(C, n=60):
    """The points x with <x, C^-1 x> = 1, at n angles: (n, 2).   C: (2, 2), a covariance."""
    root = plane_root(C)
    angle = torch.arange(a_count(n, "n", least=3), dtype=C.dtype, device=C.device) * (2 * math.pi / n)
    return torch.stack([angle.cos(), angle.sin()], -1) @ root.mT


def cloud_and_covariance(z, xi, E, Q):
    """x' = E x + Q^1/2 xi for the rows of a cloud, and C' = E C E^T + Q for the covariance that infinitely many would have.

    z: (n + 2, 2): n points, then the two rows of C; xi like z. Raises TypeError, ValueError.
    """
    if a_cloud(z, "z", d=2).shape[-2] < 3 or a_tensor(xi, "xi").shape != z.shape:
        raise ValueError(f"z and xi have shapes {tuple(z.shape)}, {tuple(xi.shape)}; expected (n + 2, 2) both: points, then a covariance.")
    root = plane_root(Q)
    return torch.cat([z[:-2] @ E.mT + xi[:-2] @ root.mT, E @ z[-2:] @ E.mT + Q])
