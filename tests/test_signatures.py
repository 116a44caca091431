"""Every exported function says what it takes and what it returns."""

import inspect
import typing

import pytest

from companion.live.widget import Shown
from tests import fuzzing

PUBLIC = {**fuzzing.exported(scenes=True), "companion.live.widget.Shown.save": Shown.save}


def unhinted(f):
    """The parameters of a function that say nothing, and "return" if it does not say what comes back."""
    signature = inspect.signature(f)
    silent = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    return silent + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("address", PUBLIC)
def test_every_parameter_and_the_return_have_a_hint(address):
    assert unhinted(PUBLIC[address]) == []
    typing.get_type_hints(PUBLIC[address])  # each of them can be read


def test_a_silent_parameter_is_found():
    assert unhinted(lambda x: x) == ["x", "return"] and unhinted(unhinted) == ["f", "return"]
