"""The parity test is worth what it catches: wrong graphs, idle controls and merged inputs must be seen."""

import onnx
import pytest
import torch
from parity import compare, failures, idle

from companion.live import Choice, Slider, circle, curves, export, plane
from companion.live.figure import declare
from companion.live.programs import programs
from companion.live.run import Run


def field(t, x, *, beta, speed):
    return speed * (torch.softmax(beta * x @ x.transpose(-1, -2), -1) @ x - x) + 0.1 * torch.sin(t) * x


def figure(dynamics=field, **options):
    given = {"controls": {"beta": Slider(0.5, 5, 2), "speed": Slider(0.1, 2, 1)}, "dt": 0.05, "readouts": {"size": lambda x: (x**2).mean()},
             "view": [plane(x=(-2, 2), y=(-2, 2)), curves("size")]}
    start = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
    return declare(dynamics, start, name="planted", sentence="{t:.1f}", alt="points", **{**given, **options})


VALUES = {"beta": 3.3, "speed": 0.7}


def planted(wrong):
    """Differences of torch's figure from the graphs of a wrong one."""
    return failures(compare(figure(), VALUES, graphs=export.graphs(figure(wrong))))


def test_the_right_graph_passes():
    assert failures(compare(figure(), VALUES)) == {}


@pytest.mark.parametrize("wrong", [
    lambda t, x, *, beta, speed: -field(t, x, beta=beta, speed=speed),
    lambda t, x, *, beta, speed: field(t, x, beta=beta, speed=torch.ones_like(speed)) + 0 * speed,
    lambda t, x, *, beta, speed: field(t, x, beta=speed, speed=beta),
    lambda t, x, *, beta, speed: field(t, x, beta=beta, speed=beta) + 0 * speed,
    lambda t, x, *, beta, speed: field(0 * t, x, beta=beta, speed=speed),
    lambda t, x, *, beta, speed: field(t, x.flip(0), beta=beta, speed=speed),
], ids=["sign", "a control without effect", "controls exchanged", "one input merged into another", "time forgotten", "rows turned round"])
def test_a_wrong_graph_is_caught(wrong):
    assert planted(wrong)


def test_a_wrong_sign_inside_the_file_is_caught():
    table, store = export.graphs(figure())
    model = onnx.load_from_string(store[table[""]["step"]])
    add = next(n for n in model.graph.node if n.op_type == "Sub" or n.op_type == "Add")
    add.op_type = "Add" if add.op_type == "Sub" else "Sub"
    store[table[""]["step"]] = model.SerializeToString()
    assert failures(compare(figure(), VALUES, graphs=(table, store)))


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


def test_a_gradient_inside_a_step_is_exported():
    from companion.energies import descent

    v = descent(lambda x: (x[..., 0] ** 4 + x[..., 1] ** 2 / 2))
    f = figure(lambda t, x, *, beta: beta * v(t, x), controls={"beta": Slider(0.5, 5, 2)}, view=circle(), readouts={})
    assert failures(compare(f, {"beta": 1.7})) == {}
