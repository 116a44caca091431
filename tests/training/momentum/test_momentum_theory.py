"""Momentum in continuous time, against Bessel functions, exponents, Lyapunov functions and the discrete maps that tend to it."""

import itertools
import math
from functools import partial

import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.special import j1, jn_zeros

from companion import check
from companion.energies import descent, grad
from companion.flow import as_scipy, flow, iterate
from companion.potentials import quadratic
from companion.state import each
from companion.training import momentum as mo
from tests.helpers import close

pytestmark = pytest.mark.usefixtures("float64")

CASES = [(1.0, 2.0), (0.3, 1.0), (4.0, 3.0), (1.7, 5.0), (0.8, 2.6)]  # mu, r


def bowl(x):
    return (x**4 / 4 - x.square() / 2).sum(-1)


def tilted(x):
    """A function of three variables without symmetry."""
    return (x[..., 0] - 2 * x[..., 1]).square() + torch.cos(x[..., 1] + x[..., 2]) + x[..., 2] ** 4 / 8


def alike(a, b, tol=1e-9):
    """close, part by part."""
    each(lambda x, y: close(x, y, tol), a, b)


def pushed(z, v, dt):
    """z + dt v, part by part."""
    return each(lambda x, y: x + dt * y, z, v)


# The fields


def test_heavy_ball_flow_is_newtons_law_with_friction(generator):
    x, v = torch.randn(2, 5, 3, generator=generator)
    alike(mo.heavy_ball_flow(0.0, mo.Inertia(x, v), f=tilted, friction=0.7), mo.Inertia(v, -0.7 * v - grad(tilted, x)))


def test_heavy_ball_flow_loses_the_energy_that_friction_takes(generator):
    z = mo.Inertia(*torch.randn(2, 4, 3, generator=generator))
    field = mo.heavy_ball_flow(0.0, z, f=tilted, friction=0.7)
    falls = grad(tilted, z.x) * field.x + z.v * field.v  # of the energy f + |v|^2/2
    close(falls.sum(-1), -0.7 * z.v.square().sum(-1))


def test_without_friction_a_mode_turns_for_ever():
    end = flow(partial(mo.heavy_ball_flow, f=quadratic(torch.eye(1) * 4.0), friction=0.0), mo.at_rest(torch.tensor([1.0]), mo.Inertia), 1.0, 100).end
    close(torch.cat(end), torch.tensor([math.cos(2.0), -2 * math.sin(2.0)]), 1e-6)


@pytest.mark.parametrize("t", [0.5, 3.0])
def test_nesterov_flow_has_the_friction_r_over_t(generator, t):
    z = mo.Inertia(*torch.randn(2, 5, 3, generator=generator))
    alike(mo.nesterov_flow(t, z, f=tilted, r=2.2), mo.heavy_ball_flow(t, z, f=tilted, friction=2.2 / t))


def test_nesterov_flow_begins_with_its_limit(generator):
    z = mo.at_rest(torch.randn(4, 3, generator=generator), mo.Inertia)
    begin = mo.nesterov_flow(0.0, z, f=tilted, r=2.2)
    alike(begin, mo.Inertia(0 * z.x, -grad(tilted, z.x) / 3.2))
    t = 1e-6
    alike(mo.nesterov_flow(t, pushed(z, begin, t), f=tilted, r=2.2), begin, 1e-5)


@pytest.mark.parametrize("mu, r", CASES)
def test_nesterov_flow_is_followed_at_order_four_from_its_singular_start(mu, r):
    f, x0 = quadratic(torch.eye(1) * mu), torch.tensor([1.3])

    def end(n):
        return flow(partial(mo.nesterov_flow, f=f, r=r), mo.at_rest(x0, mo.Inertia), 2.0, n).end.x

    check.order(end, 4, exact=mo.nesterov_quadratic(2.0, x0, mu=mu, r=r), steps=(20, 40))


