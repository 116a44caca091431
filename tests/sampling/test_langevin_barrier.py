"""The double well: a reversible chain of second order, its slow eigenvalue, and the law of Eyring and Kramers."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch

from companion.flow import flow, iterate
from companion.noise import noise, with_noise
from companion.potentials import double_well
from companion.sampling.langevin.barrier import density_step, eyring_kramers, generator, gibbs, jump_rates, log_odds, propagator, spectrum, well
from companion.sde import ula

F8 = torch.float64
FOUND = {0.1: (3.3545e-2, 0.908), 0.05: (2.7762e-3, 0.915), 0.03: (1.0270e-4, 0.949), 0.02: (1.6232e-6, 0.968)}


def cells(m, half=2.0, dtype=F8):
    """Centres of m cells of [-half, half], and their width."""
    dx = 2 * half / m
    return (torch.arange(m, dtype=dtype) + 0.5) * dx - half, dx


def wells(m, half=2.0, dtype=F8):
    x, dx = cells(m, half, dtype)
    return well(x), dx


@pytest.mark.parametrize("eps", FOUND)
def test_the_gap_is_the_known_one(eps):
    value, ratio = FOUND[eps]
    U, dx = wells(4000, 2.5)
    first = spectrum(U, eps=eps, dx=dx)
    assert abs(first[0]) < 1e-10 and abs(first[1] / value - 1) < 1e-4 and abs(first[1] / eyring_kramers(eps) - ratio) < 1e-3
    assert 0.8 < first[2] < 0.95  # a gap behind it: two time scales
    U, dx = wells(64)
    assert abs(spectrum(U, eps=eps, dx=dx)[1] / value - 1) < 5e-4  # the grid of the figure is enough


def test_eyring_and_kramers_are_right_in_the_limit():
    """1 - ratio is of the order eps."""
    U, dx = wells(400, 1.8)
    gaps = [1 - float(spectrum(U, eps=eps, dx=dx)[1]) / eyring_kramers(eps) for eps in (0.032, 0.024, 0.018)]
    slopes = [gap / eps for gap, eps in zip(gaps, (0.032, 0.024, 0.018), strict=True)]
    assert gaps[0] > gaps[1] > gaps[2] > 0.02 and max(slopes) / min(slopes) < 1.1


def test_the_prefactor_comes_from_the_curvatures():
    def curvature(a):
        return torch.func.grad(torch.func.grad(lambda x: well(x)))(torch.tensor(a, dtype=F8))

    bottom, top = curvature(1.0), curvature(0.0)
    for eps in (0.1, 0.04):
        height = float(well(torch.tensor(0.0)) - well(torch.tensor(1.0)))
        rate = math.sqrt(bottom * abs(top)) / (2 * math.pi) * math.exp(-height / eps)
        assert math.isclose(eyring_kramers(eps), 2 * rate, rel_tol=1e-12)
        assert torch.isclose(eyring_kramers(torch.tensor(eps, dtype=F8)), torch.tensor(2 * rate, dtype=F8), rtol=1e-12)


def test_spectrum_of_an_oscillator_is_0_1_2_at_every_temperature():
    """U = x^2 / 2: eigenvalues 0, 1, 2, 3, with an error of order dx^2."""
    for eps in (0.2, 1.0):
        errors = []
        for m in (100, 200):
            x, dx = cells(m, 8 * math.sqrt(eps))
            errors.append((spectrum(x**2 / 2, eps=eps, dx=dx, count=4) - torch.arange(4)).abs()[1:])
        assert errors[1].max() < 2e-2 and (errors[0] / errors[1] - 4).abs().max() < 0.1


def test_spectrum_is_that_of_the_generator():
    U, dx = wells(30)
    values = torch.linalg.eigvals(-generator(U, eps=0.2, dx=dx)).real.sort().values
    assert torch.allclose(spectrum(U, eps=0.2, dx=dx, count=30), values, atol=1e-9)
    assert len(spectrum(U, eps=0.2, dx=dx)) == 3


@pytest.mark.parametrize("eps", [0.03, 0.3])
def test_the_chain_is_reversible_and_keeps_mass(eps):
    U, dx = wells(40)
    Q, pi = generator(U, eps=eps, dx=dx), gibbs(U, eps=eps)
    up, down = jump_rates(U, eps=eps, dx=dx)
    assert torch.allclose(pi, torch.exp(-U / eps) / torch.exp(-U / eps).sum(), rtol=1e-12)
    assert Q.sum(-1).abs().max() < 1e-11 * Q.abs().max() and torch.equal(Q.diagonal(1), up) and torch.equal(Q.diagonal(-1), down)
    assert torch.allclose(pi[:, None] * Q, (pi[:, None] * Q).T, rtol=1e-12)  # detailed balance
    assert (Q - torch.diag(Q.diagonal())).min() == 0 and torch.equal(Q, Q.triu(-1).tril(1))
    assert max(up.max(), down.max()) <= 2 * eps / dx**2
    assert torch.allclose(1 / (pi[:-1] * up), (1 / pi[:-1] + 1 / pi[1:]) / 2 * dx**2 / eps, rtol=1e-10)  # resistances: the trapezoid rule


def test_the_generator_is_the_diffusion_to_second_order():
    """Q f = -U' f' + eps f'' + O(dx^2) away from the ends."""
    errors = []
    for m in (200, 400):
        x, dx = cells(m)
        value = generator(well(x), eps=0.3, dx=dx) @ torch.sin(2 * x)
        exact = -x * (x**2 - 1) * 2 * torch.cos(2 * x) - 4 * 0.3 * torch.sin(2 * x)
        errors.append((value - exact)[m // 10 : -m // 10].abs().max())
    assert errors[1] < 2e-2 and abs(errors[0] / errors[1] - 4) < 0.2


def test_the_propagator_tends_to_the_exponential():
    U, dx = wells(32)
    exact = torch.linalg.matrix_exp(0.7 * generator(U, eps=0.15, dx=dx))
    errors = [(propagator(U, 0.7, eps=0.15, dx=dx, doublings=k) - exact).abs().max() for k in (7, 8, 9)]
    assert all(1.8 < a / b < 2.2 for a, b in pairwise(errors)) and errors[2] < 2e-3
    P, pi = propagator(U, 0.7, eps=0.15, dx=dx, doublings=7), gibbs(U, eps=0.15)
    assert P.min() >= 0 and (P.sum(-1) - 1).abs().max() < 1e-14 and torch.allclose(pi @ P, pi, rtol=1e-10)
    assert torch.allclose(pi[:, None] * P, (pi[:, None] * P).T, rtol=1e-8, atol=1e-14)


def test_too_long_a_step_is_refused_and_the_bound_is_enough():
    U, dx = wells(32)
    longest = 2**5 * dx**2 / (4 * 0.3)
    assert propagator(U, longest, eps=0.3, dx=dx, doublings=5).min() >= 0
    with pytest.raises(ValueError, match="more doublings"):
        propagator(U, 2.5 * longest, eps=0.3, dx=dx, doublings=5)
    with pytest.raises(ValueError, match="more doublings"):
        propagator(U, torch.tensor(2.5 * longest), eps=0.3, dx=dx, doublings=5)


def start(x, share=0.9, width=0.05):
    p = torch.where(x < 0, share, 1 - share) * torch.exp(-((x.abs() - 1) ** 2) / width)
    return p / p.sum()


def test_density_steps_solve_the_master_equation():
    x, dx = cells(24)
    U, p = well(x), torch.stack([start(x), start(x, 0.3)])
    Q = generator(U, eps=0.2, dx=dx)
    path = iterate(partial(density_step, U=U, h=0.1, eps=0.2, dx=dx, doublings=14), p, 5)
    assert torch.allclose(path.end, flow(lambda t, q: q @ Q, p, 0.5, 2000).end, atol=1e-5)
    assert (path.x.sum(-1) - 1).abs().max() < 1e-12 and path.x.min() >= 0
    kl = (path.x * torch.log(path.x / gibbs(U, eps=0.2))).sum(-1)
    assert (kl[1:] < kl[:-1]).all()


@pytest.mark.parametrize("dtype", [F8, torch.float32])
def test_the_slow_mode_decays_at_the_gap(dtype):
    """After the wells have filled, the difference of their masses is exp(-lambda_1 t), in float32 too."""
    x, dx = cells(64, dtype=dtype)
    U, eps, h = well(x), 0.05, 5.0
    path = iterate(partial(density_step, U=U, h=h, eps=eps, dx=dx), start(x), 60)
    tilt = (path.x.double() * torch.sign(x).double()).sum(-1)
    gap = float(spectrum(U, eps=eps, dx=dx)[1])
    assert abs(float(-torch.log(tilt[60] / tilt[10]) / (50 * h)) / gap - 1) < 3e-3
    assert 0.40 < tilt[60] / tilt[0] < 0.45 and abs(float(path.end.sum()) - 1) < 1e-5


def test_langevin_particles_agree_with_the_density():
    """The share left of the pass after t = 3 at eps = 0.1, by many small steps of particles."""
    n, h, t, eps = 20000, 0.02, 3.0, 0.1
    x, dx = cells(96, 2.4)
    p = torch.where(x < 0, torch.exp(-((x + 1) ** 2) / (2 * 0.01)), 0.0)
    end = density_step(0, p / p.sum(), U=well(x), h=t, eps=eps, dx=dx, doublings=14)
    particles = -1 + 0.1 * noise((n, 1), seed=0, k=-1, dtype=F8)
    end_particles = iterate(with_noise(ula(double_well, h, temperature=eps), seed=0), particles, round(t / h), every=150).end
    share, expected = float((end_particles < 0).double().mean()), float((end * (x < 0)).sum())
    assert expected < 0.97 and abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / n) + 2e-3  # 2e-3: h


def test_log_odds():
    x, p = torch.tensor([-2.0, -1.0, 0.0, 1.0], dtype=F8), torch.tensor([[0.2, 0.4, 0.1, 0.3], [0.1, 0.1, 0.4, 0.4]], dtype=F8)
    assert torch.allclose(log_odds(p, x), torch.tensor([math.log(2.0), math.log(0.5)], dtype=F8))


def test_an_export_gives_the_same_numbers():
    from torch.fx.experimental.proxy_tensor import make_fx

    x, dx = cells(24)

    def all_of_them(p, U, eps, h):
        return density_step(0, p, U=U, h=h, eps=eps, dx=dx), gibbs(U, eps=eps), generator(U, eps=eps, dx=dx), eyring_kramers(eps), log_odds(p, x)

    eps, h = torch.tensor(0.12, dtype=F8), torch.tensor(0.3, dtype=F8)
    traced = make_fx(all_of_them, tracing_mode="fake", _allow_non_fake_inputs=True)(start(x), well(x), eps, h)
    for found, expected in zip(traced(start(x), well(x), eps, h), all_of_them(start(x), well(x), 0.12, 0.3), strict=True):
        assert torch.allclose(found, torch.as_tensor(expected, dtype=F8), rtol=1e-11, atol=1e-16)


U8, DX = wells(8)


@pytest.mark.parametrize("call", [
    lambda: well([0.0]), lambda: gibbs(U8, eps=0.0), lambda: gibbs(U8[None], eps=0.1), lambda: gibbs(U8[:1], eps=0.1), lambda: gibbs(None, eps=0.1),
    lambda: jump_rates(U8, eps=0.1, dx=0.0), lambda: jump_rates(U8, eps=-0.1, dx=DX), lambda: generator(U8[:1], eps=0.1, dx=DX),
    lambda: propagator(U8, 0.0, eps=0.1, dx=DX), lambda: propagator(U8, 0.1, eps=0.1, dx=DX, doublings=0),
    lambda: propagator(U8, 0.1, eps=0.1, dx=DX, doublings=2.5), lambda: propagator(U8, "1", eps=0.1, dx=DX),
    lambda: density_step(0, U8[:4], U=U8, h=0.1, eps=0.1, dx=DX), lambda: density_step(0, None, U=U8, h=0.1, eps=0.1, dx=DX),
    lambda: density_step(0, torch.tensor(1.0), U=U8, h=0.1, eps=0.1, dx=DX), lambda: eyring_kramers(0.0), lambda: eyring_kramers("0.1"),
    lambda: spectrum(U8, eps=0.1, dx=DX, count=9), lambda: spectrum(U8, eps=0.1, dx=DX, count=0), lambda: spectrum(U8, eps=0.0, dx=DX),
    lambda: log_odds(U8, U8[:4]), lambda: log_odds(U8, None), lambda: log_odds(U8[:4], U8),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
