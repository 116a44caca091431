"""Horospherical slices, slices in high dimension, colours: limits along rays, closed forms, order statistics, photographs."""

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.special import ndtr, spence

import companion.sampling.sliced as sl
from companion.data import photograph, sample_gaussian
from companion.energies import grad
from companion.flow import flow
from companion.noise import noise
from companion.transport import line_w2_squared

F8 = torch.float64


def close(a, b, tol=1e-12):
    assert torch.allclose(torch.as_tensor(a, dtype=F8), torch.as_tensor(b, dtype=F8), rtol=0, atol=tol)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def ball(*shape, seed=0):
    """Points of the ball with norms up to about 0.9."""
    x = noise(shape, seed=seed, k=0, dtype=F8)
    return 0.9 * x / (1 + x.square().sum(-1, keepdim=True).sqrt())


def rays(L, d, seed=0):
    return sl.iid(noise((L, d), seed=seed, k=1, dtype=F8))


def along(t, v):
    """The unit-speed geodesic from 0 towards v."""
    return math.tanh(t / 2) * v


# --- hyperbolic space


@pytest.mark.parametrize("d", [2, 3, 8])
def test_busemann_is_the_limit_of_distance_minus_time(d):
    x, v, t = ball(6, d), rays(4, d), 12.0
    limit = torch.stack([sl.hyperbolic_distance(x, along(t, one).expand_as(x)) - t for one in v])
    close(sl.busemann_ball(x, v), limit, 1e-3)
    close(sl.busemann_ball(x, v), limit, 100 * math.exp(-t))


@pytest.mark.parametrize("t", [-3.0, -0.2, 0.0, 1.0, 5.0])
def test_busemann_on_its_ray_is_minus_the_time(t):
    v = rays(3, 4)
    close(sl.busemann_ball(along(t, v), v).diagonal(), torch.full((3,), -t, dtype=F8), 1e-10)


def test_busemann_is_the_same_on_the_hyperboloid():
    x, v = ball(2, 7, 3), rays(5, 3)
    up = sl.lorentz(x)
    assert up.shape == (2, 7, 4)
    close(up[..., 0] ** 2 - up[..., 1:].square().sum(-1), torch.ones(2, 7), 1e-10)
    close(sl.busemann_lorentz(up, v), sl.busemann_ball(x, v), 1e-10)
    assert sl.busemann_ball(x, v).shape == (2, 5, 7)


def test_hyperbolic_distance_is_that_of_the_hyperboloid():
    x, y = ball(9, 3, seed=1), ball(9, 3, seed=2)
    a, b = sl.lorentz(x), sl.lorentz(y)
    close(sl.hyperbolic_distance(x, y), torch.acosh(a[:, 0] * b[:, 0] - (a[:, 1:] * b[:, 1:]).sum(-1)), 1e-10)
    close(sl.hyperbolic_distance(along(0.3, rays(5, 3)), along(1.5, rays(5, 3))), torch.full((5,), 1.2, dtype=F8), 1e-10)
    close(sl.hyperbolic_distance(x, x), torch.zeros(9))


def test_busemann_functions_do_not_expand():
    x, y, v = ball(50, 3, seed=3), ball(50, 3, seed=4), rays(6, 3)
    assert ((sl.busemann_ball(x, v) - sl.busemann_ball(y, v)).abs() <= sl.hyperbolic_distance(x, y) + 1e-12).all()


def test_the_horospherical_projection_stays_on_the_horosphere():
    x, v = ball(2, 6, 3, seed=5), rays(4, 3)
    p = sl.horospherical(x, v)
    assert p.shape == (2, 4, 6, 3)
    for l, one in enumerate(v):
        close(sl.busemann_ball(p[:, l], one[None])[:, 0], sl.busemann_ball(x, v)[:, l], 1e-10)
        close(p[:, l] - (p[:, l] @ one)[..., None] * one, torch.zeros(2, 6, 3), 1e-12)


