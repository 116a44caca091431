"""Controls in time and neural feedback: what training through a flow gives, against closed forms and Riccati."""

import math

import pytest
import torch

from companion import data
from companion.architectures import neural_control as nc
from companion.architectures.control import riccati
from companion.energies import mmd2
from companion.flow import flow
from companion.kernels import energy_kernel
from tests.helpers import near

F8 = torch.float64


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F8)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# layers

def test_a_layer_is_its_formula():
    x, theta = random(7, 2), random(15, seed=1)  # width 3
    W, A, b = theta[:6].view(2, 3), theta[6:12].view(3, 2), theta[12:]
    by_hand = torch.stack([sum(W[:, j] * torch.tanh(A[j] @ y + b[j]) for j in range(3)) for y in x])
    assert near(nc.layer(x, theta), by_hand, 1e-14)
    relu = nc.layer(x, theta, sigma=torch.relu)
    assert near(relu, sum(nc.half_plane(0.0, x, w=W[:, j], a=A[j], b=b[j]) for j in range(3)), 1e-14)


def test_layers_follow_their_times():
    theta, x = nc.weights(4, d=2, width=5, generator=seeded(), dtype=F8), random(6, 2)
    path = nc.through(theta, x, T=2.0)
    assert near(path.t, [0, 0.5, 1, 1.5, 2], 1e-15) and path.x.shape == (5, 6, 2)
    y = x
    for k in range(4):
        y = flow(lambda t, z, k=k: nc.layer(z, theta[k]), y, 0.5, 1).end
        assert near(path.x[k + 1], y, 1e-14)
    one = nc.weights(1, d=2, width=5, generator=seeded(), dtype=F8)
    fine = [nc.through(nc.refined(one, n), x, T=2.0).end for n in (4, 8, 16, 256)]
    gaps = [(f - fine[-1]).abs().max() for f in fine[:3]]
    assert 12 < gaps[0] / gaps[1] < 22 and 12 < gaps[1] / gaps[2] < 22  # order 4: a deeper network is the same flow, better computed


def test_refined_layers_are_the_same_controls():
    theta, x = nc.weights(4, d=2, width=5, generator=seeded(), dtype=F8), random(6, 2)
    for t in torch.linspace(0.05, 1.95, 20, dtype=F8):
        field = nc.at_depth(t, x, theta=theta, T=2.0)
        assert near(field, nc.layer(x, theta[int(2 * t)]), 1e-14) and near(field, nc.at_depth(t, x, theta=nc.refined(theta, 3), T=2.0), 1e-14)


def test_the_steps_of_training_go_down_along_half_a_cosine():
    # under a constant slope Adam moves by its step: by n of them, or by the sum of (1 + cos(pi k / n)) / 2, which is (n + 1) / 2
    for decay, moves in ((True, 4), (False, 7)):
        assert near(nc.trained(lambda w: w.sum(), torch.zeros(3, dtype=F8), 7, lr=0.1, decay=decay)[0], [-0.1 * moves] * 3, 1e-6)


def test_one_control_for_every_depth():
    # x' = u on [0, 1], 1/2 int u^2 + a/2 (x(1) - 1)^2: by gradient descent to a / (1 + a) on every layer, the error left 1 / (1 + a)
    a, K = 3.0, 8
    best, losses = nc.trained(lambda u: (u.square().mean() + a * (u.mean() - 1) ** 2) / 2, torch.zeros(K, 1, dtype=F8), 400, lr=0.1)
    assert near(best, torch.full((K, 1), a / (1 + a)), 1e-3) and losses.shape == (400,)
    assert near(losses[-1], a / (1 + a) / 2, 1e-5) and losses[0] == a / 2


def test_training_separates_rings():
    # a ball in a ring is no graph of one sign for any line: at the start no line does it, after training x_1 = 0 does
    inner, outer = data.ring(60, generator=seeded(), radius=0.4, noise=0.1), data.ring(60, generator=seeded(1), radius=1.5, noise=0.1)
    x, labels = torch.cat([inner, outer]), torch.arange(120) // 60
    theta = nc.weights(8, d=2, width=4, generator=seeded(2), scale=0.5)
    trained, losses = nc.trained(lambda w: nc.margin_loss(nc.through(w, x, T=2.0).end, labels), theta, 150, lr=0.05)
    assert nc.accuracy(x, labels) < 0.7 and nc.accuracy(nc.through(trained, x, T=2.0).end, labels) > 0.95 and losses[-1] < 0.3 * losses[0]


def test_a_cloud_is_brought_to_another():
    x, y = data.sample_gaussian(80, generator=seeded(), scale=0.5), data.moons(80, generator=seeded(1))
    E = mmd2(y, kernel=energy_kernel)
    theta = nc.weights(6, d=2, width=6, generator=seeded(2), scale=0.3)
    trained, losses = nc.trained(lambda w: E(nc.through(w, x, T=1.0).end), theta, 120, lr=0.05)
    assert E(nc.through(trained, x).end) < 0.1 * E(x) and losses[-1] < 0.15 * losses[0]


