"""Matrices, pictures and what is saved of a figure, by what is painted: each entry in its colour and its place, titles and words on paper."""

import math
import re

import pytest
import torch

from companion.live import curves, histogram, matrix, picture, plane, sphere
from tests.live.javascript import page, run
from tests.live.painting import INK, MUTED, PAINT, frame, number, paint


def colours(image):
    """Rows of (r, g, b, a)."""
    width, height = image["size"]
    pixels = [tuple(image["pixels"][4 * i : 4 * i + 4]) for i in range(width * height)]
    return [pixels[width * r : width * (r + 1)] for r in range(height)]


VALUES = [[-1.0, 0.0, 1.0], [0.5, math.nan, -0.5]]


def test_a_matrix_has_paper_at_zero_and_two_hues_for_two_signs():
    p = paint(matrix(-1, 1), frame(VALUES))
    (image,) = p.of("drawImage")
    (least, zero, most), (half, missing, minus) = colours(image)
    assert (
        least == (160, 0, 1, 255)
        and most == (0, 0, 160, 255)
        and all(v > 248 for v in zero)
        and missing == (0, 0, 0, 0)
    )
    assert half[2] > half[0] and minus[0] > minus[2] and 0 < half[0] < 255 and abs(half[0] - minus[2]) < 4
    assert not image["smooth"] and image["box"][2] / image["box"][3] == pytest.approx(3 / 2)


def test_a_matrix_of_one_sign_goes_from_paper_to_the_dark_of_one_hue():
    (image,) = paint(matrix(0, 1), frame([[0.0, 0.3, 0.6, 1.0, 5.0, -2.0]])).of("drawImage")
    row = colours(image)[0]
    brightness = [sum(c[:3]) for c in row]
    assert (
        brightness[0] > 700
        and brightness[:4] == sorted(brightness[:4], reverse=True)
        and row[4] == row[3]
        and row[5] == row[0]
    )
    assert row[2] == (0, 0, 160, 255)  # the hue itself at 0.6
    assert row[3] == (9, 9, 81, 255)


def test_the_matrix_its_frame_and_its_scale_stand_side_by_side():
    p = paint(matrix(-1, 3, xlabel="from", ylabel="to"), frame([[0.0, 1.0], [2.0, 3.0]]))
    (image,), (rim, bar_rim) = p.of("drawImage"), p.of("strokeRect")
    left, top, width, height = image["box"]
    assert (
        left > 0
        and top > 0
        and top + height < p.height
        and rim["box"]
        == [*(math.floor(v + 0.5) - 0.5 for v in (left, top)), *(math.floor(v + 0.5) + 1 for v in (width, height))]
    )
    (bar,) = p.of("fillRect")
    assert (
        bar["box"] == pytest.approx([left + width + 16, top, 10, height])
        and bar_rim["box"][0] == round(bar["box"][0]) - 0.5
    )
    assert bar["box"][0] + 40 < p.width
    ticks = [(number(op["text"]), op["at"]) for op in p.of("fillText") if number(op["text"]) is not None]
    assert {v for v, _ in ticks} >= {-1, 0, 1, 2, 3}
    assert all(at == pytest.approx([bar["box"][0] + 16, top + height * (3 - v) / 4]) for v, at in ticks)
    ends, stops = bar["style"]["ends"], bar["style"]["stops"]
    assert ends == pytest.approx([0, top + height, 0, top]) and [at for at, _ in stops] == [i / 32 for i in range(33)]
    shades = [tuple(map(int, re.findall(r"\d+", c))) for _, c in stops]
    assert shades[-1] == (0, 0, 160) and all(v > 240 for v in shades[8]) and shades[0][0] > shades[0][2]
    words = p.words()
    assert words["from"] == (pytest.approx(left + width / 2), pytest.approx(top + height + 1.5 * 12.5)) and words[
        "to"
    ] == (pytest.approx(left), pytest.approx(top - 7.5))