@pytest.mark.parametrize("r", [0.1, 0.5, 0.9])
def test_from_the_centre_of_the_disc_to_a_point(r):
    """2 Li_2(r^2) + log(1 - r^2)^2; equispaced directions all around converge like r^L."""
    v = torch.cat([sl.half_circle(200), -sl.half_circle(200)])
    x = torch.tensor([[0.6 * r, 0.8 * r]], dtype=F8)
    close(sl.hsw2_squared(torch.zeros_like(x), x, v), 2 * spence(1 - r**2) + math.log(1 - r**2) ** 2, 1e-10)


def test_hsw_is_a_symmetric_invariant_batched_distance_of_any_sizes():
    x, y, v = ball(3, 8, 4, seed=6), ball(5, 4, seed=7), rays(10, 4)
    Q = torch.linalg.qr(noise((4, 4), seed=8, k=0, dtype=F8)).Q
    value = sl.hsw2_squared(x, y, v)
    close(value, torch.stack([sl.hsw2_squared(one, y, v) for one in x]))
    close(value, sl.hsw2_squared(y, x, v))
    close(value, sl.hsw2_squared(x @ Q.T, y @ Q.T, v @ Q.T), 1e-10)
    by_hand = [line_w2_squared(*(torch.log((v - p[:, None]).square().sum(-1) / (1 - p.square().sum(-1))[:, None]).T for p in (x[0], y)))]
    close(value[0], by_hand[0].mean(), 1e-10)
    close(sl.hsw2_squared(y, y.flip(0), v), 0.0)


def test_near_the_centre_it_is_twice_the_flat_sliced_distance():
    """ds = 2 |dx| / (1 - |x|^2): at the centre lengths double, and B_v(x) is about -2 <x, v>."""
    x, y, v = 1e-4 * ball(8, 3, seed=1), 1e-4 * ball(8, 3, seed=2), rays(10, 3)
    assert sl.hsw2_squared(x, y, v) / sl.sw2_squared(x, y, v) == pytest.approx(4, rel=1e-3)


def test_hsw_gradient_is_that_of_differences():
    y, v = ball(5, 3, seed=2), rays(6, 3)
    assert torch.autograd.gradcheck(lambda x: sl.hsw2_squared(x, y, v), ball(5, 3, seed=1).requires_grad_())
    path = flow(lambda t, x: -5 * grad(lambda z: sl.hsw2_squared(z, y, v), x), ball(5, 3, seed=1), 1.0, 30)
    assert sl.hsw2_squared(path.end, y, v) < 0.2 * sl.hsw2_squared(path.x[0], y, v)


@pytest.mark.parametrize("start, speed", [((0.0, 1.0), (0.6, 0.8)), ((-1.0, 0.5), (1.0, 0.0)), ((2.0, 0.0), (-0.8, 0.6)), ((0.3, 2.0), (0.0, 1.0))])
def test_busemann_of_gaussians_is_the_limit_of_distance_minus_time(start, speed):
    mean, std, t = noise((7,), seed=1, k=0, dtype=F8), noise((7,), seed=2, k=0, dtype=F8).abs(), 1e7
    w2 = torch.hypot(mean - start[0] - t * speed[0], std - start[1] - t * speed[1])
    close(sl.busemann_gaussian(mean, std, start=start, speed=speed), w2 - t, 1e-5)


# --- high dimension


def gamma_and_exponential(R, n, d):
    """Gamma(2) coordinates, and exponential ones shifted by 1/2: R pairs of clouds."""
    e = -torch.log1p(-torch.rand(3, R, n, d, generator=generator(d), dtype=F8))
    return e[0] + e[1], e[2] + 0.5


def test_moment_formula_is_exact_for_translates_and_dilations_of_one_cloud():
    x = noise((3, 30, 5), seed=1, k=0, dtype=F8)
    m = torch.arange(5, dtype=F8)
    directions = sl.frames(noise((5, 5), seed=2, k=0, dtype=F8))
    close(sl.moment_formula(x, x + m), torch.full((3,), 30 / 5), 1e-12)
    for y in (x + m, 0.5 * x - m):  # any orthonormal frame is exact there
        close(sl.moment_formula(x, y), sl.sw2_squared(x, y, directions), 1e-10)


