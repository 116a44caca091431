"""Five methods side by side, and the figures of a ball that rolls."""

import torch

import companion.training.momentum as mo
from companion.hints import Function, State, Tensor
from companion.live import Button, Choice, Slider, curves, density, landscape, live, plane
from companion.live.widget import Shown
from companion.potentials import rosenbrock


def _valley(x, kappa):
    return kappa * mo.valley(x, kappa=kappa)


def _banana(x, kappa):
    return rosenbrock(x, b=kappa / 60)


def race(step: Function, start: State) -> Shown:
    """Five methods leave one point of a valley: their paths, and f against the steps."""
    readouts = ("gd", "ball", "nesterov", "adam", "sign")
    return live(
        step, start, method=None, name="race", frames=160, still=60, members=(0, list(mo.FIVE)),
        controls={"scale": Slider(0.1, 10, 1, log=True, label="scale of f"),
                  "kappa": Slider(1, 60, 20, log=True),
                  "lr": Slider(0.005, 0.2, 0.05, log=True),
                  "beta1": Slider(0, 0.98, 0.9, label="β₁"),
                  "beta2": Slider(0.5, 0.999, 0.99, label="β₂"),
                  "bowl": Choice({"valley": _valley, "Rosenbrock": _banana})},
        view=[landscape(lambda p, bowl, kappa: bowl(p, kappa) ** 0.5, x=(-3, 3), y=(-2.4, 2.4),
                        show=lambda z: z.x, trail=True, labels=range(5), size=5,
                        names=list(mo.FIVE),
                        drag=lambda z, i, p: mo.at_rest(p.expand(5, 2), mo.Moments)),
              curves(*readouts, logy=True, ylim=(1e-8, 1e2), xlabel="steps", ylabel="f",
                     names=list(mo.FIVE))],
        readouts={name: lambda z, bowl, kappa, i=i: bowl(z.x, kappa)[i]
                  for i, name in enumerate(readouts)},
        sentence="After {k:.0f} steps f is {gd:.1e} (descent), {ball:.1e} (heavy ball), "
                 "{nesterov:.1e} (Nesterov), {adam:.1e} (Adam), {sign:.1e} (sign).",
        alt="Five methods leave one point of a narrow valley: descent turns into the valley, "
            "heavy ball swings, Adam and sign descent cut across.")


def cycle(step: Function, *, lr: float, momentum: float) -> Shown:
    """Heavy ball and Nesterov on the line: each point against the one before, |x| by steps."""
    names = ["heavy ball", "Nesterov"]
    return live(
        step, lambda xi, start: mo.at_rest(0 * xi + start, mo.Inertia), shape=(2, 1),
        method=None, name="cycle", frames=70,
        controls={"start": Slider(2.5, 4.5, 3.1, step=0.1, acts="start"),
                  "lr": Slider(0.05, 0.12, lr), "momentum": Slider(0.4, 0.6, momentum)},
        view=[plane(x=(-3.5, 4.5), y=(-3.5, 4.5), trail=14, labels=[0, 1], size=6, names=names,
                    show=lambda z: torch.cat([z.x - z.v, z.x], -1),
                    xlabel="x before", ylabel="x now"),
              curves("ball", "nesterov", logy=True, ylim=(1e-6, 10), xlabel="steps",
                     ylabel="|x|", names=names)],
        readouts={"ball": lambda z: z.x[0, 0].abs(),
                  "nesterov": lambda z: z.x[1, 0].abs() + 1e-9},
        sentence="After {k:.0f} steps |x| is {ball:.3f} for heavy ball and {nesterov:.1e} for "
                 "Nesterov.",
        alt="Heavy ball jumps for ever between three points of a strongly convex function; "
            "Nesterov's method converges to its minimum.",
        caption="The function of Lessard, Recht and Packard: strongly convex, curvatures 1 and "
                "25 only.")


def _exponents(z, t, kappa):
    energy = z.x.square() + z.v.square() / torch.stack([torch.ones_like(kappa), kappa])
    return -torch.log(energy.mT) / torch.clamp(t, min=0.1)


def damping(field: Function, start: State, frictions: Tensor) -> Shown:
    """The exponent of an oscillator's energy against its friction, and one of them in phase."""
    n = len(frictions)  # the oscillator after these has the friction of the slider

    def phase(z, kappa):
        return torch.stack([z.x[n], z.v[n] / torch.stack([kappa**0, kappa**0.5])], -1)

    def best(z, t, kappa):
        slowest = _exponents(z, t, kappa)[:, :n].amin(0)
        return torch.where(slowest == slowest.amax(-1), frictions, 0).amax(-1)

    return live(
        field, start, dt=0.05, substeps=2, name="damping", frames=160,
        controls={"friction": Slider(0, 5, 1, step=0.05), "kappa": Slider(1, 25, 9, step=0.5)},
        view=[density(0.05, 5, show=lambda z, t, kappa: _exponents(z, t, kappa)[:, :n],
                      target=lambda s: s - torch.sqrt(torch.clamp(s**2 - 4, min=0)), ymax=5,
                      names=["slow mode", "stiff mode"], xlabel="friction α",
                      ylabel="exponent of the energy"),
              plane(x=(-1.1, 1.1), y=(-1.1, 1.1), show=phase, trail=True, labels=[0, 1], size=6,
                    xlabel="x", ylabel="v / √μ", title="chosen friction")],
        readouts={"slow": lambda z, t, kappa: _exponents(z, t, kappa)[0, n],
                  "stiff": lambda z, t, kappa: _exponents(z, t, kappa)[1, n], "best": best},
        sentence="At t = {t:.1f} friction {friction:.2f} has the exponents {slow:.2f} (slow) and "
                 "{stiff:.2f} (stiff); the best friction is {best:.2f}.",
        alt="The exponent of the energy against friction: it rises along a line to a peak at "
            "friction 2, then falls; with time it sharpens to a cusp.")


