"""Pontryagin's principle as a field. H = <p, f> - L, maximised by u; the extremal z = (x, p) follows x' = dH/dp, p' = -dH/dx.

Source: Pontryagin, Boltyanskii, Gamkrelidze and Mishchenko, The Mathematical Theory of Optimal Processes (1962), chapter 1.
"""

import torch

from companion.architectures.control.problem import a_problem
from companion.energies import grad
from companion.inputs import a_function


def hamiltonian(problem, t, x, p, u):
    """H(t, x, p, u) = <p, f(t, x, u)> - L(t, x, u): (...), for x, p (..., n) and u (..., m)."""
    return (p * problem.f(t, x, u)).sum(-1) - problem.cost(t, x, u)


def extremal(problem, law, *, constraint=None, multiplier=None):
    """The field v(t, z) of extremals, z (2, ..., n) the states and costates: x' = f(t, x, u), p' = -d/dx (H + mu g) with u = law(t, x, p).

    The control and mu = multiplier(t, x, p) are held fixed in the derivative; constraint g(x) -> (...) is the one whose boundary the arc follows.
    Differentiable in z. Raises TypeError.
    """
    a_problem(problem), a_function(law, "law")

    def v(t, z):
        x, p = z
        u = law(t, x, p)
        mu = multiplier(t, x, p) if multiplier else 0.0

        def pseudo(y):
            return hamiltonian(problem, t, y, p, u) + (mu * constraint(y) if constraint else 0 * y.sum(-1))

        return torch.stack([problem.f(t, x, u), -grad(pseudo, x)])

    return v


def maximiser(problem):
    """The law u(t, x, p) that maximises H, where H is a separable quadratic in u: u_j = -g_j / h_j brought between the bounds, with
    g = dH/du and h_j = d2H/du_j2 at u = 0;  where h_j = 0 (H affine in u_j) the bound on the side of g_j.

    Raises ValueError where H is no such quadratic (give law= yourself), or is not bounded in u.
    """
    a_problem(problem)
    _check_quadratic(problem)

    def law(t, x, p):
        slope, bend = _parabola(problem, t, x, p)
        concave = bend < 0
        free = slope / torch.where(concave, -bend, torch.ones_like(bend))
        if problem.bounds is None:
            return free
        lo, hi = (b.to(free) for b in problem.bounds)
        return torch.where(concave, problem.within(free), torch.where(slope > 0, hi, lo))

    return law


def _parabola(problem, t, x, p):
    """(dH/du_j, d2H/du_j2) at u = 0, each (..., m): by central differences of step 1, which are exact for a quadratic."""
    units = torch.eye(problem.m, dtype=x.dtype, device=x.device)
    points = torch.cat([0 * units[:1], units, -units])
    u = points.reshape(-1, *(1,) * (x.ndim - 1), problem.m).expand(-1, *x.shape[:-1], -1)
    middle, up, down = hamiltonian(problem, t, *(y.expand(len(u), *y.shape) for y in (x, p)), u).split([1, problem.m, problem.m])
    slope, bend = (up - down) / 2, up + down - 2 * middle
    bend = torch.where(bend.abs() > 1e-9 * (up.abs() + down.abs()), bend, torch.zeros_like(bend))
    return slope.movedim(0, -1), bend.movedim(0, -1)


def _check_quadratic(problem):
    """H at a few points against the separable quadratic that `maximiser` supposes."""
    random = torch.Generator().manual_seed(0)
    x, p = (problem.x0 + s * torch.rand(problem.n, generator=random, dtype=problem.x0.dtype) for s in (0.1, 1.0))
    t = problem.x0.new_zeros(())
    (slope, bend), middle = _parabola(problem, t, x, p), hamiltonian(problem, t, x, p, problem.x0.new_zeros(problem.m))
    for _ in range(4):
        u = 2 * torch.rand(problem.m, generator=random, dtype=problem.x0.dtype) - 1
        if not torch.allclose(hamiltonian(problem, t, x, p, u), middle + (slope * u).sum() + (bend * u * u).sum() / 2, rtol=1e-6, atol=1e-6):
            raise ValueError("H is not a separable quadratic in u; expected one, or the law u(t, x, p) that maximises H: law=...")
    if problem.bounds is None and bool((bend >= 0).any()):
        raise ValueError("H is not bounded above in u; expected bounds=(lo, hi), or a cost that is strictly convex in each control.")


def bracket(a, b):
    """The Poisson bracket {a, b} = <da/dp, db/dx> - <da/dx, db/dp> of functions (x, p) -> (...): a function (x, p). Differentiable again."""
    a_function(a, "a"), a_function(b, "b")
    return lambda x, p: _paired(_slopes(a, x, p), _slopes(b, x, p))


def singular(h0, h1):
    """The law u = -{h0, h01} / {h1, h01}, h01 = {h0, h1}, that keeps h1 = h01 = 0 where H = h0 + u h1: u(t, x, p) of shape (..., 1)."""
    h01 = bracket(h0, h1)

    def law(t, x, p):
        along, across, switch = (_slopes(h, x, p) for h in (h0, h1, h01))
        return (-_paired(along, switch) / _paired(across, switch))[..., None]

    return law


def _slopes(a, x, p):
    """(da/dx, da/dp)."""
    return grad(lambda z: a(*z).broadcast_to(z.shape[:-1]), torch.stack([x, p])) / 2


def _paired(a, b):
    """<da/dp, db/dx> - <da/dx, db/dp> from the slopes of a and b."""
    return (a[1] * b[0] - a[0] * b[1]).sum(-1)
