"""The live figure in JupyterLab, Colab, VS Code: an anywidget whose kernel hands out files, and computes when asked to."""

import anywidget
import torch
import traitlets

from companion.device import device
from companion.live import assets
from companion.live.export import flat
from companion.live.run import Moment, Run


def answer(figure, request, buffers, where):
    """(content, buffers) for a request of the page to the kernel: start, advance, put, button. State and request travel whole."""
    run = Run(figure, {k: v for k, v in request["controls"].items()}, request["seed"], where)
    if request["op"] == "start":
        moment = run.begin()
    else:
        parts = [torch.frombuffer(bytearray(data), dtype=figure.dtype).reshape(shape).to(where)
                 for data, shape in zip(buffers, request["shapes"], strict=True)]
        moment = Moment(request["k"], request["t"], state_of(run, parts))
    if request["op"] == "advance":
        moment = run.advance(moment, request["steps"])
    if request["op"] == "put":
        moment = run.touch(moment, "drag", [request["i"], *request["p"]])
    if request["op"] == "button":
        moment = run.touch(moment, request["name"], True)
    outputs = flat({"next": moment.x}) | run.see(moment) | run.grounds()
    content = {"op": "advanced", "id": request["id"], "k": moment.k, "t": moment.t, "dtype": str(figure.dtype).split(".")[1],
               "outputs": [{"name": n, "shape": list(v.shape)} for n, v in outputs.items()]}
    return content, [v.detach().to(figure.dtype).cpu().contiguous().numpy().tobytes() for v in outputs.values()]


def state_of(run, parts):
    """The state with these parts, of the kind that the run begins with."""
    begun = run.begin().x
    return type(begun)(*parts) if isinstance(begun, tuple) else parts[0]


class Live(anywidget.AnyWidget):
    """The widget: `spec` is what the page reads, `tape` its recording; custom messages ask for the runtime (want) or for steps (op).

    What a figure shows at once comes with it: a kernel answers between cells only.
    """

    spec = traitlets.Dict().tag(sync=True)
    tape = traitlets.Unicode().tag(sync=True)

    def __init__(self, shown):
        self._esm, self._css = assets.module(), assets.style()
        self.shown = shown
        super().__init__(spec=shown.spec, tape=shown.tape)
        self.on_msg(self._answer)

    def _answer(self, _widget, request, buffers):
        if request.get("want") == "runtime":
            self.send({"asset": "runtime"}, buffers=list(assets.runtime()))
        elif "op" in request:
            try:
                self.send(*answer(self.shown.figure, request, buffers, device()))
            except Exception as error:  # the page shows it: a message that is lost leaves a figure that waits for ever
                self.send({"op": "failed", "id": request.get("id"), "error": f"{type(error).__name__}: {error}"})
