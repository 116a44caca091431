"""Taught functions are given what they name, and nothing else; a declaration is kept as it was made."""

import pytest
import torch

from companion.flow import identity, rk4
from companion.live import Button, Choice, Slider, curves, density, histogram, landscape, plane
from companion.live.figure import declare
from companion.live.programs import call, keywords, programs
from companion.live.run import Run, replay, tape

START = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
BOX = {"x": (0, 63), "y": (0, 126)}
TOLD = {"name": "f", "sentence": "t = {t:.1f}", "alt": "points", "view": plane(**BOX)}


def test_keywords():
    assert keywords(lambda x, t: 0, 1) == ["t"] and keywords(lambda x, /, *, a, b=1: 0, 1) == ["a", "b"] and keywords(lambda x, **more: 0, 1) is None
    assert keywords(lambda t, x, beta: 0, 2) == ["beta"] and keywords(lambda: 0, 1) == [] and keywords(lambda *x, a: 0, 1) == ["a"]


def test_call():
    assert call(lambda x, b, a: (x, a, b), 0, a=1, b=2, c=3) == (0, 1, 2)
    assert call(lambda x, **known: (x, known), 0, a=1, c=3) == (0, {"a": 1, "c": 3}) and call(lambda x, a=5: a, 0, c=3) == 5


def everything(**options):
    """A figure with one of each: x -> x + sign * a + k, then projected; its seventh control is none's."""
    views = [curves("sum", reference={"law": lambda t, a: a + t}), plane(**BOX, show=lambda x, a: a * x, target=lambda a: a * START),
             landscape(lambda p, a, sign: a * (p[:, 0] + sign * 10 * p[:, 1]), **BOX, drag=lambda x, i, p, a: x + i + a * p),
             histogram(0, 239, target=lambda s, a: a * s), density(0, 1, show=lambda x: x[0], target=lambda s, t: s + t)]
    given = {"view": views, "readouts": {"sum": lambda x, k, t: x.sum() + 1000 * k + 100 * t}, "project": lambda x: x + 1000,
             "controls": {"a": Slider(0, 9, 2), "sign": Choice({"plus": 1, "minus": -1}), "kick": Button(lambda x, a, sign: sign * a * x)}}
    return declare(lambda k, x, *, sign, a: x + sign * a + k, START, method=None, dt=0.5, **{**TOLD, **given, **options})


INPUTS = {"a": torch.tensor(3.0), "t": torch.tensor(0.5), "k": torch.tensor(2.0), "dt": torch.tensor(0.5), "x": START}


def test_a_figure_has_the_programs_it_needs():
    assert list(programs(everything(), {"sign": "plus"})) == ["step", "see", "ground", "put", "button:kick"]
    plain = declare(lambda t, x: x, lambda xi, a: a * xi, shape=(2, 2), dt=0.1, controls={"a": Slider(0, 1, 1)}, **TOLD)
    assert list(programs(plain, {})) == ["step", "see", "start"]
    out = programs(plain, {})["start"]({**INPUTS, "xi": START})
    assert list(out) == ["next"] and torch.equal(out["next"], 3 * START)


def test_steps_buttons_and_drags():
    for name, sign in (("plus", 1), ("minus", -1)):
        p = programs(everything(), {"sign": name})
        assert torch.equal(p["step"](INPUTS)["next"], START + 3 * sign + 2 + 1000) and torch.equal(p["button:kick"](INPUTS)["next"], sign * 3 * START)
        more = {**INPUTS, "i": torch.tensor(7), "p": torch.tensor([1.0, 2.0])}
        assert torch.equal(p["put"](more)["next"], START + 7 + torch.tensor([3.0, 6.0]))


def test_what_is_seen():
    seen = programs(everything(), {"sign": "minus"})["see"](INPUTS)
    assert list(seen) == ["readout:sum", "ref:0:law", "show1", "target1", "show2", "show3", "target3", "show4", "target4"]
    assert seen["readout:sum"] == 10 + 2050 and seen["ref:0:law"] == 3.5 and all(v.dtype == torch.float64 for v in seen.values())
    assert torch.equal(seen["show1"], 3 * START) and torch.equal(seen["show2"], START) and torch.equal(seen["target1"], 3 * START)
    assert torch.allclose(seen["target3"], 3 * torch.arange(240.0, dtype=torch.float64)) and torch.equal(seen["show4"], START[0])
    assert torch.allclose(seen["target4"], torch.linspace(0.5, 1.5, 240, dtype=torch.float64))


