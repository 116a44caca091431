"""SVGD: the simplex that does not know its dimension, moments matched exactly, d KL/dt = -KSD^2, the symmetry trap; the targets and their samples."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm

import companion.sampling.particle_flows as pf
from companion.energies import grad
from companion.flow import euler, flow, rk4
from tests.helpers import cloud

F8 = torch.float64
TARGETS = {"banana": pf.banana(bend=0.7, width=1.2, thickness=0.5), "modes": pf.two_modes(), "ring": pf.ring()}


def normal_score(x):
    return -x


def seed(s):
    return torch.Generator().manual_seed(s)


# --- the field -------------------------------------------------------------------------------------------------------------------

def by_definition(x, s, k):
    """(1/n) sum_j k(x_j, x_i) s_j + grad_{x_j} k(x_j, x_i), one pair after the other, by autograd."""
    out = torch.zeros_like(x)
    for i in range(len(x)):
        for j in range(len(x)):
            z = x[j].clone().requires_grad_()
            value = k(z, x[i])
            out[i] += value.detach() * s[j] + torch.autograd.grad(value, z)[0]
    return out / len(x)


@pytest.mark.parametrize("name", TARGETS)
def test_the_field_is_its_definition(name):
    x, score = cloud(7, 2), TARGETS[name].score
    s = score(x)
    for length in (0.4, torch.tensor(1.3, dtype=F8), pf.median_length(x).item()):
        want = by_definition(x, s, lambda a, b, l=length: torch.exp(-(a - b).square().sum() / (2 * l**2)))
        assert torch.allclose(pf.svgd(score, length=length)(0.0, x), want, atol=1e-12)
    assert torch.allclose(pf.svgd_bilinear(score)(0.0, x), by_definition(x, s, lambda a, b: 1 + a @ b), atol=1e-12)


def test_median_lengths_are_those_of_numpy_in_every_cloud_of_a_batch():
    for n in (2, 3, 5, 8):
        x = cloud(4, n, 3, seed=n)
        pairs = (x[:, :, None] - x[:, None]).square().sum(-1)
        med = torch.stack([torch.as_tensor(np.median(p[np.triu_indices(n, 1)].numpy())) for p in pairs])[:, None, None]
        assert torch.allclose(pf.median_squared(x), med)
        assert torch.allclose(2 * pf.median_length(x) ** 2, med)
        assert torch.allclose(2 * pf.median_log_length(x) ** 2, med / math.log(n))
        batch = pf.svgd(normal_score, length=pf.median_length)(0.0, x)
        assert torch.allclose(batch[2], pf.svgd(normal_score, length=pf.median_length)(0.0, x[2]))
    assert pf.median_squared(torch.zeros(3, 2)).item() == pytest.approx(1e-12)
    assert torch.isfinite(pf.svgd(normal_score, length=pf.median_length)(0.0, torch.zeros(3, 2))).all()


def test_the_direction_reads_off_the_field_anywhere():
    x, s = cloud(9, 2), cloud(9, 2, seed=1)
    z = cloud(4, 2, seed=2)
    both = pf.stein_direction(torch.cat([z, x]), x, s, length=0.7)
    assert torch.allclose(both[:4], pf.stein_direction(z, x, s, length=0.7))
    assert torch.allclose(both[4:], pf.svgd(lambda _: s, length=0.7)(0.0, x))


# --- the simplex -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("n, d", [(10, 50), (20, 100), (12, 11)])
def test_few_particles_end_in_a_simplex_whose_radius_does_not_know_the_dimension(n, d):
    for rule, ratio, value in ((pf.median_length, 1.0, (n - 1) / (math.e - 1)), (pf.median_log_length, 1 / math.log(n), math.log(n))):
        v = pf.svgd(normal_score, length=rule)
        end = flow(v, cloud(n, d), 3000.0, 1500, method=euler, every=1500).end
        squares = torch.cdist(end, end).square()[np.triu_indices(n, 1)]
        assert v(0.0, end).abs().max() < 1e-12
        assert (squares / squares.mean() - 1).abs().max() < 1e-10
        assert pf.simplex_radius_squared(n, ratio=ratio) == pytest.approx(value, rel=1e-12)
        assert torch.allclose(end.square().sum(-1), torch.tensor(value, dtype=F8), rtol=1e-9)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 4.0])
def test_a_simplex_of_this_radius_is_at_rest_for_every_ratio(ratio):
    n = 6
    x = torch.eye(n, dtype=F8) - 1 / n
    x = x / x[0].norm() * pf.simplex_radius_squared(n, ratio=ratio) ** 0.5
    assert pf.svgd(normal_score, length=lambda x: (ratio * pf.median_squared(x) / 2).sqrt())(0.0, x).abs().max() < 1e-14
    assert pf.svgd(normal_score, length=lambda x: (ratio * pf.median_squared(x) / 2).sqrt())(0.0, 1.1 * x).abs().max() > 1e-3


def test_with_many_particles_the_variance_is_nearly_that_of_the_target():
    means = []
    for d in (1, 10, 50):
        end = flow(pf.svgd(normal_score, length=pf.median_length), cloud(100, d), 150.0, 300, method=euler, every=300).end
        means.append(end.var(0, correction=0).mean().item())
    assert 0.97 < means[0] < 1.01 and 0.85 < means[1] < 0.95 and 0.6 < means[2] < 0.8, means


# --- moments ---------------------------------------------------------------------------------------------------------------------

def test_the_bilinear_kernel_matches_mean_and_covariance_exactly():
    m, S = torch.tensor([0.5, -1.0, 0.2], dtype=F8), torch.tensor([[1.0, 0.4, 0.0], [0.4, 0.8, 0.1], [0.0, 0.1, 0.6]], dtype=F8)
    precision = torch.linalg.inv(S)
    v = pf.svgd_bilinear(lambda x: (m - x) @ precision)
    end = flow(v, cloud(10, 3), 40.0, 2000, every=2000).end
    assert v(0.0, end).abs().max() < 1e-12
    assert (end.mean(0) - m).abs().max() < 1e-12
    assert (torch.cov(end.T, correction=0) - S).abs().max() < 1e-12


def test_the_bilinear_variance_follows_its_closed_form():
    """v' = 2 v - 2 v^2/s for any centred cloud: twice the speed of Fisher-Rao, whatever s."""
    s, x = 2.5, cloud(50, 1)
    x = (x - x.mean()) * 0.3
    start, errors = x.square().mean(), []
    for steps in (10, 20):
        end = flow(pf.svgd_bilinear(lambda x: -x / s), x, 1.0, steps).end
        errors.append((end.square().mean() - s / (1 + (s / start - 1) * math.exp(-2))).abs().item())
    assert errors[1] < 1e-5 and 3.5 < math.log2(errors[0] / errors[1]) < 4.5, errors


