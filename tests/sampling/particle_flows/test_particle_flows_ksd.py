"""KSD descent: the Stein kernel by automatic differentiation, Stein's identity, the flow's dissipation, its traps, and `ksddescent` beside it."""

import contextlib
import io
import math

import numpy as np
import pytest
import torch
from scipy.optimize import fmin_l_bfgs_b
from torch.fx.experimental.proxy_tensor import make_fx

from companion.energies import grad
from companion.flow import flow
from companion.gaussians import mixture
from companion.sampling import particle_flows as pf
from companion.sampling.quantization import normal_score
from tests.helpers import randn

F8 = torch.float64
LENGTH = math.sqrt(0.1)


def modes(distance, variance, dtype=F8):
    """Two modes at (+-distance, 0)."""
    centres = torch.tensor([[-distance, 0.0], [distance, 0.0]], dtype=dtype)
    return mixture(torch.ones(2, dtype=dtype), centres, torch.full((2,), variance, dtype=dtype))


LAW = mixture(torch.tensor([0.3, 0.7], dtype=F8), torch.tensor([[-1.0, 0.2], [1.5, 0.0]], dtype=F8), torch.tensor([0.5, 0.3], dtype=F8))
LINE = mixture(torch.tensor([0.3, 0.7], dtype=F8), torch.tensor([[-1.0], [1.5]], dtype=F8), torch.tensor([0.5, 0.3], dtype=F8))


def k_pi(a, b, score, length):
    """The Stein kernel at two points, from its definition and automatic differentiation."""
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    k = torch.exp(-(a - b).square().sum() / (2 * length**2))
    by_a, by_b = torch.autograd.grad(k, (a, b), create_graph=True)
    trace = sum(torch.autograd.grad(by_a[i], b, retain_graph=True)[0][i] for i in range(len(a)))
    s, r = score(a), score(b)
    return (s @ r * k + s @ by_b + r @ by_a + trace).detach()


@pytest.mark.parametrize("length", [0.6, 1.7])
def test_the_stein_kernel_is_its_definition(length):
    x, y = randn(4, 2), randn(3, 2, seed=1)
    expected = torch.stack([torch.stack([k_pi(a, b, LAW.score, length) for b in y]) for a in x])
    torch.testing.assert_close(pf.stein_kernel(x, y, LAW.score, length=length), expected, rtol=1e-12, atol=1e-12)
    own = pf.stein_kernel(x, x, LAW.score, length=length)
    torch.testing.assert_close(own.mean(), pf.ksd2(LAW.score, length=length)(x), rtol=1e-12, atol=1e-12)
    assert torch.linalg.eigvalsh(own).min() > 0
    batch = pf.stein_kernel(torch.stack([x, x + 1]), torch.stack([y, y]), LAW.score, length=length)
    torch.testing.assert_close(batch[0], expected, rtol=1e-12, atol=1e-12)


def test_the_stein_kernel_has_mean_zero_under_the_law():
    line = torch.linspace(-9, 9, 1500, dtype=F8)[:, None]
    weight = LINE.log_density(line).exp() * (line[1, 0] - line[0, 0])
    found = weight @ pf.stein_kernel(line, torch.tensor([[-2.0], [0.1], [3.0]], dtype=F8), LINE.score, length=0.7)
    assert found.abs().max() < 1e-9


def test_ksd_is_the_rate_of_svgd():
    """mean_i (<s, phi> + div phi)(x_i) = KSD^2, phi the field of SVGD as a function of space: -d/dt KL(rho | pi) when rho = the cloud."""
    x, length = randn(6, 2, seed=3), 0.9

    def phi(z):
        k = torch.exp(-(z - x).square().sum(-1) / (2 * length**2))
        return (k[:, None] * (LAW.score(x) + (z - x) / length**2)).mean(0)

    rate = torch.stack([LAW.score(z) @ phi(z) + torch.autograd.functional.jacobian(phi, z).trace() for z in x]).mean()
    torch.testing.assert_close(rate, pf.ksd2(LAW.score, length=length)(x), rtol=1e-12, atol=1e-12)


def test_one_particle_is_content_wherever_the_score_vanishes():
    law = modes(2.0, 0.3)
    for x in (randn(1, 2, seed=4), torch.zeros(1, 2, dtype=F8)):
        s = law.score(x)
        torch.testing.assert_close(pf.ksd2(law.score, length=0.4)(x), s.square().sum() + 2 / 0.4**2, rtol=1e-12, atol=1e-12)
        hessian = torch.autograd.functional.jacobian(law.score, x[0])
        torch.testing.assert_close(pf.ksd_field(law.score, length=0.4)(0.0, x), -(s @ hessian), rtol=1e-11, atol=1e-11)
    assert pf.ksd_field(law.score, length=0.4)(0.0, torch.zeros(1, 2, dtype=F8)).abs().max() == 0  # between the modes


