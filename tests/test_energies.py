"""Energies: closed forms, finite differences, POT and the laws of gradient flows are the oracles."""

import math

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from companion.energies import (
    descent,
    grad,
    half,
    interaction,
    kl_blob,
    mmd2,
    potential_energy,
    sinkhorn_divergence,
    w2_squared,
    wasserstein_descent,
)
from companion.flow import flow
from companion.kernels import energy_kernel, gaussian_kernel
from companion.potentials import double_well, quadratic
from companion.transport import assignment, barycentric, line_w2_squared, plan

F = torch.float64


def cloud(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F)


def close(a, b, atol=1e-10):
    torch.testing.assert_close(torch.as_tensor(a, dtype=F), torch.as_tensor(b, dtype=F), rtol=0, atol=atol)


def differences(E, x, h=1e-5):
    """The gradient of E at one cloud by central differences."""
    basis = torch.eye(x.numel(), dtype=F).reshape(-1, *x.shape)
    return torch.stack([(E(x + h * e) - E(x - h * e)) / (2 * h) for e in basis]).reshape(x.shape)


# --- grad


def test_grad_of_a_potential_and_of_an_energy():
    x = cloud(3, 4, 2)
    close(grad(quadratic(torch.diag(torch.tensor([1.0, 3.0], dtype=F))), x), x * torch.tensor([1.0, 3.0]))
    close(grad(potential_energy(double_well), x), grad(double_well, x) / 4)
    assert not grad(double_well, x).requires_grad


def test_grad_is_differentiable_again():
    x = cloud(4, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: grad(double_well, z), x)
    close(grad(lambda z: grad(double_well, z).square().sum(-1), cloud(4, 2)), twice_by_hand(cloud(4, 2)))  # nested
    scale = torch.tensor(2.0, dtype=F, requires_grad=True)
    slope = grad(lambda z: scale * double_well(z), cloud(4, 2), create_graph=True)
    close(torch.autograd.grad(slope.sum(), scale)[0], grad(double_well, cloud(4, 2)).sum())


def twice_by_hand(x):
    """grad |grad f|^2 = 2 Hess f grad f for the double well."""
    slope = torch.stack([x[:, 0] ** 3 - x[:, 0], x[:, 1]], -1)
    return 2 * slope * torch.stack([3 * x[:, 0] ** 2 - 1, torch.ones(4, dtype=F)], -1)


def test_grad_under_no_grad_and_with_what_else_depends_on_x():
    x = cloud(4, 2)
    with torch.no_grad():
        close(grad(double_well, x), grad(double_well, cloud(4, 2)))
        assert not grad(double_well, x.clone().requires_grad_()).requires_grad
    x.requires_grad_()
    aim = 3 * x  # in the closure: it stays fixed
    close(grad(lambda z: (z - aim).square().sum(-1), x), -4 * x)
    assert x.grad is None


@pytest.mark.parametrize("target", ["mmd", "sinkhorn", "blob", "interaction", "well"])
def test_fields_are_traced(target):
    y = cloud(5, 2, seed=1)

    def field(x, y, scale):
        energies = {
            "mmd": lambda: mmd2(y, kernel=gaussian_kernel(scale)),
            "sinkhorn": lambda: sinkhorn_divergence(y, blur=scale, iterations=20),
            "blob": lambda: kl_blob(double_well, length=scale),
            "interaction": lambda: interaction(lambda z: scale * z.square().sum(-1).square()),
            "well": lambda: potential_energy(lambda z: scale * double_well(z)),
        }
        return wasserstein_descent(half(energies[target]()))(0.0, x)

    graph = make_fx(field, tracing_mode="symbolic")(cloud(4, 2), y, torch.tensor(0.7, dtype=F))
    other = cloud(9, 2, seed=2), cloud(6, 2, seed=3), torch.tensor(0.4, dtype=F)
    close(graph(*other), field(*other))


# --- the factor n, the halves


def test_wasserstein_descent_does_not_depend_on_n():
    x = cloud(3, 6, 2)
    E = mmd2(cloud(5, 2, seed=1), kernel=gaussian_kernel(1.0))
    once, twice = wasserstein_descent(E)(0.0, x), wasserstein_descent(E)(0.0, torch.cat([x, x], 1))
    close(twice, torch.cat([once, once], 1))  # the same measure, each Dirac written twice
    close(once, -6 * grad(E, x))
    close(descent(E)(0.0, x), -grad(E, x))
    close(wasserstein_descent(half(E))(0.0, x), once / 2)