def test_kl_decreases_at_the_rate_of_ksd2_for_the_bilinear_kernel():
    """KL(N(0, v) | N(0, s)) along v' = 2 v - 2 v^2/s has slope -(1 - v/s)^2, which is KSD^2 of the kernel 1 + x y."""
    s, v, eps = 2.5, 0.4, 1e-5

    def kl(v):
        return (v / s - 1 - math.log(v / s)) / 2

    slope = (kl(v + eps * 2 * v * (1 - v / s)) - kl(v - eps * 2 * v * (1 - v / s))) / (2 * eps)
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    x, w = math.sqrt(v) * nodes, weights / weights.sum()
    stein = np.outer(x, x) / s**2 * (1 + np.outer(x, x)) - (x[:, None] ** 2 + x**2) / s + 1
    assert slope == pytest.approx(-(w @ stein @ w), abs=1e-9) and w @ stein @ w == pytest.approx((1 - v / s) ** 2)


def test_kl_decreases_at_the_rate_of_ksd2_for_the_gaussian_kernel():
    """Push N(m, v) by x + h phi(x), phi the field of its own quantiles: KL by the change of variables, its slope against ksd2."""
    n, h = 1500, 1e-4
    x = torch.as_tensor(0.7 + 1.3 * norm.ppf((np.arange(n) + 0.5) / n))[:, None]
    score = lambda x: -(x - 0.2) - 0.1 * x**3  # noqa: E731
    V = lambda x: (x - 0.2) ** 2 / 2 + 0.1 * x**4 / 4  # noqa: E731
    phi = pf.stein_direction(x, x, score(x), length=0.8)
    slope = grad(lambda z: pf.stein_direction(z, x, score(x), length=0.8)[..., 0], x)

    def kl(h):  # up to the entropy of N(m, v), which does not move
        return (V(x + h * phi) - torch.log1p(h * slope)).mean()

    rate = (kl(h) - kl(-h)) / (2 * h)
    assert abs(rate + pf.ksd2(score, length=0.8)(x)) < 1e-7
    assert rate < -0.05


