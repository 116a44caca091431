"""The kernel KL: a feature map, closed forms, bounds, the limit of a short kernel, a gradient that survives equal eigenvalues; three rings."""

import math

import pytest
import torch

from companion.energies import grad, w2_squared, wasserstein_descent
from companion.flow import flow
from companion.kernels import energy_kernel, gaussian_kernel
from companion.sampling import particle_flows as pf
from companion.sampling.particle_flows.kernel_kl import divided_differences
from tests.helpers import randn

F8 = torch.float64


def symmetric(*shape, seed=0):
    return (lambda A: A @ A.mT / shape[-1])(randn(*shape, seed=seed))


# --- Tr(diag(b) K log K)

def test_trace_on_known_matrices():
    s = torch.tensor([0.5, 2.0, 0.0, 1.0], dtype=F8)
    expected = torch.tensor([0.5 * math.log(0.5), 2 * math.log(2), 0.0, 0.0], dtype=F8)
    b = torch.tensor([3.0, -1.0, 7.0, 5.0], dtype=F8)
    torch.testing.assert_close(pf.trace_xlogx(torch.diag(s)), expected.sum())
    torch.testing.assert_close(pf.trace_xlogx(torch.diag(s), b), b @ expected)
    turned = torch.linalg.qr(randn(4, 4)).Q
    torch.testing.assert_close(pf.trace_xlogx(turned @ torch.diag(s) @ turned.mT), expected.sum(), rtol=1e-12, atol=1e-12)
    projection = turned[:, :2] @ turned[:, :2].mT
    assert pf.trace_xlogx(projection, b).abs() < 1e-12  # P log P = 0
    torch.testing.assert_close(pf.trace_xlogx(3 * projection, b), 3 * math.log(3) * (projection.diagonal() * b).sum(), rtol=1e-12, atol=1e-12)
    K = symmetric(5, 4, 4)
    found = pf.trace_xlogx(K, b)
    assert found.shape == (5,)
    torch.testing.assert_close(found[2], pf.trace_xlogx(K[2], b))
    torch.testing.assert_close(pf.trace_xlogx(K, b.expand(5, 4)), found)
    torch.testing.assert_close(pf.trace_xlogx(K[0], b.expand(5, 4)), pf.trace_xlogx(K[0], b).expand(5))


@pytest.mark.parametrize("K", [
    symmetric(4, 4), torch.diag(torch.tensor([0.3, 0.3, 0.3, 2.0], dtype=F8)), 0.7 * torch.eye(4, dtype=F8),
    torch.diag(torch.tensor([1.0, 1 + 1e-9, 1 - 1e-9, 1 + 1e-14], dtype=F8)), 1e-6 * torch.eye(4, dtype=F8) + torch.ones(4, 4, dtype=F8),
], ids=["generic", "three equal", "all equal", "nearly equal", "ill-conditioned"])
def test_gradient_is_daleckii_and_kreins(K):
    """Against the integral of f(K) = K log K = int_0^inf [K/(1 + t) - K (K + t)^{-1}] dt, differentiated under the sign: no eigenvectors."""
    b, K = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=F8), K.clone().requires_grad_()
    (found,) = torch.autograd.grad(pf.trace_xlogx(K, b), K)
    nodes = torch.linspace(-34, 12, 1601, dtype=F8)  # t = exp(u): the trapezoid rule converges exponentially
    t = nodes.exp()[:, None, None]
    resolvent = torch.linalg.inv(K.detach() + t * torch.eye(4, dtype=F8))  # d/dK Tr(B K (K + t)^{-1}) = t R B R
    integrand = (torch.diag(b) / (1 + t) - t * resolvent @ torch.diag(b) @ resolvent) * t
    integral = torch.trapezoid(integrand, nodes, dim=0)
    torch.testing.assert_close(found, integral, rtol=2e-4, atol=2e-4)
    torch.testing.assert_close(found, found.mT)