def test_half_w2_contracts_at_rate_one():
    # the flow of W2^2 / 2 is x' = y_s(x) - x: straight lines, W2^2 decays as exp(-2 t)
    x, y = cloud(7, 2), cloud(7, 2, seed=1)
    E = w2_squared(y)
    path = flow(wasserstein_descent(half(E)), x, 1.0, 50)
    close(path.end, y[assignment(x, y)] + math.exp(-1) * (x - y[assignment(x, y)]), 1e-8)
    close(E(path.end), math.exp(-2) * E(x), 1e-8)


def test_energies_of_batches_are_the_energies_of_their_clouds():
    x, y = cloud(2, 3, 4, 2), cloud(5, 2, seed=1)
    for E in (mmd2(y, kernel=energy_kernel), w2_squared(y), sinkhorn_divergence(y, blur=0.5), kl_blob(double_well, length=0.5),
              interaction(double_well), potential_energy(double_well)):
        values = E(x)
        assert values.shape == (2, 3)
        close(values[1, 2], E(x[1, 2]), 1e-6)
        close(grad(E, x)[1, 2], grad(E, x[1, 2]), 1e-4 if E.__qualname__.startswith("sinkhorn") else 1e-10)


# --- mmd2


def test_mmd_of_two_diracs():
    x, y = torch.tensor([[0.0, 0.0]], dtype=F), torch.tensor([[3.0, 4.0]], dtype=F)
    close(mmd2(y, kernel=energy_kernel)(x), 10.0)
    close(mmd2(y, kernel=gaussian_kernel(5.0))(x), 2 - 2 * math.exp(-0.5))


def test_energy_distance_on_the_line_is_that_of_scipy():
    import scipy.stats

    x, y = cloud(8, 1), cloud(5, 1, seed=1) + 1
    close(mmd2(y, kernel=energy_kernel)(x), scipy.stats.energy_distance(x[:, 0], y[:, 0]) ** 2)


@pytest.mark.parametrize("kernel", [energy_kernel, gaussian_kernel(0.8)])
def test_mmd_has_the_gradient_of_its_differences(kernel):
    x, E = cloud(4, 2), mmd2(cloud(5, 2, seed=1), kernel=kernel)
    close(grad(E, x), differences(E, x), 1e-8)
    close(mmd2(x, kernel=kernel)(x), 0.0)
    close(grad(mmd2(x, kernel=kernel), x), torch.zeros(4, 2))  # points on points: no NaN
    y = cloud(5, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: mmd2(z, kernel=kernel)(x), y)


# --- w2_squared


def test_w2_is_that_of_pot_and_of_sorting():
    import ot

    x, y = cloud(6, 3), cloud(9, 3, seed=1)
    close(w2_squared(y)(x), ot.emd2([], [], ot.dist(x.numpy(), y.numpy())))
    close(w2_squared(y[:, :1])(x[:, :1]), line_w2_squared(x[:, 0], y[:, 0]))


def test_w2_has_the_gradient_of_its_differences():
    x, y = cloud(5, 2), cloud(7, 2, seed=1)
    E = w2_squared(y)
    close(grad(E, x), differences(E, x), 1e-8)
    close(grad(E, x), 2 / 5 * (x - barycentric(plan(x, y), y)))
    close(grad(w2_squared(x), x), torch.zeros(5, 2))
    y.requires_grad_()
    value = w2_squared(y)(x)
    close(torch.autograd.grad(value, y)[0], differences(lambda z: w2_squared(z)(x), y.detach()), 1e-8)


# --- Sinkhorn


def by_brute_force(x, y, eps):
    """OT(x, y) by plain Sinkhorn on scaling vectors, value read from the plan."""
    C = (x[:, None] - y[None]).square().sum(-1)
    K, u, v = torch.exp(-C / eps), torch.ones(len(x), dtype=F), torch.ones(len(y), dtype=F)
    for _ in range(5000):
        u = 1 / (K @ v) / len(x)
        v = 1 / (K.T @ u) / len(y)
    P = u[:, None] * K * v
    return (P * C).sum() + eps * (P * (P * len(x) * len(y)).log()).sum()


@pytest.mark.parametrize("iterations", [None, 200])
def test_sinkhorn_is_its_definition(iterations):
    x, y, blur = cloud(6, 2), cloud(8, 2, seed=1), 0.6
    value = by_brute_force(x, y, 2 * blur**2) - by_brute_force(x, x, 2 * blur**2) / 2 - by_brute_force(y, y, 2 * blur**2) / 2
    close(sinkhorn_divergence(y, blur=blur, iterations=iterations)(x), value, 1e-5 if iterations is None else 1e-9)
    close(sinkhorn_divergence(x, blur=blur, iterations=iterations)(x), 0.0, 1e-6)


