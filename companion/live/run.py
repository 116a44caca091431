"""A figure run by torch: its default run, and its replay under recorded events. This is what the page must show."""

import itertools
from collections import namedtuple
from typing import Any

import torch

from companion.flow import Path
from companion.inputs import a_count, running
from companion.live.figure import Figure
from companion.live.programs import programs
from companion.noise import noise, noise_like
from companion.state import each, one, parts, shaken

Moment = namedtuple("Moment", "k t x")  # steps done, time, state


class Run:
    """A figure in torch: controls that can be moved, steps that can be taken."""

    def __init__(self, figure, values=None, seed=None, device=None):
        self.figure, self.device = figure, device
        self.values = {**figure.defaults, **(values or {})}
        self.seed = figure.seed if seed is None else seed
        self.programs = {tuple(o.values()): programs(figure, o) for o in figure.options}
        self.gone = None  # which members rest since the last step, where a figure has members

    def program(self, name):
        """The program of the current choice of options."""
        return self.programs[tuple(self.values[n] for n in self.figure.choices)][name]

    def tensor(self, value):
        """A 0-d tensor of the figure's dtype."""
        return torch.tensor(float(value), dtype=self.figure.dtype, device=self.device)

    def inputs(self, moment, **more):
        """Everything a program may read."""
        sliders = {n: self.tensor(self.values[n]) for n in self.figure.sliders}
        return {**sliders, "t": self.tensor(moment.t), "k": self.tensor(moment.k), "dt": self.tensor(self.dt), "x": moment.x, **more}

    @property
    def dt(self):
        """The time one step takes."""
        return self.values[self.figure.dt] if isinstance(self.figure.dt, str) else self.figure.dt

    def begin(self):
        """The first moment."""
        figure = self.figure
        if not callable(figure.start):
            return Moment(0, 0.0, each(lambda part: part.to(self.device), figure.start))
        xi = noise(figure.sized(self.values), seed=self.seed, k=-1, dtype=figure.dtype, device=self.device)
        return Moment(0, 0.0, self.program("start")(self.inputs(Moment(0, 0.0, None), xi=xi))["next"])

    @torch.no_grad()
    def advance(self, moment, steps):
        """The moment `steps` steps later."""
        program, (k, t, x) = self.program("step"), moment
        with running():
            for _ in range(steps):
                more = {"xi": noise_like(x, seed=self.seed, k=k)} if self.figure.noise else {}
                found = program(self.inputs(Moment(k, t, x), **more))
                x, self.gone = shaken(found["next"], x) if k == 0 else found["next"], found.get("gone")
                k, t = k + 1, t + self.dt
        return Moment(k, t, x)

    @torch.no_grad()
    def see(self, moment):
        """What the views draw at this moment, the readouts, the reference curves."""
        with running():
            seen = self.program("see")(self.inputs(moment))
        if self.figure.members is not None:
            seen["gone"] = torch.zeros(one(moment.x).shape[self.figure.members[0]]) if self.gone is None else self.gone
        return seen

    @torch.no_grad()
    def grounds(self):
        """The landscapes at the present controls; they do not depend on the state."""
        if not any(v.ground for v in self.figure.views):
            return {}
        return self.program("ground")(self.inputs(Moment(0, 0.0, None)))

    @torch.no_grad()
    def touch(self, moment, name, value):
        """The moment after an event: a control, the seed, a drag (i, x, y) or a button."""
        if name == "drag":
            point = torch.tensor(value[1:], dtype=self.figure.dtype, device=self.device)
            more = {"i": torch.tensor(int(value[0]), device=self.device), "p": point}
            return moment._replace(x=self.program("put")(self.inputs(moment, **more))["next"])
        if name in self.figure.buttons:
            return moment._replace(x=self.program(f"button:{name}")(self.inputs(moment))["next"])
        if name == "seed":
            self.seed = int(value)
        elif name in self.values:
            self.values[name] = value
        else:
            raise ValueError(f"event {name!r}; expected drag, seed or one of {list(self.figure.controls)}.")
        return moment


def random(figure: Any) -> bool:
    """True if the seed matters: there is noise, or the start uses its own."""
    if figure.noise or not callable(figure.start):
        return figure.noise
    first, second = (Run(figure, seed=seed).begin().x for seed in (0, 1))
    return not all(map(torch.equal, parts(first).values(), parts(second).values()))


def steps_of_frame(figure: Any, k: int) -> int:
    """How many steps the frame after step k takes: even in t, or even in log t."""
    return max(figure.substeps, k // 25) if figure.pace == "log" else figure.substeps


def tape(figure, frames=None, **values):
    """The run at the declared controls, seen frame by frame: list of (moment, seen)."""
    run = Run(figure, values)
    moment = run.begin()
    seen = [(moment, run.see(moment))]
    for _ in range(figure.still if frames is None else frames):
        moment = run.advance(moment, steps_of_frame(figure, moment.k))
        seen.append((moment, run.see(moment)))
    return seen


def _declared(figure, events, n):
    """The declaration of a figure. Raises TypeError, ValueError if it cannot be replayed under these events."""
    declared = getattr(figure, "figure", figure)
    if not isinstance(declared, Figure):
        raise TypeError(f"figure is a {type(figure).__name__}; expected what live(...) returns.")
    if not isinstance(events, (tuple, list)) or not all(isinstance(e, (tuple, list)) and len(e) == 3 for e in events):
        raise TypeError(f"events is {events!r}; expected a list of (k, name, value).")
    for k, _, _ in events:
        a_count(k, "the step of an event", least=0)
    a_count(n, "n", least=0)
    return declared


def replay(figure: Any, events: list[tuple], n: int) -> Path:
    """Path of n steps of the figure under events [(k, name, value)], each acting before step k. The page must show the same states.

    Raises TypeError, ValueError.
    """
    figure = _declared(figure, events, n)
    run = Run(figure)
    shaping = list(itertools.takewhile(lambda e: e[0] == 0 and e[1] not in (*figure.buttons, "drag"), events))
    for _, name, value in shaping:  # what is set before the first step, and before the hand touches the state, shapes the start
        run.touch(None, name, value)
    moment = run.begin()
    kept = []
    for k in range(n + 1):
        for when, name, value in events[len(shaping):]:
            if when == k:
                moment = run.touch(moment, name, value)
        kept.append(moment)
        if k < n:
            moment = run.advance(moment, 1)
    return Path(torch.tensor([m.t for m in kept], dtype=figure.dtype), each(lambda *x: torch.stack(x), *(m.x for m in kept)))
