"""One chapter alone, as often as one likes: make chapter CHAPTER=training/momentum

Executes the chapter and its solutions if they have changed, builds their pages (with those that every chapter links to) into _build/chapter, and runs
the chapter's own tests. Warnings about pages of other chapters, which are not there, are left out: make book is strict.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tools import build, contents, stage  # noqa: E402

SHARED = ["how_to_read", "how_to_run", "glossary", "references"]
ELSEWHERE = ("target not found", "unknown document", "Unknown source document", "not included in any toctree", "nonexisting document")


def pages_of(chapter):
    """The two notebooks of a chapter."""
    return [chapter, f"{chapter}_solutions"]


def execute(pages, runs):
    """Execute those that have changed; {page: what it stopped at}."""
    stage.run(stage.due({page: stage.BOOK / f"{page}.ipynb" for page in pages}, runs), runs)
    return {page: stage.record(page, runs)["stop"] for page in pages if stage.record(page, runs)["stop"]}


def put_together(pages, runs, folder):
    """The chapter's notebooks and the shared pages in a stage of their own; the path of its contents."""
    shutil.rmtree(folder, ignore_errors=True)
    stage.assemble(runs, folder / "stage", folder / "figures", only=pages)
    contents_file = folder / "_toc.yml"
    contents_file.write_text(yaml.safe_dump({"format": "jb-book", "root": pages[0], "chapters": [{"file": page} for page in [*pages[1:], *SHARED]]}))
    return contents_file


def tests_of(chapter):
    """The files that prove a chapter: its own, and the rules of its notebooks."""
    theme, name = chapter.split("/")
    own = [*(ROOT / "tests" / theme).glob(f"test_{name}*.py"), *(ROOT / "tests" / theme / name).glob("test_*.py")]
    rules = [f"tests/book/test_{name}.py" for name in ("notebooks", "widths", "contents")]
    return [*(str(path.relative_to(ROOT)) for path in sorted(own)), *rules]


def warnings_of(said):
    """The lines of Sphinx that are about this chapter."""
    return [line for line in said.splitlines() if ("WARNING" in line or "ERROR" in line) and not any(word in line for word in ELSEWHERE)]


def main(chapter):
    if chapter not in contents.chapters():
        print(f"There is no chapter {chapter!r}; expected one of {', '.join(contents.chapters())}.")
        return 2
    runs, folder, pages = stage.BUILD / "runs", stage.BUILD / "chapter", pages_of(chapter)
    stopped = execute(pages, runs)
    status, said = build.build(folder / "stage", folder, toc=put_together(pages, runs, folder), strict=False)
    print("\n".join(warnings_of(said)) if status == 0 else said)
    print(build.verdict(stopped) if stopped else f"Read it: {(folder / '_build' / 'html' / f'{chapter}.html').as_uri()}", flush=True)
    tests = subprocess.run([sys.executable, "-m", "pytest", *tests_of(chapter), "-n", "auto", "--maxprocesses", "4"], cwd=ROOT).returncode
    return int(bool(stopped or status or tests or warnings_of(said)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapter", help="as training/momentum")
    sys.exit(main(parser.parse_args().chapter))
