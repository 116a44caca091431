"""Plant the written faults of tests/faults/*.toml, one at a time, and see whether the tests turn red: make faults

python -m tools.faults [part of a path ...] [-j N]: only modules whose path holds one of these words; N copies of the tree side by side.
python -m tools.faults --draw companion/flow.py [--tests tests/test_flow.py] [-n 12]: faults drawn at random; survivors are lines for a list.
A list names, for each module, the tests that should catch its faults, and the faults: text of one line, before and after.
Status 1: a module below 95 %, tests that are red although nothing is planted, or a fault whose line is gone.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import tomllib
from collections import Counter

from tools.draw import drawn
from tools.planting import GREEN, ROOT, Copy, planted, preload

LISTS = ROOT / "tests" / "faults"
SHARE = 0.95


def written(folder=LISTS):
    """{path: (tests, faults)} of all lists; a fault is (before, after), or (before, after, why no test can see it)."""
    found = {}
    for file in sorted(folder.glob("*.toml")):
        content = tomllib.loads(file.read_text("utf8"))
        tests = content.pop("tests", [])
        for path, entry in content.items():
            if path in found:
                raise ValueError(f"{file.name} lists {path}, which another list has too.")
            found[path] = (entry.get("tests", tests), [tuple(f) for f in entry["faults"]])
    return found


def stale(faults, root=ROOT):
    """What is wrong with the lists: a fault whose line has gone or stands twice, a test that is not there."""
    wrong = []
    for path, (tests, listed) in faults.items():
        source = (root / path).read_text("utf8") if (root / path).exists() else ""
        wrong += [f"{path}: there is no test {test}" for test in tests if not (root / test.split("::")[0]).exists()]
        for before, after, *_ in listed:
            try:
                planted(source, before, after)
            except ValueError as error:
                wrong.append(f"{path}: {error}")
    return wrong


def group(path):
    """The module that a file's faults count for: all of the page's JavaScript is one."""
    return "companion/live/front" if path.startswith("companion/live/front/") else path


def plant(task):
    """(module, caught, counted, all is well) for the files of one module: the work of one process, which ends with it."""
    folder, name, entries = task
    copy, caught, counted, well = Copy(folder), 0, 0, True
    if all(path.endswith(".js") for path in entries):
        copy.warm()
    for path, (tests, faults) in entries.items():
        verdicts, wrong = [], None
        try:
            verdicts += copy.try_all(path, tests, faults)
        except (ValueError, OSError) as error:
            wrong, well = str(error), False
        here = tell(path, faults, verdicts, wrong)
        caught, counted = caught + here[0], counted + here[1]
    return name, caught, counted, well


def tell(path, faults, verdicts, wrong):
    """Print what a module's faults came to; (caught, counted): an explained survivor does not count."""
    both = list(zip(faults, verdicts, strict=False))
    alive = [fault for fault, found in both if found == GREEN]
    print(f"{path}: {wrong or f'{len(verdicts) - len(alive)} of {len(verdicts)} caught'}", flush=True)
    for before, after, *reason in alive:
        print(f"  survives  ['''{before}''', '''{after}'''],{''.join(f'  # {r}' for r in reason)}", flush=True)
    for before, *_ in [fault for fault, found in both if len(fault) == 3 and found != GREEN]:
        print(f"  is caught now, so that it needs no reason: {before}", flush=True)
    caught = len(verdicts) - len(alive)
    return caught, caught + sum(len(fault) == 2 for fault in alive)


def plant_all(faults, jobs):
    """Plant every fault, print what comes of it and the share of each module; True if all is well."""
    caught, counted, well, groups = Counter(), Counter(), True, {}
    for path, entry in faults.items():
        groups.setdefault(group(path), {})[path] = entry
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        for name, *numbers in pool.imap_unordered(plant, [(folder, *item) for item in groups.items()]):
            caught[name], counted[name] = numbers[:2]
            well = well and numbers[2]
    for name, number in sorted(counted.items()):
        print(f"{caught[name] / max(1, number):6.1%}  {caught[name]:3d} of {number:3d}  {name}")
        well = well and caught[name] >= SHARE * number
    print(f"{caught.total()} of {counted.total()} faults caught")
    return well


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="parts of paths")
    parser.add_argument("-j", type=int, default=os.cpu_count(), help="copies of the tree, side by side")
    parser.add_argument("--draw", metavar="PATH", nargs="+", default=[]), parser.add_argument("--tests", nargs="+")
    parser.add_argument("-n", type=int, default=12), parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    faults = written()
    gone = [] if given.draw else stale(faults)
    if gone:
        sys.exit("\n".join(gone))
    if given.draw:
        sources = {path: (ROOT / path).read_text("utf8") for path in given.draw}
        faults = {path: (given.tests or faults[path][0], drawn(text, path, given.n, given.seed)) for path, text in sources.items()}
    if given.words:
        faults = {path: entry for path, entry in faults.items() if any(word in path for word in given.words)}
    preload()
    sys.exit(0 if plant_all(faults, given.j) else 1)


if __name__ == "__main__":
    main()
