"""Gradients of a neural ODE:
backwards through the solver (the exact gradient of what was computed), or by the continuous adjoint
equation.

For x' = f(t, x, theta), J = phi(x(T)), with p' = -(df/dx)' p and p(T) = grad phi(x(T))
(the sign of back-propagation, minus Pontryagin's):
dJ/dtheta = integral of (df/dtheta)' p. Source: Sanz-Serna, SIAM Review 58 (2016); Gholami,
Keutzer and Biros, IJCAI (2019).
"""

import torch

from companion.energies import grad
from companion.flow import flow, rk4
from companion.hints import Count, Flag, Function, Number, Real, Tensor, checked


@checked
def discrete_gradient(f: Function, phi: Function, x0: Tensor, theta: Tensor, T: Number,
                      steps: Count, *,
                      method: Function = rk4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(J, dJ/dtheta, dJ/dx0) of J = phi(x_N), x_N by `steps` steps of the method:
    autograd through the run. theta: one tensor.

    f(t, x, theta) -> like x. Raises TypeError, ValueError.
    """
    _tried(f, phi, x0, theta)
    theta, x0 = theta.detach().requires_grad_(), x0.detach().requires_grad_()
    J = phi(flow(lambda t, x: f(t, x, theta), x0, T, steps, method=method, every=steps).end)
    dtheta, dx0 = torch.autograd.grad(J, (theta, x0))
    return J.detach(), dtheta, dx0


@checked
def continuous_adjoint(f: Function, phi: Function, x0: Tensor, theta: Tensor, T: Number,
                       steps: Count, *,
                       method: Function = rk4, reconstruct: Flag = True) -> tuple:
    """(J, dJ/dtheta, dJ/dx0, x(0)) by the adjoint equation, run backwards with the same method:
    no memory of the way is kept.

    With reconstruct the state runs backwards too, and the x(0) it comes back to is returned:
    not always where it started. Without, the states of the way there are kept and looked
    up (piecewise linear between them). Raises TypeError, ValueError.
    """
    _tried(f, phi, x0, theta)
    path = flow(lambda t, x: f(t, x, theta), x0.detach(), T, steps, method=method)
    n, J, p = x0.numel(), phi(path.end).detach(), grad(phi, path.end)

    def backwards(t, z):
        x = z[:n].view_as(x0) if reconstruct else _between(path, t)
        p = z[n: 2 * n].view_as(x0)
        pull = grad(lambda y: (p * f(t, y, theta)).sum() + 0 * y.sum(), x)
        gain = grad(lambda w: (p * f(t, x, w.view_as(theta))).sum() + 0 * w.sum(),
                    theta.reshape(-1))
        return torch.cat([f(t, x, theta).reshape(-1), -pull.reshape(-1), -gain]).detach()

    z = torch.cat(
        [path.end.reshape(-1), p.reshape(-1), torch.zeros_like(theta).reshape(-1)]
    ).detach()
    z = flow(backwards, z, 0.0, steps, t0=float(T), method=method, every=steps).end
    return J, z[2 * n:].view_as(theta), z[n: 2 * n].view_as(x0), z[:n].view_as(x0)


def _between(path, t):
    share = (torch.as_tensor(t, dtype=path.t.dtype)
             - path.t[0]) / (path.t[-1] - path.t[0]) * (len(path.t) - 1)
    k = share.floor().long().clamp(0, len(path.t) - 2)
    return torch.lerp(path.x[k], path.x[k + 1], share - k)


@checked
def come_back(rate: Number, steps: Count) -> float | torch.Tensor:
    """(1 - (rate / steps)^2)^steps: what Euler's method, run forwards and then backwards over
    [0, 1], makes of 1 under x' = -rate x, infinite where it overflows. Raises TypeError,
    ValueError."""
    return (1 - (rate / steps) ** 2.0) ** steps


@checked
def divergence(f: Function, t: Real, x: Tensor) -> torch.Tensor:
    """div f at the points x (..., d), exactly, coordinate by coordinate: (...). Raises TypeError,
    ValueError."""
    _a_field(f(t, x), x)
    columns = [
        grad(lambda y, i=i: f(t, y)[..., i] + 0 * y.sum(-1), x)[..., i] for i in range(x.shape[-1])
    ]
    return torch.stack(columns, -1).sum(-1)


@checked
def log_density_change(f: Function, x0: Tensor, T: Number, steps: Count, *,
                       method: Function = rk4) -> tuple[torch.Tensor, torch.Tensor]:
    """(x(T), integral of div f along the way): log det of the derivative of the flow at the points
    x0 (..., d) (Liouville).

    Raises TypeError, ValueError.
    """
    _a_field(f(x0.new_zeros(()), x0), x0)

    def v(t, z):
        return torch.cat([f(t, z[..., :-1]), divergence(f, t, z[..., :-1])[..., None]], -1)

    z = flow(v, torch.cat([x0, torch.zeros_like(x0[..., :1])], -1), T, steps, method=method,
             every=steps).end
    return z[..., :-1], z[..., -1]


def _tried(f, phi, x0, theta):
    """f and phi, once, at the start: what they give has the right shape. Raises TypeError,
    ValueError."""
    _a_field(f(x0.new_zeros(()), x0, theta), x0, "f(t, x, theta)")
    J = phi(x0)
    if not isinstance(J, torch.Tensor) or not J.is_floating_point() or J.shape != ():
        shape = tuple(getattr(J, "shape", ()))
        raise ValueError(f"phi(x) is a {type(J).__name__} of shape {shape}; expected a 0-d "
                         "floating-point tensor, computed from x.")


def _a_field(v, x, name="f(t, x)"):
    """Return v, a velocity like x. Raises TypeError, ValueError."""
    if not x.ndim or not x.numel():
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (..., d), not empty.")
    if not isinstance(v, torch.Tensor) or v.dtype != x.dtype:
        raise TypeError(f"{name} is a {type(v).__name__} of dtype {getattr(v, 'dtype', None)}; "
                        f"expected a tensor of {x.dtype}.")
    if v.shape != x.shape:
        raise ValueError(f"{name} has shape {tuple(v.shape)}; expected that of x, "
                         f"{tuple(x.shape)}.")
    return v
