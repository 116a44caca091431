"""Build the pages of the book from the stage, and the notebooks to take home: every warning of Sphinx is an error. Prints where the book is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tools import downloads  # noqa: E402

BUILD = ROOT / "_build"


def build(stage, output, *, toc=ROOT / "_toc.yml"):
    """Build the stage into output/html. Returns (exit status, what Jupyter Book said)."""
    for old in ("html", ".doctrees"):  # a page is never left over from another day
        shutil.rmtree(Path(output) / "_build" / old, ignore_errors=True)
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", stage, "--config", ROOT / "_config.yml", "--toc", toc, "--path-output", output, "-W", "-n", "--keep-going"]
    env = os.environ | {"COMPANION_LIVE_FIGURES": str(Path(stage).parent / "figures"), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


def main():
    status, said = build(BUILD / "stage", ROOT)
    if status:
        print(said)
        return status
    downloads.write(BUILD / "html")
    index = BUILD / "html" / "index.html"
    print(f"The book is built: open {index}\n{index.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
