"""Birth and death against its rates, event by event."""

import math

import pytest
import torch

from companion.flow import flow, iterate
from companion.noise import noise, with_noise
from companion.sampling.langevin.birth_death import birth_death, birth_death_rate

F8 = torch.float64


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

    def moved(x, xi, h):
        return birth_death(valley, h, bandwidth=0.5)(0, x, xi)

    given = crowd(20), crowd(20, seed=3) / 1.3, torch.tensor(0.7, dtype=F8)
    assert torch.allclose(make_fx(moved, tracing_mode="symbolic")(*given)(*given), moved(*given[:2], 0.7), rtol=1e-12)


@pytest.mark.parametrize("call", [
    lambda: birth_death_rate(crowd(5)[0], valley, bandwidth=1.0),
    lambda: birth_death_rate(crowd(5), 1.0, bandwidth=1.0), lambda: birth_death_rate(crowd(5), valley, bandwidth=0.0),
    lambda: birth_death(1.0, 0.1, bandwidth=1.0),
    lambda: birth_death(valley, 0.0, bandwidth=1.0), lambda: birth_death(valley, 0.1, bandwidth=-1.0),
    lambda: birth_death(valley, 0.1, bandwidth=1.0)(0, crowd(5), crowd(4)), lambda: birth_death(valley, 0.1, bandwidth=1.0)(0, crowd(1), crowd(1)),
    lambda: birth_death(valley, 0.1, bandwidth=1.0)(0, crowd(5), None),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
