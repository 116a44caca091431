"""Langevin in time steps, and swirls: on quadratics a step is linear, so laws, gaps and biases are matrices, compared without statistics."""

import math
from decimal import Decimal, localcontext

import pytest
import torch
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import minimize_scalar

import companion.sampling.langevin as lg
from companion.flow import flow, iterate, rk4
from companion.gaussians import Gaussian, kl, w2_squared
from companion.noise import noise_like, with_noise
from companion.potentials import double_well, quadratic
from companion.sampling.langevin.linear import a_square
from tests.helpers import cloud

F8 = torch.float64
LINE = quadratic(torch.ones(1, 1, dtype=F8))


def tensor(*values):
    return torch.tensor(values, dtype=F8)


def zeros(*shape):
    return torch.zeros(shape, dtype=F8)


def definite(d, seed=0):
    A = cloud(d, d, seed=seed)
    return A @ A.T / d + 0.3 * torch.eye(d, dtype=F8)


def line(sigma):
    return quadratic(tensor([sigma**-2]))


# --- linear steps ----------------------------------------------------------------------------------------------------------------

def test_the_matrices_of_a_linear_step():
    A, B = cloud(6, 6), cloud(6, 3, seed=1)
    found = lg.linear_step(lambda k, z, xi: (A @ z.reshape(-1) + B @ xi).reshape(2, 3), zeros(2, 3), noise=zeros(3))
    assert torch.allclose(found.A, A, atol=1e-14) and torch.allclose(found.B, B, atol=1e-14)


@pytest.mark.parametrize("radius", [0.0, 0.3, 0.99, 0.99999])
def test_stationary_covariance_solves_lyapunov(radius):
    A, B = cloud(5, 5), cloud(5, 5, seed=1)
    A = radius * A / torch.linalg.eigvals(A).abs().max()
    C = lg.stationary_covariance(lambda k, z, xi: A @ z + B @ xi, zeros(5))
    other = torch.as_tensor(solve_discrete_lyapunov(A.numpy(), (B @ B.T).numpy()))
    assert (C - other).abs().max() < 1e-8 * other.abs().max() and torch.equal(C, C.T)
    assert lg.contraction(lambda k, z, xi: A @ z + B @ xi, zeros(5)) == pytest.approx(radius, abs=1e-12)


def test_a_nilpotent_step_forgets_all():
    A = torch.diag(tensor(3.0, 4.0, 5.0), 1)
    C = lg.stationary_covariance(lambda k, z, xi: A @ z + xi, zeros(4))
    assert torch.allclose(A @ C @ A.T + torch.eye(4, dtype=F8), C)


def test_gap_of_a_linear_field():
    assert lg.drift_gap(lambda t, x: x @ tensor([-1.0, 0.0], [5.0, -3.0]), zeros(2)) == pytest.approx(1.0)
    rotation = tensor([-0.5, 2.0], [-2.0, -0.5])
    assert lg.drift_gap(lambda t, x: x @ rotation, zeros(2)) == pytest.approx(0.5)


# --- ULA and its bias (1c.1 to 1c.4) ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("sigma, h", [(1.0, 1.0), (2.0, 0.7), (0.5, 0.45), (3.0, 17.9)])
def test_variance_of_ula_and_of_leimkuhler_matthews(sigma, h):
    biased = lg.stationary_covariance(lg.ula(line(sigma), h), zeros(1)).item()
    assert biased == pytest.approx(sigma**2 / (1 - h / (2 * sigma**2)), rel=1e-9)
    assert lg.ula_variance(h, lam=sigma**-2) == pytest.approx(biased, rel=1e-9)
    exact = lg.stationary_covariance(lg.leimkuhler_matthews(line(sigma), h), lg.Averaged(zeros(1), zeros(1)), noise=zeros(1))
    assert exact[0, 0].item() == pytest.approx(sigma**2, rel=1e-9)


def test_ula_is_stable_below_twice_the_variance():
    assert lg.ula_variance(1.0) == 2.0
    assert lg.contraction(lg.ula(line(1.5), 4.49), zeros(1)) < 1 < lg.contraction(lg.ula(line(1.5), 4.51), zeros(1))
    with pytest.raises(ValueError, match="spectral radius"):
        lg.stationary_covariance(lg.ula(line(1.0), 2.0), zeros(1))


def test_recursion_of_the_variance_of_ula():
    v, h = 9.0, 0.3
    for _ in range(400):
        v = (1 - h) ** 2 * v + 2 * h
    assert v == pytest.approx(lg.ula_variance(h), rel=1e-12)


