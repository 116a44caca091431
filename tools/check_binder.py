"""The rules of binder/, asked of repo2docker's own classes: each rule says what is wrong. No Docker, no network.

    python tools/check_binder.py [FOLDER]     the repository, or a copy of it
"""

import contextlib
import json
import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;#]+)", re.MULTILINE)
LISTED = re.compile(r"^([A-Za-z0-9_.-]+)(?:==([^\s;#]+))?", re.MULTILINE)
INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"
IN_THE_IMAGE = ("jupyterlab", "notebook", "jupyter-server", "jupyter_server", "jupyterhub", "ipykernel")
WANTED = {"torch", "numpy", "scipy", "POT", "scikit-learn", "ipywidgets", "anywidget", "matplotlib", "onnx", "onnxscript", "pykeops"}
READ_BY_A_READER = ("companion/live/vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm", "companion/__init__.py", "binder/postBuild", "binder/start",
                    "binder/warm.py", "pyproject.toml", "README.md", "LICENSE", "book/index.md")  # fmt: skip


def pack():
    """The buildpack that repo2docker picks for the current folder."""
    from repo2docker.app import Repo2Docker

    app = Repo2Docker()
    found = next(found for found in (make(app.base_image) for make in app.buildpacks) if found.detect())
    found.platform = "linux/amd64"  # what mybinder.org has
    return found


def faults(folder=ROOT):
    """What is wrong with a repository for mybinder.org: a list of sentences."""
    folder = Path(folder).resolve()
    with contextlib.chdir(folder):
        found = pack()
        if type(found).__name__ != "PythonBuildPack" or found.binder_dir != "binder":
            return [f"repo2docker picks {type(found).__name__} from {found.binder_dir or 'the root'}: expected PythonBuildPack from binder"]
        return [*machine(found), *requirements(folder), *scripts(folder / "binder"), *culling(folder / "binder"), *image(folder)]


def machine(found):
    """Faults of what the image will be: its Python, its packages, what it runs."""
    from repo2docker.buildpacks.conda.supported_python_version import SUPPORTED_PYTHON_VERSION

    name, version, _ = found.runtime
    oldest = tomllib.loads(Path("pyproject.toml").read_text("utf8"))["project"]["requires-python"].removeprefix(">=")
    if not found._should_preassemble_pip:
        yield "binder/requirements.txt has a line -r, -c, -e or a path: every commit would install torch again"
    if name is None:
        yield "binder/runtime.txt is missing: repo2docker takes its default, which is too old"
    elif name != "python" or version not in map(str, SUPPORTED_PYTHON_VERSION) or numbers(version) < numbers(oldest):
        yield f"binder/runtime.txt says {name}-{version}: expected a Python from {oldest} on that repo2docker knows"
    if Path(found.binder_path("apt.txt")).exists():
        yield "binder/apt.txt installs what the image has: it has gcc, g++ and make"
    if found.get_post_build_scripts() != ["binder/postBuild"]:
        yield "binder/postBuild is missing: the package would not be installed"
    if found.get_start_script() != "${REPO_DIR}/binder/start":
        yield "binder/start is missing: every notebook would take as many threads as the machine has"


def numbers(version):
    return [int(part) for part in version.split(".")]


def requirements(folder):
    """Faults of binder/requirements.txt."""
    text = read(folder / "binder" / "requirements.txt")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    ours, theirs = dict(PINNED.findall(text)), dict(LISTED.findall(read(folder / "requirements.txt")))
    torch = re.search(r"^version=(.*)$", read(folder / "tools" / "setup.sh"), re.MULTILINE)[1]
    if INDEX not in lines or ours.get("torch") != f"{torch}+cpu":
        yield f"torch must be {torch}+cpu, after the line {INDEX}: else 3 GB of CUDA are installed"
    loose = [line for line in lines if not PINNED.match(line) and not line.startswith("-")]
    if loose:
        yield f"not an exact version: {loose}"
    for name in ours.keys() & set(IN_THE_IMAGE):
        yield f"{name} is in the image already: two versions end in «model not found»"
    for name, version in ours.items():
        there = theirs.get(name, "missing")
        if name not in ("torch", *IN_THE_IMAGE) and there not in ("", version):  # "": the weekly run with the newest versions
            yield f"{name} is {version} here and {there} in requirements.txt"
    if WANTED - ours.keys():
        yield f"what notebooks import is missing: {sorted(WANTED - ours.keys())}"


