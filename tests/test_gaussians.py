"""Gaussians: POT, autograd, finite differences, quadrature and conservation laws are the oracles."""

import math

import pytest
import torch

from companion.flow import flow
from companion.gaussians import (
    Gaussian,
    bures_squared,
    geodesic,
    kl,
    mixture,
    ornstein_uhlenbeck,
    ou_kl,
    ou_moments,
    relative_fisher,
    square_root,
    tilt,
    transport_map,
    w2_squared,
)
from companion.gaussians.mixtures import a_mixture

F = torch.float64


def law(d, seed):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(d, d, generator=generator, dtype=F)
    return Gaussian(torch.randn(d, generator=generator, dtype=F), A @ A.T + 0.3 * torch.eye(d, dtype=F))


def close(a, b, atol=1e-10):
    torch.testing.assert_close(torch.as_tensor(a, dtype=F), torch.as_tensor(b, dtype=F), rtol=0, atol=atol)


def on_grid(density, moment):
    """The mean of moment(x) under an unnormalised density on the line, by the trapezoid rule (spectral for such tails)."""
    x = torch.linspace(-20, 20, 8001, dtype=F)[:, None]
    w = density(x)
    return (w * moment(x[:, 0])).sum() / w.sum()


# --- transport


@pytest.mark.parametrize("d", [1, 2, 5])
def test_w2_is_that_of_pot(d):
    import ot

    p, q = law(d, 1), law(d, 2)
    distance = ot.gaussian.bures_wasserstein_distance(p.mean, q.mean, p.covariance, q.covariance).squeeze()
    close(w2_squared(p, q), distance**2)
    close(bures_squared(p.covariance, q.covariance), distance**2 - (p.mean - q.mean).square().sum())


def test_bures_of_commuting_matrices_is_the_distance_of_deviations_and_batches():
    a, b = torch.tensor([[4.0, 0.25], [1.0, 9.0]], dtype=F), torch.tensor([[1.0, 1.0], [0.0, 4.0]], dtype=F)
    close(bures_squared(torch.diag_embed(a), torch.diag_embed(b)), (a.sqrt() - b.sqrt()).square().sum(-1))


def test_bures_of_a_rotated_ellipse():
    # A = diag(4, 1/4) turned by 45 degrees: 1.8573, by 90: 4.5 (Hertrich, Chambolle and Delon's example)
    A = torch.diag(torch.tensor([4.0, 0.25], dtype=F))
    for angle, value in ((0, 0.0), (15, 0.2246), (45, 1.8573), (90, 4.5)):
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        R = torch.tensor([[c, -s], [s, c]], dtype=F)
        close(bures_squared(A, R @ A @ R.T), value, 5e-5)


@pytest.mark.parametrize("small", [1e-4, 1e-8, 1e-12])
@pytest.mark.parametrize("dtype", [torch.float32, F])
def test_bures_of_nearly_singular_matrices_is_not_0(small, dtype):
    if dtype == torch.float32 and small < 1e-8:
        return  # float32 cannot hold such a turned matrix
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(6), dtype=F)).Q if dtype == F else torch.eye(3, dtype=F)
    a, b = torch.tensor([1.0, small, 2.0], dtype=F), torch.tensor([1.0, 4 * small, 2.0], dtype=F)
    A, B = (turn @ torch.diag(v) @ turn.T for v in (a, b))
    assert bures_squared(A.to(dtype), B.to(dtype)).item() == pytest.approx(small, rel=1e-3)
    assert bures_squared(A.to(dtype), A.to(dtype)).item() <= 1e-24
    A = A.requires_grad_()
    slope = torch.autograd.grad(bures_squared(A, B), A)[0]  # d/dA tr A - 2 tr (B^1/2 A B^1/2)^1/2, commuting: 1 - sqrt(b / a)
    assert torch.allclose(slope, turn @ torch.diag(1 - (b / a).sqrt()) @ turn.T, atol=2e-3)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_laws_far_out_and_close_together_keep_their_digits_in_float32(scale):
    C = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    p, q = Gaussian(torch.zeros(2), C * scale), Gaussian(torch.zeros(2), C * scale * 1.001)
    exact = [Gaussian(*(z.double() for z in law)) for law in (p, q)]
    for f in (kl, relative_fisher, w2_squared):
        assert f(p, q).dtype == torch.float32
        assert f(p, q).item() == pytest.approx(f(*exact).item(), rel=1e-5), f.__name__


