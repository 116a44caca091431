"""The torch side of a figure: clock, events, recordings, the kernel's answers."""

import json
import math
from typing import NamedTuple

import numpy as np
import pytest
import torch

from companion.flow import Path, flow, identity, iterate
from companion.live import Button, Choice, Slider, curves, plane, play, replay
from companion.live.figure import declare
from companion.live.notebook import answer
from companion.live.run import Run, random, steps_of_frame, tape
from companion.live.tapes import control_key, decoded, encoded
from companion.noise import noise

BOX = {"view": plane(x=(-2, 2), y=(-2, 2), drag=True), "sentence": "t = {t:.2f}", "alt": "points", "name": "f"}
START = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Two(NamedTuple):
    drawn: torch.Tensor
    fixed: torch.Tensor


def pull(t, x, *, rate):
    return -rate * x + torch.cos(t)


def test_a_run_is_a_flow():
    f = declare(pull, START, dt=0.1, controls={"rate": Slider(0, 3, 1.5)}, **BOX)
    end = Run(f).advance(Run(f).begin(), 20)
    assert torch.allclose(end.x, flow(lambda t, x: pull(t, x, rate=1.5), START, 2.0, 20).end, atol=1e-13)
    assert (end.k, end.t) == (20, pytest.approx(2.0))


def test_a_map_iterates_and_its_clock_ticks():
    f = declare(lambda k, x, *, tau: x * (1 - tau) + k, START, method=None, dt="tau", controls={"tau": Slider(0, 1, 0.25)}, **BOX)
    end = Run(f).advance(Run(f).begin(), 8)
    assert torch.allclose(end.x, iterate(lambda k, x: x * 0.75 + k, START, 8).end) and end.t == pytest.approx(2.0)


def test_noise_is_the_numbered_noise():
    f = declare(lambda k, x, xi: x + xi, START, method=None, noise=True, seed=7, **BOX)
    end = Run(f).advance(Run(f).begin(), 3)
    assert torch.allclose(end.x, START + sum(noise((5, 2), seed=7, k=k, dtype=torch.float64) for k in range(3)), atol=1e-14)


def test_start_noise_has_its_own_number():
    f = declare(lambda t, x: -x, lambda xi, *, n, spread: spread * xi, shape=("n", 2), dt=0.1, seed=3,
                controls={"n": Slider(2, 30, 6, step=1, acts="start"), "spread": Slider(0, 2, 0.5, acts="start")}, **BOX)
    assert torch.equal(Run(f, {"n": 9}).begin().x, 0.5 * noise((9, 2), seed=3, k=-1))


def test_a_seed_matters_where_noise_does():
    still = declare(pull, lambda xi: xi * 0 + 1, shape=(3, 2), dt=0.1, controls={"rate": Slider(0, 3, 1.5)}, **BOX)
    stirred = declare(pull, lambda xi: xi, shape=(3, 2), dt=0.1, controls={"rate": Slider(0, 3, 1.5)}, **BOX)
    noisy = declare(lambda k, x, xi: x + xi, START, method=None, noise=True, **BOX)
    half = declare(lambda k, x: x, lambda xi: Two(xi, torch.zeros_like(xi)), shape=(3, 2), method=None,
                   **{**BOX, "view": plane(x=(-2, 2), y=(-2, 2), show=lambda z: z.drawn)})
    fixed = declare(pull, START, dt=0.1, controls={"rate": Slider(0, 3, 1.5)}, **BOX)
    assert [random(f) for f in (still, stirred, noisy, half, fixed)] == [False, True, True, True, False]


def test_events_act_before_their_step():
    f = declare(pull, START, dt=0.1, controls={"rate": Slider(0, 3, 1.5), "kick": Button(lambda x, *, rate: x + rate)}, **BOX)
    path = replay(f, [(0, "rate", 1.0), (3, "rate", 2.0), (3, "kick", True), (5, "drag", [2, 0.5, -0.5])], 6)
    one = flow(lambda t, x: pull(t, x, rate=1.0), START, 0.3, 3).end
    assert torch.allclose(path.x[3], one + 2.0)
    two = flow(lambda t, x: pull(t, x, rate=2.0), one + 2.0, 0.5, 2, t0=0.3).end
    two[2] = torch.tensor([0.5, -0.5])
    assert torch.allclose(path.x[5], two, atol=1e-12) and len(path.x) == 7 and torch.allclose(path.t, 0.1 * torch.arange(7, dtype=path.t.dtype))
    with pytest.raises(ValueError, match="expected drag"):
        replay(f, [(1, "rates", 2.0)], 2)


