"""The device that computes: a GPU where one works, else the CPU;
COMPANION_DEVICE=cpu (or cuda, cuda:1) overrides the choice."""

import os
import re

import torch

from companion import callable_module


def device() -> torch.device:
    """The torch.device to compute on: COMPANION_DEVICE if it is set, else cuda if it works,
    else cpu.

    Raises ValueError if COMPANION_DEVICE is not cpu, cuda or cuda:<number>, or names a GPU that
    does not work.
    """
    asked = os.environ.get("COMPANION_DEVICE", "").strip()
    if not asked:
        return torch.device("cuda" if _works("cuda") else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", asked):
        raise ValueError(f"COMPANION_DEVICE is {asked!r}; expected cpu, cuda or cuda:<number>: "
                         "unset it to let the machine choose.")
    if not _works(asked):
        raise ValueError(f"COMPANION_DEVICE is {asked!r}, and no such device works here: set "
                         "COMPANION_DEVICE=cpu, or unset it.")
    return torch.device(asked)


def describe() -> str:
    """One sentence for the reader: the device that `device` chose, its number of threads or its
    memory, the version of torch."""
    chosen = device()
    if chosen.type == "cpu":
        threads = torch.get_num_threads()
        return f"PyTorch {torch.__version__} computes on the CPU, with {threads} thread{'s' * (threads > 1)}."
    gpu = torch.cuda.get_device_properties(chosen)
    return f"PyTorch {torch.__version__} computes on the GPU {gpu.name}, with {gpu.total_memory / 2**30:.0f} GiB of memory."


def _works(name):
    """Whether a tensor can be made there: a driver may be found and still be too old,
    or its GPU taken."""
    if name == "cpu":
        return True
    if not torch.cuda.is_available():
        return False
    try:
        torch.zeros(1, device=name)
    except RuntimeError:
        return False
    return True


callable_module(__name__)
