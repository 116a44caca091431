"""The checks of the chapter's exercises. They know theorems, not answers."""

import torch

from companion import check
from companion.check.report import report
from companion.energies import w2_squared
from companion.hints import Cloud, Count, Number, Positive, checked
from companion.sampling.sliced.closed_forms import gaussian_slices, relative_std
from companion.sampling.sliced.directions import half_circle
from companion.sampling.sliced.distances import slices


@checked
def check_directions(L: Count, *, d: Count = 100, tol: Positive = 0.01) -> None:
    """L is the least number of independent directions with a relative standard deviation of at most
    tol on a translate in R^d.

    Raises AssertionError, TypeError, ValueError.
    """
    enough = relative_std(d, L)
    fewer = relative_std(d, L - 1) if L > 1 else float("inf")
    found = f"{enough:.6%} with {L}, {fewer:.6%} with one fewer"
    report(enough <= tol < fewer, f"{L} directions, and not one fewer, give {tol:g} in dimension "
                                  f"{d}", found, f"The deviation is {found}.")


@checked
def check_gaussians(value: Number, *, a: Positive = 9.0, b: Positive = 1.0,
                    tol: Positive = 1e-8) -> None:
    """value = SW2^2 of N(0, diag(a, b)) and N(0, I), to tol: against 4096 equispaced angles.
    The number is not printed.

    Raises AssertionError, TypeError, ValueError.
    """
    zero, eye = torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    spread = torch.diag(torch.tensor([a, b], dtype=torch.float64))
    exact = float(gaussian_slices((zero, spread), (zero, eye), half_circle(4096)).mean())
    check.answer(float(value), exact, tol=tol, name="squared sliced distance")


@checked
def check_invisible(x: Cloud, y: Cloud) -> None:
    """The clouds x, y in R^3 have the same projections on e_1 and on e_2, and yet W2(x, y) > 0.1.

    Raises AssertionError, TypeError, ValueError.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"x and y have shapes {tuple(x.shape)} and {tuple(y.shape)}; expected "
                         "two clouds of R^3: (n, 3) and (m, 3).")
    x, y = x.detach().double(), y.detach().double()
    seen = slices(x, y, torch.eye(3, dtype=torch.float64)[:2])
    apart = float(w2_squared(y)(x)) ** 0.5
    found = f"slices {seen[0]:.2g} and {seen[1]:.2g}, W2 = {apart:.3g}"
    report(float(seen.max()) <= 1e-12, "The two directions see no difference", found,
           f"W2^2 along e_1 and e_2 is {seen[0]:.3g} and {seen[1]:.3g}.")
    report(apart > 0.1, "The clouds are different", found, f"W2(x, y) = {apart:.3g}: it should be "
                                                           "more than 0.1.")