def test_the_margin_loss():
    x, labels = torch.tensor([[2.0, 9], [-1, 9], [0.5, 9]], dtype=F8), torch.tensor([1, 0, 0])
    assert near(nc.margin_loss(x, labels), (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)) + math.log1p(math.exp(0.5))) / 3, 1e-14)
    assert nc.accuracy(x, labels) == pytest.approx(2 / 3)


# feedback


def test_a_pendulum_keeps_its_energy():
    x0 = torch.tensor([[2.0, 0.3], [0.5, -1.0]], dtype=F8)
    free = flow(lambda t, x: nc.pendulum(t, x, torch.zeros_like(x[..., :1])), x0, 10.0, 2000)
    assert near(nc.energy(free.x), nc.energy(x0).expand(2001, 2), 1e-8)
    braked = flow(lambda t, x: nc.pendulum(t, x, torch.zeros_like(x[..., :1]), friction=0.2), x0, 60.0, 3000).end
    assert near(nc.energy(braked), [-1, -1], 1e-3)  # it hangs
    assert nc.energy(torch.tensor([0.0, 0])) == 1 and near(nc.energy(torch.tensor([math.pi, 0.0])), -1, 1e-6)


def test_energy_control_reaches_the_energy_of_the_top():
    x0 = torch.tensor([[math.pi - 0.3, 0.0], [math.pi + 0.1, 0.2]], dtype=F8)
    path = flow(nc.closed(nc.pendulum, nc.swing_up), x0, 40.0, 4000)
    E = nc.energy(path.x)
    assert (E.diff(dim=0) > -1e-9).all() and near(E[-1], [1, 1], 1e-3)  # from below the energy never falls
    assert nc.swing_up(0.0, path.x).abs().max() <= 0.8


def test_the_cart_pole_is_lagrange_s():
    # kinetic and potential energy of a uniform pole of half-length l on a cart: conserved without force
    M, m, ell, g = 1.0, 0.1, 0.5, 9.81
    path = flow(lambda t, x: nc.cart_pole(t, x, torch.zeros_like(x[..., :1])), torch.tensor([0.0, 0.3, 0.4, -0.2], dtype=F8), 2.0, 2000)
    _, v, angle, turn = path.x.unbind(-1)
    kinetic = (M + m) * v**2 / 2 + m * ell * v * turn * angle.cos() + (4 / 3) * m * ell**2 * turn**2 / 2
    E, momentum = kinetic + m * g * ell * angle.cos(), (M + m) * v + m * ell * turn * angle.cos()
    assert near(E, E[0].expand(2001), 1e-9) and near(momentum, momentum[0].expand(2001), 1e-9)
    pushed = nc.cart_pole(0.0, torch.zeros(4, dtype=F8), torch.ones(1, dtype=F8))
    assert near(pushed, [0, 1 / (M + m) + m * ell / (M + m) * -pushed[3], 0, pushed[3]], 1e-12) and pushed[3] < 0 < pushed[1]


def test_a_network_is_its_formula():
    theta, z = nc.policy(3, 5, generator=seeded(), dtype=F8), random(4, 3)
    W, b, V = theta[:15].view(5, 3), theta[15:20], theta[20:]
    assert theta.shape == (25,) and near(nc.network(z, theta)[:, 0], torch.tanh(z @ W.T + b) @ V, 1e-14)
    W, rest = nc.policy(4, 2000, generator=seeded(), scale=0.2, dtype=F8).split([8000, 4000])
    assert 0.48 < W.std() < 0.52 and 0.19 < rest.std() < 0.21  # sums of as many inputs have variance 1, whatever the scale
    x = random(9, 2)
    u = nc.pendulum_policy(0.0, x, theta=10 * theta, most=0.7)
    assert u.shape == (9, 1) and u.abs().max() <= 0.7
    assert near(u, nc.pendulum_policy(0.0, x + torch.tensor([2 * math.pi, 0], dtype=F8), theta=10 * theta, most=0.7), 1e-12)  # a turn does not matter


def test_the_mean_cost_is_an_integral():
    x0 = torch.tensor([[1.0], [2.0]], dtype=F8)
    value = nc.mean_cost(lambda t, x, u: u, lambda t, x: -x, lambda x, u: (x.square() + u.square()).sum(-1), x0, 3.0, 600)
    assert near(value, (1 + 4) / 2 * (1 - math.exp(-6)) / 3, 1e-5)


def test_time_in_the_law_and_in_the_motion():
    # x' = t u with u = t: x = x(0) + t^3 / 3, and the mean of x + u^2 over [0, 2] from 1 and 3 is 2 + 2/3 + 4/3
    def law(t, x):
        return t + 0 * x

    value = nc.mean_cost(lambda t, x, u: t * u, law, lambda x, u: x[..., 0] + u[..., 0] ** 2, torch.tensor([[1.0], [3.0]], dtype=F8), 2.0, 400)
    assert near(value, 4, 1e-4) and near(nc.closed(lambda t, x, u: t * u, law)(2.0, torch.zeros(3, 1)), torch.full((3, 1), 4.0), 0)


