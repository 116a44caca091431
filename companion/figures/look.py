"""The look, said once (look.json): style sheets, the page's scripts, posters and stills read it.

Lengths are the page's pixels; a picture made by Python has DPI of them an inch. `ink`: how strong a
line or an area is, from 0 (paper) to 1. `marks`: (corners, turn in degrees, radius, radius between
the rays of a star), a disc where there are none. A group has a colour, a dash and a mark.
"""

import json
import math
from pathlib import Path

LOOK = json.loads((Path(__file__).parent / "look.json").read_text("utf8"))
LIGHT, DARK = LOOK["light"], LOOK["dark"]
PALETTE, INK = tuple(LIGHT["groups"]), LIGHT["ink"]
DPI = 110
PX = 72 / DPI  # a pixel in points, the unit of matplotlib
LINE = {name: width * PX for name, width in LOOK["line"].items()}
STILL = {"axes.spines.top": False, "axes.spines.right": False, "font.size": LOOK["still"] * PX,
         "axes.titlesize": LOOK["still"] * PX * 1.1, "lines.linewidth": LINE["curve"]}
DARKNESS = ('html[data-theme="dark"], html[theme="dark"], body[data-jp-theme-light="false"], '
            "body.vscode-dark")
UNSAID = ("html:not([data-theme]):not([theme]) "
          "body:not([data-jp-theme-light]):not(.vscode-light)")


def color(group):
    """The colour of a group on white."""
    return PALETTE[int(group) % len(PALETTE)]


def mixed(share, other="muted"):
    """The colour that is this share of another one (a name, or #rrggbb), the rest white paper."""
    pair = zip(_channels(LIGHT["paper"]), _channels(LIGHT.get(other, other)), strict=True)
    return tuple((a + (b - a) * share) / 255 for a, b in pair)


def _channels(color):
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def dash(pattern, line="curve"):
    """matplotlib's line style of a pattern of pixels, whose unit there is the width of the line."""
    return (0, [length / LOOK["line"][line] for length in pattern]) if pattern else "-"


def mark(group, radius):
    """matplotlib's (marker, s) of a group's mark of so many pixels: discs of equal area."""
    shape = LOOK["marks"][int(group) % len(LOOK["marks"])]
    if not shape:
        return "o", (2 * radius * PX) ** 2
    corners, turn, far, *near = shape
    n = corners * (2 if near else 1)
    angles = [math.radians(turn) + 2 * math.pi * k / n for k in range(n)]
    radii = [near[0] if near and k % 2 else far for k in range(n)]
    points = [(r * math.cos(a), -r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]
    reach = max(abs(c) for point in points for c in point)  # matplotlib makes it 1 / 2
    return [*points, points[0]], (2 * reach * radius * PX) ** 2


def sheet():
    """The colours as variables of a style sheet, light and dark: --live-NAME, but --look-ink and
    --look-paper where the page's own come first."""
    light, dark = (f"{{ {'; '.join(_variables(colors))} }}" for colors in (LIGHT, DARK))
    return (f"html {light[:-2]}; --live-axis: {LOOK['type']}px }}\n{DARKNESS} {dark}\n"
            f"@media (prefers-color-scheme: dark) {{ {UNSAID} {dark} }}\n")


def _variables(colors):
    groups = {f"c{i}": value for i, value in enumerate(colors["groups"])}
    for name, value in {**colors, **groups}.items():
        if name != "groups":
            yield f"--{'look' if name in ('ink', 'paper') else 'live'}-{name}: {value}"


def script():
    """What the page's scripts read, as a file of theirs; the dark colours are the style sheet's."""
    known = {k: v for k, v in LOOK.items() if k not in ("dark", "still", "title")}
    used = {name: LIGHT[name] for name in ("ink", "paper", "muted", "ground", "groups")}
    return f"export const LOOK = {json.dumps({**known, 'light': used}, separators=(',', ':'))};\n"
