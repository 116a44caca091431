"""What somebody does who has the stick and no network: python -m tests.launch.offline STICK HOME. Run it where there is no network.

Install, start JupyterLab, open a chapter, do its exercise: a wrong answer is refused, the right one accepted; run the solutions.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from tools.kernel import Notebook, cells, server, wait_for

CHAPTER = "training/gradient_flows.ipynb"


def loopback():
    """Raise the loopback interface of a fresh network namespace; nothing to do where there is one."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        ask = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # up, running
        fcntl.ioctl(s, 0x8914, ask)


def is_cut():
    """Whether no other host can be reached: the system says so at once, without a packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return True
    return False


def install(stick, home):
    """(the environment's Python, seconds)"""
    begin = time.perf_counter()
    run = subprocess.run([sys.executable, str(stick / "install.py")], env=clean(home), capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return home / "learning-in-motion" / ".venv" / "bin" / "python", time.perf_counter() - begin


def clean(home):
    """The environment of a fresh account: no pip configuration, no cache, nothing of ours."""
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": os.devnull, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}


def exercise(notebook, sources):
    """The first exercise of the chapter: the cell as it is, a wrong answer, the right one."""
    cell = next(source for source in sources if "tau = None" in source)
    notebook.run(cell)
    try:
        notebook.run(cell.replace("None  # your answer", "0.3"))
    except RuntimeError as refused:
        print("a wrong answer is refused:", str(refused).splitlines()[0])
    else:
        raise AssertionError("a wrong answer was accepted")
    notebook.run(cell.replace("None  # your answer", "0.5"))


def study(python, home):
    """JupyterLab as the how-to starts it; the chapter from its first cell to its last, its exercise, its solutions. Returns the seconds of each."""
    folder, seconds = home / "learning-in-motion" / "notebooks", {}
    with server([python, "-m", "jupyterlab", folder], home, clean(home), home / "server.log") as (_, address):
        seconds["JupyterLab"] = wait_for(address, 120)
        for path in (CHAPTER, CHAPTER.replace(".ipynb", "_solutions.ipynb")):
            begin, sources = time.perf_counter(), cells(folder / path)
            notebook = Notebook(address, path)
            for source in sources:
                notebook.run(source)
            if path == CHAPTER:
                exercise(notebook, sources)
            notebook.close()
            seconds[path] = time.perf_counter() - begin
    return seconds


def main(stick, home):
    loopback()
    assert is_cut(), "there is a network here"
    python, seconds = install(Path(stick), Path(home))
    print(json.dumps({"installation": seconds, **study(python, Path(home))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
