"""The page against torch, over the whole declared run: states, what is drawn, readouts, sentences, in the page's own runtime.

A run is followed along the page's own states: at every frame torch computes what is seen there, and the next frame from there, and both must agree.
So nothing needs to be left out because a run is unstable: two roundings part, and each step is still the same map.
What two roundings may differ by is measured, not guessed: torch repeats the computation at states moved by rounding, and the spread is allowed.
"""

import collections
import copy
import itertools

import numpy as np
import torch

from companion.figures.numbers import said
from companion.live import export
from companion.live.run import Moment, Run, steps_of_frame
from companion.live.widget import resting, spec
from companion.state import each, one, parts

CLOSE = {torch.float32: 2e-5, torch.float64: 1e-10}  # of the largest number of an array
UNDER = 1e-3  # of a picture beneath points: one pixel in a thousand may be of the other side of a border
SPREAD = 16  # times the spread of roundings that is seen in TRIALS of them
TRIALS, ULPS = 6, 4  # each moved by up to this many roundings: the sum of many may come out the same by chance
RECENT = 10  # frames
SUMS = {torch.float32: 2e-5, torch.float64: 1e-13}  # of the state's size: the page sums one term after the other, torch in pairs
TOGETHER = 1e-3  # of the state's size: 150 stable steps in float32 keep three digits at least
GROWTH = 20  # a run that magnifies a change by less keeps its rounding below TOGETHER, in float32 too


def opened(page, figure, graphs=None):
    """The figure in the page's programs."""
    table, found = graphs or export.graphs(figure)
    page.ask("open", figure=spec(figure, table, found, "none"))


class Ruler:
    """Measures by how many times differences exceed what roundings can do. `worst`: name -> (excess, frame); more than 1 is a fault."""

    def __init__(self, dtype):
        self.close, self.sums, self.worst, self.spreads = CLOSE[dtype], SUMS[dtype], {}, {}

    def compare(self, name, page, ours, again, x, number):
        """The page's value and torch's; again(x, factor): torch's value at another state x, with time and sliders multiplied by a factor."""
        page, value = np.asarray(page, dtype=float), np.asarray(ours, dtype=float)
        assert page.shape == value.shape, (name, page.shape, value.shape)
        excess = self.excess(name, page, value)
        if excess > 1:  # a spread of 0 may be luck: those of the last frames count too
            recent = self.spreads.setdefault(name, collections.deque(maxlen=RECENT))
            excess = self.excess(name, page, value, max(recent, default=0.0))
            if excess > 1:
                moved = spread(value, again, x)  # what does not move at all is no sum of rounded numbers
                recent.append(moved + (self.sums * largest(x) / SPREAD if moved else 0.0))
                excess = self.excess(name, page, value, max(recent))
        if excess > self.worst.get(name, (0, 0))[0]:
            self.worst[name] = (excess, number)

    def excess(self, name, page, value, moved=0.0):
        finite = np.isfinite(value)
        if not np.array_equal(page[~finite], value[~finite], equal_nan=True) or not np.isfinite(page[finite]).all():
            return 0.0 if np.isinf(moved) else np.inf
        if name.startswith("under"):
            return np.abs(page - value).mean() / UNDER
        page, value = page[finite], value[finite]
        allowed = self.close * np.abs(value).max(initial=0) + SPREAD * moved + 1e-300
        return float((np.abs(page - value) / allowed).max(initial=0))

    @property
    def faults(self):
        """name -> (excess, frame), where page and torch differ by more than roundings can."""
        return {name: found for name, found in self.worst.items() if found[0] > 1}


def spread(value, again, x):
    """How far torch's own value moves when the state, the time and the sliders move by rounding; inf, where it even ceases to be finite."""
    generator = torch.Generator().manual_seed(0)
    finite, most = np.isfinite(value), 0.0
    size = ULPS * torch.finfo(one(x).dtype).eps

    def ulps(*shape):
        return size * (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1)

    def sizes(part, trial):  # of the numbers themselves; where coordinates were turned into each other, of the largest of their row; 0 is exact
        return part if trial % 2 or not part.ndim else (part != 0) * part.abs().amax(-1, keepdim=True)

    for trial in range(TRIALS):
        moved = each(lambda part, trial=trial: part + sizes(part, trial) * ulps(*part.shape).to(part.dtype), x)
        other = np.asarray(again(moved, 1 + ulps().item()), dtype=float)
        if not np.array_equal(np.isfinite(other), finite):
            return np.inf
        most = max(most, np.abs(other - value)[finite].max(initial=0))
    return most


