"""The race: every part of the state moves by the method of its name, deterministic rows do not see the noise, panels and ground agree."""

import pytest
import torch

import companion.sampling.particle_flows as pf
from companion.flow import iterate
from companion.kernels import energy_kernel, gaussian_kernel
from companion.noise import noise, with_noise
from companion.sampling.particle_flows.race import _floor
from companion.sde import Phase, baoab, ula
from companion.state import each

F8 = torch.float64


def on(target=None, **sizes):
    return pf.track(target or pf.two_modes(), generator=torch.Generator().manual_seed(0), dtype=F8, **sizes)


def draw(*shape, seed=0):
    return noise(shape, seed=seed, k=-1, dtype=F8)


def racers(*shape, seed=0):
    return pf.Racers(*draw(6, *shape, seed=seed))


def test_everyone_moves_by_its_own_method():
    z, xi, h, length = racers(9, 2), racers(9, 2, seed=1), 0.004, 0.7
    for target in (pf.banana(), pf.ring()):
        course = on(target, seen=30)
        after = pf.race(course, h, length=length)(0, z, xi)
        assert torch.allclose(after.ULA, ula(target.potential, h)(0, z.ULA, xi.ULA))
        x, y = baoab(target.potential, (2 * h) ** 0.5, gamma=1.5)(0, Phase(z.kinetic, z.velocity), Phase(xi.kinetic, xi.velocity))
        assert torch.allclose(after.kinetic, x) and torch.allclose(after.velocity, y)
        assert torch.allclose(after.SVGD - z.SVGD, pf.cut(20 * h * pf.svgd(target.score, length=length)(0.0, z.SVGD)))
        assert torch.allclose(after.KSD - z.KSD, pf.cut(4 * h * pf.ksd_field(target.score, length=length)(0.0, z.KSD)))
        assert torch.allclose(after.MMD - z.MMD, pf.cut(60 * h * pf.mmd_flow(course.seen, kernel=gaussian_kernel(length))(0.0, z.MMD)))
        louder = pf.race(course, h, length=length, beta=0.5)(0, z, xi)
        mean = pf.sample_mean(course.seen, kernel=gaussian_kernel(length))
        loud = pf.noise_injection(kernel=gaussian_kernel(length), target_mean=mean, step=60 * h, beta=0.5)(0, z.MMD, xi.MMD)
        assert all(map(torch.equal, louder[:5], after[:5])) and torch.allclose(louder.MMD - z.MMD, pf.cut(loud - z.MMD))
        other = pf.race(course, h, length=length)(0, z, each(lambda part: part + 1, xi))
        assert all(map(torch.equal, other[3:], after[3:]))


def test_a_move_is_cut_below_one_half_in_its_own_direction():
    move = torch.tensor([[1e-4, 0.0], [30.0, 40.0], [0.0, 0.0]], dtype=F8)
    short = pf.cut(move)
    assert short.norm(dim=-1).max() < 0.5 and short[1].norm() > 0.49
    assert torch.allclose(short[0], move[0], rtol=3e-4) and torch.equal(short[2], move[2])
    assert torch.allclose(short[1] / short[1].norm(), move[1] / 50)


def test_the_start_is_the_same_for_all_and_may_be_on_the_axis():
    z = pf.race_start(draw(2000, 2), width=0.3, height=1.0)
    assert z.ULA.shape == (2000, 2) and not z.velocity.any()
    assert all(torch.equal(x, z.ULA) for x in z.positions) and len(z.positions) == 5
    across, up = z.ULA.T
    assert abs(across.std() - 0.3) < 0.03 and abs(up.mean() - 1) < 0.05 and abs(up.std() - 0.5) < 0.04
    assert not pf.race_start(draw(5, 2), width=0.0).ULA[:, 0].any()


