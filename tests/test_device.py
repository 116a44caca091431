"""The device: what COMPANION_DEVICE may say, what the machine offers, and the sentence for the reader."""

import types

import pytest
import torch

from companion import device as module
from companion.device import describe, device


def pretend(monkeypatch, *, gpu=True, broken=False):
    """A machine with a GPU, without one, or with one that does not work."""
    def zeros(*args, device=None):
        if broken or str(device) not in ("cpu", "cuda", "cuda:0"):
            raise RuntimeError("CUDA error")

    monkeypatch.setattr(module.torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(module.torch, "zeros", zeros)


def test_cpu_is_a_wish(monkeypatch):
    pretend(monkeypatch)
    monkeypatch.setenv("COMPANION_DEVICE", " cpu ")
    assert device() == torch.device("cpu")


@pytest.mark.parametrize("empty", [None, "", " "])
@pytest.mark.parametrize("gpu, broken, expected", [(True, False, "cuda"), (True, True, "cpu"), (False, False, "cpu")])
def test_the_machine_chooses(monkeypatch, empty, gpu, broken, expected):
    pretend(monkeypatch, gpu=gpu, broken=broken)
    monkeypatch.delenv("COMPANION_DEVICE") if empty is None else monkeypatch.setenv("COMPANION_DEVICE", empty)
    assert device() == torch.device(expected)


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_a_gpu_is_a_wish(monkeypatch, name):
    pretend(monkeypatch)
    monkeypatch.setenv("COMPANION_DEVICE", name)
    assert device() == torch.device(name)


@pytest.mark.parametrize("name", ["gpu", "CPU", "cuda:", "cuda:x", "cpu:0 cuda", "mps", "cpu,cuda", "xcpu", "cpux"])
def test_an_unknown_name_is_refused(monkeypatch, name):
    pretend(monkeypatch)
    monkeypatch.setenv("COMPANION_DEVICE", name)
    with pytest.raises(ValueError, match="expected cpu, cuda"):
        device()


@pytest.mark.parametrize("gpu, broken, name", [(False, False, "cuda"), (True, True, "cuda"), (True, False, "cuda:7")])
def test_a_gpu_that_does_not_work_is_refused(monkeypatch, gpu, broken, name):
    pretend(monkeypatch, gpu=gpu, broken=broken)
    monkeypatch.setenv("COMPANION_DEVICE", name)
    with pytest.raises(ValueError, match="no such device works"):
        device()


def test_describe_the_cpu(monkeypatch):
    monkeypatch.setenv("COMPANION_DEVICE", "cpu")
    assert describe() == f"PyTorch {torch.__version__} computes on the CPU, with 1 thread."
    monkeypatch.setattr(module.torch, "get_num_threads", lambda: 2)
    assert describe().endswith("with 2 threads.")


def test_describe_a_gpu(monkeypatch):
    pretend(monkeypatch)
    monkeypatch.setenv("COMPANION_DEVICE", "cuda")
    card = types.SimpleNamespace(name="Model X", total_memory=16 * 2**30)
    monkeypatch.setattr(module.torch.cuda, "get_device_properties", lambda chosen: card)
    assert describe() == f"PyTorch {torch.__version__} computes on the GPU Model X, with 16 GiB of memory."
