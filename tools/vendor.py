"""Fetch the third-party files of the book again from npm: the only place that needs it.

Each file is kept unchanged in companion/live/vendor/<name>/, under a manifest of name, version, licence and sha256.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "companion" / "live" / "vendor"
WIDGETS = ["embed-amd.js", "embed.js.LICENSE.txt", "*.woff2"]
MATHJAX = ["tex-chtml.js", "output/chtml/fonts/woff-v2/*", "input/tex/extensions/*"]
# npm package, version, its licence, the folder it gets, what is taken (below the package's own folder, which is dropped)
PACKAGES = [
    ("onnxruntime-web", "1.30.0", "MIT", "onnxruntime-web", "dist", ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]),
    ("requirejs", "2.3.8", "MIT", "requirejs", "", ["require.js"]),
    ("@jupyter-widgets/html-manager", "1.0.15", "BSD-3-Clause", "html-manager", "dist", WIDGETS),
    ("anywidget", "0.11.0", "MIT", "anywidget", "dist", ["index.js"]),
    ("mathjax", "3.2.2", "Apache-2.0", "mathjax", "es5", MATHJAX),
    ("acorn", "8.19.0", "MIT", "acorn", "dist", ["acorn.mjs"]),
    ("axe-core", "4.14.1", "MPL-2.0", "axe-core", "", ["axe.min.js"]),
]


def packed(name, version, folder):
    """The archive of name@version as npm serves it."""
    command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(folder)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Path(folder) / out.split()[-1]


def taken(archive, base, wanted):
    """{path: bytes} of the wanted files of an npm archive, and its LICENSE where it has one."""
    root = Path("package") / base
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            path = Path(member.name)
            if path == Path("package/LICENSE"):
                files["LICENSE"] = tar.extractfile(member).read()
            elif path.is_relative_to(root) and any(path.relative_to(root).match(pattern) for pattern in wanted):
                if len(path.relative_to(root).parts) in {len(Path(pattern).parts) for pattern in wanted}:
                    files[path.relative_to(root).as_posix()] = tar.extractfile(member).read()
    return dict(sorted(files.items()))


def fetched(package, folder):
    """The files of one line of PACKAGES, from npm."""
    name, version, _, _, base, wanted = package
    return taken(packed(name, version, folder), base, wanted)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def checksums(folder):
    """{path: sha256} of every file below a folder."""
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


def write(package, folder):
    """Fetch one package, write its files, return its entry of the manifest.

    A package that carries no licence text keeps the LICENSE written here by hand from its project's repository.
    """
    name, version, licence, short, _, _ = package
    for path, content in fetched(package, folder).items():
        target = FOLDER / short / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return {"name": name, "version": version, "licence": licence, "folder": short, "files": checksums(FOLDER / short)}


def main(only=()):
    known = json.loads((FOLDER / "manifest.json").read_text()) if (FOLDER / "manifest.json").exists() else []
    entries = {entry["folder"]: entry for entry in known}
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            if not only or package[3] in only:
                entries[package[3]] = write(package, folder)
                print("vendored", package[0], package[1])
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "manifest.json").write_text(json.dumps([entries[key] for key in sorted(entries)], indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
