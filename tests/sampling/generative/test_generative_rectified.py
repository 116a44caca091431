"""Gaussian flow matching: one linear map, straight after one rectification, and not optimal."""

import math
from functools import partial

import pytest
import torch

from companion import check
from companion.flow import euler, flow
from companion.gaussians import bures_squared, transport_map
from companion.noise import noise
from companion.sampling.generative import rectified as rf
from companion.sampling.generative.matching import independent

F8 = torch.float64
EYE = torch.eye(2, dtype=F8)


def covariance(d, seed):
    R = noise((d, d), seed=seed, k=-1, dtype=F8)
    return R @ R.T + 0.2 * torch.eye(d, dtype=F8)


def turned(degrees, kappa=4.0):
    return rf.ellipse(kappa, torch.tensor(float(degrees), dtype=F8))


def field(A, B):
    zero = torch.zeros(len(A), dtype=F8)
    return independent((zero, A), (zero, B)).velocity


PAIRS = [(covariance(d, d), covariance(d, d + 10)) for d in (1, 2, 3, 5)]
PLANE = [(turned(0), turned(45)), (covariance(2, 3), covariance(2, 4)), (covariance(2, 5), 3 * covariance(2, 5))]


# --- geometric mean, map, cost -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("A, B", PAIRS)
def test_the_geometric_mean_solves_its_equation(A, B):
    G = rf.geometric_mean(A, B)
    assert torch.allclose(G @ torch.linalg.inv(A) @ G, B, atol=1e-10) and torch.equal(G, G.T)
    assert torch.linalg.eigvalsh(G).min() > 0
    assert torch.allclose(G, rf.geometric_mean(B, A), atol=1e-10)
    S = noise(A.shape, seed=9, k=0, dtype=F8)
    assert torch.allclose(rf.geometric_mean(S @ A @ S.T, S @ B @ S.T), S @ G @ S.T, atol=1e-9)


@pytest.mark.parametrize("A, B", PAIRS)
def test_the_flow_of_the_independent_coupling_is_the_map(A, B):
    T = rf.rectified_map(A, B)
    eye = torch.eye(len(A), dtype=F8)
    end = flow(field(A, B), eye, 1.0, 400).end.T
    assert torch.allclose(end, T, atol=1e-6)
    assert torch.allclose(T @ A @ T.T, B, atol=1e-10) and torch.allclose(T @ T, B @ torch.linalg.inv(A), atol=1e-9)
    assert torch.linalg.eigvals(T).real.min() > 0 and torch.linalg.eigvals(T).imag.abs().max() < 1e-9


def test_commuting_covariances_give_the_optimal_map():
    V = torch.linalg.qr(noise((3, 3), seed=1, k=0, dtype=F8)).Q
    A, B = ((V * torch.tensor(values, dtype=F8)) @ V.T for values in ([1.0, 4.0, 0.3], [2.0, 0.5, 3.0]))
    T = rf.rectified_map(A, B)
    zero, x = torch.zeros(3, dtype=F8), noise((5, 3), seed=2, k=0, dtype=F8)
    assert torch.allclose(x @ T.T, transport_map((zero, A), (zero, B))(x), atol=1e-10)
    assert abs(rf.rectified_cost(A, B) - bures_squared(A, B)) < 1e-10


@pytest.mark.parametrize("A, B", PAIRS)
def test_the_cost_is_that_of_the_map_and_never_below_the_optimum(A, B):
    moved = rf.rectified_map(A, B) - torch.eye(len(A), dtype=F8)
    assert abs(rf.rectified_cost(A, B) - torch.trace(moved @ A @ moved.T)) < 1e-10
    assert rf.rectified_cost(A, B) >= bures_squared(A, B) - 1e-12


@pytest.mark.parametrize("degrees, cost, least", [(15, 0.8529, 0.2246), (30, 2.2989, 0.8719), (45, 3.3816, 1.8573), (60, 4.0428, 3.0171),
                                                  (75, 4.3914, 4.0539), (0, 0.0, 0.0), (90, 4.5, 4.5)])
def test_turned_ellipses(degrees, cost, least):
    A, B = turned(0), turned(degrees)
    assert abs(rf.rectified_cost(A, B) - cost) < 6e-5 and abs(bures_squared(A, B) - least) < 6e-5
    root = torch.trace(A @ B) + 2 * torch.sqrt(torch.det(A) * torch.det(B))
    assert abs(torch.trace(A + B) - 2 * root.sqrt() - bures_squared(A, B)) < 1e-8


