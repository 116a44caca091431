"""Quantization on the line: n points for a law, with free weights (Lloyd-Max) and with weights
1/n (cell means of the quantile function).

Lloyd, IEEE Trans. Inf. Theory 28 (1982) 129-137; Max, IRE Trans. Inf. Theory 6 (1960) 7-12;
Graf and Luschgy, LNM 1730 (2000).
"""

import math
from typing import Annotated

import torch
from scipy.integrate import quad

from companion.hints import Count, Device, Dtype, Number, Positive, checked
from companion.inputs import a_tensor, concrete_value
from companion.sampling.quantization.laws import OnLine
from companion.sampling.wide import wide

F8 = torch.float64


def on_a_line(y, name):
    """Return y, points of the line (..., n). Raises TypeError, ValueError."""
    if a_tensor(y, name).ndim == 0 or y.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(y.shape)}; expected points of the line (..., "
                         "n).")
    return y


def in_order(y, name):
    """Return y, points of the line (..., n) that do not decrease. Raises TypeError, ValueError."""
    if concrete_value(lambda: (torch.diff(y) < 0).any(), on_a_line(y, name)):
        raise ValueError(f"{name} is not in order; expected increasing points: "
                         f"{name}.sort(-1).values.")
    return y


OnALine = Annotated[torch.Tensor, on_a_line]
InOrder = Annotated[torch.Tensor, in_order]


@checked
def cell_moments(y: InOrder, *, law: OnLine) -> tuple:
    """(mass, first): the mass F(t_i) - F(t_{i-1}) and the first moment of each Voronoi cell,
    t_i the midpoints.   y: (..., n) in order.

    Raises TypeError, ValueError.
    """
    middle = (y[..., 1:] + y[..., :-1]) / 2
    ends = torch.ones_like(y[..., :1])
    t = torch.cat([law.lo * ends, middle, law.hi * ends], -1)
    below = law.cdf(t)
    mass = torch.diff(below)
    if law.tail is not None:
        mass = torch.where(below[..., :-1] > 0.5, -torch.diff(law.tail(t)), mass)
    return mass, torch.diff(law.partial(t))


@checked
def lloyd_max(k: Number, y: InOrder, *, law: OnLine) -> torch.Tensor:
    """y_i <- the mean of the law on the Voronoi cell of y_i: a map for `iterate`.   y:
    (..., n) in order. A point of no mass stays.

    One step of the gradient method for G: dG/dy_i = 2 (mass_i y_i - first_i). Raises TypeError,
    ValueError.
    """
    mass, first = cell_moments(y, law=law)
    full = mass > 0
    return torch.where(full, first / torch.where(full, mass, 1.0), y)


@checked
def line_error(y: InOrder, *, law: OnLine) -> torch.Tensor:
    """G(y) = E min_i |X - y_i|^2, the squared W2 distance to the points with their best
    weights.   y: (..., n) in order -> (...)."""
    x = wide(y)
    mass, first = cell_moments(x, law=law)
    return (law.second + (x * (mass * x - 2 * first)).sum(-1)).to(y)


