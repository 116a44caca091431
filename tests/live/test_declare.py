"""A declaration that cannot be right is refused at once, in words."""

import pytest
import torch

from companion.live import Button, Choice, Slider, curves, histogram, landscape, plane
from companion.live.figure import declare
from companion.live.recording import play

START = torch.zeros(3, 2)


def good(**change):
    given = {"dynamics": lambda t, x: -x, "start": START, "dt": 0.1, "name": "good",
             "view": plane(x=(-1, 1), y=(-1, 1)), "sentence": "t = {t:.1f}", "alt": "points"}
    return declare(**{**given, **change})


@pytest.mark.parametrize("change, word", [
    ({"dynamics": 3}, "function"), ({"start": [1, 2]}, "torch.Tensor"), ({"start": START * torch.nan}, "NaN"), ({"dt": None}, "dt is missing"),
    ({"dt": -1}, "dt"), ({"dt": "h"}, "sliders"), ({"name": "two words"}, "identifier"),
    ({"view": "plane"}, "expected plane"), ({"view": curves("mass")}, "mass"),
    ({"sentence": "{mass:.1f}"}, "mass"), ({"sentence": "{kick}", "controls": {"kick": Button(abs)}}, "kick"),
    ({"sentence": "{t:>8}"}, "field"), ({"sentence": " "}, "text"), ({"alt": ""}, "text"),
    ({"controls": {"beta": 3}}, "Slider"), ({"controls": {"x": Slider(0, 1, 0)}}, "name"), ({"pace": "fast"}, "pace"), ({"frames": 0}, "frames"),
    ({"substeps": 1.5}, "integer"), ({"engine": "gpu"}, "engine"), ({"noise": True}, "map"), ({"start": lambda xi: xi}, "shape"),
    ({"start": lambda xi: xi, "shape": ("n", 2)}, "slider"),
    ({"members": 0}, "expected \\(axis, names\\)"), ({"members": (-1, "points")}, "members"), ({"members": (0, 3)}, "names"),
    ({"members": (2, "points")}, "axes"), ({"members": (0, ["a", "b"])}, "3 members and 2 names"), ({"together": 5}, "together"),
    ({"together": (5, "")}, "text"), ({"together": (0, "chaos")}, "together"),
])
def test_bad_declarations(change, word):
    with pytest.raises((TypeError, ValueError), match=word):
        good(**change)


@pytest.mark.parametrize("make", [
    lambda: Slider(1, 0, 0.5), lambda: Slider(0, 1, 2), lambda: Slider(0, 1, 0.5, log=True), lambda: Slider(0, 1, 0.5, acts="never"),
    lambda: Slider(0, float("nan"), 0),
    lambda: Slider(values=[]), lambda: Slider(values=[2, 1]), lambda: Choice({}), lambda: Choice({"a": 1}, value="b"), lambda: Choice(["a"]),
    lambda: plane(x=(1, 0), y=(0, 1)),
    lambda: histogram(1, 0),
])
def test_bad_controls_and_views(make):
    with pytest.raises(ValueError):
        make()


def test_functions_are_functions():
    for make in (lambda: Button(3), lambda: landscape(3, x=(0, 1), y=(0, 1)), lambda: plane(x=(0, 1), y=(0, 1), drag=7)):
        with pytest.raises(TypeError, match="function"):
            make()


def test_a_recording_has_finitely_many_runs():
    given = {"name": "tape", "view": plane(x=(-1, 1), y=(-1, 1)), "sentence": "t", "alt": "points"}
    with pytest.raises(ValueError, match="finitely"):
        play(lambda a: None, controls={"a": Slider(0, 1, 0)}, **given)
    with pytest.raises(ValueError, match="at most"):
        play(lambda a: None, controls={"a": Slider(values=range(65))}, **given)
    with pytest.raises(TypeError, match="Path"):
        play(lambda a: 3, controls={"a": Slider(values=[1])}, **given)


def test_a_good_one_passes():
    f = good(controls={"n": Slider(2, 9, 3, step=1, acts="start")}, start=lambda xi: xi, shape=("n", 2))
    assert f.sized({"n": 4.0}) == (4, 2) and f.options == [{}] and f.defaults == {"n": 3}
