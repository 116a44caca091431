"""Figures whose state has named parts: graphs, page, kernel, recording and torch's replay keep the names and the numbers."""

import base64
from typing import NamedTuple

import numpy as np
import pytest
import torch

from companion.flow import flow, iterate
from companion.live import Button, Slider, curves, export, plane, play, replay
from companion.live.figure import declare
from companion.live.notebook import answer
from companion.live.programs import programs
from companion.live.run import Run, random
from companion.live.widget import spec
from companion.noise import noise
from tests.live.page_runtime import Page
from tests.live.parity import apart, followed, growth, idle, opened, steps_agree

F64 = torch.float64


class Phase(NamedTuple):
    q: torch.Tensor
    v: torch.Tensor


class Weighted(NamedTuple):
    x: torch.Tensor
    logw: torch.Tensor


START = Phase(torch.linspace(-1, 1, 10, dtype=F64).reshape(5, 2), torch.linspace(1, 0.5, 10, dtype=F64).reshape(5, 2))
VIEW = plane(x=(-2, 2), y=(-2, 2), show=lambda z: z.q, drag=lambda z, i, p: z._replace(q=torch.where(torch.arange(5)[:, None] == i, p, z.q)))


@pytest.fixture(scope="module")
def page():
    found = Page()
    yield found
    found.close()


def swing(t, z, *, pull):
    return Phase(z.v, -pull * torch.sin(z.q) + 0.01 * t)


def pendula(dynamics=swing, start=START, **options):
    given = {"dt": 0.05, "controls": {"pull": Slider(0.5, 3, 1), "stop": Button(lambda z: z._replace(v=torch.zeros_like(z.v)))},
             "readouts": {"energy": lambda z, pull: (z.v**2 / 2 - pull * torch.cos(z.q)).sum()}, "view": [VIEW, curves("energy")]}
    given["sentence"] = "{energy:.6f} at {t:.2f}"
    return declare(dynamics, start, name="pendula", alt="points", **{**given, **options})


def test_a_field_with_parts_in_the_page(page):
    figure = pendula()
    opened(page, figure)
    assert followed(page, figure, {"pull": 2.5}, frames=40).faults == {}
    assert list(page.ask("begin", values={"pull": 1.0}, seed=0)["x"]) == ["q", "v"]
    run = followed(page, figure, frames=5)
    run.act("button", name="stop")
    assert run.faults == {} and run.moment.x.v.abs().max() == 0
    run.act("put", i=3, p=[0.5, -0.5])
    assert run.on(3).faults == {} and apart(page, figure) < 1e-9 and growth(figure) < 100 and idle(figure) == []


@pytest.mark.parametrize("wrong", [
    lambda t, z, *, pull: Phase(z.v, pull * torch.sin(z.q) + 0.01 * t),
    lambda t, z, *, pull: Phase(z.q, -pull * torch.sin(z.q) + 0.01 * t + 0 * z.v),
    lambda t, z, *, pull: Phase(z.v + 1e-8, -pull * torch.sin(z.q) + 0.01 * t),
])
def test_a_wrong_part_is_caught(page, wrong):
    opened(page, pendula(), export.graphs(pendula(wrong)))
    assert set(followed(page, pendula(), frames=5).faults) & {"x.q", "x.v"}


def weighted(**options):
    """A noisy cloud with weights: its size is the reader's, and one part has one axis less."""
    def step(k, z, xi, *, heat):
        return Weighted(0.9 * z.x + heat * xi.x, z.logw - 0.1 * (z.x**2).sum(-1) + 0.01 * xi.logw)

    controls = {"n": Slider(2, 30, 6, step=1, acts="start"), "heat": Slider(0, 1, 0.5)}
    return declare(step, lambda xi: Weighted(xi, xi[:, 0] * 0), shape=("n", 2), method=None, noise=True, name="weighted", controls=controls,
                   view=plane(x=(-3, 3), y=(-3, 3), show=lambda z: z.x), sentence="{mean:.4f}", alt="points",
                   readouts={"mean": lambda z: (torch.softmax(z.logw, 0)[:, None] * z.x).sum()}, **options)


def test_a_drawn_start_of_any_size_and_one_draw_of_noise(page):
    figure = weighted()
    opened(page, figure)
    for values in ({}, {"n": 17, "heat": 0.9}, {"n": 2}):
        assert followed(page, figure, values, seed=3, frames=20).faults == {}
    _, axes = export.examples(figure, "step", Run(figure).begin().x)
    assert axes == {"x": {0: "n"}, "logw": {0: "n"}, "xi.x": {0: "n"}, "xi.logw": {0: "n"}} and random(figure)
    run = Run(figure, seed=3)
    after, xi = run.advance(run.begin(), 1).x, noise((18,), seed=3, k=0)
    assert torch.allclose(after.logw, -0.1 * (run.begin().x.x**2).sum(-1) + 0.01 * xi[12:])


