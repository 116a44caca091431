"""Pontryagin's principle as a field. H = <p, f> - L, maximised by u;
the extremal z = (x, p) follows x' = dH/dp, p' = -dH/dx.

Source: Pontryagin, Boltyanskii, Gamkrelidze and Mishchenko, The Mathematical Theory of Optimal
Processes (1962), chapter 1.
"""

from collections.abc import Callable

import torch

from companion.architectures.control.problem import Posed
from companion.energies import grad
from companion.hints import Function, Real, Tensor, checked
from companion.inputs import a_tensor, like, one_each


@checked
def hamiltonian(problem: Posed, t: Real, x: Tensor, p: Tensor, u: Tensor) -> torch.Tensor:
    """H(t, x, p, u) = <p, f(t, x, u)> - L(t, x, u): (...), for x, p (..., n) and u (..., m).

    Raises TypeError, ValueError.
    """
    fit(problem, x, p, u)
    return hamiltonian_value(problem, t, x, p, u)


def fit(problem, x, p, u):
    """States, costates and controls have the numbers of components that the problem has.
    Raises ValueError."""
    if not (x.shape[-1:] == p.shape[-1:] == (problem.n,) and u.shape[-1:] == (problem.m,)):
        shapes = [tuple(v.shape) for v in (x, p, u)]
        raise ValueError(f"x, p, u have shapes {shapes}; expected (..., {problem.n}) twice and "
                         f"(..., {problem.m}).")


def hamiltonian_value(problem, t, x, p, u):
    """The same, unchecked: for the inside of a run."""
    return (p * problem.f(t, x, u)).sum(-1) - problem.cost(t, x, u)


@checked
def extremal(problem: Posed, law: Function, *, constraint: Function = None,
             multiplier: Function = None) -> Callable:
    """The field v(t, z) of extremals, z (2, ..., n) the states and costates: x' = f(t, x, u),
    p' = -d/dx (H + mu g) with u = law(t, x, p).

    The control and mu = multiplier(t, x, p) are held fixed in the derivative;
    constraint g(x) -> (...) is the one whose boundary the arc follows. Differentiable in z.
    Raises TypeError, ValueError.
    """
    if (constraint is None) != (multiplier is None):
        raise ValueError("of constraint and multiplier one is given; expected both on a boundary, "
                         "or none.")

    def v(t, z):
        if a_tensor(z, "z").ndim < 2 or z.shape[0] != 2 or z.shape[-1] != problem.n:
            raise ValueError(f"z has shape {tuple(z.shape)}; expected states and costates (2, "
                             f"..., {problem.n}): torch.stack([x, p]).")
        x, p = z
        u = a_tensor(law(t, x, p), "law(t, x, p)")
        mu = multiplier(t, x, p) if multiplier else 0.0

        def pseudo(y):
            held = mu * constraint(y) if constraint else 0 * y.sum(-1)
            return hamiltonian_value(problem, t, y, p, u) + held

        return torch.stack([problem.f(t, x, u), -grad(pseudo, x)])

    return v


def priced(problem, v, law):
    """The field v of extremals z (2, n) with one column more: the cost, integrated with them,
    and 0."""
    def w(t, z):
        z = z[:, :-1]
        rate = torch.as_tensor(problem.cost(t, z[0], law(t, *z)), dtype=z.dtype)
        return torch.cat([v(t, z), torch.stack([rate, 0 * rate])[:, None]], 1)

    return w


@checked
def maximiser(problem: Posed) -> Callable:
    """The law u(t, x, p) that maximises H, where H is a separable quadratic in u,
    with g = dH/du and h_j = d2H/du_j2 at u = 0: u_j = -g_j / h_j brought between the bounds
    if h_j < 0, else the better of the two bounds (that on the side of g_j if H is affine in u_j).

    Raises ValueError where H is no such quadratic (give law= yourself), or is not bounded in u.
    """
    problem.in_batches()
    _check_quadratic(problem)

    @checked
    def law(t: Real, x: Tensor, p: Tensor) -> Tensor:
        fit(problem, x, like(p, x, "p"), x.new_zeros(problem.m))
        slope, bend = _parabola(problem, t, x, p)
        concave = bend < 0
        free = slope / torch.where(concave, -bend, torch.ones_like(bend))
        if problem.bounds is None:
            return free
        lo, hi = (b.to(free) for b in problem.bounds)
        # of hi over lo, a unit
        gain = torch.where(concave, 0 * slope, slope + bend * (lo + hi) / 2)
        return torch.where(concave, problem.within(free), torch.where(gain > 0, hi, lo))

    return law


