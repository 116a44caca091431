"""What the live figures of the chapter on control step and draw: against integration, closed forms and the solver."""

import math

import pytest
import torch

from companion.architectures import control
from companion.architectures.control import double_integrator as cart
from companion.architectures.control import flights, moving, playground, scenes
from companion.flow import Path, flow, iterate
from tests.helpers import near, vector

F8 = torch.float64
COSTS = playground.COSTS
FIVE = torch.tensor(5.0, dtype=F8)


# landing by hand

@pytest.mark.parametrize("name", COSTS)
def test_the_closed_form_of_the_trajectory(name):
    cost, p = COSTS[name], torch.tensor([[12.0, 6], [3, 5], [-4, -1.5], [9, 2], [0, 0.7], [15, 11]], dtype=F8)

    def v(t, x):
        return torch.stack([x[:, 1], cost.law(p[:, 1] - p[:, 0] * t, FIVE)], -1)

    path = flow(v, vector(-1, 0).expand(6, 2), 1.0, 1200, every=150)
    found = torch.stack([playground.extremal_state(p, t, cost, FIVE) for t in path.t])
    assert near(found, path.x, 4e-3 if "fuel" in name or "time" in name else 1e-5)  # where u jumps, a step is wrong by gamma h


@pytest.mark.parametrize("name, L, bound", [("energy", lambda u: u**2 / 2, 30.0), ("energy, |u| ≤ γ", lambda u: u**2 / 2, 5.0),
                                            ("fuel, |u| ≤ γ", abs, 5.0), ("time, |u| ≤ γ", lambda u: 0 * u, 5.0)])
def test_the_laws_maximise_the_hamiltonian(name, L, bound):
    u, p2 = torch.linspace(-bound, bound, 4001, dtype=F8), torch.linspace(-9.3, 9.1, 47, dtype=F8)[:, None]
    law = COSTS[name].law(p2, FIVE)
    assert (p2 * law - L(law) >= (p2 * u - L(u)).amax(1, keepdim=True) - 1e-9).all() and law.abs().max() <= bound


@pytest.mark.parametrize("gamma", [4.2, 5.0, 7.0])
def test_the_exact_costates_land(gamma):
    g = torch.tensor(gamma, dtype=F8)
    for cost in COSTS.values():
        assert playground.residual_norm(cost.exact(g), cost, g) < 1e-12
    energy, bounded, fuel, time = (cost.exact(g) for cost in COSTS.values())
    assert near(energy, cart.energy().p0, 1e-12) and near(bounded, cart.bounded_energy(gamma).p0, 1e-9)
    assert near(fuel, cart.fuel(gamma).p0, 1e-9) and near(time, [10 / math.sqrt(gamma), 10 / gamma], 1e-12)
    T = COSTS["time, |u| ≤ γ"].horizon(time, g)
    assert near(T, cart.least_time(vector(-1, 0), gamma), 1e-12)
    assert near(playground.extremal_state(time, T, COSTS["time, |u| ≤ γ"], g), [0, 0], 1e-12)


def test_least_time_looks_when_the_cart_is_at_rest():
    cost, p = COSTS["time, |u| ≤ γ"], vector(7, 4)
    T = cost.horizon(p, FIVE)
    end = playground.extremal_state(p, T, cost, FIVE)
    assert near(end[1], 0, 1e-12) and near(playground.shooting_residual(p, cost, FIVE), [end[0], 5 * 4 / 10 - 1], 1e-12)


def test_newton_s_step():
    start = vector(3, 5)[None]
    energy, bounded, fuel, time = COSTS.values()
    assert near(playground.newton_step(start, energy, FIVE), vector(12, 6)[None], 1e-10)
    assert near(playground.newton_step(start, energy, FIVE, share=0.25), start + 0.25 * vector(9, 1), 1e-10)
    short = playground.newton_step(start, energy, FIVE, longest=1.0) - start
    assert near(short.norm(), 1, 1e-12) and near(short / short.norm(), vector(9, 1)[None] / math.sqrt(82), 1e-12)
    assert torch.equal(playground.newton_step(start, fuel, FIVE), start)  # full throttle all along: no slope
    late = vector(0.1, 1)[None]
    assert torch.equal(playground.newton_step(late, time, FIVE), late)  # looked at before the switch: the place feels neither costate
    for cost in (bounded, time):
        misses, p = [], start
        for _ in range(9):
            misses.append(playground.residual_norm(p[0], cost, FIVE).item())
            p = playground.newton_step(p, cost, FIVE)
        assert near(p[0], cost.exact(FIVE), 1e-9)
    near_fuel = (fuel.exact(FIVE) + 0.05)[None]
    once = playground.newton_step(near_fuel, fuel, FIVE)
    assert playground.residual_norm(once[0], fuel, FIVE) < 0.1 * playground.residual_norm(near_fuel[0], fuel, FIVE)  # quadratic near the solution


