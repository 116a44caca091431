"""Graphs exported beside the kernel: a process of its own traces them, and ends when no figure
waits.

torch's tracer keeps global state. A thread of the kernel that traces while the reader's cell trains
breaks that cell; another process cannot.
Figures travel there by cloudpickle, their graphs come back; what is shipped is kept in the
reader's cache on the way.
"""

import contextlib
import importlib.util
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading

from companion.live.export import graphs

NEEDED = ("cloudpickle", "onnx", "onnxscript")
IDLE = 5  # seconds without a figure, after which the process ends
MOST = 600  # seconds for one figure, after which it stays with the kernel
PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; from companion.live.exporter import serve; serve()"
)
SIZE = struct.Struct("<Q")


def never():
    """Whether nothing may be exported: COMPANION_EXPORT=never, where only the numbers of a run
    matter."""
    return os.environ.get("COMPANION_EXPORT") == "never"


def export_elsewhere(figure, done):
    """Have the figure's graphs exported; done(programs, graphs) is called by a thread when they are
    there.

    False where that cannot be: no exporter, or a figure that cannot travel.
    A figure that cannot be exported is never done.
    """
    if never() or not all(map(importlib.util.find_spec, NEEDED)):
        return False
    import cloudpickle

    try:
        # now: the reader's next cell may change what the figure holds
        data = cloudpickle.dumps(figure)
    # a lock, a generator, an open file: whatever a function holds, pickle has an error class for it
    except Exception:
        return False
    QUEUE.put(data, done)
    return True


class Queue:
    """Figures that wait for the one process. A thread hands them over, one at a time;
    both end when none is left."""

    def __init__(self):
        self.jobs, self.lock, self.thread, self.working = (
            queue.SimpleQueue(),
            threading.Lock(),
            None,
            False,
        )

    def put(self, data, done):
        """Add a figure; start the thread if it has ended."""
        with self.lock:
            self.jobs.put((data, done))
            if not self.working:
                self.working, self.thread = (
                    True,
                    threading.Thread(target=self._work, name="export", daemon=True),
                )
                self.thread.start()

    def join(self, timeout=None):
        """Wait until no figure waits and the process has ended."""
        if self.thread:
            self.thread.join(timeout)

    def _next(self):
        """The next figure, or None at the end of the thread: decided under the lock,
        so that no figure is left behind."""
        with contextlib.suppress(queue.Empty):
            return self.jobs.get(timeout=IDLE)
        with self.lock:
            with contextlib.suppress(queue.Empty):
                return self.jobs.get_nowait()
            self.working = False
            return None

    def _work(self):
        process = None
        while (job := self._next()) is not None:
            data, done = job
            process = process or started()
            graphs = ask(process, data)
            if graphs is None:  # a failure spoils the exports after it
                ended(process)
                process = None
            else:
                with contextlib.suppress(Exception):  # the figure is gone: the next one is not
                    done(*graphs)
        if process:
            ended(process)


QUEUE = Queue()


def started():
    """A new exporting process: it imports from where this one does, and hears no Ctrl-C meant for
    a cell."""
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *sys.path], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            env=os.environ | {"OMP_NUM_THREADS": "1"}, start_new_session=True)


def ended(process):
    """Close its ears, and it ends; if it does not, it is ended."""
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def ask(process, data):
    """(programs, graphs) of a pickled figure, or None: it cannot be exported,
    the process died or takes too long."""
    timer = threading.Timer(MOST, process.kill)
    timer.daemon = True
    timer.start()
    try:
        send(process.stdin, data)
        reply = receive(process.stdout)
    except OSError:
        return None
    finally:
        timer.cancel()
    return pickle.loads(reply) if reply else None


def send(pipe, data):
    """A message: its length, then its bytes."""
    pipe.write(SIZE.pack(len(data)) + data)
    pipe.flush()


def receive(pipe):
    """The next message, or None at the end of the pipe."""
    head = pipe.read(SIZE.size)
    if len(head) < SIZE.size:
        return None
    (size,) = SIZE.unpack(head)
    data = pipe.read(size)
    return data if len(data) == size else None


def serve():
    """The other process: figures from standard input, graphs to standard output,
    until the kernel closes or dies."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries say is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)  # the reader's cell comes first
    while (data := receive(sys.stdin.buffer)) is not None:
        send(answers, pickle.dumps(exported(data)))


def exported(data):
    """(programs, graphs) of a pickled figure, or None."""
    try:
        return graphs(pickle.loads(data))
    except Exception:  # torch, onnx and the figure's own functions have error classes of their own
        return None
