"""The look is said once: style sheets, scripts and pictures read one record, and say no colour and no width of their own."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.markers import MarkerStyle

from companion.figures import look
from companion.live import assets
from tests.live.javascript import run

ROOT = Path(__file__).parents[1]
COLOUR = r"#[0-9a-fA-F]{3,8}\b|\brgba?\(\s*\d|['\"](?:white|black|gr[ae]y|red|green|blue)['\"]|\bcolors?=['\"]"
WIDTH = r"lineWidth = [\d.]+ ?[;*]|\b(?:lw|linewidths?|fontsize|ms|markersize)=[\d.]*[1-9]"
FRONT, LIVE = ROOT / "companion/live/front", ROOT / "companion/live"
DRAWN = [*sorted(FRONT.glob("*.js")), FRONT / "live.css", ROOT / "book/assets/style.css",
         *sorted((ROOT / "companion/figures").glob("*.py")), *sorted(LIVE.glob("*.py"))]


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.name)
def test_no_file_has_a_colour_or_a_width_of_its_own(path):
    text = re.sub(r'#rrggbb|font: "\d+px|&#?\w+;|cmap="gray"', "", path.read_text("utf8"))
    assert re.findall(f"{COLOUR}|{WIDTH}", text) == []


def test_what_is_planted_is_found():
    strays = ["color: #fff;", "rgba(0, 0, 0, 0.5)", 'color=("white" if on else ink)', 'ax.plot(x, y, color="0.4")', "g.lineWidth = 1.6 * ink.scale;",
              "ax.plot(x, lw=0.8)"]
    for stray in strays:
        assert re.search(f"{COLOUR}|{WIDTH}", stray), stray


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return sum(w * (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4) for w, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_groups_are_read_on_their_paper(theme):
    colors = look.LOOK[theme]
    for paper in ("paper", "soft", "tint"):
        assert all(contrast(colors[word], colors[paper]) >= 4.5 for word in ("ink", "muted", "accent")), paper
    assert contrast(colors["on-accent"], colors["accent"]) >= 4.5
    assert min(contrast(c, colors["paper"]) for c in colors["groups"]) >= 3 and len(set(colors["groups"])) == len(look.LOOK["marks"])
    assert len(look.LOOK["dashes"]) == len(look.LOOK["marks"]) == len({json.dumps(d) for d in look.LOOK["dashes"]})


def test_the_style_sheet_has_every_colour_that_is_asked_for():
    for text in (assets.style(), look.sheet() + (ROOT / "book/assets/style.css").read_text("utf8")):
        given = set(re.findall(r"(--[\w-]+): ", text))
        assert {name for name in re.findall(r"var\((--(?:live|look)-[\w-]+)\)", text)} <= given
    light, dark, unsaid, _ = re.split(r"\n(?=html|@media|/)", assets.style(), maxsplit=3)
    for theme, text in (("light", light), ("dark", dark), ("dark", unsaid)):
        found = dict(re.findall(r"--(?:live|look)-([\w-]+): ([^; ]+)", text))
        groups = [found.pop(f"c{i}") for i in range(8)]
        assert {**found, "groups": groups} == {**look.LOOK[theme], **({"axis": "12.5px"} if theme == "light" else {})}


def test_the_page_reads_what_python_reads():
    found = run(["look.js"], "LOOK")
    light = found.pop("light")
    assert found == {name: value for name, value in look.LOOK.items() if name not in ("light", "dark", "still", "title")}
    assert set(light) == {"ink", "paper", "muted", "ground", "groups"} and all(look.LIGHT[name] == light[name] for name in light)
    assert len(look.script()) < 1500


def test_marks_on_paper_are_those_of_the_page():
    drawn = """look.marks.map((_, i) => { const parts = []; const put = (k) => (...a) => parts.push([k, ...a]);
        markShape(i)({ moveTo: put("M"), lineTo: put("L"), arc: put("A"), closePath() {} }, 0, 0, 10); return parts; })"""
    shapes = run(["look.js", "marks.js"], drawn.replace("look.", "LOOK."))
    assert shapes[0] == [["M", 10, 0], ["A", 0, 0, 10, 0, 2 * math.pi]]
    for group, parts in enumerate(shapes):
        marker, s = look.mark(group, 10)
        style = MarkerStyle(marker)
        path = style.get_path().transformed(style.get_transform())
        points = path.to_polygons(closed_only=False)[0] * math.sqrt(s) / look.PX * [1, -1]  # down is down, as on a canvas
        if not group:
            assert path.get_extents().width * math.sqrt(s) / look.PX == pytest.approx(20) and marker == "o"
            continue
        assert points[:-1] == pytest.approx(np.array([part[1:] for part in parts]), abs=1e-6), group


def test_dashes_and_shades_of_paper():
    assert look.dash([]) == "-" and look.dash([11, 2.2]) == (0, pytest.approx([5, 1])) and look.dash([16], "theory") == (0, pytest.approx([10]))
    assert look.mixed(0, "ink") == (1, 1, 1) and look.mixed(1, "#336699") == pytest.approx((0.2, 0.4, 0.6)) and look.mixed(0.5, "#ffff00")[2] == 0.5
    assert look.color(9) == look.PALETTE[1] and look.color(7) == look.PALETTE[7]