# --- the symmetry trap -----------------------------------------------------------------------------------------------------------

def right_side(length, eps, s, steps=500):
    x = cloud(20, 2, seed=s) * torch.tensor([eps, 1.0], dtype=F8)
    end = flow(pf.svgd(TARGETS["modes"].score, length=length), x, 50.0, steps, method=euler, every=steps).end
    return (end[:, 0] > 0).double().mean().item(), end[:, 0].abs()


def test_svgd_stays_on_the_axis_of_symmetry_and_with_a_little_noise_takes_one_mode():
    assert right_side(1.0, 0.0, 0)[1].max() == 0
    found = [right_side(length, 1e-6, s) for length in (1.0, pf.median_log_length) for s in range(5)]
    assert {share for share, _ in found} == {0.0, 1.0}
    assert all(1 < away.min() < away.max() < 4 for _, away in found)


def test_below_the_threshold_of_the_length_the_particles_separate():
    """The linear flow off the axis is cooperative iff s'(0) > 1/l^2, s'(0) = (m^2/s - 1)/s = 41.1 here: l > 0.156."""
    assert all(0 < right_side(0.1, 1e-6, s)[0] < 1 for s in range(3))


# --- targets ---------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", TARGETS)
def test_the_score_is_minus_the_gradient_of_the_potential(name):
    x = cloud(50, 2) * 1.5
    assert torch.allclose(TARGETS[name].score(x), -grad(TARGETS[name].potential, x), atol=1e-10)
    assert TARGETS[name].score(x.view(5, 10, 2)).shape == (5, 10, 2)
    assert TARGETS[name].potential(x[0]).shape == ()


@pytest.mark.parametrize("target", [*TARGETS.values(), pf.ring(radius=1.0, width=0.7)], ids=[*TARGETS, "filled ring"])
def test_the_samples_have_the_law_of_the_potential(target):
    """Means and second moments of 20000 samples against integrals on a grid, within 4 standard deviations."""
    side = torch.linspace(-7, 12, 800, dtype=F8)
    grid = torch.stack(torch.meshgrid(side, side, indexing="ij"), -1)
    weight = torch.exp(-target.potential(grid))
    weight = weight / weight.sum()
    x = target.sample(20000, generator=seed(0))
    assert x.shape == (20000, 2) and x.dtype == F8
    for f in (lambda z: z[..., 0], lambda z: z[..., 1], lambda z: z[..., 0] ** 2, lambda z: z[..., 1] ** 2, lambda z: z.norm(dim=-1),
              lambda z: z[..., 0] * z[..., 1], target.potential):
        mean = (weight * f(grid)).sum()
        std = ((weight * f(grid) ** 2).sum() - mean**2).sqrt()
        assert abs(f(x).mean() - mean) < 4 * std / math.sqrt(20000) + 1e-6


