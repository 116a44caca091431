"""Momentum: spectral radii, a bowl that is not convex, stationary laws, the correlation of gradients, norms."""

import itertools
import math
from functools import partial

import pytest
import torch
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import linprog

from companion.energies import descent, grad
from companion.flow import flow, iterate
from companion.potentials import quadratic
from companion.state import each
from companion.training import momentum as mo
from tests.helpers import close

pytestmark = pytest.mark.usefixtures("float64")


def radius_of(step, *z):
    """The spectral radius of a linear map of the numbers z, each (1,), from its Jacobian."""
    jacobian = torch.autograd.functional.jacobian(lambda *z: torch.cat(step(*z)), z)
    return torch.linalg.eigvals(torch.cat(jacobian, -1)).abs().max()


# Spectral radii


@pytest.mark.parametrize("lr, momentum", [(0.1, 0.0), (0.5, 0.5), (1.7, 0.9), (0.03, 0.99), (2.9, 0.3), (0.2, 1.0)])
def test_radii_of_the_maps_are_those_of_their_jacobians(lr, momentum):
    for lam in (0.02, 0.7, 1.0, 1.9):
        f, curvature = quadratic(torch.eye(1) * lam), torch.tensor(lam)
        close(mo.descent_radius(curvature, lr=lr), radius_of(lambda x, f=f: (mo.gradient_descent(0, x, f=f, lr=lr),), torch.zeros(1)))
        for radius, step in ((mo.heavy_ball_radius, mo.heavy_ball), (mo.nesterov_radius, mo.nesterov_constant)):
            both = {"lr": lr, "momentum": momentum}
            one_step = partial(step, 0, f=f, **both)
            close(radius(curvature, **both), radius_of(lambda x, v, go=one_step: go(mo.Inertia(x, v)), *torch.zeros(2, 1)), 1e-7)


def test_radii_keep_the_shape_of_the_curvatures():
    lam = torch.rand(3, 4)
    for radius in (mo.heavy_ball_radius, mo.nesterov_radius):
        each = [[radius(lam[i, j], lr=0.7, momentum=0.6).item() for j in range(4)] for i in range(3)]
        close(radius(lam, lr=0.7, momentum=0.6), torch.tensor(each))
    close(mo.frozen_adam_radius(3 * lam, beta1=0.6), mo.heavy_ball_radius(lam, lr=1.2, momentum=0.6))


def test_radii_at_condition_number_100():
    lam = torch.linspace(1.0, 100.0, 2000)
    found = [
        mo.descent_radius(lam, lr=mo.descent_tuning(1, 100)).max(),
        worst(mo.nesterov_radius, lam, mo.nesterov_tuning(1, 100)),
        worst(mo.nesterov_radius, lam, mo.nesterov_quadratic_tuning(1, 100)),
        worst(mo.heavy_ball_radius, lam, mo.heavy_ball_tuning(1, 100)),
    ]
    close(torch.stack(found), torch.tensor([99 / 101, 0.9, 0.8847220, 9 / 11]), 1e-6)


def worst(radius, lam, tuning):
    return radius(lam, lr=tuning[0], momentum=tuning[1]).max()


@pytest.mark.parametrize("mu, L", [(1.0, 9.0), (0.2, 7.0), (3.0, 400.0)])
def test_tunings_are_best_among_their_neighbours(mu, L):
    lam, ends = torch.linspace(mu, L, 500), torch.tensor([mu, L])
    lr = mo.descent_tuning(mu, L)
    assert all(mo.descent_radius(ends, lr=lr).max() <= mo.descent_radius(ends, lr=c * lr).max() for c in (0.9, 0.99, 1.01, 1.1))
    for radius, tuning in ((mo.heavy_ball_radius, mo.heavy_ball_tuning(mu, L)), (mo.nesterov_radius, mo.nesterov_quadratic_tuning(mu, L))):
        near = [(tuning[0] * c, tuning[1] * e) for c, e in itertools.product((0.98, 0.999, 1.0, 1.001, 1.02), repeat=2) if (c, e) != (1.0, 1.0)]
        assert all(worst(radius, lam, tuning) < worst(radius, lam, other) for other in near)


