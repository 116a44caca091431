"""torch to ONNX: each program of a figure becomes a small graph that the page steps.

A program is traced (0.1 s); the trace names the graph: its key is a hash of the operations and constants, so a graph can never be stale.
Graphs are looked up in the package, then in the reader's cache, and exported (seconds) only when no one has seen that trace before.
"""

import hashlib
import logging
import warnings

import torch

from companion.live import constants, store
from companion.live.models import Broken, checked, stripped, unmarked
from companion.live.precise import PRECISE
from companion.live.programs import programs
from companion.live.run import Run
from companion.state import each, parts

VERSION = "3"  # of this exporter: part of every key
ODD = 37  # points in a trace with a symbolic number of points: a size nobody uses, so that nothing is merged with it


def examples(figure, name, start):
    """Example inputs of a program, and for each the axis whose size is the reader's. Distinct tensors: equal ones would merge."""
    def number(i):
        return torch.tensor(0.1 + 0.01 * i, dtype=figure.dtype)

    axis = free_axes(figure, start)
    x = like_start(start, axis)
    inputs = {n: number(i) for i, n in enumerate(["t", "k", "dt", *figure.sliders])}
    if name == "start":
        inputs["xi"] = torch.rand([ODD if isinstance(s, str) else s for s in figure.shape], dtype=figure.dtype)
        return inputs, {"xi": {j: "n" for j, s in enumerate(figure.shape) if isinstance(s, str)}} if axis else {}
    if name != "ground":
        inputs["x"] = each(torch.clone, x)
    if name == "step" and figure.noise:
        inputs["xi"] = each(torch.rand_like, x)
    if name == "put":
        inputs.update(i=torch.tensor(1), p=torch.rand(2, dtype=figure.dtype))
    free = {n: axis.get("x" if n == "xi" else n.removeprefix("xi.")) for n in flat(inputs)} if axis else {}
    return inputs, {n: {j: "n"} for n, j in free.items() if j is not None}


def free_axes(figure, start):
    """{part of the state: its axis whose size a slider sets}: a start of another size shows it; a tensor has it where its noise has it."""
    places = [(j - len(figure.shape), s) for j, s in enumerate(figure.shape or ()) if isinstance(s, str)]
    if not places or not isinstance(start, tuple):
        return {"x": start.ndim + places[0][0]} if places else {}
    slider = figure.controls[places[0][1]]
    other = Run(figure, {places[0][1]: slider.lo if slider.value != slider.lo else slider.hi}).begin().x
    moved = {name: [j for j, (a, b) in enumerate(zip(x.shape, y.shape, strict=True)) if a != b]
             for (name, x), y in zip(parts(start).items(), other, strict=True)}
    return {name: found[0] for name, found in moved.items() if found}


def like_start(start, axis):
    """The start; where sizes are the reader's, with ODD points."""
    if not axis:
        return start
    names = iter(parts(start))

    def odd(part):
        free = axis.get(next(names))
        return part if free is None else torch.rand([ODD if j == free else s for j, s in enumerate(part.shape)], dtype=part.dtype)

    return each(odd, start)


def flat(values):
    """The tensors of a program's inputs or outputs by their names in the graph: the parts of the state by their own, all others as next.v, xi.v."""
    found = {}
    for name, value in values.items():
        found.update({part if name in ("x", part) else f"{name}.{part}": tensor for part, tensor in parts(value, name).items()})
    return found


def apart(tensors):
    """The tensors, none twice: of two parts that are the same tensor, as a start may have them,
    the exporter would give one output."""
    seen = {}
    return tuple(t.clone() if seen.setdefault(id(t), k) != k else t for k, t in enumerate(tensors))


def trace(program, inputs, axes):
    """The program as a torch.fx graph of plain operations, gradients included, with its output names."""
    from torch.fx.experimental.proxy_tensor import make_fx

    found = []

    def plain(*args):
        left = iter(args)
        out = flat(program({name: each(lambda _: next(left), value) for name, value in inputs.items()}))
        found[:] = list(out)
        return apart(out.values())

    mode = "symbolic" if axes else "fake"
    graph = make_fx(plain, decomposition_table=PRECISE, tracing_mode=mode, _allow_non_fake_inputs=True)(*flat(inputs).values())
    return constants.kept(graph), list(found)


def key(graph, inputs, axes, outputs):
    """Hash of the operations, the constants and the signature."""
    h = hashlib.sha256(f"{VERSION}|{graph.code}|{outputs}|{axes}".encode())
    for name, value in inputs.items():
        shape = [axes.get(name, {}).get(j, s) for j, s in enumerate(value.shape)]
        h.update(f"{name}{shape}{value.dtype}".encode())
    for name, value in _constants(graph):
        h.update(f"{name}{tuple(value.shape)}{value.dtype}".encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return h.hexdigest()[:20]


def _constants(graph):
    names = sorted({n.target for n in graph.graph.nodes if n.op == "get_attr"})
    return [(name, getattr(graph, name)) for name in names if isinstance(getattr(graph, name), torch.Tensor)]


def to_onnx(graph, inputs, axes, outputs):
    """Bytes of the stripped ONNX graph: about 1-4 kB and the constants. Raises Broken if a page could not run it."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    dims = torch.export.Dim("n", min=2)
    shapes = tuple({j: dims for j in axes[n]} if n in axes else None for n in inputs) if axes else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(graph, tuple(inputs.values()), dynamo=True, dynamic_shapes=shapes, opset_version=20, verbose=False,
                                    input_names=[f"{n}:" for n in inputs], output_names=outputs, optimize=False)
    return checked(unmarked(stripped(constants.lean(program))))


class Missing(Exception):
    """A graph that nobody has exported yet."""


def graph_of(figure, program, name, start, *, export=True):
    """(key, bytes) of one program: from the shipped graphs, the reader's cache, or exported now. Raises Missing if export=False."""
    inputs, axes = examples(figure, name, start)
    traced, outputs = trace(program, inputs, axes)
    inputs = flat(inputs)
    k = key(traced, inputs, axes, outputs)
    data = store.find(k)
    if data is None and not export:
        raise Missing(f"{figure.name}: {name}")
    if data is None:
        try:
            data = to_onnx(traced, inputs, axes, outputs)
        except Broken as error:
            raise Broken(f"figure {figure.name}, {name}: {error}") from error
        if figure.shipped:
            store.keep(k, data)
    return k, data


def graphs(figure, *, export=True):
    """(programs, graphs): for each choice of options the keys of its programs; for each key the bytes.

    Raises Missing if export=False and a graph is not there yet. Torch's tracer keeps global state: call it in the reader's own thread only.
    """
    table, found = {}, {}
    for option in figure.options:
        start = each(lambda part: part.detach().cpu(), Run(figure, option).begin().x)
        row = table.setdefault("|".join(option.values()), {})
        for name, program in programs(figure, option).items():
            row[name], data = graph_of(figure, program, name, start, export=export)
            found[row[name]] = data
    return table, found
