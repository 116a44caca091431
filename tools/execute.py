"""Execute notebooks in place, side by side, each with a kernel of its own. One that stops is kept as far as it came.

    python tools/execute.py NOTEBOOK    runs one, prints as JSON its seconds and where it stopped
"""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ARROW = re.compile(r"^-+> *\d+ (.*)$", re.MULTILINE)
SECONDS = 600  # for one cell


class Ran(NamedTuple):
    """A notebook that was executed. stop is None, or where it stopped: {"cell": number, "line": of the cell, "error": in words}."""

    path: str
    seconds: float
    stop: dict | None


def execute(path):
    """Run one notebook in place, in its own folder. Returns Ran."""
    import nbformat
    from nbclient import NotebookClient

    path, begin, stop, at = Path(path), time.perf_counter(), None, [0]
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS, record_timing=True, resources={"metadata": {"path": str(path.parent)}},
                            on_cell_start=lambda cell, cell_index: at.append(cell_index))  # fmt: skip
    try:
        client.execute()
    except Exception as error:  # the cell's own, a cell without end, a kernel that died, no kernel at all
        stop = stopped(notebook.cells, at[-1], error)
    nbformat.write(notebook, path)
    return Ran(str(path), round(time.perf_counter() - begin, 1), stop)


def stopped(cells, index, error):
    """Where a notebook stopped: the number of the code cell as Jupyter counts it, its line, the error."""
    number = sum(cell["cell_type"] == "code" for cell in cells[: index + 1])
    outputs = [o for o in cells[index].get("outputs", ()) if o["output_type"] == "error"]
    if not outputs or type(error).__name__ != "CellExecutionError":  # a cell without end is interrupted: its own error is ours
        return {"cell": number, "line": "", "error": f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]}
    lines = ARROW.findall(COLOUR.sub("", "\n".join(outputs[-1]["traceback"])))
    said = f"{outputs[-1]['ename']}: {outputs[-1]['evalue']}".strip(": ")
    return {"cell": number, "line": lines[0].strip() if lines else "", "error": " ".join(said.split())}


def jobs():
    """How many notebooks run at once: the cores there are, four at most, or COMPANION_JOBS."""
    return int(os.environ.get("COMPANION_JOBS", 0)) or min(os.cpu_count() or 1, 4)


def child(path, env):
    """Run one notebook in a process of its own. Returns Ran."""
    threads = env.get("COMPANION_THREADS", "1")
    paths = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    command = [sys.executable, str(ROOT / "tools" / "execute.py"), str(path)]
    run = subprocess.run(command, env=env | {"OMP_NUM_THREADS": threads, "PYTHONPATH": paths}, capture_output=True, text=True)
    if run.returncode:
        return Ran(str(path), 0.0, {"cell": 0, "line": "", "error": (run.stderr.strip().splitlines() or ["no word"])[-1]})
    return Ran(**json.loads(run.stdout.splitlines()[-1]))


def side_by_side(tasks):
    """Run notebooks, (path, environment) each. Yields Ran in the order in which they end."""
    with ThreadPoolExecutor(jobs()) as pool:
        waiting = [pool.submit(child, path, env) for path, env in tasks]
        try:
            yield from (task.result() for task in as_completed(waiting))
        finally:  # Ctrl-C: what has not begun does not begin
            pool.shutdown(cancel_futures=True)


def told(ran, name):
    """One line about it."""
    if ran.stop is None:
        return f"{name}: {ran.seconds:.0f} s"
    return f"{name}: STOPPED at cell {ran.stop['cell']}: {ran.stop['error']}" + f"  [{ran.stop['line']}]" * bool(ran.stop["line"])


if __name__ == "__main__":
    print(json.dumps(execute(sys.argv[1])._asdict()))
