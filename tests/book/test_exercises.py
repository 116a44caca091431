"""Every exercise of the book has a hint, an expected answer, a check, a solution that CI runs, and a test that the check refuses wrong answers."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
EXERCISE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{exercise\}(?P<body>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"\bexercises\.(\w+)")
NOTEBOOKS = [p for p in sorted(BOOK.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts and not p.stem.endswith("_solutions")]
CHAPTERS = [p for p in NOTEBOOKS if "{exercise}" in p.read_text("utf8")]


def cells(path, kind):
    """The texts of the cells of one kind, joined; nothing where there is no notebook."""
    found = json.loads(path.read_text("utf8"))["cells"] if path.exists() else []
    return "\n".join("".join(cell["source"]) for cell in found if cell["cell_type"] == kind)


def refused(source, package):
    """The checks of a package that a test file sees fail: named in a test, or its parameters, that expects AssertionError."""
    if not re.search(rf"^from {re.escape(package)} import \(?[^)#]*?\bexercises\b", source, re.MULTILINE):
        return set()
    tests = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    texts = ["\n".join(ast.unparse(part) for part in [*test.decorator_list, test]) for test in tests]
    return {name for text in texts if re.search(r"raises\(\(?AssertionError", text) for name in CHECK.findall(text)}


def faults(text, code, solutions, tested):
    """What is missing: sentences. text, code: the chapter's; solutions: the code of its solutions; tested: checks seen to fail."""
    exercises, checks = [m["body"] for m in EXERCISE.finditer(text)], set(CHECK.findall(code))
    if not solutions:
        yield "there is no notebook of solutions"
    if len(checks) < len(exercises):
        yield f"{len(exercises)} exercises, {len(checks)} checks"
    yield from (f"exercise {n} has no {word}" for n, body in enumerate(exercises, 1) for word in ("Hint", "Expect") if f"*{word}" not in body)
    yield from (f"no solution passes exercises.{name}" for name in sorted(checks - set(CHECK.findall(solutions))))
    yield from (f"no test sees exercises.{name} refuse a wrong answer" for name in sorted(checks - tested))


def test_the_book_has_exercises():
    assert CHAPTERS


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_an_exercise_is_whole(path):
    package = ".".join(["companion", *path.relative_to(BOOK).with_suffix("").parts])
    folder = ROOT / "tests" / path.relative_to(BOOK).with_suffix("")
    tested = set().union(*(refused(test.read_text("utf8"), package) for test in folder.glob("test_*.py")))
    solutions = cells(path.with_name(f"{path.stem}_solutions.ipynb"), "code")
    assert list(faults(cells(path, "markdown"), cells(path, "code"), solutions, tested)) == []


TEXT = ":::{exercise} One\n*Hint.* a\n*Expect* b\n:::\n"
TEST = """from companion.a.b import exercises
@pytest.mark.parametrize("f", [exercises.one])
def test_wrong(f):
    with pytest.raises(AssertionError):
        f(1)
def test_right():
    exercises.two(1)
"""


def test_a_whole_exercise_passes():
    assert refused(TEST, "companion.a.b") == refused(TEST.replace("import ", "import x, "), "companion.a.b") == {"one"}
    assert refused(TEST, "companion.a.c") == set()
    assert list(faults(TEXT, "exercises.one(x)", "exercises.one(2)", {"one"})) == []


@pytest.mark.parametrize("planted", [
    (TEXT, "exercises.one(x)", "", {"one"}),
    (TEXT + TEXT, "exercises.one(x)", "exercises.one(2)", {"one"}),
    (TEXT.replace("Hint", "Note"), "exercises.one(x)", "exercises.one(2)", {"one"}),
    (TEXT.replace("*Expect*", "expect"), "exercises.one(x)", "exercises.one(2)", {"one"}),
    (TEXT, "exercises.one(x)", "exercises.two(2)", {"one"}),
    (TEXT, "exercises.one(x)", "exercises.one(2)", {"two"}),
])  # fmt: skip
def test_a_planted_gap_is_found(planted):
    assert list(faults(*planted))