@pytest.mark.parametrize("mu, L", [(1.0, 9.0), (0.2, 7.0), (3.0, 400.0)])
def test_radii_of_the_tunings_in_closed_form(mu, L):
    lam, root = torch.tensor([mu, L]), math.sqrt(L / mu)
    close(mo.descent_radius(lam, lr=mo.descent_tuning(mu, L)).max(), (root**2 - 1) / (root**2 + 1))
    close(worst(mo.heavy_ball_radius, lam, mo.heavy_ball_tuning(mu, L)), (root - 1) / (root + 1), 1e-7)
    close(worst(mo.nesterov_radius, lam, mo.nesterov_tuning(mu, L)), 1 - 1 / root, 1e-7)
    close(worst(mo.nesterov_radius, lam, mo.nesterov_quadratic_tuning(mu, L)), 1 - 2 / math.sqrt(3 * root**2 + 1), 1e-7)


# The edge of stability of Adam


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9, 0.99])
def test_frozen_adam_is_stable_up_to_its_limit(beta1):
    limit = mo.stability_limit(beta1)
    below, at, above = mo.frozen_adam_radius(limit * torch.tensor([0.999, 1.0, 1.001]), beta1=beta1)
    assert below < 1 < above and abs(at - 1) < 1e-12
    assert mo.frozen_adam_radius(torch.linspace(1e-3, 0.999, 500) * limit, beta1=beta1).max() < 1


def test_the_limit_is_38():
    close(mo.stability_limit(0.9), 38.0)


def test_frozen_adam_is_adam_with_a_constant_second_mean():
    """beta2 -> 1 keeps v where it is: the Jacobian of Adam's own map in (x, m)."""
    v, k, lr, curvature = 0.04, 10**6, 0.3, 2.5
    f = quadratic(torch.eye(1) * curvature)

    def step(x, m):
        return mo.adam(k, mo.Moments(x, m, torch.full((1,), v)), f=f, lr=lr, beta1=0.7, beta2=1 - 1e-12, eps=0.0)[:2]

    seen = v / (1 - (1 - 1e-12) ** (k + 1))  # the second mean freed of its start
    close(mo.frozen_adam_radius(torch.tensor(lr * curvature / seen**0.5), beta1=0.7), radius_of(step, *torch.zeros(2, 1)), 1e-6)


def test_runs_on_both_sides_of_38():
    sizes = []
    for lam in (37.9, 38.1):
        def step(k, z, lam=lam):
            m = 0.9 * z.v + 0.1 * z.x
            return mo.Inertia(z.x - lam * m, m)
        sizes.append(iterate(step, mo.at_rest(torch.ones(1), mo.Inertia), 4000, every=4000).end.x.abs().item())
    assert sizes[0] < 1e-80 and sizes[1] > 1e80


# The bowl that is not convex


PITCHES = [(0.3, 5.0), (0.5, 2.0), (-0.2, 6.0), (0.1, 1.0), (0.25, 2.0)]  # ripple, pitch


@pytest.mark.parametrize("ripple, pitch", PITCHES)
def test_constants_of_the_bowl_are_attained(ripple, pitch):
    x = torch.exp(torch.linspace(-2 * math.pi / pitch, 2 * math.pi / pitch, 40001))[:, None]
    f = partial(mo.bumpy_bowl, ripple=ripple, pitch=pitch)
    slope = grad(f, x) / x
    curvature = grad(lambda y: grad(f, y, create_graph=True).sum(-1), x)
    found = mo.bowl_constants(ripple=ripple, pitch=pitch)
    close(torch.stack((slope.min(), slope.max())), torch.tensor(found.slopes), 1e-6)
    close(torch.stack((curvature.min(), curvature.max())), torch.tensor(found.curvatures), 1e-6)


def test_the_bowl_by_hand(generator):
    x = torch.randn(6, 3, generator=generator)
    r = x.norm(dim=-1)
    close(mo.bumpy_bowl(x, ripple=0.4, pitch=3.0), r**2 / 2 * (1 + 0.4 * torch.sin(3.0 * torch.log(r))))
    close(mo.bumpy_bowl(torch.zeros(2)), 0.0)
    close(grad(mo.bumpy_bowl, torch.zeros(4, 2)), torch.zeros(4, 2))
    close(grad(mo.bumpy_bowl, x), x * ((grad(mo.bumpy_bowl, x) * x).sum(-1) / r**2)[:, None])


