"""Phase space: the position and what the method remembers, in one tensor.
The leading axis tells them apart.

    gradient descent   x
    heavy ball         (x, v)          v the last step x_k - x_{k-1}
    Adam               (x, m, v)       m, v running means of the gradient and of its square
"""

import torch

from companion.hints import Count, Tensor, checked
from companion.inputs import a_tensor, look


@checked
def at_rest(x: Tensor, S: Count) -> Tensor:
    """The start (x, 0, ..., 0) of a method with S parts: (S, *x.shape) from x (..., d), S >= 1.
    Raises TypeError, ValueError."""
    return torch.stack([x, *[torch.zeros_like(x)] * (S - 1)])


def parts(z: Tensor, *names: str) -> tuple:
    """The parts of the state z (S, ..., d), one for each of the S names. Raises TypeError,
    ValueError."""
    S = len(names)
    if a_tensor(z, "z").ndim < 2 or z.shape[0] != S:
        said = ", ".join(names)
        raise ValueError(f"z has shape {tuple(z.shape)}; expected the state ({said}) of shape "
                         f"({S}, ..., d): at_rest(x, {S}) makes a start of x.")
    return z.unbind(0)


def mean_square(v: Tensor, name: str = "v") -> Tensor:
    """Return v, a running mean of squares: no entry is negative. Raises ValueError."""
    if v.numel() and look(lambda: v.amin() < 0, v):
        raise ValueError(f"{name} has the entry {v.min().item()}; "
                         "expected means of squares, at least 0: at_rest(x, S) makes a start.")
    return v


def euclidean(g: Tensor) -> Tensor:
    """|g|, (...) for (..., d). Raises ValueError where the squares overflow: g / |g| would be 0."""
    length = torch.sqrt(g.square().sum(-1))
    if look(lambda: length.isinf().any() & g.isfinite().all(), g):
        raise ValueError("the squares of the entries overflow; "
                         "expected numbers of moderate size, or float64: x.double().")
    return length


def ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, and 0 where b is 0: a coordinate that never had a gradient does not move."""
    return torch.where(b > 0, a / torch.where(b > 0, b, torch.ones_like(b)), torch.zeros_like(a))
