"""The declaration of a live figure: one statement, read by a kernel, a page, paper and a screen reader."""

import itertools
import re
from dataclasses import dataclass, field

import torch

from companion.flow import identity, rk4
from companion.inputs import a_count, a_function, a_number, a_state
from companion.live.controls import Button, Choice, Slider
from companion.live.views import View
from companion.state import one, parts

ENGINES = (None, "kernel")
# A name is the same everywhere: the taught function's parameter, the control that sets it, the input of its
# graph, and what the page sends. These names are no control's; front/contract.js says what each of them means.
RESERVED = ("t", "k", "dt", "x", "xi", "i", "p")


@dataclass(frozen=True)
class Figure:
    """What `live` was told. Use `live`, which checks; fields have the names of its arguments."""

    dynamics: object
    start: object
    name: str
    views: tuple
    sentence: str
    alt: str
    caption: str = ""
    controls: dict = field(default_factory=dict)
    readouts: dict = field(default_factory=dict)
    dt: object = 1.0
    method: object = rk4
    project: object = identity
    noise: bool = False
    substeps: int = 1
    frames: int = 150
    pace: str = "linear"
    still: int = 150
    shape: tuple = None
    seed: int = 0
    show: object = identity
    engine: str = None
    dtype: torch.dtype = torch.float32
    shipped: bool = True
    members: tuple = None
    together: tuple = None

    @property
    def sliders(self):
        """Names of the sliders."""
        return [name for name, c in self.controls.items() if isinstance(c, Slider)]

    @property
    def choices(self):
        """Names of the choices."""
        return [name for name, c in self.controls.items() if isinstance(c, Choice)]

    @property
    def buttons(self):
        """Names of the buttons."""
        return [name for name, c in self.controls.items() if isinstance(c, Button)]

    @property
    def options(self):
        """Every combination of the choices, as dictionaries name -> chosen label."""
        return [dict(zip(self.choices, labels, strict=True)) for labels in itertools.product(*(self.controls[n].options for n in self.choices))]

    @property
    def defaults(self):
        """The controls' first values."""
        return {name: c.value for name, c in self.controls.items() if not isinstance(c, Button)}

    def sized(self, values):
        """The shape of the start noise when sliders have these values."""
        return tuple(int(values[s]) if isinstance(s, str) else s for s in self.shape)


def _fields(sentence):
    """Names used by a sentence's fields; only {name}, {name:.Nf}, .Ne, .Ng are understood by the page."""
    found = re.findall(r"\{([^{}]*)\}", sentence)
    for item in found:
        if not re.fullmatch(r"\w+(:\.\d+[feg])?", item):
            raise ValueError(f"sentence has the field {{{item}}}; expected {{name}}, {{name:.2f}}, {{name:.1e}} or {{name:.3g}}.")
    return [item.split(":")[0] for item in found]


def _text(value, name):
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} = {value!r}; expected a text: what is to be seen, for readers who do not see it.")


def _check_names(f):
    if not isinstance(f.name, str) or not re.fullmatch(r"[A-Za-z]\w*", f.name):
        raise ValueError(f"name = {f.name!r}; expected a short identifier, e.g. 'tokens'.")
    if not isinstance(f.controls, dict):
        raise TypeError(f"controls is {f.controls!r}; expected a dictionary name -> Slider, Choice or Button.")
    for name, control in f.controls.items():
        if not isinstance(control, (Slider, Choice, Button)):
            raise TypeError(f"controls[{name!r}] is a {type(control).__name__}; expected Slider, Choice or Button.")
        if name in RESERVED or not name.isidentifier():
            raise ValueError(f"controls has the name {name!r}; expected an identifier other than {RESERVED}.")
    known = {"t", "k", *f.defaults, *f.readouts}
    for name in _fields(f.sentence):
        if name not in known:
            raise ValueError(f"sentence speaks of {name!r}; expected one of {sorted(known)}.")
    for view in f.views:
        for name in view.options.get("readouts", ()):
            if name not in f.readouts:
                raise ValueError(f"curves asks for the readout {name!r}; expected one of {sorted(f.readouts)}.")


