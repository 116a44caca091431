"""Where the page's frames come from: recordings as Python packed them, the worker with a runtime that counts,
  the kernel's messages, the log."""

import json

import numpy as np
import pytest
import torch

from companion.live import circle, curves, landscape, live
from companion.live.tapes import decoded
from companion.noise import noise
from tests.live.javascript import page, run

TAPED = """(async () => {
  const source = new TapeSource({ tape: { id: "rec-1" } }, { load: async (id) => (stub.asked.push(id), content) }), values = VALUES;
  const found = await source.run(values), again = await source.run(values);
  return found && { asked: stub.asked.length, same: found === again,
    grounds: Object.fromEntries(Object.entries(found.grounds).map(([n, g]) => [n, g.length])),
    frames: found.frames.map(({ number, k, t, x, arrays }) => [number, k, t, x,
      Object.fromEntries(Object.entries(arrays).map(([n, { data, shape }]) => [n, [Array.from(data), shape]]))]) }; })()"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANION_LIVE_FIGURES", str(tmp_path_factory.mktemp("figures")))
        view = [
            landscape(lambda p: p.square().sum(-1), x=(-1, 1), y=(-1, 1)),
            circle(show=lambda x: x[:, 0]),
            curves("E"),
        ]
        yield live(
            lambda k, x: 0.9 * x,
            torch.tensor([[0.5, -0.25], [1.0, 0.75]]),
            name="t",
            method=None,
            dt=0.5,
            frames=6,
            view=view,
            readouts={"E": lambda x: x.square().sum()},
            sentence="{E:.2f}",
            alt="Two points.",
            engine="kernel",
        )


def taped(content, values="{}"):
    return page(TAPED.replace("VALUES", values), after=f"stub.asked = []; const content = {content};")


def test_a_recording_is_read_back(shown):
    found = taped(shown.tape)
    run_ = json.loads(shown.tape)["runs"][""]
    want = {name: np.asarray(decoded(a)) for name, a in run_["arrays"].items()}
    assert found["asked"] == 1 and found["same"] and found["grounds"] == {"ground0": 64 * 64}
    assert [f[0] for f in found["frames"]] == list(range(len(run_["k"]))) and len(found["frames"]) == 7
    for number, k, t, x, arrays in found["frames"]:
        assert (k, t, x) == (run_["k"][number], run_["t"][number], None) and set(arrays) == {
            n for n in want if not n.startswith("ground")
        }
        for name, (data, shape) in arrays.items():
            assert shape == list(want[name].shape[1:]) and np.allclose(
                np.reshape(data, shape), want[name][number], atol=1e-6
            )
    end = [[0.5 * 0.9**6, -0.25 * 0.9**6], [0.9**6, 0.75 * 0.9**6]]
    assert np.allclose(np.reshape(found["frames"][-1][4]["show0"][0], (2, 2)), end, atol=1e-4) and found["frames"][
        -1
    ][4]["show1"][1] == [2]


def test_the_recording_of_the_present_values_is_found(shown):
    whole = json.loads(shown.tape)["runs"][""]
    runs = {'{"beta": 1.0, "m": "a"}': whole, '{"beta": 2.5, "m": "b"}': whole | {"t": [9.0] * 7}}
    content = json.dumps({"runs": runs})
    assert (
        taped(content, "{ beta: 2.5, m: 'b' }")["frames"][0][2] == 9
        and taped(content, "{ beta: 1 + 1e-12, m: 'a' }")["frames"][0][2] == 0
    )
    assert taped(content, "{ beta: 1.001, m: 'a' }") is None and taped(content, "{ beta: 1, m: 'b' }") is None
    assert page("new TapeSource({}, {}).run({})") is None


def test_equal_values():
    pairs = [
        (1, 1, True),
        (0.1 + 0.2, 0.3, True),
        (1, 1 + 2e-9, False),
        (0, 0, True),
        (0, 1e-300, False),
        ("a", "a", True),
        ("1", 1, False),
    ]
    assert page(f"{json.dumps([p[:2] for p in pairs])}.map(([a, b]) => sameValue(a, b))") == [p[2] for p in pairs]


def test_packed_numbers_keep_their_type():
    for dtype, name in ((np.float32, "float32"), (np.float64, "float64")):
        import base64

        text = base64.b64encode(np.array([1 / 3, -2.0], dtype).tobytes()).decode()
        assert page(f"Array.from(numbersFromBase64('{text}', '{name}'))") == np.array([1 / 3, -2.0], dtype).tolist()


# --- the worker ---

WORKER = """
const self = { postMessage: (reply) => replies.push(reply) }, replies = [], made = [];
const pack = async (text) => { const s = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(s).arrayBuffer()); };
const graphs = { step: [["x", "beta"], ({ x, beta }) => ({ next: x.map((v) => v + beta[0]) })],
  noisy: [["x", "xi", "k", "t"], ({ x, xi }) => ({ next: x.map((v, i) => v + xi[i]) })], put: [["x", "i", "p"],
    ({ x, i, p }) => ({ next: x.map((v, j) => (Math.floor(j / p.length) === Number(i[0]) ? p[j % p.length] : v)) })],
  begin: [["xi", "n"], ({ xi, n }) => ({ next: xi.map((v) => v * n[0]) })], kick: [["x", "t", "k"], ({ x, t,
    k }) => ({ next: x.map((v) => v + 10 * t[0] + k[0]) })],
  see: [["x", "t"], ({ x, t }) => ({ show0: x.map((v) => 2 * v), "readout:T": t })], ground: [["beta"], ({ beta }) => ({ ground0: beta })],
  phase: [["q", "v", "xi.q", "xi.v", "dt"], (z) => ({ "next.q": z.q.map((q, i) => q + z.dt[0] * z.v[i] + z["xi.q"][i]),
    "next.v": z.v.map((v, i) => v + z["xi.v"][i]) })], sum: [["q", "v"], ({ q, v }) => ({ show0: q.map((a, i) => a + v[i]) })],
  odd: [["missing"], () => ({})] };
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); made.push([type, data.constructor.name,
  Array.from(data, Number), dims]); } }
