"""How much maps stretch: two bumps, layers with known determinants, densities along a flow."""

import math
from functools import partial

import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import norm

from companion.flow import flow
from companion.gaussians import Gaussian, mixture
from companion.sampling.generative import stretching as st
from companion.sampling.generative.matching import independent
from tests.helpers import cloud

F8 = torch.float64
ONE = torch.tensor(1.0, dtype=F8)
BUMPS = [(1.0, 0.5), (1.5, 0.4), (0.0, 0.7), (2.0, 0.5)]


def law(m, s):
    return mixture(torch.ones(2, dtype=F8), torch.tensor([[-m], [m]], dtype=F8), torch.full((2,), s**2, dtype=F8))


def jacobian_log_det(f, x):
    return torch.stack([torch.linalg.slogdet(torch.func.jacrev(f)(point)).logabsdet for point in x])


# --- two bumps -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("m, s", BUMPS)
def test_the_velocity_is_that_of_flow_matching(m, s):
    x = 2 * cloud(9, 1)
    coupled = independent(Gaussian(torch.zeros(1, dtype=F8), torch.eye(1, dtype=F8)), law(m, s))
    for t in (0.0, 0.4, 1.0):
        assert torch.allclose(st.bumps_velocity(t, x, m, s), coupled.velocity(t, x), atol=1e-12)


@pytest.mark.parametrize("m, s", BUMPS)
def test_the_distribution_function(m, s):
    y = torch.linspace(-3, 3, 13, dtype=F8)
    expected = (norm.cdf(y.numpy(), -m, s) + norm.cdf(y.numpy(), m, s)) / 2
    assert torch.allclose(st.bumps_cdf(y, m, s), torch.tensor(expected), atol=1e-14)


@pytest.mark.parametrize("m, s", BUMPS)
def test_the_flow_is_the_monotone_map_and_its_slope_the_closed_form(m, s):
    x = torch.linspace(-2, 2, 17, dtype=F8)
    v = st.with_log_det(partial(st.bumps_velocity, m=m, s=s))
    end = flow(v, torch.stack([x, 0 * x], -1), 1.0, 400).end
    expected = [brentq(lambda y, p=p: st.bumps_cdf(torch.tensor(y, dtype=F8), m, s).item() - p, -6, 6, xtol=1e-13) for p in norm.cdf(x.numpy())]
    assert torch.allclose(end[:, 0], torch.tensor(expected, dtype=F8), atol=1e-8)
    assert abs(end[8, 1] - math.log(s) - m**2 / (2 * s**2)) < 1e-6
    log_density = -x.square() / 2 - math.log(2 * math.pi) / 2 - end[:, 1]
    assert torch.allclose(log_density, law(m, s).log_density(end[:, :1]), atol=1e-6)


@pytest.mark.parametrize("m, s, slope", [(1.0, 0.5, 3.69453), (2.0, 0.5, 1490.48)])
def test_the_slope_in_numbers(m, s, slope):
    assert abs(st.log_middle_slope(ONE, m, s).exp() / slope - 1) < 2e-6


@pytest.mark.parametrize("m, s", BUMPS)
def test_the_slope_on_the_way(m, s):
    start = torch.zeros(1, 2, dtype=F8)
    v = st.with_log_det(partial(st.bumps_velocity, m=m, s=s))
    for t in (0.0, 0.3, 0.8):
        found = flow(v, start, t, 400).end[0, 1] if t else torch.zeros((), dtype=F8)
        assert abs(st.log_middle_slope(torch.tensor(t, dtype=F8), m, s) - found) < 1e-8


@pytest.mark.parametrize("m, s", [(1.0, 0.5), (1.5, 0.4)])
def test_nothing_stretches_less_than_the_middle(m, s):
    """The increasing map has the slope phi(x) / f(T x): its supremum, the least Lipschitz constant, is at 0."""
    x = torch.linspace(-4, 4, 81, dtype=F8)
    end = flow(partial(st.bumps_velocity, m=m, s=s), x[:, None], 1.0, 400).end
    slope = torch.exp(-x.square() / 2 - math.log(2 * math.pi) / 2 - law(m, s).log_density(end))
    assert slope.argmax() == 40 and abs(slope.max() / st.log_middle_slope(ONE, m, s).exp() - 1) < 1e-6


# --- densities along a flow --------------------------------------------------------------------------------------------------------

def test_the_logarithm_that_is_carried_is_that_of_the_determinant():
    W = cloud(3, 3)

    def v(t, x):
        return torch.sin(x @ W.T + t)

    x = cloud(4, 3, seed=1)
    end = flow(st.with_log_det(v), torch.cat([x, torch.full((4, 1), 0.5, dtype=F8)], -1), 0.8, 40).end
    assert torch.allclose(end[:, :3], flow(v, x, 0.8, 40).end, atol=1e-14)
    expected = jacobian_log_det(lambda p: flow(v, p[None], 0.8, 40).end[0], x)
    assert torch.allclose(end[:, 3] - 0.5, expected, atol=1e-7)


