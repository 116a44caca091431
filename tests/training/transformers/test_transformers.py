"""The chapter's oracles: closed forms, rates, thresholds and conserved quantities of attention on the sphere."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import exp1, iv

import companion.training.transformers as tf
from companion.energies import grad
from companion.flow import flow, heun, iterate
from companion.gaussians import tilt
from companion.noise import noise, with_noise
from companion.training.transformers import exercises

F8 = torch.float64


def tokens(*shape, seed=0):
    return tf.normalise(noise(shape, seed=seed, k=-1, dtype=F8))


def number(seed, lo, hi):
    return torch.empty((), dtype=F8).uniform_(lo, hi, generator=torch.Generator().manual_seed(seed)).item()


def some_masses(n, seed=0):
    return 0.2 + torch.rand(n, dtype=F8, generator=torch.Generator().manual_seed(seed))


# --- the fields ------------------------------------------------------------------------------------------------------------------

def by_hand(x, beta, masses, soft):
    """The two formulas, token by token in plain Python."""
    n, out = len(x), torch.zeros_like(x)
    for i in range(n):
        pulls = [masses[j] * math.exp(beta * float(x[i] @ x[j])) for j in range(n)]
        total = sum(pulls[j] * x[j] for j in range(n)) / (sum(pulls) if soft else sum(masses))
        out[i] = total - (x[i] @ total) * x[i]
    return out


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("field", [tf.sa, tf.usa])
def test_fields_are_the_formulas_with_and_without_masses(field, seed):
    x, beta, m = tokens(5, 2 + seed, seed=seed), number(seed, -3, 3), some_masses(5, seed)
    soft = field is tf.sa
    assert torch.allclose(field(0.0, x, beta), by_hand(x, beta, torch.ones(5), soft), atol=1e-12)
    assert torch.allclose(field(0.0, x, beta, masses=m), by_hand(x, beta, m, soft), atol=1e-12)
    assert torch.allclose(field(0.0, x, beta, masses=3 * m), field(0.0, x, torch.tensor(beta), masses=m), atol=1e-12)


@pytest.mark.parametrize("field", [tf.sa, tf.usa])
def test_fields_are_tangent_equivariant_and_batched(field):
    x, beta = tokens(3, 6, 4, seed=1), -1.7
    v = field(0.0, x, beta)
    assert (v * x).sum(-1).abs().max() < 1e-12
    turn = torch.linalg.qr(noise((4, 4), seed=2, k=0, dtype=F8)).Q
    assert torch.allclose(field(0.0, x @ turn, beta), v @ turn, atol=1e-12)
    assert torch.allclose(field(0.0, x[1], beta), v[1], atol=1e-14)


def test_sa_is_usa_over_its_partition_function():
    x, beta = tokens(7, 3, seed=5), 2.3
    assert torch.allclose(tf.sa(0.0, x, beta) * tf.partition(x, beta)[:, None], tf.usa(0.0, x, beta), atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_usa_is_n_times_the_energy_gradient_on_the_sphere(seed):
    x, beta = tokens(6, 3, seed=seed), number(seed, -4, 4)
    up = tf.tangent(x, 6 * grad(lambda y: tf.energy(y, beta), x))
    assert torch.allclose(up, tf.usa(0.0, x, beta), atol=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_both_energy_identities_along_the_flow(seed):
    """dE/dt = (1/n) sum |x'|^2 (USA),  (1/n) sum (Z_i/n) |x'|^2 (SA), by central differences along the flow."""
    x, beta, h = tokens(6, 3, seed=seed), number(seed + 10, -2, 4), 1e-4
    for field, weight in ((tf.usa, torch.ones(6, dtype=F8)), (tf.sa, tf.partition(x, beta))):
        ends = [flow(partial(field, beta=beta), x, s * h, 1, project=tf.normalise).end for s in (1, -1)]
        slope = (tf.energy(ends[0], beta) - tf.energy(ends[1], beta)) / (2 * h)
        speed = (weight * field(0.0, x, beta).square().sum(-1)).mean()
        assert abs(slope - speed) < 1e-6 * max(1.0, speed.item())


def test_energy_is_the_double_sum():
    x, beta = tokens(4, 3, seed=8), 1.3
    total = sum(math.exp(beta * float(a @ b)) for a in x for b in x)
    assert abs(tf.energy(x, beta).item() - total / (2 * beta * 16)) < 1e-12


def test_energy_of_one_point_in_single_precision():
    # 100 terms e^86, whose sum is no number of single precision, and whose mean is one
    x = tokens(1, 3).float().expand(10, 3)
    assert abs(tf.energy(x, 86.0).item() * 172 / math.exp(86) - 1) < 1e-4


# --- two tokens, equiangular tokens ------------------------------------------------------------------------------------------------

def at_angle(gamma, d=2):
    x = torch.zeros(2, d, dtype=F8)
    x[0, 0], x[1, 0], x[1, 1] = 1.0, gamma, math.sqrt(1 - gamma**2)
    return x


@pytest.mark.parametrize("seed", range(4))
def test_two_tokens_of_unequal_masses(seed):
    gamma, beta, m = number(seed, -0.9, 0.9), number(seed + 20, -3, 5), number(seed + 40, 0.1, 0.9)
    x = at_angle(gamma)
    v = tf.sa(0.0, x, beta, masses=torch.tensor([m, 1 - m], dtype=F8))
    rate = tf.two_tokens(0.0, torch.tensor(gamma, dtype=F8), beta, m)
    assert abs((v[0] @ x[1] + x[0] @ v[1] - rate).item()) < 1e-12
    half = tf.two_tokens(0.0, torch.tensor(gamma, dtype=F8), beta, 0.5)
    assert abs((half - tf.equiangular_sa(0.0, torch.tensor(gamma, dtype=F8), beta, 2)).item()) < 1e-12


@pytest.mark.parametrize("beta, T", [(0, 1.472219), (1, 1.917028), (2, 2.781784), (4, 8.390296), (6, 36.655419), (9, 464.089135)])
def test_merge_time_golden_and_by_flow(beta, T):
    assert abs(tf.merge_time(beta, 0.0, 0.9) - T) < 1e-6
    if beta <= 4:
        end = flow(lambda t, x: tf.sa(t, x, float(beta)), at_angle(0.0), T, 400, project=tf.normalise).end
        assert abs((end[0] @ end[1]).item() - 0.9) < 1e-6


@pytest.mark.parametrize("beta, ratio", [(20, 1.0052), (40, 1.0013), (80, 1.0003)])
def test_merge_time_is_exponential_in_beta(beta, ratio):
    for start in (0.0, 0.3):
        scaled = tf.merge_time(beta, start, 0.9) * 2 * beta * (1 - start**2) * math.exp(-beta * (1 - start))
        assert abs(scaled - 1) < (5e-5 + ratio - 1 if start == 0 else 1.5 / beta)
    assert abs(tf.merge_time(beta, 0.0, 0.9) * 2 * beta * math.exp(-beta) - ratio) < 5e-5


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_antipodal_tokens_escape_at_the_stated_rate(beta):
    g = torch.tensor(-1 + 1e-7, dtype=F8)
    assert abs((tf.equiangular_sa(0.0, g, beta, 2) / (1 + g)).item() - 4 / (1 + math.exp(2 * beta))) < 1e-6


@pytest.mark.parametrize("n", [2, 8, 32])
@pytest.mark.parametrize("beta", [1.0, 5.0])
def test_equiangular_curve_is_the_full_simulation(n, beta):
    for field, law in ((tf.sa, tf.equiangular_sa), (tf.usa, tf.equiangular_usa)):
        T = 3.0 if field is tf.sa else 0.05 * n / 8
        x = flow(partial(field, beta=beta), torch.eye(n, dtype=F8), T, 300, project=tf.normalise).end
        gamma = flow(lambda t, g, law=law: law(t, g, beta, n), torch.zeros((), dtype=F8), T, 300).end
        pairs = tf.similarities(x)[~torch.eye(n, dtype=torch.bool)]
        assert pairs.max() - pairs.min() < 1e-13
        assert (pairs - gamma).abs().max() < 1e-9
        assert gamma > 0.01


@pytest.mark.parametrize("seed", range(3))
def test_equiangular_rates_at_random_similarity(seed):
    n, beta, gamma = 5, number(seed, -2, 3), number(seed + 1, -0.2, 0.9)
    gram = (1 - gamma) * torch.eye(n, dtype=F8) + gamma
    x = torch.linalg.cholesky(gram)
    for field, law in ((tf.sa, tf.equiangular_sa), (tf.usa, tf.equiangular_usa)):
        v = field(0.0, x, beta)
        assert abs((v[0] @ x[1] + x[0] @ v[1] - law(0.0, torch.tensor(gamma, dtype=F8), beta, n)).item()) < 1e-12


@pytest.mark.parametrize("beta, T", [(0, 5.186261), (1, 5.270284), (2, 5.458394), (4, 6.953502), (6, 15.995314), (8, 73.445676)])
def test_time_of_the_sharp_front(beta, T):
    assert abs(tf.merge_time(beta, 0.0, 0.999, n=32) - T) < 1e-6


@pytest.mark.parametrize("beta", [12, 20, 40])
def test_time_of_the_front_for_large_beta(beta):
    guess = math.exp(beta) / 62 * math.exp(beta / 31) * exp1(beta / 31)
    assert 0.6 / beta < tf.merge_time(beta, 0.0, 0.999, n=32) / guess - 1 < 0.75 / beta


@pytest.mark.parametrize("beta", [0.0, 2.0, 7.0])
@pytest.mark.parametrize("n", [2, 9])
def test_the_last_phase_has_one_speed_under_sa_only(beta, n):
    gamma = torch.tensor(1 - 1e-8, dtype=F8)
    assert abs((tf.equiangular_sa(0.0, gamma, beta, n) / (1 - gamma)).item() - 2) < 1e-6
    usa = (tf.equiangular_usa(0.0, gamma, beta, n) / (1 - gamma)).item()
    assert abs(usa / (2 * math.exp(beta)) - 1) < 1e-6


# --- the circle: Kuramoto, linear growth, clusters ---------------------------------------------------------------------------------

def test_cross_ratios_are_kept_at_beta_zero_only():
    x = tokens(8, 2, seed=3)
    before = tf.cross_ratio(x)
    for beta, lo, hi in ((0.0, 0.0, 1e-8), (1.0, 1e-3, math.inf)):
        end = flow(lambda t, y, beta=beta: tf.sa(t, y, beta), x, 1.0, 400, project=tf.normalise).end
        drift = (tf.cross_ratio(end) / before - 1).abs().max()
        assert lo <= drift < hi
    a, b, c, d = x[2:6]
    r = (a - c).norm() * (b - d).norm() / ((b - c).norm() * (a - d).norm())
    assert abs(before[2] - r) < 1e-12


@pytest.mark.parametrize("beta", [1.0, 5.0, 9.0])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_measured_growth_rates_of_modes(beta, k):
    """The field on a slightly bent lattice, projected on the bend."""
    n, eps = 240, 1e-6
    theta = 2 * math.pi * torch.arange(n, dtype=F8) / n
    bend = torch.sin(k * theta)
    x = tf.on_circle(theta + eps * bend)
    across = tf.on_circle(theta + eps * bend + math.pi / 2)
    for field, rate in ((tf.sa, tf.growth_sa), (tf.usa, tf.growth_usa)):
        speed = (field(0.0, x, beta) * across).sum(-1)
        measured = (speed * bend).sum() / (eps * (bend**2).sum())
        assert abs(measured.item() / rate(beta, k) - 1) < 1e-6


def test_growth_rates_golden_and_limits():
    golden = [0.178677, 0.514117, 0.682678, 0.600089]
    assert np.allclose([tf.growth_sa(5.0, k) for k in range(1, 5)], golden, atol=1e-6)
    assert np.allclose([tf.growth_usa(3.0, k, noise=0.2) for k in (1, 2)], [iv(1, 3) / 3 - 0.2, 4 * (iv(2, 3) / 3 - 0.2)])
    assert np.allclose([tf.growth_sa(-2.0, k, noise=0.1) for k in (1, 3)], [-iv(k, -2) / 2 / iv(0, 2) * k**2 - 0.1 * k**2 for k in (1, 3)])
    assert abs(tf.growth_usa(-2.0, 2) + 2 * iv(2, 2)) < 1e-12
    assert (tf.growth_usa(0.0, 1), tf.growth_usa(0.0, 2), tf.growth_sa(0.0, 1), tf.growth_sa(0, 3)) == (0.5, 0.0, 0.5, 0.0)
    assert tf.growth_usa(0.0, 2, noise=0.1) == tf.growth_sa(0.0, 2, noise=0.1) == -0.4
    assert abs(tf.growth_usa(1e-6, 1) - 0.5) < 1e-6


JUMPS = [1.04446, 3.16543, 6.21130, 10.22848, 15.23628, 21.24045, 28.24296, 36.24458]


@pytest.mark.parametrize("k, beta", list(enumerate(JUMPS, 1)))
def test_jumps_of_the_fastest_mode(k, beta):
    assert abs(tf.mode_transition_beta(k) - beta) < 6e-6
    assert abs(tf.mode_transition_beta(k) - (k + 0.5) ** 2 / 2 - 0.12) < 0.21
    assert (tf.k_max(beta - 1e-3), tf.k_max(beta + 1e-3)) == (k, k + 1)
    assert (tf.predicted_clusters(beta - 1e-3), tf.predicted_clusters(torch.tensor(beta + 1e-3, dtype=F8))) == (k, k + 1)


def test_fastest_mode_is_about_root_two_beta():
    assert [tf.k_max(b) for b in (25, 64, 100)] == [7, 11, 14]
    assert abs(tf.k_max(900) / math.sqrt(1800) - 1) < 0.03
    for noise_level in (0.5, 2.0, 9.0):
        assert tf.k_max(9.0, noise=noise_level) == 1 + int(np.argmax([tf.growth_usa(9.0, k, noise=noise_level) for k in range(1, 12)]))
    assert tf.k_max(4.0, noise=0.99 * tf.noise_threshold(4.0)) == 1 < tf.k_max(4.0)


@pytest.mark.parametrize("beta", [1.0, 5.0, 20.0])
def test_lattice_rates_tend_to_the_continuum(beta):
    rates = tf.lattice_rates(beta, 128, 8)
    assert np.allclose(rates, [tf.growth_usa(beta, k) for k in range(1, 9)], rtol=1e-9, atol=1e-9 * math.exp(beta) / beta)
    assert abs(tf.lattice_partition(beta).item() / iv(0, beta) - 1) < 1e-12


def test_prediction_with_noise():
    for D in (0.0, 0.05, 0.12, 0.17, 0.2):
        rates = [tf.growth_sa(5.0, k, noise=D) for k in range(1, 17)]
        assert tf.predicted_clusters(5.0, D) == (1 + int(np.argmax(rates)) if max(rates) > 0 else 1)
    assert tf.predicted_clusters(torch.tensor(5.0)).dtype == torch.float32


@pytest.mark.parametrize("n, k", [(3, 1), (7, 2), (12, 5)])
@pytest.mark.parametrize("beta", [-1.4, 0.8])
def test_lattice_rates_are_the_fields_own_derivative(n, k, beta):
    theta, eps = 2 * math.pi * torch.arange(n, dtype=F8) / n, 1e-6
    bend = torch.cos(k * theta)

    def speed(s):
        x = tf.on_circle(theta + s * bend)
        across = tf.on_circle(theta + s * bend + math.pi / 2)
        return (tf.usa(0.0, x, beta) * across).sum(-1)

    measured = ((speed(eps) - speed(-eps)) @ bend / (2 * eps * bend @ bend)).item()
    assert abs(measured - tf.lattice_rates(beta, n, k)[k - 1].item()) < 1e-8


def settle(beta, T, seeds=8, spread=0.01):
    x0 = torch.stack([tf.near_lattice(noise((200, 2), seed=s, k=-1, dtype=F8), spread) for s in range(seeds)])
    return flow(partial(tf.sa, beta=beta), x0, T, int(10 * T), method=heun, project=tf.normalise, every=50)


@pytest.mark.parametrize("beta", [2.0, 5.0])
def test_clusters_seen_are_the_predicted_ones(beta):
    seen = tf.count_clusters(settle(beta, 25.0, seeds=5).end)
    assert (seen == tf.k_max(beta)).all()


@pytest.mark.parametrize("beta", [9.0, 16.0, 25.0])
def test_clusters_seen_are_within_one_of_the_prediction_for_large_beta(beta):
    seen = tf.count_clusters(settle(beta, 15.0, seeds=6).end)
    assert (seen - tf.k_max(beta)).abs().max() <= (2 if beta == 9 else 1)
    assert abs(seen.mean() - tf.k_max(beta)) <= 1


def test_three_clusters_stay_three_at_beta_five():
    counts = tf.count_clusters(settle(5.0, 40.0, seeds=4).x)[-3:]
    assert (counts == 3).all()


# --- repulsion -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("beta", [-2.0, -0.8, -0.67, -0.66, -0.6, 1.0])
def test_three_equispaced_tokens_switch_at_minus_two_thirds(beta):
    rate = (0.75 * beta + 0.5) * math.exp(-beta / 2)
    assert abs(tf.lattice_rates(beta, 3, 1).item() - rate) < 1e-12
    assert (rate < 0) == (beta < -2 / 3)
    theta = 2 * math.pi * torch.arange(3, dtype=F8) / 3 + 1e-5 * torch.tensor([1.0, -2.0, 0.5], dtype=F8)
    x = flow(lambda t, y: tf.usa(t, y, beta), tf.on_circle(theta), 2.0, 200, project=tf.normalise).x
    grown = tf.mode_amplitude(x[-1], 1) / tf.mode_amplitude(x[0], 1)
    assert abs(math.log(grown) / 2 - rate) < 1e-3


# --- Gaussian tokens -------------------------------------------------------------------------------------------------------------

def hermite(mean, var, points=60):
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return torch.tensor(mean + math.sqrt(var) * nodes)[:, None], torch.tensor(weights)


def test_quadrature_tokens_are_made_where_the_law_is():
    tokens, masses = tf.quadrature_tokens(torch.zeros(2, device="meta"), torch.ones(2, device="meta"), 3)
    assert tokens.device.type == masses.device.type == "meta" and tokens.shape == (9, 2)


@pytest.mark.parametrize("seed", range(3))
def test_attention_to_gaussian_tokens_is_affine(seed):
    mean, var, beta = number(seed, -1, 1), number(seed + 1, 0.2, 1.0), number(seed + 2, -1, 1)
    y, w = hermite(mean, var)
    x = y[[25, 30, 35]]
    out = torch.softmax(beta * x @ y.T + torch.log(w), -1) @ y
    assert torch.allclose(out, mean + var * beta * x, atol=1e-9)
    law = tilt((torch.tensor([mean], dtype=F8), torch.tensor([[var]], dtype=F8)), linear=beta * x[0])
    assert torch.allclose(law[0], out[0], atol=1e-9)
    assert torch.allclose(tf.attention(0.0, y, beta, -2.0, masses=w)[25], -2 * out[0], atol=1e-9)


@pytest.mark.parametrize("V, mean, var", [(1.0, 0.694050991, 1.084287230), (-1.0, 0.378670788, 0.241227145)])
def test_weighted_tokens_follow_the_closed_form(V, mean, var):
    """Goldens: standard deviation .7, mean .5, beta .5, time .6; `var` here is the mean, then the variance after that time."""
    x, w = hermite(0.5, 0.49)
    end = flow(lambda t, y: tf.attention(t, y, 0.5, V, masses=w), x, 0.6, 200).end[:, 0]
    w = w / w.sum()
    m, s = tf.gaussian_tokens(0.6, torch.tensor([0.5], dtype=F8), torch.tensor([0.49], dtype=F8), 0.5, V)
    assert abs((w @ end - m).item()) < 1e-9 and abs((w @ (end - m) ** 2 - s).item()) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_closed_form_solves_the_gaussian_ode(seed):
    d, beta, V = 3, number(seed, -1, 1), number(seed + 3, -1, 1)
    m0, s0 = noise((d,), seed=seed, k=0, dtype=F8), 0.3 + some_masses(d, seed)
    t = 0.3 / (abs(2 * V * beta) * s0.max().item())
    eye = torch.eye(d, dtype=F8)

    def field(_, z):
        m, S = tf.gaussian_rates(z[0], z[1:], beta * eye, V * eye)
        return torch.cat([m[None], S])

    end = flow(field, torch.cat([m0[None], torch.diag(s0)]), t, 200).end
    m, s = tf.gaussian_tokens(t, m0, s0, beta, V)
    assert torch.allclose(end[0], m, atol=1e-9) and torch.allclose(end[1:], torch.diag(s), atol=1e-9)


def test_gaussian_rates_of_a_general_affine_flow():
    d = 3
    A, V, L, m = (noise(s, seed=4, k=i, dtype=F8) for i, s in enumerate([(d, d), (d, d), (d, d), (d,)]))
    S, h = L @ L.T, 1e-6
    rate_m, rate_S = tf.gaussian_rates(m, S, A, V)
    push = torch.eye(d, dtype=F8) + h * V @ S @ A  # x -> x + h V (m + S A x)
    assert torch.allclose((push @ m + h * V @ m - m) / h, rate_m, atol=1e-6)
    assert torch.allclose((push @ S @ push.T - S) / h, rate_S, atol=1e-4)


def test_blow_up_time():
    var = torch.tensor([0.49, 0.1], dtype=F8)
    assert abs(tf.blow_up(var, 0.5) - 1 / 0.49) < 1e-12
    assert abs(tf.blow_up(var, 0.5, 3.0) - 1 / (3 * 0.49)) < 1e-12
    assert tf.blow_up(var, 0.5, -1.0) == math.inf and tf.blow_up(var, 0.0) == math.inf
    late = tf.gaussian_tokens(0.999 / 0.49, torch.ones(2, dtype=F8), var, 0.5)[1]
    assert late[0] > 400 and late[1] < 0.2


# --- noise -----------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("beta, D", [(0, 0.5), (1, 0.565159), (2, 0.795318), (4, 2.439866)])
def test_noise_thresholds(beta, D):
    assert abs(tf.noise_threshold(beta) - D) < 1e-6


def test_the_switch_of_the_transition():
    assert abs(tf.tricritical_beta() - 2.446918311) < 1e-8
    for beta, sign in ((2.4, 1), (2.5, -1)):
        A, B = tf.landau_coefficients(beta, tf.noise_threshold(beta))
        assert abs(A) < 1e-12 and B * sign > 0


def free_energy(rho, beta, D):
    theta = tf.grid(len(rho))
    kernel = torch.exp(beta * torch.cos(theta[:, None] - theta)) / beta
    return (D * (rho * torch.log(rho)).mean() - rho @ kernel @ rho / (2 * len(rho) ** 2)).item()


@pytest.mark.parametrize("beta, D", [(1.0, 0.55), (2.0, 0.8), (3.0, 1.4)])
def test_landau_is_the_free_energy_to_fourth_order(beta, D):
    """At fixed a the second mode minimises F: c = D a^2 / (2 (D - I_2/beta)), found by expanding; the rest is O(a^6)."""
    A, B = tf.landau_coefficients(beta, D)
    theta, base = tf.grid(), free_energy(torch.ones(256, dtype=F8), beta, D)

    def remainder(a):
        c = D * a**2 / (2 * (D - iv(2, beta) / beta))
        return free_energy(1 + 2 * a * torch.cos(theta) + 2 * c * torch.cos(2 * theta), beta, D) - base - A * a**2 - B * a**4

    assert abs(remainder(0.04)) < 40 * 0.04**6 * D
    assert 40 < remainder(0.08) / remainder(0.04) < 90  # sixth order: 64


@pytest.mark.parametrize("part, order, landau", [(0.99, 0.17005, 0.17241), (0.999, 0.05405, 0.05412)])
def test_continuous_transition_at_small_beta(part, order, landau):
    D = part * tf.noise_threshold(1.0)
    rho = iterate(partial(tf.picard, beta=1.0, D=D), tf.bump(1.03 * landau), 5000, every=5000).end
    A, B = tf.landau_coefficients(1.0, D)
    assert abs(tf.order_of(rho).item() - order) < 1e-5
    assert abs(math.sqrt(-A / (2 * B)) - landau) < 1e-5


@pytest.mark.parametrize("part, there", [(1.03, True), (1.06, False)])
def test_hysteresis_at_large_beta(part, there):
    D = part * tf.noise_threshold(4.0)
    run = partial(tf.picard, beta=4.0, D=D)
    high, low = (tf.order_of(iterate(run, tf.bump(r), 1500, every=1500).end) for r in (0.49, 0.01))
    assert (high > 0.3) == there and low < 1e-6


def test_picard_never_increases_the_free_energy_and_keeps_the_mass():
    rho, beta, D = tf.bump(0.3) + 0.1 * torch.cos(3 * tf.grid()), 3.0, 1.2
    values = []
    for k in range(30):
        values.append(free_energy(rho, beta, D))
        rho = tf.picard(k, rho, beta, D)
    assert abs(rho.mean().item() - 1) < 1e-12
    assert torch.tensor(values).diff().max() < 1e-12


def test_noisy_step_without_noise_has_order_two_and_with_noise_the_growth_rates():
    x, beta = tokens(6, 3, seed=2), 1.5
    exact = flow(partial(tf.sa, beta=beta), x, 1.0, 400, project=tf.normalise).end
    errors = []
    for steps in (20, 40):
        step = partial(tf.noisy_step, model=tf.sa, beta=beta, D=0.0, dt=1 / steps)
        errors.append((iterate(with_noise(step, seed=0), x, steps).end - exact).norm().item())
    assert 3.5 < errors[0] / errors[1] < 4.6


def test_noise_along_a_token_does_nothing():
    x = tokens(5, 3)
    step = partial(tf.noisy_step, model=tf.sa, beta=1.0, dt=0.1)
    assert torch.allclose(step(0, x, 2.0 * x, D=0.5), step(0, x, x, D=0.0), atol=1e-14)


def test_noise_spreads_a_free_token_as_brownian_motion_does():
    """beta = 0 and one token alone: E cos(theta_t - theta_0) = e^{-D t} on the circle, e^{-2 D t} on the sphere."""
    for d in (2, 3):
        x0 = torch.zeros(20000, 1, d, dtype=F8)
        x0[..., 0] = 1.0
        step = partial(tf.noisy_step, model=tf.sa, beta=0.0, D=0.3, dt=0.02)
        end = iterate(with_noise(step, seed=d), x0, 50, every=50).end
        seen = end[:, 0, 0]
        assert abs(seen.mean() - math.exp(-0.3 * (d - 1))) < 4 * seen.std() / math.sqrt(20000) + 0.003


# --- the attention kernel's modes; the phase diagram ----------------------------------------------------------------------------------

@pytest.mark.parametrize("beta, modes", [(4, 2.4322), (16, 4.8871), (64, 9.7917), (256, 19.5927)])
def test_expected_modes_of_the_attention_density(beta, modes):
    assert abs(tf.attention_modes(beta) - modes) < 1e-4
    assert abs(modes / math.sqrt(1.5 * beta) - 1) < 0.02


def test_modes_of_the_attention_density_by_simulation():
    beta, theta = 16.0, tf.grid(256)
    counts = []
    for seed in range(60):
        at = 2 * math.pi * torch.rand(4000, dtype=F8, generator=torch.Generator().manual_seed(seed))
        height = torch.exp(beta * (torch.cos(theta[:, None] - at) - 1)).sum(-1)
        counts.append(((height > height.roll(1)) & (height > height.roll(-1))).sum().item())
    counts = torch.tensor(counts, dtype=F8)
    assert abs(counts.mean() - tf.attention_modes(beta)) < 4 * counts.std() / math.sqrt(60)


def fraction(d, beta, times):
    x0 = tf.uniform(noise((8, 32, d), seed=0, k=-1, dtype=F8))
    path = flow(partial(tf.sa, beta=beta), x0, times, method=heun, project=tf.normalise)
    return tf.close_pairs(path.x).mean(-1), tf.mean_similarity(path.x).mean(-1)


def test_phase_diagram_is_sharp_in_high_dimension_and_stuck_on_the_circle():
    times = torch.arange(0, 12.05, 0.1, dtype=F8)
    for beta, before, after in ((1.0, 40, 60), (4.0, 60, 80)):
        close, _ = fraction(128, beta, times)
        assert close[before] < 0.01 and close[after] > 0.99
        assert before / 10 < tf.merge_time(beta, 0.0, 0.999, n=32) < after / 10
    close, similar = fraction(2, 4.0, times)
    assert abs(close[120] - close[100]) < 0.1 and 0.2 < close[120] < 0.8
    assert -0.05 < similar[120] < 0.5


# --- what is read off ----------------------------------------------------------------------------------------------------------------

def test_count_clusters():
    theta = torch.tensor([0.0, 0.1, 2.0, 2.05, 4.0, 6.25], dtype=F8)
    assert tf.count_clusters(tf.on_circle(theta)) == 3
    assert tf.count_clusters(tf.on_circle(theta), 0.07) == 4
    assert tf.count_clusters(tf.on_circle(theta + 1.7)) == tf.count_clusters(tf.on_circle(theta).flip(0)) == 3
    assert tf.count_clusters(tf.on_circle(torch.linspace(0, 2 * math.pi, 201, dtype=F8)[:-1])) == 1
    assert tf.count_clusters(tf.on_circle(torch.zeros(4, 5, dtype=F8))).tolist() == [1.0] * 4


def test_similarities_and_order():
    x = tokens(5, 3, seed=9)
    pairs = [float(x[i] @ x[j]) for i in range(5) for j in range(5) if i != j]
    assert abs(tf.mean_similarity(x) - sum(pairs) / 20) < 1e-12
    assert abs(tf.close_pairs(x, 0.1) - sum(p > 0.1 for p in pairs) / 20) < 1e-12
    assert abs(tf.order_parameter(x) - x.mean(0).norm()) < 1e-12
    assert abs(tf.order_parameter(x) ** 2 - (5 + sum(pairs)) / 25) < 1e-12


def test_angles_modes_and_starts():
    theta = torch.tensor([-3.0, -1.0, 0.5, 3.0], dtype=F8)
    assert torch.allclose(tf.angles(tf.on_circle(theta)), theta)
    folded = tf.on_circle(torch.tensor([0.3, 0.3 + 2 * math.pi / 3, 0.3 - 2 * math.pi / 3], dtype=F8))
    assert tf.mode_amplitude(folded, 3) > 1 - 1e-12 and tf.mode_amplitude(folded, 1) < 1e-12
    xi = noise((50, 2), seed=1, k=-1, dtype=F8)
    off = tf.angles(tf.near_lattice(xi, 0.001)) - tf.angles(tf.near_lattice(0 * xi))
    assert torch.allclose(off[1:20], 0.001 * xi[1:20, 0], atol=1e-12)
    assert torch.allclose(tf.uniform(xi).norm(dim=-1), torch.ones(50, dtype=F8))
    assert abs(tf.order_of(tf.bump(0.3)).item() - 0.3) < 1e-12
    assert abs(tf.order_of(1 + 0.5 * torch.sin(tf.grid())).item() - 0.25) < 1e-12


# --- bad input -----------------------------------------------------------------------------------------------------------------------

X, G = tokens(4, 2), torch.tensor(0.1, dtype=F8)
BAD = {
    "sa": lambda: tf.sa(0.0, [[1.0, 0.0]], 1.0),
    "sa beta": lambda: tf.sa(0.0, X, "5"),
    "sa masses": lambda: tf.sa(0.0, X, 1.0, masses=torch.ones(3)),
    "usa masses": lambda: tf.usa(0.0, X, 1.0, masses=-torch.ones(4)),
    "usa": lambda: tf.usa(0.0, X, math.nan),
    "energy": lambda: tf.energy(X, None),
    "partition": lambda: tf.partition(X[0], 1.0),
    "normalise": lambda: tf.normalise(X[0]),
    "similarities": lambda: tf.similarities(torch.full((2, 2), math.nan)),
    "noisy_step dt": lambda: tf.noisy_step(0, X, X, model=tf.sa, beta=1.0, D=0.0, dt=0.0),
    "noisy_step D": lambda: tf.noisy_step(0, X, X, model=tf.sa, beta=1.0, D=-1.0, dt=0.1),
    "noisy_step model": lambda: tf.noisy_step(0, X, X, model="sa", beta=1.0, D=0.0, dt=0.1),
    "equiangular_sa": lambda: tf.equiangular_sa(0.0, 0.1, 1.0, 3),
    "equiangular_usa": lambda: tf.equiangular_usa(0.0, G, 1.0, 1),
    "two_tokens": lambda: tf.two_tokens(0.0, G, 1.0, 1.2),
    "merge_time start": lambda: tf.merge_time(1.0, -1.0, 0.5),
    "merge_time end": lambda: tf.merge_time(1.0, 0.5, 0.4),
    "merge_time n": lambda: tf.merge_time(1.0, 0.0, 0.5, n=1),
    "growth_sa": lambda: tf.growth_sa(1.0, 0),
    "growth_usa": lambda: tf.growth_usa(1.0, 1, noise=-0.1),
    "k_max": lambda: tf.k_max(0.0),
    "k_max noise": lambda: tf.k_max(1.0, noise=-0.1),
    "mode_transition_beta": lambda: tf.mode_transition_beta(0),
    "noise_threshold": lambda: tf.noise_threshold(-1.0),
    "landau_coefficients": lambda: tf.landau_coefficients(4.0, 0.5),
    "attention_modes": lambda: tf.attention_modes(0.0),
    "lattice_rates": lambda: tf.lattice_rates(1.0, 0),
    "lattice_partition": lambda: tf.lattice_partition("1"),
    "predicted_clusters": lambda: tf.predicted_clusters(1.0, "none"),
    "grid": lambda: tf.grid(4),
    "bump": lambda: tf.bump(0.7),
    "picard": lambda: tf.picard(0, [1.0], 1.0, 1.0),
    "picard D": lambda: tf.picard(0, tf.bump(0.1), 1.0, 0.0),
    "attention": lambda: tf.attention(0.0, X[0], 1.0),
    "attention V": lambda: tf.attention(0.0, X, 1.0, math.inf),
    "gaussian_rates": lambda: tf.gaussian_rates(torch.ones(2), torch.eye(3), torch.eye(2), torch.eye(2)),
    "gaussian_tokens": lambda: tf.gaussian_tokens(0.1, 0.5, 0.5, 1.0),
    "blow_up": lambda: tf.blow_up(0.5, 1.0),
    "angles": lambda: tf.angles(tokens(4, 3)),
    "on_circle": lambda: tf.on_circle(1.0),
    "near_lattice": lambda: tf.near_lattice(torch.ones(5)),
    "uniform": lambda: tf.uniform(torch.ones(5)),
    "count_clusters": lambda: tf.count_clusters(X, 0.0),
    "close_pairs": lambda: tf.close_pairs(X, 2.0),
    "order_parameter": lambda: tf.order_parameter(X[0]),
    "mode_amplitude": lambda: tf.mode_amplitude(X, 0),
    "cross_ratio": lambda: tf.cross_ratio(X[:3]),
    "order_of": lambda: tf.order_of([1.0]),
}


# --- the real tokens; what the figures need ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(3))
def test_merge_clock_is_merge_time_and_unequal_masses_by_flow(seed):
    beta, start, mass = number(seed, 0, 4), number(seed + 1, -0.6, 0.6), number(seed + 2, 0.1, 0.9)
    assert abs(tf.merge_clock(beta, start).item() / tf.merge_time(beta, start, 0.9) - 1) < 1e-8
    T = tf.merge_clock(torch.tensor(beta, dtype=F8), start, mass)
    field = partial(tf.two_tokens, beta=beta, mass=mass)
    assert abs(flow(field, torch.tensor(start, dtype=F8), T.item(), 4000).end.item() - 0.9) < 1e-6


def test_merge_clock_is_merge_time():
    for beta, start in ((0.0, 0.0), (3.0, -0.4), (-1.0, 0.5)):
        assert abs(tf.merge_clock(beta, start).item() / tf.merge_time(beta, start, 0.9) - 1) < 1e-8


def test_ellipse_moments_and_quadrature():
    mean, var = torch.tensor([0.3, -0.2], dtype=F8), torch.tensor([0.5, 0.1], dtype=F8)
    x, w = tf.quadrature_tokens(mean, var, 8)
    assert x.shape == (64, 2) and abs(w.sum().item() - 1) < 1e-12
    m, S = tf.moments(x, 5 * w)
    assert torch.allclose(m, mean) and torch.allclose(S, torch.diag(var))
    masses = some_masses(64, 3)
    expected = sum(masses[i] * x[i] for i in range(64)) / masses.sum()
    assert torch.allclose(tf.moments(x, masses)[0], expected)
    assert abs((w @ (x[:, 0] - 0.3) ** 4).item() - 3 * 0.25) < 1e-9
    L = noise((2, 2), seed=3, k=0, dtype=F8)
    S = L @ L.T
    curve = tf.ellipse(mean, S, 100) - mean
    assert torch.allclose(torch.einsum("ni,ij,nj->n", curve, torch.linalg.inv(S), curve), torch.full((100,), 4.0, dtype=F8))
    assert torch.allclose(curve.T @ curve / 50, 4 * S, atol=1e-9)


def test_real_tokens_are_as_recorded_and_measured_again():
    """The stored similarities were computed from full vectors; those computed here from the stored float16 vectors must agree."""
    means = tf.minilm_similarity()
    assert all(m.shape == (12, 25) for m in means.values())
    for i in range(3):
        text, names, x = tf.minilm_sentence(i)
        assert x.shape == (7, len(names), 384) and names[0] == "[CLS]" and names[-1] == "[SEP]"
        assert all(name in text for name in names[1:-1])
        assert torch.allclose(tf.mean_similarity(tf.normalise(x)), means["whole"][i, :7], atol=2e-3)
    assert torch.equal(means["whole"][:, 0], means["without_mlp"][:, 0])
    assert means["without_mlp_or_skip"][:, 24].min() > 0.999 > means["whole"][:, 24].max()  # attention alone makes all tokens one
    assert means["without_mlp"][:, 6].mean() > means["whole"][:, 6].mean() + 0.1


def test_paced_usa_leaves_the_uniform_law_as_fast_as_sa():
    theta = 2 * math.pi * torch.arange(128, dtype=F8) / 128
    for beta in (0.7, 4.0):
        x = tf.on_circle(theta + 1e-6 * torch.sin(2 * theta))
        assert torch.allclose(tf.paced_usa(0.0, x, beta), tf.sa(0.0, x, beta), atol=1e-9, rtol=0)
        y = tokens(6, 3)
        assert torch.allclose(tf.paced_usa(0.0, y, beta) * iv(0, beta), tf.usa(0.0, y, beta))


@pytest.mark.parametrize("f, right, wrong", [
    (exercises.five_clusters, (10.2285, 15.2363), [(10.0, 15.2363), (10.2285, 15.5), (6.2113, 10.2285), (12.5, 18.0)]),
    (exercises.a_million, (17.3557,), [(17.0,), (16.6,), (18.2,), (13.8,)]),
    (exercises.three_tokens, (lambda b: (0.75 * b + 0.5) * math.exp(-b / 2),), [
        (lambda b: (0.75 * b + 0.5) * math.exp(b / 2),), (lambda b: 0.75 * b + 0.5,), (lambda b: (0.5 * b + 1 / 3) * math.exp(-b / 2),),
        (lambda b: (0.7501 * b + 0.5) * math.exp(-b / 2),),
        (lambda b: (0.75 * b + 0.25) * math.exp(-b / 2),), (lambda b: -(0.75 * b + 0.5) * math.exp(-b / 2),)]),
])
def test_exercises_accept_the_right_and_refuse_the_wrong(f, right, wrong):
    f(*right)
    for answer in wrong:
        with pytest.raises(AssertionError):
            f(*answer)


BAD |= {
    "paced_usa": lambda: tf.paced_usa(0.0, X, "1"),
    "five_clusters": lambda: exercises.five_clusters("a", 1.0),
    "a_million": lambda: exercises.a_million(None),
    "three_tokens": lambda: exercises.three_tokens(0.4),

    "merge_clock": lambda: tf.merge_clock("1", 0.0),
    "merge_clock nodes": lambda: tf.merge_clock(1.0, 0.0, nodes=0),
    "merge_clock start": lambda: tf.merge_clock(1.0, -1.0),
    "ellipse": lambda: tf.ellipse(torch.zeros(3), torch.eye(3)),
    "moments": lambda: tf.moments(X, torch.ones(3)),
    "quadrature_tokens": lambda: tf.quadrature_tokens(torch.zeros(2), 1.0),
    "minilm_sentence": lambda: tf.minilm_sentence(3),
}


@pytest.mark.parametrize("call, words", [
    (lambda: tf.normalise(torch.eye(3, 2, dtype=F8)), "a token at 0"),
    (lambda: tf.usa(0.0, X, 1.0, masses=torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=F8)), "expected positive"),
    (lambda: tf.merge_time(1.0, -0.5, 0.5, n=3), "start = -0.5"), (lambda: tf.merge_time(1.0, 0.0, 1.0), "a number below 1"),
    (lambda: tf.gaussian_tokens(2.0, X[0], torch.tensor([0.49, 0.1], dtype=F8), 0.6), "before the blow-up"),
    (lambda: tf.cross_ratio(X[[0, 1, 1, 2, 3]]), "tokens that coincide"), (lambda: tf.mean_similarity(X[:1]), "at least two tokens"),
])
def test_what_is_wrong_is_said_before_the_result_is_not_finite(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_words(case):
    with pytest.raises((TypeError, ValueError), match="expected"):
        BAD[case]()
