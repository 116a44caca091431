"""Pieces of the front end, run alone: in one Node for all tests where there is one, else in one page of Chromium."""

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from companion.live.assets import FRONT
from tests.browsing import INSTALL, chromium, launch

STUB = Path(__file__).parent / "stub.js"
SERVER = """
require("readline").createInterface({ input: process.stdin }).on("line", async (line) => {
  let reply;
  try { reply = { value: await (0, eval)(JSON.parse(line)) }; } catch (error) { reply = { error: String(error && error.stack || error) }; }
  process.stdout.write(JSON.stringify(reply) + "\\n");
});"""


def run(files, expression, before=""):
    """The value of a JavaScript expression (or of its promise) after `before` and the front end's `files` have been read."""
    source = "\n".join([before, *((FRONT / f).read_text(encoding="utf-8") for f in files)])
    return json.loads(evaluate(f"(async () => {{ 'use strict'; {source}\n return JSON.stringify(await ({expression})); }})()"))


def page(expression, before=""):
    """The same after the whole front end, in a page without a browser (stub.js)."""
    files = sorted(f.name for f in FRONT.glob("[0-9]*.js") if f.name != "99_boot.js")
    return run(files, expression, f"{STUB.read_text(encoding='utf-8')}\nconst WORKER_SOURCE = '';\n{before}")


def evaluate(program):
    """The value of a program. Raises AssertionError with the words of JavaScript where it throws."""
    if shutil.which("node"):
        node = in_node()
        node.stdin.write(json.dumps(program) + "\n")
        node.stdin.flush()
        reply = json.loads(node.stdout.readline())
        assert "error" not in reply, reply["error"]
        return reply["value"]
    if chromium() is None:
        pytest.skip(f"neither Node nor Chromium: {INSTALL}")
    thread, tab = in_browser()
    return thread.submit(lambda: tab.evaluate(program)).result()


@cache
def in_node():
    """One Node that evaluates programs, a line each."""
    return subprocess.Popen(["node", "-e", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")


@cache
def in_browser():
    """(thread, page) of one browser: playwright wants a thread without the tests' own."""
    from playwright.sync_api import sync_playwright

    thread = ThreadPoolExecutor(1)
    return thread, thread.submit(lambda: launch(sync_playwright().start()).new_page()).result()
