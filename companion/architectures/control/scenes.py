"""The figures of the chapter: how its carts and rockets are seen, what a reader can change,
what is said.

What moves, and from where, comes from the notebook.
"""

import torch

from companion import live
from companion.architectures.control import moving, playground
from companion.hints import Cloud, Function, Row, checked
from companion.live import Button, Choice, Slider, curves, plane, play
from companion.live.widget import Shown

F8 = torch.float64
FOUR = ["energy", "bounded", "fuel", "time"]
GUST = torch.tensor([[0, 0.5], [0, 0.5], [0, 0], [0, 0]], dtype=F8)


def landing(step: Function, guess: Cloud) -> Shown:
    """The cart landed by hand: the two numbers p(0) to drag, its path, and its control."""
    return live(
        lambda k, x, cost, gamma, share: step(x, cost, gamma, share=share), guess, name="landing",
        method=None, frames=40, still=1,
        controls={"cost": Choice(playground.COSTS), "gamma": Slider(4.2, 8, 5, step=0.1),
                  "share": Slider(0.05, 1, 0.2, label="share of Newton's step"),
                  "solve": Button(lambda x, cost, gamma: cost.exact(gamma)[None] + 0 * x,
                                  label="let Pontryagin do it")},
        view=[_level_sets(), _path(), _controls()],
        readouts={"miss": lambda x, cost, gamma: playground.residual_norm(x[0], cost, gamma)},
        sentence="After {k:.0f} steps the end is missed by {miss:.2e}.",
        alt="Left the level sets of the miss over the two numbers p(0), with a point to drag; "
            "middle the cart's path; right its control.")


def _level_sets():
    return live.landscape(
        lambda p, cost, gamma: playground.residual_norm(p, cost, gamma) ** 0.5, x=(-4, 24),
        y=(-9, 15), drag=True, size=8, trail=True, xlabel="p₁(0)", ylabel="p₂(0)",
        title="drag p(0)")


def _path():
    return plane(
        x=(-1.7, 1.3), y=(-1.4, 2.8), joined=True, size=4, target=torch.zeros(1, 2),
        show=lambda x, cost, gamma: playground.line(x[0], cost, gamma).clamp(-9, 9),
        xlabel="place", ylabel="speed", title="the cart")


def _controls():
    """The graphs of the reader's control and of the optimal one, each up to the end of its run."""
    def graph(p, cost, gamma):
        s = torch.linspace(0, 1, 201, dtype=F8)
        u = playground.control_along(p, s, cost, gamma)
        return torch.stack([s * cost.horizon(p, gamma), u.clamp(-30, 30)], -1)

    def both(x, cost, gamma):
        return torch.cat([graph(p, cost, gamma) for p in (x[0], cost.exact(gamma))])

    return plane(x=(0, 1.2), y=(-10, 10), show=both, joined=True, size=1,
                 labels=[0] * 201 + [1] * 201, names=["your u", "optimal"], xlabel="t",
                 ylabel="u")


def shapes(states: Function) -> Shown:
    """Four carts leave together, each best for a cost of its own: states(t, gamma) (4, 2)."""
    return live(
        lambda k, x, t, gamma: states(t + 0.01, gamma),
        lambda xi, gamma: states(0 * gamma, gamma).to(F8), shape=(1,), dtype=F8, name="shapes",
        method=None, dt=0.01, frames=100,
        controls={"gamma": Slider(4.2, 8, 5, step=0.1, acts="start")},
        view=[plane(x=(-1.15, 0.15), y=(-0.2, 3), trail=True, labels=range(4), names=FOUR, size=6,
                    xlabel="place", ylabel="speed"),
              curves("u0", "u1", "u2", "u3", ylim=(-8.5, 8.5), xlim=(0, 1), names=FOUR,
                     ylabel="u")],
        readouts={f"u{i}": lambda x, t, gamma, i=i: playground.four_controls(t, gamma)[i]
                  for i in range(4)} | {"first": lambda x, gamma: 2 / torch.sqrt(gamma)},
        sentence="At t = {t:.2f}; with the bound {gamma:.1f} the fastest cart needs {first:.3f}.",
        alt="Four paths in the plane of place and speed: a smooth arch, a flattened one, one with "
            "a flat top, and the fastest with a sharp top.")


@checked
def step_plot(u: Row) -> torch.Tensor:
    """The piecewise constant function as points (2 N, 2) of its graph."""
    one = torch.ones_like(u)
    right = torch.cumsum(one, -1) / one.sum()
    left = right - 1 / one.sum()
    return torch.stack([torch.stack([left, u], -1), torch.stack([right, u], -1)], -2).reshape(-1, 2)


def staircase(step: Function) -> Shown:
    """Controls on N intervals, x (N, 2), that projections bring to the best within bounds."""
    return live(
        lambda k, x, gamma: step(x, gamma), lambda xi: 0 * xi.to(F8), shape=("N", 2), dtype=F8,
        name="staircase", method=None, frames=60,
        controls={"N": Slider(4, 60, 20, step=1, acts="start"),
                  "gamma": Slider(3, 7, 4.5, step=0.1)},
        view=[plane(x=(0, 1), y=(-7.5, 7.5), show=lambda x: step_plot(x[:, 0]), joined=True,
                    size=1, xlabel="t", ylabel="u",
                    target=lambda gamma: moving.clipped_line(gamma)),
              curves("miss", logy=True, ylim=(1e-8, 10), xlabel="projections", ylabel="|x(1)|",
                     names=["the end is missed by"])],
        readouts={"miss": lambda x: moving.landing(x[:, 0]) + 1e-12,
                  "energy": lambda x: x[:, 0].square().mean() / 2,
                  "best": lambda x, N: 6 / (1 - 1 / N**2)},
        sentence="After {k:.0f} projections: energy {energy:.5f} (without a bound {best:.5f}), the "
                 "end is missed by {miss:.1e}.",
        alt="A staircase turns into a clipped descending line; the miss falls along a line in log "
            "scale.")