def test_sinkhorn_on_the_line_is_that_of_a_line_in_the_plane():
    x, y = cloud(6, 1), cloud(8, 1, seed=1)
    in_the_plane = sinkhorn_divergence(torch.cat([y, 0 * y], 1), blur=0.6, iterations=60)(torch.cat([x, 0 * x], 1))
    close(sinkhorn_divergence(y, blur=0.6, iterations=60)(x), in_the_plane)


def test_sinkhorn_tends_to_w2_and_to_the_means():
    x, y = cloud(6, 2), cloud(6, 2, seed=1) + 1
    exact, errors = w2_squared(y)(x), []
    for blur in (0.4, 0.2, 0.1):
        errors.append((sinkhorn_divergence(y, blur=blur)(x) - exact).abs().item())
    assert errors[2] < errors[1] < errors[0] and errors[2] < 0.01 * exact
    close(sinkhorn_divergence(y, blur=300.0)(x), (x.mean(0) - y.mean(0)).square().sum(), 1e-3)


def test_sinkhorn_sees_a_translation_exactly():
    # S(x, x + c) = |c|^2 for every blur: the mixed term of the cost only shifts the potentials
    x, c = cloud(6, 2), torch.tensor([2.0, -1.0], dtype=F)
    close(sinkhorn_divergence(x + c, blur=0.5)(x), 5.0, 1e-5)


@pytest.mark.parametrize("iterations", [None, 120])
def test_sinkhorn_has_the_gradient_of_its_differences(iterations):
    x, y = cloud(4, 2), cloud(5, 2, seed=1)
    E = sinkhorn_divergence(y, blur=0.5, iterations=iterations)
    tolerance = 1e-3 if iterations is None else 1e-7
    close(grad(E, x), differences(sinkhorn_divergence(y, blur=0.5, iterations=120), x), tolerance)
    close(grad(sinkhorn_divergence(x, blur=0.5), x), torch.zeros(4, 2), 1e-3)
    y.requires_grad_()
    in_y = torch.autograd.grad(sinkhorn_divergence(y, blur=0.5, iterations=iterations)(x), y)[0]
    close(in_y, differences(lambda z: sinkhorn_divergence(z, blur=0.5, iterations=120)(x), y.detach()), tolerance)


def test_few_iterations_suffice_for_a_figure():
    x, y = cloud(60, 2), cloud(50, 2, seed=1)
    for blur in (0.1, 1.0, 10.0):
        exact = sinkhorn_divergence(y, blur=blur)(x)
        close(sinkhorn_divergence(y, blur=blur, iterations=60)(x), exact, 3e-3 * exact)
    single = sinkhorn_divergence(y.float(), blur=0.3)(x.float())
    close(single, sinkhorn_divergence(y, blur=0.3)(x), 1e-4)


def test_sinkhorn_says_when_it_does_not_converge(monkeypatch):
    monkeypatch.setattr("companion.energies.sinkhorn.PATIENCE", 5)
    with pytest.raises(RuntimeError, match="larger blur"):
        sinkhorn_divergence(cloud(20, 2), blur=0.01)(cloud(20, 2, seed=1))


# --- functionals


def test_interaction_is_its_double_sum():
    x = cloud(4, 2)
    value = sum(double_well(a - b) for a in x for b in x) / (2 * 16)  # double_well(0) = 1/4: the diagonal counts
    close(interaction(double_well)(x), value)
    close(wasserstein_descent(interaction(double_well))(0.0, x), -grad(double_well, (x[:, None] - x[None])).mean(1))


def test_quadratic_interaction_draws_to_the_mean():
    # W = |z|^2 / 2: x_i' = mean - x_i
    x = cloud(2, 5, 3)
    path = flow(wasserstein_descent(interaction(quadratic(torch.eye(3, dtype=F)))), x, 1.0, 50)
    mean = x.mean(-2, keepdim=True)
    close(path.end, mean + math.exp(-1) * (x - mean), 1e-8)


def test_blob_on_few_points():
    one = torch.tensor([[0.3, -0.4]], dtype=F)
    close(kl_blob(double_well, length=0.5)(one), double_well(one)[0] - math.log(2 * math.pi * 0.25))
    x = cloud(5, 2)
    phi = torch.exp(-(x[:, None] - x[None]).square().sum(-1) / 0.5) / (2 * math.pi * 0.25)
    close(kl_blob(double_well, length=0.5)(x), (phi.mean(1).log() + double_well(x)).mean())
    # the velocity of Carrillo, Craig and Patacchini
    slope = -(x[:, None] - x[None]) / 0.25 * phi[..., None]
    pull = (slope / phi.sum(1)[:, None, None]).sum(1) + (slope / phi.sum(0)[None, :, None]).sum(1)
    close(wasserstein_descent(kl_blob(double_well, length=0.5))(0.0, x), -grad(double_well, x) - pull)


