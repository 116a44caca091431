"""Momentum and Adam, the maps: against torch.optim step by step, and against what is known of them exactly."""

import math
from functools import partial
from typing import NamedTuple

import pytest
import torch

from companion import data
from companion.energies import descent, grad
from companion.flow import flow, iterate
from companion.potentials import quadratic, rosenbrock
from companion.state import each, one, parts
from companion.training import momentum as mo
from tests.helpers import close

pytestmark = pytest.mark.usefixtures("float64")


def random_problem(generator, d=6):
    """A smooth, nonconvex f of d coordinates that belong together, and 300 starts."""
    A, b = torch.randn(d, d, generator=generator), torch.randn(d, generator=generator)
    return lambda x: torch.cos(x @ A).sum(-1) + ((x @ A.mT - b) ** 2).sum(-1) / 4, torch.randn(300, d, generator=generator)


def by_torch(optimizer, f, x0, n, **options):
    """The iterates of a torch.optim optimizer, (n + 1, *x0.shape)."""
    x = x0.clone().requires_grad_()
    run, kept = optimizer([x], **options), [x0]
    for _ in range(n):
        run.zero_grad()
        f(x).sum().backward()
        run.step()
        kept.append(x.detach().clone())
    return torch.stack(kept)


OPTIM = torch.optim
PAIRS = {  # name: (map, kind of its state, torch's optimizer, torch's options)
    "gradient descent": (partial(mo.gradient_descent, lr=0.03), None, OPTIM.SGD, {"lr": 0.03}),
    "sgd with decay": (partial(mo.sgd_decay, lr=0.03, decay=0.3), None, OPTIM.SGD, {"lr": 0.03, "weight_decay": 0.3}),
    "heavy ball": (partial(mo.heavy_ball, lr=0.01, momentum=0.8), mo.Inertia, OPTIM.SGD, {"lr": 0.01, "momentum": 0.8}),
    "nesterov": (partial(mo.nesterov_torch, lr=0.01, momentum=0.8), mo.Inertia, OPTIM.SGD, {"lr": 0.01, "momentum": 0.8, "nesterov": True}),
    "adam": (partial(mo.adam, lr=0.05, beta1=0.8, beta2=0.97, eps=1e-3), mo.Moments, OPTIM.Adam, {"lr": 0.05, "betas": (0.8, 0.97), "eps": 1e-3}),
    "adam as it comes": (partial(mo.adam, lr=0.1), mo.Moments, OPTIM.Adam, {"lr": 0.1}),
    "amsgrad": (partial(mo.amsgrad, lr=0.05, beta1=0.8, beta2=0.5, eps=1e-3), mo.MaxMoments, OPTIM.Adam,
                {"lr": 0.05, "betas": (0.8, 0.5), "eps": 1e-3, "amsgrad": True}),
    "adam with l2": (partial(mo.adam_l2, lr=0.05, decay=0.4), mo.Moments, OPTIM.Adam, {"lr": 0.05, "weight_decay": 0.4}),
    "adamw": (partial(mo.adamw, lr=0.05, decay=0.4), mo.Moments, OPTIM.AdamW, {"lr": 0.05, "weight_decay": 0.4}),
    "adamw with other betas": (partial(mo.adamw, lr=0.05, decay=0.4, beta1=0.7, beta2=0.9, eps=1e-4), mo.Moments, OPTIM.AdamW,
                               {"lr": 0.05, "weight_decay": 0.4, "betas": (0.7, 0.9), "eps": 1e-4}),
    "amsgrad as it comes": (partial(mo.amsgrad, lr=0.1), mo.MaxMoments, OPTIM.Adam, {"lr": 0.1, "amsgrad": True}),
    "adam with l2 and other betas": (partial(mo.adam_l2, lr=0.05, decay=0.4, beta1=0.7, beta2=0.9, eps=1e-4), mo.Moments, OPTIM.Adam,
                                     {"lr": 0.05, "weight_decay": 0.4, "betas": (0.7, 0.9), "eps": 1e-4}),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_each_step_is_that_of_torch(pair, generator):
    step, kind, optimizer, options = pair
    f, x0 = random_problem(generator)
    path = iterate(partial(step, f=f), mo.at_rest(x0, kind) if kind else x0, 60)
    close(path.x.x if kind else path.x, by_torch(optimizer, f, x0, 60, **options), 1e-6)


@pytest.mark.digits
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_batch_is_its_members_and_parameters_may_be_tensors(pair, generator):
    step, kind, _, _ = pair
    f, x0 = random_problem(generator)
    x0 = x0[:6].reshape(3, 2, 6)
    start = (lambda x: mo.at_rest(x, kind)) if kind else (lambda x: x)
    tensors = {name: torch.tensor(value) for name, value in step.keywords.items()}
    together = iterate(lambda k, z: step(torch.tensor(float(k)), z, f=f, **tensors), start(x0), 20).end
    alone = each(lambda *x: torch.stack(x, -2), *[iterate(partial(step, f=f), start(x), 20).end for x in x0.reshape(6, 6)])
    each(lambda ours, theirs: close(ours.reshape(theirs.shape), theirs, 1e-12), together, alone)
    assert one(iterate(partial(step, f=rosenbrock), start(torch.zeros(5, 2, dtype=torch.float32)), 3).end).dtype == torch.float32


def test_at_rest_has_no_memory():
    x = torch.randn(4, 3)
    for kind in (mo.Inertia, mo.Moments, mo.MaxMoments, mo.MatrixMoment):
        start, *memory = z = mo.at_rest(x, kind)
        assert type(z) is kind and torch.equal(start, x) and all(part.shape == x.shape and not part.any() for part in memory)


# ---- momentum


def radius(step, *kind):
    """The spectral radius of the derivative of a map at the minimum of the quadratic with curvatures 0.01, 0.1, 1."""
    z = kind[0](*torch.eye(6).split(3, -1)) if kind else torch.eye(3)
    images = parts(step(5, z, f=quadratic(torch.diag(torch.tensor([0.01, 0.1, 1.0])))))
    return torch.linalg.eigvals(torch.cat(list(images.values()), -1).mT).abs().max()


def test_spectral_radii_at_condition_100():
    close(radius(partial(mo.gradient_descent, lr=2 / 1.01)), 99 / 101)
    lr, momentum = mo.heavy_ball_tuning(0.01, 1.0)
    close(radius(partial(mo.heavy_ball, lr=lr, momentum=momentum), mo.Inertia), 9 / 11, 1e-6)  # a double eigenvalue: half the digits
    lr, momentum = mo.nesterov_tuning(0.01, 1.0)
    for step in (mo.nesterov_constant, mo.nesterov_torch):
        close(radius(partial(step, lr=lr, momentum=momentum), mo.Inertia), 0.9, 1e-6)
    root = math.sqrt(301)
    close(radius(partial(mo.nesterov_constant, lr=4 / 3.01, momentum=(root - 2) / (root + 2)), mo.Inertia), 1 - 2 / root, 1e-6)
    close(mo.heavy_ball_tuning(4.0, 36.0), torch.tensor([4 / 64, 0.25]))
    close(mo.nesterov_tuning(4.0, 36.0), torch.tensor([1 / 36, 0.5]))


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_heavy_ball_is_stable_up_to_twice_one_plus_momentum(momentum):
    f, z = quadratic(torch.eye(1)), mo.at_rest(torch.ones(1), mo.Inertia)
    for factor, stable in ((0.99, True), (1.01, False)):
        end = iterate(partial(mo.heavy_ball, f=f, lr=2 * (1 + momentum) * factor, momentum=momentum), z, 2000, every=2000).end
        assert (torch.stack(end).abs().max() < 1e-9) == stable


def test_the_velocity_is_the_last_step(generator):
    f, x0 = random_problem(generator)
    for step in (partial(mo.heavy_ball, momentum=0.7), mo.nesterov, partial(mo.nesterov_constant, momentum=0.7)):
        path = iterate(partial(step, f=f, lr=0.01), mo.at_rest(x0, mo.Inertia), 10).x
        close(path.v[1:], torch.diff(path.x, dim=0), 1e-12)
        close(path.x[1], x0 - 0.01 * grad(f, x0), 1e-12)


def test_torchs_nesterov_is_the_other_point(generator):
    f, x0 = random_problem(generator)
    ours = iterate(partial(mo.nesterov_constant, f=f, lr=0.01, momentum=0.7), mo.at_rest(x0, mo.Inertia), 20).x
    theirs = iterate(partial(mo.nesterov_torch, f=f, lr=0.01, momentum=0.7), mo.at_rest(x0, mo.Inertia), 20).x
    close(theirs.x, ours.x + 0.7 * ours.v, 1e-10)
    close(theirs.v, ours.v, 1e-10)


@pytest.mark.digits
@pytest.mark.parametrize("r", [1.0, 3.0, 5.5])
def test_nesterov_is_the_recursion_of_the_paper(r, generator):
    """x_k = y_{k-1} - s grad f(y_{k-1}), y_k = x_k + (k-1)/(k+r-1) (x_k - x_{k-1}), written with k = 1, 2, ... as Su, Boyd and Candes do."""
    f, x0 = random_problem(generator)
    path = iterate(partial(mo.nesterov, f=f, lr=0.02, r=r), mo.at_rest(x0, mo.Inertia), 12).x.x
    x = y = x0
    for k in range(1, 13):
        new = y - 0.02 * grad(f, y)
        x, y = new, new + (k - 1) / (k + r - 1) * (new - x)
        close(path[k], x, 1e-12)


def test_nesterov_keeps_its_guarantees(generator):
    f = quadratic(torch.diag(torch.logspace(-4, 0, 8)))
    x0 = torch.randn(50, 8, generator=generator)
    k = torch.arange(1, 401.0)[:, None]
    path = iterate(partial(mo.nesterov, f=f, lr=1.0), mo.at_rest(x0, mo.Inertia), 400).x.x[1:]
    assert (f(path) <= 2 * x0.square().sum(-1) / (k + 1) ** 2).all()
    mu = 0.01
    f = quadratic(torch.diag(torch.logspace(-2, 0, 8)))
    lr, momentum = mo.nesterov_tuning(mu, 1.0)
    path = iterate(partial(mo.nesterov_constant, f=f, lr=lr, momentum=momentum), mo.at_rest(x0, mo.Inertia), 400).x.x[1:]
    assert (f(path) <= 0.9**k * (f(x0) + mu / 2 * x0.square().sum(-1)) + 1e-30).all()


def test_tuned_heavy_ball_cycles_on_a_strongly_convex_function():
    """Lessard, Recht and Packard's three points are fractions over 1225; gradient descent and Nesterov converge from the same start."""
    lr, momentum = mo.heavy_ball_tuning(1.0, 25.0)
    close([lr, momentum], [1 / 9, 4 / 9])
    x0 = torch.tensor([[2.9], [3.1], [3.46], [4.0]])
    path = iterate(partial(mo.heavy_ball, f=mo.lessard, lr=lr, momentum=momentum), mo.at_rest(x0, mo.Inertia), 600).x.x[..., 0]
    close(path[-3:, :3].sort(0).values, torch.tensor([-2208.0, 792.0, 2592.0])[:, None].expand(3, 3) / 1225)
    close(path[-3:, 3], torch.zeros(3))
    lr, momentum = mo.nesterov_tuning(1.0, 25.0)
    for end in (iterate(partial(mo.nesterov_constant, f=mo.lessard, lr=lr, momentum=momentum), mo.at_rest(x0, mo.Inertia), 600).end.x,
                iterate(partial(mo.gradient_descent, f=mo.lessard, lr=1 / 25), x0, 900).end):
        close(end, torch.zeros(4, 1))


# ---- without memory

def test_sign_and_normalised_steps_have_one_length(generator):
    f, x0 = random_problem(generator)
    x0[0] = 0.0
    g = grad(f, x0)
    close(mo.sign_descent(0, x0, f=f, lr=0.1), x0 - 0.1 * torch.sign(g), 1e-12)
    step = mo.normalised_descent(0, x0, f=f, lr=0.1) - x0
    close(step.norm(dim=-1), torch.full((300,), 0.1), 1e-12)
    close((step * g).sum(-1), -0.1 * g.norm(dim=-1), 1e-9)
    bowl = quadratic(torch.eye(2))
    for method in (mo.sign_descent, mo.normalised_descent):
        assert torch.equal(method(0, torch.zeros(3, 2), f=bowl, lr=0.1), torch.zeros(3, 2))


def test_sign_descent_is_adam_without_memory(generator):
    f, x0 = random_problem(generator)
    adam = iterate(partial(mo.adam, f=f, lr=0.02, beta1=0.0, beta2=0.0, eps=0.0), mo.at_rest(x0, mo.Moments), 30).x.x
    close(adam, iterate(partial(mo.sign_descent, f=f, lr=0.02), x0, 30).x, 1e-9)


def underdetermined(generator):
    A, b = torch.rand(2, 5, generator=generator), torch.tensor([1.0, 2.0])
    return A, b, lambda x: ((x @ A.mT - b) ** 2).sum(-1) / 2


def test_entropic_descent_ends_at_the_nearest_solution_in_kl(generator):
    """Every iterate is x0 exp(A^T nu), so the limit is the KL projection of x0 on {A x = b}: at any stable step, not only in the limit."""
    A, b, f = underdetermined(generator)
    x0 = torch.tensor([1.0, 0.1, 1e-3])[:, None].expand(3, 5)
    x = iterate(partial(mo.mirror_descent, f=f, lr=0.3), x0, 2000, every=2000).end
    close(x @ A.mT, b.expand(3, 2), 1e-8)
    outside = torch.eye(5) - torch.linalg.pinv(A) @ A
    assert (torch.log(x / x0) @ outside).abs().max() < 1e-9
    assert (torch.diff(x.sum(-1)) < 0).all()  # from a smaller start a smaller l1 norm


def test_squares_of_parameters_descend_in_the_mirror_of_the_entropy(generator):
    """x = u u, u' = -grad of f(u u) in u: x' = -4 x grad f(x), whose limit is the same KL projection; and mirror descent follows this flow."""
    _, _, f = underdetermined(generator)
    x0 = torch.full((5,), 0.1)
    u = flow(descent(lambda u: f(u * u)), x0.sqrt(), 1.5, 150).end
    errors = [(iterate(partial(mo.mirror_descent, f=f, lr=6.0 / n), x0, n, every=n).end - u**2).abs().max() for n in (200, 400)]
    assert 1.8 < errors[0] / errors[1] < 2.2 and errors[0] < 0.02
    limit = flow(descent(lambda u: f(u * u)), x0.sqrt(), 100.0, 1000, every=1000).end ** 2
    close(limit, iterate(partial(mo.mirror_descent, f=f, lr=0.3), x0, 2000, every=2000).end, 1e-4)


def test_mirrors_are_inverse_and_gradients(generator):
    x = torch.rand(20, 5, generator=generator) + 0.1
    cases = [(mo.entropy, lambda y: (y * y.log() - y).sum(-1)), (mo.euclid, lambda y: y.square().sum(-1) / 2),
             (mo.power(3), lambda y: y.abs().pow(3).sum(-1) / 3), (mo.power(1.5), lambda y: y.abs().pow(1.5).sum(-1) / 1.5)]
    for mirror, psi in cases:
        for y in (x,) if mirror is mo.entropy else (x, -x):
            close(mirror.down(mirror.up(y)), y, 1e-12)
            close(mirror.up(y), grad(psi, y), 1e-12)
    p = x / x.sum(-1, keepdim=True)
    f = quadratic(torch.diag(torch.arange(1.0, 6)))
    exponentiated = p * torch.exp(-0.3 * grad(f, p))
    close(mo.mirror_descent(0, p, f=f, lr=0.3, mirror=mo.simplex), exponentiated / exponentiated.sum(-1, keepdim=True), 1e-12)
    close(mo.mirror_descent(0, p, f=f, lr=0.3), exponentiated, 1e-12)
    close(mo.mirror_descent(0, p, f=f, lr=0.3, mirror=mo.euclid), mo.gradient_descent(0, p, f=f, lr=0.3), 1e-12)


# ---- Adam

def test_adams_first_step_is_the_sign_and_so_is_every_step_of_a_slope(generator):
    f, x0 = random_problem(generator)
    first = mo.adam(0, mo.at_rest(x0, mo.Moments), f=f, lr=0.1, eps=0.0).x - x0
    close(first, -0.1 * torch.sign(grad(f, x0)), 1e-9)
    slope = torch.tensor([3.0, -1e-4, 0.0])
    path = iterate(partial(mo.adam, f=lambda x: (x * slope).sum(-1), lr=0.1, eps=0.0), mo.at_rest(torch.zeros(3), mo.Moments), 200).x.x
    close(torch.diff(path, dim=0), torch.tensor([-0.1, 0.1, 0.0]).expand(200, 3))


@pytest.mark.parametrize("scale", [1e-4, 1e4])
@pytest.mark.parametrize("step, kind", [(mo.adam, mo.Moments), (mo.amsgrad, mo.MaxMoments), (partial(mo.adamw, decay=0.1), mo.Moments)])
def test_adam_forgets_the_scale(scale, step, kind, generator):
    f, x0 = random_problem(generator)
    one, other = (iterate(partial(step, f=g, lr=0.01, eps=0.0), mo.at_rest(x0, kind), 50).x.x for g in (f, lambda x: scale * f(x)))
    close(one, other, 1e-9)


def adams_steps(gradients, beta1, beta2):
    """|x_{k+1} - x_k| / lr for given gradients (K, d): (K, d)."""
    path = iterate(lambda k, z: mo.adam(k, z, f=lambda x: (x * gradients[k]).sum(-1), lr=0.1, beta1=beta1, beta2=beta2, eps=0.0),
                   mo.at_rest(torch.zeros_like(gradients[0]), mo.Moments), len(gradients)).x.x
    return torch.diff(path, dim=0).abs() / 0.1


@pytest.mark.parametrize("beta1, beta2", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.99), (0.9, 0.95), (0.5, 0.3)])
def test_adams_step_is_bounded_and_the_bound_is_approached(beta1, beta2, generator):
    """Not by (1 - beta1) / sqrt(1 - beta2), the step after a silence, but by the bound of Cauchy and Schwarz."""
    bound, raw = mo.step_bound(beta1, beta2), (1 - beta1) / math.sqrt(1 - beta2)
    wild = torch.randn(150, 50, generator=generator) * 10 ** torch.randn(150, 50, generator=generator)
    assert adams_steps(wild, beta1, beta2).max() <= bound + 1e-9
    silence = torch.zeros(61, 1)
    silence[60] = 3.0
    close(adams_steps(silence, beta1, beta2)[60], raw * math.sqrt(1 - beta2**61) / (1 - beta1**61) * torch.ones(1))
    if beta1 > 0:
        growing = (beta2 / beta1) ** torch.arange(-150, 0.0)[:, None]
        late = adams_steps(torch.cat([torch.zeros(1500, 1), growing]), beta1, beta2)
        close(late[-1] / math.sqrt(1 - beta2**1650), torch.full((1,), bound), 1e-4)
        assert late[-1] > 1.05 * raw


