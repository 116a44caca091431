"""The checks of exercises: a right answer passes, each kind of wrong answer fails with its counterexample."""

import math

import numpy as np
import pytest
import torch

from companion import check
from companion.flow import Path, euler, flow, heun, iterate, rk4
from companion.sde import Phase

F64 = torch.float64


def path_of(*values, dtype=F64):
    x = torch.tensor(values, dtype=dtype)
    return Path(torch.arange(len(x), dtype=dtype), x)


def itself(x):
    return x


def fails(words, f, *args, **options):
    with pytest.raises(AssertionError) as caught:
        f(*args, **options)
    assert words in str(caught.value), str(caught.value)


def test_decreasing(capsys):
    x0 = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=F64)
    check.decreasing(lambda x: (x**2).sum(), flow(lambda t, x: -x, x0, 1.0, 10))
    assert "The energy decreases: yes (from 6.25 to" in capsys.readouterr().out
    fails("E goes from 37.8102445 at state 9", check.decreasing, lambda x: (x**2).sum(), flow(lambda t, x: x, x0, 1.0, 10))
    assert "The energy decreases: NO" in capsys.readouterr().out


def test_decreasing_finds_one_rise_in_a_batch():
    fails("E at (1,) goes from 2 at state 1 to 2.5 at state 2", check.decreasing, itself, path_of([5.0, 3.0], [4.0, 2.0], [3.0, 2.5]))
    check.decreasing(itself, path_of([5.0, 3.0], [4.0, 3.0], [3.0, 3.0]))


def test_decreasing_wants_a_fall():
    fails("does the state move?", check.decreasing, itself, path_of(1.0, 1.0, 1.0))
    fails("does the state move?", check.decreasing, itself, path_of(1.0, 1.0 + 1e-15))


@pytest.mark.parametrize("values", [(1.0, math.nan, 0.5), (math.nan, 1.0, 0.5), (1.0, 0.5, math.nan), (1.0, math.inf, 0.0)])
def test_decreasing_fails_on_what_is_no_number(values):
    fails("E goes from", check.decreasing, itself, path_of(*values))


def test_decreasing_tolerance():
    check.decreasing(itself, path_of(1.0, 0.5, 0.5 + 1e-14))
    fails("E goes", check.decreasing, itself, path_of(1.0, 0.5, 0.5 + 1e-12))
    check.decreasing(itself, path_of(1.0, 0.5, 0.5 + 1e-12), tol=1e-11)
    check.decreasing(itself, path_of(1.0, 0.5, 0.500001, dtype=torch.float32))
    check.decreasing(itself, path_of(1e6, 1e5, 1e5 + 1e-10))


def test_decreasing_passes_through_autograd():
    def E(x):
        y = x.detach().requires_grad_()
        return torch.autograd.grad((y**2).sum() / 2, y)[0].square().sum()

    check.decreasing(E, path_of([2.0, 1.0], [1.0, 0.0]))
    weight = torch.ones((), dtype=F64, requires_grad=True)
    check.decreasing(lambda x: weight * x, path_of(1.0, 0.5))


def test_conserved(capsys):
    x0 = torch.tensor([0.2, 0.3, 0.5], dtype=F64)
    path = iterate(lambda k, x: x.roll(1) * 0.5 + x * 0.5, x0, 20)
    check.conserved(torch.sum, path)
    assert "conserved: yes (largest change" in capsys.readouterr().out
    check.conserved(lambda x: x.mean(0), path_of([[1.0, 0.0], [-1.0, 0.0]], [[2.0, 1.0], [-2.0, -1.0]]))
    fails("q is 1 at the start and 0.99", check.conserved, torch.sum, iterate(lambda k, x: 0.999 * x, x0, 5))
    fails("q at (1,) is 2 at the start and 2.5 at state 1", check.conserved, itself, path_of([1.0, 2.0], [1.0, 2.5], [1.0, 2.2]))
    fails("at state 2", check.conserved, itself, path_of(1.0, 1.0, math.nan))
    fails("at state 1", check.conserved, itself, path_of(1.0, 0.5, 1.0))


def test_a_path_of_states_with_named_parts():
    """A turn keeps |x|^2 + |y|^2, and not |x|^2."""
    c, s = math.cos(0.3), math.sin(0.3)
    start = Phase(torch.tensor([1.0, 2.0], dtype=F64), torch.tensor([0.5, -1.0], dtype=F64))
    path = iterate(lambda k, z: Phase(c * z.x - s * z.y, s * z.x + c * z.y), start, 10)
    check.conserved(lambda z: z.x.square() + z.y.square(), path)
    fails("q at (", check.conserved, lambda z: z.x.square(), path)
    check.decreasing(lambda z: z.x.sum() + z.y.sum(), iterate(lambda k, z: Phase(z.x / 2, z.y - 1), start, 4))


