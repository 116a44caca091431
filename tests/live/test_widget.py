"""What a cell shows: a page that no text can break, a bundle for every reader, the kernel while graphs are missing."""

import base64
import gzip
import json
import re
from html.parser import HTMLParser

import anywidget
import pytest
import torch

from companion.live import Button, Choice, Slider, assets, curves, export, exporter, live, plane, store, widget
from companion.live.tapes import decoded
from companion.live.widget import Shown

EVIL = '</script><script>alert("1")</script> & <!-- \u2028 \'"'
START = torch.tensor([[0.5, -0.5], [1.0, 0.25]])


def shown(**options):
    given = {"dt": 0.5, "name": "f", "view": plane(x=(-1, 1), y=(-1, 1)), "sentence": "At t = {t:.1f}", "alt": "points", "frames": 4}
    return live(lambda t, x: 0 * x + 1, START, **{**given, **options})


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """An empty cache, no shipped graphs, no build; exporting is quick."""
    for name in ("COMPANION_EXPORT", "COMPANION_LIVE_FIGURES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(export, "to_onnx", lambda *traced: b"onnx")
    return tmp_path


class Reader(HTMLParser):
    """A page as a browser reads it: [(tag, attributes, text)]."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text), self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])

    def handle_data(self, data):
        self.found[-1][2] += data


def read(f):
    return {tag: (attributes, text) for tag, attributes, text in Reader(f.html()).found}


def test_no_text_can_break_the_page():
    f = shown(alt=EVIL, caption=EVIL, sentence=EVIL + " {m}", view=plane(x=(-1, 1), y=(-1, 1), title=EVIL, names=[EVIL]),
              controls={"a": Slider(0, 1, 0, label=EVIL), "m": Choice({EVIL: 1}, label=EVIL), "b": Button(lambda x: x, label=EVIL)})
    page = read(f)
    assert list(page) == ["figure", "img", "p", "figcaption", "script"] and f.html().count("</script") == 1
    assert page["img"][0]["alt"] == EVIL == page["figcaption"][1] and page["p"][1] == f.sentence == f"{EVIL} {EVIL}"
    spec = json.loads(page["script"][1])
    assert spec["alt"] == spec["views"][0]["title"] == EVIL and [c["label"] for c in spec["controls"]] == [EVIL] * 3
    assert page["script"][0] == {"type": "application/json", "class": "live-spec"} and page["figure"][0] == {"class": "live", "id": "live-f"}


def test_the_page_shows_the_still_picture():
    f = shown()
    page = read(f)
    kind, picture = page["img"][0]["src"].split(",")
    assert kind == "data:image/png;base64" and base64.b64decode(picture) == f.png and f.png[:8] == b"\x89PNG\r\n\x1a\n"
    assert "figcaption" not in page and page["p"] == ({"class": "live-sentence live-still"}, "At t = 2.0")


def test_the_sentence_speaks_of_the_still_frame():
    f = shown(controls={"beta": Slider(0, 9, 2.5), "m": Choice({"SA": 1, "USA": 2}, value="USA")}, readouts={"size": lambda x: x.sum()}, still=3,
              sentence="{m} {beta:.2f} {t:.1f} {k:.0f} {size:.3f} {size:.1e} after {k:.0f} steps")
    assert f.sentence == "USA 2.50 1.5 3 7.250 7.2 after 3 steps"
    assert len(f.seen) == 4 and f.seen[-1][0].k == 3


def test_the_spec_is_the_declaration():
    f = shown(controls={"a": Slider(0, 1, 0)}, readouts={"size": lambda x: x.sum()}, caption="c", seed=5, substeps=2, pace="log", still=3,
              view=[plane(x=(-1, 1), y=(-1, 1)), curves("size")])
    spec = json.loads(json.dumps(f.spec))
    plain = {k: spec[k] for k in ("name", "alt", "caption", "sentence", "noise", "seed", "dt", "substeps", "frames", "pace", "still", "shipped")}
    assert plain == {"name": "f", "alt": "points", "caption": "c", "sentence": "At t = {t:.1f}", "noise": False, "seed": 5, "dt": 0.5, "substeps": 2,
                     "frames": 4, "pace": "log", "still": 3, "shipped": True}
    assert spec["state"]["dtype"] == "float32" and spec["xi"] is None and not spec["random"]
    assert spec["state"]["start"]["x"]["shape"] == [2, 2] and base64.b64decode(spec["state"]["start"]["x"]["data"]) == START.numpy().tobytes()
    assert spec["readouts"] == ["size"] and [v["kind"] for v in spec["views"]] == ["plane", "curves"] and spec["controls"][0]["name"] == "a"
    assert spec["tape"] == {"id": f.tape_id, "runs": [""]} and re.fullmatch("rec-[0-9a-f]{16}", f.tape_id)
    run = json.loads(f.tape)["runs"][""]
    assert run["k"] == [0, 2, 4, 6] and run["t"] == [0, 1, 2, 3]
    assert abs(decoded(run["arrays"]["show0"])[-1] - (START + 3).numpy()).max() < 1e-4


def test_a_drawn_start_has_a_shape_and_no_numbers():
    f = live(lambda t, x: -x, lambda xi: xi, shape=(3, 2), dt=0.5, name="f", view=plane(x=(-1, 1), y=(-1, 1)), sentence="t", alt="points")
    assert f.spec["state"] == {"dtype": "float32", "start": None} and f.spec["xi"] == [3, 2] and f.spec["random"]


def test_without_graphs_the_kernel_runs_and_hands_them_over(monkeypatch):
    f = shown()
    assert (f.spec["engine"], f.spec["programs"], f.spec["graphs"]) == ("kernel", {}, {})
    asked = []
    monkeypatch.setattr(widget, "export_elsewhere", lambda figure, done: asked.append((figure, done)))
    shows = f.widget()
    assert isinstance(shows, anywidget.AnyWidget) and shows is f.widget() and [figure for figure, _ in asked] == [f.figure]
    before, graphs = f.spec, export.graphs(f.figure)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "tensor", None)  # the answer comes in a thread, where nothing of torch's may be called
        asked[0][1](*graphs)
    assert shows.spec == f.spec == before | {name: f.spec[name] for name in ("engine", "programs", "graphs")}
    assert f.spec["engine"] == "page" and set(f.spec["programs"][""]) == {"step", "see"}
    graphs = {k: gzip.decompress(base64.b64decode(v)) for k, v in f.spec["graphs"].items()}
    assert graphs == dict.fromkeys(f.spec["programs"][""].values(), b"onnx")
    again = shown()
    assert again.spec == f.spec  # the next cell finds them
    again.widget()
    assert len(asked) == 1


def test_a_figure_of_the_kernel_stays_there(monkeypatch):
    monkeypatch.setattr(widget, "export_elsewhere", None)
    monkeypatch.setattr(export, "graphs", None)
    f = shown(engine="kernel")
    assert f.spec["engine"] == "kernel" and f.widget().spec == f.spec and isinstance(f, Shown)


def test_where_nothing_may_be_exported_the_kernel_runs(monkeypatch):
    monkeypatch.setenv("COMPANION_EXPORT", "never")
    monkeypatch.setattr(export, "graphs", None)
    monkeypatch.setattr(exporter, "QUEUE", None)
    f = shown()
    f.widget()
    assert f.spec["engine"] == "kernel" and "application/vnd.jupyter.widget-view+json" in f._repr_mimebundle_()[0]


def test_what_cannot_be_traced_is_computed_by_the_kernel_and_stops_a_build(places, monkeypatch):
    def decides(t, x):  # on numbers that a trace does not have
        return x if float(x.sum()) > 0 else -x

    f = live(decides, START, dt=0.5, name="f", view=plane(x=(-1, 1), y=(-1, 1)), sentence="t", alt="points")
    assert f.spec["engine"] == "kernel" and f.spec["graphs"] == {}
    monkeypatch.setenv("COMPANION_LIVE_FIGURES", str(places / "figures"))
    with pytest.raises(Exception, match=r"[Dd]ata"):
        live(decides, START, dt=0.5, name="f", view=plane(x=(-1, 1), y=(-1, 1)), sentence="t", alt="points")


def test_a_notebook_gets_what_stays_and_then_the_widget(monkeypatch, places):
    published = []
    monkeypatch.setattr("IPython.display.publish_display_data", lambda data, metadata: published.append((data, metadata)))
    f = shown(engine="kernel", alt=EVIL, sentence=EVIL)
    f._ipython_display_()
    (saved, about), (widget, _) = published
    assert set(saved) == {"text/plain", "text/html", "image/png"} and about == {"image/png": {"alt": EVIL}}
    assert saved["text/plain"] == EVIL and base64.b64decode(saved["image/png"])[:4] == b"\x89PNG"
    assert set(widget) == {"text/plain", "application/vnd.jupyter.widget-view+json"} and widget["text/plain"] == ""
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == f.widget().model_id
    found = Reader(saved["text/html"]).found
    assert [tag for tag, *_ in found] == ["figure", "style", "img", "p", "p", "em"] and found[2][1]["alt"] == EVIL == found[3][2]
    assert found[0][1] == {"class": "live-saved", "data-tape": f.tape_id} and "run the cell again" in found[5][2]
    monkeypatch.setenv("COMPANION_LIVE_FIGURES", str(places / "figures"))
    with pytest.raises(NotImplementedError):  # a build shows one output, the figure of a page
        f._ipython_display_()


def test_what_a_figure_shows_at_once_comes_with_the_widget():
    f = shown(engine="kernel")
    assert f.widget().tape == f.tape and f.widget().spec == f.spec and {"tape", "spec"} <= set(f.widget().get_state())


def test_a_build_waits_for_graphs_and_keeps_tape_and_declaration(places, monkeypatch):
    monkeypatch.setenv("COMPANION_LIVE_FIGURES", str(places / "figures"))
    f = shown()
    assert f.spec["engine"] == "page" and set(f._repr_mimebundle_()[0]) == {"text/plain", "text/html", "image/png"}
    assert {p.name for p in assets.folder().iterdir()} == {f"{f.tape_id}.js", f"f.{f.tape_id}.pkl"}
    assert (assets.folder() / f"{f.tape_id}.js").read_text() == f'companionLive.asset("{f.tape_id}", {f.tape});\n'