def test_the_judge_and_the_order_of_the_race_on_two_modes():
    """With a short kernel and this start: noise reaches both modes, KSD leaves particles between them."""
    course = on(pf.two_modes(distance=1.5, variance=0.25))
    assert course.seen.shape == (100, 2) and course.judge.shape == (200, 2)
    assert course.distance(course.judge).abs() < 1e-14
    assert torch.allclose(course.distance(course.seen), pf.mmd2(course.judge, kernel=energy_kernel)(course.seen))
    z = pf.race_start(draw(40, 2), width=0.5)
    end = iterate(with_noise(pf.race(course, 0.01, length=0.5), seed=0), z, 200, every=200).end
    middle = {name: (x[:, 0].abs() < 0.5).double().mean().item() for name, x in end._asdict().items()}
    assert middle["KSD"] > 0.15 and middle["SVGD"] < 0.1, middle


def test_the_floor_is_the_mean_distance_of_exact_points():
    course, generator = on(pf.banana(), judge=50), torch.Generator().manual_seed(5)
    for n in (4, 40):
        found = torch.stack([course.distance(course.target.sample(n, generator=generator)) for _ in range(400)])
        assert abs(found.mean() - course.exact(n)) < 4 * found.std() / 20, n
    assert course.exact(4) > 3 * course.exact(40) > 3 * course.exact(400) > 0


def test_the_floor_has_no_bias_from_the_size_of_its_sample():
    """For one point it is E MMD^2(delta_X, judge), on average also from six points at a time."""
    course, generator = on(pf.banana(), judge=50), torch.Generator().manual_seed(6)
    found = torch.tensor([_floor(course.target, course.judge, generator, many=6)(1) for _ in range(500)])
    one = course.distance(course.target.sample(20_000, generator=generator)[:, None])
    assert abs(found.mean() - one.mean()) < 4 * (found.var() / 500 + one.var() / 20_000).sqrt()


def test_many_races_at_once_are_the_races_one_by_one():
    course = on(pf.ring())
    many = course._replace(seen=draw(3, 30, 2, seed=4))
    z, xi = racers(3, 8, 2), racers(3, 8, 2, seed=1)
    after = pf.race(many, 0.01, length=0.6)(0, z, xi)
    for s in range(3):
        alone = pf.race(course._replace(seen=many.seen[s]), 0.01, length=0.6)(0, *(each(lambda x, s=s: x[s], state) for state in (z, xi)))
        torch.testing.assert_close(each(lambda x, s=s: x[s], after), alone, rtol=1e-5, atol=1e-12)


def test_a_tournament_says_how_far_its_ends_are():
    law, seed = pf.two_modes(), torch.Generator().manual_seed
    at = pf.tournament(law, n=9, length=0.5, generator=seed(3), repeats=2, steps=5, judge=40)
    assert at.z.ULA.shape == (2, 9, 2) and at.distance.shape == (5, 2)
    course = pf.track(law, generator=seed(3), judge=40)
    assert torch.allclose(at.distance, torch.stack([course.distance(x) for x in (at.z.ULA, at.z.kinetic, at.z.SVGD, at.z.KSD, at.z.MMD)]))
    assert at.exact == course.exact(9) and at.distance.dtype == torch.float32
    again = pf.tournament(law, n=9, length=0.5, generator=seed(3), repeats=2, steps=5, judge=40)
    assert all(map(torch.equal, at.z, again.z)) and not torch.allclose(*at.z.ULA)


def test_everyone_in_a_tournament_has_a_start_and_a_sample_of_their_own():
    """Kernel flows see no noise: race by race, each with its own 100 points, they end where the tournament says."""
    law, generator = pf.two_modes(), torch.Generator().manual_seed(3)
    at = pf.tournament(law, n=9, length=0.5, generator=torch.Generator().manual_seed(3), repeats=2, steps=5, judge=40)
    course = pf.track(law, generator=generator, judge=40)
    seen, starts = law.sample(200, generator=generator).float().view(2, 100, 2), torch.randn(2, 9, 2, generator=generator)
    for r in range(2):
        step, z = pf.race(course._replace(seen=seen[r]), 0.015, length=0.5), pf.race_start(starts[r])
        end = iterate(lambda k, z, step=step: step(k, z, z), z, 5).end
        assert all(torch.allclose(getattr(end, name), getattr(at.z, name)[r], atol=1e-4) for name in ("SVGD", "KSD", "MMD"))


