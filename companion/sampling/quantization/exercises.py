"""The checks of the chapter's exercises: what a right answer must satisfy, computed here and not
stored."""

import math

import torch

from companion.check.report import report
from companion.flow import iterate
from companion.hints import Share, checked
from companion.sampling.quantization.cells import Sites, power_cells
from companion.sampling.quantization.constants import TwoOrMore
from companion.sampling.quantization.densities import uniform
from companion.sampling.quantization.lloyd import power_lloyd, w2_squared

LINE = torch.stack(
    [
        torch.full((16,), 0.5, dtype=torch.float64),
        (torch.arange(16, dtype=torch.float64) + 0.5) / 16,
    ],
    1,
)


@checked
def lloyd_rate(rate: Share, *, n: TwoOrMore = 10) -> None:
    """n points of U[0, 1] come closer to their limit by the factor `rate` at every Lloyd step,
    in the end; to 1e-5.

    Lloyd is run, 60 n^2 steps from random points, and it is said whether the errors shrink faster
    or slower than claimed.
    Raises AssertionError, TypeError, ValueError.
    """
    y = torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).sort().values
    move = torch.zeros_like(y)
    # the step is affine: the difference of two states goes the way of the distance to the limit
    for _ in range(60 * n**2):
        before, move = move, _line_step(y) - y
        y = y + move
        if move.abs().max() < 1e-9:
            break
    seen = float(move.norm() / before.norm())
    pace = "faster" if seen < rate else "slower"
    report(abs(rate - seen) <= 1e-5, "The errors shrink by this factor a step",
           f"{n} points, the factor {float(rate):.9g}",
           f"The errors shrink {pace} than by the factor {float(rate):.9g} a step.")


@checked
def fewest(n: TwoOrMore) -> None:
    """n points may be within W2 < 0.01 of the uniform law of the square, and n - 1 may not:
    n cells cost n regular hexagons of area 1/n or more.

    Fejes Toth's theorem on sums of moments, for convex polygons with up to six sides.
    Raises AssertionError, TypeError, ValueError.
    """
    angle = torch.arange(6, dtype=torch.float64) * math.pi / 3
    # of area 1
    corners = torch.stack([angle.cos(), angle.sin()], 1) * math.sqrt(2 / (3 * math.sqrt(3)))
    hexagon = power_cells(torch.zeros(1, 2, dtype=torch.float64),
                          density=uniform(corners)).second.item()
    least, fewer = (math.sqrt(hexagon / k) for k in (n, n - 1))
    report(least < 0.01, "So many points may do", f"W2 >= {least:.7f} for {n} points",
           f"W2 is at least {least:.7f}: more points are needed.")
    report(fewer >= 0.01, "One point fewer cannot do", f"W2 >= {fewer:.7f} for {n - 1} points",
           f"For {n - 1} points the bound still is {fewer:.7f}: fewer may do.")


@checked
def hexagons(y: Sites) -> None:
    """The sites y (n, 2), at most 1660, have W2(square, mean of Diracs at y) < 0.01,
    by Newton's method. No square lattice has.

    Raises AssertionError, TypeError, ValueError.
    """
    n = len(y)
    report(n <= 1660, "There are at most 1660 sites", f"{n}", f"There are {n}.")
    distance = math.sqrt(w2_squared(y.double()).item())
    report(distance < 0.01, "W2 < 0.01", f"W2 = {distance:.6f} with {n} sites",
           f"W2 = {distance:.6f}, n W2^2 = {n * distance**2:.5f}.")


@checked
def break_the_line(shift: Sites) -> None:
    """From 16 sites on the line x = 1/2, moved by shift (16, 2) of entries up to 0.01,
    30 power-Lloyd steps bring n W2^2 below 0.2.

    Raises AssertionError, TypeError, ValueError.
    """
    if shift.shape != LINE.shape:
        raise ValueError(f"shift has shape {tuple(shift.shape)}; expected a row for each of the "
                         "16 sites: (16, 2).")
    size = shift.abs().max().item()
    report(size <= 0.01, "The shift is small", f"largest entry {size:.3g}",
           f"Its largest entry is {size:.3g} > 0.01.")
    end = 16 * w2_squared(iterate(power_lloyd, LINE + shift.double(), 30).end).item()
    report(end < 0.2, "The line breaks", f"n W2^2 = {end:.4f} after 30 steps",
           f"After 30 steps n W2^2 = {end:.4f}; on the line it is {16 / 12 + 1 / 192:.4f}.")


def _line_step(y):
    """Lloyd's step for U[0, 1]: the middle of each cell."""
    ends = y.new_tensor([0.0, 1.0])
    t = torch.cat([ends[:1], (y[1:] + y[:-1]) / 2, ends[1:]])
    return (t[1:] + t[:-1]) / 2