def _parabola(problem, t, x, p):
    """(dH/du_j, d2H/du_j2) at u = 0, each (..., m): by central differences of step 1,
    which are exact for a quadratic."""
    m = problem.m
    points = torch.cat([torch.zeros(1, m), torch.eye(m), -torch.eye(m)]).to(x)
    u = points.reshape(-1, *(1,) * (x.ndim - 1), m).expand(-1, *x.shape[:-1], -1)
    rows = (y.expand(len(u), *y.shape) for y in (x, p))
    middle, up, down = hamiltonian_value(problem, t, *rows, u).split([1, m, m])
    slope, bend = (up - down) / 2, up + down - 2 * middle
    bend = torch.where(bend.abs() > 1e-9 * (up.abs() + down.abs()), bend, 0.0)
    return slope.movedim(0, -1), bend.movedim(0, -1)


def points_of_a_problem(problem):
    """(t, x, p) at which forms are checked: near the start, the costate around 0."""
    random = torch.Generator().manual_seed(0)
    x, p = (torch.rand(problem.n, generator=random, dtype=torch.float64) for _ in range(2))
    return problem.x0.new_tensor(problem.t0), problem.x0 + 0.1 * x, 2 * p - 1


def _check_quadratic(problem):
    """H at a few points against the separable quadratic that `maximiser` supposes."""
    t, x, p = points_of_a_problem(problem)
    middle = hamiltonian(problem, t, x, p, problem.x0.new_zeros(problem.m))
    slope, bend = _parabola(problem, t, x, p)
    random = torch.Generator().manual_seed(1)
    for _ in range(4):
        u = 2 * torch.rand(problem.m, generator=random, dtype=x.dtype) - 1
        formula = middle + (slope * u).sum() + (bend * u * u).sum() / 2
        if not torch.allclose(hamiltonian(problem, t, x, p, u), formula, rtol=1e-6, atol=1e-6):
            raise ValueError("H is not a separable quadratic in u; expected one, or the law u(t, "
                             "x, p) that maximises H: law=...")
    held = 0 * bend if problem.bounds is None else torch.stack(problem.bounds).isfinite().all(0)
    if bool((bend[held == 0] >= 0).any()):
        raise ValueError("H is not bounded above in u; expected bounds=(lo, hi), or a cost that "
                         "is strictly convex in each control.")


def jumping(problem):
    """The controls (indices) in which H is affine or convex: there its maximiser jumps from bound
    to bound where dH/du changes its sign."""
    _, bend = _parabola(problem, *points_of_a_problem(problem))
    return (bend >= 0).nonzero()[:, 0].tolist()


@checked
def bracket(a: Function, b: Function) -> Callable:
    """The Poisson bracket {a, b} = <da/dp, db/dx> - <da/dx, db/dp> of functions (x, p) -> (...): a
    function (x, p), inf where it overflows. Differentiable again. Raises TypeError, ValueError."""
    def of_states(x, p):
        return _paired(_slopes(a, x, p), _slopes(b, x, p))

    return of_states


@checked
def singular(h0: Function, h1: Function) -> Callable:
    """The law u = -{h0, h01} / {h1, h01}, h01 = {h0, h1}, that keeps h1 = h01 = 0 where
    H = h0 + u h1: u(t, x, p) of shape (..., 1). Raises TypeError."""
    h01 = bracket(h0, h1)

    @checked
    def law(t: Real, x: Tensor, p: Tensor) -> Tensor:
        along, across, switch = (_slopes(h, x, p) for h in (h0, h1, h01))
        return (-_paired(along, switch) / _paired(across, switch))[..., None]

    return law


def _slopes(a, x, p):
    """(da/dx, da/dp). Raises TypeError, ValueError."""
    if like(a_tensor(p, "p"), a_tensor(x, "x"), "p").ndim == 0:
        raise ValueError("x is a single number; expected states (..., n).")
    def value(z):
        return one_each(a(*z), x.shape[:-1], "the function",
                        "one number for each state").broadcast_to(z.shape[:-1])

    return grad(value, torch.stack([x, p])) / 2


def _paired(a, b):
    """<da/dp, db/dx> - <da/dx, db/dp> from the slopes of a and b."""
    return (a[1] * b[0] - a[0] * b[1]).sum(-1)