def test_a_coordinate_without_gradient_stays():
    z = mo.at_rest(torch.tensor([1.0, 2.0]), mo.Moments)
    end = iterate(partial(mo.adam, f=lambda x: x[..., 0] ** 2, lr=0.1, eps=0.0), z, 5).end
    assert end.x[1] == 2.0 and torch.stack(end).isfinite().all() and end.x[0] < 1.0


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_momentum_behind_a_frozen_preconditioner_is_stable_up_to_the_limit(beta1):
    """x <- x - eta m with m <- beta1 m + (1 - beta1) x is the heavy ball with lr = (1 - beta1) eta."""
    f, z = quadratic(torch.eye(1)), mo.at_rest(torch.ones(1), mo.Inertia)
    for factor, stable in ((0.99, True), (1.01, False)):
        eta = factor * mo.stability_limit(beta1)
        end = iterate(partial(mo.heavy_ball, f=f, lr=(1 - beta1) * eta, momentum=beta1), z, 2000, every=2000).end.x
        assert (end.abs().max() < 0.5) == stable and (end.abs().max() > 2) != stable
    close(mo.stability_limit(0.9), 38.0)


def test_adam_spikes_at_the_adaptive_edge_of_stability():
    """On x^2 / 2: between bursts |x| falls, lr / sqrt(v) grows to just below 38, then |x| grows again (lr = 0.02, beta2 = 0.999)."""
    z = mo.Moments(*torch.tensor([[1e-20], [0.0], [(0.02 / 30) ** 2]]))  # late in a quiet stretch: lr / sqrt(v) = 30
    path = iterate(lambda k, z: mo.adam(k + 20000, z, f=quadratic(torch.eye(1)), lr=0.02, eps=1e-30), z, 4000)
    ratio = 0.02 * mo.preconditioner(20000, path.x, eps=1e-30)[:, 0]
    envelope = path.x.x[:, 0].abs().unfold(0, 50, 1).amax(-1)
    quiet = [k for k in range(200, len(envelope) - 200) if envelope[k] == envelope[k - 200 : k + 200].min()]
    assert len(quiet) >= 2 and envelope[1000:].max() > 1e-4 and envelope[quiet].max() < 1e-9
    assert all(36.9 < ratio[k] < 38.0 for k in quiet), ratio[quiet]


