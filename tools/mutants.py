"""Plant one-line faults in a module and see whether its tests turn red: python tools/mutants.py companion/flow.py tests/test_flow.py -n 12

A fault is one change of the syntax tree: a sign, an operation, a comparison, a number, an axis, a function's twin, an argument's order.
It is planted in a copy of the package, never in the checkout. Survivors are printed with their line.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Mult, ast.Pow: ast.Mult}
COMPARE = {ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt,
           ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
TWINS = {"sin": "cos", "cos": "sin", "sum": "mean", "mean": "sum", "exp": "expm1", "max": "min", "min": "max", "sqrt": "square", "log": "log1p",
         "softmax": "log_softmax", "cumsum": "cumprod", "amax": "amin", "amin": "amax", "floor": "ceil", "all": "any", "any": "all"}


def faults(tree):
    """(line, description, change) for every place where a fault can be planted; change() edits the tree in place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
            yield node.lineno, f"{type(node.op).__name__} -> {BINARY[type(node.op)].__name__}", lambda n=node: setattr(n, "op", BINARY[type(n.op)]())
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARE:
            yield node.lineno, "comparison turned round", lambda n=node: n.ops.__setitem__(0, COMPARE[type(n.ops[0])]())
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            yield node.lineno, "minus dropped", lambda n=node: setattr(n, "op", ast.UAdd())
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield node.lineno, f"{node.value} -> {node.value + 1}", lambda n=node: setattr(n, "value", n.value + 1)
        elif isinstance(node, ast.Attribute) and node.attr in TWINS:
            yield node.lineno, f"{node.attr} -> {TWINS[node.attr]}", lambda n=node: setattr(n, "attr", TWINS[n.attr])
        elif isinstance(node, ast.Call) and len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
            yield node.lineno, "first two arguments exchanged", lambda n=node: n.args.__setitem__(slice(0, 2), [n.args[1], n.args[0]])


def planted(source, index):
    """(line, description, source with fault number `index`)."""
    tree = copy.deepcopy(ast.parse(source))
    line, what, change = list(faults(tree))[index]
    change()
    return line, what, ast.unparse(ast.fix_missing_locations(tree))


def survives(module, text, tests, folder):
    """True if the tests stay green with this text in place of the module."""
    place = folder / module
    place.write_text(text)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=240)
    except subprocess.TimeoutExpired:
        return False
    finally:
        shutil.copy(ROOT / module, place)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module"), parser.add_argument("tests", nargs="+")
    parser.add_argument("-n", type=int, default=12, help="how many faults, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    source = (ROOT / given.module).read_text()
    places = range(len(list(faults(ast.parse(source)))))
    chosen = random.Random(given.seed).sample(places, min(given.n, len(places)))
    alive = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("companion", "tests", "pyproject.toml"):
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
        for index in sorted(chosen):
            line, what, text = planted(source, index)
            if survives(given.module, text, given.tests, folder):
                alive += 1
                print(f"survives  {given.module}:{line}  {what}\n    {source.splitlines()[line - 1].strip()}", flush=True)
    print(f"{given.module}: {len(chosen) - alive} of {len(chosen)} faults caught")


if __name__ == "__main__":
    main()