def test_constants_of_the_default_bowl():
    bowl, best = mo.bowl_constants(), mo.best_certificate()
    close([*bowl.slopes, *bowl.curvatures], [0.192225, 1.807775, -3.118859, 5.118859], 1e-6)
    close([best.rate, best.friction], [0.21557, 1.0563], 1e-4)
    close([best.tau, best.mu], [0.2273, 0.7975], 1e-3)


@pytest.mark.parametrize("ripple, pitch", PITCHES)
def test_the_certificate_holds_everywhere_and_is_sharp(generator, ripple, pitch):
    f, best = partial(mo.bumpy_bowl, ripple=ripple, pitch=pitch), mo.best_certificate(ripple=ripple, pitch=pitch)
    around = torch.exp(torch.linspace(0, 2 * math.pi / pitch, 20001))[:, None]
    away = torch.randn(1, 3, generator=generator)
    x = around * away / away.norm()
    gap = mo.quasar_gap(f, grad(f, x), x, mu=best.mu, tau=best.tau) / x.square().sum(-1)
    assert abs(gap.min()) < 1e-6 < gap.max()
    assert mo.quasar_gap(f, grad(f, x), x, mu=1.01 * best.mu, tau=best.tau).min() < 0


@pytest.mark.parametrize("ripple, pitch", PITCHES)
def test_the_certificate_is_the_best(ripple, pitch):
    best = mo.best_certificate(ripple=ripple, pitch=pitch)
    pairs = [(tau, mo.bowl_mu(tau, ripple=ripple, pitch=pitch)) for tau in torch.linspace(0.001, 1.0, 2000).tolist()]
    others = [tau * math.sqrt(2 * mu / (2 - tau)) for tau, mu in pairs if mu > 0]
    assert max(others) <= best.rate < max(others) * (1 + 1e-4)
    close(best.rate, best.tau * math.sqrt(2 * best.mu / (2 - best.tau)))
    close(best.friction, (1 + best.tau / 2) * math.sqrt(2 * best.mu / (2 - best.tau)))


def test_no_certificate_where_there_are_other_critical_points():
    ripple = 1 / math.sqrt(1 + 25 / 4)
    mo.best_certificate(ripple=0.999 * ripple)
    with pytest.raises(ValueError, match="one critical point"):
        mo.best_certificate(ripple=1.001 * ripple)
    x = torch.exp(torch.linspace(0, 2 * math.pi / 5, 10001))[:, None]
    assert grad(partial(mo.bumpy_bowl, ripple=1.001 * ripple), x).min() < 0 < grad(partial(mo.bumpy_bowl, ripple=0.999 * ripple), x).min()


@pytest.mark.parametrize("ripple, pitch", PITCHES[:3])
def test_the_energy_falls_at_the_certified_rate_at_every_point(generator, ripple, pitch):
    """E' <= -rate E and E >= 0 at random points of phase space: E' by the chain rule."""
    f, best = partial(mo.bumpy_bowl, ripple=ripple, pitch=pitch), mo.best_certificate(ripple=ripple, pitch=pitch)
    x, v = torch.randn(2, 4000, 2, generator=generator) * torch.exp(torch.randn(4000, 1, generator=generator))
    z = mo.Inertia(x.requires_grad_(), v.requires_grad_())
    E = partial(mo.quasar_energy, f=f, mu=best.mu, tau=best.tau)
    slopes, z = torch.autograd.grad(E(z).sum(), z), each(torch.Tensor.detach, z)
    falls = sum((s * part).sum(-1) for s, part in zip(slopes, mo.heavy_ball_flow(0.0, z, f=f, friction=best.friction), strict=True))
    size = sum(part.square().sum(-1) for part in z)
    assert ((falls + best.rate * E(z)) / size).max() < 1e-9
    assert (E(z) / size).min() > 0


def test_the_energy_falls_along_a_run_and_the_run_is_faster_than_certified():
    best = mo.best_certificate()
    z = mo.Inertia(*torch.tensor([[[1.0, 2.0], [0.3, 0.0]], [[-1.0, 0.5], [0.1, 0.3]]]))  # they turn: through 0 itself the field is not smooth
    path = flow(partial(mo.heavy_ball_flow, f=mo.bumpy_bowl, friction=best.friction), z, 12.0, 1500)
    energy = mo.quasar_energy(path.x, f=mo.bumpy_bowl, mu=best.mu, tau=best.tau)
    weighted = torch.exp(best.rate * path.t)[:, None] * energy
    assert (weighted.diff(dim=0) / weighted[:-1]).max() < 1e-7
    assert (torch.log(energy[0] / energy[-1]) / 12).min() > 3 * best.rate


