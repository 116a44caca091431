"""The player of the page with a source that counts: what plays, stops, blows up, is wound back, and what the log holds."""

import itertools
import json

import pytest

from tests.live.javascript import page

# The state is (2, 2) ones times a level; a step adds beta; a push sets a point; the button doubles; above 1000 it overflows.
SETUP = """
const spec = { name: "s", seed: 5, frames: 20, still: 8, substeps: 2, dt: 0.5, readouts: ["E"], random: true, ...OPTIONS, controls: [
  { kind: "slider", name: "beta", lo: 0, hi: 1000, value: 1, acts: "run" }, { kind: "slider", name: "n", lo: 1, hi: 9, value: 2,
    acts: "start" },
  { kind: "choice", name: "m", options: ["a", "b"], value: "a", acts: "run" }, { kind: "button", name: "kick" }],
  programs: { a: { step: "a", put: "p", "button:kick": "k" }, b: { step: "b", put: "p", "button:kick": "k" } } };
const calls = [], shown = [], wait = (ms) => new Promise((done) => setTimeout(done, ms));
const frameOf = (k, data) => ({ k, t: 0.5 * k, x: { x: { data: Float64Array.from(data), shape: [2, 2] } },
  arrays: { "readout:E": { data: [data[0]], shape: [] } }, finite: data.every((v) => v <= 1000) });
const counted = {
  async wake() { calls.push("wake"); await wait(stub.waking || 0); if (stub.broken) throw new Error(stub.broken); },
  async start(run) { calls.push("start"); return frameOf(0, Array(4).fill(run.values.n === 2 ? 1 : run.values.n)); },
  async advance(run, { k, x }, steps) { calls.push("advance"); const sign = run.program().step === "b" ? -1 : 1;
    return frameOf(k + steps, Array.from(x.x.data, (v) => v + sign * steps * run.values.beta)); },
  async put(run, { k, x }, i, p) { calls.push(["put", i, ...p]); const data = Array.from(x.x.data); data.splice(2 * i, 2, ...p);
    return frameOf(k, data); },
  async button(run, { k, x }, name) { calls.push(["button", name]); return frameOf(k, Array.from(x.x.data, (v) => 2 * v)); },
  async see(run, { k, x }) { calls.push("see"); return frameOf(k, x.x.data); },
  async ground(run) { calls.push("ground"); return { ground0: run.values.beta }; },
};
const recorded = (length) => ({ grounds: { ground0: "taped" },
  frames: Array.from({ length }, (_, number) => ({ ...frameOf(2 * number, Array(4).fill(1 + 2 * number)), number, x: null })) });
const tape = { run: async (values) => (values.beta === 1 && values.m === "a" && values.n === 2 ? recorded(TAPE) : null) };
const run = new Run(spec), player = new Player(spec, run, tape, SOURCE ? counted : null);
player.onshow = (moving) => shown.push([player.history.current.number, moving, clock.now]);
const state = () => { const s = player.state(); return { ...s, number: player.history.current && player.history.current.number,
  mode: player.mode,
  status: player.status(), problem: player.problem, frames: player.history.frames.length, playing: player.playing, E: s.readouts.E,
    calls: calls.length }; };
const level = () => player.history.current.arrays["readout:E"].data[0];
"""


def play(body, source=True, tape=9, **options):
    setup = f"const OPTIONS = {json.dumps(options)}, SOURCE = {json.dumps(source)}, TAPE = {tape};{SETUP}"
    return page(f"(async () => {{ {body} }})()", after=setup)


SHOW = "await player.showTape({ still: true });"
LIVE = SHOW + "player.restart(); await clock.run(50);"


def test_the_recording_stands_at_its_still_frame():
    found = play(SHOW + "return [state(), player.limit, player.grounds]")
    assert (found[0]["mode"], found[0]["number"], found[0]["status"], found[1]) == ("tape", 8, "tape", 9) and found[
        2
    ] == {"ground0": "taped"}
    assert play("player.run.values.beta = 3;" + SHOW + "return state()")["mode"] == "none"


def test_a_link_shows_the_frame_that_tells_most_and_a_choice_the_frame_that_is_shown():
    body = SHOW + "player.seek(3); await player.showTape(); const same = state(); await player.showTape({ still: true }); return [same, state()]"
    assert [found["number"] for found in play(body, tape=12)] == [3, 8]


def test_a_control_shows_what_is_asked_while_the_engine_comes_up():
    body = SHOW + "stub.waking = 100; player.change('beta', 4); await clock.run(50); const asked = player.valuesShown();"
    asked, now = play(body + "const now = player.run.values.beta; return [asked, now]")
    assert asked == {"beta": 4, "n": 2, "m": "a"} and now == 1