def test_grounds():
    f = everything()
    g = Run(f, {"a": 3.0, "sign": "minus"}).grounds()
    assert list(g) == ["ground2"] and torch.allclose(g["ground2"].reshape(64, 64)[2, 5], torch.tensor(3 * (5 - 10 * 4.0), dtype=torch.float64))
    assert Run(declare(lambda t, x: x, START, dt=0.1, **TOLD)).grounds() == {}
    early = declare(lambda t, x: x, START, dt=0.1, **{**TOLD, "view": landscape(lambda p, t, k: 0 * p[:, 0] + 10 * t + k, **BOX)})
    assert Run(early).grounds()["ground0"].eq(0).all()  # a landscape is that of the start


def test_a_field_is_stepped_by_its_method_with_time_and_controls():
    f = declare(lambda t, x, a: a * t + 0 * x, START, dt="h", controls={"a": Slider(0, 9, 2), "h": Slider(0, 1, 0.5)}, **TOLD)
    out = programs(f, {})["step"]({**INPUTS, "h": torch.tensor(0.5)})["next"]
    assert torch.allclose(out, START + 3 * (1 - 0.25) / 2)  # the integral of 3 t from 0.5 to 1
    assert Run(f, {"h": 0.25}).dt == 0.25 and f.method is rk4 and f.project is identity


def test_a_declaration_is_kept():
    f = everything(frames=7)
    assert (f.sliders, f.choices, f.buttons, f.defaults) == (["a"], ["sign"], ["kick"], {"a": 2, "sign": "plus"})
    assert f.options == [{"sign": "plus"}, {"sign": "minus"}] and (f.dt, f.still, f.frames, f.dtype, f.together) == (0.5, 7, 7, torch.float64, None)
    plain = declare(lambda k, x: x, START, method=None, **TOLD)
    assert (plain.dt, plain.substeps, plain.frames, plain.still, plain.seed, plain.pace) == (1.0, 1, 150, 150, 0, "linear")
    drawn = declare(lambda k, x: x, lambda xi: xi, shape=(3, "n"), method=None, controls={"n": Slider(1, 9, 4, step=1, acts="start")}, **TOLD)
    assert drawn.sized({"n": 5.0}) == (3, 5) and drawn.dtype == torch.float32 and everything(dtype=torch.float32).dtype == torch.float32
    assert everything(together=(3, "why")).together == (3, "why") and everything(still=3).still == 3


def test_a_start_is_at_time_zero():
    f = declare(lambda t, x: x, lambda xi, t, k: 0 * xi + 10 * t + k, shape=(2, 2), dt=0.1, **TOLD)
    assert not Run(f).begin().x.any() and Run(f).begin()[:2] == (0, 0.0) == Run(everything()).begin()[:2]
    assert Run(everything()).grounds().keys() == {"ground2"} and Run(f).seed == 0 and Run(f, seed=3).seed == 3


def test_frames_and_substeps():
    seen = tape(everything(substeps=2), frames=3, a=0.0)
    assert [m.k for m, _ in seen] == [0, 2, 4, 6] and [m.t for m, _ in seen] == [0, 1, 2, 3] and seen[-1][0].x[0, 0] == 6016
    assert len(tape(everything(still=4))) == 5 and seen[1][1]["readout:sum"] == 10 + 4 * 2001 + 2100


def test_a_replay_starts_with_the_controls_of_its_first_moment():
    f = declare(lambda k, x, xi, *, a: a * xi, lambda xi, a: a * xi, shape=(2, 2), method=None, noise=True, controls={"a": Slider(0, 9, 1)}, **TOLD)
    plain, moved, other = (replay(f, events, 2) for events in ([], [(0, "a", 2.0)], [(0, "seed", 5)]))
    assert torch.equal(moved.x, 2 * plain.x) and not torch.equal(other.x[0], plain.x[0]) and not torch.equal(other.x[2], plain.x[2])
    kicked = replay(everything(), [(0, "drag", [1, 1.0, 0.0]), (0, "kick", True), (2, "sign", "minus")], 3)
    assert torch.equal(kicked.x[0], 2 * (START + 1 + torch.tensor([2.0, 0.0]))) and kicked.t.tolist() == [0, 0.5, 1, 1.5]
    assert [(kicked.x[i + 1] - kicked.x[i])[0, 0].item() for i in range(3)] == [1002, 1003, 1000]


@pytest.mark.parametrize("change, words", [
    ({"name": ""}, "identifier"), ({"name": "a b"}, "identifier"), ({"controls": {"two words": Slider(0, 1, 0)}}, "identifier"),
    ({"view": [plane(**BOX), 3]}, "expected plane"), ({"dt": 0}, "dt"), ({"still": 0}, "still"), ({"sentence": "{t:.1}"}, "field"),
    ({"shipped": "no"}, "shipped"),
])
def test_more_bad_declarations(change, words):
    with pytest.raises((TypeError, ValueError), match=words):
        everything(**change)
