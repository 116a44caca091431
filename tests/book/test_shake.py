"""make shake sees an assertion that one rounding decides, names it, and leaves what holds alone."""

import json
import os
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

from tools import shake

ROOT = Path(__file__).parents[2]
LOGISTIC = """import torch
from companion.flow import iterate
end = iterate(lambda k, x: 4 * x * (1 - x), torch.full((1,), 0.3, dtype=torch.float64), 500).end.item()"""
FIRST = 0.9685152094259825  # each operation is rounded alone, as IEEE 754 says: the same on every machine that is not shaken


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A repository with a notebook and a test, each of a chaotic run that is asserted to a digit; and one of each that holds."""
    cells = {"chaotic": f"{LOGISTIC}\nassert abs(end - {FIRST}) < 0.01", "sound": f"{LOGISTIC}\nassert 0 < end < 1"}
    (tmp_path / "book").mkdir()
    (tmp_path / "tests").mkdir()
    for name, source in cells.items():
        text = writes(new_notebook(cells=[new_code_cell(source)], metadata={"kernelspec": {"name": "python3", "display_name": "p"}}))
        (tmp_path / "book" / f"{name}.ipynb").write_text(text)
        body = source.replace("\n", "\n    ")
        (tmp_path / "tests" / f"test_{name}.py").write_text(f"def test_{name}():\n    {body}\n")
    monkeypatch.setattr(shake, "ROOT", tmp_path)
    monkeypatch.setattr(shake, "SUITES", ["tests"])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def test_a_chaotic_assertion_is_found_and_named(place, capsys):
    assert shake.main(seeds=1, only="seed 1") == 1
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("start perturbed, seed 1: 1 of 2 notebooks, 1 of 2 tests hold") and len(lines) == 2
    assert f"chaotic.ipynb: STOPPED at cell 1: AssertionError  [assert abs(end - {FIRST}) < 0.01]" in lines[0]
    assert "test_chaotic::test_chaotic: " in lines[1] and f"[assert abs(end - {FIRST}) < 0.01]" in lines[1]
    assert {p.name for p in place.iterdir()} == {"book", "tests"}
    assert not json.loads((place / "book" / "chaotic.ipynb").read_text())["cells"][0]["outputs"]


def test_what_holds_is_said_to_hold(place, capsys):
    for path in (*place.glob("*/chaotic*"), *place.glob("*/test_chaotic*")):
        path.unlink()
    assert shake.main(seeds=1, only="seed 1") == 0
    assert "1 of 1 notebooks, 1 of 1 tests hold" in capsys.readouterr().out
    assert shake.main(seeds=1, only="seed 1", what="tests") == 0 and "notebooks" not in capsys.readouterr().out


def test_nothing_chosen_or_nothing_found_is_no_success(place, capsys, monkeypatch):
    assert shake.main(only="seed 7") == 2 and "the settings are: baseline" in capsys.readouterr().out
    monkeypatch.setattr(shake, "SUITES", ["nowhere"])
    assert shake.main(seeds=1, only="seed 1", what="tests") == 1


def test_the_settings_differ_and_each_is_an_environment(monkeypatch):
    monkeypatch.setenv("COMPANION_LIVE_FIGURES", "/nowhere")
    found = shake.settings(10)
    assert len(found) == 14 and len({json.dumps(e, sort_keys=True) for e in found.values()}) == 14
    for setting in found.values():
        env = shake.environment(setting)
        assert env | setting == env and env["COMPANION_EXPORT"] == "never" and "COMPANION_LIVE_FIGURES" not in env
        assert set(env) - set(os.environ) <= {*setting, *shake.QUIET}


def test_ci_runs_one_and_every_week_all():
    assert 'make shake ONLY=baseline WHAT=notebooks' in (ROOT / ".ci" / "run").read_text("utf8")
    assert "make shake SEEDS=10" in (ROOT / ".github" / "workflows" / "newest.yml").read_text("utf8")
    assert [name for name in shake.settings(2) if "baseline" in name] == ["baseline, start perturbed"]


def test_the_suites_are_there():
    assert all((ROOT / suite).exists() for suite in shake.SUITES) and {"tests/training", "tests/test_flow.py"} <= set(shake.SUITES)


def test_the_planted_run_holds_where_nothing_is_shaken():
    names = {}
    exec(LOGISTIC, names)
    assert abs(names["end"] - FIRST) < 1e-12
