"""One file for a room without a network: the built book, the notebooks, a wheel house for this platform, a page that says how.

    python -m tools.zip      needs a built book; TORCH_WHEEL=no leaves torch out (190 MB less: the machine's own torch is then used)
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import companion
from tools.downloads import wheel

ROOT = Path(__file__).parents[1]
BUILD, STICK = ROOT / "_build", ROOT / "tools" / "stick"
TOP = "learning-in-motion"
INDEX = "https://download.pytorch.org/whl/cpu"
# Of requirements.txt: what a reader's machine needs to run the notebooks, change a figure and have it exported.
RUN = ("numpy", "scipy", "POT", "scikit-learn", "jupyterlab", "jupyterlab-myst", "ipykernel", "ipywidgets", "anywidget", "matplotlib",
       "cloudpickle", "onnx", "onnxscript")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Learning in Motion</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>:root {{ color-scheme: light dark }} body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }}
h1 {{ line-height: 1.2 }} pre {{ overflow-x: auto; padding: .8rem; border: 1px solid; font-size: .85rem }}</style></head>
<body><main>
{}</main></body></html>
"""


def versions():
    """{name: line} of requirements.txt for what a reader runs."""
    lines = (ROOT / "requirements.txt").read_text("utf8").splitlines()
    pinned = {re.split("[=<; ]", line)[0]: line.split()[0] for line in lines if line and not line.startswith("#")}
    return {name: pinned[name] for name in RUN}


def tested():
    """What this environment has, as constraints: the stick carries the versions that the tests ran with."""
    lines = pip("list", "--format=freeze", "--exclude-editable").splitlines()
    return [re.sub(r"\+\w+$", "", line) for line in lines if "==" in line and not line.startswith("learning-in-motion")]


def pip(*arguments, check=True):
    """pip, silent unless it fails."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and run.returncode:
        raise SystemExit(f"make zip: pip failed\n{run.stdout[-4000:]}")
    return run.stdout


def wheel_house(folder, *, torch):
    """Every wheel that companion and JupyterLab need here, in a folder, with the list that install.py installs and the platform's name."""
    import torch as here

    folder.mkdir(parents=True)
    constraints = folder / "tested.txt"
    constraints.write_text("\n".join(tested()) + "\n")
    wheel(folder)
    version = f"torch=={here.__version__.split('+')[0]}"
    pip("wheel", "-w", folder, "--no-deps", version, "--extra-index-url", INDEX, "--timeout", 5, "--retries", 0, check=False)  # without CUDA
    pip("wheel", "-w", folder, "--find-links", folder, "-c", constraints, version, *versions().values())
    if heavy := list(folder.glob("nvidia*")):
        raise SystemExit(f"make zip: pip found the CUDA build of torch, {len(heavy)} packages of 3 GB; use TORCH_WHEEL=no, or ask for the CPU build")
    if not torch:
        for path in folder.glob("torch-*"):
            path.unlink()
    constraints.unlink()
    lines = [f"learning-in-motion=={companion.__version__}", *([version] if torch else []), *versions().values()]
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n")
    (folder / "made-for.json").write_text(json.dumps(made_for(torch=torch)) + "\n")


def made_for(*, torch):
    """Python and platform of the wheels; machine and system as install.py sees them."""
    return {"python": "{}.{}".format(*sys.version_info), "system": platform.system(), "machine": platform.machine(), "torch": torch}


def file_name(made):
    """learning-in-motion-0.1.0-python3.11-linux-x86_64, with -without-torch where it has none."""
    parts = [TOP, companion.__version__, f"python{made['python']}", made["system"].lower(), made["machine"].lower()]
    return "-".join(parts) + ("" if made["torch"] else "-without-torch")


def how_to(folder, made):
    """how-to.txt, and the same as index.html."""
    from markdown_it import MarkdownIt

    address = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["urls"]["Repository"]
    torch = "PyTorch among them, its CPU build" if made["torch"] else "not PyTorch: the machine's own is used"
    count = len(list((folder / "wheels").glob("*.whl")))
    text = (STICK / "how_to.md").read_text("utf8")
    text = text.format(**(made | {"name": file_name(made), "wheels": count, "torch": torch, "version": companion.__version__, "address": address}))
    (folder / "index.html").write_text(PAGE.format(MarkdownIt().render(text)), "utf8")
    (folder / "how-to.txt").write_text(re.sub(r"\[([^]]*)\]\([^)]*\)|[*]{2}|^# |[<>]", lambda m: m[1] or "", text, flags=re.MULTILINE), "utf8")


def fill(folder, *, site, torch, wheels=True):
    """Lay out everything in a folder. wheels=False leaves the wheel house empty (for tests)."""
    if not (site / "index.html").exists():
        raise SystemExit(f"{site} holds no book: make book builds it")
    folder.mkdir(parents=True)
    shutil.copytree(site, folder / "book", ignore=shutil.ignore_patterns(".doctrees", ".buildinfo"))
    for path in sorted(p for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts):
        target = folder / "notebooks" / path.relative_to(ROOT / "book")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for path in (STICK / "install.py", ROOT / "LICENSE", ROOT / "LICENSE-text"):
        shutil.copy(path, folder)
    if wheels:
        wheel_house(folder / "wheels", torch=torch)
    made = made_for(torch=torch)
    how_to(folder, made)
    return made


def pack(folder, target):
    """The folder as one file, wheels as they are, and its sha256 beside it in the form that sha256sum -c reads."""
    with zipfile.ZipFile(target, "w", strict_timestamps=False) as file:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            how = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
            file.write(path, f"{TOP}/{path.relative_to(folder).as_posix()}", how)
    with target.open("rb") as read:
        total = hashlib.file_digest(read, "sha256").hexdigest()
    target.with_name(target.name + ".sha256").write_text(f"{total}  {target.name}\n")
    return total


def main():
    torch = {"yes": True, "no": False}.get(os.environ.get("TORCH_WHEEL", "yes"))
    if torch is None:
        raise SystemExit("TORCH_WHEEL is yes or no")
    folder = BUILD / "stick"
    shutil.rmtree(folder, ignore_errors=True)
    made = fill(folder, site=BUILD / "html", torch=torch)
    target = BUILD / f"{file_name(made)}.zip"
    pack(folder, target)
    shutil.rmtree(folder)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.0f} MB, and its sha256 beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