def test_the_energy_elsewhere_and_by_hand(generator):
    z, at = mo.Inertia(*torch.randn(2, 5, 3, generator=generator)), torch.randn(3, generator=generator)
    tau, mu = 0.6, 1.4
    lam = math.sqrt(2 * mu / 1.4)
    expected = [mo.bumpy_bowl(x) - 0.2 + (lam * (x - at) + v).square().sum() / 2 - lam**2 * tau / 4 * (x - at).square().sum()
                for x, v in zip(*z, strict=True)]
    close(mo.quasar_energy(z, f=mo.bumpy_bowl, mu=mu, tau=tau, minimiser=at, lowest=0.2), torch.stack(expected))


def test_momentum_and_descent_on_the_bowl():
    """Friction 2 is faster than the gradient flow here, friction 3 slower: the fastest friction is nobody's theorem."""
    x = torch.tensor([[1.0]])
    rates = {}
    for friction in (2.0, 3.0):
        end = flow(partial(mo.heavy_ball_flow, f=mo.bumpy_bowl, friction=friction), mo.at_rest(x, mo.Inertia), 30.0, 1500).end
        rates[friction] = -math.log(mo.bumpy_bowl(end.x) + end.v.square().sum() / 2) / 30
    rates["flow"] = -math.log(mo.bumpy_bowl(flow(descent(mo.bumpy_bowl), x, 30.0, 1500).end)) / 30
    assert rates[3.0] < rates["flow"] < rates[2.0]


def test_a_quadratic_is_quasar_convex_with_tau_one(generator):
    x, f = torch.randn(50, 2, generator=generator), quadratic(torch.diag(torch.tensor([0.5, 4.0])))
    assert mo.quasar_gap(f, grad(f, x), x, mu=0.5).min() >= 0 > mo.quasar_gap(f, grad(f, x), x, mu=0.6).min()
    close(mo.quasar_friction(2.0), 3.0)
    close(mo.quasar_rate(2.0), 2.0)


# Noise


@pytest.mark.parametrize("lam, lr, noise, momentum", [(1.3, 0.3, 0.7, 0.6), (0.2, 1.5, 2.0, 0.9), (2.0, 0.9, 1.0, 0.0), (5.0, 0.7, 0.1, 0.8)])
def test_stationary_variance_against_the_lyapunov_equation(lam, lr, noise, momentum):
    A = torch.tensor([[1 + momentum - lr * lam, -momentum], [1.0, 0.0]])
    Q = torch.tensor([[(lr * noise) ** 2, 0.0], [0.0, 0.0]])
    close(mo.stationary_variance(lam, lr=lr, noise=noise, momentum=momentum), solve_discrete_lyapunov(A.numpy(), Q.numpy())[0, 0])


def test_stationary_variance_golden_number_and_descent():
    close(mo.stationary_variance(1.3, lr=0.3, noise=0.7, momentum=0.6), 0.160963592)
    close(mo.stationary_variance(1.3, lr=0.3, noise=0.7), 0.3 * 0.49 / (1.3 * (2 - 0.39)))


def test_stationary_variance_of_a_run(generator):
    xi = torch.randn(600, 2000, 1, generator=generator)

    def step(k, z):
        v = 0.6 * z.v - 0.3 * (1.3 * z.x + 0.7 * xi[k])
        return mo.Inertia(z.x + v, v)

    end = iterate(step, mo.at_rest(torch.zeros(2000, 1), mo.Inertia), 600, every=600).end.x
    theory = mo.stationary_variance(1.3, lr=0.3, noise=0.7, momentum=0.6)
    assert abs(end.square().mean() - theory) < 4 * theory * math.sqrt(2 / 2000)


@pytest.mark.parametrize("lam, lr, momentum", [(1.0, 0.1, 0.9), (3.0, 0.5, 0.5), (0.2, 4.0, 0.99), (1.0, 1.0, 0.0)])
def test_matching_step_has_the_same_variance(lam, lr, momentum):
    matched = mo.matching_lr(lr, lam=lam, momentum=momentum)
    close(mo.stationary_variance(lam, lr=matched, noise=0.3, momentum=momentum), mo.stationary_variance(lam, lr=lr, noise=0.3))


