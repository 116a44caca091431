"""Execute every notebook once, in a copy of the book: the tests read that copy and the pages are built from it.

_build/stage is book/ with executed notebooks, _build/figures holds what the live figures declared on the way. A stamp keeps the
hash of all that an execution reads, so that a second call copies only the pages.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOOK, BUILD = ROOT / "book", ROOT / "_build"
STATE = "application/vnd.jupyter.widget-state+json"
ONLY_LIVE = {"anywidget", "@jupyter-widgets/base"}


def sources():
    """What an execution depends on: notebooks, package, pinned versions."""
    read = [p for p in (ROOT / "companion").rglob("*") if p.is_file() and "__pycache__" not in p.parts and "graphs" not in p.parts]
    return sorted([*notebooks(BOOK), *read, ROOT / "requirements.txt"])


def digest(files):
    total = hashlib.sha256()
    for path in files:
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def notebooks(folder):
    return sorted(p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def copy(stage, *, pages_only):
    """Bring book/ into the stage; with pages_only the executed notebooks stay as they are."""
    unwanted = ["_build", "__pycache__", ".ipynb_checkpoints"] + (["*.ipynb"] if pages_only else [])
    if not pages_only:
        shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(BOOK, stage, ignore=shutil.ignore_patterns(*unwanted), dirs_exist_ok=True)
    kept = {p.relative_to(BOOK) for p in BOOK.rglob("*")}
    for path in [p for p in stage.rglob("*") if p.is_file() and p.relative_to(stage) not in kept]:
        path.unlink()


def execute(stage, figures):
    """Run every notebook of a folder in place, in its own folder, as a test. Returns pytest's exit status.

    The folder must not lie in one named _build: nbmake passes over those.
    """
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    shutil.rmtree(figures, ignore_errors=True)
    figures.mkdir(parents=True)
    env = os.environ | {"COMPANION_LIVE_FIGURES": str(figures), "COMPANION_EXPORT": "1", "PYTHONPATH": python_path, "OMP_NUM_THREADS": "1"}
    options = ["-p", "no:cacheprovider", "--nbmake", "--overwrite", "--nbmake-timeout=600", "--durations=0", "--durations-min=1"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, f"--rootdir={stage}", str(stage)], cwd=stage, env=env).returncode


def without_live_widgets(notebook):
    """Drop our own widgets from the saved state: the page brings them to life itself, and asks for no widget manager.

    Ordinary ipywidgets stay, with all their models; the state goes when only ours and their layouts are left.
    """
    state = notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
    for key in [key for key, model in state.items() if model["model_module"] == "anywidget"]:
        del state[key]
    if all(model["model_module"] in ONLY_LIVE for model in state.values()):
        notebook["metadata"].pop("widgets", None)
    return notebook


def tidy(stage):
    for path in notebooks(stage):
        text = json.dumps(without_live_widgets(json.loads(path.read_text("utf8"))), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf8")


def main(fresh=False):
    stage, stamp = BUILD / "stage", BUILD / "stage.sha256"
    wanted = digest(sources())
    if not fresh and stamp.exists() and stamp.read_text() == wanted:
        copy(stage, pages_only=True)
        print(f"The notebooks are as they were executed: {stage.relative_to(ROOT)}")
        return 0
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy(Path(folder) / "book", pages_only=False)
        status = execute(Path(folder) / "book", BUILD / "figures")
        shutil.rmtree(stage, ignore_errors=True)
        shutil.move(Path(folder) / "book", stage)
    if status == 0:
        tidy(stage)
        stamp.write_text(wanted)
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="execute again, whatever the stamp says")
    sys.exit(main(parser.parse_args().fresh))
