"""The machine of mybinder.org, as repo2docker reads it: sound as it is, and each known mistake, planted once, is found."""

import os
import shutil
import sys
import types

import pytest

from companion.kernels.keops import lazy_tensor
from tools import check_binder as check
from tools.check_binder import ROOT

READ = ("binder", "book", "companion", "tools/setup.sh", "requirements.txt", "pyproject.toml", "README.md", "LICENSE")
SKIPPED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "graphs", "mathjax", "html-manager", "axe-core", "assets")


@pytest.fixture
def house(tmp_path):
    """A copy of what the rules read."""
    for name in READ:
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target, **({"ignore": SKIPPED} if (ROOT / name).is_dir() else {}))
    for name in (".git", ".venv", "_build", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "much").write_text("much")
    return tmp_path


def test_binder_is_sound():
    assert check.faults() == []


def test_a_copy_is_sound(house):
    assert check.faults(house) == []


def write(name, text):
    return lambda house: (house / name).write_bytes(text.encode())


def replace(name, old, new, count=-1):
    def plant(house):
        text = (house / name).read_bytes()
        assert old.encode() in text
        (house / name).write_bytes(text.replace(old.encode(), new.encode(), count))

    return plant


def append(name, text):
    return lambda house: (house / name).write_bytes((house / name).read_bytes() + text.encode())


def remove(name):
    return lambda house: (house / name).unlink()


PIP = "binder/requirements.txt"
PLANTED = {
    "no runtime.txt": (remove("binder/runtime.txt"), "default"),
    "too old a Python": (write("binder/runtime.txt", "python-3.10\n"), "expected a Python"),
    "an unknown Python": (write("binder/runtime.txt", "python-3.99\n"), "expected a Python"),
    "another language": (write("binder/runtime.txt", "r-4.4-2025-01-01\n"), "RBuildPack"),
    "a Dockerfile": (write("binder/Dockerfile", "FROM scratch\n"), "DockerBuildPack"),
    "an environment.yml": (write("binder/environment.yml", "dependencies: [python=3.11]\n"), "CondaBuildPack"),
    "a needless apt.txt": (write("binder/apt.txt", "g++\n"), "apt.txt"),
    "no postBuild": (remove("binder/postBuild"), "postBuild is missing"),
    "no start": (remove("binder/start"), "start is missing"),
    "postBuild not executable": (lambda h: os.chmod(h / "binder/postBuild", 0o644), "postBuild is not executable"),
    "start not executable": (lambda h: os.chmod(h / "binder/start", 0o644), "start is not executable"),
    "postBuild with CRLF": (replace("binder/postBuild", "\n", "\r\n"), "postBuild does not begin"),
    "one CRLF in start": (replace("binder/start", "\nexec", "\r\nexec"), "start has line ends"),
    "postBuild without shebang": (replace("binder/postBuild", "#!/bin/bash\n", ""), "postBuild does not begin"),
    "start without shebang": (replace("binder/start", "#!/bin/bash\n", ""), "start does not begin"),
    "start without exec": (replace("binder/start", 'exec "$@"', '"$@"'), "does not end in exec"),
    "start that forgets its arguments": (replace("binder/start", 'exec "$@"', "exec jupyter lab"), "does not end in exec"),
    "exec in a comment": (replace("binder/start", 'exec "$@"', '# exec "$@"'), "does not end in exec"),
    "threads not limited": (replace("binder/start", "OMP_NUM_THREADS=1 ", ""), "OMP_NUM_THREADS"),
    "KeOps compiled elsewhere": (replace("binder/start", "/keops", "/formulas"), "different folders for KeOps"),
    "kernels never culled": (replace("binder/start", " JUPYTER_CONFIG_PATH", " CONFIG"), "kernels that nobody uses"),
    "culling left out": (remove("binder/jupyter_server_config.json"), "kernels that nobody uses"),
    "postBuild that goes on": (replace("binder/postBuild", "set -eu", "set -u"), "goes on after an error"),
    "companion with its dependencies": (replace("binder/postBuild", "--no-deps ", ""), "--no-deps"),
    "companion not installed": (replace("binder/postBuild", "pip install", "# pip install"), "must install the package"),
    "nothing imported at build": (replace("binder/postBuild", "python binder/warm.py", ""), "warm.py"),
    "no bytecode": (replace("binder/postBuild", "python -m compileall", "# compileall"), "compileall"),
    "torch with CUDA": (replace(PIP, "+cpu", ""), "3 GB of CUDA"),
    "no index for torch": (replace(PIP, check.INDEX + "\n", ""), "3 GB of CUDA"),
    "another torch": (replace("tools/setup.sh", "version=2.", "version=3."), "3 GB of CUDA"),
    "-r": (append(PIP, "-r ../requirements.txt\n"), "every commit"),
    "-c": (append(PIP, "-c constraints.txt\n"), "every commit"),
    "-e": (append(PIP, "-e .\n"), "every commit"),
    "a path": (append(PIP, "./companion\n"), "every commit"),
    "jupyterlab": (append(PIP, "jupyterlab==4.6.6\n"), "jupyterlab is in the image"),
    "another version": (replace("requirements.txt", "scipy==1.17.1", "scipy==1.17.2"), "scipy is 1.17.1 here"),
    "a package of its own": (append(PIP, "pandas==3.0.3\n"), "pandas is 3.0.3 here and missing"),
    "a loose version": (replace(PIP, "matplotlib==", "matplotlib>="), "not an exact version"),
    "a package forgotten": (replace(PIP, "anywidget==", "# anywidget=="), "is missing: ['anywidget']"),
    "no .dockerignore": (remove("binder/.dockerignore"), "the image carries"),
    "history in the image": (replace("binder/.dockerignore", ".git\n", "", 1), "carries ['.git']"),
    "notebooks left out": (append("binder/.dockerignore", "**/*.ipynb\n"), "the image lacks"),
    "the runtime left out": (append("binder/.dockerignore", "companion/live/vendor\n"), "the image lacks"),
}  # fmt: skip


