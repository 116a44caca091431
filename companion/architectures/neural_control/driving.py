"""Points driven in a page: by the reader's half-plane moves, or by the constructive algorithm,
move after move, from wherever the points are.

The state is (2, n, 2): the points and their targets. In the reader's hand it is (3, n, 2):
the third part holds at [0, 0] how many moves the reader has made, at [0, 1] the algorithm's next
step, -1 while it rests.
Plain operations: all of it runs in the page.
"""

import functools
from typing import Annotated

import torch

from companion.architectures.neural_control.shears import moved
from companion.hints import Number, Positive, Tensor, checked
from companion.inputs import a_tensor

FRAMES = 6  # steps of the map in which one move is done


def a_state(state, name="state", *, parts=2):
    """Return state, points and targets (2, n, 2), or with the reader's notes (3, n, 2).
    Raises TypeError, ValueError."""
    if (
        a_tensor(state, name).ndim != 3
        or not state.shape[1]
        or state.shape[0] != parts
        or state.shape[-1] != 2
    ):
        how = (
            "points and targets: torch.stack([x, y])"
            if parts == 2
            else "points, targets and notes: in_hand(x, y)"
        )
        raise ValueError(f"{name} has shape {tuple(state.shape)}; expected ({parts}, n, 2), {how}.")
    return state


Pair = Annotated[torch.Tensor, a_state]
Held = Annotated[torch.Tensor, functools.partial(a_state, parts=3)]


@checked
def drive(k: Number, state: Pair) -> torch.Tensor:
    """One step of the algorithm: moves k // 6 = 0, ..., n - 1 set the heights of the points,
    from left to right; n, ..., 2n - 1 set their abscissae, from the lowest target up;
    then from the beginning again. A sixth of a move each time: (2, n, 2) -> (2, n, 2).
    Raises TypeError, ValueError.

    A move is a layer of two neurons, w (max(s - b, 0) - max(s - c, 0)): what lies before the line
    s = b stays, what lies beyond the line s = c goes as a whole. The points before the one that
    is set lie before both lines, the others beyond both.
    """
    x, y = state
    n = x.shape[-2]
    k = torch.as_tensor(k, dtype=x.dtype)
    move = torch.remainder(torch.floor(k / FRAMES), 2 * n)
    share = 1 / (FRAMES - torch.remainder(k, FRAMES))
    lift, number = move < n, torch.remainder(move, n)
    here, order = torch.where(lift, x[:, 0], x[:, 1]), torch.where(lift, x[:, 0], y[:, 1])
    missing = torch.where(lift, y[:, 1] - x[:, 1], y[:, 0] - x[:, 0])
    mine, before = ranked(order, number), ranked(order, number - 1)
    line = torch.where(number > 0, (before * here).sum(), (mine * here).sum() - 1)
    gap = (mine * here).sum() - line
    # from 0 to gap between the two lines
    ramp = torch.relu(here - line) - torch.relu(here - line - gap)
    height = share * (mine * missing).sum() / torch.where(gap > 0, gap, torch.ones_like(gap))
    # two points on one line: this move cannot part them
    add = torch.where(gap > 0, height, torch.zeros_like(height)) * ramp
    zero = torch.zeros_like(add)
    return torch.stack(
        [x + torch.stack([torch.where(lift, zero, add), torch.where(lift, add, zero)], -1), y]
    )


@checked
def in_hand(points: Tensor, targets: Tensor) -> torch.Tensor:
    """The state (3, n, 2) of points and targets (n, 2): no move made, the algorithm at rest.
    Raises TypeError, ValueError."""
    if points.shape != targets.shape:
        shapes = tuple(points.shape), tuple(targets.shape)
        raise ValueError(f"points, targets have shapes {shapes}; expected (n, 2) twice.")
    pair = a_state(torch.stack([points, targets]))
    return _noted(pair, 0.0 * points[0, 0], 0.0 * points[0, 0] - 1)


@checked
def hand_move(state: Held, *, line: Number, offset: Number, direction: Number,
              strength: Number) -> torch.Tensor:
    """`own_move`, counted: it stops the algorithm. (3, n, 2) -> (3, n, 2). Raises TypeError,
    ValueError."""
    made = state[2, 0, 0]
    pair = own_move(state[:2], line=line, offset=offset, direction=direction, strength=strength)
    return _noted(pair, made + 1, 0 * made - 1)


