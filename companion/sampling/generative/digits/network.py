"""Flow matching with classes. X_t = (1 - t) X0 + t X1, X0 noise, X1 a digit of class c, and the velocity v = E[X1 - X0 | X_t = x, c].

As X1 - X0 = (X1 - X_t) / (1 - t), it is enough to guess the digit: the network is D(t, x, c), and v = (D - x) / (1 - t). Now and then the
class is kept from it in training, so that one network knows D(t, x, c) and D(t, x, none), and can be guided from the second to the first.
Sources: Lipman, Chen, Ben-Hamu, Nickel and Le, ICLR 2023; Ho and Salimans, Classifier-free diffusion guidance, 2022.
"""

import math
from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Annotated

import torch

from companion.hints import Cloud, Count, Function, Generator, Number, Share, Tensor, checked
from companion.inputs import a_cloud, a_number, a_tensor, batch, concrete_value, like, running
from companion.sampling.generative.matching import Time, a_time
from companion.sampling.quantization.points import Points

CLASSES = 10
LAST = 1e-3  # 1 - t is no smaller in the velocity, which is asked at t < 1 only


def a_network(theta, name):
    """Return theta, four matrices and biases that fit together. Raises TypeError, ValueError."""
    if not isinstance(theta, (tuple, list)) or not all(isinstance(a, torch.Tensor) for a in theta):
        raise TypeError(f"{name} is a {type(theta).__name__}; expected the weights that network(generator=...) makes.")
    sizes = [tuple(a_tensor(a, f"an entry of {name}").shape) for a in theta]
    fit = len(sizes) == 8 and all(len(A) == 2 and b == A[1:] for A, b in zip(sizes[::2], sizes[1::2], strict=True))
    if not fit or any(A[1] != B[0] for A, B in pairwise(sizes[::2])) or sizes[0][0] != sizes[6][1] + 8 + CLASSES:
        raise ValueError(f"{name} has the shapes {sizes}; expected four matrices and biases, as network(generator=...) makes.")
    return theta


def a_label(label, name):
    """Return label, a number from 0 to 9 or a tensor of them. Raises TypeError, ValueError."""
    if not isinstance(label, torch.Tensor):
        return a_number(label, name, least=0, most=CLASSES - 1)
    if a_tensor(label, name, floating=False).dtype == torch.bool or label.is_complex():
        raise TypeError(f"{name} has dtype {label.dtype}; expected digits: integers from 0 to 9.")
    if concrete_value(lambda: ~((label >= 0) & (label <= CLASSES - 1)).all(), label):
        raise ValueError(f"{name} has an entry that is no digit; expected numbers from 0 to 9.")
    return label


Theta = Annotated[tuple, a_network]
Label = Annotated[int | torch.Tensor, a_label]
Rate = Annotated[float, partial(a_number, above=0, most=1e15)]


@checked
def network(*, generator: Generator, d: Count = 64, width: Count = 96) -> tuple:
    """Random weights: a tuple of four matrices and biases (A0, b0, ..., A3, b3), x (d), time (8) and class (10) -> width -> width -> width -> d."""
    sizes = [d + 8 + CLASSES, *3 * [width], d]
    pairs = [(torch.randn(m, n, generator=generator) / math.sqrt(m), torch.zeros(n)) for m, n in pairwise(sizes)]
    return tuple(tensor for pair in pairs for tensor in pair)


@checked
def one_hot(label: Label, like: Tensor) -> torch.Tensor:
    """The class as a vector (..., 10) in the dtype of `like`: 1 at the label, 0 elsewhere. label: a number 0..9, or (...) of them."""
    label = torch.as_tensor(label, device=like.device)
    return (label[..., None] == torch.arange(CLASSES, device=like.device)).to(like.dtype)


