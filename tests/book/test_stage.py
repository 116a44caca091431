"""A book is built whatever happens: what stops is shown as far as it came, what ran well is not run again, what it read decides."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from tools import build, execute, imports, notes, stage

ROOT = Path(__file__).parents[2]
FILES = {
    "companion/__init__.py": "", "companion/flow.py": "from companion.inputs import a\n", "companion/inputs.py": "a = 1\n",
    "companion/live/__init__.py": "", "companion/live/worker.py": "", "companion/live/front/a.js": "1", "companion/live/front/live.css": "",
    "companion/one/__init__.py": "from .part import b\n", "companion/one/part.py": "b = 1\n", "companion/one/words.json": "{}",
    "companion/two.py": "", "requirements.txt": "torch\n", "tools/setup.sh": "",
    "tools/execute.py": (ROOT / "tools" / "execute.py").read_text("utf8"), "book/index.md": "# A book\n",
}  # fmt: skip


def notebook(*cells):
    text = new_markdown_cell("(label)=\n# A title\n\nA text.")
    return writes(new_notebook(cells=[text, *map(new_code_cell, cells)], metadata={"kernelspec": {"name": "python3", "display_name": "p"}}))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A repository of two notebooks. Returns write(path, text)."""

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf8")

    for path, text in FILES.items():
        write(path, text)
    write("book/a/sound.ipynb", notebook("import companion.flow\nx = 1", "print('sound', x)"))
    write("book/a/ill.ipynb", notebook("print('above')", "import companion.one\n\nassert 1 + 1 == 3, 'two `ticks`'", "print('below')"))
    for name, path in {"ROOT": tmp_path, "BOOK": tmp_path / "book", "BUILD": tmp_path / "_build"}.items():
        monkeypatch.setattr(stage, name, path)
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    return write


