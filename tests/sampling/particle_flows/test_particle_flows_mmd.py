"""The MMD flow: closed forms against Gaussians, decoupled quantiles, escape times, and what injected noise does."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import companion.sampling.particle_flows as pf
from companion.energies import grad, half
from companion.flow import euler, flow, iterate
from companion.gaussians import Gaussian
from companion.kernels import energy_kernel, gaussian_kernel
from companion.noise import with_noise
from tests.helpers import cloud

F8 = torch.float64


def law(seed, d=2):
    A = cloud(d, d, seed=seed)
    return Gaussian(cloud(d, seed=seed + 1), A @ A.T / d)


# --- closed forms ----------------------------------------------------------------------------------------------------------------

def test_the_mean_of_the_kernel_over_gaussians_is_a_quadrature():
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    xi = torch.as_tensor(np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2))
    w = torch.as_tensor(np.outer(weights, weights).ravel() / weights.sum() ** 2)
    root, delta = torch.tensor([[0.8, 0.0], [0.5, 0.3]], dtype=F8), torch.tensor([0.7, -0.4], dtype=F8)
    for length in (0.8, 1.5):
        want = (w * torch.exp(-(delta + xi @ root.T).square().sum(-1) / (2 * length**2))).sum()
        got = pf.mean_gaussian_kernel(delta, root @ root.T, length=length)
        assert got.item() == pytest.approx(want.item(), abs=1e-6)


def test_mmd2_of_two_gaussians_has_its_three_terms():
    p, q = law(0), law(5)
    value = pf.gaussians_mmd2(p, q, length=0.9)
    assert value > 0 and pf.gaussians_mmd2(p, p, length=0.9).abs() < 1e-15
    assert torch.allclose(value, pf.gaussians_mmd2(q, p, length=0.9))
    x = p.mean + cloud(4000, 2, seed=1) @ torch.linalg.cholesky(p.covariance).T
    y = q.mean + cloud(4000, 2, seed=2) @ torch.linalg.cholesky(q.covariance).T
    k = gaussian_kernel(0.9)
    own = [(k(z, z).sum() - 4000) / (4000 * 3999) for z in (x, y)]
    assert abs(own[0] + own[1] - 2 * k(x, y).mean() - value) < 0.01


def test_mmd2_against_the_normal_law_is_the_same_as_against_gaussians():
    """A Dirac and N(0, I): the V-statistic of one point."""
    x = cloud(1, 3)
    q = Gaussian(torch.zeros(3, dtype=F8), torch.eye(3, dtype=F8))
    p = Gaussian(x[0], torch.zeros(3, 3, dtype=F8))
    assert torch.allclose(pf.gaussian_mmd2(length=0.8)(x), pf.gaussians_mmd2(p, q, length=0.8), atol=1e-14)


@pytest.mark.parametrize("n, d, length", [(10, 1, 1.0), (25, 3, 0.7), (8, 6, 2.0)])
def test_samples_of_the_target_have_the_floor_on_average(n, d, length):
    values = pf.gaussian_mmd2(length=length)(cloud(4000, n, d, seed=n))
    assert abs(values.mean() - pf.sampling_floor(n, d, length=length)) < 4 * values.std() / math.sqrt(4000)


# --- the flow --------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kernel", [gaussian_kernel(0.7), energy_kernel])
def test_the_flow_descends_the_witness(kernel):
    x, y = cloud(9, 2), cloud(12, 2, seed=1) + 1
    mean = pf.sample_mean(y, kernel=kernel)
    v = pf.mmd_flow(y, kernel=kernel)(0.0, x)
    assert torch.allclose(v, pf.mmd_descent(kernel=kernel, target_mean=mean)(0.0, x), atol=1e-13)
    f = pf.witness(x, kernel=kernel, target_mean=mean)
    z = torch.tensor([[0.3, -0.2]], dtype=F8)
    assert torch.allclose(f(z)[0], kernel(z, x).mean() - kernel(z, y).mean())
    rate = (pf.mmd2(y, kernel=kernel)(x + 1e-6 * v) - pf.mmd2(y, kernel=kernel)(x - 1e-6 * v)) / 4e-6
    assert rate.item() == pytest.approx(-v.square().sum(-1).mean().item(), rel=1e-6)


def test_the_flow_to_an_exact_gaussian_is_that_of_the_closed_energy():
    x, length = cloud(11, 3) + 0.5, 0.9
    mean = pf.gaussian_mean(length=length)
    v = pf.mmd_descent(kernel=gaussian_kernel(length), target_mean=mean)(0.0, x)
    assert torch.allclose(v, -11 * grad(half(pf.gaussian_mmd2(length=length)), x), atol=1e-13)


def test_the_kernel_mean_of_any_isotropic_gaussian():
    m, s, length = torch.tensor([0.4, -1.0], dtype=F8), 0.6, 0.8
    z = cloud(1, 2)
    got = pf.gaussian_mean(length=length, center=m, variance=s)(z)[0]
    assert torch.allclose(got, pf.mean_gaussian_kernel(z[0] - m, s * torch.eye(2, dtype=F8), length=length))
    assert torch.allclose(pf.gaussian_mean(length=length, center=m, variance=0)(z)[0], gaussian_kernel(length)(z, m[None])[0, 0])


# --- the energy distance on a line ------------------------------------------------------------------------------------------------

def test_quantiles_are_decoupled():
    """v(x_(i)) = 2 (s_i - G(x_(i))), s_i = (i - 1/2)/n."""
    x, y = cloud(15, 1).sort(0).values, 2 * cloud(40, 1, seed=3)
    s = (torch.arange(15, dtype=F8) + 0.5) / 15
    G = (y.T <= x).double().mean(-1)
    assert torch.allclose(pf.mmd_flow(y, kernel=energy_kernel)(0.0, x)[:, 0], 2 * (s - G), atol=1e-13)


def test_the_quantile_law_towards_the_uniform_law():
    """G(q) = q: Q_t(s) = s + (Q_0(s) - s) exp(-2 t), for any start inside (0, 1)."""
    n = 20
    y = ((torch.arange(4000, dtype=F8) + 0.5) / 4000)[:, None]
    x = 0.2 + 0.1 * torch.linspace(0, 1, n, dtype=F8)[:, None]
    s = ((torch.arange(n, dtype=F8) + 0.5) / n)[:, None]
    end = flow(pf.mmd_flow(y, kernel=energy_kernel), x, 1.0, 400, every=400).end
    assert (end - (s + (x - s) * math.exp(-2))).abs().max() < 1e-3


# --- escape ----------------------------------------------------------------------------------------------------------------------

ESCAPE = {1: 2.5852, 2: 4.8352, 3: 16.325, 4: 222.55, 5: 11784.92}


@pytest.mark.parametrize("r", ESCAPE)
def test_escape_times(r):
    assert pf.escape_time(float(r), 0.1) == pytest.approx(ESCAPE[r], rel=3e-5)
    assert pf.escape_time(2.0 * r, 0.2, length=2.0) == pytest.approx(4 * ESCAPE[r], rel=3e-5)


def test_a_particle_takes_the_escape_time():
    origin = torch.zeros(1, 1, dtype=F8)
    v = pf.mmd_flow(origin, kernel=gaussian_kernel(0.8))
    T = pf.escape_time(2.0, 0.3, length=0.8)
    end = flow(v, torch.tensor([[2.0]], dtype=F8), T, 400, every=400).end
    assert end.item() == pytest.approx(0.3, abs=1e-5)
    ends = solve_ivp(lambda t, r: -r / 0.64 * np.exp(-(r**2) / 1.28), (0, T), [2.0], rtol=1e-10, atol=1e-12).y[0, -1]
    assert ends == pytest.approx(0.3, abs=1e-8)
    end = flow(pf.mmd_flow(origin, kernel=energy_kernel), torch.tensor([[2.0]], dtype=F8), 1.7, 10).end
    assert end.item() == pytest.approx(0.3, abs=1e-12)


# --- noise injection -------------------------------------------------------------------------------------------------------------

def test_noise_smooths_the_kernel():
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    x, y, length, beta = 0.7, -0.4, 0.9, 0.6
    want = (weights / weights.sum() * np.exp(-((x + beta * nodes - y) ** 2) / (2 * length**2))).sum()
    A, wide = pf.smoothed(length, beta, 1)
    assert math.exp(-((x - y) ** 2) / (2 * wide**2)) * A == pytest.approx(want, abs=1e-12)
    assert pf.smoothed(length, beta, 3)[0] == pytest.approx(A**3)
    assert pf.smoothed(length, 0.0, 2) == (1.0, length)


def test_noise_injection_reads_the_gradient_elsewhere_and_keeps_the_measure():
    x, xi, k = cloud(8, 2), cloud(8, 2, seed=1), gaussian_kernel(0.8)
    mean = pf.gaussian_mean(length=0.8, center=torch.ones(2, dtype=F8), variance=0.5)
    f = pf.witness(x, kernel=k, target_mean=mean)
    make = partial(pf.noise_injection, kernel=k, target_mean=mean, step=0.3)
    assert torch.allclose(make(beta=0.7)(0, x, xi), x - 0.3 * grad(f, x + 0.7 * xi))
    assert torch.allclose(make(beta=lambda k: 0.7 / (1 + k))(6, x, xi), x - 0.3 * grad(f, x + 0.1 * xi))
    v = pf.mmd_descent(kernel=k, target_mean=mean)
    assert torch.allclose(make(beta=0.0)(0, x, xi), euler(v, 0.0, x, 0.3))


def test_noise_lowers_the_plateau_and_without_it_particles_are_expelled():
    """1-D, N(6, 0.01) to N(0, 1), exact witness: final MMD^2 0.0146, 0.0120, 0.0027 for beta_0 = 0, 1, 3 at 6000 steps of another seed."""
    x, E, found = 6 + 0.1 * cloud(100, 1), pf.gaussian_mmd2(length=1.0), {}
    for beta in (0.0, 1.0, 3.0):
        step = pf.noise_injection(kernel=gaussian_kernel(1.0), target_mean=pf.gaussian_mean(length=1.0), step=0.5,
                                  beta=lambda k, b=beta: b * (1 - k / 3000))
        end = iterate(with_noise(step, seed=0), x, 3000, every=3000).end
        found[beta] = E(end).item(), end.max().item()
    assert found[0.0][0] > found[1.0][0] > 2 * found[3.0][0], found
    assert found[0.0][1] > 15, found


# --- bad input -------------------------------------------------------------------------------------------------------------------

K, M = gaussian_kernel(1.0), pf.gaussian_mean(length=1.0)


@pytest.mark.parametrize("call", [
    lambda: pf.mmd_flow(cloud(3), kernel=K), lambda: pf.mmd_flow(cloud(3, 1), kernel=1.0),
    lambda: pf.mmd_flow(cloud(3, 1), kernel=K)(0.0, cloud(3, 2)),
    lambda: pf.sample_mean(3, kernel=K), lambda: pf.sample_mean(cloud(3, 1), kernel="gaussian"), lambda: pf.gaussian_mean(length=0),
    lambda: pf.gaussian_mean(length=1.0, variance=-1), lambda: pf.gaussian_mean(length=1.0, center="0"), lambda: M(3.0),
    lambda: pf.gaussian_mean(length=1.0, center=cloud(2, 2)), lambda: pf.gaussian_mean(length=1.0, center=cloud(1))(cloud(4, 2)),
    lambda: pf.witness(cloud(3), kernel=K, target_mean=M), lambda: pf.witness(cloud(3, 1), kernel=K, target_mean=0),
    lambda: pf.witness(cloud(3, 1), kernel=K, target_mean=M)(cloud(3, 2)), lambda: pf.mmd_descent(kernel=K, target_mean=2),
    lambda: pf.mmd_descent(kernel=2, target_mean=M), lambda: pf.noise_injection(kernel=K, target_mean=M, step=0, beta=1.0),
    lambda: pf.noise_injection(kernel=K, target_mean=M, step=1.0, beta=-1.0), lambda: pf.noise_injection(kernel=1, target_mean=M, step=1.0, beta=1.0),
    lambda: pf.noise_injection(kernel=K, target_mean=1, step=1.0, beta=1.0),
    lambda: pf.noise_injection(kernel=K, target_mean=M, step=1.0, beta=1.0)(0, cloud(3, 1), cloud(4, 1)),
    lambda: pf.noise_injection(kernel=K, target_mean=M, step=1.0, beta=lambda k: -1.0)(0, cloud(3, 1), cloud(3, 1)),
    lambda: pf.mean_gaussian_kernel(cloud(2), -torch.eye(2, dtype=F8), length=2.0),
    lambda: pf.mean_gaussian_kernel(cloud(2), cloud(3, 3), length=1.0), lambda: pf.mean_gaussian_kernel(cloud(2, 2), cloud(2, 2), length=1.0),
    lambda: pf.mean_gaussian_kernel(cloud(2), torch.eye(2, dtype=F8), length=0), lambda: pf.gaussians_mmd2(law(0), law(1, d=3), length=1.0),
    lambda: pf.sampling_floor(0, 1, length=1.0), lambda: pf.sampling_floor(1, 0, length=1.0), lambda: pf.sampling_floor(1, 1, length=0),
    lambda: pf.escape_time(1.0, 2.0), lambda: pf.escape_time(1.0, 0.0), lambda: pf.escape_time(1.0, 0.5, length=0),
    lambda: pf.smoothed(0, 1.0, 1), lambda: pf.smoothed(1.0, -1.0, 1), lambda: pf.smoothed(1.0, 1.0, 0),
])
def test_bad_input_is_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call()
