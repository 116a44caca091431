"""Steepest descent in a norm: the step goes where <grad f, d> is largest among |d| <= 1,
and the norm decides what steep means.

l2 gives gradient descent, linf sign descent, l1 coordinate descent, the operator norm of a matrix
U V^T (Muon without its averages).
Sources: Balles, Pedregosa, Le Roux, The geometry of sign gradient descent (arXiv:2002.08056);
Bernstein, Newhouse, Old optimizer, new norm (arXiv:2409.20325).
"""

import itertools
from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch

from companion.energies import grad
from companion.entries import Points
from companion.hints import Function, Number, Positive, Tensor, an_instance, checked
from companion.inputs import a_tensor, like
from companion.training.momentum.phase import euclidean, ratio
from companion.training.momentum.spectral import polar


class Geometry(NamedTuple):
    """A norm x -> |x|, its dual g -> max <g, d> over |d| <= 1, and a maximiser g -> d.
    On the last axis; `operator` on the last two."""

    norm: Callable
    dual: Callable
    direction: Callable


_a_geometry = an_instance(
    Geometry, "a Geometry: l2, linf, l1, operator, or Geometry(norm, dual, direction)")


def _matrices(x, name="x"):
    if a_tensor(x, name).ndim < 2 or 0 in x.shape[-2:]:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected matrices (..., p, q).")
    return x


AGeometry = Annotated[Geometry, _a_geometry]
Matrices = Annotated[torch.Tensor, _matrices]


@checked
def steepest_step(k: Number, x: Points, *, f: Function, L: Positive, geometry: AGeometry) -> Tensor:
    """x - |g|_* d/L,  g = grad f(x), d = geometry.direction(g): f falls by |g|_*^2/(2 L) or more
    if f is L-smooth in the norm. k unused."""
    g = grad(f, x)
    return x - _on(geometry.dual(g), g) * _direction(geometry, g) / L


@checked
def steepest_flow(t: Number, x: Points, *, f: Function, geometry: AGeometry) -> Tensor:
    """x' = -d, d = geometry.direction(grad f(x)): unit speed in the norm, f falls at the rate |grad
    f|_*. Autonomous: t is not used."""
    return -_direction(geometry, grad(f, x))


@checked
def sup_norm(x: Points) -> Tensor:
    """max_i |x_i|: (...) for (..., d)."""
    return x.abs().amax(-1)


@checked
def sum_norm(x: Points) -> Tensor:
    """sum_i |x_i|: (...) for (..., d)."""
    return x.abs().sum(-1)


@checked
def euclidean_norm(x: Points) -> Tensor:
    """sqrt(sum_i x_i^2): (...) for (..., d)."""
    return euclidean(x)


@checked
def largest_singular_value(x: Matrices) -> Tensor:
    """The operator norm: (...) for matrices (..., p, q)."""
    return torch.linalg.svdvals(x).amax(-1)


@checked
def nuclear_norm(x: Matrices) -> Tensor:
    """The sum of the singular values: (...) for matrices (..., p, q)."""
    return torch.linalg.svdvals(x).sum(-1)


@checked
def unit(g: Points) -> Tensor:
    """g/|g|, and 0 at 0: like g, (..., d)."""
    return ratio(g, euclidean(g)[..., None])


@checked
def largest_coordinate(g: Points) -> Tensor:
    """sign(g_i) e_i for the first i with the largest |g_i|: like g, (..., d)."""
    first = torch.argmax(g.abs(), -1, keepdim=True)
    return torch.sign(g) * (torch.arange(g.shape[-1], device=g.device) == first).to(g.dtype)


l2 = Geometry(euclidean_norm, euclidean_norm, unit)
linf = Geometry(sup_norm, sum_norm, torch.sign)
l1 = Geometry(sum_norm, sup_norm, largest_coordinate)
operator = Geometry(largest_singular_value, nuclear_norm, polar)


@checked
def linf_smoothness(H: Matrices) -> Tensor:
    """max over signs s in {-1, 1}^d of <s, H s>: the smoothness constant of <x, H x>/2 in linf,
    (...) for H (..., d, d) >= 0, d <= 16.

    tr H if H is diagonal, at most d lambda_max. All 2^(d-1) signs are tried; a rotation changes it,
    and changes lambda_max not at all.
    """
    d = H.shape[-1]
    if H.shape[-2] != d or d > 16:
        raise ValueError(f"H has shape {tuple(H.shape)}; expected square matrices (..., d, d) "
                         "with d <= 16.")
    signs = torch.tensor([(1.0, *rest) for rest in itertools.product((1.0, -1.0), repeat=d - 1)],
                         dtype=H.dtype, device=H.device)
    return ((signs @ H) * signs).sum(-1).amax(-1)


@checked
def rotated(curvatures: Tensor, angle: Number) -> Tensor:
    """R diag(curvatures) R^T, R the rotation by angle (radians): (2, 2), for curvatures (2,).
    Its first axis points along the angle."""
    if curvatures.shape != (2,):
        raise ValueError(f"curvatures has shape {tuple(curvatures.shape)}; expected two: (2,).")
    angle = torch.as_tensor(angle, dtype=curvatures.dtype, device=curvatures.device)
    c, s = torch.cos(angle), torch.sin(angle)
    R = torch.stack((torch.stack((c, -s)), torch.stack((s, c))))
    return (R * curvatures) @ R.mT


def _on(number, g):
    """number (...) with the axes it lacks to multiply g."""
    return number.reshape(number.shape + (1,) * (g.ndim - number.ndim))


def _direction(geometry, g):
    return like(geometry.direction(g), g, "geometry.direction(g)")
