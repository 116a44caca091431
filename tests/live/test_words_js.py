"""The page's words and files: numbers and the running sentence as Python writes them, tables of numbers, links that bring a state back."""

import csv
import io
import json
import math
import re
import string
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from companion.figures.look import LOOK
from companion.figures.numbers import said, written
from companion.live import Choice, Slider
from tests.live.javascript import page, run

HARD = [0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 0.125, 1e21, -1e21, 123456789012345680000.0, 1e22, 5e-324, 1e-300, 1.7976931348623157e308,
  9.5, 0.95, 99.95,
        999999.5, 9.9999999e5, 1e16, 0.00001, 9.9995e-5, 1e-4, 2.675, 1.005, -0.4, -0.04, math.inf, -math.inf, math.nan, 1 / 3, 2**53 + 1.0]
ROOT = Path(__file__).parents[2]
FORMATS = [f".{digits}{kind}" for kind in "feg" for digits in (0, 1, 2, 3, 6, 12)]


BOOK = [(4.5e-3, ".1e", "4.5 × 10⁻³"), (-4.5e-3, ".1e", "−4.5 × 10⁻³"), (0.045, ".1e", "0.045"), (0.0996, ".1e", "0.10"), (34.2, ".1e", "34"),
        (342, ".1e", "3.4 × 10²"), (7.25, ".1e", "7.2"), (1e-5, ".0e", "10⁻⁵"), (1e-5, ".1e", "1.0 × 10⁻⁵"), (1e-5, ".3g", "10⁻⁵"),
        (0.0, ".2e", "0.00"), (-0.004, ".2f", "0.00"), (-0.25, ".1f", "−0.2"), (1234567.0, ".3g", "1.23 × 10⁶"), (math.inf, ".1f", "∞"),
        (-math.inf, ".1f", "−∞"), (math.nan, ".1f", "undefined"), (0.00012, ".1g", "0.0001")]


def in_page(pairs):
    """The page's text of each (value, format)."""
    asked = json.dumps([[repr(float(v)), int(f[1:-1]), f[-1]] for v, f in pairs])
    read = "({ inf: Infinity, '-inf': -Infinity, nan: NaN })[v] ?? Number(v)"
    return run(["look.js", "format.js"], f"{asked}.map(([v, digits, kind]) => writtenNumber({read}, digits, kind))")


def same(pairs):
    """Page and Python write the same; what they write is, read back, what Python's own format says."""
    for (v, f), text in zip(pairs, in_page(pairs), strict=True):
        assert text == written(v, int(f[1:-1]), f[-1]), (v, f)
        if math.isfinite(v):
            number = re.sub("(?<![\\d.])10(?=[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])", "1e", text.replace("−", "-").replace("\u202f×\u202f10", "e"))
            assert float(number.translate(LOWERED)) == float(format(v, f)), (v, f, text)


LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.mark.parametrize("value, form, text", BOOK)
def test_numbers_are_those_of_a_printed_book(value, form, text):
    text = text.replace(" ", "\u202f")
    assert written(value, int(form[1:-1]), form[-1]) == text and in_page([(value, form)]) == [text]


def test_hard_numbers_are_written_as_python_writes_them():
    same([(v, f) for v in HARD for f in FORMATS])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(), st.sampled_from(FORMATS)), min_size=40, max_size=80))
def test_any_number_is_written_as_python_writes_it(pairs):
    same(pairs)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(-10**7, 10**7), st.integers(0, 4)), min_size=40, max_size=60))
@example([(1, 1), (5, 1), (25, 2), (-5, 1), (15, 1), (45, 2)])
def test_ties_go_to_even(pairs):
    same([(n / 2**k, f".{d}{kind}") for n, k in pairs for d in (0, 1, 2, 3) for kind in "feg"])


def test_without_a_format_numbers_are_short_and_words_stay():
    numbers = [3, -2, 0.1234567, 1e22, 123456.7, math.nan, 0.5, -0.0, 1e-7, 999999]
    asked = "[3, -2, 0.1234567, 1e22, 123456.7, NaN, 0.5, -0, 1e-7, 999999].map((v) => writtenNumber(v)).concat(writtenNumber('SA', 2, 'f'))"
    found = run(["look.js", "format.js"], asked)
    assert found == [*map(written, numbers), written("SA", 2, "f")]
    assert found == ["3", "−2", "0.1235", "10²²", "1.235\u202f×\u202f10⁵", "undefined", "0.5", "0", "10⁻⁷", "999999", "SA"]


@settings(max_examples=20, deadline=None)
@given(st.floats(-1e6, 1e6), st.integers(0, 10**6), st.text(string.ascii_letters + " .,;:%", max_size=20))
def test_a_sentence_is_pythons(t, k, words):
    template = f"{words} {{{{t}}}} at t = {{t:.3f}}, {{E:.2e}} in {{k:.0f}} {{model}}s {{E:.3g}} of {{k:.0f}} steps{{{{"
    values = {"t": t, "E": t / 7, "k": float(k), "model": "USA"}
    text = run(["look.js", "format.js"], f"fillSentence({json.dumps(template)}, {json.dumps(values)})")
    assert text == said(template, values) and text.endswith("{")