@pytest.mark.parametrize("b", [None, torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=F8)])
def test_gradcheck(b):
    root = randn(4, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda A: pf.trace_xlogx(A @ A.mT + 0.1 * torch.eye(4, dtype=F8), b), root)
    batch = randn(3, 4, 4, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda A: pf.trace_xlogx(A @ A.mT, b) * torch.arange(1.0, 4.0), batch)
    one = torch.autograd.grad(pf.trace_xlogx(K := symmetric(4, 4, seed=3).requires_grad_()), K)[0]
    s, U = torch.linalg.eigh(K.detach())
    torch.testing.assert_close(one, U @ torch.diag(1 + s.log()) @ U.mT)  # b = 1: log K + I


def test_divided_differences():
    s = torch.tensor([0.2, 0.2, 1.0, 3.0], dtype=F8)
    f, found = s * s.log(), divided_differences(s)
    for i in range(4):
        for j in range(4):
            expected = 1 + s[i].log() if s[i] == s[j] else (f[i] - f[j]) / (s[i] - s[j])
            assert abs(found[i, j] - expected) < 1e-13
    near = divided_differences(torch.tensor([0.5, 0.5 + 1e-12], dtype=F8))
    assert (near - (1 + math.log(0.5))).abs().max() < 1e-11  # where the plain quotient has lost four digits
    low = divided_differences(torch.tensor([-1e-17, 0.0, 2.0], dtype=F8))
    floor = 1 + math.log(3 * 2 * torch.finfo(F8).eps)
    torch.testing.assert_close(low[:2, :2], torch.full((2, 2), floor, dtype=F8))
    torch.testing.assert_close(low[0, 2], torch.tensor(math.log(2), dtype=F8), rtol=1e-12, atol=1e-12)


# --- the divergence

def features(x):
    """A map of the line into the unit sphere of R^5."""
    z = torch.cat([torch.ones_like(x), x, x.square(), torch.sin(3 * x), torch.cos(2 * x)], -1)
    return z / z.norm(dim=-1, keepdim=True)


def five(x, y):
    return features(x) @ features(y).mT


def log_of(S):
    s, U = torch.linalg.eigh(S)
    return U @ torch.diag(s.log()) @ U.mT


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m"), [(7, 9), (5, 12)])
def test_it_is_the_divergence_of_covariance_operators(n, m, weighted):
    x, y, alpha = randn(n, 1), 1 + randn(m, 1, seed=1), 0.07
    a, b = (torch.arange(1.0, k + 1, dtype=F8) / (k * (k + 1) / 2) if weighted else torch.full((k,), 1 / k, dtype=F8) for k in (n, m))
    P, Q = (features(z).mT @ (w[:, None] * features(z)) for z, w in ((x, a), (y, b)))
    expected = torch.trace(P @ (log_of(P) - log_of((1 - alpha) * Q + alpha * P)))
    weights = {"a": 3 * a, "b": b} if weighted else {}
    torch.testing.assert_close(pf.kernel_kl(x, y, kernel=five, alpha=alpha, **weights), expected, rtol=1e-11, atol=1e-11)


def two_diracs(alpha, c):
    """The closed form for k(x, y) = c."""
    r = math.sqrt(1 - 4 * alpha * (1 - alpha) * (1 - c * c))
    low, high = (1 - r) / 2, (1 + r) / 2
    u = (alpha + (1 - alpha) * c * c - low) / r
    return -u * math.log(high) - (1 - u) * math.log(low)


@pytest.mark.parametrize(("alpha", "c"), [(0.1, 0.3), (0.5, 0.9), (0.01, 0.5)])
def test_two_dirac_masses(alpha, c):
    length = 1 / math.sqrt(-2 * math.log(c))  # k(0, 1) = c
    x, y = torch.zeros(1, 2, dtype=F8), torch.tensor([[0.0, 1.0]], dtype=F8)
    found = pf.kernel_kl(x, y, kernel=gaussian_kernel(length), alpha=alpha).item()
    assert abs(found - two_diracs(alpha, c)) < 1e-12
    assert (alpha, c) != (0.1, 0.3) or abs(found - 2.1511886) < 1e-7


