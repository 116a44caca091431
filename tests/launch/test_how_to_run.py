"""The page «How to run this book» is honest: its commands exist, and what it calls tested is run by CI."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.kernel import request, wait_for

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book" / "how_to_run.md").read_text("utf8")
README = (ROOT / "README.md").read_text("utf8")
MAKEFILE = (ROOT / "Makefile").read_text("utf8")
TARGETS = {*re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split(), ".venv/ready"}
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")][1:]
MARKS = ("at every change", "every week", "not tested here")
# What a row calls tested, and the test that runs it: a file with the words that prove it.
PROOFS = {
    "double-click `index.html`": ("tests/book/test_pages.py", '"scheme", ["http", "file"]'),
    "`make lab`": ("tests/launch/test_how_to_run.py", '"lab", f"BIN='),
    "the first cell": ("tests/launch/test_first_cell.py", "def test_a_notebook_runs_on_colab"),
    "the launch button": ("tests/launch/test_binder.py", "def test_binder_is_sound"),
    "`python3 install.py`": ("tests/launch/test_zip.py", "def test_somebody_without_a_network_installs_and_does_an_exercise"),
}


def commands(text):
    """Every command in a block or between backquotes."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = [*blocks.splitlines(), *re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)]
    return [line for line in lines if line.startswith(("make", "git clone", "pip", "python"))]


@pytest.mark.parametrize("text", [PAGE, README], ids=["page", "README"])
def test_every_command_exists(text):
    for command in commands(text):
        words = command.split()
        if words[0] == "make":
            targets = [word for word in words[1:] if "=" not in word]
            switches = [word.split("=")[0] for word in words[1:] if "=" in word]
            assert set(targets) <= TARGETS, command
            assert all(re.search(rf"^{switch} \?=", MAKEFILE, re.MULTILINE) for switch in switches), command
            assert not subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True).returncode
        if words[0] == "python3":
            assert (ROOT / "tools" / "stick" / words[1]).exists()


def test_page_and_readme_say_the_same():
    windows = ["pip install torch", 'pip install -e ".[book]"', "jupyter lab book"]
    assert all(command in PAGE and command in README for command in windows)
    address = re.search(r'^Repository = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf8"), re.MULTILINE)[1]
    assert f"git clone {address}" in PAGE and f"git clone {address}" in README and f"git+{address}" in PAGE


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_says_whether_it_is_tested(row):
    where, typed, tested = row
    assert tested.startswith(MARKS), f"{where}: begin with one of {MARKS}"
    if tested.startswith("not tested"):
        return
    path, words = next(proof for command, proof in PROOFS.items() if command in typed)
    assert words in (ROOT / path).read_text("utf8")


def test_ci_runs_the_tests_and_the_weekly_run_the_long_ones():
    assert re.search(r"^stage .* make test$", (ROOT / ".ci" / "run").read_text("utf8"), re.MULTILINE)
    assert 'COMPANION_FULL: "1"' in (ROOT / ".github" / "workflows" / "newest.yml").read_text("utf8")


def test_make_lab_serves_the_chapters(tmp_path):
    """`make lab`, with the environment that runs these tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"ServerApp": {"open_browser": False, "port": port, "allow_root": True}, "IdentityProvider": {"token": ""}}
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(settings))
    env = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path)}
    command = ["make", "-o", ".venv/ready", "lab", f"BIN={Path(sys.executable).parent}"]
    lab = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, 90)
        assert {"training", "index.md"} <= {item["name"] for item in request(address, "/contents/")["content"]}
    finally:
        os.killpg(lab.pid, 15)
        lab.wait(20)
