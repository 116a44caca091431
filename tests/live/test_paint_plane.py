"""Planes and landscapes, by what is painted: points, groups, trails, targets, lines, level sets stand where the numbers say."""

import itertools
import math

import pytest
import torch

from companion.live import landscape, plane
from companion.live.views import GROUND as SIDE
from tests.live.painting import COLORS, MUTED, PAPER, frame, paint

SQUARE = {"x": (-1, 1), "y": (-1, 1)}
CORNERS = [[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]]


def near(a, b):
    return pytest.approx(b, abs=0.6) == a  # ticks stand on whole pixels


def placed(p, points):
    """Pixels of points of the plane, by its own ticks."""
    x, y = p.scale("center"), p.scale("right")
    return [(x(u), y(v)) for u, v in points]


def test_the_origin_is_in_the_middle_and_up_is_up():
    p = paint(plane(**SQUARE), frame(CORNERS))
    (x0, y0, *_), (x1, y1, *_), (x2, y2, *_) = p.marks()
    box = p.said["grip"]["box"]
    assert (x0, y0) == pytest.approx(((box["left"] + box["right"]) / 2, (box["top"] + box["bottom"]) / 2))
    assert (x1, y1) == pytest.approx((box["right"], box["top"])) and (x2, y2) == pytest.approx(
        (box["left"], box["bottom"])
    )
    assert x1 - x2 == pytest.approx(y2 - y1) and x1 - x2 > 0.8 * 440 and 0 < box["left"] < box["right"] < p.width
    assert 0 < box["top"] < box["bottom"] < p.height - 20


def test_ticks_stand_where_their_numbers_are():
    p = paint(plane(x=(-2, 3), y=(0, 4)), frame([[1.0, 2.0]]))
    assert [v for v, _ in p.ticks("center")] == [-2, -1, 0, 1, 2, 3] and [v for v, _ in p.ticks("right")] == [
        0,
        1,
        2,
        3,
        4,
    ]
    ((x, y, *_),) = p.marks()
    assert near((x, y), placed(p, [(1, 2)])[0])
    across, up = [op["path"] for op in p.of("stroke") if not op["clip"]][:2]
    bottom, left = p.said["grip"]["box"]["bottom"], p.said["grip"]["box"]["left"]
    assert across[0] == ["M", left, round(bottom) + 0.5] and across[1][1] == p.said["grip"]["box"]["right"]
    assert [part[1] for part in across[2::2]] == [x for _, x in p.ticks("center")]
    assert [(part[1], part[2]) for part in up[0:-2:2]] == [(left - 4, y) for _, y in sorted(p.ticks("right"))]
    assert up[-2][1] == up[-1][1] == round(left) + 0.5 and {up[-2][2], up[-1][2]} == {
        p.said["grip"]["box"]["top"],
        bottom,
    }
    assert all(op["at"][1] > bottom for op in p.of("fillText", align="center")) and all(
        op["at"][0] < left for op in p.of("fillText", align="right")
    )


def test_words_beside_the_axis_have_room():
    for y in ((0, 1), (0, 40_000), (-0.0002, 0.0002)):
        p = paint(plane(x=(0, 1), y=y), frame([[0.5, 0.0]]))
        left = p.said["grip"]["box"]["left"]
        words = p.of("fillText", align="right")
        assert len(words) >= 3 and all(op["at"][0] == pytest.approx(left - 7) for op in words)
        starts = [op["at"][0] - 0.5 * 12.5 * len(op["text"]) for op in words]
        assert min(starts) == pytest.approx(3) or (y == (0, 1) and min(starts) > 3)  # a box that keeps its shape stands in the middle


def test_names_of_the_axes():
    p = paint(plane(**SQUARE, xlabel="position", ylabel="speed"), frame(CORNERS))
    box, words = p.said["grip"]["box"], p.words()
    assert (
        words["position"][0] == pytest.approx((box["left"] + box["right"]) / 2)
        and box["bottom"] + 25 < words["position"][1] < p.height
    )
    assert 2 <= words["speed"][0] <= box["left"] and 0 < words["speed"][1] < box["top"]
    assert box["top"] - paint(plane(**SQUARE), frame(CORNERS)).said["grip"]["box"]["top"] > 8


