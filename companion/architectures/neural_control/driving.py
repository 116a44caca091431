"""Points driven in a page: by the reader's half-plane moves, or by the constructive algorithm, move after move, from wherever the points are.

The state is (2, n, 2): the points and their targets. Plain operations: all of it runs in the page.
"""

import torch

from companion.architectures.neural_control.shears import moved
from companion.inputs import a_count, a_tensor

FRAMES = 6  # steps of the map in which one move is done


def drive(k, state):
    """One step of the algorithm: moves k // 6 = 0, ..., n - 1 set the heights of the points, from left to right; n, ..., 2n - 1 set their abscissae,
    from the lowest target up; then from the beginning again. A sixth of a move each time: (2, n, 2) -> (2, n, 2). Raises TypeError, ValueError.

    A move is a layer of two neurons, w (max(s - b, 0) - max(s - c, 0)): what lies before the line s = b stays, what lies beyond the line s = c goes
    as a whole. The points before the one that is set lie before both lines, the others beyond both.
    """
    x, y = a_state(state)
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
    ramp = torch.relu(here - line) - torch.relu(here - line - gap)  # from 0 to gap between the two lines
    height = share * (mine * missing).sum() / torch.where(gap > 0, gap, torch.ones_like(gap))
    add = torch.where(gap > 0, height, torch.zeros_like(height)) * ramp  # two points on one line: this move cannot part them
    zero = torch.zeros_like(add)
    return torch.stack([x + torch.stack([torch.where(lift, zero, add), torch.where(lift, add, zero)], -1), y])


def ranked(values, number):
    """1 where values (n,) has rank `number`, counted from 0, else 0; equal values in their order. All 0 where there is no such rank."""
    index = torch.arange(len(values), device=values.device)
    less = (values[None] < values[:, None]) | ((values[None] == values[:, None]) & (index[None] < index[:, None]))
    return (less.sum(-1) == number).to(values)


def own_move(state, *, line, offset, direction, strength):
    """The reader's move: for a unit of time the points beyond the line {a.x = offset}, a = arrow(line), go along strength arrow(direction).

    Angles in degrees. (2, n, 2) -> (2, n, 2). Raises TypeError, ValueError.
    """
    x, y = a_state(state)
    a, w = arrow(line, x), arrow(direction, x)
    return torch.stack([moved(x, strength * w, a, -torch.as_tensor(offset, dtype=x.dtype)), y])


def arrow(degrees, like):
    """(cos, sin) of an angle in degrees: (2,)."""
    angle = torch.as_tensor(degrees, dtype=like.dtype, device=like.device) * (torch.pi / 180)
    return torch.stack([torch.cos(angle), torch.sin(angle)])


def line_and_arrow(state, *, line, offset, direction, strength, reach=4.0):
    """What the reader's move looks like: the border of the half-plane, and three arrows of its velocity at distances 0.5, 1, 1.5: (4, 2, 2)."""
    x = a_state(state)[0]
    a, w = arrow(line, x), arrow(direction, x)
    along = torch.stack([-a[1], a[0]])
    foot = offset * a
    border = torch.stack([foot - reach * along, foot + reach * along])
    tails = [foot + s * a + t * along for s, t in ((0.5, -0.8), (1.0, 0.0), (1.5, 0.8))]
    arrows = [torch.stack([tail, tail + s * strength * w]) for tail, s in zip(tails, (0.5, 1.0, 1.5), strict=True)]
    return torch.stack([border, *arrows])


def miss(state):
    """The largest distance of a point to its target: 0-d."""
    x, y = a_state(state)
    return (x - y).square().sum(-1).max().sqrt()


def there_and_back(k, x, *, rate, steps):
    """Euler's steps of x' = -rate x over [0, 1] for k < steps, then as many backwards: like x. `steps` may be a slider."""
    h = 1 / torch.as_tensor(steps, dtype=a_tensor(x).dtype)
    sign = torch.where(torch.as_tensor(k) < steps, -1.0, 1.0) * torch.where(torch.as_tensor(k) < 2 * steps, 1.0, 0.0)
    return x + sign * h * rate * x


def a_state(state):
    """Return state, points and targets (2, n, 2). Raises TypeError, ValueError."""
    if a_tensor(state, "state").ndim != 3 or state.shape[0] != 2 or state.shape[-1] != 2:
        raise ValueError(f"state has shape {tuple(state.shape)}; expected (2, n, 2), points and targets: torch.stack([x, y]).")
    a_count(int(state.shape[1]), "n")
    return state
