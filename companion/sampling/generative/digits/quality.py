"""Are they digits, and are they new? A judge who learned from other digits;
distances to those of the training; the field that recites them."""

from collections.abc import Callable

import torch

from companion import data
from companion.hints import Count, Generator, checked
from companion.inputs import concrete_value, same_dimension
from companion.kernels.distances import squares
from companion.sampling.generative.digits.network import CLASSES, Label, one_hot
from companion.sampling.generative.matching import Time, a_time
from companion.sampling.quantization.points import Points
from companion.sampling.wide import wide


@checked
def split(n: Count = 1200, *, generator: Generator) -> tuple:
    """The real digits in random order: ((x, label), (x', label')) with n to train and the others
    held out. Rows (., 64) in [-1, 1]."""
    images, label = data.digits()
    if n >= len(images):
        raise ValueError(f"n = {n}; expected fewer than the {len(images)} digits, so that some "
                         "are held out.")
    order = torch.randperm(len(images), generator=generator)
    x, label = (2 * images.flatten(1) - 1)[order], label[order]
    return (x[:n], label[:n]), (x[n:], label[n:])


@checked
def judge(x: Points, label: Label) -> Callable:
    """A classifier taught by the digits x (n, d): a function, images (m, d) -> labels (m,).
    A support vector machine with a Gaussian kernel."""
    from sklearn.svm import SVC

    _one_each(label, x, "label")
    if len(label.unique()) < 2:
        raise ValueError("label has one value only; expected digits of at least two classes.")
    taught = SVC(C=10.0, gamma="scale").fit(x.detach().cpu().numpy(), label.cpu().numpy())

    @checked
    def read(images: Points) -> torch.Tensor:
        same_dimension(x, images, ("x", "images"))
        return torch.from_numpy(taught.predict(images.detach().cpu().numpy()))

    return read


@checked
def nearest(x: Points, y: Points) -> torch.Tensor:
    """The distance of each row of x (m, d) to the nearest row of y (n, d): (m,)."""
    same_dimension(x, y)
    return squares(wide(x), wide(y)).min(-1).values.sqrt().to(x)


@checked
def named(x: Points, label: Label, means: Points) -> torch.Tensor:
    """How many rows of x (n, d) are nearer to means[label] than to any other row of means (10, d):
    a judge that fits in a page. -> 0-d."""
    same_dimension(x, means, ("x", "means"))
    if means.shape[0] != CLASSES:
        raise ValueError(f"means has shape {tuple(means.shape)}; expected one mean for each of "
                         f"the {CLASSES} classes.")
    if isinstance(label, torch.Tensor) and label.ndim:
        _one_each(label, x, "label")
    score = x @ means.mT - means.square().sum(-1) / 2  # largest where |x - mean|^2 is least
    own = (score * one_hot(label, x)).sum(-1)
    return (own >= score.amax(-1)).to(x.dtype).sum()


@checked
def recited(t: Time, x: Points, label: Label, *, known: Points, classes: Label) -> torch.Tensor:
    """E[X1 | X_t = x, class] when X1 is one of the digits known (n, d) of that class,
    each as likely: (m, d).

    It is the sum of the known digits y with weights softmax(-|x - t y|^2 / (2 (1 - t)^2)):
    of all D the one with the least training loss.
    x: (m, d); t < 1: a number or (m, 1); label: (m,); classes: (n,), those of the known.
    """
    same_dimension(x, known, ("x", "known"))
    _one_each(label, x, "label"), _one_each(classes, known, "classes")
    if concrete_value(lambda: (~(label[:, None] == classes).any(-1)).any(), x):
        raise ValueError("label has a class that none of the known digits has; expected classes "
                         "of known digits.")
    t = a_time(t, x)
    if concrete_value(lambda: (t >= 1).any(), t):
        raise ValueError("t has an entry of 1 or more; expected times t < 1: at 1 the digit is "
                         "there.")
    apart = squares(x[:, None], t[..., None] * known)[:, 0] / (2 * (1 - t).square())
    other = label[:, None] != classes
    return torch.softmax((-apart).masked_fill(other, -torch.inf), -1) @ known


def _one_each(label, x, name):
    """label has one entry for each row of x. Raises ValueError."""
    if not isinstance(label, torch.Tensor) or label.shape != x.shape[:1]:
        shape = f"shape {tuple(label.shape)}" if isinstance(label, torch.Tensor) else "one value"
        raise ValueError(f"{name} has {shape}; expected a digit for each of the {len(x)} images: "
                         f"({len(x)},).")
