"""Digits out of noise: what the guess means, what guidance is, Euler's polygon frame by frame; and a small network, trained here, is judged."""

import math

import pytest
import torch

from companion import check, data
from companion.flow import euler, flow
from companion.noise import noise
from companion.sampling.generative import digits

F8 = torch.float64


def draw(seed):
    return torch.Generator().manual_seed(seed)


def small(dtype=F8, d=64):
    return tuple(a.to(dtype) for a in digits.network(generator=draw(0), d=d, width=24))


def cloud(*shape, seed=0, dtype=F8):
    return noise(shape, seed=seed, k=-1, dtype=dtype)


# The network


def test_the_network_is_the_one_that_is_written():
    theta, x, t, c = small(d=5), cloud(6, 5), cloud(6, 1, seed=1).abs(), digits.one_hot(torch.arange(6), cloud(1, 1))
    assert [tuple(a.shape) for a in theta] == [(23, 24), (24,), (24, 24), (24,), (24, 24), (24,), (24, 5), (5,)]
    out = digits.guess(t, x, c, theta)
    for row in range(6):
        s = t[row].item()
        u = [*x[row].tolist(), *(math.sin(math.pi / 2 * 2**j * s) for j in range(4)), *(math.cos(math.pi / 2 * 2**j * s) for j in range(4))]
        h = torch.tensor(u + [float(row == j) for j in range(10)], dtype=F8)
        for layer in range(4):
            linear = (theta[2 * layer] * (h[:, None])).sum(0) + theta[2 * layer + 1]
            h = linear if layer == 3 else linear / (1 + torch.exp(-linear)) + (h if layer else 0)
        check.close(out[row], h, tol=1e-12, name="the network's guess")


def test_random_weights_keep_the_size_of_what_goes_through():
    A0, b0, A1, *_ = digits.network(generator=draw(1), width=400)
    assert abs(A0.square().sum(0).mean() - 1) < 0.02 and abs(A1.square().sum(0).mean() - 1) < 0.02 and not b0.any()


def test_classes_are_unit_vectors():
    like = cloud(1, 1, dtype=torch.float32)
    assert torch.equal(digits.one_hot(torch.tensor(3.0), like), torch.eye(10)[3]) and digits.one_hot(3, cloud(1, 1)).dtype == F8
    assert torch.equal(digits.one_hot(torch.tensor([7, 0]), like), torch.eye(10)[[7, 0]])


@pytest.mark.parametrize("w", [-1.0, 0.0, 0.7, 3.0])
def test_guidance_goes_from_no_class_through_the_class(w):
    theta, x, t, label = small(), cloud(4, 64), 0.3, torch.tensor([1, 5, 5, 9])
    of_class, of_all = ((digits.guess(t, x, c, theta) - x) / (1 - t) for c in (digits.one_hot(label, x), torch.zeros(4, 10, dtype=F8)))
    check.close(digits.velocity(t, x, theta=theta, label=label, w=w), (1 + w) * of_class - w * of_all, tol=1e-12, name="guided velocity")
    times = torch.tensor([[0.1], [0.3], [0.5], [0.9]], dtype=F8)
    rows = torch.cat([digits.velocity(times[i], x[i:i + 1], theta=theta, label=label[i:i + 1], w=w) for i in range(4)])
    check.close(digits.velocity(times, x, theta=theta, label=label, w=w), rows, tol=1e-12, name="each row at its own time")


def test_the_last_step_of_euler_lands_on_the_guess():
    theta, x = small(), cloud(3, 64)
    for N in (1, 4):
        t = 1 - 1 / N
        check.close(euler(lambda t, x: digits.velocity(t, x, theta=theta, label=2), t, x, 1 / N),
                    digits.guess(t, x, digits.one_hot(2, x), theta), tol=1e-12, name="end of the last step")


def test_the_loss_is_that_of_flow_matching_in_other_units():
    theta, x1, z, t, label = small(), cloud(5, 64), cloud(5, 64, seed=1), torch.linspace(0.1, 0.9, 5, dtype=F8)[:, None], torch.arange(5)
    error = digits.matching_error(lambda t, x, c: digits.guess(t, x, digits.one_hot(c, x), theta), x1, label, z=z, t=t)
    v = digits.velocity(t, (1 - t) * z + t * x1, theta=theta, label=label)
    check.close(error, ((1 - t) * (v - (x1 - z))).square().sum(-1), tol=1e-10, name="|D - x1|^2")


