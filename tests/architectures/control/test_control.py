"""Optimal control: the solver against closed forms, and against the published values of the control-toolbox."""

import math

import pytest
import torch

from companion.architectures import control
from companion.architectures.control import Problem, direct, goddard, shooting, solve
from companion.architectures.control import double_integrator as cart
from companion.flow import flow
from tests.helpers import near, vector

F8 = torch.float64


def square(t, x, u):
    return u.square().sum(-1) / 2


def transfer(cost=square, d=1.0, T=1.0, **options):
    """From rest at -d to rest at 0."""
    return Problem(cart.field, cost, x0=vector(-d, 0), xT=(0, 0), T=T, **options)


# the double integrator, least energy

@pytest.mark.parametrize("d, T", [(1.0, 1.0), (0.7, 2.0)])
def test_least_energy_by_shooting(d, T):
    found, law = solve(transfer(d=d, T=T), method=shooting, p0=vector(1, 1), steps=20), cart.energy(d, T)
    t = found.path.t
    assert near(found.costate[0], [12 * d / T**3, 6 * d / T**2], 1e-10) and near(found.costate[0], law.p0, 1e-10)
    assert near(found.cost, 6 * d**2 / T**3, 1e-10) and law.cost == pytest.approx(6 * d**2 / T**3) and found.residual < 1e-12
    assert near(found.u[:, 0], 6 * d / T**2 * (1 - 2 * t / T), 1e-10)
    assert near(found.path.x[:, 0], -d + d * (3 * (t / T) ** 2 - 2 * (t / T) ** 3), 1e-10)


@pytest.mark.parametrize("N", [5, 10, 20])
def test_the_discrete_optimum_is_exact(N):
    found = solve(transfer(), method=direct, steps=N)
    assert near(found.cost, 6 / (1 - N**-2), 1e-10) and near(found.path.x[-1], [0, 0], 1e-10) and found.residual < 1e-5
    centres = (torch.arange(N, dtype=F8) + 0.5) / N
    assert near(found.u[:-1, 0], 6 / (1 - N**-2) * (1 - 2 * centres), 1e-6) and torch.equal(found.u[-1], found.u[-2])
    # in Pontryagin's sign the costate is the derivative of the least cost: 2 x cost / d per unit of distance
    assert near(found.costate[0], [12 / (1 - N**-2), 6 / (1 - N**-2)], 1e-5) and near(found.costate[:, 0], found.costate[0, 0].expand(N + 1), 1e-5)


def test_the_horizon_of_the_continuation_tutorial():
    for T, twice in ((1.0, 12.0), (1.25, 6.144), (1.5, 3.5556), (1.75, 2.2391), (2.0, 1.5)):
        assert 2 * cart.energy(1.0, T).cost == pytest.approx(twice, abs=5e-5)


def test_a_bounded_control_saturates():
    law = cart.bounded_energy(4.5)
    assert near(law.p0, [15.588457268, 7.794228634], 1e-8) and law.cost == pytest.approx(6.227885683, abs=1e-8)
    assert law.switches == pytest.approx((0.5 - 0.288675135, 0.5 + 0.288675135))
    found = shooting(transfer(bounds=(-4.5, 4.5)), p0=vector(12, 6), steps=60)
    assert near(found.costate[0], law.p0, 0.01) and found.u.abs().max() == 4.5 and near(found.cost, law.cost, 0.01)
    by_hand = direct(transfer(bounds=(-4.5, 4.5)), steps=20)
    assert by_hand.u.abs().max() <= 4.5 and law.cost < by_hand.cost < law.cost + 0.02
    assert cart.bounded_energy(6.5).cost == 6.0 and cart.bounded_energy(6.5).switches == ()
    scaled = cart.bounded_energy(4.5 * 0.7 / 4, d=0.7, T=2.0)  # lengths by 0.7, times by 2
    assert scaled.cost == pytest.approx(law.cost * 0.7**2 / 8) and scaled.switches == pytest.approx([2 * s for s in law.switches])
    assert near(scaled.p0, law.p0 * vector(0.7 / 8, 0.7 / 4), 1e-12)