def test_the_newest_versions_are_no_mistake(house):
    replace("requirements.txt", "scipy==1.17.1", "scipy")(house)
    assert check.faults(house) == []


@pytest.mark.parametrize("plant, said", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_is_found(house, plant, said):
    plant(house)
    found = check.faults(house)
    assert any(said in fault for fault in found), found


def test_two_folders_are_refused(house):
    shutil.copytree(house / "binder", house / ".binder")
    with pytest.raises(RuntimeError, match="exclusive"):
        check.faults(house)


def test_the_command_counts_faults(house, capsys):
    assert check.main(house) == 0
    remove("binder/runtime.txt")(house)
    assert check.main(house) == 1
    assert "binder: 1 faults" in capsys.readouterr().out


def test_the_dockerfile_installs_before_it_copies(monkeypatch):
    """The image's recipe: what seldom changes, torch, comes before what changes with every commit."""
    monkeypatch.chdir(ROOT)
    lines = check.pack().render().splitlines()
    place = {name: next(i for i, line in enumerate(lines) if line.startswith("RUN") and name in line) for name in (PIP, "binder/postBuild")}
    assert place[PIP] < next(i for i, line in enumerate(lines) if "src/ ${REPO_DIR}" in line) < place["binder/postBuild"]
    assert any('R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in line for line in lines)


@pytest.mark.parametrize("folder, seen", [("/formulas", ["/formulas"]), (None, [])])
def test_compiled_formulas_go_where_they_are_told(monkeypatch, folder, seen):
    told = []
    package = types.SimpleNamespace(set_build_folder=told.append, __path__=[])
    monkeypatch.setitem(sys.modules, "pykeops", package)
    monkeypatch.setitem(sys.modules, "pykeops.torch", types.SimpleNamespace(LazyTensor="LazyTensor"))
    monkeypatch.delenv("COMPANION_KEOPS", raising=False)
    if folder:
        monkeypatch.setenv("COMPANION_KEOPS", folder)
    assert lazy_tensor.__wrapped__() == "LazyTensor"
    assert told == seen
