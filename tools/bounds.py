"""The package's own tests with the oldest versions that pyproject.toml promises, or with the newest there are; without the book's tools.

    make oldest    PYTHON=python3.11 by default; the lower bound of every dependency
    make newest    no bound; PYTHON=python3.14 chooses the interpreter

In an environment of its own, _build/oldest or _build/newest. TORCH_VERSION=2.13.0 takes another torch. On Linux without an NVIDIA driver
torch comes from PyTorch's index of CPU builds alone, since a plain old torch brings gigabytes of CUDA.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tools.shake import SUITES  # noqa: E402

CPU = "https://download.pytorch.org/whl/cpu"
EXTRAS = ("live", "pot", "data")
TOOLS = ("pytest", "hypothesis", "ipykernel")
TESTS = [*SUITES, *(f"tests/live/test_{name}.py" for name in ("declare", "views", "run"))]


def promised():
    """The requirements of the package and of the extras that its tests use, as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
    return [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]


def chosen(which):
    """What pip is asked for: each lower bound exactly, or no bound at all; torch first."""
    lines = [re.sub(r">=", "==", line) if which == "oldest" else re.split(r"[><=~!]", line)[0] for line in promised()]
    version = os.environ.get("TORCH_VERSION")
    return [f"torch=={version}" if version and line.startswith("torch") else line for line in lines]


def tools():
    """The tools of the tests, as the book pins them."""
    pins = re.findall(r"^([\w.-]+==[^\s;#]+)", (ROOT / "requirements.txt").read_text("utf8"), re.MULTILINE)
    return [pin for pin in pins if pin.split("==")[0] in TOOLS]


def set_up(which):
    """The Python of a fresh environment with these versions. Raises CalledProcessError."""
    folder = ROOT / "_build" / which
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    torch, *others = chosen(which)
    index = ["--index-url", CPU] if sys.platform == "linux" and not shutil.which("nvidia-smi") and "+" not in torch else []
    for words in ([torch, *index], [torch, *others, *tools()]):
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *words], check=True)
    return python


def main(which):
    try:
        python = set_up(which)
    except subprocess.CalledProcessError:
        print(f"The {which} versions could not be installed on this machine: {', '.join(chosen(which))}.")
        return 1
    listed = subprocess.run([python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True).stdout
    names = {re.split(r"[>=<]", line)[0] for line in promised()}
    print(f"Python {sys.version.split()[0]},", *(line for line in listed.split() if line.split("==")[0].lower() in names), flush=True)
    env = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    return subprocess.run([python, "-m", "pytest", "-p", "no:cacheprovider", *TESTS], cwd=ROOT, env=env).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
