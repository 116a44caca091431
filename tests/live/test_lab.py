"""Chapters as JupyterLab runs them, whole: restarted and run from the top, while the kernel is busy, after a restart, after reopening.

Two chapters; with COMPANION_FULL=1 all of them.
"""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from companion.live import replay
from companion.live.widget import Shown
from tests.live.parity import gap, told_state
from tools.lab_runs import chapters

ROOT = Path(__file__).parents[2]
QUICK = ("training/transformers.ipynb", "sampling/sliced.ipynb")
FULL = bool(os.environ.get("COMPANION_FULL"))
CHAPTERS = [p.relative_to(ROOT / "book").as_posix() for p in chapters()] if FULL else QUICK
BUSY = 1000  # seconds that the last cell sleeps; the test interrupts it
NUMBERS = "async (f) => { const c = f.companion; await c.ready(); await c.reset(); await c.advance(5); return c.state(); }"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "apputils-extension/sessionDialogs": {"skipKernelRestartDialog": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The chapters, each with a last cell that keeps the kernel busy, and the settings under which no dialog comes."""
    home = tmp_path_factory.mktemp("lab")
    for name in CHAPTERS:
        for other in (ROOT / "book" / name).parent.glob(f"{Path(name).stem}_solutions.ipynb"):
            shutil.copy(other, home)
        notebook = nbformat.read(ROOT / "book" / name, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(f"import time\ntime.sleep({BUSY})"))
        nbformat.write(notebook, home / Path(name).name)
    for name, settings in SETTINGS.items():
        path = home / ".settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    return home


@pytest.fixture(scope="module")
def lab(folder):
    """A JupyterLab on that folder: its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    env = {k: v for k, v in os.environ.items() if not k.startswith("COMPANION_")} | {
        "PYTHONPATH": paths, "JUPYTER_CONFIG_DIR": str(folder / ".jupyter"), "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces"), "OMP_NUM_THREADS": "1"}
    options = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--allow-root",
               "--expose-app-in-browser", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url="]
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            break
        except OSError:
            time.sleep(0.5)
    yield address
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:  # it waits for a kernel that sleeps
        server.kill()


class Notebook:
    """A notebook in JupyterLab, driven by JupyterLab's own commands: no menu can be covered."""

    def __init__(self, browser, address):
        self.page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
        self.errors, self.address = [], address
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.open()

    def open(self):
        self.page.goto(self.address, timeout=90_000)
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
        self.wait("() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'", 90)
        assert self.page.locator(".jp-Dialog").count() == 0

    def command(self, name):
        self.page.evaluate("async (name) => void (await jupyterapp.commands.execute(name))", name)

    def start(self, name):
        """A command that runs on: it is not waited for."""
        self.page.evaluate("(name) => void jupyterapp.commands.execute(name)", name)

    def wait(self, expression, seconds=600):
        try:
            self.page.wait_for_function(expression, timeout=1000 * seconds)
        except Exception as error:
            raise AssertionError(f"{expression}\n{self.page.locator('.jp-Notebook').inner_text()[-3000:]}") from error

    @property
    def figures(self):
        return self.page.locator("figure.live")


@pytest.fixture(scope="module")
def running(lab, browser):
    """running(name) -> that chapter, restarted and run from the top; without COMPANION_FULL all of them side by side."""
    found = {}

    def get(name):
        for one in [name] if FULL else CHAPTERS:
            if one not in found:
                found[one] = Notebook(browser, f"{lab}/lab/workspaces/{Path(one).stem}/tree/{Path(one).name}")
                found[one].start("notebook:restart-run-all")
        return found[name]

    return get