@pytest.mark.parametrize("d", [1, 3, 6])
def test_covariance_of_ula_in_several_dimensions(d):
    S = definite(d)
    h = 1.5 / torch.linalg.eigvalsh(S)[-1].item()
    C = lg.stationary_covariance(lg.ula(quadratic(S), h), zeros(d))
    assert torch.allclose(lg.ula_covariance(S, h), C, atol=1e-9) and not torch.allclose(C, torch.linalg.inv(S), rtol=0.1)
    assert torch.allclose(lg.ula_covariance(S, 1e-9), torch.linalg.inv(S), atol=1e-6)


@pytest.mark.parametrize("h", [0.25, 1.0, 1.9])
def test_bias_of_ula_in_kl_and_w2(h):
    biased, target = Gaussian(tensor(0.0), tensor([lg.ula_variance(h)])), Gaussian(tensor(0.0), tensor([1.0]))
    assert lg.ula_kl(h) == pytest.approx(kl(biased, target).item(), rel=1e-12)
    assert lg.ula_w2(h) ** 2 == pytest.approx(w2_squared(biased, target).item(), rel=1e-9)
    wide = Gaussian(tensor(0.0), tensor([lg.ula_variance(h, lam=0.25)]))
    assert lg.ula_w2(h, sigma=2.0) ** 2 == pytest.approx(w2_squared(wide, Gaussian(tensor(0.0), tensor([4.0]))).item(), rel=1e-9)


@pytest.mark.parametrize("h", [1e-12, 1e-9, 3e-7, 1e-4, 0.01, 0.3, 1.0, 1.99])
def test_the_bias_has_all_its_digits_whatever_the_step(h):
    """Against 60 digits: the differences in the formulas would leave none of 16 at h = 1e-9."""
    with localcontext() as digits:
        digits.prec = 60
        r = 1 / (1 - Decimal(h) / 2)
        divergence, ratio = (r - 1 - r.ln()) / 2, 1 / (1 - Decimal(h) / 18)
        distance = 3 * (ratio.sqrt() - 1)
    for step in (h, torch.tensor(h, dtype=F8)):
        assert float(lg.ula_kl(step)) == pytest.approx(float(divergence), rel=1e-14, abs=0)
        assert float(lg.ula_w2(step, sigma=3.0)) == pytest.approx(float(distance), rel=1e-14, abs=0)


def test_the_bias_is_of_second_order_in_kl_and_the_bound_of_first():
    assert lg.ula_kl(1e-3) / (1e-6 / 16) == pytest.approx(1, abs=2e-3)
    assert lg.ula_w2(1e-4, sigma=3.0) / (1e-4 / 12) == pytest.approx(1, abs=1e-4)
    assert lg.ula_kl(0.25) == pytest.approx(0.004663, abs=5e-7)
    assert lg.ula_bound(10**6, 0.25, 1.0, d=1, lam=1.0, L=1.0) == pytest.approx(2.0)
    assert 420 < 2 / lg.ula_kl(0.25) < 435


def test_the_bound_of_vempala_and_wibisono_holds_on_gaussians():
    """In dimension 2 with curvatures lam and L: the moments of ULA, k steps, against the bound; its parts separately."""
    lam, L, h = 0.5, 1.0, 0.1
    S, target = torch.diag(tensor(lam, L)), Gaussian(tensor(0.0, 0.0), torch.diag(tensor(2.0, 1.0)))
    law = Gaussian(tensor(4.0, -3.0), torch.diag(tensor(0.1, 5.0)))
    start, shrink = kl(law, target).item(), torch.eye(2, dtype=F8) - h * S
    for k in range(1, 60):
        law = Gaussian(shrink @ law.mean, shrink @ law.covariance @ shrink + 2 * h * torch.eye(2, dtype=F8))
        assert kl(law, target).item() <= lg.ula_bound(k, h, start, d=2, lam=lam, L=L)
    assert lg.ula_bound(0, h, start, d=2, lam=lam, L=L) == pytest.approx(start + 8 * h * 2 * L**2 / lam)
    assert lg.ula_bound(10**9, 0.03, 1.0, d=3, lam=0.5, L=2.0) == pytest.approx(8 * 0.03 * 3 * 4 / 0.5)
    late, later = (lg.ula_bound(k, h, 1e9, d=2, lam=lam, L=L) for k in (10, 11))
    assert later / late == pytest.approx(math.exp(-lam * h), rel=1e-6)


