"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math

import pytest
import torch

import companion.sampling.quantization as qz
from companion.flow import iterate
from companion.sampling.quantization import exercises

F8 = torch.float64


def rows(count, each):
    """Sites in rows, every second one moved by half a step."""
    first = torch.tensor([0.25, 0.75], dtype=F8).repeat(count)[:count]
    x = (torch.arange(each, dtype=F8) + first[:, None]) / each
    z = (torch.arange(count, dtype=F8)[:, None] + 0.5) / count
    return torch.stack([x, z.expand_as(x)], -1).reshape(-1, 2)


def sideways(size):
    return size * torch.stack([torch.tensor([1.0, -1.0]).repeat(8), torch.zeros(16)], 1).double()


def test_right_answers_pass():
    exercises.lloyd_rate(math.cos(math.pi / 20) ** 2)
    exercises.lloyd_rate(math.cos(math.pi / 10) ** 2, n=5)
    exercises.fewest(math.ceil(1e4 * qz.HEXAGON))
    exercises.hexagons(rows(43, 38))
    exercises.hexagons(iterate(qz.power_lloyd, rows(44, 37), 1).end)
    noise = torch.randn(16, 2, dtype=F8, generator=torch.Generator().manual_seed(1))
    exercises.break_the_line(0.01 * noise / noise.abs().max())
    exercises.break_the_line(sideways(0.01))


@pytest.mark.parametrize("wrong", [
    math.cos(math.pi / 20), math.cos(math.pi / 10) ** 2, math.cos(math.pi / 22) ** 2, 1 - math.pi**2 / 400, math.sin(math.pi / 20) ** 2, 0.9755, 1.0,
])
def test_another_rate_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.lloyd_rate(wrong)


def test_it_is_said_which_way_a_rate_is_wrong():
    for wrong, pace in ((0.99, "faster"), (0.9, "slower")):
        with pytest.raises(AssertionError, match=pace):
            exercises.lloyd_rate(wrong)


@pytest.mark.parametrize("wrong", [1603, 1605, 1667, 1592, 161, 3184])
def test_another_number_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.fewest(wrong)


@pytest.mark.parametrize("wrong", [
    lambda: rows(43, 37), lambda: rows(41, 41), lambda: rows(1, 1650), lambda: rows(37, 43), lambda: rows(100, 16),
    lambda: torch.rand(1650, 2, dtype=F8, generator=torch.Generator().manual_seed(0)),
    lambda: torch.cartesian_prod(*2 * [(torch.arange(40, dtype=F8) + 0.5) / 40]),
])
def test_other_sites_fail(wrong):
    with pytest.raises((AssertionError, ValueError)):
        exercises.hexagons(wrong())


@pytest.mark.parametrize("wrong", [
    lambda: torch.zeros(16, 2, dtype=F8), lambda: sideways(0.01).flip(1), lambda: sideways(0.01).abs(), lambda: sideways(0.011),
    lambda: sideways(0.3),
])
def test_another_shift_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.break_the_line(wrong())


@pytest.mark.parametrize("call", [
    lambda: exercises.lloyd_rate("0.9"), lambda: exercises.lloyd_rate(1.5), lambda: exercises.lloyd_rate(0.9, n=1), lambda: exercises.fewest(1603.75),
    lambda: exercises.fewest(0), lambda: exercises.hexagons(torch.zeros(3)), lambda: exercises.hexagons(None), lambda: exercises.break_the_line(0.01),
    lambda: exercises.break_the_line(torch.zeros(15, 2)), lambda: exercises.break_the_line(torch.zeros(16, 1)),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
