"""The parity test is worth what it catches: wrong graphs, idle controls and merged inputs must be seen."""

import dataclasses
import math

import onnx
import pytest
import torch

from companion.live import Button, Choice, Slider, circle, curves, export, plane
from companion.live.figure import declare
from companion.live.programs import programs
from companion.live.run import Run
from tests.live.page_runtime import Page
from tests.live.parity import apart, followed, idle, opened


@pytest.fixture(scope="module")
def page():
    found = Page()
    yield found
    found.close()


def field(t, x, *, beta, speed):
    return speed * (torch.softmax(beta * x @ x.transpose(-1, -2), -1) @ x - x) + 0.1 * torch.sin(t) * x


def figure(dynamics=field, **options):
    given = {"controls": {"beta": Slider(0.5, 5, 2), "speed": Slider(0.1, 2, 1)}, "dt": 0.05, "readouts": {"size": lambda x: (x**2).mean()},
             "view": [plane(x=(-2, 2), y=(-2, 2)), curves("size")]}
    start = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
    return declare(dynamics, start, name="planted", sentence="{t:.1f}", alt="points", **{**given, **options})


VALUES = {"beta": 3.3, "speed": 0.7}


def faults(page, right, graphs=None, values=None, frames=20):
    """Where torch's figure and the page's graphs differ."""
    opened(page, right, graphs)
    return followed(page, right, values, frames=frames).faults


def test_the_right_graph_passes(page):
    assert faults(page, figure(), values=VALUES) == {}


@pytest.mark.parametrize("wrong", [
    lambda t, x, *, beta, speed: -field(t, x, beta=beta, speed=speed),
    lambda t, x, *, beta, speed: field(t, x, beta=beta, speed=torch.ones_like(speed)) + 0 * speed,
    lambda t, x, *, beta, speed: field(t, x, beta=speed, speed=beta),
    lambda t, x, *, beta, speed: field(t, x, beta=beta, speed=beta) + 0 * speed,
    lambda t, x, *, beta, speed: field(0 * t, x, beta=beta, speed=speed),
    lambda t, x, *, beta, speed: field(t, x.flip(0), beta=beta, speed=speed),
], ids=["sign", "a control without effect", "controls exchanged", "one input merged into another", "time forgotten", "rows turned round"])
def test_a_wrong_graph_is_caught(page, wrong):
    assert "x" in faults(page, figure(), export.graphs(figure(wrong)), VALUES)


def edited(change):
    """The right figure's graphs, one of them changed inside the file."""
    table, found = export.graphs(figure())
    for name in ("step", "see"):
        model = onnx.load_from_string(found[table[""][name]])
        if change(name, model.graph):
            table[""][name] = f"{name}, edited"
            found[table[""][name]] = model.SerializeToString()
    return table, found


def test_a_wrong_sign_inside_the_file_is_caught(page):
    def change(name, graph):
        if name == "step":
            add = next(n for n in graph.node if n.op_type in ("Sub", "Add"))
            add.op_type = "Add" if add.op_type == "Sub" else "Sub"
            return True

    assert "x" in faults(page, figure(), edited(change), VALUES)


def sharp(dtype, readouts, step=lambda k, x, *, a: a * x, start=((0.0, 1.0), (0.5, -2.0)), **options):
    given = {"controls": {"a": Slider(0.1, 1, 0.9)}, "sentence": "{k:.0f}: {r:.1e}", "alt": "points", **options}
    return declare(step, torch.tensor(start, dtype=dtype), name="sharp", method=None, readouts=readouts, frames=6,
                   view=[plane(x=(-2, 2), y=(-2, 2)), curves(*readouts)], **given)


@pytest.mark.parametrize(("dtype", "right", "wrong"), [
    (torch.float32, lambda x: x[0, 0].abs() + 1e-9, lambda x: x[0, 0].abs()),
    (torch.float32, lambda x: (x.abs() / (x.abs() + 1e-9)).sum(), lambda x: (x.abs() / x.abs()).sum()),
    (torch.float64, lambda x: (x * math.pi).sum(), lambda x: (x * float(torch.tensor(math.pi))).sum()),
    (torch.float64, lambda x: (x / 60).sum(), lambda x: (x * float(torch.tensor(1 / 60))).sum()),
    (torch.float32, lambda x: x.sum(), lambda x: -x.sum()),
    (torch.float32, lambda x: x.sum(), lambda x, k: x.sum() + (k == 0) * 1e-3),
], ids=["a dropped 1e-9", "a dropped 1e-9 below a line", "a float32 pi", "a float32 sixtieth", "a readout with a wrong sign", "a wrong first frame"])
def test_a_wrong_readout_is_caught(page, dtype, right, wrong):
    good, bad = sharp(dtype, {"r": right}), sharp(dtype, {"r": wrong})
    assert faults(page, good, frames=6) == {}
    assert "readout:r" in faults(page, good, export.graphs(bad), frames=6)


def test_the_runtime_melts_no_factor_into_a_float32(page):
    """A product of matrices divided by 3: the runtime's fusions would keep 1/3 as a float32."""
    A = torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    thirds = sharp(torch.float64, {"r": lambda x: x.sum()}, lambda k, x, *, a: a * (x.mT.contiguous().mT @ A) / 3)
    assert faults(page, thirds, frames=6) == {}


def test_a_wrong_picture_is_caught(page):
    good, bad = (sharp(torch.float32, {"r": lambda x: x.sum()}, show=show) for show in (lambda x: x, lambda x: x.flip(-1)))
    assert "show0" in faults(page, good, export.graphs(bad), frames=3)