const runtime = { Tensor, InferenceSession: { create: async (bytes) => { const name = new TextDecoder().decode(bytes), [inputNames,
  f] = graphs[name];
  made.push(name);
  return { inputNames, run: async (feeds) => { const state = feeds.x || feeds.q, dims = state ? state.dims : feeds.xi ? feeds.xi.dims : [1];
    const outputs = f(Object.fromEntries(Object.entries(feeds).map(([n, tensor]) => [n, tensor.data])));
    return Object.fromEntries(Object.entries(outputs).map(([n, data]) => [n, { data, dims }])); } }; } } };
const settled = async (n) => { while (replies.length < n) await new Promise((done) => setTimeout(done, 1)); };
async function asked(...requests) {
  ort = runtime;
  const all = Object.fromEntries(await Promise.all(Object.keys(graphs).map(async (name) => [name, await pack(name)])));
  requests.forEach((request, i) => self.onmessage({ data: { id: i, graphs: i ? {} : all, dtype: "float64", scalars: { beta: 3,
    dt: 0.5 }, seed: 7, k: 4, t: 2,
    x: { x: { data: Float64Array.of(1, 2, 3, 4), shape: [2, 2] } }, ...request } }));
  await settled(requests.length);
  const plain = (reply) => ({ ...reply, outputs: reply.outputs && Object.fromEntries(Object.entries({ ...reply.outputs, ...reply.x })
    .filter(([, output]) => output !== undefined).map(([n, { data, shape }]) => [n, [Array.from(data), shape]])) });
  return [replies.map(plain), made]; }
