"""Colour transfer: the pixels of a photograph are a cloud in RGB^3, and slice matching carries
it to the colours of another.

Each step draws an orthonormal frame and gives the three coordinates in it the target's quantile
functions. Pitie, Kokaram and Dahyot, Comput. Vis. Image Underst. 107 (2007) 123-137.
A pixel keeps its place: only its colour moves.
"""

from functools import partial
from typing import Annotated

import torch

from companion.flow import iterate
from companion.hints import Count, Index, Number, checked
from companion.inputs import a_cloud, a_tensor
from companion.noise import noise
from companion.sampling.sliced.flows import frame_step


def an_image(image, name):
    """Return image, colours (h, w, 3). Raises TypeError, ValueError."""
    if a_tensor(image, name).ndim != 3 or image.shape[-1] != 3 or image.numel() == 0:
        raise ValueError(f"{name} has shape {tuple(image.shape)}; expected colours (h, w, 3): a "
                         f"grey image is {name}[..., None].expand(-1, -1, 3).")
    return image


def colours(x, name):
    """Return x, a cloud of colours (n, 3). Raises TypeError, ValueError."""
    if a_cloud(x, name, d=3).ndim != 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected the colours of pixels, (n, "
                         "3).")
    return x


Image = Annotated[torch.Tensor, an_image]
Colours = Annotated[torch.Tensor, colours]


@checked
def pixels(image: Image) -> torch.Tensor:
    """The cloud of an image: (h, w, 3) -> (h w, 3), row after row. Raises TypeError, ValueError."""
    return image.reshape(-1, 3)


@checked
def picture(x: Colours, height: Count) -> torch.Tensor:
    """The image of a cloud, cut to [0, 1]: (h w, 3) -> (h, w, 3). Raises TypeError, ValueError."""
    n = x.shape[0]
    if n % height:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected a multiple of height = {height} "
                         "pixels: (h w, 3).")
    return x.reshape(height, n // height, 3).clamp(0, 1)


@checked
def colour_step(k: Number, x: Colours, xi: Colours, *, target: Colours,
                rate: Number = 1.0) -> torch.Tensor:
    """x + rate sum_l (T_l(theta_l . x) - theta_l . x) theta_l over a fresh frame of RGB^3:
    `frame_step`, as a live figure takes it.

    x, xi (n, 3), of xi three rows are used; target (m, 3). For m = n plain operations: it exports.
    Raises TypeError, ValueError.
    """
    return frame_step(k, x, xi, target, tau=rate)


@checked
def colour_transfer(image: Image, palette: Image, *, steps: Count = 20, seed: Index = 0,
                    rate: Number = 1.0) -> torch.Tensor:
    """image (h, w, 3) with the colours of palette (h', w', 3), after some steps with the frames
    of noise((3, 3), seed, k): (h, w, 3), in [0, 1].

    Any sizes, on the images' device; a step costs six sorts. Raises TypeError, ValueError.
    """
    like = {"dtype": image.dtype, "device": image.device}
    step = partial(colour_step, target=pixels(palette), rate=rate)
    end = iterate(lambda k, x: step(k, x, noise((3, 3), seed=seed, k=k, **like)), pixels(image),
                  steps, every=steps).end
    return picture(end, image.shape[0])
