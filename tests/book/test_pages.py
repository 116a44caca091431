"""Every page of the built book, as a reader meets it: over http and as a file, on a phone, by keyboard, without JavaScript."""

import html
import json
import os
import re
from pathlib import Path

import pytest

from tools import vendor

ROOT = Path(__file__).parents[2]
SITE = Path(os.environ.get("COMPANION_SITE", ROOT / "_build" / "html")).resolve()
NOTEBOOKS = ROOT / "book"
AXE = (vendor.FOLDER / "axe-core" / "axe.min.js").read_text("utf8")
PAGES = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html") if not p.relative_to(SITE).parts[0].startswith("_"))
PHONE = {"width": 360, "height": 740}
WIDE = """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1
    && getComputedStyle(e).position !== 'fixed' && !scrolls(e)).map(e => e.outerHTML.slice(0, 120));
    function scrolls(e) { for (; e; e = e.parentElement) if (/auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX)) return true; }"""
POSTERS = "images => images.map(i => [i.complete && i.naturalWidth > 0, i.getBoundingClientRect().width, i.alt])"


def test_the_book_has_pages(site):
    assert "index.html" in PAGES, f"{site} was built after the tests were collected: run them again"


def test_no_page_brings_the_widget_manager(site):
    """3.6 MB for ordinary widgets: no chapter shows one, and the live figure needs none."""
    for name in PAGES:
        text = (site / name).read_text("utf8")
        assert "embed-amd" not in text and "widget-state+json" not in text, f"{name} shows an ordinary widget, as tqdm.auto does"


ABOVE = re.compile(r'</details>\s*<div class="cell_output')
FOLD = re.compile(r'<details class="admonition hide.*?</details>', re.DOTALL)
IN_A_ROW = re.compile(r'</details>\s*</div>\s*<div class="cell [^>]*>\s*<details class="admonition hide')


def test_folded_code_stands_below_its_figure(site):
    """One fold a figure, and no line is lost: the folded code of a notebook stands on its page."""
    for path in sorted(NOTEBOOKS.rglob("*.ipynb")):
        name = path.relative_to(NOTEBOOKS).with_suffix("")
        text = (site / f"{name}.html").read_text("utf8")
        assert not ABOVE.search(text) and not IN_A_ROW.search(text), name
        before = text[text.index("</h1>") :].partition('<figure class="live')
        assert not before[1] or "admonition hide" not in before[0], f"{name}: code stands before the first figure"
        lines = [cell["source"] for cell in json.loads(path.read_text("utf8"))["cells"] if "hide-input" in cell["metadata"].get("tags", [])]
        folds = html.unescape(re.sub("<[^>]*>", "", "".join(FOLD.findall(text))))
        assert all("".join(source).strip() in folds for source in lines), name


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_from_outside(visit, address, name, scheme):
    seen = visit(address(name, scheme))
    seen.clean()
    assert seen.refused() == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_phone(visit, address, name):
    page = visit(address(name), viewport=PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], page.evaluate(WIDE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_barrier(visit, address, name, scheme):
    page = visit(address(name), color_scheme=scheme).page
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    grave = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not grave, json.dumps([(v["id"], v["help"], [node["html"][:160] for node in v["nodes"][:5]]) for v in grave], indent=1)


def test_axe_is_awake(visit, address):
    """A picture without text, planted in a page, is found: the test above can fail."""
    page = visit(address("index.html")).page
    page.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    page.evaluate(AXE)
    assert "image-alt" in {v["id"] for v in page.evaluate("axe.run()")["violations"]}


@pytest.mark.parametrize("name", PAGES)
def test_posters_are_seen_without_javascript(visit, address, site, name):
    page = visit(address(name), java_script_enabled=False).page
    figures = page.locator("figure.live")
    posters = page.locator("figure.live img.live-poster")
    assert posters.count() == figures.count()
    for poster in posters.all():
        poster.scroll_into_view_if_needed()
        assert poster.is_visible() and poster.bounding_box()["width"] > 100
        assert (poster.get_attribute("alt") or "").strip()


def test_posters_are_real_pictures(visit, address):
    drawn = visit(address("index.html")).page.eval_on_selector_all("figure.live img.live-poster", POSTERS)
    assert drawn and all(complete and alt for complete, _, alt in drawn)


def test_another_host_is_refused_by_the_page_itself(visit, address):
    """The page's own policy stops a request to another host before it is made."""
    seen = visit(address("index.html"))
    seen.page.evaluate("fetch('https://example.org/').catch(() => null)")
    assert not seen.outside
    assert any("Content Security Policy" in error for error in seen.errors)
