"""Numbers that cancel, overflow or are none: what float32 answers is what float64 answers, and what has no answer is refused in words."""

import math
from functools import partial

import pytest
import torch

import companion.training.gradient_flows as gf
import companion.training.momentum as mo
from companion.energies import grad
from companion.fokker_planck import bernoulli, fisher_rao, transition_matrix
from companion.state import each

F8 = torch.float64


def bowl(x):
    return x.square().sum(-1) / 2


def near(found, expected, rel):
    """found, of any dtype, is expected, of float64, to the relative error rel, entry by entry."""
    expected = torch.as_tensor(expected, dtype=F8)
    error = (torch.as_tensor(found).double() - expected).abs() / expected.abs()
    assert error.max() <= rel, error.max()


def test_bernoulli_does_not_cancel_and_its_gradient_is_finite_far_away():
    z = torch.cat([torch.linspace(-3, 3, 601), torch.tensor([-60.0, 60.0])])
    exact = z.double() / torch.expm1(z.double())
    near(bernoulli(z), torch.where(z == 0, 1.0, exact), 3e-7)
    far = torch.tensor([-60.0, 0.0, 1e8])
    assert grad(lambda y: bernoulli(y[..., 0]), far[:, None]).isfinite().all()


def test_a_transition_in_float32_keeps_mass():
    grid = torch.linspace(-2, 2, 40)
    P = transition_matrix(bowl, grid, dt=0.1)
    near(P.double().sum(-1), torch.ones(40), 1e-6)
    near(P, transition_matrix(bowl, grid.double(), dt=0.1), 2e-5)


def test_the_exact_flow_of_a_small_variance_in_a_small_time():
    v, t = torch.tensor(1e-9), 1e-9
    near(gf.ou_moments(t, torch.tensor(0.0), v, lam=2.0)[1], 1e-9 + 2e-9, 1e-6)


def test_kl_near_equilibrium_does_not_cancel():
    excess = torch.tensor([-1e-4, 1e-6, 1e-3], dtype=F8)
    near(gf.ou_kl(0.0, 1 + excess, lam=1.0), excess**2 / 4 - excess**3 / 6 + excess**4 / 8, 1e-9)


def test_densities_may_be_zero():
    pi = torch.tensor([0.5, 0.5, 1.0, 0.0])
    rho = torch.tensor([1.0, 1.0, 0.0, 0.0])
    near(gf.kl_on_grid(rho, pi, 0.5), math.log(2.0), 1e-6)
    assert gf.kl_on_grid(pi, rho, 0.5).isposinf()
    moved = fisher_rao(torch.tensor([1.0, 0.6, 0.4, 0.0]), torch.full((4,), 0.5), t=0.1)
    assert moved.isfinite().all() and moved[-1] == 0 and abs(moved.sum() - 2) < 1e-6
    with pytest.raises(ValueError, match="pi is 0 where rho is not"):
        fisher_rao(torch.ones(4), pi, t=0.1)
    with pytest.raises(ValueError, match="rho has entries from -1"):
        gf.kl_on_grid(-rho, pi, 0.5)


def test_far_from_the_well_the_flow_and_the_prox_keep_their_digits():
    x, t = torch.tensor([[1000.0, 1.0]]), 1e-6
    a = x[0, 0].double()
    near(gf.double_well.flow(x, t, 2.0)[0, 0], a / (math.exp(-2 * t) - a**2 * math.expm1(-2 * t)).sqrt(), 3e-7)
    for tau in (1e-3, 0.1, 10.0, 1e3):
        far = torch.tensor([[s, 0.0] for s in (-1e6, -3.0, -0.5, 0.0, 0.2, 1.0, 40.0, 1e3, 1e9)], dtype=F8)
        y = gf.double_well.prox(far, tau, 2.0)[:, 0]
        near(y + tau * (y**3 - y) + 1, far[:, 0] + 1, 1e-9)


def test_a_proximal_step_where_the_energy_does_not_resolve_it():
    x = 1e-3 * torch.tensor([[1.0], [-0.3], [0.01]])

    def well(y):
        return (y[..., 0].square() - 1).square() / 4

    near(gf.implicit_step(well, x, tau=0.1), gf.implicit_step(well, x.double(), tau=0.1), 1e-5)


def test_barenblatt_in_float32_near_the_heat_kernel():
    x = torch.linspace(-2, 2, 41)
    for m in (1.0011, 1.01, 2.0):
        exact = gf.barenblatt(x.double(), t=0.7, m=m)
        assert (gf.barenblatt(x, t=0.7, m=m).double() - exact).abs().max() <= 1e-7 * exact.max()
        near(gf.front(x, t=0.7, m=m), gf.front(x.double(), t=0.7, m=m), 1e-7)


def test_a_cloud_of_equal_numbers_has_no_spread_to_rescale():
    with pytest.raises(ValueError, match="equal numbers"):
        gf.rescale(torch.ones(3, 4), 0.0, 1.0)


def test_the_jko_step_says_where_it_overflows():
    x = torch.tensor([0.0, 1e-30, 1.0])
    with pytest.raises(ValueError, match="expected"):
        gf.jko_quantile_step(bowl, x, torch.tensor([0.5, 0.5]), tau=0.1)


