"""Flights of Goddard's rocket as a Path of (altitude r, speed v, mass m, thrust u, switching function H_1), at equal times, to be watched."""

import torch

from companion.architectures.control.goddard import EMPTY, FASTEST, boundary, field, h1
from companion.flow import Path, flow
from companion.inputs import a_count


def watched(found, frames=120):
    """A Solution at `frames` + 1 equal times, linear between its nodes: Path x (frames + 1, 5). Raises TypeError, ValueError."""
    t, x = found.path
    rows = torch.cat([x, found.u, h1(x, found.costate)[:, None]], -1)
    return resampled(Path(t, rows), t[-1], frames)


def headlong(T, frames=120, steps=1200):
    """What one might do without theory: full thrust up to v_max, hold v_max until the tank is empty, then coast. Path x (frames + 1, 5), H_1 = 0.

    The motor cuts in and out between two steps only: the altitude is right to about 1e-5. Raises TypeError, ValueError.
    """
    a_count(steps, "steps")

    def law(x):
        fast, full = x[..., 1:2] >= FASTEST, x[..., 2:] > EMPTY
        u = torch.where(fast, boundary(0, x, None), torch.ones_like(x[..., :1]))
        return torch.where(full, u, 0 * u)

    path = flow(lambda t, x: field(t, x, law(x)), torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64), T, steps)
    rows = torch.cat([path.x, law(path.x), 0 * path.x[:, :1]], -1)
    return resampled(Path(path.t, rows), path.t[-1], frames)


def resampled(path, T, frames):
    """The rows of a Path (times may repeat) at equal times up to T, linear between the nodes."""
    a_count(frames, "frames")
    t = torch.linspace(0, 1, frames + 1, dtype=path.x.dtype) * T
    k = torch.clamp(torch.searchsorted(path.t.contiguous(), t, right=True), 1, len(path.t) - 1)
    long = torch.clamp(path.t[k] - path.t[k - 1], min=1e-15)
    share = torch.clamp((t - path.t[k - 1]) / long, 0, 1)[:, None]
    return Path(t, torch.lerp(path.x[k - 1], path.x[k], share))
