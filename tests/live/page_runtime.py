"""The page's own programs on the page's own runtime (onnxruntime-web), without a browser: a process of Node that a test drives."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from companion.live.assets import RUNTIME
from tests.live.javascript import plain

FILES = ["noise.js", "worker.js", "look.js", "format.js", "tape.js", "page.js", "run.js", "sentence.js"]
DTYPES = {"Float32Array": np.float32, "Float64Array": np.float64}


def node():
    """The path of a Node: the machine's, or the one that drives the browser (it comes with Playwright)."""
    if found := shutil.which("node"):
        return found
    try:
        import playwright
    except ImportError:
        return None
    return shutil.which("node", path=str(Path(playwright.__file__).parent / "driver"))


def unpacked(array):
    return np.frombuffer(base64.b64decode(array["data"]), DTYPES[array["dtype"]]).reshape(array["shape"])


class Page:
    """One figure at a time: open(spec), begin(values, seed), frame(steps), button(name), put(i, p), ground()."""

    def __init__(self):
        source = "\n".join(map(plain, FILES))
        command = [node(), str(Path(__file__).with_suffix(".mjs")), source, str(RUNTIME)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, op, **more):
        """The answer to one request; arrays as NumPy's. Raises RuntimeError with the page's own words."""
        self.process.stdin.write(json.dumps({"op": op, **more}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        for name in ("arrays", "grounds"):
            if name in answer:
                answer[name] = {n: unpacked(a) for n, a in answer[name].items()}
        if "x" in answer:
            answer["x"] = {n: unpacked(a) for n, a in answer["x"].items()}
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
