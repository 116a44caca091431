"""Files, recordings and messages: what a page and a notebook ask for is there, whole and in order."""

import base64
import gzip
import json
import math

import numpy as np
import pytest
import torch

from companion.flow import Path
from companion.live import Button, Slider, assets, curves, landscape, live, matrix, plane, play
from companion.live.bundle import bundle
from companion.live.notebook import Live, answer
from companion.live.tapes import asset, control_key, decoded, encoded

START = torch.tensor([[0.5, -0.5], [1.0, 0.25]])
BOX = {"name": "f", "sentence": "t = {t:.1f}", "alt": "points", "view": plane(x=(-1, 1), y=(-1, 1), drag=True)}


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A build's folder of recordings."""
    monkeypatch.setenv("COMPANION_LIVE_FIGURES", str(tmp_path / "a" / "figures"))
    return tmp_path / "a" / "figures"


def test_both_doors_hold_the_front_end_and_the_worker_as_a_text():
    page, notebook = assets.front("in_page.js"), assets.front("in_notebook.js")
    worker = f"const WORKER_SOURCE = {json.dumps(bundle('worker.js', assets.FRONT))};\n"
    assert page.count(worker) == notebook.count(worker) == 1 and "function standardNormals" in worker and "onmessage" in worker
    assert page.index("class Run ") < page.index("function mountFigure") < page.index("function hydratePage")
    assert "function render(" in notebook and "hydratePage" not in notebook
    assert assets.page_script() == f"(() => {{\n'use strict';\n{page}\n}})();\n"
    assert assets.module() == f"{notebook}\nexport default {{ render }};\n"


def test_a_build_writes_its_files(build, tmp_path):
    assert assets.folder() == build
    for name in ("rec-a", "rec-b"):
        assets.keep_tape(name, '{"runs": {}}')
    (build / "f.rec-a.pkl").write_bytes(b"")
    for _ in range(2):  # a second build writes over the first
        assets.write(tmp_path / "static" / "deep")
    here = tmp_path / "static" / "deep" / "live"
    assert {f.name for f in here.iterdir()} == {"live.js", "live.css", "live-runtime.js", "rec-a.js", "rec-b.js"}
    assert (here / "live.js").read_text() == assets.page_script() and (here / "live.css").read_text() == assets.style()
    assert (here / "rec-a.js").read_text() == 'companionLive.asset("rec-a", {"runs": {}});\n'
    told = (here / "live-runtime.js").read_text()
    assert told.startswith('companionLive.asset("runtime", ') and told.endswith(");\n")
    runtime = json.loads(told.removeprefix('companionLive.asset("runtime", ').removesuffix(");\n"))
    mjs, wasm = (base64.b64decode(runtime[k]) for k in ("mjs", "wasm"))
    assert gzip.decompress(wasm)[:4] == b"\0asm" and wasm[4:8] == bytes(4) and b"export" in mjs and (mjs, wasm) == assets.runtime()


def test_without_a_build_nothing_is_kept(monkeypatch, tmp_path):
    monkeypatch.delenv("COMPANION_LIVE_FIGURES", raising=False)
    assets.keep_tape("rec-a", "{}"), assets.keep_figure(None, "rec-a")
    assets.write(tmp_path)
    assert assets.folder() is None and len(list((tmp_path / "live").iterdir())) == 3


def test_sixteen_bits_use_the_whole_range():
    frames = np.array([[-1.0, 3.0], [3.0, -1.0], [1.0, 0.0]])
    out = encoded(frames)
    assert (out["shape"], out["lo"], out["scale"]) == ([3, 2], -1, 4 / 65535)
    assert np.array_equal(decoded(out)[:2], frames[:2]) and np.abs(decoded(out) - frames).max() <= out["scale"] / 2
    steps = np.frombuffer(gzip.decompress(base64.b64decode(out["data"])), "<i2")
    assert steps[:4].tolist() == [-32768, 32767, -1, 1] and base64.b64decode(out["data"])[4:8] == bytes(4)  # 65535 wraps; no date
    still = encoded(np.full((2, 2), 7.0))
    assert (still["lo"], still["scale"]) == (7, 1) and (decoded(still) == 7).all()


def test_a_blow_up_is_recorded_as_far_as_it_can_be():
    out = decoded(encoded(np.array([[0.0, math.nan], [math.inf, -math.inf]])))
    assert np.abs(out - [[0, 0], [1e6, -1e6]]).max() < 20
    assert np.abs(decoded(encoded(np.array([[0.5, math.nan], [1.0, 2.0]]))) - [[0.5, 0], [1, 2]]).max() < 1e-4
    series = decoded(encoded(np.array([0.5, math.nan, math.inf])))
    assert series[0] == 0.5 and np.isnan(series[1]) and series[2] == math.inf


def test_what_float32_cannot_hold_is_recorded_in_float64():
    for extreme in (1e-60, -1e-45, 1e100):
        series = np.array([0.0, 1.0, extreme, math.nan, math.inf])
        out = encoded(series)
        assert out["dtype"] == "float64" and np.array_equal(decoded(out), series, equal_nan=True)
    assert "dtype" not in encoded(np.array([0.0, 1e-30, math.inf, 1e30])) and "dtype" not in encoded(np.zeros(3))
    from tests.live.javascript import run

    body = base64.b64encode(np.array([1e-60, -2.0]).tobytes()).decode()
    assert run(["tape.js"], f"Array.from(numbersFromBase64('{body}', 'float64'))") == [1e-60, -2.0]


