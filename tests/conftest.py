"""One thread, because small steps are slower with two on a shared machine; the CPU, whose float64 is the reference everywhere.

And one server and one browser for all tests that need them.
"""

import os
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from tests.browsing import INSTALL, PATIENCE, Visit, chromium, launch

os.environ["COMPANION_DEVICE"] = "cpu"
torch.set_num_threads(int(os.environ.get("COMPANION_THREADS", "1")))


@pytest.fixture
def generator():
    """A generator of random inputs with a fixed seed."""
    return torch.Generator().manual_seed(20260)


@pytest.fixture
def float64():
    """Numbers written in the tests are meant to the last digit: the default dtype is float64."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def absent(message):
    """In CI what is missing is a failure; elsewhere a skip that says how to mend it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


def pytest_terminal_summary(terminalreporter):
    """What was skipped, in one line, with its reasons: they say how to mend it. How many calls test_fuzz.py made."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    calls = sum(number for report in reports for name, number in report.user_properties if name == "calls")
    if calls:
        terminalreporter.write_line(f"{calls} calls with good and bad arguments")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", ()))
    if reasons:
        told = "; ".join(f"{count} because {reason}" for reason, count in reasons.most_common())
        terminalreporter.write_line(f"{sum(reasons.values())} skipped: {told}")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


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
        absent(f"no Chromium on this machine, so the pages are not tested: {INSTALL}.")
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
        contexts[-1].set_default_timeout(PATIENCE)
        found = Visit(contexts[-1].new_page()).watch()
        found.page.goto(url, wait_until="load")
        return found.rest()

    yield go
    for context in contexts:
        context.close()
