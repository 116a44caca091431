"""Put the graphs that the stage's notebooks use into the package: companion/live/graphs/<theme>/<chapter>.zip, an archive a chapter.

An entry is named <figure>/<options>.<program>.<key>.onnx: for which choices, which of the figure's programs. What no notebook uses goes,
loose files of a build too. An archive is written again only when its graphs have changed, and then without dates: the same graphs are
the same file on one machine.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from companion.live import store  # noqa: E402

SPEC = re.compile(r'class="live-spec">(.*?)</script>', re.S)


def specs(notebook):
    """The specs of the live figures of an executed notebook whose graphs are shipped: one that was just trained keeps them in the page."""
    cells = json.loads(notebook.read_text("utf8"))["cells"]
    pages = ["".join(o.get("data", {}).get("text/html", "")) for c in cells for o in c.get("outputs", [])]
    return [spec for page in pages for spec in map(json.loads, SPEC.findall(page)) if spec["shipped"]]


def entries(found):
    """{entry: key} of these specs; a graph that several choices or programs share is there once, under its first."""
    named = {}
    for spec in found:
        for options, programs in spec["programs"].items():
            where = "-".join(re.findall(r"\w+", options))
            for program, key in programs.items():
                named.setdefault(key, f"{spec['name']}/{where + '.' if where else ''}{program}.{key}.onnx")
    return {entry: key for key, entry in named.items()}


def used(stage):
    """{chapter: {entry: key}} of the stage, training/momentum with its solutions."""
    found = {}
    for path in sorted(stage.rglob("*.ipynb")):
        chapter = path.relative_to(stage).with_suffix("").as_posix().removesuffix("_solutions")
        found[chapter] = found.get(chapter, []) + specs(path)
    return {chapter: entries(given) for chapter, given in found.items() if given}


def write(file, named):
    """An archive with these entries, sorted; left as it is if it has them."""
    if file.exists() and sorted(named) == sorted(zipfile.ZipFile(file).namelist()):
        return
    graphs = {entry: store.find(key) for entry, key in sorted(named.items())}
    missing = [entry for entry, graph in graphs.items() if graph is None]
    if missing:
        raise SystemExit(f"{missing[0]} is not there, and {len(missing) - 1} others; make graphs exports them.")
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file.with_suffix(".new"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for entry, graph in graphs.items():
            archive.writestr(zipfile.ZipInfo(entry), graph, zipfile.ZIP_DEFLATED)
    file.with_suffix(".new").replace(file)


def main(stage=ROOT / "_build" / "stage"):
    chapters = used(stage)
    for chapter, named in chapters.items():
        write(store.SHIPPED / f"{chapter}.zip", named)
    wanted = {store.SHIPPED / f"{chapter}.zip" for chapter in chapters}
    extra = [p for p in store.SHIPPED.rglob("*") if p.is_file() and p not in wanted]
    for path in extra:
        path.unlink()
    print(f"{sum(map(len, chapters.values()))} graphs in {len(chapters)} archives, {len(extra)} files removed")


if __name__ == "__main__":
    sys.exit(main())
