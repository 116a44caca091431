"""One thread, because small steps are slower with two on a shared machine; the CPU, whose float64 is the reference everywhere."""

import os

import pytest
import torch

os.environ["COMPANION_DEVICE"] = "cpu"
torch.set_num_threads(1)


@pytest.fixture
def generator():
    """A generator of random inputs with a fixed seed."""
    return torch.Generator().manual_seed(20260)