# other costs, other shapes

def test_least_fuel_is_bang_off_bang():
    law = cart.fuel(5.0)
    s = law.switches[0]
    assert law.cost == pytest.approx(2.763932023, abs=1e-9) and near(law.p0, [4.472135955, 2.236067977], 1e-9)
    assert s == pytest.approx((1 - math.sqrt(1 - 4 / 5)) / 2) and law.switches[1] == 1 - s
    p2 = law.p0[1] - law.p0[0] * vector(s, 1 - s)
    assert near(p2, [1, -1], 1e-12)  # the control changes where |p_2| = 1
    x = vector(-1, 0)
    for begin, end, u in ((0, s, 5.0), (s, 1 - s, 0.0), (1 - s, 1, -5.0)):
        x = flow(lambda t, y, u=u: cart.field(t, y, y.new_tensor([u])), x, end - begin, 4).end
    assert near(x, [0, 0], 1e-12)
    scaled = cart.fuel(5.0 * 0.7 / 4, d=0.7, T=2.0)
    assert scaled.cost == pytest.approx(2.763932023 * 0.7 / 2) and scaled.switches == pytest.approx((2 * s, 2 - 2 * s))


def test_fuel_as_two_nonnegative_controls():
    both = Problem(lambda t, x, u: torch.stack([x[..., 1], u[..., 0] - u[..., 1]], -1), lambda t, x, u: u.sum(-1), x0=vector(-1, 0), xT=(0, 0), T=1.0,
                   controls=2, bounds=(0.0, 5.0))
    found = direct(both, steps=40, u0=1.0)
    assert 2.763932023 - 1e-9 < found.cost < 2.775
    assert found.u[16:24].abs().max() < 1e-6 and near(found.u[:8, 0], torch.full((8,), 5.0), 1e-6)


def test_least_time():
    assert cart.least_time(vector(-1, 0)) == pytest.approx(2.0) and cart.least_time(vector(-1, 0), 4.0) == pytest.approx(1.0)
    assert near(cart.least_time(torch.stack([vector(1, 1), vector(0, 1), vector(0, 0)])), [3.449489743, 2.414213562, 0], 1e-8)
    assert near(cart.least_time(torch.stack([vector(-0.5, 1), vector(2, -2)])), [1, 2], 0)  # on the switching curve: brake, all the way
    arcs = [control.Arc(lambda t, x, p: torch.ones_like(x[..., :1])), control.Arc(lambda t, x, p: -torch.ones_like(x[..., :1]))]
    quick = Problem(cart.field, lambda t, x, u: 1 + 0 * x.sum(-1), x0=vector(-1, 0), xT=(0, 0), bounds=(-1, 1))

    def conditions(t, x, p):  # at rest, p_2 = 0 at the switch, <p, f> = 1 at the end
        return torch.stack([x[1, 0], x[1, 1], p[0, 1], p[1, 0] * x[1, 1] - p[1, 1] - 1])

    found = control.shoot_arcs(quick, arcs, conditions, p0=vector(0.8, 1.3), times=vector(0.8, 1.9), steps=4)
    assert near(found.costate[0], [1, 1], 1e-9) and near(found.path.t[[4, -1]], [1, 2], 1e-9) and near(found.cost, 2, 1e-9)
    assert near(control.hamiltonian(quick, 0, found.path.x, found.costate, found.u), torch.zeros(10), 1e-9)


