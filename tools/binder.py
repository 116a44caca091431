"""The machine of mybinder.org without Docker: build it here, start it under another name, open and run every notebook, hold it to its budgets.

    python -m tools.binder [FOLDER]     a FOLDER is kept, and a second call measures what stands there

Nothing of this machine's Python is used but the interpreter. Linux only.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools import check_binder
from tools.kernel import Notebook, busy, cells, memory, peak, server, wait_for

ROOT = Path(__file__).parents[1]
BROUGHT = ("jupyterlab", "notebook", "ipykernel", "jupyterhub-singleuser", "jupyter-resource-usage")
BUDGETS = {"environment beyond the image's own, MB": 1800, "server, s": 5, "first torch result, s": 8, "server and one notebook, MB": 500,
           "largest notebook, MB": 900}
INDEX = "https://download.pytorch.org/whl/cpu"


def lock():
    """The packages that repo2docker puts into the image for our Python: its own versions."""
    import repo2docker

    python = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    text = (Path(repo2docker.__file__).parent / "buildpacks" / "conda" / f"environment.py-{python}-linux-64.lock").read_text()
    found = (re.search(rf"/{name}-(\d[\w.]*)-", text) for name in BROUGHT)
    return python, [f"{name.removesuffix('-singleuser')}=={match[1]}" for name, match in zip(BROUGHT, found, strict=True)]


def copy(folder):
    """The repository as it goes into the image: what is tracked and not in .dockerignore."""
    from docker.utils.build import exclude_paths

    tracked = set(subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"))
    with contextlib.chdir(ROOT):
        taken = exclude_paths(".", check_binder.code(ROOT / "binder" / ".dockerignore").splitlines())
    for name in sorted(tracked & set(taken)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)


def build(repo, home, env):
    """The virtual environment, as the image's recipe builds it. Returns the seconds of each step."""
    python, brought = lock()
    seconds, venv = {}, home / "venv"

    def step(name, *command, check=True):
        begin = time.perf_counter()
        run = subprocess.run(command, cwd=repo, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        seconds[name] = time.perf_counter() - begin
        if check and run.returncode:
            raise SystemExit(f"{name} failed:\n{run.stdout[-4000:]}")
        return run.returncode == 0

    step("python", f"python{python}" if shutil.which(f"python{python}") else sys.executable, "-m", "venv", str(venv))
    step("what the image brings", f"{venv}/bin/pip", "install", "-q", "--no-cache-dir", *brought)
    (home / "brought").write_text(str(size(venv)))
    install = [f"{venv}/bin/pip", "install", "-q", "--no-cache-dir", "-r"]
    if not step("requirements.txt", *install, "binder/requirements.txt", "--timeout", "5", "--retries", "0", check=False):
        print(f"{INDEX} has no answer here: the plain torch of the same version instead")
        plain = "".join(line for line in (repo / "binder/requirements.txt").open() if not line.startswith("-")).replace("+cpu", "")
        (home / "plain.txt").write_text(plain)
        step("requirements.txt", *install, str(home / "plain.txt"))
    step("postBuild", "./binder/postBuild")
    return seconds


def size(folder):
    """MB of the files of a folder."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6


def elsewhere(command):
    """The command under another host name, where the system lets us: on mybinder.org the machine that runs is not the one that built."""
    prefix = ["unshare", "-u" if os.geteuid() == 0 else "-ru", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
        return [*prefix, *command]
    print("no other host name may be given here: started under this machine's own")
    return command


def first_result(address, path, pid_of_server):
    """(seconds from opening to torch's first number, MB of server and kernel then)."""
    begin = time.perf_counter()
    notebook = Notebook(address, path)
    pid = int(notebook.run("import os, torch; assert torch.ones(3).sum() == 3; print(os.getpid())"))
    seconds = time.perf_counter() - begin
    used = memory(pid_of_server) + memory(pid)
    notebook.close()
    return seconds, used


def whole(address, repo, path):
    """MB at most of a notebook run from its first cell to its last."""
    begin = time.perf_counter()
    notebook = Notebook(address, path)
    for source in cells(repo / path):
        notebook.run(source)
    used = peak(int(notebook.run("import os; print(os.getpid())")))
    notebook.close()
    print(f"{path}: {time.perf_counter() - begin:.0f} s, {used:.0f} MB at most")
    return used


def formulas(address, path):
    """Seconds of a formula of KeOps that was compiled at build."""
    notebook = Notebook(address, path)
    notebook.run("import torch; from companion.kernels import gaussian_sum, keops; x = torch.ones(8, 2)")
    begin = time.perf_counter()
    notebook.run("assert gaussian_sum(x, x, x[:, :1], length=1.0, engine=keops).sum() == 64")
    seconds = time.perf_counter() - begin
    notebook.close()
    return seconds


def measured(repo, home, env):
    """{name: figure} of the machine once it is built."""
    total, brought = size(home / "venv"), float((home / "brought").read_text())
    print(f"the whole environment: {total:.0f} MB, of which the image brings {brought:.0f} MB")
    figures = {"environment beyond the image's own, MB": total - brought}
    with server(elsewhere([repo / "binder" / "start", "jupyter", "lab"]), repo, env, home / "server.log") as (process, address):
        figures["server, s"] = wait_for(address)
        print(f"the server took {busy(process.pid):.1f} s of a processor to start, and {memory(process.pid):.0f} MB")
        notebooks = sorted(p.relative_to(repo).as_posix() for p in (repo / "book").rglob("*.ipynb"))
        figures["first torch result, s"], figures["server and one notebook, MB"] = first_result(address, notebooks[0], process.pid)
        print(f"a formula of KeOps that was compiled at build: {formulas(address, notebooks[0]):.1f} s")
        figures["largest notebook, MB"] = max(whole(address, repo, path) for path in notebooks)
    return figures


def machine(home):
    """Build the machine in a folder, if it is not there yet, and measure it."""
    repo = home / "repo"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COMPANION_", "JUPYTER", "PYTHON", "VIRTUAL_ENV", "OMP_"))}
    env = kept | {"HOME": str(home), "PATH": f"{home}/venv/bin:{os.environ['PATH']}", "XDG_CACHE_HOME": f"{home}/.cache"}
    if not repo.exists():
        copy(repo)
        print(f"the image's copy of the repository: {size(repo):.0f} MB")
        for step, seconds in build(repo, home, env).items():
            print(f"{step}: {seconds:.0f} s")
    return measured(repo, home, env)


def main(folder=None):
    if check_binder.main():
        return 1
    with contextlib.nullcontext(folder) if folder else tempfile.TemporaryDirectory(prefix="binder-") as name:
        figures = machine(Path(name).resolve())
    for what, figure in figures.items():
        print(f"{what}: {figure:.4g} (budget {BUDGETS[what]}){' TOO MUCH' if figure > BUDGETS[what] else ''}")
    return int(any(figures[what] > budget for what, budget in BUDGETS.items()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
