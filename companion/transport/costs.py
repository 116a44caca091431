"""The cost |x_i - y_j|^2 of a plan, without what no plan can change.

A constant added to a row or a column adds the same to every plan. So -2 <x_i - a,
y_j - b> is as good a cost as |x_i - y_j|^2, and a point 1e8 away does not drown the others:
its square, 1e16, is in no entry. With medians for a and b one outlier moves no centre.
"""

import numpy as np


def reduced_cost(x, y):
    """c_ij - u_i - v_j >= 0 for the cost c_ij = |x_i - y_j|^2, with a zero in every row and
    column.   x: (n, d), y: (m, d), float64."""
    cost = -2 * (x - np.median(x, 0)) @ (y - np.median(y, 0)).T
    for _ in range(2):
        cost = cost - cost.min(1, keepdims=True)
        cost = cost - cost.min(0, keepdims=True)
    return cost
