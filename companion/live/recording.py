"""Recordings of what cannot run in a page: linear solves, eigenvalues, exact transport, training."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from companion.flow import Path, identity
from companion.hints import a_shape
from companion.inputs import a_state, running
from companion.live import assets
from companion.live.controls import Choice, Slider
from companion.live.figure import declare
from companion.live.programs import see
from companion.live.run import Moment
from companion.live.tapes import asset, control_key, pictures_of, run_of
from companion.live.views import View
from companion.live.widget import Shown, spec
from companion.state import each, parts

MOST = 64  # runs in one recording


def _grid(controls):
    """Every combination of the controls' values. Raises ValueError."""
    if not isinstance(controls, dict):
        raise TypeError(f"controls is {controls!r}; expected a dictionary name -> Slider(values=[...]) or Choice.")
    for name, c in controls.items():
        if not (isinstance(c, Choice) or (isinstance(c, Slider) and c.values)):
            raise ValueError(f"controls[{name!r}] of a recording; expected Choice or Slider(values=[...]): a recording has finitely many runs.")
    axes = [list(c.options) if isinstance(c, Choice) else list(c.values) for c in controls.values()]
    grid = [dict(zip(controls, values, strict=True)) for values in itertools.product(*axes)]
    if len(grid) > MOST:
        raise ValueError(f"{len(grid)} runs; expected at most {MOST}: take fewer values.")
    return grid


def _a_run(path):
    """Return path, a Path with a state for each time. Raises TypeError, ValueError."""
    if not isinstance(path, Path):
        raise TypeError(f"the run is a {type(path).__name__}; expected a Path: flow(...) and iterate(...) return one.")
    a_shape(path.t, "the run's t", ndim=1)
    with running():  # a blow-up is something to see
        a_state(path.x, "the run's x")
    for name, x in parts(path.x).items():
        if x.shape[:1] != path.t.shape:
            raise ValueError(f"the run has {len(path.t)} times, and {name} has shape {tuple(x.shape)}; expected a state for each time.")
    return path


def _seen(figure, path, values):
    """What the views draw along a Path."""
    program = see(figure, {n: values[n] for n in figure.choices})
    out = []
    for k, t in enumerate(path.t.tolist()):
        x = each(lambda part, k=k: part[k].detach().to(figure.dtype), path.x)
        sliders = {n: torch.tensor(float(values[n]), dtype=figure.dtype) for n in figure.sliders}
        inputs = {**sliders, "x": x, "t": torch.tensor(t, dtype=figure.dtype), "k": torch.tensor(float(k), dtype=figure.dtype)}
        out.append((Moment(k, t, x), program(inputs)))
    return out


class Recorded(Shown):
    """A recording, ready to be shown."""

    def __init__(self, figure, paths):
        self.figure, self._widget = figure, None
        seen = {control_key(values): _seen(figure, path, values) for values, path in paths}
        self.tape_id, self.tape = asset({key: run_of(frames, pictures=pictures_of(figure.views)) for key, frames in seen.items()})
        self.seen = seen[control_key(figure.defaults)]
        assets.keep_tape(self.tape_id, self.tape)
        self.spec = spec(figure, {}, {}, self.tape_id, runs=list(seen), engine="recording")


def play(tapes: Path | Callable[..., Path], *, name: str, view: View | Sequence[View], sentence: str, alt: str,
         controls: dict[str, Choice | Slider] | None = None, **options: Any) -> Recorded:
    """A figure that plays a recording: a Path, or run(controls) -> Path called on the grid of Slider(values=[...]) and Choice controls.

    Options as for `live`: caption, readouts, show. A run receives a slider's number and a choice's object. Raises TypeError, ValueError.
    """
    controls = {} if controls is None else controls
    grid = _grid(controls)

    def given(values):
        return {n: c.options[values[n]] if isinstance(c, Choice) else values[n] for n, c in controls.items()}

    paths = [(values, _a_run(tapes(**given(values)) if callable(tapes) else tapes)) for values in grid]
    first = paths[0][1]
    begin = each(lambda part: part[0].detach(), first.x)
    figure = declare(lambda k, x: identity(x), begin, name=name, view=view, sentence=sentence, alt=alt, controls=controls, method=None,
                     frames=max(1, len(first.t) - 1), **options)
    return Recorded(figure, paths)
