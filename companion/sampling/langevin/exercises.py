"""The checks of the chapter's exercises. They know theorems, not answers."""

from typing import Annotated

import torch

from companion.check.report import magnitude, report
from companion.flow import as_scipy
from companion.hints import Function, NonNegative, Positive, checked
from companion.inputs import a_function, a_number, like
from companion.potentials import quadratic
from companion.sampling.langevin.linear import drift_gap, stationary_covariance
from companion.sampling.langevin.sandbox import (
    fisher_rao_moments,
    gaussian_kl,
    langevin_moments,
    ula_moments,
)
from companion.sde import Averaged, Phase, kinetic_field


def _positive_numbers(values, name):
    """Return values, positive numbers. Raises TypeError, ValueError."""
    if not isinstance(values, (tuple, list)) or not values:
        raise TypeError(f"{name} is {values!r}; expected positive numbers: (1.0, 2.0).")
    return tuple(a_number(value, f"an entry of {name}", above=0) for value in values)


def _mean_and_variance(start, name):
    """Return start, a mean and a positive variance. Raises TypeError, ValueError."""
    if not isinstance(start, (tuple, list)) or len(start) != 2:
        raise TypeError(f"{name} is {start!r}; expected a mean and a variance: (0.0, 100.0).")
    return a_number(start[0], f"{name}'s mean"), a_number(start[1], f"{name}'s variance", above=0)


PositiveNumbers = Annotated[tuple, _positive_numbers]
Start = Annotated[tuple, _mean_and_variance]


@checked
def check_friction(gamma: Positive, *, frequencies: PositiveNumbers = (1.0, 2.0, 5.0),
                   tol: Positive = 1e-2) -> None:
    """gamma maximises, to tol, the gap of kinetic Langevin on the sum of w^2 x_w^2 / 2: the gap,
    an eigenvalue, grows before and falls behind.

    Raises AssertionError, TypeError, ValueError.
    """
    curvatures = torch.diag(torch.tensor(frequencies, dtype=torch.float64) ** 2)
    rest = Phase(curvatures[0], curvatures[0])

    def gap(g):
        return drift_gap(kinetic_field(quadratic(curvatures), gamma=g), rest)

    found, best = gap(gamma), _highest(gap, 1e-3, 4 * max(frequencies))
    hint = (
        "Every direction is underdamped: more friction."
        if gamma < best
        else "The flattest direction is overdamped: less friction."
    )
    report(abs(gamma - best) <= tol, f"No friction farther than {tol:g} away has a larger gap",
           f"gap {found:.4g}", f"The gap is {found:.4g}. {hint}")


@checked
def check_ula_step(h: Positive, *, variance: Positive = 1.1, tol: Positive = 1e-4) -> None:
    """With the step h, ULA for N(0, 1) keeps this variance, to tol:
    its moments are stepped until they rest.

    Raises AssertionError, TypeError, ValueError.
    """
    statement = f"ULA's variance is {variance:g}"
    if h >= 2:
        report(False, statement, f"h = {float(h):.6g}", "From h = 2 on the variance grows without "
                                                        "bound: take a smaller step.")
    x = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for k in range(100_000):
        x, last = ula_moments(k, x, h=h), x
        if torch.equal(x, last):
            break
    found = float(x[1])
    hint = "a smaller step" if found > variance else "a longer step"
    report(abs(found - variance) <= tol, statement, f"variance {found:.6g}",
           f"The variance is {found:.6g}: try {hint}.")


@checked
def check_scheme(scheme: Function, *, h: Positive = 1.0, curvatures: PositiveNumbers = (1.0, 0.25),
                 tol: Positive = 1e-3) -> None:
    """Lyapunov's equation: scheme(V, h) keeps the position's variance 1 / c of V = c x^2 / 2,
    to a relative tol, for each of the curvatures c.

    scheme(V, h) -> step(k, z, xi), linear in (z, xi) if V is quadratic; z is x (..., d),
    Averaged(x, last) or Phase(x, y), and xi is like x or like z.
    Raises AssertionError, TypeError, ValueError.
    """
    for c in curvatures:
        step = a_function(scheme(quadratic(torch.tensor([[c]], dtype=torch.float64)), h),
                          "scheme(V, h)")
        z, xi = _taken(step)
        found = c * float(stationary_covariance(step, z, noise=xi)[0, 0])
        statement = f"With h = {h:g} and the curvature {c:g} the variance is right to {tol:g}"
        report(abs(found - 1) <= tol, statement, f"{found:.6g} times that of exp(-V)",
               f"It is {found:.6g} times that of exp(-V).")


@checked
def check_times(fisher_rao: NonNegative, langevin: NonNegative, *, start: Start = (0.0, 100.0),
                level: Positive = 1e-2,
                tol: Positive = 1e-3) -> None:
    """At these times KL from the law started at N(start) to N(0, 1) passes the level, to tol:
    the moments are integrated until it does.

    KL decreases along both flows, so there is one such time for each. Raises AssertionError,
    TypeError, ValueError.
    """
    for name, v, t in (
        ("Fisher-Rao", fisher_rao_moments, fisher_rao),
        ("Langevin", langevin_moments, langevin),
    ):
        late = t - _crossing(v, start, level)
        found = f"to {tol:g}" if abs(late) <= tol else f"off by {magnitude(abs(late))}"
        hint = (
            f"At t = {float(t):g} KL is still above {level:g}."
            if late < 0
            else f"KL was below {level:g} before t = {float(t):g}."
        )
        report(abs(late) <= tol, f"{name} needs the time {float(t):g}", found, hint)


def _crossing(v, start, level):
    """The time when KL passes the level from above."""
    from scipy.integrate import solve_ivp

    x = torch.tensor(start, dtype=torch.float64)
    if gaussian_kl(x) <= level:
        raise ValueError(f"level = {level}; expected less than KL at the start, "
                         f"{gaussian_kl(x):.4g}.")

    def above(t, y):
        return float(gaussian_kl(torch.from_numpy(y))) - level

    above.terminal = True
    run = solve_ivp(as_scipy(v, like=x), (0, 1e4), x.numpy(), method="LSODA", events=above,
                    rtol=1e-10, atol=1e-12)
    if not len(run.t_events[0]):
        raise ValueError(f"level = {level}; expected one that KL passes before the time 1e4, and "
                         "that numbers resolve: 1e-2.")
    return float(run.t_events[0][0])


def _highest(f, lo, hi):
    """Where f, growing before and falling behind, is largest: by thirds."""
    while hi - lo > 1e-7:
        left, right = lo + (hi - lo) / 3, hi - (hi - lo) / 3
        lo, hi = (left, hi) if f(left) < f(right) else (lo, right)
    return (lo + hi) / 2


def _taken(step):
    """A state and a noise that the step takes, x in dimension 1."""
    x = torch.zeros(1, dtype=torch.float64)
    averaged, phase = Averaged(x, x), Phase(x, x)
    for z, xi in ((x, x), (averaged, x), (averaged, averaged), (phase, phase), (phase, x)):
        try:
            like(step(0, z, xi), z, "step(k, z, xi)")
            return z, xi
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError):
            continue
    raise ValueError("step does not map a state to its like; expected step(k, z, xi) with z = x, "
                     "Averaged(x, last) or Phase(x, y), and xi like x or like z.")
