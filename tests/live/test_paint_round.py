"""Circles and spheres, by what is painted: angles turn left from the right, the far side is pale and behind, crowds grow."""

import math

import numpy as np
import pytest
import torch

from companion.live import circle, sphere
from tests.live.painting import COLORS, MUTED, PAPER, frame, paint

EQUATOR, POLE = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
YAW, PITCH = 0.5, 0.42


def ring(p):
    """(cx, cy, R) of the largest circle that is drawn without a clip."""
    arcs = [op["path"][0] for op in p.of("stroke") if op["path"] and op["path"][0][0] == "A"]
    (_, cx, cy, r, start, end), *_ = sorted(arcs, key=lambda part: -part[3])
    assert (start, end) == (0, 2 * math.pi)
    return cx, cy, r


def marks(p):
    return [(op["path"], op["style"], op["alpha"]) for op in p.of("fill") if op["path"][0][0] == "M"]


def centres(p):
    return [(path[1][1], path[1][2]) for path, *_ in marks(p)]


def radii(p):
    return [path[1][3] for path, *_ in marks(p)]


def test_the_ring_fills_the_canvas_and_its_middle_is_marked():
    p = paint(circle(), frame([0.0]))
    cx, cy, r = ring(p)
    assert (cx, cy, r) == (250, 220, 220 - 16)
    (cross,) = [op for op in p.of("stroke") if len(op["path"]) == 4]
    assert cross["path"] == [["M", 246, 220], ["L", 254, 220], ["M", 250, 216], ["L", 250, 224]]


def test_angles_and_points_stand_where_they_should():
    angles = [0.0, math.pi / 2, math.pi, -math.pi / 2, 1.0]
    p = paint(circle(), frame(angles))
    cx, cy, r = ring(p)
    want = [(cx + r * math.cos(a), cy - r * math.sin(a)) for a in angles]
    assert [c for a, b in zip(centres(p), want, strict=True) for c in a] == pytest.approx(
        [c for b in want for c in b]
    )
    q = paint(circle(), frame([[math.cos(a), math.sin(a)] for a in angles]))
    assert [c for pair in centres(q) for c in pair] == pytest.approx([c for b in want for c in b])
    assert all(alpha == 0.78 for *_, alpha in marks(p))


def test_where_points_meet_the_mark_grows():
    alone, three, all_ = (
        radii(paint(circle(), frame(angles))) for angles in ([0.0, 2.0, 4.0], [0.0, 0.0, 0.0, 2.0], [0.0] * 40)
    )
    r = 5 * 1.15
    assert alone == pytest.approx([r] * 3) and three == pytest.approx([r * math.sqrt(0.6 + 0.4 * 3)] * 3 + [r])
    assert all_ == pytest.approx([r * 3.4] * 40)
    near = radii(paint(circle(), frame([0.0, 0.01])))  # 0.01 of 204 pixels, beside half a radius
    overlap = math.exp(-(2.04**2) / (2 * (0.5 * r) ** 2))
    assert near == pytest.approx([r * math.sqrt(0.6 + 0.4 * (1 + overlap))] * 2, rel=1e-3)
    many = radii(paint(circle(), frame([0.0] * 1201)))
    assert many == pytest.approx([5 * 0.65 * 1.15] * 1201)


def test_groups_trails_and_targets_on_the_circle():
    frames = [frame([0.1 * k, 1 + 0.1 * k], k=k, target0=[[0.0, 1.0]]) for k in range(3)]
    p = paint(circle(labels=[0, 1], names=["a", "b"], trail=True), *frames)
    cx, cy, r = ring(p)
    assert (cy, r) == (
        pytest.approx(20 + (p.height - 20) / 2),
        pytest.approx((p.height - 20) / 2 - 16),
    ) and "a" in p.words()
    trail = [op for op in p.of("stroke") if op["style"] in COLORS]
    assert {op["style"] for op in trail} == set(COLORS[:2])
    assert trail[0]["path"][0][1:] == pytest.approx([cx + r, cy]) and trail[-1]["path"][-1][1:] == pytest.approx(
        [cx + r * math.cos(1.2), cy - r * math.sin(1.2)]
    )
    (hollow,) = [op for op in p.of("stroke", style=MUTED)]
    assert hollow["path"][1][1:4] == pytest.approx([cx, cy - r, 5 * 1.15 * 1.5])
    assert [style for _, style, _ in marks(p)[-2:]] == list(COLORS[:2])