@pytest.mark.parametrize(
    "x, equal", [((0, 2), True), ((0, 2.55), True), ((0, 2.7), False), ((0, 0.45), True), ((0, 0.3), False)]
)
def test_lengths_compare_across_the_axes_unless_the_box_is_long(x, equal):
    p = paint(plane(x=x, y=(0, 1)), frame([[0.0, 0.0], [x[1], 1.0]]))
    (x0, y0, *_), (x1, y1, *_) = p.marks()
    assert (abs((x1 - x0) / x[1] - (y0 - y1)) < 1e-6) == equal
    assert p.height == (min(440, round(464 / x[1] + 36)) if equal else 330)


def test_groups_differ_in_colour_and_shape_and_hardly_in_area():
    p = paint(plane(**SQUARE, labels=range(10)), frame([[0.1 * i - 0.5, 0.0] for i in range(10)]))
    marks = p.marks()
    assert [m[4] for m in marks] == [COLORS[i % 8] for i in range(10)]
    assert [m[3] for m in marks] == [0, 4, 3, 4, 3, 5, 6, 10, 0, 4]
    assert [m[0] for m in marks] == pytest.approx([p.scale("center")(0.1 * i - 0.5) for i in range(10)], abs=0.6)
    corners = [
        [part[1:] for part in op["path"][:-1]] for op in p.of("fill") if op["clip"] and op["path"][-1] == ["Z"]
    ]
    areas = [abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(c, c[1:] + c[:1], strict=True))) / 2 for c in corners]
    assert all(0.7 * 16 * math.pi < area < 1.1 * 16 * math.pi for area in areas)
    assert (
        corners[1][0][1] < marks[2][1] - 4 and corners[3][0][1] > marks[4][1] + 4
    )  # one triangle stands on its side, the other on its tip
    assert corners[6][0] == pytest.approx([marks[7][0], marks[7][1] - 6])  # a star begins at its highest tip
    assert all(rim["style"] == PAPER for rim in p.of("stroke") if rim["clip"])


def test_groups_of_a_cloud_with_three_indices_and_a_point_that_is_not_there():
    p = paint(plane(**SQUARE), frame([[[0.0, 0.0], [0.5, 0.0]], [[math.nan, 0.0], [0.5, 0.5]]]))
    assert [m[4] for m in p.marks()] == [COLORS[0], COLORS[0], COLORS[1]]


def test_declared_colours():
    colours = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 2.0]])
    p = paint(
        plane(
            **SQUARE, colors=colours, target=torch.tensor([[0.5, 0.5], [0.5, -0.5]]), target_colors=colours.flip(0)
        ),
        frame(CORNERS[:2]),
    )
    assert [m[4] for m in p.marks()] == ["rgb(255,0,0)", "rgb(0,128,255)"]
    hollow = [op for op in p.of("stroke") if op["style"] != PAPER and op["clip"]]
    assert [op["style"] for op in hollow] == ["rgb(0,128,255)", "rgb(255,0,0)"]
    assert all(
        near(tuple(op["path"][1][1:3]), at)
        for op, at in zip(hollow, placed(p, [(0.5, 0.5), (0.5, -0.5)]), strict=True)
    )


def test_a_moving_target_is_hollow_and_beneath():
    p = paint(plane(**SQUARE, target=lambda c: 0), frame(CORNERS[:1], target0=[[0.25, 0.5], [math.inf, 0.0]]))
    first, *_ = inside = [op for op in p.ops if op["clip"]]
    assert (first["op"], first["style"], first["alpha"]) == ("stroke", MUTED, 0.9) and near(
        tuple(first["path"][1][1:3]), placed(p, [(0.25, 0.5)])[0]
    )
    assert [op["op"] for op in inside] == ["stroke", "stroke", "fill"]