def test_the_density_of_a_matched_flow():
    p = Gaussian(torch.zeros(2, dtype=F8), torch.eye(2, dtype=F8))
    coupled = independent(p, mixture(torch.ones(3, dtype=F8), 2 * cloud(3, 2), torch.full((3,), 0.3, dtype=F8)))
    x = cloud(6, 2, seed=5)
    end = flow(st.with_log_det(coupled.velocity), torch.cat([x, torch.zeros(6, 1, dtype=F8)], -1), 1.0, 100).end
    assert torch.allclose(coupled.log_density(0.0, x) - end[:, 2], coupled.log_density(1.0, end[:, :2]), atol=1e-6)


# --- layers ------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d", [2, 3, 6])
def test_the_coupling_layer(d):
    half, x = d // 2, cloud(5, d)
    U, W = cloud(d - half, half, seed=1), cloud(d - half, half, seed=2)
    scale, shift = (lambda z: torch.tanh(z @ U.T)), (lambda z: (z @ W.T).sin())
    y, log_det = st.coupling_layer(x, scale, shift)
    assert torch.equal(y[:, :half], x[:, :half]) and log_det.shape == (5,)
    assert torch.allclose(y[:, half:], scale(x[:, :half]).exp() * x[:, half:] + shift(x[:, :half]))
    assert torch.allclose(log_det, jacobian_log_det(lambda p: st.coupling_layer(p, scale, shift)[0], x), atol=1e-10)
    assert torch.allclose(st.coupling_inverse(y, scale, shift), x, atol=1e-13)


@pytest.mark.parametrize("inner", [2.0, 0.0, -0.7])
def test_the_planar_layer(inner):
    x, w = cloud(6, 3), cloud(3, seed=1)
    u = cloud(3, seed=2)
    u = u + (inner - u @ w) * w / (w @ w)
    y, log_det = st.planar_layer(x, u, w, 0.3)
    assert torch.allclose(y, x + u * torch.tanh(x @ w + 0.3)[:, None])
    assert torch.allclose(log_det, jacobian_log_det(lambda p: st.planar_layer(p, u, w, 0.3)[0], x), atol=1e-10)


def test_the_planar_layer_folds_just_below_minus_one():
    """On the line along w the layer is z + c tanh(z + b), c = <u, w>: increasing if c >= -1, and decreasing near z = -b below."""
    w, z = torch.tensor([1.0, 0.0], dtype=F8), torch.linspace(-3, 3, 601, dtype=F8)
    x = torch.stack([z, 0 * z], -1)
    y, log_det = st.planar_layer(x, -w, w, 0.5)
    assert (torch.diff(y[:, 0]) > 0).all() and log_det.min() < -9
    assert (torch.diff(z - 1.01 * torch.tanh(z + 0.5)) < 0).any()
    with pytest.raises(ValueError, match="folds"):
        st.planar_layer(x, -1.01 * w, w, 0.5)


# --- bad input ---------------------------------------------------------------------------------------------------------------------

X, V = cloud(4, 2), cloud(2)
SAME = lambda z: z  # noqa: E731


@pytest.mark.parametrize("call", [
    lambda: st.bumps_velocity(0.5, [1.0], 1.0, 1.0), lambda: st.bumps_velocity(0.5, X, -1.0, 1.0), lambda: st.bumps_velocity(0.5, X, 1.0, 0.0),
    lambda: st.bumps_velocity(X[:, 0], X, 1.0, 1.0), lambda: st.bumps_cdf([0.0], 1.0, 1.0), lambda: st.bumps_cdf(V, -1.0, 1.0),
    lambda: st.bumps_cdf(V, 1.0, 0.0), lambda: st.log_middle_slope(1.0, 1.0, 1.0), lambda: st.log_middle_slope(ONE, -1.0, 1.0),
    lambda: st.log_middle_slope(ONE, 1.0, 0.0), lambda: st.with_log_det("v"), lambda: st.with_log_det(lambda t, x: x)(0.0, X[:, :1]),
    lambda: st.with_log_det(lambda t, x: x)(0.0, ONE), lambda: st.coupling_layer(X[:, :1], SAME, SAME), lambda: st.coupling_layer(X, None, SAME),
    lambda: st.coupling_layer(X[:, :1], lambda z: X[:, :1], lambda z: X[:, :1]),
    lambda: st.coupling_layer(X, SAME, None), lambda: st.coupling_layer(X, lambda z: z[:, :0], SAME), lambda: st.coupling_layer(ONE, SAME, SAME),
    lambda: st.coupling_layer(X, SAME, lambda z: 1.0), lambda: st.coupling_inverse(X[:, :1], SAME, SAME), lambda: st.bumps_velocity("0", X, 1.0, 1.0),
    lambda: st.coupling_inverse(X, SAME, lambda z: z[:2]), lambda: st.planar_layer(X, V[:1], V, 0.0),
    lambda: st.planar_layer(X, V, X, 0.0), lambda: st.planar_layer(X, V, V, "0"),
    lambda: st.planar_layer(ONE, V, V, 0.0), lambda: st.planar_layer(X, -2 * V / (V @ V), V, 0.0), lambda: st.planar_layer([1.0], V, V, 0.0),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
