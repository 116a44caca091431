"""Controls in time: x' = W(t) sigma(A(t) x + b(t)) with weights constant on each of K layers. Depth is time, a layer is an interval.

Source: Ruiz-Balet and Zuazua, SIAM Review 65 (2023); E, Communications in Mathematics and Statistics 5 (2017).
"""

import torch

from companion.flow import Path, iterate, rk4
from companion.inputs import a_count, a_function, a_generator, a_number, a_tensor


def weights(layers, *, d, width, generator, scale=0.3, dtype=torch.float32):
    """Random controls theta (K, width (2 d + 1)), N(0, scale^2): W (d, width), A (width, d), b (width,) of each layer.

    Raises TypeError, ValueError.
    """
    size = a_count(width, "width") * (2 * a_count(d, "d") + 1)
    theta = torch.randn(a_count(layers, "layers"), size, generator=a_generator(generator), dtype=torch.float64)
    return (a_number(scale, "scale", above=0) * theta).to(dtype)


def layer(x, theta, *, sigma=torch.tanh):
    """W sigma(A x + b) for one layer's theta (width (2 d + 1),): like x (..., d)."""
    d = x.shape[-1]
    width = theta.shape[-1] // (2 * d + 1)
    W, A, b = theta.split([d * width, width * d, width])
    return sigma(x @ A.view(width, d).T + b) @ W.view(d, width).T


def through(theta, x, *, T=1.0, sigma=torch.tanh, method=rk4):
    """The Path of the states x (..., d) through the layers theta (K, ...), one step of the method each: times 0, T/K, ..., T.

    Differentiable in theta and x. Raises TypeError, ValueError.
    """
    a_tensor(theta, "theta"), a_tensor(x), a_number(T, "T", above=0), a_function(method, "method")
    d, size = x.shape[-1], theta.shape[-1]
    if theta.ndim != 2 or size % (2 * d + 1):
        raise ValueError(f"theta has shape {tuple(theta.shape)}; expected (layers, width * {2 * d + 1}) for points of R^{d}.")
    h = T / len(theta)
    path = iterate(lambda k, y: method(lambda t, z: layer(z, theta[k], sigma=sigma), k * h, y, h), x, len(theta))
    return Path(path.t * h, path.x)


def at_depth(t, x, *, theta, T=1.0, sigma=torch.tanh):
    """The field of the layers theta (K, ...) on [0, T] at time t: like x (..., d); 0 outside of [0, T). t may be a symbol of an exported graph."""
    k = torch.floor(torch.as_tensor(t, dtype=x.dtype) * (len(theta) / T) + 1e-4)
    here = (torch.arange(len(theta), device=x.device) == k).to(x)
    return layer(x, here @ theta, sigma=sigma)


def refined(theta, times):
    """The same controls in `times` layers for one: (times K, ...). A deeper network that starts as the same flow."""
    return a_tensor(theta, "theta").repeat_interleave(a_count(times, "times"), 0)


def trained(loss, theta, steps, *, lr=0.05, progress=iter, decay=True):
    """(theta, losses (steps,)): Adam on loss(theta) -> 0-d; with decay the step goes down to zero along a half cosine.

    progress wraps the steps: see companion.watching. Raises TypeError, ValueError; FloatingPointError if the loss is not finite.
    """
    a_function(loss, "loss"), a_number(lr, "lr", above=0)
    theta, losses = a_tensor(theta, "theta").detach().clone().requires_grad_(), []
    optimizer = torch.optim.Adam([theta], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if decay else None
    for k in progress(range(a_count(steps, "steps"))):
        value = loss(theta)
        if not bool(value.isfinite()):
            raise FloatingPointError(f"the loss is {value.item()} after {k} steps; expected a finite one: take a smaller lr than {lr}.")
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(value.item())
    return theta.detach(), torch.tensor(losses)


def margin_loss(x, labels):
    """Mean of log(1 + exp(-s x_1)), s = 2 label - 1: the logistic loss of a classifier that looks at the side of x_1 = 0. x (n, d), labels 0 or 1."""
    return torch.nn.functional.softplus(-(2 * labels.to(x) - 1) * x[..., 0]).mean()


def accuracy(x, labels):
    """The share of points x (n, d) on the side of x_1 = 0 that their label says."""
    return ((x[..., 0] > 0) == (labels > 0)).float().mean()
