"""What runs on other people's machines: actions named by their commit, no right that is not named, and nothing that zizmor finds, offline."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
USES = re.compile(r"^\s*(?:- )?uses: (?P<action>\S+?)@(?P<commit>\S+)(?P<rest>.*)$", re.MULTILINE)
SOUND = """on: push
name: planted
permissions: {}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          persist-credentials: false
      - run: echo hello
"""
PLANTED = {
    "an action named by a tag": ("08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "v5"),
    "credentials that stay": ("persist-credentials: false", "fetch-depth: 1"),
    "a title that becomes a command": ("echo hello", "echo ${{ github.event.issue.title }}"),
    "a stranger's branch with our rights": ("on: push", "on: pull_request_target"),
}


def zizmor(folder):
    program = Path(sys.executable).with_name("zizmor")
    return subprocess.run([program, "--offline", "--no-config", "--color=never", folder], capture_output=True, text=True)


def test_zizmor_finds_nothing():
    run = zizmor(FOLDER)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No findings to report" in run.stdout + run.stderr


@pytest.mark.parametrize("fault", [None, *PLANTED], ids=str)
def test_zizmor_finds_what_is_planted(tmp_path, fault):
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    before, after = PLANTED.get(fault, ("", ""))
    assert before in SOUND
    (tmp_path / ".github" / "workflows" / "planted.yml").write_text(SOUND.replace(before, after) if fault else SOUND)
    assert (zizmor(tmp_path / ".github" / "workflows").returncode == 0) == (fault is None)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_nothing_it_does_not_name(path):
    workflow = yaml.safe_load(path.read_text("utf8"))
    assert workflow["permissions"] == {}
    assert all(job["permissions"] for job in workflow["jobs"].values())


def test_an_action_is_githubs_own_and_named_by_its_commit_with_its_version():
    commits = {}
    for path in WORKFLOWS:
        text = path.read_text("utf8")
        assert len(USES.findall(text)) == text.count("uses:")
        for found in USES.finditer(text):
            assert found["action"].startswith("actions/") and re.fullmatch(r"[0-9a-f]{40}", found["commit"]), (path.name, found[0])
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", found["rest"]), (path.name, found[0])
            commits.setdefault(found["action"], set()).add(found["commit"] + found["rest"])
    assert commits and all(len(named) == 1 for named in commits.values()), commits


def test_once_a_week_the_newest_versions_are_tried():
    """The workflow runs make test with NEWEST, and setup then loosens every pin but the book's own generation, in a copy."""
    weekly = yaml.load((FOLDER / "newest.yml").read_text("utf8"), Loader=yaml.BaseLoader)  # else `on` is read as true
    assert len(weekly["on"]["schedule"][0]["cron"].split()) == 5 and weekly["jobs"]["newest"]["env"]["COMPANION_FULL"] == "1"
    assert weekly["jobs"]["newest"]["steps"][-1]["run"] == "make test NEWEST=1"
    (expression,) = re.findall(r"sed -E '([^']*)' requirements\.txt >\"\$requirements\"", (ROOT / "tools" / "setup.sh").read_text("utf8"))
    loose = subprocess.run(["sed", "-E", expression, ROOT / "requirements.txt"], capture_output=True, text=True, check=True).stdout
    lines = [[Requirement(line.split("#")[0]) for line in text.splitlines() if line and line[0] != "#"]
             for text in ((ROOT / "requirements.txt").read_text("utf8"), loose)]  # fmt: skip
    assert [line.name for line in lines[0]] == [line.name for line in lines[1]]
    assert {line.name: str(line.specifier) for line in lines[1] if line.specifier} == {"jupyter-book": "<2"}