"""


def ask(*requests):
    return run(["noise.js", "worker.js"], f"asked(...{json.dumps(requests)})", before=WORKER)


def outputs(reply, name="x"):
    return reply["outputs"][name][0]


def test_a_move_takes_its_steps_and_tells_what_is_seen():
    (reply,), made = ask({"op": "advance", "graph": "step", "see": "see", "steps": 3})
    assert (
        (reply["k"], reply["t"], reply["finite"]) == (7, 3.5, True)
        and outputs(reply) == [10, 11, 12, 13]
        and reply["outputs"]["x"][1] == [2, 2]
    )
    assert outputs(reply, "show0") == [20, 22, 24, 26] and outputs(reply, "readout:T") == [3.5]
    assert (
        made.count("step") == 1
        and ["float64", "Float64Array", [3], []] in made
        and ["float64", "Float64Array", [3.5], []] in made
    )


def test_noise_is_that_of_the_step_and_of_the_start():
    (steps, start), _ = ask(
        {"op": "advance", "graph": "noisy", "steps": 2, "noise": True},
        {"op": "start", "graph": "begin", "xi": [3, 2], "scalars": {"n": 2}},
    )
    draws = [noise((2, 2), seed=7, k=k, dtype=torch.float64) for k in (4, 5)]
    assert outputs(steps) == pytest.approx(
        (torch.tensor([[1.0, 2], [3, 4]]) + sum(draws)).reshape(-1).tolist(), abs=1e-12
    )
    assert outputs(start) == pytest.approx(
        (2 * noise((3, 2), seed=7, k=-1, dtype=torch.float64)).reshape(-1).tolist(), abs=1e-12
    )
    assert (start["k"], start["t"]) == (0, 0)


def test_the_other_moves():
    replies, made = ask(
        {"op": "put", "graph": "put", "i": 1, "p": [8, 9]},
        {"op": "button", "graph": "kick"},
        {"op": "see", "see": "see"},
        {"op": "start", "k": 9, "t": 9},
        {"op": "ground", "graph": "ground"},
        {"op": "warm", "graph": "step", "see": "see"},
    )
    put, button, see, start, ground, warm = replies
    assert (
        outputs(put) == [1, 2, 8, 9]
        and (put["k"], put["t"]) == (4, 2)
        and ["int64", "BigInt64Array", [1], []] in made
        and ["float64", "Float64Array", [8, 9], [2]] in made
    )
    assert (
        outputs(button) == [25, 26, 27, 28]
        and (button["k"], button["t"]) == (4, 2)
        and outputs(see, "show0") == [2, 4, 6, 8]
    )
    assert (
        outputs(start) == [1, 2, 3, 4]
        and (start["k"], start["t"]) == (0, 0)
        and outputs(ground, "ground0") == [3]
        and warm["id"] == 5
    )
    assert [r["id"] for r in replies] == list(range(6)) and made.count("step") == made.count("see") == 1


def test_overflow_and_float32():
    (reply,), made = ask(
        {
            "op": "advance",
            "graph": "step",
            "steps": 1,
            "scalars": {"beta": 1e308, "dt": 1},
            "x": {"x": {"data": [1.5e308], "shape": [1]}},
        }
    )
    assert reply["finite"] is False
    (reply,), made = ask(
        {
            "op": "advance",
            "graph": "step",
            "steps": 1,
            "dtype": "float32",
            "scalars": {"beta": 0.1, "dt": 1},
            "x": {"x": {"data": [1, 2], "shape": [2]}},
        }
    )
    assert ["float32", "Float32Array", [pytest.approx(0.1, rel=1e-7)], []] in made and outputs(reply) == np.float32(
        [1 + np.float32(0.1), 2 + np.float32(0.1)]
    ).tolist()


def test_a_state_with_parts_keeps_their_names_and_shares_one_draw():
    q, v = {"data": [1.0, 2.0], "shape": [1, 2]}, {"data": [10.0, 20.0], "shape": [1, 2]}
    (reply,), _ = ask({"op": "advance", "graph": "phase", "see": "sum", "steps": 1, "noise": True, "x": {"q": q, "v": v}})
    z = noise((4,), seed=7, k=4, dtype=torch.float64).tolist()
    assert outputs(reply, "q") == pytest.approx([1 + 5 + z[0], 2 + 10 + z[1]], abs=1e-14)
    assert outputs(reply, "v") == pytest.approx([10 + z[2], 20 + z[3]], abs=1e-14)
    assert outputs(reply, "show0") == pytest.approx([a + b for a, b in zip(outputs(reply, "q"), outputs(reply, "v"), strict=True)])
    assert list(reply["x"]) == ["q", "v"] and reply["finite"]
    (burst,), _ = ask({"op": "advance", "graph": "phase", "steps": 1, "noise": True, "x": {"q": q, "v": v | {"data": [1.7e308, 0]}},
                       "scalars": {"dt": 1e308}})
    assert burst["finite"] is False


def test_what_is_missing_is_said_and_the_next_request_is_answered():
    (odd, gone, fine), _ = ask(
        {"op": "advance", "graph": "odd", "steps": 1},
        {"op": "advance", "graph": "nowhere", "steps": 1},
        {"op": "advance", "graph": "step", "steps": 1},
    )
    assert (
        odd["error"] == 'graph odd asks for "missing", which the figure does not have'
        and gone["error"] == "graph nowhere is not in the page"
    )
    assert "error" not in fine and outputs(fine) == [4, 5, 6, 7]


# --- the page's engine and source ---

ENGINE = """
const sent = [];
const URL = { createObjectURL: () => "blob:1", revokeObjectURL: (address) => sent.push(["revoked", address]) };
class Worker { constructor(address) { Worker.last = this; sent.push(["worker", address]); }
  postMessage(message) { sent.push(message); if (!stub.mute) queueMicrotask(() => this.onmessage({ data: { id: message.id,
    ...stub.answer(message) } })); } }
