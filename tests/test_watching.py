"""How far a run is: one line, the steps as they are."""

import pytest

from companion import watching


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [0.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    return now


def test_the_steps_pass_as_they_are(capsys):
    assert list(watching.progress(range(7))) == list(range(7)) and list(watching.progress(iter("ab"))) == ["a", "b"]
    out, err = capsys.readouterr()
    assert out == "" and err == "\r7 of 7 steps in 0 s\n\r2 steps in 0 s\n"


def test_the_line_says_how_far_and_how_long(clock, capsys):
    for _ in watching.progress(range(4), name="flights"):
        clock[0] += 3
    assert capsys.readouterr().err.split("\r") == [
        "", "flights: 1 of 4 steps, 3 s, 9 s to go", "flights: 2 of 4 steps, 6 s, 6 s to go", "flights: 3 of 4 steps, 9 s, 3 s to go",
        "flights: 4 of 4 steps in 12 s".ljust(len("flights: 3 of 4 steps, 9 s, 3 s to go")) + "\n"]


def test_quick_steps_are_not_all_told(clock, capsys):
    for _ in watching.progress(iter(range(100))):
        clock[0] += 0.125
    assert capsys.readouterr().err.count("\r") == 26  # every half second, and the end


def test_a_run_that_stops_says_where(capsys):
    steps = watching.progress(range(9))
    next(steps), next(steps), steps.close()
    assert capsys.readouterr().err == "\r1 of 9 steps in 0 s\n"
