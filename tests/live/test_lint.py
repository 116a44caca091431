"""The linter of the page's JavaScript finds what is planted, and nothing in what is well."""

import subprocess
from pathlib import Path

import pytest

from companion.live.assets import FRONT
from tests.live.page_runtime import node

LINT = Path(__file__).parents[2] / "tools" / "lint.mjs"
pytestmark = pytest.mark.skipif(node() is None, reason="there is no Node")
WELL = {
    "in_page.js": """import { Shape, area, names } from "./shapes.js";

let last = null, first;
first = new Shape({ side: 2 });
for (const [key, { value = area(first), ...rest }] of Object.entries(names)) {
  switch (key) { case "a": { const twice = 2 * value; last = [twice, rest]; break; } default: }
}
for (let i = 0; i < 3; i++) document.body.append(`${i} ${last}`);
try { (({ x, y: [z] }, _, w = x) => z + w)({ x: 1, y: [2] }); } catch (refused) { /* so be it */ }
""",
    "shapes.js": """const kept = (whole, part) => part;

export class Shape {
  static count = 0;

  constructor({ side }) {
    this.side = kept(0, side);
  }

  get double() {
    return 2 * this.side;
  }
}

export async function area(shape) {
  return inner();
  function inner() {
    return shape.side ** 2;
  }
}

export const names = { a: { value: 1 }, ["b".length]: kept };
""",
}


def lint(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    done = subprocess.run([node(), LINT, folder], capture_output=True, text=True, check=False)
    assert done.returncode == (1 if done.stdout else 0) and not done.stderr
    return done.stdout.splitlines()


def test_the_front_is_well():
    done = subprocess.run([node(), LINT, FRONT], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_what_is_well_is_not_complained_about(tmp_path):
    assert lint(tmp_path, WELL) == []


@pytest.mark.parametrize("file, before, after, found", [
    ("shapes.js", "2 * this.side", "2 * sides", "shapes.js:11: sides is not defined: import it from the file that exports it."),
    ("shapes.js", "shape.side ** 2", "kept(wide)", "shapes.js:18: wide is not defined: import it from the file that exports it."),
    ("shapes.js", "{ value: 1 }", "{ value }", "shapes.js:22: value is not defined: import it from the file that exports it."),
    ("in_page.js", "${last}", "${lost} ${last}", "in_page.js:8: lost is not defined: import it from the file that exports it."),
    ("in_page.js", "const twice = 2", "const once = 1, twice = 2", "in_page.js:6: once (const) is not used: take it away."),
    ("in_page.js", "twice, rest", "twice", "in_page.js:5: rest (const) is not used: take it away."),
    ("in_page.js", "new Shape({", "shape({", "in_page.js:1: Shape (import) is not used: take it away."),
    ("in_page.js", "let last", "let idle; idle = 3; let last", "in_page.js:3: idle (let) is not used: take it away."),
    ("shapes.js", "return 2 * this.side;", "return ((side) => 2)(1);", "shapes.js:11: side (parameter) is not used: take it away."),
    ("shapes.js", "  return inner();\n", "", "shapes.js:16: inner (function) is not used: take it away."),
    ("shapes.js", "const kept", "export function spare() {}\nconst kept", "shapes.js:1: spare is exported and nobody imports it."),
    ("shapes.js", "const kept", "function spare() {}\nconst kept", "shapes.js:1: spare (function) is not used: take it away."),
    ("shapes.js", "const kept", "class Spare {}\nconst kept", "shapes.js:1: Spare (class) is not used: take it away."),
    ("shapes.js", "const kept", "const history = 1;\nconst kept",
     "shapes.js:1: history is a name of the browser: in the bundle it would be hidden from every file."),
    ("in_page.js", "./shapes.js", "./forms.js", "in_page.js:1: there is no forms.js beside it."),
    ("shapes.js", "export const names", "const names", "in_page.js:1: shapes.js does not export names."),
])  # fmt: skip
def test_what_is_planted_is_found(tmp_path, file, before, after, found):
    assert WELL[file].count(before) == 1
    assert found in lint(tmp_path, WELL | {file: WELL[file].replace(before, after)})
