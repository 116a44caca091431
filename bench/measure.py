"""CPU time of one thread, rivals interleaved: a busy machine slows them all alike, and their ratio stays."""

import datetime
import os
import statistics
import time
from typing import NamedTuple

import torch


class Race(NamedTuple):
    """One table: rivals name -> call; ours is its first. goals peer -> ratio wished, ours / peer. agree: largest relative difference allowed."""

    title: str
    rivals: dict
    goals: dict
    agree: float = 1e-4


def cpu_ms(rivals, rounds):
    """The median CPU time of each call in ms, over rounds that run every rival once; the first call of each, which may compile, is left out."""
    times = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, call in rivals.items():
            start = time.process_time()
            call()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(series) for name, series in times.items()}


ROUNDS = 3


def run(race, rounds=ROUNDS):
    """The table of a race as lines of Markdown. Raises AssertionError if the rivals do not compute the same."""
    values = {name: torch.as_tensor(call()).detach().double() for name, call in race.rivals.items()}
    ours = next(iter(values))
    for name, value in values.items():
        gap = float((value - values[ours]).abs().max() / value.abs().max())
        assert gap < race.agree, f"{race.title}: {name} differs from {ours} by {gap:.1e}"
    ms = cpu_ms(race.rivals, rounds)
    lines = [f"**{race.title}**", "", "| | CPU ms | ours / it | goal | |", "|---|---|---|---|---|"]
    for name, time_ms in ms.items():
        ratio, goal = ms[ours] / time_ms, race.goals.get(name)
        verdict = "" if goal is None else "reached" if ratio <= goal else "not reached"
        lines.append(f"| {name} | {time_ms:.2f} | {'' if name == ours else f'{ratio:.2f}'} | {'' if goal is None else f'<= {goal}'} | {verdict} |")
    return [*lines, ""]


def machine():
    """What computed: the processor, its cores, torch."""
    try:
        with open("/proc/cpuinfo") as f:
            model = next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        model = "unknown processor"
    return f"{datetime.date.today()}, {model}, {os.cpu_count()} cores seen, one thread used, torch {torch.__version__}"
