"""Every live figure of the built book, moved by keyboard in a browser: it changes, and its numbers are torch's."""

import base64
import gzip
import json
import os
import pickle
import re
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from companion.live import replay, store
from companion.live.controls import Slider
from companion.state import parts
from tests.live.parity import steps_agree, told_state

ROOT = Path(__file__).parents[2]
SITE = Path(os.environ.get("COMPANION_SITE", ROOT / "_build" / "html"))
FIGURES = Path(os.environ.get("COMPANION_LIVE_FIGURES", ROOT / "_build" / "figures"))
SPEC = re.compile(r'<script type="application/json" class="live-spec">(.*?)</script>', re.S)
STEPS = 20


def declared():
    """(page, spec) of every figure of the built book that runs its graphs."""
    pages = sorted(SITE.rglob("*.html"))
    return [(str(page.relative_to(SITE)), json.loads(text)) for page in pages for text in SPEC.findall(page.read_text("utf8"))]


def identify(item):
    return f"{item[0].removesuffix('.html')}:{item[1]['name']}"


FOUND = declared()
RUNNING = [item for item in FOUND if item[1]["engine"] == "page"]
RECORDED = [item for item in FOUND if item[1]["engine"] != "page"]


def test_the_book_is_alive(site):
    by_page = {page: sum(p == page for p, _ in FOUND) for page, _ in FOUND}
    assert by_page.get("index.html", 0) >= 1, by_page
    for chapter in ("training/gradient_flows.html", "training/transformers.html"):
        assert by_page.get(chapter, 0) >= 4, by_page


def open_figure(visit, address, page, name, scheme="http"):
    """The page, and its figure once the recording has arrived."""
    seen = visit(address(page, scheme), viewport={"width": 1280, "height": 900})
    figure = seen.page.locator(f"figure.live[data-live='{name}']")
    figure.scroll_into_view_if_needed()
    seen.page.wait_for_selector(f"figure.live[data-live='{name}'][data-status='tape']")
    return seen, figure


def ask(figure, what):
    """Evaluate an expression of `c`, the figure's door for tests."""
    return figure.evaluate(f"async (f) => {{ const c = f.companion; return await ({what}); }}")


def move_controls(seen, figure, declaration):
    """Move every slider and choice from the keyboard; yields the names."""
    for name, control in declaration.controls.items():
        if name in declaration.buttons:
            continue
        slides = isinstance(control, Slider)
        figure.locator(f"input[name='{name}']" if slides else f".live-choice[data-name='{name}'] input:checked").focus()
        seen.page.keyboard.press("ArrowLeft" if slides and control.value > (control.lo + control.hi) / 2 else "ArrowRight")
        yield name


def declaration_of(spec):
    return pickle.loads((FIGURES / f"{spec['name']}.{spec['tape']['id']}.pkl").read_bytes())


def run_and_compare(figure, declaration):
    """Start again with the present controls, take the steps one by one, and compare with torch's own from the same states."""
    states = ask(figure, f"""c.reset().then(async () => {{
        const states = [c.state()];
        for (let i = 0; i < {STEPS}; i++) {{ await c.advance(1); states.push(c.state()); }}
        return states;
    }})""")
    begin = replay(declaration, states[0]["events"], 0).end
    told = told_state(states[0], begin, declaration.dtype)
    assert all(map(partial(torch.allclose, rtol=1e-5, atol=1e-5), parts(told).values(), parts(begin).values()))
    assert states[-1]["k"] == STEPS and steps_agree(declaration, states) == {}


@pytest.mark.parametrize("item", RUNNING, ids=identify)
def test_controls_move_it_and_its_numbers_are_torchs(visit, address, item):
    page, spec = item
    declaration = declaration_of(spec)
    seen, figure = open_figure(visit, address, page, spec["name"])
    before = ask(figure, "c.state()")["controls"]
    moved = list(move_controls(seen, figure, declaration))
    ask(figure, "c.ready()")
    now = ask(figure, "c.state()")["controls"]
    assert all(now[name] != before[name] for name in moved), (before, now)
    run_and_compare(figure, declaration)
    assert not seen.errors and not seen.outside


FIRST = [next(item for item in RUNNING if item[0] == page) for page in sorted({page for page, _ in RUNNING})]


