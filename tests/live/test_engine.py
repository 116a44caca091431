"""A figure in a page, moved as readers move it, against torch's replay of what they did. Over http, under a strict policy."""

import pytest
import torch

from companion.live import Button, Slider, assets, curves, live, plane, replay
from tests.browsing import PATIENCE, Visit

POLICY = "default-src 'self'; script-src 'self' blob: {more}; worker-src blob:; img-src 'self' data:; style-src 'self'"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Trial</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="{policy}"><link rel="stylesheet" href="live/live.css"></head>
<body><main>{body}</main><script defer src="live/live.js"></script></body></html>"""


def well(k, x, xi, *, beta):
    return x - 0.02 * beta * x.sin() + 0.2 * xi


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANION_LIVE_FIGURES", str(folder))
        yield live(well, lambda xi, *, spread: spread * xi, shape=("n", 2), name="well", dt=0.02, method=None, noise=True, frames=600, still=60,
                   controls={"beta": Slider(0, 5, 1), "n": Slider(5, 40, 20, step=1, acts="start"), "spread": Slider(0.5, 2, 1, acts="start"),
                             "kick": Button(lambda x: 2 * x)},
                   view=[plane(x=(-4, 4), y=(-4, 4), drag=True), curves("E")], readouts={"E": lambda x: x.square().mean()},
                   sentence="At t = {t:.2f}: {E:.2f}.", alt="Points in a well.")


@pytest.fixture(scope="module")
def address(shown, tmp_path_factory, serve):
    site = tmp_path_factory.mktemp("site")
    assets.write(site)
    for name, more in (("index", "'wasm-unsafe-eval'"), ("poor", "")):
        (site / f"{name}.html").write_text(PAGE.format(policy=POLICY.format(more=more), body=shown.html()), encoding="utf-8")
    return serve(site)


@pytest.fixture
def open_page(browser, address):
    visits = []

    def start(path="/index.html", **options):
        visits.append(Visit(browser.new_context(viewport={"width": 900, "height": 1000}, **options).new_page()).watch())
        visits[-1].page.goto(address + path)
        status(visits[-1].page, "tape", "ready")
        return visits[-1].page

    yield start
    for visit in visits:
        visit.clean()
        visit.page.context.close()


def status(page, *any_of):
    page.wait_for_selector(",".join(f"figure[data-status={s}]" for s in any_of), timeout=PATIENCE)


def press(page, act):
    page.locator(f"[data-act={act}]").click()


def slide(page, name, key):
    page.locator(f"input[name={name}]").focus()
    page.keyboard.press(key)


def at_rest(page):
    """Paused, nothing under way: the figure's state."""
    if page.locator("figure").get_attribute("data-status") == "playing":
        press(page, "play")
    return page.evaluate("document.querySelector('figure').companion.ready().then(() => document.querySelector('figure').companion.state())")


def agrees(state, shown):
    """The page's state is torch's after the same events."""
    want = replay(shown, [tuple(e) for e in state["events"]], state["k"]).x[-1]
    torch.testing.assert_close(torch.tensor(state["x"]).reshape(state["shape"]), want, rtol=1e-5, atol=1e-5)
    assert state["readouts"]["E"] == pytest.approx(float(want.square().mean()), rel=1e-4)


def moved(page, k=1):
    page.wait_for_function("k => Number(document.querySelector('figure').dataset.k) >= k", arg=k, timeout=PATIENCE)


def test_a_recording_becomes_live_and_moves_on(open_page, shown):
    page = open_page()
    press(page, "play")
    moved(page, 5), status(page, "playing")
    slide(page, "beta", "PageUp")
    page.wait_for_timeout(300)
    state = at_rest(page)
    assert [e[1] for e in state["events"]] == ["beta"] and 0 < state["events"][0][0] < state["k"]
    agrees(state, shown)


def test_button_drag_step_seed_and_size(open_page, shown):
    page = open_page()
    page.evaluate("document.querySelector('figure').companion.advance(3)")
    page.get_by_role("button", name="kick").click()
    page.locator("canvas").first.focus()
    for key in ("]", "ArrowRight"):
        page.keyboard.press(key)
    press(page, "step")
    moved(page, 4)
    state = at_rest(page)
    assert [e[1] for e in state["events"]] == ["kick", "drag"]
    agrees(state, shown)
    press(page, "seed"), slide(page, "n", "ArrowRight"), slide(page, "spread", "End"), status(page, "playing")
    page.wait_for_timeout(300)
    state = at_rest(page)
    assert (state["seed"], state["shape"], state["controls"]["spread"]) == (1, [21, 2], 2) and state["k"] > 0
    agrees(state, shown)


def test_time_wound_back_and_changed(open_page, shown):
    page = open_page()
    page.evaluate("(async () => { const f = document.querySelector('figure').companion; for (let i = 0; i < 6; i++) await f.advance(2); })()")
    page.locator(".live-scrub").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    slide(page, "beta", "End")
    page.evaluate("document.querySelector('figure').companion.advance(4)")
    state = at_rest(page)
    assert state["k"] == 10 and state["events"] == [[6, "beta", 5]]
    agrees(state, shown)


def test_a_link_brings_the_state_back(open_page, shown):
    page = open_page("/index.html#well?beta=2.5&n=1000&seed=7&nonsense=1")
    status(page, "ready")
    state = at_rest(page)
    assert (state["k"], state["seed"], state["controls"]["beta"], state["shape"]) == (60, 7, 2.5, [40, 2])
    agrees(state, shown)


def test_less_motion_shows_the_declared_frame(open_page, shown):
    page = open_page(reduced_motion="reduce")
    slide(page, "beta", "Home")
    status(page, "ready"), moved(page, 60)
    assert page.locator("figure").get_attribute("data-frame") == "60"
    agrees(at_rest(page), shown)


def test_without_webassembly_the_recording_plays(open_page):
    page = open_page("/poor.html")
    press(page, "play")
    status(page, "error"), moved(page, 3)
    assert "recording" in page.locator(".live-message").inner_text()
    assert page.locator("input[name=beta]").is_disabled()


def test_nothing_is_loaded_before_touch(open_page):
    page = open_page()
    loaded = page.evaluate("performance.getEntriesByType('resource').map((r) => r.name.split('/').pop())")
    assert "live-runtime.js" not in loaded
