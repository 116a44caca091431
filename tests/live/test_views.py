"""What a view tells the page: its kind, its options, its tensors; and where its functions are evaluated."""

import base64

import numpy as np
import pytest
import torch

from companion.live import Choice, Slider, circle, curves, density, histogram, landscape, matrix, picture, plane, sphere
from companion.live.controls import LETTERS, Button
from companion.live.views import GRID, GROUND, packed, put_point

NO = {"target": None, "ground": False, "drag": False, "reference": []}
BOX = {"x": (0, 2), "y": (-1, 3)}


def unpacked(p):
    return np.frombuffer(base64.b64decode(p["data"]), "<f4").reshape(p["shape"])


def same(spec, kind, **options):
    assert spec == {"kind": kind, **NO, **options}


def test_planes():
    plain = {"x": [0.0, 2.0], "y": [-1.0, 3.0], "title": "", "trail": 0, "names": None, "size": 4, "joined": False, "labels": None, "colors": None,
             "target_colors": None, "xlabel": "", "ylabel": "", "levels": 14}
    same(plane(**BOX).spec(), "plane", **plain)
    given = {"title": "a", "trail": True, "names": ["u", "v"], "size": 7, "joined": True, "xlabel": "p", "ylabel": "q"}
    same(plane(**BOX, labels=torch.tensor([0, 1]), drag=True, **given).spec(), "plane", **{**plain, **given, "labels": [0, 1], "drag": True})
    same(landscape(lambda p: p[:, 0], **BOX, levels=5, trail=3).spec(), "landscape", **{**plain, "levels": 5, "trail": 3, "ground": True})
    same(landscape(lambda p: p[:, 0], **BOX).spec(), "landscape", **{**plain, "ground": True})
    colors, target = torch.rand(4, 3), torch.rand(4, 2)
    spec = plane(**BOX, colors=colors, target_colors=1 - colors, target=target).spec()
    assert np.array_equal(unpacked(spec["colors"]), colors) and np.array_equal(unpacked(spec["target_colors"]), 1 - colors)
    assert np.array_equal(unpacked(spec["target"]), target)
    assert plane(**BOX, target=lambda t: t * target).spec()["target"] == "graph"


def test_circles_and_spheres():
    for make in (circle, sphere):
        same(make().spec(), make.__name__, title="", labels=None, names=None, size=5, trail=0)
        given = {"title": "a", "names": ["u"], "size": 2, "trail": 9}
        same(make(labels=np.array([1, 0]), **given).spec(), make.__name__, labels=[1, 0], **given)


def test_lines():
    same(histogram(-1, 2).spec(), "histogram", lo=-1.0, hi=2.0, bins=60, ymax=None, names=None, title="", xlabel="")
    same(density(-1, 2).spec(), "density", lo=-1.0, hi=2.0, ymax=None, names=None, logy=False, title="", xlabel="", ylabel="")
    same(histogram(0, 1, target=lambda s: s, bins=9).spec(), "histogram", lo=0.0, hi=1.0, bins=9, ymax=None, names=None, title="", xlabel="",
         target="graph")
    same(matrix(0, 3, xlabel="i").spec(), "matrix", lo=0.0, hi=3.0, title="", xlabel="i", ylabel="")
    same(curves("a", "b", reference={"law": lambda t: t}, logx=True).spec(), "curves", readouts=["a", "b"], constant=[], logx=True, logy=False,
         xlim=None, ylim=None, xlabel="t", ylabel="", names=None, title="", reference=["law"])


def test_a_reference_that_does_not_ask_for_the_time_is_constant():
    known = {"a": lambda: 1.0, "b": lambda beta: beta, "c": lambda t: t, "d": lambda beta, *, k: k}
    known["e"] = lambda **known: 1.0
    known["f"] = torch.sin  # a function of C: its parameters have no names
    assert curves("a", reference=known).spec()["constant"] == ["a", "b"]


def test_pictures():
    same(picture().spec(), "picture", ratio=1.0, smooth=False, title="")
    same(picture(ratio=1.5, smooth=True, title="a").spec(), "picture", ratio=1.5, smooth=True, title="a")
    with pytest.raises(ValueError, match="ratio"):
        picture(ratio=0.0)
    with pytest.raises(TypeError, match="under"):
        plane(**BOX, under=torch.zeros(2, 2))


