"""Weights of the points of a cloud."""

import torch

from companion.inputs import a_tensor, has_values


def normalised_weights(w, like, name):
    """Weights like `like` (..., n) of total 1. Raises TypeError, ValueError."""
    n = like.shape[-1]
    if w is None:
        return torch.full_like(like, 1 / n)
    if a_tensor(w, name).ndim == 0 or w.shape[-1] != n:
        raise ValueError(f"{name} has shape {tuple(w.shape)}; expected one weight for each of the "
                         f"{n} points: (..., {n}).")
    total = w.sum(-1, keepdim=True)
    if has_values(w) and not ((w >= 0).all() and (total > 0).all() and total.isfinite().all()):
        raise ValueError(f"{name} has a negative entry, or no finite positive mass; expected "
                         "entries of at least 0 with a positive sum.")
    return (w / total).to(like)
