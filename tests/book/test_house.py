"""What the house says of itself is so: versions, commands, the machine of Binder, the lines a stranger types."""

import os
import re
import tomllib
from pathlib import Path

import yaml

import companion

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;#]+)", re.MULTILINE)


def read(path):
    return (ROOT / path).read_text("utf8")


def test_requirements_are_exact_reasoned_and_leave_torch_to_the_makefile():
    lines = [line for line in read("requirements.txt").splitlines() if line and not line.startswith("#")]
    assert all(PINNED.match(line) and "# " in line for line in lines)
    assert not any(line.startswith(("-", "torch=")) for line in lines)


def test_the_package_never_replaces_a_machines_torch():
    needed = tomllib.loads(read("pyproject.toml"))["project"]["dependencies"]
    assert any(line.startswith("torch>=") for line in needed)
    assert not any("==" in line or "<" in line for line in needed)


def test_binder_has_the_same_versions():
    versions = dict(PINNED.findall(read("requirements.txt")))
    lines = dict(PINNED.findall(read("binder/requirements.txt")))
    torch = re.search(r"^version=(.*)$", read("tools/setup.sh"), re.MULTILINE)[1]
    assert lines.pop("torch") == f"{torch}+cpu"
    assert lines == {name: versions[name] for name in lines}


def test_binder_gets_what_it_can_run():
    assert read("binder/runtime.txt").strip() == "python-3.11"
    assert not re.search(r"^jupyterlab\b(?!-)", read("binder/requirements.txt"), re.MULTILINE)
    assert not re.search(r"^(-r|-c|-e|\.)", read("binder/requirements.txt"), re.MULTILINE)
    for name in ("postBuild", "start"):
        assert read(f"binder/{name}").startswith("#!/bin/bash\n")
        assert b"\r" not in (ROOT / "binder" / name).read_bytes()
        assert os.access(ROOT / "binder" / name, os.X_OK)
    assert read("binder/start").rstrip().endswith('exec "$@"')


def test_the_readme_names_every_command():
    targets = set(re.findall(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)[0].split()) - {"check", "stage"}
    assert targets == set(re.findall(r"^\| `make ([\w-]+)`", read("README.md"), re.MULTILINE))


def test_the_code_of_the_readme_runs():
    names = {}
    exec(re.search(r"```python\n(.*?)```", read("README.md"), re.DOTALL)[1], names)
    path, y = names["path"], names["y"]
    assert path.t.shape == (201,) and path.x.shape == (201, 200, 2)
    assert (path.end.mean(0) - y.mean(0)).norm() < 0.2 < (path.x[0].mean(0) - y.mean(0)).norm()


def test_one_version():
    assert yaml.safe_load(read("CITATION.cff"))["version"] == companion.__version__


def test_the_contents_name_pages_that_are_there_and_all_notebooks():
    listed = set(re.findall(r"(?:root|file): (\S+)", read("_toc.yml")))
    found = {p.relative_to(ROOT / "book").with_suffix("").as_posix() for p in (ROOT / "book").rglob("*") if p.suffix in (".md", ".ipynb")}
    assert listed == {name for name in found if ".ipynb_checkpoints" not in name}
