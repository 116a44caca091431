"""Memory's oracles: the exact score of n data ends on the data; when a sample belongs to one datum, and when to one class."""

import math
from functools import partial

import pytest
import torch
from scipy.integrate import quad

import companion.sampling.generative as ge
from companion import check
from companion.energies import grad
from companion.flow import iterate
from companion.gaussians import mixture
from companion.noise import with_noise
from tests.helpers import cloud, number

F8 = torch.float64


def kernel_mixture(data, eps):
    n = len(data)
    return mixture(torch.ones(n, dtype=F8), data, torch.full((n,), eps**2, dtype=F8))


# --- the empirical score (4c.10) -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d", [1, 2, 7])
@pytest.mark.parametrize("s, eps", [(0.3, 0.2), (2.0, 0.05), (0.0, 0.4)])
def test_the_empirical_score_is_that_of_a_mixture(d, s, eps):
    data, x = cloud(6, d), cloud(9, d, seed=1)
    law = ge.noised(kernel_mixture(data, eps), s)
    check.close(ge.empirical_score(data, eps=eps)(s, x), law.score(x), tol=1e-10)
    check.close(ge.empirical_score(data, eps=eps)(s, x), grad(law.log_density, x), tol=1e-10)
    check.close(ge.weights(s, x, data, eps=eps), law.responsibilities(x), tol=1e-12)


def test_without_bandwidth_it_is_the_limit():
    data, x = cloud(6, 2), cloud(9, 2, seed=1)
    check.close(ge.empirical_score(data)(0.5, x), ge.exact_score(kernel_mixture(data, 1e-7))(0.5, x), tol=1e-9)


@pytest.mark.parametrize("present", [1, 4, 6])
def test_only_the_present_data_count(present):
    data, x = cloud(6, 2), cloud(9, 2, seed=1)
    kept = ge.empirical_score(data[:present], eps=0.1)(0.4, x)
    check.close(ge.empirical_score(data, eps=0.1, present=present)(0.4, x), kept, tol=1e-12)
    check.close(ge.empirical_score(data, eps=0.1, present=number(float(present)))(0.4, x), kept, tol=1e-12)
    assert (ge.weights(0.4, x, data, present=present)[:, present:] == 0).all()


def test_the_ode_ends_on_the_data_and_reaches_every_datum():
    n, count, steps = 20, 500, 400
    data = cloud(n, 2, seed=4)
    clock = partial(ge.log_snr_clock, T=5.0, least=1e-7)
    end = iterate(ge.sampler(ge.ddim_step, ge.empirical_score(data), clock=clock, n=steps), cloud(count, 2, seed=5), steps, every=steps).end
    far, which = torch.cdist(end, data).min(-1)
    assert far.max() < 5e-3
    share = torch.bincount(which, minlength=n) / count
    assert (share > 0).all() and (share - 1 / n).abs().max() < 4 * math.sqrt(1 / n * (1 - 1 / n) / count)


def test_with_a_bandwidth_the_end_has_the_bandwidth():
    data, eps, steps = cloud(3, 2, seed=4) * 4, 0.3, 300
    clock = partial(ge.log_snr_clock, T=6.0, least=1e-6)
    step = ge.sampler(ge.heun_step, ge.empirical_score(data, eps=eps), clock=clock, n=steps)
    end = iterate(step, cloud(2000, 2, seed=6), steps, every=steps).end
    squared = torch.cdist(end, data).min(-1).values.square() / eps**2
    assert abs(squared.mean() - 2) < 4 * 2 / math.sqrt(2000)


# --- collapse (4c.11) ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d, n, values", [(20, 400, (0.935, 0.586, 0.22)), (40, 1500, (0.970, 0.588, 0.12)), (100, 1500, (0.997, 0.563, 0.05))])
def test_the_weight_of_the_own_datum_crosses_over_at_the_collapse_time(d, n, values):
    data, xi, at = cloud(n, d, seed=8), cloud(n, d, seed=9), ge.collapse_time(n, d)
    for factor, value in zip((0.6, 1.0, 1.5), values, strict=True):
        own = ge.own_weight(factor * at, data, xi)
        assert own.shape == (n,) and abs(own.mean() - value) < 0.05


def test_own_weight_is_bayes_rule():
    data, xi, s = cloud(5, 3), cloud(5, 3, seed=1), 0.4
    a, v = math.exp(-s), 1 - math.exp(-2 * s)
    x = a * data + math.sqrt(v) * xi
    likelihood = torch.stack([torch.distributions.Normal(a * y, math.sqrt(v)).log_prob(x).sum(-1) for y in data], -1).exp()
    check.close(ge.own_weight(s, data, xi), (likelihood / likelihood.sum(-1, keepdim=True)).diagonal(), tol=1e-12)