@pytest.mark.parametrize("k, text", [(0, "0 steps, 0 points."), (1, "1 step, 1 point."), (2, "2 steps, 2 points."), (11, "11 steps, 11 points.")])
def test_one_step_is_a_step(k, text):
    sentence = "{k:.0f} steps, {k} points."
    assert said(sentence, {"k": float(k)}) == text == run(["look.js", "format.js"], f"fillSentence('{sentence}', {{ k: {k} }})")
    others = "{k:.0f} stepsons, {k:.1f} steps, {k:.0f} times"
    assert said(others, {"k": 1.0}) == "1 stepsons, 1.0 steps, 1 times" == run(["look.js", "format.js"], f"fillSentence('{others}', {{ k: 1 }})")


def test_every_counted_noun_of_the_book_is_known():
    found = set()
    for path in [*(ROOT / "book").glob("*/*.ipynb"), *(ROOT / "companion").glob("*/*/scenes.py")]:
        for begin in path.read_text("utf8").split("sentence=")[1:]:
            found |= set(re.findall(r"\{\w+(?::\.0f)?\} (\w+)s\b", begin[:300].split("alt=")[0]))
    assert len(found) > 4 and found <= {*LOOK["counted"], "i", "time", "ha", "give"}


def test_an_unknown_name_stays():
    assert run(["look.js", "format.js"], "fillSentence('{a} {b:.1f} {{', { b: 2 })") == "{a} 2.0 {"


# --- the sentence below a figure ---

SAYING = """(async () => {
  const spec = { sentence: "t = {t:.1f}, k = {k:.0f}, E = {E:.2f}, {model} at {beta:.1f}", readouts: ["E", "gone"] };
  const one = makeSentence(spec, () => ({ beta: 2, model: "SA" })), said = [];
  StubElement.prototype.replaceChildren = function (text) { said.push(text); };
  const frame = (t) => ({ t, k: 2 * t, arrays: { "readout:E": { data: [t * t] } } }), live = () => one.element.attributes["aria-live"];
  const found = [live()];
  one.show(frame(1), false); found.push(one.element.textContent);
  await clock.run(200); found.push(live(), said.length);
  one.show(frame(2), true); found.push(live()); await clock.run(200);
  one.show(frame(3), true); one.show(frame(4), false); await clock.run(99); found.push(live(), said.length);
  await clock.run(2); found.push(live(), said);
  one.show(frame(5), true); one.show(frame(6), false); one.show(frame(7), true); await clock.run(500); found.push(live(), said.length);
  return found; })()"""


def test_the_sentence_is_spoken_once_when_the_run_rests():
    found = page(SAYING)
    assert found[0] == "off" and found[1] == "t = 1.0, k = 2, E = 1.00, SA at 2.0"
    assert found[2:4] == ["polite", 0]  # what stands there on arrival is read, not announced
    assert found[4] == "off" and found[5:7] == ["off", 0]
    assert found[7:9] == ["polite", ["t = 4.0, k = 8, E = 16.00, SA at 2.0"]] and found[9:] == ["off", 1]


# --- buttons ---


def test_a_button_says_its_label_and_presses_its_name():
    pressed = page("""(() => { const pressed = [], spec = { controls: [{ kind: "button", name: "kick", label: "Kick all" }] };
      const { element } = makeControls(spec, { press: (name) => pressed.push(name) }), [button] = element.children;
      button.dispatch("click"); return [pressed, button.children, button.attributes.name]; })()""")
    assert pressed == [["kick"], ["Kick all"], "kick"]


# --- tables ---

FRAMES = """[{ k: 0, t: 0, arrays: { show0: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] }, "readout:E": { data: [0.5] } } },
  { k: 4, t: 0.5, arrays: { "readout:E": { data: [NaN] }, "readout:F": { data: [7] } } }]"""


def rows(expression):
    return page(expression.replace("FRAMES", FRAMES))


def test_the_table_of_readouts():
    assert rows("readoutRows({ readouts: ['E', 'F', 'never'] }, FRAMES)") == [["k", "t", "E", "F"], [0, 0, 0.5, None], [4, 0.5, None, 7]]
    assert rows("readoutRows({}, FRAMES)") == [["k", "t"], [0, 0], [4, 0.5]]


def test_the_table_of_points():
    header = ["k", "t", "row", "x0", "x1"]
    assert rows("pointRows(FRAMES[0])") == [header, [0, 0, 0, 1, 2], [0, 0, 1, 3, 4], [0, 0, 2, 5, 6]]
    flat = "pointRows({ k: 3, t: 1.5, arrays: { other: { data: Float32Array.of(7, 8), shape: [2] } } })"
    assert rows(flat) == [["k", "t", "row", "x0"], [3, 1.5, 0, 7], [3, 1.5, 1, 8]]
    arrays = "{ a: { data: Float32Array.of(9), shape: [1] }, show0: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 1, 2] } }"
    deep = f"pointRows({{ k: 0, t: 0, arrays: {arrays} }})"
    assert rows(deep) == [header, [0, 0, 0, 1, 2], [0, 0, 1, 3, 4]]
    assert rows("pointRows({ k: 0, t: 0, arrays: {} })") == [["k", "t", "row", "x0"]]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.text(string.printable.replace("\r", ""), max_size=8), min_size=2, max_size=2), min_size=1, max_size=4))
