"""The linear theory of tokens on the circle: which pattern grows first, when noise stops it,
how the transition goes.

rho = (1/2pi) (1 + a cos k theta): a' = (k^2 I_k(beta) / beta - D k^2) a under USA with noise D;
SA divides the first term by I_0(beta).
I_k is the modified Bessel function. Derivation: e^{beta cos u} = I_0 + 2 sum_k I_k cos(k u),
and USA is transport along the gradient of the convolution with e^{beta cos u} / beta.
"""

import math

from scipy.optimize import brentq
from scipy.special import ive

from companion.hints import Count, NonNegative, Number, Positive, checked
from companion.inputs import a_number

MOST = 1e8  # of beta, where the sums over modes have sqrt(beta) terms


@checked
def growth_usa(beta: Number, k: Count, *, noise: NonNegative = 0.0) -> float:
    """k^2 (I_k(beta)/beta - D): the rate of mode k about the uniform law, USA with noise D.
    A float; beta = 0 gives k^2 (1_{k=1}/2 - D)."""
    return _growth(beta, k, noise, lambda beta: math.exp(abs(beta)))


@checked
def growth_sa(beta: Number, k: Count, *, noise: NonNegative = 0.0) -> float:
    """k^2 (I_k(beta)/(beta I_0(beta)) - D): the rate of mode k about the uniform law,
    SA with noise D. A float."""
    return _growth(beta, k, noise, lambda beta: 1 / ive(0, beta))


def _growth(beta, k, noise, factor):
    """k^2 (factor(beta) e^{-|beta|} I_k(beta)/beta - D), and its limit at beta = 0,
    where factor is 1."""
    beta, D = float(beta), float(noise)
    pull = (k == 1) / 2 if beta == 0 else factor(beta) * ive(k, beta) / beta
    return k**2 * (pull - D)


@checked
def k_max(beta: Positive, *, noise: NonNegative = 0.0) -> int:
    """argmax_k k^2 (I_k(beta)/beta - D): the number of clusters that grow first, beta > 0.
    About sqrt(2 beta) without noise."""
    a_number(beta, "beta", most=MOST)
    modes = range(1, 10 + int(2 * math.sqrt(2 * float(beta))))
    # a common factor moves no maximum; I_k itself overflows at beta = 700
    scale = math.exp(-float(beta))
    return max(modes, key=lambda k: k**2 * (ive(k, float(beta)) / float(beta) - scale * noise))


@checked
def mode_transition_beta(k: Count) -> float:
    """The beta at which k_max goes from k to k + 1: k^2 I_k(beta) = (k+1)^2 I_{k+1}(beta). A float,
    about (k + 1/2)^2 / 2."""
    middle = (k + 0.5) ** 2 / 2

    def lead(beta):
        return k**2 * ive(k, beta) - (k + 1) ** 2 * ive(k + 1, beta)

    return brentq(lead, 0.5 * middle, 1.5 * middle, xtol=1e-12)


@checked
def noise_threshold(beta: NonNegative) -> float:
    """D_c = I_1(beta)/beta: above it the uniform law is linearly stable (USA, beta > 0). A float;
    1/2 at beta = 0."""
    return growth_usa(beta, 1)


@checked
def landau_coefficients(beta: Positive, noise: Positive) -> tuple[float, float]:
    """The free energy D int rho log rho - E near the uniform law,
    rho = (1/2pi)(1 + 2 a cos theta + ...): F = F0 + A a^2 + B a^4 + ...

    A = D - I_1/beta,  B = D/2 - D^2 / (4 (D - I_2/beta)). Returns (A, B), floats;
    beta > 0 and D > I_2(beta)/beta.
    """
    beta, D = float(beta), float(noise)
    first, second = noise_threshold(beta), growth_usa(beta, 2) / 4
    if second >= D:
        raise ValueError(f"noise = {D}; expected more than I_2(beta)/beta = {second:.6g}, where "
                         "mode 2 is stable.")
    return D - first, D / 2 - D**2 / (4 * (D - second))


def tricritical_beta() -> float:
    """The beta at which the transition turns discontinuous, B = 0 at D = D_c:
    I_1(beta) = 2 I_2(beta). A float, 2.4469..."""
    return brentq(lambda beta: ive(1, beta) - 2 * ive(2, beta), 1.0, 5.0, xtol=1e-12)


@checked
def attention_modes(beta: Positive) -> float:
    """sqrt(m_4/m_2), m_p = sum_k k^p I_k(beta)^2: expected local maxima of sum_j
    e^{beta cos(theta - theta_j)}, many uniform tokens.

    By Rice's formula, the sum being a Gaussian field in the limit; tends to sqrt(3 beta/2).
    A float, beta > 0.
    """
    a_number(beta, "beta", most=MOST)
    modes = range(1, 20 + int(8 * math.sqrt(float(beta))))
    second, fourth = (sum(k**p * ive(k, float(beta)) ** 2 for k in modes) for p in (2, 4))
    return math.sqrt(fourth / second)
