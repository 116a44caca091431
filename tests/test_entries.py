"""The hints of numbers, points, grids and pairs: what each accepts comes back as it was given, and one wrong entry is named."""

import pytest
import torch

from companion.entries import (
    AtLeastOne,
    AtLeastOnes,
    Curvatures,
    Density,
    Grid,
    MeanVariance,
    NonNegatives,
    Numbers,
    Points,
    Positives,
    Shares,
    values,
    wide,
)
from companion.hints import checked

ROW = torch.tensor([2.0, 1.0])


def accepts(hint, value):
    """What a checked function with this hint gets."""
    def f(value):
        return value

    f.__annotations__ = {"value": hint}
    return checked(f)(value)


@pytest.mark.parametrize("hint, good", [
    (Numbers, [1.0, -3, torch.tensor(-2.0), -ROW]), (Positives, [1e-300, torch.tensor(2.0), ROW]), (NonNegatives, [0.0, torch.tensor(0.0), 0 * ROW]),
    (Curvatures, [ROW]), (Density, [0 * ROW]), (Shares, [0, 1.0, torch.tensor(0.5), torch.tensor([0.0, 1.0])]), (AtLeastOnes, [1, ROW]),
    (AtLeastOne, [1.0]),
    (Points, [ROW, torch.zeros(0, 2)]), (Grid, [torch.linspace(-1, 1, 3), torch.linspace(0, 1e-6, 400)]), (MeanVariance, [(0.0, 1.0), [ROW, ROW]]),
])
def test_what_is_right_comes_back_as_it_is(hint, good):
    for value in good:
        assert accepts(hint, value) is value


@pytest.mark.parametrize("hint, value, words", [
    (Numbers, torch.tensor(torch.inf), "value = inf"), (Positives, torch.tensor(0.0), "value = 0.*above 0"), (Positives, 0.0, "above 0"),
    (Positives, torch.tensor([1.0, 0.0]), "from 0.0 to 1.0; expected numbers above 0"),
    (Curvatures, torch.tensor([0.0, 1.0]), "above 0"),
    (Curvatures, 1.0, "torch.Tensor"), (NonNegatives, torch.tensor([-1e-30, 1.0]), "at least 0"),
    (Density, torch.tensor([1.0, -1.0]), "at least 0"),
    (Shares, torch.tensor([0.5, 1.5]), "at most 1"), (Shares, -0.1, "expected"), (AtLeastOnes, torch.tensor([1.0, 0.5]), "at least 1"),
    (Points, torch.tensor(1.0), r"shape \(\)"), (Points, torch.zeros(3, 0), r"shape \(3, 0\)"), (MeanVariance, (1.0, 2.0, 3.0), "a pair"),
    (MeanVariance, {1.0, 2.0}, "a pair"),
    (MeanVariance, (1.0, 0.0), r"value\[1\] = 0"), (MeanVariance, (1.0, torch.tensor([1.0, -1.0])), r"value\[1\]"),
    (MeanVariance, ("m", 1.0), r"value\[0\]"),
    (Grid, torch.linspace(0, 1, 2), "at least three points"), (Grid, torch.tensor([0.0, 1.0, 3.0]), "uniform"),
    (Grid, torch.linspace(1, 0, 5), "increasing"), (Grid, torch.zeros(2, 3), "at least three points"),
])
def test_one_wrong_entry_is_told(hint, value, words):
    with pytest.raises((TypeError, ValueError), match=words):
        accepts(hint, value)


def test_values_are_one_a_point_in_its_dtype():
    x = torch.rand(3, 4, 2)
    assert torch.equal(values(lambda x: x.sum(-1), x), x.sum(-1))
    with pytest.raises((TypeError, ValueError), match=r"V\(x\)"):
        values(lambda x: x.sum(), x)
    with pytest.raises((TypeError, ValueError), match=r"V\(x\)"):
        values(lambda x: x.sum(-1).double(), x)


def test_wide_is_float64():
    assert wide(ROW).dtype == torch.float64 and torch.equal(wide(ROW), ROW.double())
