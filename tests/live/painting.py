"""What a view of the page paints: its operations, in the order in which they are done, in CSS pixels."""

import json
import math
import re

from tests.live.javascript import page

PAPER, INK, MUTED, GROUND = "#ffffff", "#101010", "#808080", "#4a6a8c"
COLORS = ("#0000a0", "#a00001", "#00a002", "#a000a3", "#a0a004", "#00a0a5", "#500006", "#005007")  # stub.js
MINUS, RAISED = "\u2212", dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True))
PAINT = """
function paintOnce({ views, j = 0, figure = {}, frames, index = frames.length - 1, extra = {}, width, after = "" }) {
  stub.width = width;
  const whole = { controls: [], frames: 150, substeps: 1, dt: 1, engine: "page", alt: "What is seen", views, ...figure };
  const filled = (data) => Float64Array.from(data, (v) => (v === null ? NaN : v));
  for (const { arrays } of frames) for (const array of Object.values(arrays)) array.data = filled(array.data);
  const moved = [], chosen = [];
  const view = makeView(views[j], whole, { drag: (i, p) => moved.push([i, ...p]), select: (i) => chosen.push(i) });
  view.draw(frames[index], frames, index, extra);
  const more = new Function("view", "frames", "extra", after)(view, frames, extra);
  const grip = view.grip && { x: [view.grip.xs.lo, view.grip.xs.hi], box: view.grip.box };
  return { ops: view.surface.g.ops, width: view.surface.width, height: view.surface.height, moved, chosen, more, grip,
    canvas: [view.canvas.width, view.canvas.height, view.canvas.style.height], label: view.canvas.attributes["aria-label"],
    spoken: view.element.children[view.element.children.length - 1].text };
}"""


class Painted:
    """The operations of one canvas; `said`: what else the view told."""

    def __init__(self, said):
        self.said, self.ops = said, said["ops"]
        self.width, self.height = said["width"], said["height"]

    def of(self, *kinds, **wanted):
        """The operations of these kinds whose entries have these values."""
        return [op for op in self.ops if op["op"] in kinds and all(op.get(k) == v for k, v in wanted.items())]

    def words(self):
        """{text: (x, y)} of all texts."""
        return {op["text"]: tuple(op["at"]) for op in self.of("fillText")}

    def marks(self):
        """Filled marks inside a clipped plot: [(x, y, group's corners, style, radius, alpha)]."""
        return [(*mark(op["path"]), op["style"], op["alpha"]) for op in self.of("fill") if op["clip"]]

    def ticks(self, align):
        """[(value, pixel)] of the ticks below ("center") or at the left ("right")."""
        axis = 0 if align == "center" else 1
        found = [
            (number(op["text"]), op["at"][axis])
            for op in self.of("fillText", align=align)
            if number(op["text"]) is not None
        ]
        return sorted(found)

    def scale(self, align, log=False):
        """value -> pixel, read from the first and the last tick, which stand on half pixels."""
        (a, p), *_, (b, q) = ((v, pixel - 0.5) for v, pixel in self.ticks(align))
        f = math.log if log else float
        return lambda v: p + (f(v) - f(a)) * (q - p) / (f(b) - f(a))


def number(text):
    """The value of a tick's text, or None."""
    text = text.replace(MINUS, "-")
    if powers := re.fullmatch(r"(-?)(?:([\d.]+)\u202f×\u202f)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text):
        sign, factor, power = powers.groups()
        return (-1 if sign else 1) * float(factor or 1) * 10.0 ** int("".join(RAISED[c] for c in power))
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def mark(path):
    """(x, y, radius, corners) of a mark's path: corners 0 is a disc."""
    if path[1][0] == "A":
        _, x, y, r, start, end = path[1]
        assert (start, end) == (0, 2 * math.pi) and path[0] == ["M", x + r, y]
        return x, y, r, 0
    assert path[0][0] == "M" and path[-1] == ["Z"]
    points = [p[1:] for p in path[:-1]]
    x, y = (sum(c) / len(points) for c in zip(*points, strict=True))
    return x, y, max(math.dist((x, y), p) for p in points), len(points)


def array(values, shape=None):
    """A tensor, or nested lists, as an array of a frame."""
    if hasattr(values, "tolist"):
        shape, values = list(values.shape), values.tolist()
    found, inner = [], values
    while isinstance(inner, (list, tuple)):
        found.append(len(inner))
        inner = inner[0] if inner else None
    return {"data": [v if math.isfinite(v) else None for v in flatten(values)], "shape": shape or found}


def flatten(values):
    """The numbers of nested lists, in order."""
    return [number for v in values for number in flatten(v)] if isinstance(values, (list, tuple)) else [values]


def frame(show=None, *, k=0, t=None, **arrays):
    """A frame of the page: show is the first view's; names may hold a colon as two underscores: readout__E."""
    named = {name.replace("__", ":"): array(v) for name, v in arrays.items()}
    return {
        "number": k,
        "k": k,
        "t": k if t is None else t,
        "arrays": {**({} if show is None else {"show0": array(show)}), **named},
    }


def paint(view, *frames, width=500, before="", **more):
    """Paint a declared view (companion.live) at the last of these frames, or at `index`."""
    views = [v.spec() for v in (view if isinstance(view, list) else [view])]
    asked = json.dumps({"views": views, "frames": list(frames), "width": width, **more})
    return Painted(page(f"paintOnce({asked})", PAINT + before))