def _check_parts(f):
    for name in () if callable(f.start) else parts(f.start):
        if name in {*RESERVED, *f.controls} - {"x"}:
            raise ValueError(f"the state has a part {name!r}; expected another name: it is a control's, or one of {RESERVED}.")


def _check_members(f):
    if f.members is None:
        return
    if not (isinstance(f.members, tuple) and len(f.members) == 2):
        raise ValueError(f"members = {f.members!r}; expected (axis, names): the axis of the state whose entries go each their own way, "
                         "and their names, or one word for all, as 'starts'.")
    axis, names = f.members
    a_count(axis, "members[0]", least=0)
    if not (isinstance(names, str) or (isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names))):
        raise TypeError(f"members[1] = {names!r}; expected a list of names, or one word for all, as 'starts'.")
    if not callable(f.start):
        axes = min(part.ndim for part in parts(f.start).values())
        if axis >= axes:
            raise ValueError(f"members[0] = {axis}; expected one of the {axes} axes of the state, counted from 0.")
        sizes = {part.shape[axis] for part in parts(f.start).values()}
        if len(sizes) > 1 or (not isinstance(names, str) and len(names) not in sizes):
            many = " or ".join(map(str, sorted(sizes)))
            raise ValueError(f"members has {many} members and {len(names)} names; expected a name for each, and as many in every part.")


def _check_together(f):
    if f.together is None:
        return
    if not (isinstance(f.together, tuple) and len(f.together) == 2):
        raise ValueError(f"together = {f.together!r}; expected (steps, why).")
    steps, why = f.together
    a_count(steps, "together[0]")
    _text(why, "together[1]")


def _check_numbers(f):
    for name in ("substeps", "frames", "still"):
        a_count(getattr(f, name), name)
    if f.pace not in ("linear", "log"):
        raise ValueError(f"pace = {f.pace!r}; expected 'linear' or 'log'.")
    if f.engine not in ENGINES:
        raise ValueError(f"engine = {f.engine!r}; expected None (the page) or 'kernel'.")
    if not isinstance(f.shipped, bool):
        raise TypeError(f"shipped = {f.shipped!r}; expected True, or False for a figure that holds what the notebook has just trained.")
    if isinstance(f.dt, str):
        if f.dt not in f.sliders:
            raise ValueError(f"dt = {f.dt!r}; expected a number or one of the sliders {f.sliders}.")
    else:
        a_number(f.dt, "dt", above=0)
    if f.noise and f.method is not None:
        raise ValueError("noise=True with a method; expected method=None and a map step(k, x, xi): noise enters a map, not a field.")
    for name in f.shape or ():
        if isinstance(name, str) and (name not in f.sliders or f.controls[name].acts != "start"):
            raise ValueError(f"shape speaks of {name!r}; expected a number or a slider with acts='start'.")


def declare(dynamics, start, *, view, dt=None, method=rk4, still=None, frames=150, dtype=None, **given):
    """A checked Figure. Raises TypeError, ValueError."""
    a_function(dynamics, "dynamics")
    views = tuple(view) if isinstance(view, (list, tuple)) else (view,)
    for v in views:
        if not isinstance(v, View):
            kinds = "plane, landscape, circle, sphere, histogram, density, curves, matrix or picture"
            raise TypeError(f"view has a {type(v).__name__}; expected {kinds}.")
    if method is not None and dt is None:
        raise ValueError("dt is missing; expected dt=0.1 for a field v(t, x), or method=None for a map step(k, x).")
    if callable(start) and given.get("shape") is None:
        raise ValueError("start is a function and shape is missing; expected shape=(n, d), the shape of its noise.")
    if not callable(start):
        a_state(start, "start")
        for part in parts(start).values():
            if not part.numel():
                raise ValueError(f"start has shape {tuple(part.shape)}; expected a state of at least one number.")
    dtype = dtype or (torch.float32 if callable(start) else one(start).dtype)
    figure = Figure(dynamics, start, views=views, dt=1.0 if dt is None else dt, method=method, frames=frames,
                    still=frames if still is None else still, dtype=dtype, **given)
    _text(figure.alt, "alt"), _text(figure.sentence, "sentence")
    _check_names(figure)
    _check_numbers(figure)
    _check_parts(figure)
    _check_members(figure)
    _check_together(figure)
    return figure