def test_the_functions_are_kept():
    f = [lambda x: x, lambda s: s, lambda p: p, lambda x, i, p: x]
    for view in (histogram(0, 1, show=f[0], target=f[1]), density(0, 1, show=f[0], target=f[1]), plane(**BOX, show=f[0], target=f[1], drag=f[3])):
        assert (view.show, view.target, view.ground) == (f[0], f[1], None)
    beneath = landscape(f[2], **BOX, under=f[0], segments=f[1])
    assert (beneath.under, beneath.segments, beneath.show) == (f[0], f[1], None) and picture(show=f[0]).show is f[0]
    assert plane(**BOX).under is None is plane(**BOX).segments
    assert plane(**BOX, drag=f[3]).put is f[3] and plane(**BOX).put is None and landscape(f[2], **BOX).ground is f[2]
    assert all(make(show=f[0]).show is f[0] for make in (circle, sphere)) and matrix(0, 1, show=f[0]).show is f[0]
    assert curves(reference={"law": f[1]}).reference == {"law": f[1]}


def test_a_target_is_evaluated_on_the_whole_interval():
    s = histogram(-1, 2).grid(torch.float64)
    assert s.shape == (GRID,) == (240,) and (s[0], s[-1]) == (-1, 2)
    assert torch.allclose(s.diff(), torch.full((239,), 3 / 239, dtype=s.dtype))
    assert density(0, 1).grid(torch.float32).dtype == torch.float32


def test_a_ground_is_evaluated_row_by_row():
    p = landscape(lambda p: p, x=(0, 63), y=(0, 630)).grid(torch.float64)
    assert GROUND == 64 and p.shape == (64**2, 2)
    rows = p.reshape(64, 64, 2).round(decimals=9)
    assert rows[3, 5].tolist() == [5, 30] and rows[63, 0].tolist() == [0, 630]


def test_tensors_are_packed_as_float32():
    x = torch.arange(6, dtype=torch.float64).reshape(3, 2).T  # not contiguous
    x.requires_grad_()
    assert packed(x)["shape"] == [2, 3] and unpacked(packed(x)).tolist() == [[0, 2, 4], [1, 3, 5]]
    assert packed(None) is None


def test_one_point_is_put():
    x, p = torch.zeros(4, 2), torch.tensor([1.0, 2.0])
    assert put_point(x, torch.tensor(2), p).tolist() == [[0, 0], [0, 0], [1, 2], [0, 0]] and not x.any()


@pytest.mark.parametrize("make", [
    lambda: plane(x=(0, 0), y=(0, 1)), lambda: plane(x=(0, 1), y=(1, 0)), lambda: density(2, 1), lambda: matrix(1, 1),
    lambda: histogram(0, float("nan")),
])
def test_empty_intervals_are_refused(make):
    with pytest.raises(ValueError, match="expected"):
        make()


def test_controls():
    plain = {"kind": "slider", "lo": 0, "hi": 2, "value": 1, "log": False, "step": None, "acts": "run", "values": None}
    assert Slider(0, 2, 1).spec("beta") == {**plain, "name": "beta", "label": "β"}
    assert Slider(0, 2, 1, step=1, acts="start", label="size").spec("n") == {**plain, "step": 1, "acts": "start", "label": "size", "name": "n"}
    assert Slider(0.5, 2, 1, log=True).log and Slider(2, 9, 2).spec("h")["label"] == "h"
    grid = Slider(values=[1, 2, 4], value=2.9).spec("n")
    assert (grid["lo"], grid["hi"], grid["value"], grid["values"]) == (1.0, 4.0, 2.0, (1.0, 2.0, 4.0)) and Slider(values=[3, 5]).value == 3.0
    assert all(Slider(0, 1, v).value == v for v in (0, 1)) and LETTERS["lam"] == "λ"
    choice = {"kind": "choice", "name": "m", "label": "m", "options": ["a", "b"], "value": "a", "acts": "run"}
    assert Choice({"a": 1, "b": 2}).spec("m") == choice
    assert Choice({"a": 1, "b": 2}, value="b", label="model", acts="start").spec("m") == {**choice, "value": "b", "label": "model", "acts": "start"}
    assert Button(abs).spec("kick") == {"kind": "button", "name": "kick", "label": "kick"}
    assert Button(abs, label="Kick").spec("kick")["label"] == "Kick"


@pytest.mark.parametrize("make, words", [
    (lambda: Slider(0, 0, 0), "lo < hi"), (lambda: Slider(0, 1, -1), "lo <= value"), (lambda: Slider(0, 1, "a"), "finite"),
    (lambda: Slider(0, 1), "finite"), (lambda: Slider(-1, 1, 0.5, log=True), "lo > 0"), (lambda: Slider(0, 1, 0.5, log=True), "lo > 0"),
    (lambda: Slider(values=[1, 1]), "increasing"), (lambda: Choice({1: 2}), "name -> object"), (lambda: Choice({"a": 1}, acts="never"), "'start'"),
])
def test_bad_controls(make, words):
    with pytest.raises(ValueError, match=words):
        make()
