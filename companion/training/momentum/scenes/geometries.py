"""Figures of what a norm decides: directions, margins, boxes, singular values, basins."""

import torch

import companion.training.momentum as mo
from companion.hints import Function, State, Tensor
from companion.live import Choice, Slider, curves, landscape, live, picture, plane
from companion.live.widget import Shown


def rotate(step: Function, start: Function) -> Shown:
    """Descent, sign descent and Adam in a valley that the reader turns."""
    names, readouts = ["gradient descent", "sign descent", "Adam"], ("gd", "sign", "adam")

    def sup_smoothness(z, angle, kappa):
        return mo.linf_smoothness(mo.rotated(torch.stack([1 / kappa, kappa**0]), angle))

    return live(
        step, start, shape=(3, 2), method=None, name="rotate", frames=150, members=(0, names),
        controls={"angle": Slider(0, 1.57, 0.7, step=0.05, acts="start", label="angle (radians)"),
                  "kappa": Slider(1, 200, 40, log=True),
                  "lr": Slider(0.005, 0.2, 0.04, log=True, label="lr of sign and Adam"),
                  "beta1": Slider(0, 0.95, 0.9, step=0.01, label="β₁")},
        view=[landscape(lambda p, angle, kappa: mo.valley(p, kappa=kappa, angle=angle) ** 0.5,
                        x=(-2.5, 2.5), y=(-2.5, 2.5), show=lambda z: z.x, trail=True,
                        labels=[0, 1, 2], names=names, size=5),
              curves(*readouts, logy=True, ylim=(1e-6, 2), xlabel="steps", ylabel="f",
                     names=names)],
        readouts={name: lambda z, angle, kappa, i=i: mo.valley(z.x[i], kappa=kappa, angle=angle)
                  for i, name in enumerate(readouts)} | {"sup": sup_smoothness},
        sentence="After {k:.0f} steps f is {gd:.1e} (descent), {sign:.1e} (sign), {adam:.1e} "
                 "(Adam); the smoothness in the sup norm is {sup:.2f}.",
        alt="In a turned valley sign descent zigzags and stops half-way, Adam zigzags on, and "
            "gradient descent walks as it does in a straight valley.")


def _unit(w):
    return w / (w.norm(dim=-1, keepdim=True) + 1e-9)


def _lines(z):  # orthogonal to w
    w = _unit(torch.stack([z.w, z.x]))
    left = torch.stack([w[:, 1], -w[:, 0]], -1)
    right = torch.stack([-w[:, 1], w[:, 0]], -1)
    return 6 * torch.stack([left, right], 1)


def _drag(z, i, p):  # the points can be dragged, the two directions before them cannot
    here = torch.arange(2, 10)[:, None] == i
    return z._replace(points=torch.where(here, p, z.points))


def margins(step: Function, start: State, angles: dict[str, Function]) -> Shown:
    """Two classes, the lines of descent and of Adam, and the angles of both and of the margins."""
    return live(
        step, start, method=None, name="margins", pace="log", frames=150,
        view=[plane(x=(-5, 5), y=(-4.2, 4.2), segments=_lines, size=6, drag=_drag,
                    show=lambda z: torch.cat([4 * _unit(torch.stack([z.w, z.x])), z.points]),
                    labels=[0, 1] + [2] * 4 + [3] * 4,
                    names=["w of descent", "w of Adam", "class 1", "class −1"]),
              curves(*angles, logx=True, ylim=(0, 90), xlabel="steps",
                     ylabel="angle of w (degrees)",
                     names=["descent", "Adam", "largest ℓ² margin", "largest ℓ∞ margin"])],
        readouts=angles,
        sentence="After {k:.0f} steps w of descent points to {gd:.1f}°, of Adam to {adam:.1f}°; "
                 "the largest margins are at {euclid:.1f}° and {sup:.1f}°.",
        alt="Eight points in two classes, and two separating lines: gradient descent and Adam "
            "settle in different directions.")