def test_what_is_drawn_is_one_motion():
    cost, p = COSTS["energy, |u| ≤ γ"], vector(11, 5)
    line = playground.line(p, cost, FIVE, points=401)
    u = playground.control_along(p, torch.linspace(0, 1, 401, dtype=F8), cost, FIVE)
    assert near(torch.diff(line[:, 0]) * 400, (line[1:, 1] + line[:-1, 1]) / 2, 1e-4)
    assert near(torch.diff(line[:, 1]) * 400, (u[1:] + u[:-1]) / 2, 0.05)
    assert near(line[0], [-1, 0], 0) and near(line[-1], playground.shooting_residual(p, cost, FIVE), 1e-12)
    place, speed = playground.line(vector(7, 4), COSTS["time, |u| ≤ γ"], FIVE)[-1]
    assert near(speed, 0, 1e-12) and near(place, playground.shooting_residual(vector(7, 4), COSTS["time, |u| ≤ γ"], FIVE)[0], 1e-12)


@pytest.mark.parametrize("name", COSTS)
def test_controls_are_drawn_over_true_time(name):
    """Each graph runs over [0, T] of its own run, and its two integrals over t are the speed at the end and the way from -1."""
    cost, p = COSTS[name], vector(7, 4)
    guess = scenes.landing(playground.newton_step, p[None]).figure
    mine, best = guess.views[2].show(p[None], cost, FIVE).chunk(2)
    for (t, u), costate in ((mine.T, p), (best.T, cost.exact(FIVE))):
        T = cost.horizon(costate, FIVE)
        speed = torch.trapezoid(u, t)
        assert t[0] == 0 and near(t[-1], T, 1e-12) and near(speed, playground.extremal_state(costate, T, cost, FIVE)[1], 0.05)
        assert near(torch.trapezoid((T - t) * u, t) - 1, playground.extremal_state(costate, T, cost, FIVE)[0], 0.05)
    assert name != "time, |u| ≤ γ" or near(best[-1, 0], 2 / 5**0.5, 1e-12)


def test_four_carts():
    t = torch.linspace(0, 1, 401, dtype=F8)
    x, u = (torch.stack([f(s, FIVE) for s in t]) for f in (playground.optimal_states, playground.four_controls))
    assert near(x[0], vector(-1, 0).expand(4, 2), 0) and near(x[-1], torch.zeros(4, 2), 1e-12)
    assert near(torch.cumulative_trapezoid(u, t, dim=0), x[1:, :, 1], 3e-2) and (u[t > 0.9, 3] == 0).all() and u[:350].abs().amin(0)[3] == 5
    assert near(torch.cumulative_trapezoid(x[..., 1], t, dim=0), x[1:, :, 0] + 1, 1e-4)


# the turnpike

@pytest.mark.parametrize("x0, T", [(3.0, 5.0), (-1.0, 2.0), (0.5, 12.0)])
def test_the_turnpike_is_the_optimum(x0, T):
    exact = control.linear_quadratic([[1.0]], [[1.0]], [[1.0]], [[1.0]], x0=vector(x0), T=T, target=[1.0], steps=50)
    found = moving.turnpike(exact.path.t, torch.tensor(x0, dtype=F8), T)
    assert near(found, torch.cat([exact.path.x, exact.costate], -1), 1e-9) and near(found[0, 0], x0, 1e-12) and near(found[-1, 1], 0, 1e-12)
    assert near(moving.extremal_step(found[:-1], T / 50), found[1:], 1e-10)