def _corrected(t, h, r, mu):  # both coordinates: curvatures 1 and mu
    return mo.nesterov_profile(t[..., None], mu=torch.stack([mu**0, mu]), h=h, r=r)


def _hollow(t, h, r, mu):
    return _corrected(t * torch.linspace(0, 1, 100, dtype=t.dtype), h, r, mu)


def ripples(step: Function, start: State, f: Function) -> Shown:
    """Nesterov's iterates on a parabola, beside the solutions of its two equations."""
    return live(
        step, start, method=None, dt="h", substeps=1, name="ripples", frames=200,
        controls={"h": Slider(0.02, 1.1, 0.2, log=True, label="h = √lr"),
                  "r": Slider(1, 8, 3, step=0.5, label="r"),
                  "mu": Slider(0.02, 1, 0.2, log=True),
                  "restart": Button(lambda z: z._replace(v=0 * z.v, clock=0 * z.clock))},
        view=[plane(x=(-0.6, 1.1), y=(-0.6, 1.1), show=lambda z: z.x[None], target=_hollow,
                    trail=True, size=5, xlabel="x₁", ylabel="x₂"),
              curves("x1", ylim=(-0.6, 1.1), ylabel="x₁", names=["Nesterov"], reference={
                  "Bessel": lambda t, r: mo.bessel_profile(t, r=r),
                  "next order": lambda t, h, r, mu: _corrected(t, h, r, mu)[..., 0]}),
              curves("f", logx=True, logy=True, ylim=(1e-6, 2), ylabel="f", names=["Nesterov"],
                     reference={"2|x₀|²/t²": lambda t: 4 / torch.clamp(t, min=0.5) ** 2,
                                "next order": lambda t, h, r, mu: f(_corrected(t, h, r, mu), mu)})],
        readouts={"x1": lambda z: z.x[0], "f": lambda z, mu: f(z.x, mu),
                  "gap": lambda z, t, r: (z.x[0] - mo.bessel_profile(t, r=r)).abs(),
                  "fine": lambda z, t, h, r, mu: (z.x[0] - _corrected(t, h, r, mu)[0]).abs()},
        sentence="At t = {t:.1f} x₁ is {gap:.4f} away from Bessel's curve and {fine:.4f} from the "
                 "next order; f = {f:.1e}.",
        alt="Nesterov's iterates spiral around the minimum inside Bessel's curve, on that of the "
            "next order; f falls in ripples below the bound.")


def bumpy(field: Function, start: State) -> Shown:
    """Rings of balls and of the gradient flow roll down a bowl with circular ripples."""
    names, n = ["heavy ball", "gradient flow"], len(start.x)

    def height(x, ripple, pitch):
        return mo.bumpy_bowl(x, ripple=ripple, pitch=pitch).amax(-1) + 1e-12

    return live(
        field, start, dt=0.02, substeps=3, name="bumpy", frames=200, still=32,
        controls={"ripple": Slider(0, 0.6, 0.3, step=0.01), "pitch": Slider(1, 8, 5, step=0.1),
                  "friction": Slider(0.1, 4, 2, step=0.05)},
        view=[landscape(lambda p, ripple, pitch: mo.bumpy_bowl(p, ripple=ripple, pitch=pitch),
                        x=(-3, 3), y=(-3, 3), show=lambda z: torch.cat([z.x, z.y]), trail=12,
                        labels=[0] * n + [1] * n, names=names, levels=24),
              curves("ball", "flow", logy=True, ylim=(1e-8, 10), ylabel="largest f",
                     names=names)],
        readouts={"ball": lambda z, ripple, pitch: height(z.x, ripple, pitch),
                  "flow": lambda z, ripple, pitch: height(z.y, ripple, pitch),
                  "slope": lambda z, ripple, pitch: 1 - ripple * torch.sqrt(1 + pitch**2 / 4)},
        sentence="At t = {t:.1f} the largest f is {ball:.1e} (heavy ball) and {flow:.1e} "
                 "(gradient flow); the lowest relative slope is {slope:.2f}.",
        alt="Two rings of points roll down a bowl with circular ripples; both reach the middle "
            "although the bowl is not convex.")