def test_conserved_tolerance():
    check.conserved(itself, path_of(1.0, 1.0 + 1e-13))
    fails("q is", check.conserved, itself, path_of(1.0, 1.0 + 1e-12))
    check.conserved(itself, path_of(1.0, 1.001), tol=0.01)
    check.conserved(itself, path_of(0.0, 1e-13))
    check.conserved(itself, path_of(1e6, 1e6 + 1e-8))
    check.conserved(itself, path_of(1.0, 1.00005, dtype=torch.float32))


@pytest.mark.parametrize("f", [check.decreasing, check.conserved])
def test_paths_refuse(f):
    with pytest.raises(TypeError, match="is a int"):
        f(1, path_of(1.0, 0.5))
    for wrong in (torch.ones(3), (torch.ones(2), torch.ones(2)), None):
        with pytest.raises(TypeError, match="expected a Path of two or more states"):
            f(itself, wrong)
    for short in (path_of(1.0), Path(torch.zeros(2), torch.ones(3)), Path(torch.zeros(2), Phase(torch.ones(2), torch.ones(3)))):
        with pytest.raises(ValueError, match="expected as many states as times, two at least"):
            f(itself, short)
    with pytest.raises(TypeError, match="expected a number"):
        f(lambda x: "low", path_of(1.0, 0.5))
    with pytest.raises(TypeError, match="tol is"):
        f(itself, path_of(1.0, 0.5), tol="small")
    with pytest.raises(ValueError, match="tol ="):
        f(itself, path_of(1.0, 0.5), tol=-1.0)


@pytest.mark.parametrize("method, p", [(euler, 1), (heun, 2), (rk4, 4)])
def test_order_of_a_stepper(method, p, capsys):
    check.order(method, p)
    assert f"The order is at least {p}: yes (measured {p}." in capsys.readouterr().out or p > 1
    check.order(method, p - 0.5)
    fails("Measured", check.order, method, p + 1)
    fails("Measured", check.order, method, p + 0.5)


def test_order_finds_wrong_steppers():
    def late(v, t, x, dt):
        """rk4 that forgets to advance time: of order 4 where v does not depend on t."""
        return rk4(lambda s, y: v(t, y), t, x, dt)

    def frozen(v, t, x, dt):
        """Of order 2 on a linear scalar problem only: the second stage at the old state."""
        return x + dt * v(t + dt / 2, x)

    fails("Measured: 1.0", check.order, late, 2)
    fails("Measured: 1.0", check.order, frozen, 2)
    fails("Measured: ", check.order, lambda v, t, x, dt: x, 1)
    fails("Measured: -inf", check.order, lambda v, t, x, dt: x * math.nan, 1)


def test_order_of_a_solver():
    def solver(method):
        return lambda n: flow(lambda t, x: torch.cos(t) * x, torch.ones((), dtype=F64), 1.0, n, method=method).end

    exact = math.exp(math.sin(1.0))
    check.order(solver(heun), 2, exact=exact)
    check.order(solver(heun), 2)
    check.order(solver(rk4), 4, steps=(10, 15, 25))
    fails("Measured: 1.0", check.order, solver(euler), 2, exact=exact)
    fails("Measured: 1.0", check.order, solver(euler), 2)
    fails("Measured: 0.0", check.order, solver(rk4), 1, exact=exact + 0.1)


def test_order_at_the_level_of_rounding():
    """An exact solver has every order; one that ignores n has none, unless the solution is known."""
    check.order(lambda n: torch.tensor(1.0), 8, exact=1.0)
    fails("Measured: 0.00", check.order, lambda n: torch.tensor(2.0), 1)
    check.order(lambda n: 1.0 + n**-8.0, 8, exact=1.0)
    check.order(lambda n: torch.tensor(1.0 + n**-4.0), 4, exact=1.0, steps=(4, 8, 64, 128))
    check.order(lambda n: 1e9 * (1.0 + n**-4.0), 4, exact=1e9)


