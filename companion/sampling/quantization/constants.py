"""The numbers that quantization is compared with: moments of cells, codebooks drawn at random,
samples and their matchings.

Cells: Fejes Toth, Lagerungen in der Ebene (1953); Graf and Luschgy, LNM 1730 (2000). Matchings:
Ambrosio, Stra and Trevisan, PTRF 173 (2019).
"""

import math
from functools import partial
from typing import Annotated

from companion.hints import Count, checked
from companion.inputs import a_count, a_number

Sides = Annotated[int, partial(a_count, least=3)]
TwoOrMore = Annotated[int, partial(a_count, least=2)]
OneOrTwo = Annotated[int, partial(a_number, least=1, most=2)]


@checked
def ball_volume(d: Count) -> float:
    """omega_d = pi^{d/2} / Gamma(1 + d/2), the volume of the unit ball of R^d. A float.
    Raises TypeError, ValueError."""
    return math.exp(_log_volume(d))


def _log_volume(d):
    return d / 2 * math.log(math.pi) - math.lgamma(1 + d / 2)


@checked
def polygon_moment(sides: Sides) -> float:
    """(1 + tan(a)^2/3) / (2 s tan(a)), a = pi/s: int |x|^2 over the regular polygon of s sides and
    area 1, about its centre. A float.

    Triangle 0.19245, square 1/6, hexagon 5/(18 sqrt 3) = 0.16038;
    it tends to the disc's 1/(2 pi) = 0.15915. Raises TypeError, ValueError.
    """
    a = math.pi / sides
    return (1 + math.tan(a) ** 2 / 3) / (2 * sides * math.tan(a))


@checked
def cube_moment(d: Count) -> float:
    """d/12, int |x|^2 over the cube of volume 1 in R^d: n^{2/d} W2^2 of a cubic lattice. A float.
    Raises TypeError, ValueError."""
    return d / 12


@checked
def ball_moment(d: Count) -> float:
    """d/(d+2) omega_d^{-2/d}, int |x|^2 over the ball of volume 1 in R^d: no cell has less.
    A float. Raises TypeError, ValueError."""
    return d / (d + 2) * math.exp(-2 / d * _log_volume(d))


@checked
def random_codebook(d: Count) -> float:
    """Gamma(1 + 2/d) omega_d^{-2/d}, the limit of n^{2/d} E min_i |x - X_i|^2 for n points
    X_i uniform in volume 1. A float.

    n P(|x - X_i| < r) = n omega_d r^d, so n omega_d min_i |x - X_i|^d is exponential in the limit.
    Raises TypeError, ValueError.
    """
    return math.gamma(1 + 2 / d) * math.exp(-2 / d * _log_volume(d))


@checked
def sample_error(n: Count) -> float:
    """1/(6 n), E W2^2 between n independent points of U[0, 1] and the law: exact. A float.
    Raises TypeError, ValueError."""
    return 1 / (6 * n)


@checked
def sample_matching(n: Count) -> float:
    """1/(3 (n + 1)), E W2^2 between two independent samples of n points of U[0, 1]: exact. A float.
    Raises TypeError, ValueError."""
    return 1 / (3 * (n + 1))


@checked
def plane_matching(n: TwoOrMore, *, samples: OneOrTwo = 2) -> float:
    """samples log(n) / (4 pi n), the leading term of E W2^2 of n points,
    uniform in the unit square, to the law (1) or to n others (2).

    Ajtai, Komlos and Tusnady, Combinatorica 4 (1984); the constant: Ambrosio,
    Stra and Trevisan (2019). Raises TypeError, ValueError.
    """
    return samples * math.log(n) / (4 * math.pi * n)