def test_square_root_and_its_derivative_where_eigenvalues_coincide():
    C = law(4, 3).covariance
    close(square_root(C) @ square_root(C), C)
    close(square_root(C), square_root(C).mT)
    assert torch.autograd.gradcheck(lambda B: square_root((B + B.mT) / 2), C.clone().requires_grad_())
    identity = torch.eye(3, dtype=F, requires_grad=True)
    assert torch.autograd.gradcheck(lambda B: square_root((B + B.mT) / 2), identity)
    assert torch.autograd.gradcheck(lambda B: bures_squared((B + B.mT) / 2, law(3, 1).covariance), identity)
    singular = torch.diag(torch.tensor([1.0, 0.0], dtype=F)).requires_grad_()
    assert torch.autograd.grad(square_root(singular).sum(), singular)[0].isfinite().all()


def test_the_map_pushes_p_to_q_is_a_gradient_and_costs_w2():
    p, q = law(3, 4), law(3, 5)
    T = transport_map(p, q)
    matrix = T(torch.eye(3, dtype=F)) - T(torch.zeros(3, dtype=F))
    close(T(p.mean), q.mean)
    close(matrix.mT @ p.covariance @ matrix, q.covariance)
    close(matrix, matrix.mT)
    assert torch.linalg.eigvalsh(matrix)[0] > 0  # gradient of a convex function: Brenier
    shift = matrix - torch.eye(3, dtype=F)
    close((p.mean - q.mean).square().sum() + torch.trace(shift @ p.covariance @ shift), w2_squared(p, q))


def test_the_geodesic_has_constant_speed():
    p, q = law(3, 6), law(3, 7)
    for t, s in ((0.0, 1.0), (0.0, 0.3), (0.2, 0.9)):
        close(w2_squared(geodesic(p, q, t), geodesic(p, q, s)), (s - t) ** 2 * w2_squared(p, q))
    close(geodesic(p, q, 0.25).mean, 0.75 * p.mean + 0.25 * q.mean)
    close(geodesic(p, q, 0).covariance, p.covariance)
    close(geodesic(p, q, torch.tensor(1.0, dtype=F)).covariance, q.covariance)


# --- divergences and the Ornstein-Uhlenbeck flow


@pytest.mark.parametrize("call", [
    lambda: ou_moments(torch.zeros(2), torch.zeros(3), torch.ones(3), lam=1.0), lambda: ou_kl(torch.zeros(2), torch.ones(3), lam=1.0),
    lambda: ou_moments(1.0, torch.zeros(2), torch.ones(3), lam=1.0)])
def test_numbers_of_the_line_that_do_not_go_together_are_told_with_their_shapes(call):
    with pytest.raises(ValueError, match="expected"):
        call()


def test_kl_and_fisher_of_the_line():
    # N(1.2, 4) against N(0, 1/1.5): KL = (lam (m^2 + v) - 1 - log lam v)/2, I = lam^2 m^2 + (lam - 1/v)^2 v
    p, q = line(1.2, 4.0), line(0.0, 1 / 1.5)
    close(kl(p, q), 2.684120265, 1e-9)
    close(relative_fisher(p, q), 9.49)


def test_kl_is_that_of_torch_distributions():
    p, q = law(4, 8), law(4, 9)
    normals = [torch.distributions.MultivariateNormal(*g) for g in (p, q)]
    close(kl(p, q), torch.distributions.kl_divergence(*normals))
    close(kl(p, p), 0.0)


def test_fisher_is_the_mean_square_of_the_score_difference():
    p, q = law(3, 10), law(3, 11)
    root = square_root(p.covariance)
    points = torch.cat([root, -root]) * 3**0.5 + p.mean  # a design: exact for quadratic integrands
    one = torch.ones(1, dtype=F)
    score_p, score_q = (mixture(one, g.mean[None], g.covariance[None]).score for g in (p, q))
    close(relative_fisher(p, q), (score_p(points) - score_q(points)).square().sum(-1).mean(), 1e-9)


def test_entropy_production_along_the_flow():
    p, target = law(3, 12), law(3, 13)
    s, h = 0.4, 1e-4
    after, before = (kl(ornstein_uhlenbeck(p, s + e, target=target), target) for e in (h, -h))
    close((after - before) / (2 * h), -relative_fisher(ornstein_uhlenbeck(p, s, target=target), target), 1e-5)


