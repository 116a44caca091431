"""Pieces of the front end, run alone: in Node where there is one, else in Chromium."""

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from companion.live.assets import FRONT
from tests.browsing import INSTALL, chromium, launch


def run(files, expression):
    """The value of a JavaScript expression after the front end's `files` have been read."""
    source = "\n".join((FRONT / f).read_text(encoding="utf-8") for f in files)
    program = f"(() => {{ {source}\n return JSON.stringify({expression}); }})()"
    if shutil.which("node"):
        done = subprocess.run(["node", "-e", f"process.stdout.write({program})"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    if chromium() is None:
        pytest.skip(f"neither Node nor Chromium: {INSTALL}")
    with ThreadPoolExecutor(1) as other:  # playwright wants a thread without the tests' own browser
        return json.loads(other.submit(in_browser, program).result())


def in_browser(program):
    """The value of a program in a browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return launch(playwright).new_page().evaluate(program)