def test_blob_tends_to_kl():
    # N(0, s^2) against N(0, 1): mean of log(phi * rho) + V in closed form, at the quantiles of rho
    s, n, normal = 1.5, 2000, torch.distributions.Normal(0.0, 1.0)
    x = s * normal.icdf((torch.arange(n, dtype=F) + 0.5) / n)[:, None]

    def V(z):
        return z.square().sum(-1) / 2 + math.log(2 * math.pi) / 2

    for length in (0.2, 0.4):
        v = s**2 + length**2
        expected = -math.log(v) / 2 - s**2 / (2 * v) + s**2 / 2
        close(kl_blob(V, length=length)(x), expected, 3e-3)
    close(kl_blob(V, length=0.05)(x), (s**2 - 1) / 2 - math.log(s), 5e-3)


def test_energies_decrease_along_their_flows():
    x, y = cloud(12, 2), cloud(9, 2, seed=1) + 1
    for E in (half(mmd2(y, kernel=energy_kernel)), half(sinkhorn_divergence(y, blur=0.5)), kl_blob(double_well, length=0.5)):
        path = flow(wasserstein_descent(E), x, 0.2, 10)
        assert (torch.diff(E(path.x)) < 0).all()


# --- what a reader may give


X, Y = cloud(4, 2), cloud(5, 2)
EVERY = [mmd2(Y, kernel=energy_kernel), w2_squared(Y), sinkhorn_divergence(Y, blur=1.0), sinkhorn_divergence(Y, blur=1.0, iterations=3)]
ANY_D = [kl_blob(double_well, length=1.0), interaction(double_well), potential_energy(double_well)]


@pytest.mark.parametrize("E", EVERY + ANY_D)
def test_every_energy_wants_a_cloud(E):
    for x, error, words in ((X[0], ValueError, "cloud"), (X * torch.nan, ValueError, "NaN"), (X[:0], ValueError, "at least one point"),
                            (X.tolist(), TypeError, "torch.Tensor"), (X.long(), TypeError, "floating")):
        with pytest.raises(error, match=words):
            E(x)


@pytest.mark.parametrize("E", EVERY)
def test_every_distance_wants_one_space(E):
    with pytest.raises(ValueError, match="2 coordinates"):
        E(cloud(4, 3))


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: grad(2.0, X), TypeError, "function"),
    (lambda: grad(double_well, [1.0]), TypeError, "torch.Tensor"),
    (lambda: grad(double_well, X * torch.nan), ValueError, "NaN"),
    (lambda: grad(lambda x: 1.0, X), TypeError, "floating-point torch.Tensor"),
    (lambda: grad(lambda x: x, X), ValueError, "one number for each"),
    (lambda: grad(lambda x: x.sum(0), X), ValueError, "leading part"),
    (lambda: grad(lambda x: x.detach().sum(-1), X), ValueError, "does not depend on x"),
    (lambda: descent(X), TypeError, "function"),
    (lambda: wasserstein_descent(X), TypeError, "function"),
    (lambda: wasserstein_descent(double_well)(0.0, X), ValueError, "potential_energy"),
    (lambda: wasserstein_descent(lambda x: x.sum())(0.0, X[None]), ValueError, "one number for each cloud"),
    (lambda: wasserstein_descent(lambda x: 1.0)(0.0, X), TypeError, "floating-point torch.Tensor"),
    (lambda: wasserstein_descent(EVERY[0])(0.0, X[0]), ValueError, "cloud"),
    (lambda: half(X), TypeError, "function"),
    (lambda: mmd2(Y[0], kernel=energy_kernel), ValueError, "cloud"),
    (lambda: mmd2(Y, kernel="gaussian"), TypeError, "function"),
    (lambda: w2_squared(Y * torch.nan), ValueError, "NaN"),
    (lambda: sinkhorn_divergence(Y, blur=0.0), ValueError, "blur = 0"),
    (lambda: sinkhorn_divergence(Y, blur=1.0, iterations=1), ValueError, "iterations = 1"),
    (lambda: sinkhorn_divergence(Y[0], blur=1.0), ValueError, "cloud"),
    (lambda: kl_blob(double_well, length=0.0), ValueError, "length = 0"),
    (lambda: kl_blob(None, length=1.0), TypeError, "function"),
    (lambda: kl_blob(lambda x: x[:, :1], length=1.0)(X), ValueError, "V\\(x\\) has shape"),
    (lambda: interaction(None), TypeError, "function"),
    (lambda: interaction(lambda z: z)(X), ValueError, "W\\(x\\) has shape"),
    (lambda: potential_energy(None), TypeError, "function"),
    (lambda: potential_energy(lambda x: x.sum())(X), ValueError, "V\\(x\\) has shape"),
])
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()
