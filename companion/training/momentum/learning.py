"""Two losses of learning: a linear classifier on real data, and a matrix from its factors."""

import math
from collections.abc import Callable
from typing import Annotated

import torch

from companion.entries import Points
from companion.hints import Cloud, NonNegative, Tensor, checked
from companion.inputs import a_number, a_tensor, alike, concrete_value


def _an_order(order, name):
    """Return order, of a norm: a number of at least 1, or math.inf. Raises TypeError, ValueError.
    """
    return (
        order if isinstance(order, float) and order == math.inf else a_number(order, name, least=1)
    )


Order = Annotated[float, _an_order]


@checked
def logistic(X: Cloud, y: torch.Tensor, *, ridge: NonNegative = 0.0) -> Callable:
    """f(w) = mean_i log(1 + exp(-y_i <X_i, w>)) + ridge |w|^2 / 2, w: (..., d) -> (...).   X:
    (n, d) examples; y: (n,) labels -1 or 1.

    Raises TypeError, ValueError.
    """
    signed = _signed(X, y)

    @checked
    def f(w: Points) -> Tensor:
        _one_weight_each(w, X)
        return (
            torch.nn.functional.softplus(-(w @ signed.mT)).mean(-1) + ridge * w.square().sum(-1) / 2
        )

    return f


@checked
def margin(w: Points, X: Cloud, y: torch.Tensor, *, order: Order = 2.0) -> Tensor:
    """min_i y_i <X_i, w> / |w|: how far the nearest example is from being misclassified;
    (...) for w (..., d) not 0.

    order: the norm |w|, 2 (what gradient descent maximises in the end) or math.inf
    (what Adam does). Raises TypeError, ValueError.
    """
    signed = _signed(X, y)
    _one_weight_each(w, X)
    if concrete_value(lambda: (w == 0).all(-1).any(), w):
        raise ValueError("w is 0; expected a direction: where w is 0 no example has a margin.")
    return (w @ signed.mT).amin(-1) / torch.linalg.vector_norm(w, ord=order, dim=-1)


@checked
def accuracy(w: Points, X: Cloud, y: torch.Tensor) -> Tensor:
    """The fraction of examples with y_i <X_i, w> > 0: (...) for w (..., d)."""
    signed = _signed(X, y)
    _one_weight_each(w, X)
    return (w @ signed.mT > 0).to(w.dtype).mean(-1)


@checked
def distance_to(target: Cloud) -> Callable:
    """f(W) = |W - target|^2 / 2, the Frobenius norm: (..., m, n) -> (...)."""

    @checked
    def f(W: Cloud) -> Tensor:
        _of_shape(W, "W", target.shape[-2:], target, "target")
        return (W - target).square().sum((-1, -2)) / 2

    return f


@checked
def factorisation(M: Cloud) -> Callable:
    """f(Z) = |P Q^T - M|^2 / 2, Z: (..., m + n, r) -> (...), whose first m rows are P and last
    n rows Q.   M: (m, n)."""
    m, n = M.shape[-2:]

    @checked
    def f(Z: Cloud) -> Tensor:
        _of_shape(Z, "Z", (m + n, Z.shape[-1]), M, "M")
        return (Z[..., :m, :] @ Z[..., m:, :].mT - M).square().sum((-1, -2)) / 2

    return f


def _of_shape(W, name, shape, other, its_name):
    """W is (..., *shape), of the dtype of the other. Raises TypeError, ValueError."""
    if W.shape[-2:] != torch.Size(shape):
        raise ValueError(f"{name} has shape {tuple(W.shape)}; "
                         f"expected (..., {shape[0]}, {shape[1]}), to go with {its_name}.")
    alike({its_name: other, name: W})


def _one_weight_each(w, X):
    """w (..., d) goes with the examples X (n, d). Raises TypeError, ValueError."""
    if w.shape[-1] != X.shape[-1]:
        raise ValueError(f"w has shape {tuple(w.shape)}; "
                         f"expected a weight for each of the {X.shape[-1]} coordinates of X.")
    alike({"X": X, "w": w})


def _signed(X, y):
    """y_i X_i: (n, d). Raises TypeError, ValueError."""
    a_tensor(y, "y", floating=False)
    if y.dtype == torch.bool or y.is_complex():
        raise TypeError(f"y has dtype {y.dtype}; "
                        "expected labels -1 or 1: 2 * y.long() - 1 makes them of True and False.")
    if y.shape != X.shape[:1] or X.ndim != 2:
        raise ValueError(f"X has shape {tuple(X.shape)} and y {tuple(y.shape)}; expected examples "
                         "(n, d) and labels (n,).")
    if concrete_value(lambda: (y.abs() != 1).any(), y):
        raise ValueError("y has an entry other than -1 and 1; expected labels -1 or 1: 2 * y - 1 "
                         "makes them of 0 and 1.")
    return y.to(X.dtype)[:, None] * X
