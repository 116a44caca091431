"""Checks of means and covariances. Values are looked at only where there are values:
inside an exported graph only shapes are."""

from typing import Annotated

import torch

from companion.inputs import a_tensor, alike, has_values


def a_gaussian(p, name):
    """Return (mean, covariance), checked. Raises TypeError, ValueError."""
    if not isinstance(p, tuple) or len(p) != 2:
        raise TypeError(f"{name} is a {type(p).__name__}; expected a pair (mean, covariance): "
                        "Gaussian(mean, covariance).")
    mean, covariance = a_tensor(p[0], f"{name}'s mean"), a_tensor(p[1], f"{name}'s covariance")
    if mean.ndim != 1 or mean.shape[0] == 0 or covariance.shape != mean.shape * 2:
        shapes = f"shapes {tuple(mean.shape)} and {tuple(covariance.shape)}"
        raise ValueError(f"{name} has mean and covariance of {shapes}; expected (d,) and (d, d).")
    alike({f"{name}'s mean": mean, f"{name}'s covariance": covariance})
    return mean, a_covariance(covariance, f"{name}'s covariance")


Law = Annotated[tuple, a_gaussian]  # (mean, covariance), a pair or a Gaussian


def two_gaussians(p, q, *, definite=False):
    """Return p and q, checked, of one dimension. Raises TypeError, ValueError."""
    p, q = a_gaussian(p, "p"), a_gaussian(q, "q")
    if p[0].shape != q[0].shape:
        raise ValueError(f"p and q live in dimensions {len(p[0])} and {len(q[0])}; expected one "
                         "dimension for both.")
    alike({"p": p[0], "q": q[0]})
    if definite:
        definite_covariance(p[1], "p's covariance")
        definite_covariance(q[1], "q's covariance")
    return p, q


def a_symmetric(C, name):
    """Return C, a symmetric matrix (..., d, d). Raises TypeError, ValueError."""
    a_tensor(C, name)
    if C.ndim < 2 or C.shape[-1] != C.shape[-2] or C.numel() == 0:
        raise ValueError(f"{name} has shape {tuple(C.shape)}; expected a square matrix (..., d, "
                         "d).")
    if has_values(C) and not torch.allclose(C, C.mT, rtol=1e-4, atol=1e-6 * C.abs().max().item()):
        raise ValueError(f"{name} is not symmetric; expected C = C^T: use (C + C.mT) / 2.")
    return C


def a_covariance(C, name):
    """Return C, symmetric without negative eigenvalue. Raises TypeError, ValueError."""
    if has_values(a_symmetric(C, name)):
        values = torch.linalg.eigvalsh(C.detach())
        if (values[..., 0] < -_roundoff(C) * values[..., -1].abs()).any():
            raise ValueError(f"{name} has the eigenvalue {values.min().item():.3g}; expected none "
                             "below 0.")
    return C


def definite_covariance(C, name):
    """Return C, symmetric with positive eigenvalues. Raises TypeError, ValueError."""
    values = torch.linalg.eigvalsh(a_covariance(C, name).detach())
    if (values[..., 0] <= _roundoff(C) * values[..., -1]).any():
        least = values.min().item()
        raise ValueError(f"{name} is singular (eigenvalue {least:.3g}); expected a positive "
                         "definite matrix: add a small multiple of I.")
    return C


def _roundoff(C):
    return 4 * C.shape[-1] * torch.finfo(C.dtype).eps


def of_shape(value, name, shape):
    """Return value, a tensor of this shape. Raises TypeError, ValueError."""
    if a_tensor(value, name).shape != shape:
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected {tuple(shape)}.")
    return value
