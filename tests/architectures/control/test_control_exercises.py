"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math

import pytest
import torch

from companion.architectures.control import Problem, Solution, direct, exercises, shooting, solve
from companion.flow import Path
from tests.helpers import half_square

F8 = torch.float64


def pendulum(t, x, u):
    return torch.stack([x[..., 1], u[..., 0] - torch.sin(x[..., 0])], -1)


def state(*numbers):
    return torch.tensor(numbers, dtype=F8)


@pytest.fixture(scope="module")
def right():
    problem = Problem(pendulum, half_square, x0=state(0, 0), xT=(2, 0), T=4.0)
    return problem, solve(problem, method=shooting, p0=state(-0.95, -0.1), steps=40)


def test_right_answers_pass(capsys, right):
    w = math.sqrt(1 / 12)
    exercises.saturated((4.5 / w, 2.25 / w))
    exercises.slow_enough(6 ** (1 / 3))
    exercises.lifted(*right)
    exercises.optimal(*right)
    said = capsys.readouterr().out
    assert "It spends less than the cubic path" in said and "The control maximises H" in said
    assert exercises.cubic() == pytest.approx(0.9074, abs=1e-4)


@pytest.mark.parametrize("wrong", [(12.0, 6.0), (15.5885, 7.7942), (-15.588457, -7.794229), (7.794228634, 15.588457268), (20.0, 10.0)])
def test_another_costate_fails(wrong):
    with pytest.raises(AssertionError, match="missed"):
        exercises.saturated(wrong)


@pytest.mark.parametrize("wrong", [1.0, 6.0, 1.8171, math.sqrt(6), 12 ** (1 / 3), 3 ** (1 / 3)])
def test_another_time_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.slow_enough(wrong)


def test_another_problem_fails(right):
    _, found = right
    for wrong in (Problem(lambda t, x, u: pendulum(t, x, -u), half_square, x0=state(0, 0), xT=(2, 0), T=4.0),
                  Problem(lambda t, x, u: torch.stack([x[..., 1], u[..., 0] + torch.sin(x[..., 0])], -1), half_square, x0=state(0, 0), T=4.0),
                  Problem(pendulum, lambda t, x, u: u.square().sum(-1), x0=state(0, 0), xT=(2, 0), T=4.0)):
        with pytest.raises(AssertionError, match=r"field|cost"):
            exercises.lifted(wrong, found)


def test_another_path_fails(right):
    problem, found = right
    t, x = found.path
    s = t / 4
    place, speed, u = 2 * (3 * s**2 - 2 * s**3), 3 * (s - s**2), (12 - 24 * s) / 16 + torch.sin(2 * (3 * s**2 - 2 * s**3))
    cubic = Solution(Path(t, torch.stack([place, speed], -1)), u[:, None], torch.stack([0 * u, u], -1), state(0.9), 0.0)
    wrong = [("both ends", found._replace(path=Path(t, x + 0.02))), ("both ends", found._replace(path=Path(t / 2, x))), ("run of state", cubic),
             ("Hamiltonian", found._replace(costate=-found.costate)), ("run of state", found._replace(u=found.u + 0.05))]
    for words, solution in wrong:
        with pytest.raises(AssertionError, match=words):
            exercises.lifted(problem, solution)


def test_a_coarse_staircase_is_no_extremal(right):
    problem, _ = right
    with pytest.raises(AssertionError, match="run of state and costate"):
        exercises.lifted(problem, solve(problem, method=direct, steps=12))


def test_an_extremal_that_costs_more_fails(monkeypatch, right):
    monkeypatch.setattr(exercises, "cubic", lambda: 0.8)  # as if the cubic path were cheaper than this extremal
    with pytest.raises(AssertionError, match=r"It spends 0\.825"):
        exercises.lifted(*right)


def test_a_control_that_does_not_maximise_fails():
    # x' = u, cost u^2 / 2, x(1) = 1: p = 1, H = 1/2. A constant control 1 with the costate 1.2 satisfies all but the maximum.
    problem = Problem(lambda t, x, u: u, half_square, x0=state(0), xT=(1,), T=1.0)
    t = torch.linspace(0, 1, 11, dtype=F8)
    one = torch.ones(11, 1, dtype=F8)
    exercises.optimal(problem, Solution(Path(t, t[:, None]), one, one, state(0.5), 0.0))
    with pytest.raises(AssertionError, match="another control makes H larger"):
        exercises.optimal(problem, Solution(Path(t, t[:, None]), one, 1.2 * one, state(0.5), 0.0))
    with pytest.raises(AssertionError, match="Hamiltonian"):  # u = 2 t arrives too, but H = 2 t - 2 t^2
        exercises.optimal(problem, Solution(Path(t, t[:, None] ** 2), 2 * t[:, None], one, state(2 / 3), 0.0))


@pytest.mark.parametrize("call, error, words", [
    (lambda: exercises.saturated((1.0, 2.0, 3.0)), ValueError, "has shape \\(3,\\); expected"),
    (lambda: exercises.slow_enough("2"), TypeError, "T is"),
    (lambda: exercises.slow_enough(-1.0), ValueError, "above 0"),
    (lambda: exercises.lifted(pendulum, None), TypeError, "Problem"),
    (lambda: exercises.optimal(Problem(pendulum, half_square, x0=state(0, 0), T=1.0), 3), TypeError, "Solution"),
])
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
