"""A machine that is not ours: a fresh environment with chosen packages of this one, by links. No compiler, no cache, no network needed."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
# What Colab and Kaggle have of what the notebooks use: https://github.com/googlecolab/backend-info, https://github.com/Kaggle/docker-python
COLAB = ("torch", "numpy", "scipy", "matplotlib", "ipywidgets", "scikit-learn", "tqdm", "ipykernel")
RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.Completer.use_jedi = False
for source in json.load(sys.stdin):
    shell.run_cell(source).raise_error()
"""


def short(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names):
    """The names of these packages and of all they need, as far as they are installed here."""
    todo, seen = list(names), set()
    while todo:
        name = short(todo.pop())
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        if name not in seen:
            seen.add(name)
            todo += [r.name for r in map(Requirement, needed) if r.marker is None or r.marker.evaluate({"extra": ""})]
    return seen


class Machine:
    """An environment in a folder. `have` gives it packages of this machine; `python` runs its interpreter, which finds no other program."""

    def __init__(self, folder):
        self.folder, self.shelf = Path(folder), Path(folder) / "shelf"
        venv.create(self.folder / "venv", symlinks=os.name != "nt", with_pip=False)
        self.program = self.folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.shelf.mkdir()
        self.see(self.shelf)

    def see(self, path):
        """Add a folder to what Python imports from."""
        found = subprocess.run([self.program, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True)
        with (Path(found.stdout.strip()) / "shelves.pth").open("a") as shelves:
            shelves.write(f"{path}\n")

    def have(self, names):
        """Give it these packages, without what they need."""
        for name in names:
            package = metadata.distribution(name)
            for top in {file.parts[0] for file in package.files if file.parts[0] != ".." and file.parts[0] != "__pycache__"}:
                if not (self.shelf / top).exists():
                    (self.shelf / top).symlink_to(Path(package.locate_file(top)).resolve())

    def python(self, *arguments, **options):
        home = self.folder / "home"
        env = {"PATH": str(self.folder / "no-programs"), "HOME": str(home), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "COMPANION_DEVICE": "cpu",
               "IPYTHONDIR": str(home), "MPLCONFIGDIR": str(home)}  # fmt: skip
        return subprocess.run([self.program, *arguments], cwd=self.folder, env=env, capture_output=True, text=True, **options)

    def cells(self, sources):
        """Run cells in order, as a notebook does; returns what was said. Fails on an error, also on one inside a display."""
        import json

        run = self.python("-c", RUN, input=json.dumps(sources))
        assert run.returncode == 0 and "Traceback" not in run.stdout + run.stderr, (run.stdout + run.stderr)[-4000:]
        return run.stdout

    def pip(self, *arguments):
        """The pip of this Python, at work on the other environment. What this machine's pip is told, constraints above all, stays here."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")} | {"PIP_CONFIG_FILE": os.devnull}
        command = [sys.executable, "-m", "pip", "--isolated", "--python", str(self.program), "--disable-pip-version-check", *arguments]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)


def wheel(folder, name, version, needs=()):
    """A wheel that holds nothing and needs what it says."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    text = "".join([f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", *(f"Requires-Dist: {need}\n" for need in needs)])
    with zipfile.ZipFile(Path(folder) / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{info}/METADATA", text)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
