"""Neural control: half-plane moves interpolate exactly; gradients of a flow, two ways; volumes."""

import math

import pytest
import torch

from companion.architectures import neural_control as nc
from companion.flow import euler, flow, iterate, rk4
from tests.helpers import near

F8 = torch.float64


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F8)


# half-plane moves

@pytest.mark.parametrize("T", [1.0, 0.3, -0.5])
def test_a_move_is_the_flow_of_its_field(T):
    x = random(40, 2)
    for seed, w in ((1, None), (2, torch.tensor([2.0, 1.0], dtype=F8)), (3, torch.tensor([2.0, 1.0 + 1e-6], dtype=F8))):
        a, b = (random(2, seed=seed), 0.3) if w is None else (torch.tensor([1.0, -2.0], dtype=F8), -0.2)  # w.a = 0, or nearly
        w = random(2, seed=9) if w is None else w
        there = flow(lambda t, y, w=w, a=a, b=b: nc.half_plane(t, y, w=w, a=a, b=b), x, T, 400).end
        assert near(nc.moved(x, w, a, b, T), there, 1e-9)
        still = x @ a + b <= 0
        assert still.any() and torch.equal(nc.moved(x, w, a, b, T)[still], x[still])
        assert near(nc.moved(nc.moved(x, w, a, b, T), w, a, b, -T), x, 1e-12)


def test_the_volume_of_a_move():
    x, w, a, b = random(50, 2), random(2, seed=1), random(2, seed=2), 0.1
    jacobian = torch.stack([torch.autograd.functional.jacobian(lambda y: nc.moved(y, w, a, b, 0.7), y) for y in x])
    assert near(torch.linalg.slogdet(jacobian).logabsdet, nc.log_volume(x, w, a, b, 0.7), 1e-12)
    assert set(nc.log_volume(x, w, a, b, 0.7).tolist()) == {0.0, (0.7 * (w * a).sum()).item()}


def test_three_points_by_hand():
    # abscissae -1, 0, 1 at height 0, wanted 1, -1, 1: shears with kinks at -2, -1, 0 and amplitudes 1, -3, 4
    x, y = torch.tensor([[-1.0, 0], [0, 0], [1, 0]], dtype=F8), torch.tensor([[-1.0, 1], [0, -1], [1, 1]], dtype=F8)
    e1, e2 = torch.eye(2, dtype=F8)
    moves = nc.Moves(torch.tensor([[1.0], [-3], [4]], dtype=F8) * e2, e1.expand(3, 2), torch.tensor([2.0, 1, 0], dtype=F8))
    assert near(nc.follow(x, moves)[-1], y, 1e-15)


@pytest.mark.parametrize("n", [1, 2, 8, 25])
def test_any_points_go_anywhere(n):
    x, y = random(n, 2), random(n, 2, seed=1)
    moves = nc.interpolate(x, y)
    assert moves.w.shape == moves.a.shape == (2 * n, 2) and moves.b.shape == (2 * n,)
    states = nc.follow(x, moves)
    assert states.shape == (2 * n + 1, n, 2) and torch.equal(states[0], x) and near(states[-1], y, 1e-9 * moves.w.abs().max().item())
    assert near((moves.w * moves.a).sum(-1), torch.zeros(2 * n), 1e-12 * moves.w.abs().max().item())  # shears: every area is kept
    run = flow(nc.piecewise(moves), x, 2.0 * n, 8 * n, method=euler, every=4)  # along a shear the velocity is constant: Euler is exact
    middle = states[0] if n == 0 else run.x[n]
    assert near(run.end, y, 1e-8 * max(1, moves.w.abs().max().item())) and near(middle, states[n], 1e-8 * max(1, moves.w.abs().max().item()))


def test_before_the_first_move_and_after_the_last_the_field_is_theirs():
    moves, x = nc.Moves(random(3, 2), random(3, 2, seed=1), random(3, seed=2)), random(5, 2, seed=3)
    for t, k in ((-1, 0), (0, 0), (2.5, 2), (3, 2), (7, 2)):
        assert torch.equal(nc.piecewise(moves)(t, x), nc.half_plane(t, x, w=moves.w[k], a=moves.a[k], b=moves.b[k]))