@pytest.mark.parametrize("m0", [0.5, 3.0])
def test_a_shift_attains_the_rate_of_log_sobolev(m0):
    """1c.4: from N(m0, 1) to N(0, 1), KL = m0^2 exp(-2 t) / 2; the mean follows the flow of -V'."""
    path = flow(lambda t, x: -x, tensor(m0), 2.0, 40)
    for t, mean in zip(path.t, path.x, strict=True):
        found = kl(Gaussian(mean, torch.ones(1, 1, dtype=F8)), Gaussian(tensor(0.0), torch.ones(1, 1, dtype=F8)))
        assert found.item() == pytest.approx(m0**2 / 2 * math.exp(-2 * t), rel=1e-5)


# --- MALA (1c.10) ----------------------------------------------------------------------------------------------------------------

def bumpy(x):
    return double_well(x) + x[..., 1:].cos().sum(-1) / 2


@pytest.mark.parametrize("T", [1.0, 0.4])
def test_mala_satisfies_detailed_balance(T):
    """pi(x) q(x, y) a(x, y) is symmetric in x and y, with q written out here."""
    h, x, y = 0.3, cloud(50, 3), cloud(50, 3, seed=1)
    slope = {id(p): torch.autograd.grad(bumpy(p.requires_grad_()).sum(), p)[0] for p in (x, y)}
    x.requires_grad_(False), y.requires_grad_(False)

    def flux(p, q):
        xi = (q - p + h * slope[id(p)]) / math.sqrt(2 * h * T)
        z = lg.mala(bumpy, h, temperature=T)(0, lg.Metropolis(p, 0 * p[:, 0]), lg.Metropolis(xi, torch.full_like(xi[:, 0], -math.inf)))
        assert torch.allclose(z.x, q)
        return -bumpy(p) / T - xi.square().sum(-1) / 2 + z.a.log()

    assert torch.allclose(flux(x, y), flux(y, x), atol=1e-10)


def test_mala_decides_by_the_second_noise():
    h, x, xi = 0.8, cloud(400, 2), cloud(400, 2, seed=1)
    u = torch.linspace(-3, 3, 400, dtype=F8)
    z = lg.mala(bumpy, h)(5, lg.Metropolis(x, torch.ones_like(u)), lg.Metropolis(xi, u))
    proposal = lg.ula(bumpy, h)(5, x, xi)
    taken = 0.5 * (1 + torch.erf(u / math.sqrt(2))) < z.a
    assert torch.equal(z.x, torch.where(taken[:, None], proposal, x)) and 20 < taken.sum() < 380
    assert z.a.max() == 1 and z.a.min() >= 0


def test_mala_keeps_a_target_where_ula_does_not():
    n, h = 40_000, 1.0
    z = iterate(with_noise(lg.mala(LINE, h), seed=1), lg.Metropolis(cloud(n, 1), torch.ones(n, dtype=F8)), 15).end
    assert abs(z.x.square().mean() - 1) < 4 * math.sqrt(2 / n) and abs(z.x.mean()) < 4 / math.sqrt(n)
    assert 0.5 < z.a.mean() < 0.99


def test_mala_stays_where_the_density_is_positive():
    """exp(-x) on x > 0, of mean 1 and variance 1: V is infinite behind the wall, and no proposal is accepted there."""
    n = 20_000
    start = lg.Metropolis(torch.ones(n, 1, dtype=F8), torch.ones(n, dtype=F8))
    x, a = iterate(with_noise(lg.mala(lambda x: torch.where(x > 0, x, math.inf).sum(-1), 0.5), seed=3), start, 60).end
    assert x.min() > 0 and 0.3 < a.mean() < 0.9
    assert abs(x.mean() - 1) < 5 / math.sqrt(n) and abs(x.var() - 1) < 5 * math.sqrt(8 / n)


def test_a_density_that_is_no_number_is_refused_and_seen_in_a_run():
    """x - log x where x > 0, NaN elsewhere: one step away from 0 is a step, one behind it is refused, and a run shows NaN."""
    step = lg.mala(lambda x: (x - x.log()).sum(-1), 0.5)
    start, right, left = (lg.Metropolis(tensor([s]), tensor(s)) for s in (1.0, 1.0, -2.0))
    assert torch.cat([step(0, start, right).x[0], step(0, start, right).a]).isfinite().all()
    with pytest.raises(ValueError, match="not finite"):
        step(0, start, left)
    assert iterate(lambda k, z: step(k, z, left if k == 1 else right), start, 4).end.x.isnan().all()


