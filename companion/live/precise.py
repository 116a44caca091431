"""Functions that a graph's operations lack, or have with fewer digits than torch: made of plain operations, as decompositions for the tracer."""

import math

import torch

# Chebyshev interpolation polynomials, in powers: of erf(x) / x in 2 x^2 - 1, and of (1 + 2 x) exp(x^2) erfc(x) in (x - 4) / (x + 4)
SMALL = (
    0.9654687386698677, -0.14053608902271736, 0.019852496688956323, -0.002285485561140351,
    0.00021751715631768143, -1.7537169479867984e-05, 1.2233818358353687e-06, -7.511555940216871e-08,
    4.11694145441288e-09, -2.0369839148770544e-10, 8.692306134131892e-12, -3.0316490059097606e-13)
SCALED = (
    1.2329951186255517, -0.13962111684056364, 0.0153796521028612, 0.06809705425481861,
    -0.1010390660491848, 0.09373283499547043, -0.06633036554104806, 0.03716751556373829,
    -0.016197736970121095, 0.005031969863392094, -0.0007577550900652894, -0.00019925647791925295,
    0.00015055046532573443, -2.4399114395944616e-05, -1.1040495694064938e-05, 5.708366541269819e-06,
    -1.2233023769711417e-08, -8.224757396932307e-07, 4.129480485383367e-07, 1.0693197579888739e-07,
    -2.536313182995112e-07, -1.2445421179680654e-08, 9.566354685628649e-08, 9.258594790734188e-10,
    -1.6247123481370845e-08)


def expm1(x):
    """exp(x) - 1 with all its digits from exp and log alone: a graph has no operation of this name, and exp(x) - 1 loses them near 0.

    Kahan's way: with u = exp(x) as it is rounded, (u - 1) (x / log(u)). Higham, Accuracy and Stability of Numerical Algorithms, section 1.14.1.
    """
    u = x.exp()
    inside = torch.where(u - 1 == -1, u - 1, (u - 1) * (x / u.log()))
    return torch.where(u == 1, x, torch.where(torch.isinf(u), u, inside))


def log1p(x):
    """log(1 + x) likewise: with u = 1 + x as it is rounded, log(u) (x / (u - 1))."""
    u = 1 + x
    return torch.where(u == 1, x, torch.where(torch.isinf(u), u, u.log() * (x / (u - 1))))


def softplus(x, beta=1, threshold=20):
    """log(1 + exp(beta x)) / beta, and x beyond the threshold, as torch has it."""
    return torch.where(beta * x > threshold, x, log1p((beta * x).exp()) / beta)


def log10(x):
    """log(x) / log(10): the exporter's own takes log(10) as a float32."""
    return x.log() / math.log(10)


def log2(x):
    """log(x) / log(2), likewise."""
    return x.log() / math.log(2)


def erf(x):
    """erf(x): x q(2 x^2 - 1) to |x| = 1, beyond it 1 - erfc. In float32 the runtime has its own."""
    if x.dtype != torch.float64:
        return NotImplemented
    inner = x * _polynomial(SMALL, 2 * x.clamp(-1, 1).square() - 1)
    return torch.where(x.abs() <= 1, inner, torch.where(x > 0, 1 - erfc(x), erfc(-x) - 1))


def erfc(x):
    """1 - erf(x) with all digits of its tail: for x >= 0 it is exp(-x^2) p(t) / (1 + 2 x), t = (x - 4) / (x + 4).

    p interpolates (1 + 2 x) exp(x^2) erfc(x) at Chebyshev points. Shepherd and Laframboise, Math. Comp. 36 (1981) 249-253.
    """
    y = x.abs().clamp(max=30)  # there it is 0 in float64; at infinity t would be NaN
    tail = (-y * y).exp() * _polynomial(SCALED, (y - 4) / (y + 4)) / (1 + 2 * y)
    return torch.where(x < 0, 2 - tail, tail)


def _polynomial(coefficients, t):
    """Horner's rule, lowest coefficient first."""
    value = torch.full_like(t, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = value * t + c
    return value


def mean(x, dim=None, keepdim=False, *, dtype=None):
    """The mean in another dtype: the exporter would sum in the old one and convert the result."""
    return NotImplemented if dtype is None else x.to(dtype).mean(dim, keepdim)


PRECISE = {torch.ops.aten.expm1.default: expm1, torch.ops.aten.log1p.default: log1p, torch.ops.aten.softplus.default: softplus,
           torch.ops.aten.log10.default: log10, torch.ops.aten.log2.default: log2, torch.ops.aten.mean.dim: mean,
           torch.ops.aten.erf.default: erf, torch.ops.aten.special_erfc.default: erfc, torch.ops.aten.erfc.default: erfc}
