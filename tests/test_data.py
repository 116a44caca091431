"""Data: laws are checked by their moments (4 standard deviations), images by their pixels, seeds by repetition."""

import math
import sys

import pytest
import torch

from companion import data

N = 20000
DRAWN = [data.sample_gaussian, data.sample_mixture, data.moons, data.ring, data.circle, data.sphere]


def g(seed=0):
    return torch.Generator().manual_seed(seed)


def near(sample, expected, spread):
    return abs(float(sample.double().mean()) - expected) < 4 * spread / math.sqrt(len(sample))


@pytest.mark.parametrize("draw", DRAWN)
def test_a_seed_gives_the_same_points_in_the_dtype_asked_for(draw):
    one, again, other = draw(50, generator=g()), draw(50, generator=g()), draw(50, generator=g(1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.dtype == torch.float32 and len(one) == 50
    double = draw(50, generator=g(), dtype=torch.float64, device="cpu")
    assert torch.equal(double.float(), one) and double.dtype == torch.float64
    assert draw(5, generator=g(), device="meta").device.type == "meta"


def test_gaussian_has_its_moments():
    x = data.sample_gaussian(N, generator=g(), d=3, mean=torch.tensor([1.0, 0.0, -2.0]), scale=0.5)
    assert x.shape == (N, 3)
    for k, mean in enumerate((1.0, 0.0, -2.0)):
        assert near(x[:, k], mean, 0.5) and near((x[:, k] - mean) ** 2, 0.25, 0.25 * math.sqrt(2))
    assert torch.equal(data.sample_gaussian(4, generator=g(), mean=3.0, scale=0.0), torch.full((4, 2), 3.0))


def test_mixture_visits_its_centers_equally():
    centers = torch.tensor([[0.0, 0.0, 5.0], [9.0, 0.0, 0.0]])
    x = data.sample_mixture(N, generator=g(), centers=centers, scale=0.2)
    nearest = torch.cdist(x, centers)
    assert near(nearest.argmin(1), 0.5, 0.5)
    assert near(nearest.amin(1) ** 2, 3 * 0.04, 0.04 * math.sqrt(6))
    eight = data.sample_mixture(N, generator=g(), scale=0.0)
    assert near(eight[:, 0], 0.0, math.sqrt(2)) and near(eight[:, 1], 0.0, math.sqrt(2))
    assert torch.allclose(eight.norm(dim=1), torch.tensor(2.0)) and len(torch.unique((eight * 1e3).round(), dim=0)) == 8


def test_moons_are_two_half_circles():
    x = data.moons(N, generator=g(), noise=0.0)
    upper, lower = x[::2], x[1::2] - torch.tensor([1.0, 0.5])
    for half, sign in ((upper, 1), (lower, -1)):
        assert torch.allclose(half.norm(dim=1), torch.tensor(1.0), atol=1e-6) and (sign * half[:, 1] > -1e-6).all()
        assert near(half[:, 0], 0.0, 0.71) and near(sign * half[:, 1], 2 / math.pi, 0.31)
    noisy = data.moons(N, generator=g(), noise=0.1)
    assert near((noisy[::2].norm(dim=1) - 1) ** 2, 0.01, 0.016)


def test_ring_circle_and_sphere():
    x = data.ring(N, generator=g(), radius=2.0, noise=0.1)
    assert near(x.norm(dim=1), 2.0, 0.1) and near((x.norm(dim=1) - 2) ** 2, 0.01, 0.01 * math.sqrt(2))
    for y, d in ((data.circle(N, generator=g()), 2), (data.sphere(N, generator=g(), d=4), 4), (data.sphere(N, generator=g()), 3)):
        assert y.shape == (N, d) and torch.allclose(y.norm(dim=1), torch.tensor(1.0), atol=1e-6)
        for k in range(d):
            fourth = 3 / (d * (d + 2))
            assert near(y[:, k], 0.0, d**-0.5) and near(y[:, k] ** 2, 1 / d, math.sqrt(fourth - 1 / d**2))
    assert near(x[:, 0] * x[:, 1] / (x**2).sum(1), 0.0, 0.36)


def test_digits_are_the_1797_images_of_scikit_learn():
    images, labels = data.digits()
    assert images.shape == (1797, 8, 8) and images.dtype == torch.float32 and (images.min(), images.max()) == (0, 1)
    assert labels[:10].tolist() == list(range(10)) and labels.dtype == torch.int64
    assert images[0, 0].tolist() == [v / 16 for v in (0, 0, 5, 13, 9, 1, 0, 0)]
    for label in (0, 7):
        some, same = data.digits(label)
        assert (same == label).all() and torch.equal(some, images[labels == label]) and 170 < len(some) < 190


def test_tumours_are_standardised_and_have_two_signs():
    x, labels = data.tumours(dtype=torch.float64)
    assert x.shape == (569, 30) and labels.unique().tolist() == [-1, 1] and (labels == 1).sum() == 357
    assert x.mean(0).abs().max() < 1e-12 and (x.square().mean(0) - 1).abs().max() < 1e-12


def test_photographs_keep_their_proportions_and_mean():
    whole = data.photograph("china", size=640)
    small = data.photograph("china", size=64)
    assert whole.shape == (427, 640, 3) and small.shape == (43, 64, 3) and small.dtype == torch.float32
    assert whole.min() >= 0 and 0.9 < whole.max() <= 1
    assert torch.allclose(whole.mean((0, 1)), small.mean((0, 1)), atol=5e-3)
    assert whole[:100, :, 2].mean() > whole[-100:, :, 2].mean()  # the sky is above, and blue is the last channel
    assert data.photograph("flower", size=32).shape == (21, 32, 3)
    assert not torch.equal(data.photograph("flower", size=64), small)


def test_image_cloud_has_the_masses_of_the_pixels_in_their_places():
    image = torch.tensor([[1.0, 0.0, 0.0, 3.0], [0.0, 4.0, 0.0, 0.0]])
    x = data.image_cloud(image, N, g())
    assert x.shape == (N, 2) and x.dtype == torch.float32
    boxes = {(-1.0, -0.5, 0.0, 0.5): 1 / 8, (0.5, 1.0, 0.0, 0.5): 3 / 8, (-0.5, 0.0, -0.5, 0.0): 1 / 2}
    inside = 0
    for (left, right, low, high), mass in boxes.items():
        kept = (x[:, 0] >= left) & (x[:, 0] <= right) & (x[:, 1] >= low) & (x[:, 1] <= high)
        assert near(kept, mass, math.sqrt(mass * (1 - mass)))
        assert near(x[kept][:, 0], (left + right) / 2, 0.5 / math.sqrt(12)) and near(x[kept][:, 1], (low + high) / 2, 0.5 / math.sqrt(12))
        inside += int(kept.sum())
    assert inside == N
    assert torch.equal(x, data.image_cloud(image, N, g()))
    assert data.image_cloud(image.T, 9, g(), dtype=torch.float64).dtype == torch.float64


def test_without_scikit_learn_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        data.digits()


@pytest.mark.parametrize("draw", DRAWN)
def test_bad_input_to_a_law(draw):
    for error, call in (
        (ValueError, lambda: draw(0, generator=g())),
        (TypeError, lambda: draw(2.5, generator=g())),
        (TypeError, lambda: draw(5, generator=None)),
        (TypeError, lambda: draw(5, generator=0)),
    ):
        with pytest.raises(error, match="expected"):
            call()


def test_bad_input():
    for error, call in (
        (ValueError, lambda: data.sample_gaussian(5, generator=g(), scale=-1.0)),
        (ValueError, lambda: data.sample_gaussian(5, generator=g(), mean=[1.0, 2.0, 3.0])),
        (ValueError, lambda: data.sample_gaussian(5, generator=g(), d=0)),
        (ValueError, lambda: data.sample_mixture(5, generator=g(), centers=torch.ones(3))),
        (ValueError, lambda: data.sample_mixture(5, generator=g(), scale=-1.0)),
        (ValueError, lambda: data.moons(5, generator=g(), noise=-1.0)),
        (ValueError, lambda: data.ring(5, generator=g(), radius=0.0)),
        (ValueError, lambda: data.ring(5, generator=g(), noise=-1.0)),
        (ValueError, lambda: data.sphere(5, generator=g(), d=1)),
        (ValueError, lambda: data.digits(10)),
        (ValueError, lambda: data.photograph("chine", size=64)),
        (ValueError, lambda: data.photograph("china", size=641)),
        (ValueError, lambda: data.photograph("china", size=0)),
        (ValueError, lambda: data.image_cloud(-torch.ones(2, 2), 5, g())),
        (ValueError, lambda: data.image_cloud(torch.zeros(2, 2), 5, g())),
        (ValueError, lambda: data.image_cloud(torch.ones(2, 2, 3), 5, g())),
        (ValueError, lambda: data.image_cloud(torch.ones(2, 2), 0, g())),
        (TypeError, lambda: data.image_cloud(torch.ones(2, 2), 5, None)),
    ):
        with pytest.raises(error, match="expected"):
            call()
    with pytest.raises(ValueError, match="china, flower"):
        data.photograph("paris", size=8)
