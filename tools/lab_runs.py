"""Run every chapter as a reader's JupyterLab does, where no figure has been exported yet: `make lab-runs`, RUNS=10 times each.

The kernel has no build's switch, an empty cache, and a package without its shipped graphs: so every figure is exported while the cells
below it compute, and none of them may notice. In the first run the kernel waits at the end until all figures compute in the page.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).parents[1]
LAST = """
import gc
from companion.live import exporter
from companion.live.widget import Shown
exporter.QUEUE.join(1800)
figures = [f for f in gc.get_objects() if type(f) is Shown and f._widget is not None]
stayed = sorted({f.figure.name for f in figures if f.spec["engine"] == "kernel" and f.figure.engine != "kernel"})
assert not stayed, f"these figures were not exported: {stayed}"
print(f"{len(figures)} figures compute in the page")
"""


def chapters():
    """The notebooks with live figures."""
    found = sorted(p for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    return [p for p in found if "companion.live" in p.read_text("utf8")]


def bare_package(folder):
    """The package without its graphs, to be imported in place of the installed one."""
    shutil.copytree(ROOT / "companion", folder / "companion", ignore=shutil.ignore_patterns("graphs", "__pycache__"))
    return folder


def environment(package, cache):
    """What a reader's kernel has, with a cache of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("COMPANION_")}
    return env | {"PYTHONPATH": str(package), "XDG_CACHE_HOME": str(cache), "OMP_NUM_THREADS": "1"}


def run(path, env, *, wait):
    """Execute a notebook's copy in memory. Returns what its last cell says, or raises what nbclient raises."""
    notebook = nbformat.read(path, as_version=4)
    if wait:
        notebook.cells.append(nbformat.v4.new_code_cell(LAST))
    client = NotebookClient(notebook, timeout=2400, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}})
    client.execute(env=env)
    return "".join(o.get("text", "") for o in notebook.cells[-1].outputs if o.output_type == "stream") if wait else ""


def runs(paths, times, *, out=print):
    """The number of runs that failed. Each run has an empty cache."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        package = bare_package(Path(folder))
        for path in paths:
            for number in range(1, times + 1):
                begun = time.monotonic()
                try:
                    said = run(path, environment(package, Path(folder) / f"cache-{path.stem}-{number}"), wait=number == 1).strip()
                except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                    failed, said = failed + 1, f"FAILED\n{error}"
                out(f"{path.stem} {number}/{times} {time.monotonic() - begun:.0f} s {said}", flush=True)
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("notebooks", nargs="*", type=Path, help="all chapters with live figures if none is given")
    given = parser.parse_args()
    bad = runs(given.notebooks or chapters(), given.runs)
    print(f"{bad} runs failed." if bad else "Every run ended well.")
    sys.exit(bool(bad))
