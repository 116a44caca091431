"""Several methods in one state, so that they run side by side from one start, and a clock that stops where a run has arrived."""

import torch

from companion.inputs import a_function, a_number, a_tensor
from companion.training.momentum.adam import adam
from companion.training.momentum.descent import gradient_descent, sign_descent
from companion.training.momentum.inertia import heavy_ball, nesterov

FIVE = ("gradient descent", "heavy ball", "Nesterov", "Adam", "sign descent")


def together(*methods):
    """The map on z (S, M, ..., d) that runs the i-th of M methods (step, parts) on z[:parts, i] and leaves the rest as it is.

    Start: at_rest(x, S) with x (M, ..., d). A method without memory has one part. Raises TypeError, ValueError.
    """
    for step, _ in methods:
        a_function(step, "step")

    def side_by_side(k, z):
        if a_tensor(z, "z").ndim < 3 or z.shape[1] != len(methods) or z.shape[0] < max(S for _, S in methods):
            expected = f"({max(S for _, S in methods)}, {len(methods)}, ..., d)"
            raise ValueError(f"z has shape {tuple(z.shape)}; expected {expected}: parts of the state, methods, ..., coordinates.")
        return torch.stack([torch.cat([step(k, z[:S, i]), z[S:, i]]) for i, (step, S) in enumerate(methods)], 1)

    return side_by_side


def five(k, z, *, f, lr, beta1=0.9, beta2=0.999):
    """One step of gradient descent, heavy ball (momentum beta1), Nesterov, Adam and sign descent, all with one lr.   z: (3, 5, ..., d).

    Start: at_rest(x, 3) with x (5, ..., d), one row a method, in the order of FIVE.
    """
    given = {"f": f, "lr": lr}
    return together(
        (lambda k, x: gradient_descent(k, x, **given), 1), (lambda k, y: heavy_ball(k, y, momentum=beta1, **given), 2),
        (lambda k, y: nesterov(k, y, **given), 2), (lambda k, y: adam(k, y, beta1=beta1, beta2=beta2, **given), 3),
        (lambda k, x: sign_descent(k, x, **given), 1))(k, z)


def timed(step, *, f, tol):
    """The map on (*z, clock): step on all parts but the last, in which every entry grows by 1 as long as f(x) >= tol, or x is not finite.

    Start: at_rest(x, S + 1) for a method of S parts. The clock then says after how many steps f(x) stayed below tol, tol > 0.
    """
    a_function(step, "step")
    a_number(tol, "tol", above=0)

    def clocked(k, z):
        z, clock = z[:-1], z[-1]
        away = ~(f(z[0]) < tol)
        return torch.cat([step(k, z), (clock + away[..., None].to(clock.dtype))[None]])

    return clocked
