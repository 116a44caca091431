"""Checks of an exercise by theorem: what a right answer must satisfy, not a stored answer.

Each check prints what it looked at and what came out, and raises AssertionError with the
counterexample where the theorem fails.
One convention for all tolerances: a agrees with b if |a - b| <= tol max(1, |b|) in every entry;
NaN never agrees.
"""

from companion.check.orders import order
from companion.check.paths import conserved, decreasing
from companion.check.points import answer, close, fixed_point, gradient, root

__all__ = ["answer", "close", "conserved", "decreasing", "fixed_point", "gradient", "order", "root"]