def test_when_the_source_is_gone_the_controls_are_those_of_what_is_shown():
    body = LIVE + "player.change('beta', 4); await clock.run(10); await player.advance(3); player.giveUp(new Error('gone')); return state()"
    found = play(body)
    assert found["E"] == 13 and found["controls"]["beta"] == 4 and found["events"] == [[0, "beta", 4]] and "gone" in found["problem"]


def test_a_recording_alone_plays_to_its_end_once():
    body = SHOW + "player.play(); await clock.run(2000); const end = state(); return [end, shown]"
    end, shown = play(body, source=False)
    numbers = [n for n, *_ in shown]
    assert (
        numbers[:2] == [8, 0]
        and numbers[2:] == [*range(1, 9), 8]
        and shown[-1][1] is False
        and end["status"] == "tape"
    )
    times = [t for n, _, t in shown if 1 <= n <= 7]
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([33] * 6, abs=17) and 170 < times[
        -1
    ] - times[0] < 230


def test_play_takes_over_from_the_recording_without_a_jump():
    body = (
        SHOW
        + "stub.waking = 100; player.seek(0); player.play(); await clock.run(100000); return [state(), shown, player.grounds]"
    )
    end, shown, grounds = play(body)
    numbers = [n for n, *_ in shown]
    assert end["mode"] == "live" and end["number"] == 20 and end["k"] == 40 and end["E"] == 41 and not end["playing"]
    assert (
        all(b - a in (0, 1) for a, b in itertools.pairwise(numbers[1:]))
        and end["frames"] == 21
        and grounds == {"ground0": 1}
    )


def test_play_at_the_end_starts_anew():
    body = (
        LIVE
        + "player.play(); await clock.run(9000); const end = state(); player.play(); await clock.run(300); return [end, state()]"
    )
    end, again = play(body)
    assert end["number"] == 20 and end["status"] == "ready" and 3 < again["number"] < 15 and again["playing"]


def test_a_page_that_is_not_seen_does_not_move():
    body = (
        LIVE
        + "player.visible = false; player.play(); await clock.run(900); const hidden = state(); player.visible = true; "
        "await clock.run(300);"
    )
    body += "const seen = state(); document.hidden = true; await clock.run(900); return [hidden, seen, state()]"
    hidden, seen, away = play(body)
    assert hidden["number"] == 0 and 3 < seen["number"] < 15 and away["number"] == seen["number"]


def test_pause_stops():
    found = play(
        LIVE
        + "player.play(); await clock.run(200); player.pause(); const a = state(); await clock.run(900); return [a, state(), "
        "shown[shown.length - 1]]"
    )
    assert found[0]["number"] == found[1]["number"] > 2 and found[2][1] is False and found[1]["status"] == "ready"


def test_a_slider_acts_on_the_run_under_way():
    body = LIVE + "player.play(); await clock.run(300); const at = player.history.current.number, E = level();"
    body += "player.change('beta', 10); await clock.run(33); const next = state(); await clock.run(500); return [at, E, next, state()]"
    at, before, now, later = play(body)
    ((k, name, value),) = later["events"]
    assert (name, value) == ("beta", 10) and 2 * at <= k <= 2 * at + 2
    steps = later["k"] - k
    assert later["E"] == 1 + k + 10 * steps and now["E"] >= before and later["controls"]["beta"] == 10 and 3 < at < 15


def test_controls_before_the_first_step_at_the_end_and_those_that_act_on_the_start():
    still, _ = play(LIVE + "player.change('beta', 4); await clock.run(300); return [state(), calls]")
    assert still["k"] == 0 and not still["playing"] and still["events"] == [[0, "beta", 4]]
    ended = play(
        LIVE + "player.play(); await clock.run(3000); player.change('beta', 4); await clock.run(200); return state()"
    )
    assert (
        ended["playing"]
        and ended["events"] == [[0, "beta", 4]]
        and ended["E"] == 1 + 4 * ended["k"]
        and 0 < ended["k"] < 30
    )
    other = play(
        LIVE + "player.play(); await clock.run(300); player.change('n', 7); await clock.run(200); return state()"
    )
    assert other["playing"] and other["events"] == [[0, "n", 7]] and other["E"] == 7 + other["k"] and other["k"] < 24


def test_a_choice_changes_the_program():
    found = play(
        LIVE
        + "await player.advance(4); player.change('m', 'b'); await clock.run(10); await player.advance(6); return state()"
    )
    assert (
        found["E"] == 1 + 4 - 6 and found["events"] == [[4, "m", "b"]] and found["k"] == 10 and found["number"] == 2
    )


