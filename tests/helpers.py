"""What several files of tests say in the same words."""

import torch

from companion.noise import noise

F8 = torch.float64


def close(a, b, tol=1e-09):
    """a is b to the relative or absolute error tol, entry by entry; AssertionError."""
    torch.testing.assert_close(torch.as_tensor(a, dtype=F8), torch.as_tensor(b, dtype=F8), rtol=tol, atol=tol)


def cloud(*shape, seed=0):
    """A cloud of numbers from noise that every machine draws alike."""
    return noise(shape, seed=seed, k=-1, dtype=F8)


def half_square(t, x, u):
    """The cost |u|^2 / 2."""
    return u.square().sum(-1) / 2


def near(value, expected, tol):
    """Whether value is expected, to the absolute error tol."""
    return torch.allclose(torch.as_tensor(value, dtype=F8), torch.as_tensor(expected, dtype=F8), rtol=0, atol=tol)


def number(value):
    """A 0-d tensor of float64."""
    return torch.tensor(value, dtype=F8)


def rand(*shape, seed=0):
    """Uniform numbers of a seed."""
    return torch.rand(*shape, dtype=F8, generator=torch.Generator().manual_seed(seed))


def randn(*shape, seed=0):
    """Normal numbers of a seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F8)


def vector(*numbers):
    """A vector of float64."""
    return torch.tensor(numbers, dtype=F8)