def test_the_speed_keeps_its_digits_at_small_acceptance():
    a = tensor(1e-12, 1e-20, 1e-200)
    exact = a * (-torch.special.ndtri(a / 2)) ** (2 / 3)
    assert torch.allclose(lg.mala_speed(a), exact, rtol=1e-14, atol=0) and lg.mala_speed(0.0) == lg.mala_speed(1.0) == 0
    assert lg.mala_speed(a.float()[:2])[1] == pytest.approx(exact[1].item(), rel=1e-5)


def test_squared_jump_is_what_the_steps_do_on_average():
    n, h = 20_000, 1.0
    z, xi = lg.Metropolis(cloud(n, 2), torch.ones(n, dtype=F8)), lg.Metropolis(cloud(n, 2, seed=1), cloud(n, seed=2))
    expected = lg.squared_jump(bumpy, h, z, xi)
    done = (lg.mala(bumpy, h)(0, z, xi).x - z.x).square().sum(-1)
    assert abs((expected - done).mean()) < 4 * (expected - done).std() / math.sqrt(n)
    assert expected.std() < done.std() and expected.shape == (n,)


def test_the_best_acceptance_of_mala():
    """1c.10: on N(0, I_200) the largest expected squared jump is at the acceptance 0.574, as the law of large dimensions says."""
    d, n = 200, 1500
    V, z = quadratic(torch.eye(d, dtype=F8)), lg.Metropolis(cloud(n, d), torch.ones(n, dtype=F8))
    xi = lg.Metropolis(cloud(n, d, seed=1), cloud(n, seed=2))
    acceptance, jump = [], []
    for h in torch.linspace(0.10, 0.40, 31, dtype=F8).tolist():
        acceptance.append(lg.mala(V, h)(0, z, xi).a.mean().item())
        jump.append(lg.squared_jump(V, h, z, xi).mean().item())
    best = acceptance[max(range(31), key=jump.__getitem__)]
    assert abs(best - 0.574) < 0.06
    assert min(acceptance) < 0.3 and max(acceptance) > 0.85
    curve = lg.mala_speed(tensor(*acceptance))
    assert (tensor(*jump) / curve / (tensor(*jump) / curve).mean() - 1).abs().max() < 0.15


def test_the_law_of_large_dimensions_peaks_at_0_574():
    peak = minimize_scalar(lambda a: -lg.mala_speed(a).item(), bounds=(0.01, 0.99), method="bounded", options={"xatol": 1e-8}).x
    assert peak == pytest.approx(0.574, abs=5e-4)
    assert lg.mala_speed(0.0) == lg.mala_speed(1.0) == 0
    length = tensor(0.5, 1.0, 1.7)  # a = 2 Phi(-l^3 / 2), speed l^2 a
    a = 1 + torch.erf(-(length**3) / 2 / math.sqrt(2))
    assert torch.allclose(lg.mala_speed(a), 2 ** (-2 / 3) * length**2 * a)


# --- swirls (1c.8) ---------------------------------------------------------------------------------------------------------------

def turn(d, seed=0):
    J = cloud(d, d, seed=seed)
    return J - J.T


@pytest.mark.parametrize("d", [2, 3, 6])
def test_a_swirl_keeps_the_law(d):
    """B C + C B^T = 2 I for C = S^-1: any antisymmetric J does no harm. And the field is -(I + J) S x."""
    S, J, x = definite(d), turn(d), cloud(4, d, seed=1)
    B = (torch.eye(d, dtype=F8) + J) @ S
    C = torch.linalg.inv(S)
    assert torch.allclose(B @ C + C @ B.T, 2 * torch.eye(d, dtype=F8), atol=1e-10)
    assert torch.allclose(lg.swirl_field(quadratic(S), J)(0.0, x), -x @ B.T)


