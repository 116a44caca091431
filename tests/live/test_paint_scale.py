"""Larger type enlarges every view in proportion: on a canvas twice as large everything stands twice as far, lines are as thick or twice as thick."""

import math

import pytest
import torch

from companion.live import circle, curves, density, histogram, landscape, matrix, plane, sphere
from companion.live.views import GROUND as SIDE
from tests.live.painting import frame, paint

CLOUD = [[0.1 * i - 0.4, math.sin(i) / 2] for i in range(9)]
SPOTS = torch.nn.functional.normalize(
    torch.randn(9, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64), dim=-1
).tolist()
BOX = {"x": (-1, 1), "y": (-1, 1), "xlabel": "x", "ylabel": "y"}
LINES = [frame(k=k, t=k, readout__E=[1.0 + k], readout__F=[9.0 - k], **{"ref:0:a": [5.0]}) for k in range(10)]
VIEWS = {
    "plane": (
        plane(
            **BOX,
            trail=True,
            names=["a", "b"],
            labels=[0, 1],
            target=torch.zeros(1, 2),
            drag=True,
            segments=lambda x: x,
        ),
        [
            frame(CLOUD, segments0=[[[0.0, 0.0], [0.5, 0.5]]]),
            frame(CLOUD[::-1], segments0=[[[0.0, 0.0], [0.5, 0.5]]]),
        ],
    ),
    "joined": (plane(**BOX, joined=True, names=["a", "b"], labels=[0, 1]), [frame(CLOUD)]),
    "landscape": (landscape(lambda p: p, **BOX), [frame(CLOUD)]),
    "circle": (circle(trail=1, names=["a"]), [frame([0.0, 1.0]), frame([0.2, 1.2])]),
    "sphere": (sphere(trail=1, names=["a"]), [frame(SPOTS), frame(SPOTS[::-1])]),
    "curves": (curves("E", "F", reference={"a": abs}, ylabel="y"), LINES),
    "density": (
        density(0, 1, names=["a", "b"], ylabel="y", xlabel="x"),
        [frame([[1.0, 2.0, 1.0], [0.5, 1.0, 2.0]], target0=[1.0, 1.0])],
    ),
    "histogram": (histogram(0, 1, bins=4, xlabel="x"), [frame([0.1, 0.2, 0.9, 0.5])]),
    "matrix": (matrix(-1, 1, xlabel="x", ylabel="y"), [frame([[0.0, 1.0], [-1.0, 0.5]])]),
}


def sizes(op):
    """The coordinates of an operation, flat."""
    for key in ("path", "box", "at"):
        if key in op:
            parts = op[key] if key == "path" else [["M", *op[key]]]
            return [v for part in parts for v in (part[1:4] if part[0] == "A" else part[1:])]
    return []


@pytest.mark.parametrize("kind", VIEWS)
def test_everything_doubles_with_the_type(kind):
    view, frames = VIEWS[kind]
    ground = {"ground0": [math.sin(i / 200) for i in range(SIDE**2)]}
    small, large = (
        paint(
            view,
            *frames,
            width=w,
            extra=ground,
            after="if (view.canBeDragged) view.choose(1);",
            before=f"stub.fontSize = '{px}px'; viewHeight = (view, width) => width;",
        )
        for w, px in ((480, 12.5), (960, 25))
    )
    pairs = list(zip(flat(small.ops[1:]), flat(large.ops[1:]), strict=True))
    assert len(pairs) > 8
    for a, b in pairs:
        assert a["op"] == b["op"] and a.get("text") == b.get("text") and len(sizes(a)) == len(sizes(b))
        assert all(abs(2 * u - v) <= 9 for u, v in zip(sizes(a), sizes(b), strict=True)), (a, b)
        assert any(b["width"] == pytest.approx(n * a["width"]) for n in (1, 2)) and b["alpha"] == pytest.approx(
            a["alpha"]
        )
        assert [2 * v for v in a["dash"]] == pytest.approx(b["dash"]) or a["dash"] == b["dash"]
        assert "font" not in a or float(b["font"].split("px")[0].split()[-1]) == 2 * float(
            a["font"].split("px")[0].split()[-1]
        )
    assert kind == "matrix" or sum(b["width"] == pytest.approx(2 * a["width"]) for a, b in pairs) >= 1


def flat(ops):
    """Operations, those on sheets of their own among them."""
    return [inner for op in ops for inner in (op, *flat(op.get("ops") or []))]