def test_svgd_is_below_the_floor_on_the_ring_and_ksd_leaves_a_bar_between_two_modes():
    """Averages over starts, far from their errors."""
    seed = torch.Generator().manual_seed
    ring = pf.tournament(pf.ring(radius=1.6, width=0.25), n=20, length=0.5, generator=seed(0))
    assert ring.distance[2].mean() < 0.7 * ring.exact < ring.distance[3].mean()
    modes = pf.tournament(pf.two_modes(distance=1.5, variance=0.25), n=20, length=0.5, generator=seed(0))
    between = {name: (x[..., 0].abs() < 0.5).float().mean() for name, x in modes.z._asdict().items()}
    assert between["KSD"] > 0.15 and max(between[name] for name in ("ULA", "kinetic", "SVGD")) < 0.1, between


def test_panels_stand_beside_each_other_in_turn():
    z, course = racers(4, 2), on(judge=10)
    z.ULA[0], z.SVGD[1] = torch.tensor([9.0, 1.0], dtype=F8), torch.tensor([0.0, -50.0], dtype=F8)
    shown = pf.race_panels(z, course, side=8.0).view(4, 6, 2)
    assert torch.allclose(shown[2, 1], z.kinetic[2] + torch.tensor([8.0, 0.0], dtype=F8))
    assert torch.allclose(shown[2, 4], z.MMD[2] + torch.tensor([8.0, -8.0], dtype=F8))
    assert torch.allclose(shown[3, 5], course.judge[3] + torch.tensor([16.0, -8.0], dtype=F8))
    assert torch.allclose(shown[0, 0], torch.tensor([3.9, 1.0], dtype=F8))
    assert torch.allclose(shown[1, 2], torch.tensor([16.0, -2.9], dtype=F8))


def test_the_ground_is_the_density_in_every_panel_first_row_on_top():
    course = on(pf.banana())
    ink = pf.race_ground(course, pixels=16, side=8.0)
    assert ink.shape == (32, 48) and ink.max() == 1
    assert torch.equal(pf.race_ground(course), pf.race_ground(course, pixels=32, side=6.0))
    x = torch.tensor([-4 + 8 * (5 + 0.5) / 16, 5 - 8 * (9 + 0.5) / 16], dtype=F8)
    centre = torch.tensor([-4 + 8 * (8 + 0.5) / 16, 5 - 8 * (11 + 0.5) / 16], dtype=F8)
    V = course.target.potential
    for row in (0, 16):
        for column in (0, 16, 32):
            assert torch.allclose(ink[row + 9, column + 5] / ink[row + 11, column + 8], torch.exp(V(centre) - V(x)))


@pytest.mark.parametrize("call", [
    lambda: pf.track(pf.ring(), generator=0), lambda: pf.track(pf.ring(), generator=torch.Generator(), seen=0),
    lambda: pf.tournament(pf.ring(), n=0, length=1.0, generator=torch.Generator()),
    lambda: pf.tournament(pf.ring(), n=5, length=0.0, generator=torch.Generator()), lambda: pf.race_start(draw(5, 3)),
    lambda: pf.race(on()._replace(seen=draw(4, 3)), 0.01, length=1.0), lambda: pf.race_panels(racers(4, 2), on()._replace(judge=draw(9, 3))),
    lambda: pf.race(on(), 0.0, length=1.0), lambda: pf.race(on(), 0.01, length=0), lambda: pf.race(on(), 0.01, length=1.0, beta=-1.0),
    lambda: pf.race(on(), 0.01, length=1.0)(0, draw(6, 4, 2), draw(6, 4, 2)),
    lambda: pf.race(on(), 0.01, length=1.0)(0, racers(4, 3), racers(4, 3)),
    lambda: pf.race(on(), 0.01, length=1.0)(0, racers(4, 2)._replace(KSD=draw(3, 2)), racers(4, 2)),
    lambda: pf.race(on(), 0.01, length=1.0)(0, racers(4, 2), racers(5, 2)),
    lambda: pf.race_panels(racers(2, 4, 2), on()), lambda: pf.race_panels(racers(9, 2), on(judge=5)),
    lambda: pf.cut(1.0), lambda: pf.cut(draw(3)),
])
def test_bad_input_is_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call()
