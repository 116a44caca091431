"""Langevin steps. On a quadratic potential a step is linear: its invariant covariance solves a Lyapunov equation, without statistics."""

import pytest
import torch

from companion.energies import descent
from companion.flow import euler, iterate
from companion.gaussians import mixture
from companion.noise import with_noise
from companion.potentials import double_well, quadratic
from companion.sde import Averaged, euler_maruyama, leimkuhler_matthews, ula
from companion.state import cut, flat

F = torch.float64


def stationary(step, size):
    """The covariance S = A S A^T + B B^T of z' = step(z, xi), a step that is linear, from A = step(e_i, 0), B = step(0, e)."""
    import scipy.linalg

    zero, none = torch.zeros(size, dtype=F), torch.zeros(1, dtype=F)
    start = none if size == 1 else Averaged(none, none)
    columns = [flat(step(0, cut(e, start), none)) for e in torch.eye(size, dtype=F)]
    B = flat(step(0, cut(zero, start), torch.ones(1, dtype=F)))
    return torch.as_tensor(scipy.linalg.solve_discrete_lyapunov(torch.stack(columns, 1).numpy(), torch.outer(B, B).numpy()))


def line(lam):
    return quadratic(torch.tensor([[lam]], dtype=F))


@pytest.mark.parametrize(("lam", "h", "T"), [(1.0, 1.0, 1.0), (2.0, 0.3, 1.0), (0.5, 3.0, 0.7)])
def test_stationary_variances_in_closed_form(lam, h, T):
    assert stationary(ula(line(lam), h, temperature=T), 1).item() == pytest.approx(T / (lam * (1 - lam * h / 2)), rel=1e-12)
    pair = stationary(leimkuhler_matthews(line(lam), h, temperature=T), 2)
    assert pair[0, 0].item() == pytest.approx(T / lam, rel=1e-12)  # exact, whatever h
    assert pair[1, 1].item() == pytest.approx(1.0, rel=1e-12)


def test_ula_in_the_large():
    n, h = 100_000, 0.5
    step = with_noise(ula(line(1.0), h), seed=3)
    x = iterate(step, torch.zeros(n, 1, dtype=F), 40).end
    variance = 1 / (1 - h / 2)
    assert abs(x.square().mean() - variance) < 4 * variance * (2 / n) ** 0.5
    assert abs(x.mean()) < 4 * (variance / n) ** 0.5


def test_leimkuhler_matthews_in_the_large():
    n = 100_000
    step = with_noise(lambda k, z, xi: leimkuhler_matthews(line(1.0), 1.0)(k, z, xi.x), seed=4)
    x = iterate(step, Averaged(*torch.zeros(2, n, 1, dtype=F)), 40).end.x
    assert abs(x.square().mean() - 1) < 4 * (2 / n) ** 0.5  # ula has variance 2 here


def test_the_steps_are_their_formulas():
    generator = torch.Generator().manual_seed(0)
    x, xi, last = (torch.randn(4, 5, 2, generator=generator, dtype=F) for _ in range(3))
    slope = torch.stack([x[..., 0] * (x[..., 0].square() - 1), x[..., 1]], -1)
    torch.testing.assert_close(ula(double_well, 0.1)(7, x, xi), x - 0.1 * slope + 0.2**0.5 * xi)
    torch.testing.assert_close(ula(double_well, 0.1, temperature=0.3)(7, x, xi), x - 0.1 * slope + 0.06**0.5 * xi)
    z = leimkuhler_matthews(double_well, 0.1, temperature=0.3)(7, Averaged(x, last), xi)
    torch.testing.assert_close(z, Averaged(x - 0.1 * slope + 0.015**0.5 * (last + xi), xi))


def test_without_temperature_it_is_euler_on_the_descent():
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=F)
    step = ula(double_well, 0.1, temperature=0.0)
    torch.testing.assert_close(step(0, x, torch.ones_like(x)), euler(descent(double_well), 0.0, x, 0.1))


def test_the_drift_is_given_the_time():
    x = torch.ones(3, 1, dtype=F)
    step = euler_maruyama(lambda t, x: t * x, 0.25)
    torch.testing.assert_close(step(3, x, torch.zeros_like(x)), x * (1 + 0.25 * 0.75))


def test_a_closed_form_score_is_the_gradient_of_its_potential():
    target = mixture(torch.ones(2, dtype=F), torch.tensor([[-1.0], [2.0]], dtype=F), torch.tensor([0.3, 0.5], dtype=F))
    x, xi = torch.randn(2, 6, 1, generator=torch.Generator().manual_seed(2), dtype=F)
    torch.testing.assert_close(euler_maruyama(lambda t, x: target.score(x), 0.1)(0, x, xi), ula(target.potential, 0.1)(0, x, xi))


def test_h_and_temperature_are_sliders_of_a_traced_step():
    from torch.fx.experimental.proxy_tensor import make_fx

    def taught(x, xi, h, T):
        return ula(double_well, h, temperature=T)(0, x, xi)

    inputs = [torch.randn(4, 2, generator=torch.Generator().manual_seed(s), dtype=F) for s in (0, 1)]
    graph = make_fx(taught, tracing_mode="symbolic")(*inputs, torch.tensor(0.1, dtype=F), torch.tensor(0.2, dtype=F))
    other = [torch.randn(9, 2, generator=torch.Generator().manual_seed(s), dtype=F) for s in (2, 3)]
    sliders = torch.tensor(0.03, dtype=F), torch.tensor(1.7, dtype=F)
    torch.testing.assert_close(graph(*other, *sliders), taught(*other, *sliders))


X = torch.ones(3, 2)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: ula(2.0, 0.1), TypeError, "function"),
    (lambda: ula(double_well, 0.0), ValueError, "h = 0"),
    (lambda: ula(double_well, "0.1"), TypeError, "number"),
    (lambda: ula(double_well, 0.1, temperature=-1.0), ValueError, "temperature"),
    (lambda: ula(double_well, 0.1)(0, X, X[:1]), ValueError, "xi has shape"),
    (lambda: ula(double_well, 0.1)(0, X * torch.nan, X), ValueError, "NaN"),
    (lambda: ula(lambda x: -x, 0.1)(0, X, X), ValueError, "one number for each point"),
    (lambda: euler_maruyama(None, 0.1), TypeError, "function"),
    (lambda: euler_maruyama(lambda t, x: x, -0.1), ValueError, "h = -0.1"),
    (lambda: leimkuhler_matthews(double_well, 0.1)(0, X, X), TypeError, r"z is a Tensor; expected Averaged\(x, last\)"),
    (lambda: leimkuhler_matthews(double_well, 0.1)(0, Averaged(X, X[:2]), X), ValueError, "z.last has shape"),
    (lambda: leimkuhler_matthews(double_well, 0.1)(0, Averaged(X[:2], X[:2]), X), ValueError, "xi has shape"),
    (lambda: leimkuhler_matthews(double_well, -0.1), ValueError, "h = -0.1"),
    (lambda: leimkuhler_matthews(None, 0.1), TypeError, "function"),
    (lambda: leimkuhler_matthews(double_well, 0.1, temperature=-1), ValueError, "temperature"),
])
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()
