"""Build the pages of the book from the stage, and the notebooks to take home: every warning of Sphinx is an error. Prints where the book is.

A notebook that stopped does not stop the book: all pages are built, the command names it at its end, and its status is not 0.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tools import downloads, notes  # noqa: E402

BUILD = ROOT / "_build"


def build(stage, output, *, toc=ROOT / "_toc.yml", strict=True):
    """Build the stage into output/_build/html. Returns (exit status, what Jupyter Book said)."""
    for old in ("html", ".doctrees"):  # a page is never left over from another day
        shutil.rmtree(Path(output) / "_build" / old, ignore_errors=True)
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", stage, "--config", ROOT / "_config.yml", "--toc", toc, "--path-output", output]
    command += ["-W", "-n", "--keep-going"] if strict else []
    env = os.environ | {"COMPANION_LIVE_FIGURES": str(Path(stage).parent / "figures"), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


def verdict(stopped):
    """The last words about notebooks that stopped."""
    lines = [f"  {name}: code cell {stop['cell']}: {notes.plain(stop['error'])}" for name, stop in stopped.items()]
    count = "One notebook" if len(lines) == 1 else f"{len(lines)} notebooks"
    return "\n".join([f"{count} stopped on this machine; a note at the top of the page says where:", *lines])


def main(stage=BUILD / "stage", output=ROOT):
    status, said = build(stage, output)
    if status:
        print(said)
        return status
    html = Path(output) / "_build" / "html"
    downloads.write(html)
    print(f"The book is built: open {html / 'index.html'}\n{(html / 'index.html').as_uri()}")
    stopped = notes.stopped(stage)
    if stopped:
        print(verdict(stopped))
    return int(bool(stopped))


if __name__ == "__main__":
    sys.exit(main())
