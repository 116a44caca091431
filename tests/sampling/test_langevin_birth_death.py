"""Fisher-Rao on a grid against its closed form, and birth and death against its rates, event by event."""

import math

import pytest
import torch

from companion.flow import flow, iterate
from companion.noise import noise, with_noise
from companion.sampling.langevin.barrier import log_odds
from companion.sampling.langevin.birth_death import birth_death, birth_death_rate, fisher_rao, fisher_rao_at, grid_kl
from companion.sampling.langevin.sandbox import fisher_rao_law

F8 = torch.float64
X = torch.linspace(-9, 9, 721, dtype=F8)


def bump(mean, deviation):
    return torch.exp(-(((X - mean) / deviation) ** 2) / 2)


def masses(values):
    return values / values.sum(-1, keepdim=True)


PI = masses(bump(-2.0, 0.8) + 0.5 * bump(2.5, 1.2))
STARTS = torch.stack([masses(bump(0.5, 1.5)), masses(bump(-3.0, 0.7) + 2 * bump(1.0, 2.0))])


def test_the_closed_form_is_the_flow():
    path = flow(lambda t, p: fisher_rao(t, p, pi=PI), STARTS, 1.2, 1200)
    assert (path.end - fisher_rao_at(1.2, STARTS, pi=PI)).abs().sum(-1).max() < 1e-9
    assert (path.x.sum(-1) - 1).abs().max() < 1e-12  # mass is kept
    euler = [flow(lambda t, p: fisher_rao(t, p, pi=PI), STARTS, 1.2, n, method=lambda v, t, x, dt: x + dt * v(t, x)).end for n in (300, 600)]
    errors = [(end - fisher_rao_at(1.2, STARTS, pi=PI)).abs().sum(-1).max() for end in euler]
    assert 1.8 < errors[0] / errors[1] < 2.2


def test_the_closed_form_is_a_product_of_powers_and_a_semigroup():
    left = math.exp(-0.7)
    assert torch.allclose(fisher_rao_at(0.7, STARTS, pi=PI), masses(STARTS**left * PI ** (1 - left)), rtol=1e-12)
    assert torch.allclose(fisher_rao_at(0.4, fisher_rao_at(0.3, STARTS, pi=PI), pi=PI), fisher_rao_at(0.7, STARTS, pi=PI), rtol=1e-11)
    assert torch.allclose(fisher_rao_at(0.0, STARTS, pi=PI), STARTS, rtol=1e-12)
    assert torch.allclose(fisher_rao_at(50.0, STARTS, pi=PI), PI.expand(2, -1), rtol=1e-12)
    assert torch.allclose(fisher_rao_at(torch.tensor(0.7), STARTS.float(), pi=PI.float()), fisher_rao_at(0.7, STARTS, pi=PI).float(), atol=1e-7)


def test_gaussians_follow_the_sandbox():
    pi = masses(bump(-1.0, 0.9))
    for t in (0.3, 2.0):
        p = fisher_rao_at(t, masses(bump(1.5, 0.6)), pi=pi)
        m = (p * X).sum()
        v = (p * (X - m) ** 2).sum()
        assert torch.allclose(torch.stack([m, v]), fisher_rao_law(t, torch.tensor([1.5, 0.36], dtype=F8), mean=-1.0, variance=0.81), rtol=1e-9)


def test_kl_falls_by_the_variance_of_the_log_ratio():
    ratio = torch.log(STARTS / PI)
    kl = (STARTS * ratio).sum(-1)
    assert torch.allclose(grid_kl(STARTS, PI), kl, rtol=1e-12) and grid_kl(PI, PI) == 0
    loss = torch.func.jvp(lambda p: grid_kl(p, PI), (STARTS,), (fisher_rao(0.0, STARTS, pi=PI),))[1]
    assert torch.allclose(loss, -(STARTS * (ratio - kl[:, None]) ** 2).sum(-1), rtol=1e-9)


def test_the_rate_does_not_see_the_target():
    """KL_t = e^(-2t) Var_pi(log rho_0 / pi) / 2 + o(e^(-2t)), whatever pi: Domingo-Enrich and Pooladian."""
    for pi in (PI, masses(bump(-4.0, 0.5) + bump(4.0, 0.5))):
        ratio = torch.log(STARTS / pi)
        variance = (pi * (ratio - (pi * ratio).sum(-1, keepdim=True)) ** 2).sum(-1)
        late = grid_kl(fisher_rao_at(9.0, STARTS, pi=pi), pi)
        assert torch.allclose(late * math.exp(18.0), variance / 2, rtol=5e-3)


