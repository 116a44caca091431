"""The figures of the chapter: how its flows are seen, what a reader can change, what is said.

What moves, and from where, comes from the notebook.
"""

from math import pi

import torch

from companion import figures, live
from companion.figures import Still
from companion.flow import euler
from companion.hints import Cloud, Function, Tensor
from companion.live import Button, Choice, Slider, curves, density, histogram, landscape, plane
from companion.live.widget import Shown
from companion.potentials import rosenbrock
from companion.training import gradient_flows as gf


def _bell(s, lam):
    return (lam / (2 * pi)) ** 0.5 * torch.exp(-lam * s**2 / 2)


def _exact_spread(t, lam, m, s):
    return gf.ou_moments(t, m, s**2, lam=lam)[1].sqrt()


def schemes(step: Function, start: Function) -> Shown:
    """Histograms of JKO and Langevin over their target, and the spreads of three schemes."""
    spread = {name: lambda x, name=name: gf.moments(getattr(x, name))[1]
              for name in gf.Schemes._fields}
    return live(
        step, start, name="schemes", method=None, noise=True, dt="tau", shape=(3, 1500), frames=30,
        controls={"tau": Slider(0.05, 1.2, 1.0, label="step τ"),
                  "lam": Slider(0.5, 1.5, 1.0, label="curvature λ"),
                  "m": Slider(-2.0, 2.0, 1.5, label="first mean", acts="start"),
                  "s": Slider(0.2, 2.0, 0.5, label="first spread", acts="start")},
        readouts={**spread, "goal": lambda x, lam: lam**-0.5},
        view=[histogram(-5, 5, ymax=0.6, names=["JKO", "Langevin"],
                        show=lambda x: torch.stack(x[:2]), target=_bell),
              curves(*spread, ylabel="standard deviation", ylim=(0, 2.5),
                     names=["JKO", "Langevin", "forward-backward"],
                     reference={"exact flow": _exact_spread})],
        sentence="After {k:.0f} steps the standard deviation is {jko:.3f} for JKO, "
                 "{langevin:.3f} for Langevin; the target's is {goal:.3f}.",
        alt="Left, two histograms and the bell curve they should fill: JKO fills it, Langevin is "
            "wider. Right, standard deviations against time: JKO and the splitting end on the "
            "exact value, Langevin fluctuates above it.",
        caption="Three time steps for one equation, from one start.")


def clocks(step: Function, start: Cloud) -> Shown:
    """Three travellers on a landscape: the exact flow and two Euler schemes, and their energies.

    Wherever one of them is dragged, all three start again from there.
    """
    names = ["exact", "explicit", "implicit"]
    return live(
        step, start, name="clocks", method=None, dt="tau", frames=40,
        project=lambda x: x.clamp(-1e3, 1e3),
        controls={"tau": Slider(0.01, 10.0, 0.19, log=True, label="step τ"),
                  "kappa": Slider(1.0, 30.0, 10.0, label="curvature κ"),
                  "terrain": Choice({"bowl": gf.bowl, "double well": gf.double_well},
                                    label="landscape")},
        readouts={name: lambda x, terrain, kappa, i=i: terrain.f(x, kappa)[i]
                  for i, name in enumerate(names)},
        view=[landscape(lambda p, terrain, kappa: terrain.f(p, kappa), x=(-2, 2), y=(-1.4, 1.4),
                        trail=True, drag=lambda x, i, p: 0 * x + p, size=6, labels=[0, 1, 2],
                        names=["exact flow", "explicit", "implicit"]),
              curves(*names, logy=True, ylabel="energy f")],
        sentence="At t = {t:.2f} the energy is {exact:.2g} on the exact flow, {explicit:.2g} "
                 "after explicit and {implicit:.2g} after implicit steps.",
        alt="Level sets, three paths to the bottom: one smooth, one that jumps from side to side, "
            "one that cuts the corner; and the energies.")


def valley(exact: Tensor, jumps: Tensor) -> Still:
    """Rosenbrock's valley, with a smooth path and with a few implicit steps, each (K + 1, 2)."""
    return figures.landscape(
        rosenbrock, {"exact flow": exact[:, None], "implicit, τ = 1": jumps[:, None]},
        box=(-1.6, 1.4, -0.4, 1.8), log=True,
        alt="A curved valley. The exact flow follows its floor; the first implicit step cuts "
            "across the bend. Both end near the minimum.",
        caption="Rosenbrock's valley: a smooth path and four implicit steps over the same time.")


def jko(runs: dict, kl: Function, target: Function) -> Shown:
    """Recorded JKO steps (tau -> Path of quantiles): their histogram, and KL to the target."""
    return live.play(
        lambda tau: runs[tau], name="jko", readouts={"kl": kl},
        controls={"tau": Slider(values=list(runs), value=0.2, label="step τ")},
        view=[histogram(-2.2, 2.2, bins=36, target=target, names=["quantiles"]),
              curves("kl", logy=True, ylabel="KL to the target", names=["KL"])],
        sentence="At t = {t:.2f}, with steps of length {tau:.2f}, the energy is {kl:.4f} above "
                 "its minimum.",
        alt="A histogram that starts as a block in the left well and spreads over the barrier "
            "into both wells; the energy falls at every step.")


def jko_error(taus: Tensor, error: Tensor, bound: Tensor) -> Still:
    """How far JKO is from the exact flow, against the step, and the bound of the theorem."""
    return figures.curves(
        taus, {"error of JKO": error, "bound": bound}, logx=True, logy=True, xlabel="step τ",
        ylabel="distance W2",
        alt="Two increasing lines on logarithmic axes, both of slope one: the error of JKO is "
            "about a fourth of the bound, or less.",
        caption="The error is of order τ, and for small τ a fourth of the bound here.")


