"""Quantization on the line: n points for a law, with free weights (Lloyd-Max) and with weights 1/n (cell means of the quantile function).

Lloyd, IEEE Trans. Inf. Theory 28 (1982) 129-137; Max, IRE Trans. Inf. Theory 6 (1960) 7-12; Graf and Luschgy, LNM 1730 (2000).
"""

import math

import torch
from scipy.integrate import quad

from companion.inputs import a_count, a_tensor, has_values
from companion.sampling.quantization.laws import Law

F8 = torch.float64


def cell_moments(y, *, law):
    """(mass, first): the mass F(t_i) - F(t_{i-1}) and the first moment of each Voronoi cell, t_i the midpoints.   y: (..., n) in order.

    Raises TypeError, ValueError.
    """
    _a_law(law)
    _in_order(y)
    middle = (y[..., 1:] + y[..., :-1]) / 2
    ends = torch.ones_like(y[..., :1])
    t = torch.cat([law.lo * ends, middle, law.hi * ends], -1)
    return torch.diff(law.cdf(t)), torch.diff(law.partial(t))


def lloyd_max(k, y, *, law):
    """y_i <- the mean of the law on the Voronoi cell of y_i: a map for `iterate`.   y: (..., n) in order. A point of no mass stays.

    One step of the gradient method for G: dG/dy_i = 2 (mass_i y_i - first_i). Raises TypeError, ValueError.
    """
    mass, first = cell_moments(y, law=law)
    full = mass > 0
    return torch.where(full, first / torch.where(full, mass, 1.0), y)


def line_error(y, *, law):
    """G(y) = E min_i |X - y_i|^2, the squared W2 distance to the points with their best weights.   y: (..., n) in order -> (...)."""
    mass, first = cell_moments(y, law=law)
    return law.second + (y * (mass * y - 2 * first)).sum(-1)


def free_quantizer(law, n, *, tol=1e-11, steps=60):
    """The n points of least G, (n,) float64, by Newton's method with the step halved until G falls: unique for a log-concave law.

    Newton on dG/dy_i = 2 (mass_i y_i - first_i): its matrix has the entries -f(t_i) (y_{i+1} - y_i) / 2 beside the diagonal.
    Raises TypeError, ValueError; RuntimeError if `steps` steps do not bring |y_i - b_i| below tol.
    """
    y = equal_quantizer(law, n)
    for _ in range(steps):
        gap = y - lloyd_max(0, y, law=law)
        if gap.abs().max() <= tol:
            return y
        y = _newton_step(y, law)
    away = f"a point is {gap.abs().max():.1e} away from the mean of its cell"
    raise RuntimeError(f"after {steps} Newton steps {away}; expected {tol:.1e}: give more steps.")


def _newton_step(y, law):
    mass, first = cell_moments(y, law=law)
    beside = law.density((y[1:] + y[:-1]) / 2) * torch.diff(y) / 2
    own = 2 * mass - torch.nn.functional.pad(beside, (0, 1)) - torch.nn.functional.pad(beside, (1, 0))
    direction = torch.linalg.solve(torch.diag(own) - torch.diag(beside, 1) - torch.diag(beside, -1), 2 * (first - mass * y))
    here, size = line_error(y, law=law), 1.0
    while size > 1e-4:
        trial = y + size * direction
        if bool((torch.diff(trial) > 0).all()) and line_error(trial, law=law) <= here + 1e-15:
            return trial
        size /= 2
    return lloyd_max(0, y, law=law)


def equal_quantizer(law, n, *, dtype=F8, device=None):
    """b_i = n int_{(i-1)/n}^{i/n} Q(u) du, the n points of weight 1/n nearest to the law in W2, in order: (n,). Raises TypeError, ValueError.

    For N(0, 1): b_i = n (phi(q_{i-1}) - phi(q_i)), q_i = Q(i/n).
    """
    return _share_means(torch.ones(a_count(n, "n"), dtype=dtype, device=device), law)


