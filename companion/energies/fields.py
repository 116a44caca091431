"""Gradients, and the fields that follow them.

This is the only place that differentiates: `torch.func.grad` passes neither through POT nor through
the exporter of live figures.
"""

from collections.abc import Callable

import torch

from companion.hints import Flag, Function, Tensor, checked
from companion.inputs import a_cloud, one_each


@checked
def grad(f: Function, x: Tensor, *, create_graph: Flag = False) -> Tensor:
    """grad f(x), the gradient of f's sum: for each point if f is a potential,
    for each cloud if it is an energy.

    f: (..., d) -> (...) or (..., n, d) -> (...);  x and the result have one shape.
    Also under torch.no_grad. The result can be differentiated again where x requires grad,
    or with create_graph=True (then also in the parameters of f). Raises TypeError, ValueError.
    """
    again = create_graph or (x.requires_grad and torch.is_grad_enabled())
    with torch.enable_grad():
        # a node of its own: what else depends on x stays fixed
        z = x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
        value = _a_value(f(z), x)
        return torch.autograd.grad(value.sum(), z, create_graph=again)[0]


@checked
def descent(f: Function) -> Callable:
    """The field v(t, x) = -grad f(x), of a potential (each point descends) or an energy
    (each cloud does, in the metric of R^(n d))."""
    return lambda t, x: -grad(f, x)


@checked
def wasserstein_descent(E: Function) -> Callable:
    """The field v(t, x) = -n grad E(x) on clouds (..., n, d): the W2 gradient flow of F,
    where E(x) = F(mean of Diracs at x_i).

    The factor n is the metric: moving one of n points by dx costs |dx|^2 / n.
    """
    def energy(x):
        value = E(x)
        if isinstance(value, torch.Tensor) and value.shape != x.shape[:-2]:
            shapes = f"shape {tuple(value.shape)} for x of shape {tuple(x.shape)}"
            raise ValueError(f"E(x) has {shapes}; expected one number for each cloud: "
                             "potential_energy(V) makes one of a potential V.")
        return value

    return lambda t, x: -a_cloud(x).shape[-2] * grad(energy, x)


@checked
def half(E: Function) -> Callable:
    """E / 2, infinite where E is."""

    def halved(x):
        a_cloud(x)
        return one_each(E(x), x.shape[:-2], "E(x)", "one number for each cloud") / 2

    return halved


def _a_value(value, x):
    """Return value, one number for each point or cloud of x. Raises TypeError, ValueError."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        raise TypeError(f"f(x) is a {type(value).__name__}; expected a floating-point "
                        "torch.Tensor.")
    if value.ndim >= x.ndim or value.shape != x.shape[: value.ndim]:
        shapes = f"shape {tuple(value.shape)} for x of shape {tuple(x.shape)}"
        raise ValueError(f"f(x) has {shapes}; expected one number for each point or cloud: the "
                         "leading part of x's shape.")
    if not value.requires_grad:
        raise ValueError("f(x) does not depend on x through torch; expected a function without "
                         ".detach(), .item() or NumPy inside.")
    return value
