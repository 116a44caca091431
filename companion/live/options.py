"""What the options of a view may be: intervals, names, groups of points, in the reader's words."""

from collections.abc import Callable, Sequence
from typing import Annotated

from companion.hints import Function
from companion.inputs import a_count, a_number, a_tensor


def an_interval(pair, name):
    """Return pair, (lo, hi) with lo < hi. Raises TypeError, ValueError."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{name} is {pair!r}; expected (lo, hi) with lo < hi.")
    lo, hi = pair
    a_number(lo, f"{name}[0]"), a_number(hi, f"{name}[1]")
    if not lo < hi:
        raise ValueError(f"{name} = {pair}; expected (lo, hi) with lo < hi.")
    return pair


def the_names(names, name="names"):
    """Return names, a list of words. Raises TypeError."""
    if not isinstance(names, (tuple, list)) or not all(isinstance(word, str) for word in names):
        raise TypeError(f'{name} is {names!r}; expected a list of words: ["one", "other"].')
    return names


def the_labels(labels, name="labels"):
    """The groups of points as a list of integers; None stays None. Raises TypeError."""
    try:
        found = None if labels is None else [int(i) for i in labels]
        if found is not None and any(i != label for i, label in zip(found, labels, strict=True)):
            raise ValueError("a label is no integer")
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise TypeError(
            f"{name} is {labels!r}; expected an integer for each point: [0, 0, 1]."
        ) from error
    return found


def a_trail(trail, name):
    """Return trail, True, False or how many frames of it are shown. Raises TypeError, ValueError.
    """
    return trail if isinstance(trail, bool) else a_count(trail, name, least=0)


def a_reference(reference, name):
    """Return reference, a dictionary label -> function. Raises TypeError."""
    if not isinstance(reference, dict) or not all(isinstance(k, str) and callable(f) for k,
                                                  f in reference.items()):
        raise TypeError(f"{name} is {reference!r}; expected a dictionary label -> f(t, controls).")
    return reference


def a_target(target):
    """Return target, a tensor, a function or None. Raises TypeError, ValueError."""
    return (
        target if target is None or callable(target) else a_tensor(target, "target", floating=False)
    )


def floats(pair):
    """[lo, hi] as the page reads it."""
    return [float(side) for side in pair]


Interval = Annotated[tuple[float, float], an_interval]
Names = Annotated[Sequence[str], the_names] | None
Labels = Annotated[Sequence[int], the_labels] | None
Trail = Annotated[int | bool, a_trail]
Show = Function | None
Reference = Annotated[dict[str, Callable], a_reference]
