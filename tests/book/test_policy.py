"""Every page forbids what does not come from the book, and the browser holds it to that: over http and from a double-clicked file."""

import re
from types import SimpleNamespace

import pytest

from book.extensions import page_policy
from tests.book.test_pages import PAGES, SITE

META = re.compile(r'<meta charset="utf-8" />\n\s*<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
ATTRIBUTE = re.compile(r"<[a-zA-Z][^>]*\son[a-z]+\s*=|(?:href|src|action)\s*=\s*[\"']?\s*javascript:", re.IGNORECASE)
OWN = {"'self'", "'none'", "'unsafe-inline'", "data:", "blob:", "'wasm-unsafe-eval'", "'unsafe-eval'"}
PLANTED = {  # what it is -> (HTML, what the policy says of it)
    "script": ("<script>window.planted = 1</script>", "script-src-elem: inline"),
    "attribute": ('<img src="data:," onerror="window.planted = 1">', "script-src-attr: inline"),
    "picture": ('<img src="https://example.org/a.png">', "img-src: https://example.org/a.png"),
    "program": ('<script src="https://example.org/a.js"></script>', "script-src-elem: https://example.org/a.js"),
    "style": ('<link rel="stylesheet" href="https://example.org/a.css">', "style-src-elem: https://example.org/a.css"),
    "frame": ('<iframe src="https://example.org/"></iframe>', "frame-src: https://example.org"),
    "base": ('<base href="https://example.org/">', "base-uri: https://example.org/"),
}
DYNAMIC = {  # what a script of the page itself could be led to do
    "fetch": ("fetch('https://example.org/').catch(() => null)", "connect-src: https://example.org/"),
    "javascript link": ("{ const a = document.body.appendChild(document.createElement('a')); a.href = 'javascript:window.planted = 1'; a.click(); }",
                        "script-src-elem: inline"),
    "text as a program": ("{ const s = document.createElement('script'); s.textContent = 'window.planted = 1'; document.head.append(s); }",
                          "script-src-elem: inline"),
    "data as a program": ("{ const s = document.createElement('script'); s.src = 'data:,window.planted=1'; document.head.append(s); }",
                          "script-src-elem: data"),
}  # fmt: skip


def directives(html):
    return {words[0]: words[1:] for words in (part.split() for part in META.search(html)[1].split(";"))}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_what_it_may_load(site, name):
    html = (site / name).read_text("utf8")
    assert len(META.findall(html)) == 1, "no policy right behind the charset"
    found = directives(html)
    assert found["default-src"] == found["form-action"] == ["'self'"]
    assert found["object-src"] == found["frame-src"] == found["base-uri"] == ["'none'"]
    sources = {source for words in found.values() for source in words if not source.startswith("'sha256-")}
    assert sources <= OWN and "'unsafe-inline'" not in found["script-src"] and "data:" not in found["script-src"]
    alive = page_policy.LIVE.search(html) is not None
    assert ("'wasm-unsafe-eval'" in found["script-src"]) == alive and found["worker-src"] == (["blob:"] if alive else ["'none'"])
    assert ("'unsafe-eval'" in found["script-src"]) == (page_policy.STATE in html)
    assert not ATTRIBUTE.search(page_policy.SCRIPT.sub("", html)), "a script in an attribute"


def test_every_file_of_html_is_a_page_that_is_tested():
    assert {p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html")} == set(PAGES)


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_what_is_planted_in_a_page_is_refused(visit, site, serve, tmp_path, scheme):
    """In a copy of a built page: at its head, before its policy could be moved, and in its text."""
    html = (site / "index.html").read_text("utf8")
    text = "".join(planted for planted, _ in PLANTED.values())
    (tmp_path / "index.html").write_text(html.replace("<title>", PLANTED["script"][0] + "<title>").replace("</article>", text + "</article>"))
    seen = visit(f"{serve(tmp_path) if scheme == 'http' else tmp_path.as_uri()}/index.html")
    for script, _ in DYNAMIC.values():
        seen.page.evaluate(f"() => {script}" if script.startswith("{") else script)
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("window.planted") is None and not seen.outside
    refused = seen.refused()
    assert {said for _, said in [*PLANTED.values(), *DYNAMIC.values()]} <= set(refused), refused
    assert refused.count("script-src-elem: inline") == 4


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_page_does_all_it_can_under_its_policy(visit, address, scheme):
    """Colours, folded menus, the search and its page, formulas, a figure and its files: nothing is refused, nothing fails."""
    seen = visit(address("index.html", scheme), viewport={"width": 1280, "height": 900})
    page = seen.page
    page.locator(".theme-switch-button").first.click()
    assert page.evaluate("document.documentElement.dataset.mode") != "auto"
    page.locator(".dropdown-download-buttons > button").click()
    assert page.locator(".dropdown-download-buttons .dropdown-menu").is_visible()
    figure = page.locator("figure.live").first
    figure.evaluate("f => { f.scrollIntoView(); return f.companion.advance(3); }")
    for act in ("png", "csv"):
        with page.expect_download() as download:
            figure.locator(f"[data-act={act}]").click()
        assert download.value.suggested_filename.endswith(act)
    assert page.locator("mjx-container").count() and page.evaluate("document.fonts.check('1em MJXTEX-I')")
    assert seen.refused() == []
    page.locator(".search-button-field").first.click()
    page.keyboard.type("attention")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a[href*='transformers']")
    seen.rest()
    assert seen.refused() == []
    seen.clean()


PAGE = '<meta charset="utf-8" /><script>a</script><script type="module">b</script><script src="c.js">c</script><script>a</script>'


def test_only_scripts_that_run_and_stand_around_the_text_are_named():
    data = '<script type="application/json">d</script><article><p></p><script>e</script></article>'
    assert page_policy.inline(PAGE + data) == ["a", "b"]


def test_a_script_is_named_by_its_sum():
    """Against the value of the specification's own example, and over characters beyond ASCII."""
    assert page_policy.sha256("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
    assert page_policy.sha256("λ") != page_policy.sha256("l")


def test_exceptions_are_named_where_they_are_needed():
    plain, live = page_policy.policy(PAGE), page_policy.policy(PAGE + '<figure class="live" id="x">')
    widgets = page_policy.policy(PAGE + f"<script {page_policy.STATE}>{{}}</script>")
    assert not any(word in plain for word in ("blob:", "eval")) and plain.endswith("worker-src 'none'")
    assert live.endswith("'wasm-unsafe-eval' blob:; worker-src blob:") and "'unsafe-eval'" not in live
    assert "'unsafe-eval' blob:" in widgets and "wasm" not in widgets


def test_a_page_without_a_charset_stops_the_book():
    with pytest.raises(ValueError, match="charset"):
        page_policy.guarded("<html></html>")


def test_a_page_that_only_sends_on_needs_no_policy(tmp_path):
    sent = '<meta http-equiv="Refresh" content="0; url=training/momentum.html" />\n'
    (tmp_path / "index.html").write_text(sent)
    (tmp_path / "a.html").write_text('<html><head><meta charset="utf-8" /></head></html>')
    page_policy.guard(SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path), None)
    assert (tmp_path / "index.html").read_text() == sent and "Content-Security-Policy" in (tmp_path / "a.html").read_text()