def test_points_that_share_a_coordinate():
    x = torch.tensor([[0.0, 0], [0, 1], [0, 2], [1, 0]], dtype=F8)  # three on a vertical line
    y = torch.tensor([[5.0, 3], [-1, 3], [2, 3], [0, 0]], dtype=F8)  # three on a horizontal one
    assert near(nc.follow(x, nc.interpolate(x, y))[-1], y, 1e-10)
    with pytest.raises(ValueError, match="another angle"):
        nc.interpolate(x, y, angle=0.0)
    assert near(nc.follow(x, nc.interpolate(x, y, angle=0.4))[-1], y, 1e-8)


def test_float32_and_batches_keep_their_kind():
    x, w, a = random(5, 7, 2).float(), random(2).float(), random(2, seed=3).float()
    assert nc.moved(x, w, a, 0.2).dtype == torch.float32 and nc.moved(x, w, a, 0.2).shape == (5, 7, 2)
    assert torch.equal(nc.moved(x, w, a, 0.2)[3], nc.moved(x[3], w, a, 0.2))


# obstructions

def test_in_one_dimension_order_is_kept_and_one_more_dimension_helps():
    x0 = torch.tensor([[-1.0], [1.0]], dtype=F8)
    end = flow(lambda t, x: torch.tanh(3 * x @ random(1, 1) + 1), x0, 5.0, 200).end
    assert end[0, 0] < end[1, 0]  # so the mean squared error to (1, -1) is at least 1, by pairing: min over u <= v of ((u-1)^2 + (v+1)^2) / 2
    u = torch.linspace(-2, 2, 401, dtype=F8)
    errors = ((u[:, None] - 1) ** 2 + (u[None] + 1) ** 2) / 2
    assert near(errors[u[:, None] <= u[None]].min(), 1, 1e-12)
    turn = torch.tensor([[0.0, -1], [1, 0]], dtype=F8)
    assert near(flow(lambda t, x: math.pi * x @ turn.T, torch.tensor([[-1.0, 0], [1, 0]], dtype=F8), 1.0, 100).end,
                [[1, 0], [-1, 0]], 1e-7)


# gradients

def line(t, x, theta):
    return theta * x


def to(y):
    return lambda x: (x - y).square().sum() / 2


def test_the_gradient_of_a_line():
    x0, theta, y = torch.tensor([1.3], dtype=F8), torch.tensor(0.7, dtype=F8), 0.4
    exact = (1.3 * math.exp(0.7) - y) * 1.3 * math.exp(0.7)
    assert exact == pytest.approx(5.806136536082853, abs=1e-14)
    for N, value in ((10, 5.155933), (20, 5.465178), (40, 5.631422), (80, 5.717684)):
        assert near(nc.discrete_gradient(line, to(y), x0, theta, 1.0, N, method=euler)[1], value, 5e-7)
    J, dtheta, dx0 = nc.discrete_gradient(line, to(y), x0, theta, 1.0, 100)
    assert near(dtheta, exact, 1e-8) and near(J, (1.3 * math.exp(0.7) - y) ** 2 / 2, 1e-8)
    assert near(dx0, [(1.3 * math.exp(0.7) - y) * math.exp(0.7)], 1e-8)


def network(t, x, theta):
    """2 -> 8 -> 2, tanh."""
    W, b, V = theta[:16].view(8, 2), theta[16:24], theta[24:].view(2, 8)
    return torch.tanh(x @ W.T + b) @ V.T


@pytest.mark.parametrize("method, ratio, margin", [(euler, 2, 0.15), (rk4, 16, 1.5)])
@pytest.mark.parametrize("reconstruct", [True, False])
def test_the_continuous_adjoint_is_another_vector(method, ratio, margin, reconstruct):
    if method is rk4 and not reconstruct:
        return  # between the kept states the way is a polygon: of second order only
    theta, x0 = random(40, seed=4), random(6, 2)
    apart = []
    for N in (10, 20, 40):
        exact = nc.discrete_gradient(network, to(1.0), x0, theta, 1.0, N, method=method)
        other = nc.continuous_adjoint(network, to(1.0), x0, theta, 1.0, N, method=method, reconstruct=reconstruct)
        apart.append(((exact[1] - other[1]).norm() / exact[1].norm()).item())
        assert near(exact[0], other[0], 1e-12) and exact[2].shape == other[2].shape == x0.shape
    assert apart[0] / apart[1] == pytest.approx(ratio, abs=3 * margin) and apart[1] / apart[2] == pytest.approx(ratio, abs=margin)