def test_preconditioner_is_what_adam_divides_by(generator):
    f, x0 = random_problem(generator)
    path = iterate(partial(mo.adam, f=f, lr=0.02, beta1=0.0, beta2=0.9, eps=1e-3), mo.at_rest(x0, mo.Moments), 7)
    P = mo.preconditioner(7, path.end, beta2=0.9, eps=1e-3)
    close(path.x.x[7] - path.x.x[6], -0.02 * P * grad(f, path.x.x[6]))
    assert not mo.preconditioner(0, mo.at_rest(x0, mo.Moments), eps=0.0).any()
    close(mo.preconditioner(3, mo.at_rest(torch.zeros(2), mo.Moments)), torch.full((2,), 1e8))
    close(mo.preconditioner(path.t[:, None, None], path.x, beta2=0.9, eps=1e-3)[7], P, 1e-12)  # the whole run at once


def reddi(step, kind, n):
    """f_k = 3 x, then twice -x, on [-1, 1]: the mean slope 1/3 sends x to -1."""
    def one(k, z):
        z = step(k, z, f=lambda x: (3.0 if k % 3 == 0 else -1.0) * x[..., 0], lr=0.5 / math.sqrt(k + 1), beta1=0.0, beta2=0.1, eps=0.0)
        return z._replace(x=z.x.clamp(-1, 1))

    return iterate(one, mo.at_rest(torch.zeros(1), kind), n, every=n).end.x