def executed(capsys):
    """The notebooks that were executed since the last question."""
    return sorted(line.split(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("a/"))


def test_one_that_stops_is_kept_with_a_note_and_alone_runs_again(place, tmp_path, capsys):
    assert stage.main() == 1
    said = capsys.readouterr().out
    assert "a/ill: STOPPED at cell 2: AssertionError: two `ticks`  [assert 1 + 1 == 3, 'two `ticks`']" in said and "1 stopped" in said
    page = json.loads((tmp_path / "_build" / "stage" / "a" / "ill.ipynb").read_text())
    title, first, second, third = page["cells"]
    assert title["source"].startswith("(label)=\n# A title\n\n:::{admonition} This notebook stopped")
    assert title["source"].endswith("A text.") and "Code cell 2 ended with `AssertionError: two 'ticks''" not in title["source"]
    assert "Code cell 2 ended with `AssertionError: two 'ticks'`, at the line `assert 1 + 1 == 3, 'two 'ticks''`." in title["source"]
    assert first["outputs"][0]["text"] == ["above\n"] and second["outputs"][0]["ename"] == "AssertionError" and third["outputs"] == []
    assert notes.stopped(tmp_path / "_build" / "stage") == {"a/ill": page["metadata"]["stopped"]}
    assert "note" not in json.loads((tmp_path / "_build" / "stage" / "a" / "sound.ipynb").read_text())["cells"][0]["source"]
    assert stage.main(keep_going=True) == 0 and executed(capsys) == ["a/ill"]
    place("book/a/ill.ipynb", notebook("print('well')"))
    assert stage.main() == 0 and executed(capsys) == ["a/ill"]
    assert notes.stopped(tmp_path / "_build" / "stage") == {}
    assert stage.main() == 0 and executed(capsys) == []
    assert stage.main(fresh=True) == 0 and executed(capsys) == ["a/ill", "a/sound"]


@pytest.mark.parametrize("changed, again", [
    ("book/index.md", []), ("companion/live/front/a.js", []), ("companion/live/front/live.css", []), ("companion/two.py", []),
    ("companion/inputs.py", ["a/sound"]), ("companion/__init__.py", ["a/ill", "a/sound"]), ("companion/one/part.py", ["a/ill"]),
    ("companion/one/words.json", ["a/ill"]), ("requirements.txt", ["a/ill", "a/sound"]), ("tools/execute.py", ["a/ill", "a/sound"]),
])  # fmt: skip
def test_what_a_notebook_reads_decides_whether_it_runs_again(changed, again, place, tmp_path):
    place("book/a/ill.ipynb", notebook("import companion.one"))
    before = {name: stage.digest(path) for name, path in stage.notebooks(tmp_path / "book").items()}
    place(changed, FILES[changed] + " \n")
    after = {name: stage.digest(path) for name, path in stage.notebooks(tmp_path / "book").items()}
    assert [name for name in sorted(after) if after[name] != before[name]] == again


def test_the_book_as_it_is_now_is_what_is_staged(place, tmp_path):
    place("book/a/ill.ipynb", notebook("import os, pathlib\nf = pathlib.Path(os.environ['COMPANION_LIVE_FIGURES'])",
                                       "f.mkdir(parents=True)\n(f / 'rec-1.js').write_text('1')"))  # fmt: skip
    assert stage.main() == 0
    figures, staged = tmp_path / "_build" / "figures", tmp_path / "_build" / "stage"
    assert [p.name for p in figures.iterdir()] == ["rec-1.js"] and (staged / "index.md").read_text() == "# A book\n"
    place("book/index.md", "# Another\n")
    (tmp_path / "book" / "a" / "ill.ipynb").unlink()
    assert stage.main() == 0
    assert not list(figures.iterdir()) and not (staged / "a" / "ill.ipynb").exists() and (staged / "index.md").read_text() == "# Another\n"
    assert not (tmp_path / "_build" / "runs" / "a" / "ill").exists()


@pytest.mark.parametrize("source, cell, words", [
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", 2, "DeadKernelError"),
    ("import time\ntime.sleep(60)", 2, "CellTimeoutError"),
    ("1 +", 2, "SyntaxError"),
])  # fmt: skip
def test_however_a_cell_ends_the_cells_above_it_are_kept(source, cell, words, tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "SECONDS", 3)
    path = tmp_path / "n.ipynb"
    path.write_text(notebook("print('above')", source))
    stop = execute.execute(path).stop
    assert stop["cell"] == cell and stop["error"].startswith(words)
    assert json.loads(path.read_text())["cells"][1]["outputs"][0]["text"] == ["above\n"]


def test_the_line_is_the_cells_own(tmp_path):
    (tmp_path / "n.ipynb").write_text(notebook("def f():\n    raise ValueError('deep')", "x = 1\nf()"))
    ran = execute.child(tmp_path / "n.ipynb", dict(os.environ))
    assert ran.stop == {"cell": 2, "line": "f()", "error": "ValueError: deep"} and ran.seconds > 0
    assert "n: STOPPED at cell 2: ValueError: deep  [f()]" == execute.told(ran, "n")


def test_a_notebook_that_cannot_begin_is_named(tmp_path):
    (tmp_path / "n.ipynb").write_text("{")
    assert execute.child(tmp_path / "n.ipynb", dict(os.environ)).stop["cell"] == 0


def test_imports_are_followed(place, tmp_path):
    def read(source):
        place("book/n.ipynb", notebook(source))
        return {p.relative_to(tmp_path / "companion").as_posix() for p in imports.read_by(tmp_path / "book" / "n.ipynb", tmp_path)}

    base = {"__init__.py"}
    assert read("import torch") == set() and read("import companion") == base
    assert read("from companion import two, flow") == base | {"two.py", "flow.py", "inputs.py"}
    assert read("import companion\ncompanion.flow.euler") == base | {"flow.py", "inputs.py"}
    assert read("def f():\n    from companion.one import b") == base | {"one/__init__.py", "one/part.py", "one/words.json"}
    assert read("from companion.live import x") == base | {"live/__init__.py", "live/worker.py"}
    assert read("try:\n    import companion\nexcept ImportError:\n    %pip install x\n    import companion.two") == base | {"two.py"}
    assert read("%%bash\nls -l | grep (") >= base | {"two.py", "flow.py", "one/part.py"}


def test_every_module_that_a_chapter_imports_is_known():
    """What Python has loaded after the imports of a chapter is what the sources say, or less."""
    for name in ("training/momentum", "sampling/particle_flows", "architectures/neural_control"):
        path = ROOT / "book" / f"{name}.ipynb"
        lines = [line for cell in json.loads(path.read_text("utf8"))["cells"] if cell["cell_type"] == "code"
                 for line in "".join(cell["source"]).splitlines() if line.startswith(("import ", "from "))]  # fmt: skip
        ask = "\nimport sys; print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'companion'])"
        run = subprocess.run([sys.executable, "-c", "\n".join(lines) + ask], cwd=ROOT, capture_output=True, text=True, check=True,
                             env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
        loaded = {Path(file) for file in run.stdout.split()}
        assert len(loaded) > 15 and loaded <= set(imports.read_by(path)), name


def test_the_pages_of_a_book_with_a_stopped_notebook_are_built(tmp_path, capsys, monkeypatch):
    """All pages, the note, the traceback, a figure that is missing elsewhere; the command says so and its status is 1."""
    folder, toc = tmp_path / "stage", tmp_path / "_toc.yml"
    folder.mkdir()
    (folder / "index.md").write_text("# A book\n\nBefore.\n\n```{live-figure} ill:dot\n```\n\nBehind.\n")
    (folder / "ill.ipynb").write_text(notebook("raise ValueError('planted')", "1"))
    notes.mark(folder / "ill.ipynb", execute.execute(folder / "ill.ipynb").stop)
    (folder / "assets").symlink_to(ROOT / "book" / "assets")
    toc.write_text("format: jb-book\nroot: index\nchapters:\n  - file: ill\n")
    monkeypatch.setattr(build.downloads, "write", lambda site: None)
    monkeypatch.setattr(build.build, "__kwdefaults__", build.build.__kwdefaults__ | {"toc": toc})
    assert build.main(folder, tmp_path) == 1
    said = capsys.readouterr().out
    assert "The book is built" in said and "One notebook stopped" in said and "ill: code cell 1: ValueError: planted" in said
    page, index = ((tmp_path / "_build" / "html" / name).read_text() for name in ("ill.html", "index.html"))
    assert page.index("<h1>A title") < page.index("This notebook stopped on the machine") < page.index("A text.")
    assert "ValueError" in page and "A live figure is missing here" in index and "Behind." in index


def test_a_stage_made_otherwise_that_holds_a_traceback_is_not_well(tmp_path):
    (tmp_path / "n.ipynb").write_text(notebook("1", "raise ValueError('planted')"))
    execute.execute(tmp_path / "n.ipynb")
    assert notes.stopped(tmp_path) == {"n": {"cell": 2, "line": "", "error": "ValueError: planted"}}
    assert notes.plain("`a`\n" + "b" * 300).startswith("'a' bb") and len(notes.plain("b" * 300)) == 160
