"""The checks of what a reader gives: what passes unchanged, what is refused and in which words, and where values cannot be looked at."""

import math

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from companion.hints import a_device, a_dtype, a_flag, a_word
from companion.inputs import (
    a_cloud,
    a_count,
    a_function,
    a_generator,
    a_number,
    a_tensor,
    has_values,
    like,
    one_each,
    same_dimension,
)

NAN = torch.tensor([[1.0, math.nan]])


@pytest.mark.parametrize("x", [torch.ones(()), torch.ones(2, 3, dtype=torch.float64), torch.nn.Parameter(torch.ones(2)), torch.ones(0),
                               torch.tensor([1e15]), torch.empty(2, device="meta")])
def test_a_tensor_passes(x):
    assert a_tensor(x) is x


def test_the_logarithm_of_0_passes_where_it_is_wanted_and_no_other_infinity():
    x = torch.tensor([-math.inf, 0.0])
    assert a_tensor(x, extended=True) is x
    for bad, words in ((-x, "contains inf; expected numbers or -inf"), (x * 0, "contains NaN")):
        with pytest.raises(ValueError, match=words):
            a_tensor(bad, extended=True)


def test_clouds_of_one_call_share_dtype_and_batches():
    x = torch.zeros(2, 3, 1)
    same_dimension(x, x[:1])
    for y, error, words in ((x.double(), TypeError, "y is torch.float64 on cpu; expected torch.float32 on cpu, like x"),
                            (torch.zeros(3, 3, 1), ValueError, "expected shapes that broadcast")):
        with pytest.raises(error, match=words):
            same_dimension(x, y)


@pytest.mark.parametrize(("out", "error", "words"), [
    (None, TypeError, "v(t, x) is a NoneType"), (torch.zeros(2), ValueError, "has shape (2,); expected the shape of x, (2, 1)"),
    (torch.zeros(2, 1, dtype=torch.float64), TypeError, "is torch.float64 on cpu; expected torch.float32 on cpu, like x")])
def test_what_a_readers_function_gives_is_like_x(out, error, words):
    assert like(x := torch.ones(2, 1), torch.zeros(2, 1), "v(t, x)") is x
    with pytest.raises(error) as caught:
        like(out, torch.zeros(2, 1), "v(t, x)")
    assert words in str(caught.value)


@pytest.mark.parametrize(("value", "error", "words"), [
    (None, TypeError, "V(x) is a NoneType; expected a floating-point torch.Tensor, one number for each point"),
    (torch.zeros(2, dtype=torch.int64), TypeError, "V(x) has dtype torch.int64"),
    (torch.zeros(2, 1), ValueError, "V(x) has shape (2, 1); expected (2,): one number for each point")])
def test_what_a_potential_gives_is_one_number_for_each_point(value, error, words):
    assert one_each(x := torch.ones(2), (2,), "V(x)") is x
    with pytest.raises(error) as caught:
        one_each(value, (2,), "V(x)")
    assert words in str(caught.value)


@pytest.mark.parametrize(("check", "good", "bad", "error"), [
    (a_dtype, torch.float64, torch.float16, TypeError), (a_dtype, torch.float32, "float32", TypeError),
    (a_device, None, 0, TypeError), (a_device, torch.device("cpu"), "nowhere", ValueError), (a_word, "x", 3, TypeError)])
def test_dtypes_devices_and_words(check, good, bad, error):
    assert check(good, "given") == good
    with pytest.raises(error, match=r"given is .*; expected"):
        check(bad, "given")


def test_a_tensor_of_integers_where_they_are_wanted():
    x = torch.arange(3)
    assert a_tensor(x, floating=False) is x


@pytest.mark.parametrize("x, error, words", [
    ([1.0], TypeError, "y is a list; expected a torch.Tensor: use torch.as_tensor(y)."),
    (np.ones(2), TypeError, "y is a ndarray"),
    (None, TypeError, "y is a NoneType"),
    (torch.arange(3), TypeError, "y has dtype torch.int64; expected floating point: use y.to(torch.float32)."),
    (torch.ones(2, dtype=torch.complex64), TypeError, "torch.complex64"),
    (torch.ones(2, dtype=torch.bfloat16), TypeError, "y has dtype torch.bfloat16; expected torch.float32 or torch.float64: use y.to(torch.float32)."),
    (NAN, ValueError, "y contains NaN"),
    (torch.nn.Parameter(NAN), ValueError, "y contains NaN"),
    (torch.tensor([1.0, -math.inf]), ValueError, "y contains an infinity; expected finite numbers"),
])
def test_a_tensor_refuses(x, error, words):
    with pytest.raises(error) as caught:
        a_tensor(x, "y")
    assert words in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (3, 5, 2), (0, 5, 2)])
def test_a_cloud_passes(shape):
    x = torch.ones(shape)
    assert a_cloud(x) is x and a_cloud(x, d=shape[-1]) is x


@pytest.mark.parametrize("x, d, error, words", [
    (torch.ones(3), None, ValueError, "y has shape (3,); expected a cloud (..., n, d): points on a line are y[:, None]."),
    (torch.ones(()), None, ValueError, "expected a cloud"),
    (torch.ones(0, 2), None, ValueError, "at least one point"),
    (torch.ones(2, 0), None, ValueError, "at least one coordinate"),
    (torch.ones(5, 3), 2, ValueError, "y has shape (5, 3); expected points with 2 coordinates: (..., n, 2)."),
    (NAN, None, ValueError, "y contains NaN"),
    ([[1.0]], None, TypeError, "y is a list"),
])
def test_a_cloud_refuses(x, d, error, words):
    with pytest.raises(error) as caught:
        a_cloud(x, "y", d=d)
    assert words in str(caught.value)