@pytest.mark.parametrize("start", [(1.0, 1.0), (-2.0, 0.3), (0.5, -2.0)])
@pytest.mark.parametrize("gamma", [1.0, 2.5])
def test_the_feedback_of_least_time_arrives_in_that_time(start, gamma):
    x, T = vector(*start), cart.least_time(vector(*start), gamma).item()
    path = flow(lambda t, y: cart.field(t, y, cart.time_feedback(t, y, gamma)), x, 0.4 * T, 10)
    assert near(cart.least_time(path.x, gamma), T - path.t, 1e-12)
    turn = (T + torch.sign(cart.time_feedback(0, x, gamma)).item() * -x[1].item() / gamma) / 2  # when the first arc meets the curve
    there = flow(lambda t, y: cart.field(t, y, cart.time_feedback(0, x, gamma)), x, turn, 2).end
    assert near(there[0] + there[1] * there[1].abs() / (2 * gamma), 0, 1e-12) and near(there[1].abs() / gamma, T - turn, 1e-12)
    # the least time falls at unit speed: the equation of Hamilton, Jacobi and Bellman, away from the curve
    h = 1e-6
    slopes = [(cart.least_time(x + h * e, gamma) - cart.least_time(x - h * e, gamma)) / (2 * h) for e in torch.eye(2, dtype=F8)]
    assert slopes[0] * x[1] - gamma * slopes[1].abs() == pytest.approx(-1, abs=1e-6)


# scalar examples of the control-toolbox

def test_indirect_simple_shooting():
    problem = Problem(lambda t, x, u: -x + 1.5 * x.square() + u, square, x0=vector(-1), xT=(0,), T=1.0)
    found = shooting(problem, p0=vector(0.1), steps=100)
    assert near(found.costate[0], [0.072029974822], 5e-9) and near(found.cost, 0.059883321, 1e-8)
    along = control.hamiltonian(problem, 0, found.path.x, found.costate, found.u)
    assert near(along, torch.full((101,), 0.182669096), 1e-8)  # the Hamiltonian is conserved
    assert near(direct(problem, steps=40).cost, 0.059883321, 2e-5)


def test_exponentials():
    problem = Problem(lambda t, x, u: u - x, square, x0=vector(-1), xT=(0,), T=1.0)
    found = shooting(problem, p0=vector(1.0), steps=100)
    assert near(found.costate[0], [0.313035285], 1e-8) and near(found.cost, 0.156517643, 1e-8)
    assert near(found.costate[0], [2 / (math.exp(2) - 1)], 1e-8)
    positive = Problem(lambda t, x, u: u - x, lambda t, x, u: u.sum(-1), x0=vector(-1), xT=(0,), T=1.0, bounds=(0.0, 1.0))
    # least fuel: off, then full from s with e^s = (e - 1) ... : x(1) = -1/e + 1 - e^(s - 1) = 0
    s = math.log(math.e - 1)
    found = direct(positive, steps=40, u0=0.5)
    assert 1 - s == pytest.approx(0.458675145, abs=1e-9) and 1 - s - 1e-9 < found.cost < 1 - s + 5e-3
    quick = Problem(lambda t, x, u: u - x, lambda t, x, u: 1 + 0 * x.sum(-1), x0=vector(-1), xT=(0,), bounds=(-1, 1))
    arrives = control.shoot_arcs(quick, [control.Arc(lambda t, x, p: torch.ones_like(x))],
                                 lambda t, x, p: torch.cat([x[-1], p[-1] * (1 - x[-1]) - 1]), p0=vector(0.8), times=vector(0.6), steps=40)
    assert near(arrives.path.t[-1], math.log(2), 1e-9) and near(arrives.costate[-1], [1], 1e-9)


def test_a_free_horizon():
    problem = Problem(lambda t, x, u: u, lambda t, x, u: 1 + (x.square() + u.square()).sum(-1) / 2, x0=vector(0), xT=(1,))
    found = shooting(problem, p0=vector(1.0), T=1.0, steps=100)
    assert near(found.path.t[-1], 0.658478948, 1e-8) and near(found.cost, 1.524504352, 1e-8)
    assert near(control.hamiltonian(problem, 0, found.path.x, found.costate, found.u), torch.zeros(101), 1e-8)
    by_hand = direct(problem, steps=20, u0=1.0, T=1.0)
    assert near(by_hand.path.t[-1], 0.658478948, 1e-3) and near(by_hand.cost, 1.524504352, 1e-3)