def test_adam_ends_at_the_worst_point_where_amsgrad_does_not():
    """Reddi, Kale and Kumar, theorem 1, with C = 3 and beta2 = 1 / (1 + C^2)."""
    close(reddi(mo.adam, mo.Moments, 3000), torch.ones(1), 2e-2)
    close(reddi(mo.amsgrad, mo.MaxMoments, 3000), -torch.ones(1), 2e-2)


def test_adamw_clips_where_sgd_shrinks():
    b, f = torch.tensor([3.0, 0.4, -2.0, -0.3]), lambda x: (x - torch.tensor([3.0, 0.4, -2.0, -0.3])).square().sum(-1) / 2
    for decay in (1.0, 2.0):
        adamw, l2 = (iterate(lambda k, z, d=decay, step=step: step(k, z, f=f, lr=1 / (k + 10), decay=d, beta2=0.9),
                             mo.at_rest(torch.zeros(4), mo.Moments), 1500, every=1500).end.x for step in (mo.adamw, mo.adam_l2))
        close(adamw, b.clamp(-1 / decay, 1 / decay), 2e-2)
        close(l2, b / (1 + decay), 1e-2)
        close(iterate(partial(mo.sgd_decay, f=f, lr=0.1, decay=decay), torch.zeros(4), 250).end, b / (1 + decay))


# ---- matrices

def test_polar_is_the_steepest_direction_in_the_spectral_norm(generator):
    G = torch.randn(5, 6, 4, generator=generator)
    X = mo.polar(G)
    close(X.mT @ X, torch.eye(4).expand(5, 4, 4), 1e-12)
    close((G * X).sum((-1, -2)), torch.linalg.svdvals(G).sum(-1), 1e-12)
    low = G[..., :1] @ torch.randn(5, 1, 4, generator=generator)
    close(torch.linalg.svdvals(mo.polar(low)), torch.tensor([1.0, 0, 0, 0]).expand(5, 4), 1e-12)
    assert not mo.polar(torch.zeros(3, 2)).any()


def test_newton_schulz_keeps_the_singular_vectors_and_bounds_the_values(generator):
    sigma = torch.linspace(0.01, 1.0, 2000)
    for _ in range(5):
        sigma = 3.4445 * sigma - 4.7750 * sigma**3 + 2.0315 * sigma**5
    assert 0.68 < sigma.min() and sigma.max() < 1.14
    for shape in ((4, 6, 4), (4, 6), (7, 7)):
        G = torch.randn(*shape, generator=generator)
        U, S, Vh = torch.linalg.svd(G, full_matrices=False)
        value = S / S.square().sum(-1, keepdim=True).sqrt()
        for _ in range(5):
            value = 3.4445 * value - 4.7750 * value**3 + 2.0315 * value**5
        close(mo.newton_schulz(G), (U * value[..., None, :]) @ Vh, 1e-10)
    assert not mo.newton_schulz(torch.zeros(3, 2)).any()


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
@pytest.mark.parametrize("momentum, decay", [(0.0, 0.0), (0.95, 0.1)])
def test_muon_is_torchs_up_to_its_rounding(shape, momentum, decay, generator):
    """torch works in bfloat16, of 8 bits: 2e-2. One step at a time, from torch's state: the rounding is amplified from step to step."""
    M, W0 = torch.randn(*shape, generator=generator), torch.zeros(*shape)
    theirs = by_torch(torch.optim.Muon, mo.distance_to(M), W0, 5, lr=0.1, momentum=momentum, weight_decay=decay, nesterov=momentum > 0)
    m = torch.zeros(*shape)
    for k in range(5):
        z = mo.muon(k, mo.MatrixMoment(theirs[k], m), f=mo.distance_to(M), lr=0.1, momentum=momentum, decay=decay)
        assert (z.W - theirs[k + 1]).abs().max() < 2e-2 * 0.1 * 1.3
        m = z.M


