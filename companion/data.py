"""Clouds and real data. Synthetic points are drawn on the CPU by an explicit generator, then moved:
a seed gives them on every machine."""

import math

import torch

from companion.hints import (
    Cloud,
    Count,
    Device,
    Dtype,
    Generator,
    NonNegative,
    Positive,
    Tensor,
    Word,
    checked,
)
from companion.inputs import a_count, a_number, a_tensor


def _normal(n, d, generator):
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def _angles(n, generator):
    return 2 * math.pi * torch.rand(n, generator=generator, dtype=torch.float64)


def _directions(angle):
    return torch.stack([angle.cos(), angle.sin()], -1)


@checked
def sample_gaussian(n: Count, *, generator: Generator, d: Count = 2,
                    mean: torch.Tensor | float = 0.0, scale: NonNegative = 1.0,
                    dtype: Dtype = torch.float32, device: Device = None) -> Tensor:
    """n points of N(mean, scale^2 I): (n, d). mean: a number or (d,). Raises TypeError, ValueError.
    """
    x = _normal(n, d, generator)
    mean = _a_mean(mean).to("cpu", x.dtype)
    if mean.shape not in ((), (d,)):
        raise ValueError(f"mean has shape {tuple(mean.shape)}; expected a number or ({d},).")
    return (scale * x + mean).to(device, dtype)


@checked
def sample_mixture(n: Count, *, generator: Generator, centers: Cloud | None = None,
                   scale: NonNegative = 0.3,
                   dtype: Dtype = torch.float32, device: Device = None) -> Tensor:
    """n points of the mean of N(c, scale^2 I) over the rows c of centers (k, d); without centers,
    8 on the circle of radius 2: (n, d)."""
    if centers is None:
        centers = 2 * _directions(torch.arange(8, dtype=torch.float64) * math.pi / 4)
    if centers.ndim != 2:
        raise ValueError(f"centers has shape {tuple(centers.shape)}; expected one centre a row: "
                         "(k, d).")
    centers = centers.to("cpu", torch.float64)
    which = torch.randint(len(centers), (n,), generator=generator)
    return (centers[which] + scale * _normal(n, centers.shape[1], generator)).to(device, dtype)


@checked
def moons(n: Count, *, generator: Generator, noise: NonNegative = 0.05,
          dtype: Dtype = torch.float32, device: Device = None) -> Tensor:
    """Two half circles of radius 1, about (0, 0) and, turned over, about (1, 1/2),
    with noise N(0, noise^2 I): (n, 2)."""
    half = _angles(n, generator) / 2
    second = (torch.arange(n) % 2 == 1)[:, None]
    x = torch.where(second, torch.tensor([1.0, 0.5]) - _directions(half), _directions(half))
    return (x + noise * _normal(n, 2, generator)).to(device, dtype)


@checked
def ring(n: Count, *, generator: Generator, radius: Positive = 1.0, noise: NonNegative = 0.1,
         dtype: Dtype = torch.float32, device: Device = None) -> Tensor:
    """Points uniform in angle, of radius N(radius, noise^2): (n, 2)."""
    angle = _angles(n, generator)
    r = radius + noise * _normal(n, 1, generator)
    return (r * _directions(angle)).to(device, dtype)


@checked
def circle(n: Count, *, generator: Generator, dtype: Dtype = torch.float32,
           device: Device = None) -> Tensor:
    """Points uniform on the unit circle: (n, 2)."""
    return _directions(_angles(n, generator)).to(device, dtype)


@checked
def sphere(n: Count, *, generator: Generator, d: Count = 3, dtype: Dtype = torch.float32,
           device: Device = None) -> Tensor:
    """Points uniform on the unit sphere of R^d, d >= 2: (n, d)."""
    x = _normal(n, a_count(d, "d", least=2), generator)
    return (x / x.norm(dim=-1, keepdim=True)).to(device, dtype)


def _a_mean(mean):
    """mean as a tensor, a finite number or (d,). Raises TypeError, ValueError."""
    if isinstance(mean, (list, tuple)):
        mean = torch.tensor([a_number(m, "an entry of mean") for m in mean], dtype=torch.float64)
    return (
        a_tensor(mean, "mean")
        if isinstance(mean, torch.Tensor) and mean.ndim
        else torch.as_tensor(a_number(mean, "mean"))
    )