def policy(step: Function, start: Cloud) -> Shown:
    """Two carts in the wind: one follows a feedback, the other the plan made at its start."""
    def side(x):
        v, p = torch.meshgrid(torch.linspace(2, -2, 80, dtype=F8),
                              torch.linspace(-2.5, 2.5, 100, dtype=F8), indexing="ij")
        return 0.12 * (moving.bang_bang_feedback(torch.stack([p, v], -1)) > 0) + 0 * x[0, 0]

    both = ["policy", "plan"]
    return live(
        lambda k, x, wind: step(x, 0.02, wind), start, name="policy", method=None, dt=0.02,
        substeps=2, frames=110,
        controls={"wind": Slider(-0.4, 0.4, -0.2, step=0.05),
                  "push": Button(lambda x: x + GUST, label="push both")},
        view=[plane(x=(-2.5, 2.5), y=(-2, 2), show=lambda x: x[:2], trail=True, labels=[0, 1],
                    names=both, size=7, under=side,
                    drag=lambda x, i, p: moving.initial_carts(p), xlabel="place", ylabel="speed"),
              curves("policy", "plan", logy=True, ylim=(1e-3, 10), ylabel="distance to rest at 0",
                     names=both)],
        readouts={name: lambda x, i=i: x[i].square().sum().sqrt() + 1e-9
                  for i, name in enumerate(both)},
        sentence="At t = {t:.2f} the policy is {policy:.3f} from rest at 0, the plan {plan:.3f}.",
        alt="Two paths over a plane in two shades: one slides along the border of the shades into "
            "the origin, the other falls short.")


def turnpike(step: Function, start: Function) -> Shown:
    """The optimum on its turnpike, and the same extremal shot from a rounded costate."""
    return live(
        lambda k, z, T: step(z, T / 200), start, shape=(1,), dtype=F8, name="turnpike", method=None,
        dt=0.005, frames=200,
        controls={"T": Slider(2, 20, 20, step=1, acts="start"),
                  "digits": Slider(1, 14, 5, step=1, acts="start"),
                  "start": Slider(-1, 3, 3, step=0.1, acts="start", label="x(0)")},
        view=[curves("best", "shot", logy=True, ylim=(1e-6, 1e3), xlim=(0, 1), xlabel="t / T",
                     names=["optimal", "shot from p(0), rounded"], ylabel="|x - 1/2|",
                     reference={"slope −√2": _decay}),
              plane(x=(-1.2, 3.2), y=(-7, 1.5), trail=True, segments=_saddle, size=6,
                    labels=[0, 1], names=["optimal", "shot"], xlabel="x", ylabel="p", show=_phase)],
        readouts={"best": _best, "shot": lambda z: (z[0, 0] - 0.5).abs() + 1e-12,
                  "time": lambda z, t, T: t * T, "grows": lambda z, T: torch.exp(moving.RATE * T)},
        sentence="At t = {time:.1f} the optimum is {best:.1e} from the turnpike, the shot "
                 "{shot:.1e}. An error in p(0) grows {grows:.1e}-fold.",
        alt="In log scale a tent: the optimum falls, is tiny for long and rises at the end. The "
            "rounded shot follows it down, then leaves too early.")


def _decay(t, start, T):
    return (start - 0.5).abs() * torch.exp(-moving.RATE * t * T) + 1e-12


def _best(z, t, start, T):
    return (moving.turnpike(t * T, start, T)[0] - 0.5).abs() + 1e-12


def _phase(z, t, start, T):
    return torch.stack([moving.turnpike(t * T, start, T), z[0].clamp(-9, 9)])


def _saddle(x):
    """The two lines on which extremals come to the steady state, and leave it."""
    slopes = torch.tensor([-(1 + moving.RATE), moving.RATE - 1], dtype=F8)
    reach = torch.tensor([-4.0, 4.0], dtype=F8)
    lines = torch.stack([0.5 + reach.expand(2, 2), -0.5 + slopes[:, None] * reach], -1)
    return lines + 0 * x[0, 0]


def rocket(flights: dict) -> Shown:
    """Flights of Goddard's rocket, label -> Path of (r, v, m, u, H_1), one after the other."""
    return play(
        lambda flight: flight, name="rocket", controls={"flight": Choice(flights)},
        view=[plane(x=(0, 13), y=(0, 0.11), trail=True, size=7, ylabel="speed v",
                    show=lambda x: torch.stack([1000 * (x[0] - 1), x[1]])[None],
                    xlabel="height, in 1/1000 of the radius"),
              curves("u", "fuel", "switch", ylim=(-0.65, 1.1),
                     names=["thrust u", "fuel left", "H₁"])],
        readouts={"height": lambda x: 1000 * (x[0] - 1), "u": lambda x: x[3],
                  "v": lambda x: x[1].clamp(min=0),
                  "fuel": lambda x: ((x[2] - 0.6) / 0.4).clamp(min=0),
                  "switch": lambda x: torch.where(x[4] == 0, torch.nan, x[4])},
        sentence="At t = {t:.3f}: height {height:.3f} thousandths, speed {v:.4f}, "
                 "thrust {u:.2f}, fuel left {fuel:.2f}.",
        alt="Thrust is full while H1 falls to zero, drops to a slowly rising level, drops again "
            "at the greatest speed, H1 still zero, and stops; the rocket coasts.")
