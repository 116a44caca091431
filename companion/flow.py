"""The two verbs. `flow` follows a field, x'(t) = v(t, x(t)); `iterate` repeats a map, x_{k+1} = step(k, x_k). Both return a `Path`.

A stepper is a function `stepper(v, t, x, dt) -> x` of plain tensor operations, so that the same one runs here and in a live figure.
Source: Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, chapter II.1.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from companion import callable_module, inputs
from companion.hints import Function, Number, State, checked
from companion.inputs import a_count, a_function, a_number, a_state, like, running
from companion.state import by_parts, cut, each, flat, one, parts, shaken

Field = Callable[[torch.Tensor, State], State]  # v(t, x) -> like x
Map = Callable[[int, State], State]  # step(k, x) -> like x


class Path(NamedTuple):
    """The states kept along a run: t (K+1,) times (or step numbers), x (K+1, *shape) states, both in the dtype and on the device of x0.

    Of a state with named parts x is a NamedTuple of the same names: path.x.v (K+1, *shape of v).
    """

    t: torch.Tensor
    x: State

    @property
    def end(self):
        """The last state, of x0's shape."""
        return each(lambda x: x[-1], self.x)


@checked
@by_parts
def euler(v: Function, t: Number, x: State, dt: Number) -> State:
    """x + dt v(t, x): order 1."""
    return x + dt * v(t, x)


@checked
@by_parts
def heun(v: Function, t: Number, x: State, dt: Number) -> State:
    """x + dt (k1 + k2) / 2 with k1 = v(t, x), k2 = v(t + dt, x + dt k1): the explicit trapezoid rule, order 2."""
    k1 = v(t, x)
    k2 = v(t + dt, x + dt * k1)
    return x + dt * (k1 + k2) / 2


@checked
@by_parts
def rk4(v: Function, t: Number, x: State, dt: Number) -> State:
    """x + dt (k1 + 2 k2 + 2 k3 + k4) / 6: the classical method of Kutta, order 4."""
    k1 = v(t, x)
    k2 = v(t + dt / 2, x + dt * k1 / 2)
    k3 = v(t + dt / 2, x + dt * k2 / 2)
    k4 = v(t + dt, x + dt * k3)
    return x + dt * (k1 + 2 * k2 + 2 * k3 + k4) / 6


def identity(x: State) -> State:
    """x: the projection of a state that is free to go anywhere."""
    return x


def flow(v: Field, x0: State, T: float | torch.Tensor | Sequence[float], steps: int | None = None, *, t0: float = 0.0,
         method: Callable = rk4, project: Callable = identity, every: int = 1) -> Path:
    """x'(t) = v(t, x(t)), x(t0) = x0, up to time T: a `Path` with t (K+1,) and x (K+1, *x0.shape).

    x0 is a tensor, or a flat NamedTuple of tensors, whose parts v, method, project and the path keep. v(t, x) -> like x, where t
    is a 0-d tensor of x's dtype. T is the end time, with `steps` equal steps (T < t0 runs backwards), or a 1-D grid of times,
    increasing or decreasing, one step between two neighbours. Times are computed in float64.
    After each step x becomes project(x), for instance x / |x| on the sphere. One state in `every` is kept, and always the last.
    Autograd passes through, to x0, to what v depends on and to T. A state that overflows, to inf and then NaN, is kept as it is: the
    path shows the blow-up. Raises TypeError, ValueError.
    """
    a_state(x0, "x0")
    for f, name in ((v, "v"), (method, "method"), (project, "project")):
        a_function(f, name)
    x = one(x0)
    times = _times(T, steps, t0, x.device)
    dts = torch.diff(times).to(x)
    field, method = _timed(v, x), by_parts(method)

    def step(k, x):
        return project(like(method(field, times[k], x, dts[k]), x0, "method(v, t, x, dt)"))

    return _run(step, x0, times.to(x), every, "project(x)")