@checked
def guess(t: Time, x: Cloud, c: Tensor, theta: Theta) -> torch.Tensor:
    """D(t, x, c), the digit that x is on its way to: h = silu(A0 u + b0), twice h + silu(A h + b), then A3 h + b3.

    u is x, sin and cos of 2^j pi t / 2 (j = 0..3), and c. t: a number or (..., 1); x: (..., d); c: (..., 10), zero for no class. -> (..., d).
    """
    _fits(x, theta)
    t = a_time(t, x)
    if c.ndim == 0 or c.shape[-1] != CLASSES:
        raise ValueError(f"c has shape {tuple(c.shape)}; expected classes (..., {CLASSES}): one_hot(label, x).")
    if c.ndim > x.ndim or any(m not in (1, n) for m, n in zip(c.shape[-2::-1], x.shape[-2::-1], strict=False)):
        raise ValueError(f"c has shape {tuple(c.shape)}; expected classes for the rows of x, {(*x.shape[:-1], CLASSES)}.")
    A0, b0, A1, b1, A2, b2, A3, b3 = theta
    angle = t * (math.pi / 2 * 2.0 ** torch.arange(4, dtype=x.dtype, device=x.device))
    rows = x.shape[:-1]
    u = torch.cat([x, angle.sin().expand(*rows, 4), angle.cos().expand(*rows, 4), c.expand(*rows, CLASSES)], -1)
    h = torch.nn.functional.silu(u @ A0 + b0)
    h = h + torch.nn.functional.silu(h @ A1 + b1)
    h = h + torch.nn.functional.silu(h @ A2 + b2)
    return h @ A3 + b3


@checked
def velocity(t: Time, x: Points, *, theta: Theta, label: Label, w: Number = 0.0) -> torch.Tensor:
    """(1 + w) v(t, x, label) - w v(t, x, none): guided by w; w = 0 is the class itself, w = -1 no class.

    t < 1: a number or (n, 1), x: (n, d), label: a number 0..9 or (n,) -> (n, d). Raises TypeError, ValueError.
    """
    t = a_time(t, x)
    if isinstance(label, torch.Tensor) and label.ndim:
        batch((x.shape[:1], "the rows of x"), (label.shape, "label"))
    c = one_hot(label, x).expand(x.shape[0], CLASSES)
    of_class, of_all = guess(t, torch.stack([x, x]), torch.stack([c, 0 * c]), theta)
    left = (1 - t).clamp(min=LAST)
    return ((1 + w) * of_class - w * of_all - x) / left


@checked
def matching_error(D: Function, x1: Points, label: Label, *, z: Points, t: Time) -> torch.Tensor:
    """|D(t, x, label) - x1|^2 = (1 - t)^2 |v - (x1 - z)|^2 at x = (1 - t) z + t x1: (n,). Its mean is the loss.

    No D can bring it to 0: the least is E |X1 - E[X1 | X_t, c]|^2. x1, z: (n, d); t: (n, 1); label: (n,).
    """
    t = a_time(t, like(z, x1, "z"))
    x = torch.lerp(z, x1, t)
    return (like(D(t, x, label), x1, "D(t, x, label)") - x1).square().sum(-1)


@checked
def trained(theta: Theta, x: Points, label: torch.Tensor, steps: Count, *, generator: Generator, batch: Count = 128, lr: Rate = 3e-3,
            drop: Share = 0.15, progress: Function = iter) -> tuple:
    """(theta, losses (steps,)): Adam on the mean of `matching_error` over random digits, noise and times; the class is dropped now and then.

    x: (n, d) with their labels (n,), integers; drop: how often no class is told. The step rises for 100 steps and falls along half a cosine.
    progress wraps the steps: see companion.watching. Raises TypeError, ValueError; FloatingPointError if the loss is not finite.
    """
    _check(_fits(x, theta), label)
    theta, losses = tuple(a.detach().clone().requires_grad_() for a in theta), []
    optimizer = torch.optim.Adam(theta, lr=lr)
    pace = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, (k + 1) / 100) * (1 + math.cos(math.pi * k / steps)) / 2)
    with running():  # a look at every layer of every step would take longer than the step
        for k in _steps(progress(range(steps))):
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


def _steps(wrapped):
    """What progress(range(steps)) gave, to go through. Raises TypeError."""
    if not isinstance(wrapped, Iterable):
        raise TypeError(f"progress(range(steps)) is a {type(wrapped).__name__}; expected the steps again, wrapped: progress=tqdm.")
    return wrapped


def _fits(x, theta):
    """Return x, images that the network takes. Raises TypeError, ValueError."""
    d = theta[-1].shape[0]
    if a_cloud(x).shape[-1] != d:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected images of {d} numbers, as the network has.")
    if x.dtype != theta[0].dtype:
        raise TypeError(f"x is {x.dtype}; expected {theta[0].dtype}, like theta: use x.to(theta[0]).")
    return x


def _check(x, label):
    """What `trained` is given."""
    a_tensor(label, "label", floating=False)
    if label.dtype != torch.int64 or label.shape != x.shape[:-1] or not bool(((label >= 0) & (label < CLASSES)).all()):
        raise ValueError(f"label has shape {tuple(label.shape)} and dtype {label.dtype}; expected ({x.shape[0]},) integers from 0 to 9.")
