"""The counter-based noise: known answers of Philox, the printed definition in plain Python, moments, independence, what is refused."""

import math

import pytest
import torch

from companion.flow import iterate
from companion.noise import noise, philox, uniform, with_noise

F64 = torch.float64
FULL = 0xFFFFFFFF


def philox_in_integers(counter, key):
    """The definition at the top of companion/noise.py in Python's unbounded integers."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & FULL, (p0 >> 32) ^ c3 ^ k1, p0 & FULL
        k0, k1 = (k0 + 0x9E3779B9) & FULL, (k1 + 0xBB67AE85) & FULL
    return c0, c1, c2, c3


def numbers_in_integers(n, seed, k, stream):
    numbers = []
    for block in range(-(-n // 4)):
        words = philox_in_integers((block, k % 2**32, stream, 0), (seed % 2**32, seed // 2**32))
        u = [(w + 0.5) / 2**32 for w in words]
        if stream == 0:
            u = [math.sqrt(-2 * math.log(u[i])) * f(2 * math.pi * u[i + 1]) for i in (0, 2) for f in (math.cos, math.sin)]
        numbers += u
    return torch.tensor(numbers[:n], dtype=F64)


@pytest.mark.parametrize("counter, key, words", [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
])
def test_known_answers(counter, key, words):
    """The vectors published with Random123."""
    counter, key, words = ([int(w, 16) for w in text.split()] for text in (counter, key, words))
    assert philox(torch.tensor(counter), key).tolist() == words
    assert philox(torch.tensor([counter, counter]).T, key).T.tolist() == [words, words]
    assert philox_in_integers(counter, key) == tuple(words)


@pytest.mark.parametrize("seed, k", [(0, 0), (1, -1), (2**32 + 5, 7), (2**64 - 1, 2**31), (3, 2**32 - 2)])
def test_the_definition(seed, k):
    """Bit for bit before the logarithm, and to rounding after it: what the page computes."""
    torch.testing.assert_close(noise((23,), seed=seed, k=k, dtype=F64), numbers_in_integers(23, seed, k, 0), rtol=0, atol=1e-14)
    assert torch.equal(uniform((23,), seed=seed, k=k, dtype=F64), numbers_in_integers(23, seed, k, 1))


def test_pinned_numbers():
    """The first numbers of seed 0, step 0, from the known answer 6627e8d5 e169c58d bc57ac4c 9b00dbd8."""
    u = [(w + 0.5) / 2**32 for w in (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)]
    r, s = math.sqrt(-2 * math.log(u[0])), math.sqrt(-2 * math.log(u[2]))
    expected = [r * math.cos(math.tau * u[1]), r * math.sin(math.tau * u[1]), s * math.cos(math.tau * u[3]), s * math.sin(math.tau * u[3])]
    torch.testing.assert_close(noise((4,), seed=0, k=0, dtype=F64), torch.tensor(expected, dtype=F64), rtol=1e-14, atol=1e-15)


def four_sigma(sample_mean, mean, variance, n):
    return abs(float(sample_mean) - mean) < 4 * math.sqrt(variance / n)


def test_moments():
    """Means of z, z^2, z^3, z^4 are 0, 1, 0, 3, within four standard errors."""
    n = 200_000
    z = noise((n,), seed=4, k=2, dtype=F64)
    for power, mean, second in ((1, 0, 1), (2, 1, 3), (3, 0, 15), (4, 3, 105)):
        assert four_sigma((z**power).mean(), mean, second - mean**2, n)
    assert four_sigma((z < -1).double().mean(), 0.5 * math.erfc(1 / math.sqrt(2)), 0.1335, n)
    u = uniform((n,), seed=4, k=2, dtype=F64)
    assert four_sigma(u.mean(), 1 / 2, 1 / 12, n) and four_sigma((u**2).mean(), 1 / 3, 4 / 45, n)
    assert u.min() > 0 and u.max() < 1


@pytest.mark.parametrize("other", [dict(seed=5, k=3), dict(seed=6, k=2), dict(seed=5 + 2**32, k=2), dict(seed=2, k=5)])
def test_independence(other):
    """No correlation, of the numbers and of their squares, between steps and between seeds; nor between neighbours, nor with `uniform`."""
    n = 100_000
    z, w = noise((n,), seed=5, k=2, dtype=F64), noise((n,), **other, dtype=F64)
    shifts = [(z, w), (z[:-1], z[1:]), (z[:-2], z[2:]), (z[:-4], z[4:])]
    for a, b in shifts:
        assert four_sigma((a * b).mean(), 0, 1, len(a))
        assert four_sigma(((a**2 - 1) * (b**2 - 1)).mean(), 0, 4, len(a))
    assert four_sigma((z * (uniform((n,), seed=5, k=2, dtype=F64) - 0.5)).mean(), 0, 1 / 12, n)


def test_streams_differ():
    """`uniform` does not return the words that make `noise`."""
    words = philox(torch.tensor([0, 2, 0, 0]), (5, 0))
    assert not torch.isclose(uniform((4,), seed=5, k=2, dtype=F64), (words.double() + 0.5) / 2.0**32).any()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 100])
def test_prefix(n):
    for draw in (noise, uniform):
        assert torch.equal(draw((n,), seed=1, k=3), draw((203,), seed=1, k=3)[:n])


def test_shapes_dtypes():
    flat = noise((24,), seed=1, k=0, dtype=F64)
    for shape in ((2, 3, 4), [24], torch.Size([4, 6])):
        z = noise(shape, seed=1, k=0, dtype=F64)
        assert z.shape == tuple(shape) and torch.equal(z.flatten(), flat)
    assert noise((), seed=1, k=0, dtype=F64) == flat[0]
    low = noise((24,), seed=1, k=0)
    assert low.dtype == torch.float32 and torch.equal(low, flat.float()) and low.device.type == "cpu"
    assert uniform((2, 3), seed=1, k=0).dtype == torch.float32


def test_k_is_modulo_two_to_the_32():
    assert torch.equal(noise((4,), seed=1, k=-1), noise((4,), seed=1, k=2**32 - 1))
    assert torch.equal(noise((4,), seed=1, k=2**32), noise((4,), seed=1, k=0))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_same_on_a_gpu():
    gpu = noise((1001,), seed=1, k=3, dtype=F64, device="cuda").cpu()
    torch.testing.assert_close(gpu, noise((1001,), seed=1, k=3, dtype=F64), rtol=0, atol=1e-13)
    assert torch.equal(uniform((1001,), seed=1, k=3, device="cuda").cpu(), uniform((1001,), seed=1, k=3))


def test_with_noise():
    """The k-th step sees the k-th noise, in the dtype and the shape of x: a random walk is the sum of its noises."""
    x0 = torch.zeros(3, 2, dtype=F64)
    path = iterate(with_noise(lambda k, x, xi: x + (k + 1) * xi, seed=8), x0, 3)
    noises = [noise((3, 2), seed=8, k=k, dtype=F64) for k in range(3)]
    torch.testing.assert_close(path.end, noises[0] + 2 * noises[1] + 3 * noises[2], rtol=1e-15, atol=1e-15)
    assert with_noise(lambda k, x, xi: xi, seed=8)(0, x0.float()).dtype == torch.float32


def test_with_noise_lets_a_blow_up_pass():
    assert with_noise(lambda k, x, xi: x + xi, seed=1)(0, torch.full((2,), math.nan)).isnan().all()


def test_philox_words_are_32_bits():
    words = philox(torch.stack([torch.arange(1000)] * 4), (FULL, FULL))
    assert words.min() >= 0 and words.max() <= FULL and words.dtype == torch.int64
    assert len(words.unique()) == 4000


@pytest.mark.parametrize("draw", [noise, uniform])
@pytest.mark.parametrize("change, error, words", [
    (dict(shape=3), TypeError, "shape is 3"),
    (dict(shape=(2.0,)), TypeError, "entry of shape is 2.0"),
    (dict(shape=(-1,)), ValueError, "entry of shape = -1"),
    (dict(seed=1.0), TypeError, "seed is 1.0"),
    (dict(seed=-1), ValueError, "seed = -1"),
    (dict(seed=2**64), ValueError, "below 2^64"),
    (dict(k=0.5), TypeError, "k is 0.5"),
    (dict(k=True), TypeError, "k is True"),
    (dict(dtype=torch.int64), TypeError, "floating-point dtype"),
    (dict(dtype="float32"), TypeError, "floating-point dtype"),
])
def test_refuses(draw, change, error, words):
    given = dict(shape=(2,), seed=0, k=0) | change
    with pytest.raises(error) as caught:
        draw(given.pop("shape"), **given)
    assert words in str(caught.value)


def test_with_noise_refuses():
    with pytest.raises(TypeError, match="step is a NoneType"):
        with_noise(None, seed=0)
    with pytest.raises(ValueError, match="seed"):
        with_noise(lambda k, x, xi: x, seed=-1)
