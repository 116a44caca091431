"""Laws on the line, with what quantization asks of them: a cdf, the mean and the second moment
below a point, quantiles.

Plain operations on tensors of any shape, borders at +-infinity included: everything exports.
"""

import math
from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch

from companion.hints import Number, an_instance, checked
from companion.inputs import a_number, a_tensor, concrete_value


class Law(NamedTuple):
    """A law on (lo, hi). density f(s), cdf F(s), partial M(s) = int_{r < s} r df, quantile Q(u);
    second = E X^2, gap = E|X - X'|, mean = E X.

    tail: 1 - F(s) with all digits where it is small, or None for a law whose density does not
    vanish above.
    """

    density: Callable
    cdf: Callable
    partial: Callable
    quantile: Callable
    mean: float | torch.Tensor
    second: float | torch.Tensor
    gap: float | torch.Tensor
    lo: float
    hi: float
    tail: Callable | None = None


a_law = an_instance(Law, "a Law: GAUSSIAN, UNIFORM or tilted(0.5)")


OnLine = Annotated[Law, a_law]


@checked
def tilted(tilt: Number = 0.0) -> Law:
    """The law of density 1 + tilt (2 s - 1) on [0, 1]; tilt in [-1, 1], a number or a 0-d tensor;
    0 is the uniform law.

    F = s + tilt (s^2 - s), and Q solves this quadratic equation. Raises TypeError, ValueError.
    """
    a = a_number(tilt, "tilt", least=-1, most=1)

    def density(s):
        return torch.where((s >= 0) & (s <= 1), 1 + a * (2 * s - 1), 0.0)

    def cdf(s):
        s = _in_unit(s)
        return s + a * (s * s - s)

    def partial(s):
        s = _in_unit(s)
        return s * s * (1 - a) / 2 + 2 * a * s**3 / 3

    def quantile(u):
        u = _levels(u)
        # of the two forms of the solution the one without cancellation
        root = ((1 - a) ** 2 + 4 * a * u).clamp(min=0).sqrt() + (1 - a)
        return _in_unit(torch.where(u > 0, 2 * u / torch.where(u > 0, root, 1.0), 0.0))

    squares = (1 - a) ** 2 / 3 + a * (1 - a) / 2 + a * a / 5  # int F^2
    return Law(density, cdf, partial, quantile, (3 + a) / 6, (1 - a) / 3 + a / 2,
               2 * (0.5 - a / 6 - squares), 0.0, 1.0)


def _in_unit(s):
    """s.clamp(0, 1), which the exporter of live figures fuses with the next clamp and then loses
    the bounds of."""
    return torch.where(s < 0, 0.0, torch.where(s > 1, 1.0, s))


def _normal_density(s):
    return torch.exp(-s * s / 2) / math.sqrt(2 * math.pi)


def _normal_cdf(s):
    return torch.where(s < 0, torch.special.erfc(-s / math.sqrt(2)),
                       1 + torch.erf(s / math.sqrt(2))) / 2


def _normal_quantile(u):
    """An approximation to three digits (Winitzki, 2008), then Halley's steps of order three;
    levels 0 and 1 give -inf and inf.

    Computed for the smaller of u and 1 - u: no digits are lost in the lower tail.
    """
    u = _levels(u)
    tail = torch.minimum(u, 1 - u)
    inner = tail.clamp(min=torch.finfo(u.dtype).tiny)
    log = (4 * inner * (1 - inner)).log()
    half = 2 / (math.pi * 0.147) + log / 2
    s = -((half * half - log / 0.147).sqrt() - half).clamp(min=0).sqrt() * math.sqrt(2)
    for _ in range(3):
        newton = (torch.special.erfc(-s / math.sqrt(2)) / 2 - inner) / _normal_density(s)
        s = s - newton / (1 + s * newton / 2)
    s = torch.where(tail > 0, s, -math.inf)
    return torch.where(u <= 0.5, s, -s)


def _levels(u):
    if concrete_value(lambda: ((u < 0) | (u > 1)).any(), a_tensor(u, "u")):
        raise ValueError("u has entries outside [0, 1]; expected levels of a quantile function.")
    return u


UNIFORM = tilted(0.0)
GAUSSIAN = Law(_normal_density, _normal_cdf, lambda s: -_normal_density(s), _normal_quantile, 0.0,
               1.0, 2 / math.sqrt(math.pi),
               -math.inf, math.inf, lambda s: _normal_cdf(-s))
