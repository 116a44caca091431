"""Transport on the circle of circumference 1: cut it somewhere, and it is a line.
Points are numbers of turns, taken modulo 1.

W2^2 is the least cost over all cuts, a convex function of the cut: Delon, Salomon and Sobolevski,
SIAM J. Appl. Math. 70 (2010).
"""

from typing import Annotated

import torch

from companion.hints import checked
from companion.inputs import a_tensor, batch


def on_the_circle(x, name):
    """Return x, at least one number of turns (..., n). Raises TypeError, ValueError."""
    if a_tensor(x, name).ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected at least one number of "
                         "turns: (..., n).")
    return x


Turns = Annotated[torch.Tensor, on_the_circle]


@checked
def circle_w2_squared(x: Turns, y: Turns) -> torch.Tensor:
    """W2^2 = min_k mean_i |x_(i) - y_(i+k)|^2, both sorted, y unrolled along the line:
    y_(j+n) = y_(j) + 1.

    x, y: (..., n) numbers of turns -> (...), in [0, 1/4]; the gradient is taken at the best k.
    Convex in k: a binary search, log2(2n) looks at the slope. Plain operations:
    it exports for a fixed n. Raises TypeError, ValueError (unequal sizes).
    """
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"x and y have {x.shape[-1]} and {y.shape[-1]} points; expected one "
                         "size: the same number of points on the circle.")
    common = batch((x.shape, "x"), (y.shape, "y"))
    x, y = around(x).expand(common), around(y).expand(common)
    n, line = x.shape[-1], torch.cat([y - 1, y, y + 1, y + 2], -1)
    first = torch.arange(n, device=x.device) + _best_shift(x.detach(), line.detach())
    return (x - line.gather(-1, first)).square().mean(-1)


@checked
def circle_w2_squared_uniform(x: Turns) -> torch.Tensor:
    """W2^2(x, uniform law) = Var_i( x_(i) - (i - 1/2)/n ) + 1/(12 n^2): the best turn of n equal
    arcs, and the width of an arc.

    x: (..., n) numbers of turns -> (...). Plain operations: it exports. Bonet et al., ICLR 2023,
    in other letters. Raises TypeError, ValueError.
    """
    n = x.shape[-1]
    gaps = around(x) - (torch.arange(n, dtype=x.dtype, device=x.device) + 0.5) / n
    return (gaps - gaps.mean(-1, keepdim=True)).square().mean(-1) + 1 / (12 * n**2)


def around(x):
    """The points once around the circle: modulo 1, in order."""
    return (x - x.detach().floor()).sort(-1).values


def _best_shift(x, line):
    """The first j in 0..2n, (..., 1), whose next shift costs no less:
    the cost of x_(i) -> line_(i+j) is convex in j."""
    n = x.shape[-1]
    places = torch.arange(n + 1, device=x.device)
    low = torch.zeros_like(x[..., :1], dtype=torch.int64)
    high = torch.full_like(low, 2 * n)
    for _ in range((2 * n).bit_length()):
        middle = (low + high) // 2
        here = line.gather(-1, places + middle)
        slope = ((here[..., 1:] - here[..., :-1]) * (here[..., 1:] + here[..., :-1] - 2 * x)).sum(
            -1, keepdim=True
        )
        low, high = (
            torch.where(slope < 0, torch.minimum(middle + 1, high), low),
            torch.where(slope < 0, high, middle),
        )
    return high
