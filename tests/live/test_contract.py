"""What the two sides agreed on (front/contract.js): Python writes these keys, the page sends these, and a name is the same everywhere."""

import json
import re

import pytest
import torch

from companion.live import Button, Choice, Slider, export, live, plane
from companion.live.assets import FRONT
from companion.live.figure import RESERVED
from companion.live.notebook import answer
from companion.live.programs import programs
from companion.live.run import Run
from tests.live.javascript import page

TEXT = (FRONT / "contract.js").read_text("utf8")
START = torch.tensor([[0.5, -0.5], [1.0, 0.25]])


def keys(name):
    """(all, optional) keys of a typedef of the contract."""
    found = re.search(rf"@typedef \{{((?:(?!@typedef).)*?)\}} {name}\b", TEXT, re.DOTALL)[1]
    while re.search(r"(?<=[:|,(<&]) *\{[^{}]*\}", found):  # types within types
        found = re.sub(r"(?<=[:|,(<&]) *\{[^{}]*\}", " any", found)
    every = re.findall(r"(\w+)(\??): ", found)
    return {key for key, _ in every}, {key for key, optional in every if optional}


def fits(record, name):
    every, optional = keys(name)
    assert every - optional <= set(record) <= every, (name, set(record) ^ every)


@pytest.fixture
def figure(monkeypatch):
    monkeypatch.setenv("COMPANION_EXPORT", "never")
    controls = {"beta": Slider(0, 1, 0.5), "m": Choice({"a": 1.0, "b": 2.0}), "kick": Button(lambda x: 2 * x)}
    return live(lambda t, x, *, beta, m: -beta * m * x, START, dt=0.5, frames=4, name="f", alt="points", sentence="{t:.1f}", controls=controls,
                view=plane(x=(-1, 1), y=(-1, 1), drag=True), engine="kernel")


def test_the_spec(figure):
    fits(figure.spec, "Spec")
    for control, name in zip(figure.spec["controls"], ("Slider", "Choice", "Button"), strict=True):
        fits(control, name)
    fits(figure.spec["state"]["start"]["x"], "Packed")


def test_a_recording(figure):
    fits(json.loads(figure.tape), "Tape")
    for run in json.loads(figure.tape)["runs"].values():
        fits(run, "Recorded")
        for array in run["arrays"].values():
            fits(array, "Encoded")


MOVES = "start(run), await source.advance(run, frame, 2), await source.put(run, frame, 0, [1, 2]), await source.button(run, frame, 'kick')"
SENT = """(async () => {
  const sent = [], reply = { k: 0, t: 0, dtype: "float32", outputs: SOURCE === "kernel" ? [] : {}, x: {}, finite: true };
  const spec = SPEC, run = new Run(spec), frame = { k: 0, t: 0, x: { x: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] } } };
  spec.programs = { a: { step: "s", see: "v", put: "p", "button:kick": "b" } };
  const line = { ask: async (content) => { sent.push(content); return [reply, []]; } };
  const source = SOURCE === "kernel" ? new KernelSource(spec, line) : new PageSource(spec, null);
  source.engine = { compute: async (message) => { sent.push(message); return reply; } };
  await source.MOVES;
  return sent;
})()""".replace("MOVES", MOVES)


def sent(figure, source):
    return page(SENT.replace("SPEC", json.dumps(figure.spec)).replace("SOURCE", json.dumps(source)))


def test_what_the_page_asks_of_its_worker(figure):
    asked = sent(figure, "page")
    assert [message["op"] for message in asked] == ["start", "advance", "put", "button"]
    for message in asked:
        fits(message, "Move")
        assert set(message["scalars"]) == {"beta", "dt"}


def test_what_the_page_asks_of_the_kernel_and_what_it_answers(figure):
    for message in sent(figure, "kernel"):
        fits(message, "KernelMove")
        content, buffers = answer(figure.figure, message, [START.numpy().tobytes()] * len(message["shapes"]), None)
        fits(content, "KernelReply")
        assert len(buffers) == len(content["outputs"])
        for output in content["outputs"]:
            fits(output, "Output")


def test_an_input_of_a_graph_is_a_control_or_reserved(figure):
    declared = figure.figure
    for option in declared.options:
        for name in programs(declared, option):
            inputs, _ = export.examples(declared, name, Run(declared).begin().x)
            assert {n.split(".")[0] for n in inputs} <= {*declared.sliders, *RESERVED}
            assert set(declared.sliders) <= set(inputs)


def test_every_reserved_name_is_explained():
    explained = TEXT[TEXT.index("RESERVED"):TEXT.index("A choice is no input")]
    assert {word for word in re.findall(r"(?:^//| {3,})\s*(\w+)   ", explained, re.MULTILINE)} == set(RESERVED)
