"""The page's JavaScript as one text: the files that an entry imports, each after those it needs,
without their import and export lines. They share one scope, as they stand: the page stays small,
and the browser's traces name its functions.

A file may say, each on a line of its own, `import { a, b } from "./b.js";`, and `export` in front
of a function, a class, a const or a let. Comments that have lines of their own, types among them,
stay out of the page.
"""

import re
from pathlib import Path
from typing import NamedTuple

IMPORT = re.compile(r'^import \{ (\w+(?:, \w+)*) \} from "\./(\w+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const|let) (\w+))", re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
NAMED = re.compile(r"^(?:async function|function|class|const|let) (\w+)", re.MULTILINE)


class Module(NamedTuple):
    """A file: its text without imports and exports, {file: names} that it imports, and the names
    that it exports."""

    text: str
    imports: dict
    exports: set


def module(source, file):
    """The parts of a file's source. Raises ValueError on an import or export of another form."""
    source = COMMENT.sub("", source)
    imports = {other: names.split(", ") for names, other in IMPORT.findall(source)}
    exports = set(EXPORT.findall(source))
    text = EXPORT.sub("", IMPORT.sub("", source)).lstrip("\n")
    if odd := OTHER.search(text):
        raise ValueError(
            f'{file} says `{odd[0]}`. Known are `import {{ a, b }} from "./b.js";`, and `export` in'
            " front of function, class, const or let."
        )
    return Module(text, imports, exports)


def bundle(entry, folder, given=None):
    """The text of `entry` after all that it imports; given: {file: source} for the folder's.

    Raises ValueError, with the file's name, for a file or a name that is not there, a circle,
    a name twice.
    """
    modules = {}
    _gather(entry, Path(folder), given or {}, modules, ())
    _check_names(modules)
    return "\n".join(here.text for here in modules.values())


def _gather(file, folder, given, modules, above):
    """Add a file to the modules, behind those it imports; above: the files that led here."""
    if file in above:
        circle = " -> ".join([*above[above.index(file) :], file])
        raise ValueError(f"The imports {circle} run in a circle. "
                         "Move what both need to a third file.")
    if file in modules:
        return
    if file not in given and not (folder / file).exists():
        above = above[-1] if above else "The build"
        raise ValueError(f"{above} imports {file}, which is not there.")
    here = module(given.get(file) or (folder / file).read_text("utf8"), file)
    for other, names in here.imports.items():
        _gather(other, folder, given, modules, (*above, file))
        if missing := [name for name in names if name not in modules[other].exports]:
            raise ValueError(f"{file} imports {', '.join(missing)}: {other} does not export that.")
    modules[file] = here


def _check_names(modules):
    """One scope has room for each name once: a second function would silently take the place
    of the first."""
    owners = {}
    for file, here in modules.items():
        for name in NAMED.findall(here.text):
            if name in owners:
                raise ValueError(f"{owners[name]} and {file} both define {name}. Rename one.")
            owners[name] = file
