"""Where a sum or a difference needs more digits than float32 has: float64, and back."""

import torch

from companion.inputs import has_values


def wide(x: torch.Tensor) -> torch.Tensor:
    """x in float64; in an exported graph x itself, whose dtype is the figure's."""
    return x.double() if has_values(x) else x
