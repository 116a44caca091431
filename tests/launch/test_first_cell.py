"""Colab, Kaggle, VS Code, a JupyterLab of one's own: the first cell brings what is missing and never touches torch or NumPy.

And the notebooks run there: without KeOps, without a compiler, without the exporter.
"""

import json
import os
import re
import shlex

import nbformat
import pytest

from tests.launch.machines import COLAB, ROOT, Machine, closure, short, wheel
from tools.check_notebooks import FIRST_CELL

NOTEBOOKS = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
OURS = {"anywidget", "pot", "matplotlib", "scikit-learn", "ipywidgets"}  # what notebooks import beside torch, NumPy and SciPy
KEPT = {"torch", "numpy", "scipy"}
FULL = bool(os.environ.get("COMPANION_FULL"))


def first_cell(path):
    cells = nbformat.read(ROOT / path, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def installs(cell):
    """The arguments of every installation in a cell."""
    return [shlex.split(line) for line in re.findall(r"^\s*[%!](?:pip|conda|mamba|uv)\b(.*)$", cell, re.MULTILINE)]


def named(arguments):
    """The packages that an installation names: a repository by its last name."""
    return {short(word.rstrip("/").rsplit("/", 1)[-1]) for word in arguments if not word.startswith("-")} - {"install"}


def on_colab(folder):
    machine = Machine(folder)
    machine.have(closure(COLAB))
    return machine


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """What Colab has, and nothing of ours."""
    return on_colab(tmp_path_factory.mktemp("colab"))


@pytest.fixture(scope="module")
def colab_after(tmp_path_factory):
    """What Colab has once the first cell has run."""
    machine = on_colab(tmp_path_factory.mktemp("after"))
    (arguments,) = installs(FIRST_CELL)
    machine.have(named(arguments) - {"learning-in-motion"})
    machine.see(ROOT)
    return machine


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Wheels of our packages and of a torch and a NumPy newer than any machine's, on which all of ours insist."""
    folder = tmp_path_factory.mktemp("shop")
    for name in KEPT:
        wheel(folder, name, "99")
    for name in ("learning-in-motion", "anywidget", "psygnal", "pot"):
        wheel(folder, name, "99", [f"{kept}>=99" for kept in KEPT])
    return folder


def changed(machine, shop, arguments):
    """The packages that an installation would change, with the repository taken from the shop."""
    words = [re.sub(r"^git\+.*/", "", word) for word in arguments]
    run = machine.pip(*words, "--dry-run", "--no-index", "--find-links", str(shop), "--report", "-")
    assert run.returncode == 0, run.stderr
    return {short(item["metadata"]["name"]) for item in json.loads(run.stdout)["install"]}


def test_no_first_cell_changes_torch_or_numpy(colab, shop):
    for cell in {first_cell(path) for path in NOTEBOOKS}:
        (arguments,) = installs(cell)
        assert changed(colab, shop, arguments) == named(arguments) == {"learning-in-motion", "anywidget", "psygnal", "pot"}


@pytest.mark.parametrize("old, new", [("--no-deps ", ""), (" pot", " pot numpy -U"), (" pot", " pot torch --upgrade")])
def test_a_cell_that_touches_them_is_found(colab, shop, old, new):
    (arguments,) = installs(FIRST_CELL.replace(old, new))
    assert changed(colab, shop, arguments) & KEPT


def test_what_this_machines_pip_is_told_changes_nothing(colab, shop, tmp_path, monkeypatch):
    (tmp_path / "constraints.txt").write_text("torch<3\nnumpy<3\n")
    (tmp_path / "pip.conf").write_text(f"[global]\nconstraint = {tmp_path / 'constraints.txt'}\n")
    for name, value in {"PIP_CONFIG_FILE": tmp_path / "pip.conf", "PIP_CONSTRAINT": tmp_path / "constraints.txt", "PIP_PRE": "maybe"}.items():
        monkeypatch.setenv(name, str(value))
    (arguments,) = installs(FIRST_CELL.replace(" pot", " pot torch --upgrade"))
    assert "torch" in changed(colab, shop, arguments)


def test_what_is_there_is_left_alone(colab_after, shop):
    (arguments,) = installs(FIRST_CELL)
    assert changed(colab_after, shop, arguments) <= {"learning-in-motion"}  # none where the checkout itself is installed


def test_the_first_cell_names_all_that_is_missing():
    (arguments,) = installs(FIRST_CELL)
    assert closure(OURS) - closure(COLAB) == named(arguments) - {"learning-in-motion"}


def test_the_machine_is_bare(colab, colab_after):
    ours, never = {"companion", "anywidget", "psygnal", "ot"}, {"onnx", "onnxscript", "pykeops", "pytest", "jupyterlab"}
    found = f"import importlib.util as u, shutil; print(*filter(u.find_spec, {sorted(ours | never)}), *filter(shutil.which, ['g++', 'c++', 'cc']))"
    assert colab.python("-c", found).stdout.split() == []
    assert set(colab_after.python("-c", found).stdout.split()) == ours


KERNELS = """
import torch
from companion.kernels import dense, gaussian_sum, keops, softmax_average, softmin
from companion.kernels.keops import keops_works
assert not keops_works("cpu")
x = torch.linspace(0, 1, 5000)[:, None]
for large, small in [
    (gaussian_sum(x, x, length=0.1), gaussian_sum(x, x, length=0.1, engine=dense)),
    (softmax_average(x, x, x, beta=3.0), softmax_average(x, x, x, beta=3.0, engine=dense)),
    (softmin(x, x, eps=0.1), softmin(x, x, eps=0.1, engine=dense)),
]:
    assert torch.allclose(large, small, rtol=1e-4, atol=1e-5)
try:
    gaussian_sum(x, x, length=0.1, engine=keops)
except RuntimeError as said:
    assert "pip install pykeops" in str(said)
else:
    raise AssertionError("KeOps is not there")
"""
NEW_FIGURE = """
from companion.live import exporter, live, plane
shown = live(lambda t, x: -0.123 * x, torch.ones(3, 2), name="new",
             view=plane(x=(-2, 2), y=(-2, 2)), dt=0.0371, alt="Points.", sentence="Time {t:.2f}.")
bundle, _ = shown._repr_mimebundle_()
assert not exporter.QUEUE.working
assert shown.spec["engine"] == "kernel" and any("widget-view" in kind for kind in bundle)
"""


def test_kernels_and_new_figures_without_keops_compiler_or_exporter(colab_after):
    """A figure that nobody has exported is computed by the kernel."""
    colab_after.cells([FIRST_CELL, KERNELS, NEW_FIGURE])


def opening(sources):
    """The cells up to the first live figure; all of them if there is none."""
    shown = (number for number, source in enumerate(sources) if re.search(r"\b(live|scenes\.\w+)\(", source))
    return sources[: next(shown, len(sources)) + 1]


@pytest.mark.parametrize("path", NOTEBOOKS if FULL else ["training/gradient_flows.ipynb"])
def test_a_notebook_runs_on_colab(colab_after, path):
    """Whole with COMPANION_FULL=1, else up to its first live figure."""
    path = path if FULL else f"book/{path}"
    sources = [cell.source for cell in nbformat.read(ROOT / path, as_version=4).cells if cell.cell_type == "code"]
    colab_after.cells(sources if FULL else opening(sources))
