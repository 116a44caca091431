"""The built book on a local server and in a browser. Run `make book` first; `make test` does."""

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.book.browsing import INSTALL, Visit, chromium, launch

ROOT = Path(__file__).parents[2]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site():
    """The folder of the built book (COMPANION_SITE, or _build/html)."""
    folder = Path(os.environ.get("COMPANION_SITE", ROOT / "_build" / "html")).resolve()
    if not (folder / "index.html").exists():
        absent(f"{folder} holds no book: make book builds it.")
    return folder


def absent(message):
    """In CI what is missing is a failure; elsewhere a skip that says how to mend it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


@pytest.fixture(scope="session")
def serve():
    """serve(folder) -> the address of a static server for it."""
    servers = []

    def start(folder):
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def browser():
    """Chromium, headless, for the whole session."""
    if chromium() is None:
        absent(f"no Chromium on this machine, so the built book is not tested: {INSTALL}.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()


@pytest.fixture
def visit(browser):
    """visit(url, **context options) -> Visit, loaded and quiet (java_script_enabled=False, viewport=..., color_scheme="dark", ...)."""
    contexts = []

    def go(url, **options):
        contexts.append(browser.new_context(**options))
        found = Visit(contexts[-1].new_page()).watch()
        found.page.goto(url, wait_until="load")
        found.page.wait_for_load_state("networkidle")
        return found

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def address(site, serve):
    """address(page, scheme) -> the URL of a page of the built book over http or as a file."""
    base = {"http": serve(site), "file": site.as_uri()}
    return lambda page, scheme="http": f"{base[scheme]}/{page}"
