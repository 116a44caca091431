"""Hints that check: each kind refuses in words, and what is allowed passes untouched."""

import inspect

import pytest
import torch

from companion.hints import Cloud, Count, Flag, Function, Generator, Index, NonNegative, Number, Positive, Share, Tensor, checked
from companion.inputs import running

X = torch.zeros(3, 2)


@checked
def f(x: Cloud, y: Tensor | None = None, *, a: Number = 1.0, b: Positive = 1.0, c: NonNegative = 0.0, s: Share = 0.5, n: Count = 1, i: Index = 0,
      g: Function = abs, r: Generator = None, flag: Flag = False, free=None) -> Tensor:
    return x


@pytest.mark.parametrize(("given", "error", "words"), [
    ({"x": 3}, TypeError, "x is a int; expected a torch.Tensor"),
    ({"x": torch.zeros(3)}, ValueError, "x has shape (3,)"),
    ({"x": torch.full((2, 2), torch.nan)}, ValueError, "x contains NaN"),
    ({"x": torch.zeros(2, 2, dtype=torch.bfloat16)}, TypeError, "expected torch.float32 or torch.float64"),
    ({"y": "word"}, TypeError, "y is a str"),
    ({"y": torch.zeros(3, dtype=torch.float64)}, TypeError, "y is torch.float64 on cpu; expected torch.float32 on cpu, like x: use y.to(x)"),
    ({"a": torch.inf}, ValueError, "a = inf; expected a finite number"),
    ({"a": None}, TypeError, "a is None; expected a number"),
    ({"b": 0}, ValueError, "b = 0; expected a finite number above 0"),
    ({"c": -1.0}, ValueError, "c = -1.0"),
    ({"s": 1.5}, ValueError, "at most 1"),
    ({"n": 0}, ValueError, "n = 0; expected an integer of at least 1"),
    ({"n": 2.0}, TypeError, "n is 2.0; expected an integer"),
    ({"i": -1}, ValueError, "i = -1"),
    ({"g": 3}, TypeError, "g is a int; expected a function"),
    ({"r": 3}, TypeError, "expected a generator"),
    ({"flag": 1}, TypeError, "flag is 1; expected True or False"),
])
def test_each_kind_is_refused_in_words(given, error, words):
    with pytest.raises(error) as caught:
        f(**{"x": X, **given})
    assert words in str(caught.value)


def test_arguments_by_place_are_looked_at_too():
    with pytest.raises(TypeError, match="y is a int"):
        f(X, 3)


def test_what_is_allowed_passes():
    y = torch.zeros(3)
    assert f(X, y, a=torch.tensor(1.0, dtype=torch.float64), s=1, i=0, r=torch.Generator(), free="any") is X
    assert f(X, None) is X


def test_inside_a_run_values_are_trusted_and_shapes_are_not():
    with running():
        f(torch.full((2, 2), torch.nan))
        with pytest.raises(ValueError, match="has shape"):
            f(torch.zeros(2))


def test_the_signature_stays_and_two_checks_are_refused():
    assert list(inspect.signature(f).parameters)[:2] == ["x", "y"]

    def two(x: Cloud | Number):
        return x

    with pytest.raises(TypeError, match="has 2 checks"):
        checked(two)


def test_it_exports_and_differentiates():
    from torch.fx.experimental.proxy_tensor import make_fx

    @checked
    def g(x: Cloud, *, lr: Positive) -> Tensor:
        return x * lr

    x = torch.ones(2, 2, requires_grad=True)
    assert torch.equal(torch.autograd.grad(g(x, lr=2.0).sum(), x)[0], torch.full((2, 2), 2.0))
    graph = make_fx(lambda x, lr: g(x, lr=lr), tracing_mode="fake")(torch.ones(2, 2), torch.tensor(0.3))
    assert torch.equal(graph(torch.ones(2, 2), torch.tensor(3.0)), torch.full((2, 2), 3.0))
    torch.func.vmap(lambda x: g(x, lr=2.0))(torch.ones(3, 2, 2))


def test_an_answer_that_is_no_number_is_refused_and_an_infinity_where_it_is_not_announced():
    @checked
    def inverse(x: Tensor, *, often: Flag = False) -> Tensor:
        return (x, [1 / x]) if often else 1 / x

    @checked
    def ratio(x: Tensor) -> Tensor:
        """1 / x, which is inf at 0."""
        return x / x if x.ndim == 2 else 1 / x

    @checked
    def number(x: Tensor) -> float:
        return float(x.square().square().sum())

    zero = torch.zeros(2)
    for call in (lambda: inverse(zero), lambda: inverse(zero, often=True), lambda: ratio(zero[None]),
                 lambda: number(torch.full((2,), 1e12))):
        with pytest.raises(ValueError, match=r"not finite.*expected"):
            call()
    @checked
    def power(a: Number) -> float:
        return 1 / 2.0**a

    for a in (1e4, -1e4):  # OverflowError, ZeroDivisionError
        with pytest.raises(ValueError, match="expected arguments of moderate size"):
            power(a)
    assert ratio(zero).isinf().all() and inverse(X + 1, often=True)[0] is not None
    with running():
        assert inverse(zero).isinf().all()
