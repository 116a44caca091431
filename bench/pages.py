"""How heavy the pages are and how fast they come alive, in Chromium on this machine: one line a page.

Weight is what a reader's browser fetches before any touch, as a server with gzip sends it. The poster is the still picture of the first
figure; live is the time from a reader's touch until the runtime has started and the figure steps. Times tell about this machine; they are
read, not asserted.
"""

import gzip
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
COMPRESSED = (".woff", ".woff2", ".png", ".jpg", ".jpeg")
HEAD = "| page | files | MB | MB gzip | poster ms | live ms |\n|---|---:|---:|---:|---:|---:|"
POSTER = """() => {  // the browser's own clock of the first poster's first paint
    new MutationObserver(() => document.querySelectorAll('img.live-poster:not([elementtiming])')
        .forEach(image => image.setAttribute('elementtiming', 'poster'))).observe(document, {childList: true, subtree: true});
    new PerformanceObserver(list => { window.posterShown ??= list.getEntries()[0].renderTime; }).observe({type: 'element', buffered: true});
}"""
LIVE = """async (figure) => {
    const start = performance.now();
    figure.querySelector('.live-transport button').click();
    await figure.companion.ready();
    return performance.now() - start;
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def weight(paths):
    """(bytes, bytes as sent with gzip) of the files behind a page."""
    contents = [(p, p.read_bytes()) for p in paths]
    sent = [len(c) if p.suffix in COMPRESSED else len(gzip.compress(c, 6)) for p, c in contents]
    return sum(len(c) for _, c in contents), sum(sent)


def measure(browser, base, name):
    """One line of the table."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(f"({POSTER})()")
    page.goto(f"{base}/{name}")
    page.wait_for_load_state("networkidle")
    poster = page.evaluate("window.posterShown ?? null")
    files = {SITE / unquote(urlparse(url).path).lstrip("/") for url in asked if url.startswith(base)}
    raw, sent = weight(sorted(p for p in files if p.is_file()))
    figures = page.locator("figure.live[data-live]")
    live = figures.first.evaluate(LIVE) if figures.count() else None
    page.close()
    times = [f"{time:.0f}" if time is not None else "" for time in (poster, live)]
    return f"| {name} | {len(files)} | {raw / 1e6:.2f} | {sent / 1e6:.2f} | {times[0]} | {times[1]} |"


def table():
    """The lines of the table, or one line that says why there is none."""
    from playwright.sync_api import sync_playwright

    from tests.browsing import INSTALL, chromium, launch

    if chromium() is None or not (SITE / "index.html").exists():
        return [f"The pages were not measured: make book builds them, and Chromium reads them ({INSTALL})."]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    names = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html") if not p.relative_to(SITE).parts[0].startswith("_"))
    with sync_playwright() as playwright:
        browser = launch(playwright)
        lines = [HEAD, *(measure(browser, f"http://127.0.0.1:{server.server_port}", name) for name in names)]
        browser.close()
    server.shutdown()
    return lines