def test_runs_are_named_as_javascript_writes_them():
    assert control_key({"tau": 2.0, "h": 0.5, "m": "é"}) == '{"tau":2,"h":0.5,"m":"é"}' and control_key({}) == ""
    name, content = asset({"": 1})
    assert content == '{"runs":{"":1}}' and len(name) == 20 and name != asset({"": 2})[0] and name == asset({"": 1})[0]


def test_a_recording_knows_its_clock(build):
    path = Path(torch.tensor([0.0, 0.25, 1.0]), torch.stack([START, 2 * START, 3 * START]))
    f = play(lambda a: path, view=[BOX["view"], matrix(0, 1), curves("now")], name="f", alt="points", sentence="{t:.2f} {k:.0f} {now:.1f} {a:.0f}",
             readouts={"now": lambda x, t, k, a: x[0, 0] + 10 * t + 100 * k + 1000 * a}, controls={"a": Slider(values=[1, 2], value=2)}, caption="c")
    runs = json.loads(f.tape)["runs"]
    assert list(runs) == ['{"a":1}', '{"a":2}'] == f.spec["tape"]["runs"] and f.spec["tape"]["id"] == f.tape_id
    for a, run in zip((1, 2), runs.values(), strict=True):
        assert run["k"] == [0, 1, 2] and run["t"] == [0, 0.25, 1]
        assert decoded(run["arrays"]["readout:now"]).tolist() == [1000 * a + v for v in (0.5, 103.5, 211.5)]
    assert f.sentence == "1.00 2 2211.5 2" and (f.spec["frames"], f.spec["still"], f.spec["programs"], f.spec["caption"]) == (2, 2, {}, "c")
    assert (build / f"{f.tape_id}.js").read_text() == f'companionLive.asset("{f.tape_id}", {f.tape});\n'
    one = play(Path(path.t[:1], path.x[:1]), **BOX)
    assert one.spec["frames"] == 1 and one.spec["dt"] == 1.0 and len(one.png) > 1000


def test_every_run_is_a_path_and_sixty_four_are_not_too_many():
    path = Path(torch.zeros(1), START[None])
    with pytest.raises(TypeError, match="expected a Path"):
        play(lambda a: path if a == 1 else 3, controls={"a": Slider(values=[1, 2])}, **BOX)
    with pytest.raises(ValueError, match="expected a state for each time"):
        play(Path(torch.zeros(2), START[None]), **BOX)
    blown = Path(torch.arange(2.0), torch.stack([START, START / 0]))
    assert len(play(blown, **BOX).seen) == 2
    assert len(play(lambda a: path, controls={"a": Slider(values=range(64))}, **BOX).spec["tape"]["runs"]) == 64


@pytest.fixture
def widget(monkeypatch):
    """(figure, ask): a widget of a figure on the kernel; ask(request, ...) -> [messages it sends]."""
    monkeypatch.delenv("COMPANION_LIVE_FIGURES", raising=False)
    f = live(lambda t, x: 0 * x + 1, START, dt=0.5, frames=2, engine="kernel", controls={"kick": Button(lambda x: -x), "a": Slider(0, 2, 1)},
             **{**BOX, "view": landscape(lambda p, a: a * p.sum(-1), x=(0, 1), y=(0, 1), drag=True)})
    sent = []
    widget = Live(f)
    monkeypatch.setattr(widget, "send", lambda content, buffers=None: sent.append((content, buffers)))
    return f, lambda *message: (sent.clear(), widget._answer(widget, *message), list(sent))[-1]


def test_the_kernel_hands_out_files(widget):
    _, ask = widget
    assert ask({"want": "runtime"}, []) == [({"asset": "runtime"}, list(assets.runtime()))]
    assert ask({}, []) == []


def test_the_kernel_computes_or_says_why_not(widget):
    f, ask = widget
    request = {"id": 7, "op": "button", "name": "kick", "controls": {"a": 2}, "seed": 0, "k": 3, "t": 1.5, "shapes": [[2, 2]]}
    ((content, buffers),) = ask(request, [START.numpy().tobytes()])
    assert {k: content[k] for k in ("op", "id", "k", "t", "dtype")} == {"op": "advanced", "id": 7, "k": 3, "t": 1.5, "dtype": "float32"}
    assert content["outputs"][0] == {"name": "next", "shape": [2, 2]} and content["outputs"][-1] == {"name": "ground0", "shape": [4096]}
    assert buffers[0] == (-START).numpy().tobytes() and np.frombuffer(buffers[-1], "<f4")[-1] == 4  # a = 2 at the corner (1, 1)
    assert (content, buffers) == answer(f.figure, request, [START.numpy().tobytes()], None)
    ((content, buffers),) = ask({**request, "name": "kiss"}, [START.numpy().tobytes()])
    assert (content["op"], content["id"], buffers) == ("failed", 7, None) and "kiss" in content["error"] and "ValueError" in content["error"]
