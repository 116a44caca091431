"""The player's table of states: everything in it can be reached, every line of it happens, and each state shows something."""

from functools import cache

import pytest

from tests.live.javascript import page
from tests.live.test_player_js import LIVE, SHOW, play

# what [side, state, event] has moved the player, and every event that was sent to it
NOTED = """
const moved = new Set(), sent = new Set(), on = player.on;
player.on = function (event, ...more) {
  const before = this.now;
  on.call(this, event, ...more);
  sent.add(event);
  for (const side of Object.keys(before)) if (before[side] !== this.now[side]) moved.add([side, before[side], event].join(" "));
};
"""
OVER = LIVE + "player.change('beta', 900); await clock.run(10); player.play(); await clock.run(500);"
FLAT = "counted.ground = async () => { throw new Error('flat'); };"
FAILED = LIVE + """const good = counted.advance; counted.advance = async () => { throw new Error("lost"); };
  player.play(); await clock.run(100);"""
RESTS, PLAYS, FAILS, TAPED = "live rests awake idle well", "live plays awake idle well", "live rests awake idle ill", "tape rests absent idle ill"
RUNS = {  # what is done -> where it ends: frames, time, source, work, health
  "a recording, then its run, to the end": (SHOW + "stub.waking = 100; player.seek(0); player.play(); await clock.run(3000);", RESTS),
  "no recording": ("player.restart(); await clock.run(50);", RESTS),
  "a choice that was not recorded": (SHOW + "player.change('n', 3); await clock.run(50); player.pause();", RESTS),
  "overflow": (OVER, "blown rests awake idle ill"),
  "overflow, then from the start": (OVER + "player.change('beta', 1); player.reset(); await clock.run(50);", RESTS),
  "overflow, then a hand": (OVER + "player.drag(0, [1, 1]); await clock.run(1);", PLAYS),
  "overflow, then the numbers of the console": (OVER + "player.run.values.beta = 0; await player.advance(1);", "blown rests awake idle well"),
  "a frame that fails": (FAILED, FAILS),
  "a frame that fails, then one that does not": (FAILED + "counted.advance = good; player.play(); await clock.run(100);", PLAYS),
  "a landscape that fails": (FLAT + "player.restart({ still: true }); await clock.run(50);", FAILS),
  "a link to another run": (SHOW + "player.wanted.set('beta', 3); player.restart({ still: true }); await clock.run(50);", RESTS),
  "gone before it wakes": (SHOW + "player.giveUp(new Error('gone'));", TAPED),
  "it does not wake": (SHOW + "stub.broken = 'no wasm'; player.play(); await clock.run(900);", TAPED),
  "gone while it runs": (LIVE + "player.giveUp(new Error('gone'));", "live rests absent idle ill"),
}  # fmt: skip
MISSED = "tape.run = async () => { throw new Error('404'); }; await showRecording(player);"




@cache
def happened(body, source=True):
    """[transitions, events, where it ends] of a run."""
    return play(f"{NOTED}{body} return [[...moved], [...sent], Object.values(player.now).join(' ')]", source=source)


@pytest.mark.parametrize("body, end", RUNS.values(), ids=RUNS)
def test_where_a_run_ends(body, end):
    assert happened(body)[2] == end


def test_where_a_recording_ends_that_is_missing():
    assert happened(MISSED, source=False)[2] == "none rests absent idle ill"


def test_every_line_of_the_table_happens_and_every_event_stands_in_it():
    table = page("STATES")
    lines = {f"{side} {state} {event}" for side, states in table.items() for state, events in states.items() for event in events}
    found = [happened(MISSED, source=False), *(happened(body) for body, _ in RUNS.values())]
    moved, sent = (set().union(*(one[part] for one in found)) for part in (0, 1))
    assert moved == lines
    assert sent == {line.split()[2] for line in lines}


def test_every_state_can_be_reached_from_the_first_one():
    table, firsts = page("STATES"), page("[firstState(true), firstState(false)]")
    for side, states in table.items():
        reached = {first[side] for first in firsts}
        for _ in states:
            reached |= {after for state in reached for after in states[state].values()}
        assert reached == set(states), side


def test_every_state_shows_something_and_the_most_urgent_first():
    every = """Object.entries(STATES).reduce((all, [side, states]) =>
      all.flatMap((one) => Object.keys(states).map((state) => ({ ...one, [side]: state }))), [{}])"""
    shown = page(f"{every}.map((state) => [state, shownStatus(state)])")
    assert len(shown) == 4 * 2 * 4 * 3 * 2
    for state, status in shown:
        rest = {"tape": "tape", "none": "none"}.get(state["frames"], "ready")
        busy = state["source"] == "wakes" or state["work"] == "hurries"
        well = "loading" if busy else "playing" if state["time"] == "plays" else rest
        assert status == ("error" if state["health"] == "ill" else well), state


@pytest.mark.parametrize("event", ["pause", "taped", "woken", "frame", "mend", "followed", "arrived"])
def test_an_event_that_a_state_does_not_list_changes_nothing(event):
    before, after = page(f"[firstState(true), nextState({{ ...firstState(true), frames: 'live' }}, '{event}')]")
    assert after == {**before, "frames": "live"}
