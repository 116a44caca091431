"""What a cell shows: the live figure in a notebook (anywidget), in a page (HTML with the spec), on paper (PNG)."""

import base64
import html
import json
import os
from functools import cached_property
from pathlib import Path

import torch

from companion.figures.numbers import said
from companion.live import assets, export, saving
from companion.live.exporter import export_elsewhere, never
from companion.live.poster import poster
from companion.live.run import random
from companion.live.store import packed
from companion.live.tapes import default_tape
from companion.state import parts

# In JupyterLab: the saved figure goes when the living one stands below it, and stands in for the error of a widget that has no kernel.
SAVED_STYLE = ("<style>.live-saved[hidden], .jp-OutputArea-child:has(.live-saved):has(+ .jp-OutputArea-child figure.live), "
               ".jp-OutputArea-child:has(.live-saved) + .jp-OutputArea-child .jupyter-widgets:not(:has(*)) { display: none !important } "
               ".live-saved { margin: 0 } .live-saved img { max-width: 100% }</style>")
DTYPES = {torch.float32: "float32", torch.float64: "float64"}


def resting(names, gone):
    """The sentence on the members that would overflow and rest instead; gone: a number for each, 0 if it moves. The page says the same."""
    lost = [i for i, value in enumerate(gone) if value]
    if not lost:
        return ""
    rests = "rests where it was" if len(lost) == 1 else "rest where they were"
    if isinstance(names, str):
        return f" {len(lost)} of {len(gone)} {names} overflowed and {rests}."
    return f" Overflowed: {', '.join(names[i] for i in lost)}; {rests}."


def spec(figure, table, found, tape_id, *, runs=("",), engine=None):
    """The figure as the page reads it (JSON)."""
    start = None if callable(figure.start) else {name: _start(part) for name, part in parts(figure.start).items()}
    keys = ("name", "alt", "caption", "sentence", "noise", "seed", "dt", "substeps", "frames", "pace", "still", "shipped")
    return {
        **{k: getattr(figure, k) for k in keys},
        "engine": engine or figure.engine or "page",
        "state": {"dtype": DTYPES[figure.dtype], "start": start},
        "random": random(figure),
        "xi": list(figure.shape) if callable(figure.start) else None,
        "controls": [c.spec(name) for name, c in figure.controls.items()],
        "readouts": list(figure.readouts),
        "members": None if figure.members is None else figure.members[1],
        "views": [v.spec() for v in figure.views],
        "programs": table,
        "graphs": written(found),
        "tape": {"id": tape_id, "runs": list(runs)},
    }


def _start(part):
    """A part of the start as text."""
    return {"shape": list(part.shape), "data": base64.b64encode(part.detach().cpu().contiguous().numpy().tobytes()).decode()}


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

    @cached_property
    def png(self):
        """The still picture, at the declared frame."""
        return poster(self.figure, self.seen, recorded=self.spec["engine"] == "recording")

    @property
    def sentence(self):
        """What the figure says at its still frame."""
        moment, seen = self.seen[-1]
        values = {n[8:]: float(v) for n, v in seen.items() if n.startswith("readout:")}
        text = said(self.figure.sentence, {**self.figure.defaults, **values, "t": moment.t, "k": moment.k})
        return text + (resting(self.figure.members[1], seen["gone"].tolist()) if "gone" in seen else "")

    def html(self):
        """The figure of a page: poster, caption, spec. `<` is written so that no text can end the script."""
        data = json.dumps(self.spec, separators=(",", ":")).replace("<", "\\u003c")
        caption = f"<figcaption>{html.escape(self.figure.caption)}</figcaption>" if self.figure.caption else ""
        return (f'<figure class="live" id="live-{self.figure.name}">{self._picture()}'
                f'<p class="live-sentence live-still">{html.escape(self.sentence)}</p>{caption}'
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

    def save(self, path: str | os.PathLike, *, title: str | None = None, lang: str = "en") -> Path:
        """Write the figure as one page, e.g. save("mine.html"), and return its path: it plays by double click, without Python or a network.

        A figure that computes in the page has its graphs exported now (seconds, with onnx and onnxscript installed) and weighs 5 MB, nearly all
        of it the runtime; a recording weighs what was recorded. title: the page's heading (else the figure's name); lang: the language of its words.
        Raises ValueError where only a kernel can compute the figure, TypeError and ValueError for a path that cannot be one.
        """
        self._for_a_page()
        return saving.write(self, path, title, lang)

    def _for_a_page(self):
        """See that the spec holds the graphs. Raises ValueError in words."""
        name = self.figure.name
        if self.figure.engine == "kernel":
            raise ValueError(f"the figure {name!r} has engine='kernel', and a page has no kernel; declare it without engine=..., "
                             "or record its run: play(path, ...).save(...).")
        if self.spec["engine"] != "kernel":
            return
        try:
            self.spec = self._spec(wait=True)
        except ImportError as error:
            raise ValueError(f"the figure {name!r} must be exported for a page, and {error.name} is missing: pip install onnx onnxscript.") from error
        except Exception as error:  # torch's tracer and exporter, onnx: each has error classes of its own
            raise ValueError(f"the figure {name!r} cannot be exported for a page ({str(error).strip()[:200]}); "
                             "record its run: play(path, ...).save(...).") from error

    def saved(self):
        """What a notebook keeps of the figure when its kernel is gone: poster, sentence, what to do. Hidden while the figure lives.

        JupyterLab says "model not found" of a widget without a kernel, and shows nothing else of that output: this is an output of its own.
        """
        return (f'<figure class="live-saved" data-tape="{self.tape_id}">{SAVED_STYLE}{self._picture()}'
                f"<p>{html.escape(self.sentence)}</p><p><em>To move this figure, run the cell again.</em></p></figure>")

    def _picture(self):
        picture = base64.b64encode(self.png).decode()
        return f'<img class="live-poster" alt="{html.escape(self.figure.alt, quote=True)}" src="data:image/png;base64,{picture}">'

    def _repr_mimebundle_(self, **_):
        """One output for a build: the figure of a page. In a notebook the widget."""
        if assets.folder():
            bundle = {"text/plain": self.sentence, "text/html": self.html(), "image/png": base64.b64encode(self.png).decode()}
            return bundle, {"image/png": {"alt": self.figure.alt}}
        data = self.widget()._repr_mimebundle_()
        data = data[0] if isinstance(data, tuple) else data
        return {"text/plain": "", **{k: v for k, v in data.items() if "widget-view" in k}}, {}

    def _ipython_display_(self):
        """Show the figure; in a notebook, what stays of it first."""
        from IPython.display import publish_display_data

        if assets.folder():
            raise NotImplementedError  # IPython then takes the one bundle
        picture = base64.b64encode(self.png).decode()
        publish_display_data({"text/plain": self.sentence, "text/html": self.saved(), "image/png": picture},
                             {"image/png": {"alt": self.figure.alt}})
        publish_display_data(*self._repr_mimebundle_())