def test_at_45_degrees_the_map_has_these_eigenvalues_and_is_not_symmetric():
    T = rf.rectified_map(turned(0), turned(45))
    check.close(torch.linalg.eigvals(T).real.sort().values, [0.3348, 2.9865], tol=5e-5, name="eigenvalues")
    assert (T - T.T).abs().max() > 2


@pytest.mark.parametrize("kappa", [2.0, 4.0, 10.0])
def test_at_small_angles_the_ratio_is_a_quarter_of_the_squared_trace(kappa):
    A, B = turned(0, kappa), turned(0.02, kappa)
    assert abs(rf.rectified_cost(A, B) / bures_squared(A, B) / ((kappa + 1 / kappa) ** 2 / 4) - 1) < 1e-4


# --- rectification -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("A, B", PLANE)
def test_the_map_is_a_fixed_point_of_rectification_in_one_step(A, B):
    T = rf.rectified_map(A, B)
    v = partial(rf.straight_velocity, T=T)
    for n in (1, 7):
        assert torch.allclose(flow(v, EYE, 1.0, n, method=euler).end.T, T, atol=1e-10)
    middle = flow(v, EYE, 0.4, 1, method=euler).end
    assert torch.allclose(middle, 0.6 * EYE + 0.4 * T.T, atol=1e-12)
    assert torch.allclose(v(0.4, middle), T.T - EYE, atol=1e-10)


def test_the_independent_flow_is_not_straight():
    A, B = PLANE[0]
    assert (flow(field(A, B), EYE, 1.0, 1, method=euler).end).abs().max() < 1e-12
    assert (flow(field(A, B), EYE, 0.5, 100).end - (EYE + rf.rectified_map(A, B).T) / 2).abs().max() > 0.1


# --- the floor ---------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("A, B", PAIRS)
def test_the_floor_is_the_mean_conditional_variance(A, B):
    """tr (A + B - D C^-1 D^T) with D = t B - (1 - t) A = Cov(X1 - X0, X_t), C = Cov(X_t), integrated over t."""
    nodes = (torch.arange(20_000, dtype=F8) + 0.5) / 20_000
    t = nodes[:, None, None]
    D, C = t * B - (1 - t) * A, (1 - t) ** 2 * A + t**2 * B
    variance = (A + B - D @ torch.linalg.solve(C, D.mT)).diagonal(dim1=-2, dim2=-1).sum(-1)
    assert abs(variance.mean() - rf.matching_floor(A, B)) < 1e-5


def test_the_floor_on_the_line():
    one = torch.ones(1, 1, dtype=F8)
    check.close(rf.matching_floor(one, one), 1.5707963, tol=1e-7, name="floor")
    check.close(rf.matching_floor(one, one / 4), math.pi / 4, tol=1e-12, name="floor")
    nodes = (torch.arange(100_000, dtype=F8) + 0.5) / 100_000
    for a, b in ((1.0, 1.0), (1.0, 0.25), (2.0, 9.0)):
        assert abs(rf.residual(nodes, a, b).mean() - math.pi / 2 * math.sqrt(a * b)) < 1e-8
        assert rf.residual(torch.tensor(0.0), a, b) == b and rf.residual(1, a, b) == a


# --- the plane, by plain operations ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("A, B", PLANE)
def test_the_plane_agrees_with_linear_algebra(A, B):
    zero, x = torch.zeros(2, dtype=F8), noise((6, 2), seed=2, k=0, dtype=F8)
    assert torch.allclose(rf.plane_inverse(A), torch.linalg.inv(A)) and torch.allclose(rf.plane_det(A), torch.linalg.det(A))
    assert torch.allclose(rf.plane_root(A) @ rf.plane_root(A), A)
    T = rf.rectified_map(A, B)
    N = B @ torch.linalg.inv(A)
    assert torch.allclose(rf.plane_root(N) @ rf.plane_root(N), N)
    assert torch.allclose(rf.plane_map(A, B), rf.rectified_map(A, B), atol=1e-10)
    assert torch.allclose(x @ rf.plane_optimal_map(A, B).T, transport_map((zero, A), (zero, B))(x), atol=1e-8)
    assert abs(rf.plane_cost(A, rf.plane_map(A, B)) - rf.rectified_cost(A, B)) < 1e-10
    assert abs(rf.plane_cost(A, rf.plane_optimal_map(A, B)) - bures_squared(A, B)) < 1e-8
    for t in (0.0, 0.3, 1.0):
        assert torch.allclose(rf.plane_velocity(t, x, A, B), field(A, B)(t, x), atol=1e-11)
        here = x @ (torch.lerp(EYE, T, t)).T
        assert torch.allclose(rf.rectified_velocity(t, here, A, B), x @ (T - EYE).T, atol=1e-9)
    best = transport_map((zero, A), (zero, B))
    assert torch.allclose(flow(partial(rf.optimal_velocity, A=A, B=B), x, 1.0, 1, method=euler).end, best(x), atol=1e-8)