def test_a_swirl_does_no_work_and_has_no_divergence():
    x, J = cloud(5, 3), turn(3)
    field = lg.swirl_field(bumpy, J)
    x.requires_grad_()
    slope = torch.autograd.grad(bumpy(x).sum(), x, create_graph=True)[0]
    swirl = field(0.0, x) + slope
    assert (swirl * slope).sum(-1).abs().max() < 1e-12
    current = torch.exp(-bumpy(x))[:, None] * swirl
    divergence = sum(torch.autograd.grad(current[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(3))
    assert divergence.abs().max() < 1e-12


def test_gap_in_the_plane():
    """1c.8 at kappa = 25, and against the eigenvalues."""
    found = [lg.plane_gap(a, 25.0).item() for a in (0.0, 1.2, 2.4, 5.0)]
    assert found == pytest.approx([1.0, 2.6077, 13.0, 13.0], abs=5e-5)
    for a, kappa in ((0.3, 4.0), (0.7, 0.2), (3.0, 9.0), (0.0, 0.5)):
        S = torch.diag(tensor(1.0, kappa))
        assert lg.plane_gap(a, kappa).item() == pytest.approx(lg.drift_gap(lg.swirl_field(quadratic(S), lg.quarter_turn(a)), zeros(2)), abs=1e-9)
        threshold = abs(kappa - 1) / (2 * math.sqrt(kappa))
        assert lg.plane_gap(threshold * 0.999, kappa) < (1 + kappa) / 2
        assert lg.plane_gap(threshold * 1.001, kappa) == (1 + kappa) / 2


@pytest.mark.parametrize("S", [torch.diag(tensor(1.0, 2.0, 3.0, 10.0, 50.0)), definite(4), definite(7, seed=3), torch.diag(tensor(1.0, 25.0)),
                               torch.eye(3, dtype=F8), torch.diag(tensor(1.0, 1.0, 1.0, 9.0))])
def test_the_best_swirl_reaches_the_mean_curvature(S):
    J = lg.optimal_swirl(S)
    mean = S.trace().item() / len(S)
    assert torch.equal(J, -J.T)
    assert lg.drift_gap(lg.swirl_field(quadratic(S), J), zeros(len(S))) == pytest.approx(mean, rel=1e-7)


def test_the_best_swirl_of_the_literature():
    S = torch.diag(tensor(1.0, 2.0, 3.0, 10.0, 50.0))
    assert lg.drift_gap(lg.swirl_field(quadratic(S), lg.optimal_swirl(S)), zeros(5)) == pytest.approx(13.2, rel=1e-8)
    for seed in range(20):  # no other does better: the real parts have the mean tr(S) / d
        assert lg.drift_gap(lg.swirl_field(quadratic(S), 3 * turn(5, seed=seed)), zeros(5)) <= 13.2 + 1e-9


@pytest.mark.parametrize("S", [definite(5), torch.diag(tensor(1.0, 2.0, 3.0, 10.0, 50.0)), turn(4) @ turn(4), torch.eye(3, dtype=F8)])
def test_rotation_to_constant_diagonal(S):
    U = lg.constant_diagonal(S)
    assert torch.allclose(U.T @ U, torch.eye(len(S), dtype=F8), atol=1e-12)
    assert (torch.diagonal(U.T @ S @ U) - S.trace() / len(S)).abs().max() < 1e-10


@pytest.mark.parametrize("a, h", [(0.0, 0.2), (3.0, 0.1), (1.0, 0.5)])
def test_no_free_lunch_in_time_steps(a, h):
    """For S = I the discretised variance is 1 / (1 - h (1 + a^2) / 2), stable for h < 2 / (1 + a^2)."""
    V = quadratic(torch.eye(2, dtype=F8))
    C = lg.stationary_covariance(lg.euler_maruyama(lg.swirl_field(V, lg.quarter_turn(a)), h), zeros(2))
    assert torch.allclose(C, torch.eye(2, dtype=F8) / (1 - h * (1 + a**2) / 2), atol=1e-9)
    limit = 2 / (1 + a**2)
    radii = [lg.contraction(lg.euler_maruyama(lg.swirl_field(V, lg.quarter_turn(a)), limit * s), zeros(2)) for s in (0.99, 1.01)]
    assert radii[0] < 1 < radii[1]


def test_asymptotic_variance_of_time_averages():
    """Against 2 int_0^T <u, exp(-B t) C u> dt by quadrature, and 2 / (1 + a^2) for S = I."""
    S, J, u = definite(3), turn(3), cloud(3, seed=2)
    B, C = (torch.eye(3, dtype=F8) + J) @ S, torch.linalg.inv(S)
    t = torch.linspace(0, 60, 6001, dtype=F8)
    values = torch.linalg.matrix_exp(-B * t[:, None, None]) @ C @ u @ u
    assert lg.asymptotic_variance(S, J, u).item() == pytest.approx(2 * torch.trapezoid(values, t).item(), rel=1e-3)
    for a in (0.0, 2.0, 7.0):
        assert lg.asymptotic_variance(torch.eye(2, dtype=F8), lg.quarter_turn(a), tensor(0.6, 0.8)).item() == pytest.approx(2 / (1 + a**2))


# --- the plane, by plain operations ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("a, kappa, s", [(0.0, 9.0, 0.3), (0.5, 9.0, 0.3), (4 / 3, 9.0, 0.3), (3.0, 9.0, 0.3), (0.7, 1.0, 1.5), (0.0, 1.0, 0.4)])
def test_exponential_of_a_plane_drift(a, kappa, s):
    B = lg.plane_drift(a, kappa)
    assert torch.allclose(B, (torch.eye(2, dtype=F8) + lg.quarter_turn(a)) @ torch.diag(tensor(1.0, kappa)))
    assert torch.allclose(lg.plane_exponential(B, s), torch.linalg.matrix_exp(-s * B), atol=1e-9)
    point = tensor(1.0, -2.0)
    end = flow(lambda t, x: -x @ B.T, point, s, 400, method=rk4).end
    assert torch.allclose(lg.plane_exponential(B, s) @ point, end, atol=1e-7)


def test_root_and_ellipse_of_a_covariance():
    C = definite(2)
    assert torch.allclose(lg.plane_root(C), torch.linalg.cholesky(C))
    x = lg.ellipse(C, 7)
    assert x.shape == (7, 2) and torch.allclose((x @ torch.linalg.inv(C) * x).sum(-1), torch.ones(7, dtype=F8))
    assert torch.allclose(x.mean(0), torch.zeros(2, dtype=F8), atol=1e-12)
    flat = tensor([0.0, 0.0], [0.0, 4.0])
    assert torch.equal(lg.plane_root(flat), tensor([0.0, 0.0], [0.0, 2.0]))


def test_the_cloud_and_its_covariance():
    """Exact transitions keep C whatever h; Euler's keeps what Lyapunov says; the cloud has the covariance written beneath it."""
    B, C, n = lg.plane_drift(2.0, 5.0), torch.diag(tensor(1.0, 0.2)), 40_000
    for transition, kept in ((lg.exact_transition, C), (lg.euler_transition, None)):
        E, Q = transition(B, C, 0.05)
        path = iterate(lambda k, z, E=E, Q=Q: lg.cloud_and_covariance(z, noise_like(z, seed=1, k=k), E, Q),
                       lg.WithCovariance(zeros(n, 2), zeros(2, 2)), 60)
        if kept is None:
            field = lg.swirl_field(quadratic(torch.diag(tensor(1.0, 5.0))), lg.quarter_turn(2.0))
            kept = lg.stationary_covariance(lg.euler_maruyama(field, 0.05), zeros(2))
        found = path.end
        assert torch.allclose(found.C, kept, atol=1e-3)
        sample = found.x.T @ found.x / n
        assert ((sample - found.C).abs() < 4 * math.sqrt(2 / n) * C.max()).all()
    E, Q = lg.exact_transition(B, C, 0.3)
    assert torch.allclose(E @ C @ E.T + Q, C) and torch.allclose(E, torch.linalg.matrix_exp(-0.3 * B))
    nothing, units = zeros(2, 2), torch.eye(2, dtype=F8)
    x, _ = lg.cloud_and_covariance(lg.WithCovariance(nothing, nothing), lg.WithCovariance(units, nothing + 1), E, Q)
    assert torch.allclose(x.T @ x, Q)  # the images of the unit vectors: a root of Q
    E = lg.euler_transition(B, C, 0.1)[0]
    assert torch.allclose(E, torch.eye(2, dtype=F8) - 0.1 * B)
    still = lg.WithCovariance(zeros(1, 2), nothing)
    assert torch.allclose(lg.cloud_and_covariance(still._replace(x=tensor([1.0, 2.0])), still, E, Q).x[0], E @ tensor(1.0, 2.0))


def test_sliders_of_traced_steps():
    from torch.fx.experimental.proxy_tensor import make_fx

    def taught(z, xi, h, a, kappa):
        E, Q = lg.exact_transition(lg.plane_drift(a, kappa), torch.diag(torch.stack([kappa / kappa, 1 / kappa])), h)
        moved = lg.cloud_and_covariance(lg.WithCovariance(z.x, Q), lg.WithCovariance(xi.x, Q), E, Q)
        return lg.mala(double_well, h)(0, z, xi), moved, lg.ula_variance(h), lg.plane_gap(a, kappa)

    def given(*values):
        z, xi = lg.Metropolis(cloud(6, 2), torch.ones(6, dtype=F8)), lg.Metropolis(cloud(6, 2, seed=1), cloud(6, seed=2))
        return [z, xi, *(torch.tensor(v, dtype=F8) for v in values)]

    graph = make_fx(taught, tracing_mode="symbolic")(*given(0.1, 0.5, 3.0))
    torch.testing.assert_close(graph(*given(0.3, 2.5, 7.0)), taught(*given(0.3, 2.5, 7.0)))


# --- bad input -------------------------------------------------------------------------------------------------------------------

X, EYE, ZERO = torch.ones(3, 2), torch.eye(2, dtype=F8), zeros(2)
Z, S2 = lg.Metropolis(X, X[:, 0]), lg.WithCovariance(zeros(3, 2), EYE)
BOWL = quadratic(torch.eye(2))


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: lg.linear_step(3, zeros(2)), TypeError, "step is a int"),
    (lambda: lg.linear_step(lambda k, z, xi: z, 2), TypeError, "z is a int"),
    (lambda: lg.linear_step(lambda k, z, xi: z, (2, 1)), TypeError, "z is a tuple; expected"),
    (lambda: lg.linear_step(lambda k, z, xi: z, zeros(0)), ValueError, "z has no number"),
    (lambda: lg.linear_step(lambda k, z, xi: z, ZERO, noise=zeros(0)), ValueError, "noise has no number"),
    (lambda: lg.linear_step(lambda k, z, xi: z, ZERO, noise=(2.5,)), TypeError, "noise"),
    (lambda: lg.linear_step(lambda k, z, xi: z.x, lg.Phase(ZERO, ZERO)), TypeError, r"step\(k, z, xi\) is a Tensor; expected Phase"),
    (lambda: lg.linear_step(lambda k, z, xi: z**2, ZERO), ValueError, "not linear"),
    (lambda: lg.linear_step(lambda k, z, xi: z + 1, zeros(2)), ValueError, "not linear"),
    (lambda: lg.linear_step(lambda k, z, xi: z + xi**3, zeros(2)), ValueError, "not linear"),
    (lambda: lg.stationary_covariance(lambda k, z, xi: z + xi, zeros(2)), ValueError, "spectral radius 1"),
    (lambda: lg.stationary_covariance(lambda k, z, xi: 2 * z + xi, zeros(2)), ValueError, "spectral radius 2"),
    (lambda: lg.contraction(None, zeros(2)), TypeError, "function"),
    (lambda: lg.drift_gap(None, zeros(2)), TypeError, "v is a NoneType"),
    (lambda: lg.drift_gap(lambda t, x: -x**3, zeros(2)), ValueError, "not linear"),
    (lambda: lg.mala(1, 0.1), TypeError, "function"),
    (lambda: lg.mala(BOWL, 0.0), ValueError, "h = 0"),
    (lambda: lg.mala(BOWL, 0.1, temperature=0.0), ValueError, "temperature"),
    (lambda: lg.mala(BOWL, 0.1)(0, X, X), TypeError, r"z is a Tensor; expected Metropolis\(x, a\)"),
    (lambda: lg.mala(BOWL, 0.1)(0, lg.Metropolis(X[0, 0], X[0, 0]), Z), ValueError, r"z.x has shape \(\)"),
    (lambda: lg.mala(BOWL, 0.1)(0, lg.Metropolis(X, X), Z), ValueError, r"z.a has shape \(3, 2\); expected a number for each point, \(3,\)"),
    (lambda: lg.mala(BOWL, 0.1)(0, lg.Metropolis(X, Z.a.double()), Z), TypeError, "a is torch.float64"),
    (lambda: lg.mala(BOWL, 0.1)(0, Z, lg.Metropolis(X[:1], Z.a[:1])), ValueError, "xi.x has shape"),
    (lambda: lg.squared_jump(BOWL, 0.1, X, X), TypeError, "Metropolis"),
    (lambda: lg.squared_jump(BOWL, -0.1, Z, Z), ValueError, "h = -0.1"),
    (lambda: lg.mala_speed(1.5), ValueError, "at most 1"),
    (lambda: lg.mala_speed(tensor(0.5, -0.1)), ValueError, "at least 0"),
    (lambda: lg.ula_variance(2.0), ValueError, "stable"),
    (lambda: lg.ula_variance(torch.tensor(2.5)), ValueError, "stable"),
    (lambda: lg.ula_variance(0.1, lam=0), ValueError, "lam"),
    (lambda: lg.ula_variance("0.1"), TypeError, "h is"),
    (lambda: lg.ula_covariance(EYE, 2.0), ValueError, "unstable"),
    (lambda: lg.ula_covariance(torch.diag(tensor(1.0, 3.0)), 0.7), ValueError, "unstable"),
    (lambda: lg.ula_covariance(torch.diag(tensor(1.0, -1.0)), 0.1), ValueError, "definite"),
    (lambda: lg.ula_covariance(EYE, 0.0), ValueError, "h = 0"),
    (lambda: lg.ula_covariance(EYE[:1], 0.1), ValueError, "square"),
    (lambda: lg.ula_covariance(-EYE, 0.1), ValueError, "definite"),
    (lambda: lg.ula_covariance(tensor([1.0, 1.0], [0.0, 1.0]), 0.1), ValueError, "symmetric"),
    (lambda: lg.ula_kl(2.0), ValueError, "stable"),
    (lambda: lg.ula_w2(-1.0), ValueError, "h = -1"),
    (lambda: lg.ula_bound(1, 0.3, 1.0, d=1, lam=1.0, L=1.0), ValueError, "at most 0.25"),
    (lambda: lg.ula_bound(1, 0.1, -1.0, d=1, lam=1.0, L=1.0), ValueError, "kl0"),
    (lambda: lg.ula_bound(-1, 0.1, 1.0, d=1, lam=1.0, L=1.0), ValueError, "k = -1"),
    (lambda: lg.ula_bound(1, 0.1, 1.0, d=1, lam=0.0, L=1.0), ValueError, "lam"),
    (lambda: a_square([1], "S"), TypeError, "S is a list"),
    (lambda: lg.swirl_field(BOWL, torch.eye(2)), ValueError, "antisymmetric"),
    (lambda: lg.swirl_field(BOWL, torch.ones(2)), ValueError, "square"),
    (lambda: lg.swirl_field(None, torch.zeros(2, 2)), TypeError, "function"),
    (lambda: lg.swirl_field(BOWL, torch.zeros(2, 2))(0.0, torch.ones(3, 3)), ValueError, "as J is"),
    (lambda: lg.optimal_swirl(-EYE), ValueError, "definite"),
    (lambda: lg.optimal_swirl([1]), TypeError, "S is a list"),
    (lambda: lg.constant_diagonal(tensor([1.0, 1.0], [0.0, 1.0])), ValueError, "not symmetric"),
    (lambda: lg.constant_diagonal(torch.ones(2)), ValueError, "square"),
    (lambda: lg.asymptotic_variance(EYE, lg.quarter_turn(1.0), torch.ones(3, dtype=F8)), ValueError, "u have shapes"),
    (lambda: lg.asymptotic_variance(EYE, EYE, torch.ones(2, dtype=F8)), ValueError, "antisymmetric"),
    (lambda: lg.asymptotic_variance(EYE, zeros(3, 3), torch.ones(2, dtype=F8)), ValueError, "u have shapes"),
    (lambda: lg.quarter_turn("a"), TypeError, "a is"),
    (lambda: lg.plane_drift(1.0, 0.0), ValueError, "kappa"),
    (lambda: lg.plane_gap("a", 1.0), TypeError, "a is 'a'"),
    (lambda: lg.plane_exponential(torch.eye(3), 1.0), ValueError, "expected \\(2, 2\\)"),
    (lambda: lg.plane_exponential(EYE, None), TypeError, "s is None"),
    (lambda: lg.exact_transition(torch.eye(3), torch.eye(3), 1.0), ValueError, "expected \\(2, 2\\)"),
    (lambda: lg.euler_transition(EYE, EYE, "h"), TypeError, "h is"),
    (lambda: lg.plane_root(torch.eye(3)), ValueError, "expected \\(2, 2\\)"),
    (lambda: lg.plane_root(tensor([1.0, 2.0], [2.0, 1.0])), ValueError, "negative eigenvalue"),
    (lambda: lg.ellipse(tensor([1.0, 1.0], [0.0, 1.0])), ValueError, "not symmetric"),
    (lambda: lg.ellipse(EYE, 2), ValueError, "at least 3"),
    (lambda: lg.ellipse(None), TypeError, "C is a NoneType"),
    (lambda: lg.cloud_and_covariance(X, X, EYE, EYE), TypeError, r"z is a Tensor; expected WithCovariance\(x, C\)"),
    (lambda: lg.cloud_and_covariance(S2._replace(C=zeros(3, 3)), S2, EYE, EYE), ValueError, r"z.C has shape \(3, 3\); expected \(2, 2\)"),
    (lambda: lg.cloud_and_covariance(S2, S2._replace(x=zeros(1, 2)), EYE, EYE), ValueError, "xi.x has shape"),
    (lambda: lg.cloud_and_covariance(S2._replace(x=zeros(3, 3)), S2, EYE, EYE), ValueError, "2 coordinates"),
    (lambda: lg.cloud_and_covariance(S2, S2, EYE.float(), EYE.float()), TypeError, "z.x is torch.float64"),
])
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()
