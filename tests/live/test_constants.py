"""Every constant of a traced function arrives in its graph: at any size, in the figure's dtype, whatever operation it meets."""

import math

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from companion.live import constants, export, precise

SHARP = {torch.float32: 2e-6, torch.float64: 1e-14}

PROGRAMS = {
    "a small constant beside zero": lambda x, a: x.abs() / (x.abs() + 1e-9),
    "Adam's epsilon": lambda x, a: x / (x.square().sqrt() + 1e-8),
    "a constant of float64's own size": lambda x, a: (x * 0 + 1e-30) * 1e30 * a,
    "pi": lambda x, a: torch.sin(x * math.pi) + math.sqrt(2) * a,
    "a sixtieth, a tenth, a thousandth": lambda x, a: x / 60 + 0.1 * x + x * 1e-3 - 0.7,
    "a number on the left": lambda x, a: 0.1 - x * a + 0.3 / (1.7 + x.square()),
    "powers": lambda x, a: x.abs() ** 0.3 + 1.1**x + x**2,
    "clamp": lambda x, a: x.clamp(-0.3, 0.1) + x.clamp(min=0.2) + x.clamp(max=a),
    "where": lambda x, a: torch.where(x > 0.1, 0.1, x) + torch.where(x > 0, x, -1e-12),
    "comparisons at the constant itself": lambda x, a: (torch.full_like(x, 0.1) > 0.1).to(x.dtype) + (x * 0 + 0.7 >= 0.7).to(x.dtype),
    "masked_fill": lambda x, a: x.masked_fill(x > 0.2, 0.1),
    "full, full_like": lambda x, a: torch.full_like(x, 1 / 3) + torch.full((2,), 1e-9, dtype=x.dtype),
    "a grid": lambda x, a: x + torch.linspace(0.1, 0.7, 2, dtype=x.dtype),
    "remainder": lambda x, a: torch.remainder(x, 0.3) + torch.fmod(x, 0.7),
    "booleans and integers": lambda x, a: (x > 0) * x + (x > 0.3) * 3 + torch.arange(2) * x + (torch.arange(2) == 1),
    "a constant tensor": lambda x, a: x @ torch.tensor([[0.1, 1e-9], [math.pi, 1e9]], dtype=x.dtype),
    "a number met by a constant tensor": lambda x, a: x + torch.tensor([0.25, 4.0], dtype=x.dtype) * 0.1,
    "a mean and a norm": lambda x, a: x / (x.norm(dim=-1, keepdim=True) + 1e-12) + 0.01 * x.mean(),
    "lerp": lambda x, a: torch.lerp(x, x.square(), 0.3),
    "logarithms to 10 and 2": lambda x, a: torch.log10(x.abs() + 1e-30) + torch.log2(x.square() + 0.1),
    "the input itself": lambda x, a: x,
    "expm1, log1p near a constant 0": lambda x, a: torch.expm1(x * 1e-3) + torch.log1p(x.abs() * 1e-5),
    "expm1, log1p far out": lambda x, a: torch.expm1(100 * x) + torch.log1p(x.abs() * 1e5),
    "the error functions": lambda x, a: torch.erf(x) + torch.special.erfc(x) / 2 + torch.erfc(10 * x).log(),
    "the error functions far out": lambda x, a: torch.erf(x / 1e-9) + torch.special.erfc(-x / (x * 0)).nan_to_num(0.5),
    "softplus and its like": lambda x, a: torch.nn.functional.softplus(x, 3, 0.3) + torch.nn.functional.softplus(x) + torch.logaddexp(x, 0.1 * x),
}


def far(x):
    """4096 numbers near 1e4, which float32 cannot sum one by one."""
    return 1e4 + x.sum() + torch.arange(4096, dtype=x.dtype) / 4096 + torch.zeros_like(x[:1, :1])[0]


