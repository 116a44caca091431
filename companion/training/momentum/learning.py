"""Two losses of learning: a linear classifier on real data, and a matrix from its factors."""

import torch

from companion.inputs import a_cloud, a_number, a_tensor, look


def logistic(X, y, *, ridge=0.0):
    """f(w) = mean_i log(1 + exp(-y_i <X_i, w>)) + ridge |w|^2 / 2, w: (..., d) -> (...).   X: (n, d) examples; y: (n,) labels -1 or 1.

    Raises TypeError, ValueError.
    """
    signed = _signed(X, y)
    a_number(ridge, "ridge", least=0)

    def f(w):
        return torch.nn.functional.softplus(-(w @ signed.mT)).mean(-1) + ridge * w.square().sum(-1) / 2

    return f


def margin(w, X, y, *, order=2.0):
    """min_i y_i <X_i, w> / |w|: how far the nearest example is from being misclassified; (...) for w (..., d) not 0.

    order: the norm |w|, 2 (what gradient descent maximises in the end) or math.inf (what Adam does). Raises TypeError, ValueError.
    """
    signed = _signed(X, y)
    return (a_tensor(w, "w") @ signed.mT).amin(-1) / torch.linalg.vector_norm(w, ord=order, dim=-1)


def accuracy(w, X, y):
    """The fraction of examples with y_i <X_i, w> > 0: (...) for w (..., d)."""
    return (a_tensor(w, "w") @ _signed(X, y).mT > 0).to(w.dtype).mean(-1)


def distance_to(target):
    """f(W) = |W - target|^2 / 2, the Frobenius norm: (..., m, n) -> (...)."""
    a_cloud(target, "target")
    return lambda W: (W - target).square().sum((-1, -2)) / 2


def factorisation(M):
    """f(Z) = |P Q^T - M|^2 / 2, Z: (..., m + n, r) -> (...), whose first m rows are P and last n rows Q.   M: (m, n)."""
    m = a_cloud(M, "M").shape[-2]
    return lambda Z: (Z[..., :m, :] @ Z[..., m:, :].mT - M).square().sum((-1, -2)) / 2


def _signed(X, y):
    """y_i X_i: (n, d). Raises TypeError, ValueError."""
    a_cloud(X, "X")
    a_tensor(y, "y", floating=False)
    if y.shape != X.shape[:1] or X.ndim != 2:
        raise ValueError(f"X has shape {tuple(X.shape)} and y {tuple(y.shape)}; expected examples (n, d) and labels (n,).")
    if look(lambda: (y.abs() != 1).any(), y):
        raise ValueError("y has an entry other than -1 and 1; expected labels -1 or 1: 2 * y - 1 makes them of 0 and 1.")
    return y.to(X.dtype)[:, None] * X
