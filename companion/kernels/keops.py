"""The engine of KeOps (Charlier et al., JMLR 2021): each formula is compiled once,
then linear memory at the speed of the GPU.

COMPANION_KEOPS names a folder for what is compiled. KeOps's own carries the host's name:
a machine that gets a new name compiles again.
"""

import functools
import os
import shutil

import torch

from companion.hints import Cloud, Extended, Function, Tensor, checked
from companion.kernels.formulas import exp_sum, fitting, log_sum, soft_average

INSTALL = "pip install pykeops"
COMPILER = "KeOps is there and cannot compile its formulas; expected a C++ compiler (g++): install one, or leave engine out."


@checked
def keops(op: Function, q: Cloud, k: Cloud, b: Extended) -> Tensor:
    """The formula compiled by KeOps: 10 s at first use of a formula, dimension, dtype.
    Raises RuntimeError without KeOps."""
    q, k, b = fitting(q, k, b)
    if op not in FORMULAS:
        raise ValueError(f"KeOps has no form of {getattr(op, '__name__', op)}; expected "
                         "engine=dense or engine=streamed.")
    try:
        LazyTensor = lazy_tensor()
    except ImportError as missing:
        raise RuntimeError(
            f"engine=keops needs KeOps: {INSTALL}, or leave engine out."
        ) from missing
    batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], b.shape[:-2])
    q, k, b = (z.expand(*batch, *z.shape[-2:]).contiguous() for z in (q, k, b))
    q_i, k_j, b_j = (
        LazyTensor(q[..., :, None, :]),
        LazyTensor(k[..., None, :, :]),
        LazyTensor(b[..., None, :, :]),
    )
    try:
        return FORMULAS[op](q_i, k_j, b_j, len(batch) + 1)
    # of its shell, of its loader, of what was never compiled: each with words of its own
    except Exception as error:
        if shutil.which("g++") or shutil.which("c++") or shutil.which("clang++"):
            raise
        raise RuntimeError(COMPILER) from error


@functools.cache
def lazy_tensor():
    """KeOps's class LazyTensor; its folder is COMPANION_KEOPS from here on, if that is set.
    Raises ImportError without KeOps."""
    import pykeops
    from pykeops.torch import LazyTensor

    if folder := os.environ.get("COMPANION_KEOPS"):
        pykeops.set_build_folder(folder)
    return LazyTensor


FORMULAS = {
    exp_sum: lambda q, k, b, j: ((-((q - k) ** 2).sum(-1)).exp() * b).sum(axis=j),
    soft_average: lambda q, k, b, j: (q | k).sumsoftmaxweight(b, axis=j),
    log_sum: lambda q, k, h, j: (h - ((q - k) ** 2).sum(-1)).logsumexp(axis=j),
}


@functools.cache
def keops_works(device):
    """Whether KeOps computes on this kind of device, found by computing:
    it may be installed without its compiler."""
    x = torch.zeros(2, 1, device=device)
    try:
        return bool((keops(exp_sum, x, x, x + 1) == 2).all())
    except Exception:  # a missing package, compiler or driver, each with an error of its own
        return False
