"""What students and teachers download: all they need, and for students no solution. Installed from the zip, it runs."""

import email
import io
import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest

from tests.book.test_exercises import EXERCISE
from tools import check_notebooks, downloads

CODE = 12  # letters from which a line tells something
SILENT = re.compile(r"import |from |def |torch\.set_|try:|except |%pip |exercises\.|print\(f\"companion |#+ ")


@pytest.fixture(scope="session")
def zips(site):
    """{who: {name in the zip: bytes}} of the built book."""
    found = {}
    for who in ("students", "teachers"):
        with zipfile.ZipFile(site / "_static" / "downloads" / f"{downloads.NAME}-{who}.zip") as archive:
            assert archive.testzip() is None
            found[who] = {name.removeprefix(f"{downloads.NAME}/"): archive.read(name) for name in archive.namelist()}
    return found


@pytest.fixture(scope="session")
def unpacked(zips, tmp_path_factory):
    """The students' zip in a folder, and the wheel installed in another, as pip does it without a network."""
    folder, target = tmp_path_factory.mktemp("students"), tmp_path_factory.mktemp("installed")
    for name, content in zips["students"].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (wheel,) = folder.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", target, wheel]
    subprocess.run(pip, check=True)
    return folder, target


def written(files):
    """{name: notebook} of the notebooks among files."""
    return {name: nbformat.reads(content.decode(), as_version=4) for name, content in files.items() if name.endswith(".ipynb")}


def lines(notebook):
    """The lines of a notebook that tell something: no imports, no install, no heading, no call of a check, no signature of an answer."""
    found = {line.strip() for cell in notebook.cells for line in cell.source.splitlines()}
    return {line for line in found if len(line) >= CODE and not SILENT.match(line)}


def test_teachers_have_all_and_students_all_but_the_solutions(zips):
    notebooks = {p.relative_to(downloads.BOOK).as_posix() for p in downloads.BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts}
    solutions = {name for name in notebooks if "solution" in name}
    assert solutions and {name for name in zips["teachers"] if name.endswith(".ipynb")} == notebooks
    assert set(zips["students"]) == set(zips["teachers"]) - solutions
    others = {name for name in zips["students"] if not name.endswith((".ipynb", ".whl", ".png", ".svg", ".jpg"))}
    assert others == {"README.txt", "LICENSE", "LICENSE-text", "glossary.md", "how_to_read.md"}  # two pages that notebooks link to


def test_no_line_of_a_solution_is_among_the_students_files(zips):
    chapters, teachers = written(zips["students"]), written(zips["teachers"])
    given = set().union(*map(lines, chapters.values()))
    for name in teachers.keys() - chapters.keys():
        told = lines(teachers[name])
        assert told and not told & given, (name, told & given)


@pytest.mark.parametrize("who", ["students", "teachers"])
def test_every_notebook_is_whole(zips, who):
    """It opens, keeps the rules (no outputs, the first cell that installs what is missing), and has the pictures that it shows."""
    for name, notebook in written(zips[who]).items():
        assert check_notebooks.committed(notebook) == [], name
        for found in downloads.PICTURE.finditer(zips[who][name].decode()):
            shown = os.path.normpath(os.path.join(os.path.dirname(name), found["path"] or found["source"]))
            assert shown in zips[who], (name, shown)


def test_students_have_hints_checks_and_expected_ranges(zips):
    for name, notebook in written(zips["students"]).items():
        for cell, following in zip(notebook.cells, notebook.cells[1:], strict=False):
            for found in EXERCISE.finditer(cell.source):
                assert "*Hint" in found["body"] and "*Expect" in found["body"], (name, found["body"][:60])
                assert "exercises." in following.source and "None" in following.source, (name, found["body"][:60])


def test_the_lines_to_type_fit_the_zip(zips):
    for files in zips.values():
        text = files["README.txt"].decode()
        ((wheel, extras),) = re.findall(r'pip install "\./(\S+\.whl)\[([a-z,]+)\]"', text)
        (metadata,) = [n for n in zipfile.ZipFile(io.BytesIO(files[wheel])).namelist() if n.endswith("dist-info/METADATA")]
        offered = email.message_from_bytes(zipfile.ZipFile(io.BytesIO(files[wheel])).read(metadata)).get_all("Provides-Extra")
        assert set(extras.split(",")) <= set(offered)
        assert all(name.split("/")[0] in text for name in files if "/" in name and name.endswith(".ipynb"))


def test_the_installed_wheel_runs_the_first_cell_an_exercise_and_a_figure(unpacked):
    """In a process that knows no checkout."""
    folder, target = unpacked
    program = f"""{check_notebooks.FIRST_CELL.split("except")[0]}finally: pass
from companion.live import assets
from companion.training.transformers import exercises
exercises.a_million(17.3557)
print(companion.__file__, len(assets.page_script()) > 100_000, len(assets.runtime()[1]) > 1_000_000)"""
    env = os.environ | {"PYTHONPATH": str(target)}
    run = subprocess.run([sys.executable, "-c", program], cwd=folder / "training", env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1].split() == [str(target / "companion" / "__init__.py"), "True", "True"], run.stderr


def test_a_planted_solution_stays_out_and_a_shown_picture_comes_along(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "BOOK", tmp_path)
    (tmp_path / "theme").mkdir()
    source = '{"source": "![a point](../point.png) <img src=\\"dot.svg\\"> ![far](https://a.b/c.png) [words](../words.md)"}'
    for name in ("a", "a_solutions"):
        (tmp_path / "theme" / f"{name}.ipynb").write_text(source)
    for name in ("point.png", "theme/dot.svg", "theme/other.svg", "words.md", "other.md"):
        (tmp_path / name).write_text(name)
    package = tmp_path / "c.whl"
    package.write_bytes(b"wheel")
    students = downloads.contents(package, solutions=False)
    assert set(students) == {"theme/a.ipynb", "point.png", "theme/dot.svg", "words.md", "LICENSE", "LICENSE-text", "README.txt", "c.whl"}
    assert set(downloads.contents(package, solutions=True)) - set(students) == {"theme/a_solutions.ipynb"}


def test_the_same_files_make_the_same_zip(tmp_path):
    for name in ("one", "two"):
        downloads.pack(tmp_path / name, {"b.txt": b"b", "a.txt": b"a"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    entries = zipfile.ZipFile(tmp_path / "one").infolist()
    assert all(entry.date_time == downloads.DAY for entry in entries)
    assert [entry.filename for entry in entries] == [f"{downloads.NAME}/a.txt", f"{downloads.NAME}/b.txt"]


def test_the_page_on_reading_names_both(site):
    links = re.findall(r'href="([^"]*\.zip)"', (site / "how_to_read.html").read_text("utf8"))
    assert len(links) >= 4 and all((site / link).exists() for link in links)