def test_matching_step_is_the_effective_step_where_steps_are_small():
    close(mo.matching_lr(1e-4, lam=1.0, momentum=0.9) / 1e-4, 0.1, 1e-4)


def test_correlation_and_growth(generator):
    g = torch.randn(5, 8, 3, generator=generator)
    pairs = torch.stack([(g[:, i] * g[:, j]).sum(-1) for i, j in itertools.permutations(range(8), 2)]).sum(0)
    c = pairs / g.square().sum((-1, -2))
    rho = g.square().sum(-1).mean(-1) / g.mean(-2).square().sum(-1)
    close(mo.correlation(g), c)
    close(mo.growth_ratio(g), rho)
    close(mo.growth_ratio(g), 8 / (1 + mo.correlation(g)))
    same = g[:, :1].expand(5, 8, 3)
    close(mo.correlation(same), torch.full((5,), 7.0))
    close(mo.growth_ratio(same), torch.ones(5))


def test_gradients_that_are_all_0_have_no_ratio():
    with pytest.raises(ValueError, match="no ratio to take"):
        mo.correlation(torch.tensor([[[1.0], [2.0]], [[0.0], [0.0]]]))


@pytest.mark.parametrize("K", [1, 2, 3])
def test_growth_of_batches_by_enumeration(generator, K):
    g = torch.randn(4, 3, generator=generator)
    batches = torch.stack([g[list(drawn)].mean(0) for drawn in itertools.product(range(4), repeat=K)])
    close(mo.batch_growth(mo.growth_ratio(g), K), batches.square().sum(-1).mean() / g.mean(0).square().sum())
    close(mo.batch_growth(3.0, K), 1 + 2 / K)


# Norms


VECTORS = {"l2": mo.l2, "linf": mo.linf, "l1": mo.l1}


@pytest.mark.parametrize("name", VECTORS)
def test_directions_attain_the_dual_norm(generator, name):
    geometry, g = VECTORS[name], torch.randn(50, 5, generator=generator)
    d = geometry.direction(g)
    close((g * d).sum(-1), geometry.dual(g))
    close(geometry.norm(d), torch.ones(50))
    others = torch.randn(2000, 1, 5, generator=generator)
    others = others / geometry.norm(others)[..., None]
    assert ((others * g).sum(-1) <= geometry.dual(g) + 1e-12).all()


@pytest.mark.parametrize("name, order, dual", [("l2", 2, 2), ("linf", math.inf, 1), ("l1", 1, math.inf)])
def test_norms_by_name(generator, name, order, dual):
    g = torch.randn(50, 5, generator=generator)
    close(VECTORS[name].norm(g), torch.linalg.vector_norm(g, ord=order, dim=-1))
    close(VECTORS[name].dual(g), torch.linalg.vector_norm(g, ord=dual, dim=-1))


def test_duality_of_sum_and_largest_by_linear_programming(generator):
    g = torch.randn(6, generator=generator)
    best = linprog(-g.numpy(), bounds=[(-1, 1)] * 6)
    close(mo.linf.dual(g), -best.fun)
    close(mo.linf.direction(g), torch.as_tensor(best.x))


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5)])
def test_duality_of_operator_and_nuclear_norm(generator, shape):
    G = torch.randn(3, *shape, generator=generator)
    D = mo.operator.direction(G)
    close((G * D).sum((-1, -2)), mo.operator.dual(G))
    close(mo.operator.dual(G), torch.linalg.svdvals(G).sum(-1))
    close(mo.operator.norm(D), torch.ones(3))
    close(mo.operator.norm(G), torch.linalg.matrix_norm(G, ord=2))
    others = torch.randn(500, 1, *shape, generator=generator)
    others = others / mo.operator.norm(others)[..., None, None]
    assert ((others * G).sum((-1, -2)) <= mo.operator.dual(G) + 1e-12).all()


def test_directions_at_zero_and_at_ties():
    for geometry in VECTORS.values():
        close(geometry.direction(torch.zeros(3)), torch.zeros(3))
    close(mo.l1.direction(torch.tensor([1.0, -2.0, 2.0])), torch.tensor([0.0, -1.0, 0.0]))


def random_curvature(d, generator):
    Q = torch.linalg.qr(torch.randn(d, d, generator=generator)).Q
    return Q @ torch.diag(torch.logspace(0, -2, d)) @ Q.mT


