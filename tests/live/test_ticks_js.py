"""Ticks, scales, contours and bands of the page, as numbers: round steps, every tick inside, level sets by their equation."""

import itertools
import json
import math
import random

import numpy as np
import pytest

from companion.figures import ticks as paper
from tests.live.javascript import page, run
from tests.live.painting import number

FILES = ["look.js", "format.js", "ticks.js", "contours.js"]


def js(expression):
    return run(FILES, expression)


def intervals(n, seed=0):
    rng = random.Random(seed)
    starts = [rng.uniform(-1, 1) * 10 ** rng.randint(-3, 3) for _ in range(n)]
    return [(lo, lo + 10 ** rng.uniform(-3, 4)) for lo in starts]


def test_linear_ticks_are_round_inside_and_said_exactly():
    asked = [(lo, hi, count) for lo, hi in intervals(200) for count in (3, 4, 6)] + [
        (0, 1, 4),
        (-1, 1, 3),
        (0, 250, 3),
        (0, 1e6, 4),
        (0, 3e-5, 4),
    ]
    found = js(f"{json.dumps(asked)}.map(([lo, hi, n]) => linearTicks(lo, hi, n))")
    for (lo, hi, count), ticks in zip(asked, found, strict=True):
        values = [tick["value"] for tick in ticks]
        step = values[1] - values[0]
        mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(mantissa - m) for m in (1, 2, 5)) < 1e-6 and np.allclose(np.diff(values), step)
        assert (
            3 <= len(values) <= 2.6 * count + 2
            and lo - 1e-6 * step <= values[0] < lo + step
            and hi - step < values[-1] <= hi + 1e-6 * step
        )
        assert all(
            abs(number(tick["text"]) - tick["value"]) <= 0.006 * max(step, abs(tick["value"])) for tick in ticks
        )
        assert len({tick["text"] for tick in ticks}) == len(ticks) or abs(lo) > 400 * step


@pytest.mark.parametrize(
    "value, step, text",
    [
        (0.5, 0.1, "0.5"),
        (-0.5, 0.5, "\u22120.5"),
        (3, 1, "3"),
        (1e-9, 0.1, "0"),
        (20, 10, "20"),
        (0.25, 0.05, "0.25"),
        (1e5, 1e5, "10⁵"),
        (2e5, 1e5, "2\u202f×\u202f10⁵"),
        (99999, 1, "99999"),
        (-3e6, 1e6, "\u22123\u202f×\u202f10⁶"),
        (2e-5, 1e-5, "2\u202f×\u202f10⁻⁵"),
        (1e-4, 1e-4, "0.0001"),
        (1.5, 0.5, "1.5"),
        (150000, 50000, "1.5\u202f×\u202f10⁵"),
    ],
)
def test_the_text_of_a_tick(value, step, text):
    assert js(f"tickText({value}, {step})") == paper.tick_text(value, step) == text


def test_steps_are_one_two_or_five():
    asked = [(1, 4), (1, 5), (10, 4), (0.3, 3), (7, 7), (2, 0), (5.001, 5)]
    assert js(f"{json.dumps(asked)}.map(([s, n]) => tickStep(s, n))") == pytest.approx([0.5, 0.2, 5, 0.1, 1, 2, 1])


def test_ranges_open_outward_to_whole_steps():
    for (lo, hi), (a, b) in zip(
        intervals(60, 1), js(f"{json.dumps(intervals(60, 1))}.map(([lo, hi]) => tickRange(lo, hi))"), strict=True
    ):
        step = js(f"tickStep({hi} - {lo}, 4)")
        assert a <= lo + 1e-6 * step and b >= hi - 1e-6 * step and lo - a < step and b - hi < step
        assert abs(a / step - round(a / step)) < 1e-5 and abs(b / step - round(b / step)) < 1e-5
    assert js("[tickRange(5, 5), tickRange(0, 0), tickRange(-10, -10)]") == [
        pytest.approx([4.5, 5.5]),
        [-1, 1],
        pytest.approx([-11, -9]),
    ]