def test_a_long_kernel_sees_only_the_mean_score():
    x = randn(7, 2, seed=5)
    torch.testing.assert_close(pf.ksd2(LAW.score, length=1e4)(x), LAW.score(x).mean(0).square().sum(), rtol=1e-6, atol=1e-6)


def test_the_flow_dissipates_and_keeps_the_time_of_the_wasserstein_metric():
    x, field, E = randn(8, 2, seed=6), pf.ksd_field(LAW.score, length=0.8), pf.ksd2(LAW.score, length=0.8)
    v = field(0.0, x)
    rate = (E(x + 1e-6 * v) - E(x - 1e-6 * v)) / 2e-6
    torch.testing.assert_close(rate / 2, -v.square().sum(-1).mean(), rtol=1e-6, atol=1e-8)
    twice = torch.cat([x, x])  # the same measure with twice the particles moves at the same speed
    torch.testing.assert_close(field(0.0, twice)[:8], v, rtol=1e-11, atol=1e-11)
    path = flow(field, x, 0.5, 100, every=25)
    energies = torch.stack([E(z) for z in path.x])
    assert (energies.diff() < 0).all()


def test_the_field_exports():
    field = pf.ksd_field(modes(2.0, 0.3).score, length=0.5)
    x = randn(5, 2, seed=7)
    traced = make_fx(lambda z: field(0.0, z), tracing_mode="symbolic", _allow_non_fake_inputs=True)(x)
    torch.testing.assert_close(traced(x), field(0.0, x), rtol=1e-10, atol=1e-10)


# --- the traps

def test_particles_on_the_axis_of_symmetry_stay_there():
    law = modes(2.0, 0.3)
    x = 0.5 * randn(20, 2, seed=8) * torch.tensor([0.0, 1.0], dtype=F8)
    assert flow(pf.ksd_field(law.score, length=0.5), x, 1.0, 200).x[..., 0].abs().max() == 0
    assert pf.lbfgs(pf.ksd2(law.score, length=0.5), x, steps=40).x[..., 0].abs().max() == 0


def test_particles_stay_between_the_modes():
    law, E = modes(2.0, 0.3), pf.ksd2(modes(2.0, 0.3).score, length=LENGTH)
    shares = []
    for seed in (1, 3):
        end = pf.lbfgs(E, 0.3 * randn(50, 2, seed=seed), steps=300, every=300).end
        shares.append(float((end[:, 0].abs() < 2 / 3).double().mean()))
    mass = (torch.special.ndtr(torch.tensor((2 / 3 + 2) / 0.3**0.5)) - torch.special.ndtr(torch.tensor((2 - 2 / 3) / 0.3**0.5))).item()
    assert min(shares) > 0.2 and mass < 0.01  # where the law has less than 1 % of its mass
    sample = law.sample(50, generator=torch.Generator().manual_seed(0))
    assert E(end) > 1.5 * E(sample)  # a local minimum: 50 independent points of the law do better


# --- L-BFGS

def test_lbfgs_reaches_the_minimum_of_a_quadratic_energy_and_its_path_goes_down():
    y, scale = randn(6, 3, seed=9), torch.tensor([1.0, 3.0, 30.0], dtype=F8)

    def E(x):
        return (scale * (x - y).square()).sum((-1, -2))

    x = randn(6, 3, seed=10)
    path = pf.lbfgs(E, x, steps=30)
    assert path.x.shape == (31, 6, 3) and torch.equal(path.x[0], x) and path.t[-1] == 30
    energies = torch.stack([E(z) for z in path.x])
    assert (energies.diff() <= 0).all() and energies[-1] < 1e-18 * energies[0]
    thin = pf.lbfgs(E, x, steps=30, every=7)
    assert thin.t.tolist() == [0, 7, 14, 21, 28, 30] and torch.equal(thin.x[-1], path.x[-1]) and torch.equal(thin.x[1], path.x[7])
    rest = pf.lbfgs(E, y, steps=3)
    assert torch.equal(rest.x, y.expand(4, 6, 3))
    assert not path.x.requires_grad


def test_lbfgs_ends_where_scipy_does():
    x, E = randn(12, 2, seed=11), pf.ksd2(normal_score)

    def value(z):
        z = torch.as_tensor(z).reshape(12, 2)
        return 12 * E(z).item(), 12 * grad(E, z).numpy().ravel()

    scipys = fmin_l_bfgs_b(value, x.numpy().ravel(), maxiter=2000, factr=10, pgtol=1e-9)[1] / 12
    end = pf.lbfgs(E, x, steps=200, every=200).end
    assert 12 * grad(E, end).abs().max() < 1e-6
    assert abs(E(end).item() / scipys - 1) < 0.02  # minima of clouds of 12 points, nearly equal


def test_lbfgs_begins_with_a_step_of_the_flow():
    """Near the minimum of E = mean |x - y|^2/2, x - n grad E = y: one step, whatever the number of particles."""
    y = randn(6, 2, seed=9)
    path = pf.lbfgs(lambda x: (x - y).square().sum(-1).mean() / 2, y + 0.01 * randn(6, 2, seed=10), steps=1)
    torch.testing.assert_close(path.end, y, rtol=1e-12, atol=1e-12)


