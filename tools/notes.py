"""The note at the top of a page whose notebook stopped, and who in a stage has one."""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TITLE = re.compile(r"^# .*$", re.MULTILINE)
NOTE = """
:::{{admonition}} This notebook stopped on the machine that built this page
:class: warning
Code cell {cell} ended with `{error}`{line}.

Above that cell all is as the book promises. Below it, text, proofs and exercises are complete, and pictures, live figures and printed
numbers are missing. The cause is most often a number that this processor rounds otherwise than the book allows for: then the
fault is the book's and not yours, and nothing is wrong with your machine.

Please report it at <{repository}/issues>: the lines of this note, your processor and system, and the versions of Python and torch.
`make book` runs this notebook again, and no other.
:::
"""


def mark(path, stop):
    """Write the note under the title of a staged notebook, and where it stopped into its metadata."""
    notebook = json.loads(Path(path).read_text("utf8"))
    repository = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["repository"]["url"]
    line = f", at the line `{plain(stop['line'])}`" if stop["line"] else ""
    note = NOTE.format(cell=stop["cell"], error=plain(stop["error"]), line=line, repository=repository)
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    first["source"] = TITLE.sub(lambda title: title[0] + "\n" + note, "".join(first["source"]), count=1)
    notebook["metadata"]["stopped"] = stop
    Path(path).write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf8")


def plain(text):
    """An error's words for the inside of a code span: one line, not too long."""
    words = " ".join(text.replace("`", "'").split())
    return words if len(words) < 160 else words[:157] + "..."


def stopped(stage):
    """{page: where it stopped} for the notebooks of a stage that did not come to their end."""
    found = {}
    for path in sorted(Path(stage).rglob("*.ipynb")):
        notebook = json.loads(path.read_text("utf8"))
        stop = notebook["metadata"].get("stopped") or traceback(notebook)
        if stop:
            found[path.relative_to(stage).with_suffix("").as_posix()] = stop
    return found


def traceback(notebook):
    """An error that an execution left behind, whoever executed it."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    errors = [(n, o) for n, cell in enumerate(code, 1) for o in cell["outputs"] if o["output_type"] == "error"]
    return {"cell": errors[0][0], "line": "", "error": f"{errors[0][1]['ename']}: {errors[0][1]['evalue']}"} if errors else None