def test_the_floor_of_the_loss_is_a_conditional_variance():
    n = 200_000  # X1 = s N(0, 1) in one dimension: E[X1 | X_t] = t s^2 x / ((1-t)^2 + t^2 s^2), variance (1-t)^2 s^2 / ((1-t)^2 + t^2 s^2)
    s, z, x1, t = 0.5, cloud(n, 1), 0.5 * cloud(n, 1, seed=1), torch.rand(n, 1, generator=draw(2), dtype=F8)
    grid = torch.linspace(0, 1, 2001, dtype=F8)
    floor = torch.trapezoid((1 - grid) ** 2 * s**2 / ((1 - grid) ** 2 + grid**2 * s**2), grid)
    best = digits.matching_error(lambda t, x, c: t * s**2 * x / ((1 - t) ** 2 + t**2 * s**2), x1, torch.zeros(n, dtype=torch.int64), z=z, t=t)
    assert abs(best.mean() - floor) < 4 * best.std() / n**0.5
    worse = digits.matching_error(lambda t, x, c: t * s**2 * x / ((1 - t) ** 2 + t**2 * s**2) + 0.1, x1, torch.zeros(n, dtype=torch.int64), z=z, t=t)
    check.close(worse.mean() - best.mean(), 0.01, tol=0.002, name="price of a bias of 0.1")


# The film


def test_frames_of_one_corner_each_are_euler():
    theta, z = small(), cloud(3, 64)
    v = dict(theta=theta, label=4, w=0.5)
    for N in (1, 5, 60):
        s = digits.begin(z)
        corners = [z]
        for _ in range(60):
            s = digits.frame(s, steps=torch.tensor(float(N)), **v)
            if (s[3, 0, 0].item() * N) % 60 == 0:
                corners.append(s[0])
        path = flow(lambda t, x: digits.velocity(t, x, **v), z, 1.0, N, method=euler)
        check.close(torch.stack(corners), path.x, tol=1e-9, name=f"corners of Euler's polygon with {N} steps")
        rest = digits.frame(s, steps=N, **v)
        assert torch.equal(rest[0], s[0]) and (s[3] == 60).all() and (rest[3] == 60).all() and torch.equal(s[2], z)


def test_between_two_corners_it_goes_straight():
    theta, s = small(), digits.begin(cloud(3, 64))
    places = [s[0]]
    for _ in range(12):
        s = digits.frame(s, theta=theta, label=1, w=0.0, steps=5)
        places.append(s[0])
    steps = torch.stack(places).diff(dim=0)
    check.close(steps, steps[:1].expand_as(steps), tol=1e-13, name="twelve frames of one step")
    next_frame = digits.frame(s, theta=theta, label=1, w=0.0, steps=5)
    assert (next_frame[0] - s[0] - steps[0]).abs().max() > 1e-6


def test_the_polygon_has_as_many_corners_as_steps_in_single_precision():
    theta, z = small(torch.float32), cloud(2, 64, dtype=torch.float32)
    for N in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60):
        s, asked, before = digits.begin(z), 0, None
        for _ in range(60):
            s = digits.frame(s, theta=theta, label=1, w=0.0, steps=torch.tensor(float(N)))
            asked += before is None or not torch.equal(before, s[1])
            before = s[1]
        assert asked == N


def test_another_dozen_is_fresh_normal_noise():
    z = cloud(12, 64)
    s = digits.frame(digits.begin(z), theta=small(), label=1, w=0.0, steps=3)
    seen = [z]
    for _ in range(20):
        s = digits.another(s)
        assert torch.equal(s[0], s[2]) and not s[1].any() and not s[3].any()
        assert torch.equal(s[0].abs().flatten().sort().values, z.abs().flatten().sort().values)  # the same numbers, up to order and sign
        seen.append(s[0])
    flat = torch.stack(seen).flatten(1)
    like = (flat @ flat.T) / flat[0].square().sum() - torch.eye(21, dtype=F8)
    assert like.abs().max() < 4 / 768**0.5  # no two draws are alike
    first, old = seen[1].flatten(), z.flatten()
    turned = torch.sign(first[first.abs().argsort()]) != torch.sign(old[old.abs().argsort()])  # each number, wherever it has gone
    assert 0.45 < turned.double().mean() < 0.55


def test_a_sheet_shows_each_image_in_its_place():
    x = torch.full((6, 64), -1.0)
    x[4, 8 * 2 + 5] = 1.0  # the fifth image: second row of the sheet, second column of three
    x[0, 0], x[1, 1] = 3.0, -7.0  # beyond black and white
    sheet = digits.sheet(x, columns=3)
    assert sheet.shape == (20, 30) and sheet.sum() == 2
    assert sheet[10 + 1 + 2, 10 + 1 + 5] == 1 and sheet[1, 1] == 1
    assert digits.sheet(torch.zeros(4, 64)).eq(0.5).sum() == 4 * 64


