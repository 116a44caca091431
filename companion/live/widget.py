"""What a cell shows: the live figure in a notebook (anywidget), in a page (HTML with the spec), on paper (PNG)."""

import base64
import html
import json

import torch

from companion.live import assets, export
from companion.live.exporter import export_elsewhere, never
from companion.live.poster import poster
from companion.live.run import random
from companion.live.store import packed
from companion.live.tapes import default_tape

DTYPES = {torch.float32: "float32", torch.float64: "float64"}


def spec(figure, table, found, tape_id, *, runs=("",), engine=None):
    """The figure as the page reads it (JSON)."""
    start = None if callable(figure.start) else base64.b64encode(figure.start.detach().cpu().contiguous().numpy().tobytes()).decode()
    shape = list(figure.shape or ()) if callable(figure.start) else list(figure.start.shape)
    keys = ("name", "alt", "caption", "sentence", "noise", "seed", "dt", "substeps", "frames", "pace", "still", "shipped")
    return {
        **{k: getattr(figure, k) for k in keys},
        "engine": engine or figure.engine or "page",
        "state": {"shape": shape, "dtype": DTYPES[figure.dtype], "start": start},
        "random": random(figure),
        "xi": list(figure.shape) if callable(figure.start) else None,
        "controls": [c.spec(name) for name, c in figure.controls.items()],
        "readouts": list(figure.readouts),
        "views": [v.spec() for v in figure.views],
        "programs": table,
        "graphs": written(found),
        "tape": {"id": tape_id, "runs": list(runs)},
    }


def written(found):
    """Graphs as text: gzip, base64."""
    return {k: base64.b64encode(packed(v)).decode() for k, v in found.items()}


class Shown:
    """A declared figure, ready to be shown. `figure`: the declaration; `spec`: what the page gets; `seen`: the default run's frames."""

    def __init__(self, figure):
        self.figure = figure
        (self.tape_id, self.tape), self.seen = default_tape(figure)
        assets.keep_tape(self.tape_id, self.tape)
        self.spec, self._widget = self._spec(wait=bool(assets.folder())), None
        assets.keep_figure(figure, self.tape_id)

    def _spec(self, *, wait):
        """The spec with its graphs; with the kernel as engine if they are not there yet and we do not wait for them.

        A build fails where a graph cannot be made; a reader's figure is then computed by the kernel.
        """
        if self.figure.engine == "kernel" or never():
            return spec(self.figure, {}, {}, self.tape_id, engine="kernel")
        try:
            return spec(self.figure, *export.graphs(self.figure, export=wait), self.tape_id)
        except Exception:  # Missing, or whatever the tracer says of a function that it cannot follow
            if wait:
                raise
            return spec(self.figure, {}, {}, self.tape_id, engine="kernel")

    @property
    def png(self):
        """The still picture, at the declared frame."""
        return poster(self.figure, self.seen)

    @property
    def sentence(self):
        """What the figure says at its still frame."""
        moment, seen = self.seen[-1]
        values = {n[8:]: float(v) for n, v in seen.items() if n.startswith("readout:")}
        return self.figure.sentence.format(**{**self.figure.defaults, **values, "t": moment.t, "k": moment.k})

    def html(self):
        """The figure of a page: poster, caption, spec. `<` is written so that no text can end the script."""
        data = json.dumps(self.spec, separators=(",", ":")).replace("<", "\\u003c")
        picture = base64.b64encode(self.png).decode()
        caption = f"<figcaption>{html.escape(self.figure.caption)}</figcaption>" if self.figure.caption else ""
        return (f'<figure class="live" id="live-{self.figure.name}"><img class="live-poster" alt="{html.escape(self.figure.alt, quote=True)}" '
                f'src="data:image/png;base64,{picture}"><p class="live-sentence live-still">{html.escape(self.sentence)}</p>{caption}'
                f'<script type="application/json" class="live-spec">{data}</script></figure>')

    def widget(self):
        """The anywidget of a notebook with a kernel; its graphs, if missing, are exported by another process and handed over."""
        if self._widget is None:
            from companion.live.notebook import Live

            self._widget = Live(self)
            if self.spec["engine"] == "kernel" and self.figure.engine != "kernel":
                export_elsewhere(self.figure, self._catch_up)  # Colab has no exporter: there the kernel goes on computing
        return self._widget

    def _catch_up(self, table, found):
        """The graphs have come, in a thread while the reader's cell may be running: nothing of torch's is called here."""
        self._widget.spec = self.spec = {**self.spec, "engine": "page", "programs": table, "graphs": written(found)}

    def _repr_mimebundle_(self, **_):
        bundle = {"text/plain": self.sentence, "text/html": self.html(), "image/png": base64.b64encode(self.png).decode()}
        if not assets.folder():
            data = self.widget()._repr_mimebundle_()
            data = data[0] if isinstance(data, tuple) else data
            bundle.update({k: v for k, v in data.items() if "widget-view" in k})
        return bundle, {"image/png": {"alt": self.figure.alt}}