def test_the_exact_gradient_is_that_of_the_discrete_loss():
    theta, x0, h = random(40, seed=4), random(6, 2), 1e-6
    _, dtheta, dx0 = nc.discrete_gradient(network, to(1.0), x0, theta, 1.0, 7, method=euler)

    def loss(x, w):
        return to(1.0)(flow(lambda t, y: network(t, y, w), x, 1.0, 7, method=euler).end)

    for i in (0, 17, 33):
        e = torch.zeros(40, dtype=F8).index_fill(0, torch.tensor([i]), h)
        assert near((loss(x0, theta + e) - loss(x0, theta - e)) / (2 * h), dtheta[i], 1e-7)
    e = torch.zeros(6, 2, dtype=F8)
    e[4, 1] = h
    assert near((loss(x0 + e, theta) - loss(x0 - e, theta)) / (2 * h), dx0[4, 1], 1e-7)


def test_the_adjoint_is_pontryagin_s_costate():
    from companion.architectures.control import Problem, extremal

    theta, x0, N = random(40, seed=4), random(2), 200
    problem = Problem(lambda t, x, u: network(t, x, theta), x0=x0, T=1.0)
    _, _, dx0 = nc.discrete_gradient(network, to(1.0), x0, theta, 1.0, N)
    path = flow(extremal(problem, lambda t, x, p: x[..., :1]), torch.stack([x0, -dx0]), 1.0, N)
    x, p = path.x.unbind(1)
    assert near(-p[-1], x[-1] - 1.0, 1e-7)  # minus the costate ends as the gradient of the loss
    H = torch.stack([(q * network(0, y, theta)).sum() for y, q in zip(x, p, strict=True)])
    assert (H - H[0]).abs().max() < 1e-7 * max(1.0, H.abs().max().item())  # constant weights: H is conserved


@pytest.mark.parametrize("rate, value", [(1, 0.995012417), (10, 0.606151064), (50, 2.478879e-06)])
def test_the_film_backwards(rate, value):
    assert nc.come_back(rate, 200) == pytest.approx(value, rel=2e-6)
    x0 = torch.ones(1, dtype=F8)
    back = nc.continuous_adjoint(line, to(0.0), x0, torch.tensor(-float(rate), dtype=F8), 1.0, 200, method=euler)[3]
    assert near(back, [nc.come_back(rate, 200)], 1e-12)


def test_the_film_backwards_over_kept_states():
    # Euler's states r^k, r = 1 - 10 / 50, looked up at the ends of the steps: x(0) = r^N + (1 - r) (r + ... + r^N)
    x0, theta, r = torch.ones(1, dtype=F8), torch.tensor(-10.0, dtype=F8), 0.8
    back = nc.continuous_adjoint(line, to(0.0), x0, theta, 1.0, 50, method=euler, reconstruct=False)[3]
    assert near(back, [r**50 + r * (1 - r**50)], 1e-12)


def test_gradients_where_time_enters():
    # x' = theta t x: x(2) = x(0) e^{2 theta}
    x0, theta = torch.tensor([0.8], dtype=F8), torch.tensor(0.3, dtype=F8)
    x, T = 0.8 * math.exp(0.6), 2.0

    def hurried(t, x, theta):
        return theta * t * x

    for found in (nc.discrete_gradient(hurried, to(0.4), x0, theta, T, 100), nc.continuous_adjoint(hurried, to(0.4), x0, theta, T, 100)):
        assert near(found[1], (x - 0.4) * 2 * x, 1e-7) and near(found[2], [(x - 0.4) * math.exp(0.6)], 1e-7)
    end, log_det = nc.log_density_change(lambda t, y: hurried(t, y, theta), x0[None], T, 100)
    assert near(end, [[x]], 1e-8) and near(log_det, [0.6], 1e-8)


def test_volumes_along_a_flow():
    theta, x0 = random(40, seed=4) / 2, random(5, 2)

    def f(t, x):
        return network(t, x, theta)

    x, log_det = nc.log_density_change(f, x0, 1.0, 100)
    jacobian = torch.stack([torch.autograd.functional.jacobian(lambda y: flow(f, y, 1.0, 100).end, y) for y in x0])
    assert near(torch.linalg.slogdet(jacobian).logabsdet, log_det, 1e-8) and near(x, flow(f, x0, 1.0, 100).end, 1e-13)
    M = random(2, 2, seed=6)
    assert near(nc.divergence(lambda t, x: x @ M.T, 0.0, x0), torch.trace(M).expand(5), 1e-13)