def largest(x):
    """The largest number of a state."""
    return max(part.abs().max().item() for part in parts(x).values())


def gap(x, y):
    """The largest difference of two states."""
    return largest(each(torch.sub, x, y))


def state_of(arrays, like):
    """The page's parts {name: array} as a state like `like`."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    return type(like)(**tensors) if isinstance(like, tuple) else tensors["x"]


def nudged(run, moment, x, factor):
    """(a run whose sliders are multiplied by the factor, but for counts; the moment at x, its time multiplied too)."""
    other = copy.copy(run)
    real = [n for n in run.figure.sliders if run.figure.controls[n].step != 1]
    other.values = {**run.values, **{n: run.values[n] * factor for n in real}}
    return other, moment._replace(t=moment.t * factor, x=x)


class Follow:
    """One run of an opened figure, frame by frame."""

    def __init__(self, page, figure, values=None, seed=None):
        self.page, self.figure = page, figure
        self.run = Run(figure, values, seed)
        self.ruler = Ruler(figure.dtype)
        ours, theirs = self.run.begin(), page.ask("begin", values=self.run.values, seed=self.run.seed)
        self.number, self.blown = 0, False
        self.like = ours.x
        self.states("start", theirs["x"], ours.x, lambda run, m: run.begin().x, ours)
        self.take(theirs)

    def take(self, theirs):
        """Look at a frame of the page: what torch sees at the same state must be what the page draws."""
        self.moment = Moment(theirs["k"], theirs["t"], state_of(theirs["x"], self.like))
        gone = theirs["arrays"].pop("gone", None)
        seen = self.run.see(self.moment)
        seen.pop("gone", None)
        assert set(seen) == set(theirs["arrays"])
        for name, value in seen.items():
            self.compare(name, theirs["arrays"][name], value, lambda run, m, name=name: run.see(m)[name], self.moment)
        numbers = {n[8:]: float(v.reshape(-1)[0]) for n, v in theirs["arrays"].items() if n.startswith("readout:")}
        fields = {**self.run.values, **numbers, "t": self.moment.t, "k": self.moment.k}
        text = said(self.figure.sentence, fields) + ("" if gone is None else resting(self.figure.members[1], gone.tolist()))
        assert theirs["sentence"] == text, (theirs["sentence"], text)
        self.arrays, self.gone, self.said = theirs["arrays"], gone, text

    def frame(self):
        """The next frame of both, from the page's present state."""
        before, steps = self.moment, steps_of_frame(self.figure, self.moment.k)
        theirs, ours = self.page.ask("frame"), self.run.advance(before, steps)
        self.number += 1
        assert (theirs["k"], theirs["t"]) == (ours.k, ours.t)
        self.blown = not theirs["finite"]
        self.states("x", theirs["x"], ours.x, lambda run, m: run.advance(m, steps).x, before)
        if self.run.gone is not None:
            assert np.array_equal(theirs["arrays"]["gone"], self.run.gone.numpy()), "page and torch let other members rest"
        self.take(theirs)

    def act(self, op, **more):
        """A button or a drag, in both."""
        before, theirs = self.moment, self.page.ask(op, **more)
        event = ("drag", [more["i"], *more["p"]]) if op == "put" else (more["name"], True)
        ours = self.run.touch(before, *event)
        self.states(op, theirs["x"], ours.x, lambda run, m: run.touch(m, *event).x, before)
        self.take(theirs)

    def on(self, frames):
        """This run, some frames later; one that overflows halts, as in the page."""
        for _ in range(frames):
            if not self.blown:
                self.frame()
        return self

    def states(self, name, page, ours, again, moment):
        """A state, part by part: names and numbers."""
        assert list(page) == list(parts(ours))
        for part, value in parts(ours).items():
            self.compare(name if part == "x" else f"{name}.{part}", page[part], value, lambda run, m, part=part: parts(again(run, m))[part], moment)

    def compare(self, name, page, ours, again, moment):
        """again(run, moment): torch's value of a run with other sliders, at another moment."""
        self.ruler.compare(name, page, ours, lambda x, factor: again(*nudged(self.run, moment, x, factor)), moment.x, self.number)

    @property
    def faults(self):
        """name -> (excess, frame), where page and torch differ by more than roundings can."""
        return self.ruler.faults


def settings(figure):
    """What a reader can set: every choice of options, and at the declared one both ends of every slider."""
    yield from (option for option in figure.options if any(option[n] != figure.defaults[n] for n in option))
    for name in figure.sliders:
        s = figure.controls[name]
        yield from ({name: end} for end in dict.fromkeys((s.lo, s.hi)) if end != s.value)


