"""Transport on the line: quantile functions, that is sorting. Plain operations:
it exports (searchsorted only where sizes or weights differ)."""

import torch

from companion.hints import Tensor, checked
from companion.inputs import batch, has_values
from companion.transport.weights import normalised_weights


@checked
def line_w2_squared(x: Tensor, y: Tensor, a: Tensor | None = None,
                    b: Tensor | None = None) -> Tensor:
    """W2^2 on the line, the integral over (0, 1) of |Q_x(u) - Q_y(u)|^2 for the quantile functions
    Q.

    x: (..., n), y: (..., m) numbers (not clouds: a cloud's coordinate is x[..., 0]);
    weights a (..., n), b (..., m) -> (...).
    Equal sizes without weights: sort both. Raises TypeError, ValueError.
    """
    _a_line(x, "x")
    _a_line(y, "y")
    _batch(x, y)
    if a is None and b is None and x.shape[-1] == y.shape[-1]:
        return (x.sort(-1).values - y.sort(-1).values).square().mean(-1)
    (p, F), (q, G) = _sorted_line(x, a, "a"), _sorted_line(y, b, "b")
    leading = _batch(p, q)
    levels = torch.cat([F.expand(*leading, -1), G.expand(*leading, -1)], -1).sort(-1).values
    steps = torch.diff(levels, dim=-1, prepend=torch.zeros_like(levels[..., :1]))
    # constant from the level before, excluded, to this one
    gaps = (_at_level(p, F, levels) - _at_level(q, G, levels)).square()
    return (steps * gaps).sum(-1).to(x)


@checked
def quantile(x: Tensor, u: Tensor, a: Tensor | None = None) -> Tensor:
    """Q(u) = min {x_i : weight of the points <= x_i is at least u}.   x: (..., n), u:
    (..., k) in [0, 1], a: (..., n) -> (..., k).

    A level within rounding of a point's counts as that point's, so that u = k / n means the
    k-th of n points in every dtype.
    """
    _a_line(x, "x")
    if u.ndim == 0:
        raise ValueError("u has shape (); expected levels (..., k): one level is u[None].")
    if has_values(u) and ((u < 0) | (u > 1)).any():
        raise ValueError("u has entries outside [0, 1]; expected levels of a quantile function.")
    _batch(x, u, names=("x", "u"))
    return _at_level(*_sorted_line(x, a, "a"), u.double() * (1 - 4 * torch.finfo(u.dtype).eps))


@checked
def rearrangement(x: Tensor, y: Tensor) -> Tensor:
    """The optimal coupling of two clouds of one size on the line: row i is the y of the same rank
    as x_i.   x, y: (..., n) -> (..., n)."""
    _a_line(x, "x")
    if _a_line(y, "y").shape[-1] != x.shape[-1]:
        raise ValueError(f"x and y have {x.shape[-1]} and {y.shape[-1]} points; expected one "
                         "size: quantile() compares unequal sizes.")
    ranks = x.argsort(-1).argsort(-1)  # the stable sort has no ONNX operation
    shape = batch((x.shape, "x"), (y.shape, "y"))
    return y.sort(-1).values.expand(shape).gather(-1, ranks.expand(shape))


def _a_line(x, name):
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected at least one number: (..., "
                         "n).")
    return x


def _batch(x, y, names=("x", "y")):
    return batch((x.shape[:-1], f"the batch of {names[0]}"),
                 (y.shape[:-1], f"the batch of {names[1]}"))


def _sorted_line(x, w, name):
    """Points in order, and the weight up to each of them, added in float64."""
    n = x.shape[-1]
    if w is None:
        return x.sort(-1).values, torch.arange(1, n + 1, dtype=torch.float64, device=x.device) / n
    w = normalised_weights(w, x.double(), name)
    shape = batch((x.shape, "x"), (w.shape, name))
    x, order = x.expand(shape).sort(-1)
    return x, w.expand(shape).gather(-1, order).cumsum(-1)


def _at_level(x, F, u):
    """The first x (in order) whose cumulated weight F reaches u, up to the rounding of the n terms
    of F."""
    leading = torch.broadcast_shapes(x.shape[:-1], u.shape[:-1])
    u = u - 2 * x.shape[-1] ** 0.5 * torch.finfo(F.dtype).eps
    x, F, u = (
        x.expand(*leading, -1),
        F.expand(*leading, -1).contiguous(),
        u.expand(*leading, -1).contiguous(),
    )
    return x.gather(-1, torch.searchsorted(F, u).clamp(max=x.shape[-1] - 1))
