"""The page shows torch's numbers: every figure declared in the book's notebooks, in the page's own runtime, over its whole declared run.

At the defaults, for every choice, at both ends of every slider, at a random setting of all, after every button and a drag.
"""

import os
import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from companion.live import export
from companion.live.run import Run
from tests.conftest import absent
from tests.live.page_runtime import Page, node
from tests.live.parity import GROWTH, TOGETHER, apart, draw, followed, growth, idle, opened, settings

FIGURES = Path(os.environ.get("COMPANION_LIVE_FIGURES", Path(__file__).parents[2] / "_build" / "figures"))
PICKLES = sorted(FIGURES.glob("*.pkl"))
each_figure = pytest.mark.parametrize("file", PICKLES, ids=[p.name.split(".")[0] for p in PICKLES])


@pytest.fixture(scope="module")
def page():
    if node() is None:
        absent("no Node on this machine, so the page's numbers are not compared: install Node, or playwright, which brings one.")
    found = Page()
    yield found
    found.close()


@cache
def figure_of(file):
    """(figure, its graphs), or None for one that runs on the kernel by declaration."""
    figure = pickle.loads(file.read_bytes())
    return None if figure.engine == "kernel" else (figure, export.graphs(figure))


@pytest.fixture
def figure(file, page):
    """The declared figure, open in the page."""
    found = figure_of(file)
    if found is None:
        pytest.skip("runs on the kernel by declaration: it has no graph")
    opened(page, *found)
    return found[0]


def test_the_book_declares_figures():
    if not PICKLES:
        pytest.skip("no staged figures: run `make stage` first")
    assert len({p.name.split(".")[0] for p in PICKLES}) >= 8


@each_figure
def test_page_equals_torch_as_declared(figure, page):
    run = followed(page, figure)
    assert not run.faults, run.faults
    assert not run.blown and run.number == figure.frames, "the declared run overflows"
    assert all(np.isfinite(a).all() for name, a in run.arrays.items() if name.startswith(("show", "readout"))), "the declared run ends in NaN"


@each_figure
def test_page_equals_torch_wherever_a_reader_can_set_it(figure, page):
    random = draw(figure, torch.Generator().manual_seed(0))
    for seed, values in enumerate([*settings(figure), random], start=1):
        run = followed(page, figure, values, seed=seed)
        assert not run.faults, (values, run.faults)
        assert not run.blown or figure.members is None, (values, "a member that overflows must rest")


@each_figure
def test_page_equals_torch_after_a_readers_hand(figure, page):
    for name in figure.buttons:
        run = followed(page, figure, frames=min(5, figure.frames))
        run.act("button", name=name)
        run = run.on(3)
        assert not run.faults, (name, run.faults)
    dragged = next((v for v in figure.views if v.put), None)
    if dragged is not None:
        run = followed(page, figure, frames=min(5, figure.frames))
        run.act("put", i=1, p=[sum(dragged.options[axis]) / 2 + 0.1 for axis in "xy"])
        run = run.on(3)
        assert not run.faults, ("drag", run.faults)


@each_figure
def test_landscapes_are_torchs(figure, page):
    for option in figure.options:
        page.ask("begin", values={**figure.defaults, **option}, seed=figure.seed)
        theirs = page.ask("ground")["grounds"]
        ours = Run(figure, option).grounds()
        assert set(theirs) == set(ours)
        for name in ours:
            np.testing.assert_allclose(theirs[name], ours[name].numpy(), rtol=1e-5, atol=1e-5 * float(ours[name].abs().max()))


@each_figure
def test_runs_stay_together_as_long_as_declared(figure, page):
    """Two roundings of one start: the whole declared run, or, where rounding grows, the part that the figure says, with its reason."""
    steps, why = figure.together or (None, "")
    assert apart(page, figure, steps) < TOGETHER, why
    assert steps is None or growth(figure) > GROWTH, "rounding does not grow here: drop `together`"


@each_figure
def test_every_control_matters(file):
    assert idle(pickle.loads(file.read_bytes())) == []