@pytest.mark.parametrize("item", FIRST, ids=identify)
def test_a_double_clicked_page_runs(visit, address, item):
    page, spec = item
    seen, figure = open_figure(visit, address, page, spec["name"], scheme="file")
    run_and_compare(figure, declaration_of(spec))
    seen.clean()


def constants(data):
    """(operations, constants) of a graph: what must be the same, and what may differ by the rounding of the processor that computed it."""
    graph = onnx.load_from_string(data).graph
    numbers = [onnx.numpy_helper.to_array(c) for c in graph.initializer]
    return [[(n.op_type, *n.input, *n.output) for n in graph.node], [(c.shape, c.dtype) for c in numbers]], numbers


def close(a, b):
    """Whether two constants are the same up to rounding: 16 times that of their largest entry; whole numbers are equal."""
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    size = np.abs(a[np.isfinite(a)]).max(initial=0)
    return np.allclose(a, b, rtol=0, atol=16 * np.finfo(a.dtype).eps * size, equal_nan=True)


def twins(one, other):
    """Whether two graphs are one, up to rounding of their constants."""
    (same, numbers), (also, others) = constants(one), constants(other)
    return same == also and all(map(close, numbers, others))


def test_shipped_graphs_are_those_of_the_book():
    used = {key for _, spec in FOUND if spec["shipped"] for key in spec["graphs"]}
    known = {key: store.find(key) for key in used | store.shipped(store.SHIPPED).keys()}
    idle = known.keys() - used  # on another processor than that which shipped them, a few constants have other last digits
    stale = [key for key in idle if not any(twins(known[key], known[other]) for other in used)]
    assert None not in known.values() and not stale, f"make graphs, then commit companion/live/graphs: {sorted(stale)}"
    shown = {}
    for page, spec in FOUND:
        shown.setdefault(page.removesuffix(".html").removesuffix("_solutions"), set()).add(spec["name"])
    for file, entry in store.shipped(store.SHIPPED).values():
        chapter, figure = file.relative_to(store.SHIPPED).with_suffix("").as_posix(), entry.split("/")[0]
        assert figure in shown[chapter], f"{file.name} has {entry}, but no figure of {chapter} is called {figure}"


def test_graphs_are_twins_up_to_rounding_only():
    def graph(x, op="Add"):
        node, value = onnx.helper.make_node(op, ["x", "c"], ["y"]), onnx.numpy_helper.from_array(np.asarray(x), "c")
        ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in ("x", "y")]
        return onnx.helper.make_model(onnx.helper.make_graph([node], "g", ends[:1], ends[1:], [value])).SerializeToString()

    assert twins(graph([1.0, 1e-20]), graph([1 + 1e-15, 0.0])) and twins(graph(np.nan), graph(np.nan)) and twins(graph(3), graph(3))
    for other in (graph([1 + 1e-13, 0.0]), graph([1.0]), graph([1.0, 0.0], "Mul"), graph(np.float32([1, 0])), graph([1, 0]), graph([1.0, np.inf])):
        assert not twins(graph([1.0, 0.0]), other)
    assert not twins(graph(3), graph(4)) and not twins(graph(1e-9), graph(1.1e-9)) and not twins(graph(1e-9), graph(0.0))


SMALL, LARGE, TRAINED = 10_000, 60_000, 300_000  # bytes (gzip) of a graph's operations; of one that holds data; of one that holds a trained network


def test_graphs_are_small():
    for page, spec in FOUND:
        for graph in spec["graphs"].values():
            held = sum(len(c.raw_data) for c in onnx.load_from_string(gzip.decompress(base64.b64decode(graph))).graph.initializer)
            size = len(base64.b64decode(graph))
            assert size < (SMALL if held < 10_000 else LARGE if spec["shipped"] else TRAINED), (page, spec["name"], size, held)


@pytest.mark.parametrize("item", RECORDED, ids=identify)
def test_a_recording_plays(visit, address, item):
    page, spec = item
    seen, figure = open_figure(visit, address, page, spec["name"])
    before = figure.get_attribute("data-frame")
    figure.locator(".live-scrub").first.focus()
    seen.page.keyboard.press("Home")
    assert figure.get_attribute("data-frame") != before and not seen.errors
