"""Which folded cells share one fold: those that show nothing go with the next one that does, and no figure is lost."""

import importlib.util
from pathlib import Path

from docutils import nodes
from docutils.utils import new_document

SOURCE = Path(__file__).parents[2] / "book" / "extensions" / "folded_code.py"
spec = importlib.util.spec_from_file_location("folded_code", SOURCE)
extension = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extension)


def cell(name, *, shows=(), mode="input"):
    """A notebook's cell as myst_nb leaves it: its code, and a container for its outputs."""
    code = nodes.container("", nodes.literal_block("", name), nb_element="cell_code_source")
    output = nodes.container("", *(nodes.paragraph("", text) for text in shows), nb_element="cell_code_output")
    return nodes.container("", code, output, nb_element="cell_code", hide_mode=mode)


def page(*cells):
    document = new_document("page")
    document.extend(cells)
    return document


def named(document):
    return [[c.children[0].astext() for c in run] for run in extension.runs(document)]


def test_silent_cells_go_with_the_next_figure_and_figures_stay_apart():
    document = page(cell("a"), cell("b", mode="all"), cell("c", shows="c"), cell("d", shows="d"), cell("e"))
    assert named(document) == [["a", "b", "c"], ["d"], ["e"]]


def test_text_and_open_code_divide_and_a_cell_folded_whole_that_shows_something_is_left():
    whole = cell("d", shows="d", mode="all")
    document = page(cell("a"), nodes.paragraph("", "text"), cell("b", shows="b"), cell("open", mode=None), cell("c"), whole)
    assert named(document) == [["a"], ["b"], ["c"]]


def test_the_fold_stands_below_and_holds_all_the_code_in_order():
    document = page(cell("a"), cell("b", shows=["figure"]))
    transform = extension.FoldBelow(document)
    transform.run()
    (left,) = document.children
    shown, fold = left.children
    assert shown.astext() == "figure" and [code.astext() for code in fold.children] == ["a", "b"] and left["hide_mode"] is None