def test_logarithmic_ticks_are_decades_or_their_ones_twos_and_fives():
    def ticks(lo, hi, count):
        return [(t["value"], t["text"]) for t in js(f"logTicks({lo}, {hi}, {count})")]

    assert [v for v, _ in ticks(1, 1000, 4)] == pytest.approx([1, 10, 100, 1000])
    assert [t for _, t in ticks(0.001, 1000, 9)] == ["10⁻³", "0.01", "0.1", "1", "10", "100", "10³"]
    assert [v for v, _ in ticks(1e-8, 1, 4)] == pytest.approx([1e-8, 1e-5, 1e-2]) and [
        t for _, t in ticks(1e-8, 1, 4)
    ] == ["10⁻⁸", "10⁻⁵", "0.01"]
    assert [v for v, _ in ticks(1e-12, 1, 2)] == pytest.approx([1e-12, 1e-5])
    assert [v for v, _ in ticks(1, 10, 4)] == pytest.approx([1, 2, 5, 10]) and [t for _, t in ticks(0.1, 1, 4)] == [
        "0.1",
        "0.2",
        "0.5",
        "1",
    ]
    assert [v for v, _ in ticks(0.3, 7, 4)] == pytest.approx([0.5, 1, 2, 5])
    assert [v for v, _ in ticks(0.15, 70, 3)] == pytest.approx([1, 10])
    assert [v for v, _ in ticks(2.1, 4.2, 4)] == pytest.approx([2.5, 3, 3.5, 4]) and [
        v for v, _ in ticks(1, 100, 4)
    ] == pytest.approx([1, 10, 100])


@pytest.mark.parametrize("log", [False, True])
def test_paper_has_the_ticks_of_the_page(log):
    spans = [(math.exp(lo / 200), math.exp(lo / 200) * (hi - lo + 1)) for lo, hi in intervals(60, 2)] if log else intervals(60, 2)
    asked = [(lo, hi, n) for lo, hi in [*spans, (1, 10), (0.1, 70), (2.1, 4.2), (1e-8, 1), (1, 1e5), (0.9, 1.1)] for n in (2, 3, 5)]
    asked += [] if log else [(-1, 1, 4), (-1, 1e-7, 4), (0, 3e-5, 4), (0, 2e6, 5), (-0.3, 0.3, 5)]
    found = js(f"{json.dumps(asked)}.map(([lo, hi, n]) => makeScale(lo, hi, 0, 1, {json.dumps(log)}).ticks(n).map((t) => [t.value, t.text]))")
    for (lo, hi, count), page_ticks in zip(asked, found, strict=True):
        mine = paper.ticks(lo, hi, count, log)
        assert [text for _, text in mine] == [text for _, text in page_ticks], (lo, hi, count)
        assert [v for v, _ in mine] == pytest.approx([v for v, _ in page_ticks], rel=1e-12, abs=1e-12 * (hi - lo))


def test_paper_has_the_ranges_of_the_page():
    asked = [*intervals(60, 3), (5, 5), (0, 0), (-10, -10), (0, 3)]
    found = js(f"{json.dumps(asked)}.map(([lo, hi]) => tickRange(lo, hi, 12))")
    assert [paper.tick_range(lo, hi, 12) for lo, hi in asked] == [pytest.approx(pair, rel=1e-12, abs=1e-12) for pair in found]
    asked = [(math.exp(lo / 200), math.exp(lo / 200 + (hi - lo) / 900)) for lo, hi in intervals(60, 4)]
    asked += [(1, 1), (2, 2), (3, 24.1), (0.2, 70), (1, 8)]
    found = page(f"{json.dumps(asked)}.map(([lo, hi]) => logRange(lo, hi))")
    assert [paper.log_range(lo, hi) for lo, hi in asked] == [pytest.approx(pair, rel=1e-12) for pair in found]


