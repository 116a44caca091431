"""Optimal transport between clouds for the cost |x - y|^2: by sorting on the line,
by POT (one door, imported when needed) elsewhere.

Weights are shares: non-negative, normalised here to total 1; None means equal.
Squares are not halved.
"""

from companion.transport.line import line_w2_squared, quantile, rearrangement
from companion.transport.plans import Displacement, assignment, barycentric, displacement, plan

__all__ = [
    "Displacement", "assignment", "barycentric", "displacement", "line_w2_squared", "plan",
    "quantile", "rearrangement",
]
