"""One fold below a figure for its code: the folded cells that stand before it, and its own.

A cell tagged hide-input whose output is a figure shows the figure first. Folded cells in a row, whose code shows nothing, belong to the next one
that does. (In JupyterLab the cells stay as they are: there code runs from top to bottom.)
"""

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform

PROMPT = "The code"


def named(cell, name):
    """The children of a cell of this kind, cell_code_source or cell_code_output, that hold something."""
    return [child for child in cell.children if child.get("nb_element") == name and child.children]


def folded(node):
    """Whether this is a cell whose code is folded; one that is folded whole shows nothing, or is left as it is."""
    if not isinstance(node, nodes.container) or node.get("nb_element") != "cell_code":
        return False
    mode = node.get("hide_mode")
    return mode == "input" or (mode == "all" and not named(node, "cell_code_output"))


def runs(document):
    """Lists of folded cells that follow each other, each ending at a cell that shows something."""
    found = []
    for cell in document.findall(folded):
        siblings = cell.parent.children
        before = siblings.index(cell) - 1
        if found and before >= 0 and siblings[before] is found[-1][-1] and not named(found[-1][-1], "cell_code_output"):
            found[-1].append(cell)
        else:
            found.append([cell])
    return found


class FoldBelow(SphinxPostTransform):
    default_priority = 198  # myst_nb folds what is left at 199
    formats = ("html",)

    def run(self, **options):
        for *silent, last in runs(self.document):
            fold = HideCodeCellNode(prompt_show=PROMPT, prompt_hide=PROMPT, classes=["below-figure"])
            fold.extend(source for cell in (*silent, last) for source in named(cell, "cell_code_source"))
            shown = named(last, "cell_code_output")
            last.clear()
            last.extend([*shown, fold])
            last["hide_mode"] = None
            for cell in silent:
                cell.parent.remove(cell)


def setup(app):
    app.add_post_transform(FoldBelow)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
