"""Colour transfer: the pixels of a photograph are a cloud in RGB^3, and slice matching carries it to the colours of another.

Each step draws an orthonormal frame and gives the three coordinates in it the target's quantile functions. Pitie, Kokaram and Dahyot,
Comput. Vis. Image Underst. 107 (2007) 123-137. A pixel keeps its place: only its colour moves.
"""

from functools import partial

from companion.flow import iterate
from companion.inputs import a_cloud, a_count, a_tensor
from companion.noise import noise
from companion.sampling.sliced.flows import frame_step


def pixels(image):
    """The cloud of an image: (h, w, 3) -> (h w, 3), row after row. Raises TypeError, ValueError."""
    if a_tensor(image, "image").ndim != 3 or image.shape[-1] != 3 or image.numel() == 0:
        raise ValueError(f"image has shape {tuple(image.shape)}; expected colours (h, w, 3): a grey image is image[..., None].expand(-1, -1, 3).")
    return image.reshape(-1, 3)


def picture(x, height):
    """The image of a cloud, cut to [0, 1]: (h w, 3) -> (h, w, 3). Raises TypeError, ValueError."""
    n = a_cloud(x, d=3).shape[0]
    if x.ndim != 2 or n % a_count(height, "height"):
        raise ValueError(f"x has shape {tuple(x.shape)}; expected a multiple of height = {height} pixels: (h w, 3).")
    return x.reshape(height, n // height, 3).clamp(0, 1)


def colour_step(k, x, xi, *, target, rate=1.0):
    """x + rate sum_l (T_l(theta_l . x) - theta_l . x) theta_l over a fresh frame of RGB^3: `frame_step`, as a live figure takes it.

    x, xi (n, 3), of xi three rows are used; target (m, 3). For m = n plain operations: it exports. Raises TypeError, ValueError.
    """
    return frame_step(k, a_cloud(x, d=3), xi, target, tau=rate)


def colour_transfer(image, palette, *, steps=20, seed=0, rate=1.0):
    """image (h, w, 3) with the colours of palette (h', w', 3), after some steps with the frames of noise((3, 3), seed, k): (h, w, 3), in [0, 1].

    Any sizes, on the images' device; a step costs six sorts. Raises TypeError, ValueError.
    """
    like = {"dtype": a_tensor(image, "image").dtype, "device": image.device}
    step = partial(colour_step, target=pixels(palette), rate=rate)
    end = iterate(lambda k, x: step(k, x, noise((3, 3), seed=seed, k=k, **like)), pixels(image), a_count(steps, "steps"), every=steps).end
    return picture(end, image.shape[0])
