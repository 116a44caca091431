"""Half-plane moves: x' = w max(a.x + b, 0). Where a.x + b <= 0 nothing moves;
elsewhere the flow is explicit. A few take any points anywhere.

Source: Ruiz-Balet and Zuazua, Neural ODE control for classification, approximation, and transport,
SIAM Review 65 (2023).
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch

from companion.hints import Cloud, Number, Real, Tensor, checked
from companion.inputs import a_cloud, a_number, same_dimension
from companion.state import of_kind


class Moves(NamedTuple):
    """K moves, one after the other, each for a unit of time: directions w (K, d),
    half-planes a.x + b > 0 with a (K, d), b (K,)."""

    w: torch.Tensor
    a: torch.Tensor
    b: torch.Tensor


@checked
def half_plane(t: Real, x: Tensor, *, w: Tensor, a: Tensor, b: Number) -> torch.Tensor:
    """The field w max(a.x + b, 0), for w, a (d,) and a number b: like x (..., d). Raises TypeError,
    ValueError."""
    _arrows(x, w, a)
    return torch.relu(x @ a + b)[..., None] * w


@checked
def moved(x: Tensor, w: Tensor, a: Tensor, b: Number, T: Number = 1.0) -> torch.Tensor:
    """The exact flow of x' = w max(a.x + b, 0) over time T: x + w max(a.x + b, 0) phi(w.a T) T,
    phi(s) = (e^s - 1) / s.

    x (..., d), w and a (d,), b a number: like x. T may be negative. Raises TypeError, ValueError.
    """
    _arrows(x, w, a)
    return x + torch.relu(x @ a + b)[..., None] * w * T * _phi((w * a).sum(-1) * T)


@checked
def log_volume(x: Tensor, w: Tensor, a: Tensor, b: Number, T: Number = 1.0) -> torch.Tensor:
    """log det of the derivative of `moved`: w.a T where a.x + b > 0, else 0: (...).
    Raises TypeError, ValueError."""
    _arrows(x, w, a)
    return torch.where(x @ a + b > 0, (w * a).sum(-1) * T, torch.zeros_like(x[..., 0]))


def _arrows(x, w, a):
    """w and a (d,) belong to points x (..., d). Raises ValueError."""
    if not x.ndim or not x.numel() or w.shape != x.shape[-1:] or a.shape != x.shape[-1:]:
        shapes = [tuple(v.shape) for v in (x, w, a)]
        raise ValueError(f"x, w, a have shapes {shapes}; expected (..., d), (d,), (d,).")


def a_list_of_moves(moves, name="moves"):
    """Return moves, K >= 1 of them of one dimension. Raises TypeError, ValueError."""
    w, a, b = of_kind(moves, name, kind=Moves)
    if w.ndim != 2 or not w.numel() or a.shape != w.shape or b.shape != w.shape[:1]:
        raise ValueError(f"{name} has shapes {[tuple(v.shape) for v in moves]}; expected (K, d), "
                         "(K, d), (K,).")
    return moves


Listed = Annotated[Moves, a_list_of_moves]


def _phi(s):
    """(e^s - 1) / s, 1 at 0: by its Taylor polynomial where the quotient would lose digits."""
    s = torch.as_tensor(s)
    small = s.abs() < 1e-4
    safe = torch.where(small, torch.ones_like(s), s)
    return torch.where(small, 1 + s / 2 + s * s / 6, torch.expm1(safe) / safe)


@checked
def follow(x: Tensor, moves: Listed) -> torch.Tensor:
    """The states after 0, 1, ..., K moves: (K+1, ..., d). Raises TypeError, ValueError."""
    states = [x]
    for w, a, b in zip(*moves, strict=True):
        states.append(moved(states[-1], w, a, b))
    return torch.stack(states)


@checked
def piecewise(moves: Listed) -> Callable:
    """The field of the moves in their order, move k on [k, k+1) (up to 1e-9): v(t, x),
    for `flow` with steps that end at whole times. Raises TypeError, ValueError."""
    @checked
    def v(t: Number, x: Tensor):
        k = (torch.as_tensor(t) + 1e-9).floor().long().clamp(0, len(moves.b) - 1)
        return half_plane(t, x, w=moves.w[k], a=moves.a[k], b=moves.b[k])

    return v


@checked
def interpolate(x: Cloud, y: Cloud, *, angle: Number = None) -> Moves:
    """Moves that take each point of x (n, 2) to the same row of y (n, 2), exactly:
    n shears along one direction, then n along the other.

    A shear has w.a = 0, so that it keeps areas, and heights below its line.
    In the frame (e, e') turned by `angle` the first n shears bring e'.x to e'.y, with lines between
    the sorted values of e.x; the next n bring e.x to e.y, with lines between the sorted e'.y.
    Each shear is found from the one before. angle: one for which the values e.x and the values
    e'.y are distinct; without it one is found. Raises TypeError, ValueError.
    """
    _points(x, y)
    c, s = _frame(x, y, angle)
    e, f = torch.stack([c, s]), torch.stack([-s, c])
    lift = _shears(x @ e, y @ f - x @ f, e, f)
    slide = _shears(y @ f, y @ e - x @ e, f, e)
    return Moves(*(torch.cat(pair) for pair in zip(lift, slide, strict=True)))


def _points(x, y):
    same_dimension(x, y, ("x", "y"))
    if x.shape != y.shape or x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}, y {tuple(y.shape)}; expected two clouds "
                         "(n, 2) of as many points.")
    for cloud, name in ((x, "x"), (y, "y")):
        if len(torch.unique(a_cloud(cloud), dim=0)) < len(cloud):
            raise ValueError(f"two points of {name} coincide; expected distinct points: a flow "
                             "keeps distinct points distinct.")


def _gap(values):
    return torch.sort(values).values.diff().min() if len(values) > 1 else values.new_tensor(1.0)


def _frame(x, y, angle):
    """cos and sin of the angle, of many the one where the projections are furthest from coinciding.
    """
    if angle is not None:
        angles = x.new_tensor([float(a_number(angle, "angle"))])
    else:
        angles = torch.linspace(0, torch.pi, 181, dtype=x.dtype, device=x.device)[:-1]
    gaps = [
        torch.minimum(
            _gap(x @ torch.stack([u.cos(), u.sin()])), _gap(y @ torch.stack([-u.sin(), u.cos()]))
        )
        for u in angles
    ]
    best = int(torch.stack(gaps).argmax())
    if not gaps[best] > 0:
        raise ValueError(f"angle = {angle}: two points have the same place on a line; expected "
                         "another angle, or none.")
    return angles[best].cos(), angles[best].sin()


def _shears(places, wanted, a, w):
    """n shears along w that add wanted[i] at the point whose a-coordinate is places[i]:
    kinks one before each place, slopes between neighbours."""
    order = torch.argsort(places)
    s, add = places[order], wanted[order]
    before = torch.cat([s[:1] - 1, s[:-1]])
    # of the polygon through the points, the k-th shear bends it at the k-th kink
    slopes = torch.cat([add[:1], add.diff() / s.diff()])
    amplitude = torch.cat([slopes[:1], slopes.diff()])
    return amplitude[:, None] * w, a.expand(len(s), 2), -before
