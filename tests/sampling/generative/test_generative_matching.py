"""The chapter's oracles: velocities in closed form, the loss and its floor, batches, what one Euler step does, the line."""

import math

import pytest
import torch
from scipy.stats import norm

from companion import check
from companion.energies import grad
from companion.flow import euler, flow
from companion.gaussians import Gaussian, mixture
from companion.sampling.generative import matching as fm
from companion.transport import assignment
from tests.helpers import cloud

F8 = torch.float64


def covariance(d, seed):
    R = cloud(d, d, seed=seed)
    return R @ R.T / d + 0.3 * torch.eye(d, dtype=F8)


def gaussian(d, seed):
    return Gaussian(cloud(d, seed=seed), covariance(d, seed + 50))


def blend(K, d, seed):
    return mixture(cloud(K, seed=seed).exp(), 2 * cloud(K, d, seed=seed + 1), torch.stack([covariance(d, seed + k) for k in range(K)]))


def line(*weighted):
    """A mixture on the line: (weight, mean, std), ..."""
    w, m, s = torch.tensor(weighted, dtype=F8).T
    return mixture(w, m[:, None], s.square())


def divergence(v, t, x):
    return sum(grad(lambda y, i=i: v(t, y)[..., i], x)[..., i] for i in range(x.shape[-1]))


LAWS = [(gaussian(3, 1), gaussian(3, 2)), (gaussian(2, 3), blend(3, 2, 4)), (blend(2, 2, 9), blend(3, 2, 20)),
        (line((1, 0, 1)), line((1, -2, 0.3), (2, 1, 0.5)))]


# --- the independent coupling ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d", [1, 2, 4])
def test_between_gaussians_the_velocity_is_the_regression_of_the_difference(d):
    """v = r - m + (t B - (1 - t) A) ((1 - t)^2 A + t^2 B)^-1 (x - m_t), written with an inverse."""
    (m, A), (r, B) = p, q = gaussian(d, 5), gaussian(d, 6)
    x = cloud(7, d, seed=8)
    for t in (0.0, 0.3, 0.8, 1.0):
        C = (1 - t) ** 2 * A + t**2 * B
        expected = r - m + (x - (1 - t) * m - t * r) @ ((t * B - (1 - t) * A) @ torch.linalg.inv(C)).T
        assert torch.allclose(fm.independent(p, q).velocity(t, x), expected, atol=1e-12)


@pytest.mark.parametrize("p, q", LAWS)
def test_the_ends_are_the_laws(p, q):
    coupled, x = fm.independent(p, q), 2 * cloud(9, fm.independent(p, q).starts.shape[-1])
    for t, law in ((0.0, p), (1.0, q)):
        law = law if hasattr(law, "log_density") else mixture(torch.ones(1, dtype=F8), law.mean[None], law.covariance[None])
        assert torch.allclose(coupled.log_density(t, x), law.log_density(x), atol=1e-11)


@pytest.mark.parametrize("p, q", LAWS)
def test_the_velocity_carries_the_law(p, q):
    """The continuity equation at random points: d/dt log p + <v, grad log p> + div v = 0."""
    coupled = fm.independent(p, q)
    x, h = 2 * cloud(6, coupled.starts.shape[-1], seed=3), 1e-5
    for t in (0.2, 0.5, 0.9):
        change = (coupled.log_density(t + h, x) - coupled.log_density(t - h, x)) / (2 * h)
        along = (coupled.velocity(t, x) * grad(lambda y, t=t: coupled.log_density(t, y), x)).sum(-1)
        assert (change + along + divergence(coupled.velocity, t, x)).abs().max() < 1e-7


def test_the_velocity_is_the_conditional_mean():
    """Orthogonality: E[(X1 - X0 - v(t, X_t)) f(X_t)] = 0 for test functions, within four standard errors."""
    p, q = line((1, -1, 0.5), (1, 1, 0.4)), line((1, -2, 0.3), (2, 1, 0.5))
    g = torch.Generator().manual_seed(0)
    x0, x1 = p.sample(100_000, generator=g), q.sample(100_000, generator=g)
    for t in (0.1, 0.5, 0.8):
        x = (1 - t) * x0 + t * x1
        rest = x1 - x0 - fm.independent(p, q).velocity(t, x)
        for f in (torch.ones_like(x), x, x.sin(), (2 * x).cos(), (x > 0).double()):
            assert (rest * f).mean().abs() < 4 * (rest * f).std() / math.sqrt(100_000)


