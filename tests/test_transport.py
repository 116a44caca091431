"""Transport: the linear programme of SciPy, POT, brute force over permutations and closed forms are the oracles."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch.fx.experimental.proxy_tensor import make_fx

from companion.transport import assignment, barycentric, displacement, line_w2_squared, plan, quantile, rearrangement

F = torch.float64


def cloud(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F)


def weights(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=F)


def close(a, b, atol=1e-10):
    torch.testing.assert_close(torch.as_tensor(a, dtype=F), torch.as_tensor(b, dtype=F), rtol=0, atol=atol)


def cost(x, y):
    return (x[:, None] - y[None]).square().sum(-1)


# --- the line


@pytest.mark.parametrize(("n", "m", "weighted"), [(7, 7, False), (7, 5, False), (6, 9, True), (8, 8, True), (1, 4, True)])
def test_line_is_that_of_pot(n, m, weighted):
    import ot

    x, y = cloud(n, seed=1), cloud(m, seed=2) + 1
    a, b = (weights(n, seed=3), weights(m, seed=4)) if weighted else (None, None)
    shares = [None if w is None else (w / w.sum()).numpy() for w in (a, b)]
    close(line_w2_squared(x, y, a, b), ot.emd2_1d(x.numpy(), y.numpy(), *shares))


def test_line_agrees_with_itself_in_batches_with_ties_and_zero_weights():
    x, y = cloud(3, 1, 6, seed=5), cloud(4, 6, seed=6)
    both = line_w2_squared(x, y)
    assert both.shape == (3, 4)
    close(both[2, 1], line_w2_squared(x[2, 0], y[1]))
    close(line_w2_squared(x, y, torch.ones(6, dtype=F)), both)  # the general formula on the equal case
    a = torch.tensor([1.0, 0.0, 2.0, 1.0, 0.0, 0.0], dtype=F)
    close(line_w2_squared(x[0, 0], y, a), line_w2_squared(x[0, 0][[0, 2, 2, 3]], y))
    tied = torch.tensor([0.0, 0.0, 1.0, 1.0], dtype=F)
    close(line_w2_squared(tied, torch.tensor([0.0, 1.0], dtype=F)), 0.0)


def test_line_gradient_is_that_of_the_coupling():
    x, y = cloud(5, seed=7).requires_grad_(), cloud(3, seed=8)
    assert torch.autograd.gradcheck(lambda z: line_w2_squared(z, y, weights(5)), x)
    assert torch.autograd.gradcheck(lambda z: line_w2_squared(z, cloud(5, seed=9)), x)


def test_line_keeps_its_digits_in_float32():
    x = cloud(100_000, seed=10)
    y = x[:60_000] + 2
    value = line_w2_squared(x, y)
    single = line_w2_squared(x.float(), y.float())
    assert single.dtype == torch.float32 and abs(single - value) < 2e-6 * value
    weighted = line_w2_squared(x.float(), y.float(), torch.ones(100_000))
    assert abs(weighted - value) < 2e-6 * value


def test_quantile_function():
    x, a = cloud(9, seed=11), weights(9, seed=12)
    u = torch.rand(50, generator=torch.Generator().manual_seed(0), dtype=F)
    close(quantile(x, u), quantile_by_hand(x, u, torch.ones(9, dtype=F)))
    close(quantile(x, u, a), quantile_by_hand(x, u, a))
    points = torch.tensor([3.0, 1.0, 2.0, 5.0, 4.0], dtype=F)
    close(quantile(points, torch.tensor([0.0, 0.2, 0.2000001, 0.6, 1.0], dtype=F)), [1, 1, 2, 3, 5])
    assert quantile(cloud(2, 9), u).shape == (2, 50)


def quantile_by_hand(x, u, a):
    order = sorted(zip(x.tolist(), a.tolist(), strict=True))
    values = []
    for level in (u * a.sum()).tolist():
        total = 0.0
        for point, share in order:
            total += share
            if total >= level:
                values.append(point)
                break
    return values


def test_rearrangement_couples_by_rank():
    x, y = cloud(2, 6, seed=13), cloud(6, seed=14)
    z = rearrangement(x, y)
    close((x - z).square().mean(-1), line_w2_squared(x, y))
    close(z.sort(-1).values, y.sort().values.expand(2, 6))
    assert ((x[:, :, None] - x[:, None, :]) * (z[:, :, None] - z[:, None, :]) >= 0).all()  # monotone


# --- anywhere


def test_plan_is_that_of_the_linear_programme():
    import scipy.optimize

    x, y, a, b = cloud(5, 2, seed=15), cloud(4, 2, seed=16), weights(5, seed=17), weights(4, seed=18)
    P = plan(x, y, a, b)
    close(P.sum(1), a / a.sum())
    close(P.sum(0), b / b.sum())
    assert (P >= 0).all()
    rows, columns = torch.eye(5).kron(torch.ones(1, 4)), torch.ones(1, 5).kron(torch.eye(4))
    bounds = torch.cat([rows, columns]).numpy(), torch.cat([a / a.sum(), b / b.sum()]).numpy()
    best = scipy.optimize.linprog(cost(x, y).ravel().numpy(), A_eq=bounds[0], b_eq=bounds[1])
    close((P * cost(x, y)).sum(), best.fun, 1e-9)


def test_plan_on_the_line_is_sorting_and_batches():
    x, y = cloud(2, 5, 1, seed=19), cloud(7, 1, seed=20)
    a = weights(5, seed=21)
    P = plan(x, y, a)
    assert P.shape == (2, 5, 7) and not P.requires_grad
    for k in range(2):
        close((P[k] * cost(x[k], y)).sum(), line_w2_squared(x[k, :, 0], y[:, 0], a))
        close(P[k], plan(x[k], y, a))
    assert plan(x.float().requires_grad_(), y.float()).dtype == torch.float32


def test_assignment_is_the_best_permutation():
    x, y = cloud(6, 2, seed=22), cloud(6, 2, seed=23)
    s = assignment(x, y)
    assert sorted(s.tolist()) == list(range(6))
    best = min(itertools.permutations(range(6)), key=lambda p: cost(x, y)[range(6), p].sum())
    assert tuple(s.tolist()) == best
    assert torch.equal(assignment(torch.stack([x, y]), y), torch.stack([s, torch.arange(6)]))


def test_barycentric_map():
    x, y = cloud(6, 2, seed=24), cloud(6, 2, seed=25)
    close(barycentric(plan(x, y), y), y[assignment(x, y)])
    P = torch.tensor([[0.1, 0.3], [0.0, 0.6]], dtype=F)
    close(barycentric(P, torch.tensor([[0.0], [4.0]], dtype=F)), [[3.0], [4.0]])
    a = weights(6, seed=26)
    P = plan(x, y[:4], a)
    close((a / a.sum()) @ barycentric(P, y[:4]), y[:4].mean(0))  # the map keeps the mean


@pytest.mark.parametrize("weighted", [False, True])
def test_displacement_is_a_geodesic(weighted):
    import ot

    x, y = cloud(6, 2, seed=27), cloud(6 - weighted, 2, seed=28)
    a, b = (weights(6, seed=29), weights(5, seed=30)) if weighted else (None, None)
    path = displacement(x, y, a, b)
    w2 = (plan(x, y, a, b) * cost(x, y)).sum()
    close(path.weights.sum(), 1.0)
    close((path.weights * (path.start - path.end).square().sum(-1)).sum(), w2)
    for s, t in ((0.0, 0.5), (0.25, 1.0)):
        p, q = path.at(s), path.at(t)
        close(ot.emd2(path.weights.numpy(), path.weights.numpy(), cost(p, q).numpy()), (t - s) ** 2 * w2, 1e-9)
    if not weighted:
        close(path.at(0.0), x)
        close(path.at(1.0), y[assignment(x, y)])
        close(path.at(torch.tensor(0.25)), 0.75 * x + 0.25 * y[assignment(x, y)])
    else:
        assert 6 <= len(path.weights) <= 10  # a vertex of the polytope: at most n + m - 1 entries
        close(path.weights @ path.at(0.25), 0.75 * (a / a.sum()) @ x + 0.25 * (b / b.sum()) @ y)


def test_weights_of_one_side_alone_are_kept():
    x, y, b = cloud(6, 2, seed=40), cloud(6, 2, seed=41), weights(6, seed=42)
    path = displacement(x, y, b=b)
    close(path.weights @ path.start, x.mean(0))
    close(path.weights @ path.end, (b / b.sum()) @ y)


def test_a_traced_barycentric_map_divides_by_the_mass():
    P, y = weights(3, 4, seed=43), cloud(4, 2, seed=44)
    close(make_fx(lambda P, y: barycentric(P, y), tracing_mode="fake")(P, y)(2 * P, y), (P / P.sum(-1, keepdim=True)) @ y)


def test_translation_is_recovered_exactly():
    x = cloud(50, 3, seed=31)
    shift = torch.tensor([1.0, -2.0, 0.5], dtype=F)
    y = (x + shift)[torch.randperm(50, generator=torch.Generator().manual_seed(0))]
    close(displacement(x, y).at(1.0), x + shift)


def test_pot_is_imported_only_when_needed():
    code = "import sys, companion.transport, companion.energies; sys.exit('ot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


X, LINE = cloud(3, 2), cloud(3)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: plan(X, cloud(3, 1)), ValueError, "2 coordinates"),
    (lambda: plan(X, X[:0]), ValueError, "at least one point"),
    (lambda: plan(X, X * torch.nan), ValueError, "NaN"),
    (lambda: plan(X, X, torch.tensor([2.0, -1.0, 1.0], dtype=F)), ValueError, "a has a negative"),
    (lambda: plan(X, X, None, torch.zeros(3, dtype=F)), ValueError, "b has a negative entry, or no"),
    (lambda: plan(X, X, torch.tensor([1.0, torch.inf, 1.0], dtype=F)), ValueError, "finite"),
    (lambda: plan(X, X, torch.ones(2, dtype=F)), ValueError, "the 3 points"),
    (lambda: plan(X, X, torch.tensor([1.0, torch.nan, 1.0], dtype=F)), ValueError, "NaN"),
    (lambda: plan(X, X, [1.0, 1.0, 1.0]), TypeError, "torch.Tensor"),
    (lambda: assignment(X, X[:2]), ValueError, "one size"),
    (lambda: assignment(X, LINE), ValueError, "cloud"),
    (lambda: barycentric(torch.ones(3, 2, dtype=F), X), ValueError, "a column for each"),
    (lambda: barycentric(torch.zeros(2, 3, dtype=F), X), ValueError, "row without mass"),
    (lambda: barycentric(-torch.ones(2, 3, dtype=F), X), ValueError, "negative"),
    (lambda: barycentric([1.0], X), TypeError, "torch.Tensor"),
    (lambda: line_w2_squared(torch.zeros(2, 5), torch.zeros(3, 5)), ValueError, r"x has shape \(2,\), the batch of y has shape \(3,\)"),
    (lambda: line_w2_squared(torch.zeros(5), torch.zeros(5), torch.ones(2, 5), torch.ones(3, 5)), ValueError, r"x has shape \(2,\)"),
    (lambda: plan(X.expand(2, 3, -1), X, torch.stack([torch.ones(3), torch.zeros(3)]).to(F)), ValueError, "no finite positive mass"),
    (lambda: displacement(X[None], X), ValueError, "single clouds"),
    (lambda: displacement(X, X, torch.ones(4, dtype=F)), ValueError, "the 3 points"),
    (lambda: displacement(X, X).at(1.5), ValueError, "= 1.5; expected"),
    (lambda: line_w2_squared(LINE, torch.tensor(1.0)), ValueError, "at least one number"),
    (lambda: line_w2_squared(LINE[:0], LINE), ValueError, "at least one number"),
    (lambda: line_w2_squared(LINE, LINE * torch.nan), ValueError, "NaN"),
    (lambda: line_w2_squared(LINE, LINE, -torch.ones(3, dtype=F)), ValueError, "negative"),
    (lambda: quantile(LINE, torch.tensor([1.5], dtype=F)), ValueError, "outside"),
    (lambda: quantile(LINE, torch.tensor(0.5, dtype=F)), ValueError, "u\\[None\\]"),
    (lambda: quantile(LINE, 0.5), TypeError, "torch.Tensor"),
    (lambda: rearrangement(LINE, LINE[:2]), ValueError, "one size"),
    (lambda: rearrangement([1.0], LINE), TypeError, "torch.Tensor"),
])
def test_bad_input_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()


def best(x, y, s):
    """Whether no cycle of exchanges lowers the cost of the assignment s of integer points, in exact arithmetic (Bellman and Ford)."""
    x, y = ([[int(v) for v in point] for point in z.tolist()] for z in (x, y))
    cost = [[sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) for b in y] for a in x]
    gain = [[cost[i][s[j]] - cost[i][s[i]] for j in range(len(x))] for i in range(len(x))]
    path = [0] * len(x)
    for _ in range(len(x) + 1):
        before = list(path)
        path = [min(p, *(before[i] + gain[i][j] for i in range(len(x)))) for j, p in enumerate(path)]
        if path == before:
            return True
    return False


@pytest.mark.parametrize("far", [1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("outliers", [1, 2, 5])
def test_assignments_and_plans_are_exact_beside_far_points(far, outliers, generator):
    for _ in range(3):
        x, y = (torch.randint(-1000, 1000, (30, 2), generator=generator).to(F) for _ in "xy")
        x[:outliers] += torch.tensor([far, -far], dtype=F)
        y[3 : 2 + outliers] -= torch.tensor([0.0, far], dtype=F)
        weighted = plan(x, y, torch.full((30,), 2.0, dtype=F))
        for s in (assignment(x, y), plan(x, y).argmax(1), weighted.argmax(1)):
            assert sorted(s.tolist()) == list(range(30)) and best(x, y, s.tolist())


def test_the_certificate_refuses_a_worse_assignment():
    x = torch.tensor([[0.0], [10.0], [20.0]], dtype=F)
    assert best(x, x, [0, 1, 2]) and not best(x, x, [1, 2, 0]) and not best(x, x, [0, 2, 1])


def test_one_point_moved_by_a_million_changes_no_other_pair(generator):
    x, y = torch.randn(30, 2, generator=generator, dtype=F), torch.randn(30, 2, generator=generator, dtype=F)
    for far in (1e6, 1e8):
        moved = x.clone()
        moved[0] = torch.tensor([far, 0.0], dtype=F)
        others = [i for i in range(30) if i != assignment(moved, y)[0]]
        assert assignment(moved, y)[0] == y[:, 0].argmax()  # as far^2 - 2 far y_1 asks
        expected = (x[1:] - y[others][assignment(x[1:], y[others])]).square().sum()
        assert (moved[1:] - y[assignment(moved, y)[1:]]).square().sum() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("far", [1.0, 1e4, 1e8])
def test_a_weighted_plan_is_that_of_a_linear_programme_beside_a_far_point(far, generator):
    x, y = torch.randn(6, 2, generator=generator, dtype=F), torch.randn(5, 2, generator=generator, dtype=F)
    a, b = (torch.rand(n, generator=generator, dtype=F) + 0.1 for n in (6, 5))
    near = x.clone()
    x[0] += torch.tensor([far, 0.0], dtype=F)
    P = plan(x, y, a, b)
    assert torch.allclose(P.sum(1), a / a.sum(), atol=1e-12) and torch.allclose(P.sum(0), b / b.sum(), atol=1e-12)
    inner = -2 * (x / far) @ y.T  # the programme sees far points in units of far, near ones as they are
    rest = cost(near, y)
    rows, columns = np.kron(np.eye(6), np.ones(5)), np.kron(np.ones(6), np.eye(5))
    first = linprog(inner[0].numpy(), A_eq=np.ones((1, 5)), b_eq=[(a / a.sum())[0]], bounds=[(0, w) for w in (b / b.sum())])
    if far > 1e3:
        assert (P[0] * inner[0]).sum().item() == pytest.approx(first.fun, rel=1e-9)  # the far point goes where its square asks
    left = (b / b.sum() - P[0]).numpy()
    found = linprog(rest[1:].flatten().numpy(), A_eq=np.vstack([rows[:5, :25], columns[:, :25]]),
                    b_eq=np.concatenate([(a / a.sum())[1:], left]), bounds=(0, None))
    assert (P[1:] * rest[1:]).sum().item() == pytest.approx(found.fun, rel=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, F])
@pytest.mark.parametrize("n", [3, 7, 10, 49, 1000])
def test_the_level_k_over_n_is_the_kth_point_with_and_without_weights(n, dtype):
    x = torch.arange(n, 0.0, -1.0, dtype=dtype)
    u = torch.arange(1, n + 1, dtype=dtype) / n
    for weights in (None, torch.ones(n, dtype=dtype), torch.full((n,), 0.1, dtype=dtype)):
        assert torch.equal(quantile(x, u, weights), x.flip(0))


def test_quantiles_and_distances_of_four_million_points():
    n = 4_000_000
    x = torch.arange(n, dtype=torch.float32)  # 0, ..., n - 1, each exact
    u = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.999])
    for weights in (None, torch.ones(n)):
        assert (quantile(x, u, weights).double() / n - u.double()).abs().max() < 1e-6
    y = torch.arange(n // 2, dtype=torch.float32) * 2 + 1  # Q_y - Q_x is 1 on one half of the levels and 0 on the other
    assert line_w2_squared(x, y).item() == pytest.approx(0.5, rel=1e-6)
    assert line_w2_squared(x, x + 1e6 - 1e6 + 1).item() == pytest.approx(1.0, rel=1e-6)


def test_barycentres_of_many_far_points():
    y = 10 + torch.rand(400_000, 1, generator=torch.Generator().manual_seed(1))
    exact = y.double().mean(0)
    assert (barycentric(torch.ones(1, len(y)), y)[0].double() - exact).abs().item() < 2e-6
    assert (barycentric(torch.ones(1, len(y)), y + 1e6)[0].double() - (y + 1e6).double().mean(0)).abs().item() < 0.1