def test_same_dimension():
    same_dimension(torch.ones(3, 2), torch.ones(4, 5, 2))
    with pytest.raises(ValueError, match=r"target has shape \(3, 4\); expected points with 2 coordinates"):
        same_dimension(torch.ones(3, 2), torch.ones(3, 4), ("x", "target"))
    with pytest.raises(ValueError, match=r"a has shape \(3,\)"):
        same_dimension(torch.ones(3), torch.ones(3, 4), ("a", "b"))


def test_a_generator():
    one = torch.Generator()
    assert a_generator(one) is one
    for wrong in (None, 0, torch.Generator):
        with pytest.raises(TypeError, match=r"expected a generator on the CPU: torch\.Generator\(\)\.manual_seed\(0\)"):
            a_generator(wrong)


def test_only_numbers_are_looked_at():
    seen = []
    make_fx(lambda x: (seen.append(has_values(x)), x + 1)[1], tracing_mode="symbolic")(torch.ones(3))
    assert seen == [False] and has_values(torch.ones(3)) and has_values(torch.nn.Parameter(torch.ones(3)))


def test_a_function():
    assert a_function(len) is len
    with pytest.raises(TypeError, match=r"v is a float; expected a function: write v=lambda"):
        a_function(1.0, "v")


@pytest.mark.parametrize("value, bounds", [
    (1, {}), (-2.5, {}), (np.float64(2), {}), (torch.tensor(1.0), {}), (torch.tensor(3), {}), (torch.nn.Parameter(torch.tensor(1.0)), {}),
    (1e-9, dict(above=0)), (0, dict(least=0)), (1, dict(most=1)), (torch.tensor(0.5), dict(least=0, most=1)),
])
def test_a_number_passes(value, bounds):
    assert a_number(value, "h", **bounds) is value


@pytest.mark.parametrize("value, bounds, error, words", [
    ("1", {}, TypeError, "h is '1'; expected a number: float(h) if it is one."),
    (None, {}, TypeError, "h is None"),
    (True, {}, TypeError, "h is True"),
    (1j, {}, TypeError, "h is 1j"),
    (torch.ones(1), {}, TypeError, "h is tensor([1.])"),
    (torch.tensor(True), {}, TypeError, "torch.bool"),
    (torch.tensor(1j), {}, TypeError, "torch.complex64"),
    (math.nan, {}, ValueError, "h = nan; expected a finite number."),
    (math.inf, {}, ValueError, "h = inf"),
    (torch.tensor(-math.inf), {}, ValueError, "h = -inf"),
    (np.float32(1), {}, TypeError, "float(h) if it is one"),
    (torch.tensor(math.nan), {}, ValueError, "h = nan"),
    (0, dict(above=0), ValueError, "h = 0; expected a finite number above 0."),
    (torch.tensor(0.0), dict(above=0), ValueError, "above 0"),
    (torch.nn.Parameter(torch.tensor(-1.0)), dict(above=0), ValueError, "above 0"),
    (torch.tensor(-1), dict(least=0), ValueError, "at least 0"),
    (-0.1, dict(least=0, most=1), ValueError, "h = -0.1; expected a finite number at least 0 and at most 1."),
    (1.1, dict(above=0, most=1), ValueError, "above 0 and at most 1."),
])
def test_a_number_refuses(value, bounds, error, words):
    with pytest.raises(error) as caught:
        a_number(value, "h", **bounds)
    assert words in str(caught.value)


def test_a_flag():
    assert a_flag(True, "logy") is True and a_flag(False, "logy") is False
    with pytest.raises(TypeError, match="logy is 1; expected True or False"):
        a_flag(1, "logy")


def test_a_count():
    assert a_count(1, "n") == 1 and a_count(0, "n", least=0) == 0
    for value in (1.0, "1", None, True, torch.tensor(1)):
        with pytest.raises(TypeError, match="expected an integer"):
            a_count(value, "n")
    for value, least in ((0, 1), (-1, 0), (2, 3)):
        with pytest.raises(ValueError, match=f"n = {value}; expected an integer of at least {least}"):
            a_count(value, "n", least=least)


def checked(x, beta):
    a_number(beta, "beta", above=0)
    return beta * (a_cloud(x, d=2) ** 2).sum()


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_checks_leave_no_trace_in_a_graph(mode):
    """Exported once, the graph serves every value of the slider beta, and every number of points."""
    graph = make_fx(checked, tracing_mode=mode)(torch.ones(3, 2), torch.tensor(1.0))
    x = torch.ones(4 if mode == "symbolic" else 3, 2)
    assert graph(x, torch.tensor(2.0)) == 2 * x.numel()
    with pytest.raises(ValueError, match="expected points with 2 coordinates"):
        make_fx(checked, tracing_mode=mode)(torch.ones(3, 1), torch.tensor(1.0))


def test_checks_under_the_transforms_of_torch():
    x, beta = torch.arange(12.0).view(2, 3, 2), torch.tensor([1.0, 2.0])
    values = torch.func.vmap(checked)(x, beta)
    torch.testing.assert_close(values, beta * (x**2).sum((1, 2)))
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(checked))(x, beta), 2 * beta[:, None, None] * x)
    torch.testing.assert_close(torch.func.hessian(checked)(torch.ones(1, 2), 1.0).view(2, 2), 2 * torch.eye(2))
    assert torch.compile(checked, backend="eager", fullgraph=True)(x[0], torch.tensor(2.0)) == 2 * (x[0] ** 2).sum()