def iterate(step: Map, x0: State, n: int, *, every: int = 1) -> Path:
    """x_{k+1} = step(k, x_k), k = 0, ..., n-1: a `Path` with t (K+1,) the numbers of the kept states and x (K+1, *x0.shape).

    x0 is a tensor, or a flat NamedTuple of tensors. step(k, x) -> like x, where k is an int. One state in `every` is kept, and
    always the last. Raises TypeError, ValueError.
    """
    a_state(x0, "x0")
    a_function(step, "step")
    a_count(n, "n")
    return _run(step, x0, torch.arange(n + 1, device=one(x0).device).to(one(x0)), every, "step(k, x)")


@checked
def as_scipy(v: Function, like: State) -> Callable:
    """The field v as f(t, y) on flat float64 NumPy arrays, for scipy.integrate.solve_ivp(f, (t0, T), like.numpy().ravel()).

    v sees x in the shape, dtype and device of `like`, and t as a 0-d tensor. Of a state with parts y holds one after the other, each raveled.
    Raises TypeError, ValueError.
    """
    first, size = one(like), sum(part.numel() for part in parts(like).values())
    field = _timed(v, first)

    def f(t, y):
        a_number(t, "t")
        if not isinstance(y, np.ndarray) or y.dtype.kind not in "fiu" or y.shape != (size,):
            raise TypeError(f"y is {y!r}; expected a NumPy array of {size} numbers, like.numpy().ravel().")
        x = cut(torch.as_tensor(y, dtype=first.dtype, device=first.device), like)
        slope = inputs.like(field(t, x), x, "v(t, x)")
        return flat(slope).detach().to("cpu", torch.float64).numpy()

    return f


def _run(step, x0, t, every, name):
    """Repeat step(k, x) over the times t and keep one state in `every`, and the last."""
    a_count(every, "every")
    n = len(t) - 1
    kept, states, x = [0], [x0], x0
    with running():
        for k in range(n):
            x = like(step(k, x), x0, name)
            if k == 0:
                x = shaken(x, x0)
            if (k + 1) % every == 0 or k + 1 == n:
                kept.append(k + 1)
                states.append(x)
    return Path(t[kept], each(lambda *x: torch.stack(x), *states))


def _times(T, steps, t0, device):
    """The grid of times in float64: t0, ..., T in `steps` equal steps, or T itself if it is a grid."""
    a_number(t0, "t0")
    if isinstance(T, (int, float)) or (isinstance(T, torch.Tensor) and T.ndim == 0):
        a_number(T, "T")
        if steps is None:
            raise ValueError(f"T = {T} comes without steps; expected flow(v, x0, T, steps), or a grid of times in place of T.")
        a_count(steps, "steps")
        if T == t0:
            raise ValueError(f"T = {T} = t0; expected an end time that differs from the start.")
        start, end = (torch.as_tensor(s, dtype=torch.float64, device=device) for s in (t0, T))
        return torch.lerp(start, end, torch.arange(steps + 1, dtype=torch.float64, device=device) / steps)
    grid = _grid(T, device)
    if steps is not None or t0 != 0.0:
        raise ValueError("T is a grid of times and has its own steps and start; expected no steps and no t0, or a number T.")
    return grid


def _grid(T, device):
    """A reader's grid of times as a float64 tensor. Raises TypeError, ValueError."""
    try:
        times = torch.as_tensor(T, dtype=torch.float64, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"T is a {type(T).__name__}; expected a number, or a 1-D grid of times (tensor or sequence).") from error
    if times.ndim != 1 or len(times) < 2:
        raise ValueError(f"T has shape {tuple(times.shape)}; expected a number, or a 1-D grid of at least two times.")
    steps = torch.diff(times)
    if not (times.isfinite().all() and ((steps > 0).all() or (steps < 0).all())):
        raise ValueError("T is a grid that is not finite and strictly monotone; expected increasing or decreasing times: T.sort() first.")
    return times


def _timed(v, like):
    """The field v, given a 0-d time in the dtype and on the device of the tensor `like`."""
    return lambda t, x: v(torch.as_tensor(t, dtype=like.dtype, device=like.device), x)


callable_module(__name__)
