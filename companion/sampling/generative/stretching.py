"""Maps that make laws, and how much they stretch: one bump into two, layers whose determinant
is known, densities along a flow.

A map T carries the density p to p(T^-1 y) / |det DT(T^-1 y)|. A layer of a normalising flow
is a map whose determinant is cheap.
Sources: Salmona et al., NeurIPS 2022 (stretching); Dinh, Sohl-Dickstein and Bengio,
ICLR 2017 (coupling layers); Rezende and Mohamed, ICML 2015 (planar layers); Chen et al.,
NeurIPS 2018 (densities along a flow).
"""

from collections.abc import Callable

import torch

from companion.energies import grad
from companion.hints import Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import concrete_value, like
from companion.sampling.generative.matching import Time, a_time


@checked
def bumps_velocity(t: Time, x: Tensor, m: NonNegative, s: Positive) -> torch.Tensor:
    """The flow-matching velocity from N(0, 1) to two bumps, N(-m, s^2) and N(m, s^2) of weight 1/2,
    independent, coordinate by coordinate:

    v = [(t s^2 - (1 - t)) x + (1 - t) m tanh(t m x / g)] / g,  g = (1 - t)^2 + t^2 s^2.   x:
    any shape; m >= 0, s > 0: numbers, or sliders.
    """
    t = a_time(t, x)
    g = _middle_variance(t, s)
    return ((t * s**2 - (1 - t)) * x + (1 - t) * m * torch.tanh(t * m * x / g)) / g


@checked
def bumps_cdf(y: Tensor, m: NonNegative, s: Positive) -> torch.Tensor:
    """F(y) = (Phi((y + m) / s) + Phi((y - m) / s)) / 2, the distribution function of the two
    bumps.   y: any shape."""
    return (torch.special.ndtr((y + m) / s) + torch.special.ndtr((y - m) / s)) / 2


@checked
def log_middle_slope(t: Tensor, m: NonNegative, s: Positive) -> torch.Tensor:
    """log T_t'(0) = log(g) / 2 + t^2 m^2 / (2 g), g = (1 - t)^2 + t^2 s^2, T_t the flow map
    of `bumps_velocity` up to time t.

    At t = 1 it is log s + m^2 / (2 s^2): no map of any N(0, I_d) to the two bumps has a smaller
    Lipschitz constant.   t: a tensor.
    """
    g = _middle_variance(t, s)
    return g.log() / 2 + t.square() * m**2 / (2 * g)


@checked
def with_log_det(v: Function) -> Callable:
    """The field (v, div v) on points (x, l): along a flow line l grows by log det of the flow map,
    so that log p_t(x_t) = log p_0(x_0) - (l_t - l_0).

    v(t, x) -> like x, on points (..., d), each for itself; the result acts on (..., d + 1).
    """

    @checked
    def field(t: Time, z: Tensor) -> torch.Tensor:
        if z.ndim == 0 or z.shape[-1] < 2:
            raise ValueError(f"z has shape {tuple(z.shape)}; expected points (..., d + 1), the "
                             "last entry the logarithm.")
        x = z[..., :-1]
        slopes = [
            grad(lambda y, i=i: like(v(t, y), y, "v(t, x)")[..., i], x)[..., i]
            for i in range(x.shape[-1])
        ]
        return torch.cat([v(t, x), sum(slopes)[..., None]], -1)

    return field


@checked
def coupling_layer(x: Tensor, scale: Function, shift: Function) -> tuple:
    """(y, log det): the first half of the coordinates stays, the second becomes exp(scale(first))
    second + shift(first); log det = sum scale.

    x: (..., d), d >= 2; scale, shift: (..., d // 2) -> (..., d - d // 2).   Raises TypeError,
    ValueError.
    """
    first, second, log_scale, moved = _halves(x, scale, shift, "x")
    return torch.cat([first, log_scale.exp() * second + moved], -1), log_scale.sum(-1)


@checked
def coupling_inverse(y: Tensor, scale: Function, shift: Function) -> torch.Tensor:
    """The x with coupling_layer(x, scale, shift)[0] = y: the networks scale and shift need
    no inverse.   y: (..., d)."""
    first, second, log_scale, moved = _halves(y, scale, shift, "y")
    return torch.cat([first, (second - moved) * torch.exp(-log_scale)], -1)


@checked
def planar_layer(x: Tensor, u: Tensor, w: Tensor, b: Number) -> tuple:
    """(y, log det): y = x + u tanh(<w, x> + b), det = 1 + <u, w> / cosh^2(<w, x> + b).   x:
    (..., d), u, w: (d,), b: a number.

    One to one exactly if <u, w> >= -1, whatever b; else ValueError. At -1 the log det may be -inf.
    Raises TypeError.
    """
    for vector, name in ((u, "u"), (w, "w")):
        if vector.ndim != 1 or x.shape[-1:] != vector.shape:
            raise ValueError(f"{name} has shape {tuple(vector.shape)}; expected "
                             f"({x.shape[-1] if x.ndim else 'd'},), a vector of x's space.")
    inner = concrete_value(lambda: u @ w, u)
    if inner is not None and inner < -1:
        raise ValueError(f"<u, w> = {inner:.3g}; expected at least -1: below it the layer folds "
                         "space, two points go to one.")
    h = torch.tanh(x @ w + b)
    return x + u * h[..., None], torch.log1p((u @ w) * (1 - h.square()))


def _halves(x, scale, shift, name):
    if x.ndim == 0 or x.shape[-1] < 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected points (..., d) of at "
                         "least two coordinates.")
    first, second = x.tensor_split([x.shape[-1] // 2], -1)
    return (
        first,
        second,
        *(
            like(f(first), second, f"{word}(first)")
            for f, word in ((scale, "scale"), (shift, "shift"))
        ),
    )


def _middle_variance(t, s):
    """(1 - t)^2 + t^2 s^2, the variance of either half on the way."""
    return (1 - t).square() + t.square() * s**2