def test_ornstein_uhlenbeck_solves_its_equations():
    p, target = law(2, 14), law(2, 15)
    precision = torch.linalg.inv(target.covariance)

    def moments(t, z):  # rows: mean, covariance
        m, C = z[0], z[1:]
        return torch.cat([(-precision @ (m - target.mean))[None], -precision @ C - C @ precision + 2 * torch.eye(2, dtype=F)])

    end = flow(moments, torch.cat([p.mean[None], p.covariance]), 0.5, 2000).end
    law_then = ornstein_uhlenbeck(p, 0.5, target=target)
    close(end[0], law_then.mean, 1e-8)
    close(end[1:], law_then.covariance, 1e-8)


def test_ornstein_uhlenbeck_to_the_standard_normal():
    p = law(3, 16)
    standard = Gaussian(torch.zeros(3, dtype=F), torch.eye(3, dtype=F))
    for s in (0.0, 0.7, 30.0):
        ours, other = ornstein_uhlenbeck(p, s), ornstein_uhlenbeck(p, s, target=standard)
        close(ours.mean, other.mean)
        close(ours.covariance, other.covariance)
    # golden: V = 0.75 x^2, N(1.2, 4), t = 1
    end = ornstein_uhlenbeck(line(1.2, 4.0), 1.0, target=line(0.0, 1 / 1.5))
    close(end.mean, [0.267756192], 1e-9)
    close(end.covariance, [[1 / 1.5 + (4 - 1 / 1.5) * math.exp(-3)]])


# --- tilts


@pytest.mark.parametrize(("b", "Q"), [(0.8, None), (None, 0.7), (-0.5, 1.3), (0.4, -0.2)])
def test_tilt_on_the_line_is_quadrature(b, Q):
    m, v = 0.3, 1.5
    linear = None if b is None else torch.tensor([b], dtype=F)
    tilted = tilt(line(m, v), linear=linear, quadratic=None if Q is None else torch.tensor([[Q]], dtype=F))

    def density(x):
        x = x[:, 0]
        return torch.exp(-(x - m).square() / (2 * v) + (b or 0) * x - (Q or 0) * x.square() / 2)

    mean = on_grid(density, lambda x: x)
    close(tilted.mean, mean[None])
    close(tilted.covariance, on_grid(density, lambda x: (x - mean).square())[None, None])


def test_tilt_adds_precisions_and_composes():
    p, b, Q = law(3, 17), law(3, 18).mean, law(3, 19).covariance
    tilted = tilt(p, linear=b, quadratic=Q)
    inverse = torch.linalg.inv(p.covariance)
    close(torch.linalg.inv(tilted.covariance), inverse + Q)
    close((inverse + Q) @ tilted.mean, inverse @ p.mean + b)
    twice = tilt(tilt(p, quadratic=Q), linear=b)
    close(twice.mean, tilted.mean)
    close(twice.covariance, tilted.covariance)
    flat = tilt(Gaussian(torch.ones(2, dtype=F), torch.diag(torch.tensor([1.0, 0.0], dtype=F))), quadratic=torch.eye(2, dtype=F))
    close(flat.covariance, [[0.5, 0.0], [0.0, 0.0]])  # a direction without spread stays where it is
    close(flat.mean, [0.5, 1.0])


def test_linear_tilt_is_softmax_attention():
    # the mean of softmax(<b, x_j>) x_j over many Gaussian points: m + C b, within 4 sigma
    p, b = law(2, 20), torch.tensor([0.2, -0.3], dtype=F)
    x = sample_of(p, 200_000, 0)
    share = torch.softmax(x @ b, 0)
    mean = share @ x
    error = (share.square() @ (x - mean).square()).sqrt()
    assert ((mean - tilt(p, linear=b).mean).abs() < 4 * error).all()


# --- mixtures


def both_kinds():
    weights = torch.tensor([1.0, 2.0, 1.0], dtype=F)
    means = torch.tensor([[0.0, 1.0], [2.0, 0.0], [-1.0, -1.0]], dtype=F)
    full = torch.stack([law(2, s).covariance for s in (21, 22, 23)])
    return mixture(weights, means, full), mixture(weights, means, torch.tensor([0.5, 1.0, 0.2], dtype=F))