@checked
def set_going(state: Held) -> torch.Tensor:
    """The algorithm is set going from wherever the points are. (3, n, 2) -> (3, n, 2).
    Raises TypeError, ValueError."""
    made = state[2, 0, 0]
    return _noted(state[:2], made, 0 * made)


@checked
def carry_on(k: Number, state: Held) -> torch.Tensor:
    """One step: of the algorithm (`drive`) if it was set going and has not made its 2 n moves yet,
    else none.

    (3, n, 2) -> (3, n, 2). Raises TypeError, ValueError.
    """
    made, step = state[2, 0]
    going = (step >= 0) & (step < 2 * FRAMES * state.shape[1])
    driven = drive(torch.clamp(step, min=0), state[:2])
    return _noted(torch.where(going, driven, state[:2]), made, torch.where(going, step + 1, step))


@checked
def moves_driven(state: Held) -> torch.Tensor:
    """How many moves the algorithm has made, parts of them counted: 0-d. Raises TypeError,
    ValueError."""
    return torch.clamp(state[2, 0, 1], min=0) / FRAMES


def _noted(pair, made, step):
    note = torch.stack([made, step])[None].expand_as(pair[:1])
    return torch.cat([pair, note])


def ranked(values, number):
    """1 where values (n,) has rank `number`, counted from 0, else 0; equal values in their order.
    All 0 where there is no such rank."""
    index = torch.arange(len(values), device=values.device)
    less = (values[None] < values[:, None]) | (
        (values[None] == values[:, None]) & (index[None] < index[:, None])
    )
    return (less.sum(-1) == number).to(values)


@checked
def own_move(state: Pair, *, line: Number, offset: Number, direction: Number,
             strength: Number) -> torch.Tensor:
    """The reader's move: for a unit of time the points beyond the line {a.x = offset},
    a = arrow(line), go along strength arrow(direction).

    Angles in degrees. (2, n, 2) -> (2, n, 2). Raises TypeError, ValueError.
    """
    x, y = state
    a, w = arrow(line, x), arrow(direction, x)
    return torch.stack([moved(x, strength * w, a, -torch.as_tensor(offset, dtype=x.dtype)), y])


def arrow(degrees, like):
    """(cos, sin) of an angle in degrees: (2,)."""
    angle = torch.as_tensor(degrees, dtype=like.dtype, device=like.device) * (torch.pi / 180)
    return torch.stack([torch.cos(angle), torch.sin(angle)])


@checked
def line_and_arrow(state: Pair, *, line: Number, offset: Number, direction: Number,
                   strength: Number,
                   reach: Positive = 4.0) -> torch.Tensor:
    """What the reader's move looks like: the border of the half-plane, and three arrows of its
    velocity at distances 0.5, 1, 1.5: (4, 2, 2)."""
    x = state[0]
    a, w = arrow(line, x), arrow(direction, x)
    along = torch.stack([-a[1], a[0]])
    foot = offset * a
    border = torch.stack([foot - reach * along, foot + reach * along])
    tails = [foot + s * a + t * along for s, t in ((0.5, -0.8), (1.0, 0.0), (1.5, 0.8))]
    arrows = [torch.stack([tail, tail + s * strength * w]) for tail,
              s in zip(tails, (0.5, 1.0, 1.5), strict=True)]
    return torch.stack([border, *arrows])


@checked
def miss(state: Pair) -> torch.Tensor:
    """The largest distance of a point to its target: 0-d."""
    x, y = state
    return (x - y).square().sum(-1).max().sqrt()


@checked
def there_and_back(k: Number, x: Tensor, *, rate: Number, steps: Positive) -> torch.Tensor:
    """Euler's steps of x' = -rate x over [0, 1] for k < steps, then as many backwards: like x.
    `steps` may be a slider."""
    h = 1 / torch.as_tensor(steps, dtype=x.dtype)
    sign = torch.where(torch.as_tensor(k) < steps, -1.0,
                       1.0) * torch.where(torch.as_tensor(k) < 2 * steps, 1.0, 0.0)
    return x + sign * h * rate * x