def _datasets():
    try:
        from sklearn import datasets
    except ImportError as missing:
        raise ImportError(
            "the real data ship with scikit-learn: pip install scikit-learn"
        ) from missing
    return datasets


@checked
def digits(label: int | None = None, *, dtype: Dtype = torch.float32,
           device: Device = None) -> tuple[Tensor, torch.Tensor]:
    """Handwritten digits: images (n, 8, 8) in [0, 1] and labels (n,); of one label 0..9,
    or all 1797 (Alpaydin and Kaynak, UCI, 1998)."""
    if label is not None and (
        isinstance(label, bool) or not isinstance(label, int) or label not in range(10)
    ):
        raise ValueError(f"label is {label!r}; expected one of 0, 1, ..., 9, or None for all.")
    source = _datasets().load_digits()
    images, labels = torch.from_numpy(source.images) / 16, torch.from_numpy(source.target)
    kept = labels >= 0 if label is None else labels == label
    return images[kept].to(device, dtype), labels[kept].to(device, torch.int64)


@checked
def tumours(*, dtype: Dtype = torch.float32, device: Device = None) -> tuple[Tensor, torch.Tensor]:
    """569 breast tumours: 30 measurements of cell nuclei, each of mean 0 and variance 1, (569, 30);
    labels (569,), 1 benign and -1 malignant.

    Wolberg, Mangasarian, Street and Street, Breast Cancer Wisconsin (Diagnostic), UCI,
    1993, as it ships with scikit-learn.
    """
    source = _datasets().load_breast_cancer()
    x, labels = torch.from_numpy(source.data), torch.from_numpy(source.target)
    x = (x - x.mean(0)) / x.std(0, correction=0)
    return x.to(device, dtype), (2 * labels - 1).to(device, torch.int64)


PHOTOGRAPHS = ("china", "flower")


@checked
def photograph(name: Word, *, size: Count, dtype: Dtype = torch.float32,
               device: Device = None) -> Tensor:
    """A photograph, averaged over blocks of pixels: (h, w, 3) in [0, 1], its longer side size.
    Raises ValueError.

    name: "china" (the Summer Palace) or "flower" (a dahlia), as they ship with scikit-learn. size:
    at most 640.
    By danielbuechele and vultilion on Flickr, CC BY 2.0: name them where you show them.
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"name is {name!r}; expected one of {', '.join(PHOTOGRAPHS)}.")
    if size > 640:
        raise ValueError(f"size = {size}; expected at most 640, the width of the file.")
    pixels = torch.from_numpy(_datasets().load_sample_image(f"{name}.jpg").copy()).to(torch.float64) / 255
    h, w = (max(1, round(side * size / max(pixels.shape))) for side in pixels.shape[:2])
    small = torch.nn.functional.interpolate(pixels.permute(2, 0, 1)[None], size=(h, w), mode="area")
    return small[0].permute(1, 2, 0).to(device, dtype)


@checked
def image_cloud(image: Tensor, n: Count, generator: Generator, *, dtype: Dtype = torch.float32,
                device: Device = None) -> Tensor:
    """n points of the density image (h, w) >= 0, uniform in each pixel:
    (n, 2) in the square [-1, 1]^2, the second coordinate upwards.

    The longer side of the image is [-1, 1], the other is in proportion. Raises TypeError,
    ValueError.
    """
    image = image.to("cpu", torch.float64)
    if image.ndim != 2 or image.numel() == 0 or bool((image < 0).any()) or not 0 < float(image.sum()) < math.inf:
        raise ValueError(f"image has shape {tuple(image.shape)}; expected intensities (h, w), "
                         "none negative, of finite positive sum.")
    h, w = image.shape
    pixel = torch.multinomial(image.flatten(), n, replacement=True, generator=generator)
    row, column = pixel // w, pixel % w
    place = torch.stack([column, row], -1) + torch.rand(n, 2, generator=generator,
                                                        dtype=torch.float64)
    x = (2 * place - torch.tensor([w, h])) / max(h, w)
    return (x * torch.tensor([1.0, -1.0])).to(device, dtype)
