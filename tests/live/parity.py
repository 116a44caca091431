"""The page's twin: steps a figure's exported graphs as the page's worker does, with onnxruntime, and compares with torch."""

import numpy as np
import onnxruntime
import torch

from companion.live import export
from companion.live.run import Moment, Run
from companion.noise import noise

# float32 rounds at 6e-8; a step has some tens of operations, and 100 steps of a stable dynamics keep errors of that order times 100.
ONE, HUNDRED = 2e-5, 1e-3
UNDER = 1e-3  # of a picture beneath points: one pixel in a thousand may be of the other side of a border


class Twin:
    """A figure run through its graphs, with the inputs that the page feeds."""

    def __init__(self, figure, values, seed, table=None, store=None):
        if table is None:
            table, store = export.graphs(figure)
        self.figure, self.values, self.seed = figure, {**figure.defaults, **values}, seed
        row = table["|".join(self.values[n] for n in figure.choices)]
        self.sessions = {name: onnxruntime.InferenceSession(store[k]) for name, k in row.items()}
        self.real = torch.empty(0, dtype=figure.dtype).numpy().dtype

    def feed(self, name, **arrays):
        """Run one graph: only the inputs it has are given."""
        f = self.figure
        dt = self.values[f.dt] if isinstance(f.dt, str) else f.dt
        known = {**{n: self.values[n] for n in f.sliders}, "dt": dt, **arrays}
        session = self.sessions[name]
        given = {i.name: np.asarray(known[i.name], dtype=np.int64 if i.name == "i" else self.real) for i in session.get_inputs()}
        return dict(zip([o.name for o in session.get_outputs()], session.run(None, given), strict=True))

    def begin(self):
        """The start, from its graph if it has one."""
        f = self.figure
        if not callable(f.start):
            return Moment(0, 0.0, f.start.numpy())
        xi = noise(f.sized(self.values), seed=self.seed, k=-1, dtype=f.dtype).numpy()
        return Moment(0, 0.0, self.feed("start", xi=xi, t=0, k=0)["next"])

    def advance(self, moment, steps):
        """`steps` steps of the step graph."""
        k, t, x = moment
        dt = self.values[self.figure.dt] if isinstance(self.figure.dt, str) else self.figure.dt
        for _ in range(steps):
            xi = noise(x.shape, seed=self.seed, k=k, dtype=self.figure.dtype).numpy() if self.figure.noise else None
            x, k, t = self.feed("step", x=x, xi=xi, t=t, k=k)["next"], k + 1, t + dt
        return Moment(k, t, x)

    def see(self, moment):
        """What the page draws."""
        return self.feed("see", x=moment.x, t=moment.t, k=moment.k)


def draw(figure, generator):
    """Distinct random values of the sliders, inside the figure's box."""
    values = {}
    for name in figure.sliders:
        s = figure.controls[name]
        lo, hi = figure.box.get(name, (s.lo, s.hi))
        u = torch.rand((), generator=generator).item()
        value = lo * (hi / lo) ** u if s.log else lo + u * (hi - lo)
        values[name] = float(round(value / s.step) * s.step) if s.step else value
    return values


def worst(a, b):
    """The largest difference of two arrays, relative above 1; NaN and infinity must agree."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    assert a.shape == b.shape, (a.shape, b.shape)
    finite = np.isfinite(b)
    assert (finite == np.isfinite(a)).all(), "one of the two is not finite"
    scale = max(1.0, np.abs(b[finite]).max(initial=0))
    return np.abs(a[finite] - b[finite]).max(initial=0) / scale


def apart(name, a, b):
    """`worst`; of a picture beneath points the mean: the border of a cell may take the other of two pixels at equal distance."""
    return float(np.abs(np.asarray(a) - np.asarray(b)).mean()) if name.startswith("under") else worst(a, b)


def compare(figure, values, *, seed=1, steps=(1, 100), graphs=(None, None)):
    """Differences of page and torch, {(steps, name): difference}, after the given numbers of steps."""
    run, twin = Run(figure, values, seed), Twin(figure, values, seed, *graphs)
    ours, page, out = run.begin(), twin.begin(), {}
    out[0, "start"] = worst(page.x, ours.x)
    for n in steps:
        ours, page = run.advance(ours, n - ours.k), twin.advance(page, n - page.k)
        out[n, "x"] = worst(page.x, ours.x)
        seen, drawn = run.see(ours), twin.see(page)
        assert set(seen) == set(drawn)
        # what is seen is compared at torch's own state: counting clusters jumps, and a jump is no error of the graph
        exact = twin.see(Moment(ours.k, ours.t, ours.x.numpy()))
        out.update({(n, name): apart(name, exact[name], seen[name]) for name in seen})
    return out


def failures(found, one=ONE, hundred=HUNDRED):
    """The differences above tolerance."""
    def allowed(step, name):
        return UNDER if name.startswith("under") else hundred if step > 1 and name == "x" else one

    return {at: d for at, d in found.items() if not d <= allowed(*at)}


def idle(figure, steps=12):
    """Sliders, choices that change nothing, neither the state nor what is seen, whatever is chosen elsewhere."""
    def result(values):
        run = Run(figure, values)
        moment = run.advance(run.begin(), steps)
        seen = {**run.see(moment), "x": moment.x, "t": torch.tensor(moment.t)}
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