@pytest.mark.parametrize("log", [False, True])
def test_a_scale_and_its_inverse(log):
    lo, hi = (1e-3, 100) if log else (-2, 7)
    values = np.geomspace(lo, hi, 9) if log else np.linspace(lo, hi, 9)
    at, back, ends = js(
        f"(() => {{ const s = makeScale({lo}, {hi}, 400, 20, {json.dumps(log)}), v = {values.tolist()}; "
        "return [v.map(s.at), v.map((x) => s.back(s.at(x))), [s.lo, s.hi, s.from, s.to, s.log]]; })()"
    )
    assert (
        at == pytest.approx(np.linspace(400, 20, 9))
        and back == pytest.approx(values)
        and ends == [lo, hi, 400, 20, log]
    )
    kind = "logTicks" if log else "linearTicks"
    assert js(f"makeScale({lo}, {hi}, 0, 1, {json.dumps(log)}).ticks(4)") == js(f"{kind}({lo}, {hi}, 4)")
    assert js("makeScale(1, 10, 0, 1, true).at(-1)") is None  # NaN: not drawn


def test_every_cell_is_cut_on_the_edges_where_the_level_is_crossed():
    corners = {0: (0, 1), 1: (1, 2), 2: (3, 2), 3: (0, 3)}  # an edge's two corners, counted round the cell
    for code in range(1, 15):
        above = [bool(code >> i & 1) for i in range(4)]
        for high in (False, True):
            pairs = js(f"cellEdges({code}, {json.dumps(high)})")
            crossed = {e for e, (a, b) in corners.items() if above[a] != above[b]}
            assert sorted(itertools.chain(*pairs)) == sorted(crossed)
            if len(pairs) == 2:  # a saddle: each line cuts off one corner, one of those that differ from the middle
                lonely = {(set(corners[a]) & set(corners[b])).pop() for a, b in pairs}
                assert lonely == {i for i in range(4) if above[i] != high}


def test_contours_of_a_sum_are_straight_lines_at_their_height():
    G = 7
    values = [[c + 2 * r for c in range(G)] for r in range(G)]
    found = np.array(js(f"contourSegments({np.ravel(values).tolist()}, {G}, 6.5)")).reshape(-1, 2, 2)
    assert np.allclose(found[..., 0] + 2 * found[..., 1], 6.5) and np.isclose(
        np.linalg.norm(found[:, 0] - found[:, 1], axis=1).sum(), math.hypot(6, 3)
    )
    assert js("contourSegments([0, 1, NaN, 1], 2, 0.5)") == [] and js("contourSegments([0, 0, 0, 0], 2, 0.5)") == []


def test_a_contour_of_any_grid_is_closed_but_at_the_rim():
    values = np.random.default_rng(3).standard_normal((9, 9))
    ends = np.array(js(f"contourSegments({values.ravel().tolist()}, 9, 0.1)")).reshape(-1, 2).round(9)
    points, times = np.unique(ends, axis=0, return_counts=True)
    rim = ((points == 0) | (points == 8)).any(1)
    assert set(times[~rim]) == {2} and set(times[rim]) == {1}
    for x, y in points:
        r, c, fr, fc = int(y), int(x), y % 1, x % 1
        a, b = (values[r, c], values[min(8, r + 1), c]) if fr else (values[r, c], values[r, min(8, c + 1)])
        assert a + (b - a) * (fr or fc) == pytest.approx(0.1, abs=1e-6)


def test_levels_are_quantiles_closer_in_the_valley():
    values = list(range(1000))
    levels = js(f"quantileLevels({values}, 10)")
    assert levels == [math.floor(1000 * ((i + 0.4) / 10) ** 1.25) for i in range(10)]
    assert js(f"quantileLevels([...{values[::-1]}, Infinity, NaN], 10)") == levels
    assert (
        js("quantileLevels([2, 2, 2], 5)") == []
        and js("quantileLevels([NaN], 5)") == []
        and js("quantileLevels([0, 0, 0, 1], 9)") == [0, 1]
    )


def test_bands_lie_between_levels():
    levels = [-1.0, 0.0, 0.5, 4.0, 9.0]
    values = [*levels, -3, -0.5, 0.25, 1, 5, 10]
    assert (
        js(f"{json.dumps(values)}.map((v) => bandOf(v, {levels}))")
        == np.searchsorted(levels, values, side="left").tolist()
    )
    assert js("bandOf(NaN, [0, 1])") == 2
