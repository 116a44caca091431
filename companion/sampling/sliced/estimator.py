"""The Monte Carlo estimator of SW2^2 one direction at a time:
step k adds the (k+1)-st to R independent estimates. Maps for `iterate`.

The laws are a `Pair` of Gaussians of R^D, looked at in their first d coordinates.
State z (R, D+1, D): rows 0..D-1 are the current frame, the last row begins with the sum of the
slices so far (equispaced: row 0 is the first of the directions). Noise like the state;
only its first row is used.
"""

import math
from typing import Annotated, NamedTuple

import torch

from companion.gaussians import Gaussian
from companion.hints import Count, Device, Dtype, NonNegative, Number, Positive, Tensor, an_instance, checked
from companion.inputs import a_number
from companion.sampling.sliced.closed_forms import (
    spiked_gaussians,
    translates,
    unchecked_gaussian_slices,
)
from companion.sampling.sliced.directions import iid, turned

MOST = 64  # directions of the equispaced rule


class Pair(NamedTuple):
    """Two Gaussians of R^D, and SW2^2 between their first d coordinates, for d = 1..D."""

    p: Gaussian
    q: Gaussian
    value: torch.Tensor  # (D,)


a_pair = an_instance(Pair, "a Pair: translated_pair(16)")


APair = Annotated[Pair, a_pair]


@checked
def translated_pair(D: Count, *, dtype: Dtype = torch.float64, device: Device = None) -> Pair:
    """N(0, I) and its translate by the first unit vector: SW2^2 = 1/d."""
    eye = torch.eye(D, dtype=dtype, device=device)
    value = torch.stack([translates(eye[0, :d]).sw2_squared for d in range(1, D + 1)])
    return Pair(Gaussian(0 * eye[0], eye), Gaussian(eye[0], eye), value)


@checked
def spiked_pair(D: Count, *, a: Positive = 4.0, c: NonNegative = 2.25, dtype: Dtype = torch.float64,
                device: Device = None) -> Pair:
    """N(0, diag(a, 1, ..., 1)) and N(0, c I)."""
    eye = torch.eye(D, dtype=dtype, device=device)
    value = torch.tensor([spiked_gaussians(a, c, d) for d in range(1, D + 1)], dtype=dtype,
                         device=device)
    return Pair(Gaussian(0 * eye[0], eye + (a - 1) * torch.diag(eye[0])),
                Gaussian(0 * eye[0], c * eye), value)


@checked
def add_iid(k: NonNegative, z: Tensor, xi: Tensor, pair: APair, d: Number) -> torch.Tensor:
    """One more independent direction of R^d for each estimate."""
    new = iid(_first(xi, z, pair, d))
    return _added(z, z[..., :-1, :], new, pair)


@checked
def add_frame(k: NonNegative, z: Tensor, xi: Tensor, pair: APair, d: Number) -> torch.Tensor:
    """The next row of an orthonormal frame of R^d, a new frame after every d steps:
    one step of Gram-Schmidt (done twice)."""
    new, rows = _first(xi, z, pair, d), z[..., :-1, :]
    row, place = torch.arange(z.shape[-1], device=z.device)[:, None], k % d
    done = torch.where(row < place, rows, 0)
    for _ in range(2):
        new = new - (new @ done.mT) @ done
    return _added(z, torch.where(row == place, iid(new), rows), iid(new), pair)


@checked
def add_equispaced(k: NonNegative, z: Tensor, xi: Tensor, pair: APair, d: Number) -> torch.Tensor:
    """The k+1 directions of the plane that divide half a turn evenly, whatever d is;
    the first is drawn at k = 0."""
    first = torch.where(torch.as_tensor(k, device=z.device) == 0, iid(_first(xi, z, pair, 2)),
                        z[..., :1, :])
    j = torch.arange(MOST, dtype=z.dtype, device=z.device)
    angle = j * (math.pi / (k + 1))
    fan = turned(first[..., :2], torch.stack([angle.cos(), angle.sin()], -1))
    slices = unchecked_gaussian_slices(pair.p, pair.q,
                                       torch.nn.functional.pad(fan, (0, z.shape[-1] - 2)))
    total = torch.where(j <= k, slices, 0).sum(-1)[..., None, None] * _unit(z)
    return torch.cat([first, z[..., 1:-1, :], total], -2)


@checked
def estimates(z: Tensor, pair: APair, *, k: NonNegative, d: Number) -> torch.Tensor:
    """The R estimates after k steps, divided by the true value in dimension d: (R,);
    zero before the first step."""
    _fits(z, pair, d)
    place = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype, device=z.device)
    value = torch.where(place == d, pair.value.to(z), 0).sum()
    return z[..., -1, 0] / torch.clamp(torch.as_tensor(k, dtype=z.dtype, device=z.device),
                                       min=1) / value


def _first(xi, z, pair, d):
    """The first row of the noise, in its first d coordinates: (R, 1, D)."""
    _fits(z, pair, d)
    if xi.shape != z.shape:
        raise ValueError(f"z and xi have shapes {tuple(z.shape)} and {tuple(xi.shape)}; expected "
                         "(R, D + 1, D) both.")
    return torch.where(torch.arange(z.shape[-1], device=z.device) < d, xi[..., :1, :], 0)


def _fits(z, pair, d):
    """The state (R, D + 1, D) has the D and the dtype of the pair, and d is one of its dimensions.
    Raises TypeError, ValueError."""
    D = len(pair.value)
    if z.ndim != 3 or z.shape[-2:] != (D + 1, D):
        raise ValueError(f"z has shape {tuple(z.shape)}; expected (R, D + 1, D) with the pair's D "
                         f"= {D}.")
    if z.dtype != pair.value.dtype:
        raise TypeError(f"z is {z.dtype}; expected {pair.value.dtype}, like the pair: "
                        "z.to(pair.value).")
    a_number(d, "d", least=1, most=D)


def _added(z, rows, new, pair):
    """The state with the slice of the new directions (R, 1, D) added to the sum."""
    slices = unchecked_gaussian_slices(pair.p, pair.q, new)
    return torch.cat([rows, z[..., -1:, :] + slices[..., None] * _unit(z)], -2)


def _unit(z):
    """The first unit vector: (1, D)."""
    return torch.eye(1, z.shape[-1], dtype=z.dtype, device=z.device)
