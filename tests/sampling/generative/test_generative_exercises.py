"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math

import pytest
import torch

from companion.sampling.generative import exercises
from companion.sampling.generative.rectified import ellipse

F8 = torch.float64
FLOOR = 10 * math.pi
W = math.log(0.05) / math.log(0.5) - 1


def turned(kappa, degrees):
    return ellipse(kappa, torch.tensor(float(degrees), dtype=F8))


def test_right_answers_pass():
    exercises.check_floor(FLOOR)
    exercises.check_floor(torch.tensor(FLOOR, dtype=F8))
    exercises.check_floor(math.pi / 4, d=1, b=0.25)
    exercises.check_floor(3 * math.pi / 2 * 6, d=3, a=4.0, b=9.0)
    exercises.check_guidance(W)
    exercises.check_guidance(3.3219)
    exercises.check_guidance(2.0, std=0.125)
    exercises.check_guidance(0.0, std=0.5)
    exercises.check_guidance(1.0, s=0.6, S=2.0, std=0.18)
    exercises.check_far_from_optimal(turned(20.1, 0), turned(20.1, 0.1))
    exercises.check_far_from_optimal(turned(40, 20), turned(40, 20.5))
    exercises.check_far_from_optimal(turned(4, 0), turned(4, 1), factor=4.5)


@pytest.mark.parametrize("wrong", [0.0, math.pi, FLOOR / 2, FLOOR * 2, FLOOR + 2e-6, FLOOR - 2e-6, 5 * math.pi, 20 * math.pi, 20.0, 50.0])
def test_another_floor_fails_and_the_right_one_is_not_printed(wrong, capsys):
    with pytest.raises(AssertionError) as refused:
        exercises.check_floor(wrong)
    assert f"{FLOOR:.5f}" not in (str(refused.value) + capsys.readouterr().out).replace(f"{wrong:.8g}", "")


TILTED = ((1 / 0.05**2 - 1) / 3) - 1  # the guidance of the tilted law: (1 + w) / s^2 - w = 1 / std^2, s = 1/2


@pytest.mark.parametrize("wrong", [0.0, 1.0, W + 1, W - 1, TILTED, 3.32, 3.323, 9.0])
def test_another_guidance_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.check_guidance(wrong)


@pytest.mark.parametrize("A, B", [
    (turned(4, 0), turned(4, 1)), (turned(19.5, 0), turned(19.5, 0.1)), (turned(40, 0), turned(40, 90)), (turned(40, 0), turned(40, 30)),
    (turned(40, 0), turned(40, 0)), (turned(40, 0), 2 * turned(40, 0)), (turned(40, 0), turned(40, 1e-4)),
])
def test_pairs_that_are_close_to_optimal_or_equal_fail(A, B):
    with pytest.raises(AssertionError):
        exercises.check_far_from_optimal(A, B)


@pytest.mark.parametrize("call", [
    lambda: exercises.check_floor("31.4"), lambda: exercises.check_floor(math.nan), lambda: exercises.check_floor(1.0, a=0.0),
    lambda: exercises.check_floor(1.0, b=-1.0), lambda: exercises.check_guidance(-1.0), lambda: exercises.check_guidance(None),
    lambda: exercises.check_guidance(1.0, s=0.0), lambda: exercises.check_guidance(1.0, S=-1.0),
    lambda: exercises.check_far_from_optimal([1.0], turned(4, 1)), lambda: exercises.check_far_from_optimal(turned(4, 1), torch.eye(3)),
    lambda: exercises.check_far_from_optimal(torch.eye(3), torch.eye(3)), lambda: exercises.check_far_from_optimal(turned(4, 0), -turned(4, 0)),
    lambda: exercises.check_far_from_optimal(0 * turned(4, 0), turned(4, 0)),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