def test_adam_flow_by_hand(generator):
    x, m, v = torch.randn(3, 4, 3, generator=generator)
    v, t, a, b = v.square(), 0.8, 1.5, 0.4
    g = grad(tilted, x)
    field = mo.adam_flow(t, mo.Moments(x, m, v), f=tilted, a=a, b=b, eps=0.1, variance=0.3)
    close(field.x, -(m / (1 - math.exp(-a * t))) / (0.1 + torch.sqrt(v / (1 - math.exp(-b * t)))))
    close(field.m, a * (g - m))
    close(field.v, b * (g * g + 0.3 - v))


def test_adam_flow_begins_with_its_limit(generator):
    z = mo.at_rest(torch.randn(4, 3, generator=generator), mo.Moments)
    field = partial(mo.adam_flow, f=tilted, a=1.5, b=0.4, eps=0.1, variance=0.3)
    g, t = grad(tilted, z.x), 1e-7
    close(field(0.0, z).x, -g / (0.1 + torch.sqrt(g.square() + 0.3)))
    alike(field(t, pushed(z, field(0.0, z), t)), field(0.0, z), 1e-5)


def test_adam_flow_in_single_precision_near_the_start(generator):
    z, t = mo.at_rest(torch.randn(4, 3, generator=generator), mo.Moments), 1e-5
    z = pushed(z, mo.adam_flow(0.0, z, f=tilted), t)
    single = mo.adam_flow(torch.tensor(t, dtype=torch.float32), each(torch.Tensor.float, z), f=tilted)
    close(single.x.double(), mo.adam_flow(t, z, f=tilted).x, 1e-5)


def test_adam_flow_does_not_feel_the_scale_of_f_but_for_eps(generator):
    z = mo.at_rest(torch.randn(4, 3, generator=generator), mo.Moments)
    small, large = (flow(partial(mo.adam_flow, f=lambda x, c=c: c * tilted(x), eps=0.0), z, 1.0, 50).end.x for c in (1.0, 1e4))
    close(small, large, 1e-9)


def test_a_start_at_a_critical_point_stays():
    z = mo.at_rest(torch.tensor([1.0, -1.0, 0.0]), mo.Moments)
    alike(flow(partial(mo.adam_flow, f=bowl, eps=0.0), z, 1.0, 10).end, z)


# Bessel: the Nesterov equation on quadratics


@pytest.mark.parametrize("mu, r", CASES)
def test_closed_form_against_an_ode_solver(mu, r):
    f, z, t = quadratic(torch.eye(1) * mu), mo.at_rest(torch.tensor([1.3]), mo.Inertia), torch.linspace(0, 6, 13)
    found = solve_ivp(as_scipy(partial(mo.nesterov_flow, f=f, r=r), z), (0, 6), torch.cat(z).numpy(), t_eval=t.numpy(), rtol=1e-11, atol=1e-12)
    close(torch.as_tensor(found.y[0]), mo.nesterov_quadratic(t, 1.3, mu=mu, r=r), 2e-9)


@pytest.mark.parametrize("mu, r", CASES)
def test_closed_form_solves_the_equation(mu, r):
    t, h = torch.linspace(1.0, 20.0, 40), 1e-3
    before, now, after = (mo.nesterov_quadratic(s, -0.7, mu=mu, r=r) for s in (t - h, t, t + h))
    close((after - 2 * now + before) / h**2 + r / t * (after - before) / (2 * h) + mu * now, torch.zeros(40), 1e-5)
    close(mo.nesterov_quadratic(0.0, -0.7, mu=mu, r=r), -0.7)


def test_closed_form_for_r_2_is_a_sine_and_for_r_3_the_first_bessel_function():
    s = torch.linspace(0.1, 30, 50)
    close(mo.nesterov_quadratic(s / 2, 1.7, mu=4.0, r=2.0), 1.7 * torch.sin(s) / s)
    close(mo.nesterov_quadratic(s, 1.7, mu=1.0), 2 * 1.7 * torch.as_tensor(j1(s.numpy())) / s)


