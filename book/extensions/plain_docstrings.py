"""The reference of `companion`: every public name, found in the package, with its docstring as it stands in the code.

Docstrings are plain words, formula first; stars, bars and backquotes in them are mathematics, not markup.
"""

import importlib
import inspect
import pkgutil
import re

MARK = "<!-- every public name of companion -->"


def modules():
    """Every public module of companion, the package first."""
    import companion

    found = pkgutil.walk_packages(companion.__path__, "companion.", onerror=lambda name: None)
    names = [m.name for m in found if not any(part.startswith("_") for part in m.name.split("."))]
    return {name: importlib.import_module(name) for name in sorted(names, key=order)}


def order(name):
    """The ground floor first, then the figures, then the themes."""
    return (name.count(".") > 1 or name.split(".")[1] in ("training", "architectures", "sampling"), name)


def public():
    """{module: [names]}: each public function and class of companion, at the shortest address that offers it."""
    addresses = {}
    for module, content in modules().items():
        for name, thing in inspect.getmembers(content, lambda t: inspect.isfunction(t) or inspect.isclass(t)):
            if not name.startswith("_") and thing.__module__.startswith(module):
                known = addresses.get((name, thing))
                if known is None or module.count(".") < known.count("."):
                    addresses[name, thing] = module
    found = {module: [] for module in modules()}
    for (name, _), module in sorted(addresses.items(), key=lambda item: item[0][0]):
        found[module].append(name)
    return {module: names for module, names in found.items() if names}


def reference():
    """The page's text: a section a module, an entry a name."""
    kinds = {True: ".. autoclass::", False: ".. autofunction::"}
    parts = []
    for module, names in public().items():
        content = importlib.import_module(module)
        directives = []
        for name in names:
            is_class = inspect.isclass(getattr(content, name))
            directives += [f"{kinds[is_class]} {module}.{name}", *(["   :members:"] if is_class else []), ""]
        idea = "\n".join(plain((inspect.getdoc(content) or "").splitlines()))
        parts.append(f"## {module}\n\n```{{eval-rst}}\n{idea}\n\n" + "\n".join(directives) + "\n```\n")
    return "\n".join(parts)


def plain(lines):
    """The lines of a docstring as reStructuredText that shows them as they are: lines keep their breaks and their indent."""
    text = []
    for line in lines:
        safe = re.sub(r"(`+)([^`\s][^`]*)\1", lambda m: f"\0{m[2].rstrip()}\1", line)
        safe = re.sub(r"([\\*`|_])", r"\\\1", safe)
        safe = re.sub("\0(.*?)\1", lambda m: "``" + re.sub(r"\\(.)", r"\1", m[1]) + "``", safe)
        indent = len(line) - len(line.lstrip())
        text.append("| " + " " * indent + safe.strip() if line.strip() else "")
    return text


def rewrite(app, what, name, thing, options, lines):
    lines[:] = [*plain(lines), ""]


def without_fields(app, what, name, thing, skip, options):
    """A named tuple's fields are told in its own docstring."""
    return True if str(getattr(thing, "__doc__", "")).startswith("Alias for field number") else None


def fill(app, docname, source):
    if MARK in source[0]:
        source[0] = source[0].replace(MARK, reference())


def setup(app):
    app.connect("autodoc-process-docstring", rewrite)
    app.connect("autodoc-skip-member", without_fields)
    app.connect("source-read", fill)
    app.connect("env-get-outdated", lambda app, env, *changes: ["api"] if "api" in env.found_docs else [])
    return {"version": "1", "parallel_read_safe": True}
