"""Still figures, each with the text that stands for it where it cannot be seen: alt=...
is asked for everywhere."""

from companion.figures.plots import clouds, curves, densities, images, landscape, paths
from companion.figures.still import INK, PALETTE, Still, axes, still

__all__ = [
    "INK", "PALETTE", "Still", "axes", "clouds", "curves", "densities", "images", "landscape",
    "paths", "still",
]
