"""flow and iterate: orders of convergence, gradients, grids of times, what is kept, what is refused."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from companion.flow import Path, as_scipy, euler, flow, heun, identity, iterate, rk4
from companion.inputs import a_tensor

F64 = torch.float64
A = torch.tensor([[0.1, 1.0], [-2.0, -0.3]], dtype=F64)


def linear(t, x):
    return x @ A.T


def attention(t, x):
    """Points of a cloud (..., n, d) on the sphere, each pulled towards the others, with a strength that depends on time."""
    pull = (1 + t) * torch.softmax(2 * x @ x.mT, -1) @ x
    return pull - (pull * x).sum(-1, keepdim=True) * x


def normalise(x):
    return x / x.norm(dim=-1, keepdim=True)


def on_sphere(generator, *shape):
    return normalise(torch.randn(shape, generator=generator, dtype=F64))


def reference(v, x0, T):
    end = solve_ivp(as_scipy(v, x0), (0.0, T), x0.numpy().ravel(), method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1]
    return torch.from_numpy(end.copy()).view(x0.shape)


STEPPERS = [(euler, 1), (heun, 2), (rk4, 4)]


@pytest.mark.parametrize("method, p", STEPPERS)
@pytest.mark.parametrize("case", ["linear", "time", "sphere"])
def test_order(method, p, case, generator):
    """The error is divided by 2^p when the steps are doubled: neither less nor more."""
    if case == "linear":
        v, x0, project = linear, torch.tensor([[1.0, 0.5], [0.0, -1.0]], dtype=F64), identity
        end = x0 @ torch.linalg.matrix_exp(A).T
    elif case == "time":  # x' = -2 (t + 1) x^2: x = 1 / (1/x0 + (t + 1)^2 - 1)
        v, x0, project = lambda t, x: -2 * (t + 1) * x**2, torch.tensor([0.5, 1.0], dtype=F64), identity
        end = 1 / (1 / x0 + 3)
    else:
        v, x0, project = attention, on_sphere(generator, 6, 3), normalise
        end = reference(v, x0, 1.0)
    errors = [(flow(v, x0, 1.0, n, method=method, project=project).end - end).norm() for n in (64, 128)]
    assert abs(math.log2(errors[0] / errors[1]) - p) < 0.15


@pytest.mark.parametrize("method, p", STEPPERS)
def test_a_step_is_the_taylor_polynomial(method, p):
    """On x' = a x one step is the Taylor polynomial of exp(a dt) of degree p, exactly."""
    a, dt = 0.7, 0.3
    expected = sum((a * dt) ** j / math.factorial(j) for j in range(p + 1))
    step = method(lambda t, x: a * x, torch.tensor(0.0, dtype=F64), torch.tensor(2.0, dtype=F64), dt)
    torch.testing.assert_close(step, torch.tensor(2 * expected, dtype=F64), rtol=1e-15, atol=0)


@pytest.mark.parametrize("method, nodes", [(euler, [0]), (heun, [0, 1]), (rk4, [0, 0.5, 0.5, 1])])
def test_a_stepper_asks_at_its_nodes(method, nodes):
    times = []
    method(lambda t, x: times.append(float(t)) or x, torch.tensor(3.0), torch.ones(2), torch.tensor(0.5))
    assert times == [3 + 0.5 * c for c in nodes]


@pytest.mark.parametrize("method", [euler, heun, rk4])
def test_steppers_can_be_traced(method):
    """A live figure exports them: plain operations, with t and dt as tensors."""
    from torch.fx.experimental.proxy_tensor import make_fx

    args = torch.tensor(0.2), torch.randn(5, 2, generator=torch.Generator().manual_seed(0)), torch.tensor(0.1)
    graph = make_fx(lambda t, x, dt: method(lambda t, x: -t * x, t, x, dt), tracing_mode="symbolic")(*args)
    torch.testing.assert_close(graph(*args), method(lambda t, x: -t * x, *args))


def test_against_scipy(generator):
    x0 = torch.randn(4, 2, generator=generator, dtype=F64)

    def v(t, x):
        return torch.cos(3 * t) * linear(t, x) - x**3

    grid = np.linspace(0.0, 2.0, 401)
    scipy = solve_ivp(as_scipy(v, x0), (0, 2), x0.numpy().ravel(), t_eval=grid, method="DOP853", rtol=1e-12, atol=1e-12)
    path = flow(v, x0, grid)
    np.testing.assert_allclose(path.x.reshape(401, -1).numpy(), scipy.y.T, rtol=0, atol=1e-8)


