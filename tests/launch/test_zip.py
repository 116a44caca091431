"""The stick: one file that somebody without a network reads, installs from and works with.

The quick part packs the built book without wheels. COMPANION_FULL=1 makes the whole file, opens every page of it, cuts the network, installs
and does an exercise: some minutes.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conftest import absent
from tests.launch.machines import wheel
from tools import zip as stick
from tools.stick import install

ROOT, SITE = stick.ROOT, Path(os.environ.get("COMPANION_SITE", stick.BUILD / "html")).resolve()
FULL = bool(os.environ.get("COMPANION_FULL"))
full = pytest.mark.skipif(not FULL, reason="COMPANION_FULL=1 makes the whole file, installs from it without a network and runs notebooks")
PAGES = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html") if not p.relative_to(SITE).parts[0].startswith("_"))
CUTS = [["unshare", "-n"], ["unshare", "-rn"], ["sudo", "-n", "unshare", "-n"]]  # as root, as anybody, as somebody who may become root


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The zip: without wheels, or whole."""
    if not (SITE / "index.html").exists():
        absent(f"{SITE} holds no book: make book builds it.")
    folder = tmp_path_factory.mktemp("stick")
    made = stick.fill(folder / "all", site=SITE, torch=True, wheels=FULL)
    target = folder / f"{stick.file_name(made)}.zip"
    stick.pack(folder / "all", target)
    shutil.rmtree(folder / "all")
    return target


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    """The stick's folder, unpacked where the name has a blank in it."""
    folder = tmp_path_factory.mktemp("a stick")
    with zipfile.ZipFile(packed) as file:
        file.extractall(folder)
    assert [p.name for p in folder.iterdir()] == [stick.TOP]
    return folder / stick.TOP


def test_the_checksum_is_the_files_own(packed):
    line = packed.with_name(packed.name + ".sha256").read_text()
    assert line == f"{hashlib.sha256(packed.read_bytes()).hexdigest()}  {packed.name}\n"
    if shutil.which("sha256sum"):
        assert subprocess.run(["sha256sum", "-c", packed.name + ".sha256"], cwd=packed.parent, capture_output=True).returncode == 0


def test_everything_is_there(unpacked):
    assert {p.name for p in unpacked.iterdir()} >= {"index.html", "how-to.txt", "install.py", "book", "notebooks", "LICENSE", "LICENSE-text"}
    notebooks = {p.relative_to(ROOT / "book").as_posix() for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts}
    assert {p.relative_to(unpacked / "notebooks").as_posix() for p in (unpacked / "notebooks").rglob("*") if p.is_file()} == notebooks
    for page in PAGES:
        assert (unpacked / "book" / page).read_bytes() == (SITE / page).read_bytes()


def test_the_page_that_says_how(unpacked, visit):
    """Its text is whole, its links lead to files of the stick, and what it tells to type is there."""
    seen = visit((unpacked / "index.html").as_uri())
    seen.clean()
    links = seen.page.eval_on_selector_all("a", "links => links.map(a => a.getAttribute('href'))")
    assert "book/index.html" in links
    assert all((unpacked / unquote(link)).exists() for link in links if "://" not in link)
    text = (unpacked / "how-to.txt").read_text("utf8")
    for said in (seen.page.inner_text("body"), text):
        assert "python3 install.py" in said and platform.machine() in said and "sha256sum -c" in said
        assert not re.search(r"[{}]|\*\*|\]\(", said)
    assert len(text.splitlines()) < 60  # one page
    seen.page.click("a")
    seen.page.wait_for_url((unpacked / "book" / "index.html").as_uri())
    seen.rest().clean()


@pytest.mark.parametrize("name", PAGES if FULL else [])
def test_every_page_opens_from_the_stick(unpacked, visit, name):
    """No request to another host (the browser's are caught and counted), no error, nothing missing."""
    visit((unpacked / "book" / name).as_uri()).clean()


def bare(folder, **differs):
    """A stick with wheels that hold nothing, made for this Python or another."""
    shutil.copy(stick.STICK / "install.py", folder)
    (folder / "wheels").mkdir()
    wheel(folder / "wheels", "learning-in-motion", "1", ["torch"])
    wheel(folder / "wheels", "setuptools", "99")  # torch needs one newer than a fresh environment has; the true wheel house holds it
    (folder / "wheels" / "requirements.txt").write_text("learning-in-motion==1\n")
    (folder / "wheels" / "made-for.json").write_text(json.dumps(stick.made_for(torch=True) | differs))
    (folder / "notebooks" / "training").mkdir(parents=True)
    (folder / "notebooks" / "training" / "a.ipynb").write_text("new")
    return lambda *to: subprocess.run([sys.executable, "-I", folder / "install.py", *to], capture_output=True, text=True)


@pytest.mark.parametrize("what, other", [("python", "3.99"), ("system", "Plan 9"), ("machine", "abacus")])
def test_another_machine_is_told_so(tmp_path, what, other):
    run = bare(tmp_path, **{what: other})(tmp_path / "to")
    assert run.returncode and other in run.stderr and "make zip" in run.stderr
    assert not (tmp_path / "to").exists()


def test_without_torch_it_says_where_to_get_it(tmp_path):
    bare(tmp_path, torch=False)
    without = subprocess.run([sys.executable, "-I", "-S", tmp_path / "install.py", tmp_path / "to"], capture_output=True, text=True)
    assert without.returncode and "pip install torch" in without.stderr


def test_the_machines_own_torch_is_seen_and_what_a_reader_wrote_stays(tmp_path, monkeypatch):
    """A stick without torch, on a machine that has it, perhaps in an environment of its own; then a second installation."""
    run = bare(tmp_path, torch=False)(tmp_path / "to here")
    assert run.returncode == 0, run.stderr
    python, folder = re.search(r'^ +"(.*?)" -m jupyterlab "(.*?)"$', run.stdout, re.MULTILINE).groups()
    where = "import importlib.util; print(importlib.util.find_spec('torch').origin)"
    seen = [subprocess.run([program, "-c", where], capture_output=True, text=True).stdout for program in (python, sys.executable)]
    assert seen[0] == seen[1] != ""
    copied = Path(folder) / "training" / "a.ipynb"
    assert copied.read_text() == "new"
    copied.write_text("mine")
    monkeypatch.setattr(install, "HERE", tmp_path)
    install.notebooks(tmp_path / "to here")
    assert copied.read_text() == "mine"


def test_no_book_no_stick(tmp_path):
    with pytest.raises(SystemExit, match="make book"):
        stick.fill(tmp_path / "all", site=tmp_path, torch=True, wheels=False)


def test_a_switch_that_is_misspelt_is_refused(monkeypatch):
    monkeypatch.setenv("TORCH_WHEEL", "on")
    with pytest.raises(SystemExit, match="yes or no"):
        stick.main()


@pytest.fixture(scope="module")
def cut():
    """What starts a command without a network."""
    for words in CUTS:
        if shutil.which(words[0]) and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    absent("no network can be cut here: unshare (Linux) is not allowed.")


@full
def test_somebody_without_a_network_installs_and_does_an_exercise(unpacked, cut, tmp_path, capsys):
    run = subprocess.run([*cut, sys.executable, "-m", "tests.launch.offline", unpacked, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    with capsys.disabled():
        print(f"\n{run.stdout}")