def test_closed_form_for_many_curvatures_and_times():
    t, mu, x0 = torch.rand(7, 1) * 9, torch.tensor([0.04, 1.0, 3.0]), torch.tensor([1.0, -2.0, 0.5])
    each = [[mo.nesterov_quadratic(s.item(), x.item(), mu=m.item()) for m, x in zip(mu, x0, strict=True)] for s in t]
    close(mo.nesterov_quadratic(t, x0, mu=mu), torch.tensor(each))


@pytest.mark.parametrize("r", [1.0, 1.3, 2.0, 3.0, 4.5, 8.0])
def test_profile_of_plain_operations(r):
    s = torch.linspace(-400.0, 400.0, 301)
    close(mo.bessel_profile(s, r=r), mo.nesterov_quadratic(s.abs(), 1.0, mu=1.0, r=r), 1e-9)
    close(mo.bessel_profile(torch.tensor(5.0), r=torch.tensor(r)), mo.bessel_profile(torch.full((1,), 5.0), r=r)[0])


def test_profile_holds_up_to_its_number_of_nodes():
    s = torch.linspace(0.0, 40.0, 100)
    close(mo.bessel_profile(s, nodes=40), mo.bessel_profile(s), 1e-9)
    with pytest.raises(ValueError, match="give more nodes"):
        mo.bessel_profile(s, nodes=39)
    close(mo.bessel_profile(s.float()).double(), mo.bessel_profile(s), 1e-7)


# The next order in the step


def largest_gap(h, *, mu, r, profile):
    """Between Nesterov's iterates up to t = 30 and a profile(t)."""
    t = h * torch.arange(round(30 / h) + 1)
    step = partial(mo.nesterov, f=lambda x: mu * x[..., 0].square() / 2, lr=h**2, r=r)
    return (iterate(step, mo.at_rest(torch.ones(1), mo.Inertia), len(t) - 1).x.x[:, 0] - profile(t)).abs().max().item()


@pytest.mark.parametrize(("mu", "r"), [(1.0, 1.0), (1.0, 3.0), (0.3, 2.0), (2.0, 5.0), (0.7, 8.0)])
def test_iterates_follow_the_next_order_to_the_second_order(mu, r):
    gaps = [largest_gap(h, mu=mu, r=r, profile=partial(mo.nesterov_profile, mu=mu, h=h, r=r)) for h in (0.2, 0.1, 0.05)]
    assert all(3.8 < a / b < 4.2 for a, b in itertools.pairwise(gaps)), gaps


def test_bessel_alone_is_of_the_first_order_and_worse():
    h = 0.2
    first, second = (largest_gap(s, mu=1.0, r=3.0, profile=mo.bessel_profile) for s in (h, h / 2))
    assert 1.9 < first / second < 2.1 and first > 10 * largest_gap(h, mu=1.0, r=3.0, profile=partial(mo.nesterov_profile, mu=1.0, h=h))


@pytest.mark.parametrize(("mu", "r", "h"), [(1.0, 3.0, 0.3), (0.5, 2.0, 0.1), (3.0, 5.0, 0.4)])
def test_nesterov_profile_solves_its_equation(mu, r, h):
    t, d = torch.linspace(1.0, 20.0, 50), 1e-3
    before, now, after = (mo.nesterov_profile(s, mu=mu, h=h, r=r) for s in (t - d, t, t + d))
    s, velocity = t + (r / 2 - 1) * h, (after - before) / (2 * d)
    force = (r / s + h * mu) * velocity + (1 + r * h / (2 * s)) * mu * now
    close((after - 2 * now + before) / d**2 + force, torch.zeros(50), 2e-5)
    close(mo.nesterov_profile(t, mu=mu, h=0.0, r=r), mo.bessel_profile(mu**0.5 * t, r=r), 1e-12)