def test_spread_is_the_standard_deviation_of_a_cloud():
    x = cloud(7, 3)
    check.close(digits.spread(x).square(), torch.cov(x.T).trace(), tol=1e-12, name="square of the spread")
    assert digits.spread(x[:1].expand(4, 3)) < 1e-12


# The judges


def test_the_split_is_of_all_digits():
    (x, y), (held, held_y) = digits.split(1000, generator=draw(0))
    images, labels = data.digits()
    assert x.shape == (1000, 64) and held.shape == (797, 64) and x.min() == -1 and x.max() == 1
    everything = torch.cat([x, held]).sum(1).sort().values
    check.close(everything, (2 * images.flatten(1) - 1).sum(1).sort().values, tol=1e-4, name="the same images")
    assert torch.equal(torch.cat([y, held_y]).bincount(), labels.bincount())
    where = (2 * images.flatten(1) - 1 == x[0]).all(1)
    assert (labels[where] == y[0]).all() and where.any()
    assert not torch.equal(x, digits.split(1000, generator=draw(1))[0][0])


def test_the_nearest_mean_names():
    means = 3 * cloud(10, 64, seed=5)
    x = means[[2, 2, 7]] + 0.1 * cloud(3, 64)
    assert digits.named(x, 2, means) == 2 and digits.named(x, torch.tensor([2, 2, 7]), means) == 3 and digits.named(x, 7, means) == 1
    label, means = torch.arange(200) % 10, torch.linspace(0.2, 1.5, 10, dtype=F8)[:, None] * means  # of different lengths
    near = torch.linspace(0.3, 1.2, 200, dtype=F8)[:, None] * means[label] + cloud(200, 64, seed=6)
    found = (near[:, None] - means).square().sum(-1).argmin(1)
    assert digits.named(near, label, means) == (found == label).sum() and 100 < (found == label).sum() < 195


def test_the_judge_tells_a_disc_from_the_ring_around_it():
    """No plane does: a sum of Gaussian bumps."""
    angle = torch.arange(60, dtype=F8)
    x = torch.where(angle % 2 == 0, 0.5, 2.0)[:, None] * torch.stack([angle.cos(), angle.sin()], -1)
    label = torch.arange(60) % 2
    assert torch.equal(digits.judge(x, label)(0.9 * x + 0.1), label)


def test_nearest_is_by_brute_force():
    x, y = cloud(5, 3), cloud(8, 3, seed=1)
    least = torch.stack([torch.stack([(a - b).norm() for b in y]).min() for a in x])
    check.close(digits.nearest(x, y), least, tol=1e-12, name="distance to the nearest")
    assert digits.nearest(y[3:4], y) == 0


def test_recited_is_bayes_formula():
    known, classes, x, label = cloud(9, 4), torch.arange(9) % 3, cloud(6, 4, seed=1), torch.arange(6) % 3
    t = torch.linspace(0.1, 0.8, 6, dtype=F8)[:, None]
    out = digits.recited(t, x, label, known=known, classes=classes)
    for i in range(6):
        mine = known[classes == label[i]]
        law = [torch.distributions.MultivariateNormal(t[i] * y, (1 - t[i]) ** 2 * torch.eye(4, dtype=F8)) for y in mine]
        p = torch.softmax(torch.stack([q.log_prob(x[i]) for q in law]), 0)
        check.close(out[i], p @ mine, tol=1e-10, name="conditional mean")


def test_the_least_training_loss_ends_on_training_digits():
    (known, classes), (held, _) = digits.split(400, generator=draw(0))
    label, z = torch.arange(40) % 10, cloud(40, 64, dtype=torch.float32)
    end = flow(lambda t, x: (digits.recited(t, x, label, known=known, classes=classes) - x) / (1 - t), z, 1.0, 30, method=euler, every=30).end
    assert digits.nearest(end, known).max() < 1e-3 < digits.nearest(held, known).min()
    at = torch.cdist(end, known).argmin(1)
    assert torch.equal(classes[at], label) and len(set(at.tolist())) > 25


# A network, trained


@pytest.fixture(scope="module")
def learnt():
    (known, classes), held = digits.split(1200, generator=draw(0))
    theta, losses = digits.trained(digits.network(generator=draw(1), width=64), known, classes, 1200, generator=draw(2), batch=64)
    return known, classes, held, theta, losses