def draw(figure, generator):
    """Random values of all controls at once."""
    values = {}
    for name in figure.choices:
        options = list(figure.controls[name].options)
        values[name] = options[int(torch.randint(len(options), (), generator=generator))]
    for name in figure.sliders:
        s, u = figure.controls[name], torch.rand((), generator=generator).item()
        value = s.lo * (s.hi / s.lo) ** u if s.log else s.lo + u * (s.hi - s.lo)
        values[name] = float(round(value / s.step) * s.step) if s.step else value
    return values


def followed(page, figure, values=None, *, seed=None, frames=None):
    """Follow a run over `frames` frames (the declared ones)."""
    return Follow(page, figure, values, seed).on(figure.frames if frames is None else frames)


def steps_agree(figure, states):
    """The faults of a browser's states, one after each step, as its figure tells them: torch takes the same steps from the same states."""
    run, ruler = Run(figure, states[0]["controls"], states[0]["seed"]), Ruler(figure.dtype)
    like = run.begin().x
    moments = [Moment(s["k"], s["t"], told_state(s, like, figure.dtype)) for s in states]
    for number, (before, after) in enumerate(itertools.pairwise(moments)):
        def step(x, factor, before=before, after=after):
            other, moment = nudged(run, before, x, factor)
            return other.advance(moment, after.k - before.k).x

        for part, value in parts(after.x).items():
            again = lambda x, factor, part=part, step=step: parts(step(x, factor))[part]  # noqa: E731
            ruler.compare(part, value, again(before.x, 1.0), again, before.x, number)
    return ruler.faults


def told_state(told, like, dtype):
    """The state that a page's figure tells, {"x": numbers, "shape": shape}, or of parts both by name."""
    if not isinstance(like, tuple):
        return torch.tensor(told["x"], dtype=dtype).reshape(told["shape"])
    return type(like)(**{name: torch.tensor(told["x"][name], dtype=dtype).reshape(told["shape"][name]) for name in like._fields})


def apart(page, figure, steps=None):
    """The difference of page and torch as whole runs, at the declared values, after `steps` steps or all, over the largest of torch's run."""
    run = Run(figure)
    theirs, moment = page.ask("begin", values=run.values, seed=run.seed), run.begin()
    size = largest(moment.x)
    for _ in range(figure.frames):
        taken = steps_of_frame(figure, moment.k)
        if steps is not None and moment.k + taken > steps:
            break
        theirs, moment = page.ask("frame"), run.advance(moment, taken)
        size = max(size, largest(moment.x))
    return gap(state_of(theirs["x"], moment.x), moment.x) / size


def growth(figure):
    """By how much torch's declared run magnifies a change of its first step: the largest of small and less small changes, at the worst frame.

    Rounding itself may be lucky on one machine; a map with a jump (a pixel between two colours) needs a change large enough to meet it.
    """
    def states(change):
        generator = torch.Generator().manual_seed(0)
        run = Run(figure)
        moment = run.advance(run.begin(), steps_of_frame(figure, 0))
        size = change * largest(moment.x)
        noisy = each(lambda x: x + size * torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x), moment.x)
        moment = moment._replace(x=noisy)
        for _ in range(figure.frames - 1):
            moment = run.advance(moment, steps_of_frame(figure, moment.k))
            yield moment.x

    plain = list(states(0.0))
    size = max(map(largest, plain))
    return max(gap(x, y) / size / change for change in (1e-5, 1e-3) for x, y in zip(states(change), plain, strict=True))


def idle(figure, steps=12):
    """Sliders, choices that change nothing, neither the state nor what is seen, whatever is chosen elsewhere."""
    def result(values):
        run = Run(figure, values)
        moment = run.advance(run.begin(), steps)
        seen = {**run.see(moment), **parts(moment.x), "t": torch.tensor(moment.t)}
        if any(v.ground for v in figure.views):
            seen.update(run.program("ground")(run.inputs(moment)))
        return seen

    def same(a, b):
        return all(a[n].shape == b[n].shape and torch.equal(torch.nan_to_num(a[n]), torch.nan_to_num(b[n])) for n in a)

    def matters(name):
        c = figure.controls[name]
        others = list(c.options) if name in figure.choices else [c.lo, c.value, c.hi]
        for chosen in ({}, *figure.options):  # at the defaults first: there most controls act
            results = [result({**chosen, name: v}) for v in others]
            if not all(same(results[0], r) for r in results[1:]):
                return True
        return len(others) == 1

    return [name for name in figure.sliders + figure.choices if not matters(name)]
