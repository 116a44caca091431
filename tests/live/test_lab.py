"""The same figure in JupyterLab: the first figure of a chapter is opened, run and moved, and its numbers are torch's."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
import torch

from companion.live import replay

ROOT = Path(__file__).parents[2]
CHAPTER = ROOT / "book" / "training" / "transformers.ipynb"


@pytest.fixture
def opening(tmp_path):
    """The chapter up to its first live figure, in a folder of its own."""
    notebook = nbformat.read(CHAPTER, as_version=4)
    first = next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code" and "live(" in c.source)
    notebook.cells = notebook.cells[: first + 1]
    nbformat.write(notebook, tmp_path / "opening.ipynb")
    return tmp_path


@pytest.fixture
def lab(opening):
    """A JupyterLab on that folder: its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    settings = os.environ | {"PYTHONPATH": paths, "JUPYTER_CONFIG_DIR": str(opening / ".jupyter"), "OMP_NUM_THREADS": "1"}
    settings = {k: v for k, v in settings.items() if not k.startswith("COMPANION_")}
    options = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={opening}", "--allow-root",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url="]
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            break
        except OSError:
            time.sleep(0.5)
    yield address
    server.terminate()
    server.wait(20)
    shutil.rmtree(opening / ".jupyter", ignore_errors=True)


def first_declaration(folder):
    """The same figure in this process: the cells' code, run here."""
    space = {}
    cells = [c.source for c in nbformat.read(folder / "opening.ipynb", as_version=4).cells if c.cell_type == "code"]
    for source in cells[1:-1]:
        exec(source, space)
    before, call = cells[-1].rsplit("live(", 1)
    exec(before + "__shown__ = live(" + call, space)
    return space["__shown__"].figure


def run_all(page):
    """Run every cell and wait for the figure; a command given before the kernel has connected is lost, so it is given again."""
    from playwright.sync_api import TimeoutError

    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            return page.wait_for_selector("figure.live[data-status=tape], figure.live[data-status=ready]", timeout=30_000)
        except TimeoutError:
            continue
    raise AssertionError(page.locator(".jp-Notebook").inner_text()[-2000:])


def test_the_figure_runs_in_jupyterlab(lab, opening, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab}/lab/tree/opening.ipynb", timeout=90_000)
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=90_000)  # the kernel is there
    run_all(page)
    figure = page.locator("figure.live").first
    figure.scroll_into_view_if_needed()
    slider = figure.locator(".live-controls input[type=range]").first
    before = slider.input_value()
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert slider.input_value() != before
    state = figure.evaluate("async (f) => { const c = f.companion; await c.ready(); await c.reset(); await c.advance(20); return c.state(); }")
    page.close()
    path = replay(first_declaration(opening), state["events"], state["k"])
    x = torch.tensor(state["x"], dtype=path.x.dtype).reshape(state["shape"])
    assert state["k"] == 20 and (x - path.end).abs().max() < 1e-4
