"""Code can be read where it is printed: widths and lengths of the package and of the notebooks, and scenery apart from mathematics."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "companion").rglob("*.py"))
NOTEBOOKS = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
COLUMNS, PAGE, FUNCTION, FILE = 100, 88, 25, 200
# What is wider or longer still. A line goes when its file keeps the rule; none is added.
WIDE = set("""
companion/__init__.py
companion/architectures/control/problem.py
companion/check/orders.py
companion/check/paths.py
companion/check/points.py
companion/check/report.py
companion/data.py
companion/device.py
companion/figures/plots.py
companion/figures/still.py
companion/flow.py
companion/gaussians/laws.py
companion/gaussians/mixtures.py
companion/hints.py
companion/inputs.py
companion/kernels/attention.py
companion/kernels/engines.py
companion/kernels/keops.py
companion/kernels/sums.py
companion/live/__init__.py
companion/live/assets.py
companion/live/constants.py
companion/live/controls.py
companion/live/export.py
companion/live/figure.py
companion/live/models.py
companion/live/notebook.py
companion/live/precise.py
companion/live/programs.py
companion/live/recording.py
companion/live/run.py
companion/live/tapes.py
companion/live/views.py
companion/live/widget.py
companion/noise.py
companion/sampling/generative/diffusion.py
companion/sampling/generative/digits/network.py
companion/sampling/generative/matching.py
companion/sampling/generative/rectified.py
companion/sampling/particle_flows/exercises.py
companion/sampling/particle_flows/mmd_flow.py
companion/sampling/particle_flows/race.py
companion/sampling/quantization/grid.py
companion/sampling/quantization/placing.py
companion/sampling/quantization/semidiscrete.py
companion/sampling/sliced/estimator.py
companion/state.py
book/architectures/control_solutions.ipynb
book/architectures/neural_control.ipynb
book/sampling/generative.ipynb
book/sampling/generative_solutions.ipynb
book/sampling/langevin.ipynb
book/sampling/langevin_solutions.ipynb
book/sampling/particle_flows.ipynb
book/sampling/particle_flows_solutions.ipynb
book/sampling/quantization.ipynb
book/sampling/quantization_solutions.ipynb
book/sampling/sliced.ipynb
book/sampling/sliced_solutions.ipynb
""".split())
LONG = set("""
companion/architectures/control/linear_quadratic.py
""".split())


def code(notebook):
    """The lines of a notebook's code cells."""
    cells = json.loads((ROOT / notebook).read_text("utf8"))["cells"]
    return [line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]


def wide(path):
    """The lines of a file that do not fit: of a notebook what a page's column shows."""
    if path.endswith(".ipynb"):
        return [line for line in code(path) if len(line) > PAGE and "pip install" not in line]
    return [line for line in (ROOT / path).read_text("utf8").splitlines() if len(line) > COLUMNS]


def long(path):
    """Functions with more than 25 lines of code, and the file itself with more than 200."""
    text = (ROOT / path).read_text("utf8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    found = [f.name for f in functions if f.end_lineno - f.body[0].end_lineno > FUNCTION]
    return found + [path] * (len(text.splitlines()) > FILE)


@pytest.mark.parametrize("path", PACKAGE + NOTEBOOKS)
def test_lines_fit(path):
    assert bool(wide(path)) == (path in WIDE), wide(path) or f"{path} fits now: take it out of WIDE"


@pytest.mark.parametrize("path", PACKAGE)
def test_functions_and_files_are_short(path):
    assert bool(long(path)) == (path in LONG), long(path) or f"{path} is short now: take it out of LONG"


def test_scenery_is_imported_by_nothing_but_notebooks():
    """A picture's scenery stands in scenes.py of its chapter: no mathematics, and no other scenery, is built on it."""
    for path in PACKAGE:
        names = {alias.name for node in ast.walk(ast.parse((ROOT / path).read_text("utf8"))) if isinstance(node, ast.Import | ast.ImportFrom)
                 for alias in node.names} | {getattr(node, "module", None) for node in ast.walk(ast.parse((ROOT / path).read_text("utf8")))}
        assert not any(name and name.split(".")[-1] == "scenes" for name in names), path


def test_only_scenery_knows_that_it_is_drawn():
    """The mathematics of a chapter imports neither live figures nor plots."""
    for path in PACKAGE:
        theme = path.split("/")[1] in ("training", "architectures", "sampling")
        if theme and "scenes" not in Path(path).with_suffix("").parts:
            text = (ROOT / path).read_text("utf8")
            assert "companion.live" not in text and "companion.figures" not in text, path
