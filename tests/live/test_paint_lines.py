"""Curves, densities and histograms, by what is painted: a curve's last point lies at (t, value), bars have unit mass, words stand at their lines."""

import itertools
import math

import numpy as np
import pytest
import torch

from companion.live import curves, density, histogram
from tests.live.painting import COLORS, INK, MUTED, PAPER, frame, paint

STEPS = 11


def run(n=STEPS, dt=0.5, **readouts):
    """Frames of a run whose readouts are these functions of t."""
    return [
        frame(
            k=k,
            t=k * dt,
            **{f"readout__{name}" if ":" not in name else name: [f(k * dt)] for name, f in readouts.items()},
        )
        for k in range(n)
    ]


def lines(p, color=None):
    """[(points, style, dash, width, alpha)] of the polylines inside the plot that are not empty."""
    found = [
        ([tuple(part[1:]) for part in op["path"]], op["style"], op["dash"], op["width"], op["alpha"])
        for op in p.of("stroke")
        if op["clip"] and op["path"] and op["path"][-1][0] != "Z" and op["path"][1:2] and op["path"][1][0] == "L"
    ]
    return [line for line in found if color in (None, line[1])]


def close(a, b):
    return [c for point in a for c in point] == pytest.approx([c for point in b for c in point], abs=0.6)


def test_a_curve_passes_through_its_values():
    p = paint(curves("E"), *run(E=lambda t: 2 + math.sin(t)), figure={"dt": 0.5, "frames": STEPS})
    x, y = p.scale("center"), p.scale("right")
    (past, *_), *future = lines(p)
    assert close(past, [(x(0.5 * k), y(2 + math.sin(0.5 * k))) for k in range(STEPS)]) and future == []
    (now,) = p.marks()
    assert now[:2] == pytest.approx(past[-1]) and now[2:] == (pytest.approx(4.6), 0, COLORS[0], 1)
    assert p.ticks("center")[0][0] == 0 and p.ticks("center")[-1][0] == 5
    assert p.words()["E"][1] < past[0][1] and "t" in p.words()  # alone: its name is the axis's
    (grid,) = [op for op in p.of("stroke") if not op["clip"] and len(op["path"]) == 2 * len(p.ticks("right"))]
    assert all(a[2] == b[2] and b[1] - a[1] > 300 for a, b in zip(grid["path"][::2], grid["path"][1::2], strict=True))


def test_what_comes_after_the_present_is_pale():
    p = paint(curves("E"), *run(E=lambda t: 1 + t), index=4)
    past, future = lines(p)
    assert len(past[0]) == 5 and len(future[0]) == STEPS - 4 and past[0][-1] == future[0][0]
    assert (past[4], future[4], past[3]) == (1, 0.3, 2.2) and p.marks()[0][:2] == pytest.approx(past[0][-1])
    assert next(op["clip"][0] for op in p.of("stroke") if op["clip"]) - p.marks()[0][0] < 0
    line, dot = (op["clip"] for op in (p.of("stroke", style=COLORS[0])[-1], p.of("fill", style=COLORS[0])[-1]))
    assert (line[0] - dot[0], dot[2] - line[2]) == (pytest.approx(4), pytest.approx(8))


def test_the_time_axis_shows_the_whole_run_from_the_start():
    x = paint(curves("E"), *run(3, E=lambda t: 1 + t), figure={"dt": 0.5, "frames": 21}).scale("center")
    assert x(10) - x(0) > 350
    whole = paint(curves("E"), *run(3, E=lambda t: 1 + t), figure={"dt": 0.5, "frames": 21, "substeps": 3})
    assert whole.ticks("center")[-1][0] == 30
    shorter = paint(curves("E"), *run(5, E=lambda t: 1 + t), figure={"dt": 0.5, "frames": 21, "engine": "recording"})
    assert shorter.ticks("center")[-1][0] == 2
    chosen = {"dt": "h", "controls": [{"name": "h", "value": 0.1}], "frames": 11}
    assert paint(curves("E"), *run(2, 0.1, E=lambda t: 1 + t), figure=chosen).ticks("center")[-1][0] == 1
    assert (
        paint(curves("E"), *run(2, 0.1, E=lambda t: 1 + t), figure=chosen, extra={"controls": {"h": 0.4}}).ticks(
            "center"
        )[-1][0]
        == 4
    )
    assert paint(curves("E", xlim=(0, 2)), *run(E=lambda t: 1 + t)).ticks("center")[-1][0] == 2
    beyond = paint(curves("E"), *run(30, E=lambda t: 1 + t), figure={"dt": 0.5, "frames": 5})
    assert beyond.scale("center")(14.5) == pytest.approx(
        next(op for op in beyond.of("stroke") if not op["clip"])["path"][1][1], abs=1
    )