def test_variances_and_covariances_are_one_law():
    w, means, v = torch.tensor([1.0, 2.0], dtype=F8), cloud(2, 3), torch.tensor([0.5, 0.2], dtype=F8)
    full = mixture(w, means, v[:, None, None] * torch.eye(3, dtype=F8))
    p, x = gaussian(3, 1), cloud(5, 3, seed=2)
    a, b = fm.independent(p, mixture(w, means, v)), fm.independent(p, full)
    assert torch.allclose(a.velocity(0.6, x), b.velocity(0.6, x), atol=1e-12)
    assert torch.allclose(fm.independent(full, p).velocity(0.6, x), fm.independent(mixture(w, means, v), p).velocity(0.6, x), atol=1e-12)


def test_time_may_differ_from_row_to_row_and_batches_are_free():
    coupled, x = fm.independent(*LAWS[1]), cloud(4, 5, 2)
    t = torch.linspace(0, 1, 5, dtype=F8)[:, None]
    together = coupled.velocity(t, x)
    for i in range(5):
        assert torch.allclose(together[:, i], coupled.velocity(t[i, 0], x[:, i]), atol=1e-13)
    assert torch.allclose(coupled.velocity(0.3, x[0, 0]), coupled.velocity(0.3, x)[0, 0], atol=1e-14)


@pytest.mark.parametrize("p, q", LAWS)
def test_one_euler_step_sends_everything_to_the_mean_of_the_data_whatever_the_noise(p, q):
    x = 3 * cloud(6, fm.independent(p, q).starts.shape[-1])
    mean = q.mean if isinstance(q, Gaussian) else q.weights @ q.means
    step = euler(fm.independent(p, q).velocity, 0.0, x, 1.0)
    assert torch.allclose(step, mean.expand_as(x), atol=1e-12)


def test_on_the_line_every_coupling_gives_the_monotone_map():
    """F_1(T(x)) = F_0(x), for the independent coupling, and for random pairs with a blur."""
    p, q = LAWS[3]
    x = torch.linspace(-3, 3, 31, dtype=F8)[:, None]

    def cdf(law, y):
        return (law.weights * torch.special.ndtr((y - law.means[:, 0]) / law.covariances.sqrt())).sum(-1)

    end = flow(fm.independent(p, q).velocity, x, 1.0, 200).end
    assert (cdf(q, end) - cdf(p, x)).abs().max() < 1e-8
    x0, x1 = cloud(12, 1), 2 * cloud(12, 1, seed=3) + 1
    end = flow(lambda t, y: fm.pairs_velocity(t, y, x0, x1, spread=0.4), x, 1.0, 200).end
    blurred = [mixture(torch.ones(12, dtype=F8), z, torch.full((12,), 0.16, dtype=F8)) for z in (x0, x1)]
    assert (cdf(blurred[1], end) - cdf(blurred[0], x)).abs().max() < 1e-8


# --- pairs -----------------------------------------------------------------------------------------------------------------------

def test_interpolation_is_straight_from_noise_to_data():
    x0, x1 = cloud(4, 3), cloud(4, 3, seed=1)
    assert torch.equal(fm.interpolate(0.0, x0, x1), x0) and torch.equal(fm.interpolate(1.0, x0, x1), x1)
    t = torch.tensor([[0.0], [0.25], [0.5], [1.0]], dtype=F8)
    assert torch.allclose(fm.interpolate(t, x0, x1), x0 + t * (x1 - x0))


def test_pairs_carry_their_blurred_laws():
    x0, x1, s = cloud(5, 2), cloud(5, 2, seed=1) + 1, 0.7
    x, h = cloud(8, 2, seed=4), 1e-5

    def log_density(t, y):
        return mixture(torch.ones(5, dtype=F8), (1 - t) * x0 + t * x1, torch.full((5,), s**2, dtype=F8)).log_density(y)

    for t in (0.1, 0.6):
        v = lambda r, y: fm.pairs_velocity(r, y, x0, x1, spread=s)  # noqa: E731
        change = (log_density(t + h, x) - log_density(t - h, x)) / (2 * h)
        along = (v(t, x) * grad(lambda y, t=t: log_density(t, y), x)).sum(-1)
        assert (change + along + divergence(v, t, x)).abs().max() < 1e-7