def test_as_scipy_shapes_dtypes_and_gradients():
    weight = torch.ones((), requires_grad=True)
    seen = []

    def v(t, x):
        seen.append((t.dtype, t.ndim, x.dtype, x.shape))
        return weight * t * x

    value = as_scipy(v, torch.zeros(3, 2))(0.5, np.arange(6.0))
    assert seen == [(torch.float32, 0, torch.float32, (3, 2))]
    assert value.dtype == np.float64 and value.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]


@pytest.mark.parametrize("method", [euler, heun, rk4])
def test_gradients_against_finite_differences(method, generator):
    """In x0, in a parameter of the field and in the end time; the gradient in T is the field at the end, up to the order."""
    x0 = on_sphere(generator, 3, 2).requires_grad_()
    a = torch.tensor(0.3, dtype=F64, requires_grad=True)
    T = torch.tensor(0.7, dtype=F64, requires_grad=True)

    def end(x0, a, T):
        return flow(lambda t, x: a * attention(t, x), x0, T, 4, method=method, project=normalise).end

    assert torch.autograd.gradcheck(end, (x0, a, T))


def test_gradient_in_x0_is_the_transpose_of_the_flow_map():
    x0 = torch.tensor([1.0, 2.0], dtype=F64, requires_grad=True)
    w = torch.tensor([0.3, -1.0], dtype=F64)
    (g,) = torch.autograd.grad((flow(linear, x0[None], 1.0, 64).end * w).sum(), x0)
    torch.testing.assert_close(g, torch.linalg.matrix_exp(A).T @ w, rtol=1e-7, atol=0)


@pytest.mark.digits
@pytest.mark.parametrize("every", [1, 3, 5, 100])
def test_batches_are_independent_and_keep_their_dtype(every, generator):
    x0 = on_sphere(generator, 4, 2, 5, 3)
    path = flow(attention, x0, 1.0, 10, every=every)
    torch.testing.assert_close(path.x[:, 1, 1], flow(attention, x0[1, 1], 1.0, 10, every=every).x, rtol=0, atol=1e-14)
    low = flow(attention, x0.float(), 1.0, 10, every=every)
    assert low.x.dtype == low.t.dtype == torch.float32
    torch.testing.assert_close(low.x, path.x.float(), rtol=0, atol=1e-5)


def test_the_field_sees_time_in_the_dtype_of_x():
    seen = []
    flow(lambda t, x: seen.append((t.dtype, t.ndim)) or -x, torch.ones((), dtype=torch.float32), 1.0, 2)
    assert set(seen) == {(torch.float32, 0)}


def test_times_do_not_drift_in_float32():
    """100 000 steps of 1e-4 from t0 = 100: t comes from float64, not from a sum."""
    path = flow(lambda t, x: torch.zeros_like(x), torch.ones(1), 110.0, 100_000, t0=100.0, method=euler, every=10_000)
    assert torch.equal(path.t, torch.arange(100.0, 111.0))


