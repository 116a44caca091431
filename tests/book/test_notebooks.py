"""The rules of a notebook, each against a planted fault; then every notebook of the book."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import check_notebooks as check

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(p.relative_to(ROOT) for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def sound():
    """A notebook without a fault."""
    text = new_markdown_cell("# A title\n\n![a point](point.png) $\\beta$\n\n:::{prf:theorem}\n:label: a\n$$\nx = 1\n$$\n:::")
    return new_notebook(cells=[text, new_code_cell(check.FIRST_CELL), new_code_cell("\n".join(["x = 1"] * 20))])


def test_a_sound_notebook_passes():
    assert check.committed(sound()) == []


def with_output(notebook):
    notebook.cells[2].outputs = [new_output("stream", text="1")]


def with_count(notebook):
    notebook.cells[2].execution_count = 3


def with_widgets(notebook):
    notebook.metadata["widgets"] = {}


def with_a_long_cell(notebook):
    notebook.cells[2].source += "\nx = 2"


def with_another_first_cell(notebook):
    notebook.cells[1].source = "import companion"


def with_a_loud_install(notebook):
    notebook.cells[1].source = notebook.cells[1].source.replace(" --no-deps", "")


def without_code(notebook):
    notebook.cells = notebook.cells[:1]


def with_a_macro(notebook):
    notebook.cells[0].source += "\n$\\newcommand{\\R}{\\mathbb R}$"


def with_a_silent_picture(notebook):
    notebook.cells[0].source += "\n![](point.png)"


def with_a_silent_tag(notebook):
    notebook.cells[0].source += "\n<img src='point.png' alt=''>"


def with_a_silent_figure(notebook):
    notebook.cells[0].source += "\n```{figure} point.png\n:name: point\nA caption.\n```"


def with_a_formula_before_text(notebook):
    notebook.cells[0].source += "\n\n$$\nx = 1\n$$\nand so on"


def with_a_formula_behind_text(notebook):
    notebook.cells[0].source += "\n\nlet\n$$x = 1$$"


def with_a_bad_format(notebook):
    notebook.cells[2].metadata = "none"


PLANTED = [with_output, with_count, with_widgets, with_a_long_cell, with_another_first_cell, with_a_loud_install, without_code,
           with_a_macro, with_a_silent_picture, with_a_silent_tag, with_a_silent_figure, with_a_formula_before_text,
           with_a_formula_behind_text, with_a_bad_format]  # fmt: skip


@pytest.mark.parametrize("plant", PLANTED, ids=lambda f: f.__name__)
def test_a_planted_fault_is_found(plant):
    notebook = sound()
    plant(notebook)
    assert len(check.committed(notebook)) == 1, check.committed(notebook)


@pytest.mark.parametrize("data, faults", [
    ({"image/png": PNG}, 1),
    ({"image/png": PNG, "text/html": f'<img src="data:image/png;base64,{PNG}">'}, 1),
    ({"image/png": PNG, "text/html": f'<img src="data:image/png;base64,{PNG}" alt=" ">'}, 1),
    ({"image/png": PNG, "text/html": f'<img src="data:image/png;base64,{PNG}" alt="a point">'}, 0),
    ({"text/plain": "1"}, 0),
])  # fmt: skip
def test_a_drawn_picture_has_its_text(data, faults):
    notebook = sound()
    notebook.cells[2].outputs = [new_output("display_data", data=data)]
    assert len(check.executed(notebook)) == faults


def test_the_command_counts_faults(tmp_path, capsys):
    notebook = sound()
    nbformat.write(notebook, tmp_path / "sound.ipynb")
    assert check.main(tmp_path, check.committed) == 0
    with_a_macro(notebook)
    nbformat.write(notebook, tmp_path / "faulty.ipynb")
    assert check.main(tmp_path, check.committed) == 1
    assert "faulty.ipynb: cell 0:" in capsys.readouterr().out


def test_the_book_has_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=str)
def test_a_committed_notebook_keeps_the_rules(path):
    assert check.committed(nbformat.read(ROOT / path, as_version=4)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=str)
def test_every_drawn_picture_has_its_text(path):
    staged = ROOT / "_build" / "stage" / path.relative_to("book")
    if not staged.exists():
        pytest.skip("_build/stage is not there, or not whole: make stage executes the notebooks")
    assert check.executed(nbformat.read(staged, as_version=4)) == []