def test_a_run_that_overflows_stops_and_says_when():
    body = (
        LIVE
        + "await player.advance(2); player.change('beta', 300); await clock.run(10); player.play(); await clock.run(900); return state()"
    )
    found = play(body)
    assert found["status"] == "error" and not found["playing"] and found["k"] == 4 and found["E"] == 603
    assert (
        "overflow" in found["problem"]
        and "t = 2 and" in found["problem"]
        and "3 " in found["problem"].split("and")[1]
    )
    mended = play(body.replace("return state()", "player.change('beta', 2); await clock.run(100); return state()"))
    assert mended["problem"] == "" and mended["playing"] and mended["E"] == 1 + 2 * mended["k"]
    hurried = play(body.replace("player.play();", "player.enqueue(() => player.computeTo(15));"))
    assert hurried["status"] == "error" and hurried["k"] == 4
    drawn = play(LIVE + "for (let i = 0; i < 12; i++) { player.press('kick'); await clock.run(1); } return state()")
    assert drawn["status"] == "error" and drawn["E"] == 512


def test_the_last_frame_is_the_last():
    found = play(
        LIVE + "player.play(); await clock.run(5000); return [state(), calls.filter((c) => c === 'advance').length]"
    )
    assert found[0]["number"] == 20 and found[1] == 20


def test_steps_forward_in_the_past_and_at_the_present():
    body = (
        LIVE
        + "await player.step(); await player.step(); const two = state(); player.seek(0); await player.step(); return [two, state(), calls]"
    )
    two, wound, calls = play(body)
    assert (two["number"], two["k"], two["E"]) == (2, 4, 5) and (wound["number"], wound["E"], wound["frames"]) == (
        1,
        3,
        3,
    )
    assert calls.count("advance") == 2 and not wound["playing"]
    taped = play(SHOW + "player.seek(3); await player.step(); return state()", source=False)
    assert taped["number"] == 4 and taped["status"] == "tape"
    over = play(SHOW + "player.seek(3); player.play(); player.step(); await clock.run(500); return state()")
    assert over["mode"] == "live" and over["number"] == 4 and not over["playing"]


def test_time_wound_back_goes_on_from_there():
    body = (
        LIVE
        + "for (let i = 0; i < 6; i++) await player.step(); player.seek(2); const back = state(); player.change('beta', 5); "
        "await clock.run(10);"
    )
    body += "await player.step(); return [back, state()]"
    back, now = play(body)
    assert (back["number"], back["k"], back["playing"]) == (2, 4, False) and now["events"] == [[4, "beta", 5]]
    assert (now["number"], now["frames"], now["E"]) == (3, 4, 5 + 10)


def test_reset_goes_to_the_start_and_keeps_what_was_set():
    found = play(
        LIVE
        + "player.change('beta', 3); player.play(); await clock.run(300); player.reset(); await clock.run(100); return state()"
    )
    assert (found["k"], found["number"], found["playing"], found["controls"]["beta"], found["frames"]) == (
        0,
        0,
        False,
        3,
        1,
    )
    assert found["events"] == [[0, "beta", 3]] and found["status"] == "ready"
    taped = play(SHOW + "player.play(); await clock.run(100); player.reset(); return state()", source=False)
    assert (taped["number"], taped["mode"], taped["playing"]) == (0, "tape", False)
    fresh = play(SHOW + "player.reset(); await clock.run(100); return state()")
    assert (fresh["number"], fresh["mode"], fresh["playing"]) == (0, "live", False)


def test_another_seed_is_the_next_one_and_plays():
    body = (
        LIVE
        + "player.newSeed(); const asked = [player.seedShown(), run.seed]; player.newSeed(); await clock.run(200); return [asked, state()]"
    )
    asked, found = play(body)
    assert asked == [6, 5] and found["seed"] == 7 and found["playing"] and found["events"] == [[0, "seed", 7]]


def test_a_press_acts_where_the_run_is():
    found = play(
        LIVE
        + "await player.advance(3); await player.press('kick'); await clock.run(1); player.pause(); return [state(), calls]"
    )
    assert found[0]["E"] == 8 and found[0]["events"] == [[3, "kick", True]] and found[0]["number"] == 1
    taped = play(SHOW + "player.seek(4); player.press('kick'); await clock.run(1); return [state(), shown.length]")
    assert (
        taped[0]["mode"] == "live"
        and taped[0]["E"] == 18
        and taped[0]["events"] == [[8, "kick", True]]
        and taped[0]["playing"]
    )
    ended = play(
        LIVE
        + "player.play(); await clock.run(3000); player.press('kick'); await clock.run(3000); return [state(), player.limit]"
    )
    assert ended[0]["number"] == 40 and ended[0]["E"] == 2 * 41 + 40 and ended[1] == 41
    assert play(SHOW + "await player.press('kick'); return state()", source=False)["events"] == []