def test_without_a_running_reward_to_come_near():
    for a, T in ((1.0, 5.0), (0.3, 2.0)):  # 1/2 int u^2 + a/2 (x(T) - 1)^2: the error left is 1 / (1 + a T)
        problem = Problem(lambda t, x, u: u, square, x0=vector(0), T=T, final=lambda x, a=a: a * (x - 1).square().sum(-1) / 2)
        found = shooting(problem, p0=vector(0.1), steps=20)
        assert near(1 - found.path.x[-1], [1 / (1 + a * T)], 1e-9)
        again = direct(problem, steps=10)
        assert near(again.path.x[-1], found.path.x[-1], 1e-7) and near(again.costate[0], found.costate[0], 1e-6)
        assert near(again.cost, found.cost, 1e-8)
    tracked = control.linear_quadratic([[0.0]], [[1.0]], [[1.0]], [[1.0]], x0=vector(0), T=5.0, target=[1.0])
    assert near(1 - tracked.path.x[-1], [1 / math.cosh(5)], 1e-9) and 1 / math.cosh(5) == pytest.approx(0.013475, abs=1e-6)


# geometry

def test_half_plane_geodesics():
    def least(x1, y1):
        problem = Problem(lambda t, x, u: x[..., 1:] * u, square, x0=vector(0, 1), xT=(x1, y1), T=1.0, controls=2)
        found = shooting(problem, p0=vector(0.5, 0.2), steps=40)
        along = (found.path.x[:, 1] ** 2 * found.costate.square().sum(-1)) / 2
        assert near(along, along[0].expand(41), 1e-6)
        return (2 * found.cost).sqrt()

    assert near(least(1.0, 1.0), 0.962423650, 1e-6) and near(least(0.0, math.e), 1.0, 1e-6)


def surface(across):
    """Geodesics of ds^2 = dtheta^2 + across(theta)^2 dphi^2 as control of least energy: theta' = u_1, phi' = u_2 / across(theta)."""
    return Problem(lambda t, x, u: torch.stack([u[..., 0], u[..., 1] / across(x[..., 0])], -1), square, x0=vector(0, 0), T=1.0, controls=2)


def law_on(across):
    return lambda t, x, p: torch.stack([p[..., 0], p[..., 1] / across(x[..., 0])], -1)


def torus(theta):
    return 2 + theta.cos()


@pytest.mark.parametrize("across", [torus, torch.cos])
def test_geodesics_of_a_torus_and_of_a_sphere(across):
    problem, law = surface(across), law_on(across)
    path = flow(control.extremal(problem, law), torch.stack([vector(0.3, 0), vector(0.4, 0.7)]), 3.0, 300)
    x, p = path.x.unbind(1)
    assert near(p[:, 1], p[0, 1].expand(301), 1e-12)  # Clairaut
    H = control.hamiltonian(problem, 0, x, p, law(0, x, p))
    assert near(H, H[0].expand(301), 1e-8) and near(H, (p[:, 0] ** 2 + (p[:, 1] / across(x[:, 0])) ** 2) / 2, 1e-12)
    assert near(control.maximiser(problem)(0, x, p), law(0, x, p), 1e-9)


@pytest.mark.parametrize("across, speed, time", [(torus, 3.0, 5.441398093), (torch.cos, 1.0, math.pi)])
def test_conjugate_times_on_the_equator(across, speed, time):
    # at unit speed along theta = 0; the first time at which d theta / d p_theta(0) vanishes: pi sqrt(r (R + r)), and pi
    v = control.extremal(surface(across), law_on(across))

    def leaning(T):
        start = torch.tensor(0.0, dtype=F8, requires_grad=True)
        z0 = torch.stack([vector(0, 0), torch.stack([start, vector(speed)[0]])])
        return torch.autograd.grad(flow(v, z0, T, 60).end[0, 0], start)[0].item()

    assert leaning(0.5 * time) > 0.5 and leaning(time - 1e-3) > 0 > leaning(time + 1e-3)
    assert near(leaning(time), 0, 1e-5) and time == pytest.approx(math.pi * math.sqrt(3) if speed == 3 else math.pi)