def test_order_leaves_rounding_out():
    """Of order 4 as long as the error is above the rounding of the numbers, whatever their size and dtype."""
    def rounded(floor, size=1.0):
        return lambda n: size * (n**-4.0 + (floor if n >= 64 else 0.0))

    check.order(rounded(1e-13), 8, exact=0.0, steps=(1024, 2048, 4096))
    check.order(rounded(1e-13), 4, exact=0.0, steps=(4, 8, 4096, 8192))
    check.order(lambda n: 1e6 + rounded(1e-9)(n), 4, exact=1e6, steps=(4, 8, 4096, 8192))
    check.order(lambda n: torch.tensor(rounded(1e-6)(n)), 4, exact=0.0, steps=(4, 8, 256, 512))
    fails("Measured: ", check.order, rounded(1e-6), 4, exact=0.0, steps=(4, 8, 256, 512))


def test_order_is_that_of_the_finest_steps():
    fails("Measured: 1.0", check.order, lambda n: n**-4.0 + 1e-5 / n, 4, exact=0.0, steps=(2, 4, 512, 1024))
    check.order(lambda n: 1e-3 * n**-1.0 + n**-4.0 if n < 8 else n**-4.0, 4, exact=0.0)


def test_order_tells_a_stepper_from_a_solver():
    check.order(lambda n, a=0, b=0, c=0: n**-2.0, 2, exact=0.0)
    check.order(lambda *n: n[0] ** -2.0, 2, exact=0.0)


def test_order_slack():
    check.order(lambda n: n**-1.8, 2, exact=0.0)
    fails("Measured: 1.80", check.order, lambda n: n**-1.8, 2, exact=0.0, slack=0.1)
    fails("Measured: 1.70", check.order, lambda n: n**-1.7, 2, exact=0.0)


def test_order_refuses():
    with pytest.raises(TypeError, match="solver is a int"):
        check.order(4, 4)
    with pytest.raises(ValueError, match="p = 0"):
        check.order(rk4, 0)
    for steps in ((16,), (32, 16), (16, 16), ()):
        with pytest.raises(ValueError, match="increasing"):
            check.order(rk4, 4, steps=steps)
    with pytest.raises(TypeError, match="integer"):
        check.order(rk4, 4, steps=(1.5, 3))
    with pytest.raises(ValueError, match="expected that of the solution"):
        check.order(lambda n: torch.ones(2) / n, 1, exact=torch.zeros(3))


def test_fixed_point():
    check.fixed_point(lambda k, x: x.cos(), torch.tensor(0.7390851332151607, dtype=F64))
    fails("step(0, x) is", check.fixed_point, lambda k, x: x.cos(), torch.tensor(0.7391, dtype=F64))
    check.fixed_point(lambda k, x: x.cos(), torch.tensor(0.7391, dtype=F64), tol=1e-4)
    fails("step(0, x) at (1,) is 3", check.fixed_point, lambda k, x: x + torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]))
    fails("has shape (1,)", check.fixed_point, lambda k, x: x[:1], torch.ones(2))
    check.fixed_point(lambda k, x: x + k, torch.ones(2))


def test_fixed_point_refuses():
    with pytest.raises(TypeError, match="step is"):
        check.fixed_point(torch.ones(2), torch.ones(2))
    with pytest.raises(TypeError, match="x is a float"):
        check.fixed_point(lambda k, x: x, 1.0)
    with pytest.raises(ValueError, match="NaN"):
        check.fixed_point(lambda k, x: x, torch.tensor([math.nan]))


@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_gradient(dtype, generator):
    x = torch.randn(4, 2, generator=generator, dtype=dtype)
    check.gradient(lambda x: (x**4).sum(-1) / 4, lambda x: x**3, x)
    check.gradient(lambda x: (x**4).sum() / 4, lambda x: x**3, x)
    check.gradient(lambda x: 1e8 + (x**4).sum() / 4, lambda x: x**3, x)
    fails("g(x) at", check.gradient, lambda x: (x**4).sum(-1) / 4, lambda x: x**3 + 1e-4, x)
    fails("g(x) at", check.gradient, lambda x: (x**4).sum(-1), lambda x: x**3, x)
    fails("g(x) at", check.gradient, lambda x: (x**4).sum(-1) / 4, lambda x: -(x**3), x)
    fails("has shape (4,)", check.gradient, lambda x: (x**4).sum() / 4, lambda x: (x**3).sum(-1), x)


def test_gradient_names_the_worst_entry():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    fails("g(x) at (1, 0) is 7; expected 6", check.gradient, lambda x: (x**2).sum(), lambda x: 2 * x + (x == 3), x)


