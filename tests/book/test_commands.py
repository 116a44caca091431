"""make test gets its browser where it can and says what it skipped; make oldest asks for what pyproject.toml promises."""

import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests import browsing, conftest
from tools import bounds, browser

ROOT = Path(__file__).parents[2]


def program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without a browser."""
    for name in ("CHROMIUM", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(browsing.shutil, "which", lambda name, which=browsing.shutil.which: None if "Applications" in name else which(name))
    return tmp_path


def test_the_lightest_browser_is_taken(bare, monkeypatch):
    assert browsing.chromium() is None
    chrome = program(bare / "bin" / "chromium")
    assert browsing.chromium() == chrome
    for number in (1100, 1200):
        shell = program(bare / f".cache/ms-playwright/chromium_headless_shell-{number}/chrome-linux/headless_shell")
        assert browsing.chromium() == shell
    debian = program(bare / "bin" / "chromium-headless-shell")
    assert browsing.chromium() == debian
    monkeypatch.setenv("CHROMIUM", chrome)
    assert browsing.chromium() == chrome


@pytest.mark.parametrize("root, first", [(True, "apt-get"), (False, sys.executable)])
def test_a_browser_is_fetched_until_there_is_one(root, first, bare, monkeypatch, capsys):
    program(bare / "bin" / "apt-get")
    ran = []
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0 if root else 1000)

    def brings(command, **_):
        ran.append(command)
        if "install" in command:
            program(bare / "bin" / "chromium-headless-shell")

    monkeypatch.setattr(browser.subprocess, "run", brings)
    assert browser.main() == 0 and ran[0][0] == first and len(ran) == 1 + root
    assert "chromium-headless-shell" in capsys.readouterr().out
    assert browser.main() == 0 and len(ran) == 1 + root  # it is there


def test_where_no_browser_can_be_had_it_is_said_and_nothing_fails(bare, monkeypatch, capsys):
    def refused(command, **_):
        raise subprocess.TimeoutExpired(command, 1) if "playwright" in command else OSError("no")

    monkeypatch.setattr(browser.subprocess, "run", refused)
    assert browser.main() == 0
    assert f"none could be had: {browsing.INSTALL}" in capsys.readouterr().out


def test_what_was_skipped_is_said_in_one_line():
    reasons = ("no Chromium: install it", "slow", "no Chromium: install it")
    skipped = [SimpleNamespace(longrepr=("file", 1, f"Skipped: {reason}")) for reason in reasons]
    said = []
    conftest.pytest_terminal_summary(SimpleNamespace(stats={"skipped": skipped}, write_line=said.append))
    assert said == ["3 skipped: 2 because no Chromium: install it; 1 because slow"]
    conftest.pytest_terminal_summary(SimpleNamespace(stats={}, write_line=said.append))
    assert len(said) == 1


def test_the_oldest_versions_are_the_promised_ones(monkeypatch):
    monkeypatch.delenv("TORCH_VERSION", raising=False)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
    oldest, newest = bounds.chosen("oldest"), bounds.chosen("newest")
    assert oldest[0].startswith("torch==") and newest[0] == "torch" and len(oldest) == len(newest) == len(bounds.promised())
    assert [line.replace("==", ">=") for line in oldest[:3]] == project["dependencies"]
    assert not any(sign in line for line in newest for sign in "<>=")
    assert {"anywidget==0.9", "pot==0.9.4", "scikit-learn==1.3"} <= set(oldest)
    monkeypatch.setenv("TORCH_VERSION", "2.13.0+cpu")
    assert bounds.chosen("oldest") == ["torch==2.13.0+cpu", *oldest[1:]]
    assert {tool.split("==")[0] for tool in bounds.tools()} == set(bounds.TOOLS)
    assert all((ROOT / path).exists() for path in bounds.TESTS)


def test_every_week_the_bounds_are_run():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "newest.yml").read_text("utf8"))["jobs"]
    assert jobs["oldest"]["steps"][-1]["run"] == "make oldest"
    assert jobs["pythons"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert jobs["pythons"]["steps"][-1]["run"] == "make newest"
