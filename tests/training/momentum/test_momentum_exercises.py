"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math

import pytest
import torch

from companion.energies import grad
from companion.potentials import quadratic
from companion.training import momentum as mo
from companion.training.momentum import exercises

H = mo.rotated(torch.tensor([1.0, 0.01], dtype=torch.float64), math.pi / 4)


def sign_step(L):
    def step(k, x):
        g = grad(quadratic(H), x)
        return x - g.abs().sum(-1, keepdim=True) / L * torch.sign(g)

    return step


def test_right_answers_pass(capsys):
    exercises.stable_up_to_ten(2 / 3)
    exercises.slowest_mode(2.0)
    assert "its exponent is 2.0000" in capsys.readouterr().out
    exercises.slowest_mode(1.97)
    exercises.turned_valley(sign_step(2.0))


@pytest.mark.parametrize("wrong", [0.0, 0.5, 0.6, 0.66, 0.675, 0.8, 0.9])
def test_another_beta1_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.stable_up_to_ten(wrong)


@pytest.mark.parametrize("wrong", [0.5, 1.0, 1.9, 2.02, 3 / math.sqrt(2), 4.0, 50.0])
def test_another_friction_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.slowest_mode(wrong)


def test_the_hint_says_where_to_go():
    with pytest.raises(AssertionError, match="more friction"):
        exercises.slowest_mode(1.0)
    with pytest.raises(AssertionError, match="less friction"):
        exercises.slowest_mode(3.0)


def descent(k, x):
    return x - grad(quadratic(H), x)


def fixed(k, x):
    return x - 0.1 * torch.sign(grad(quadratic(H), x))


def half(k, x):
    g = grad(quadratic(H), x)
    return x - g.abs().amax(-1, keepdim=True) / 2 * torch.sign(g)


def uphill(k, x):
    return 2 * x - sign_step(2.0)(k, x)


def blow_up(k, x):
    return x / 0


@pytest.mark.parametrize("wrong", [
    sign_step(1.01), sign_step(1.9), sign_step(2.1), sign_step(4.0), descent, fixed, half, uphill, blow_up, lambda k, x: x,
    lambda k, x: x * float("nan"), lambda k, x: torch.where(x[..., :1] > 0, x, sign_step(2.0)(k, x)),  # half of the starts stay
])
def test_another_step_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.turned_valley(wrong)


@pytest.mark.parametrize("call", [
    lambda: exercises.stable_up_to_ten("0.5"), lambda: exercises.stable_up_to_ten(-1.0), lambda: exercises.slowest_mode(None),
    lambda: exercises.slowest_mode(0.0), lambda: exercises.turned_valley(0.5),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
