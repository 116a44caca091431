"""Stills: nothing is drawn without its text, the text is where a screen reader finds it, and the data are where they are drawn."""

import base64
import io
import subprocess
import sys

import pytest
import torch
from PIL import Image

from companion import figures
from companion.figures import PALETTE, axes, still

ALT = 'A cloud "x" <turns> & stops.'
G = torch.Generator().manual_seed(0)
CLOUD = torch.randn(12, 2, generator=G)
PATH = torch.randn(5, 3, 2, generator=G)
T = torch.linspace(0.5, 2, 20)
IMAGES = torch.rand(5, 6, 4, generator=G)


def square(x):
    return x.square().sum(-1)


DRAW = {
    "clouds": lambda **kw: figures.clouds({"a": CLOUD, "b": CLOUD.double() + 1}, **kw),
    "paths": lambda **kw: figures.paths(PATH, **kw),
    "landscape": lambda **kw: figures.landscape(square, PATH, box=(-2, 3, -1, 4), **kw),
    "densities": lambda **kw: figures.densities(CLOUD, curve={"p": (T, T)}, **kw),
    "curves": lambda **kw: figures.curves(T, {"one": T, "two": torch.stack([T, T**2], 1)}, logy=True, **kw),
    "images": lambda **kw: figures.images(IMAGES, columns=3, **kw),
}


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_every_figure_carries_its_text(draw):
    made = draw(alt=ALT, title="Title")
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png", "text/html"}
    assert bundle["text/plain"] == ALT == repr(made) == made.alt
    assert base64.b64decode(bundle["image/png"]) == made.png and made.png.startswith(b"\x89PNG")
    assert bundle["text/html"].startswith('<figure class="still"><img src="data:image/png;base64,iVBOR')
    assert 'alt="A cloud &quot;x&quot; &lt;turns&gt; &amp; stops."' in bundle["text/html"]
    assert "figcaption" not in bundle["text/html"]


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_no_figure_without_its_text(draw):
    with pytest.raises(TypeError, match="alt"):
        draw()
    for alt in ("", "  \n", None, 3):
        with pytest.raises(ValueError, match=r"alt is .*expected a sentence"):
            draw(alt=alt)


