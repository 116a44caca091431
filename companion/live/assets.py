"""Files that a page or a notebook asks for: the front end, the runtime, recordings."""

import base64
import gzip
import json
import os
import shutil
from functools import cache
from pathlib import Path as File

from companion.figures import look
from companion.live.bundle import bundle

FRONT = File(__file__).parent / "front"
RUNTIME = File(__file__).parent / "vendor" / "onnxruntime-web"


@cache
def front(entry):
    """The front end's JavaScript from one of its doors, the worker's program in it as a text."""
    return bundle(entry, FRONT, given())


@cache
def given():
    """The files of the front end that the build writes: the worker's program, the look."""
    worker = json.dumps(bundle("worker.js", FRONT))
    return {"worker_source.js": f"export const WORKER_SOURCE = {worker};\n",
            "look.js": look.script()}


def page_script():
    """live.js: a classic script, so that it also runs from a double-clicked file."""
    return f"(() => {{\n'use strict';\n{front('in_page.js')}\n}})();\n"


def module():
    """The same front end as a module for notebooks (anywidget)."""
    return f"{front('in_notebook.js')}\nexport default {{ render }};\n"


def style():
    """live.css, after the colours that it uses."""
    return look.sheet() + (FRONT / "live.css").read_text()


@cache
def runtime():
    """(module, gzipped wasm): onnxruntime-web's two files, as bytes."""
    wasm = (RUNTIME / "ort-wasm-simd-threaded.wasm").read_bytes()
    return (RUNTIME / "ort.wasm.bundle.min.mjs").read_bytes(), gzip.compress(wasm, 9, mtime=0)


def runtime_script():
    """The runtime as a classic script of base64: `fetch` does not exist for a double-clicked page.
    """
    mjs, wasm = (base64.b64encode(part).decode() for part in runtime())
    return f'companionLive.asset("runtime", {{"mjs": "{mjs}", "wasm": "{wasm}"}});\n'


def folder():
    """Where a build collects recordings and declared figures (COMPANION_LIVE_FIGURES), or None."""
    found = os.environ.get("COMPANION_LIVE_FIGURES")
    return File(found) if found else None


def keep_tape(name, content):
    """Keep a recording for the page, if this is a build."""
    if folder():
        folder().mkdir(parents=True, exist_ok=True)
        (folder() / f"{name}.js").write_text(f"companionLive.asset({json.dumps(name)}, {content});\n")


def keep_figure(figure, name):
    """Keep a declaration for the tests, which compare page and torch, if this is a build."""
    if folder():
        import cloudpickle

        folder().mkdir(parents=True, exist_ok=True)
        (folder() / f"{figure.name}.{name}.pkl").write_bytes(cloudpickle.dumps(figure))


def write(static):
    """Write live/live.js, live.css, live-runtime.js and the build's recordings into a folder
    of static files."""
    here = File(static) / "live"
    here.mkdir(parents=True, exist_ok=True)
    (here / "live.js").write_text(page_script())
    (here / "live.css").write_text(style())
    (here / "live-runtime.js").write_text(runtime_script())
    for tape in sorted(folder().glob("rec-*.js")) if folder() else ():
        shutil.copy(tape, here / tape.name)