def test_of_a_fast_pointer_the_last_place_counts():
    body = (
        LIVE
        + "await player.advance(2); player.drag(1, [7, 8]); player.drag(1, [9, 10]); await clock.run(1); player.pause();"
    )
    found, calls = play(body + "return [state(), calls.filter((c) => c[0] === 'put')]")
    assert (
        found["x"] == [3, 3, 9, 10] and calls == [["put", 1, 9, 10]] and found["events"] == [[2, "drag", [1, 9, 10]]]
    )
    twice = play(body + "player.drag(0, [1, 2]); await clock.run(1); player.pause(); return [state(), calls]")[0]
    assert twice["x"][:2] == [1, 2] and twice["events"][-1] == [2, "drag", [0, 1, 2]]
    fixed = play(
        LIVE + "delete spec.programs.a.put; player.drag(1, [7, 8]); await clock.run(1); return [state(), calls]"
    )
    assert fixed[0]["x"] == [1, 1, 1, 1] and not [c for c in fixed[1] if c[0] == "put"]


def test_less_motion_shows_the_frame_that_tells_most_then_the_end():
    body = (
        "stub.reduced = true;"
        + LIVE
        + "player.play(); await clock.run(10); const first = state(); player.play(); await clock.run(10);"
    )
    body += "const second = state(); player.play(); await clock.run(10); return [first, second, state(), shown]"
    first, second, third, _ = play(body)
    assert (
        (first["number"], second["number"], third["number"]) == (8, 20, 8)
        and not third["playing"]
        and first["E"] == 17
    )
    taped = play("stub.reduced = true;" + SHOW + "player.seek(0); player.play(); return state()", source=False)
    assert taped["number"] == 8
    moved = play("stub.reduced = true;" + LIVE + "player.change('n', 3); await clock.run(10); return state()")
    assert (moved["number"], moved["E"], moved["playing"]) == (8, 19, False)
    pressed = play(
        "stub.reduced = true;"
        + LIVE
        + "player.press('kick'); await clock.run(10); const a = state(); player.seek(20);"
        "player.press('kick'); await clock.run(10); return [a, state()]"
    )
    assert pressed[0]["number"] == 0 and pressed[0]["E"] == 2


def test_a_browser_that_does_not_compute_shows_the_recording():
    body = (
        SHOW
        + "stub.broken = 'no wasm'; player.wanted.set('beta', 3); player.play(); await clock.run(3000); "
        "return [state(), player.source, player.valuesShown()]"
    )
    found, source, shown = play(body)
    assert shown["beta"] == 1  # the sliders are those of the recording again
    assert (
        source is None
        and "no wasm" in found["problem"]
        and "recording" in found["problem"]
        and found["controls"]["beta"] == 1
    )
    assert found["mode"] == "tape" and found["number"] == 8 and found["status"] == "error"
    fresh = play("stub.broken = 'x'; player.restart(); await clock.run(10); return state()")
    assert fresh["mode"] == "tape" and fresh["number"] == 8


def test_a_source_that_fails_later_says_so_and_the_next_success_clears_it():
    body = (
        LIVE
        + "const good = counted.advance; counted.advance = async () => { throw new Error('lost') }; player.play(); await clock.run(100);"
    )
    body += "const bad = state(); counted.advance = good; await player.step(); return [bad, state()]"
    bad, good = play(body)
    assert (
        bad["problem"] == "The computation stopped: lost."
        and not bad["playing"]
        and bad["status"] == "error"
        and good["problem"] == ""
    )


def test_a_state_far_along_the_recording_is_repeated_before_it_goes_on():
    found = play(SHOW + "player.change('beta', 1); await clock.run(10); player.pause(); return state()")
    assert found["mode"] == "live" and found["playing"] is False
    caught = play(
        SHOW
        + "player.play(); await clock.run(10); player.pause(); return [state(), calls.filter((c) => c === 'advance').length]"
    )
    assert caught[0]["mode"] == "live" and caught[0]["E"] == 1 + caught[0]["k"]


def test_only_the_last_of_several_restarts_counts():
    body = (
        LIVE
        + "calls.length = 0; player.change('n', 3); player.change('n', 4); player.change('n', 5); await clock.run(5); "
        "player.pause(); return [calls, state()]"
    )
    calls, found = play(body)
    assert calls.count("start") == 1 and found["controls"]["n"] == 5


def test_the_state_that_is_told():
    empty = play("return player.state()")
    assert empty == {
        "k": 0,
        "t": 0,
        "seed": 5,
        "x": [],
        "shape": [],
        "controls": {"beta": 1, "n": 2, "m": "a"},
        "events": [],
        "readouts": {},
    }
    full = play(LIVE + "await player.advance(3); return player.state()")
    assert full["t"] == 1.5 and full["x"] == [4] * 4 and full["shape"] == [2, 2] and full["readouts"] == {"E": 4}
