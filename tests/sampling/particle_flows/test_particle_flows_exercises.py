"""The exercises' checks let the right answers through, and stop the likely wrong ones."""

import math

import pytest
import torch
from scipy.optimize import brentq, root
from scipy.special import expi

from companion.gaussians import mixture
from companion.sampling.particle_flows import exercises

F8 = torch.float64
SADDLE = torch.as_tensor(root(lambda z: exercises.HIDDEN.score(torch.as_tensor(z)).numpy(), [0.3, 0.5], tol=1e-13).x)


def fastest(r, to):
    """The zero of the derivative of l^2/2 (Ei(r^2/2l^2) - Ei(to^2/2l^2)): l (Ei(a) - Ei(b)) - l (exp(a) - exp(b))."""
    def slope(l):
        a, b = r * r / (2 * l * l), to * to / (2 * l * l)
        return expi(a) - expi(b) - math.exp(a) + math.exp(b)

    return brentq(slope, r / 5, 5 * r)


def test_right_answers_pass():
    exercises.check_radius(29 / (math.e - 1))
    exercises.check_radius(torch.tensor(16.8773, dtype=F8))
    exercises.check_radius(1.00014 * 29 / (math.e - 1))  # relative speed (1 - 1/e) 1.4e-4
    exercises.check_radius(4 / (math.e - 1), n=5, d=4)
    exercises.check_radius(1 / (math.e - 1), n=2, d=1)
    exercises.check_length(fastest(3.0, 0.1))
    for r, to in ((3.0, 0.1), (5.0, 0.1), (2.0, 0.5)):
        exercises.check_length(fastest(r, to), r=r, to=to)
        exercises.check_length(1.003 * fastest(r, to), r=r, to=to)
    exercises.check_hidden_minimum(SADDLE)
    exercises.check_hidden_minimum(SADDLE.clone().requires_grad_())


@pytest.mark.parametrize("wrong", [
    500.0, 16.87, 16.884, 1.00018 * 29 / (math.e - 1),
    30 / (math.e - 1), math.log(30), 29.0, 30.0, 29 / math.e, math.sqrt(29 / (math.e - 1)), 33.7546,
])
def test_another_radius_fails(wrong, capsys):
    with pytest.raises(AssertionError) as refused:
        exercises.check_radius(wrong)
    assert "16.877" not in str(refused.value) + capsys.readouterr().out


@pytest.mark.parametrize("wrong", [1.0, 3.0, 0.5, 2.0, 1.29, 1.32, 3 / math.sqrt(2), 1e3])
def test_another_length_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.check_length(wrong)


MIDDLE = exercises.HIDDEN.means.mean(0)


@pytest.mark.parametrize("wrong", [
    MIDDLE, exercises.HIDDEN.weights @ exercises.HIDDEN.means, SADDLE + 1e-5, torch.zeros(2, dtype=F8), *exercises.HIDDEN.means,
    torch.tensor([9.0, 9.0], dtype=F8), SADDLE.float() + 1e-3,
])
def test_another_point_fails(wrong):
    with pytest.raises(AssertionError):
        exercises.check_hidden_minimum(wrong)


@pytest.mark.parametrize("k", [0, 1])
def test_a_mode_is_a_minimum_but_not_hidden(k):
    mode = torch.as_tensor(root(lambda z: exercises.HIDDEN.score(torch.as_tensor(z)).numpy(), exercises.HIDDEN.means[k].numpy(), tol=1e-13).x)
    with pytest.raises(AssertionError, match="near a mode"):
        exercises.check_hidden_minimum(mode)


def test_the_saddle_of_a_wide_law_is_not_hidden():
    """Its density is a sixth of that at the centres, and both are small."""
    far = torch.tensor([[-26.0, 0.0], [26.0, 0.0]], dtype=F8)
    law = mixture(torch.ones(2, dtype=F8), far, torch.full((2,), 144.0, dtype=F8))
    with pytest.raises(AssertionError, match="near a mode"):
        exercises.check_hidden_minimum(torch.zeros(2, dtype=F8), law=law)
    exercises.check_hidden_minimum(torch.zeros(2, dtype=F8), law=mixture(law.weights, 2 * far, law.covariances))


def test_the_best_centre_is_that_of_the_densest_mode():
    """A saddle beside a mode of little weight: two thirds of the density there, a three-hundredth of that at the best centre."""
    law = mixture(torch.tensor([0.995, 0.005], dtype=F8), exercises.CENTRES, torch.full((2,), 0.3, dtype=F8))
    saddle = torch.as_tensor(root(lambda z: law.score(torch.as_tensor(z)).numpy(), [1.0, 0.8], tol=1e-13).x)
    assert law.log_density(saddle).exp() > 0.5 * law.log_density(law.means).exp().min()
    exercises.check_hidden_minimum(saddle, law=law)


def test_the_verdicts_print_what_was_found(capsys):
    exercises.check_length(fastest(3.0, 0.1))
    assert "(times 11.11552, 11.11132, 11.11532 at 0.99 l, l and 1.01 l)" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"relative speed 6\.4e-03"):
        exercises.check_radius(0.99 * 29 / (math.e - 1))


@pytest.mark.parametrize("call", [
    lambda: exercises.check_radius("16.9"), lambda: exercises.check_radius(0.0), lambda: exercises.check_radius(16.9, n=1),
    lambda: exercises.check_radius(16.9, n=30, d=28), lambda: exercises.check_length(0.0), lambda: exercises.check_length(1.3, r=0.05),
    lambda: exercises.check_length(None), lambda: exercises.check_hidden_minimum([0.0, 0.0]),
    lambda: exercises.check_hidden_minimum(SADDLE[None]), lambda: exercises.check_hidden_minimum(torch.zeros(3, dtype=F8)),
])
def test_bad_input_is_refused_in_words(call):
    with pytest.raises((TypeError, ValueError), match="expected"):
        call()