def test_zermelo_in_a_shear_current():
    # x' = cos theta, y' = sin theta + x, theta' = u, from (0, 0) to (1, 0): along the extremal cot theta = c - t
    def arrives(c, T):
        t = torch.linspace(0, T, 20001, dtype=F8)
        theta = torch.atan2(torch.ones_like(t), c - t) - math.pi
        x = torch.cumulative_trapezoid(theta.cos(), t)
        return theta, torch.trapezoid(theta.cos(), t) - 1, torch.trapezoid(theta.sin() + torch.cat([x.new_zeros(1), x]), t)

    theta0, T = -0.671912119, 1.149730885821452
    theta, miss_x, miss_y = arrives(1 / math.tan(theta0), T)
    assert near(theta[[0, -1]], [theta0, -0.393757376], 1e-7) and abs(miss_x) < 1e-7 and abs(miss_y) < 1e-7
    ship = Problem(lambda t, x, u: torch.stack([u[..., 0].cos(), u[..., 0].sin() + x[..., 0]], -1), lambda t, x, u: 1 + 0 * x.sum(-1),
                   x0=vector(0, 0), xT=(1, 0))
    found = direct(ship, steps=30, u0=-0.5, T=1.2)
    assert near(found.path.t[-1], T, 2e-4) and near(found.u[[0, -1], 0], theta[[0, -1]], 0.03)


# the rocket

PUBLISHED = {"p0": (3.945764658689, 0.150395596232, 0.053712712940), "times": (0.023509684042, 0.059737380900, 0.101571348424, 0.202047440571)}


def test_goddard_is_found_again_from_a_wrong_guess():
    p0, times = vector(*PUBLISHED["p0"]), vector(*PUBLISHED["times"])
    found = goddard.fly(1.1 * p0, 1.1 * times, steps=15)
    assert near(found.costate[0], p0, 2e-6) and near(found.path.t[[15, 31, 47, 63]], times, 5e-7) and near(-found.cost, 1.012576325, 1e-8)
    u, t = found.u[:, 0], found.path.t
    assert near(u[[0, -1]], [1, 0], 0) and near(u[[16, 31]], [0.6109, 0.7239], 1e-3) and near(u[[32, 47]], [0.3495, 0.1885], 1e-3)
    assert near(found.path.x[-1, 2], 0.6, 1e-12) and (goddard.below(found.path.x) > -1e-9).all() and (t.diff() >= 0).all()


def test_goddard_s_seven_equations_hold_at_the_published_numbers():
    from scipy.integrate import solve_ivp

    z, begin, ends = torch.stack([vector(1, 0, 1), vector(*PUBLISHED["p0"])]), 0.0, []
    for arc, end in zip(goddard.ARCS, PUBLISHED["times"], strict=True):
        v = control.extremal(goddard.rocket(), arc.law, constraint=arc.constraint, multiplier=arc.multiplier)
        run = solve_ivp(lambda t, y, v=v: v(t, torch.as_tensor(y).reshape(2, 3)).detach().numpy().ravel(), (begin, end), z.numpy().ravel(),
                        method="DOP853", rtol=1e-11, atol=1e-12)
        z, begin = torch.as_tensor(run.y[:, -1]).reshape(2, 3), end
        ends.append(z)
    ends = torch.stack(ends)
    assert goddard.conditions(torch.tensor(PUBLISHED["times"], dtype=F8), ends[:, 0], ends[:, 1]).abs().max() < 2e-8