def test_caption_and_files(tmp_path):
    made = figures.clouds(CLOUD, alt=ALT, caption="Points & <more>")
    assert made.html().endswith("<figcaption>Points &amp; &lt;more&gt;</figcaption></figure>")
    for kind, start in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        made.save(tmp_path / f"a.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes().startswith(start)


def test_the_data_are_where_they_are_drawn():
    (ax,) = DRAW["clouds"](alt=ALT).figure.axes
    assert torch.allclose(torch.tensor(ax.collections[0].get_offsets().data), CLOUD.double())
    assert torch.allclose(torch.tensor(ax.collections[1].get_offsets().data), CLOUD.double() + 1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_aspect() == 1

    (ax,) = DRAW["paths"](alt=ALT).figure.axes
    assert len(ax.lines) == 3 and torch.equal(torch.tensor(ax.lines[1].get_xydata()), PATH[:, 1].double())
    assert torch.allclose(torch.tensor(ax.collections[0].get_offsets().data), PATH[0].double())
    assert torch.allclose(torch.tensor(ax.collections[1].get_offsets().data), PATH[-1].double())
    assert ax.get_legend() is None

    (ax,) = DRAW["landscape"](alt=ALT, log=True).figure.axes
    assert (*ax.get_xlim(), *ax.get_ylim()) == (-2, 3, -1, 4)

    (ax,) = DRAW["curves"](alt=ALT).figure.axes
    assert len(ax.lines) == 3 and torch.equal(torch.tensor(ax.lines[2].get_xydata()[:, 1]), (T**2).double())
    assert (ax.get_yscale(), ax.get_xscale()) == ("log", "linear") and len({line.get_linestyle() for line in ax.lines}) == 2
    assert ax.lines[1].get_color() == ax.lines[2].get_color() == PALETTE[1]

    (ax,) = DRAW["densities"](alt=ALT).figure.axes
    bars = ax.patches
    assert sum(bar.get_width() * bar.get_height() for bar in bars) == pytest.approx(1)

    shown = DRAW["images"](alt=ALT, titles=range(5)).figure.axes
    assert len(shown) == 6 and not shown[5].images and shown[4].get_title() == "4"
    assert torch.equal(torch.tensor(shown[3].images[0].get_array().data), IMAGES[3]) and shown[0].images[0].get_clim() == (0, 1)


def test_many_paths_take_the_colours_again_and_wide_images_make_a_low_figure():
    (ax,) = figures.paths({str(i): PATH + i for i in range(9)}, alt=ALT).figure.axes
    colors = [line.get_color() for line in ax.lines if not line.get_label().startswith("_")]
    assert colors == [*PALETTE, PALETTE[0]]
    low, square = (figures.images(torch.zeros(4, h, 8), alt=ALT).figure.get_size_inches() for h in (4, 8))
    assert low[0] == square[0] and square[1] - low[1] == pytest.approx(square[0] / 8)


def test_type_and_resolution_of_a_still_figure():
    shown = DRAW["paths"](alt=ALT)
    assert shown.figure.axes[0].xaxis.get_ticklabels()[0].get_size() == pytest.approx(11, abs=0.05)  # points
    width = Image.open(io.BytesIO(shown.png)).info["dpi"][0]
    assert width == pytest.approx(110, abs=0.5)


def test_level_sets_are_those_of_the_potential_with_x_across_and_y_up():
    (ax,) = figures.landscape(lambda x: x[..., 0] + 0 * x[..., 1], box=(0, 1, 0, 2), alt=ALT).figure.axes
    lines = [path for path in ax.collections[-1].get_paths() if len(path.vertices)]
    vertices = torch.tensor(lines[0].vertices)
    assert vertices[:, 0].std() < 1e-6 < vertices[:, 1].std()


def test_a_landscape_may_be_flat_or_have_a_wall():
    for log in (False, True):
        (flat,) = figures.landscape(lambda x: 0 * x[..., 0], box=(0, 1, 0, 1), alt=ALT, log=log).figure.axes
        assert not flat.collections[:]
        (wall,) = figures.landscape(lambda x: torch.where(x[..., 0] > 0.5, torch.inf, x[..., 1]), box=(0, 1, 0, 1), alt=ALT, log=log).figure.axes
        assert len(wall.collections[0].levels) == 24
        (step,) = figures.landscape(lambda x: (x[..., 0] > 0.5).float(), box=(0, 1, 0, 1), alt=ALT, log=log).figure.axes
        assert len(step.collections[:]) >= 1


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_palette_is_read_on_white():
    assert len(set(PALETTE)) == 8
    contrasts = [1.05 / (luminance(color) + 0.05) for color in PALETTE]
    assert min(contrasts) >= 3


def test_import_is_light_and_pyplot_is_never_needed():
    code = """if True:
        import sys, torch
        from companion import figures
        assert "matplotlib" not in sys.modules
        figures.clouds(torch.zeros(3, 2), alt="Three points.")
        assert "matplotlib.pyplot" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_figure_of_pyplot_is_shown_once():
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    ax.plot([0, 1])
    assert still(figure, alt=ALT, caption="c").png.startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_axes_alone():
    figure, ax = axes("Title", (5, 2))
    assert ax.get_title() == "Title" and tuple(figure.get_size_inches()) == (5, 2) and figure.get_facecolor() == (1, 1, 1, 1)
    figure, grid = axes(rows=2, columns=3)
    assert grid.shape == (2, 3)


def test_bad_input():
    for error, call in (
        (ValueError, lambda: figures.clouds(torch.zeros(3, 3), alt=ALT)),
        (ValueError, lambda: figures.clouds([], alt=ALT)),
        (ValueError, lambda: figures.paths(torch.zeros(5, 3), alt=ALT)),
        (ValueError, lambda: figures.landscape(square, box=(1, 0, 0, 1), alt=ALT)),
        (ValueError, lambda: figures.landscape(lambda x: x, box=(0, 1, 0, 1), alt=ALT)),
        (TypeError, lambda: figures.landscape(3, box=(0, 1, 0, 1), alt=ALT)),
        (TypeError, lambda: figures.densities("x", alt=ALT)),
        (ValueError, lambda: figures.curves(T, T[:-1], alt=ALT)),
        (ValueError, lambda: figures.images(torch.zeros(3, 3), alt=ALT)),
        (ValueError, lambda: figures.images(torch.zeros(1, 3, 3, 2), alt=ALT)),
        (ValueError, lambda: still(axes()[0], alt="")),
        (TypeError, lambda: still("figure", alt=ALT)),
    ):
        with pytest.raises(error, match="expected"):
            call()