@checked
def free_quantizer(law: OnLine, n: Count, *, tol: Positive = 1e-11,
                   steps: Count = 60) -> torch.Tensor:
    """The n points of least G, (n,) float64, by Newton's method with the step halved until G falls:
    unique for a log-concave law.

    Newton on dG/dy_i = 2 (mass_i y_i - first_i): its matrix has the entries -f(t_i)
    (y_{i+1} - y_i) / 2 beside the diagonal.
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
    own = (
        2 * mass - torch.nn.functional.pad(beside, (0, 1)) - torch.nn.functional.pad(beside, (1, 0))
    )
    direction = torch.linalg.solve(torch.diag(own) - torch.diag(beside, 1) - torch.diag(beside, -1),
                                   2 * (first - mass * y))
    here, size = line_error(y, law=law), 1.0
    while size > 1e-4:
        trial = y + size * direction
        if bool((torch.diff(trial) > 0).all()) and line_error(trial, law=law) <= here + 1e-15:
            return trial
        size /= 2
    return lloyd_max(0, y, law=law)


@checked
def equal_quantizer(law: OnLine, n: Count, *, dtype: Dtype = F8,
                    device: Device = None) -> torch.Tensor:
    """b_i = n int_{(i-1)/n}^{i/n} Q(u) du, the n points of weight 1/n nearest to the law in W2,
    in order: (n,). Raises TypeError, ValueError.

    For N(0, 1): b_i = n (phi(q_{i-1}) - phi(q_i)), q_i = Q(i/n).
    """
    return _share_means(torch.ones(n, dtype=dtype, device=device), law)


@checked
def line_power_lloyd(k: Number, y: InOrder, *, law: OnLine) -> torch.Tensor:
    """y_i <- the mean of the i-th share 1/n of the law: power Lloyd on the line,
    a map for `iterate` that arrives in one step.   y: (n,) in order."""
    return _share_means(y, law)


def _share_means(like, law):
    """n (M(q_i) - M(q_{i-1})), q_i = Q(i/n), for as many points as in `like` (n,)."""
    ends, n = torch.ones_like(like[:1]), torch.ones_like(like).sum()
    q = law.quantile(torch.ones_like(like)[1:].cumsum(0) / n)
    return n * torch.diff(law.partial(torch.cat([law.lo * ends, q, law.hi * ends])))


@checked
def equal_error(y: OnALine, *, law: OnLine) -> torch.Tensor:
    """W2^2(law, mean of Diracs at y_i) = E X^2 - 2 mean_i b_i y_i + mean_i y_i^2,
    where the i-th smallest point takes the i-th share of mass.

    y: (..., n) -> (...). At y = b it is E X^2 - mean_i b_i^2. Raises TypeError, ValueError.
    """
    s = wide(y).sort(-1).values
    b = _share_means(s.reshape(-1, s.shape[-1])[0], law)
    return (law.second + (s * (s - 2 * b)).mean(-1)).to(y)


@checked
def mid_quantiles(law: OnLine, n: Count, *, dtype: Dtype = F8,
                  device: Device = None) -> torch.Tensor:
    """Q((i - 1/2)/n), i = 1..n: the n points of weight 1/n of least energy distance to the law,
    (n,). Raises TypeError, ValueError."""
    return law.quantile((torch.arange(n, dtype=dtype, device=device) + 0.5) / n)


@checked
def line_energy_distance(y: OnALine, *, law: OnLine) -> torch.Tensor:
    """2 mean_i E|y_i - X| - mean_ij |y_i - y_j| - E|X - X'| = 2 int (F_n - F)^2 ds,
    the MMD^2 of the kernel -|x - y|.   y: (..., n) -> (...).

    E|s - X| = s (2 F(s) - 1) + E X - 2 M(s), M the mean below s. Raises TypeError, ValueError.
    """
    x = wide(y)
    to_law = x * (2 * law.cdf(x) - 1) + law.mean - 2 * law.partial(x)
    return (
        2 * to_law.mean(-1) - (x[..., :, None] - x[..., None, :]).abs().mean((-1, -2)) - law.gap
    ).to(y)


@checked
def lloyd_rates(n: Count) -> torch.Tensor:
    """cos^2(k pi / (2 n)), k = 1..n: the eigenvalues of Lloyd's (linear) map for U[0, 1] about
    y_i = (2 i - 1)/(2 n), (n,) float64.

    The first is the rate, 1 - pi^2/(4 n^2) or so: Lloyd needs about n^2 iterations.
    Raises TypeError, ValueError.
    """
    return torch.cos(torch.arange(1, n + 1, dtype=F8) * (math.pi / (2 * n))).square()


@checked
def panter_dite(law: OnLine) -> float:
    """(int f^{1/3})^3 / 12, the limit of n^2 G of the best n points
    (Panter and Dite, 1951; Zador, d = 1). A float; relative error 1e-9.

    Raises TypeError.
    """

    def root(s):
        return law.density(torch.tensor(s, dtype=F8)).item() ** (1 / 3)

    return quad(root, law.lo, law.hi, epsabs=0, epsrel=1e-10, limit=200)[0] ** 3 / 12
