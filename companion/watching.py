"""One line that says how far a long run is: plain text, on a screen, in a notebook, in a log."""

import sys
import time
from collections.abc import Iterable, Iterator

from companion.hints import Word, checked

EVERY = 0.5  # seconds between two looks


@checked
def progress(steps: Iterable, *, name: Word = "") -> Iterator:
    """The steps, one by one, with a line on standard error: "120 of 500 steps, 3 s, 9 s to go";
    at the end "500 of 500 steps in 12 s".

    For long loops and wherever a function takes progress=...: nothing is installed for it,
    and a page of the book does not show it.
    """
    try:
        return _told(iter(steps), len(steps) if hasattr(steps, "__len__") else None, name)
    except TypeError as error:
        raise TypeError(f"steps is a {type(steps).__name__}; expected what a loop takes: "
                        "range(n), a list.") from error


def _told(steps, total, name):
    """The steps, and the line that says how many of `total` are done."""
    begun = shown = time.monotonic()
    done, width = 0, 0
    try:
        for step in steps:
            yield step
            done += 1
            if time.monotonic() - shown >= EVERY and done != total:
                shown = time.monotonic()
                width = _say(_state(name, done, total, shown - begun), width)
    finally:
        _say(f"{_count(name, done, total)} in {time.monotonic() - begun:.0f} s", width, end="\n")


def _state(name, done, total, seconds):
    rest = f", {seconds * (total - done) / done:.0f} s to go" if total else ""
    return f"{_count(name, done, total)}, {seconds:.0f} s{rest}"


def _count(name, done, total):
    return f"{name + ': ' if name else ''}{done}{'' if total is None else f' of {total}'} steps"


def _say(text, width, end=""):
    """Write over the line before, whose width was this. Returns the new width."""
    print("\r" + text.ljust(width), end=end, file=sys.stderr, flush=True)
    return len(text)
