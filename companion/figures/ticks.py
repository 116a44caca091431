"""Few ticks at round numbers, on linear and logarithmic axes, as in the page (front/ticks.js)."""

import math

from companion.figures.numbers import MINUS, scientific


def tick_step(span, count):
    """The number of the form {1, 2, 5} 10^k nearest above span / count."""
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m for m in (1, 2, 5, 10) if m * power >= raw * 0.999) * power


def tick_range(lo, hi, count=4):
    """[lo, hi] opened outward to whole steps; a constant gets room around it."""
    if not hi > lo:
        room = abs(lo) * 0.1 or 1
        return tick_range(lo - room, hi + room, count)
    step = tick_step(hi - lo, count)
    return math.floor(lo / step + 1e-9) * step, math.ceil(hi / step - 1e-9) * step


def log_range(lo, hi):
    """[lo, hi] opened to whole decades, or to {1, 2, 5} within one."""
    if hi / lo > 8:
        return (10.0 ** math.floor(math.log10(lo) + 1e-9), 10.0 ** math.ceil(math.log10(hi) - 1e-9))
    step = 10.0 ** math.floor(math.log10(lo))
    marks = [m * step for m in (1, 2, 5, 10, 20, 50, 100)]
    below = [m for m in marks if m <= lo * 1.0001]
    above = [m for m in marks if m >= hi * 0.9999 and m > lo * 1.0001]
    return (below or [step])[-1], (above or [10 * hi])[0]


def ticks(lo, hi, count, log=False):
    """[(value, text)] of about `count` ticks from lo to hi."""
    return _log_ticks(lo, hi, count) if log else linear_ticks(lo, hi, count)


def linear_ticks(lo, hi, count):
    """Ticks at the multiples of one step, three at least."""
    step = tick_step(hi - lo, count)
    first, last = math.ceil(lo / step - 1e-6), math.floor((hi + step * 1e-6) / step)
    values = [i * step for i in range(first, last + 1)]
    if len(values) < 3 and count < 8:
        return linear_ticks(lo, hi, count + 1)
    return [(value, tick_text(value, step)) for value in values]


def _log_ticks(lo, hi, count):
    first, last = math.ceil(math.log10(lo) - 1e-9), math.floor(math.log10(hi) + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / max(2, count)))
    found = [(10.0**e, _power_text(e)) for e in range(first, last + 1, stride)]
    if len(found) > 2 or stride > 1:
        return found
    between = [(m * 10.0**e, 10.0**e) for e in range(first - 1, last + 1) for m in (2, 5)]
    found += [(v, tick_text(v, step)) for v, step in between if lo <= v <= hi]
    if len(found) < 2:
        return linear_ticks(lo, hi, count)
    return found[: last - first + 1] if len(found) > 2 * count else sorted(found)


def _power_text(exponent):
    plain = abs(exponent) <= 2
    return tick_text(10.0**exponent, 10.0**exponent) if plain else scientific("1", exponent)


def tick_text(value, step):
    """The text of a tick, with the digits that tell it from its neighbours one step away."""
    size = abs(value)
    if size < step * 1e-6:
        return "0"
    sign = MINUS if value < 0 else ""
    if size >= 1e5 or step < 1e-4:
        exponent = math.floor(math.log10(size) + 1e-9)
        return sign + scientific(f"{size / 10.0**exponent:.3g}", exponent)
    return sign + f"{size:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"
