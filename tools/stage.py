"""Execute the book's notebooks, each once, and put the book together from them: _build/stage is book/ with executed notebooks.

_build/runs keeps of every notebook what its execution left: the notebook, its live figures, and record.json with the hash of all that
it read (itself, the modules its imports reach, the pinned versions). A notebook is executed when its hash has changed or when it
stopped; pages, style sheets and scripts execute none. One that stopped is shown as far as it came, with a note.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tools import notes  # noqa: E402
from tools.execute import side_by_side, told  # noqa: E402
from tools.imports import read_by  # noqa: E402

BOOK, BUILD = ROOT / "book", ROOT / "_build"
STATE = "application/vnd.jupyter.widget-state+json"
ONLY_LIVE = {"anywidget", "@jupyter-widgets/base"}
UNWANTED = shutil.ignore_patterns("_build", "__pycache__", ".ipynb_checkpoints")


def notebooks(folder):
    """{name: path} of the notebooks in a folder, named like pages: training/momentum."""
    found = [p for p in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
    return {p.relative_to(folder).with_suffix("").as_posix(): p for p in found}


def digest(notebook):
    """The hash of all that an execution of this notebook reads."""
    total = hashlib.sha256()
    for path in [notebook, *read_by(notebook, ROOT), ROOT / "requirements.txt", ROOT / "tools" / "setup.sh", ROOT / "tools" / "execute.py"]:
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def record(name, runs):
    """What is known of the last execution: {"hash", "seconds", "stop"}, or {}."""
    path = runs / name / "record.json"
    return json.loads(path.read_text("utf8")) if path.exists() else {}


def due(known, runs, *, fresh=False):
    """The names of those notebooks that have changed since their last execution, or stopped in it."""
    last = {name: record(name, runs) for name in known}
    return [name for name, path in known.items() if fresh or last[name].get("stop") or last[name].get("hash") != digest(path)]


def run(names, runs, *, book=None, stamp=digest):
    """Execute these notebooks in a copy of the book, the longest first, and keep each as soon as it has ended. Returns {name: Ran}."""
    book, ended = book or BOOK, {}
    with tempfile.TemporaryDirectory() as folder:
        copy, figures = Path(folder) / "book", Path(folder) / "figures"
        shutil.copytree(book, copy, ignore=UNWANTED)
        env = os.environ | {"COMPANION_EXPORT": "1"}
        order = sorted(names, key=lambda name: -record(name, runs).get("seconds", 1e9))
        stamps = {name: stamp(book / f"{name}.ipynb") for name in names}
        tasks = [(copy / f"{name}.ipynb", env | {"COMPANION_LIVE_FIGURES": str(figures / name)}) for name in order]
        for ran in side_by_side(tasks):
            name = Path(ran.path).relative_to(copy).with_suffix("").as_posix()
            print(told(ran, name), flush=True)
            keep(runs / name, Path(ran.path), figures / name, {"hash": stamps[name], "seconds": ran.seconds, "stop": ran.stop})
            ended[name] = ran
    return ended


def keep(folder, notebook, figures, known):
    """Keep an executed notebook, its figures, and last of all the record that says so."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = json.dumps(without_live_widgets(json.loads(notebook.read_text("utf8"))), indent=1, ensure_ascii=False)
    (folder / "notebook.ipynb").write_text(text + "\n", "utf8")
    if figures.exists():
        shutil.move(figures, folder / "figures")
    (folder / "record.json").write_text(json.dumps(known))


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


def assemble(runs, stage, figures, *, book=None, only=None):
    """Put the stage together anew: the pages of the book, the kept notebooks (or those named), and their figures in one folder."""
    book = book or BOOK
    for old in (stage, figures):
        shutil.rmtree(old, ignore_errors=True)
    figures.mkdir(parents=True)
    shutil.copytree(book, stage, ignore=UNWANTED)
    for name, path in notebooks(stage).items():
        if only and name not in only:
            path.unlink()
            continue
        known, kept = record(name, runs), runs / name
        shutil.copyfile(kept / "notebook.ipynb", path)
        if known["stop"]:
            notes.mark(path, known["stop"])
        if (kept / "figures").exists():
            shutil.copytree(kept / "figures", figures, dirs_exist_ok=True)


def main(fresh=False, keep_going=False):
    runs, known = BUILD / "runs", notebooks(BOOK)
    for old in [p for p in runs.rglob("record.json") if p.parent.relative_to(runs).as_posix() not in known]:
        shutil.rmtree(old.parent)
    todo = due(known, runs, fresh=fresh)
    print(f"{len(todo)} of {len(known)} notebooks to execute" + "".join(f"\n  {name}" for name in todo if len(todo) < len(known)), flush=True)
    run(todo, runs)
    assemble(runs, BUILD / "stage", BUILD / "figures")
    names = [name for name in known if record(name, runs)["stop"]]
    print(f"{len(known) - len(names)} notebooks are as they were executed, {len(names)} stopped: _build/stage")
    return int(bool(names) and not keep_going)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="execute again, whatever the records say")
    parser.add_argument("--keep-going", action="store_true", help="status 0 also when a notebook stopped: its page has a note")
    given = parser.parse_args()
    sys.exit(main(given.fresh, given.keep_going))
