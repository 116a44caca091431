"""The checks of the chapter's exercises: what a right answer must satisfy, computed here and not
stored."""

import math

import torch

from companion import check
from companion.check.report import report
from companion.energies import grad
from companion.hints import Function, NonNegative, Positive, checked
from companion.inputs import like
from companion.potentials import quadratic
from companion.training.momentum.norms import linf_smoothness, rotated
from companion.training.momentum.rates import frozen_adam_radius


@checked
def stable_up_to_ten(beta1: NonNegative) -> None:
    """Adam with this beta1 is stable while lr curvature/sqrt(v) < 10, and not beyond; to 0.1 %.
    Raises AssertionError, TypeError, ValueError."""
    at_ten = torch.tensor(10.0, dtype=torch.float64)
    check.root(lambda b: frozen_adam_radius(at_ten, beta1=b).item() - 1, beta1, 0.0, 1.0 - 1e-9,
               tol=1e-3)


@checked
def slowest_mode(friction: Positive) -> None:
    """No other friction makes x'' + friction x' + mu x = 0 faster on its slowest mode
    mu in [1, infinity): the exponent of f to 2 %.

    Exponents from eigenvalues, modes 1 to 1000. Raises AssertionError, TypeError, ValueError.
    """
    mu = torch.logspace(0, 3, 60, dtype=torch.float64)
    best, at = max((_exponent(c / 100, mu), c / 100) for c in range(1, 600))
    found = _exponent(float(friction), mu)
    report(found >= 0.98 * best, "The slowest mode is as fast as it can be",
           f"its exponent is {found:.4f}",
           f"Its exponent is {found:.4f}, and with {'more' if at > friction else 'less'} friction "
           "it is larger.")


@checked
def turned_valley(step: Function) -> None:
    """step(k, x) moves all coordinates of x by one length, and makes f = <x, H x>/2 fall by |grad
    f|_1^2/4 or more; x: (..., 2).

    H has the curvatures 1 and 0.01 along the two diagonals. More cannot be promised,
    and along a diagonal more is not reached.
    Raises AssertionError, TypeError.
    """
    H = rotated(torch.tensor([1.0, 0.01], dtype=torch.float64), math.pi / 4)
    f, x = quadratic(H), _starts()
    moved = like(step(0, x), x, "step(0, x)") - x
    lengths = moved.abs()
    check.close(lengths[..., 0], lengths[..., 1], tol=1e-9, name="length of the first "
                                                                 "coordinate's move")
    promised = grad(f, x).abs().sum(-1).square() / (2 * linf_smoothness(H))
    missing = promised - (f(x) - f(x + moved))
    i = int(missing.argmax())
    report((missing <= 1e-9).all(), "f falls by what the geometry promises, or more",
           f"from {len(x)} starts",
           f"From x = {x[i].tolist()} it falls by {promised[i] - missing[i]:.6g}; promised are "
           f"{promised[i]:.6g}.")


def _exponent(friction, mu):
    """The least of -2 max Re z over the modes mu, z the eigenvalues
    of (x, v)' = (v, -friction v - mu x)."""
    modes = torch.zeros(len(mu), 2, 2, dtype=torch.float64)
    modes[:, 0, 1], modes[:, 1, 0], modes[:, 1, 1] = 1.0, -mu, -friction
    return -2 * torch.linalg.eigvals(modes).real.max().item()


def _starts():
    """Points all around, and on the diagonals: (124, 2)."""
    turns = torch.arange(62, dtype=torch.float64) * 2 * math.pi / 62 + math.pi / 4
    return (
        torch.stack((torch.cos(turns), torch.sin(turns)), -1).repeat(2, 1)
        * torch.tensor([1.0, 3.0]).double().repeat_interleave(62)[:, None]
    )
