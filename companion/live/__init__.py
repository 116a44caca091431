"""Live figures: one declaration in the notebook, moved by a reader with a kernel, without one, on paper, or by ear.

`live` runs the taught torch function in the page; `play` shows a recording; `replay` is torch's own run of what a reader did.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from companion import callable_module
from companion.live.controls import Button, Choice, Slider
from companion.live.figure import declare
from companion.live.recording import play
from companion.live.run import replay
from companion.live.views import View, circle, curves, density, histogram, landscape, matrix, picture, plane, sphere
from companion.live.widget import Shown

__all__ = ["Button", "Choice", "Slider", "circle", "curves", "density", "histogram", "landscape", "live", "matrix", "picture", "plane", "play",
           "replay", "sphere"]


def live(dynamics: Callable, start: torch.Tensor | Callable, *, name: str, view: View | Sequence[View], sentence: str, alt: str,
         **options: Any) -> Shown:
    """A figure that runs `dynamics` from `start` in the reader's page.

    dynamics: a field v(t, x, controls) with dt=..., stepped by `method` (rk4) then `project`; or with method=None a map step(k, x, controls),
    step(k, x, xi, controls) if noise=True (then dt is only the clock). start: a state (a tensor, or a
    flat NamedTuple of tensors, whose parts the graph and the page keep by name), or start(xi, controls) with shape=(n, d), the noise's.
    Options: caption, controls (name -> Slider, Choice, Button), readouts (name -> f(x, t, controls)), dt, method, project, noise, substeps, frames,
    pace ("linear", "log"), still, shape, seed, show, engine (None: the page; "kernel": the kernel's device),
    members ((axis, names): the entries of an axis of the state that go each their own way; one that would overflow rests, the others go on),
    together ((steps, why): how long two roundings of a run stay together, where rounding grows; without it the whole run is compared with torch's),
    shipped (False: its graphs hold what this run has trained, no two machines alike to the last bit; they live in the page, not in the package).
    The figure is shown by naming it in a cell; figure.save("mine.html") makes one page of it that lives without Python and without a network.
    `alt` says what is to be seen; `sentence` what has happened, with fields {t:.1f}, {readout:.0f}. Raises TypeError, ValueError.
    """
    return Shown(declare(dynamics, start, name=name, view=view, sentence=sentence, alt=alt, **options))


callable_module(__name__)