def test_time_may_be_a_tensor():
    A, B = PLANE[0]
    t, x = torch.tensor(0.3, dtype=F8), noise((3, 2), seed=2, k=0, dtype=F8)
    assert torch.allclose(rf.plane_velocity(t, x, A, B), rf.plane_velocity(0.3, x, A, B))
    assert torch.allclose(rf.straight_velocity(t, x, B), rf.straight_velocity(0.3, x, B))


def test_batches_of_matrices():
    many = torch.stack([covariance(2, s) for s in range(4)])
    for f in (rf.plane_inverse, rf.plane_root, rf.plane_det):
        assert torch.allclose(f(many), torch.stack([f(N) for N in many]))
    A = covariance(2, 9)
    assert torch.allclose(rf.plane_cost(A, rf.plane_optimal_map(A, many)), torch.stack([bures_squared(A, B) for B in many]), atol=1e-7)
    assert torch.allclose(rf.plane_cost(A, rf.plane_map(A, many)), torch.stack([rf.rectified_cost(A, B) for B in many]), atol=1e-9)


def test_ellipses_have_their_axes():
    assert torch.allclose(turned(0), torch.diag(torch.tensor([4.0, 0.25], dtype=F8)))
    for degrees in (30, 200):
        C, phi = turned(degrees, 3.0), math.radians(degrees)
        long = torch.tensor([math.cos(phi), math.sin(phi)], dtype=F8)
        assert torch.allclose(C @ long, 3 * long) and abs(torch.det(C) - 1) < 1e-12 and torch.equal(C, C.T)
    assert rf.ellipse(3.0, torch.zeros(5)).shape == (5, 2, 2)


def test_the_dial_of_costs():
    assert [c.item() for c in rf.turned_costs(4.0, torch.tensor(45.0, dtype=F8))] == pytest.approx([3.3816, 1.8573], abs=6e-5)
    dial = rf.costs_by_angle(4.0, torch.tensor(30.0, dtype=F8))
    assert dial.shape == (3, 91)
    for degrees in (0, 15, 45, 90):
        A, B = turned(0), turned(degrees)
        assert abs(dial[0, degrees] - rf.rectified_cost(A, B)) < 1e-10 and abs(dial[1, degrees] - bures_squared(A, B)) < 1e-7
    assert dial[2].nonzero().flatten().tolist() == [29, 30, 31] and dial[2, 30] == dial[0, 30]
    assert torch.allclose(dial[2, 29], dial[0, 29] / 2)
    assert rf.costs_by_angle(4.0, torch.tensor(45.0, dtype=F8), grid=3)[2].argmax() == 1


# --- bad input ---------------------------------------------------------------------------------------------------------------------

A, B, X = *PLANE[0], torch.zeros(3, 2, dtype=F8)
BIG = torch.eye(3, dtype=F8)


@pytest.mark.parametrize("call", [
    lambda: rf.geometric_mean(A, BIG), lambda: rf.geometric_mean(A, 0 * A), lambda: rf.geometric_mean(0 * A, A), lambda: rf.rectified_map(A, [1.0]),
    lambda: rf.rectified_cost(A, A - 10 * EYE), lambda: rf.matching_floor(BIG, A), lambda: rf.residual(0.5, 0.0, 1.0),
    lambda: rf.residual(0.5, 1.0, -1.0), lambda: rf.straight_velocity(0.5, X, BIG), lambda: rf.straight_velocity(0.5, [1.0], A),
    lambda: rf.straight_velocity(X, X, A), lambda: rf.plane_velocity(0.5, X, BIG, A), lambda: rf.plane_velocity(0.5, X, A, BIG),
    lambda: rf.plane_velocity(0.5, None, A, B), lambda: rf.plane_map(BIG, A), lambda: rf.plane_map(A, BIG), lambda: rf.plane_optimal_map(BIG, A),
    lambda: rf.plane_optimal_map(A, BIG), lambda: rf.plane_cost(BIG, A), lambda: rf.plane_cost(A, BIG), lambda: rf.plane_root(BIG),
    lambda: rf.plane_det(BIG), lambda: rf.plane_inverse("A"),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