def sleeping(notebook):
    """Wait until all cells but the last have run: the kernel sleeps in that one."""
    notebook.wait("() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].slice(0, -1).every((p) => /\\[\\d+\\]/.test(p.innerText))")


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_in_jupyterlab(running, name):
    notebook = running(name)
    sleeping(notebook)
    count = notebook.figures.count()
    assert count >= 2 and notebook.page.locator(".jp-mod-error, [data-mime-type='application/vnd.jupyter.stderr'] .ansi-red-fg").count() == 0

    # the kernel is busy: every figure shows its recording, the saved ones are hidden
    for i in range(count):
        notebook.figures.nth(i).scroll_into_view_if_needed()
        notebook.wait(f"() => ['tape', 'ready'].includes(document.querySelectorAll('figure.live')[{i}].dataset.status)", 30)
        assert notebook.figures.nth(i).locator(".live-panels canvas").count() >= 1
    assert notebook.page.locator(".live-saved:visible").count() == 0

    # a slider is moved: the figure says what it waits for, for as long as it takes
    moved = notebook.page.locator("figure.live", has=notebook.page.locator(".live-controls input[type=range]")).first
    moved.scroll_into_view_if_needed()
    moved.locator(".live-controls input[type=range]").first.focus()
    notebook.page.keyboard.press("ArrowRight")
    moved.get_by_text("Waits for the kernel: a cell is running.").wait_for(timeout=10_000)
    notebook.page.wait_for_timeout(3000)
    assert moved.locator(".live-message").inner_text() == "Waits for the kernel: a cell is running." and "browser" not in moved.inner_text()

    # the cell is over: it lives, and its numbers are torch's
    notebook.command("notebook:interrupt-kernel")
    moved.and_(notebook.page.locator("[data-status=ready], [data-status=playing]")).wait_for(timeout=120_000)
    state = moved.evaluate(NUMBERS)
    assert state["k"] == 5 and state["shape"] and moved.locator(".live-message").inner_text() == ""
    if name == QUICK[0]:
        figure = first_figure(name)
        path = replay(figure, state["events"], state["k"])
        assert gap(told_state(state, path.end, figure.dtype), path.end) < 1e-4

    # the kernel is restarted: what lives in the page goes on
    notebook.command("docmanager:save")
    notebook.command("notebook:restart-kernel")
    notebook.page.wait_for_timeout(2000)
    assert moved.evaluate(NUMBERS)["k"] == 5 and moved.locator(".live-message").inner_text() == ""

    # reopened without its kernel: posters, sentences, and what to do; no error of a widget is seen
    notebook.open()
    saved = notebook.page.locator(".live-saved")
    assert saved.count() == count
    for i in range(count):
        saved.nth(i).scroll_into_view_if_needed()
        assert saved.nth(i).locator("img").evaluate("(i) => i.complete && i.naturalWidth > 300") and "run the cell again" in saved.nth(i).inner_text()
    # MyST is rendered, and a link leads to the solutions; a cell out of sight gives its source for its text
    exercise = notebook.page.locator(".jp-MarkdownCell", has_text="Exercise 1").first
    exercise.scroll_into_view_if_needed()
    notebook.page.wait_for_timeout(1000)
    words = notebook.page.evaluate(
        "() => [...document.querySelectorAll('.jp-MarkdownCell')].filter((c) => c.checkVisibility()).map((c) => c.innerText).join('\\n')")
    assert re.findall(r":::|\{(?:cite|doc|prf|term|ref|admonition)\b.*", words) == [] and "Exercise 1" in words
    link = notebook.page.locator(f".jp-MarkdownCell a[href*='{Path(name).stem}_solutions.ipynb']").first
    link.scroll_into_view_if_needed()
    link.click()
    notebook.page.locator(".lm-TabBar-tabLabel", has_text=f"{Path(name).stem}_solutions.ipynb").first.wait_for(timeout=30_000)

    notebook.page.wait_for_timeout(3000)
    assert notebook.page.get_by_text("model not found").locator("visible=true").count() == 0 and not notebook.errors
    notebook.page.context.close()


def first_figure(name):
    """The first figure of a chapter in this process: its cells' code up to the one that shows it, run here."""
    space, cells = {}, [c.source for c in nbformat.read(ROOT / "book" / name, as_version=4).cells if c.cell_type == "code"]
    for source in cells[1:]:
        *body, last = ast.parse(source).body
        exec(compile(ast.Module(body, []), name, "exec"), space)
        shown = eval(compile(ast.Expression(last.value), name, "eval"), space) if isinstance(last, ast.Expr) else None
        if isinstance(shown, Shown):
            return shown.figure
        if not isinstance(last, ast.Expr):
            exec(compile(ast.Module([last], []), name, "exec"), space)
    raise AssertionError(f"{name} shows no figure")
