"""The package as a reader meets it: import companion, its two verbs, what it offers, its map on one screen."""

import pkgutil
import pydoc
import re
import subprocess
import sys

import cloudpickle
import pytest
import torch

import companion

LIGHT = """
import sys
import companion
dir(companion), companion.__version__, hasattr(companion, "nothing")
assert not {"torch", "numpy", "scipy", "matplotlib"} & set(sys.modules)
"""
ORDERS = [
    "import companion; flow, heun = companion.flow, companion.flow.heun",
    "import companion.flow; from companion.flow import heun; flow = companion.flow",
    "from companion.flow import flow, heun; import companion",
    "from companion import flow; from companion.flow import heun; import companion",
    "import companion.live; import companion; flow, heun = companion.flow, companion.flow.heun",
]
RUNS = """
import torch
assert torch.allclose(flow(lambda t, x: -x, torch.ones(2), 1.0, 50, method=heun).end, torch.tensor(-1.0).exp(), rtol=1e-3)
assert torch.equal(companion.flow(lambda t, x: -x, torch.ones(2), 1.0, 5).x, companion.flow.flow(lambda t, x: -x, torch.ones(2), 1.0, 5).x)
assert companion.iterate(lambda k, x: x / 2, torch.ones(2), 3).end.tolist() == [0.125, 0.125]
"""


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_the_package_alone_imports_nothing_heavy():
    done = run(LIGHT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("order", ORDERS)
def test_the_verbs_are_called_in_every_order_of_imports(order):
    done = run(order + RUNS)
    assert done.returncode == 0, done.stderr


def test_a_module_called_like_its_function_is_both():
    import inspect

    from companion.device import device
    from companion.flow import flow
    from companion.noise import noise

    assert companion.device() == device() and torch.equal(companion.noise((3,), seed=1, k=2), noise((3,), seed=1, k=2))
    assert inspect.signature(companion.flow) == inspect.signature(flow) and companion.flow.heun.__name__ == "heun"
    with pytest.raises(TypeError, match="not callable"):
        companion.energies()
    travelled = cloudpickle.loads(cloudpickle.dumps(lambda: companion.flow))()
    assert travelled is companion.flow


def test_a_live_figure_by_its_short_name():
    f = companion.live(lambda t, x: -x, torch.ones(2, 2), dt=0.1, name="f", view=companion.live.plane(x=(0, 1), y=(0, 1)), sentence="t", alt="points")
    assert f.figure.name == "f"


def test_what_is_there_can_be_seen_and_a_typo_is_answered():
    modules = {m.name for m in pkgutil.iter_modules(companion.__path__)}
    assert set(dir(companion)) == modules | {"iterate", "Path", "__version__"}
    for name in dir(companion):
        assert getattr(companion, name) is not None
    with pytest.raises(AttributeError, match=r"has no 'flwo'; it has Path, .*flow, .*transport"):
        companion.flwo  # noqa: B018


def test_help_is_a_map_of_the_package_on_one_screen():
    lines = re.sub(".\b", "", pydoc.render_doc(companion)).splitlines()
    first = "\n".join(lines[: lines.index("PACKAGE CONTENTS")])
    named = set(re.findall(r"\w+", " ".join(re.findall(r"^ {8}(\w+(?:, \w+)*)  ", first, re.MULTILINE))))
    assert named == {m.name for m in pkgutil.iter_modules(companion.__path__)} and first.count("\n") < 40
    for theme in ("training", "architectures", "sampling"):
        (line,) = re.findall(rf"^ {{8}}{theme} .*: (.*)$", first, re.MULTILINE)
        chapters = [m.name for m in pkgutil.iter_modules(getattr(companion, theme).__path__) if m.ispkg]  # what chapters share is no chapter
        assert line.split(", ") == sorted(chapters, key=line.find)
    assert all(len(line) <= 130 for line in first.splitlines())
