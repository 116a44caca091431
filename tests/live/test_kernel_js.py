"""The line from a figure to its kernel: late while a cell runs, for as long as it takes; gone after a restart; never the browser's fault."""

import pytest

from tests.live.javascript import run

FILES = ["tape.js", "assets.js", "kernel.js", "figure.js", "in_notebook.js"]
WORLD = """
let time = 0, timers = new Set();
const performance = { now: () => time };
const setInterval = (act, every) => { const timer = { act, every, next: time + every }; timers.add(timer); return timer; };
const clearInterval = (timer) => timers.delete(timer);
const pass = (milliseconds) => {
  for (const end = time + milliseconds; time < end;) {
    time = Math.min(end, ...[...timers].map((timer) => timer.next));
    for (const timer of [...timers]) if (timers.has(timer) && timer.next <= time) { timer.next += timer.every; timer.act(); }
  }
};
class Signal {
  constructor() { this.slots = new Set(); }
  connect(slot) { this.slots.add(slot); }
  disconnect(slot) { this.slots.delete(slot); }
  emit(...given) { this.slots.forEach((slot) => slot(...given)); }
}
const listeners = new Map(), sent = [], kernel = { status: "busy", statusChanged: new Signal() };
const model = {
  get: () => '{"runs": {}}', widget_manager: { kernel }, dead: false,
  on: (event, act) => listeners.set(event, [...(listeners.get(event) || []), act]),
  off: (event, act) => listeners.set(event, (listeners.get(event) || []).filter((one) => one !== act)),
  send(content) { if (this.dead) throw new Error("Cannot send"); sent.push(content); },
};
const emit = (event, ...given) => [...(listeners.get(event) || [])].forEach((act) => act(...given));
const hub = { assets: new Map(), engines: new Map() }, WORKER_SOURCE = "w";
const outcome = (promise) => promise.then((value) => ["answer", value], (error) => [error.message, error.advice || null]);
const makeLine = () => new KernelLine(model);
const fits = (reply) => reply.id === 1;
const player = (spec) => ({
  spec, source: {}, told: 0,
  onstatus() { this.told += 1; },
  giveUp(error) { this.source = null; this.said = error.advice; },
});
"""
GONE = "The kernel that this figure spoke to is gone: run the cell again. Until then a recording is shown."
WAITS = "Waits for the kernel: a cell is running."


def js(program):
    return run(FILES, f"(async () => {{ {program} }})()", WORLD)


def test_a_late_answer_is_waited_for_as_long_as_a_cell_runs():
    assert js("""
      const line = makeLine(), told = [], asked = outcome(line.ask({ want: "runtime" }, [], fits)), spec = { engine: "page" };
      line.onlate = () => told.push([time, line.late, messageFor(spec, { problem: "", loading: true, source: {} }, line)]);
      const soon = messageFor(spec, { problem: "", loading: true, source: {} }, line);
      pass(3600e3);
      emit("msg:custom", { id: 2 }, ["no"]), emit("msg:custom", { id: 1, asset: "runtime" }, ["bytes"]);
      return [sent, soon, told[0], told.length > 1000, line.gone, await asked, line.late, timers.size, told[told.length - 1][2]];
    """) == [[{"want": "runtime"}], "Loading the engine (once for all figures) …", [1500, True, WAITS], True, False,
             ["answer", [{"id": 1, "asset": "runtime"}, ["bytes"]]], False, 0, "Loading the engine (once for all figures) …"]


@pytest.mark.parametrize("end", [
    'emit("comm_live_update")', 'emit("comm:close")', 'kernel.statusChanged.emit(kernel, "restarting")',
    'kernel.statusChanged.emit(kernel, "autorestarting")', 'kernel.statusChanged.emit(kernel, "dead")',
    'model.dead = true; line.ask({}, [], fits).catch(() => {})',
    'kernel.status = "idle"; pass(16500)'])
def test_a_kernel_that_is_gone_is_said_to_be_gone(end):
    assert js(f"""
      const line = makeLine(), asked = outcome(line.ask({{}}, [], fits)), said = [];
      line.ongone = (gone) => said.push(gone.advice);
      {end};
      return [await asked, said, await outcome(line.ask({{}}, [], fits)), sent.length, timers.size, line.late];
    """) == [["the kernel is gone", GONE], [GONE], ["the kernel is gone", GONE], 1, 0, False]


def test_a_pause_between_two_cells_is_no_end():
    assert js("""
      const line = makeLine();
      line.ask({}, [], fits).catch(() => {});
      for (let i = 0; i < 20; i++) { kernel.status = "idle"; pass(10e3); kernel.status = "busy"; pass(2e3); }
      kernel.statusChanged.emit(kernel, "idle"), kernel.statusChanged.emit(kernel, "unknown");
      return [line.gone, line.late];
    """) == [False, True]


def test_where_nothing_is_known_of_the_kernel_only_time_tells():
    assert js("""
      model.widget_manager = undefined;
      const line = makeLine(), asked = outcome(line.ask({}, [], fits));
      pass(600e3);
      const waits = [line.gone, line.late];
      emit("msg:custom", { id: 1 }, []), line.close();
      return [waits, await asked];
    """) == [[False, True], ["answer", [{"id": 1}, []]]]


@pytest.mark.parametrize("engine, awake, lives", [("page", True, True), ("page", False, False), ("kernel", True, False)])
def test_what_computes_in_the_page_goes_on_without_its_kernel(engine, awake, lives):
    source, said, told = js(f"""
      const line = makeLine(), p = player({{ engine: "{engine}" }});
      if ({str(awake).lower()}) hub.engines.set(WORKER_SOURCE, {{}});
      followKernel(p, line);
      line.hangUp(), line.hangUp();
      return [p.source !== null, p.said || null, p.told];
    """)
    assert (source, said, told) == (lives, None if lives else GONE, 1)


def test_a_refusal_of_the_kernel_is_told_as_it_is():
    assert js("""
      const source = new KernelSource({}, makeLine()), run = { seed: 3, values: { a: 1 } };
      const asked = outcome(source.button(run, { x: { x: { data: new Float32Array(2), shape: [2] } }, k: 4, t: 2 }, "kick"));
      emit("msg:custom", { id: 1, error: "ValueError: no such button" }, []);
      return [sent, await asked];
    """) == [[{"op": "button", "id": 1, "k": 4, "t": 2, "seed": 3, "controls": {"a": 1}, "shapes": [[2]], "name": "kick"}],
             ["ValueError: no such button", None]]


def test_a_figure_that_leaves_listens_no_more():
    assert js("""
      const line = makeLine();
      line.ask({}, [], fits).catch(() => {});
      line.close();
      return [[...listeners.values()].map((acts) => acts.length), kernel.statusChanged.slots.size, timers.size];
    """) == [[0, 0, 0], 0, 0]


def test_the_recording_needs_no_kernel():
    assert js("""
      const line = makeLine();
      model.dead = true;
      return [await new Assets(line).load("rec-1"), sent.length];
    """) == [{"runs": {}}, 0]
