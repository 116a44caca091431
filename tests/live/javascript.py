"""Pieces of the front end, run alone: in one Node for all tests where there is one, else in one page of Chromium."""

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from companion.live.assets import FRONT, given
from companion.live.bundle import bundle, module
from tests.browsing import INSTALL, chromium, launch

STUB = Path(__file__).parent / "stub.js"
# A program is compiled once; each call gives it a scope of its own, in which the expression is evaluated.
KEEP = """
const programs = new Map();
async function valueOf([name, source, expression]) {
  if (source) programs.set(name, new Function("__expression", `"use strict"; ${source}\\n; return eval(__expression);`));
  return JSON.stringify(await programs.get(name)(expression));
}"""
SERVER = KEEP + """
process.on("unhandledRejection", () => {}); // what nobody waits for ends no other test
require("readline").createInterface({ input: process.stdin }).on("line", async (line) => {
  let reply;
  try { reply = { value: await valueOf(JSON.parse(line)) }; } catch (error) { reply = { error: String(error && error.stack || error) }; }
  process.stdout.write(JSON.stringify(reply) + "\\n");
});"""


def run(files, expression, before="", after=""):
    """The value of a JavaScript expression (or of its promise) after `before`, the front end's `files` and `after` have been read."""
    return json.loads(evaluate("\n".join([before, *(plain(f) for f in files), after]), f"({expression})"))


def page(expression, before="", after=""):
    """The same after the whole front end, in a page without a browser (stub.js)."""
    before = f"{STUB.read_text('utf8')}\n{before}\n{whole()}"
    return run([], expression, before, after)


@cache
def whole():
    """All that a figure needs, as in a page."""
    return bundle("figure.js", FRONT, given())


@cache
def plain(file):
    """A file without its imports: what it needs is given by other files, or by the test."""
    return module(given().get(file) or (FRONT / file).read_text("utf8"), file).text


_sent = {}  # source -> its name in the process that has it


def evaluate(source, expression):
    """The value of an expression after a program, as JSON. Raises AssertionError with JavaScript's words where it throws."""
    known = source in _sent
    asked = [_sent.setdefault(source, len(_sent)), None if known else source, expression]
    if shutil.which("node"):
        node = in_node()
        node.stdin.write(json.dumps(asked) + "\n")
        node.stdin.flush()
        reply = json.loads(node.stdout.readline())
        assert "error" not in reply, reply["error"]
        return reply.get("value", "null")
    if chromium() is None:
        pytest.skip(f"neither Node nor Chromium: {INSTALL}")
    thread, tab = in_browser()
    return thread.submit(lambda: tab.evaluate("(asked) => valueOf(asked)", asked)).result()


@cache
def in_node():
    """One Node that evaluates expressions, a line each."""
    return subprocess.Popen(["node", "-e", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")


@cache
def in_browser():
    """(thread, page) of one browser: playwright wants a thread without the tests' own."""
    from playwright.sync_api import sync_playwright

    def open_page():
        tab = launch(sync_playwright().start()).new_page()
        tab.add_script_tag(content=KEEP)
        return tab

    thread = ThreadPoolExecutor(1)
    return thread, thread.submit(open_page).result()
