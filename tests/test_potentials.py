"""Potentials: values, minima and curvatures that are known."""

import pytest
import torch

from companion.potentials import double_well, quadratic, rosenbrock

F = torch.float64


def slope(f, x):
    x = torch.tensor(x, dtype=F, requires_grad=True)
    return torch.autograd.grad(f(x).sum(), x)[0]


def curvature(f, x):
    return torch.autograd.functional.hessian(f, torch.tensor(x, dtype=F))


def close(a, b):
    torch.testing.assert_close(torch.as_tensor(a, dtype=F), torch.as_tensor(b, dtype=F), rtol=0, atol=1e-12)


def test_quadratic():
    A = torch.tensor([[3.0, 1.0], [0.0, 5.0]], dtype=F)  # only its symmetric part counts
    f, x = quadratic(A), torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0), dtype=F)
    close(f(x), torch.einsum("...i,ij,...j->...", x, A, x) / 2)
    close(curvature(f, [0.3, -0.7]), (A + A.T) / 2)


def test_double_well():
    close(double_well(torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 2.0]], dtype=F)), [0, 0, 0.25, 2.5])
    close(slope(double_well, [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]), torch.zeros(3, 2))
    close(curvature(double_well, [1.0, 0.0]), [[2.0, 0.0], [0.0, 1.0]])
    close(curvature(double_well, [0.0, 0.0]), [[-1.0, 0.0], [0.0, 1.0]])  # the pass: one way down
    close(double_well(torch.tensor([[2.0]], dtype=F)), [2.25])


def test_rosenbrock():
    import scipy.optimize

    close(rosenbrock(torch.tensor([1.0, 1.0], dtype=F)), 0.0)
    close(curvature(rosenbrock, [1.0, 1.0]), [[802.0, -400.0], [-400.0, 200.0]])
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=F)
    close(rosenbrock(x), [scipy.optimize.rosen(row) for row in x.numpy()])
    close(rosenbrock(torch.tensor([2.0, 4.0], dtype=F), a=2.0, b=3.0), 0.0)
    close(rosenbrock(torch.tensor([0.0, 1.0], dtype=F), a=torch.tensor(2.0), b=torch.tensor(3.0)), 7.0)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: quadratic(torch.ones(2, 3)), ValueError, "square"),
    (lambda: quadratic(2.0), TypeError, "torch.Tensor"),
    (lambda: quadratic(torch.eye(2))(torch.ones(4, 3)), ValueError, "points"),
    (lambda: double_well(torch.ones(3, 0)), ValueError, "points"),
    (lambda: double_well([1.0]), TypeError, "torch.Tensor"),
    (lambda: rosenbrock(torch.ones(5, 3)), ValueError, "\\(..., 2\\)"),
    (lambda: rosenbrock(torch.ones(2), b=0.0), ValueError, "above 0"),
    (lambda: rosenbrock(torch.ones(2), a="one"), TypeError, "number"),
])
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()