def test_a_judge_who_never_saw_the_training_digits_names_what_is_drawn(learnt):
    known, classes, (held, held_classes), theta, losses = learnt
    judge, asked = digits.judge(held, held_classes), torch.arange(300) % 10
    assert (judge(known) == classes).double().mean() > 0.97
    assert losses.shape == (1200,) and losses[-200:].mean() < losses[:20].mean() / 4
    drawn = flow(lambda t, x: digits.velocity(t, x, theta=theta, label=asked, w=1.0), cloud(300, 64, dtype=torch.float32), 1.0, 30,
                 method=euler, every=30).end.clamp(-1, 1)
    assert (judge(drawn) == asked).double().mean() > 0.9
    usual, far = digits.nearest(held, known).median(), digits.nearest(drawn, known)
    assert 0.7 < far.median() / usual < 1.5 and (far < usual / 2).double().mean() < 0.05


def test_the_class_was_withheld_in_training(learnt):
    *_, (held, held_classes), theta, _ = learnt
    z, t = cloud(597, 64, dtype=torch.float32), torch.full((597, 1), 0.3)

    def loss(c):
        return digits.matching_error(lambda t, x, _: digits.guess(t, x, c, theta), held, held_classes, z=z, t=t).mean()

    told, other = loss(digits.one_hot(held_classes, held)), loss(digits.one_hot((held_classes + 1) % 10, held))
    assert told < loss(torch.zeros(597, 10)) < other


def test_a_class_that_is_never_told_is_not_learnt():
    (known, classes), _ = digits.split(200, generator=draw(0))
    theta = small(torch.float32)
    for drop, learns in ((1.0, False), (0.0, True)):
        after, _ = digits.trained(theta, known, classes, 3, generator=draw(3), drop=drop)
        assert torch.equal(after[0][-10:], theta[0][-10:]) is not learns and not torch.equal(after[0][:-10], theta[0][:-10])


def test_the_pace_of_training():
    (known, classes), _ = digits.split(200, generator=draw(0))
    theta, lr = small(torch.float32), 1e-2  # Adam moves a weight by at most its rate: lr / 100 (1 + cos 0) / 2, lr 2 / 100 (1 + cos pi/2) / 2
    for steps in (1, 2):
        after, _ = digits.trained(theta, known, classes, steps, generator=draw(3), lr=lr)
        most = max((a - b).abs().max().item() for a, b in zip(after, theta, strict=True))
        check.close(most, steps * lr / 100, tol=3e-6, name=f"largest move in {steps} steps")


def test_the_steps_of_training_are_adams():
    """Kingma and Ba, ICLR 2015, written out: of the gradient of one batch each, with the draws of the same generator."""
    (known, classes), _ = digits.split(200, generator=draw(0))
    theta, lr, steps, g = small(torch.float32), 1e-2, 3, draw(3)
    found, losses = digits.trained(theta, known, classes, steps, generator=draw(3), batch=16, lr=lr)
    theta, m, v = [a.requires_grad_() for a in theta], [0.0] * 8, [0.0] * 8
    for k in range(steps):
        i, told = torch.randint(200, (16,), generator=g), (torch.rand(16, 1, generator=g) >= 0.15).float()
        z, t = torch.randn(16, 64, generator=g), torch.rand(16, 1, generator=g)
        guess = digits.guess(t, (1 - t) * z + t * known[i], told * digits.one_hot(classes[i], known), tuple(theta))
        loss = (guess - known[i]).square().sum(-1).mean()
        check.close(losses[k], loss.detach(), tol=1e-3, name="loss")
        slope = torch.autograd.grad(loss, theta)
        m = [0.9 * a + 0.1 * s for a, s in zip(m, slope, strict=True)]
        v = [0.999 * a + 0.001 * s.square() for a, s in zip(v, slope, strict=True)]
        rate = lr * (k + 1) / 100 * (1 + math.cos(math.pi * k / steps)) / 2
        theta = [(a - rate * (b / (1 - 0.9 ** (k + 1))) / ((c / (1 - 0.999 ** (k + 1))).sqrt() + 1e-8)).detach().requires_grad_()
                 for a, b, c in zip(theta, m, v, strict=True)]
    off = torch.cat([(a - b).abs().flatten() for a, b in zip(found, theta, strict=True)])
    assert off.quantile(0.99) < 2e-6  # where a slope is as small as its rounding, Adam's step is not known


def test_training_is_reproducible_and_leaves_its_input_alone():
    (known, classes), _ = digits.split(200, generator=draw(0))
    theta, steps = small(torch.float32), []
    before = [a.clone() for a in theta]
    first, _ = digits.trained(theta, known, classes, 5, generator=draw(3), progress=lambda r: (steps.append(k) or k for k in r))
    again, _ = digits.trained(theta, known, classes, 5, generator=draw(3))
    assert all(torch.equal(a, b) for a, b in zip(theta, before, strict=True)) and not any(a.requires_grad for a in first)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True)) and steps == [0, 1, 2, 3, 4]
    assert not all(torch.equal(a, b) for a, b in zip(first, theta, strict=True))
    with pytest.raises(FloatingPointError, match="smaller lr"):
        digits.trained(theta, known, classes, 30, generator=draw(3), lr=1e14)