def test_size_and_paleness_follow_the_number_of_points():
    def concrete_value(n, width=500, **options):
        marks = paint(plane(**SQUARE, **options), frame([[0.0, 0.0]] * n), width=width).marks()
        assert len(marks) == n
        return marks[0][2], marks[0][5]

    assert concrete_value(5) == (4, 1) and concrete_value(5, size=6) == (6, 1) and concrete_value(61) == (4, 0.82) and concrete_value(60) == (4, 1)
    assert (
        concrete_value(151)[0] == pytest.approx(3.2)
        and concrete_value(150)[0] == 4
        and concrete_value(501)[0] == pytest.approx(2.6)
        and concrete_value(500)[0] == pytest.approx(3.2)
    )
    assert concrete_value(5, width=419)[0] == pytest.approx(3.52) and concrete_value(5, width=420)[0] == 4
    assert concrete_value(16, drag=True)[0] == 6 and concrete_value(17, drag=True)[0] == 4


def test_small_marks_have_no_rim():
    assert len([op for op in paint(plane(**SQUARE, size=2.2), frame(CORNERS)).of("stroke") if op["clip"]]) == 0
    assert len([op for op in paint(plane(**SQUARE, size=2.3), frame(CORNERS)).of("stroke") if op["clip"]]) == 3


RUN = [frame([[0.1 * k, 0.05 * k * k], [-0.1 * k, 0.0]], k=k) for k in range(5)]


def strokes(p):
    return [op for op in p.of("stroke") if op["clip"] and op["style"] != PAPER]


def test_a_trail_passes_through_the_frames_before_and_fades():
    p = paint(plane(**SQUARE, trail=3, labels=[0, 1]), *RUN, index=4)
    mine = [op for op in strokes(p) if op["style"] == COLORS[0]]
    vertices = [tuple(part[1:]) for op in mine for part in op["path"]]
    want = placed(p, [(0.1 * k, 0.05 * k * k) for k in (1, 2, 3, 4)])
    assert len(mine) == 3 and vertices == [
        pytest.approx(v, abs=0.6) for a, b in itertools.pairwise(want) for v in (a, b)
    ]
    assert [op["path"][0][0] + op["path"][1][0] for op in mine] == ["ML"] * 3
    alphas = [op["alpha"] for op in mine]
    assert (
        alphas == sorted(alphas)
        and alphas[-1] == pytest.approx(0.9)
        and alphas[0] == pytest.approx(0.9 * (0.5 + 0.5 * (1 / 3) ** 1.6))
    )
    assert {op["style"] for op in strokes(p)} == set(COLORS[:2]) and all(op["width"] == 2 for op in mine)
    own = paint(plane(**SQUARE, trail=3, colors=torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])), *RUN, index=4)
    assert {op["style"] for op in strokes(own)} == {"rgb(255,0,0)", "rgb(0,0,255)"}  # a trail has its point's colour


def test_trails_of_all_frames_of_none_and_of_the_first():
    def ends(trail, index):
        found = strokes(paint(plane(**SQUARE, trail=trail), *RUN, index=index))
        return len({tuple(part[1:]) for op in found for part in op["path"]})

    assert ends(True, 4) == 9 and ends(0, 4) == 0 and ends(True, 0) == 0 and ends(1, 4) == 4 and ends(1, 2) == 4


