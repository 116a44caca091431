"""The lists of faults are those of the code as it stands, and the tool that plants them tells green from red."""

import ast
import subprocess
import sys

import pytest

from tools.draw import drawn
from tools.faults import ROOT, group, stale, tell, written
from tools.planting import planted


def test_every_written_fault_has_its_line_and_its_tests():
    assert stale(written()) == []


def test_planted_python_is_still_python():
    for path, (_, faults) in written().items():
        if path.endswith(".py"):
            for before, after, *_ in faults:
                ast.parse(planted((ROOT / path).read_text("utf8"), before, after))


def test_a_line_that_is_gone_or_not_alone_is_named(tmp_path):
    (tmp_path / "m.py").write_text("a = 1\nb = 1\n")
    wrong = stale({"m.py": (["t.py"], [("= 1", "= 2"), ("c", "d"), ("a = 1", "a = 2")]), "gone.py": ([], [("a", "b")])}, tmp_path)
    assert [w.split(";")[0] for w in wrong] == ["m.py: there is no test t.py", "m.py: '= 1' stands there 2 times", "m.py: 'c' stands there 0 times",
                                                "gone.py: 'a' stands there 0 times"]


@pytest.mark.parametrize("path", ["companion/flow.py", "companion/live/front/plane.js"])
def test_drawn_faults_change_one_line_each_and_can_be_written_down(path):
    source = (ROOT / path).read_text("utf8")
    found = drawn(source, path, 20, seed=3)
    assert len(found) == 20 and found == drawn(source, path, 20, seed=3) != drawn(source, path, 20, seed=4)
    for before, after in found:
        other = planted(source, before, after)
        assert sum(a != b for a, b in zip(source.splitlines(), other.splitlines(), strict=True)) == 1
        if path.endswith(".py"):
            ast.parse(other)


def test_an_explained_survivor_is_not_counted(capsys):
    faults = [("a", "b"), ("c", "d"), ("e", "f", "no number changes")]
    assert tell("m.py", faults, ["red", "green", "green"], None) == (1, 2)
    assert tell("m.py", faults, ["red", "slow", "red"], None) == (3, 3)
    assert "no number changes" in capsys.readouterr().out
    assert group("companion/live/front/plane.js") == group("companion/live/front/worker.js") != group("companion/live/run.py")


PROGRAM = """
import os, sys, pathlib, pytest
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
sys.path.insert(0, {root!r})
from tools import planting
planting.ROOT, planting.COPIED = pathlib.Path({tree!r}), ("m.py", "test_m.py")
planting.Copy.patience = 25
copy = planting.Copy({folder!r})
faults = [("a + 1", "a + 2"), ("# idle", "# busy"), ("return a", "return (a"), ("a + 1", "g(a)")]
print(*copy.try_all("m.py", ["test_m.py"], faults), sorted(copy.known[("test_m.py",)]))
"""


def test_faults_are_planted_in_a_copy_one_after_the_other(tmp_path):
    tree, folder = tmp_path / "tree", tmp_path / "copies"
    tree.mkdir(), folder.mkdir()
    (tree / "m.py").write_text("def f(a):  # idle\n    return a + 1\n\ndef g(a):\n    while True: pass\n")
    (tree / "test_m.py").write_text("from m import f\n\ndef test_f():\n    assert f(1) == 2\n")
    program = PROGRAM.format(root=str(ROOT), tree=str(tree), folder=str(folder))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=400)
    assert done.stdout.split("\n")[-2] == "red green red slow ['test_m.py::test_f']", done.stderr
    assert "a + 1" in (tree / "m.py").read_text()
