"""Kernels: plain loops in float64 are the oracle, engines agree with their gradients, and large clouds never make an n x n array."""

import functools
import math
import sys
from typing import NamedTuple

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from companion import kernels
from companion.kernels import (
    dense,
    distances,
    energy_kernel,
    gaussian_kernel,
    gaussian_sum,
    keops,
    mean_kernel,
    softmax_average,
    softmin,
    squared_distances,
    streamed,
)
from companion.kernels.engines import by_rows, chosen
from companion.kernels.formulas import exp_sum, log_sum, soft_average
from companion.kernels.keops import keops_works


def clouds(n=23, m=31, d=3, c=2, *, batch=(), dtype=torch.float64, seed=0, offset=0.0):
    g = torch.Generator().manual_seed(seed)
    draw = functools.partial(torch.randn, generator=g, dtype=torch.float64)
    given = draw(*batch, n, d) + offset, draw(m, d) + offset, draw(m, c), draw(m)
    return [z.to(dtype).requires_grad_() for z in given]


SUMS = {
    "gaussian_sum": lambda x, y, b, h, **kw: gaussian_sum(x, y, b, length=0.7, **kw),
    "narrow": lambda x, y, b, h, **kw: gaussian_sum(x, y, b, length=0.05, **kw),
    "mass": lambda x, y, b, h, **kw: gaussian_sum(x, y, length=0.7, **kw),
    "softmax_average": lambda x, y, b, h, **kw: softmax_average(x, y, b, beta=1.7, **kw),
    "repelled": lambda x, y, b, h, **kw: softmax_average(x, y, b, beta=torch.tensor(-0.8, dtype=x.dtype), **kw),
    "softmin": lambda x, y, b, h, **kw: softmin(x, y, h, eps=0.3, **kw),
    "sharp": lambda x, y, b, h, **kw: softmin(x, y, h, eps=0.02, **kw),
    "softmin_cost": lambda x, y, b, h, **kw: softmin(x, y, h, eps=0.3, cost=distances, **kw),
    "mean_gaussian": lambda x, y, b, h, **kw: mean_kernel(gaussian_kernel(0.7), x, y, **kw),
    "mean_energy": lambda x, y, b, h, **kw: mean_kernel(energy_kernel, x, y, **kw),
}


def value_and_gradients(f, args, **kw):
    out = f(*args, **kw)
    weight = torch.arange(1.0, out.numel() + 1, dtype=out.dtype).reshape(out.shape).cos()
    return [out, *torch.autograd.grad((out * weight).sum(), args, materialize_grads=True)]


