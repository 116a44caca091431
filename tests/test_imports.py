"""Who imports whom in the package: no circle, no theme that leans on another, and late imports only of what is heavy or optional."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import companion

ROOT = Path(companion.__file__).parent
THEMES = {"training", "architectures", "sampling"}
# slow to import, or not everywhere: imported by the function that needs it
HEAVY = {"IPython", "PIL", "cloudpickle", "matplotlib", "onnx", "onnx_ir", "onnxruntime", "onnxscript", "ot", "pykeops", "scipy", "sklearn"}
LATE = {
    "companion.live.notebook": "it needs anywidget, which a page does not",
    "torch.fx.experimental.proxy_tensor": "slow to import, and only an export needs it",
    "inspect": "`import companion` alone costs nothing",
}


def named(path):
    """The name of a module by its file."""
    return ".".join(("companion", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {named(path): ast.parse(path.read_text("utf8")) for path in ROOT.rglob("*.py")}


def imported(node):
    """The modules that a statement imports: of `from package import name` the module of this name, if it is one."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if not isinstance(node, ast.ImportFrom):
        return set()
    assert node.level == 0, f"line {node.lineno}: an import is written in full"
    full = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name if name in MODULES else node.module for name in full.values()}


def imports(tree):
    return {name for node in ast.walk(tree) for name in imported(node)}


def late(tree):
    """What the functions of a module import."""
    return {name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for name in imports(f)}


def circle(graph):
    """The modules of a circle in {module: what it imports}, or None."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return error.args[1]


def test_no_module_imports_itself_by_way_of_others():
    """Imports inside functions count: they hide a circle, and do not undo it."""
    assert circle({name: imports(tree) & MODULES.keys() for name, tree in MODULES.items()}) is None


def test_a_circle_is_seen():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert imports(ast.parse("def f():\n    from companion.kernels import keops, dense")) == {"companion.kernels", "companion.kernels.keops"}
    assert late(ast.parse("import a\ndef f():\n    def g():\n        import b")) == {"b"}


def test_no_theme_imports_another():
    """The second use of a function moves it to the ground floor, which knows no theme."""
    for module, tree in MODULES.items():
        floor = module.split(".")[1:2]
        for name in imports(tree):
            theme = name.split(".")[1] if name in MODULES and name.count(".") else None
            assert theme not in THEMES or [theme] == floor, f"{module} imports {name}"


def test_late_imports_are_of_what_is_heavy_or_optional():
    found = {name for tree in MODULES.values() for name in late(tree) if name.split(".")[0] not in HEAVY}
    assert found == LATE.keys()
