"""The checks of the chapter's exercises: what a right answer must satisfy, computed here and not
stored."""

import math
from functools import partial

import torch

from companion import check
from companion.flow import flow
from companion.hints import Function, Number, checked
from companion.training.transformers.attention import normalise, usa
from companion.training.transformers.circle import growth_usa
from companion.training.transformers.readouts import mode_amplitude, on_circle
from companion.training.transformers.similarity import merge_time


@checked
def five_clusters(low: Number, high: Number) -> None:
    """Uniform tokens first split in five for low < beta < high, to 0.1 %. Raises AssertionError,
    TypeError."""
    check.root(lambda beta: growth_usa(beta, 5) / growth_usa(beta, 4) - 1, low, 5.0, 20.0, tol=1e-3)
    check.root(lambda beta: growth_usa(beta, 6) / growth_usa(beta, 5) - 1, high, 5.0, 25.0,
               tol=1e-3)


@checked
def a_million(beta: Number) -> None:
    """Two tokens of equal mass at a right angle reach similarity 0.9 after 10^6 units of time,
    beta to 0.1 %. Raises AssertionError, TypeError."""
    check.root(lambda b: math.log(merge_time(b, 0.0, 0.9) / 1e6), beta, 1.0, 40.0, tol=1e-3)


@checked
def three_tokens(rate: Function) -> None:
    """rate(beta) is the growth rate of small displacements of three equispaced tokens under USA:
    against a run, and 0 at beta = -2/3.

    Raises AssertionError, TypeError.
    """
    check.answer(rate(-2 / 3), 0.0, tol=1e-9, name="rate at beta = -2/3")
    theta = 2 * math.pi * torch.arange(3, dtype=torch.float64) / 3 + 1e-5 * torch.tensor(
        [1.0, -2.0, 0.5], dtype=torch.float64
    )
    for beta in (-2.0, -1.0, -0.3, 0.5):
        path = flow(partial(usa, beta=beta), on_circle(theta), 2.0, 200, project=normalise)
        measured = torch.log(mode_amplitude(path.end, 1) / mode_amplitude(path.x[0], 1)) / 2
        check.answer(rate(beta), measured, tol=1e-3, name=f"rate at beta = {beta}")
