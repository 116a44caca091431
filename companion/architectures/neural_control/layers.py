"""Controls in time: x' = W(t) sigma(A(t) x + b(t)) with weights constant on each of K layers.
Depth is time, a layer is an interval.

Source: Ruiz-Balet and Zuazua, SIAM Review 65 (2023); E, Communications in Mathematics and
Statistics 5 (2017).
"""

import torch

from companion.flow import Path, iterate, rk4
from companion.hints import (
    Cloud,
    Count,
    Dtype,
    Flag,
    Function,
    Generator,
    Number,
    Positive,
    Tensor,
    checked,
)
from companion.inputs import concrete_value


@checked
def weights(layers: Count, *, d: Count, width: Count, generator: Generator, scale: Positive = 0.3,
            dtype: Dtype = torch.float32) -> torch.Tensor:
    """Random controls theta (K, width (2 d + 1)), N(0, scale^2): W (d, width), A (width, d),
    b (width,) of each layer.

    Raises TypeError, ValueError.
    """
    size = width * (2 * d + 1)
    theta = torch.randn(layers, size, generator=generator, dtype=torch.float64)
    return (float(scale) * theta).to(dtype)


@checked
def layer(x: Tensor, theta: Tensor, *, sigma: Function = torch.tanh) -> torch.Tensor:
    """W sigma(A x + b) for one layer's theta (width (2 d + 1),): like x (..., d). Raises TypeError,
    ValueError."""
    _fits(x, theta[None] if theta.ndim == 1 else theta.reshape(-1))
    d = x.shape[-1]
    width = theta.shape[-1] // (2 * d + 1)
    W, A, b = theta.split([d * width, width * d, width])
    z = x @ A.view(width, d).T + b
    y = sigma(z)
    if not isinstance(y, torch.Tensor) or y.shape != z.shape or y.dtype != z.dtype:
        raise ValueError(f"sigma(z) is a {type(y).__name__}, not like z, {tuple(z.shape)}; "
                         "expected a function of each number.")
    return y @ W.view(d, width).T


@checked
def through(theta: Tensor, x: Tensor, *, T: Positive = 1.0, sigma: Function = torch.tanh,
            method: Function = rk4) -> Path:
    """The Path of the states x (..., d) through the layers theta (K, ...), one step of the method
    each: times 0, T/K, ..., T.

    Differentiable in theta and x. Raises TypeError, ValueError.
    """
    _fits(x, theta)
    h = T / len(theta)
    path = iterate(lambda k, y: method(lambda t, z: layer(z, theta[k], sigma=sigma), k * h, y, h),
                   x, len(theta))
    return Path(path.t * h, path.x)


@checked
def at_depth(t: Number, x: Tensor, *, theta: Tensor, T: Positive = 1.0,
             sigma: Function = torch.tanh) -> torch.Tensor:
    """The field of the layers theta (K, ...) on [0, T] at time t: like x (..., d);
    0 outside of [0, T). t may be a symbol of an exported graph.

    Raises TypeError, ValueError.
    """
    _fits(x, theta)
    k = torch.floor(torch.as_tensor(t, dtype=x.dtype) * (len(theta) / T) + 1e-4)
    here = (torch.arange(len(theta), device=x.device) == k).to(x)
    return layer(x, here @ theta, sigma=sigma)


@checked
def refined(theta: Tensor, times: Count) -> torch.Tensor:
    """The same controls in `times` layers for one: (times K, ...). A deeper network that starts
    as the same flow."""
    return _layers(theta).repeat_interleave(times, 0)


@checked
def trained(loss: Function, theta: Tensor, steps: Count, *, lr: Positive = 0.05,
            progress: Function = iter,
            decay: Flag = True) -> tuple[torch.Tensor, torch.Tensor]:
    """(theta, losses (steps,)): Adam on loss(theta) -> 0-d; with decay the step goes down to zero
    along a half cosine.

    progress wraps the steps: see companion.watching. Raises TypeError, ValueError,
    also if the loss is not finite.
    """
    theta, losses = theta.detach().clone().requires_grad_(), []
    optimizer = torch.optim.Adam([theta], lr=float(lr))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if decay else None
    watched = progress(range(steps))
    if not hasattr(watched, "__iter__"):
        raise TypeError(f"progress(steps) is a {type(watched).__name__}; expected what one can go "
                        "through, like its argument.")
    for k in watched:
        value = _a_loss(loss(theta), k, lr)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(value.item())
    return theta.detach(), torch.tensor(losses)


def _a_loss(value, k, lr):
    """Return value, a finite 0-d tensor that depends on theta. Raises TypeError, ValueError."""
    if not isinstance(value, torch.Tensor) or value.shape != () or not value.requires_grad:
        shape = tuple(getattr(value, "shape", ()))
        raise TypeError(f"loss(theta) is a {type(value).__name__} of shape {shape}; expected a "
                        "0-d tensor computed from theta.")
    if not bool(value.isfinite()):
        raise ValueError(f"the loss is {value.item()} after {k} steps; expected a finite one: "
                         f"take a smaller lr than {lr}.")
    return value


@checked
def margin_loss(x: Cloud, labels: torch.Tensor) -> torch.Tensor:
    """Mean of log(1 + exp(-s x_1)), s = 2 label - 1: the logistic loss of a classifier that looks
    at the side of x_1 = 0. x (n, d), labels (n,), 0 or 1. Raises TypeError, ValueError."""
    return torch.nn.functional.softplus(-(2 * _labels(labels, x).to(x) - 1) * x[..., 0]).mean()


@checked
def accuracy(x: Cloud, labels: torch.Tensor) -> torch.Tensor:
    """The share of points x (n, d) on the side of x_1 = 0 that their labels (n,), 0 or 1, say: 0-d.

    Raises TypeError, ValueError.
    """
    return ((x[..., 0] > 0) == (_labels(labels, x) > 0)).float().mean()


def _labels(labels, x):
    """Return labels, one for each point of x, each 0 or 1. Raises TypeError, ValueError."""
    if not isinstance(labels, torch.Tensor) or labels.is_complex():
        raise TypeError(f"labels is a {type(labels).__name__}; expected a tensor of 0 and 1: "
                        "torch.as_tensor(labels).")
    if labels.shape != x.shape[:-1]:
        raise ValueError(f"labels has shape {tuple(labels.shape)}; expected "
                         f"{tuple(x.shape[:-1])}, one for each point.")
    if concrete_value(lambda: ((labels != 0) & (labels != 1)).any(), labels):
        raise ValueError(f"labels = {labels.unique().tolist()[:5]}...; expected 0 and 1.")
    return labels


def _fits(x, theta):
    """theta (K, width (2 d + 1)) is for the points x (..., d). Raises ValueError."""
    d = x.shape[-1] if x.ndim else 0
    if (
        theta.ndim != 2
        or not d
        or not theta.numel()
        or theta.shape[-1] % (2 * d + 1)
        or not x.numel()
    ):
        raise ValueError(f"theta has shape {tuple(theta.shape)}, x {tuple(x.shape)}; expected "
                         f"(layers, width * {2 * d + 1}) for points "
                         f"of R^{d} (of one layer (width * {2 * d + 1},)).")


def _layers(theta):
    if theta.ndim != 2 or not theta.numel():
        raise ValueError(f"theta has shape {tuple(theta.shape)}; expected (layers, weights of "
                         "one).")
    return theta
