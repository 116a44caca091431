"""The page's sentences, sliders and logs: formats as Python's, positions that come back, events that torch can repeat."""

import itertools
import json
import random

from companion.figures.numbers import written
from tests.live.javascript import run

FILES = ["look.js", "format.js", "tape.js", "run.js", "history.js", "slider.js"]
FORMATS = [".0f", ".1f", ".3f", ".0e", ".2e", ".0g", ".1g", ".3g", ".6g"]
NUMBERS = [0.0, 0.5, 1.5, 2.5, -0.5, -2.5, 0.125, 0.25, 0.35, 1e-5, 1.5e-4, 9.9996e-5, 99999.5, 1e6, 1e22, -3.0, 123456789.0, 0.1 + 0.2, 7e-300]


def js(expression):
    return run(FILES, expression)


def test_numbers_are_those_of_python():
    rng = random.Random(1)
    numbers = NUMBERS + [rng.uniform(-1, 1) * 10 ** rng.randint(-8, 8) for _ in range(300)]
    asked = [(v, f) for v in numbers for f in FORMATS]
    found = js(f"{json.dumps(asked)}.map(([v, f]) => writtenNumber(v, Number(f[1]), f[2]))")
    assert [(v, f, w) for (v, f), w in zip(asked, found, strict=True) if w != written(v, int(f[1]), f[2])] == []


def test_sentence():
    said = js("""fillSentence("At t = {t:.1f} {n:.0f} of {model}, {{k}}, {E:.1e}, {gone}", {t: 2.25, n: 3, model: "SA", E: NaN})""")
    assert said == "At t = 2.2 3 of SA, {k}, undefined, {gone}"


SLIDERS = [{"lo": 0, "hi": 30}, {"lo": -1, "hi": 1, "step": 0.05}, {"lo": 10, "hi": 300, "step": 1}, {"lo": 0, "hi": 3, "values": [0, 0.5, 3]},
           {"lo": 1e-4, "hi": 10, "log": True}, {"lo": 1, "hi": 1.1, "log": True}]


def test_sliders_come_back_to_the_same_position():
    for s in SLIDERS:
        moved = js(f"""(() => {{ const s = sliderScale({json.dumps(s)}), all = Array.from({{length: s.most + 1}}, (_, i) => i);
            return all.map((i) => [s.value(i), s.position(s.value(i))]); }})()""")
        assert [p for _, p in moved] == list(range(len(moved)))
        assert moved[0][0] == s["lo"] and moved[-1][0] == s["hi"]
        assert all(a < b for (a, _), (b, _) in itertools.pairwise(moved))


SPEC = {"seed": 0, "dt": "h", "substeps": 2, "pace": "log", "programs": {"a": {"step": 1}, "b": {"step": 2}}, "controls": [
    {"kind": "slider", "name": "h", "value": 0.1}, {"kind": "choice", "name": "m", "options": ["a", "b"], "value": "a"},
    {"kind": "button", "name": "kick"}]}


def test_the_log_repeats_a_run_that_was_wound_back():
    log = js(f"""(() => {{ const r = new Run({json.dumps(SPEC)}); r.begin();
        r.values.h = 0.2; r.settle(5); r.values.h = 0.3; r.settle(5); r.note(5, "drag", [0, 1, 2]); r.values.m = "b"; r.settle(9);
        r.settle(6); const wound = r.events.slice(); r.seed = 4; r.begin(); return [wound, r.events, r.program().step, r.dt()]; }})()""")
    assert log[0] == [[5, "h", 0.3], [5, "drag", [0, 1, 2]], [6, "m", "b"]]
    assert log[1] == [[0, "seed", 4], [0, "h", 0.3], [0, "m", "b"]]
    assert log[2:] == [2, 0.3]


def test_every_choice_has_its_program():
    spec = {"seed": 0, "programs": {"a|x": 1, "a|y": 2, "b|x": 3, "b|y": 4}, "controls": [
        {"kind": "choice", "name": "m", "value": "a"}, {"kind": "slider", "name": "h", "value": 1}, {"kind": "choice", "name": "q", "value": "y"}]}
    assert js(f"(() => {{ const r = new Run({json.dumps(spec)}), first = r.program(); r.values.m = 'b'; return [first, r.program()]; }})()") == [2, 4]


def test_a_size_follows_its_slider():
    spec = {"seed": 0, "controls": [{"kind": "slider", "name": "n", "value": 5}]}
    assert js(f"(() => {{ const r = new Run({json.dumps(spec)}); r.values.n = 7.2; return r.sizes(['n', 2]); }})()") == [7, 2]


def test_log_pace_takes_four_percent():
    steps = js(f"(() => {{ const r = new Run({json.dumps(SPEC)}); return [0, 49, 50, 75, 100, 1000].map((k) => r.steps(k)); }})()")
    assert steps == [2, 2, 2, 3, 4, 40]


def test_history_is_bounded_and_in_order():
    kept = js("""(() => { const h = new FrameHistory();
        for (let number = 0; number < 20000; number++) h.push({ number, x: null, arrays: {} });
        h.seek(15000); return [h.current.number, h.frames.map((frame) => frame.number)]; })()""")
    found, numbers = kept
    assert len(numbers) <= 3000 and numbers[0] == 0 and numbers[-1] == 19999 and numbers == sorted(set(numbers))
    assert found == max(n for n in numbers if n <= 15000)