def test_moment_formula_of_known_moments():
    x = torch.tensor([[1.0, 0], [-1, 0]], dtype=F8)
    y = torch.tensor([[0.0, 3], [4, 3], [0, 3], [4, 3]], dtype=F8)
    close(sl.moment_formula(x, y), (4 + 9 + (1 - 2) ** 2) / 2)


@pytest.mark.parametrize("d, formula, sliced", [(10, 0.504, 0.538), (100, 0.428, 0.446), (1000, 0.431, 0.442)])
def test_moment_formula_predicts_the_slices_in_high_dimension(d, formula, sliced):
    """The law: |m|^2 = d/4, traces 2d and d; plus (2 + 1)/n, the noise of the means. Slices see a floor beyond it: for Gaussian projections,
    of deviations s and s', E W2^2 = s^2 + s'^2 - 2 s s' (1 - floor/2), and the formula s^2 + s'^2 - 2 s s' (1 - 1/n)."""
    R, n = max(1, 500 // d), 400
    frames = torch.linalg.qr(torch.randn(max(1, 300 // d), d, d, generator=generator(3), dtype=F8)).Q  # i.i.d. directions are off by sqrt(2/L)
    x, y = gamma_and_exponential(R, n, d)
    predicted = sl.moment_formula(x, y).mean()
    seen = sl.sw2_squared(x, y, frames.reshape(-1, d)).mean()
    deviation = 0.16 / math.sqrt(d)  # of one pair, measured
    assert abs(predicted - 0.25 - (math.sqrt(2) - 1) ** 2 - 3 / n) < 4 * deviation / math.sqrt(R)
    assert abs(predicted - formula) < 4 * deviation and abs(seen - sliced) < 4 * deviation
    assert -0.0005 < seen - predicted - math.sqrt(2) * (sl.gaussian_floor(n) - 2 / n) < 0.0005 + 0.15 / d


@pytest.mark.parametrize("n, value", [(50, 0.103), (200, 0.0288), (800, 0.0078)])
def test_gaussian_floor_is_the_mean_over_samples_in_every_dimension(n, value):
    floor, R = sl.gaussian_floor(n), 80
    assert abs(floor / value - 1) < 0.01
    for d in (1, 2, 10, 50):
        x, y = torch.randn(2, R, n, d, generator=generator(d), dtype=torch.float32)
        repeats = sl.sw2_squared(x, y, sl.random_directions(20 if d > 1 else 1, d, generator=generator(d))).double()
        assert abs(repeats.mean() - floor) < 4 * repeats.std() / math.sqrt(R)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_gaussian_floor_of_few_points(n):
    """E X_(n) of 2 and 3 normal numbers is 1/sqrt(pi) and 3/(2 sqrt(pi)); the middle one of 3 has mean 0."""
    squares = {1: 0.0, 2: 1 / math.pi, 3: 2 / 3 * 9 / (4 * math.pi)}
    close(sl.gaussian_floor(n), 2 * (1 - squares[n]), 1e-10)


def test_gaussian_floor_of_five_points_by_quadrature():
    def moment(z, i):
        share = math.comb(5, i) * i * ndtr(z) ** (i - 1) * ndtr(-z) ** (5 - i)
        return z * share * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    means = [quad(moment, -12, 12, args=(i,))[0] for i in range(1, 6)]
    close(sl.gaussian_floor(5), 2 * (1 - sum(m * m for m in means) / 5), 1e-9)


@pytest.mark.parametrize("d, n, per_dimension", [(10, 50, 0.816), (10, 200, 0.602), (50, 50, 1.415), (50, 200, 1.285), (50, 800, 1.177)])
def test_transport_pays_for_the_dimension_and_slices_do_not(d, n, per_dimension):
    repeats = 1 if n == 800 else 3
    clouds = ([sample_gaussian(n, generator=generator(7 * s + i), d=d, dtype=F8) for i in (0, 1)] for s in range(repeats))
    seen = sum(float(sl.w2_per_dimension(*pair)) for pair in clouds)
    assert abs(seen / repeats / per_dimension - 1) < 0.15
    assert seen / repeats > 5 * sl.gaussian_floor(n)


def test_w2_per_dimension_of_a_translate():
    x = noise((2, 9, 4), seed=1, k=0, dtype=F8)
    close(sl.w2_per_dimension(x, x + torch.tensor([1.0, 2, 0, 2])), torch.full((2,), 9 / 4), 1e-10)


@pytest.mark.parametrize("d, tol, L", [(100, 0.01, 19412), (2, 0.1, 50), (1, 0.01, 1), (3, 1.0, 1), (4, 0.01, 10000)])
def test_directions_needed(d, tol, L):
    assert sl.directions_needed(d, tol) == L
    assert sl.relative_std(d, L) <= tol * (1 + 1e-12)
    assert L == 1 or sl.relative_std(d, L - 1) > tol


# --- colours


SMALL = {"china": photograph("china", size=48, dtype=F8), "flower": photograph("flower", size=48, dtype=F8)}
DIRECTIONS = sl.random_directions(60, 3, generator=generator(9), dtype=F8)


def test_a_step_reaches_the_target_s_marginals_in_its_frame():
    x, y = (sl.pixels(SMALL[name]) for name in ("china", "flower"))
    xi = noise(x.shape, seed=0, k=0, dtype=F8)
    frame = sl.frames(xi[:3])
    z = sl.colour_step(0, x, xi, target=y)
    close((z @ frame.T).sort(0).values, (y @ frame.T).sort(0).values)
    half = sl.colour_step(0, x, xi, target=y, rate=0.5)
    close(half, (x + z) / 2)
    ranks = (x @ frame.T).argsort(0)  # no pixel overtakes another along an axis of the frame
    assert (torch.diff((z @ frame.T).gather(0, ranks), dim=0) > -1e-9).all()


def test_colour_transfer_reaches_the_colours_of_the_other_photograph():
    image, palette = SMALL["china"], SMALL["flower"]
    out = sl.colour_transfer(image, palette, steps=20)
    x, y, z = (sl.pixels(i) for i in (image, palette, out))
    before, after = (sl.sw2_squared(a, y, DIRECTIONS) for a in (x, z))
    assert out.shape == image.shape and after < 1e-3 * before
    assert (z.sort(0).values - y.sort(0).values).abs().mean() < 0.01
    close(z.mean(0), y.mean(0), 0.005)
    assert 0 <= out.min() and out.max() <= 1


def test_every_early_step_brings_the_colours_nearer():
    values = [float(sl.sw2_squared(sl.pixels(sl.colour_transfer(SMALL["china"], SMALL["flower"], steps=s)), sl.pixels(SMALL["flower"]), DIRECTIONS))
              for s in (1, 2, 3)]
    start = float(sl.sw2_squared(sl.pixels(SMALL["china"]), sl.pixels(SMALL["flower"]), DIRECTIONS))
    assert start > 5 * values[0] and values[0] > values[1] > values[2]


def test_colour_transfer_between_sizes_and_to_itself():
    image, small = SMALL["china"], photograph("flower", size=30, dtype=F8)
    out = sl.colour_transfer(image, small, steps=12)
    assert out.shape == image.shape
    assert sl.sw2_squared(sl.pixels(out), sl.pixels(small), DIRECTIONS) < 1e-3
    close(sl.colour_transfer(image, image, steps=3), image)
    flipped = image.flip(0)
    close(sl.colour_transfer(image, flipped, steps=3), image)  # the same colours elsewhere: nothing moves


def test_colour_transfer_is_the_iteration_of_the_step_with_the_page_s_noise():
    x, y = (sl.pixels(SMALL[name]) for name in ("china", "flower"))
    for k in range(3):
        x = sl.colour_step(k, x, noise(x.shape, seed=5, k=k, dtype=F8), target=y, rate=0.7)
    close(sl.colour_transfer(SMALL["china"], SMALL["flower"], steps=3, seed=5, rate=0.7), sl.picture(x, SMALL["china"].shape[0]))


def test_pixels_and_pictures():
    image = SMALL["flower"]
    h, w, _ = image.shape
    assert torch.equal(sl.pixels(image)[w + 2], image[1, 2]) and torch.equal(sl.picture(sl.pixels(image), h), image)
    assert sl.picture(3 * sl.pixels(image) - 1, h).min() == 0 and sl.picture(3 * sl.pixels(image), h).max() == 1


X, V = ball(4, 3), rays(2, 3)
M = torch.ones(2)


@pytest.mark.parametrize("call, error, words", [
    (lambda: sl.busemann_ball(2 * V, V), ValueError, "norm 1"),
    (lambda: sl.busemann_ball(V, V), ValueError, "norm 1"),
    (lambda: sl.lorentz(torch.eye(3)), ValueError, "norm 1"),
    (lambda: sl.busemann_ball(X, 2 * V), ValueError, "unit vectors"),
    (lambda: sl.busemann_ball(X, rays(2, 4)), ValueError, "3 coordinates"),
    (lambda: sl.busemann_lorentz(sl.lorentz(X), rays(2, 4)), ValueError, "3 coordinates"),
    (lambda: sl.busemann_lorentz(2 * sl.lorentz(X), V), ValueError, "hyperboloid"),
    (lambda: sl.busemann_lorentz(X[:, :1], V), ValueError, "two coordinates"),
    (lambda: sl.lorentz(1.1 * V), ValueError, "norm 1"),
    (lambda: sl.hyperbolic_distance(X, V), ValueError, "y has a point"),
    (lambda: sl.hyperbolic_distance(V, X), ValueError, "x has a point"),
    (lambda: sl.horospherical(V, V), ValueError, "norm 1"),
    (lambda: sl.hsw2_squared(X, V, V), ValueError, "norm 1"),
    (lambda: sl.hsw2_squared([0.1], X, V), TypeError, "torch.Tensor"),
    (lambda: sl.busemann_gaussian(M, -M, start=(0, 1), speed=(1, 0)), ValueError, "std"),
    (lambda: sl.busemann_gaussian(M, M[:1], start=(0, 1), speed=(1, 0)), ValueError, "one shape"),
    (lambda: sl.busemann_gaussian(M, M, start=(0, -1), speed=(1, 0)), ValueError, "s_0"),
    (lambda: sl.busemann_gaussian(M, M, start=(0, 1), speed=(0.6, -0.8)), ValueError, "s'"),
    (lambda: sl.busemann_gaussian(M, M, start=(0, 1), speed=(1, 1)), ValueError, "unit vector"),
    (lambda: sl.busemann_gaussian("m", M, start=(0, 1), speed=(1, 0)), TypeError, "mean"),
    (lambda: sl.moment_formula(X, X[:, :2]), ValueError, "3 coordinates"),
    (lambda: sl.w2_per_dimension(X, X[:, :2]), ValueError, "3 coordinates"),
    (lambda: sl.w2_per_dimension(X, X * math.inf), ValueError, "infini"),
    (lambda: sl.gaussian_floor(0), ValueError, "at least 1"),
    (lambda: sl.gaussian_floor(2.0), TypeError, "integer"),
    (lambda: sl.directions_needed(0, 0.1), ValueError, "at least 1"),
    (lambda: sl.directions_needed(3, 0.0), ValueError, "above 0"),
    (lambda: sl.pixels(torch.zeros(4, 4)), ValueError, "colours"),
    (lambda: sl.pixels(torch.zeros(4, 4, 4)), ValueError, "colours"),
    (lambda: sl.pixels(torch.zeros(0, 4, 3)), ValueError, "colours"),
    (lambda: sl.pixels("photo.jpg"), TypeError, "torch.Tensor"),
    (lambda: sl.picture(X, 3), ValueError, "multiple"),
    (lambda: sl.picture(X[:, :2], 2), ValueError, "coordinates"),
    (lambda: sl.picture(X[None], 1), ValueError, "colours of pixels"),
    (lambda: sl.colour_step(0, X[:, :2], X[:, :2], target=X[:, :2]), ValueError, "3 coordinates"),
    (lambda: sl.colour_step(0, X, X, target=X[:, :2]), ValueError, "3 coordinates"),
    (lambda: sl.colour_transfer(SMALL["china"], SMALL["flower"], steps=0), ValueError, "at least 1"),
    (lambda: sl.colour_transfer(SMALL["china"], X), ValueError, "colours"),
    (lambda: sl.colour_transfer("china", SMALL["flower"]), TypeError, "torch.Tensor"),
])
def test_bad_input_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()
