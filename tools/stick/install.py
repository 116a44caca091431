"""Install Learning in Motion from this folder, without a network.

    python3 install.py [FOLDER]     default: learning-in-motion in your home folder

FOLDER gets an environment of its own and the notebooks; nothing else on the machine changes. Notebooks that are there are never overwritten.
"""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def refusal(made):
    """Why these wheels do not fit this Python, or None."""
    here = {"python": "{}.{}".format(*sys.version_info), "system": platform.system(), "machine": platform.machine()}
    if any(here[what] != made[what] for what in here):
        return ("These wheels were made for Python {python} on {system} {machine}; this is Python ".format(**made)
                + "{python} on {system} {machine}.\n".format(**here)
                + "Start install.py with another Python, or make a stick on a machine like this one: make zip")
    if not made["torch"] and importlib.util.find_spec("torch") is None:
        return "This stick carries no PyTorch and this Python has none: pip install torch where there is a network, then come back."
    return None


def install(folder, made):
    """The environment, from the wheels alone; the torch of this Python is seen where the stick carries none."""
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    except subprocess.CalledProcessError:
        sys.exit("This Python cannot make environments. On Debian and Ubuntu: apt install python3-venv")
    python = folder / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not made["torch"]:
        found = subprocess.run([str(python), "-c", "import site; print(site.getsitepackages()[0])"], check=True, capture_output=True, text=True)
        where = Path(importlib.util.find_spec("torch").origin).parents[1]
        (Path(found.stdout.strip()) / "torch-of-this-machine.pth").write_text(str(where) + "\n")
    wheels = str(HERE / "wheels")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--find-links", wheels]
    subprocess.run([*command, "-r", str(HERE / "wheels" / "requirements.txt")], check=True)
    return python


def notebooks(folder):
    """Copy the notebooks; what a reader has written stays."""
    for path in sorted((HERE / "notebooks").rglob("*.ipynb")):
        target = folder / "notebooks" / path.relative_to(HERE / "notebooks")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(path, target)


def main(folder=None):
    folder = Path(folder or Path.home() / "learning-in-motion").resolve()
    made = json.loads((HERE / "wheels" / "made-for.json").read_text(encoding="utf8"))
    why = refusal(made)
    if why:
        sys.exit(why)
    print(f"Installing into {folder}: a minute or two, without a network.", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    python = install(folder, made)
    notebooks(folder)
    print('Done. Start with:\n\n    "{}" -m jupyterlab "{}"\n'.format(python, folder / "notebooks"))


if __name__ == "__main__":
    main(*sys.argv[1:])