stub.answer = ({ op, k, t }) => (op === "ground" ? { outputs: { ground0: { data: [4] } } } : { k: k + 1, t: t + 1, finite: true,
  x: { x: { data: [1], shape: [1] } }, outputs: { show0: { data: [2], shape: [1] } } });
const assets = { load: async (id) => (sent.push(["load", id]), { mjs: "m", wasm: "w" }) };
"""
SPEC = {
    "seed": 3,
    "dt": "h",
    "state": {"dtype": "float32", "start": None},
    "xi": ["n", 2],
    "noise": True,
    "graphs": {"S": "s!", "V": "v!", "P": "p!"},
    "programs": {"a": {"step": "S", "see": "V", "put": "P", "start": "S", "button:kick": "P", "ground": "V"}},
    "controls": [
        {"kind": "slider", "name": "h", "value": 0.25},
        {"kind": "slider", "name": "n", "value": 5.0},
        {"kind": "choice", "name": "m", "options": ["a"], "value": "a"},
        {"kind": "button", "name": "kick"},
    ],
}


def engine(body, spec=SPEC):
    return page(
        f"(async () => {{ const spec = {json.dumps(spec)}, run = new Run(spec), source = new PageSource(spec, assets); {body} }})()",
        ENGINE,
    )


def test_a_graph_travels_once_and_requests_say_all():
    sent, frame = engine("""await source.wake(run); const x = { data: [0], shape: [1] };
      const frame = await source.advance(run, { x, k: 6, t: 1.5 }, 3); await source.start(run); await source.put(run, { x, k: 1,
        t: 2 }, 1, [3, 4]);
      await source.button(run, { x, k: 1, t: 2 }, "kick"); await source.see(run, { x, k: 1, t: 2 });
        const ground = await source.ground(run);
      return [sent, [frame, ground]]""")
    worker, load, boot, revoked, warm, advance, start, put, button, see, ground = sent
    assert (worker, load, revoked) == (["worker", "blob:1"], ["load", "runtime"], ["revoked", "blob:1"]) and (
        boot["op"],
        boot["mjs"],
        boot["wasm"],
    ) == ("boot", "m", "w")
    assert warm["op"] == "warm" and warm["graphs"] == {"S": "s!", "V": "v!"}
    assert advance["graphs"] == {} and (advance["graph"], advance["see"], advance["steps"], advance["noise"]) == (
        "S",
        "V",
        3,
        True,
    )
    assert advance["scalars"] == {"h": 0.25, "n": 5, "dt": 0.25} and (
        advance["seed"],
        advance["dtype"],
        advance["k"],
        advance["t"],
    ) == (3, "float32", 6, 1.5)
    assert (start["op"], start["x"], start["xi"], start["k"], start["t"]) == ("start", None, [5, 2], 0, 0)
    assert (
        put["graphs"] == {"P": "p!"}
        and (put["i"], list(put["p"].values())) == (1, [3, 4])
        and button["graph"] == "P"
        and button["graphs"] == {}
    )
    assert (see["op"], see["see"], ground["op"], ground["graph"]) == ("see", "V", "ground", "V")
    assert frame == [
        {
            "k": 7,
            "t": 2.5,
            "x": {"x": {"data": [1], "shape": [1]}},
            "arrays": {"show0": {"data": [2], "shape": [1]}},
            "finite": True,
        },
        {"ground0": [4]},
    ]
    assert [m["id"] for m in sent if isinstance(m, dict)] == list(range(1, 9))


def test_one_engine_for_all_figures_and_a_new_one_after_a_failure():
    body = """const a = sharedEngine(assets), b = sharedEngine(assets), one = await a; hub.assets.set("runtime", 1);
      stub.mute = true; const lost = one.request({ op: "see" }); Worker.last.onerror({ message: "gone" });
      const said = await lost.catch((error) => error.message); stub.mute = false; const other = await sharedEngine(assets);
      return [a === b, said, other === one, sent.filter(([what]) => what === "worker").length]"""
    assert engine(body.replace("([what])", "(m)").replace("what ===", "m[0] ===")) == [True, "gone", False, 2]
    failed = """stub.answer = () => ({ error: "no memory" });
      const said = await sharedEngine(assets).catch((error) => error.message); await null;
      return [said, hub.engines.size]"""
    assert engine(failed) == ["no memory", 0]


def test_a_figure_with_a_given_start_sends_it():
    spec = SPEC | {
        "state": {"dtype": "float64", "start": {"x": {"shape": [2], "data": "AAAAAAAA8D8AAAAAAAAAwA=="}}},
        "xi": None,
        "programs": {"a": {"step": "S"}},
    }
    sent, ground = engine(
        "await source.wake(run); await source.start(run); return [sent, await source.ground(run)]", spec
    )
    assert (
        list(sent[-1]["x"]["x"]["data"].values()) == [1, -2]
        and sent[-1]["x"]["x"]["shape"] == [2]
        and sent[-1]["xi"] is None
        and ground == {}
    )


OLD = [
    ("const WebAssembly = undefined;", "WebAssembly is missing"),
    ("const Worker = undefined;", "workers are missing"),
    ("class Worker {} const DecompressionStream = undefined;", "the browser is too old"),
]


@pytest.mark.parametrize("before, said", OLD)
def test_an_old_browser_is_told_before_anything_is_fetched(before, said):
    assert page("(() => { try { checkBrowser(); } catch (error) { return error.message; } })()", before) == said


def test_a_policy_without_webassembly_is_told():
    before = "class Worker {} const WebAssembly = { Module: class { constructor() { throw new Error('CSP'); } } };"
    assert (
        page("(() => { try { checkBrowser(); } catch (error) { return error.message; } })()", before)
        == "WebAssembly is not allowed here"
    )


# --- the kernel ---

KERNEL = """
const sent = [], listen = { "msg:custom": [] }, model = {
  on: (kind, act) => { listen[kind] = [...(listen[kind] || []), act]; },
  off: (kind, act) => { listen[kind] = listen[kind].filter((a) => a !== act); },
  get: (name) => stub[name], send: (content, callbacks, buffers) => sent.push([content, (buffers || []).map((b) => b.byteLength)]) };