@pytest.mark.parametrize("make, error, words", [
    (lambda: nc.interpolate(random(3, 2), random(4, 2)), ValueError, "as many points"),
    (lambda: nc.interpolate(random(3, 3), random(3, 3)), ValueError, r"\(n, 2\)"),
    (lambda: nc.interpolate(torch.zeros(2, 2), random(2, 2).float()), ValueError, "x coincide"),
    (lambda: nc.interpolate(random(2, 2), torch.zeros(2, 2, dtype=F8)), ValueError, "y coincide"),
    (lambda: nc.moved([0, 1], None, None, 0), TypeError, "torch.Tensor"),
    (lambda: nc.moved(random(2), random(2), random(2), 0, math.inf), ValueError, "T"),
    (lambda: nc.moved(random(2), random(2), random(3), 0), ValueError, "x, w, a have shapes"),
    (lambda: nc.follow(random(2), nc.Moves(random(3, 2), random(3, 2), random(4))), ValueError, "moves has shapes"),
    (lambda: nc.discrete_gradient(None, to(1), random(2), random(2), 1.0, 3), TypeError, "f is"),
    (lambda: nc.discrete_gradient(line, to(1), random(2), random(2), 1.0, 0), ValueError, "steps"),
    (lambda: nc.continuous_adjoint(line, 3, random(2), random(2), 1.0, 3), TypeError, "phi"),
    (lambda: nc.discrete_gradient(line, lambda x: x, random(2), random(2), 1.0, 3), ValueError, "expected a 0-d"),
    (lambda: nc.discrete_gradient(lambda t, x, w: x[:1], to(1), random(2), random(2), 1.0, 3), ValueError, "expected that of x"),
    (lambda: nc.come_back(1.0, 0), ValueError, "steps"), (lambda: nc.log_density_change(None, random(2), 1.0, 3), TypeError, "f is"),
])
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()


# what the page drives

def test_the_page_drives_any_points_to_their_targets():
    for n in (1, 5, 8):
        state = torch.stack([random(n, 2, seed=n), random(n, 2, seed=n + 1)])
        path = iterate(nc.drive, state, 12 * n)
        assert nc.miss(path.end) < 1e-9 and torch.equal(path.end[1], state[1])
        half = path.x[6 * n, 0]
        assert near(half[:, 1], state[1][:, 1], 1e-10) and near(half[:, 0], state[0][:, 0], 1e-12)  # first heights, then abscissae
        moves = nc.interpolate(*state, angle=0.0)
        assert near(half, nc.follow(state[0], moves)[n], 1e-9)  # one neuron or two a layer: the same place
        far = state[0][:, 0].argmax()
        lifts = state[1][:, 1] - state[0][:, 1]
        assert (path.x[:6 * n, 0, far, 1] - state[0][far, 1]).abs().max() <= lifts.abs().max() + 1e-9  # nobody is sent further than someone has to go
        done = path.x[::6]
        for j in range(n):  # a shear leaves what is left of it, and brings one point to its height
            first = state[0][:, 0].argsort()
            assert near(done[j + 1, 0, first[:j], 1], state[1][first[:j], 1], 1e-10)
        again = iterate(nc.drive, path.end + 0.1 * random(2, n, 2, seed=3), 12 * n)
        assert nc.miss(again.end) < 1e-9
    assert near(iterate(nc.drive, torch.stack([random(4, 2), random(4, 2, seed=1)]), 48 + 7).x[48:].diff(dim=0).abs().max(), 0, 1e-9)


MOVE = {"line": 30.0, "offset": 0.2, "direction": 100.0, "strength": 0.7}


