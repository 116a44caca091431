"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math
from functools import partial

import pytest
import torch

from companion.energies import grad
from companion.sampling.langevin import exercises
from companion.sde import Averaged, aboba, baoab, kinetic_euler, leimkuhler_matthews, obabo, ula

DEBIASED = 2 * (1 - 1 / 1.1)


def passing(start, level):
    """v of N(0, v) above 1 with KL = level, by bisection; then the times by hand."""
    lo, hi = 1.0, start
    for _ in range(200):
        v = (lo + hi) / 2
        lo, hi = (v, hi) if (v - 1 - math.log(v)) / 2 < level else (lo, v)
    return math.log((1 - 1 / start) / (1 - 1 / v)), math.log((start - 1) / (v - 1)) / 2


FISHER_RAO, LANGEVIN = passing(100.0, 0.01)


def by_hand(V, h, late=1.0, warmth=1.0):
    """A reader's own scheme: Leimkuhler-Matthews without its checks."""
    def step(k, z, xi):
        x, last = z
        return Averaged(x - h * grad(V, x) + warmth * (h / 2) ** 0.5 * (late * last + xi), xi)

    return step


def test_right_answers_pass():
    for gamma in (2, 2.0, 2.009, 1.991, torch.tensor(2.0)):
        exercises.check_friction(gamma)
    exercises.check_friction(6.0, frequencies=(3.0,))
    exercises.check_friction(1.0, frequencies=(7.0, 0.5))
    exercises.check_ula_step(DEBIASED)
    exercises.check_ula_step(torch.tensor(DEBIASED + 1e-4, dtype=torch.float64))
    exercises.check_ula_step(1.0, variance=2.0)
    for scheme in (leimkuhler_matthews, partial(baoab, gamma=1.0), partial(aboba, gamma=0.3), partial(baoab, gamma=30.0), by_hand):
        exercises.check_scheme(scheme)
    exercises.check_scheme(ula, h=1e-3)
    exercises.check_times(FISHER_RAO, LANGEVIN)
    exercises.check_times(FISHER_RAO + 9e-4, torch.tensor(LANGEVIN - 9e-4))
    exercises.check_times(*passing(16.0, 0.1), start=(0.0, 16.0), level=0.1)


@pytest.mark.parametrize("wrong, hint", [(1.98, "more"), (2.02, "less"), (1, "more"), (4, "less"), (10.0, "less"), (1e-3, "more"), (5, "less"),
                                         (16 / 3, "less"), (math.sqrt(10), "less"), (100.0, "less")])
def test_another_friction_fails_with_a_hint(wrong, hint):
    with pytest.raises(AssertionError, match=f"{hint} friction"):
        exercises.check_friction(wrong)


@pytest.mark.parametrize("wrong, hint", [(1 - 1 / 1.1, "longer"), (0.1, "longer"), (0.2, "smaller"), (DEBIASED + 3e-4, "smaller"),
                                         (DEBIASED - 3e-4, "longer"), (1.0, "smaller"), (2.0, "smaller"), (2.2, "smaller"), (1e-3, "longer")])
def test_another_step_of_ula_fails_with_a_hint(wrong, hint):
    with pytest.raises(AssertionError, match=f"{hint} step"):
        exercises.check_ula_step(wrong)


@pytest.mark.parametrize("wrong", [ula, partial(obabo, gamma=1.0), partial(kinetic_euler, gamma=1.5), partial(by_hand, late=0.0),
                                   partial(by_hand, late=-1.0), partial(by_hand, warmth=2**0.5), partial(ula, temperature=0.5),
                                   partial(baoab, gamma=1.0, temperature=1.01)])
def test_another_scheme_fails(wrong):
    with pytest.raises((AssertionError, ValueError)):
        exercises.check_scheme(wrong)


def test_a_scheme_that_is_right_for_one_curvature_only_fails(capsys):
    half = partial(ula, temperature=0.5)  # at h = 1 and curvature 1 the two errors cancel
    with pytest.raises(AssertionError, match=r"0\.25.*0\.5714"):
        exercises.check_scheme(half)
    assert "curvature 1 the variance is right to 0.001: yes" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [(LANGEVIN, FISHER_RAO), (FISHER_RAO, FISHER_RAO), (FISHER_RAO + 2e-3, LANGEVIN), (FISHER_RAO, LANGEVIN - 2e-3),
                                   (math.log(100), LANGEVIN), (FISHER_RAO, 2 * LANGEVIN), (FISHER_RAO, 0.0), (50.0, 50.0)])
def test_other_times_fail_and_the_right_ones_are_not_printed(wrong, capsys):
    with pytest.raises(AssertionError) as refused:
        exercises.check_times(*wrong)
    said = str(refused.value) + capsys.readouterr().out
    assert all(f"{t:.4f}" not in said for t in {FISHER_RAO, LANGEVIN} - set(wrong))


def test_a_time_too_early_and_one_too_late_are_told_apart():
    with pytest.raises(AssertionError, match="still above"):
        exercises.check_times(FISHER_RAO - 0.1, LANGEVIN)
    with pytest.raises(AssertionError, match="before t = "):
        exercises.check_times(FISHER_RAO, LANGEVIN + 0.1)


@pytest.mark.parametrize("call", [
    lambda: exercises.check_friction("2"), lambda: exercises.check_friction(0.0), lambda: exercises.check_friction(2.0, frequencies=(1.0, -2.0)),
    lambda: exercises.check_ula_step(-0.1), lambda: exercises.check_ula_step(None), lambda: exercises.check_ula_step(0.1, variance=0.0),
    lambda: exercises.check_scheme(1.0), lambda: exercises.check_scheme(lambda V, h: 1.0), lambda: exercises.check_scheme(by_hand, curvatures=(0.0,)),
    lambda: exercises.check_scheme(lambda V, h: lambda k, z, xi: z[0]), lambda: exercises.check_scheme(lambda V, h: lambda k, z, xi: z**2),
    lambda: exercises.check_times("1", 3.0), lambda: exercises.check_times(1.7, -1.0), lambda: exercises.check_times(1.7, 3.0, level=10.0 * 100),
    lambda: exercises.check_times(1.7, 3.0, start=(0.0, -1.0)), lambda: exercises.check_times(1.7, 3.0, level=0.0),
    lambda: exercises.check_times(1.7, 3.0, start=(0.0, "1")),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