def forgotten(times: Tensor, wrong_mean: Tensor, wrong_spread: Tensor) -> Still:
    """KL along the flow of a parabola, from a wrong mean and from a wrong spread."""
    return figures.curves(
        times, {"wrong mean": wrong_mean, "wrong spread": wrong_spread}, logy=True,
        ylabel="KL to the target",
        alt="Two falling curves on a logarithmic axis: a straight line for the mean, and a "
            "steeper curve for the spread, which crosses it.",
        caption="A wrong mean decays like exp(-2λt), a wrong spread in the end like exp(-4λt).")


def geometries(step: Function, start: Tensor, flows: dict, *, target: Function, right: Function,
               kl: Function, cut: Function) -> Shown:
    """A density in the left of two wells under three geometries, and its mass on the right."""
    def predicted(t, eps):
        return (1 - torch.exp(-t * 2**0.5 / pi * torch.exp(-0.25 / eps) / eps)) / 2

    return live(
        step, start, name="geometries", method=None, dt=0.05, frames=160,
        controls={"geometry": Choice(flows), "eps": Slider(0.03, 0.3, 0.06, label="ε"),
                  "cut": Button(cut, label="cut the right side")},
        readouts={"right": right, "kl": kl},
        view=[density(-2.1, 2.1, target=target, ymax=3.5, names=["density"]),
              curves("right", ylabel="mass on the right", ylim=(0, 0.6), names=["right"],
                     reference={"transport, predicted": predicted})],
        sentence="At t = {t:.2f} the mass on the right is {right:.3f}, and KL is {kl:.3f}.",
        alt="A density with one bump over the left of two wells, and the target with two bumps; "
            "and the mass on the right of the barrier against time.",
        caption="One energy, three distances. The dashed line is the rate of Eyring and Kramers "
                "for the transport flow.")


def metastability(epsilons: Tensor, rates: Tensor, formula: Tensor) -> Still:
    """The first two rates (n, 2) against 1 / epsilon, and the formula for the first."""
    return figures.curves(
        1 / epsilons,
        {"first rate": rates[:, 0], "Eyring-Kramers": formula, "second rate": rates[:, 1]},
        logy=True, xlabel="1/ε",
        alt="Against 1/epsilon on a logarithmic axis: the first rate falls along the straight "
            "line of the formula, the second stays near one.",
        caption="A gap between two time scales: that is metastability.")


def porous(field: Function, start: Tensor, grid: Tensor) -> Shown:
    """Two blocks of gas on a grid melt into Barenblatt's arch; beside it, how far they reach."""
    def edge(u):
        inside = torch.where(u > 1e-3, 1.0, 0.0)
        return inside.sum() * gf.spacing(grid) / 2

    return live(
        field, start, name="porous", dt=4e-4, method=euler, substeps=10, frames=110, pace="log",
        controls={"m": Slider(1.0, 3.0, 2.0, label="exponent m")},
        readouts={"edge": edge, "mass": lambda u: u.sum() * gf.spacing(grid)},
        view=[density(-5, 5, ymax=1.2, names=["density"],
                      target=lambda s, t, m: gf.barenblatt(s, t=t + 0.01, m=m)),
              curves("edge", logx=True, logy=True, ylabel="front", ylim=(0.3, 6), names=["front"],
                     reference={"Barenblatt": lambda t, m: gf.front(t, t=t + 0.01, m=m)})],
        sentence="At t = {t:.3f} half the width where the density exceeds 0.001 is {edge:.2f}; "
                 "its mass is {mass:.6f}.",
        alt="Two blocks melt into one arch with sharp feet, close to Barenblatt's parabola; on "
            "logarithmic axes the front becomes a straight line.",
        caption="Two blocks forget their shape. The curve beneath is Barenblatt's solution of the "
                "same mass.")


def digits(step: Function, start: Cloud, target: Cloud, descents: dict, mmd: Function) -> Shown:
    """The points of a handwritten 3 flow to those of an 8, down one of two energies."""
    return live(
        step, start, name="digits", method=None, noise=True, dt=0.05, frames=120,
        controls={"energy": Choice(descents), "heat": Slider(0.0, 0.05, 0.0, label="noise")},
        readouts={"mmd": mmd},
        view=[plane(x=(-1.1, 1.1), y=(-1.1, 1.1), target=target, drag=True, size=4),
              curves("mmd", logy=True, ylabel="MMD² to the 8", names=["MMD²"])],
        sentence="At t = {t:.2f}, MMD² to the target is {mmd:.4f}.",
        alt="Points that form a handwritten 3 move to the points of a handwritten 8, drawn "
            "hollow; and the squared MMD, which falls.")


def palace(states: Tensor, times: list) -> Still:
    """One photograph at a few times of the flow of its colours (k, height, width, 3)."""
    return figures.images(
        states.clamp(0, 1), columns=2, titles=[f"t = {t:.2f}" for t in times],
        alt="The Summer Palace four times: its own pale colours at first, at last an orange sky "
            "over dark blue-green trees.",
        caption="A gradient flow in the cube of colours, seen through the pixels that follow it.")


def flower(photograph: Tensor) -> Still:
    """The photograph (height, width, 3) whose colours are the target."""
    return figures.images(
        photograph[None], columns=1, caption="Where the colours come from.",
        alt="The photograph of an orange dahlia before dark blue-green leaves.")