def test_muon_with_the_exact_polar_factor_and_many_matrices(generator):
    M, W = torch.randn(6, 4, generator=generator), torch.randn(3, 6, 4, generator=generator)
    step = partial(mo.muon, f=mo.distance_to(M), lr=0.1, momentum=0.8, decay=0.2, orthogonal=mo.polar)
    path = iterate(step, mo.at_rest(W, mo.MatrixMoment), 2).x
    m = 0.2 * (W - M)
    close(path.M[1], m, 1e-12)
    close(path.W[1], 0.98 * W - 0.1 * math.sqrt(1.5) * mo.polar(W - M), 1e-12)
    G = path.W[1] - M
    close(path.W[2], 0.98 * path.W[1] - 0.1 * math.sqrt(1.5) * mo.polar(0.2 * G + 0.8 * (0.8 * m + 0.2 * G)), 1e-12)


def test_spectral_descent_learns_all_singular_values_at_one_speed(generator):
    U, V = (torch.linalg.qr(torch.randn(5, 5, generator=generator))[0] for _ in "UV")
    sigma = torch.tensor([5.0, 2.0, 1.0, 0.5, 0.2])
    f = mo.distance_to((U * sigma) @ V.mT)
    path = iterate(partial(mo.spectral_descent, f=f, lr=0.03), torch.zeros(5, 5), 100).x
    values = torch.diagonal(U.mT @ path @ V, dim1=-2, dim2=-1)
    k = 0.03 * torch.arange(101.0)[:, None]
    assert (values - torch.minimum(k, sigma)).abs().max() <= 0.03 + 1e-12
    close(torch.where(k <= sigma, values, k), k.expand(101, 5), 1e-10)
    plain = torch.diagonal(U.mT @ iterate(partial(mo.gradient_descent, f=f, lr=0.03), torch.zeros(5, 5), 100).x @ V, dim1=-2, dim2=-1)
    close(plain, sigma * (1 - 0.97 ** torch.arange(101.0)[:, None]), 1e-10)


# ---- side by side

class Clocked(NamedTuple):
    x: torch.Tensor
    v: torch.Tensor
    clock: torch.Tensor


def clocked(x):
    """x at rest, and a clock for each start."""
    return Clocked(*mo.at_rest(x, mo.Inertia), 0 * x[..., 0])


@pytest.mark.parametrize(("scale", "kappa", "lr"), [(5.0, 20.0, 0.05), (10.0, 20.0, 0.05), (1.0, 20.0, 0.2), (1.0, 60.0, 0.05)])
def test_a_method_that_overflows_leaves_the_others_alone(scale, kappa, lr):
    """The race to its end where descent, heavy ball or Nesterov explode, in the figure's float32: Adam and sign descent run as alone."""
    x0 = torch.tensor([-2.43, 1.18], dtype=torch.float32)
    given = {"f": lambda x: scale * kappa * mo.valley(x, kappa=kappa), "lr": lr}
    path = iterate(partial(mo.five, beta2=0.99, **given), mo.at_rest(x0.expand(5, 2), mo.Moments), 160).x
    lost = ~path.x.isfinite().all(-1)
    assert lost[-1, :3].any() and not lost[:, 3:].any()
    assert torch.equal(lost.cummax(0).values, lost)  # what is lost stays lost
    alone = iterate(partial(mo.adam, beta2=0.99, **given), mo.at_rest(x0, mo.Moments), 160).x
    each(lambda ours, theirs: close(ours[:, 3], theirs, 1e-6), path, alone)
    close(path.x[:, 4], iterate(partial(mo.sign_descent, **given), x0, 160).x, 1e-6)


@pytest.mark.digits
def test_starts_that_leave_for_infinity_leave_the_others_alone():
    """Himmelblau's basins at the longest step, in the figure's float32: half of the heavy balls overflow, the rest run as without them."""
    side = torch.linspace(-5, 5, 12, dtype=torch.float32)
    starts = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).reshape(-1, 2)
    step = mo.timed(partial(mo.heavy_ball, f=mo.himmelblau, lr=0.02, momentum=0.9), f=mo.himmelblau, tol=0.1)
    end = iterate(step, clocked(starts), 150, every=150).end
    stayed = end.x.isfinite().all(-1)
    assert 0.3 < stayed.double().mean() < 0.7
    each(lambda part, alone: close(part[stayed], alone, 1e-6), end, iterate(step, clocked(starts[stayed]), 150, every=150).end)


@pytest.mark.digits
def test_five_methods_in_one_state_are_the_five_alone(generator):
    f, x0 = random_problem(generator)
    x0 = x0[:5]
    path = iterate(partial(mo.five, f=f, lr=0.02, beta1=0.7, beta2=0.95), mo.at_rest(x0, mo.Moments), 15).x
    alone = [(mo.gradient_descent, None), (partial(mo.heavy_ball, momentum=0.7), mo.Inertia), (mo.nesterov, mo.Inertia),
             (partial(mo.adam, beta1=0.7, beta2=0.95), mo.Moments), (mo.sign_descent, None)]
    for i, (step, kind) in enumerate(alone):
        found = parts(iterate(partial(step, f=f, lr=0.02), mo.at_rest(x0[i], kind) if kind else x0[i], 15).x)
        for name, part in found.items():
            close(getattr(path, name)[:, i], part, 1e-12)
    assert len(mo.FIVE) == 5 and not path.m[:, 0].any() and not path.v[:, 0].any()