@pytest.mark.parametrize("alpha", [0.001, 0.1, 0.5])
def test_orthogonal_supports_reach_the_bound_and_others_do_not(alpha):
    x, y = randn(6, 2), randn(8, 2, seed=1)
    assert abs(pf.kernel_kl(x, y + 200, kernel=gaussian_kernel(0.5), alpha=alpha).item() - math.log(1 / alpha)) < 1e-12
    assert 0 < pf.kernel_kl(x, y, kernel=gaussian_kernel(0.5), alpha=alpha) < math.log(1 / alpha) - 1e-3
    assert abs(pf.kernel_kl(x, x.flip(0), kernel=gaussian_kernel(0.5), alpha=alpha)) < 1e-10  # equal laws; 1/alpha amplifies rounding
    assert abs(pf.kernel_kl(x, torch.cat([x, x]), kernel=gaussian_kernel(0.5), alpha=alpha)) < 1e-10
    assert abs(pf.kernel_kl(x, y, kernel=gaussian_kernel(0.5), alpha=1.0)) < 1e-12


def test_it_decreases_in_alpha():
    x, y = randn(10, 2), 1 + randn(7, 2, seed=1)
    alphas = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95]
    values = torch.stack([pf.kernel_kl(x, y, kernel=gaussian_kernel(1.0), alpha=alpha) for alpha in alphas])
    assert (values.diff() < -1e-6).all() and values.min() > 0
    torch.testing.assert_close(pf.kernel_kl(x, y, kernel=gaussian_kernel(1.0)), values[2])
    torch.testing.assert_close(pf.kernel_kl(x, y, kernel=gaussian_kernel(1.0), alpha=torch.tensor(0.1, dtype=F8)), values[4])


def test_a_short_kernel_tends_to_kl_from_below():
    """N(0, 1) against N(1, 1.5^2) on 161 points of [-4, 4]."""
    line = torch.linspace(-4, 4, 161, dtype=F8)[:, None]
    p, q = torch.softmax(-line[:, 0].square() / 2, -1), torch.softmax(-(line[:, 0] - 1).square() / (2 * 1.5**2), -1)
    kl = torch.special.xlogy(p, p / q).sum().item()
    values = [pf.kernel_kl(line, line, kernel=gaussian_kernel(length), alpha=1e-3, a=p, b=q).item() for length in (2, 1, 0.3, 0.1, 0.03)]
    for value, expected in zip(values, (0.2214, 0.2906, 0.3234, 0.3267, 0.3271), strict=True):
        assert abs(value - expected) < 6e-5
    limit = torch.special.xlogy(p, p / ((1 - 1e-3) * q + 1e-3 * p)).sum().item()  # KL_alpha <= KL
    assert values == sorted(values) and values[-1] < limit < kl and abs(kl - 0.3277) < 5e-5
    assert abs(pf.kernel_kl(line, line, kernel=gaussian_kernel(1e-3), alpha=1e-3, a=p, b=q).item() - limit) < 1e-10


def test_batches_and_weights():
    x, y = randn(3, 6, 2), randn(4, 2, seed=1)
    E = pf.kkl(y, kernel=gaussian_kernel(0.8), alpha=0.2)
    assert E(x).shape == (3,)
    torch.testing.assert_close(E(x)[1], E(x[1]))
    torch.testing.assert_close(E(x[0]), pf.kernel_kl(x[0], y, kernel=gaussian_kernel(0.8), alpha=0.2))
    a = torch.tensor([2.0, 1, 1, 1, 1, 1], dtype=F8)
    k, twice = gaussian_kernel(0.8), torch.cat([x[0], x[0, :1]])
    torch.testing.assert_close(pf.kernel_kl(x[0], y, kernel=k, a=a), pf.kernel_kl(twice, y, kernel=k))
    torch.testing.assert_close(pf.kernel_kl(y, x[0], kernel=k, b=a), pf.kernel_kl(y, twice, kernel=k))
    asymmetric = (pf.kernel_kl(x[0], y, kernel=gaussian_kernel(0.8)) - pf.kernel_kl(y, x[0], kernel=gaussian_kernel(0.8))).abs()
    assert asymmetric > 1e-3


