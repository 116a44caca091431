"""The exercises of neural control: right answers pass, wrong ones do not."""

import math

import pytest

from companion.architectures.neural_control import exercises

HALF = math.log(2) / 2
LEAST = next(n for n in range(9900, 10000) if (1 - 100 / n**2) ** n >= 0.99)


def test_right_answers_pass(capsys):
    exercises.three_shears((1, -3, 4))
    exercises.enough_steps(LEAST)
    exercises.doubling((HALF, HALF), (1.0, 1.0), 0.0)
    exercises.doubling((math.log(2), 0.0), (1.0, 0.0), 0.5)
    assert capsys.readouterr().out.count("yes") >= 7


@pytest.mark.parametrize("answer", [(1, -3, 3), (1, -1, 1), (0, 0, 0), (-1, 3, -4)])
def test_wrong_amplitudes_fail(answer):
    with pytest.raises(AssertionError):
        exercises.three_shears(answer)


@pytest.mark.parametrize("steps", [200, LEAST - 1, LEAST + 1, 100000])
def test_wrong_numbers_of_steps_fail(steps):
    with pytest.raises(AssertionError):
        exercises.enough_steps(steps)


@pytest.mark.parametrize("answer", [
    ((HALF, HALF), (1.0, 1.0), -1.5),  # nothing moves
    ((1.0, 1.0), (1.0, 1.0), 0.0), ((HALF, -HALF), (1.0, 1.0), 0.0),  # e^2, and a shear
    (tuple(math.log(2) * c for c in (0.19 - 9.0, 0.19 + 9.0)), (5.05, 4.95), 0.0),  # the areas are right, the points come near
])
def test_wrong_moves_fail(answer):
    with pytest.raises(AssertionError):
        exercises.doubling(*answer)


@pytest.mark.parametrize("make, error", [
    (lambda: exercises.three_shears((1, 2)), ValueError), (lambda: exercises.enough_steps(2.5), TypeError),
    (lambda: exercises.doubling("w", (1.0, 1.0), 0.0), TypeError),
])
def test_bad_answers(make, error):
    with pytest.raises(error):
        make()