@pytest.mark.parametrize("kind", [0, 1])
def test_density_is_that_of_torch_distributions_and_score_its_gradient(kind):
    target = both_kinds()[kind]
    full = target.covariances if kind == 0 else target.covariances[:, None, None] * torch.eye(2, dtype=F)
    other = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(target.weights), torch.distributions.MultivariateNormal(target.means, full))
    x = torch.randn(4, 5, 2, generator=torch.Generator().manual_seed(0), dtype=F).mul(2).requires_grad_()
    close(target.log_density(x), other.log_prob(x))
    close(target.potential(x), -other.log_prob(x))
    close(target.score(x), torch.autograd.grad(target.log_density(x).sum(), x)[0])
    close(target.responsibilities(x).sum(-1), torch.ones(4, 5))
    far = torch.tensor([300.0, -200.0], dtype=F)
    assert target.score(far).isfinite().all() and target.log_density(far).isfinite()  # the density itself is 0 in float64


@pytest.mark.parametrize("kind", [0, 1])
def test_samples_have_the_moments_and_the_seed_decides(kind):
    target, n = both_kinds()[kind], 100_000
    x = target.sample(n, generator=torch.Generator().manual_seed(1))
    full = target.covariances if kind == 0 else target.covariances[:, None, None] * torch.eye(2, dtype=F)
    mean = target.weights @ target.means
    apart = target.means - mean
    covariance = torch.einsum("k,kij->ij", target.weights, full + apart[:, :, None] * apart[:, None, :])
    assert ((x.mean(0) - mean).abs() < 4 * (covariance.diagonal() / n).sqrt()).all()
    products = (x - mean)[:, :, None] * (x - mean)[:, None, :]
    assert ((products.mean(0) - covariance).abs() < 4 * products.std(0) / n**0.5).all()
    assert torch.equal(x, target.sample(n, generator=torch.Generator().manual_seed(1)))


def test_mixture_with_sliders_is_traced():
    from torch.fx.experimental.proxy_tensor import make_fx

    def field(x, scale):
        return mixture(torch.stack([scale, 2 * scale]), torch.eye(2, dtype=F) * scale, torch.stack([scale, scale])).score(x)

    x = torch.randn(3, 2, generator=torch.Generator().manual_seed(0), dtype=F)
    graph = make_fx(field, tracing_mode="symbolic", _allow_non_fake_inputs=True)(x, torch.tensor(0.5, dtype=F))
    other = torch.randn(7, 2, generator=torch.Generator().manual_seed(1), dtype=F)
    close(graph(other, torch.tensor(0.9, dtype=F)), field(other, torch.tensor(0.9, dtype=F)))


# --- what a reader may give


def test_the_parts_of_a_mixture_belong_together():
    full = mixture(torch.ones(3, dtype=F), torch.zeros(3, 2, dtype=F), torch.eye(2, dtype=F).expand(3, 2, 2))
    flat = mixture(torch.tensor([1.0, 0.0, 1.0], dtype=F), torch.zeros(3, 2, dtype=F), torch.ones(3, dtype=F))  # a log weight of -inf
    assert a_mixture(full, "law") is full and a_mixture(flat, "law") is flat
    for law, bad in ((full, {"weights": torch.ones(2, dtype=F)}), (full, {"precisions": flat.precisions}), (flat, {"means": torch.zeros(3, dtype=F)}),
                     (flat, {"means": torch.zeros(3, 0, dtype=F)}), (full, {"log_norms": torch.zeros(1, dtype=F)})):
        with pytest.raises(ValueError, match=r"The shapes are law.weights \("):
            a_mixture(law._replace(**bad), "law")
    with pytest.raises(ValueError, match=r"law\.precisions contains NaN"):
        a_mixture(flat._replace(precisions=flat.precisions * math.nan), "law")
    with pytest.raises(TypeError, match=r"law\.means is torch\.float32"):
        a_mixture(flat._replace(means=flat.means.float()), "law")
    with pytest.raises(TypeError, match="law is a tuple"):
        a_mixture(tuple(flat), "law")


def line(m, v):
    return Gaussian(torch.tensor([m], dtype=F), torch.tensor([[v]], dtype=F))


def sample_of(p, n, seed):
    return mixture(torch.ones(1, dtype=F), p.mean[None], p.covariance[None]).sample(n, generator=torch.Generator().manual_seed(seed))


