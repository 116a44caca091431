"""States with named parts: both verbs, every stepper, SciPy, noise and the shake do to each part what they do to one tensor that holds all."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from companion.flow import as_scipy, euler, flow, heun, iterate, rk4
from companion.noise import noise, noise_like, with_noise
from companion.state import by_parts, cut, each, flat, of_points, one, parts

F64 = torch.float64


class Phase(NamedTuple):
    x: torch.Tensor
    v: torch.Tensor


class Uneven(NamedTuple):
    cloud: torch.Tensor
    weights: torch.Tensor
    clock: torch.Tensor


def pendulum(t, z):
    return Phase(z.v, -torch.sin(z.x) - 0.1 * (1 + t) * z.v)


def packed_pendulum(t, z):
    return torch.stack([z[1], -torch.sin(z[0]) - 0.1 * (1 + t) * z[1]])


def midpoint(v, t, x, dt):
    """A stepper of a reader's own: the formula of a tensor."""
    return x + dt * v(t + dt / 2, x + dt / 2 * v(t, x))


def leapfrog_like(v, t, x, dt):
    """All that a formula may hold: differences, quotients, signs."""
    return -(-x - v(t, x) * dt / 2) + v(t, x - dt * v(t, x)) * (dt / 2)


@pytest.mark.parametrize("method", [euler, heun, rk4, midpoint, leapfrog_like])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_parts_move_as_one_tensor_does(method, dtype, generator):
    x, v = torch.randn(2, 7, 3, generator=generator, dtype=dtype)
    named = flow(pendulum, Phase(x, v), 1.5, 12, method=method, every=5)
    packed = flow(packed_pendulum, torch.stack([x, v]), 1.5, 12, method=method, every=5)
    assert isinstance(named.x, Phase) and isinstance(named.end, Phase) and named.x.v.shape == (4, 7, 3)
    assert torch.equal(named.t, packed.t) and torch.equal(torch.stack(named.x, 1), packed.x) and torch.equal(torch.stack(named.end), packed.end)


@pytest.mark.parametrize("method", [euler, heun, rk4])
def test_a_step_by_itself(method):
    z = Phase(torch.tensor(0.3, dtype=F64), torch.tensor(-1.0, dtype=F64))
    assert torch.equal(torch.stack(method(pendulum, 0.5, z, 0.1)), method(packed_pendulum, 0.5, torch.stack(z), 0.1))


def test_parts_of_different_shapes_and_the_projection():
    z = Uneven(torch.ones(4, 2, dtype=F64), torch.full((4,), 0.5, dtype=F64), torch.zeros((), dtype=F64))
    v = lambda t, z: Uneven(-z.cloud * z.weights[:, None], z.weights, torch.ones_like(z.clock))  # noqa: E731
    normed = lambda z: z._replace(weights=z.weights / z.weights.sum())  # noqa: E731
    path = flow(v, z, 1.0, 400, project=normed)
    assert path.x.cloud.shape == (401, 4, 2) and path.x.clock.shape == (401,)
    assert path.end.clock.item() == pytest.approx(1) and torch.allclose(path.end.weights, torch.full((4,), 0.25, dtype=F64))
    # the first step starts at weights 1/2, all others at 1/4: x' = -x / 4 up to O(dt)
    assert torch.allclose(path.end.cloud, torch.exp(torch.tensor(-0.25, dtype=F64)).expand(4, 2), atol=1e-3)


def test_iterate_keeps_the_parts():
    heavy_ball = lambda k, z: Phase(z.x + 0.9 * z.v - 0.1 * z.x, 0.9 * z.v - 0.1 * z.x)  # noqa: E731
    path = iterate(heavy_ball, Phase(torch.ones(2, dtype=F64), torch.zeros(2, dtype=F64)), 300, every=100)
    assert path.x.x.shape == (4, 2) and path.t.tolist() == [0, 100, 200, 300] and path.end.x.abs().max() < 1e-6


def test_gradients_pass_through_the_parts():
    x = torch.tensor(0.7, dtype=F64, requires_grad=True)
    v = torch.tensor(0.2, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, v: flow(pendulum, Phase(x, v), 1.0, 8).end.x, (x, v))


