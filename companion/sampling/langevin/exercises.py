"""The checks of the chapter's exercises. They know theorems, not answers."""

import torch

from companion.check.report import magnitude, report
from companion.flow import as_scipy
from companion.inputs import a_function, a_number
from companion.potentials import quadratic
from companion.sampling.langevin.kinetic import kinetic_field
from companion.sampling.langevin.linear import drift_gap, stationary_covariance
from companion.sampling.langevin.sandbox import fisher_rao_moments, gaussian_kl, langevin_moments, ula_moments


def check_friction(gamma, *, frequencies=(1.0, 2.0, 5.0), tol=1e-2):
    """gamma maximises, to tol, the gap of kinetic Langevin on the sum of w^2 x_w^2 / 2: the gap, an eigenvalue, grows before and falls behind.

    Raises AssertionError, TypeError, ValueError.
    """
    curvatures = torch.diag(torch.tensor([a_number(w, "a frequency", above=0) for w in frequencies], dtype=torch.float64) ** 2)

    def gap(g):
        return drift_gap(kinetic_field(quadratic(curvatures), gamma=g), (2, len(frequencies)))

    found, best = gap(a_number(gamma, "gamma", above=0)), _highest(gap, 1e-3, 4 * max(frequencies))
    hint = "Every direction is underdamped: more friction." if gamma < best else "The flattest direction is overdamped: less friction."
    report(abs(gamma - best) <= tol, f"No friction farther than {tol:g} away has a larger gap", f"gap {found:.4g}", f"The gap is {found:.4g}. {hint}")


def check_ula_step(h, *, variance=1.1, tol=1e-4):
    """With the step h, ULA for N(0, 1) keeps this variance, to tol: its moments are stepped until they rest.

    Raises AssertionError, TypeError, ValueError.
    """
    a_number(h, "h", above=0)
    statement = f"ULA's variance is {a_number(variance, 'variance', above=0):g}"
    if h >= 2:
        report(False, statement, f"h = {float(h):.6g}", "From h = 2 on the variance grows without bound: take a smaller step.")
    x = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for k in range(100_000):
        x, last = ula_moments(k, x, h=h), x
        if torch.equal(x, last):
            break
    found = float(x[1])
    hint = "a smaller step" if found > variance else "a longer step"
    report(abs(found - variance) <= tol, statement, f"variance {found:.6g}", f"The variance is {found:.6g}: try {hint}.")


def check_scheme(scheme, *, h=1.0, curvatures=(1.0, 0.25), tol=1e-3):
    """Lyapunov's equation: scheme(V, h) keeps the position's variance 1 / c of V = c x^2 / 2, to a relative tol, for each of the curvatures c.

    scheme(V, h) -> step(k, z, xi) on pairs z = (x, other), (2, ..., d), linear in (z, xi) if V is quadratic; xi is like x or like z.
    Raises AssertionError, TypeError, ValueError.
    """
    a_function(scheme, "scheme")
    for c in curvatures:
        step = a_function(scheme(quadratic(torch.tensor([[a_number(c, "a curvature", above=0)]], dtype=torch.float64)), h), "scheme(V, h)")
        found = c * float(stationary_covariance(step, (2, 1), noise=_noise(step))[0, 0])
        statement = f"With h = {h:g} and the curvature {c:g} the variance is right to {tol:g}"
        report(abs(found - 1) <= tol, statement, f"{found:.6g} times that of exp(-V)", f"It is {found:.6g} times that of exp(-V).")


def check_times(fisher_rao, langevin, *, start=(0.0, 100.0), level=1e-2, tol=1e-3):
    """At these times KL from the law started at N(start) to N(0, 1) passes the level, to tol: the moments are integrated until it does.

    KL decreases along both flows, so there is one such time for each. Raises AssertionError, TypeError, ValueError.
    """
    a_number(fisher_rao, "fisher_rao", least=0), a_number(langevin, "langevin", least=0)
    for name, v, t in (("Fisher-Rao", fisher_rao_moments, fisher_rao), ("Langevin", langevin_moments, langevin)):
        late = t - _crossing(v, start, level)
        found = f"to {tol:g}" if abs(late) <= tol else f"off by {magnitude(abs(late))}"
        hint = f"At t = {float(t):g} KL is still above {level:g}." if late < 0 else f"KL was below {level:g} before t = {float(t):g}."
        report(abs(late) <= tol, f"{name} needs the time {float(t):g}", found, hint)


def _crossing(v, start, level):
    """The time when KL passes the level from above."""
    from scipy.integrate import solve_ivp

    x = torch.tensor([a_number(n, "start") for n in start], dtype=torch.float64)
    if gaussian_kl(x) <= a_number(level, "level", above=0):
        raise ValueError(f"level = {level}; expected less than KL at the start, {gaussian_kl(x):.4g}.")

    def above(t, y):
        return float(gaussian_kl(torch.from_numpy(y))) - level

    above.terminal = True
    run = solve_ivp(as_scipy(v, like=x), (0, 1e4), x.numpy(), method="LSODA", events=above, rtol=1e-10, atol=1e-12)
    return float(run.t_events[0][0])


def _highest(f, lo, hi):
    """Where f, growing before and falling behind, is largest: by thirds."""
    while hi - lo > 1e-7:
        left, right = lo + (hi - lo) / 3, hi - (hi - lo) / 3
        lo, hi = (left, hi) if f(left) < f(right) else (lo, right)
    return (lo + hi) / 2


def _noise(step):
    """The shape of the noise that a step on pairs (2, 1) takes: like the pair, or like x."""
    z = torch.zeros(2, 1, dtype=torch.float64)
    for shape in ((2, 1), (1,)):
        try:
            if step(0, z, torch.zeros(shape, dtype=torch.float64)).shape == z.shape:
                return shape
        except (ValueError, RuntimeError, IndexError):
            continue
    raise ValueError("step does not map a pair z (2, d) to a pair; expected step(k, z, xi) with z = (x, other), and xi like x or like z.")
