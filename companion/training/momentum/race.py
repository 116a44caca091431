"""Several methods in one state, so that they run side by side from one start,
and a clock that stops where a run has arrived."""

from collections.abc import Callable

import torch

from companion.hints import Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import a_function, a_tensor, like, one_each
from companion.training.momentum.adam import Beta, adam
from companion.training.momentum.descent import gradient_descent, sign_descent
from companion.training.momentum.inertia import heavy_ball, nesterov

FIVE = ("gradient descent", "heavy ball", "Nesterov", "Adam", "sign descent")


def together(*methods: tuple) -> Callable:
    """The map on z (S, M, ..., d) that runs the i-th of M methods (step, parts) on z[:parts, i] and
    leaves the rest as it is.

    Start: at_rest(x, S) with x (M, ..., d). A method without memory has one part. Raises TypeError,
    ValueError.
    """
    for step, _ in methods:
        a_function(step, "step")

    def side_by_side(k, z):
        if (
            a_tensor(z, "z").ndim < 3
            or z.shape[1] != len(methods)
            or z.shape[0] < max(S for _, S in methods)
        ):
            expected = f"({max(S for _, S in methods)}, {len(methods)}, ..., d)"
            raise ValueError(f"z has shape {tuple(z.shape)}; expected {expected}: parts of the "
                             "state, methods, ..., coordinates.")
        return torch.stack(
            [torch.cat([step(k, z[:S, i]), z[S:, i]]) for i, (step, S) in enumerate(methods)], 1
        )

    return side_by_side


@checked
def five(k: NonNegative, z: Tensor, *, f: Function, lr: Positive, beta1: Beta = 0.9,
         beta2: Beta = 0.999) -> Tensor:
    """One step of gradient descent, heavy ball (momentum beta1), Nesterov, Adam and sign descent,
    all with one lr.   z: (3, 5, ..., d).

    Start: at_rest(x, 3) with x (5, ..., d), one row a method, in the order of FIVE.
    """
    given = {"f": f, "lr": lr}
    return together(
        (lambda k, x: gradient_descent(k, x, **given), 1),
        (lambda k, y: heavy_ball(k, y, momentum=beta1, **given), 2),
        (lambda k, y: nesterov(k, y, **given), 2),
        (lambda k, y: adam(k, y, beta1=beta1, beta2=beta2, **given), 3),
        (lambda k, x: sign_descent(k, x, **given), 1))(k, z)


@checked
def timed(step: Function, *, f: Function, tol: Positive) -> Callable:
    """The map on (*z, clock): step on all parts but the last, in which every entry grows by 1 as
    long as f(x) >= tol, or x is not finite.

    Start: at_rest(x, S + 1) for a method of S parts. The clock then says after how many steps
    f(x) stayed below tol, tol > 0.
    """
    @checked
    def clocked(k: Number, z: Tensor) -> Tensor:
        if z.ndim < 2 or z.shape[0] < 2:
            raise ValueError(f"z has shape {tuple(z.shape)}; "
                             "expected the parts of the state and a clock: at_rest(x, S + 1).")
        z, clock = z[:-1], z[-1]
        away = ~(one_each(f(z[0]), z.shape[1:-1], "f(x)") < tol)
        z = like(step(k, z), z, "step(k, z)")
        return torch.cat([z, (clock + away[..., None].to(clock.dtype))[None]])

    return clocked
