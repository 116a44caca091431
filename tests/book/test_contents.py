"""One description a chapter: the contents, the cards, the lists, the boxes and the zips are made from it."""

import shutil

import pytest
import yaml

from tools import contents, downloads

KNOWN = contents.chapters()


def test_what_is_made_from_the_descriptions_is_what_stands_there():
    stale = [path.name for path, text in contents.made().items() if path.read_text("utf8") != text]
    assert stale == [], "python -m tools.contents writes them"


def test_every_chapter_has_its_description_and_its_solutions():
    notebooks = {p.relative_to(contents.ROOT / "book").with_suffix("").as_posix() for p in (contents.ROOT / "book").glob("*/*.ipynb")}
    assert notebooks == {page + end for page in KNOWN for end in ("", "_solutions")}
    listed = yaml.safe_load(contents.toc())["parts"]
    assert [c["file"] for part in listed[1:-1] for c in part["chapters"]] == list(KNOWN)


@pytest.mark.parametrize("page", KNOWN)
def test_a_description_agrees_with_its_notebook(page):
    """One box; what comes before is linked in it, and stands earlier in the book."""
    text, about = (contents.ROOT / "book" / f"{page}.ipynb").read_text("utf8"), KNOWN[page]
    assert text.count("At a glance") == 1
    order = list(KNOWN)
    for before in about["after"]:
        assert f"{before.split('/')[-1]}.ipynb" in about["need"] and order.index(before) < max(order.index(page), 1)
    assert about["need"].count(".ipynb") == len(about["after"])


def test_the_zip_lists_the_chapters(tmp_path):
    wheel = tmp_path / "companion.whl"
    wheel.write_bytes(b"wheel")
    said = downloads.contents(wheel, solutions=False)["README.txt"].decode()
    places = [said.index(f"{page}.ipynb: {about['name']}. {contents.CLASSES[about['classes']]}\n") for page, about in KNOWN.items()]
    assert places == sorted(places)


@pytest.fixture
def copy(tmp_path):
    """A copy of the descriptions."""
    for path in (contents.ROOT / "book").glob("*/*.yml"):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / path.parent.name)
    return tmp_path


def test_a_new_chapter_needs_one_file(copy):
    about = yaml.safe_load((copy / "training" / "momentum.yml").read_text("utf8")) | {"name": "A toy", "order": 4, "status": "draft"}
    (copy / "training" / "toy.yml").write_text(yaml.safe_dump(about), "utf8")
    assert "      - file: training/transformers\n      - file: training/toy\n" in contents.toc(copy)
    assert "[A toy](training/toy.ipynb) (draft)" in contents.cards(copy) and "[A toy](training/toy_solutions.ipynb)" in contents.solutions(copy)


@pytest.mark.parametrize("wrong, said", [
    ({"classes": "two"}, "classes"), ({"lern": "to spell"}, "lern"), ({"status": "ready"}, "status"), ({"classes": 9}, "classes"),
])  # fmt: skip
def test_a_wrong_description_is_refused_in_words(copy, wrong, said):
    path = copy / "training" / "momentum.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text("utf8")) | wrong), "utf8")
    with pytest.raises(ValueError, match=f"momentum.yml: .*{said}"):
        contents.chapters(copy)