def test_trails_of_many_points_are_thin_and_pale_and_never_too_long():
    many = [frame([[0.001 * k, 0.01 * i] for i in range(200)], k=k) for k in range(161)]
    p = paint(plane(**SQUARE, trail=True), *many)
    found = strokes(p)
    assert (
        found[-1]["alpha"] == pytest.approx(0.4)
        and found[-1]["width"] == pytest.approx(1.4)
        and found[0]["alpha"] < 0.02
    )
    assert sum(len(op["path"]) for op in found) < 18_000 and len(found) == 8
    assert max(part[1] for op in found for part in op["path"]) == pytest.approx(
        p.marks()[0][0]
    )  # the last frame is always there
    odd = paint(plane(**SQUARE, trail=True), *[frame([[0.001 * k, 0.01 * i] for i in range(200)], k=k) for k in range(162)])
    assert max(part[1] for op in strokes(odd) for part in op["path"]) == pytest.approx(odd.marks()[0][0])
    half = paint(
        plane(**SQUARE, trail=True), *[frame([[0.1 * k, 0.01 * i] for i in range(20)], k=k) for k in range(3)]
    )
    assert strokes(half)[-1]["alpha"] == pytest.approx(0.65)


def test_joined_points_are_one_line_a_group_broken_where_a_point_is_missing():
    points = [[-1, 0], [1, 1], [0, 0], [0.5, 0.5], [math.nan, 0], [0, 1], [1, 0], [-1, 1.0]]
    p = paint(plane(**SQUARE, joined=True, labels=[0, 1], names=["one", "two"], trail=True), frame(points))
    one, two = strokes(p)
    assert (one["style"], one["dash"], two["style"], two["dash"]) == (COLORS[0], [], COLORS[1], [9, 4]) and one[
        "width"
    ] == 2.2
    assert [part[0] for part in one["path"]] == ["M", "L", "M"] and [part[0] for part in two["path"]] == [
        "M",
        "L",
        "L",
        "L",
    ]
    assert [tuple(part[1:]) for part in two["path"]] == [
        pytest.approx(v, abs=0.6) for v in placed(p, [(1, 1), (0.5, 0.5), (0, 1), (-1, 1)])
    ]
    assert p.marks() == []
    signs = [op for op in p.of("stroke") if not op["clip"] and len(op["path"]) == 2 and op["style"] in COLORS]
    assert [(s["style"], s["dash"]) for s in signs] == [(COLORS[0], []), (COLORS[1], [9, 4])]


def test_segments_join_what_they_say():
    p = paint(
        plane(**SQUARE, segments=lambda x: x),
        frame(CORNERS, segments0=[[[0.0, 0.0], [1.0, 0.5]], [[-1.0, 0.0], [-1.0, 1.0]]]),
    )
    (one,) = strokes(p)
    assert [part[0] for part in one["path"]] == ["M", "L", "M", "L"]
    assert [tuple(part[1:]) for part in one["path"]] == [
        pytest.approx(v, abs=0.6) for v in placed(p, [(0, 0), (1, 0.5), (-1, 0), (-1, 1)])
    ]
    assert p.ops.index(one) < p.ops.index(p.of("fill", style=COLORS[0])[0])


