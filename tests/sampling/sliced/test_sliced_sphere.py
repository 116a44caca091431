"""Transport on the circle and slices of the sphere: all rotations by hand, POT, closed forms, Crofton's formula, the logarithm at Diracs."""

import math

import ot
import pytest
import torch

import companion.sampling.sliced as sl
from companion.energies import grad
from companion.flow import flow, running
from companion.noise import noise, uniform

F8 = torch.float64
TURN = 2 * math.pi


def close(a, b, tol=1e-12):
    assert torch.allclose(torch.as_tensor(a, dtype=F8), torch.as_tensor(b, dtype=F8), rtol=0, atol=tol)


def angles(*shape, seed=0):
    return uniform(shape, seed=seed, k=0, dtype=F8)


def points(*shape, seed=0):
    return sl.to_sphere(noise(shape, seed=seed, k=1, dtype=F8))


def circles(L, d, seed=0):
    return sl.great_circles(noise((L, 2, d), seed=seed, k=2, dtype=F8))


def turned(d, seed=0):
    return torch.linalg.qr(noise((d, d), seed=seed, k=3, dtype=F8)).Q


# --- the circle


def by_all_cuts(x, y):
    """The least mean cost over all cyclic couplings of the sorted points, each pair along the shorter arc."""
    x, y = (x % 1).sort().values, (y % 1).sort().values
    costs = []
    for k in range(len(x)):
        gap = (x - y.roll(k)).abs()
        costs.append(torch.minimum(gap, 1 - gap).square().mean())
    return torch.stack(costs).min()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20])
def test_circle_is_the_best_of_all_cuts(n):
    for seed in range(20):
        x, y = angles(n, seed=seed), angles(n, seed=seed + 100) ** (1 + seed % 4)  # powers: far from uniform
        close(sl.circle_w2_squared(x, y), by_all_cuts(x, y))


@pytest.mark.parametrize("seed", range(4))
def test_circle_is_the_linear_programme(seed):
    """Among all couplings, not the cyclic ones alone."""
    x, y = angles(9, seed=seed), angles(9, seed=seed + 50) ** 3
    gap = (x[:, None] - y).abs()
    cost = torch.minimum(gap, 1 - gap).square()
    close(sl.circle_w2_squared(x, y), ot.emd2([], [], cost.numpy()))


@pytest.mark.parametrize("n", [1, 5, 64])
def test_circle_agrees_with_pot_batched(n):
    x, y = angles(6, n, seed=n), angles(6, n, seed=n + 1) ** 2
    close(sl.circle_w2_squared(x, y), ot.wasserstein_circle(x.T.numpy(), y.T.numpy(), p=2), 1e-6)  # POT bisects, to a tolerance
    close(sl.circle_w2_squared(x, y[0]), torch.stack([sl.circle_w2_squared(row, y[0]) for row in x]))


def test_circle_needs_the_whole_range_of_shifts():
    """Clouds on both sides of the cut, and a whole cloud a hair before it: shifts of up to n points to either side."""
    for x, y in (([0.99] * 5, [0.01] * 5), ([0.01] * 5, [0.99] * 5), ([0.9, 0.95, 0.99, 0.999], [0.0, 0.05, 0.1, 0.15])):
        x, y = torch.tensor(x, dtype=F8), torch.tensor(y, dtype=F8)
        close(sl.circle_w2_squared(x, y), by_all_cuts(x, y))


def test_circle_does_not_see_turns_nor_order_nor_which_is_first():
    x, y = angles(11, seed=1), angles(11, seed=2) ** 2
    value = sl.circle_w2_squared(x, y)
    for other in (sl.circle_w2_squared(y, x), sl.circle_w2_squared(x + 0.37, y + 0.37), sl.circle_w2_squared(-x, -y),
                  sl.circle_w2_squared(x - 5, y + 3), sl.circle_w2_squared(x.flip(0), y.roll(4))):
        close(other, value)


@pytest.mark.parametrize("shift", [-0.4, -0.1, 0.2, 0.49])
def test_two_points_and_turned_polygons(shift):
    close(sl.circle_w2_squared(angles(1), angles(1) + shift), shift**2)
    polygon = torch.arange(5, dtype=F8) / 5
    near = (5 * shift + 0.5) % 1 - 0.5
    close(sl.circle_w2_squared(polygon, polygon + shift), (near / 5) ** 2)


