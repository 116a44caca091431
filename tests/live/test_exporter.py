"""Graphs are exported by a process of its own: the reader's cell goes on, whatever it does, and no thread of the kernel traces."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from companion.live import export, exporter, live, plane, store

SECONDS = 300  # for one figure, on a loaded machine


def figure(dynamics, **options):
    given = {"dt": 0.1, "name": "f", "view": plane(x=(-1, 1), y=(-1, 1)), "sentence": "t = {t:.1f}", "alt": "points", "frames": 2}
    return live(dynamics, torch.rand(4, 2), **{**given, **options})


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """An empty cache, no shipped graphs, no build; the process ends soon after its last figure."""
    for name in ("COMPANION_EXPORT", "COMPANION_LIVE_FIGURES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(exporter, "PROGRAM", exporter.PROGRAM.replace("serve()", "store.SHIPPED = store.File('nowhere'); serve()").replace(
        "from companion", "from companion.live import store; from companion"))
    monkeypatch.setattr(exporter, "IDLE", 0.2)
    yield tmp_path
    exporter.QUEUE.join(SECONDS)
    assert not exporter.QUEUE.working


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    found, start = [], exporter.started

    def watched():
        found.append(start())
        return found[-1]

    monkeypatch.setattr(exporter, "started", watched)
    return found


def train(net, steps=3):
    """What a reader's cell does, tracing included: the state that torch's tracer keeps is this thread's alone."""
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(steps):
        x = torch.rand(64, 2)
        make_fx(lambda x: torch.autograd.grad(net(x.requires_grad_()).sum(), x)[0])(x)
        optimiser.zero_grad()
        net(x).square().mean().backward()
        optimiser.step()


def test_a_cell_trains_while_figures_are_exported(places, monkeypatch, started):
    traced, trace = [], export.trace
    monkeypatch.setattr(export, "trace", lambda *given: (traced.append(threading.current_thread()), trace(*given))[1])
    net, rounds = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)), 0
    weights = [p.detach().clone() for p in net.parameters()]
    figures = [figure(lambda t, x: net(x)), figure(lambda t, x: print("no answer", flush=True) or -0.375 * x)]
    widgets = [shown.widget() for shown in figures]
    while exporter.QUEUE.working:
        train(net)
        rounds += 1
    exporter.QUEUE.join(SECONDS)
    assert rounds > 3 and len(started) == 1 and started[0].returncode == 0 and started[0].stdin.closed and started[0].stdout.closed
    assert set(traced) == {threading.main_thread()}
    assert [f.spec["engine"] for f in figures] == [w.spec["engine"] for w in widgets] == ["page"] * 2
    for parameter, weight in zip(net.parameters(), weights, strict=True):
        parameter.data = weight  # the figure shows the network of its own cell, not the one that was trained since
    table, found = export.graphs(figures[0].figure, export=False)
    assert figures[0].spec["programs"] == table and set(figures[0].spec["graphs"]) == set(found)
    kept = {path.name.split(".")[0] for path in (places / "cache").rglob("*.onnx.gz")}
    assert kept == {key for f in figures for key in f.spec["graphs"]}


class Deadly:
    """An object whose arrival ends the process."""

    def __reduce__(self):
        return os._exit, (7,)


def test_what_fails_stays_with_the_kernel_and_spoils_nothing(places, monkeypatch, started):
    (places / "of_the_reader.py").write_text("def slow(t, x):\n    return -0.0625 * x\n")
    monkeypatch.syspath_prepend(str(places))
    from of_the_reader import slow  # a module beside the notebook

    trained, deadly = torch.rand(4, 2), Deadly()
    figures = [figure(lambda t, x: torch.linalg.solve(torch.eye(2) * (2 + x.sum()), x.T).T), figure(lambda t, x: -x if deadly else x),
               figure(lambda t, x: trained * slow(t, x), shipped=False)]
    [f.widget() for f in figures]
    exporter.QUEUE.join(SECONDS)
    assert [f.spec["engine"] for f in figures] == [f.widget().spec["engine"] for f in figures] == ["kernel", "kernel", "page"]
    assert [process.returncode for process in started] == [0, 7, 0]
    for key in figures[-1].spec["graphs"]:  # of what a notebook has trained, the reader's cache keeps nothing
        assert store.find(key) is None


@pytest.mark.parametrize("name", exporter.NEEDED)
def test_without_an_exporter_nothing_is_started(name, started, monkeypatch):
    find = exporter.importlib.util.find_spec
    monkeypatch.setattr(exporter.importlib.util, "find_spec", lambda wanted: None if wanted == name else find(wanted))
    shown = figure(lambda t, x: -0.875 * x)
    shown.widget()
    assert shown.spec["engine"] == "kernel" and started == [] and not exporter.QUEUE.working


def test_a_figure_that_cannot_travel_stays(started):
    lock = threading.Lock()
    shown = figure(lambda t, x: -x if lock else x)
    assert not exporter.export_elsewhere(shown.figure, None)
    shown.widget()
    assert shown.spec["engine"] == "kernel" and started == [] and not exporter.QUEUE.working


def test_a_process_that_takes_too_long_is_ended(started, monkeypatch):
    monkeypatch.setattr(exporter, "MOST", 0.1)
    process = exporter.started()
    assert exporter.ask(process, b"what is no pickle") is None and process.wait() < 0
    process.stdin.close(), process.stdout.close()


KERNEL = """
import os, time
from companion.live import exporter
print(exporter.started().pid, flush=True)
os.kill(os.getpid(), 9)
"""


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells of a process that is nobody's child")
def test_the_process_ends_with_its_kernel():
    kernel = subprocess.run([sys.executable, "-c", KERNEL], timeout=120, capture_output=True, text=True)
    assert kernel.returncode == -9
    for _ in range(600):
        if not alive(int(kernel.stdout)):
            return
        time.sleep(0.1)
    raise AssertionError("the exporting process has outlived its kernel")