def test_a_wrong_sentence_is_caught(page):
    good = sharp(torch.float32, {"r": lambda x: x.sum()})
    table, found = export.graphs(good)
    page.ask("open", figure={**_spec(good, table, found), "sentence": "{k:.0f}: {r:.2e}"})
    with pytest.raises(AssertionError):
        followed(page, good)


def _spec(figure, table, found):
    from companion.live.widget import spec

    return spec(figure, table, found, "none")


def test_a_step_after_the_last_is_seen(page):
    """A clock that runs out after four of six steps: 0 / 0."""
    def late(k, x, *, a):
        return a * x * (4 - k).clamp(min=0) / (4 - k).clamp(min=0)

    over = sharp(torch.float32, {"r": lambda x: x.sum()}, late)
    opened(page, over)
    run = followed(page, over)
    assert run.blown and run.number == 5
    rests = sharp(torch.float32, {"r": lambda x: x.sum()}, lambda k, x, *, a: torch.where(k < 4, a * x, x))
    opened(page, rests)
    run = followed(page, rests)
    assert not run.blown and run.number == 6


def test_a_wrong_button_and_a_wrong_drag_are_caught(page):
    def with_button(act, put):
        return sharp(torch.float32, {"r": lambda x: x.sum()}, controls={"a": Slider(0.1, 1, 0.9), "kick": Button(act)})

    good, bad = with_button(lambda x: 2 * x, None), with_button(lambda x: 2.01 * x, None)
    opened(page, good, export.graphs(bad))
    run = followed(page, good, frames=2)
    run.act("button", name="kick")
    assert "button" in run.faults


def squares(k, x, *, a):
    """x -> a x^2, row by row: rows above 1 / a explode, rows below die out."""
    return a * x.square()


def test_only_the_member_that_explodes_rests(page):
    rows = ((0.5, 0.1), (30.0, 1.0), (0.3, 1e5))
    several = sharp(torch.float32, {"r": lambda x: x[0].sum()}, squares, rows, members=(0, ["one", "two", "three"]))
    opened(page, several)
    run = followed(page, several, frames=12)
    assert not run.faults and not run.blown and run.number == 12
    assert run.gone.tolist() == [0, 1, 1]
    assert run.said.endswith(" Overflowed: two, three; rest where they were.")
    assert run.moment.x[0].abs().max() < 1e-6 and torch.isfinite(run.moment.x).all()
    anonymous = sharp(torch.float32, {"r": lambda x: x[0].sum()}, squares, rows[:2], members=(0, "starts"))
    opened(page, anonymous)
    assert followed(page, anonymous, frames=12).said.endswith(" 1 of 2 starts overflowed and rests where it was.")
    alone = sharp(torch.float32, {"r": lambda x: x[0].sum()}, squares, rows)
    opened(page, alone)
    assert followed(page, alone, frames=12).blown


def test_two_roundings_that_part_are_no_fault_of_a_step(page):
    """The logistic map forgets its start after thirty steps: each step agrees to rounding, and as runs page and torch part."""
    def logistic(c):
        return sharp(torch.float32, {"r": lambda x: x.sum()}, lambda k, x, *, a: c * 4 * a * x * (1 - x), ((0.3, 0.7), (0.2, 0.45)),
                     controls={"a": Slider(0.1, 1, 1)})

    chaos = logistic(1.0)
    opened(page, chaos, export.graphs(logistic(1 - 1e-7)))
    assert followed(page, chaos, frames=60).faults == {}
    assert apart(page, chaos) < 1e-3
    longer = dataclasses.replace(chaos, frames=60)
    opened(page, longer, export.graphs(logistic(1 - 1e-7)))
    assert apart(page, longer) > 1e-3 > apart(page, longer, 10)


def test_an_idle_control_is_named():
    lazy = figure(lambda t, x, *, beta, speed: speed * -x + 0 * beta)
    assert idle(figure()) == [] and idle(lazy) == ["beta"]
    same = figure(lambda t, x, *, beta, speed, model: speed * beta * -x, controls={**figure().controls, "model": Choice({"one": 1, "two": 2})})
    assert idle(same) == ["model"]


def test_example_inputs_are_distinct():
    f = figure()
    inputs, _ = export.examples(f, "step", f.start)
    numbers = [v.item() for v in inputs.values() if v.ndim == 0]
    assert len(set(numbers)) == len(numbers)


def test_the_key_follows_the_mathematics():
    def key(f):
        program = programs(f, {})["step"]
        inputs, axes = export.examples(f, "step", Run(f).begin().x)
        traced, outputs = export.trace(program, inputs, axes)
        return export.key(traced, inputs, axes, outputs)

    shift = torch.ones(2)
    assert key(figure()) == key(figure())
    assert key(figure()) != key(figure(lambda t, x, *, beta, speed: field(t, x, beta=beta, speed=2 * speed)))
    moved = [key(figure(lambda t, x, *, beta, speed, s=s: field(t, x, beta=beta, speed=speed) + s)) for s in (shift, 2 * shift)]
    assert moved[0] != moved[1]


def test_a_gradient_inside_a_step_is_exported(page):
    from companion.energies import descent

    v = descent(lambda x: (x[..., 0] ** 4 + x[..., 1] ** 2 / 2))
    f = figure(lambda t, x, *, beta: beta * v(t, x), controls={"beta": Slider(0.5, 5, 2)}, view=circle(), readouts={})
    assert faults(page, f, values={"beta": 1.7}) == {}