def line_power_lloyd(k, y, *, law):
    """y_i <- the mean of the i-th share 1/n of the law: power Lloyd on the line, a map for `iterate` that arrives in one step.   y: (n,) in order."""
    _in_order(y)
    return _share_means(y, law)


def _share_means(like, law):
    """n (M(q_i) - M(q_{i-1})), q_i = Q(i/n), for as many points as in `like` (n,)."""
    _a_law(law)
    ends, n = torch.ones_like(like[:1]), torch.ones_like(like).sum()
    q = law.quantile(torch.ones_like(like)[1:].cumsum(0) / n)
    return n * torch.diff(law.partial(torch.cat([law.lo * ends, q, law.hi * ends])))


def equal_error(y, *, law):
    """W2^2(law, mean of Diracs at y_i) = E X^2 - 2 mean_i b_i y_i + mean_i y_i^2, where the i-th smallest point takes the i-th share of mass.

    y: (..., n) -> (...). At y = b it is E X^2 - mean_i b_i^2. Raises TypeError, ValueError.
    """
    if a_tensor(y, "y").ndim == 0 or y.shape[-1] == 0:
        raise ValueError(f"y has shape {tuple(y.shape)}; expected points of the line (..., n).")
    s = y.sort(-1).values
    b = _share_means(s.reshape(-1, s.shape[-1])[0], law)
    return law.second + (s * (s - 2 * b)).mean(-1)


def mid_quantiles(law, n, *, dtype=F8, device=None):
    """Q((i - 1/2)/n), i = 1..n: the n points of weight 1/n of least energy distance to the law, (n,). Raises TypeError, ValueError."""
    _a_law(law)
    return law.quantile((torch.arange(a_count(n, "n"), dtype=dtype, device=device) + 0.5) / n)


def line_energy_distance(y, *, law):
    """2 mean_i E|y_i - X| - mean_ij |y_i - y_j| - E|X - X'| = 2 int (F_n - F)^2 ds, the MMD^2 of the kernel -|x - y|.   y: (..., n) -> (...).

    E|s - X| = s (2 F(s) - 1) + E X - 2 M(s), M the mean below s. Raises TypeError, ValueError.
    """
    _a_law(law)
    a_tensor(y, "y")
    to_law = y * (2 * law.cdf(y) - 1) + law.mean - 2 * law.partial(y)
    return 2 * to_law.mean(-1) - (y[..., :, None] - y[..., None, :]).abs().mean((-1, -2)) - law.gap


def lloyd_rates(n):
    """cos^2(k pi / (2 n)), k = 1..n: the eigenvalues of Lloyd's (linear) map for U[0, 1] about y_i = (2 i - 1)/(2 n), (n,) float64.

    The first is the rate, 1 - pi^2/(4 n^2) or so: Lloyd needs about n^2 iterations. Raises TypeError, ValueError.
    """
    return torch.cos(torch.arange(1, a_count(n, "n") + 1, dtype=F8) * (math.pi / (2 * n))).square()


def panter_dite(law):
    """(int f^{1/3})^3 / 12, the limit of n^2 G of the best n points (Panter and Dite, 1951; Zador, d = 1). A float; relative error 1e-9.

    Raises TypeError.
    """
    _a_law(law)

    def root(s):
        return law.density(torch.tensor(s, dtype=F8)).item() ** (1 / 3)

    return quad(root, law.lo, law.hi, epsabs=0, epsrel=1e-10, limit=200)[0] ** 3 / 12


def _a_law(law):
    if not isinstance(law, Law):
        raise TypeError(f"law is a {type(law).__name__}; expected a Law: GAUSSIAN, UNIFORM or tilted(0.5).")
    return law


def _in_order(y):
    if a_tensor(y, "y").ndim == 0 or y.shape[-1] == 0:
        raise ValueError(f"y has shape {tuple(y.shape)}; expected points of the line (..., n), in order.")
    if has_values(y) and (torch.diff(y) < 0).any():
        raise ValueError("y is not in order; expected increasing points: y.sort(-1).values.")