def clip(step: Function, start: State) -> Shown:
    """Three kinds of decay run to a target outside of a box; the reader drags the target."""
    def box(z, decay):
        c = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) / decay
        return torch.stack([c, c.roll(-1, 0)], 1)

    return live(
        step, start, method=None, name="clip", substeps=2,
        controls={"decay": Slider(0.2, 3, 1, step=0.05, label="decay λ"),
                  "lr": Slider(0.002, 0.1, 0.02, log=True)},
        view=plane(x=(-3, 3), y=(-2, 2), show=lambda z: torch.cat([z.x, z.b[None]]),
                   segments=box, trail=40, labels=[0, 1, 2, 3], size=6,
                   names=["AdamW", "Adam with ℓ²", "gradient descent", "target b (drag it)"],
                   drag=lambda z, i, p: z._replace(b=p)),
        readouts={"x": lambda z: z.x[0, 0], "y": lambda z: z.x[0, 1],
                  "shrunk": lambda z: z.x[2, 0], "b": lambda z: z.b[0]},
        sentence="After {k:.0f} steps AdamW is at ({x:.2f}, {y:.2f}); descent has shrunk "
                 "b₁ = {b:.2f} to {shrunk:.2f}.",
        alt="The target lies right of a square: AdamW stops at the side of the square, gradient "
            "descent half-way between the target and the origin.")


def singular(step: Function, start: State, methods: dict[str, Function], U: Tensor, V: Tensor,
             sigma: Tensor) -> Shown:
    """The singular values of a matrix that is learned, one after the other or in step."""
    return live(
        step, start, method=None, name="singular", frames=130,
        controls={"method": Choice(methods, value="spectral (Newton-Schulz)"),
                  "lr": Slider(0.005, 0.1, 0.02, log=True)},
        view=[curves("s1", "s2", "s3", "s4", "s5", xlabel="steps", ylabel="singular values",
                     ylim=(-0.05, 2.2), names=["σ₁", "σ₂", "σ₃", "σ₄", "σ₅"]),
              plane(x=(-0.1, 2.2), y=(-0.1, 2.2), size=6,
                    show=lambda W: torch.stack([sigma, (U * (W @ V)).sum(0)], -1),
                    target=torch.stack([sigma, sigma], -1),
                    xlabel="singular value of the target", ylabel="learned")],
        readouts={f"s{i + 1}": lambda W, i=i: (U[:, i] * (W @ V[:, i])).sum() for i in range(5)},
        together=(12, "Newton-Schulz multiplies rounding"),
        sentence="After {k:.0f} steps the singular values are {s1:.2f}, {s2:.2f}, {s3:.2f}, "
                 "{s4:.2f}, {s5:.2f}.",
        alt="Five singular values rise in a narrow fan, at about one speed; each stops at its "
            "target. With gradient descent they rise in proportion.")


WELLS = mo.wells(dtype=torch.float32)
COLOURS = torch.tensor([[0, 0.45, 0.70], [0.84, 0.37, 0], [0, 0.62, 0.45], [0.94, 0.89, 0.26]])


def _lost(z):  # gone for infinity, where the page lets it rest before its numbers overflow
    return ~(z.x.abs().amax(-1) < 1e3)


def _which(z):
    weights = torch.softmax(-(z.x[:, None] - WELLS).square().sum(-1), -1)
    colours = torch.where(_lost(z)[:, None], 1.0, weights @ COLOURS)
    return colours.reshape(64, 64, 3).clamp(0, 1)


def _took(z):
    return torch.where(_lost(z), 150.0, z.clock)


def basins(step: Function, at_rest: Function, methods: dict[str, Function]) -> Shown:
    """For each start of a square: the minimum that is found, and after how many steps."""
    side = torch.linspace(-5, 5, 64)
    starts = torch.stack([side.repeat(64), side.flip(0).repeat_interleave(64)], -1)  # top row first
    return live(
        step, lambda xi: at_rest(0 * xi + starts), shape=(4096, 2), method=None, name="basins",
        substeps=2, frames=75, members=(0, "starts"),
        controls={"method": Choice(methods, value="heavy ball", acts="start"),
                  "lr": Slider(0.1, 2, 0.5, log=True, acts="start", label="step (relative)")},
        view=[picture(show=_which, title="which minimum"),
              picture(show=lambda z: (_took(z).reshape(64, 64) / 150).clamp(0, 1),
                      title="how long")],
        readouts={"arrived": lambda z: (mo.himmelblau(z.x) < 0.1).to(z.x.dtype).mean() * 100,
                  "steps": lambda z: _took(z).mean()},
        sentence="After {k:.0f} steps {arrived:.0f} per cent of 4096 starts are near a minimum; "
                 "on average they needed {steps:.0f} steps.",
        alt="Two pictures of the square of starts: four coloured regions, for heavy ball "
            "interleaved in curls; and the time to arrive.",
        caption="Himmelblau's function on the square from −5 to 5. Blue: the minimum top right; "
                "orange top left; green bottom left; yellow bottom right.")