def test_a_trained_feedback_comes_near_riccati():
    # the oscillator x'' = -x + u, cost (|x|^2 + u^2) / 2: no feedback beats -Kx, the network comes within 15 %
    A, B = torch.tensor([[0.0, 1], [-1, 0]], dtype=F8), torch.tensor([[0.0], [1]], dtype=F8)
    _, K = riccati(A, B, torch.eye(2), torch.eye(1))
    x0 = random(48, 2)

    def cost_of(law):
        return nc.mean_cost(lambda t, x, u: x @ A.T + u @ B.T, law, lambda x, u: (x.square().sum(-1) + u.square().sum(-1)) / 2, x0, 8.0, 100)

    best = cost_of(lambda t, x: -x @ K.T)
    theta, _ = nc.trained(lambda w: cost_of(lambda t, x: nc.network(x, w)), nc.policy(2, 16, generator=seeded(1), dtype=F8), 80, lr=0.05)
    found = cost_of(lambda t, x: nc.network(x, theta))
    assert best < found < 1.15 * best
    assert best * 8 == pytest.approx(((x0 @ riccati(A, B, torch.eye(2), torch.eye(1))[0] * x0).sum(-1) / 2).mean().item(), rel=2e-3)


def test_near_the_top_no_network_helps_riccati():
    top = torch.zeros(4, dtype=F8)
    A = torch.autograd.functional.jacobian(lambda x: nc.cart_pole(0.0, x, top[:1]), top)
    B = torch.autograd.functional.jacobian(lambda u: nc.cart_pole(0.0, top, u), top[:1])
    weigh = torch.tensor([2.0, 0.2, 10.0, 0.2], dtype=F8)
    _, K = riccati(A, B, torch.diag(weigh), [[0.02]])
    x0 = 0.05 * random(8, 4)

    def cost_of(theta):
        return nc.mean_cost(nc.cart_pole, lambda t, x: -x @ K.T + nc.network(x, theta),
                            lambda x, u: (weigh * x * x).sum(-1) / 2 + 0.01 * u[..., 0] ** 2, x0, 15.0, 600)

    added = [0.3 * nc.policy(4, 8, generator=seeded(k), scale=0.3, dtype=F8) for k in range(5)]
    assert all(cost_of(theta) > cost_of(0 * theta) for theta in added)


def test_what_is_exact_on_forty_digits_is_no_better_than_a_coin_on_others():
    images = [data.digits(k)[0].reshape(-1, 64) for k in (3, 8)]
    pixels, kind = torch.cat(images), torch.arange(2).repeat_interleave(torch.tensor([len(i) for i in images]))
    pixels = pixels - pixels.mean(0)
    x = (pixels @ torch.linalg.svd(pixels, full_matrices=False).Vh[:2].T).double()
    right = []
    for k in range(20):
        given, others = torch.randperm(len(x), generator=seeded(k)).split([40, len(x) - 40])
        moves = nc.interpolate(x[given], torch.stack([2.0 * kind[given] - 1, torch.linspace(-2, 2, 40)], -1).double())
        assert nc.accuracy(nc.follow(x[given], moves)[-1], kind[given]) == 1
        right.append(nc.accuracy(nc.follow(x[others], moves)[-1], kind[others]))
    assert 0.3 < torch.stack(right).mean() < 0.5


@pytest.mark.parametrize("make, error, words", [
    (lambda: nc.through(torch.zeros(3, 7), torch.zeros(4, 2)), ValueError, r"width \* 5"),
    (lambda: nc.through(torch.zeros(10), torch.zeros(4, 2)), ValueError, "expected"),
    (lambda: nc.weights(0, d=2, width=3, generator=seeded()), ValueError, "layers"),
    (lambda: nc.weights(2, d=2, width=3, generator=7), TypeError, "generator"),
    (lambda: nc.refined(torch.zeros(2, 5), 0), ValueError, "times"), (lambda: nc.trained(3, torch.zeros(2), 3), TypeError, "loss"),
    (lambda: nc.trained(lambda w: w.sum(), torch.zeros(2), 0), ValueError, "steps"),
    (lambda: nc.trained(lambda w: w.sum(), torch.zeros(2), 1, lr=0.0), ValueError, "lr"),
    (lambda: nc.trained(lambda w: w.sum().log(), torch.zeros(2), 3), ValueError, "smaller lr"),
    (lambda: nc.margin_loss(torch.zeros(3, 2), torch.zeros(4)), ValueError, "one for each point"),
    (lambda: nc.accuracy(torch.zeros(3, 2), torch.tensor([0, 1, 2])), ValueError, "expected 0 and 1"),
    (lambda: nc.policy(3, 4, generator=None), TypeError, "generator"), (lambda: nc.closed(1, 2), TypeError, "f is"),
    (lambda: nc.mean_cost(nc.pendulum, nc.swing_up, 1, torch.zeros(2, 2), 1.0, 3), TypeError, "cost"),
    (lambda: nc.mean_cost(lambda t, x, u: u, lambda t, x: x, lambda x, u: x, torch.zeros(2, 2), 1.0, 3), ValueError, r"cost.*shape \(2,\)"),
])
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()
