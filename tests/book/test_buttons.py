"""The buttons above every page lead where they say: to files that git keeps, at addresses made from _config.yml alone."""

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.book.test_pages import PAGES
from tools.check_notebooks import FIRST_CELL

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
REPOSITORY, LAUNCH = CONFIG["repository"], CONFIG["launch_buttons"]
PROJECT = urlsplit(REPOSITORY["url"]).path.strip("/")
BRANCH, FOLDER = REPOSITORY["branch"], REPOSITORY["path_to_book"]


class Buttons(HTMLParser):
    """Every link of the buttons above a page: {its words: its address}."""

    def __init__(self, html):
        super().__init__()
        self.found, self.now = {}, None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "a" and "dropdown-item" in (given.get("class") or ""):
            self.now = given

    def handle_data(self, text):
        if self.now and text.strip():
            self.found[text.strip()] = self.now

    def handle_endtag(self, tag):
        self.now = None if tag == "a" else self.now


@pytest.fixture(scope="session")
def kept():
    """Every file that git keeps, or would with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())


def launched(buttons):
    """(path that Binder opens, path that Colab opens) of a page; asserts host, repository and branch."""
    binder, colab = (urlsplit(buttons[name]["href"]) for name in ("Binder", "Colab"))
    assert f"{binder.scheme}://{binder.netloc}{binder.path}" == f"{LAUNCH['binderhub_url']}/v2/gh/{PROJECT}/{BRANCH}"
    start = f"{LAUNCH['colab_url']}/github/{PROJECT}/blob/{BRANCH}"
    assert colab.geturl().startswith(start)
    (asked,) = parse_qs(binder.query)["urlpath"]
    assert asked.startswith("lab/tree/")
    return asked.removeprefix("lab/tree/"), colab.geturl().removeprefix(start).strip("/")


@pytest.mark.parametrize("name", PAGES)
def test_a_pages_buttons_lead_somewhere(site, kept, name):
    buttons = Buttons((site / name).read_text("utf8")).found
    source = f"{FOLDER}/{name.removesuffix('.html')}.ipynb"
    binder, colab = launched(buttons)
    if source in kept:
        assert binder == colab == source
        assert (site / name).parent.joinpath(buttons["This notebook (.ipynb)"]["href"]).read_bytes() == (ROOT / source).read_bytes()
    else:  # the folder of all notebooks on Binder, all notebooks of the repository on Colab
        assert binder == FOLDER and any(path.startswith(f"{FOLDER}/") for path in kept) and colab == "" and "This notebook (.ipynb)" not in buttons
    for who in ("students", "teachers"):
        (link,) = [given for text, given in buttons.items() if who in text]
        assert (site / name).parent.joinpath(link["href"]).resolve() == site / "_static" / "downloads" / f"learning-in-motion-{who}.zip"
        assert "download" in link


def test_every_notebook_has_a_page_with_buttons(kept):
    sources = {path for path in kept if re.fullmatch(rf"{FOLDER}/.*\.ipynb", path)}
    assert {f"{FOLDER}/{name.removesuffix('.html')}.ipynb" for name in PAGES} & sources == sources


def test_the_address_of_the_project_is_the_same_everywhere():
    """_config.yml is the one place of the buttons; what people type by hand names the same repository."""
    assert f"git+{REPOSITORY['url']} " in FIRST_CELL
    for path in ("pyproject.toml", "README.md", "CITATION.cff"):
        named = set(re.findall(r"https://github\.com/[\w.-]+/[\w.-]*\w", (ROOT / path).read_text("utf8")))
        assert named == {REPOSITORY["url"]}, path


@pytest.mark.parametrize("scheme, texts", [("http", [".ipynb", "students", "teachers"]), ("file", ["students", "teachers"])])
def test_a_press_on_download_gives_the_file(visit, address, site, scheme, texts):
    """A double-clicked page shows a notebook as text, in another tab; its file lies beside it."""
    page = visit(address("training/transformers.html", scheme), viewport={"width": 1280, "height": 900}).page
    for text in texts:
        path = f"_static/downloads/learning-in-motion-{text}.zip" if text in ("students", "teachers") else "_sources/training/transformers.ipynb"
        page.locator(".dropdown-download-buttons > button").click()
        with page.expect_download() as download:
            page.locator(".dropdown-download-buttons a", has_text=text).click()
        assert Path(download.value.path()).read_bytes() == (site / path).read_bytes()