def test_circle_gradient_is_that_of_differences():
    y = angles(7, seed=4)
    assert torch.autograd.gradcheck(lambda x: sl.circle_w2_squared(x, y), angles(2, 7, seed=3).requires_grad_())
    assert torch.autograd.gradcheck(lambda x: sl.circle_w2_squared(y, x), angles(7, seed=3).requires_grad_())
    assert torch.autograd.gradcheck(sl.circle_w2_squared_uniform, angles(2, 7, seed=5).requires_grad_())


def test_uniform_law_agrees_with_pot():
    x = angles(5, 12, seed=6) ** 2
    close(sl.circle_w2_squared_uniform(x), ot.semidiscrete_wasserstein2_unif_circle(x.T.numpy()))


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_polygon_against_the_uniform_law(n):
    polygon = torch.arange(n, dtype=F8) / n
    close(sl.circle_w2_squared_uniform(polygon + 0.123), 1 / (12 * n**2))
    assert sl.circle_w2_squared_uniform(angles(n, seed=n)) >= 1 / (12 * n**2) - 1e-15


def test_uniform_law_is_the_limit_of_polygons():
    x, m = angles(6, seed=7) ** 2, 300
    fine = (torch.arange(6 * m, dtype=F8) + 0.5) / (6 * m)
    close(sl.circle_w2_squared(x.repeat_interleave(m), fine), sl.circle_w2_squared_uniform(x), 1e-6)


# --- great circles


def test_great_circles_are_orthonormal_and_uniform():
    pairs = circles(4000, 5)
    close(pairs @ pairs.mT, torch.eye(2).expand(4000, 2, 2))
    plane = pairs.mT @ pairs  # the projection on the plane: of mean 2/d
    close(plane.mean(0), 2 / 5 * torch.eye(5), 4 * 0.5 / math.sqrt(4000))


def test_turns_are_the_angles_of_the_nearest_points():
    x, pairs = points(6, 4, seed=1), circles(3, 4, seed=2)
    t = sl.turns(x, pairs)
    assert t.shape == (3, 6)
    fine = torch.arange(20000, dtype=F8) / 20000
    for circle, row in zip(pairs, t, strict=True):
        on_it = torch.cos(TURN * fine)[:, None] * circle[0] + torch.sin(TURN * fine)[:, None] * circle[1]
        best = fine[(x @ on_it.T).argmax(1)]
        gap = (row - best) % 1
        assert torch.minimum(gap, 1 - gap).max() < 1e-4


def test_a_point_orthogonal_to_a_circle_has_a_place_and_no_gradient():
    pole = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype=F8)
    equator = torch.eye(3, dtype=F8)[None, :2]
    assert sl.turns(pole, equator)[0, 0] == 0
    g = grad(lambda x: sl.ssw2_squared_uniform(x, equator), pole)
    assert torch.isfinite(g).all() and g[0].abs().max() == 0


# --- the sliced distance


@pytest.mark.parametrize("d", [3, 5, 40])
def test_ssw_agrees_with_pot(d):
    x, y, pairs = points(15, d, seed=d), points(15, d, seed=d + 1), circles(30, d)
    theirs = ot.sliced_wasserstein_sphere(x.numpy(), y.numpy(), n_projections=30, p=2, projections=pairs.mT.numpy())
    close(sl.ssw2_squared(x, y, pairs), theirs**2, 1e-10)


def test_ssw_to_the_uniform_law_agrees_with_pot():
    x = points(15, 3, seed=4)
    theirs, log = ot.sliced_wasserstein_sphere_unif(x.numpy(), n_projections=30, seed=1, log=True)
    pairs = torch.from_numpy(log["projections"]).mT.contiguous()
    close(sl.ssw2_squared_uniform(x, pairs), theirs**2)


@pytest.mark.parametrize("d", [2, 3, 7])
def test_a_dirac_against_the_uniform_law_is_a_twelfth(d):
    close(sl.ssw2_squared_uniform(points(1, d), circles(5, d)), 1 / 12)


@pytest.mark.parametrize("d", [2, 3, 10])
def test_antipodes(d):
    """A point and its antipode are antipodes on every great circle: half a turn apart, and as a pair 1/48 from uniform."""
    x, pairs = points(1, d), circles(5, d)
    close(sl.ssw2_squared(x, -x, pairs), 1 / 4)
    close(sl.ssw2_squared_uniform(torch.cat([x, -x]), pairs), 1 / 48)


def test_in_the_plane_every_great_circle_is_the_circle():
    theta = angles(9, seed=5)
    x = torch.stack([torch.cos(TURN * theta), torch.sin(TURN * theta)], -1)
    y = points(9, 2, seed=6)
    every = sl.circle_w2_squared(theta, sl.turns(y, torch.eye(2, dtype=F8)[None])[0])
    close(sl.ssw2_squared(x, y, circles(4, 2)), every)


