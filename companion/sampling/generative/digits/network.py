"""Flow matching with classes. X_t = (1 - t) X0 + t X1, X0 noise, X1 a digit of class c, and the velocity v = E[X1 - X0 | X_t = x, c].

As X1 - X0 = (X1 - X_t) / (1 - t), it is enough to guess the digit: the network is D(t, x, c), and v = (D - x) / (1 - t). Now and then the
class is kept from it in training, so that one network knows D(t, x, c) and D(t, x, none), and can be guided from the second to the first.
Sources: Lipman, Chen, Ben-Hamu, Nickel and Le, ICLR 2023; Ho and Salimans, Classifier-free diffusion guidance, 2022.
"""

import math
from itertools import pairwise

import torch

from companion.inputs import a_cloud, a_count, a_function, a_generator, a_number, a_tensor

CLASSES = 10
LAST = 1e-3  # 1 - t is no smaller in the velocity, which is asked at t < 1 only


def network(*, generator, d=64, width=96):
    """Random weights: a tuple of four matrices and biases (A0, b0, ..., A3, b3), x (d), time (8) and class (10) -> width -> width -> width -> d."""
    sizes = [a_count(d, "d") + 8 + CLASSES, *3 * [a_count(width, "width")], d]
    a_generator(generator)
    pairs = [(torch.randn(m, n, generator=generator) / math.sqrt(m), torch.zeros(n)) for m, n in pairwise(sizes)]
    return tuple(tensor for pair in pairs for tensor in pair)


def one_hot(label, like):
    """The class as a vector (..., 10) in the dtype of `like`: 1 at the label, 0 elsewhere. label: a number 0..9, or (...) of them."""
    label = torch.as_tensor(label, device=like.device)
    return (label[..., None] == torch.arange(CLASSES, device=like.device)).to(like.dtype)


def guess(t, x, c, theta):
    """D(t, x, c), the digit that x is on its way to: h = silu(A0 u + b0), twice h + silu(A h + b), then A3 h + b3.

    u is x, sin and cos of 2^j pi t / 2 (j = 0..3), and c. t: a number or (..., 1); x: (..., d); c: (..., 10), zero for no class. -> (..., d).
    """
    a_cloud(x)
    A0, b0, A1, b1, A2, b2, A3, b3 = theta
    angle = torch.as_tensor(t, dtype=x.dtype, device=x.device) * (math.pi / 2 * 2.0 ** torch.arange(4, dtype=x.dtype, device=x.device))
    rows = x.shape[:-1]
    u = torch.cat([x, angle.sin().expand(*rows, 4), angle.cos().expand(*rows, 4), c.expand(*rows, CLASSES)], -1)
    h = torch.nn.functional.silu(u @ A0 + b0)
    h = h + torch.nn.functional.silu(h @ A1 + b1)
    h = h + torch.nn.functional.silu(h @ A2 + b2)
    return h @ A3 + b3


def velocity(t, x, *, theta, label, w=0.0):
    """(1 + w) v(t, x, label) - w v(t, x, none): guided by w; w = 0 is the class itself, w = -1 no class.

    t < 1: a number or (n, 1), x: (n, d), label: a number 0..9 or (n,) -> (n, d). Raises TypeError, ValueError.
    """
    a_cloud(x), a_number(w, "w")
    c = one_hot(label, x).expand(x.shape[0], CLASSES)
    of_class, of_all = guess(t, torch.stack([x, x]), torch.stack([c, 0 * c]), theta)
    left = (1 - torch.as_tensor(t, dtype=x.dtype, device=x.device)).clamp(min=LAST)
    return ((1 + w) * of_class - w * of_all - x) / left


def matching_error(D, x1, label, *, z, t):
    """|D(t, x, label) - x1|^2 = (1 - t)^2 |v - (x1 - z)|^2 at x = (1 - t) z + t x1: (n,). Its mean is the loss.

    No D can bring it to 0: the least is E |X1 - E[X1 | X_t, c]|^2. x1, z: (n, d); t: (n, 1); label: (n,).
    """
    return (D(t, torch.lerp(z, x1, t), label) - x1).square().sum(-1)


def trained(theta, x, label, steps, *, generator, batch=128, lr=3e-3, drop=0.15, progress=iter):
    """(theta, losses (steps,)): Adam on the mean of `matching_error` over random digits, noise and times; the class is dropped now and then.

    x: (n, d) with their labels (n,), integers; drop: how often no class is told. The step rises for 100 steps and falls along half a cosine.
    progress wraps the steps: see companion.watching. Raises TypeError, ValueError; FloatingPointError if the loss is not finite.
    """
    _check(x, label, generator, progress, steps, batch), a_number(lr, "lr", above=0), a_number(drop, "drop", least=0, most=1)
    theta, losses = tuple(a_tensor(a, "theta").detach().clone().requires_grad_() for a in theta), []
    optimizer = torch.optim.Adam(theta, lr=lr)
    pace = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, (k + 1) / 100) * (1 + math.cos(math.pi * k / steps)) / 2)
    for k in progress(range(steps)):
        loss = _batch_loss(theta, x, label, generator, batch, drop)
        if not bool(loss.isfinite()):
            raise FloatingPointError(f"the loss is {loss.item()} after {k} steps; expected a finite one: take a smaller lr than {lr}.")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(), pace.step()
        losses.append(loss.item())
    return tuple(a.detach() for a in theta), torch.tensor(losses)


def _batch_loss(theta, x, label, generator, batch, drop):
    """The mean matching error of `batch` random digits, each with its noise and time, and with its class or without."""
    i = torch.randint(x.shape[0], (batch,), generator=generator)
    told = (torch.rand(batch, 1, generator=generator) >= drop).to(x)
    z, t = torch.randn(batch, x.shape[1], generator=generator).to(x), torch.rand(batch, 1, generator=generator).to(x)
    return matching_error(lambda t, y, c: guess(t, y, told * one_hot(c, y), theta), x[i], label[i], z=z, t=t).mean()


def _check(x, label, generator, progress, steps, batch):
    """What `trained` is given."""
    a_cloud(x), a_generator(generator), a_function(progress, "progress"), a_count(steps, "steps"), a_count(batch, "batch")
    a_tensor(label, "label", floating=False)
    if label.dtype != torch.int64 or label.shape != x.shape[:-1] or not bool(((label >= 0) & (label < CLASSES)).all()):
        raise ValueError(f"label has shape {tuple(label.shape)} and dtype {label.dtype}; expected ({x.shape[0]},) integers from 0 to 9.")