def test_equation_of_the_next_order_beyond_quadratics():
    """x'' + (3/s) x' + h f'' x' + (1 + 3h/(2s)) f' = 0 against Nesterov on f = x^2/2 + x^4/4: an error of order 2."""
    gaps = []
    for h in (0.05, 0.025, 0.0125):
        n, start = round(10 / h), round(1 / h)  # from t = 1 on, where both are smooth
        step = partial(mo.nesterov, f=lambda x: (x.square() / 2 + x**4 / 4).sum(-1), lr=h**2)
        x = iterate(step, mo.at_rest(torch.ones(1), mo.Inertia), n).x.x[:, 0]

        def field(t, z, h=h):
            s = t + h / 2
            force = (1 + 1.5 * h / s) * (z[0] + z[0] ** 3)
            return [z[1], -(3 / s + h * (1 + 3 * z[0] ** 2)) * z[1] - force]

        v = (x[start + 1] - x[start - 1]) / (2 * h)
        times = h * torch.arange(start, n + 1)
        found = solve_ivp(field, (times[0], times[-1]), [x[start], v], t_eval=times.clamp(max=times[-1]), rtol=1e-10, atol=1e-12)
        gaps.append((x[start:] - torch.as_tensor(found.y[0])).abs().max().item())
    assert all(3.5 < a / b < 4.2 for a, b in itertools.pairwise(gaps)), gaps


@pytest.mark.parametrize("mu", [0.2, 1.0, 7.0])
def test_peak_of_the_energy(mu):
    t = torch.linspace(0.01, 30, 30001) / math.sqrt(mu)
    scaled = t.square() * mu / 2 * mo.nesterov_quadratic(t, 1.0, mu=mu).square()
    assert abs(scaled.max() - mo.bessel_peak()) < 1e-6 and abs(mo.bessel_peak() - 0.677134278) < 1e-9


@pytest.mark.parametrize("mu", [0.2, 1.0, 7.0])
def test_tail_of_the_energy(mu):
    t = torch.linspace(990, 1000, 20001) / math.sqrt(mu)
    scaled = t**3 * mu / 2 * mo.nesterov_quadratic(t, 1.0, mu=mu).square()
    close(scaled.max(), mo.bessel_tail(mu), 1e-4)
    close(mo.bessel_tail(torch.tensor([mu])), torch.tensor([4 / (math.pi * math.sqrt(mu))]))


def test_ripples_touch_zero_at_the_zeros_of_bessel():
    close(mo.nesterov_quadratic(torch.as_tensor(jn_zeros(1, 5)) / 3, 1.0, mu=9.0), torch.zeros(5), 1e-12)


def test_iterates_tend_to_the_curve_at_order_root_s():
    """f = 0.02 x_1^2 + 0.005 x_2^2 from (1, 1): the problem of Su, Boyd and Candes."""
    mu, worst = torch.tensor([0.04, 0.01]), []
    for s, n in ((1.0, 60), (0.25, 120), (0.05, 270)):
        path = iterate(partial(mo.nesterov, f=quadratic(torch.diag(mu)), lr=s), mo.at_rest(torch.ones(2), mo.Inertia), n)
        curve = mo.nesterov_quadratic(path.t[:, None] * math.sqrt(s), torch.ones(2), mu=mu)
        worst.append((path.x.x - curve).abs().max().item())
    close(worst, [0.14517, 0.07375, 0.03339], 1e-5)
    assert all(0.144 < e / math.sqrt(s) < 0.150 for e, s in zip(worst, (1.0, 0.25, 0.05), strict=True))


@pytest.mark.parametrize("gamma, r", [(1.5, 2.0), (1.5, 1.0), (4.0, 2.0), (4.0, 5.0)])
def test_nesterov_on_powers_of_x(gamma, r):
    """E = |x|^gamma + x'^2/2 falls as t^-a."""
    z, field = mo.at_rest(torch.ones(1), mo.Inertia), partial(mo.nesterov_flow, f=partial(mo.powers, gamma=gamma), r=r)
    x, v = torch.as_tensor(solve_ivp(as_scipy(field, z), (0, 60), torch.cat(z).numpy(), rtol=1e-7, atol=1e-10, t_eval=[20.0, 60.0]).y)
    energy = x.abs() ** gamma + v.square() / 2
    assert abs(math.log(energy[0] / energy[1]) / math.log(3) - mo.nesterov_exponent(gamma, r)) < 0.05