def test_wide_and_tall_matrices_fit():
    for values in ([[0.5] * 20], [[0.5]] * 20):
        p = paint(matrix(0, 1), frame(values))
        left, top, width, height = p.of("drawImage")[0]["box"]
        assert (
            left >= 0
            and top >= 0
            and left + width + 62 <= p.width + 1e-9
            and top + height <= p.height
            and width / height == pytest.approx(len(values[0]) / len(values))
        )


def test_a_picture_has_the_colours_of_the_tensor():
    p = paint(picture(), frame([[[1.0, 0.0, 0.0], [0.2, 0.4, 0.6]], [[0.0, 2.0, 0.0], [math.nan, -1.0, 1.0]]]))
    (image,) = p.of("drawImage")
    assert colours(image) == [[(255, 0, 0, 255), (51, 102, 153, 255)], [(0, 255, 0, 255), (0, 0, 255, 255)]]
    assert image["box"] == [30, 0, 440, 440] and not image["smooth"]
    (rim,) = p.of("strokeRect")
    assert rim["box"] == [30.5, 0.5, 439, 439]


def test_ink_is_the_colour_of_the_text_as_strong_as_the_value():
    p = paint(picture(ratio=2.0, smooth=True), frame([[0.0, 1.0, 0.5]]))
    (image,) = p.of("drawImage")
    assert colours(image) == [[(16, 16, 16, 0), (16, 16, 16, 255), (16, 16, 16, 128)]] and image["smooth"]
    assert image["box"] == [0, 9, 500, 250]
    assert p.height == round(464 / 2 + 36)


def test_an_empty_frame_paints_nothing():
    empty = {"number": 0, "k": 0, "t": 0, "arrays": {}}
    assert (
        [op["op"] for op in paint(picture(), empty).ops]
        == [op["op"] for op in paint(matrix(0, 1), empty).ops]
        == ["clear"]
    )


# --- sizes, titles and the saved picture ---


def size(views, width, j=0, before="", **options):
    p = paint(views, frame([[0.0, 0.0]]), frame([[0.0, 0.0]]), width=width, j=j, before=before, **options)
    return p.height


def test_heights_follow_the_content():
    square, long, bars = plane(x=(0, 1), y=(0, 1)), plane(x=(0, 9), y=(0, 1)), histogram(0, 1)
    assert size(square, 300) == 300 and size(square, 900) == 440 and size(square, 100) == 210
    assert (
        size(long, 500) == 330
        and size(long, 600) == 276
        and size(bars, 561) == round(561 * 0.46)
        and size(bars, 560) == round(560 * 0.66)
    )
    assert size(plane(x=(0, 2), y=(0, 1)), 500) == round(464 / 2 + 36) and size(
        plane(x=(0, 2), y=(0, 1), names=["a"]), 500
    ) == round(464 / 2 + 36 + 20)
    assert size(plane(x=(0, 2), y=(0, 1), xlabel="x", ylabel="y"), 500) == 301


BESIDE = """const makePanel = viewPanel;
viewPanel = (...given) => {
  const made = makePanel(...given), row = new StubElement("div"), shell = new StubElement("figure");
  Object.assign(row, { className: "live-panels", wide: ROW }).append(made.element);
  Object.assign(shell, { className: CLASS }).append(row);
  made.element.wide = stub.width;
  return made;
};"""


def test_panels_side_by_side_have_one_height():
    views = [plane(x=(0, 2), y=(0, 1)), histogram(0, 1)]
    beside, stacked, projector = (
        f"const ROW = {row}, CLASS = '{name}';" + BESIDE
        for row, name in ((820, "live"), (400, "live"), (2000, "live live--projector"))
    )
    assert size(views, 400, before=beside) == size(views, 400, j=1, before=beside) == round(0.72 * 400)
    assert size(views, 400, before=stacked) == round(364 / 2 + 36) and size(views, 400, j=1, before=stacked) == round(
        0.66 * 400
    )
    assert size(views, 900, before=beside.replace("820", "1900")) == 460 and size(views, 900, before=projector) == 455


