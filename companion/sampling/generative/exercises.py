"""The checks of the chapter's exercises. They know theorems, not answers."""

import math

import torch

from companion import check
from companion.check.report import report
from companion.gaussians import bures_squared
from companion.hints import Count, NonNegative, Number, Positive, Tensor, checked
from companion.sampling.generative.rectified import rectified_cost, residual

F8 = torch.float64


@checked
def check_floor(value: Number, *, d: Count = 10, a: Positive = 1.0, b: Positive = 4.0,
                tol: Positive = 3e-8) -> None:
    """value = the least flow-matching loss from N(0, a I_d) to N(0, b I_d), independent:
    the integral of the conditional variance.

    The number is not printed. Raises AssertionError, TypeError, ValueError.
    """
    t = (torch.arange(20_000, dtype=F8) + 0.5) / 20_000
    check.answer(float(value), float(d * residual(t, a, b).mean()), tol=tol, name="least loss")


@checked
def check_guidance(w: NonNegative, *, s: Positive = 0.5, S: Positive = 1.0, std: Positive = 0.05,
                   tol: Positive = 1e-4) -> None:
    """Guidance w makes samples of standard deviation std, to a relative tol:
    conditional law N(m, s^2), unconditional law N(0, S^2), s < S.

    The deviation is followed along the probability-flow ODE,
    -d log(std) / ds = 1 - (1 + w) / v_c(s) + w / v_u(s), v(s) the noised variances.
    Raises AssertionError, TypeError, ValueError.
    """
    # u = exp(-2 s), from noise (0) to data (1): ds = du / (2 u)
    u = (torch.arange(200_000, dtype=F8) + 0.5) / 200_000
    lost = [(1 - v**2) / (2 * (1 + (v**2 - 1) * u)) for v in (s, S)]  # (1 / v(s) - 1) / (2 u)
    found = math.exp(float((w * lost[1] - (1 + w) * lost[0]).mean()))
    report(abs(found / std - 1) <= tol, f"Guided samples have the standard deviation {std:g}",
           f"found {found:.6g}",
           f"With w = {float(w):g} they have {found:.6g}.")


@checked
def check_far_from_optimal(A: Tensor, B: Tensor, *, factor: Positive = 100.0) -> None:
    """The rectified flow from N(0, A) to N(0, B) costs at least `factor` times the optimal map;
    A, B: (2, 2), definite, not equal.

    Raises AssertionError, TypeError, ValueError.
    """
    for C, name in ((A, "A"), (B, "B")):
        if C.shape != (2, 2):
            raise ValueError(f"{name} has shape {tuple(C.shape)}; expected a 2 x 2 covariance.")
    A, B = A.detach().double(), B.detach().double()
    least, cost = float(bures_squared(A, B)), float(rectified_cost(A, B))
    size = float(torch.trace(A + B))
    report(least > 1e-9 * size, "The two laws differ", f"W2^2 = {least:.3g}",
           f"W2^2 = {least:.3g}: too small against the variance {size:.3g}.")
    report(cost >= factor * least, f"The rectified flow costs {factor:g} times the optimum",
           f"{cost:.4g} against {least:.4g}",
           f"It costs {cost:.4g} against {least:.4g}: {cost / least:.3g} times.")
