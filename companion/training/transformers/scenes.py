"""The figures of the chapter: how its tokens are seen, what a reader can change, what is said.

What moves, and from where, comes from the notebook.
"""

from functools import partial
from math import pi

import torch

import companion.training.transformers as tf
from companion import figures, live
from companion.figures import Still
from companion.flow import Path, heun
from companion.hints import Cloud, Function, Tensor
from companion.live import Button, Choice, Slider, circle, curves, play
from companion.live.widget import Shown


def tokens(step: Function, start: Function) -> Shown:
    """Tokens on the circle under SA or USA with noise, and how many clusters they form."""
    return live(
        partial(step, dt=0.1), start, name="tokens", shape=("n", 2), noise=True, method=None,
        dt=0.1, pace="log", frames=115, still=100,
        controls={"beta": Slider(0.5, 30, 5, step=0.1),
                  "D": Slider(0, 0.2, 0, step=0.005, label="noise D"),
                  "model": Choice({"SA": tf.sa, "USA": tf.paced_usa}),
                  "n": Slider(20, 300, 200, step=1, acts="start", label="tokens n")},
        view=[circle(), curves("clusters", logx=True, ylim=(0, 12),
                               reference={"fastest mode": tf.predicted_clusters})],
        readouts={"clusters": tf.count_clusters,
                  "fastest": lambda x, beta, D: tf.predicted_clusters(beta, D)},
        sentence="At t = {t:.1f} the number of clusters is {clusters:.0f}. The fastest mode has "
                 "{fastest:.0f} waves.",
        alt="Two hundred tokens, evenly spread on a circle, gather in three clusters at beta = 5; "
            "beside it their number against time.")


def growth_rates(rate: Function) -> Still:
    """The rates of waves 1 to 6 against beta: which one is on top."""
    betas = torch.linspace(0.2, 20, 150, dtype=torch.float64).tolist()
    canvas, ax = figures.axes(size=(6, 3.6))
    for k in range(1, 7):
        ax.plot(betas, [rate(beta, k) for beta in betas], "-" if k % 2 else "--",
                color=figures.PALETTE[k], label=f"k = {k}")
    ax.set(xlabel="β", ylabel="growth rate under SA", ylim=(0, 0.95))
    ax.legend(ncols=6, fontsize=7, loc="upper center", handlelength=1.2, columnspacing=0.8)
    return figures.still(canvas, alt="Growth rates of waves 1 to 6 against beta: each is the "
                                     "largest on an interval, one after the other.")


def sphere(field: Function, start: Function) -> Shown:
    """Tokens on the sphere in logarithmic time: their energy is a staircase."""
    return live(
        field, start, name="sphere", shape=("n", 3), dt=0.1, method=heun, project=tf.normalise,
        pace="log", frames=140, seed=1,
        controls={"beta": Slider(1, 16, 5, step=0.1),
                  "n": Slider(10, 200, 80, step=1, acts="start", label="tokens n")},
        view=[live.sphere(), curves("energy", "similarity", logx=True, ylim=(-0.1, 1.05))],
        readouts={"energy": lambda x, beta: tf.energy(x, beta) * 2 * beta * torch.exp(-beta),
                  "similarity": tf.mean_similarity},
        sentence="At t = {t:.1f} the energy is {energy:.2f} of its largest value, and the mean "
                 "similarity is {similarity:.2f}.",
        alt="Tokens on a sphere gather in several clusters that merge one by one; the energy "
            "against log time is a staircase.",
        caption="Tokens on the sphere, in logarithmic time. The energy is divided by its value for "
                "a single point.")


def two(field: Function, start: Function) -> Shown:
    """Two tokens on the circle, and the time at which they are due to meet."""
    def due(t, beta, start, mass):
        return torch.where(t < tf.merge_clock(beta, start, mass), start, 0.9 + 0 * start)

    return live(
        field, start, name="two", shape=(2, 2), dt=0.1, project=tf.normalise, pace="log",
        frames=140,
        controls={"beta": Slider(0, 8, 6, step=0.1),
                  "start": Slider(-0.9, 0.8, 0, step=0.05, acts="start"),
                  "mass": Slider(0.05, 0.95, 0.5, step=0.05)},
        view=[circle(size=9), curves("similarity", logx=True, ylim=(-1, 1.05),
                                     reference={"0.9 is due": due})],
        readouts={"similarity": lambda x: (x[0] * x[1]).sum(),
                  "due": lambda x, beta, start, mass: tf.merge_clock(beta, start, mass)},
        sentence="At t = {t:.1f} the two tokens have similarity {similarity:.3f}; it should reach "
                 "0.9 at t = {due:.1f}.",
        alt="Two tokens at a right angle stay apart for thirty units of time, then meet at once, "
            "when the integral says they are due.")


def dimension(field: Function, start: Function, project: Function, pairs: Function) -> Shown:
    """The similarities of all pairs of 32 tokens in d dimensions, beside one number's curve."""
    return live(
        field, start, name="dimension", shape=(32, 128), dt=0.05, method=heun, project=project,
        frames=160, still=70,
        controls={"d": Slider(2, 128, 128, log=True, step=1, acts="start", label="dimension d"),
                  "beta": Slider(0, 6, 4, step=0.1)},
        view=[live.histogram(-1, 1.02, show=pairs, bins=50, ymax=12,
                             xlabel="similarity of pairs"),
              curves("lowest", "mean", "highest", "gamma", ylim=(-1, 1.05))],
        readouts={"lowest": lambda z: pairs(z).amin(-1), "mean": lambda z: pairs(z).mean(-1),
                  "highest": lambda z: pairs(z).amax(-1), "gamma": lambda z: z[-1, 0]},
        sentence="At t = {t:.1f} all pairs lie between {lowest:.2f} and {highest:.2f}, mean "
                 "{mean:.2f}; one number says {gamma:.2f}.",
        alt="In 128 dimensions the similarities of all pairs of tokens travel together to 1, along "
            "the curve of one equation.")


