"""Are they digits, and are they new? A judge who learned from other digits; distances to those of the training; the field that recites them."""

import torch

from companion import data
from companion.inputs import a_cloud, a_count, a_generator, a_tensor, same_dimension
from companion.kernels.distances import squares
from companion.sampling.generative.digits.network import one_hot


def split(n=1200, *, generator):
    """The real digits in random order: ((x, label), (x', label')) with n to train and the others held out. Rows (., 64) in [-1, 1]."""
    images, label = data.digits()
    if a_count(n, "n") >= len(images):
        raise ValueError(f"n = {n}; expected fewer than the {len(images)} digits, so that some are held out.")
    order = torch.randperm(len(images), generator=a_generator(generator))
    x, label = (2 * images.flatten(1) - 1)[order], label[order]
    return (x[:n], label[:n]), (x[n:], label[n:])


def judge(x, label):
    """A classifier taught by the digits x (n, d): a function, images (m, d) -> labels (m,). A support vector machine with a Gaussian kernel."""
    from sklearn.svm import SVC

    taught = SVC(C=10.0, gamma="scale").fit(a_cloud(x).numpy(), a_tensor(label, "label", floating=False).numpy())
    return lambda images: torch.from_numpy(taught.predict(a_cloud(images, "images").detach().numpy()))


def nearest(x, y):
    """The distance of each row of x (m, d) to the nearest row of y (n, d): (m,)."""
    same_dimension(x, y)
    return squares(x, y).min(-1).values.sqrt()


def named(x, label, means):
    """How many rows of x (n, d) are nearer to means[label] than to any other row of means (10, d): a judge that fits in a page. -> 0-d."""
    same_dimension(x, means, ("x", "means"))
    score = x @ means.mT - means.square().sum(-1) / 2  # largest where |x - mean|^2 is least
    own = (score * one_hot(label, x)).sum(-1)
    return (own >= score.amax(-1)).to(x.dtype).sum()


def recited(t, x, label, *, known, classes):
    """E[X1 | X_t = x, class] when X1 is one of the digits known (n, d) of that class, each as likely: (m, d).

    It is the sum of the known digits y with weights softmax(-|x - t y|^2 / (2 (1 - t)^2)): of all D the one with the least training loss.
    x: (m, d); t < 1: a number or (m, 1); label: (m,); classes: (n,), those of the known.
    """
    same_dimension(x, known, ("x", "known"))
    t = torch.as_tensor(t, dtype=x.dtype)
    apart = (x.square().sum(-1, keepdim=True) - 2 * t * x @ known.T + t.square() * known.square().sum(-1)) / (2 * (1 - t).square())
    other = label[:, None] != classes
    return torch.softmax((-apart).masked_fill(other, -torch.inf), -1) @ known