@pytest.mark.parametrize("bad, words", [
    (lambda: digits.network(generator=0), "generator"), (lambda: digits.network(generator=draw(0), width=0), "width"),
    (lambda: digits.guess(0.5, torch.zeros(64), torch.zeros(10), small()), "cloud"),
    (lambda: digits.guess(0.5, cloud(2, 64), torch.zeros(2, 10), small()[:6]), "four matrices"),
    (lambda: digits.guess(0.5, cloud(2, 64), torch.zeros(2, 10), (small()[0][1:], *small()[1:])), "four matrices"),
    (lambda: digits.guess(0.5, cloud(2, 64), torch.zeros(3, 10, dtype=F8), small()), "classes for the rows"),
    (lambda: digits.guess(0.5, cloud(2, 64, dtype=torch.float32), torch.zeros(2, 10), small()), "like theta"),
    (lambda: digits.velocity(0.5, cloud(2, 64), theta=small(), label=torch.tensor([1, 10])), "no digit"),
    (lambda: digits.velocity(0.5, cloud(2, 64), theta=small(), label=1, w=math.nan), "w ="),
    (lambda: digits.velocity(0.5, [1.0], theta=small(), label=1), "Tensor"),
    (lambda: digits.trained(small(), cloud(3, 64), torch.tensor([1, 2, 10]), 5, generator=draw(0)), "label"),
    (lambda: digits.trained(small(), cloud(3, 64), torch.tensor([1.0, 2, 3]), 5, generator=draw(0)), "label"),
    (lambda: digits.trained(small(), cloud(3, 64), torch.tensor([1, 2]), 5, generator=draw(0)), "label"),
    (lambda: digits.trained(small(), cloud(3, 64), torch.tensor([1, 2, 3]), 0, generator=draw(0)), "steps"),
    (lambda: digits.trained(small(), cloud(3, 64), torch.tensor([1, 2, 3]), 5, generator=draw(0), lr=0), "lr"),
    (lambda: digits.trained(small(), cloud(3, 64), torch.tensor([1, 2, 3]), 5, generator=draw(0), drop=2), "drop"),
    (lambda: digits.trained(small(), cloud(3, 64), torch.tensor([1, 2, 3]), 5, generator=draw(0), progress=1), "progress"),
    (lambda: digits.begin(torch.zeros(64)), "cloud"), (lambda: digits.frame(cloud(2, 64), theta=small(), label=1, w=0.0, steps=3), "begin"),
    (lambda: digits.frame(digits.begin(cloud(2, 64)), theta=small(), label=1, w=0.0, steps=61), "steps"),
    (lambda: digits.another(0), "Tensor"), (lambda: digits.another(cloud(3, 2, 4)), "begin"),
    (lambda: digits.sheet(cloud(5, 64)), "columns"), (lambda: digits.sheet(cloud(4, 60)), "64"),
    (lambda: digits.spread(torch.zeros(3)), "cloud"), (lambda: digits.split(1797, generator=draw(0)), "held out"),
    (lambda: digits.split(10, generator=None), "generator"), (lambda: digits.judge(torch.zeros(3), torch.zeros(3)), "cloud"),
    (lambda: digits.judge(cloud(3, 4), torch.zeros(3, dtype=F8)), "at least two classes"),
    (lambda: digits.named(cloud(2, 3), 1, cloud(9, 3)), "one mean"),
    (lambda: digits.recited(0.5, cloud(2, 3), torch.tensor([0, 5]), known=cloud(2, 3), classes=torch.tensor([0, 1])), "none of the known"),
    (lambda: digits.recited(1.0, cloud(2, 3), torch.tensor([0, 1]), known=cloud(2, 3), classes=torch.tensor([0, 1])), "times t < 1"),
    (lambda: digits.nearest(cloud(2, 3), cloud(2, 4)), "coordinates"), (lambda: digits.named(cloud(2, 3), 1, cloud(10, 4)), "coordinates"),
    (lambda: digits.recited(0.5, cloud(2, 3), torch.tensor([0, 1]), known=cloud(2, 4), classes=torch.tensor([0, 1])), "coordinates"),
])
def test_bad_input_is_refused_in_words(bad, words):
    with pytest.raises((TypeError, ValueError), match=words):
        bad()