def scripts(folder):
    """Faults of postBuild and start."""
    for path in (folder / "postBuild", folder / "start"):
        if not path.exists():
            continue
        if not path.read_bytes().startswith(b"#!/bin/bash\n"):
            yield f"{path.name} does not begin with #!/bin/bash and a line end"
        elif b"\r" in path.read_bytes():
            yield f"{path.name} has line ends of Windows"
        if not os.access(path, os.X_OK):
            yield f"{path.name} is not executable: chmod +x, and git update-index --chmod=+x"
    yield from commands(code(folder / "postBuild"), code(folder / "start"))


def commands(build, start):
    """Faults of what the two scripts do."""
    if build and not re.search(r"^set -eu$", build, re.MULTILINE):
        yield "postBuild goes on after an error: set -eu"
    installs = re.findall(r"^.*\bpip install\b.*$", build, re.MULTILINE)
    if build and not (len(installs) == 1 and "--no-deps" in installs[0] and re.search(r"(^| )\.$", installs[0])):
        yield "postBuild must install the package, and with --no-deps: its dependencies are pinned in requirements.txt"
    for what in ("compileall", "warm.py"):
        if build and what not in build:
            yield f"postBuild does not run {what}: the first reader waits for it"
    folders = [re.findall(r'COMPANION_KEOPS="([^"]*)"', text) for text in (build, start) if text]
    if any(found != folders[0] or len(found) != 1 for found in folders):
        yield "postBuild and start name different folders for KeOps: what is compiled at build is not found"
    if start and "OMP_NUM_THREADS=1" not in start:
        yield "start does not say OMP_NUM_THREADS=1"
    if start and start.splitlines()[-1] != 'exec "$@"':
        yield 'start does not end in exec "$@": the server never starts'


def culling(folder):
    """Faults of what keeps six notebooks within 2 GB: kernels whose page was closed end."""
    config = json.loads(read(folder / "jupyter_server_config.json") or "{}")
    if "JUPYTER_CONFIG_PATH=" not in code(folder / "start") or not config.get("MappingKernelManager", {}).get("cull_idle_timeout"):
        yield "kernels that nobody uses are kept: start names binder as JUPYTER_CONFIG_PATH, and its configuration a cull_idle_timeout"


def image(folder):
    """Faults of binder/.dockerignore: what of the repository goes into the image, as repo2docker reads it."""
    from docker.utils.build import exclude_paths

    taken = set(exclude_paths(".", [line for line in code(folder / "binder" / ".dockerignore").splitlines() if line]))
    notebooks = [p.relative_to(folder).as_posix() for p in (folder / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    absent = [name for name in [*READ_BY_A_READER, *notebooks] if name not in taken]
    if absent:
        yield f"the image lacks {absent}"
    ballast = sorted(name for name in (".git", ".venv", "_build", "tests") if any(t == name or t.startswith(f"{name}/") for t in taken))
    if ballast:
        yield f"the image carries {ballast}: binder/.dockerignore should name them"


def read(path):
    return path.read_bytes().decode() if path.exists() else ""


def code(path):
    """The lines of a file that are no comment, without blanks at their ends."""
    return "\n".join(line.strip() for line in read(path).splitlines() if line.strip() and not line.startswith("#"))


def main(folder=ROOT):
    found = faults(folder)
    print(*(f"binder: {fault}" for fault in found), sep="\n", end="\n" if found else "")
    print(f"binder: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