@pytest.mark.parametrize("t, share", [(0.0, 0.9), (0.5, 0.7913), (1.0, 0.6918), (2.0, 0.5738)])
def test_log_odds_of_two_wells_decay_like_exp_minus_t(t, share):
    wells = [masses(bump(c, 0.5)) for c in (-4.0, 4.0)]
    p = fisher_rao_at(t, 0.9 * wells[0] + 0.1 * wells[1], pi=(wells[0] + wells[1]) / 2)
    assert abs(p[X < 0].sum() - share) < 5e-5
    assert math.isclose(log_odds(p, X), math.exp(-t) * math.log(9), rel_tol=1e-9)


def test_where_there_is_no_mass_there_will_be_none():
    start = torch.where(X < 0, masses(bump(-2.0, 0.5)), 0.0)
    start = start / start.sum()
    for late in (fisher_rao_at(30.0, start, pi=PI), fisher_rao_at(30.0, start.float(), pi=PI.float())):
        assert late[X >= 0].sum() == 0 and abs(late.sum() - 1) < 1e-6
        assert (late / PI)[X < -1].std() < 1e-3 * (late / PI)[X < -1].mean()
    assert fisher_rao(0.0, start, pi=PI)[X >= 0].abs().max() == 0 and grid_kl(start, PI) < 1


def crowd(n, seed=0):
    return 1.3 * noise((n, 2), seed=seed, k=0, dtype=F8)


def valley(x):
    return x.square().sum(-1) / 2 + 0.3 * x[..., 0]


def test_excess_by_its_definition():
    x, bandwidth = crowd(7), 0.4
    by_hand = []
    for i in range(7):
        density = sum(math.exp(-float((x[i] - x[j]).square().sum()) / (2 * bandwidth**2)) for j in range(7)) / 7 / (2 * math.pi * bandwidth**2)
        by_hand.append(math.log(density) + float(valley(x[i])))
    by_hand = torch.tensor(by_hand, dtype=F8)
    assert torch.allclose(birth_death_rate(x, valley, bandwidth=bandwidth), by_hand - by_hand.mean(), rtol=1e-10, atol=1e-12)
    assert torch.allclose(birth_death_rate(x, lambda y: valley(y) + 5, bandwidth=bandwidth), by_hand - by_hand.mean(), rtol=1e-10, atol=1e-12)
    pair = torch.stack([x, 2 * x])
    assert torch.allclose(birth_death_rate(pair, valley, bandwidth=bandwidth)[1], birth_death_rate(2 * x, valley, bandwidth=bandwidth))


def lone(n, i, u):
    """Noise under which only particle i may jump, with U = u."""
    xi = torch.full((n, 2), 9.0, dtype=F8)
    xi[i, 0] = math.sqrt(2) * torch.erfinv(torch.tensor(2 * u - 1, dtype=F8))
    return xi


def test_every_event_has_its_probability_and_the_other_is_uniform():
    """One particle at a time, U on a fine grid of (0, 1): exact, no statistics."""
    n, h, grid = 6, 0.5, 3000
    x = crowd(n)
    L = birth_death_rate(x, valley, bandwidth=0.5)
    step = birth_death(valley, h, bandwidth=0.5)
    assert (L > 0).any() and (L < 0).any()
    for i in range(n):
        xi = torch.stack([lone(n, i, (k + 0.5) / grid) for k in range(grid)])
        after = step(0, x.expand(grid, n, 2), xi)
        moved = (after != x).any(-1)
        assert moved.sum(-1).max() == 1
        assert abs(int(moved.sum()) / grid - (1 - math.exp(-h * abs(L[i])))) <= 1 / grid
        if L[i] > 0:  # it dies, and a copy of another takes its place
            assert moved[:, i].sum() == moved.sum()
            places = [int((after[moved.any(-1), i] == x[j]).all(-1).sum()) for j in range(n)]
        else:  # it splits, and its copy takes another's place
            assert (after[moved] == x[i]).all()
            places = moved.sum(0).tolist()
        assert places[i] == 0
        others = [places[j] for j in range(n) if j != i]
        assert max(others) - min(others) <= 2


def test_quiet_noise_moves_nothing_and_of_several_copies_the_last_wins():
    x = torch.tensor([[-1.0], [0.0], [1.0], [6.0]], dtype=F8)
    split = birth_death(lambda y: -3 * y[..., 0].abs(), 50.0, bandwidth=1.0)  # -3|x|: only 6 has too little mass around it
    assert (birth_death_rate(x, lambda y: -3 * y[..., 0].abs(), bandwidth=1.0) > 0).tolist() == [True, True, True, False]
    assert torch.equal(split(0, x, torch.full_like(x, 9.0)), x)
    # U = Phi(-0.5) = 0.3085 -> others in the order after itself: 0.3085 * 3 = 0.93 -> the next one
    assert split(0, x, torch.full_like(x, -0.5))[:, 0].tolist() == [6.0, 1.0, 6.0, 6.0]  # 3's copy wins over 0's death; 2 becomes 3
    tall = birth_death(lambda y: torch.where(y[..., 0] == 0, 100.0, 0.0), 50.0, bandwidth=1e3)  # only 0.0 dies, the rest split
    late = tall(0, x, torch.tensor([[-0.5], [9.0], [0.5], [0.3]], dtype=F8))  # copies of 0, 2 and 3 for place 1
    assert late[:, 0].tolist() == [-1.0, 6.0, 1.0, 6.0]