def test_two_parts_may_start_as_one_tensor(page):
    figure = pendula(lambda t, z, *, pull: Phase(z.v, z.v), lambda xi: Phase(xi, xi), shape=(5, 2), dtype=F64)
    opened(page, figure)
    assert followed(page, figure, frames=3).faults == {}


def test_members_rest_in_all_their_parts(page):
    def burst(k, z, *, a):
        return Phase(z.q + a * z.v, torch.where(torch.arange(5)[:, None] == 2, 1e30 * z.v, z.v))

    figure = pendula(burst, Phase(*(part.float() for part in START)), method=None, dt=None, members=(0, list("abcde")), sentence="{k:.0f}",
                     readouts={"r": lambda z: z.q.sum()}, controls={"a": Slider(0.1, 1, 0.5)},
                     view=plane(x=(-1, 1), y=(-1, 1), show=lambda z: z.q))
    opened(page, figure)
    run = followed(page, figure, frames=6)
    assert run.gone.tolist() == [0, 0, 1, 0, 0] and "c" in run.said and not run.blown and run.faults == {}


def test_the_kernel_takes_and_gives_the_parts():
    figure = pendula(engine="kernel")
    request = {"id": 1, "op": "advance", "steps": 3, "controls": {"pull": 2.0}, "seed": 0, "k": 2, "t": 0.1, "shapes": [[5, 2], [5, 2]]}
    content, buffers = answer(figure, request, [part.numpy().tobytes() for part in START], None)
    assert [o["name"] for o in content["outputs"]][:2] == ["next.q", "next.v"] and content["k"] == 5
    want = flow(lambda t, z: swing(t, z, pull=2.0), START, 0.25, 3, t0=0.1).end
    for data, part in zip(buffers, want, strict=False):
        assert np.allclose(np.frombuffer(data).reshape(5, 2), part.numpy(), atol=1e-15)


def test_replay_and_the_page_s_own_account():
    figure = pendula()
    path = replay(figure, [(2, "stop", True), (4, "pull", 2.0), (5, "drag", [1, 0.0, 0.0])], 8)
    assert isinstance(path.x, Phase) and path.x.v[2].abs().max() == 0 and path.x.q[5, 1].tolist() == [0, 0]
    told = [{"k": k, "t": 0.05 * k, "x": {n: p[k].flatten().tolist() for n, p in path.x._asdict().items()}, "shape": {"q": [5, 2], "v": [5, 2]},
             "controls": {"pull": 1.0}, "seed": 0} for k in (0, 1)]
    assert steps_agree(figure, told) == {}
    told[1]["x"]["v"][3] += 1e-6
    assert list(steps_agree(figure, told)) == ["v"]


def test_a_recording_of_parts():
    path = iterate(lambda k, z: Phase(z.q + 0.1 * z.v, z.v), START, 4)
    shown = play(path, name="parts", view=VIEW, sentence="{size:.3f}", alt="points", readouts={"size": lambda z: z.q.sum()})
    assert shown.sentence == f"{path.end.q.sum():.3f}"


def test_what_the_page_is_told():
    start = spec(pendula(), {}, {}, "rec-0")["state"]["start"]
    assert list(start) == ["q", "v"] and start["v"]["shape"] == [5, 2]
    assert base64.b64decode(start["v"]["data"]) == START.v.numpy().tobytes()


def test_names_that_are_taken_are_refused():
    class Bad(NamedTuple):
        t: torch.Tensor
        pull: torch.Tensor

    with pytest.raises(ValueError, match="part 't'"):
        pendula(start=Bad(*START))

    class Clash(NamedTuple):
        q: torch.Tensor
        pull: torch.Tensor

    with pytest.raises(ValueError, match="part 'pull'"):
        pendula(start=Clash(*START))
    with pytest.raises(ValueError, match="as many in every part"):
        pendula(start=Phase(START.q, START.v[:4]), members=(0, "starts"))


class Many(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor
    c: torch.Tensor
    d: torch.Tensor


def test_parts_that_stay_stand_in_their_order():
    """The same figure has the same graph in every process: nothing in it follows the order of a set."""
    start = Many(*torch.linspace(1, 2, 4, dtype=F64)[:, None, None].expand(4, 3, 2))
    figure = declare(lambda k, z: z, start, method=None, name="still", alt="points", sentence="{k}",
                     view=plane(x=(-2, 2), y=(-2, 2), show=lambda z: z.a))
    program, (inputs, axes) = programs(figure, {})["step"], export.examples(figure, "step", start)
    traced = [export.trace(program, inputs, axes)[0] for _ in range(20)]
    assert len({graph.code for graph in traced}) == 1
    adds = [n.args[0].name for n in traced[0].graph.nodes if n.target is torch.ops.aten.add.Tensor]
    assert adds == sorted(adds) and len(adds) == 4