def both(program, dtype):
    """(torch's values, the graph's) at points that include 0."""
    x = torch.tensor([[0.0, 0.0], [0.13, -2.4], [0.1, 0.7], [1e-9, -3e-5]], dtype=dtype)
    inputs = {"x": x, "a": torch.tensor(0.17, dtype=dtype)}
    graph, outputs = export.trace(lambda given: {"next": program(given["x"], given["a"])}, inputs, {})
    session = onnxruntime.InferenceSession(export.to_onnx(graph, inputs, {}, outputs))
    found = session.run(None, {i.name: inputs[i.name].numpy() for i in session.get_inputs()})[0]
    return program(**inputs).numpy(), found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_graph_computes_what_torch_computes(name, dtype):
    want, found = both(PROGRAMS[name], dtype)
    assert found.dtype == want.dtype
    np.testing.assert_allclose(found, want, rtol=SHARP[dtype], atol=0 if "constant" in name else SHARP[dtype] / 10)


def test_the_error_functions_are_sharp_from_end_to_end():
    x = torch.cat([torch.linspace(-30, 30, 60001), torch.logspace(-300, 1, 4001), torch.tensor([0.0, torch.inf, -torch.inf])]).double()
    torch.testing.assert_close(precise.erf(x), torch.erf(x), rtol=1e-14, atol=0)
    near = x[x < 5]
    torch.testing.assert_close(precise.erfc(near), torch.special.erfc(near), rtol=3e-14, atol=0)
    torch.testing.assert_close(precise.erfc(x), torch.special.erfc(x), rtol=1e-12, atol=1e-300)  # exp(-x^2) rounds x^2
    small = x[x.abs() < 9].float()
    torch.testing.assert_close(precise.erfc(small), torch.special.erfc(small), rtol=3e-5, atol=1e-35)
    assert precise.erf(small) is NotImplemented


@pytest.mark.parametrize("f", [
    lambda x, **to: x.sum(0, **to), lambda x, **to: x.mean(0, **to), lambda x, **to: x.mean(**to), lambda x, **to: x.cumsum(0, **to)[-1],
    lambda x, **to: torch.softmax(x - 1e4, 0, **to).max()], ids=["sum", "mean", "mean of all", "cumsum", "softmax"])
def test_a_float64_sum_of_float32_numbers_is_taken_in_float64(f):
    want, found = both(lambda x, a: f(far(x), dtype=torch.float64).to(x.dtype) + 0 * a, torch.float32)
    np.testing.assert_allclose(found, want, rtol=1.3e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_expm1_and_log1p_are_sharp_from_end_to_end(dtype):
    x = torch.cat([s * torch.logspace(-37, 2.9, 4001, dtype=torch.float64) for s in (1, -1)] + [torch.tensor([0.0, torch.inf, -torch.inf])]).to(dtype)
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(precise.expm1(x), torch.expm1(x), rtol=8 * eps, atol=0)
    y = x[(x > -1) & ~x.isneginf()]
    torch.testing.assert_close(precise.log1p(y), torch.log1p(y), rtol=8 * eps, atol=0)
    assert precise.log1p(torch.tensor(-1.0, dtype=dtype)) == -torch.inf


def test_the_exporter_alone_loses_them():
    """Why all this is needed: if a later exporter keeps them, this module can go."""
    x = torch.tensor([0.0], dtype=torch.float64)
    graph = torch.fx.symbolic_trace(lambda x: x.abs() / (x.abs() + 1e-9) + x + math.pi)
    model = torch.onnx.export(graph, (x,), dynamo=True, opset_version=20, verbose=False, optimize=True).model_proto
    numbers = [onnx.numpy_helper.to_array(c).item() for c in model.graph.initializer if not c.dims]
    assert 1e-9 not in numbers and math.pi not in numbers


def test_a_constant_that_a_graph_cannot_hold_is_refused():
    with pytest.raises(constants.Lost, match=r"holds negative_slope = 0.1, which a graph keeps as float32 only; write it with a tensor"):
        both(lambda x, a: torch.nn.functional.leaky_relu(x, 0.1), torch.float64)
    want, found = both(lambda x, a: torch.nn.functional.leaky_relu(x, 0.1), torch.float32)
    np.testing.assert_allclose(found, want, rtol=1e-6)
