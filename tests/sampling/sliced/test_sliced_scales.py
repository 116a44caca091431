"""Sliced distances and velocities keep float32's digits far from the origin, for many points, near the edge of the ball."""

import numpy as np
import pytest
import torch
from scipy import special, stats

import companion.sampling.sliced as sl
from companion.noise import noise
from companion.sampling.order_statistics import normal_order

torch.set_num_threads(1)
F8 = torch.float64
SCALES = [(offset, spread) for offset in (0.0, 1e3, 1e6) for spread in (1.0, 1e3, 1e6)]


def pair(n, m, d, offset, spread, seed=0):
    """Two float32 clouds, a tenth of their spread apart."""
    x, y = noise((n, d), seed=seed, k=-1, dtype=F8), noise((m, d), seed=seed, k=-2, dtype=F8)
    return (offset + spread * x).float(), (offset + spread * (y + 0.1)).float()


@pytest.mark.parametrize(("offset", "spread"), SCALES)
@pytest.mark.parametrize(("n", "m"), [(200, 200), (200, 130)])
@pytest.mark.parametrize("d", [2, 30])
def test_distances_of_float32_clouds_are_those_of_float64(n, m, d, offset, spread):
    """The clouds are what float32 holds; their distances, and where the particles go, are those of float64 to seven digits of the spread."""
    x, y = pair(n, m, d, offset, spread)
    theta = sl.iid(noise((16, d), seed=5, k=0, dtype=F8))
    X, Y = x.double(), y.double()
    for f, power in ((sl.sw2_squared, 2), (sl.sw1, 1), (sl.moment_formula, 2)):
        given = (theta,) if f is not sl.moment_formula else ()
        found, exact = f(x, y, *(t.float() for t in given)).double(), f(X, Y, *given)
        assert abs(found - exact) < 1e-5 * (0.1 * spread) ** power * d**0.5 + 2e-5 * exact, f.__name__
    moved = sl.velocity(0.0, x, y, theta.float()).double() - sl.velocity(0.0, X, Y, theta)
    assert moved.abs().quantile(0.9) < 5e-6 * spread  # float32 makes points coincide far out, and two of them may change places


def test_a_translation_changes_nothing():
    x, y = pair(64, 40, 3, 0.0, 1.0)
    x, y = ((1024 * z).round() / 1024 for z in (x, y))  # so that the translated clouds are exact
    theta = sl.iid(noise((8, 3), seed=6, k=0))
    for shift in (1.0, 2.0**13):
        near, far = sl.slices(x, y, theta), sl.slices(x + shift, y + shift, theta)
        assert torch.allclose(near, far, rtol=2e-5, atol=1e-7)
        assert torch.allclose(sl.velocity(0.0, x, y, theta), sl.velocity(0.0, x + shift, y + shift, theta), atol=2e-6)


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_cloud_of_many_points_moves_a_cloud_of_few(offset):
    """Four million points against five: the means of the quantile function over fifths, against float64."""
    y = (offset + torch.rand(4_000_000, 1, dtype=F8, generator=torch.Generator().manual_seed(0))).float()
    x = y[:5] + 0.5
    found = sl.velocity(0.0, x, y, torch.ones(1, 1))
    fifths = y.double()[:, 0].sort().values.reshape(5, -1).mean(-1)
    exact = fifths[x[:, 0].argsort().argsort()] - x.double()[:, 0]
    assert (found[:, 0].double() - exact).abs().max() < 2e-7 + 4e-8 * offset


@pytest.mark.parametrize("room", [1e-2, 1e-4, 1e-6])
def test_hyperbolic_functions_near_the_edge_of_the_ball(room):
    """A point at 1 - room: 1 - |x|^2 has room's digits, also in float32."""
    turn = torch.linspace(0, 3, 7, dtype=F8)
    x = ((1 - room) * torch.stack([turn.cos(), turn.sin()], -1)).float()
    y, theta = x.flip(0), sl.half_circle(5)
    X = x.double()
    for found, exact in ((sl.hyperbolic_distance(x, y), sl.hyperbolic_distance(X, X.flip(0))), (sl.lorentz(x), sl.lorentz(X)),
                         (sl.busemann_ball(x, theta.float()), sl.busemann_ball(X, theta.float().double()))):
        assert torch.allclose(found.double(), exact, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [2, 3, 40, 5000])
def test_order_statistics_against_one_fine_grid(n):
    """Their densities with the factor n!/((i-1)! (n-i)!), all on one grid; and 1.5/sqrt(pi), the largest of three."""
    means, variances = normal_order(n)
    z, i = np.linspace(-10, 10, 20_001), np.array(sorted({1, 2, n // 2, n}))[:, None]
    log_beta = special.gammaln(n + 1) - special.gammaln(i) - special.gammaln(n - i + 1)
    density = np.exp(log_beta + (i - 1) * special.log_ndtr(z) + (n - i) * special.log_ndtr(-z) + stats.norm.logpdf(z)) * (z[1] - z[0])
    first, second = (density * z).sum(1), (density * z**2).sum(1)
    assert np.abs(means[i[:, 0] - 1].numpy() - first).max() < 1e-9
    assert np.abs(variances[i[:, 0] - 1].numpy() / (second - first**2) - 1).max() < 1e-6
    assert abs(normal_order(3)[0][2] - 1.5 / torch.pi**0.5) < 1e-14


def test_the_floor_of_large_samples_is_a_sum_without_cancellation():
    """For n large the sum of the variances is that of p (1 - p)/(n phi^2) up to the ends: like log log n/n; halves come as they should."""
    assert abs(sl.gaussian_floor(1) - 2) < 1e-12 and abs(sl.gaussian_floor(2) - 2 * (1 - 1 / torch.pi)) < 1e-12
    assert abs(sl.gaussian_floor(3) - 2 * (1 - 2 * (1.5 / torch.pi**0.5) ** 2 / 3)) < 1e-12
    scaled = [n * sl.gaussian_floor(n) / 2 for n in (10**3, 10**4, 10**5)]
    growth = torch.tensor(scaled).diff()
    loglog = torch.tensor([10.0**k for k in (3, 4, 5)]).log().log().diff()
    assert ((growth / loglog - 1).abs() < 0.1).all() and (growth > 0).all()


def test_half_precision_is_refused_and_the_advice_is_right():
    x = noise((5, 2), seed=0, k=0).bfloat16()
    with pytest.raises(TypeError, match=r"expected torch.float32 or torch.float64: use directions.to\(torch.float32\)"):
        sl.project(noise((5, 2), seed=0, k=0), sl.iid(noise((4, 2), seed=1, k=0)).bfloat16())
    with pytest.raises(TypeError, match=r"x has dtype torch\.bfloat16"):
        sl.sw2_squared(x, x, sl.iid(noise((4, 2), seed=1, k=0)))
    with pytest.raises(TypeError, match="like x"):
        sl.sw2_squared(x.float(), x.double(), sl.iid(noise((4, 2), seed=1, k=0)))