const view = (a) => new DataView(a.buffer, a.byteOffset, a.byteLength);
const answer = (message, ...arrays) => listen["msg:custom"].forEach((act) => act(message, arrays.map(view)));
"""
LINE = "const run = new Run(spec), line = new KernelLine(model), source = new KernelSource(spec, line);"


def kernel(body):
    return page(f"(async () => {{ const spec = {json.dumps(SPEC)}; {LINE} {body} }})()", KERNEL)


def test_moves_are_messages_with_the_whole_state():
    sent, frame, ground = (
        kernel("""const wide = Float64Array.of(9, 1, 2, 9), x = { x: { data: Float64Array.of(5, 6), shape: [2, 1] } };
      const job = source.advance(run, { x, k: 3, t: 0.5 }, 4); await null; source.put(run, { x, k: 1, t: 0 }, 1, Float64Array.of(7,
        8)); source.start(run);
      source.button(run, { x, k: 1, t: 0 }, "kick"); source.see(run, { x, k: 2, t: 1 });
      answer({ id: 99 }); answer(null); answer({ id: 1, k: 7, t: 1, dtype: "float64", outputs: [{ name: "next", shape: [2, 1] },
        { name: "ground0", shape: [1] },
        { name: "show0", shape: [1] }] }, wide.subarray(1, 3), Float64Array.of(4), Float64Array.of(3));
      const { x: state, ...frame } = await job;
      return [sent, [{ ...frame, show: Array.from(frame.arrays.show0.data) }, Array.from(state.x.data), state.x.shape],
        await source.ground(run)]""")
    )
    advance, put, start, button, see = (content for content, _ in sent)
    assert advance == {
        "op": "advance",
        "id": 1,
        "k": 3,
        "t": 0.5,
        "seed": 3,
        "controls": {"h": 0.25, "n": 5, "m": "a"},
        "shapes": [[2, 1]],
        "steps": 4,
    }
    assert sent[0][1] == [16] and sent[2][1] == [] and start["shapes"] == []
    assert (put["op"], put["i"], put["p"], button["op"], button["name"], see["op"], see["steps"]) == (
        "put",
        1,
        [7, 8],
        "button",
        "kick",
        "advance",
        0,
    )
    assert (
        frame[1:] == [[1, 2], [2, 1]]
        and frame[0]["show"] == [3]
        and set(frame[0]["arrays"]) == {"show0"}
        and frame[0]["finite"]
        and (frame[0]["k"], frame[0]["t"]) == (7, 1)
    )
    assert ground == {"ground0": {"0": 4}}


def test_the_kernel_may_refuse_overflow_or_be_silent():
    said, finite = (
        kernel("""const x = { x: { data: Float64Array.of(5), shape: [1] } }, lost = source.see(run, { x, k: 0, t: 0 }),
          over = source.see(run, { x, k: 0, t: 0 });
      answer({ id: 1, error: "ValueError: no" }); answer({ id: 2, k: 0, t: 0, dtype: "float32", outputs: [{ name: "next",
        shape: [1] }] }, Float32Array.of(Infinity));
      return [await lost.catch((error) => error.message), (await over).finite]""")
    )
    assert said == "ValueError: no" and finite is False


ASSETS = """
stub.tape = '{"runs": 1}';
const assets = new Assets(line), tape = await assets.load("rec"), first = assets.load("runtime"), again = assets.load("runtime");
await null;
const bytes = Uint8Array.of(9, 1, 2, 3);
answer({ asset: "other" }, bytes, bytes);
answer({ asset: "runtime" }, bytes.subarray(1, 2), bytes.subarray(2, 4));
const { mjs, wasm } = await first, late = assets.load("runtime");
await null;
hub.assets.set("here", 5);
line.hangUp();
return [tape, first === again, sent.map(([content]) => content.want), [...mjs], [...wasm], await assets.load("here"),
  await late.catch((error) => error.message)];"""


def test_assets_come_with_the_figure_by_message_or_from_the_shelf():
    found = kernel(ASSETS)
    assert found == [{"runs": 1}, True, ["runtime", "runtime"], [1], [2, 3], 5, "the kernel is gone"]