def test_a_panel_says_what_it_is():
    found = page("""(() => { const said = [{ kind: "plane", x: [0, 1], y: [0, 1], title: "Two wells", drag: true }, { kind: "sphere", title: "" },
        { kind: "curves", drag: true }].map((spec) => { const v = makeView(spec, { alt: "Points" }), c = v.canvas;
        return [v.element.className, v.element.dataset.kind, v.element.children.map((n) => n.textContent || n.tagName), c.attributes, c.tabIndex,
            v.element.children[v.element.children.length - 1].attributes, Object.keys(c.listeners)]; }); return said; })()""")
    (plane_, sphere_, curves_) = found
    assert plane_[:3] == ["live-panel", "plane", ["Two wells", "canvas", "span"]] and sphere_[2] == curves_[2] == [
        "canvas",
        "span",
    ]
    assert plane_[3] == {
        "role": "img",
        "aria-label": "Two wells. Points Points can be moved: [ and ] choose a point, arrow keys move it.",
    }
    assert sphere_[3]["aria-label"] == "Points Arrow keys turn the sphere." and curves_[3]["aria-label"] == "Points"
    assert (
        (plane_[4], sphere_[4], curves_[4]) == (0, 0, None)
        and plane_[5] == {"aria-live": "polite"}
        and curves_[6] == []
    )


SAVED = """
function saved(sentence, titles) {
  const views = titles.map((title, i) => {
    stub.width = 300 + 100 * i;
    const view = makeView({ kind: "plane", x: [0, 1], y: [0, 1], title }, { alt: "" });
    view.draw({ arrays: {} });
    return view;
  });
  const canvas = drawFigurePng(views, { sentence }), g = canvas.getContext("2d");
  return { size: [canvas.width, canvas.height], scaled: g.scaled, ops: g.ops, heights: views.map((v) => v.surface.height) };
}"""
PNG = PAINT + SAVED


def test_a_saved_picture_holds_panels_titles_and_the_sentence():
    said = "At t = 3 there are 4 clusters, and this sentence is so long that it takes a second line below the two panels of the figure."
    found = page(f"saved('{said}', ['Left', 'Right'])", PNG)
    assert found["heights"] == [300, 400] and found["scaled"] == [2, 2]
    assert found["size"] == [2 * (20 + 300 + 24 + 400 + 20), 2 * (20 + 28 + 400 + 14 + 22 * 2 + 20)]
    paper, *rest = found["ops"]
    assert (paper["op"], paper["style"], paper["box"]) == ("fillRect", "#ffffff", [0, 0, *found["size"]])
    images = [op["box"] for op in rest if op["op"] == "drawImage"]
    assert images == [[20, 48, 300, 300], [344, 48, 400, 400]]
    texts = [(op["text"], op["at"], op["font"], op["style"]) for op in rest if op["op"] == "fillText"]
    assert texts[:2] == [("Left", [20, 34], "600 15px Stub", INK), ("Right", [344, 34], "600 15px Stub", INK)]
    assert (
        " ".join(t[0] for t in texts[2:]) == said
        and [t[1] for t in texts[2:]] == [[20, 474], [20, 496]]
        and texts[2][2] == "15px Stub"
    )
    assert all(len(t[0]) * 7.5 <= 724 for t in texts[2:])


def test_a_saved_picture_without_words():
    found = page("saved('', [''])", PNG)
    assert found["size"] == [2 * 340, 2 * 340] and [op["box"] for op in found["ops"] if op["op"] == "drawImage"] == [
        [20, 20, 300, 300]
    ]


# --- ink ---


INKED = """(() => {
  const ink = readInk(document.createElement("canvas"));
  const font = [ink.font(), ink.font(2, "600")], group = [0, 7, 8, -1].map((i) => ink.group(i)), dash = [1, 9, -1].map((i) => ink.dash(i));
  return { ...ink, font, group, dash };
})()"""