def test_the_banana_straightens_to_a_gaussian_and_has_mean_zero():
    x = TARGETS["banana"].sample(2000, generator=seed(1)).numpy()
    assert kstest(x[:, 0] / 1.2, "norm").pvalue > 1e-3
    assert kstest((x[:, 1] - 0.7 * (x[:, 0] ** 2 - 1.44)) / 0.5, "norm").pvalue > 1e-3


def test_two_modes_is_the_mixture_and_sees_the_smallest_step_off_its_axis():
    from companion.gaussians import mixture

    law = mixture(torch.ones(2, dtype=F8), torch.tensor([[-2.0, 0], [2, 0]], dtype=F8), torch.full((2,), 0.3, dtype=F8))
    x = cloud(30, 2) * 2
    assert torch.allclose(TARGETS["modes"].score(x), law.score(x))
    apart = TARGETS["modes"].potential(x) - law.potential(x)
    assert (apart - apart[0]).abs().max() < 1e-9  # softplus is linear beyond 20
    curvature = torch.autograd.functional.hessian(TARGETS["modes"].potential, torch.zeros(2, dtype=F8))[0, 0]
    assert curvature.item() == pytest.approx(-(4 / 0.3 - 1) / 0.3, rel=1e-12)
    tiny = torch.tensor([[1e-12, 0.3]], dtype=F8)
    assert TARGETS["modes"].score(tiny)[0, 0].item() == pytest.approx((4 / 0.3 - 1) / 0.3 * 1e-12, rel=1e-9)


# --- bad input -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call", [
    lambda: pf.svgd(normal_score, length=0.0), lambda: pf.svgd(3, length=1.0), lambda: pf.svgd(normal_score, length="median"),
    lambda: pf.svgd(lambda x: x[..., 0], length=1.0)(0.0, cloud(3, 2)), lambda: pf.svgd(lambda x: 1.0, length=1.0)(0.0, cloud(3, 2)),
    lambda: pf.svgd(normal_score, length=lambda x: torch.tensor([[[1.0]], [[-1.0]]], dtype=F8))(0.0, cloud(2, 3, 2)),
    lambda: pf.svgd(normal_score, length=1.0)(0.0, cloud(3)), lambda: pf.svgd_bilinear(1), lambda: pf.svgd_bilinear(normal_score)(0.0, cloud(3)),
    lambda: pf.stein_direction(cloud(3, 2), cloud(3, 1), cloud(3, 1), length=1.0),
    lambda: pf.stein_direction(cloud(3, 2), cloud(4, 2), cloud(3, 2), length=1.0),
    lambda: pf.median_squared(cloud(1, 2)), lambda: pf.median_length(cloud(3)), lambda: pf.median_log_length(cloud(1, 2)),
    lambda: pf.simplex_radius_squared(1), lambda: pf.simplex_radius_squared(3.0), lambda: pf.simplex_radius_squared(3, ratio=0),
    lambda: pf.banana(thickness=0), lambda: pf.banana(width=-1.0), lambda: pf.two_modes(variance=0), lambda: pf.two_modes(distance="2"),
    lambda: pf.ring(radius=0), lambda: pf.ring(width=0), lambda: pf.ring().potential(cloud(3, 3)), lambda: pf.banana().score(cloud(3)),
    lambda: pf.two_modes().sample(5, generator=0), lambda: pf.banana().sample(0, generator=seed(0)),
])
def test_bad_input_is_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call()


def test_every_step_keeps_the_dtype_and_the_order_of_the_method():
    """RK4 on the SVGD field: the field is smooth, so the order is 4."""
    v = pf.svgd(TARGETS["ring"].score, length=0.8)
    x = cloud(6, 2)
    fine = flow(v, x, 1.0, 320, method=rk4, every=320).end
    errors = [(flow(v, x, 1.0, steps, method=rk4, every=steps).end - fine).abs().max().item() for steps in (20, 40)]
    assert 3.5 < math.log2(errors[0] / errors[1]) < 4.6
    assert v(0.0, x.float()).dtype == torch.float32
