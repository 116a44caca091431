"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math

import pytest
import torch
from scipy.special import ellipe

from companion.sampling.sliced import exercises

F8 = torch.float64
X = torch.tensor([[0.0, 0, 0], [1, 1, 0]], dtype=F8)
SWAPPED = torch.tensor([[0.0, 1, 0], [1, 0, 0]], dtype=F8)
VALUE = 6 - 12 / math.pi * ellipe(8 / 9)


def test_right_answers_pass():
    exercises.check_directions(19412)
    exercises.check_directions(math.ceil(2 * 99 / (102 * 1e-4)))
    exercises.check_directions(1, d=1)
    exercises.check_gaussians(VALUE)
    exercises.check_gaussians(torch.tensor(VALUE + 5e-9, dtype=F8))
    exercises.check_gaussians(0.0, a=1.0)
    exercises.check_invisible(X, SWAPPED)
    exercises.check_invisible(X, X + torch.tensor([0.0, 0, 5]))
    exercises.check_invisible(X, X + torch.tensor([0.0, 0, 0.2]))
    exercises.check_invisible(X[:1], torch.tensor([[0.0, 0, 1], [0, 0, -1]], dtype=F8))


@pytest.mark.parametrize("wrong", [100, 9706, 10000, 19411, 19413, 20000])
def test_another_number_of_directions_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.check_directions(wrong)


MODULUS = 6 - 12 / math.pi * ellipe(math.sqrt(8 / 9))  # the modulus k given for the parameter m = k^2


@pytest.mark.parametrize("wrong", [VALUE + 2e-8, VALUE - 2e-8, VALUE / 2, math.sqrt(VALUE), 4.0, 2.0, MODULUS, 0.0])
def test_another_value_fails_and_the_right_one_is_not_printed(wrong, capsys):
    with pytest.raises(AssertionError) as refused:
        exercises.check_gaussians(wrong)
    assert f"{VALUE:.6f}" not in (str(refused.value) + capsys.readouterr().out).replace(f"{wrong:.10g}", "")


@pytest.mark.parametrize("wrong", [
    X, X.flip(0), X + 0.05 * torch.tensor([0.0, 0, 1]), X + torch.tensor([0.01, 0, 5]), X + torch.tensor([0.0, 0.01, 5]), SWAPPED[:1], -X,
])
def test_clouds_that_are_seen_or_equal_fail(wrong):
    with pytest.raises(AssertionError):
        exercises.check_invisible(X, wrong)


@pytest.mark.parametrize("call", [
    lambda: exercises.check_directions(19412.0), lambda: exercises.check_directions(0), lambda: exercises.check_gaussians("0.99"),
    lambda: exercises.check_gaussians(VALUE, a=-1.0), lambda: exercises.check_gaussians(VALUE, b=0.0), lambda: exercises.check_invisible([1.0], X),
    lambda: exercises.check_invisible(X[:, :2], X[:, :2]), lambda: exercises.check_invisible(X[None], X[None]),
    lambda: exercises.check_invisible(X, X[:, :2]),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()


@pytest.mark.parametrize("x, y", [(X[:, :2], X[:, :2]), (X[None], X), (X, X[None])])
def test_the_clouds_are_of_space(x, y):
    with pytest.raises(ValueError, match="two clouds of R\\^3"):
        exercises.check_invisible(x, y)
