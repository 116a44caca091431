"""What a reader's hand has done to a run, a slider does not undo: the player's moves, with a source that counts."""

from tests.live.javascript import page

SPEC = """{ frames: 4, still: 1, seed: 0, programs: {}, controls: [
  { kind: "slider", name: "line", value: 7, acts: "run" }, { kind: "slider", name: "size", value: 2, acts: "start" },
  { kind: "button", name: "move", label: "move" }] }"""
# the state is one number: it starts at the slider's value, a press adds 100, a step 1
SOURCE = """{
  wake: async () => {}, ground: async () => ({}), see: async (run, frame) => frame,
  start: async (run) => frameOf(0, run.values.line),
  advance: async (run, frame, steps) => frameOf(frame.k + steps, frame.x.x.data[0] + steps),
  button: async (run, frame) => frameOf(frame.k, frame.x.x.data[0] + 100),
}"""


def played(moves):
    """[k, state, events] after `moves`, statements on a `player` that has just been reset."""
    return page(f"""(async () => {{
      const frameOf = (k, value) => ({{ k, t: k, finite: true, arrays: {{}}, x: {{ x: {{ data: Float32Array.of(value), shape: [1] }} }} }});
      const spec = {SPEC}, player = new Player(spec, new Run(spec), null, {SOURCE});
      player.go = () => {{}};
      await player.restart();
      {moves}
      await player.queue;
      const {{ k, x, events }} = player.state();
      return [k, x[0], events];
    }})()""")


def test_before_the_first_step_a_slider_shapes_the_start():
    assert played("await player.change('line', 30);") == [0, 30, [[0, "line", 30]]]


def test_moves_by_hand_are_kept_when_a_slider_is_touched():
    moves = "await player.press('move'); await player.change('line', 30); await player.press('move'); await player.change('line', 50);"
    assert played(moves) == [0, 207, [[0, "move", True], [0, "line", 30], [0, "move", True], [0, "line", 50]]]


def test_they_are_kept_at_the_end_of_a_run_too():
    to_the_end = "for (let i = 0; i < 4; i++) await player.compute(); "
    assert played(to_the_end + "await player.change('line', 30);") == [0, 30, [[0, "line", 30]]]  # untouched: the run starts again
    kept = "await player.press('move'); " + to_the_end + "await player.change('line', 30);"
    assert played(kept) == [4, 111, [[0, "move", True], [4, "line", 30]]]


def test_a_slider_of_the_start_and_reset_begin_again():
    assert played("await player.press('move'); await player.change('size', 3);")[:2] == [0, 7]
    assert played("await player.press('move'); await player.reset();") == [0, 7, []]
    assert played("await player.press('move'); await player.reset(); await player.change('line', 30);") == [0, 30, [[0, "line", 30]]]