def test_ssw_is_a_symmetric_invariant_batched_distance():
    x, y, pairs, Q = points(3, 8, 4, seed=7), points(8, 4, seed=8), circles(20, 4), turned(4)
    value = sl.ssw2_squared(x, y, pairs)
    close(value, torch.stack([sl.ssw2_squared(one, y, pairs) for one in x]))
    close(value, sl.ssw2_squared(y, x, pairs))
    close(value, sl.ssw2_squared(x @ Q.T, y @ Q.T, pairs @ Q.T))
    close(sl.ssw2_squared(x, x.flip(-2), pairs), torch.zeros(3))
    sides = [sl.ssw2_squared(a, b, pairs).sqrt() for a, b in ((x[0], x[1]), (x[1], y), (x[0], y))]
    assert sides[2] <= sides[0] + sides[1] and sl.ssw2_squared_uniform(x, pairs).shape == (3,)


@pytest.mark.parametrize("d, a", [(3, 0.7), (3, 2.0), (6, 1.2)])
def test_crofton_the_first_power_is_the_arc_itself(d, a):
    """SSW_1(delta_x, delta_y) = a / 2 pi in every dimension: a random hyperplane separates x and y with probability a / pi."""
    x = torch.zeros(1, d, dtype=F8)
    y = x.clone()
    x[0, 0], y[0, 0], y[0, 1] = 1.0, math.cos(a), math.sin(a)
    arcs = sl.circle_w2_squared(sl.turns(x, circles(30000, d)), sl.turns(y, circles(30000, d))).sqrt()
    assert abs(arcs.mean() - a / TURN) < 4 * arcs.std() / math.sqrt(30000)


# --- two Diracs on S^2


@pytest.mark.parametrize("a, ratio", [(math.pi, 1.0), (2.0, 1.107), (1.0, 1.386), (0.3, 1.956), (0.1, 2.50)])
def test_two_diracs_golden(a, ratio):
    assert abs(sl.two_diracs(a) / (a / TURN) ** 2 / ratio - 1) < 5e-3


@pytest.mark.parametrize("a", [0.5, 1.5, 3.0])
def test_two_diracs_is_the_mean_over_great_circles(a):
    x, y = torch.tensor([[1.0, 0, 0]], dtype=F8), torch.tensor([[math.cos(a), math.sin(a), 0]], dtype=F8)
    arcs = sl.circle_w2_squared(sl.turns(x, circles(40000, 3)), sl.turns(y, circles(40000, 3)))
    assert abs(arcs.mean() - sl.two_diracs(a)) < 4 * arcs.std() / 200


def test_two_diracs_grow_by_half_a_logarithm():
    ratios = [sl.two_diracs(a, 400) / (a / TURN) ** 2 for a in (1e-2, 1e-3)]
    assert abs(ratios[1] - ratios[0] - math.log(10) / 2) < 1e-4
    assert sl.two_diracs(1.0, 60) == pytest.approx(sl.two_diracs(1.0, 300), abs=1e-10)


# --- motion


@pytest.mark.parametrize("d", [2, 3, 5])
def test_velocity_is_minus_n_times_the_tangent_gradient(d):
    x, y, pairs, h = points(6, d, seed=1), points(6, d, seed=2), circles(9, d), 1e-5
    for v, E in ((sl.sphere_velocity(0.0, x, y, pairs), lambda z: sl.ssw2_squared(z, y, pairs)),
                 (sl.sphere_velocity_uniform(0.0, x, pairs), lambda z: sl.ssw2_squared_uniform(z, pairs))):
        assert (v * x).sum(-1).abs().max() < 1e-12
        u = noise(x.shape, seed=3, k=0, dtype=F8)
        u = u - (u * x).sum(-1, keepdim=True) * x
        slope = (E(sl.to_sphere(x + h * u)) - E(sl.to_sphere(x - h * u))) / (2 * h)
        assert abs(slope / 2 + (v * u).sum() / 6) < 1e-8 + 1e-5 * abs(slope)


def test_on_the_circle_a_time_of_four_pi_squared_arrives():
    """d = 2, one point: the velocity is the arc left to go, over (2 pi)^2, so x' turns at a rate that ends the arc exponentially."""
    x, y = (torch.tensor([[math.cos(a), math.sin(a)]], dtype=F8) for a in (0.2, 1.1))
    pairs = torch.eye(2, dtype=F8)[None]
    v = sl.sphere_velocity(0.0, x, y, pairs)
    close(v.norm(), 0.9 / TURN**2)
    end = flow(lambda t, z: sl.sphere_velocity(t, z, y, pairs), x, TURN**2, 50, project=sl.to_sphere).end
    close(torch.acos((end * y).sum()), 0.9 * math.exp(-1), 1e-6)