def test_what_a_method_does_not_use_stays(generator):
    f, _ = random_problem(generator)
    z = mo.MaxMoments(*torch.randn(4, 2, 3, 6, generator=generator))
    step = mo.together(mo.memoryless(partial(mo.gradient_descent, f=f, lr=0.1)), partial(mo.heavy_ball, f=f, lr=0.1, momentum=0.5))
    new = step(0, z)
    assert type(new) is mo.MaxMoments and torch.equal(new.m, z.m) and torch.equal(new.top, z.top) and torch.equal(new.v[0], z.v[0])
    close(new.x[0], mo.gradient_descent(0, z.x[0], f=f, lr=0.1), 1e-12)
    assert torch.equal(mo.memoryless(lambda k, x: x + k)(3, z).x, z.x + 3)  # the number of the step is passed on
    timed = mo.timed(lambda k, z: z._replace(x=z.x + k), f=lambda x: x[..., 0], tol=1.0)
    assert torch.equal(timed(3, clocked(z.x[0])).x, z.x[0] + 3)
    moved = mo.heavy_ball(0, mo.Inertia(z.x[1], z.v[1]), f=f, lr=0.1, momentum=0.5)
    close(torch.stack([new.x[1], new.v[1]]), torch.stack(moved), 1e-12)


def test_the_clock_counts_the_steps_outside():
    """x halves at each step: f = x^2 goes below tol at a known step. A start that overflows never arrives."""
    f = quadratic(2 * torch.eye(1))
    x0 = torch.tensor([[1.0], [4.0], [1e-9]])
    end = iterate(mo.timed(mo.memoryless(partial(mo.gradient_descent, f=f, lr=0.25)), f=f, tol=1e-3), clocked(x0), 30).end
    assert end.clock.tolist() == [5.0, 7.0, 0.0]
    close(end.x, x0 / 2**30, 1e-12)
    far = iterate(mo.timed(mo.memoryless(partial(mo.gradient_descent, f=f, lr=1e200)), f=f, tol=1e-3), clocked(x0[:1]), 10).end
    assert not far.x.isfinite().all() and far.clock == 10


# ---- landscapes and losses

def test_the_valley_turns_and_gradient_descent_turns_with_it(generator):
    x = torch.randn(50, 2, generator=generator)
    angle = torch.tensor(0.7)
    R = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
    close(mo.valley(x, kappa=30.0), (x[:, 0] ** 2 / 30 + x[:, 1] ** 2) / 2, 1e-12)
    close(mo.valley(x @ R.mT, kappa=30.0, angle=angle), mo.valley(x, kappa=30.0), 1e-12)
    turned, straight = partial(mo.valley, kappa=30.0, angle=0.7), partial(mo.valley, kappa=30.0)
    for step, kind, same in ((mo.gradient_descent, None, True), (partial(mo.heavy_ball, momentum=0.5), mo.Inertia, True),
                             (mo.normalised_descent, None, True), (mo.sign_descent, None, False), (partial(mo.adam, eps=0.0), mo.Moments, False)):
        ends = [one(iterate(partial(step, f=f, lr=0.1), mo.at_rest(y, kind) if kind else y, 40).end)
                for f, y in ((turned, x @ R.mT), (straight, x))]
        assert torch.allclose(ends[0], ends[1] @ R.mT, atol=1e-9) == same


def test_landscapes_are_what_they_say():
    x = torch.linspace(-3, 3, 61)[:, None]
    close(mo.powers(torch.tensor([[-2.0, 3.0]]), gamma=3.0), torch.tensor([35.0]))
    close(grad(partial(mo.powers, gamma=1.0), x), torch.sign(x))
    close(grad(partial(mo.powers, gamma=1.5), torch.zeros(2, 1)), torch.zeros(2, 1))
    close(grad(mo.lessard, x), torch.where(x < 1, 25 * x, torch.where(x < 2, x + 24, 25 * x - 24)), 1e-12)
    for edge in (1.0, 2.0):
        close(mo.lessard(torch.tensor([edge - 1e-12])), mo.lessard(torch.tensor([edge])), 1e-9)
    assert mo.lessard(torch.zeros(1)) == 0
    close(mo.himmelblau(torch.tensor([0.0, 0.0])), 170.0)
    close(mo.himmelblau(torch.tensor([1.0, 2.0])), (1 + 2 - 11) ** 2 + (1 + 4 - 7) ** 2)
    wells = mo.wells()
    assert mo.himmelblau(wells).max() < 1e-20 and grad(mo.himmelblau, wells).abs().max() < 1e-8
    close(mo.nearest(wells + 0.5, wells), torch.arange(4.0))
    assert mo.nearest(wells.float(), wells.float()).dtype == torch.float32


def test_logistic_loss_and_margins(generator):
    X, y = torch.randn(40, 3, generator=generator), torch.where(torch.rand(40, generator=generator) < 0.5, -1, 1)
    w = torch.randn(5, 3, generator=generator)
    by_hand = torch.stack([torch.nn.functional.binary_cross_entropy_with_logits(X @ v, (y + 1) / 2) for v in w])
    close(mo.logistic(X, y)(w), by_hand, 1e-12)
    close(mo.logistic(X, y, ridge=0.3)(w), by_hand + 0.15 * w.square().sum(-1), 1e-12)
    close(mo.accuracy(w, X, y), torch.stack([((X @ v).sign() == y).double().mean() for v in w]), 1e-12)
    close(mo.margin(w[0], X, y), (y * (X @ w[0])).min() / w[0].norm(), 1e-12)
    close(mo.margin(w, X, y, order=math.inf), (y[:, None] * (X @ w.mT)).amin(0) / w.abs().amax(-1), 1e-12)


def test_gradient_descent_maximises_one_margin_and_adam_another():
    z, one = torch.tensor([[2.0, 1.0]]), torch.tensor([1])
    f = mo.logistic(z, one)

    def direction(w):
        return w / w.norm()

    gd = iterate(partial(mo.gradient_descent, f=f, lr=0.1), torch.zeros(2), 1000).end
    close(direction(gd), torch.tensor([2.0, 1.0]) / math.sqrt(5), 1e-12)
    close(mo.margin(gd, z, one), math.sqrt(5), 1e-12)
    path = iterate(partial(mo.adam, f=f, lr=0.1, eps=1e-30), mo.at_rest(torch.zeros(2), mo.Moments), 1000)
    close(direction(path.end.x), torch.tensor([1.0, 1.0]) / math.sqrt(2), 1e-12)
    close(mo.margin(path.end.x, z, one, order=math.inf), 3.0, 1e-9)
    drift = iterate(partial(mo.adam, f=f, lr=0.1, beta2=0.9), mo.at_rest(torch.zeros(2), mo.Moments), 2000, every=500).x.x
    slopes = drift[1:, 1] / drift[1:, 0]  # 1 for Adam's direction, 1/2 for that of z: eps = 1e-8 leads back to gradient descent
    assert (torch.diff(slopes) < 0).all() and 0.5 < slopes[-1] < 0.93


