"""A small book of the house's own making: ordinary widgets answer each other without a kernel, a live figure asks for no widget manager."""

import shutil
from pathlib import Path

import pytest

from tools import build, stage

TRIAL = Path(__file__).parent / "trial"
MANAGER = ("require.js", "embed-amd.js")


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """The trial book: executed and built as the real one is. Returns its folder of pages."""
    folder = tmp_path_factory.mktemp("trial")
    shutil.copytree(TRIAL, folder / "book")
    shutil.copytree(stage.BOOK / "assets", folder / "book" / "assets")
    ran = stage.run(stage.notebooks(TRIAL), folder / "runs", book=folder / "book", stamp=str)
    assert all(notebook.stop is None for notebook in ran.values()), ran
    stage.assemble(folder / "runs", folder / "stage", folder / "figures", book=folder / "book")
    status, said = build.build(folder / "stage", folder, toc=TRIAL / "_toc.yml")
    assert status == 0, said
    return folder / "_build" / "html"


def requests(visit, url):
    """A visit, and the names of the scripts that it loaded."""
    seen = visit(url)
    return seen, set(seen.page.eval_on_selector_all("script[src]", "tags => tags.map(t => new URL(t.src).pathname.split('/').pop())"))


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_linked_slider_follows_without_a_kernel(visit, serve, trial, scheme):
    base = serve(trial) if scheme == "http" else trial.as_uri()
    seen, scripts = requests(visit, f"{base}/widgets.html")
    assert scripts.issuperset(MANAGER)
    left, right = seen.page.get_by_role("slider").all()
    left.focus()
    for _ in range(5):
        seen.page.keyboard.press("ArrowRight")
    assert right.get_attribute("aria-valuenow") == left.get_attribute("aria-valuenow") != "1"
    assert seen.page.locator(".widget-label mjx-container").count() == 1, "the formula in a label is not typeset"
    seen.clean()
    assert seen.refused() == []


def test_a_text_that_ends_a_script_breaks_nothing(visit, serve, trial):
    seen = visit(f"{serve(trial)}/widgets.html")
    assert "a text that ends a script:" in seen.page.inner_text(".widget-html-content")
    assert "jupyter.widget" not in seen.page.inner_text("body")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_text_of_a_figure_that_ends_a_script_breaks_nothing(visit, serve, trial, scheme):
    """Sentence, alternative text and caption are shown as they were written; the figure plays, the page goes on."""
    end = "</script></article><b>bold</b>"
    seen = visit(f"{serve(trial) if scheme == 'http' else trial.as_uri()}/live.html")
    figure = seen.page.locator("figure.live[data-live=planted]")
    figure.scroll_into_view_if_needed()
    seen.page.wait_for_selector("figure.live[data-live=planted][data-status=tape]")
    assert figure.locator("figcaption").inner_text() == f"caption {end}"
    assert figure.locator(".live-sentence").first.inner_text().endswith(end)
    assert figure.locator("img.live-poster").get_attribute("alt") == f"alt {end}"
    assert seen.page.locator("article b").count() == 0 and seen.page.locator("article + footer, article ~ footer").count() == 1
    seen.clean()


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_script_in_the_text_of_a_page_is_refused(visit, serve, trial, scheme):
    """The book's own text brings no script: neither an element nor an attribute."""
    seen = visit(f"{serve(trial) if scheme == 'http' else trial.as_uri()}/index.html")
    assert seen.page.evaluate("window.planted") is None
    assert sorted(seen.refused()) == ["script-src-attr: inline", "script-src-elem: inline"]


@pytest.mark.parametrize("name, figures", [("live.html", 2), ("index.html", 1)])
def test_a_live_figure_loads_no_widget_manager(visit, serve, trial, name, figures):
    seen, scripts = requests(visit, f"{serve(trial)}/{name}")
    assert seen.page.locator("figure.live").count() == figures
    assert "live.js" in scripts and not scripts.intersection(MANAGER)


def test_an_unknown_figure_stops_the_book(tmp_path):
    shutil.copytree(TRIAL, tmp_path / "stage", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(stage.BOOK / "assets", tmp_path / "stage" / "assets")
    (tmp_path / "stage" / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    status, said = build.build(tmp_path / "stage", tmp_path, toc=tmp_path / "stage" / "_toc.yml")
    assert status != 0 and "shows no live figure named 'dot'" in said


def test_only_our_own_widgets_leave_the_saved_state():
    def saved(*modules):
        models = {str(i): {"model_module": module, "state": {}} for i, module in enumerate(modules)}
        return {"metadata": {"widgets": {stage.STATE: {"state": models}}}}

    assert "widgets" not in stage.without_live_widgets(saved("anywidget", "@jupyter-widgets/base"))["metadata"]
    kept = stage.without_live_widgets(saved("anywidget", "@jupyter-widgets/base", "@jupyter-widgets/controls"))
    assert list(kept["metadata"]["widgets"][stage.STATE]["state"]) == ["1", "2"]
    assert stage.without_live_widgets({"metadata": {}}) == {"metadata": {}}
