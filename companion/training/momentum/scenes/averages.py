"""Figures of Adam: beside its equation, at its edge of stability, on real data."""

import torch

import companion.training.momentum as mo
from companion import figures
from companion.figures import Still
from companion.hints import Function, State, Tensor
from companion.live import Slider, curves, histogram, landscape, live
from companion.live.widget import Shown


def limit(step: Function, start: State, *, f: Function, energy: Function) -> Shown:
    """Adam and its equation leave one point of f: their paths, and the energy that falls."""
    names = ["Adam", "its equation"]
    return live(
        step, start, method=None, dt="lr", name="limit", frames=60,
        controls={"lr": Slider(0.02, 0.4, 0.2, log=True, acts="start"),
                  "b": Slider(0.05, 2, 0.5, log=True, acts="start", label="b (β₂ = 1 − b lr)")},
        view=[landscape(f, x=(-0.4, 1.9), y=(-1, 1.3), trail=True, labels=[0, 1], names=names,
                        show=lambda z: torch.stack([z.x, z.X]), size=5),
              curves("adam", "equation", ylabel="x₁", ylim=(0, 1.8), names=names),
              curves("energy", "f", ylim=(-0.1, 0.9), names=["𝒱", "f"],
                     title="along the equation")],
        readouts={"adam": lambda z: z.x[0], "equation": lambda z: z.X[0], "f": lambda z: f(z.X),
                  "gap": lambda z: (z.x - z.X).abs().amax(-1), "energy": energy},
        sentence="At t = {t:.1f} Adam is {gap:.3f} away from its equation; the energy of the "
                 "equation is {energy:.4f}.",
        alt="Adam and its differential equation leave one point of a double well: they overshoot "
            "the minimum together and come back together.")


def spikes(step: Function, start: State) -> Shown:
    """Adam on a parabola: the distance in decades, and the ratio that crosses the limit."""
    return live(
        step, start, method=None, name="spikes", substeps=40, frames=220,
        controls={"lr": Slider(0.05, 2, 0.5, log=True),
                  "beta1": Slider(0, 0.95, 0.9, step=0.01, label="β₁"),
                  "beta2": Slider(0.99, 0.9995, 0.999, label="β₂")},
        view=[curves("decades", xlabel="steps", ylabel="log₁₀ |x|", ylim=(-75, 5)),
              curves("ratio", "limit", xlabel="steps", ylim=(0, 60),
                     names=["lr λ / √v", "2(1+β₁)/(1−β₁)"])],
        readouts={"decades": lambda z: torch.log10(z.x[0].abs() + 1e-300),
                  "ratio": lambda z, k, lr, beta2:
                      lr * mo.preconditioner(k, z, beta2=beta2, eps=0.0)[0],
                  "limit": lambda z, beta1: mo.stability_limit(beta1)},
        sentence="After {k:.0f} steps log₁₀ |x| = {decades:.1f}; lr λ/√v = {ratio:.1f}, and the "
                 "limit is {limit:.1f}.",
        alt="The distance from the minimum falls over 60 decades, then bursts again and again, "
            "each time lr over root v crosses the line 38.",
        caption="Adam on a parabola, in double precision. Nothing is random here.")


def edge_of_stability(k: Tensor, gap: Tensor, ratio: Tensor) -> Still:
    """The loss above its minimum, and lr times the preconditioned curvature beside the line 38."""
    canvas, axes = figures.axes(size=(8, 3.2), columns=2)
    left, right = axes.flat
    left.semilogy(k, gap.abs().clamp(min=1e-16))
    left.set(xlabel="steps", ylabel="f − min f")
    right.plot(k[1:], ratio[1:])
    right.axhline(38, linestyle="--", color=figures.PALETTE[1])
    right.set(xlabel="steps", ylabel="preconditioned curvature × lr")
    return figures.still(canvas, alt="On real data the loss falls, then flutters; lr times the "
                                     "preconditioned curvature climbs to the line 38 and stays "
                                     "there.")


def tumours(step: Function, start: State, loss: Function, X: Tensor, y: torch.Tensor) -> Shown:
    """Training curves of five methods, and the margins of all examples under two of them."""
    readouts = ("gd", "ball", "nesterov", "adam", "sign")
    return live(
        step, start, name="tumours", method=None, members=(0, mo.FIVE),
        controls={"lr": Slider(0.003, 1, 0.1, log=True),
                  "beta1": Slider(0, 0.98, 0.9, label="β₁"),
                  "beta2": Slider(0.5, 0.999, 0.99, label="β₂")},
        view=[curves(*readouts, logy=True, ylim=(0.03, 0.8), xlabel="steps", ylabel="loss",
                     names=list(mo.FIVE)),
              histogram(-12, 25, show=lambda z: y * (z.x[0:4:3] @ X.mT), bins=74, ymax=0.45,
                        names=["gradient descent", "Adam"], title="all tumours",
                        xlabel="y ⟨z, w⟩: positive is right")],
        readouts={name: lambda z, i=i: loss(z.x)[i] for i, name in enumerate(readouts)}
        | {"wrong": lambda z: (1 - mo.accuracy(z.x[3], X, y)) * len(X)},
        sentence="After {k:.0f} steps the loss is {gd:.3f} (descent), {ball:.3f} (heavy ball), "
                 "{adam:.3f} (Adam); Adam misses {wrong:.0f} of 569.",
        alt="Training curves of five methods on breast tumours: gradient descent is last; "
            "histograms of the margins move to the right.")
