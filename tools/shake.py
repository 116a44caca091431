"""Run the book's assertions under other roundings: every notebook, and every test of the mathematics. One line a setting.

    make shake                  each setting once, two seeds
    SEEDS=10 make shake         ten perturbed starts
    make shake ONLY=baseline    the settings whose name holds this word
    make shake WHAT=notebooks   the notebooks alone (or: tests)

What is asserted of a run must hold on every processor. A setting is an environment: COMPANION_SHAKE moves the first step of each run by
1e-13 (companion/flow.py), ATEN_CPU_CAPABILITY takes instructions from torch, MKL, OpenBLAS and oneDNN are the libraries under torch,
NumPy and SciPy. Nothing is exported and _build stays as it is.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tools.execute import side_by_side, told  # noqa: E402

BLAS = {"MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Nehalem", "ONEDNN_MAX_CPU_ISA": "SSE41"}
QUIET = {"COMPANION_EXPORT": "never", "COMPANION_DEVICE": "cpu", "MPLBACKEND": "agg"}
# the suites that run nothing but mathematics: no page, no package index, no browser
SUITES = [*sorted(str(p.relative_to(ROOT)) for p in (ROOT / "tests").glob("test_*.py")), "tests/training", "tests/architectures", "tests/sampling"]


def settings(seeds):
    """{name: environment}, the one of continuous integration first."""
    return {
        "baseline, start perturbed": {"ATEN_CPU_CAPABILITY": "default", "COMPANION_SHAKE": "0"},
        "AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
        "two threads": {"COMPANION_THREADS": "2"},
        "another BLAS": BLAS,
        **{f"start perturbed, seed {seed}": {"COMPANION_SHAKE": str(seed)} for seed in range(1, seeds + 1)},
    }


def environment(setting):
    """The environment of a setting; what a build would leave behind is switched off."""
    return {k: v for k, v in os.environ.items() if k != "COMPANION_LIVE_FIGURES"} | QUIET | setting


def notebooks(setting):
    """Lines about the notebooks of a copy of book/ that stop under this setting."""
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book"
        shutil.copytree(ROOT / "book", book, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
        paths = sorted(book.rglob("*.ipynb"), key=lambda p: -p.stat().st_size)  # the long ones first
        ran = list(side_by_side([(path, environment(setting)) for path in paths]))
        return [told(r, Path(r.path).relative_to(book).as_posix()) for r in ran if r.stop], len(paths)


def tests(setting):
    """Lines about the tests that fail under this setting."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-p", "no:cacheprovider", "-m", "not digits", "-n", "auto", "--maxprocesses", "4", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *SUITES]
        run = subprocess.run(command, cwd=ROOT, env=environment(setting), capture_output=True, text=True)
        if not report.exists():
            return [run.stdout[-2000:] + run.stderr[-2000:]], 0
        cases = list(xml.parse(report).iter("testcase"))
    failed = [(case, *case.findall("failure"), *case.findall("error")) for case in cases]
    return [f"{f[0].get('classname')}::{f[0].get('name')}: {line(f[1])}" for f in failed if len(f) > 1], len(cases)


def line(failure):
    """The asserted line and what it said."""
    asserted = [text[1:].strip() for text in (failure.text or "").splitlines() if text.startswith(">")]
    return f"{' '.join((failure.get('message') or '').split())[:160]}  [{asserted[-1] if asserted else ''}]"


def main(seeds=2, only="", what=""):
    parts = [part for part in (notebooks, tests) if what in part.__name__]
    chosen = {name: setting for name, setting in settings(seeds).items() if only in name}
    if not parts or not chosen:
        print(f"nothing is called {what or only!r}; the settings are: {', '.join(settings(seeds))}")
        return 2
    faults = 0
    for name, setting in chosen.items():
        begin = time.perf_counter()
        found = [(part.__name__, *part(setting)) for part in parts]
        counts = ", ".join(f"{count - len(lines)} of {count} {part}" for part, lines, count in found)
        print(f"{name}: {counts} hold, {time.perf_counter() - begin:.0f} s", flush=True)
        for _, lines, _ in found:
            print("".join(f"    {text}\n" for text in lines), end="", flush=True)
        faults += sum(len(lines) + (count == 0) for _, lines, count in found)
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main(int(os.environ.get("SEEDS") or 2), os.environ.get("ONLY", ""), os.environ.get("WHAT", "")))