def test_a_narrow_blur_follows_the_pairs():
    x0, x1 = cloud(6, 2), cloud(6, 2, seed=1)
    x1 = x1[assignment(x0, x1)]
    t = torch.rand(6, 1, generator=torch.Generator().manual_seed(0), dtype=F8)
    assert torch.allclose(fm.pairs_velocity(t, fm.interpolate(t, x0, x1), x0, x1, spread=1e-3), x1 - x0, atol=1e-9)
    one = flow(lambda r, y: fm.pairs_velocity(r, y, x0, x1, spread=1e-3), x0, 1.0, 1, method=euler).end
    assert torch.allclose(one, x1, atol=1e-9)


def test_batches_are_optimal_in_themselves_and_nothing_else():
    x0, x1 = cloud(24, 2), cloud(24, 2, seed=1)
    assert torch.equal(fm.batch_pairs(x0, x1, 1), x1)
    assert torch.equal(fm.batch_pairs(x0, x1, 24), x1[assignment(x0, x1)])
    paired = fm.batch_pairs(x0, x1, 6)
    for i in range(0, 24, 6):
        block = slice(i, i + 6)
        assert torch.equal(paired[block], x1[block][assignment(x0[block], x1[block])])
    cost = [(fm.batch_pairs(x0, x1, m) - x0).square().sum().item() for m in (1, 2, 4, 8, 24)]
    assert cost == sorted(cost, reverse=True)


def test_batches_on_the_line_are_sorted():
    x0, x1 = cloud(12, 1), cloud(12, 1, seed=1)
    paired = fm.batch_pairs(x0, x1, 4)
    for i in range(0, 12, 4):
        order = x0[i : i + 4, 0].argsort()
        assert torch.equal(paired[i : i + 4, 0][order], x1[i : i + 4, 0].sort().values)


# --- the loss --------------------------------------------------------------------------------------------------------------------

def test_the_loss_is_a_mean_of_squared_norms():
    x0, x1 = torch.tensor([[0.0, 0], [1, 0]], dtype=F8), torch.tensor([[1.0, 2], [1, 4]], dtype=F8)
    assert fm.matching_loss(lambda t, x: 0 * x, 0.5, x0, x1) == (5 + 16) / 2
    assert fm.matching_loss(lambda t, x: x + t, 0.5, x0, x1) == (0.0 + (1.5 - 2) ** 2 + (1.5 - 0) ** 2 + (2.5 - 4) ** 2) / 2
    rows = torch.tensor([[0.0], [1.0]], dtype=F8)
    assert fm.matching_loss(lambda t, x: x + t, rows, x0, x1) == (1 + 4 + 4 + 1) / 2


@pytest.mark.parametrize("a, b", [(1.0, 1.0), (1.0, 0.25)])
def test_the_exact_velocity_reaches_the_floor_and_no_lower(a, b):
    n, d = 40_000, 2
    x0, x1 = math.sqrt(a) * cloud(n, d), math.sqrt(b) * cloud(n, d, seed=1)
    t = torch.rand(n, 1, generator=torch.Generator().manual_seed(0), dtype=F8)
    zero, eye = torch.zeros(d, dtype=F8), torch.eye(d, dtype=F8)
    v = fm.independent((zero, a * eye), (zero, b * eye)).velocity
    squares = (v(t, fm.interpolate(t, x0, x1)) - (x1 - x0)).square().sum(-1)
    floor = d * math.pi / 2 * math.sqrt(a * b)
    assert abs(fm.matching_loss(v, t, x0, x1) - squares.mean()) < 1e-12
    assert abs(squares.mean() - floor) < 4 * squares.std() / math.sqrt(n)
    off = fm.matching_loss(lambda r, x: v(r, x) + 0.3, t, x0, x1) - squares.mean()
    assert abs(off - d * 0.09) < 0.03


def test_the_optimal_coupling_has_no_floor():
    x0 = cloud(100, 2)
    T = torch.diag(torch.tensor([2.0, 0.5], dtype=F8))
    t = torch.rand(100, 1, generator=torch.Generator().manual_seed(0), dtype=F8)

    def v(r, x):
        return x * (T.diagonal() - 1) / (1 - r + r * T.diagonal())

    assert fm.matching_loss(v, t, x0, x0 @ T) < 1e-28


# --- batches on the line ---------------------------------------------------------------------------------------------------------

