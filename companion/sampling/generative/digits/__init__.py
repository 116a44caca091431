"""A flow-matching network on real digits: trained in seconds, judged on digits that it has not
seen, small enough for a page.

Images are rows of 64 numbers in [-1, 1], paper to ink. Time 0 is noise, 1 is data.
"""

from companion.sampling.generative.digits.film import FRAMES, another, begin, frame, sheet, spread
from companion.sampling.generative.digits.network import (
    guess,
    matching_error,
    network,
    one_hot,
    trained,
    velocity,
)
from companion.sampling.generative.digits.quality import judge, named, nearest, recited, split

__all__ = [
    "FRAMES", "another", "begin", "frame", "guess", "judge", "matching_error", "named", "nearest",
    "network", "one_hot", "recited", "sheet", "split", "spread", "trained", "velocity",
]
