"""Every exported function takes what it says, and answers all else in words: no obscure death, no NaN out of numbers, no idle keyword.

tests/fuzzing.py finds the functions and makes the calls, tests/recipes hold valid ones where names and hints do not say enough.
"""

import math
from importlib.util import find_spec

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from tests import fuzzing

FUNCTIONS = fuzzing.exported()
OPTIONAL = {"companion.kernels.keops.keops": "pykeops"}
QUIET = settings(max_examples=6, derandomize=True, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))

SHAPES = some.lists(some.integers(0, 4), max_size=4)
DTYPES = some.sampled_from([torch.float32, torch.float64, torch.int64, torch.float16, torch.complex64, torch.bool])
NUMBERS = some.one_of(some.floats(width=32), some.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0, 1e30]))
TENSORS = some.builds(lambda shape, dtype, number: torch.full(shape, number).to(dtype), SHAPES, DTYPES, NUMBERS)
JUNK = some.one_of(TENSORS, NUMBERS, some.integers(-3, 3), some.text(max_size=3), some.lists(NUMBERS, max_size=3), some.none(), some.booleans())


def test_the_functions_are_found_and_the_lists_name_no_other():
    assert len(FUNCTIONS) > 550
    known = {address for part in fuzzing.AREAS for address in fuzzing.recipes(part)[0]}
    assert known <= FUNCTIONS.keys(), sorted(known - FUNCTIONS.keys())


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    """Pictures are composed, not drawn: matplotlib takes longer than all functions together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", lambda self, to, **_: to.write(b"a picture"))
        yield


@pytest.mark.parametrize("address", FUNCTIONS)
def test_a_bad_argument_is_answered_in_words(address, record_property):
    if address in OPTIONAL and not find_spec(OPTIONAL[address]):
        pytest.skip(f"{OPTIONAL[address]} is not installed")
    told = list(every_verdict(address, FUNCTIONS[address]))
    record_property("calls", len(told))
    found = [wrong for wrong in told if wrong]
    assert not found, f"{address}:\n  " + "\n  ".join(found)


def every_verdict(address, f):
    """What is wrong, or None, call by call: first the table of bad arguments, then what hypothesis thinks of."""
    try:
        recipe, arguments = fuzzing.arguments(address, f)
        yield from fuzzing.verdicts(address, f)
    except LookupError as missing:
        yield str(missing)
        return
    found = []

    @QUIET
    @given(some.sampled_from(sorted(arguments)), JUNK)
    def no_death(name, junk):
        wrong = fuzzing.fault(f, {**fuzzing.arguments(address, f)[1], name: junk}, recipe.then and recipe.then(), fuzzing.kind(junk))
        found.append(wrong and f"{name} = {junk!r}: {wrong}")

    if arguments:
        no_death()
    yield from found


def deaf(x, *, steps=1):
    """A planted function: it does not look at x, and steps does nothing."""
    return x.sqrt()


@pytest.mark.parametrize(("argument", "what", "wrong"), [
    ("x", "a word", "AttributeError"), ("x", "torch.int64", None), ("x", "all -1", "gives NaN"), ("x", "NaN", "NaN is taken"),
    ("x", "all 1e30", None)])
def test_a_planted_death_is_found(argument, what, wrong):
    x = torch.ones(3, 2)
    bad = dict(fuzzing.spoilt(x))[what]
    found = fuzzing.fault(deaf, {argument: bad}, None, what)
    assert (found is None) if wrong is None else found.startswith(wrong)


def test_a_planted_death_of_one_part_is_found():
    def careless(z):
        return z.x + z.y.abs()

    state = fuzzing.Phase(torch.ones(3, 2), torch.ones(3, 2))
    wrong = {what: fuzzing.fault(careless, {"z": bad}, None, what) for what, bad in fuzzing.spoilt_parts(state)}
    assert wrong["a word in y"].startswith("AttributeError") and wrong["an axis more in y"] is None and "NaN" in wrong["NaN in x"]


def test_a_planted_idle_keyword_and_a_word_of_torch_are_found():
    x = torch.ones(3, 2)
    assert list(fuzzing.idle_keywords(deaf, fuzzing.Recipe(), lambda: {"x": x})) == ["steps changes nothing (tried [2, 3, 1])"]

    assert fuzzing.fault(lambda x: x @ x, {"x": x}, None, "a shape").startswith("RuntimeError")
    assert fuzzing.fault(lambda x: torch.zeros(2).sum("word"), {"x": x}, None, "a word").startswith("TypeError")


def test_an_infinity_is_told_from_one_that_is_documented():
    def far(x):
        return 1 / (x - x)

    assert "infinity" in fuzzing.fault(far, {"x": torch.ones(2)}, None, "zeros")
    far.__doc__ = "1 / 0, which is inf."
    assert fuzzing.fault(far, {"x": torch.ones(2)}, None, "zeros") is None