ONE, TWO = line(0.0, 1.0), law(2, 1)
SKEW = Gaussian(torch.zeros(2, dtype=F), torch.tensor([[1.0, 0.5], [0.4, 1.0]], dtype=F))
NEGATIVE = Gaussian(torch.zeros(2, dtype=F), torch.diag(torch.tensor([1.0, -0.1], dtype=F)))
SINGULAR = Gaussian(torch.zeros(2, dtype=F), torch.diag(torch.tensor([1.0, 0.0], dtype=F)))
W, M, C = torch.ones(2, dtype=F), torch.zeros(2, 2, dtype=F), torch.ones(2, dtype=F)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: kl(ONE, TWO), ValueError, "one dimension"),
    (lambda: kl(TWO, SINGULAR), ValueError, r"singular \(eigenvalue -?0\)"),
    (lambda: kl(SINGULAR, TWO), ValueError, "singular"),
    (lambda: kl(TWO.mean, TWO), TypeError, "pair"),
    (lambda: relative_fisher(TWO, SINGULAR), ValueError, "singular"),
    (lambda: relative_fisher((TWO.covariance, TWO.mean), TWO), ValueError, "shapes"),
    (lambda: w2_squared(SKEW, TWO), ValueError, "not symmetric"),
    (lambda: w2_squared(TWO, NEGATIVE), ValueError, "eigenvalue"),
    (lambda: w2_squared(ONE, TWO), ValueError, "one dimension"),
    (lambda: bures_squared(TWO.covariance, ONE.covariance), ValueError, "one size"),
    (lambda: bures_squared(torch.ones(2, 3, dtype=F), TWO.covariance), ValueError, "square"),
    (lambda: bures_squared(TWO.covariance, NEGATIVE.covariance), ValueError, "eigenvalue"),
    (lambda: square_root(NEGATIVE.covariance), ValueError, "eigenvalue"),
    (lambda: square_root(TWO.covariance * torch.nan), ValueError, "NaN"),
    (lambda: transport_map(SINGULAR, TWO), ValueError, "singular"),
    (lambda: transport_map(TWO, TWO)([0.0, 1.0]), TypeError, "torch.Tensor"),
    (lambda: geodesic(SINGULAR, TWO, 0.5), ValueError, "singular"),
    (lambda: geodesic(TWO, TWO, 1.5), ValueError, "= 1.5; expected"),
    (lambda: ornstein_uhlenbeck(TWO, -1.0), ValueError, "s = -1"),
    (lambda: ornstein_uhlenbeck(TWO, 1.0, target=SINGULAR), ValueError, "singular"),
    (lambda: ornstein_uhlenbeck(TWO, 1.0, target=ONE), ValueError, "one dimension"),
    (lambda: tilt(TWO, linear=torch.ones(3, dtype=F)), ValueError, "expected \\(2,\\)"),
    (lambda: tilt(TWO, quadratic=torch.ones(2, dtype=F)), ValueError, "expected \\(2, 2\\)"),
    (lambda: tilt(TWO, quadratic=SKEW.covariance), ValueError, "symmetric"),
    (lambda: tilt(ONE, quadratic=torch.tensor([[-1.0]], dtype=F)), ValueError, "infinite"),
    (lambda: tilt(TWO, quadratic=torch.diag(torch.tensor([-1e3, 1.0], dtype=F))), ValueError, "infinite"),
    (lambda: mixture(-W, M, C), ValueError, "negative"),
    (lambda: mixture(torch.nn.Parameter(-W), M, C), ValueError, "negative"),
    (lambda: mixture(0 * W, M, C), ValueError, "no mass"),
    (lambda: mixture(W[:1], M, C), ValueError, "shapes"),
    (lambda: mixture(W, M, torch.ones(2, 3, 3, dtype=F)), ValueError, "shapes"),
    (lambda: mixture(W, M, C - 1), ValueError, "variance"),
    (lambda: mixture(W, M, torch.stack([SINGULAR.covariance] * 2)), ValueError, "singular"),
    (lambda: mixture(W, M, C).score(torch.ones(3, 3)), ValueError, "points"),
    (lambda: mixture(W, M, C).log_density(torch.ones(1, dtype=F)), ValueError, "points"),
    (lambda: mixture(W, M, C).responsibilities([0.0, 0.0]), TypeError, "torch.Tensor"),
    (lambda: mixture(W, M, C).potential(torch.ones(3, 1, dtype=F)), ValueError, "points"),
    (lambda: mixture(W, M, C).sample(0, generator=torch.Generator()), ValueError, "n = 0"),
    (lambda: mixture(W, M, C).sample(3, generator=0), TypeError, "Generator"),
])
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()
