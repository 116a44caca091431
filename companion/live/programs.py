"""The taught functions of a figure as programs: named tensors in, named tensors out. Torch runs them, and the page runs their graphs.

The names are agreed on with the page (front/contract.js): an input has its control's name, which is the parameter's.
"""

import inspect

import torch

from companion.state import by_parts, each, one, parts


def keywords(f, positional):
    """Names that f accepts by keyword after `positional` arguments; None if it accepts any."""
    parameters = list(inspect.signature(f).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    taken = {p.name for p in by_place[:positional]}
    return [p.name for p in parameters if p.name not in taken and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def call(f, *args, **known):
    """f(*args) with those of the known values that it names."""
    names = keywords(f, len(args))
    return f(*args, **(known if names is None else {n: known[n] for n in names if n in known}))


def _values(figure, option, inputs):
    """What a taught function may ask for by name: time, step number, sliders, chosen objects."""
    known = {name: inputs[name] for name in figure.sliders}
    known.update({name: figure.controls[name].options[chosen] for name, chosen in option.items()})
    return {**known, "t": inputs["t"], "k": inputs["k"]}


def step(figure, option):
    """x -> the next x; with members also which of them rest, because they would overflow."""
    def program(inputs):
        known, x = _values(figure, option, inputs), inputs["x"]
        if figure.method is not None:
            x = by_parts(figure.method)(lambda s, y: call(figure.dynamics, s, y, **known), inputs["t"], x, inputs["dt"])
        elif figure.noise:
            x = call(figure.dynamics, inputs["k"], x, inputs["xi"], **known)
        else:
            x = call(figure.dynamics, inputs["k"], x, **known)
        x = figure.project(x)
        return {"next": x} if figure.members is None else rested(x, inputs["x"], figure.members[0])
    return program


def rested(new, old, axis):
    """The state `new`, in which a member (an entry of `axis`) that is not finite stays as in `old`: next, and gone (members,), 1 where it stayed."""
    alive = None
    for part in parts(new).values():
        finite = torch.isfinite(part)
        for j in range(part.ndim):
            if j != axis:
                finite = finite.all(j, keepdim=True)
        alive = finite if alive is None else alive & _along(axis, finite.reshape(-1), alive.ndim)
    moved = each(lambda new, old: torch.where(_along(axis, alive, new.ndim), new, old), new, old)
    return {"next": moved, "gone": (~alive).to(one(new).dtype).reshape(-1)}


def _along(axis, x, ndim):
    """x, numbers along one axis, as a tensor of ndim axes."""
    return x if x.ndim == ndim > 1 else x.reshape([-1 if j == axis else 1 for j in range(ndim)])


def start(figure, option):
    """xi -> x0."""
    return lambda inputs: {"next": call(figure.start, inputs["xi"], **_values(figure, option, inputs))}


def see(figure, option):
    """x -> what the views draw, the readouts, the reference and target curves."""
    def program(inputs):
        known, x, out = _values(figure, option, inputs), inputs["x"], {}
        for name, f in figure.readouts.items():
            out[f"readout:{name}"] = call(f, x, **known)
        for j, view in enumerate(figure.views):
            if view.kind != "curves":
                out[f"show{j}"] = call(view.show or figure.show, x, **known)
            for name in ("under", "segments", "cells"):
                if getattr(view, name):
                    out[f"{name}{j}"] = call(getattr(view, name), x, **known)
            for label, f in view.reference.items():
                out[f"ref:{j}:{label}"] = call(f, **known)
            if callable(view.target):
                line = (view.grid(one(x).dtype).to(one(x).device),) if view.kind in ("histogram", "density") else ()
                out[f"target{j}"] = call(view.target, *line, **known)
        return {name: torch.as_tensor(value, dtype=one(x).dtype, device=one(x).device) + 0 for name, value in out.items()}
    return program


def ground(figure, option):
    """Controls -> the potential on each landscape's grid."""
    def program(inputs):
        known = _values(figure, option, inputs)
        return {f"ground{j}": call(view.ground, view.grid(figure.dtype), **known) + 0 for j, view in enumerate(figure.views) if view.ground}
    return program


def put(figure, option):
    """x, i, p -> x with its i-th point at p, as the view that can be dragged says."""
    view = next(v for v in figure.views if v.put)
    return lambda inputs: {"next": call(view.put, inputs["x"], inputs["i"], inputs["p"], **_values(figure, option, inputs))}


def press(figure, option, name):
    """x -> act(x), the button's act."""
    return lambda inputs: {"next": each(lambda part: part + 0, call(figure.controls[name].act, inputs["x"], **_values(figure, option, inputs)))}


def programs(figure, option):
    """All programs of one choice of options, by name."""
    found = {"step": step(figure, option), "see": see(figure, option)}
    if callable(figure.start):
        found["start"] = start(figure, option)
    if any(v.ground for v in figure.views):
        found["ground"] = ground(figure, option)
    if any(v.put for v in figure.views):
        found["put"] = put(figure, option)
    for name in figure.buttons:
        found[f"button:{name}"] = press(figure, option, name)
    return found
