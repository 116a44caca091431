"""The page's JavaScript as one text: each file after what it imports; what cannot be is refused with the file's name."""

import pytest

from companion.live.bundle import bundle, module

FILES = {
    "a.js": '// H\n\nimport { b, c } from "./b.js";\nimport { d } from "./d.js";\n\nexport async function a() {\n  return b + c() + d; // kept\n}\n',
    "b.js": 'import { d } from "./d.js";\n\nexport const b = d;\nexport function c() {\n  // goes\n  return 1;\n}\n',
    "d.js": "/** A type:\n * {number} */\nexport let d = 1;\n",
}


def folder(tmp_path, **changed):
    for name, text in (FILES | {f"{name}.js": text for name, text in changed.items()}).items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_file_stands_once_after_what_it_imports(tmp_path):
    whole = "let d = 1;\n\nconst b = d;\nfunction c() {\n  return 1;\n}\n\nasync function a() {\n  return b + c() + d; // kept\n}\n"
    assert bundle("a.js", folder(tmp_path)) == whole
    assert bundle("a.js", tmp_path, {"d.js": "export const d = 2;\n"}) == whole.replace("let d = 1", "const d = 2")
    assert bundle("d.js", str(tmp_path)) == "let d = 1;\n"


def test_the_parts_of_a_file():
    found = module(FILES["a.js"], "a.js")
    assert found.imports == {"b.js": ["b", "c"], "d.js": ["d"]} and found.exports == {"a"}
    assert module(FILES["b.js"], "b.js").exports == {"b", "c"}


@pytest.mark.parametrize("changed, words", [
    ({"d": 'import { a } from "./a.js";\nexport let d = 1;\n'}, "imports a.js -> b.js -> d.js -> a.js run in a circle"),
    ({"d": "let d = 1;\n"}, "b.js imports d: d.js does not export that"),
    ({"d": 'import { e } from "./e.js";\n'}, "d.js imports e.js, which is not there"),
    ({"b": "export const b = 1;\nexport function c() {}\nfunction a() {}\n"}, "b.js and a.js both define a. Rename one"),
    ({"d": "export let d = 1;\nexport default d;\n"}, "d.js says `export default d;`"),
    *(({"d": f"{line}\n"}, "d.js says `" + line) for line in (
        "export default 1;", 'import d from "./d.js";', 'import * as d from "./e.js";', 'import { e as d } from "./e.js";', 'import "./e.js";',
        "export { d };", "export var d = 1;", "export const { d } = {};", 'import { e } from "e";', "import { e } from './e.js';")),
])  # fmt: skip
def test_what_cannot_be_one_text_is_refused_with_the_file(tmp_path, changed, words):
    with pytest.raises(ValueError) as caught:
        bundle("a.js", folder(tmp_path, **changed))
    assert words in str(caught.value)


def test_an_entry_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"The build imports z\.js, which is not there"):
        bundle("z.js", tmp_path)