def test_a_picture_beneath_fills_the_box():
    p = paint(plane(**SQUARE, under=lambda x: x), frame(CORNERS, under0=[[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    (under,) = p.of("drawImage")
    box = p.said["grip"]["box"]
    assert under["box"] == pytest.approx(
        [box["left"], box["top"], box["right"] - box["left"], box["bottom"] - box["top"]]
    )
    assert (
        under["smooth"]
        and under["size"] == [2, 1]
        and under["pixels"] == [255, 0, 0, 255, 0, 255, 0, 255]
        and p.ops.index(under) < 3
    )


def test_what_leaves_the_box_is_cut_five_pixels_outside():
    p = paint(plane(**SQUARE), frame([[9.0, 0.0]]))
    box = p.said["grip"]["box"]
    assert p.of("fill")[-1]["clip"] == pytest.approx(
        [box["left"] - 5, box["top"] - 5, box["right"] - box["left"] + 10, box["bottom"] - box["top"] + 10]
    )


def test_a_legend_stands_above_the_plot_and_breaks_into_rows():
    names = ["a first group", "another group", "a third one", "the last of them"]
    p = paint(plane(**SQUARE, names=names), frame(CORNERS), width=300)
    words = p.words()
    assert set(names) <= set(words) and all(words[n][1] < p.said["grip"]["box"]["top"] for n in names)
    rows = sorted({words[n][1] for n in names})
    assert (
        rows
        == [
            pytest.approx(0.62 * 20),
            pytest.approx(1.62 * 20),
            *([pytest.approx(2.62 * 20)] if len(rows) > 2 else []),
        ]
        and len(rows) >= 2
    )
    signs = [op for op in p.of("fill") if not op["clip"]]
    assert [op["style"] for op in signs] == list(COLORS[:4])
    for name, sign in zip(names, signs, strict=True):
        points = [part[1:3] for part in sign["path"] if len(part) > 2]
        assert abs(points[-1][1] - words[name][1]) < 7 and 0 < words[name][0] - points[-1][0] < 15
        assert words[name][0] + 0.5 * 12.5 * len(name) < 300
    first = [n for n in names if words[n][1] == rows[0]]
    assert [words[n][0] for n in first] == sorted(words[n][0] for n in first) and len(first) == 2


def test_the_chosen_point_has_a_ring():
    ring = [
        op
        for op in paint(plane(**SQUARE, drag=True), frame(CORNERS), after="view.choose(2)").of(
            "stroke", style="#101010"
        )
        if op["clip"]
    ]
    p = paint(plane(**SQUARE, drag=True), frame([*CORNERS[:2], [-1.0, 0.25]]), after="view.choose(2)")
    assert p.said["spoken"] == "Point 3 of 3 at (\u22121, 0.25)."
    p = paint(plane(**SQUARE, drag=True), frame(CORNERS), after="view.choose(2)")
    assert len(ring) == 1 and ring[0]["path"][0][1:4] == pytest.approx([*p.marks()[2][:2], 4 * 1.5 + 5])
    assert p.said["spoken"] == "Point 3 of 3 at (\u22121, \u22121)." and p.said["chosen"] == [2]
    assert paint(plane(**SQUARE, drag=True), frame(CORNERS)).of("stroke", style="#101010") == []
    assert "[ and ] choose a point" in p.said["label"] and p.said["label"].startswith("What is seen")


def test_larger_type_enlarges_marks_and_margins():
    p, q = (
        paint(plane(**SQUARE, names=["a"]), frame(CORNERS), before=f'stub.fontSize = "{px}px";') for px in (12.5, 25)
    )
    assert (
        q.marks()[0][2] == 2 * p.marks()[0][2]
        and q.of("fillText")[0]["font"] == "25px Stub"
        and q.words()["a"][1] == 2 * p.words()["a"][1]
    )
    assert p.height - p.said["grip"]["box"]["bottom"] < q.height - q.said["grip"]["box"]["bottom"]


def test_a_canvas_is_as_sharp_as_its_screen():
    p = paint(plane(**SQUARE), frame(CORNERS))
    assert p.said["canvas"] == [1000, 880, "440px"] and p.ops[0]["box"] == [0, 0, 500, 440]
    assert p.ops[0]["matrix"] == [2, 0, 0, 2, 0, 0]


# --- landscapes ---


def heights(f):
    x, y = torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE)
    return [f(float(u), float(v)) for v in y for u in x]


def ground(f, **options):
    """What the ground's own sheet holds: its band image and its contours in shares of the box, from the left and from the bottom."""
    view = landscape(lambda p: p, **SQUARE, **options)
    p = paint(view, frame(CORNERS), extra={"ground0": heights(f)}, before="stub.fontSize = '12.5px';")
    (sheet,) = [op for op in p.of("drawImage")]
    box = p.said["grip"]["box"]
    assert sheet["box"] == pytest.approx(
        [box["left"], box["top"], box["right"] - box["left"], box["bottom"] - box["top"]]
    )
    image, *lines = sheet["ops"]
    width, height = image["box"][2:]
    assert image["box"][:2] == [0, 0] and sheet["size"] == [round(2 * width), round(2 * height)]
    contours = [[(part[1] / width * 2 - 1, 1 - part[2] / height * 2) for part in op["path"]] for op in lines]
    return p, lines, contours


def test_contours_lie_at_one_height_each_and_rise():
    height = lambda x, y: x * x + 2 * y * y + 0.5 * x - 0.3 * y  # noqa: E731, no two corners alike
    _, lines, contours = ground(height)
    spread = [(min(h), max(h)) for h in ([height(x, y) for x, y in c] for c in contours if c)]
    assert (
        len(spread) >= 12
        and all(b - a < 0.01 for a, b in spread)
        and all(a[1] < b[0] for a, b in itertools.pairwise(spread))
    )
    assert all(part[0] == "ML"[i % 2] for op in lines for i, part in enumerate(op["path"]))
    dark = [sum(map(int, op["style"][4:-1].split(","))) for op in lines]
    assert dark == sorted(dark) and dark[0] < dark[-1]  # the valley is darkest


def test_the_ground_is_upright():
    _, _, contours = ground(lambda x, y: y)
    assert all(max(y for _, y in c) - min(y for _, y in c) < 1e-6 for c in contours)
    _, _, contours = ground(lambda x, y: x)
    assert all(max(x for x, _ in c) - min(x for x, _ in c) < 1e-6 for c in contours)


def bands(f):
    """The brightness of the band image at its corners (upper left, upper right, lower left, lower right) and in the middle."""
    (sheet,) = ground(f)[0].of("drawImage")
    assert all(alpha == 255 for *_, alpha in sheet["ops"][0]["corners"])
    return [sum(pixel[:3]) for pixel in sheet["ops"][0]["corners"]]


def test_bands_are_darkest_in_the_valley():
    upper_left, upper_right, lower_left, lower_right, middle = bands(lambda x, y: x + 3 * y)
    assert (
        lower_left < lower_right < middle < upper_left < upper_right
        or lower_left < lower_right < middle < upper_left == upper_right
    )
    *corners, middle = bands(lambda x, y: x * x + y * y)
    assert len(set(corners)) == 1 and middle < corners[0] - 100


def test_a_flat_ground_is_no_ground_and_levels_can_be_chosen():
    p = paint(landscape(lambda p: p, **SQUARE), frame(CORNERS), extra={"ground0": [1.0] * SIDE**2})
    assert p.of("drawImage")[0]["ops"] == []
    assert len(ground(lambda x, y: x + y, levels=5)[1]) == 5 and len(ground(lambda x, y: x + y)[1]) == 14


def test_a_plane_asks_for_no_ground_and_points_stand_above_it():
    p = ground(lambda x, y: x)[0]
    assert p.ops.index(p.of("drawImage")[0]) == 1 and len(p.marks()) == 3
    assert paint(plane(**SQUARE), frame(CORNERS), extra={"ground0": heights(lambda x, y: x)}).of("drawImage") == []
    assert paint(plane(**SQUARE), {"number": 0, "k": 0, "t": 0, "arrays": {}}).marks() == []


def test_the_sheet_is_kept_until_values_size_or_theme_change():
    after = """const g = view.surface.g, layer = () => view.memory.ground.layer, first = layer(), found = [];
        view.repaint(); found.push(layer() === first);
        extra.ground0 = extra.ground0.slice(); view.repaint(); found.push(layer() === first);
        const second = layer(); view.surface.ratio = 3; view.repaint(); found.push(layer() === second);
        return found;"""
    p = paint(
        landscape(lambda p: p, **SQUARE), frame(CORNERS), extra={"ground0": heights(lambda x, y: x)}, after=after
    )
    assert p.said["more"] == [True, False, False]


# --- the reader's hand on a plane ---

MOVE = """const mouse = { pointerId: 3, pointerType: "mouse" };
const send = (kind, x, y, more = {}) => view.canvas.dispatch(kind, { clientX: 100 + x, clientY: 50 + y, ...mouse, ...more });
const at = (i) => [view.grip.cloud.at[2 * i], view.grip.cloud.at[2 * i + 1]], { box } = view.grip;
"""


def hand(body):
    """What a drag told: [[i, x, y]], what the body returns, which points were chosen."""
    p = paint(plane(**SQUARE, drag=True), frame(CORNERS), after=MOVE + body)
    return p.said["moved"], p.said.get("more"), p.said["chosen"]


def test_a_pointer_takes_the_point_below_it_where_it_goes():
    moved, more, chosen = hand("""const [x, y] = at(0); send("pointerdown", x + 3, y - 4);
      const cursor = [view.canvas.style.cursor, view.canvas.captured];
        send("pointermove", box.left, box.top); send("pointermove", box.right, (box.top + box.bottom) / 2); send("pointerup", 0, 0);
        send("pointermove", x, y); return [cursor, view.canvas.style.cursor, view.selected];""")
    assert (
        moved == [[0, pytest.approx(1), pytest.approx(0)]] and chosen == [0] and more == [["grabbing", 3], "grab", 0]
    )  # the last place counts
    moved, *_ = (
        hand("""const [x, y] = at(2); send("pointerdown", x, y); send("pointermove", box.left + (box.right - box.left) / 4,
      box.top - 90);
        send("pointercancel", 0, 0);""")
    )
    assert moved == [[2, pytest.approx(-0.5), 1]]  # beyond the box it stays at the rim


@pytest.mark.parametrize(
    "kind, distance, taken",
    [("mouse", 15.9, True), ("mouse", 16.1, False), ("touch", 29, True), ("touch", 31, False), ("pen", 29, True)],
)
def test_how_near_a_pointer_must_be(kind, distance, taken):
    moved, more, _ = (
        hand(f"""const [x, y] = at(0); send("pointerdown", x, y + {distance}, {{ pointerType: "{kind}" }});
      send("pointermove", x + 20, y);
        send("pointerup", 0, 0); return view.canvas.style.cursor || "";""")
    )
    assert len(moved) == taken and more == ""


def test_the_nearest_point_is_taken():
    _, _, chosen = hand(
        """const [x, y] = at(0); view.grip.cloud.at.set([x + 10, y, x + 4, y, x - 9, y]); send("pointerdown", x, y);"""
    )
    assert chosen == [1]


def test_a_finger_on_a_point_does_not_scroll_the_page():
    _, more, _ = hand("""const touch = (x, y) => view.canvas.dispatch("touchstart", { touches: [{ clientX: 100 + x,
      clientY: 50 + y }] }).prevented;
        const [x, y] = at(0); return [touch(x, y + 29), touch(x, y + 31)];""")
    assert more == [True, False]


def keys(body):
    return hand(
        f"""const key = (name, more = {{}}) => view.canvas.dispatch("keydown", {{ key: name, ...more }}).prevented; {body}"""
    )


def test_arrow_keys_move_the_chosen_point():
    moved, more, chosen = keys("""return ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"].map((name) => key(name,
      { shiftKey: name === "ArrowDown" }));""")
    assert (
        moved == [[0, pytest.approx(x), pytest.approx(y)] for x, y in ((0.04, 0), (0, 0), (0, 0.04), (0, -0.16))]
        and more == [True] * 4
        and chosen == [0]
    )
    moved, *_ = keys("view.choose(1); key('ArrowLeft'); key('ArrowUp');")
    assert moved == [[1, pytest.approx(0.96), 1], [1, pytest.approx(0.96), 1]]  # at the rim


def test_brackets_and_page_keys_choose_round_the_cloud():
    _, more, chosen = (
        keys("""["]", "]", "]", "]", "[", "[", "PageDown", "PageUp", "Escape", "["].forEach((name) => key(name));
      return view.selected;""")
    )
    assert chosen == [0, 1, 2, 0, 2, 1, 2, 1, -1, 2] and more == 2


def test_other_keys_are_the_pages():
    moved, more, _ = (
        keys("""return [key("a"), key("Tab"), ...["ctrlKey", "metaKey", "altKey"].map((m) => key("ArrowUp",
      { [m]: true }))];""")
    )
    assert moved == [] and more == [False] * 5
