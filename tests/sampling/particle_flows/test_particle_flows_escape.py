"""Balls on hills: each particle of the figure follows the flow of its kernel alone, and the noise lifts particles off the plateau."""

import pytest
import torch

import companion.sampling.particle_flows as pf
from companion.flow import euler
from companion.kernels import energy_kernel, gaussian_kernel
from companion.noise import noise_like

F8 = torch.float64


def balls(*lists):
    return pf.Balls(*(torch.tensor(x, dtype=F8)[:, None] for x in lists))


THREE = balls([1.0], [2.0], [0.5])


def test_each_particle_is_alone_with_the_target():
    x, origin = balls([2.0], [1.5], [0.7, 3.0]), torch.zeros(1, 1, dtype=F8)
    xi = noise_like(x, seed=0, k=0)
    after = pf.roll(x, xi, step=0.1, length=0.8, beta=0.0)
    assert torch.allclose(after.gaussian, euler(pf.mmd_flow(origin, kernel=gaussian_kernel(0.8)), 0.0, x.gaussian, 0.1))
    assert torch.allclose(after.distance, euler(pf.mmd_flow(origin, kernel=energy_kernel), 0.0, x.distance, 0.1))
    assert torch.allclose(after.noisy[:1], euler(pf.mmd_flow(origin, kernel=gaussian_kernel(0.8)), 0.0, x.noisy[:1], 0.1))
    s = x.noisy + 1.3 * xi.noisy
    slope = s / 0.64 * torch.exp(-s.square() / 1.28) - (s - x.noisy) / 0.64 * torch.exp(-(s - x.noisy).square() / 1.28)  # the particle's own bump
    assert torch.allclose(pf.roll(x, xi, step=0.1, length=0.8, beta=1.3).noisy, (x.noisy - 0.1 * slope).abs())


def test_noisy_particles_are_reflected_at_the_target():
    x = balls([0.5], [0.5], [0.5])
    after = pf.roll(x, noise_like(x, seed=0, k=0), step=2.0, length=0.8, beta=0.0)
    assert after.gaussian < -0.5 and torch.equal(after.noisy, -after.gaussian)


def test_noise_leaves_the_plateau_sooner():
    x = balls([3.0], [3.0], [3.0] * 200)
    for k in range(150):
        x = pf.roll(x, noise_like(x, seed=1, k=k), step=0.05, length=1.0, beta=1.5)
    assert x.gaussian > 2.5 and x.distance < 0.06 and x.noisy.mean() < 2.2, (x[:2], x.noisy.mean())


def test_balls_stand_on_the_hills():
    grid = torch.linspace(-1, 4, 501, dtype=F8)
    segments = pf.hills(grid, length=0.7)
    assert segments.shape == (1000, 2, 2) and torch.equal(segments[:-1, 1][:499], segments[1:, 0][:499])
    origin = torch.zeros(1, 1, dtype=F8)
    assert torch.allclose(segments[:500, 0, 1], -gaussian_kernel(0.7)(grid[:-1, None], origin)[:, 0])
    assert torch.allclose(segments[500:, 0, 1], -energy_kernel(grid[:-1, None], origin)[:, 0] / 4 - 1.6)
    shown = pf.balls(balls([1.0], [2.0], [0.5]), length=0.7)
    assert torch.allclose(shown[0], segments[200, 0]) and torch.allclose(shown[1], segments[800, 0])
    assert torch.allclose(shown[2], segments[150, 0] + torch.tensor([0.0, 0.12], dtype=F8))


@pytest.mark.parametrize("call", [
    lambda: pf.roll(torch.zeros(3, 1), torch.zeros(3, 1), step=0.1, length=1.0, beta=1.0),
    lambda: pf.roll(THREE, balls([1.0], [2.0], [0.5, 1.0]), step=0.1, length=1.0, beta=1.0),
    lambda: pf.roll(pf.Balls(*torch.zeros(3, 1, 2)), pf.Balls(*torch.zeros(3, 1, 2)), step=0.1, length=1.0, beta=1.0),
    lambda: pf.roll(pf.Balls(*torch.zeros(3, 2, 1, 1)), pf.Balls(*torch.zeros(3, 2, 1, 1)), step=0.1, length=1.0, beta=1.0),
    lambda: pf.roll(THREE, THREE, step=0.0, length=1.0, beta=1.0),
    lambda: pf.hills([0, 1], length=1.0), lambda: pf.hills(torch.zeros(1), length=1.0),
    lambda: pf.hills(torch.zeros(3), length=0), lambda: pf.balls(torch.zeros(3, 2), length=1.0),
])
def test_bad_input_is_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call()