def test_a_reader_s_moves_are_counted_and_kept():
    x, y = random(5, 2), random(5, 2, seed=1)
    state = nc.in_hand(x, y)
    assert torch.equal(state[0], x) and torch.equal(state[1], y) and state[2, 0].tolist() == [0, -1]
    assert torch.equal(iterate(nc.carry_on, state, 50).end, state)  # by itself nothing happens
    by_hand = state
    for count in (1, 2, 3):
        by_hand = nc.hand_move(by_hand, **MOVE | {"line": 40.0 * count})
        assert by_hand[2, 0, 0] == count and nc.moves_driven(by_hand) == 0
    plain = torch.stack([x, y])
    for count in (1, 2, 3):
        plain = nc.own_move(plain, **MOVE | {"line": 40.0 * count})
    assert torch.equal(by_hand[:2], plain) and torch.equal(iterate(nc.carry_on, by_hand, 9).end, by_hand)


def test_the_algorithm_is_set_going_from_wherever_the_points_are():
    x, y = random(5, 2), random(5, 2, seed=1)
    state = iterate(nc.carry_on, nc.set_going(nc.hand_move(nc.in_hand(x, y), **MOVE)), 31).end
    assert nc.moves_driven(state) == pytest.approx(31 / 6) and state[2, 0, 0] == 1
    moved = nc.hand_move(state, **MOVE)  # a move of the reader's stops it
    assert moved[2, 0].tolist() == [2, -1] and torch.equal(iterate(nc.carry_on, moved, 5).end, moved)
    end = iterate(nc.carry_on, nc.set_going(moved), 70)
    assert nc.miss(end.end[:2]) < 1e-9 and nc.moves_driven(end.end) == 10 and torch.equal(end.x[60], end.end)
    assert torch.equal(end.x[7, :2], nc.drive(6, nc.drive(5, end.x[5, :2])))


def test_points_on_one_vertical_line_stop_the_driving():
    x = torch.tensor([[0.0, 0], [0, 1]], dtype=F8)
    assert not nc.miss(iterate(nc.drive, torch.stack([x, random(2, 2)]), 24).end) < 1e-9


def test_the_driving_slides_in_the_order_of_the_targets():
    # heights 0 and 1, targets at 1 and 0: the second point has the lowest target; then the first, with the line before it beyond it, stays
    state = torch.tensor([[[0, 0], [0, 1]], [[3, 1], [5, 0]]], dtype=F8)
    assert near(nc.drive(6 * 2 + 5, state)[0], [[0, 0], [5, 1]], 1e-12) and torch.equal(nc.drive(6 * 3 + 5, state), state)
    assert nc.miss(torch.stack([state[0] + torch.tensor([[3, 4], [0, 0]]), state[0]])) == 5


def test_a_reader_s_move():
    state = torch.stack([random(9, 2), random(9, 2, seed=1)])
    options = {"line": 30.0, "offset": 0.2, "direction": 100.0, "strength": 0.7}
    a, w = (torch.tensor([math.cos(u), math.sin(u)], dtype=F8) for u in (math.radians(30), math.radians(100)))
    after = nc.own_move(state, **options)
    assert near(after[0], flow(lambda t, y: nc.half_plane(t, y, w=0.7 * w, a=a, b=-0.2), state[0], 1.0, 200).end, 1e-9)
    assert torch.equal(after[1], state[1])
    drawn = nc.line_and_arrow(state, **options)
    assert near(drawn[0] @ a, [0.2, 0.2], 1e-12) and drawn.shape == (4, 2, 2)
    for tail, head in drawn[1:]:
        assert near(head - tail, nc.half_plane(0.0, tail, w=0.7 * w, a=a, b=-0.2), 1e-12)


def test_there_and_back_is_the_film():
    for rate, N in ((1.0, 200), (10.0, 50)):
        x = iterate(lambda k, y, rate=rate, N=N: nc.there_and_back(k, y, rate=rate, steps=N), torch.ones(1, dtype=F8), 2 * N + 5)
        assert near(x.x[2 * N], [nc.come_back(rate, N)], 1e-12) and torch.equal(x.x[2 * N], x.end)
        assert near(x.x[N], [(1 - rate / N) ** N], 1e-12)


@pytest.mark.parametrize("make", [lambda: nc.drive(0, random(3, 2)), lambda: nc.miss(random(3, 4, 2)),
                                  lambda: nc.own_move(random(2, 3, 3), line=0, offset=0, direction=0, strength=1)])
def test_a_state_is_points_and_targets(make):
    with pytest.raises(ValueError, match="points and targets"):
        make()
    with pytest.raises(ValueError, match="in_hand"):
        nc.carry_on(0, random(2, 3, 2))
