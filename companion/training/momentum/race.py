"""Several methods in one state, so that they run side by side from one start,
and a clock that stops where a run has arrived."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch

from companion.hints import Function, NonNegative, Number, Positive, State, checked
from companion.inputs import a_function, a_state, like, one_each
from companion.state import each, parts
from companion.training.momentum.adam import Beta, adam
from companion.training.momentum.descent import gradient_descent, sign_descent
from companion.training.momentum.inertia import heavy_ball, nesterov
from companion.training.momentum.phase import WithMoments

FIVE = ("gradient descent", "heavy ball", "Nesterov", "Adam", "sign descent")


def _with(z, name, *, fields):
    """Return z, a state that has these parts. Raises TypeError, ValueError."""
    if not set(fields) <= set(getattr(z, "_fields", ())):
        raise TypeError(f"{name} is a {type(z).__name__}; expected a state with named parts, "
                        f"{' and '.join(fields)} among them: a NamedTuple of tensors.")
    return a_state(z, name)


@checked
def memoryless(step: Function) -> Callable:
    """The map z -> z with step(k, x) for x: a method without memory on a state of one that has
    it. Raises TypeError."""
    @checked
    def moved(k: Number, z: Annotated[tuple, partial(_with, fields=("x",))]) -> tuple:
        return z._replace(x=like(step(k, z.x), z.x, "step(k, x)"))

    return moved


def together(*methods: Callable) -> Callable:
    """The map on z, each of whose parts has a row for each of M methods, (M, ..., d), that applies
    the i-th map to the i-th rows. Raises TypeError, ValueError."""
    for step in methods:
        a_function(step, "step")

    @checked
    def side_by_side(k: Number, z: State) -> State:
        for name, part in parts(z, "z").items():
            if part.ndim < 2 or len(part) != len(methods):
                raise ValueError(f"{name} has shape {tuple(part.shape)}; expected a row for each "
                                 f"of the {len(methods)} methods: ({len(methods)}, ..., d).")
        rows = [each(lambda part, i=i: part[i], z) for i in range(len(methods))]
        moved = [like(step(k, row), row, "step(k, z)")
                 for step, row in zip(methods, rows, strict=True)]
        return each(lambda *part: torch.stack(part), *moved)

    return side_by_side


@checked
def five(k: NonNegative, z: WithMoments, *, f: Function, lr: Positive, beta1: Beta = 0.9,
         beta2: Beta = 0.999) -> WithMoments:
    """One step of gradient descent, heavy ball (momentum beta1), Nesterov, Adam and sign descent,
    all with one lr.

    Start: at_rest(x, Moments) with x (5, ..., d), one row a method, in the order of FIVE.
    """
    given = {"f": f, "lr": lr}
    return together(memoryless(partial(gradient_descent, **given)),
                    partial(heavy_ball, momentum=beta1, **given), partial(nesterov, **given),
                    partial(adam, beta1=beta1, beta2=beta2, **given),
                    memoryless(partial(sign_descent, **given)))(k, z)


@checked
def timed(step: Function, *, f: Function, tol: Positive) -> Callable:
    """The map that makes a step and lets the part `clock` of the state, (...) for x (..., d), grow
    by 1 where f(x) >= tol, or x is not finite.

    From 0 the clock says after how many steps f(x) stayed below tol, tol > 0.
    """
    @checked
    def clocked(k: Number, z: Annotated[tuple, partial(_with, fields=("x", "clock"))]) -> tuple:
        one_each(z.clock, z.x.shape[:-1], "z.clock", "one number for each start x (..., d)")
        away = ~(one_each(f(z.x), z.clock.shape, "f(x)") < tol)
        z = like(step(k, z), z, "step(k, z)")
        return z._replace(clock=z.clock + away.to(z.clock.dtype))

    return clocked
