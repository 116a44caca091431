"""The page's noise is companion.noise, number for number: one definition, two writings."""

import pytest
import torch

from companion.noise import noise, philox
from tests.live.javascript import run

ASKED = [(1, 0, 0), (7, 3, 5), (240, 12345, 99), (10, 0, -1), (5, 2**32 + 17, 2**31), (6, 2**53 - 1, 2**32 + 4), (4, 2**32 - 1, 1)]


@pytest.mark.parametrize(("count", "seed", "k"), ASKED)
def test_same_numbers_as_python(count, seed, k):
    here = run(["noise.js"], f"Array.from(standardNormals({count}, {seed}, {k}))")
    assert torch.tensor(here, dtype=torch.float64).sub(noise((count,), seed=seed, k=k, dtype=torch.float64)).abs().max() < 1e-12


def test_float32_rounds_to_the_same_numbers():
    here = run(["noise.js"], "Array.from(Float32Array.from(standardNormals(4000, 8, 2)))")
    difference = torch.tensor(here, dtype=torch.float64) - noise((4000,), seed=8, k=2).double()
    assert difference.abs().max() < 1e-7 * 5  # one unit of float32 at the largest numbers, where log and cos may differ in the last place


def test_philox_words_at_the_corners():
    """All bits set in counter and key: every carry of the 64-bit products is taken."""
    ones = 2**32 - 1
    words = run(["noise.js"], f"""(() => {{ const c = new Uint32Array(4).fill({ones}), key = new Uint32Array(2).fill({ones});
        philox(c, key); return Array.from(c); }})()""")
    assert words == philox(torch.full((4,), ones), (ones, ones)).tolist()
    assert words == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]  # the known answer of the paper's authors (Random123, kat_vectors)


def test_no_numbers():
    assert run(["noise.js"], "Array.from(standardNormals(0, 1, 1))") == []