def test_tokens_spread_over_the_sphere_and_reach_a_target():
    x, y, pairs = sl.to_sphere(points(20, 3, seed=1) + 2 * torch.tensor([1.0, 0, 0])), points(20, 3, seed=2), circles(30, 3)
    for v, E, less in ((lambda t, z: sl.sphere_velocity_uniform(t, z, pairs), lambda z: sl.ssw2_squared_uniform(z, pairs), 0.1),
                       (lambda t, z: sl.sphere_velocity(t, z, y, pairs), lambda z: sl.ssw2_squared(z, y, pairs), 0.1)):
        path = flow(v, x, 600.0, 40, project=sl.to_sphere)
        close(path.end.norm(dim=-1), torch.ones(20))
        assert E(path.end) < less * E(x)


def test_sphere_descent_of_any_energy():
    x = points(5, 3, seed=9)
    v = sl.sphere_descent(lambda z: (z[..., 0]).mean(-1))(0.0, x)
    e = torch.tensor([1.0, 0, 0], dtype=F8)
    close(v, -(e - x[:, :1] * x))


def test_to_sphere_and_great_circles_keep_dtype_and_batch():
    xi = noise((4, 6, 2, 3), seed=0, k=0)
    assert sl.great_circles(xi).dtype == torch.float32 and sl.great_circles(xi).shape == xi.shape
    close(sl.great_circles(xi)[..., 0, :], sl.to_sphere(xi[..., 0, :]), 1e-6)


X, C = points(3, 3), circles(2, 3)


@pytest.mark.parametrize("call, error, words", [
    (lambda: sl.circle_w2_squared(angles(3), angles(4)), ValueError, "one size"),
    (lambda: sl.circle_w2_squared([0.1], angles(1)), TypeError, "torch.Tensor"),
    (lambda: sl.circle_w2_squared(angles(2), angles(2) * math.inf), ValueError, "finite"),
    (lambda: sl.circle_w2_squared(angles(2) * math.nan, angles(2)), ValueError, "NaN"),
    (lambda: sl.circle_w2_squared_uniform(torch.zeros(0, dtype=F8)), ValueError, "at least one"),
    (lambda: sl.circle_w2_squared_uniform(torch.tensor(0.5)), ValueError, "at least one"),
    (lambda: sl.great_circles(noise((2, 3), seed=0, k=0)), ValueError, "pairs"),
    (lambda: sl.great_circles(noise((4, 3, 3), seed=0, k=0)), ValueError, "pairs"),
    (lambda: sl.great_circles(noise((4, 2, 1), seed=0, k=0)), ValueError, "pairs"),
    (lambda: sl.turns(X, circles(2, 4)), ValueError, "two orthonormal"),
    (lambda: sl.turns(X, C[0]), ValueError, "two orthonormal"),
    (lambda: sl.turns(X, torch.eye(3, dtype=F8).expand(4, 3, 3)), ValueError, "two orthonormal"),
    (lambda: sl.ssw2_squared(2 * X, X, C), ValueError, "x has points off"),
    (lambda: sl.ssw2_squared(X, 2 * X, C), ValueError, "y has points off"),
    (lambda: sl.ssw2_squared(X, X[:2], C), ValueError, "one size"),
    (lambda: sl.ssw2_squared_uniform(X[:, :1] / X[:, :1], C), ValueError, "two coordinates"),
    (lambda: sl.ssw2_squared_uniform(0.9 * X, C), ValueError, "off the unit sphere"),
    (lambda: sl.sphere_descent("E"), TypeError, "expected a function"),
    (lambda: sl.sphere_velocity(0.0, X, 2 * X, C), ValueError, "off the unit sphere"),
    (lambda: sl.sphere_velocity_uniform(0.0, 3 * X, C), ValueError, "off the unit sphere"),
    (lambda: sl.two_diracs(0.0), ValueError, "above 0"),
    (lambda: sl.two_diracs(4.0), ValueError, "at most"),
    (lambda: sl.two_diracs(1.0, points=0), ValueError, "at least 1"),
    (lambda: sl.to_sphere(X[0]), ValueError, "cloud"),
    (lambda: sl.to_sphere(torch.cat([X, 0 * X[:1]])), ValueError, "origin"),
])
def test_bad_input_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_inside_a_run_values_are_trusted():
    with running():
        assert torch.isfinite(sl.ssw2_squared_uniform(1.1 * X, C))
