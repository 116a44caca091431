"""Links from page to page: plain ones, which the book and JupyterLab both follow; jupyterlab-myst leaves a doc role dead."""

import re
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).parents[2] / "book"
PAGES = [p for p in sorted(BOOK.rglob("*")) if p.suffix in (".md", ".ipynb") and ".ipynb_checkpoints" not in p.parts]
LINK = re.compile(r"\[(?P<text>[^][\n]*)\]\((?P<to>[\w./]+\.(?:ipynb|md))\)")


def text(path):
    """What a page says, without its code."""
    if path.suffix == ".md":
        return path.read_text("utf8")
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")


@pytest.fixture(params=PAGES, ids=lambda path: path.relative_to(BOOK).as_posix())
def page(request):
    return request.param


def test_the_book_has_links():
    assert sum(len(LINK.findall(text(path))) for path in PAGES) > 60


def test_no_link_is_a_role_and_each_names_a_page_that_is_there(page):
    assert "{doc}" not in text(page)
    for link in LINK.finditer(text(page)):
        assert link["text"].strip(), f"{link[0]}: JupyterLab shows no title of its own"
        assert (page.parent / link["to"]).resolve() in PAGES, link[0]


def test_the_built_page_links_to_the_built_pages(site, page):
    built = site / page.relative_to(BOOK).with_suffix(".html")
    seen = built.read_text("utf8")
    for link in LINK.finditer(text(page)):
        href = re.sub(r"\.(ipynb|md)$", ".html", link["to"])
        assert f'href="{href}"><span class="std std-doc">{link["text"]}' in seen, link[0]
        assert (built.parent / href).exists()