def test_an_empty_frame_is_a_ring_alone():
    assert marks(paint(circle(), {"number": 0, "k": 0, "t": 0, "arrays": {}})) == []
    assert marks(paint(sphere(), {"number": 0, "k": 0, "t": 0, "arrays": {}})) == []


# --- the sphere ---


def turned(points, yaw=YAW, pitch=PITCH):
    """Right, up, towards the eye: a turn about e3 by yaw, then the eye lifted by pitch."""
    x, y, z = np.asarray(points, float).T
    right, away = math.cos(yaw) * x - math.sin(yaw) * y, math.sin(yaw) * x + math.cos(yaw) * y
    return np.stack(
        [right, math.cos(pitch) * z + math.sin(pitch) * away, math.sin(pitch) * z - math.cos(pitch) * away], -1
    )


def some(n=12):
    points = torch.randn(n, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return (points / points.norm(dim=-1, keepdim=True)).tolist()


def test_the_ball_and_the_points_on_it():
    p = paint(sphere(), frame(some()))
    cx, cy, r = ring(p)
    assert (cx, cy, r) == (250, 220, 220 - 14)
    seen = turned(some())
    order = np.argsort(seen[:, 2], kind="stable")
    want = [(cx + r * u, cy - r * v) for u, v, _ in seen[order]]
    assert np.allclose(centres(p), want)
    alphas = [alpha for *_, alpha in marks(p)]
    assert (
        alphas == [0.28 if d < 0 else 0.85 for d in seen[order, 2]]
        and alphas == sorted(alphas)
        and 0.28 in alphas
        and 0.85 in alphas
    )
    grown = np.array(radii(p)) / (0.86 + 0.14 * seen[order, 2])
    assert grown.min() >= 5 * 1.1 - 1e-9 and grown.min() == pytest.approx(5.5)
    assert len([op for op in p.of("stroke", style=PAPER)]) == alphas.count(0.85)


def test_the_pole_is_up_and_in_front_when_the_eye_is_above():
    p = paint(sphere(labels=[3]), frame([POLE]))
    cx, cy, r = ring(p)
    ((path, style, alpha),) = marks(p)
    x, y = np.mean([part[1:] for part in path[:-1]], axis=0)
    assert (x, y) == pytest.approx((cx, cy - r * math.cos(PITCH))) and (style, alpha, len(path)) == (
        COLORS[3],
        0.85,
        5,
    )


def graticule(p):
    found = [op for op in p.of("stroke") if len(op["path"]) > 100]
    assert len(found) == 2
    return found


def test_the_graticule_is_half_behind():
    p = paint(sphere(), frame([POLE]))
    cx, cy, r = ring(p)
    far, near = graticule(p)
    assert sum(map(int, far["style"][4:-1].split(","))) > sum(
        map(int, near["style"][4:-1].split(","))
    )  # on white the far side is paler
    angle = np.arange(73) * np.pi / 36
    lines = [
        np.stack([np.cos(h) * np.cos(angle), np.cos(h) * np.sin(angle), 0 * angle + np.sin(h)], -1)
        for h in np.pi / 6 * np.arange(-2, 3)
    ]
    lines += [
        np.stack([np.cos(a) * np.cos(angle), np.sin(a) * np.cos(angle), np.sin(angle)], -1)
        for a in np.pi / 6 * np.arange(6)
    ]
    seen = np.concatenate([turned(line) for line in lines])
    for op, side in ((near, seen[seen[:, 2] > 1e-9]), (far, seen[seen[:, 2] < -1e-9])):
        drawn = {(round(part[1], 3), round(part[2], 3)) for part in op["path"]}
        assert {(round(cx + r * u, 3), round(cy - r * v, 3)) for u, v, _ in side} <= drawn


def test_trails_colours_and_names_on_the_sphere():
    frames = [frame([[math.cos(a), math.sin(a), 0.0]], k=k) for k, a in enumerate((0.0, 0.2, 0.4))]
    p = paint(sphere(trail=2, names=["a"]), *frames)
    cx, cy, r = ring(p)
    trail = [op for op in p.of("stroke", style=COLORS[0])]
    u, v, _ = turned([[math.cos(0.4), math.sin(0.4), 0.0]])[0]
    assert (
        len(trail) == 2
        and trail[-1]["path"][-1][1:] == pytest.approx([cx + r * u, cy - r * v])
        and "a" in p.words()
        and (cy, r) == (230, 210 - 14)
    )


def test_light_falls_from_the_upper_left():
    (ball,) = [op for op in paint(sphere(), frame([POLE])).of("fill") if op["path"][0][0] == "A"]
    x0, y0, r0, x1, y1, r1 = ball["style"]["ends"]
    assert (x1, y1, r1) == (250, 220, 206) and x0 < x1 and y0 < y1 and r0 == pytest.approx(20.6)
    light, dark = ([int(v) for v in color[4:-1].split(",")] for _, color in ball["style"]["stops"])
    assert sum(light) > sum(dark) and [at for at, _ in ball["style"]["stops"]] == [0, 1]


def camera(after, points=None):
    p = paint(
        sphere(),
        frame(points or [[0.0, -1.0, 0.0]]),
        after=f"{after}; view.repaint(); return {{...view.memory.camera, style: view.canvas.style}}",
    )
    return p, p.said["more"]


DRAG = """view.canvas.dispatch("pointerdown", {{ clientX: 300, clientY: 200, pointerId: 7 }});
    view.canvas.dispatch("pointermove", {{ clientX: {x}, clientY: {y} }});"""


def test_the_near_side_follows_the_pointer():
    before = centres(camera("")[0])[0]
    p, now = camera(DRAG.format(x=350, y=200))
    assert now["yaw"] == pytest.approx(YAW + 50 * 0.008) and now["pitch"] == PITCH and centres(p)[0][0] > before[0]
    p, now = camera(DRAG.format(x=300, y=230))
    assert now["pitch"] == pytest.approx(PITCH + 30 * 0.008) and centres(p)[0][1] > before[1]
    p, now = camera(
        DRAG.format(x=320, y=200) + "view.canvas.dispatch('pointermove', { clientX: 330, clientY: 210 });"
    )
    assert (
        now["yaw"] == pytest.approx(YAW + 30 * 0.008)
        and now["pitch"] == pytest.approx(PITCH + 0.08)
        and now["style"]["cursor"] == "grabbing"
    )


@pytest.mark.parametrize("end", ["pointerup", "pointercancel"])
def test_a_lifted_pointer_turns_nothing(end):
    _, now = camera(
        DRAG.format(x=320, y=200)
        + f"view.canvas.dispatch('{end}'); view.canvas.dispatch('pointermove', {{ clientX: 0, clientY: 0 }})"
    )
    assert (
        now["yaw"] == pytest.approx(YAW + 20 * 0.008)
        and now["style"]["cursor"] == "grab"
        and now["style"]["touchAction"] == "pan-y"
    )


def keys(*pressed):
    return camera(
        "const found = ["
        + ",".join(f"view.canvas.dispatch('keydown', {{ key: '{key}', {more} }}).prevented" for key, more in pressed)
        + "]; view.memory.camera.found = found"
    )


def test_arrow_keys_turn_the_sphere_as_a_drag_would():
    before = centres(camera("")[0])[0]
    for key, axis, sign, size in (
        ("ArrowRight", 0, 1, 0.1),
        ("ArrowLeft", 0, -1, 0.1),
        ("ArrowDown", 1, 1, 0.1),
        ("ArrowUp", 1, -1, 0.1),
    ):
        p, now = keys((key, ""))
        assert (centres(p)[0][axis] - before[axis]) * sign > 5
        assert now[("yaw", "pitch")[axis]] == pytest.approx((YAW, PITCH)[axis] + sign * size) and now["found"] == [
            True
        ]
    assert keys(("ArrowRight", "shiftKey: true"))[1]["yaw"] == pytest.approx(YAW + 0.4)
    assert (
        keys(*[("ArrowDown", "shiftKey: true")] * 5)[1]["pitch"] == 1.5
        and keys(*[("ArrowUp", "shiftKey: true")] * 9)[1]["pitch"] == -1.5
    )
    for more in ("ctrlKey: true", "metaKey: true", "altKey: true"):
        assert keys(("ArrowRight", more))[1] | {"style": 0} == {
            "yaw": YAW,
            "pitch": PITCH,
            "found": [False],
            "style": 0,
        }
    assert keys(("a", ""), ("Tab", ""))[1]["found"] == [False, False]
    p, _ = keys()
    assert "Arrow keys turn the sphere" in p.said["label"]
