"""Transport on the line: quantile functions, that is sorting. Plain operations: it exports (searchsorted only where sizes or weights differ)."""

import torch

from companion.inputs import a_tensor, has_values
from companion.transport.shares import shares


def line_w2_squared(x, y, a=None, b=None):
    """W2^2 on the line, the integral over (0, 1) of |Q_x(u) - Q_y(u)|^2 for the quantile functions Q.

    x: (..., n), y: (..., m) numbers (not clouds: a cloud's coordinate is x[..., 0]); weights a (..., n), b (..., m) -> (...).
    Equal sizes without weights: sort both. Raises TypeError, ValueError.
    """
    _a_line(x, "x")
    _a_line(y, "y")
    if a is None and b is None and x.shape[-1] == y.shape[-1]:
        return (x.sort(-1).values - y.sort(-1).values).square().mean(-1)
    (x, F), (y, G) = _sorted_line(x, a, "a"), _sorted_line(y, b, "b")
    batch = torch.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    levels = torch.cat([F.expand(*batch, -1), G.expand(*batch, -1)], -1).sort(-1).values
    steps = torch.diff(levels, dim=-1, prepend=torch.zeros_like(levels[..., :1]))
    gaps = (_at_level(x, F, levels) - _at_level(y, G, levels)).square()  # constant from the level before, excluded, to this one
    return (steps * gaps).sum(-1)


def quantile(x, u, a=None):
    """Q(u) = min {x_i : weight of the points <= x_i is at least u}.   x: (..., n), u: (..., k) in [0, 1], a: (..., n) -> (..., k)."""
    _a_line(x, "x")
    if has_values(a_tensor(u, "u")) and ((u < 0) | (u > 1)).any():
        raise ValueError("u has entries outside [0, 1]; expected levels of a quantile function.")
    if u.ndim == 0:
        raise ValueError("u has shape (); expected levels (..., k): one level is u[None].")
    return _at_level(*_sorted_line(x, a, "a"), u)


def rearrangement(x, y):
    """The optimal coupling of two clouds of one size on the line: row i is the y of the same rank as x_i.   x, y: (..., n) -> (..., n)."""
    _a_line(x, "x")
    if _a_line(y, "y").shape[-1] != x.shape[-1]:
        raise ValueError(f"x and y have {x.shape[-1]} and {y.shape[-1]} points; expected one size: quantile() compares unequal sizes.")
    ranks = x.argsort(-1).argsort(-1)  # the stable sort has no ONNX operation
    batch = torch.broadcast_shapes(x.shape, y.shape)
    return y.sort(-1).values.expand(batch).gather(-1, ranks.expand(batch))


def _a_line(x, name):
    if a_tensor(x, name).ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected at least one number: (..., n).")
    return x


def _sorted_line(x, w, name):
    """Points in order, and the weight up to each of them."""
    n = x.shape[-1]
    if w is None:
        return x.sort(-1).values, torch.arange(1, n + 1, dtype=x.dtype, device=x.device) / n
    w = shares(w, x, name)
    batch = torch.broadcast_shapes(x.shape, w.shape)
    x, order = x.expand(batch).sort(-1)
    return x, w.expand(batch).gather(-1, order).cumsum(-1)


def _at_level(x, F, u):
    """The first x (in order) whose cumulated weight F reaches u."""
    batch = torch.broadcast_shapes(x.shape[:-1], u.shape[:-1])
    x, F, u = x.expand(*batch, -1), F.to(u.dtype).expand(*batch, -1).contiguous(), u.expand(*batch, -1).contiguous()
    return x.gather(-1, torch.searchsorted(F, u).clamp(max=x.shape[-1] - 1))