def test_gradient_tolerance():
    x = torch.ones(2, dtype=F64)
    fails("g(x) at", check.gradient, lambda x: (x**2).sum(), lambda x: 2 * x + 1e-5, x)
    check.gradient(lambda x: (x**2).sum(), lambda x: 2 * x + 1e-5, x, tol=1e-4)


def test_gradient_sees_float64():
    seen = []
    check.gradient(lambda x: (x**2).sum(), lambda x: seen.append(x.dtype) or 2 * x, torch.ones(2))
    assert seen == [F64]


def test_gradient_refuses():
    with pytest.raises(TypeError, match="f is"):
        check.gradient(1, itself, torch.ones(2))
    with pytest.raises(TypeError, match="g is"):
        check.gradient(torch.sum, None, torch.ones(2))
    with pytest.raises(TypeError, match="x is a list"):
        check.gradient(torch.sum, itself, [1.0])
    with pytest.raises(TypeError, match="tol is"):
        check.gradient(torch.sum, torch.ones_like, torch.ones(2), tol=None)


@pytest.mark.parametrize("sign", [1, -1])
def test_root(sign, capsys):
    def f(z):
        return sign * (z * z - 2)

    check.root(f, math.sqrt(2), 0, 2)
    check.root(f, torch.tensor(math.sqrt(2)), 0, 2)
    check.root(f, 1.4142136, 0, 2)
    fails("1.5 is too large: there f = " + ("0.25" if sign > 0 else "-0.25"), check.root, f, 1.5, 0, 2)
    fails("1.4 is too small", check.root, f, 1.4, 0, 2)
    fails("1.4141 is too small", check.root, f, 1.4141, 0, 2)
    check.root(f, 1.4141, 0, 2, tol=1e-3)
    fails("-1.41421356 is too small", check.root, f, -math.sqrt(2), 0, 2)
    assert "1.41421356" not in capsys.readouterr().out.replace("f(1.41421356)", "").replace("f(-1.41421356)", "")


@pytest.mark.parametrize("sign", [1, -1])
def test_root_at_an_end(sign):
    check.root(lambda z: sign * z, 0.0, 0, 1)
    check.root(lambda z: sign * (z - 1), 1.0, 0, 1)
    check.root(lambda z: sign * (z - 0.5), 0.5, 0, 1)
    check.root(lambda z: sign * (torch.tensor(z) - 1e6), 1e6 + 0.5, 0, 1e7)


def test_root_refuses():
    with pytest.raises(TypeError, match="f is"):
        check.root(2, 1, 0, 2)
    with pytest.raises(TypeError, match="value is Ellipsis"):
        check.root(itself, ..., -1, 1)
    for lo, hi in ((1, 2), (-2, -1), (1, -1)):
        with pytest.raises(ValueError, match="change of sign"):
            check.root(itself, 0, lo, hi)
    with pytest.raises(ValueError, match="expected a finite number"):
        check.root(lambda z: math.nan, 0, -1, 1)
    with pytest.raises(TypeError, match="tol is"):
        check.root(itself, 0, -1, 1, tol="small")


def test_close(capsys):
    check.close(2.0, 2)
    check.close(np.array([1.0, 2.0]), [1, 2 + 1e-7])
    check.close(1e9 + 1, 1e9)
    check.close(1e-8, 0)
    check.close(2.05, 2, tol=0.1, name="rate")
    assert "The rate is as expected: yes (largest difference 0.05)" in capsys.readouterr().out
    fails("rate is 2.05; expected 2", check.close, 2.05, 2, name="rate")
    fails("value is 1e-05; expected 0", check.close, 1e-5, 0)
    fails("value is nan", check.close, math.nan, 1)
    fails("value is inf", check.close, math.inf, 1)
    fails("value has shape (2,), not ()", check.close, torch.ones(2), 1)
    fails("value at (1,) is 5", check.close, [1e9 + 100, 5], [1e9, 1])
    check.close(torch.ones(2, requires_grad=True), torch.ones(2))


def test_close_refuses():
    for answer in (None, ..., "two", itself):
        with pytest.raises(TypeError, match="expected a number or a tensor"):
            check.close(answer, 1)
    with pytest.raises(ValueError, match="tol ="):
        check.close(1, 1, tol=-1)
    with pytest.raises(ValueError, match="empty"):
        check.close([], [])


def test_of_an_answer_the_worst_entry_in_its_own_size_is_told():
    check.answer(2.0, 2.0)
    fails("1 at (0,) is too small", check.answer, torch.tensor([1.0, 1000.5]), torch.tensor([1.1, 1000.0]))