def test_nesterov_on_the_absolute_value_falls_as_t_to_the_minus_four_thirds():
    """x'' + (2/t) x' + s = 0 with s = sign x: x = d - c/t - s t^2/6 between zeros, which solve a quadratic equation: exact kink by kink."""
    times, energies, (t, s, c, d) = [], [], (math.sqrt(6.0), 1.0, 0.0, 1.0)
    for _ in range(3000):
        times.append(t)
        energies.append((c / t**2 - s * t / 3) ** 2 / 2)
        c, s = c - 2 * s * t**3 / 3, -s
        d = s * t**2 / 6 + c / t
        t = (math.sqrt(24 * s * d - 3 * t**2) - t) / 2
    slope = math.log(energies[300] / energies[-1]) / math.log(times[-1] / times[300])
    assert abs(slope - mo.nesterov_exponent(1, 2)) < 1e-3
    path = flow(partial(mo.nesterov_flow, f=partial(mo.powers, gamma=1.0), r=2.0), mo.at_rest(torch.tensor([1.0]), mo.Inertia), times[1], 1500)
    assert abs(path.end.x) < 3e-3 and abs(path.end.v.square() / 2 - energies[1]) < 3e-3


@pytest.mark.parametrize("r", [1.0, 2.0, 4.0])
def test_nesterov_on_a_parabola_falls_as_t_to_the_minus_r(r):
    t = torch.tensor([[1000.0], [4000.0]]) + torch.linspace(0, math.pi * math.sqrt(2), 400)[:-1]  # a period, by the closed form
    energy = mo.nesterov_quadratic(t, 1.0, mu=2.0, r=r).square().mean(-1)
    assert abs(math.log(energy[0] / energy[1]) / math.log(4) - mo.nesterov_exponent(2.0, r)) < 2e-3 * r


def test_exponents_of_nesterov_by_name():
    close([mo.nesterov_exponent(2, 2), mo.nesterov_exponent(1.5, 2), mo.nesterov_exponent(1, 2)], [2.0, 12 / 7, 4 / 3])
    close([mo.nesterov_exponent(4, 3), mo.nesterov_exponent(4, 9), mo.nesterov_exponent(4, 1.5)], [4.0, 4.0, 2.0])
    close([mo.nesterov_exponent(2.5, 50), mo.nesterov_exponent(2, 50)], [10.0, 50.0])


# Exponents of heavy ball


@pytest.mark.parametrize("mu, friction", [(1.0, 0.3), (1.0, 2.0), (1.0, 3.0), (2.5, 4.0), (0.3, 5.0), (2.0, 0.0)])
def test_damping_exponent_is_read_off_the_eigenvalues(mu, friction):
    modes = torch.linalg.eigvals(torch.tensor([[0.0, 1.0], [-mu, -friction]]))
    close(mo.damping_exponent(torch.tensor(mu), friction=friction), -2 * modes.real.max(), 1e-7)


def test_critical_damping_is_best_and_the_guaranteed_friction_attains_its_rate():
    mu = torch.tensor([0.5, 1.0, 3.0])
    for m in mu:
        assert max(mo.damping_exponent(m, friction=c / 100).item() for c in range(800)) <= 2 * m.sqrt() + 1e-12
        close(mo.damping_exponent(m, friction=2 * m.sqrt()), 2 * m.sqrt(), 1e-7)
        close(mo.damping_exponent(m, friction=3 * (m / 2).sqrt()), (2 * m).sqrt())
        close(mo.damping_exponent(m, friction=mo.quasar_friction(m)), mo.quasar_rate(m))


def test_energy_of_a_run_falls_at_the_exponent():
    for friction, period in ((1.2, math.pi / 0.8), (3.0, 3.0)):  # without overdamping, over one half-turn
        times = torch.cat((torch.linspace(0, 9, 180)[:-1], torch.linspace(9.0, 9.0 + period, 60)))
        path = flow(partial(mo.heavy_ball_flow, f=quadratic(torch.eye(1)), friction=friction), mo.at_rest(torch.tensor([1.0]), mo.Inertia), times)
        energy = sum(part.square().sum(-1) for part in path.x) / 2
        close(torch.log(energy[-60] / energy[-1]) / period, mo.damping_exponent(torch.tensor(1.0), friction=friction), 1e-4)