@pytest.mark.digits
def test_two_wells_exchange_mass_at_rate_one():
    """The log-odds of the mean share follow e^-t, across a barrier that no particle crosses."""
    n, copies, h, t = 200, 60, 0.05, 1.0
    start = torch.where(torch.arange(n) < 180, -4.0, 4.0).to(F8)[:, None] + 0.3 * noise((copies, n, 1), seed=1, k=-1, dtype=F8)

    def wells(x):
        return (x[..., 0].abs() - 4) ** 2 / (2 * 0.09)

    path = iterate(with_noise(birth_death(wells, h, bandwidth=0.15), seed=1), start, round(t / h), every=20)
    share = (path.end[..., 0] < 0).to(F8).mean(-1)
    expected = 1 / (1 + 9 ** -math.exp(-t))
    assert abs(share.mean() - expected) < 4 * share.std() / math.sqrt(copies) + 0.01  # 0.01: h, and the few of the small well
    assert share.std() > 0 and set(path.end.flatten().tolist()) <= set(start.flatten().tolist())


def test_at_rest_the_smoothed_law_is_the_target():
    """N(0, v) follows d/dt 1/v = 1 - 1/(v + l^2): it rests at 1 - l^2. With a start of 1 the variance after t is known."""
    n, copies, h, ell = 300, 60, 0.1, 0.6
    start = noise((copies, n, 1), seed=2, k=-1, dtype=F8)
    end = iterate(with_noise(birth_death(lambda x: x[..., 0].square() / 2, h, bandwidth=ell), seed=2), start, 20, every=20).end
    inverse = flow(lambda t, w: 1 - 1 / (1 / w + ell**2), torch.ones(1, dtype=F8), 2.0, 400).end
    found = end[..., 0].var(-1, correction=0)
    assert 1 / inverse < 0.8
    assert abs(found.mean() - 1 / inverse) < 4 * found.std() / math.sqrt(copies) + 0.02  # 0.02: one part in n, and h


def test_an_export_gives_the_same_step():
    from torch.fx.experimental.proxy_tensor import make_fx

    def both(x, xi, p, pi, h, t):
        return birth_death(valley, h, bandwidth=0.5)(0, x, xi), fisher_rao_at(t, p, pi=pi), fisher_rao(t, p, pi=pi), grid_kl(p, pi)

    given = crowd(20), crowd(20, seed=3) / 1.3, STARTS.clone(), PI.clone(), torch.tensor(0.7, dtype=F8), torch.tensor(0.4, dtype=F8)
    traced = make_fx(both, tracing_mode="symbolic")(*given)
    for found, expected in zip(traced(*given), both(*given[:4], 0.7, 0.4), strict=True):
        assert torch.allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("call", [
    lambda: fisher_rao(0.0, [0.5, 0.5], pi=PI), lambda: fisher_rao(0.0, STARTS[:, :-1], pi=PI), lambda: fisher_rao(0.0, 2 * STARTS, pi=PI),
    lambda: fisher_rao(0.0, STARTS, pi=2 * PI), lambda: fisher_rao(0.0, STARTS, pi=-PI), lambda: fisher_rao(0.0, torch.tensor(1.0), pi=PI),
    lambda: fisher_rao_at(-0.1, STARTS, pi=PI), lambda: fisher_rao_at("1", STARTS, pi=PI), lambda: fisher_rao_at(1.0, 3 * STARTS, pi=PI),
    lambda: grid_kl(STARTS, PI[:-1]), lambda: grid_kl(STARTS, None), lambda: birth_death_rate(crowd(5)[0], valley, bandwidth=1.0),
    lambda: birth_death_rate(crowd(5), 1.0, bandwidth=1.0), lambda: birth_death_rate(crowd(5), valley, bandwidth=0.0),
    lambda: birth_death(1.0, 0.1, bandwidth=1.0),
    lambda: birth_death(valley, 0.0, bandwidth=1.0), lambda: birth_death(valley, 0.1, bandwidth=-1.0),
    lambda: birth_death(valley, 0.1, bandwidth=1.0)(0, crowd(5), crowd(4)), lambda: birth_death(valley, 0.1, bandwidth=1.0)(0, crowd(1), crowd(1)),
    lambda: birth_death(valley, 0.1, bandwidth=1.0)(0, crowd(5), None),
    lambda: fisher_rao(0.0, torch.tensor([1.5, -0.5]), pi=torch.tensor([0.5, 0.5])),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
