"""Public signatures say what they take and what they return: the verbs, the noise, the device, still and live figures."""

import inspect
import typing

import pytest

import companion.device
import companion.figures
import companion.flow
import companion.live
import companion.noise
import companion.watching
from companion.live.widget import Shown

MODULES = [companion.flow, companion.noise, companion.device, companion.watching, companion.figures, companion.live]
PUBLIC = {f"{f.__module__}.{name}": f for module in MODULES for name, f in inspect.getmembers(module, inspect.isfunction)
          if not name.startswith("_") and f.__module__.startswith(module.__name__) and name in getattr(module, "__all__", [name])}


def unhinted(f):
    """The parameters of a function that say nothing, and "return" if it does not say what comes back."""
    signature = inspect.signature(f)
    silent = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    return silent + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("name", [*PUBLIC, "save"])
def test_every_parameter_and_the_return_have_a_hint(name):
    f = PUBLIC.get(name, Shown.save)
    assert unhinted(f) == []
    typing.get_type_hints(f)  # each of them can be read


def test_the_list_is_no_short_one():
    assert len(PUBLIC) >= 28 and unhinted(lambda x: x) == ["x", "return"]