def test_goddard_directly():
    found = direct(goddard.rocket(), steps=16, u0=0.5, T=0.2)
    assert -found.cost == pytest.approx(1.012576325, abs=2e-4) and near(found.costate[0], PUBLISHED["p0"], 0.2)
    assert (goddard.below(found.path.x) > -1e-7).all()


# tools

def test_brackets_of_linear_fields():
    # with <p, A x> and <p, B x>: {a, b} = <p, (BA - AB) x>
    A, B = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0), dtype=F8)
    x, p = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1), dtype=F8)
    a, b = (lambda x, p, M=M: (p * (x @ M.T)).sum(-1) for M in (A, B))
    expected = (p * (x @ (B @ A - A @ B).T)).sum(-1)
    assert near(control.bracket(a, b)(x, p), expected, 1e-12)
    C = B @ A - A @ B
    again = control.bracket(a, control.bracket(a, b))(x, p)
    assert near(again, (p * (x @ (C @ A - A @ C).T)).sum(-1), 1e-11)


def test_the_maximiser_maximises():
    random = torch.Generator().manual_seed(0)
    problem = Problem(lambda t, x, u: torch.stack([x[..., 1] * u[..., 0], u[..., 1] - x[..., 0]], -1),
                      lambda t, x, u: (1 + x[..., 0].square()) * u[..., 0].square() + u[..., 0], x0=vector(0.5, -1), T=1.0,
                      controls=2, bounds=(-2, (1, 3)))
    law = control.maximiser(problem)
    x, p = torch.randn(2, 50, 2, generator=random, dtype=F8)
    best = control.hamiltonian(problem, 0.0, x, p, law(0.0, x, p))
    for _ in range(200):
        u = -2 + torch.rand(50, 2, generator=random, dtype=F8) * vector(3, 5)
        assert (control.hamiltonian(problem, 0.0, x, p, u) <= best + 1e-12).all()
    assert set(law(0.0, x, p)[:, 1].tolist()) == {-2.0, 3.0}


def test_extremals_conserve_the_hamiltonian_and_are_canonical():
    problem = Problem(lambda t, x, u: torch.stack([x[..., 1], -x[..., 0].sin() + u[..., 0]], -1), square, x0=vector(1, 0), T=1.0)
    v = control.extremal(problem, control.maximiser(problem))
    z0 = torch.stack([vector(1, 0.5), vector(0.3, -0.8)])
    path = flow(v, z0, 2.0, 100)
    x, p = path.x.unbind(1)
    H = control.hamiltonian(problem, 0.0, x, p, control.maximiser(problem)(0.0, x, p))
    assert near(H, H[0].expand(101), 1e-8)
    J = torch.autograd.functional.jacobian(lambda z: flow(v, z.reshape(2, 2), 2.0, 100).end.reshape(4), z0.reshape(4))
    omega = torch.kron(torch.tensor([[0.0, 1], [-1, 0]], dtype=F8), torch.eye(2, dtype=F8))
    assert near(J.T @ omega @ J, omega, 1e-7)  # the flow of a Hamiltonian keeps areas


def test_back_propagation_carries_minus_the_costate():
    problem = Problem(lambda t, x, u: -x + 1.5 * x.square() + u, square, x0=vector(-1), T=1.0, final=lambda x: x.square().sum(-1))
    found = shooting(problem, p0=vector(0.1), steps=100)

    def cost(x0):
        moved = Problem(problem.f, problem.cost, x0=x0.detach(), T=1.0, final=problem.final)
        states, spent = control.rollout(moved, (found.u[1:] + found.u[:-1]) / 2, 1.0, torch.cat([(x0 - x0.detach())[None], x0.new_zeros(100, 1)]))
        return spent[-1] + problem.final(states[-1])

    x0 = vector(-1).requires_grad_()
    assert near(torch.autograd.grad(cost(x0), x0)[0], -found.costate[0], 1e-4)
