"""The damped spring against its closed form, its energy, and torch's matrix exponential."""

import math

import pytest
import torch

from companion.flow import flow
from companion.training.spring import Mass, energy, spring

START = Mass(torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("c", [0.0, 0.3, 2.0])
def test_the_flow_is_the_exponential_of_its_matrix(c):
    end = flow(lambda t, z: spring(t, z, c=c), START, 2.0, 200).end
    exact = torch.linalg.matrix_exp(2 * torch.tensor([[0.0, 1.0], [-1.0, -2 * c]], dtype=torch.float64))
    assert (torch.stack(end) - exact).abs().max() < 1e-6


def test_without_friction_the_energy_is_kept_and_the_period_is_two_pi():
    end = flow(lambda t, z: spring(t, z, c=0.0), START, 2 * math.pi, 500).end
    assert (energy(end) - 0.5).abs().max() < 1e-8 and (end.place - START.place).abs().max() < 1e-6