def test_scipy_sees_the_parts_one_after_the_other():
    z = Phase(torch.tensor([0.3, 1.0], dtype=F64), torch.tensor([0.0, -0.5], dtype=F64))
    flat = np.concatenate([part.numpy() for part in z])
    end = solve_ivp(as_scipy(pendulum, z), (0, 2), flat, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    assert np.allclose(end, torch.cat(list(flow(pendulum, z, 2.0, 400).end)).numpy(), atol=1e-9)
    with pytest.raises(TypeError, match="4 numbers"):
        as_scipy(pendulum, z)(0.0, flat[:3])


def test_noise_is_one_draw_cut_in_order():
    z = Uneven(torch.zeros(3, 2), torch.zeros(3), torch.zeros(()))
    xi = noise_like(z, seed=5, k=2)
    assert isinstance(xi, Uneven) and torch.equal(torch.cat([part.reshape(-1) for part in xi]), noise((10,), seed=5, k=2))
    assert torch.equal(noise_like(z.cloud, seed=5, k=2), noise((3, 2), seed=5, k=2))
    walk = iterate(with_noise(lambda k, z, xi: each(torch.add, z, xi), seed=5), z, 2)
    assert torch.allclose(walk.end.weights, sum(noise_like(z, seed=5, k=k).weights for k in range(2)))


def test_a_shaken_run_moves_every_part(monkeypatch):
    z = Phase(torch.tensor([0.3, 1.0], dtype=F64), torch.tensor([0.1, -0.5], dtype=F64))
    calm = flow(pendulum, z, 1.0, 10).end
    monkeypatch.setenv("COMPANION_SHAKE", "3")
    moved = flow(pendulum, z, 1.0, 10).end
    assert all(0 < (a - b).abs().max() < 1e-11 for a, b in zip(calm, moved, strict=True))


def test_a_shake_leaves_counts_and_what_rests(monkeypatch):
    monkeypatch.setenv("COMPANION_SHAKE", "3")
    count = lambda k, z: Uneven(0.7 * z.cloud, z.weights, z.clock + 1)  # noqa: E731
    end = iterate(count, Uneven(torch.full((4, 2), 0.3, dtype=F64), torch.full((4,), 0.1, dtype=F64), torch.zeros(3, dtype=F64)), 5).end
    assert end.clock.tolist() == [5, 5, 5] and end.weights.tolist() == [0.1] * 4 and len(end.cloud.unique()) == 2


def test_the_words_of_this_module():
    z = Phase(torch.zeros(2), torch.ones(2))
    assert parts(z) == {"x": z.x, "v": z.v} and list(parts(z.x, "next")) == ["next"] and one(z) is z.x and one(z.x) is z.x
    assert torch.equal(each(lambda a, b: a + b, z, z).v, torch.full((2,), 2.0)) and each(lambda a: a + 1, 1) == 2
    assert by_parts(rk4) is rk4 and by_parts(by_parts(midpoint)).by_parts


def test_a_state_in_one_row_and_back():
    z = Uneven(torch.rand(3, 2), torch.rand(3), torch.rand(()))
    assert torch.equal(flat(z), torch.cat([z.cloud.reshape(-1), z.weights, z.clock[None]]))
    assert all(map(torch.equal, cut(flat(z), z), z)) and torch.equal(cut(flat(z.cloud), z.cloud), z.cloud)


def test_parts_of_one_shape():
    z = Phase(torch.zeros(3, 2), torch.ones(3, 2))
    assert of_points(z, "z", kind=Phase) is z
    for bad, error, words in ((z.x, TypeError, r"z is a Tensor; expected Phase\(x, v\)"), (z._replace(v=z.v[:2]), ValueError, "z.v has shape"),
                              (Phase(z.x[0, 0], z.x[0, 0]), ValueError, r"expected points \(..., d\)")):
        with pytest.raises(error, match=words):
            of_points(bad, "z", kind=Phase)


@pytest.mark.parametrize(("z", "error", "words"), [
    ((torch.zeros(2), torch.zeros(2)), TypeError, "x0 is a tuple; expected a torch.Tensor, or a NamedTuple"),
    (Phase(torch.zeros(2), 1.0), TypeError, "x0.v is a float"),
    (Phase(torch.zeros(2), torch.zeros(2, dtype=F64)), TypeError, "x0.v is torch.float64"),
    (Phase(torch.zeros(2), torch.tensor([1.0, float("nan")])), ValueError, "x0.v contains NaN"),
    (Phase(torch.zeros(2), torch.zeros(2, dtype=torch.int64)), TypeError, "x0.v has dtype torch.int64"),
])
def test_what_is_no_state(z, error, words):
    with pytest.raises(error, match=words):
        flow(pendulum, z, 1.0, 2)
    with pytest.raises(error, match=words):
        iterate(lambda k, z: z, z, 2)


@pytest.mark.parametrize(("answer", "error", "words"), [
    (lambda t, z: z.x, TypeError, r"v\(t, x\) is a Tensor; expected Phase\(x, v\), like x"),
    (lambda t, z: (z.x, z.v), TypeError, r"v\(t, x\) is a tuple; expected Phase\(x, v\)"),
    (lambda t, z: Phase(z.x, z.v[:1]), ValueError, r"v\(t, x\).v has shape \(1,\)"),
    (lambda t, z: Phase(z.x, z.v.double()), TypeError, r"v\(t, x\).v is torch.float64"),
])
@pytest.mark.parametrize("method", [rk4, midpoint])
def test_what_a_field_must_give(answer, error, words, method):
    with pytest.raises(error, match=words):
        flow(answer, Phase(torch.zeros(2), torch.ones(2)), 1.0, 2, method=method)
    with pytest.raises(TypeError, match="step"):
        iterate(lambda k, z: z.x, Phase(torch.zeros(2), torch.ones(2)), 1)