@pytest.mark.parametrize("name", VECTORS)
def test_a_steepest_step_falls_by_the_square_of_the_dual_norm(generator, name):
    H = random_curvature(4, generator)
    smooth = {"l2": torch.linalg.eigvalsh(H).max(), "linf": mo.linf_smoothness(H), "l1": H.diagonal().max()}[name]
    x, f = torch.randn(3000, 4, generator=generator), quadratic(H)
    left = f(mo.steepest_step(0, x, f=f, L=smooth, geometry=VECTORS[name]))
    fall = VECTORS[name].dual(grad(f, x)).square() / 2
    assert (left <= f(x) - fall / smooth + 1e-12).all()
    step = mo.steepest_step(0, x, f=f, L=0.8 * smooth, geometry=VECTORS[name])
    assert (f(step) > f(x) - fall / (0.8 * smooth)).any()  # and L is the smallest such constant


def test_a_steepest_step_of_a_matrix(generator):
    target, W = torch.randn(2, 3, 4, 5, generator=generator)
    f = mo.distance_to(target)
    step = mo.steepest_step(0, W, f=f, L=4.0, geometry=mo.operator)
    close(step, W - torch.linalg.svdvals(W - target).sum(-1)[:, None, None] / 4 * mo.polar(W - target))
    assert (f(step) <= f(W) - torch.linalg.svdvals(W - target).sum(-1).square() / 8 + 1e-12).all()


def test_the_euclidean_step_is_gradient_descent(generator):
    x, f = torch.randn(7, 4, generator=generator), quadratic(random_curvature(4, generator))
    close(mo.steepest_step(3, x, f=f, L=2.5, geometry=mo.l2), mo.gradient_descent(3, x, f=f, lr=0.4))


def test_steepest_flow_has_unit_speed_and_falls_at_the_dual_norm(generator):
    x, f = torch.randn(7, 4, generator=generator), quadratic(random_curvature(4, generator))
    for geometry in VECTORS.values():
        v = mo.steepest_flow(0.0, x, f=f, geometry=geometry)
        close(geometry.norm(v), torch.ones(7))
        close((grad(f, x) * v).sum(-1), -geometry.dual(grad(f, x)))


def test_linf_smoothness_on_the_axes_is_the_trace():
    for d, trace in ((2, 1.01), (6, 1.6548), (10, 2.4818)):
        H = torch.diag(torch.logspace(0, -2, d))
        close(mo.linf_smoothness(H), H.trace())
        assert abs(H.trace() - trace) < 1e-4


@pytest.mark.parametrize("d", [2, 6, 10])
def test_linf_smoothness_of_a_rotation(generator, d):
    H = torch.stack([random_curvature(d, generator) for _ in range(3)])
    found = mo.linf_smoothness(H)
    assert (found <= d + 1e-9).all() and (found >= H.diagonal(dim1=-1, dim2=-2).sum(-1) - 1e-9).all()
    signs = torch.sign(torch.randn(4000, d, generator=generator))
    assert ((signs @ H * signs).sum(-1).amax(-1) <= found + 1e-12).all()
    by_loop = [max((torch.tensor(s) @ h @ torch.tensor(s)).item() for s in itertools.product((-1.0, 1.0), repeat=d)) for h in H[:1]]
    close(found[:1], torch.tensor(by_loop))


def test_a_valley_turned_by_45_degrees():
    H = mo.rotated(torch.tensor([0.01, 1.0]), math.pi / 4)
    close(mo.linf_smoothness(H), 2.0)
    close(mo.linf_smoothness(mo.rotated(torch.tensor([0.01, 1.0]), 0.0)), 1.01)
    angle = torch.linspace(0, math.pi / 2, 9)
    close(torch.stack([mo.linf_smoothness(mo.rotated(torch.tensor([0.01, 1.0]), a)) for a in angle]), 1.01 + 0.99 * torch.sin(2 * angle))


def test_rotated_is_the_hessian_of_the_valley(generator):
    x = torch.randn(5, 2, generator=generator)
    H = mo.rotated(torch.tensor([0.05, 1.0]), 0.4)
    close(mo.valley(x, kappa=20.0, angle=0.4), quadratic(H)(x))
    close(H @ torch.tensor([math.cos(0.4), math.sin(0.4)]), 0.05 * torch.tensor([math.cos(0.4), math.sin(0.4)]))


XV = mo.at_rest(torch.ones(2), mo.Inertia)


