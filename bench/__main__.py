"""python -m bench: measure the pages, run every race, print the tables, append them to bench/record.md under the date and the machine."""

import os
import pathlib

os.environ["OMP_NUM_THREADS"] = "1"  # before torch and KeOps are loaded: both read it once

import torch

from bench import kernels, pages, quantization, sliced
from bench.measure import ROUNDS, machine, run

RACES = [*kernels.RACES, *quantization.RACES, *sliced.RACES]  # generators of Race: a new subject adds its list


def main():
    torch.set_num_threads(1)
    how = f"CPU milliseconds of one thread, median of {ROUNDS} interleaved rounds; a ratio below 1 says that ours is faster."
    seen = ["**Pages** (budget: 2.5 MB gzip and a poster in 1000 ms before touch, live 2500 ms after it)", "", *pages.table(), ""]
    print("\n".join(seen), flush=True)
    lines = [f"## {machine()}", "", *seen, how, ""]
    for races in RACES:
        for race in races():
            table = run(race)
            print("\n".join(table), flush=True)
            lines += table
    with (pathlib.Path(__file__).parent / "record.md").open("a") as record:
        record.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