def test_order_statistics_of_the_normal_law():
    check.close(fm.normal_order_means(2), [-1 / math.sqrt(math.pi), 1 / math.sqrt(math.pi)], tol=1e-13, name="means of two")
    check.close(fm.normal_order_means(3), [-1.5 / math.sqrt(math.pi), 0, 1.5 / math.sqrt(math.pi)], tol=1e-13, name="means of three")
    for m in (1, 5, 40, 300):
        means = fm.normal_order_means(m)
        assert means.shape == (m,) and means.dtype == F8
        assert (means + means.flip(0)).abs().max() < 1e-12 and (torch.diff(means) > 0).all()
    blom = torch.tensor(norm.ppf([(i - 0.375) / 40.25 for i in range(1, 41)]))
    assert (fm.normal_order_means(40) - blom).abs().max() < 0.01


@pytest.mark.parametrize("m, value", [(1, 2.0), (2, 2 - 2 / math.pi), (4, 0.852171), (8, 0.500127), (16, 0.281283)])
def test_the_cost_of_batches(m, value):
    assert abs(fm.batch_cost(m) - value) < 1e-6
    x0, x1 = cloud(m * 4000, 1, seed=m), cloud(m * 4000, 1, seed=m + 100)
    drawn = (x0.view(-1, m).sort(-1).values - x1.view(-1, m).sort(-1).values).square().mean(-1)
    assert abs(drawn.mean() - fm.batch_cost(m)) < 4 * drawn.std() / math.sqrt(4000)
    few = (fm.batch_pairs(x0[: 50 * m], x1[: 50 * m], m) - x0[: 50 * m]).square().view(-1, m).mean(-1)
    assert torch.allclose(few, drawn[:50], atol=1e-12)


@pytest.mark.parametrize("m", [1, 2, 5, 20])
def test_uniform_numbers_in_batches_cost_a_third_over_m_plus_one(m):
    u0, u1 = (torch.special.ndtr(cloud(3000 * m, 1, seed=s)) for s in (m, m + 50))
    drawn = (fm.batch_pairs(u0, u1, m) - u0).square().view(-1, m).mean(-1)
    assert abs(drawn.mean() - 1 / (3 * (m + 1))) < 4 * drawn.std() / math.sqrt(3000)


# --- other people's --------------------------------------------------------------------------------------------------------------

def test_agreement_with_torchcfm():
    cfm = pytest.importorskip("torchcfm.conditional_flow_matching")
    x0, x1 = cloud(50, 3), cloud(50, 3, seed=1)
    t, xt, ut = cfm.ConditionalFlowMatcher(sigma=0.0).sample_location_and_conditional_flow(x0, x1)
    assert torch.allclose(fm.interpolate(t[:, None].double(), x0, x1), xt, atol=1e-6) and torch.allclose(ut, x1 - x0)


# --- bad input -------------------------------------------------------------------------------------------------------------------

P, Q, X = *LAWS[0], cloud(4, 3)


@pytest.mark.parametrize("call", [
    lambda: fm.independent(P, gaussian(2, 1)), lambda: fm.independent(X, Q), lambda: fm.independent(P, (X[0], X)),
    lambda: fm.independent((X[0], torch.zeros(3, 3, dtype=F8)), Q), lambda: fm.independent(P, Q).velocity(0.5, X[:, :2]),
    lambda: fm.independent(P, Q).velocity(0.5, [1.0]), lambda: fm.independent(P, Q).velocity(X[:, 0], X),
    lambda: fm.independent(P, Q).log_density(0.5, torch.tensor(1.0)), lambda: fm.interpolate(0.5, X, X[:, :2]),
    lambda: fm.interpolate(X, X, X), lambda: fm.matching_loss("v", 0.5, X, X), lambda: fm.matching_loss(lambda t, x: x, 0.5, X, X[:1]),
    lambda: fm.matching_loss(lambda t, x: x, X[:, 0], X, X), lambda: fm.pairs_velocity(0.5, X, X, X, spread=0.0),
    lambda: fm.pairs_velocity(0.5, X[:, :2], X, X, spread=1.0), lambda: fm.pairs_velocity(0.5, X, X, X[:, :2], spread=1.0),
    lambda: fm.pairs_velocity(X[:, 0], X, X, X, spread=1.0), lambda: fm.pairs_velocity(0.5, torch.tensor(1.0), X, X, spread=1.0),
    lambda: fm.batch_pairs(X, X, 3), lambda: fm.batch_pairs(X, X, 0), lambda: fm.batch_pairs(X, X[:2], 2), lambda: fm.batch_pairs(X, X, 2.0),
    lambda: fm.batch_pairs(X[None], X[None], 1), lambda: fm.normal_order_means(0), lambda: fm.batch_cost(1.5),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
