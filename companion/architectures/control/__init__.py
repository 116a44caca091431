"""Optimal control: Pontryagin's principle, shooting, direct methods, and linear-quadratic problems
exactly.

State a problem in ten lines, `Problem(f, cost, x0=..., xT=..., T=...)`,
and `solve(problem, method=direct)` or `method=shooting`.
"""

from companion.architectures.control import (
    double_integrator,
    exercises,
    flights,
    goddard,
    moving,
    playground,
)
from companion.architectures.control.arcs import Arc, follow, shoot_arcs
from companion.architectures.control.direct import direct, rollout
from companion.architectures.control.hamiltonian import (
    bracket,
    extremal,
    hamiltonian,
    maximiser,
    singular,
)
from companion.architectures.control.linear_quadratic import (
    Steady,
    hamiltonian_matrix,
    linear_quadratic,
    riccati,
    riccati_field,
    steady,
)
from companion.architectures.control.newton import newton
from companion.architectures.control.problem import NoSolution, Problem, Solution, solve
from companion.architectures.control.shooting import shooting, transversality

__all__ = [
    "Arc", "NoSolution", "Problem", "Solution", "Steady", "bracket", "direct", "double_integrator",
    "exercises", "extremal", "flights", "follow", "goddard", "hamiltonian", "hamiltonian_matrix",
    "linear_quadratic", "maximiser", "moving", "newton", "playground", "riccati", "riccati_field",
    "rollout", "shoot_arcs", "shooting", "singular", "solve", "steady", "transversality",
]