def test_the_saddle():
    z, M = vector(0.3, 1.7), control.hamiltonian_matrix([[1.0]], [[1.0]], [[1.0]], [[1.0]])
    rest = control.steady([[1.0]], [[1.0]], [[1.0]], [[1.0]], target=[1.0])
    expected = vector(*moving.REST) + torch.linalg.matrix_exp(0.7 * M) @ (z - vector(*moving.REST))
    assert near(moving.extremal_step(z, 0.7), expected, 1e-12) and near(vector(rest.x[0], rest.p[0]), moving.REST, 1e-12)
    assert near(moving.RATE, rest.rate, 1e-12)
    for slope, sign in ((-(1 + moving.RATE), -1), (moving.RATE - 1, 1)):  # the lines on which extremals come and leave
        along = vector(1, slope)
        assert near(moving.extremal_step(along + vector(*moving.REST), 0.4) - vector(*moving.REST), math.exp(sign * 0.4 * moving.RATE) * along, 1e-12)
    assert near(moving.rounded(vector(-6.53263), 2), [-6.53], 1e-12) and near(moving.rounded(vector(1.25), torch.tensor(0.0)), [1], 0)


# policy and plan

def test_the_policy_is_that_of_least_time():
    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0), dtype=F8)
    curve = torch.stack([-x[:, 1] * x[:, 1].abs() / 2, x[:, 1]], -1)
    for states in (x, curve):
        assert torch.equal(moving.bang_bang_feedback(states), cart.time_feedback(0, states)[:, 0])


@pytest.mark.parametrize("start", [(-1.5, 0.5), (1.0, 1.0), (0.2, -1.3)])
def test_the_plan_arrives_in_the_least_time(start):
    start, n = vector(*start), 4000
    T = cart.least_time(start).item()
    t = (torch.arange(n, dtype=F8) + 0.5) * T / n
    u = moving.open_loop_control(t, start)
    assert near(start[1] + u.mean() * T, 0, 4e-3) and near(start[0] + T * start[1] + (u * (T - t)).mean() * T, 0, 4e-3)
    assert (u.abs() == 1).all() and moving.open_loop_control(vector(T + 0.01), start) == 0 and u[0] == moving.bang_bang_feedback(start)


def test_two_carts_in_the_wind():
    x = moving.initial_carts(vector(-1.5, 0.5))
    one = moving.wind_step(x, 0.02, 0.1)
    u = moving.bang_bang_feedback(x[0]) + 0.1
    assert near(one[:2], vector(-1.5 + 0.02 * 0.5 + 0.02**2 / 2 * u, 0.5 + 0.02 * u).expand(2, 2), 1e-12)
    assert near(one[2:], [[-1.5, 0.5], [0.02, 0]], 1e-12)
    planned = moving.initial_carts(vector(-1, 0))  # full ahead until the time 1, then back: what counts is the middle of the step
    for clock, turned in ((0.95, False), (0.97, True)):
        planned[3, 0] = clock
        assert (moving.wind_step(planned, 0.08)[1, 1] < 0) == turned
    still, windy = (iterate(lambda k, x, w=w: moving.wind_step(x, 0.005, w), x, 700, every=700).end[:2].norm(dim=-1) for w in (0.0, 0.2))
    assert (still < 0.03).all() and windy[0] < 0.03 and windy[1] > 1


# the staircase between bounds

@pytest.mark.parametrize("N, gamma", [(10, 4.5), (17, 5.2), (20, 7.0)])
def test_projections_find_the_direct_method_s_optimum(N, gamma):
    u = iterate(lambda k, x: moving.dykstra_step(x, torch.tensor(gamma, dtype=F8)), torch.zeros(N, 2, dtype=F8), 600, every=600).end[:, 0]
    problem = control.Problem(cart.field, lambda t, x, u: u.square().sum(-1) / 2, x0=vector(-1, 0), xT=(0, 0), T=1.0, bounds=(-gamma, gamma))
    best = control.direct(problem, steps=N)
    assert moving.landing(u) < 1e-9 and near(u.square().mean() / 2, best.cost, 1e-6) and near(u, best.u[:-1, 0], 2e-3)
    if gamma == 7.0:
        assert near(u.square().mean() / 2, 6 / (1 - N**-2), 1e-9)


