"""A Jupyter server as a reader's browser uses it: open a notebook, run cells, see what comes back. Memory as the machine counts it."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
import uuid
from pathlib import Path

import websocket


@contextlib.contextmanager
def server(program, folder, env, log):
    """(process, address) of a JupyterLab: program is what starts it, e.g. ["python", "-m", "jupyterlab"], in the folder that it shows."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token=", "--allow-root", "--ServerApp.disable_check_xsrf=True"]
    with Path(log).open("w") as said:
        process = subprocess.Popen([*map(str, program), *options], cwd=folder, env=env, stdout=said, stderr=said)
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def request(address, path, body=None):
    """The JSON answer of the server."""
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(f"{address}/api{path}", data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=60) as answer:
        return json.loads(answer.read() or "null")


def wait_for(address, seconds=60):
    """Seconds until the server answers. Raises TimeoutError."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        try:
            request(address, "/status")
            return time.perf_counter() - begin
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"no server at {address} after {seconds} s")


class Notebook:
    """A notebook opened on a server: a session with a kernel of its own."""

    def __init__(self, address, path):
        body = {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}}
        self.address, self.session = address, request(address, "/sessions", body)
        self.kernel = self.session["kernel"]["id"]
        self.socket = websocket.create_connection(f"{address.replace('http', 'ws', 1)}/api/kernels/{self.kernel}/channels", timeout=300)

    def run(self, source):
        """Run a cell; return its printed text. Raises RuntimeError with the cell's own error."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": "execute_request", "session": number, "username": "", "version": "5.3", "date": ""}
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        self.socket.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}))
        said, waiting = [], {"reply", "idle"}
        while waiting:
            frame = self.socket.recv()
            if isinstance(frame, bytes):  # a widget's buffers
                continue
            message = json.loads(frame)
            if message["parent_header"].get("msg_id") != number:
                continue
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])
            if message["msg_type"] == "execute_reply":
                if message["content"]["status"] != "ok":
                    raise RuntimeError(f"{message['content'].get('ename')}: {message['content'].get('evalue')}\nin\n{source}")
                waiting.discard("reply")
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":  # all that was printed has come
                waiting.discard("idle")
        return "".join(said)

    def close(self):
        self.socket.close()
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/api/sessions/{self.session['id']}", method="DELETE"), timeout=30)


def cells(path):
    """The sources of a notebook's code cells."""
    read = json.loads(Path(path).read_text("utf8"))["cells"]
    return ["".join(cell["source"]) for cell in read if cell["cell_type"] == "code"]


def memory(pid, what="Pss"):
    """MB of a process: its share (Pss) now."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1000


def peak(pid):
    """MB that a process held at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000


def busy(pid):
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
