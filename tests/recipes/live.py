"""Valid calls of live, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""

import torch

from companion.flow import flow
from companion.live import Slider, plane
from companion.live.figure import declare
from tests.fuzzing import Recipe, bowl, normal

L = "companion.live."
BOX = {"x": (-1.0, 1.0), "y": (-2.0, 2.0)}


def told():
    """What every figure is told."""
    return {"name": "points", "view": plane(**BOX), "sentence": "t = {t:.1f}", "alt": "Three points."}


def figure():
    return declare(lambda t, x: -x, normal(3, 2), dt=0.1, controls={"rate": Slider(0, 3, 1.5)}, frames=1, **told())


def path():
    return flow(lambda t, x: -x, normal(3, 2), 1.0, 2)


def seen(*show, **more):
    """The options that views share, each with another value."""
    words = {name: "A word" for name in ("title", "xlabel", "ylabel")}
    every = {"names": ["one"], "labels": [0, 1], "show": lambda x: x, "target": lambda s: s, "ymax": 2.0, **words}
    return {name: every[name] for name in show} | more


ROUND = seen("show", "title", "labels", "names")
BOXED = seen("show", "title", "labels", "names", "target", "xlabel", "ylabel", drag=True, colors=torch.zeros(2, 3),
             target_colors=torch.zeros(2, 3), under=lambda x: x, segments=lambda x: x, cells=lambda x: x,
             ground=lambda x: x)

NAMES = {"lo": lambda: -1.0, "hi": lambda: 2.0}

RECIPES = {
    L + "live": Recipe(lambda: {"dynamics": lambda t, x: -x, "start": normal(3, 2), "dt": 0.1, "frames": 1, **told()}),
    L + "recording.play": Recipe(lambda: {"tapes": path(), **told()}, other={"controls": {"a": Slider(values=[1, 2])}}),
    L + "run.replay": Recipe(lambda: {"figure": figure(), "events": [(1, "rate", 2.0)], "n": 3}, shape=(4, 3, 2)),
    L + "views.circle": Recipe(other=ROUND), L + "views.sphere": Recipe(other=ROUND),
    L + "views.curves": Recipe(other=seen("title", "names", "xlabel", "ylabel", reference={"law": bowl}, xlim=(0.0, 1.0), ylim=(0.0, 1.0))),
    L + "views.density": Recipe(other=seen("show", "target", "ymax", "names", "title", "xlabel", "ylabel")),
    L + "views.histogram": Recipe(other=seen("show", "target", "ymax", "names", "title", "xlabel")),
    L + "views.landscape": Recipe(lambda: dict(BOX)),
    L + "views.matrix": Recipe(other=seen("show", "title", "xlabel", "ylabel")),
    L + "views.picture": Recipe(other=seen("show", "title")),
    L + "views.plane": Recipe(lambda: dict(BOX), other=BOXED | {"kind": "landscape"}),
}