def test_ink_reads_the_style_sheet():
    ink = page(INKED, "stub.fontSize = '25px'; cssText['--live-paper'] = ' #101418 ';")
    assert (ink["paper"], ink["ink"], ink["muted"], ink["dark"]) == ("#101418", INK, MUTED, True)
    assert (ink["size"], ink["scale"], ink["font"]) == (25, 2, ["25px Stub", "600 50px Stub"])
    assert ink["group"] == ["#0000a0", "#005007", "#0000a0", "#005007"]
    assert ink["dash"] == [[18, 8], [18, 8], [24, 6, 6, 6]]
    bare = page(INKED, "for (const name of Object.keys(cssText)) delete cssText[name]; stub.fontSize = '';")
    assert (bare["paper"], bare["size"], bare["dark"], len(bare["groups"])) == ("#ffffff", 12.5, False, 8)


def test_colours_mix():
    assert page("inkMix('#000000', '#ff8000', 0.5)") == "rgb(128,64,0)"
    assert page("inkMix('#102030', '#ffffff', 0)") == "rgb(16,32,48)"
    assert page("inkMixRgb('#fff', 'rgb(0, 10, 20)', 1)") == [0, 10, 20]
    assert page("inkFade('#0a0b0c', 0.25)") == "rgba(10,11,12,0.25)"


WATCHED = """(async () => {
  const made = [], a = watchTheme(() => made.push("a")), b = watchTheme(() => made.push("b"));
  seen[0]();
  await clock.run(40);
  b();
  seen[1]();
  await clock.run(40);
  return [...made, seen.length];
})()"""


def test_a_theme_that_changes_repaints_every_view_until_it_is_gone():
    before = "const seen = []; MutationObserver = class { constructor(f) { seen.push(f); } observe() {} };"
    assert page(WATCHED, before) == ["a", "b", "a", 2]


def test_declared_numbers_are_decoded():
    spec = matrix(0, 1).spec()
    assert spec["kind"] == "matrix"
    packed = plane(x=(0, 1), y=(0, 1), target=torch.tensor([[0.25, 0.5], [1.0, -2.0]])).spec()["target"]
    assert page(
        f"(({{ data, shape }}) => [Array.from(data), shape])(viewNumbers({{ data: '{packed['data']}', shape: [2, 2] }}))"
    ) == [[0.25, 0.5, 1, -2], [2, 2]]


def test_a_declared_target_is_painted():
    p = paint(plane(x=(0, 1), y=(0, 1), target=torch.tensor([[0.5, 0.5]])), frame([[0.0, 0.0]]))
    x, y = p.scale("center"), p.scale("right")
    (hollow,) = [op for op in p.of("stroke", style=MUTED) if op["clip"]]
    assert hollow["path"][1][1:4] == pytest.approx([x(0.5), y(0.5), 3.8], abs=0.6) and hollow["width"] == 1.2
    many = paint(plane(x=(0, 1), y=(0, 1), target=torch.zeros(151, 2)), frame([[0.0, 0.0]]))
    assert {op["alpha"] for op in many.of("stroke", style=MUTED) if op["clip"]} == {0.6}


def test_steps_of_a_whole_run_are_those_of_the_player():
    figures = [{"frames": 40, "substeps": 3}, {"frames": 500, "substeps": 2, "pace": "log"}, {"frames": 1}]
    for figure in figures:
        code = f"""(() => {{ const spec = {{ controls: [], seed: 0, ...{figure!r} }}, run = new Run(spec); let k = 0;
            for (let f = 1; f < spec.frames; f++) k += run.steps(k); return [k, expectedSteps(spec)]; }})()"""
        k, expected = run(["run.js", "clock.js", "tape.js"], code)
        assert k == expected


def test_every_kind_of_view_has_its_painter():
    kinds = {"plane", "landscape", "circle", "sphere", "density", "histogram", "curves", "matrix", "picture"}
    assert (
        set(page("Object.keys(VIEW_PAINTERS)"))
        == kinds
        == {
            "landscape",
            "circle",
            "density",
            *(
                v.kind
                for v in (plane(x=(0, 1), y=(0, 1)), sphere(), histogram(0, 1), curves(), matrix(0, 1), picture())
            ),
        }
    )
