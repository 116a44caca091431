"""A law on a grid of pixels, by its masses: what the cells of `grid` and of a live figure are cells
of."""

from typing import Annotated, NamedTuple

import torch

from companion.hints import Tensor, an_instance, checked
from companion.sampling.quantization.densities import a_box, a_picture


class Grid(NamedTuple):
    """A law on h x w pixels. columns (w,), rows (h,): coordinates of their centres,
    first row on top; mass (h, w) of sum 1; pixel: its sides;
    mean (2,); spread = sqrt E|x - mean|^2.
    """

    columns: torch.Tensor
    rows: torch.Tensor
    mass: torch.Tensor
    pixel: tuple
    mean: torch.Tensor
    spread: torch.Tensor

    @property
    def points(self):
        """The centres of all pixels, row by row: (h w, 2)."""
        return torch.stack(
            [self.columns.repeat(len(self.rows)), self.rows.repeat_interleave(len(self.columns))],
            -1,
        )


a_grid = an_instance(Grid, "a Grid: pixel_grid(torch.ones(64, 64))")


OnGrid = Annotated[Grid, a_grid]


@checked
def pixel_grid(values: Tensor, *, lo: tuple = (0.0, 0.0), hi: tuple = (1.0, 1.0)) -> Grid:
    """The law proportional to values (h, w) >= 0, first row on top, on the pixels of the box from
    lo to hi: a `Grid`.

    pixel_grid(torch.ones(64, 64)) is the uniform law of the unit square. Raises TypeError;
    ValueError, also for zero mass.
    """
    a_picture(values), a_box(lo, hi)
    h, w = values.shape
    wide, high = (hi[0] - lo[0]) / w, (hi[1] - lo[1]) / h
    columns = lo[0] + wide * (torch.arange(w, dtype=values.dtype, device=values.device) + 0.5)
    rows = hi[1] - high * (torch.arange(h, dtype=values.dtype, device=values.device) + 0.5)
    mass = values / values.sum()
    mean = torch.stack([mass.sum(0) @ columns, mass.sum(1) @ rows])
    spread = (
        mass.sum(0) @ (columns - mean[0]).square() + mass.sum(1) @ (rows - mean[1]).square()
    ).sqrt()
    return Grid(columns, rows, mass, (wide, high), mean, spread)