def test_a_search_that_cannot_move_forgets_and_starts_again():
    """Where an energy has a kink along a curve, the past is misleading: of twenty paths that keep it, seventeen stop for good."""
    def E(z):
        return 10 * (z[..., 0] - z[..., 1].square()).abs().mean(-1) + z.square().sum((-1, -2))

    paths = [pf.lbfgs(E, randn(3, 2, seed=seed), steps=40).x for seed in range(5)]
    assert sum(torch.equal(x[-1], x[-4]) for x in paths) <= 2


# --- ksddescent 0.3, the package of the method's authors: its loss is a sum, without 1/n^2, in float32; its bw is l^2

def theirs(x, score, **options):
    ksddescent = pytest.importorskip("ksddescent")
    with contextlib.redirect_stdout(io.StringIO()):
        return ksddescent.ksdd_lbfgs(x, score, bw=0.1, **options)


def test_the_stein_kernel_is_ksddescents():
    kernels = pytest.importorskip("ksddescent.kernels")
    x, y = randn(30, 2, seed=12), randn(20, 2, seed=13)
    for ours, other in ((pf.stein_kernel(x, y, LAW.score, length=LENGTH), kernels.gaussian_stein_kernel(x, y, LAW.score(x), LAW.score(y), 0.1)),
                        (pf.stein_kernel(x, x, LAW.score, length=LENGTH), kernels.gaussian_stein_kernel_single(x, LAW.score(x), 0.1))):
        torch.testing.assert_close(ours, other, rtol=1e-11, atol=1e-11)
    direction = kernels.svgd_direction(x, LAW.score(x), 0.1) / len(x)
    torch.testing.assert_close(pf.svgd(LAW.score, length=LENGTH)(0.0, x), direction, rtol=1e-11, atol=1e-11)


def test_gradient_descent_is_ksddescents():
    ksddescent = pytest.importorskip("ksddescent")
    x, law = randn(20, 2, seed=14), modes(1.0, 0.5)
    end = ksddescent.ksdd_gradient(x, law.score, 0.01, max_iter=19, bw=0.5)  # x - 0.01 grad KSD^2: 20 steps of the flow, dt = 2 * 0.01/n
    ours = x
    for _ in range(20):
        ours = ours + 2 * 0.01 / 20 * pf.ksd_field(law.score, length=math.sqrt(0.5))(0.0, ours)
    torch.testing.assert_close(end, ours, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("distance", "variance", "stuck"), [(1.0, 0.1, 0.5), (2.0, 0.3, 0.66)])
def test_the_published_failure_is_the_same_in_both(distance, variance, stuck):
    torch.manual_seed(0)  # theirs and the published experiment's start
    x = 0.3 * torch.randn(50, 2)
    E = pf.ksd2(modes(distance, variance).score, length=LENGTH)
    other = theirs(x, modes(distance, variance, torch.float32).score).double()
    ours = pf.lbfgs(E, x.double(), steps=300, every=300).end
    shares = [float((end[:, 0].abs() < distance / 3).double().mean()) for end in (other, ours)]
    assert abs(shares[0] - stuck) < 0.1 and abs(shares[1] - shares[0]) <= 0.1
    assert max(E(other), E(ours)) < 0.2 * E(x.double()) and 0.7 < E(ours) / E(other) < 1.4


def test_on_a_gaussian_both_end_with_the_same_energy():
    x = randn(20, 2, seed=15)
    E = pf.ksd2(normal_score, length=LENGTH)
    ends = [E(theirs(x.float(), normal_score).double()), E(pf.lbfgs(E, x, steps=300, every=300).end)]
    assert abs(ends[0] / ends[1] - 1) < 0.02


X = torch.zeros(3, 2, dtype=F8)


@pytest.mark.parametrize("call", [
    lambda: pf.stein_kernel(X, X[:, :1], LAW.score), lambda: pf.stein_kernel(X, X, None), lambda: pf.stein_kernel(X, X, LAW.score, length=0.0),
    lambda: pf.stein_kernel(X, X, lambda x: x.sum(-1)), lambda: pf.stein_kernel(X, X, lambda x: 0.0), lambda: pf.stein_kernel(X[0], X, LAW.score),
    lambda: pf.ksd_field(3.0), lambda: pf.ksd_field(LAW.score, length=-1.0), lambda: pf.lbfgs(None, X), lambda: pf.lbfgs(pf.ksd2(LAW.score), X[0]),
    lambda: pf.lbfgs(pf.ksd2(LAW.score), X, steps=0), lambda: pf.lbfgs(pf.ksd2(LAW.score), X, every=0),
    lambda: pf.stein_kernel(X, X + np.nan, LAW.score), lambda: pf.stein_kernel(X, torch.cat([X, X]), lambda x: x[:3]),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
