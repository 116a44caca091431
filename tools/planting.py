"""One process that plants faults: its copy of the tree, and pytest in forks that have the large libraries already."""

import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("companion", "tests", "tools", "book", "binder", "pyproject.toml", "requirements.txt", "README.md", "Makefile")
PRELOADED = ("numpy", "scipy.optimize", "scipy.stats", "torch", "matplotlib.figure", "PIL.Image", "pytest", "hypothesis", "onnx",
             "playwright.sync_api", "sklearn", "ot")
GREEN, RED, SLOW, NONE = "green", "red", "slow", "no tests"
BASELINE_SECONDS = 1800


def planted(source, before, after):
    """The source with one fault. Raises ValueError unless `before` stands there exactly once."""
    times = source.count(before)
    if times != 1 or before == after:
        raise ValueError(f"{before!r} stands there {times} times; expected once, and a change.")
    return source.replace(before, after)


class Order:
    """A plugin of pytest: notes how long each test takes; runs the quickest files first, once that is known."""

    def __init__(self, known):
        self.known, self.seconds = known, defaultdict(float)

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration

    def pytest_collection_modifyitems(self, items):
        files = defaultdict(float)
        for test, seconds in self.known.items():
            files[test.split("::")[0]] += seconds
        place = {item: (files[item.nodeid.split("::")[0]], item.nodeid.split("::")[0]) for item in items}
        items.sort(key=place.get)


def enter(folder):
    """Make this process live in the copy: its folder, its modules."""
    os.chdir(folder)
    sys.path[:] = [str(folder), *(p for p in sys.path if Path(p or ".").resolve() not in (ROOT, folder))]
    os.environ["PYTHONPATH"] = str(folder)
    for name in [name for name in sys.modules if name.split(".")[0] in ("tools", "tests", "companion")]:
        del sys.modules[name]


def run_tests(folder, tests, known):
    """Run pytest in this forked process, and leave it."""
    import pytest

    log = os.open(folder / "report.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1), os.dup2(log, 2)
    os.setpgid(0, 0)
    if Path.cwd() != folder:
        enter(folder)
    order = Order(known)
    status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins=[order]))
    (folder / "report.json").write_text(json.dumps(order.seconds))
    sys.stdout.flush()
    os._exit(status)


def verdict(folder, tests, known, limit):
    """(GREEN | RED | SLOW | NONE, seconds of each test) of the tree in this folder."""
    child = os.fork()
    if child == 0:
        try:
            run_tests(folder, tests, known)
        finally:
            os._exit(1)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return {0: GREEN, 4: NONE, 5: NONE}.get(code, RED), json.loads((folder / "report.json").read_text()) if code == 0 else {}
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return SLOW, {}


class Copy:
    """A copy of the tree in which one process plants its faults."""

    patience = 20  # seconds that any run may take; a longer one may take five times what it takes where nothing is planted

    def __init__(self, folder):
        self.folder, self.known, self.writes = Path(tempfile.mkdtemp(dir=folder)).resolve(), {}, 0
        for name in COPIED:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, self.folder / name)

    def warm(self):
        """Import the package here, once: for faults that lie elsewhere, in the page's JavaScript."""
        enter(self.folder)
        for name in ("companion.live", "tests.browsing"):
            importlib.import_module(name)

    def write(self, path, text):
        """Write a module; its time is a new one, so that no compiled file of another version passes for it."""
        self.writes += 1
        (self.folder / path).write_text(text, "utf8")
        os.utime(self.folder / path, (1e9 + self.writes, 1e9 + self.writes))

    def seconds(self, tests):
        """How long each test takes where nothing is planted. Raises ValueError where they are not green."""
        key = tuple(tests)
        if key not in self.known:
            found, self.known[key] = verdict(self.folder, tests, {}, BASELINE_SECONDS)
            if found != GREEN:
                del self.known[key]
                said = (self.folder / "report.log").read_text("utf8").strip().splitlines()[-25:]
                raise ValueError("\n".join([f"{' '.join(tests)}: {found} although nothing is planted", *said]))
        return self.known[key]

    def try_all(self, path, tests, faults):
        """The verdict of each fault of a module, as it comes."""
        source, known = (self.folder / path).read_text("utf8"), self.seconds(tests)
        limit = self.patience + 5 * sum(known.values())
        for before, after, *_ in faults:
            self.write(path, planted(source, before, after))
            yield verdict(self.folder, tests, known, limit)[0]
            self.write(path, source)


def preload():
    """Import what every run needs, once: forks have it for nothing, and their collector of garbage leaves it alone."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    gc.freeze()