def test_projections_find_the_nearest_point_of_both_sets():
    # the projection z of y on {clipped} and {1 and e prescribed} is clip(y + a + b e) for some a, b: fitted where z is not clipped
    y = 8 * torch.randn(20, generator=torch.Generator().manual_seed(1), dtype=F8)  # large: some are clipped, and come back
    x = torch.stack([y, 0 * y], -1)
    z = iterate(lambda k, x: moving.dykstra_step(x, torch.tensor(5.0, dtype=F8)), x, 3000, every=3000).end[:, 0]
    inside = z.abs() < 5 - 1e-6
    basis = torch.stack([torch.ones(20, dtype=F8), moving.tilted(y)], -1)
    ab = torch.linalg.lstsq(basis[inside], (z - y)[inside][:, None]).solution[:, 0]
    assert 4 < inside.sum() < 18 and moving.landing(z) < 1e-9 and near((y + basis @ ab).clamp(-5, 5), z, 1e-6)


def test_where_a_staircase_ends():
    u = torch.randn(7, generator=torch.Generator().manual_seed(1), dtype=F8)
    x = vector(-1, 0)
    for k in range(7):
        x = flow(lambda t, y, k=k: torch.stack([y[1], u[k] + 0 * y[1]]), x, 1 / 7, 1).end
    assert near(moving.landing(u), x.norm(), 1e-12) and near(moving.tilted(u), 1 - 2 * (torch.arange(7, dtype=F8) + 0.5) / 7, 1e-12)
    stuck = iterate(lambda k, x: moving.dykstra_step(x, torch.tensor(3.6, dtype=F8)), torch.zeros(20, 2, dtype=F8), 400, every=400).end[:, 0]
    assert near(moving.landing(stuck), 0.1, 1e-9)  # full ahead, full back falls short by 1 - gamma / 4
    steps = scenes.step_plot(u)
    assert steps.shape == (14, 2) and near(steps[:, 1], u.repeat_interleave(2), 0) and near(steps[[0, 1, 2, -1], 0], [0, 1 / 7, 1 / 7, 1], 1e-12)


@pytest.mark.parametrize("gamma", [4.5, 5.5, 6.0, 7.0])
def test_the_clipped_line(gamma):
    t, u = moving.clipped_line(torch.tensor(gamma, dtype=F8), points=4001).T
    law = cart.bounded_energy(gamma)
    assert near(u, (law.p0[1] - law.p0[0] * t).clamp(-gamma, gamma), 1e-9) and near(torch.trapezoid(u**2, t) / 2, law.cost, 1e-4)


def test_with_the_tightest_bound_only_one_bounded_control_is_left():
    for t in (0.1, 0.4, 0.6, 0.9):
        free, *bounded = playground.four_controls(t, torch.tensor(4 + 1e-9, dtype=F8)).tolist()
        assert free == pytest.approx(6 - 12 * t) and bounded == pytest.approx([4.0 if t < 0.5 else -4.0] * 3, rel=1e-6)


@pytest.mark.parametrize("N", [5, 6, 21])
def test_projections_stall_at_the_nearest_controls(N):
    # full ahead, full back; the middle one of an odd number of steps rests
    x = torch.zeros(N, 2, dtype=F8)
    for _ in range(400):
        x = moving.dykstra_step(x, torch.tensor(3.6, dtype=F8))
    assert near(moving.landing(x[:, 0]), 1 - 0.9 * (1 - N % 2 / N**2), 1e-9)


# flights

def test_a_flight_is_watched_at_equal_times():
    t, m = vector(0, 0.1, 0.1, 0.4), vector(1, 0.9, 0.9, 0.6)
    x = torch.stack([1 + t, 0 * t, m], -1)
    found = control.Solution(Path(t, x), vector(1, 1, 0, 0)[:, None], torch.stack([0 * t, t, 0 * t], -1), vector(0), 0.0)
    path = flights.resample_solution(found, frames=8)
    assert near(torch.diff(path.t), torch.full((8,), 0.05, dtype=F8), 1e-12) and near(path.x[:, 2], 1 - path.t, 1e-12)
    assert near(path.x[[0, 1, 3, 8], 3], [1, 1, 0, 0], 1e-12) and near(path.x[[0, -1], 4], [0, 3.5 / 0.6 * 0.4], 1e-12)


