"""Numbers and sentences as a printed book has them: 4.5 × 10⁻³, −0.2, 1 step. The page writes the
same (live/front/format.js).

A format is Python's: .2f, .1e, .3g, or none. What .1e writes near 1 needs no power: 0.045, 34.
"""

import math
import re

from companion.figures.look import LOOK

MINUS, TIMES = "\u2212", "\u202f×\u202f"  # no line breaks within a number
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOUN = rf"(?: ({'|'.join(LOOK['counted'])})s\b)?"
FIELD = re.compile(r"\{\{|\}\}|\{(\w+)(?::\.(\d+)([feg]))?\}" + NOUN)


def scientific(mantissa, exponent):
    """The text of mantissa (a text) times 10 to the exponent; a mantissa 1 is left out."""
    power = "10" + str(exponent).translate(RAISED)
    return power if mantissa == "1" else f"{mantissa}{TIMES}{power}"


def typeset(text):
    """A number as Python or JavaScript write it, -4.5e-03, as a book does; a zero has no sign."""
    mantissa, _, exponent = text.removeprefix("-").partition("e")
    minus = MINUS if text[0] == "-" and float(mantissa) else ""
    return minus + (scientific(mantissa, int(exponent)) if int(exponent or 0) else mantissa)


def written(value, digits=None, kind="g"):
    """A number with so many digits of a kind of format, or a short one; a word stays as it is."""
    if isinstance(value, str):
        return value
    value = float(value)
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"
    if digits is None:
        whole = value.is_integer() and abs(value) < 1e15
        return typeset(f"{value:.0f}" if whole else f"{value:.4g}")
    text = f"{value:.{digits}{kind}}"
    if kind == "e" and -2 <= (exponent := int(text.split("e")[1])) <= digits:
        text = f"{value:.{digits - exponent}f}"
    return typeset(text)


def said(sentence, values):
    """A sentence with its fields filled in, {t:.1f}; after a 1 the counted noun is a singular."""

    def fill(found):
        name, digits, kind, noun = found.groups()
        if name is None:
            return found[0][0]
        text = written(values[name], None if digits is None else int(digits), kind)
        return text if noun is None else f"{text} {noun}{'' if text == '1' else 's'}"

    return FIELD.sub(fill, sentence)