def test_steps_are_exact_in_float32():
    """Near t = 1000 float32 resolves 6e-5; steps of 1e-3 are still equal to seven digits."""
    path = flow(lambda t, x: torch.ones_like(x), torch.zeros(()), 1000.01, 10, t0=1000.0, method=euler)
    torch.testing.assert_close(path.x, torch.linspace(0, 0.01, 11), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("x0", [torch.tensor(1.5), torch.ones(2, 1)])
def test_path(x0):
    path = flow(lambda t, x: torch.ones_like(x), x0, 2.0, 10, t0=1.0, every=4)
    assert isinstance(path, Path) and isinstance(path, tuple)
    torch.testing.assert_close(path.t, torch.tensor([1.0, 1.4, 1.8, 2.0]))
    torch.testing.assert_close(path.x, torch.stack([x0 + t - 1 for t in path.t]))
    assert torch.equal(path.end, path.x[-1]) and path.end.shape == x0.shape


def test_default_is_rk4_and_keeps_all():
    x0 = torch.ones(1, 2, dtype=F64)
    path = flow(linear, x0, 1.0, 5)
    assert path.x.shape == (6, 1, 2)
    assert torch.equal(path.x, flow(linear, x0, 1.0, 5, method=rk4, every=1, t0=0.0).x)


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_grids(kind):
    """x' = x / t, x(1) = 1, is x = t, on a logarithmic grid; and the way back is the same line."""
    grid = [1.0, 1.1, 1.3, 2.0, 2.5, 4.0]
    path = flow(lambda t, x: x / t, torch.ones((), dtype=F64), kind(grid))
    torch.testing.assert_close(path.x, torch.tensor(grid, dtype=F64), rtol=5e-3, atol=0)
    torch.testing.assert_close(path.t, torch.tensor(grid, dtype=F64), rtol=1e-7, atol=0)
    back = flow(lambda t, x: x / t, path.end, kind(grid[::-1]))
    assert back.t[0] == 4 and back.t[-1] == 1 and abs(back.end - 1) < 5e-3


def test_backwards():
    """T < t0 runs the field backwards: exp(-A) undoes exp(A)."""
    x0 = torch.tensor([[1.0, 2.0]], dtype=F64)
    path = flow(linear, flow(linear, x0, 1.0, 100).end, 0.0, 100, t0=1.0)
    torch.testing.assert_close(path.end, x0, rtol=1e-8, atol=0)


def test_a_grid_equals_equal_steps():
    x0 = torch.ones(1, 2, dtype=F64)
    a, b = flow(linear, x0, torch.linspace(0, 1, 11, dtype=F64), every=3), flow(linear, x0, 1.0, 10, every=3)
    torch.testing.assert_close(a.x, b.x, rtol=1e-14, atol=0)
    torch.testing.assert_close(a.t, torch.tensor([0, 0.3, 0.6, 0.9, 1.0], dtype=F64))


@pytest.mark.digits
def test_project_after_each_step(generator):
    x0 = on_sphere(generator, 5, 3)
    drifting = flow(attention, x0, 2.0, 10, method=euler)
    kept = flow(attention, x0, 2.0, 10, method=euler, project=normalise)
    assert (drifting.x.norm(dim=-1) - 1).abs().max() > 1e-3
    torch.testing.assert_close(kept.x.norm(dim=-1), torch.ones(11, 5, dtype=F64), rtol=1e-14, atol=0)


def test_blow_up_is_shown():
    """x' = x^2, x(0) = 1, leaves every bound at t = 1; the path goes on."""
    path = flow(lambda t, x: x**2, torch.ones(()), 4.0, 100)
    assert path.x[20].isfinite() and not path.end.isfinite() and len(path.x) == 101


def test_memory_is_what_is_kept():
    path = flow(lambda t, x: -x, torch.ones(1000), 1.0, 1000, every=500)
    assert path.x.untyped_storage().nbytes() == 3 * 1000 * 4


def test_iterate():
    """x_{k+1} = x_k / 2 + k: every k is seen once, from 0."""
    seen = []
    path = iterate(lambda k, x: seen.append(k) or x / 2 + k, torch.zeros(2, dtype=F64), 5, every=2)
    assert seen == [0, 1, 2, 3, 4] and all(type(k) is int for k in seen)
    assert path.t.tolist() == [0, 2, 4, 5] and path.t.dtype == F64
    assert path.x[:, 0].tolist() == [0, 1, 4.25, 6.125]
    assert len(iterate(lambda k, x: x, torch.zeros(1), 5).x) == 6


def test_iterate_is_differentiable():
    x0 = torch.tensor(2.0, requires_grad=True)
    iterate(lambda k, x: x**2, x0, 3).end.backward()
    assert x0.grad == 8 * 2.0**7


X = torch.ones(3, 2)
BAD_FLOW = [
    (dict(v=3), TypeError, "v is a int"),
    (dict(method="rk4"), TypeError, "method is a str"),
    (dict(project=None), TypeError, "project is a NoneType"),
    (dict(x0=[1.0]), TypeError, "x0 is a list"),
    (dict(x0=torch.ones(2, dtype=torch.int64)), TypeError, "floating point"),
    (dict(x0=torch.tensor([1.0, math.nan])), ValueError, "NaN"),
    (dict(T=1.0, steps=None), ValueError, "without steps"),
    (dict(steps=0), ValueError, "at least 1"),
    (dict(steps=-3), ValueError, "at least 1"),
    (dict(steps=2.5), TypeError, "integer"),
    (dict(every=0), ValueError, "at least 1"),
    (dict(every=1.5), TypeError, "integer"),
    (dict(T=0.0), ValueError, "differs"),
    (dict(T=math.inf), ValueError, "finite"),
    (dict(T=True), TypeError, "number"),
    (dict(T="1.0"), TypeError, "T is a str"),
    (dict(T=None), TypeError, "T is a NoneType"),
    (dict(t0="0"), TypeError, "number"),
    (dict(t0=math.nan), ValueError, "finite"),
    (dict(T=[0.0, 1.0]), ValueError, "own steps"),
    (dict(T=[0.0, 1.0], steps=None, t0=0.5), ValueError, "own steps"),
    (dict(T=[0.0, 1.0, 1.0], steps=None), ValueError, "monotone"),
    (dict(T=[0.0, 1.0, 0.5], steps=None), ValueError, "monotone"),
    (dict(T=[0.0, math.inf], steps=None), ValueError, "finite"),
    (dict(T=[0.0, math.nan], steps=None), ValueError, "finite"),
    (dict(T=[1.0], steps=None), ValueError, "two times"),
    (dict(T=torch.ones(2, 2), steps=None), ValueError, "(2, 2)"),
    (dict(v=lambda t, x: x[:1]), ValueError, "v(t, x) has shape (1, 2); expected the shape of x, (3, 2)"),
    (dict(v=lambda t, x: x.sum()), ValueError, "v(t, x) has shape ()"),
    (dict(v=lambda t, x: x.double()), TypeError, "torch.float64"),
    (dict(v=lambda t, x: None), TypeError, "v(t, x) is a NoneType"),
    (dict(method=lambda v, t, x, dt: x[0]), ValueError, "method(v, t, x, dt) has shape (2,)"),
    (dict(project=lambda x: x[0]), ValueError, "project(x) has shape (2,)"),
    (dict(project=lambda x: x.double()), TypeError, "project(x)"),
]


@pytest.mark.parametrize("change, error, words", BAD_FLOW)
def test_flow_refuses(change, error, words):
    given = dict(v=lambda t, x: -x, x0=X, T=1.0, steps=5) | change
    with pytest.raises(error) as caught:
        flow(given.pop("v"), given.pop("x0"), given.pop("T"), given.pop("steps"), **given)
    assert words in str(caught.value)


def test_flow_refuses_before_it_runs():
    calls = []
    with pytest.raises(ValueError):
        flow(lambda t, x: calls.append(t) or x, X, 1.0, 5, every=0)
    assert not calls


@pytest.mark.parametrize("step, x0, n, every, error, words", [
    (None, X, 3, 1, TypeError, "step is a NoneType"),
    (lambda k, x: x, 1.0, 3, 1, TypeError, "x0 is a float"),
    (lambda k, x: x, X * math.nan, 3, 1, ValueError, "NaN"),
    (lambda k, x: x, X, 0, 1, ValueError, "n = 0"),
    (lambda k, x: x, X, 2.0, 1, TypeError, "n is 2.0"),
    (lambda k, x: x, X, 3, 0, ValueError, "every = 0"),
    (lambda k, x: x[0], X, 3, 1, ValueError, "step(k, x) has shape (2,); expected the shape of x, (3, 2)"),
    (lambda k, x: x.double(), X, 3, 1, TypeError, "step(k, x)"),
    (lambda k, x: (x, x), X, 3, 1, TypeError, "step(k, x) is a tuple"),
])
def test_iterate_refuses(step, x0, n, every, error, words):
    with pytest.raises(error) as caught:
        iterate(step, x0, n, every=every)
    assert words in str(caught.value)


def test_as_scipy_refuses():
    with pytest.raises(TypeError, match="v is a int"):
        as_scipy(1, X)
    with pytest.raises(TypeError, match="like is a tuple"):
        as_scipy(lambda t, x: x, (3, 2))
    with pytest.raises(ValueError, match="shape"):
        as_scipy(lambda t, x: x[0], X)(0.0, np.ones(6))


def test_a_field_that_checks_its_input_does_not_stop_a_blow_up():
    def field(t, x):
        return a_tensor(x, "x") ** 3 - x**2

    path = flow(field, torch.tensor([1.5, 0.5]), 50.0, 200, method=euler)
    assert path.end[0].isnan() and path.end[1].isfinite()
    assert iterate(lambda k, x: a_tensor(x) * torch.nan, torch.ones(2), 2).end.isnan().all()
    with pytest.raises(ValueError, match="NaN"):  # what the reader gives is looked at, before a run and after it
        flow(field, path.end, 1.0, 2)


def run(x0, n):
    return iterate(lambda k, x: x - 0.1 * x**3, x0, n)


@pytest.mark.parametrize("dtype, size", [(F64, 1e-13), (torch.float32, 2.0**-23)])
@pytest.mark.parametrize("verb", [lambda x: iterate(lambda k, x: 2 * x, x, 3), lambda x: flow(lambda t, x: 0.1 * x, x, 1.0, 3)])
def test_a_shaken_run_differs_by_a_rounding_of_its_first_step(verb, dtype, size, monkeypatch):
    x0 = torch.cat([torch.linspace(-3, 3, 100, dtype=dtype) * math.pi, torch.zeros(3, dtype=dtype)])
    monkeypatch.delenv("COMPANION_SHAKE", raising=False)
    plain = verb(x0)
    monkeypatch.setenv("COMPANION_SHAKE", "1")
    shaken, again = verb(x0), verb(x0)
    assert torch.equal(shaken.x[0], x0) and torch.equal(shaken.x, again.x) and torch.equal(shaken.t, plain.t)
    moved = ((shaken.x - plain.x) / plain.x)[1:, :100]
    assert (moved.abs() > 0.2 * size).all() and (moved.abs() < 4 * size).all() and (moved > 0).any() and (moved < 0).any()
    assert (shaken.x[:, 100:] == 0).all()
    monkeypatch.setenv("COMPANION_SHAKE", "2")
    assert not torch.equal(verb(x0).x, shaken.x)


def test_whole_numbers_and_what_stays_are_not_shaken(monkeypatch):
    monkeypatch.setenv("COMPANION_SHAKE", "1")
    path = iterate(lambda k, x: x * X.new_tensor([1.0, 1.3]) + X.new_tensor([0.0, 0.1]), torch.tensor([[0.7, 3.0], [0.3, 0.7]]), 2)
    assert (path.x[:, :, 0] == torch.tensor([0.7, 0.3])).all() and path.x[1, 0, 1] == 4.0 and path.x[1, 1, 1] != X.new_tensor(0.7) * 1.3 + 0.1


def test_a_chaotic_run_is_another_one_when_shaken(monkeypatch):
    """x -> 4 x (1 - x) doubles an error at each step: 1e-13 is of order 1 after 43."""
    x0 = torch.linspace(0.1, 0.9, 20, dtype=F64) ** 1.1
    monkeypatch.delenv("COMPANION_SHAKE", raising=False)
    plain = iterate(lambda k, x: 4 * x * (1 - x), x0, 80).x
    monkeypatch.setenv("COMPANION_SHAKE", "0")
    apart = (iterate(lambda k, x: 4 * x * (1 - x), x0, 80).x - plain).abs().amax(-1)
    assert apart[10] < 1e-9 and apart[70] > 0.1


@pytest.mark.parametrize("unset", [True, False])
def test_without_a_seed_nothing_is_shaken(unset, monkeypatch):
    monkeypatch.delenv("COMPANION_SHAKE", raising=False) if unset else monkeypatch.setenv("COMPANION_SHAKE", "")
    monkeypatch.setattr(np.random, "default_rng", None)
    by_hand = X
    for _ in range(5):
        by_hand = by_hand - 0.1 * by_hand**3
    assert torch.equal(run(X, 5).end, by_hand)


def test_a_shaken_run_has_its_gradient_and_its_batches(monkeypatch):
    monkeypatch.setenv("COMPANION_SHAKE", "5")
    x0 = X.double().requires_grad_()
    (gradient,) = torch.autograd.grad(run(x0, 3).end.sum(), x0)
    assert gradient.isfinite().all() and (gradient != 0).all()
    assert torch.func.vmap(lambda x: run(x, 3).end)(X).shape == X.shape
