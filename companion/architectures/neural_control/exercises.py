"""The checks of the chapter's exercises: what a right answer must satisfy, computed here and not
stored."""

import torch

from companion import check
from companion.architectures.neural_control.adjoints import come_back
from companion.architectures.neural_control.shears import Moves, follow, log_volume, moved
from companion.check.report import report
from companion.hints import Count, Number, Numbers, checked, numbers

F8 = torch.float64


def three_shears(amplitudes: Numbers) -> None:
    """Vertical shears with kinks at -2, -1, 0 and these amplitudes bring (-1, 0), (0, 0),
    (1, 0) to the heights 1, -1, 1.

    Raises AssertionError, TypeError, ValueError.
    """
    amplitudes = numbers(amplitudes, "amplitudes", (3,))
    e1, e2 = torch.eye(2, dtype=F8)
    places = torch.tensor([-1.0, 0.0, 1.0], dtype=F8)
    moves = Moves(amplitudes[:, None] * e2, e1.expand(3, 2),
                  torch.tensor([2.0, 1.0, 0.0], dtype=F8))
    end = follow(torch.stack([places, 0 * places], -1), moves)[-1]
    check.close(end, torch.stack([places, torch.tensor([1.0, -1.0, 1.0], dtype=F8)], -1), tol=1e-9,
                name="end of the three points")


@checked
def enough_steps(steps: Count, *, rate: Number = 10.0) -> None:
    """The least number of Euler's steps for which the film of x' = -rate x, run back,
    begins within 1 % of 1. Raises AssertionError, TypeError."""
    if steps < 2:
        raise ValueError(f"steps = {steps}; expected at least 2.")
    back, before = come_back(rate, steps), come_back(rate, steps - 1)
    report(
        abs(1 - back) <= 0.01,
        "The film comes back within 1 %",
        f"with {steps} steps it comes back to {back:.6f}",
        "take more steps",
    )
    report(
        abs(1 - before) > 0.01,
        "One step less is not enough",
        f"with {steps - 1} steps it comes back to {before:.6f}",
        "fewer steps will do",
    )


def doubling(w: Numbers, a: Numbers, b: Numbers) -> None:
    """A half-plane move that doubles areas on its side and brings the points (1, 0) and (0, 1) no
    nearer to each other than 1.

    Raises AssertionError, TypeError, ValueError.
    """
    w, a, b = numbers(w, "w", (2,)), numbers(a, "a", (2,)), numbers(b, "b", ()).item()
    x = torch.eye(2, dtype=F8)
    check.close(log_volume(x, w, a, b).exp(), torch.full((2,), 2.0, dtype=F8), tol=1e-6,
                name="factor of areas at the two points")
    end = moved(x, w, a, b)
    apart = (end[0] - end[1]).norm().item()
    report(apart >= 1, "The points stay apart", f"their distance is {apart:.4f}",
           "they come too near to each other")
