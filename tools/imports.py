"""What a notebook reads of the package: the modules that its imports reach, read from the sources, and the data files beside them.

Nothing is imported. A cell that is no Python counts as one that reads everything.
"""

import ast
import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
DATA = (".npz", ".json")


def module(name, root):
    """The file of a module of the package, or None."""
    path = root.joinpath(*name.split("."))
    found = [p for p in (path / "__init__.py", path.with_suffix(".py")) if p.is_file()]
    return found[0] if found and name.split(".")[0] == "companion" else None


@cache
def named(source, package=""):
    """The dotted names that a source imports, or reaches from `companion` by dots. Raises SyntaxError."""
    return tuple(_named(source, package))


def _named(source, package):
    for node in ast.walk(ast.parse(MAGIC.sub(r"\1pass", source))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(filter(None, [*above, node.module]))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node).startswith("companion."):
            yield ast.unparse(node)


def reached(names, root=ROOT):
    """The files of the package that these names reach, each module with the packages it lies in."""
    todo, files = list(names), set()
    while todo:
        parts = todo.pop().split(".")
        for depth in range(1, len(parts) + 1):
            name = ".".join(parts[:depth])
            path = module(name, root)
            if path and path not in files:
                files.add(path)
                todo += named(path.read_text("utf8"), name if path.name == "__init__.py" else name.rpartition(".")[0])
    return files


def read_by(notebook, root=ROOT):
    """The sorted files of the package on which an execution of a notebook depends."""
    cells = json.loads(Path(notebook).read_text("utf8"))["cells"]
    try:
        names = [name for cell in cells if cell["cell_type"] == "code" for name in named("".join(cell["source"]))]
    except SyntaxError:
        files = set((root / "companion").rglob("*.py"))
    else:
        files = reached(names, root)
    if any("live" in file.relative_to(root).parts for file in files):  # figures run parts of it in processes of their own
        files |= set((root / "companion" / "live").rglob("*.py"))
    data = {p for folder in {file.parent for file in files} for p in folder.iterdir() if p.suffix in DATA}
    return sorted(files | data)