def assert_same(one, other, tolerance):
    for a, b in zip(one, other, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert (a - b).abs().max() <= tolerance * max(1e-300, b.abs().max())


def test_squared_distances_are_those_of_a_loop_and_exactly_zero_at_a_point():
    for d in (1, 2, 5, 20):
        x, y, *_ = clouds(d=d)
        loop = torch.stack([torch.stack([((a - b) ** 2).sum() for b in y]) for a in x])
        assert torch.allclose(squared_distances(x, y), loop, rtol=1e-12)
        assert torch.allclose(distances(x, y), loop.sqrt(), rtol=1e-12)
    x = clouds(d=2, dtype=torch.float32, offset=100.0)[0]
    assert (squared_distances(x, x).diagonal() == 0).all()
    with pytest.raises(ValueError, match=r"y has shape \(7, 5\); expected points with 2 coordinates"):
        squared_distances(x, torch.zeros(7, 5))


def test_squared_distances_have_derivatives_of_every_order_also_in_batches():
    x, y, *_ = clouds(n=3, m=4, d=2, batch=(2,))
    for f in (squared_distances, gaussian_kernel(0.8)):
        assert torch.autograd.gradcheck(f, (x, y))
        assert torch.autograd.gradgradcheck(f, (x, y))


def test_gradient_of_squared_distances_far_from_the_origin():
    x, y, *_ = clouds(d=2, dtype=torch.float32, offset=1000.0)
    exact = 2 * len(y) * (x.double() - y.double().mean(0))
    assert torch.allclose(torch.autograd.grad(squared_distances(x, y).sum(), x)[0].double(), exact, atol=1e-3)


@pytest.mark.parametrize("spread", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_close_pairs_in_wide_far_clouds_keep_their_distances_and_gradients(spread, offset):
    x = (torch.randn(40, 2, generator=torch.Generator().manual_seed(3)) * spread + offset).requires_grad_()
    step = 2.0 ** math.ceil(math.log2(max(spread, offset)) - 18)  # a few roundings of x: both points are exact
    y = x.detach() + torch.tensor([step, 2 * step])
    found = distances(x, y).diagonal()
    assert torch.allclose(found.double(), (x.double() - y.double()).norm(dim=-1), rtol=1e-6)
    apart = (x.double() - y.double()).detach()
    assert torch.allclose(torch.autograd.grad(found.sum(), x)[0].double(), apart / apart.norm(dim=-1, keepdim=True), atol=1e-5)


@pytest.mark.parametrize("engine", [dense, streamed])
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_sums_of_far_clouds_are_those_of_float64(engine, offset):
    x, y, b, h = [(z.detach() * 64).round() / 64 for z in clouds(dtype=torch.float32)]  # what the offset rounds away is not counted
    x, y = ((z * 8).round() / 8 + offset for z in (x, y))
    wide = [z.double() for z in (x, y, b, h)]
    for name, f in SUMS.items():
        if name not in ("softmax_average", "repelled"):
            expected = f(*wide, engine=dense)
            assert torch.allclose(f(x, y, b, h, engine=engine).double(), expected, rtol=2e-5, atol=2e-6 * expected.abs().max()), name
    near = softmax_average(x - offset, y, b, beta=1.0, engine=engine)  # a shift of y alone changes no share
    assert torch.allclose(near.double(), softmax_average(x.double() - offset, wide[1] - offset, wide[2], beta=1.0), rtol=2e-5)


@pytest.mark.parametrize("spread", [1.0, 1e3, 1e6])
def test_softmin_keeps_the_digits_of_the_near_in_wide_clouds(spread):
    x = torch.randn(300, 2, generator=torch.Generator().manual_seed(4)) * spread
    y = x + 1.0
    exact = softmin(x.double(), y.double(), eps=1.0, engine=dense)
    for engine in (dense, streamed):
        found = softmin(x, y, eps=1.0, engine=engine).double()  # as if each point moved by a rounding; not 1e-7 of the squared diameter
        assert torch.allclose(found, exact, rtol=1e-5, atol=1e-6 * spread), engine.__name__


def test_sums_over_four_million_points_are_those_of_float64():
    m, g = 4_000_000, torch.Generator().manual_seed(5)
    x, y, b = torch.randn(1, 2, generator=g), torch.randn(m, 2, generator=g), torch.rand(m, 1, generator=g) + 10
    wide = x.double(), y.double(), b.double()
    expected = torch.exp(-(wide[0] - wide[1]).square().sum(-1) / 2)[None] @ wide[2]
    share = torch.softmax(0.1 * wide[0] @ wide[1].T, -1) @ wide[2]
    for engine in (dense, streamed):
        assert torch.allclose(gaussian_sum(x, y, b, length=1.0, engine=engine).double(), expected, rtol=1e-6)
    assert torch.allclose(softmax_average(x, y, b, beta=0.1, engine=streamed).double(), share, rtol=1e-6)
    mean = (wide[0] - wide[1]).norm(dim=-1).mean()
    assert mean_kernel(energy_kernel, y, x).item() == pytest.approx(-mean.item(), rel=1e-6)


def test_keops_without_a_compiler_says_so(monkeypatch):
    pytest.importorskip("pykeops", reason="KeOps is not installed")
    module = sys.modules["companion.kernels.keops"]

    def dies(*_):
        raise OSError("sh: g++: not found")

    monkeypatch.setitem(module.FORMULAS, exp_sum, dies)
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    x = torch.zeros(2, 1)
    with pytest.raises(RuntimeError, match=r"expected a C\+\+ compiler"):
        gaussian_sum(x, x, length=1.0, engine=keops)
    monkeypatch.setattr(module.shutil, "which", lambda name: "/usr/bin/g++")
    with pytest.raises(OSError, match="not found"):
        gaussian_sum(x, x, length=1.0, engine=keops)


@pytest.mark.parametrize("kernel", [lambda x, y: "word", lambda x, y: distances(x, y).mean(-1), lambda x, y: distances(x, y)[..., None],
                                    lambda x, y: distances(x, y).to(torch.int64)])
def test_what_a_readers_kernel_gives_is_looked_at(kernel):
    x = torch.zeros(3, 2)
    for call in (lambda: mean_kernel(kernel, x, x), lambda: softmin(x, x, eps=1.0, cost=kernel)):
        with pytest.raises((TypeError, ValueError), match=r"expected .*one number for each pair of points"):
            call()


def test_distances_have_gradient_zero_where_points_coincide():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    y = x.detach()
    assert torch.equal(torch.autograd.grad(distances(x, y).diagonal().sum(), x)[0], torch.zeros(2, 2, dtype=torch.float64))
    expected = torch.tensor([[-0.6, -0.8], [0.6, 0.8]], dtype=torch.float64)
    assert torch.allclose(torch.autograd.grad(distances(x, y).sum(), x)[0], expected)


def test_kernels_in_closed_form():
    x, y = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    assert gaussian_kernel(5.0)(x, y).item() == pytest.approx(math.exp(-0.5))
    assert gaussian_kernel(torch.tensor(2.5))(x, y).item() == pytest.approx(math.exp(-2.0))
    assert energy_kernel(x, y).item() == pytest.approx(-5.0)


def test_energy_distance_is_conditionally_positive():
    x = clouds(n=40)[0].detach()
    centring = torch.eye(40, dtype=x.dtype) - 1 / 40
    assert torch.linalg.eigvalsh(centring @ energy_kernel(x, x) @ centring).min() > -1e-10


def loops(x, y, b, h):
    """Every sum of SUMS, by loops over the points."""
    def over(f):
        return torch.stack([f(p) for p in x])

    def squares(p):
        return torch.stack([((p - q) ** 2).sum() for q in y])

    def soft(p, beta):
        w = torch.stack([(beta * (p * q).sum()).exp() for q in y])
        return (w[:, None] * b).sum(0) / w.sum()

    def mass(length):
        return over(lambda p: (-squares(p) / (2 * length**2)).exp().sum())

    return {
        "gaussian_sum": over(lambda p: ((-squares(p) / (2 * 0.7**2)).exp()[:, None] * b).sum(0)),
        "narrow": over(lambda p: ((-squares(p) / (2 * 0.05**2)).exp()[:, None] * b).sum(0)),
        "mass": mass(0.7),
        "softmax_average": over(lambda p: soft(p, 1.7)),
        "repelled": over(lambda p: soft(p, -0.8)),
        "softmin": over(lambda p: -0.3 * ((h - squares(p)) / 0.3).exp().sum().log()),
        "sharp": over(lambda p: -((h - squares(p)) / 0.02).max() * 0.02 - 0.02 * (((h - squares(p)) / 0.02).softmax(0).max() ** -1).log()),
        "softmin_cost": over(lambda p: -0.3 * ((h - squares(p).sqrt()) / 0.3).exp().sum().log()),
        "mean_gaussian": mass(0.7).mean() / len(y),
        "mean_energy": -over(lambda p: squares(p).sqrt().mean()).mean(),
    }


@pytest.mark.parametrize("engine", [None, dense, streamed])
def test_sums_are_those_of_loops(engine):
    args = clouds()
    for name, expected in loops(*[z.detach() for z in args]).items():
        assert torch.allclose(SUMS[name](*args, engine=engine), expected, rtol=1e-10, atol=1e-14), name


@pytest.mark.parametrize("name", SUMS)
def test_engines_agree_with_their_gradients_in_float64(name):
    for batch, offset in (((), 0.0), ((2,), 0.0), ((), 1.0 if name in ("softmax_average", "repelled") else 30.0)):
        args = clouds(batch=batch, offset=offset)
        assert_same(value_and_gradients(SUMS[name], args, engine=streamed), value_and_gradients(SUMS[name], args, engine=dense), 1e-9)


@pytest.mark.parametrize("name", SUMS)
def test_engines_agree_with_their_gradients_in_float32(name):
    args = clouds(n=300, m=400, dtype=torch.float32)
    exact = [z.detach().double().requires_grad_() for z in args]
    reference = [z.float() for z in value_and_gradients(SUMS[name], exact, engine=dense)]
    for engine in (dense, streamed):
        assert_same(value_and_gradients(SUMS[name], args, engine=engine), reference, 1e-5)


def test_gradients_reach_length_beta_and_eps():
    x, y, b, h = clouds()
    for f in (
        lambda s, e: gaussian_sum(x, y, b, length=s, engine=e),
        lambda s, e: softmax_average(x, y, b, beta=s, engine=e),
        lambda s, e: softmin(x, y, h, eps=s, engine=e),
    ):
        s = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
        slope = torch.autograd.grad(f(s, streamed).sum(), s)[0]
        with torch.no_grad():
            difference = (f(s + 1e-5, dense).sum() - f(s - 1e-5, dense).sum()) / 2e-5
        assert torch.allclose(slope, difference, rtol=1e-7)


def test_rows_in_many_blocks_give_the_same(monkeypatch):
    monkeypatch.setattr(kernels.engines, "BLOCK", {"cpu": 100})
    for op, (x, y, b, _) in ((exp_sum, clouds()), (soft_average, clouds(batch=(2,))), (log_sum, clouds(c=1))):
        args = (x, y, b)
        assert_same(value_and_gradients(functools.partial(by_rows, op), args), value_and_gradients(op, args), 1e-12)


def test_rows_keep_nothing_of_the_matrix_for_the_gradient(monkeypatch):
    monkeypatch.setattr(kernels.engines, "BLOCK", {"cpu": 8000})
    x, y, *_ = clouds(n=200, m=200)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda z: kept.append(z.numel()) or z, lambda z: z):
        mean_kernel(energy_kernel, x, y, engine=streamed)
    assert sum(kept) < 200 * 200 / 4


def test_a_shifted_cloud_stays_in_float32():
    seen = []

    class Kinds(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            if "attention" in str(func):
                seen.extend(z.dtype for z in out if isinstance(z, torch.Tensor) and z.is_floating_point())
            return out

    x, y, b, _ = [z.detach() for z in clouds(dtype=torch.float32, offset=50.0)]
    with Kinds():
        gaussian_sum(x, y, b, length=1.0, engine=streamed)
    assert set(seen) == {torch.float32}


def test_softmax_average_limits():
    x, y, b, _ = [z.detach() for z in clouds()]
    for engine in (dense, streamed):
        assert torch.allclose(softmax_average(x, y, b, beta=0.0, engine=engine), b.mean(0).expand(len(x), -1))
        assert torch.allclose(softmax_average(x, y, b, beta=1e4, engine=engine), b[(x @ y.T).argmax(1)])
        assert torch.allclose(softmax_average(x, y, b, beta=-1e4, engine=engine), b[(x @ y.T).argmin(1)])


def test_softmin_limits_and_points_of_no_weight():
    x, y, _, h = [z.detach() for z in clouds()]
    cost = squared_distances(x, y)
    far = x + 50
    h_less = h.clone()
    h_less[:5] = -math.inf
    for engine in (dense, streamed):
        assert torch.allclose(softmin(x, y, h, eps=1e-4, engine=engine), (cost - h).amin(1), atol=1e-3)
        assert torch.allclose(softmin(x, y, eps=1e6, engine=engine), cost.mean(1) - 1e6 * math.log(len(y)), atol=1e-3)
        assert torch.allclose(softmin(far, y, h, eps=0.01, engine=engine), (squared_distances(far, y) - h).amin(1), atol=0.1)
        assert torch.allclose(softmin(x, y, h_less, eps=0.3, engine=engine), softmin(x, y[5:], h[5:], eps=0.3, engine=dense))
        assert torch.allclose(softmin(x, y, h + 1e3, eps=0.3, engine=engine), softmin(x, y, h, eps=0.3, engine=dense) - 1e3)


class Largest(TorchDispatchMode):
    """The number of elements of the largest tensor made."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for z in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(z, torch.Tensor):
                self.numel = max(self.numel, z.numel())
        return out


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("n", [4100])
def test_no_large_matrix_is_made_above_4096_points(name, n):
    args = clouds(n=n, m=n, d=2, dtype=torch.float32)
    with Largest() as largest:
        out = SUMS[name](*args)
        torch.autograd.grad(out.sum(), args[0])
    assert largest.numel <= 2**18 < n * n / 50


def test_the_choice_of_engine():
    small, large, batch = torch.zeros(100, 2), torch.zeros(5000, 2), torch.zeros(9, 600, 2)
    assert chosen(None, small, small) is dense and chosen(None, large, small) is dense
    assert chosen(None, large, large) is streamed and chosen(None, batch, large) is streamed
    assert all(chosen(engine, large, small) is engine for engine in (dense, streamed, keops))


def test_a_gpu_takes_keops_where_its_compilation_pays(monkeypatch):
    monkeypatch.setattr(kernels.engines, "keops_works", lambda device: True)
    monkeypatch.setattr(kernels.engines, "has_values", lambda x: True)

    class Points(NamedTuple):
        shape: torch.Size
        device: torch.device

    for device, pays in (("cuda", keops), ("cpu", streamed)):
        few, many, wide = (Points(torch.Size([n, 3]), torch.device(device)) for n in (2**16, 2**17, 2**16 - 1))
        assert chosen(None, few, many) is pays and chosen(None, wide, many) is streamed


def test_an_export_takes_the_dense_formula_at_every_size():
    from torch.fx.experimental.proxy_tensor import make_fx

    def field(x, beta, length):
        x = x.detach().requires_grad_()
        force = torch.autograd.grad(mean_kernel(gaussian_kernel(length), x, x) - mean_kernel(energy_kernel, x, x), x)[0]
        return force + softmax_average(x, x, x, beta=beta) + gaussian_sum(x, x, x, length=length) + softmin(x, x, eps=0.3)[:, None]

    numbers = torch.tensor(1.3, dtype=torch.float64), torch.tensor(0.6, dtype=torch.float64)
    for traced in (17, 2500):  # a size that would be dense anyway, and one that would not
        graph = make_fx(field, tracing_mode="symbolic")(clouds(n=traced, d=2)[0].detach(), *numbers)
        assert not any("attention" in str(node.target) or "cdist" in str(node.target) for node in graph.graph.nodes)
        for n in (5, 2500 if traced == 17 else 30):
            x = clouds(n=n, d=2, seed=n)[0].detach()
            assert torch.allclose(graph(x, *numbers), field(x, *numbers), rtol=1e-9)


def test_keops_agrees():
    pytest.importorskip("pykeops", reason="KeOps is not installed")
    if not keops_works("cpu"):
        pytest.skip("KeOps is installed but does not compute here: it needs a C++ compiler")
    x, y, b, _ = [z.detach() for z in clouds(d=1, c=1, batch=(2,), dtype=torch.float32)]  # the formula that keops_works compiled
    assert_same([gaussian_sum(x, y, b, length=0.7, engine=keops)], [gaussian_sum(x, y, b, length=0.7, engine=dense)], 1e-5)


def test_bad_input():
    x, y, b, h = [z.detach() for z in clouds()]
    for error, call in (
        (TypeError, lambda: squared_distances([1.0], y)),
        (ValueError, lambda: squared_distances(x, y[:, :2])),
        (ValueError, lambda: distances(x[0], y)),
        (ValueError, lambda: energy_kernel(x, y[:, :2])),
        (ValueError, lambda: gaussian_kernel(0.0)),
        (TypeError, lambda: gaussian_kernel("wide")),
        (ValueError, lambda: gaussian_sum(x, y, b, length=-1.0)),
        (ValueError, lambda: gaussian_sum(x, y, b[:-1], length=1.0)),
        (TypeError, lambda: gaussian_sum(x, y, b.float(), length=1.0)),
        (ValueError, lambda: gaussian_sum(x, y * math.nan, b, length=1.0)),
        (ValueError, lambda: gaussian_sum(x, y, h, length=1.0)),
        (ValueError, lambda: gaussian_sum(x, y, b, length=1.0, engine="steamed")),
        (ValueError, lambda: softmax_average(x, y, b, beta=1.0, engine=torch.exp)),
        (ValueError, lambda: softmax_average(x, y, b, beta=math.inf)),
        (ValueError, lambda: softmax_average(x, y, b[:-1], beta=1.0)),
        (ValueError, lambda: softmin(x, y, h, eps=0.0)),
        (ValueError, lambda: softmin(x, y, h[:-1], eps=1.0)),
        (TypeError, lambda: softmin(x, y, h, eps=1.0, cost="squared")),
        (TypeError, lambda: mean_kernel(2.0, x, y)),
        (ValueError, lambda: mean_kernel(gaussian_kernel(1.0), x, y[:, :2])),
        (ValueError, lambda: keops(dense, x, y, b)),
        (ValueError, lambda: dense(exp_sum, x, y[:, :1], b)),
        (ValueError, lambda: streamed(exp_sum, x.expand(2, *x.shape), y, b.expand(3, *b.shape))),
    ):
        with pytest.raises(error, match="expected"):
            call()