def merged_pairs(share: dict, front: list, betas: list) -> Still:
    """The share of merged pairs (dimension -> values at beta and time), and the curve's front."""
    canvas, axes = figures.axes(size=(8, 3.2), columns=len(share))
    for ax, (d, values) in zip(axes.flat, share.items(), strict=True):
        ax.imshow(values, origin="lower", extent=(0, 12, -0.25, 6.25), aspect="auto",
                  cmap="cividis", vmin=0, vmax=1)
        ax.plot(front, betas, color="white")
        ax.set(xlim=(0, 12), xlabel="t", ylabel="β", title=f"d = {d}")
    return figures.still(canvas, alt="Share of merged pairs over time and beta: a sharp front on "
                                     "the line for d = 128, a blurred plateau for d = 2.")


def three(field: Function, triangle: Cloud) -> Shown:
    """Three tokens near the triangle: does a small displacement grow?"""
    begin = tf.order_parameter(triangle).item()

    def linear(t, beta):
        return torch.clamp(begin * torch.exp(tf.lattice_rates(beta, 3, 1)[0] * t), 1e-4, 1.0)

    return live(
        field, triangle, name="three", dt=0.05, project=tf.normalise, pace="log", frames=95,
        controls={"beta": Slider(-2, 0.5, -1, step=0.02)},
        view=[circle(size=9), curves("order", logy=True, ylim=(1e-4, 1.5),
                                     reference={"linear theory": linear})],
        readouts={"order": tf.order_parameter,
                  "rate": lambda x, beta: tf.lattice_rates(beta, 3, 1)[0]},
        sentence="At t = {t:.1f} the length of the mean token is {order:.4f}; the linear theory "
                 "has the rate {rate:.3f}.",
        alt="Three tokens, nearly equispaced, return to the triangle at beta = -1; the length of "
            "their mean decays along a straight line.")


def memory(step: Function, start: Tensor) -> Shown:
    """A density of tokens just above the noise threshold, which melts or gathers and stays."""
    def bump(order):
        return lambda rho: 0 * rho + tf.bump(order, 44).float()

    return live(
        step, start, name="memory", method=None, substeps=5, frames=400, still=100,
        controls={"beta": Slider(0.5, 6, 4, step=0.1),
                  "ratio": Slider(0.8, 1.2, 1.02, step=0.01, label="noise D / D_c"),
                  "melt": Button(bump(0.02)), "gather": Button(bump(0.45))},
        view=[live.density(-pi, pi, ymax=7, xlabel="θ",
                           show=lambda rho: torch.cat([rho[22:], rho[:22]])),
              curves("order", ylim=(0, 1), xlabel="iterations")],
        readouts={"order": tf.order_of},
        sentence="After {k:.0f} iterations the order is {order:.3f}.",
        alt="A density of tokens on the circle above the noise threshold stays a bump; after "
            "pressing melt it stays flat.",
        caption="Just above the threshold at beta = 4: press melt, then gather. Both states stay.")


def gaussian(field: Function, nodes: Cloud, masses: Tensor, closed_form: Function) -> Shown:
    """The ellipse of weighted tokens of the plane, over that of closed_form(t, beta, V)."""
    def predicted(t, beta, V):
        mean, var = closed_form(t, beta, V)
        return tf.ellipse(mean, torch.diag(var), 80)

    return live(
        field, nodes, name="gaussian", dt=0.01, frames=140,
        controls={"beta": Slider(0.1, 1, 0.5, step=0.05), "V": Slider(-1, 1, 1, step=0.1)},
        view=[live.plane(x=(-7, 7), y=(-4, 4), target=predicted, joined=True,
                         show=lambda x: tf.ellipse(*tf.moments(x, masses), 40),
                         title="two standard deviations"),
              curves("variance", logy=True, ylim=(0.05, 20),
                     reference={"closed form": lambda t, beta, V: closed_form(t, beta, V)[1][0]})],
        readouts={"variance": lambda x: tf.moments(x, masses)[1][0, 0]},
        sentence="At t = {t:.2f} the variance along the wide axis is {variance:.2f}.",
        alt="The ellipse of moving Gaussian tokens lies on the ellipse of the closed form and "
            "stretches along its wide axis.",
        caption="256 weighted tokens, their ellipse (line) and the closed form (points), which is "
                "held at 95 % of its blow-up time.")


def minilm(x: Cloud, banks: tuple) -> Shown:
    """Recorded tokens x (layers, n, d) along two principal axes; banks: the two to look at."""
    centred = (x - x.mean((0, 1))).reshape(-1, x.shape[-1])
    axes, (one, other) = torch.linalg.svd(centred, full_matrices=False).Vh[:2].T, banks
    return play(
        Path(torch.arange(len(x), dtype=x.dtype), x), name="minilm",
        view=[live.plane(x=(-1, 1), y=(-1, 1), show=lambda x: x @ axes, trail=True, size=5,
                         labels=[int(i in banks) for i in range(x.shape[1])],
                         names=["other tokens", "bank (twice)"], title="two principal axes"),
              live.matrix(-0.2, 1, show=tf.similarities, title="similarity of tokens")],
        readouts={"similarity": tf.mean_similarity, "banks": lambda x: (x[one] * x[other]).sum()},
        sentence="After layer {t:.0f} the mean similarity is {similarity:.2f}; the two tokens "
                 '"bank" have similarity {banks:.2f}.',
        alt="Recorded tokens of a sentence move through six layers of a real model: similarities "
            "rise, and structure stays.")