# Adam and its differential equation


def test_adam_tends_to_its_equation_at_order_one():
    z = mo.at_rest(torch.tensor([0.3]), mo.Moments)
    fine = flow(partial(mo.adam_flow, f=bowl, a=1.0, b=0.5, eps=1e-2), z, 8.0, 1600, every=5).x.x
    worst = []
    for lr, n in ((0.1, 80), (0.05, 160), (0.025, 320)):
        path = iterate(partial(mo.adam, f=bowl, lr=lr, beta1=1 - lr, beta2=1 - lr / 2, eps=1e-2), z, n)
        worst.append((path.x.x - fine[:: 320 // n]).abs().max().item())
    close(worst, [0.00995, 0.00437, 0.00204], 2e-5)
    assert all(1.9 < a / b < 2.4 for a, b in itertools.pairwise(worst))


def test_adam_with_noise_tends_to_the_equation_with_its_variance():
    """A gradient seen as g +- sd in turn has the mean square g^2 + sd^2."""
    sd, lr, z = 0.8, 0.0025, mo.at_rest(torch.tensor([0.3]), mo.Moments)

    def step(k, z):
        return mo.adam(k, z, f=lambda x: bowl(x) + (-1) ** k * sd * x.sum(-1), lr=lr, beta1=1 - lr, beta2=1 - lr / 2, eps=1e-2)

    end = flow(partial(mo.adam_flow, f=bowl, a=1.0, b=0.5, eps=1e-2, variance=sd**2), z, 2.0, 100).end
    plain = flow(partial(mo.adam_flow, f=bowl, a=1.0, b=0.5, eps=1e-2), z, 2.0, 100).end
    found = iterate(step, z, 800, every=800).end
    assert (found.x - end.x).abs().max() < 0.01 < 0.1 < (plain.x - end.x).abs().max()


@pytest.mark.parametrize("a, b", [(1.0, 0.5), (1.0, 4.0), (2.0, 0.02), (0.5, 2.0)])
def test_adam_energy_never_rises_if_b_is_at_most_4_a(a, b):
    x = torch.linspace(-2.0, 2.0, 12)[:, None]
    path = flow(partial(mo.adam_flow, f=bowl, a=a, b=b, eps=1e-2), mo.at_rest(x, mo.Moments), 6.0, 1200)
    energy = mo.adam_energy(path.t[:, None, None], path.x, f=bowl, a=a, b=b, eps=1e-2)
    close(energy[0], bowl(x))
    assert energy.diff(dim=0).max() < 1e-6
    assert energy[-1].max() < energy[0].max() - 1


def test_adam_energy_rises_if_the_second_mean_is_too_fast():
    path = flow(partial(mo.adam_flow, f=bowl, a=1.0, b=40.0, eps=1e-2), mo.at_rest(torch.tensor([0.3]), mo.Moments), 2.0, 400)
    energy = mo.adam_energy(path.t[:, None], path.x, f=bowl, a=1.0, b=40.0, eps=1e-2)
    assert (energy - energy.cummin(0).values).max() > 0.05


def test_adam_energy_by_hand(generator):
    x, m, v = torch.randn(3, 4, 3, generator=generator)
    v, t, a, b = v.square(), 0.8, 1.5, 0.4
    U = a * (1 - math.exp(-a * t)) * (0.1 + torch.sqrt(v / (1 - math.exp(-b * t))))
    close(mo.adam_energy(t, mo.Moments(x, m, v), f=tilted, a=a, b=b, eps=0.1), tilted(x) + (m * m / U).sum(-1) / 2)


XV, XMV = mo.at_rest(torch.ones(2), mo.Inertia), mo.at_rest(torch.ones(2), mo.Moments)


@pytest.mark.parametrize("call", [
    lambda: mo.heavy_ball_flow(0.0, torch.ones(2, 2), f=bowl, friction=1.0),
    lambda: mo.heavy_ball_flow(0.0, XV, f=bowl, friction=-1.0),
    lambda: mo.heavy_ball_flow(0.0, XV, f=3, friction=1.0),
    lambda: mo.nesterov_flow(0.0, torch.ones(2), f=bowl),
    lambda: mo.nesterov_flow(0.0, XV, f=bowl, r=-1),
    lambda: mo.adam_flow(0.0, XV, f=bowl),
    lambda: mo.adam_flow(0.0, XMV, f=bowl, a=0.0),
    lambda: mo.adam_flow(0.0, XMV, f=bowl, b="1"),
    lambda: mo.adam_flow(0.0, XMV, f=bowl, eps=-1.0),
    lambda: mo.adam_flow(0.0, XMV, f=bowl, variance=-1.0),
    lambda: mo.adam_energy(0.0, [1.0], f=bowl),
    lambda: mo.adam_energy(0.0, XMV, f=bowl, a=-1.0),
    lambda: mo.adam_energy(0.0, XMV, f=bowl, b=0.0),
    lambda: mo.nesterov_quadratic(-1.0, 1.0, mu=1.0),
    lambda: mo.nesterov_quadratic(1.0, 1.0, mu=0.0),
    lambda: mo.nesterov_quadratic(1.0, 1.0, mu=1.0, r=0.0),
    lambda: mo.nesterov_quadratic("1", 1.0, mu=1.0),
    lambda: mo.nesterov_quadratic(1.0, "x", mu=1.0),
    lambda: mo.bessel_profile(3.0),
    lambda: mo.nesterov_profile(3.0, mu=1.0, h=0.1),
    lambda: mo.nesterov_profile(torch.ones(2), mu=-1.0, h=0.1),
    lambda: mo.nesterov_profile(torch.ones(2), mu=1.0, h=0.1, r=0.5),
    lambda: mo.bessel_profile(torch.ones(2), r=0.5),
    lambda: mo.bessel_profile(torch.ones(2), nodes=0),
    lambda: mo.bessel_tail(0.0),
    lambda: mo.damping_exponent(1.0, friction=1.0),
    lambda: mo.damping_exponent(torch.ones(2), friction=-1.0),
    lambda: mo.nesterov_exponent(0.5, 3.0),
    lambda: mo.nesterov_exponent(2.0, 0.0),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()


@pytest.mark.parametrize("times, many", [(3, 2), (2, 3)])
def test_curvatures_of_another_shape_than_the_times_are_refused(times, many):
    with pytest.raises(ValueError, match="shapes that broadcast"):
        mo.nesterov_profile(torch.ones(times), mu=torch.ones(many), h=0.1)


def test_gradient_flow_is_the_limit_of_strong_friction():
    """x'' + c x' + grad f = 0 in the time t/c tends to x' = -grad f as c grows."""
    x, errors = torch.tensor([0.3]), []
    for c in (20.0, 40.0):
        end = flow(partial(mo.heavy_ball_flow, f=bowl, friction=c), mo.at_rest(x, mo.Inertia), c, 1600).end.x
        errors.append((end - flow(descent(bowl), x, 1.0, 100).end).abs().item())
    assert errors[1] < 1e-3 and 3.2 < errors[0] / errors[1] < 4.8


def test_heavy_ball_tends_to_its_flow_at_order_root_lr():
    """momentum = 1 - friction sqrt(lr), t = k sqrt(lr)."""
    z, friction, errors = mo.at_rest(torch.tensor([0.3]), mo.Inertia), 0.7, []
    end = flow(partial(mo.heavy_ball_flow, f=bowl, friction=friction), z, 4.0, 200).end
    for n in (100, 200, 400):
        h = 4.0 / n
        found = iterate(partial(mo.heavy_ball, f=bowl, lr=h * h, momentum=1 - friction * h), z, n, every=n).end
        errors.append(torch.cat([found.x - end.x, found.v / h - end.v]).norm().item())
    assert errors[-1] < 0.02 and all(1.8 < a / b < 2.2 for a, b in itertools.pairwise(errors))