def test_logarithmic_axes():
    spec = curves("E", logx=True, logy=True, xlabel="steps")
    p = paint(spec, *run(101, 1, E=lambda t: t**-2.0 if t else 0.0), figure={"dt": 1, "frames": 101})
    x, y = p.scale("center", log=True), p.scale("right", log=True)
    ((past, *_),) = lines(p)
    assert close(past, [(x(k), y(k**-2.0)) for k in range(1, 101)])  # neither time 0 nor the value 0 is drawn
    assert (
        [v for v, _ in p.ticks("center")] == [1, 10, 100]
        and p.ticks("right")[0][0] == pytest.approx(1e-4)
        and p.ticks("right")[-1][0] == 1
    )
    assert "steps" in p.words()
    slow = paint(
        curves("E", logx=True), *run(3, 1, E=lambda t: 1 + t), figure={"dt": 1, "frames": 101, "pace": "log"}
    )
    k = 0
    for _ in range(1, 101):
        k += max(1, k // 25)
    x = slow.scale("center", log=True)
    right = next(op for op in slow.of("stroke") if not op["clip"])["path"][1][1]
    assert x(k) == pytest.approx(right, abs=1)


def test_log_time_before_the_first_step_begins_at_one_step():
    p = paint(curves("E", logx=True), *run(1, E=lambda t: 1.0), figure={"dt": 0.5, "frames": 201, "substeps": 2})
    left = next(op for op in p.of("stroke") if not op["clip"])["path"][0][1]
    assert p.scale("center", log=True)(1) == pytest.approx(left, abs=1)
    assert lines(p) == [] and p.marks() == []


def test_several_curves_have_their_names_at_their_ends():
    p = paint(curves("E", "F", names=["energy", "force"]), *run(E=lambda t: 1 + t, F=lambda t: 6 - t), width=700)
    x, y = p.scale("center"), p.scale("right")
    assert [(line[1], line[2]) for line in lines(p)] == [(COLORS[0], []), (COLORS[1], [])]
    for name, color, value in (("energy", COLORS[0], 6), ("force", COLORS[1], 1)):
        (text,) = p.of("fillText", text=name)
        assert (
            text["style"] == color
            and text["align"] == "left"
            and text["font"].startswith("600")
            and text["at"] == pytest.approx([x(5) + 9, y(value)], abs=3)
        )
        (halo,) = p.of("strokeText", text=name)
        assert halo["at"] == text["at"] and halo["style"] == PAPER
        assert text["at"][0] + 0.5 * 12.5 * len(name) < p.width
    assert {(m[3], m[4]) for m in p.marks()} == {(0, COLORS[0]), (4, COLORS[1])}


def test_names_at_the_ends_do_not_overlap_and_stay_in_the_plot():
    fs = {f"r{i}": (lambda t, i=i: 5 + 0.001 * i) for i in range(4)}
    p = paint(curves(*fs), *run(**{**fs}), width=700)
    heights = sorted(p.words()[name][1] for name in fs)
    assert all(b - a >= 1.22 * 12.5 - 1e-9 for a, b in itertools.pairwise(heights))
    low = paint(curves("E", "F", ylim=(0, 10)), *run(E=lambda t: 0.0, F=lambda t: -50.0), width=700)
    bottom = low.scale("right")(0)
    assert bottom - 40 < low.words()["E"][1] < low.words()["F"][1] < bottom
    high = paint(curves("E", "F", ylim=(0, 10)), *run(E=lambda t: 10.0, F=lambda t: 50.0), width=700)
    top, first, second = high.scale("right")(10), *sorted(high.words()[name][1] for name in "EF")
    assert top < first < first + 15 < second < top + 40


def test_a_narrow_panel_has_a_legend_above():
    p = paint(
        curves("E", "F", names=["the energy of it", "the force on it"]),
        *run(E=lambda t: 1 + t, F=lambda t: 6 - t),
        width=300,
    )
    top = p.ticks("right")[-1][1]
    for name, color in (("the energy of it", COLORS[0]), ("the force on it", COLORS[1])):
        (text,) = p.of("fillText", text=name)
        assert text["style"] == INK and text["at"][1] < top and p.of("strokeText") == []
        sign = next(op for op in p.of("stroke", style=color) if not op["clip"])
        assert (
            sign["path"][0][2] == text["at"][1]
            and sign["path"][1][1] - sign["path"][0][1] == 23
            and text["at"][0] - sign["path"][0][1] == 28
        )
        assert any(not op["clip"] and op["style"] == color for op in p.of("fill"))


def test_theory_is_dashed_and_paired_with_its_readouts():
    two = {
        "E": lambda t: 1 + t,
        "F": lambda t: 6 - t,
        "ref:0:a": lambda t: 1 + t,
        "ref:0:b": lambda t: 6 - t,
        "ref:1:c": lambda t: 0,
    }
    p = paint(curves("E", "F", reference={"a": lambda t: t, "b": lambda t: t}), *run(**two), width=700, index=6)
    dashed = [line for line in lines(p) if line[2]]
    assert {(line[1], tuple(line[2]), line[3]) for line in dashed} == {
        (COLORS[0], (5, 4), 1.6),
        (COLORS[1], (5, 4), 1.6),
    }
    assert (
        {line[4] for line in dashed} == {1, 0.6} and {"a", "b", "E", "F"} <= set(p.words()) and "c" not in p.words()
    )
    assert len(p.marks()) == 2
    one = paint(curves("E", reference={"a": lambda t: t}), *run(E=two["E"], **{"ref:0:a": lambda t: 2.0}), width=700)
    (theory,) = [line for line in lines(one) if line[2]]
    assert theory[1] == MUTED and close([theory[0][-1]], [(one.scale("center")(5), one.scale("right")(2))])


def test_what_is_constant_runs_the_whole_axis_and_has_its_name_at_its_end():
    spec = curves("E", ylim=(0, 6), reference={"limit": lambda beta: beta, "law": lambda t: t})
    given = {"E": lambda t: 1 + t / 2, "ref:0:limit": lambda t: 2.0 if t < 1 else 3.0, "ref:0:law": lambda t: 1 + t}
    p = paint(spec, *run(4, **given), width=700, figure={"dt": 0.5, "frames": 21})
    x, y = p.scale("center"), p.scale("right")
    limit, law = (next(line for line in lines(p, MUTED) if (len(line[0]) == 2) == whole) for whole in (True, False))
    assert close(limit[0], [(x(0), y(3)), (x(10), y(3))]) and limit[2:] == ([5, 4], 1.6, 1)  # as it is now, to the end of the axis
    assert close(law[0], [(x(0.5 * k), y(1 + 0.5 * k)) for k in range(4)])
    assert p.words()["limit"] == pytest.approx((x(10) + 9, y(3)), abs=1) and p.words()["law"][0] == pytest.approx(x(1.5) + 9, abs=1)
    wound_back = paint(spec, *run(4, **given), width=700, index=1)
    assert next(line for line in lines(wound_back, MUTED) if len(line[0]) == 2)[0][0][1] == pytest.approx(wound_back.scale("right")(2), abs=0.6)
    outside = paint(spec, *run(4, **{**given, "ref:0:limit": lambda t: 60.0}), width=700)
    assert "limit" not in outside.words() and "law" in outside.words()


def test_in_a_narrow_panel_a_constant_has_its_name_on_its_line():
    spec = curves("E", names=["the energy of it all"], ylim=(0, 6), reference={"the limit of it all": lambda: 3.0})
    p = paint(spec, *run(E=lambda t: 1 + t / 2, **{"ref:0:the limit of it all": lambda t: 3.0}), width=300,
              figure={"dt": 0.5, "frames": STEPS})
    (name,) = p.of("fillText", text="the limit of it all")
    assert name["align"] == "right" and name["at"][0] == pytest.approx(p.scale("center")(5) - 4, abs=1)
    assert -12 < name["at"][1] - p.scale("right")(3) < -6 and p.of("strokeText", text="the limit of it all")
    assert p.words()["the energy of it all"][1] < p.ticks("right")[-1][1]  # curves have theirs above
    words = {"the limit of it all": lambda t: 3.0, "the other limit of it all": lambda t: 3.02}
    spec = curves("E", names=["the energy of it all"], ylim=(0, 6), reference={name: (lambda: 3.0) for name in words})
    p = paint(spec, *run(E=lambda t: 1 + t / 2, **{f"ref:0:{name}": f for name, f in words.items()}), width=300)
    assert abs(p.words()["the limit of it all"][1] - p.words()["the other limit of it all"][1]) >= 1.22 * 12.5 - 1e-9


def test_a_line_breaks_where_a_value_is_missing():
    p = paint(curves("E"), *run(E=lambda t: math.nan if t == 2 else 1 + t))
    path = next(op["path"] for op in p.of("stroke", style=COLORS[0]) if op["clip"])
    assert [part[0] for part in path] == ["M", "L", "L", "L", "M", *["L"] * 5]
    gone = paint(curves("E", "F"), *run(E=lambda t: math.nan, F=lambda t: t), width=700)
    assert "E" not in gone.words() and "F" in gone.words() and len(gone.marks()) == 1


def test_limits_of_values():
    def ends(spec, f, **more):
        values = [v for v, _ in paint(spec, *run(E=f), figure={"frames": STEPS}, **more).ticks("right")]
        return values[0], values[-1]

    assert ends(curves("E", ylim=(-4, 4)), lambda t: t) == (-4, 4) and ends(curves("E"), lambda t: 1 + t)[0] == 0
    assert ends(curves("E"), lambda t: 10 + t)[0] >= 10 and ends(curves("E"), lambda t: -1 - t)[0] <= -5
    p = paint(curves("E"), *run(E=lambda t: 3.0))
    assert p.ticks("right")[0][0] < 3 < p.ticks("right")[-1][0]
    assert (
        ends(curves("E", logy=True), lambda t: 0.0) == (pytest.approx(0.1), 10)
        and ends(curves("E"), lambda t: math.nan)[1] == 1
    )
    within = paint(curves("E", logy=True), *run(E=lambda t: 2.2 + t / 10))
    assert within.scale("right", log=True)(2) - within.scale("right", log=True)(5) > 200  # 2..5, not a decade


def test_limits_stay_for_a_second_run_unless_it_is_much_smaller():
    def after(scale, n, frames=STEPS):
        redo = f"""for (const f of frames) f.arrays["readout:E"].data[0] *= {scale};
            view.draw(frames[{n - 1}], frames.slice(0, {n}), {n - 1}, {{}});"""
        return paint(curves("E"), *run(E=lambda t: 2 * t), figure={"frames": frames, "dt": 0.5}, after=redo).ticks(
            "right"
        )[-1][0]

    assert after(1, STEPS) == 10 and after(0.5, STEPS) == 10 and after(0.1, STEPS) == 1 and after(3, STEPS) == 30
    assert after(0.1, 5) == 10 and after(0.1, STEPS, frames=50) == 10


# --- densities ---


def path_of(p, color):
    return next(op["path"] for op in p.of("stroke", style=color) if op["clip"])


def test_a_density_is_drawn_over_its_grid():
    values = torch.tensor([0.0, 1.0, 3.0, 2.0, 0.5], dtype=torch.float64)
    p = paint(density(-1, 3, xlabel="place", ylabel="mass"), frame(values))
    x, y = p.scale("center"), p.scale("right")
    ((points, style, dash, width, _),) = lines(p)
    assert close(points[1:], [(x(-1 + i), y(v)) for i, v in enumerate(values.tolist()) if i]) and (
        style,
        dash,
        width,
    ) == (COLORS[0], [], 2.2)
    assert points[0][1] > y(0) + 5 and points[0][0] == pytest.approx(
        x(-1), abs=0.6
    )  # nothing there: below the axis, out of sight
    clip = next(op["clip"] for op in p.of("stroke") if op["clip"])
    assert clip[1] + clip[3] == pytest.approx(y(0) + 1, abs=0.6)
    (area,) = [op for op in p.of("fill") if op["clip"]]
    assert (
        area["style"] == "rgba(0,0,160,0.14)"
        and len(area["path"]) == len(points) + 2
        and {part[2] for part in area["path"][-2:]} == {points[0][1]}
    )
    assert area["path"][-2][1] == pytest.approx(x(3), abs=0.6) and area["path"][-1][1] == pytest.approx(
        x(-1), abs=0.6
    )
    assert {"place", "mass"} <= set(p.words()) and p.ticks("right")[0][0] == 0 and p.ticks("right")[-1][0] >= 3


def test_many_densities_have_dashes_names_and_paler_areas():
    p = paint(density(0, 1, names=["now", "then"]), frame([[1.0, 2.0, 1.0], [2.0, 0.5, 2.0]]))
    assert [(line[1], line[2]) for line in lines(p)] == [(COLORS[0], []), (COLORS[1], [9, 4])]
    assert [op["style"] for op in p.of("fill") if op["clip"]] == ["rgba(0,0,160,0.07)", "rgba(160,0,1,0.07)"]
    top = p.ticks("right")[-1][1]
    assert p.words()["now"][1] < top and p.words()["then"][1] < top
    sign = next(op for op in p.of("stroke", style=COLORS[1]) if not op["clip"])
    assert sign["dash"] == [9, 4]
    assert "now" not in paint(density(0, 1), frame([[1.0, 2.0], [2.0, 0.5]])).words()
    assert len(lines(paint(density(0, 1), frame([[1.0], [2.0], [3.0]])))) == 1  # (m, 1) is one row


def test_a_target_is_a_thin_dashed_line_over_the_whole_interval():
    target = [0.5, 1.0, 1.5, 1.0]
    p = paint(density(-1, 2), frame([1.0, 1.0], target0=target))
    x, y = p.scale("center"), p.scale("right")
    ((points, _, dash, width, _),) = lines(p, INK)
    assert close(points, [(x(i - 1), y(v)) for i, v in enumerate(target)]) and dash == [5, 4] and width == 1.6
    assert "target" in p.words() and p.ticks("right")[-1][0] >= 1.5
    sign = next(op for op in p.of("stroke", style=INK) if not op["clip"])
    assert sign["dash"] == [5, 4]


def test_heights_of_densities():
    def ends(spec, values, **more):
        ticks = paint(spec, frame(values), **more).ticks("right")
        return ticks[0][0], ticks[-1][0]

    assert ends(density(0, 1, ymax=5), [1.0, 2.0, 9.0]) == (0, 5) and ends(density(0, 1), [0.0, 0.0]) == (0, 1)
    p = paint(density(0, 1, logy=True), frame([1e-3, 1.0, 1e2, 0.0]))
    assert p.ticks("right")[0][0] == pytest.approx(1e-3) and p.ticks("right")[-1][0] == 10
    assert paint(density(0, 1, logy=True), frame([1e-30, 1.0])).ticks("right")[0][0] == pytest.approx(1e-8)
    points = lines(p)[0][0]
    y = p.scale("right", log=True)
    assert [v for _, v in points[:3]] == pytest.approx([y(v) for v in (1e-3, 1, 1e2)], abs=0.7) and points[3][1] > y(
        1e-3
    ) + 5


def test_the_height_rises_at_once_and_falls_late():
    def after(factor):
        redo = f"const a = frames[0].arrays.show0; a.data = a.data.map((v) => v * {factor}); view.repaint();"
        return paint(density(0, 1), frame([1.0, 2.0]), after=redo).ticks("right")[-1][0]

    assert after(1) == after(0.6) == pytest.approx(2.5) and after(0.4) < 1.2 and after(4) > 8


# --- histograms ---


def bars(p, color=COLORS[0]):
    """(left, right, height) of each bar, in data."""
    x, y = p.scale("center"), p.scale("right")
    path = path_of(p, color)
    assert len(path) % 2 == 0 and path[0][0] == "M" and {part[0] for part in path[1:]} == {"L"}
    unit_x, unit_y = x(1) - x(0), y(1) - y(0)
    return [
        ((a[1] - x(0)) / unit_x, (b[1] - x(0)) / unit_x, max(0.0, (a[2] - y(0)) / unit_y))
        for a, b in zip(path[::2], path[1::2], strict=True)
    ]


def test_bars_have_unit_mass_and_stand_where_the_numbers_are():
    values = torch.randn(500, generator=torch.Generator().manual_seed(1), dtype=torch.float64).clamp(-2, 2)
    found = bars(paint(histogram(-2, 2, bins=16), frame(values)))
    heights, edges = np.histogram(values.numpy(), 16, (-2, 2), density=True)
    assert len(found) == 16 and sum((b - a) * h for a, b, h in found) == pytest.approx(1, abs=0.02)
    assert [a for a, *_ in found] == pytest.approx(edges[:-1].tolist(), abs=0.01) and [
        b for _, b, _ in found
    ] == pytest.approx(edges[1:].tolist(), abs=0.01)
    assert [h for *_, h in found] == pytest.approx(heights.tolist(), abs=0.01)


def test_points_outside_have_mass_that_is_not_seen():
    found = bars(paint(histogram(0, 1, bins=4, ymax=2), frame([0.1, 0.1, 1.0, 7.0, -3.0, 0.99])))
    assert [h for *_, h in found] == pytest.approx(
        [2 / 6 * 4, 0, 0, 2 / 6 * 4], abs=0.03
    )  # the end belongs to the last bar


def test_groups_of_a_histogram():
    p = paint(histogram(0, 1, bins=2, names=["a", "b"]), frame([[0.1, 0.2, 0.3, 0.9], [0.6, 0.7, 0.8, 0.9]]))
    assert [h for *_, h in bars(p)] == pytest.approx([1.5, 0.5], abs=0.03) and [
        h for *_, h in bars(p, COLORS[1])
    ] == pytest.approx([0, 2], abs=0.03)
    assert {"a", "b"} <= set(p.words()) and p.of("fill")[-1]["style"] == "rgba(160,0,1,0.26)"
    strokes = [op for op in p.of("stroke") if op["clip"]]
    assert [op["width"] for op in strokes] == [1.3, 1.3] and [op["dash"] for op in strokes] == [[], [9, 4]]
    assert len(bars(paint(histogram(0, 1), frame([[0.5], [0.6]])))) == 60


def test_a_density_beside_the_bars():
    p = paint(histogram(0, 1, bins=2, target=lambda s: s), frame([0.2, 0.8], target0=[1.0, 1.0]))
    y = p.scale("right")
    assert [v for _, v in lines(p, INK)[0][0]] == pytest.approx([y(1)] * 2, abs=0.6) and [
        h for *_, h in bars(p)
    ] == pytest.approx([1, 1], abs=0.02)
    assert paint(histogram(0, 1), {"number": 0, "k": 0, "t": 0, "arrays": {}}).ticks("right")[-1][0] == 1
