"""Where the control of an extremal has a kink: there a step of Runge and Kutta's method loses its
order, and a node of the grid must lie.

Between two nodes a smooth control bends by h^2, a kinked one by h. A smooth step of order 4 errs
32 times less in each of its halves; one with a kink inside does not.
"""

from itertools import pairwise

import torch

from companion.flow import rk4
from companion.inputs import running

SMALL = 1e-11  # errors below are not looked at
HALVINGS = 40  # a kink is found to 2^-40 of its step, or as far as rounding lets a bend be seen
MOST = 8  # kinks looked for at once, those of the sharpest bend first


def kinks(v, control, path):
    """Times (m,) inside the steps of a Path of x' = v(t, x) by rk4 at which control(t, x) has
    a kink that costs the step its order, rising."""
    with torch.no_grad(), running():
        steps = list(zip(path.t[:-1], path.t[1:], path.x[:-1], path.x[1:], strict=True))
        bends = torch.stack([bend(control, *step) for step in steps])
        wide = torch.cat([bends[:1], bends, bends[-1:]])
        calm = torch.minimum(wide[:-2], wide[2:])  # the calmer of the two steps beside it
        sharp = bends > 4 * calm + SMALL
        first = [k for k in bends.argsort(descending=True).tolist() if sharp[k]][:MOST]
        least = SMALL * (1 + path.x.abs().amax())
        found = [
            located(v, control, *steps[k]) for k in first if loses_order(v, *steps[k][:3], least)
        ]
    return torch.stack(found).sort().values if found else path.t.new_zeros(0)


def bend(control, begin, end, x, y):
    """How far the control in the middle, the state taken between x and y, is from the mean of the
    ends."""
    middle = control((begin + end) / 2, (x + y) / 2)
    return (middle - (control(begin, x) + control(end, y)) / 2).abs().max()


def parts(v, begin, end, x, n):
    """The times of n equal parts of a step and the states there, each by one step from the one
    before."""
    times = torch.lerp(begin, end, torch.arange(n + 1, dtype=begin.dtype) / n)
    states = [x]
    for here, there in pairwise(times):
        states.append(rk4(v, here, states[-1], there - here))
    return times, states


def error(v, begin, end, x):
    """The distance of one step to two halves and to three thirds: one alone may vanish by chance.
    """
    whole, halves, thirds = (parts(v, begin, end, x, n)[1][-1] for n in (1, 2, 3))
    return (whole - halves).abs().max() + (whole - thirds).abs().max()


def loses_order(v, begin, end, x, least):
    """Whether a step errs by more than `least`, and in its halves, quarters or eighths a part
    by more than 12, 12^2, 12^3 times less: where v is smooth it is 32, 32^2, 32^3;
    with a kink about 4, 4^2, 4^3."""
    whole = error(v, begin, end, x)
    for level in (1, 2, 3) if whole > least else ():
        times, states = parts(v, begin, end, x, 2**level)
        pieces = zip(times[:-1], times[1:], states[:-1], strict=True)
        if max(error(v, *piece) for piece in pieces) * 12**level > whole:
            return True
    return False


def located(v, control, begin, end, x, y):
    """The kink in [begin, end] by bisection: it lies in the half where the control bends more."""
    for _ in range(HALVINGS):
        (_, middle, _), (_, there, y) = parts(v, begin, end, x, 2)
        if bend(control, middle, end, there, y) > bend(control, begin, middle, x, there):
            begin, x = middle, there
        else:
            end = middle
    return (begin + end) / 2