def test_collapse_time():
    check.close(ge.collapse_time(10**4, 50), 0.5886, tol=5e-5)
    check.close(ge.collapse_time(400, 20, std=2.0), 0.5 * math.log(1 + 4 / (400**0.1 - 1)), tol=1e-12)
    check.close(ge.collapse_time(number(400.0), number(20.0)), 0.5 * math.log(1 + 1 / (400**0.1 - 1)), tol=1e-12)
    n, d = 3000, 40
    s = float(ge.collapse_time(n, d))
    check.close(d / 2 * math.log(1 + 1 / math.expm1(2 * s)), math.log(n), tol=1e-12)  # information on the datum = log n


# --- speciation (4c.11) ----------------------------------------------------------------------------------------------------------

def test_agreement_against_quadrature_and_its_ends():
    for s, m in ((0.2, 1.5), (1.0, 3.0), (2.0, 3.0)):
        r = m * math.exp(-s)
        exact = quad(lambda z, r=r: math.tanh(r * r + r * z) ** 2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi), -12, 12)[0]
        check.close(ge.agreement(number(s), m), (1 + exact) / 2, tol=1e-9)
    check.close(ge.agreement(torch.tensor([0.0, 30.0], dtype=F8), 8.0), [1.0, 0.5], tol=1e-10)


@pytest.mark.parametrize("m", [1.5, 4.0, 50.0])
def test_at_the_speciation_time_the_agreement_does_not_depend_on_the_distance(m):
    value = ge.agreement(ge.speciation_time(number(m)), m)
    assert abs(value - 0.775) < 5e-4
    check.close(value, ge.agreement(number(0.0), 1.0), tol=1e-12)
    check.close(ge.speciation_time(m), math.log(m), tol=1e-12)


def test_two_clones_agree_as_often_as_said():
    """From one sample at time s, two reversed SDEs with their own noise; a class is drawn from the posterior at the end."""
    m, s, n, steps = 3.0, 0.9, 8000, 60
    target = mixture(torch.ones(2, dtype=F8), number([[-m], [m]]), torch.ones(2, dtype=F8))
    signs = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0).to(F8)[:, None]
    start = math.exp(-s) * m * signs + cloud(n, 1)
    step = with_noise(ge.sampler(ge.sde_step, ge.exact_score(target), clock=partial(ge.uniform_clock, T=s), n=steps), seed=2)
    end = iterate(step, torch.stack([start, start]), steps, every=steps).end
    share = (end[0].sign() == end[1].sign()).to(F8).mean()
    exact = ge.agreement(number(s), m)
    assert abs(share - exact) < 4 * math.sqrt(exact * (1 - exact) / n) + 0.01  # a sign misnames one sample in 740; the steps are finite


# --- bad input -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call, error", [
    (lambda: ge.weights(0.5, torch.zeros(3, 2), torch.zeros(4, 3)), ValueError), (lambda: ge.weights(0.5, torch.zeros(3, 2), None), TypeError),
    (lambda: ge.weights(-0.5, torch.zeros(3, 2), torch.zeros(4, 2)), ValueError),
    (lambda: ge.weights(0.5, torch.zeros(3, 2), torch.zeros(4, 2), eps=-1.0), ValueError),
    (lambda: ge.weights(0.5, torch.zeros(3, 2), torch.zeros(4, 2), present=0), ValueError),
    (lambda: ge.empirical_score(torch.zeros(4))(0.5, torch.zeros(3, 2)), ValueError),
    (lambda: ge.own_weight(0.5, torch.zeros(3, 2), torch.zeros(3, 1)), ValueError),
    (lambda: ge.own_weight("late", torch.zeros(3, 2), torch.zeros(3, 2)), TypeError),
    (lambda: ge.collapse_time(1, 5), ValueError), (lambda: ge.collapse_time(10, 0), ValueError),
    (lambda: ge.collapse_time(10, 2, std=0.0), ValueError), (lambda: ge.speciation_time(0.0), ValueError),
    (lambda: ge.speciation_time(None), TypeError), (lambda: ge.agreement(0.5, 1.0), TypeError),
    (lambda: ge.agreement(torch.zeros(2), -1.0), ValueError),
])
def test_bad_input_is_refused(call, error):
    with pytest.raises(error):
        call()
