"""Flights of Goddard's rocket as a Path of (altitude r, speed v, mass m, thrust u, switching
function H_1), at equal times, to be watched."""

from typing import Annotated

import torch

from companion.architectures.control.goddard import EMPTY, FASTEST, boundary, field, h1
from companion.architectures.control.problem import Solution
from companion.flow import Path, flow
from companion.hints import Count, Positive, a_shape, checked
from companion.inputs import alike


def _a_path(path, name):
    """Return path, a Path of two or more rows. Raises TypeError, ValueError."""
    if not isinstance(path, Path):
        raise TypeError(f"{name} is a {type(path).__name__}; expected a Path: flow(...) and "
                        "iterate(...) return one.")
    a_shape(path.t, f"{name}.t", ndim=1), a_shape(path.x, f"{name}.x", ndim=2)
    alike({f"{name}.t": path.t, f"{name}.x": path.x})
    if len(path.t) != len(path.x) or len(path.t) < 2:
        raise ValueError(f"{name} has {len(path.t)} times and {len(path.x)} rows; expected as "
                         "many, two at least.")
    return path


Recorded = Annotated[Path, _a_path]


@checked
def resample_solution(found: Solution, frames: Count = 120) -> Path:
    """A Solution at `frames` + 1 equal times, linear between its nodes: Path x (frames + 1, 5).

    Raises TypeError, ValueError.
    """
    if not isinstance(found, Solution) or found.path.x.shape[1:] != (3,):
        raise TypeError(f"found is a {type(found).__name__}; expected a Solution of the rocket, "
                        "from `goddard.fly`.")
    t, x = found.path
    rows = torch.cat([x, found.u, h1(x, found.costate)[:, None]], -1)
    return resampled(Path(t, rows), t[-1], frames)


@checked
def greedy_flight(T: Positive, frames: Count = 120, steps: Count = 100) -> Path:
    """What one might do without theory: full thrust up to v_max, hold v_max until the tank
    is empty, coast to the top, and rest there in the picture. Path x (frames + 1, 5),
    at equal times up to T.

    Each phase runs until what ends it, which is its clock (Henon): v up to v_max, m down to empty,
    v down to 0.
    So its ends are met exactly, and the altitude of the top to 1e-9 with 100 steps a phase.
    H_1 belongs to an extremal, and this flight is none: its column is 0. Raises TypeError,
    ValueError.
    """
    path = greedy_phases(steps)
    rest = path.x[-1:].expand(2, -1) * path.x.new_tensor([1, 0, 1, 0, 0])
    later = torch.stack([path.t[-1], torch.maximum(path.t[-1], path.t.new_tensor(float(T)))])
    return resampled(Path(torch.cat([path.t, later]), torch.cat([path.x, rest])), float(T), frames)


def greedy_phases(steps: Count) -> Path:
    """The three phases up to the top, as a Path of the same rows; times repeat where phases meet.
    """
    full, none = (torch.full((1,), u, dtype=torch.float64) for u in (1.0, 0.0))
    laws = [lambda x: full, lambda x: boundary(0, x, None), lambda x: none]
    y = torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64)  # time, and the state
    ends, times, rows = [(2, FASTEST), (3, EMPTY), (2, 0.0)], [], []
    for law, (clock, last) in zip(laws, ends, strict=True):
        def v(s, y, law=law, clock=clock):
            rate = torch.cat([torch.ones_like(y[:1]), field(y[0], y[1:], law(y[1:]))])
            return rate / rate[clock]

        path = flow(v, y, last, steps, t0=y[clock].item())
        u = torch.stack([law(x) for x in path.x[:, 1:]])
        times.append(path.x[:, 0])
        rows.append(torch.cat([path.x[:, 1:], u, 0 * u], -1))
        y = path.end
    return Path(torch.cat(times), torch.cat(rows))


@checked
def resampled(path: Recorded, T: Positive, frames: Count) -> Path:
    """The rows of a Path (times may repeat) at equal times up to T, linear between the nodes.
    Raises TypeError, ValueError."""
    t = torch.linspace(0, 1, frames + 1, dtype=path.x.dtype) * T
    k = torch.clamp(torch.searchsorted(path.t.contiguous(), t, right=True), 1, len(path.t) - 1)
    long = torch.clamp(path.t[k] - path.t[k - 1], min=1e-15)
    share = torch.clamp((t - path.t[k - 1]) / long, 0, 1)[:, None]
    return Path(t, torch.lerp(path.x[k - 1], path.x[k], share))
