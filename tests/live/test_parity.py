"""The page shows torch's numbers: every figure declared in the book's notebooks, at random controls, two sizes, 1 and 100 steps."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from parity import compare, draw, failures, idle

from companion.live import export

FIGURES = Path(os.environ.get("COMPANION_LIVE_FIGURES", Path(__file__).parents[2] / "_build" / "figures"))
PICKLES = sorted(FIGURES.glob("*.pkl"))


def test_the_book_declares_figures():
    if not PICKLES:
        pytest.skip("no staged figures: run `make stage` first")
    assert len({p.name.split(".")[0] for p in PICKLES}) >= 8


@pytest.mark.parametrize("file", PICKLES, ids=[p.name.split(".")[0] for p in PICKLES])
def test_page_equals_torch(file):
    figure = pickle.loads(file.read_bytes())
    if figure.engine == "kernel":
        pytest.skip("runs on the kernel by declaration: it has no graph")
    steps, graphs = (1, figure.box["steps"] if "steps" in figure.box else 100), export.graphs(figure)  # traced once for all draws
    generator = torch.Generator().manual_seed(0)
    for draws in range(2):
        for option in figure.options:
            values = {**draw(figure, generator), **option}
            bad = failures(compare(figure, values, seed=draws + 1, steps=steps, graphs=graphs))
            assert not bad, f"{figure.name} at {values}: {bad}"


@pytest.mark.parametrize("file", PICKLES, ids=[p.name.split(".")[0] for p in PICKLES])
def test_every_control_matters(file):
    assert idle(pickle.loads(file.read_bytes())) == []