def test_a_slider_moved_after_a_press_at_the_start_acts_on_later_presses_only():
    f = declare(pull, START, dt=0.1, controls={"rate": Slider(0, 3, 1.5), "kick": Button(lambda x, *, rate: x + rate)}, **BOX)
    path = replay(f, [(0, "rate", 1.0), (0, "kick", True), (0, "rate", 2.0), (0, "kick", True)], 1)
    assert torch.allclose(path.x[0], START + 3.0) and torch.allclose(path.x[1], flow(lambda t, x: pull(t, x, rate=2.0), START + 3.0, 0.1, 1).end)


def test_the_log_pace_spreads_log_time_evenly():
    f = declare(lambda t, x: -x, START, dt=0.1, pace="log", frames=200, **BOX)
    k = [m.k for m, _ in tape(f)]
    late = np.diff(np.log(k[100:]))
    assert k[:51] == list(range(51)) and k[51] == 52 and late.max() < 0.045 and late.min() > 0.03
    assert steps_of_frame(declare(lambda t, x: -x, START, dt=0.1, substeps=3, **BOX), 1000) == 3


def test_a_recording_decodes_to_what_was_recorded():
    frames = np.cumsum(np.random.default_rng(0).normal(size=(50, 7, 2)), 0)
    assert np.abs(decoded(encoded(frames)) - frames).max() <= (frames.max() - frames.min()) / 65535
    assert np.allclose(decoded(encoded(np.linspace(0, 1, 9))), np.linspace(0, 1, 9), atol=1e-7)
    constant = decoded(encoded(np.full((3, 2, 2), 4.0)))
    assert np.allclose(constant, 4.0)


def test_a_replay_is_shaken_like_a_run(monkeypatch):
    figure = declare(lambda k, x: 2 * x, torch.full((5, 2), 0.7, dtype=torch.float64), method=None, name="f", view=plane(x=(-1, 1), y=(-1, 1)),
                     sentence="s", alt="points")  # fmt: skip
    monkeypatch.setenv("COMPANION_SHAKE", "3")
    path = Run(figure).advance(Run(figure).begin(), 4).x
    assert torch.equal(path, iterate(figure.dynamics, figure.start, 4).end) and 0 < (path - 11.2).abs().max() < 1e-11


def test_a_grid_of_runs_is_played():
    def run(rate, sign):
        return flow(lambda t, x: -sign * rate * x, START, 1.0, 10)

    f = play(run, name="g", view=[plane(x=(-2, 2), y=(-2, 2)), curves("size")], sentence="{size:.2f}", alt="points",
             readouts={"size": lambda x, *, rate: rate * (x**2).mean()},
             controls={"rate": Slider(values=[0.5, 1, 2], value=1), "sign": Choice({"in": 1, "out": -1})})
    runs = json.loads(f.tape)["runs"]
    assert set(runs) == {control_key({"rate": r, "sign": s}) for r in (0.5, 1.0, 2.0) for s in ("in", "out")}
    end = decoded(runs['{"rate":2,"sign":"out"}']["arrays"]["show0"])[-1]
    assert np.allclose(end, (START * math.exp(2)).numpy(), atol=1e-3)
    assert f.spec["engine"] == "recording" and f.sentence == f"{(START**2).mean().item() * math.exp(-2):.2f}"


def test_one_path_is_played():
    f = play(Path(torch.arange(4.0), torch.rand(4, 5, 2)), name="p", view=plane(x=(0, 1), y=(0, 1)), sentence="k = {k:.0f}", alt="points")
    assert f.spec["tape"]["runs"] == [""] and f.sentence == "k = 3"


def test_the_kernel_answers_what_torch_computes():
    f = declare(pull, START, dt=0.1, controls={"rate": Slider(0, 3, 1.5)}, engine="kernel", readouts={"size": lambda x: (x**2).sum()}, **BOX)
    request = {"id": 1, "controls": {"rate": 2.0}, "seed": 0, "k": 2, "t": 0.2, "shapes": [[5, 2]]}
    content, buffers = answer(f, {**request, "op": "advance", "steps": 4}, [START.numpy().tobytes()], None)
    x = torch.frombuffer(bytearray(buffers[0]), dtype=torch.float64).reshape(5, 2)
    assert torch.allclose(x, flow(lambda t, x: pull(t, x, rate=2.0), START, 0.6, 4, t0=0.2).end) and content["k"] == 6
    assert [o["name"] for o in content["outputs"]] == ["next", "readout:size", "show0"]
    assert np.frombuffer(answer(f, {**request, "op": "start", "shapes": []}, [], None)[1][0]).tolist() == START.flatten().tolist()
    put = np.frombuffer(answer(f, {**request, "op": "put", "i": 1, "p": [3.0, 4.0]}, [START.numpy().tobytes()], None)[1][0]).reshape(5, 2)
    assert put[1].tolist() == [3.0, 4.0] and put[0].tolist() == START[0].tolist()


def test_identity_is_the_default_projection():
    assert declare(pull, START, dt=0.1, controls={"rate": Slider(0, 3, 1.5)}, **BOX).project is identity