@pytest.mark.parametrize("call", [
    lambda: mo.descent_radius(1.0, lr=0.1), lambda: mo.descent_radius(torch.ones(2), lr=0.0),
    lambda: mo.heavy_ball_radius(torch.ones(2), lr=0.1, momentum=1.1), lambda: mo.heavy_ball_radius(torch.ones(2), lr=-0.1, momentum=0.1),
    lambda: mo.nesterov_radius(torch.ones(2), lr=0.1, momentum=-0.1), lambda: mo.nesterov_radius(torch.ones(2), lr="1", momentum=0.1),
    lambda: mo.frozen_adam_radius(torch.ones(2), beta1=1.5), lambda: mo.frozen_adam_radius(3.0, beta1=0.5),
    lambda: mo.descent_tuning(2.0, 1.0), lambda: mo.descent_tuning(0.0, 1.0), lambda: mo.nesterov_quadratic_tuning(2.0, 1.0),
    lambda: mo.bumpy_bowl([1.0]), lambda: mo.bumpy_bowl(torch.ones(2), ripple="1"), lambda: mo.bumpy_bowl(torch.ones(2), pitch=math.inf),
    lambda: mo.bowl_constants(ripple=math.nan), lambda: mo.bowl_constants(pitch="5"), lambda: mo.bowl_mu(0.0), lambda: mo.bowl_mu(1.2),
    lambda: mo.best_certificate(ripple=0.9), lambda: mo.quasar_friction(0.0), lambda: mo.quasar_friction(1.0, tau=2.0),
    lambda: mo.quasar_rate(-1.0), lambda: mo.quasar_rate(1.0, tau=0.0),
    lambda: mo.quasar_energy(torch.ones(2, 2), f=mo.bumpy_bowl, mu=1.0), lambda: mo.quasar_energy(XV, f=mo.bumpy_bowl, mu=-1.0),
    lambda: mo.quasar_energy(XV, f=1, mu=1.0), lambda: mo.quasar_energy(XV, f=mo.bumpy_bowl, mu=1.0, tau=1.1),
    lambda: mo.quasar_gap(mo.bumpy_bowl, torch.ones(3), torch.ones(2), mu=1.0),
    lambda: mo.quasar_gap(mo.bumpy_bowl, torch.ones(2), torch.ones(2), mu=1.0, tau=0.0),
    lambda: mo.stationary_variance(0.0, lr=0.1, noise=1.0), lambda: mo.stationary_variance(1.0, lr=2.0, noise=1.0),
    lambda: mo.stationary_variance(1.0, lr=0.1, noise=-1.0), lambda: mo.stationary_variance(1.0, lr=0.1, noise=1.0, momentum=1.0),
    lambda: mo.stationary_variance(1.0, lr=0.0, noise=1.0), lambda: mo.stationary_variance(1.0, lr=4.0, noise=1.0, momentum=0.5),
    lambda: mo.matching_lr(2.0, lam=1.0, momentum=0.5), lambda: mo.matching_lr(0.1, lam=1.0, momentum=1.0),
    lambda: mo.matching_lr(0.1, lam=-1.0, momentum=0.5), lambda: mo.matching_lr(0.0, lam=1.0, momentum=0.5),
    lambda: mo.correlation(torch.ones(3)), lambda: mo.growth_ratio([1.0]), lambda: mo.batch_growth(0.5, 2), lambda: mo.batch_growth(2.0, 0),
    lambda: mo.linf_smoothness(torch.ones(2)), lambda: mo.linf_smoothness(torch.ones(2, 3)), lambda: mo.linf_smoothness(torch.ones(20, 20)),
    lambda: mo.rotated(torch.ones(3), 0.1), lambda: mo.rotated(torch.ones(2), "1"), lambda: mo.l2.norm([1.0]), lambda: mo.l1.norm(1.0),
    lambda: mo.l1.direction([1.0]), lambda: mo.linf.norm(None), lambda: mo.operator.norm(torch.ones(2)), lambda: mo.operator.dual(torch.ones(2)),
    lambda: mo.steepest_step(0, torch.ones(2), f=mo.bumpy_bowl, L=0.0, geometry=mo.l2),
    lambda: mo.steepest_step(0, torch.ones(2), f=mo.bumpy_bowl, L=1.0, geometry="l2"),
    lambda: mo.steepest_flow(0.0, torch.ones(2), f=mo.bumpy_bowl, geometry=torch.sign),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