def test_a_heavily_damped_mode_keeps_its_digits():
    mu, friction = torch.tensor([1e-3, 1.0, 1e6]), 1e3
    exact = friction - (friction**2 - 4 * mu[:2].double()).sqrt()
    near(mo.damping_exponent(mu, friction=friction), [*exact, friction], 1e-6)


def test_radii_in_float32_at_the_double_root():
    lr, momentum = mo.heavy_ball_tuning(0.01, 1.0)
    lam = torch.logspace(-2, -0.01, 50)
    for radius in (partial(mo.heavy_ball_radius, lr=lr, momentum=momentum), partial(mo.nesterov_radius, lr=1.0, momentum=0.8),
                   partial(mo.frozen_adam_radius, beta1=0.9)):
        near(radius(lam), radius(lam.double()), 2e-7)


def test_a_tuning_for_almost_equal_curvatures_does_not_cancel():
    mu, L = 1.0, 1.0 + 2.0**-40
    near([mo.nesterov_tuning(mu, L)[1], mo.heavy_ball_tuning(mu, L)[1]], [2.0**-42, 2.0**-84], 1e-9)


def test_bessels_profile_in_float32():
    s = torch.linspace(0, 500, 101)
    assert (mo.bessel_profile(s).double() - mo.bessel_profile(s.double())).abs().max() < 1e-7


def test_the_correlation_of_many_gradients_in_float32():
    g = torch.randn(20000, 3, generator=torch.Generator().manual_seed(0)) + torch.tensor([0.1, 0.0, 0.0])
    near(mo.correlation(g), mo.correlation(g.double()), 1e-6)
    assert mo.growth_ratio(torch.tensor([[1.0], [-1.0]])).isposinf()
    with pytest.raises(ValueError, match="all of them"):
        mo.growth_ratio(torch.zeros(3, 2))


def test_directions_whose_length_overflows_are_not_rest():
    far = torch.full((3, 2), 1e30)
    for step in (partial(mo.normalised_descent, f=bowl, lr=0.1), partial(mo.steepest_flow, f=bowl, geometry=mo.l2)):
        with pytest.raises(ValueError, match="overflow"):
            step(0, far)
    with pytest.raises(ValueError, match="overflow"):
        mo.newton_schulz(far)


def test_muon_takes_its_steps_from_newton_and_schulz():
    z = mo.at_rest(torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=F8), mo.MatrixMoment)
    f = mo.distance_to(torch.zeros(3, 4, dtype=F8))
    for steps in (1, 5):
        same = mo.muon(0, z, f=f, lr=0.1, orthogonal=partial(mo.newton_schulz, steps=steps))
        assert torch.equal(mo.muon(0, z, f=f, lr=0.1, steps=steps).W, same.W)
    assert not torch.equal(mo.muon(0, z, f=f, lr=0.1, steps=1).W, mo.muon(0, z, f=f, lr=0.1).W)
    with pytest.raises(ValueError, match="steps = 0; expected"):
        mo.muon(0, z, f=f, lr=0.1, steps=0)


def test_the_preconditioner_of_the_first_steps_in_float32():
    z = mo.Moments(*torch.ones(3, 4, 2))
    for k in (1, 2, 50):
        near(mo.preconditioner(k, z), mo.preconditioner(k, each(torch.Tensor.double, z)), 1e-6)


@pytest.mark.parametrize("step", [mo.adam, mo.amsgrad, partial(mo.adamw, decay=0.1), partial(mo.adam_l2, decay=0.1)])
def test_adam_begins_at_step_0_and_divides_by_no_negative_mean(step):
    z = mo.at_rest(torch.ones(5, 2), mo.MaxMoments if step is mo.amsgrad else mo.Moments)
    with pytest.raises(ValueError, match="k = -1; expected"):
        step(-1, z, f=bowl, lr=0.1)
    with pytest.raises(ValueError, match="v has the entry -1"):
        step(0, z._replace(v=z.v - 1), f=bowl, lr=0.1)


def test_a_mirror_refuses_what_it_does_not_see():
    x = torch.tensor([0.5, -0.5])
    for mirror in (mo.entropy, mo.simplex):
        with pytest.raises(ValueError, match="expected x > 0"):
            mo.mirror_descent(0, x, f=bowl, lr=0.1, mirror=mirror)
    assert mo.mirror_descent(0, x, f=bowl, lr=0.1, mirror=mo.power(3.0)).isfinite().all()


def test_weights_and_labels_that_are_none():
    X, y = torch.eye(2), torch.tensor([1.0, -1.0])
    with pytest.raises(ValueError, match="w contains NaN"):
        mo.accuracy(torch.tensor([1.0, math.nan]), X, y)
    with pytest.raises(ValueError, match="w is 0"):
        mo.margin(torch.zeros(2), X, y)
    with pytest.raises(TypeError, match="y has dtype"):
        mo.accuracy(torch.ones(2), X, y > 0)
    with pytest.raises(ValueError, match="order = "):
        mo.margin(torch.ones(2), X, y, order=0.5)