def phases_by_events():
    """The three phases of the simple flight by SciPy, which locates what ends them: (times, states at these times)."""
    from scipy.integrate import solve_ivp

    def drag(y):
        return 310 * y[1] ** 2 * math.exp(-500 * (y[0] - 1))

    laws = (lambda y: 3.5, lambda y: drag(y) + y[2] / y[0] ** 2, lambda y: 0.0)
    t, y, times, states = 0.0, [1.0, 0.0, 1.0], [], []
    for thrust, component, value in zip(laws, (1, 2, 1), (0.1, 0.6, 0.0), strict=True):
        def ends(t, y, component=component, value=value):
            return y[component] - value

        def field(t, y, thrust=thrust):
            return [y[1], (thrust(y) - drag(y)) / y[2] - 1 / y[0] ** 2, -2 * thrust(y)]

        ends.terminal = True
        run = solve_ivp(field, (t, 1.0), y, method="DOP853", rtol=1e-12, atol=1e-14, events=ends)
        t, y = run.t[-1], run.y[:, -1]
        times.append(t), states.append(torch.as_tensor(y))
    return times, torch.stack(states)


def test_a_greedy_flight_ends_its_phases_exactly():
    times, states = phases_by_events()
    path = flights.greedy_phases(100)
    ends = [100, 201, 302]
    assert near(path.t[ends], times, 1e-10) and near(path.x[ends, :3], states, 1e-10)
    assert path.x[ends[0], 1] == 0.1 and path.x[ends[1], 2] == 0.6 and path.x[ends[2], 1] == 0.0
    assert near(path.x[:101, 3], torch.ones(101), 0) and near(path.x[202:, 3], torch.zeros(101), 0)
    best = 0.01257632502  # of the optimal flight, published
    assert (best - (path.x[-1, 0] - 1)) / best == pytest.approx(0.01025, abs=2e-6)  # it loses 1.025 %


def test_a_greedy_flight_is_watched():
    path = flights.greedy_flight(0.2020474)
    r, v, m, u, switch = path.x.T
    assert len(path.t) == 121 and near(path.t.diff(), torch.full((120,), 0.2020474 / 120, dtype=F8), 1e-12) and (switch == 0).all()
    assert near(r.max(), 1.012447410313849, 1e-10) and v.max() <= 0.1 + 1e-12 and m.min() == 0.6
    up = path.t > 0.19568
    assert up.sum() > 3 and (v[up] == 0).all() and (r[up] == r.max()).all() and (u[up] == 0).all()  # at the top it stays
    rate = torch.diff(m) / torch.diff(path.t)
    assert near(rate[:24], torch.full((24,), -7.0, dtype=F8), 1e-4) and (u[:24] == 1).all() and (u[60:] == 0).all()
    short = flights.greedy_flight(0.02, frames=7)
    assert near(short.t[-1], 0.02, 1e-15) and near(short.x[-1, 2], 1 - 7 * 0.02, 1e-6)


@pytest.mark.parametrize("call, error, words", [
    (lambda: playground.newton_step([1, 2], COSTS["energy"], FIVE), TypeError, "p is a list"),
    (lambda: playground.newton_step(vector(1, 2), COSTS["energy"], FIVE, share=0.0), ValueError, "share"),
    (lambda: playground.newton_step(vector(1, 2), COSTS["energy"], FIVE, share=1.5), ValueError, "share"),
    (lambda: moving.extremal_step(3.0, 0.1), TypeError, "z is a float"),
    (lambda: moving.wind_step([1.0], 0.1), TypeError, "x is a list"),
    (lambda: moving.wind_step(moving.initial_carts(vector(1, 1)), 0.0), ValueError, "dt"),
    (lambda: moving.dykstra_step([1.0], FIVE), TypeError, "x is a list"),
    (lambda: flights.greedy_flight(0.2, steps=0), ValueError, "steps"),
    (lambda: flights.greedy_flight(0.2, frames=0.5), TypeError, "frames"),
])
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