@pytest.mark.parametrize("length", [0.1, 0.5, 3.0])
def test_gradient_against_finite_differences(length):
    for x in (randn(12, 2), 0.05 * randn(12, 2), torch.cat([randn(6, 2), randn(6, 2)])):  # the last has every particle twice
        E = pf.kkl(1 + randn(9, 2, seed=1), kernel=gaussian_kernel(length), alpha=0.05)
        u, g, h = randn(*x.shape, seed=2), grad(E, x), 1e-5 * length
        if len(x.unique(dim=0)) < len(x):
            u = torch.cat([u[:6], u[:6]])  # twins stay twins
        found = (E(x + h * u) - E(x - h * u)) / (2 * h)
        assert abs(found - (g * u).sum()) < 3e-6 * max(1.0, abs(found))


def test_the_flow_dissipates_and_keeps_the_time_of_the_wasserstein_metric():
    x, E = randn(10, 2), pf.kkl(1 + randn(12, 2, seed=1), kernel=gaussian_kernel(1.0), alpha=0.05)
    field = wasserstein_descent(E)
    v = field(0.0, x)
    rate = (E(x + 1e-6 * v) - E(x - 1e-6 * v)) / 2e-6
    torch.testing.assert_close(rate, -v.square().sum(-1).mean(), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(field(0.0, torch.cat([x, x]))[:10], v, rtol=1e-6, atol=1e-6)
    energies = torch.stack([E(z) for z in flow(field, x, 1.0, 40, every=10).x])
    assert (energies.diff() < 0).all()


# --- three rings

def test_rings_and_the_distance_to_them():
    y = pf.rings(30)
    assert y.shape == (30, 2) and y.dtype == F8 and pf.ring_distance(y).max() < 1e-15
    torch.testing.assert_close(y.mean(0), torch.tensor([0.8, 0.0], dtype=F8))
    torch.testing.assert_close(y[:10].mean(0), torch.zeros(2, dtype=F8))
    torch.testing.assert_close(y[:10].square().sum(-1), torch.full((10,), 0.35**2, dtype=F8))
    points = torch.tensor([[0.0, 0.0], [1.6, 1.35], [0.4, 0.0], [0.8, -0.4], [-1.0, 0.0]], dtype=F8)
    torch.testing.assert_close(pf.ring_distance(points), torch.tensor([0.35, 1.0, 0.05, 0.05, 0.65], dtype=F8))
    assert pf.ring_distance(points.expand(2, 5, 2)).shape == (2, 5) and pf.rings(30, dtype=torch.float32).dtype == torch.float32
    start = pf.ring_start(4000, generator=torch.Generator().manual_seed(0))
    assert (start.mean(0) - torch.tensor([0.0, -0.35])).abs().max() < 4 * 0.05 / math.sqrt(4000)
    assert (start.std(0) / 0.05 - 1).abs().max() < 4 / math.sqrt(8000)


def test_the_kernel_kl_keeps_particles_on_the_rings_and_mmd_loses_some():
    x = pf.ring_start(generator=torch.Generator().manual_seed(1))
    by_kkl, by_mmd = pf.kkl_on_rings(x, every=50), pf.mmd_on_rings(x, every=50)
    assert by_kkl.t.tolist() == by_mmd.t.tolist() == [0, 50, 100, 150] and by_kkl.x.shape == by_mmd.x.shape == (4, 90, 2)
    assert pf.ring_distance(by_kkl.end).max() < 0.1 and (pf.ring_distance(by_mmd.end) > 0.1).sum() > 15
    assert pf.ring_distance(by_mmd.end).max() > 1
    off = [w2_squared(pf.rings())(path.end) for path in (by_kkl, by_mmd)]
    assert off[0] < 0.35 and off[0] < 0.75 * off[1]
    E = pf.kkl(pf.rings(), kernel=gaussian_kernel(0.1))
    assert E(by_kkl.end) < E(by_mmd.end) / 2 and E(by_kkl.end) < 0.5 < 3 < E(x)
    assert pf.mmd2(pf.rings(), kernel=gaussian_kernel(0.1))(by_mmd.end) < 0.2 * pf.mmd2(pf.rings(), kernel=gaussian_kernel(0.1))(x)


def test_rings_take_the_kernels_length_and_alpha():
    x = pf.ring_start(6, generator=torch.Generator().manual_seed(0))
    paths = [pf.kkl_on_rings(x, steps=2).end, pf.kkl_on_rings(x, steps=2, length=0.2).end, pf.kkl_on_rings(x, steps=2, alpha=0.1).end,
             pf.mmd_on_rings(x, steps=2).end, pf.mmd_on_rings(x, steps=2, length=0.2).end]
    assert pf.kkl_on_rings(x, steps=3).t.tolist() == pf.mmd_on_rings(x, steps=3).t.tolist() == [0, 1, 2, 3]
    assert pf.kkl_on_rings(x, steps=3, every=2).t.tolist() == pf.mmd_on_rings(x, steps=3, every=2).t.tolist() == [0, 2, 3]
    assert all((a - b).abs().max() > 1e-6 for k, a in enumerate(paths) for b in paths[:k])


X = torch.zeros(3, 2, dtype=F8)
SEED = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("call", [
    lambda: pf.trace_xlogx(X), lambda: pf.trace_xlogx(X[0]), lambda: pf.trace_xlogx(torch.eye(2)), lambda: pf.trace_xlogx([[1.0]]),
    lambda: pf.trace_xlogx(torch.zeros(0, 0, dtype=F8)), lambda: pf.trace_xlogx(torch.eye(3, dtype=F8), torch.ones(2, dtype=F8)),
    lambda: pf.trace_xlogx(torch.eye(3, dtype=F8), 1.0), lambda: pf.trace_xlogx(torch.eye(3, dtype=F8), torch.tensor(1.0)),
    lambda: pf.kernel_kl(X, X[:, :1], kernel=gaussian_kernel(1.0)), lambda: pf.kernel_kl(X, X, kernel=None),
    lambda: pf.trace_xlogx(torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=F8)), lambda: pf.kernel_kl(X, X, kernel=energy_kernel),
    lambda: pf.kernel_kl(torch.eye(3, 2, dtype=F8), X, kernel=lambda x, y: 1 + x @ y.mT),
    lambda: pf.kernel_kl(X, X, kernel=gaussian_kernel(1.0), alpha=0.0), lambda: pf.kernel_kl(X, X, kernel=gaussian_kernel(1.0), alpha=1.1),
    lambda: pf.kernel_kl(X, X, kernel=gaussian_kernel(1.0), a=torch.ones(2, dtype=F8)),
    lambda: pf.kernel_kl(X.float(), X.float(), kernel=gaussian_kernel(1.0)),
    lambda: pf.kernel_kl(X, X, kernel=gaussian_kernel(1.0), b=-torch.ones(3, dtype=F8)), lambda: pf.kkl(X[0], kernel=gaussian_kernel(1.0)),
    lambda: pf.kkl(X, kernel="gaussian"), lambda: pf.kkl(X, kernel=gaussian_kernel(1.0), alpha=-1.0), lambda: pf.rings(31), lambda: pf.rings(0),
    lambda: pf.ring_start(3, generator=0), lambda: pf.ring_start(0, generator=SEED), lambda: pf.ring_distance(X[:, :1]),
    lambda: pf.kkl_on_rings(X[:2]), lambda: pf.mmd_on_rings(X[:, :1]), lambda: pf.kkl_on_rings(X, length=0.0),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()


@pytest.mark.parametrize("alpha", [0.0, -0.5, 1.5, float("nan")])
def test_alpha_is_a_share(alpha):
    for call in (lambda: pf.kernel_kl(X, X, kernel=gaussian_kernel(1.0), alpha=alpha), lambda: pf.kkl(X, kernel=gaussian_kernel(1.0), alpha=alpha)):
        with pytest.raises(ValueError, match=r"alpha = .*above 0.*at most 1"):
            call()
