"""One page in a real browser: what it asked for, what failed, what its console said. Other hosts are never reached."""

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

INSTALL = ("apt-get install chromium-headless-shell (Debian) or chromium, python -m playwright install chromium-headless-shell, "
           "or set CHROMIUM to the program of a Chrome or Chromium you have")  # fmt: skip
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic", "--no-first-run"]
PATIENCE = 120_000  # milliseconds for what comes by itself: a slow machine is no fault, and a quick one does not wait
QUIET_FOR = 0.5  # seconds without a request, after which a page is loaded
LOCAL = ("", "127.0.0.1", "localhost")
REFUSALS = "window.refused = []; addEventListener('securitypolicyviolation', (e) => refused.push(`${e.violatedDirective}: ${e.blockedURI}`));"


def chromium():
    """The path of a Chromium on this machine, or None. The headless shell first: the same pages with 0.4 of the processor's time."""
    names = [os.environ.get("CHROMIUM", ""), "chromium-headless-shell", *fetched(), "chromium", "chromium-browser"]
    names += ["google-chrome", "google-chrome-stable"]
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return next((path for path in map(shutil.which, [*filter(None, names), mac]) if path), None)


def fetched():
    """The headless shells that Playwright has fetched, the newest first."""
    homes = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH", ""), "~/.cache/ms-playwright", "~/Library/Caches/ms-playwright"]
    folders = [Path(home).expanduser() for home in homes if home]
    return [str(p) for f in folders for p in sorted(f.glob("chromium_headless_shell-*/*/*headless*shell"), reverse=True)]


def launch(playwright):
    """A headless browser without sandbox where there is only root, without talk of its own."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, *(["--no-sandbox"] if root else [])])


@dataclass
class Visit:
    """A page and its log: addresses of other hosts, errors of the console, files that were not there."""

    page: object
    outside: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    pending: set = field(default_factory=set)

    def watch(self):
        self.page.on("request", lambda request: self.pending.add(request))
        for over in ("requestfinished", "requestfailed"):
            self.page.on(over, lambda request: self.pending.discard(request))
        self.page.context.route("**/*", self._gate)
        self.page.context.add_init_script(REFUSALS)
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", lambda request: self.missing.append(f"{request.url}: {request.failure}"))
        self.page.on("response", lambda response: self.missing.append(response.url) if response.status >= 400 else None)
        return self

    def rest(self):
        """Wait until no request has been on its way for half a second. (Chromium's own word for it, networkidle, is now and then
        never said of a page without JavaScript on a busy machine, though nothing is pending.)"""
        begin = quiet = time.monotonic()
        while time.monotonic() - quiet < QUIET_FOR:
            assert time.monotonic() - begin < PATIENCE / 1000, f"still on their way: {[request.url for request in self.pending]}"
            self.page.wait_for_timeout(50)
            quiet = time.monotonic() if self.pending else quiet
        return self

    def _gate(self, route):
        address = urlparse(route.request.url)
        if address.scheme in ("data", "blob", "file", "about") or address.hostname in LOCAL:
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def refused(self):
        """What the page's own policy has stopped so far: "directive: address"."""
        return self.page.evaluate("window.refused")

    def clean(self):
        """Assert the promise of every page: nothing from outside, no error, nothing missing."""
        assert not self.outside, f"requests to other hosts: {self.outside}"
        assert not self.errors, f"errors of the console: {self.errors}"
        assert not self.missing, f"missing files: {self.missing}"
