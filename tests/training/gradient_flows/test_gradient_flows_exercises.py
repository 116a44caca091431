"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math

import pytest
from scipy.optimize import brentq

from companion.training.gradient_flows import exercises


def test_right_answers_pass():
    q = brentq(lambda q: math.log(1 + 3 * q) - 2 * q, 0.1, 1.0)
    assert abs(q - 0.381344) < 1e-6
    exercises.check_forgotten(-math.log(q) / 2)
    exercises.check_unbiased_step(0.5)
    exercises.check_unbiased_step(1 / 1.3, lam=1.3)
    exercises.check_contraction(lambda tau, lam: 1 / (1 + 2 * lam * tau))


@pytest.mark.parametrize("wrong", [0.25, 0.45, 0.55, 1.0, 2.0])
def test_a_step_that_is_not_the_threshold_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.check_unbiased_step(wrong)


@pytest.mark.parametrize("wrong", [0.1, 0.48, 0.484, 0.6913, 1.0])
def test_another_time_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.check_forgotten(wrong)


@pytest.mark.parametrize("wrong", [
    lambda tau, lam: 1 / (1 + lam * tau), lambda tau, lam: math.exp(-2 * lam * tau), lambda tau, lam: 1 - 2 * lam * tau,
    lambda tau, lam: 1 / (1 + lam * tau) ** 2, lambda tau, lam: 1 / (1 + 2 * tau),
])
def test_another_factor_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.check_contraction(wrong)


def test_a_factor_is_one_number():
    with pytest.raises(ValueError, match=r"shape \(2,\); expected a number"):
        exercises.check_contraction(lambda tau, lam: [0.5, 0.5])


@pytest.mark.parametrize("share, side", [(1.01, "large"), (0.99, "small")])
def test_the_hint_says_on_which_side(share, side):
    with pytest.raises(AssertionError, match=f"too {side}"):
        exercises.check_contraction(lambda tau, lam: share / (1 + 2 * lam * tau))


@pytest.mark.parametrize("call", [
    lambda: exercises.check_unbiased_step("0.5"), lambda: exercises.check_unbiased_step(-1.0), lambda: exercises.check_forgotten(None),
    lambda: exercises.check_contraction(0.5),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