def test_a_table_is_read_back_by_python(table):
    text = page(f"csvOf({json.dumps(table)})")
    assert list(csv.reader(io.StringIO(text, newline=""))) == table and text.endswith("\n")


# --- links ---

SPEC = {"name": "tokens", "random": True, "seed": 3, "controls": [
    Slider(0, 10, 2).spec("beta"), Choice({"SA": 1, "US & A;?=": 2}).spec("model"), Slider(1, 9, 3, step=1).spec("n"),
    Slider(values=(0.5, 1, 4)).spec("grid"), {"kind": "button", "name": "kick"}]}
ADDRESS = """
const location = { hash: "", href: "https://book.example/page.html?q=1" }, history = { state: "kept", replaceState(state, title, to) {
  if (stub.refuses) throw new Error("too often");
  location.hash = to; stub.kept = state; } };
const spec = """


def addressed(body, spec=SPEC):
    return page(f"(() => {{ {body} }})()", ADDRESS + json.dumps(spec) + ";")


ROUND = """const run = new Run(spec); Object.assign(run.values, { beta: 7.25, model: "US & A;?=", n: 5, grid: 4 }); run.seed = 2 ** 40;
  writeAddress(spec, run); const back = readAddress(spec, new Run(spec)); return [[...back], location.hash, stub.kept];"""


def test_a_link_brings_controls_choices_and_seed_back():
    back, address, kept = addressed(ROUND)
    assert dict(back) == {"beta": 7.25, "model": "US & A;?=", "n": 5, "grid": 4, "seed": 2**40} and kept == "kept"
    assert address == "#tokens?beta=7.25&model=US+%26+A%3B%3F%3D&n=5&grid=4&seed=1099511627776"


def test_several_figures_share_the_address_and_the_last_one_moved_is_last():
    body = """location.hash = "#other?a=1;tokens?beta=1;chapter-3;wells?b=2"; writeAddress(spec, new Run(spec));
      return [location.hash, lastNamed(), addressParts().length];"""
    address, last, parts = addressed(body)
    assert address == "#other?a=1;wells?b=2;tokens?beta=2&model=SA&n=3&grid=0.5&seed=3" and (last, parts) == ("tokens", 3)
    assert addressed("location.hash = '#section'; return [lastNamed(), readAddress(spec, new Run(spec))];") == [None, None]
    assert addressed("location.hash = '#tokens2?beta=1'; return readAddress(spec, new Run(spec));") is None


def test_the_link_of_a_figure_without_chance_has_no_seed():
    body = "location.href += '#old'; return linkTo(spec, new Run(spec));"
    assert addressed(body) == "https://book.example/page.html?q=1#tokens?beta=2&model=SA&n=3&grid=0.5&seed=3"
    assert addressed(body, SPEC | {"random": False}).endswith("grid=0.5")


def test_an_address_that_may_not_change_breaks_nothing():
    assert addressed("stub.refuses = true; writeAddress(spec, new Run(spec)); return location.hash;") == ""


@pytest.mark.parametrize("text, want", [
    ("beta=3.5", {"beta": 3.5}), ("beta=99", {"beta": 10}), ("beta=-1", {"beta": 0}), ("beta=", {}), ("beta=x", {}), ("beta=Infinity", {}),
    ("model=SA", {"model": "SA"}), ("model=nothing", {}), ("n=4.6", {"n": 5}), ("n=0", {"n": 1}), ("grid=2", {"grid": 1}),
      ("grid=3", {"grid": 4}),
    ("grid=-7", {"grid": 0.5}), ("seed=7", {"seed": 7}), ("seed=-1", {}), ("seed=1.5", {}), ("seed=", {}), ("seed=9007199254740992", {}),
    ("kick=1", {}), ("unknown=1", {}), ("", {}), ("beta=1&seed=2&model=SA", {"beta": 1, "seed": 2, "model": "SA"})])
def test_what_an_address_may_ask_for(text, want):
    assert dict(addressed(f"location.hash = '#tokens?{text}'; return [...readAddress(spec, new Run(spec))];")) == want


def test_what_a_link_restores():
    body = """const asked = [], player = (source) => ({ run: new Run(spec), wanted: new Map(), source,
      restart: (o) => asked.push(o), mode: "none",
        showTape: (o) => asked.push("tape") && Promise.resolve() });
      const some = player({}), none = player({}), poor = player(null);
      restoreFrom(some, new Map([["beta", 2], ["seed", 4]])); restoreFrom(none, new Map([["beta", 2.0000000001], ["seed", 3]]));
      restoreFrom(poor, new Map([["beta", 5]]));
      return [asked, [...some.wanted], none.wanted.size, [...poor.wanted]];"""
    asked, some, none, poor = addressed(body)
    assert asked == [{"still": True}, "tape", "tape"] and some == [["seed", 4]] and none == 0 and poor == [["beta", 5]]
