"""Three ways to evaluate a sum over the points of a cloud: the whole matrix, a stream of blocks,
KeOps.

An engine is a function engine(op, q, k, b) that returns op(q, k, b) of `formulas.py`,
with its first derivatives.
"""

from collections.abc import Hashable

import torch
from torch.utils.checkpoint import checkpoint

from companion.hints import Cloud, Extended, Function, Tensor, checked
from companion.inputs import has_values
from companion.kernels.attention import FUSED
from companion.kernels.formulas import fitting
from companion.kernels.keops import keops, keops_works

# pairs in a matrix, at most: (2048 points)^2, (4096 points)^2
DENSE = {"cpu": 2**22, "cuda": 2**24}
BLOCK = {"cpu": 2**18, "cuda": 2**24}  # pairs in a block: near the cache of a core, enough work for a GPU
LARGE = 2**33  # pairs from which a GPU repays the time KeOps takes to compile


@checked
def dense(op: Function, q: Cloud, k: Cloud, b: Extended) -> Tensor:
    """The formula as it is written, n x m numbers in memory. The one that is exported and that has
    second derivatives."""
    return op(*fitting(q, k, b))


def by_rows(op, q, k, b):
    """The formula on blocks of rows, computed again for the gradient: linear memory, any formula,
    any device, no loss of digits."""
    batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2]).numel()
    rows = max(1, BLOCK.get(q.device.type, BLOCK["cpu"]) // (batch * k.shape[-2]))
    if torch.is_grad_enabled():
        blocks = [checkpoint(op, part, k, b, use_reentrant=False, preserve_rng_state=False) for part in q.split(rows, -2)]
    else:
        blocks = [op(part, k, b) for part in q.split(rows, -2)]
    if not all(isinstance(block, torch.Tensor) and block.ndim >= 2 for block in blocks):
        raise TypeError(f"op(q, k, b) is a {type(blocks[0]).__name__}; expected a torch.Tensor "
                        "(..., n, c): a row for each point of q.")
    return torch.cat(blocks, -2)


@checked
def streamed(op: Function, q: Cloud, k: Cloud, b: Extended) -> Tensor:
    """Linear memory. On a CPU by fused attention where the formula is one (`attention.py`) and
    keeps its digits, else by rows.

    First derivatives only.
    """
    q, k, b = fitting(q, k, b)
    fused = FUSED.get(op) if isinstance(op, Hashable) else None
    if fused is None or q.device.type != "cpu" or q.dtype not in (torch.float32, torch.float64):
        return by_rows(op, q, k, b)
    return fused(q, k, b)


def chosen(engine, q, k):
    """The engine asked for, or the one for this size and device. Raises ValueError:
    an engine is dense, streamed or keops."""
    if engine is not None:
        if not any(engine is known for known in (dense, streamed, keops)):
            raise ValueError(f"engine is {engine!r}; expected None, or one of the functions "
                             "dense, streamed, keops of companion.kernels.")
        return engine
    if not (has_values(q) and has_values(k)):
        return dense
    pairs = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2]).numel() * q.shape[-2] * k.shape[-2]
    if pairs <= DENSE.get(q.device.type, DENSE["cpu"]):
        return dense
    return keops if q.device.type == "cuda" and pairs >= LARGE and keops_works("cuda") else streamed