def test_matrix_losses(generator):
    P, Q = torch.randn(2, 4, 2, generator=generator), torch.randn(2, 3, 2, generator=generator)
    M = torch.randn(4, 3, generator=generator)
    Z = torch.cat([P, Q], -2)
    f = mo.factorisation(M)
    close(f(Z), torch.stack([((p @ q.mT - M) ** 2).sum() / 2 for p, q in zip(P, Q, strict=True)]), 1e-12)
    close(grad(f, Z)[..., :4, :], (P @ Q.mT - M) @ Q, 1e-12)
    close(mo.distance_to(M)(M + 1), 6.0, 1e-12)


def test_tumours_are_standardised_and_labelled():
    X, y = data.tumours(dtype=torch.float64)
    assert X.shape == (569, 30) and (y == 1).sum() == 357 and (y == -1).sum() == 212 and data.tumours()[0].dtype == torch.float32
    close(X.mean(0), torch.zeros(30))
    close(X.square().mean(0), torch.ones(30))
    assert X[y == -1, 0].mean() > 0 > X[y == 1, 0].mean()  # malignant nuclei are larger


# ---- what they refuse

def flat(x):
    return x.square().sum(-1)


X2 = torch.ones(2, dtype=torch.float64)
Z2, Z3 = (torch.ones(n, 2, dtype=torch.float64) for n in (2, 3))
XV, XMV, W2 = mo.Inertia(X2, X2), mo.Moments(X2, X2, X2), mo.MatrixMoment(Z2, Z2)
BAD = [
    (lambda: mo.at_rest(X2, 2), TypeError, "kind is 2"),
    (lambda: mo.at_rest(X2, tuple), TypeError, "expected the class of a state"),
    (lambda: mo.at_rest([1.0], mo.Inertia), TypeError, "x is a list"),
    (lambda: mo.heavy_ball(0, Z2, f=flat, lr=0.1, momentum=0.5), TypeError, r"z is a Tensor; .* x, v: at_rest\(x, Inertia\)"),
    (lambda: mo.heavy_ball(0, (X2, X2), f=flat, lr=0.1, momentum=0.5), TypeError, "z is a tuple"),
    (lambda: mo.heavy_ball(0, mo.Inertia(X2, Z2), f=flat, lr=0.1, momentum=0.5), ValueError, r"z.v has shape \(2, 2\)"),
    (lambda: mo.heavy_ball(0, mo.Inertia(X2, X2.float()), f=flat, lr=0.1, momentum=0.5), TypeError, "z.v is torch.float32"),
    (lambda: mo.heavy_ball(0, mo.Inertia(X2[0], X2[0]), f=flat, lr=0.1, momentum=0.5), ValueError, r"z.x has shape \(\)"),
    (lambda: mo.heavy_ball(0, XV, f=flat, lr=-0.1, momentum=0.5), ValueError, "lr = -0.1"),
    (lambda: mo.heavy_ball(0, XV, f=flat, lr=0.1, momentum=1.5), ValueError, "momentum = 1.5"),
    (lambda: mo.heavy_ball(0, XV, f=flat, lr="a", momentum=0.5), TypeError, "lr is 'a'"),
    (lambda: mo.nesterov(0, XV, f=flat, lr=0.1, r=0), ValueError, "r = 0"),
    (lambda: mo.nesterov(0, Z2, f=flat, lr=0.1), TypeError, "at_rest"),
    (lambda: mo.nesterov(0, XV, f=flat, lr=0), ValueError, "lr = 0"),
    (lambda: mo.nesterov_constant(0, XV, f=flat, lr=0.1, momentum=-0.1), ValueError, "momentum"),
    (lambda: mo.nesterov_torch(0, XV, f=flat, lr=0.1, momentum=2.0), ValueError, "momentum"),
    (lambda: mo.nesterov_torch(0, XV, f=flat, lr=-1.0, momentum=0.2), ValueError, "lr"),
    (lambda: mo.heavy_ball_tuning(2.0, 1.0), ValueError, "mu = 2.0"),
    (lambda: mo.nesterov_tuning(0.0, 1.0), ValueError, "mu = 0.0"),
    (lambda: mo.nesterov_tuning(0.5, -1.0), ValueError, "L = -1.0"),
    (lambda: mo.gradient_descent(0, X2, f=flat, lr=0), ValueError, "lr = 0"),
    (lambda: mo.gradient_descent(0, X2, f=3, lr=0.1), TypeError, "f is a int"),
    (lambda: mo.sign_descent(0, X2, f=flat, lr=-1), ValueError, "lr"),
    (lambda: mo.normalised_descent(0, X2, f=flat, lr=-1), ValueError, "lr"),
    (lambda: mo.mirror_descent(0, X2, f=flat, lr=-1), ValueError, "lr"),
    (lambda: mo.mirror_descent(0, X2, f=flat, lr=0.1, mirror="entropy"), TypeError, "expected a Mirror"),
    (lambda: mo.mirror_descent(0, X2 - torch.tensor([0.0, 2.0]), f=flat, lr=0.1), ValueError, "outside of the mirror's domain"),
    (lambda: mo.normalised_descent(0, 1e200 * X2, f=flat, lr=0.1), ValueError, "squares of the entries overflow"),
    (lambda: mo.power(1.0), ValueError, "p = 1.0"),
    (lambda: mo.adam(0, XV, f=flat, lr=0.1), TypeError, "z is a Inertia; .* x, m, v: .*Moments"),
    (lambda: mo.adam(0, XMV, f=flat, lr=0.0), ValueError, "lr"),
    (lambda: mo.adam(0, XMV, f=flat, lr=0.1, beta1=1.0), ValueError, "beta1 = 1.0"),
    (lambda: mo.adam(0, XMV, f=flat, lr=0.1, beta2=-0.1), ValueError, "beta2"),
    (lambda: mo.adam(0, XMV, f=flat, lr=0.1, eps=-1e-8), ValueError, "eps"),
    (lambda: mo.amsgrad(0, XMV, f=flat, lr=0.1), TypeError, "MaxMoments"),
    (lambda: mo.adam(0, mo.Moments(X2, X2, torch.tensor([1.0, -1.0])), f=flat, lr=0.1), ValueError, "v has the entry -1.0"),
    (lambda: mo.amsgrad(0, mo.MaxMoments(X2, X2, X2, -X2), f=flat, lr=0.1), ValueError, "top, the largest v, has the entry -1.0"),
    (lambda: mo.adamw(0, XMV, f=flat, lr=0.1, decay=-1), ValueError, "decay"),
    (lambda: mo.adam_l2(0, XMV, f=flat, lr=0.1, decay=-1), ValueError, "decay"),
    (lambda: mo.sgd_decay(0, X2, f=flat, lr=0.1, decay=-1), ValueError, "decay"),
    (lambda: mo.sgd_decay(0, X2, f=flat, lr=-0.1, decay=1), ValueError, "lr"),
    (lambda: mo.preconditioner(1, XV), TypeError, "at_rest"),
    (lambda: mo.preconditioner(1, XMV, beta2=1.0), ValueError, "beta2"),
    (lambda: mo.stability_limit(1.0), ValueError, "beta1"),
    (lambda: mo.step_bound(0.9, 0.5), ValueError, "beta1 = 0.9, beta2 = 0.5"),
    (lambda: mo.step_bound(1.0, 0.5), ValueError, "beta1 = 1.0"),
    (lambda: mo.step_bound(0.5, 1.0), ValueError, "beta2 = 1.0"),
    (lambda: mo.polar(X2), ValueError, "G has shape"),
    (lambda: mo.polar(Z2, tol=-1), ValueError, "tol"),
    (lambda: mo.newton_schulz(X2), ValueError, "G has shape"),
    (lambda: mo.newton_schulz(Z2, steps=0), ValueError, "steps"),
    (lambda: mo.newton_schulz(1e200 * torch.stack([Z2, 0 * Z2])), ValueError, "overflows"),
    (lambda: mo.spectral_descent(0, Z2, f=mo.distance_to(Z2), lr=-1), ValueError, "lr"),
    (lambda: mo.muon(0, W2, f=mo.distance_to(Z2), lr=-1), ValueError, "lr"),
    (lambda: mo.muon(0, Z2, f=flat, lr=0.1), TypeError, r"W, M: at_rest\(W, MatrixMoment\)"),
    (lambda: mo.muon(0, mo.MatrixMoment(X2, X2), f=flat, lr=0.1), ValueError, "z.W has shape"),
    (lambda: mo.muon(0, W2, f=mo.distance_to(Z2), lr=0.1, momentum=1.1), ValueError, "momentum"),
    (lambda: mo.muon(0, W2, f=mo.distance_to(Z2), lr=0.1, decay=-1.0), ValueError, "decay"),
    (lambda: mo.valley(Z3[0, :1], kappa=2.0), ValueError, r"expected \(..., 2\)"),
    (lambda: mo.valley(X2, kappa=0.5), ValueError, "kappa"),
    (lambda: mo.valley(X2, kappa=2.0, angle=math.nan), ValueError, "angle"),
    (lambda: mo.powers(X2, gamma=0.5), ValueError, "gamma"),
    (lambda: mo.powers(3.0, gamma=2.0), TypeError, "x is a float"),
    (lambda: mo.himmelblau(torch.ones(3)), ValueError, r"expected \(..., 2\)"),
    (lambda: mo.lessard([1.0]), TypeError, "x is a list"),
    (lambda: mo.nearest([1.0], Z2), TypeError, "x is a list"),
    (lambda: mo.nearest(X2, X2), ValueError, "y has shape"),
    (lambda: mo.nearest(X2, torch.ones(4, 1)), ValueError, r"y has shape \(4, 1\)"),
    (lambda: mo.logistic(Z3, torch.ones(2)), ValueError, "examples"),
    (lambda: mo.logistic(Z2, torch.tensor([0.0, 1.0])), ValueError, "labels -1 or 1"),
    (lambda: mo.logistic(Z2, torch.ones(2), ridge=-1), ValueError, "ridge"),
    (lambda: mo.logistic(Z2, torch.tensor([True, False])), TypeError, "labels -1 or 1"),
    (lambda: mo.margin(torch.stack([X2, 0 * X2]), Z2, torch.ones(2)), ValueError, "w is 0"),
    (lambda: mo.accuracy(torch.ones(1), Z2, torch.ones(2)), ValueError, "a weight for each of the 2"),
    (lambda: mo.distance_to(Z2)(Z2[:1]), ValueError, r"W has shape \(1, 2\)"),
    (lambda: mo.margin([1.0], Z2, torch.ones(2)), TypeError, "w is a list"),
    (lambda: mo.accuracy([1.0], Z2, torch.ones(2)), TypeError, "w is a list"),
    (lambda: mo.memoryless(3), TypeError, "step is a int"),
    (lambda: mo.memoryless(lambda k, x: x[:1])(0, XV), ValueError, r"step\(k, x\) has shape"),
    (lambda: mo.together(3), TypeError, "step is a int"),
    (lambda: mo.together(mo.sign_descent)(0, Z2), ValueError, "a row for each of the 1 methods"),
    (lambda: mo.together(mo.adam)(0, mo.Moments(Z2[:1], Z2[:1], Z2)), ValueError, r"v has shape \(2, 2\).*methods"),
    (lambda: mo.together(mo.sign_descent)(0, torch.ones(1)), ValueError, "methods"),
    (lambda: mo.together(lambda k, z: z.x, mo.adam)(0, mo.at_rest(Z2, mo.Moments)), TypeError, r"step\(k, z\) is a Tensor"),
    (lambda: mo.five(0, mo.at_rest(torch.ones(4, 2), mo.Moments), f=flat, lr=0.1), ValueError, r"\(5, \.\.\., d\)"),
    (lambda: mo.five(0, mo.at_rest(torch.ones(5, 2), mo.Moments), f=flat, lr=-0.1), ValueError, "lr"),
    (lambda: mo.timed(mo.adam, f=flat, tol=0.1)(0, XMV), TypeError, "x and clock among them"),
    (lambda: mo.memoryless(mo.sign_descent)(0, X2), TypeError, "x among them"),
    (lambda: mo.timed(mo.adam, f=flat, tol=0.1)(0, Clocked(X2, X2, X2)), ValueError, "one number for each start"),
    (lambda: mo.timed(3, f=flat, tol=0.1), TypeError, "step is a int"),
    (lambda: mo.timed(mo.adam, f=flat, tol=0.0), ValueError, "tol"),
    (lambda: mo.distance_to(X2), ValueError, "target"),
    (lambda: mo.factorisation(X2), ValueError, "M has shape"),
]


@pytest.mark.parametrize("call, error, words", BAD)
def test_bad_input_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()
