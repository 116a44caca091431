"""Remove the shipped graphs that no executed notebook of the stage uses: what the package carries is what the book runs."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPEC = re.compile(r'class="live-spec">(.*?)</script>', re.S)


def used(stage):
    """The keys of all graphs in the figures of a stage, but for figures that keep their graphs in the page."""
    keys = set()
    for path in stage.rglob("*.ipynb"):
        cells = json.loads(path.read_text("utf8"))["cells"]
        pages = ["".join(o.get("data", {}).get("text/html", "")) for c in cells for o in c.get("outputs", [])]
        specs = [json.loads(found) for page in pages for found in SPEC.findall(page)]
        keys |= {key for spec in specs if spec["shipped"] for key in spec["graphs"]}
    return keys


def main():
    keys = used(ROOT / "_build" / "stage")
    extra = [p for p in (ROOT / "companion" / "live" / "graphs").glob("*.onnx.gz") if p.name.removesuffix(".onnx.gz") not in keys]
    for path in extra:
        path.unlink()
    print(f"{len(keys)} graphs in use, {len(extra)} removed")


if __name__ == "__main__":
    sys.exit(main())
