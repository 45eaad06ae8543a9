"""Style transfer by matching statistics: an image takes the colours and textures of another, and keeps its shapes.

No network and no weights. Both become opponent colours and a pyramid of bands (Burt and Adelson, 1983). In every band
the image's values are mapped, order kept, onto the distribution of the style's (Heeger and Bergen, SIGGRAPH 1995), and
a share of the style's own texture, from a random place, is laid over it; what is left of the pyramid takes the style's
colours by their mean and covariance. Edges stay where they were, so joints do, too.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.limits import check_limit
from robustpose.pose.types import Image

LEVELS = 5
QUANTILES = np.linspace(0, 1, 65)
SMALLEST = 2**LEVELS  # px, of a side
# Opponent colours: brightness, red against green, yellow against blue. Orthonormal, so that noise stays noise.
OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
Band = npt.NDArray[np.float32]  # (h, w, 3)


def transfer_style(image: Image, style: Image, rng: np.random.Generator, texture: float = 0.4) -> Image:
    """Return an image (H, W, 3) in the colours and textures of another, of any size; no side is below 32 px.

    `texture` is the share of the style's own texture, 0..1, which is taken from a place that `rng` chooses.
    """
    for name, given in (("image", image), ("style", style)):
        if min(given.shape[:2]) < SMALLEST:
            raise UserError(f"stylising needs images from {SMALLEST} px, got a {name} of {given.shape[1::-1]}")
    height, width = image.shape[:2]
    bands = _split(_to_opponent(image))
    style_bands = _split(_to_opponent(_place_style(style, (width, height), rng)))
    *details, rest = [
        _match_band(band, other) + np.float32(texture) * (other - other.mean((0, 1)))
        for band, other in zip(bands[:-1], style_bands[:-1], strict=True)
    ] + [_match_colours(bands[-1], style_bands[-1])]
    joined = rest
    for band in reversed(details):
        joined = cv2.pyrUp(joined, dstsize=(band.shape[1], band.shape[0])) + band
    rgb = cv2.transform(joined, OPPONENT.T)  # its inverse
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def _to_opponent(image: Image) -> Band:
    return np.asarray(cv2.transform(image.astype(np.float32), OPPONENT), np.float32)


def _place_style(style: Image, size_wh: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return a random part of the style, (h, w, 3), enlarged first where it would not cover that."""
    width, height = size_wh
    factor = max(1.0, width / style.shape[1], height / style.shape[0])
    if factor > 1:
        megabytes = style.size * factor**2 / 2**20
        check_limit("MEMORY_MB", megabytes, f"a style enlarged to cover an image of {width} x {height} px", "MB")
        size = (int(np.ceil(style.shape[1] * factor)), int(np.ceil(style.shape[0] * factor)))
        style = np.asarray(cv2.resize(style, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    top = int(rng.integers(0, style.shape[0] - height + 1))
    left = int(rng.integers(0, style.shape[1] - width + 1))
    return style[top : top + height, left : left + width]


def _split(image: Band) -> list[Band]:
    """Return the bands of the Laplacian pyramid, finest first, and what is left."""
    bands = []
    for _ in range(LEVELS):
        smaller = np.asarray(cv2.pyrDown(image), np.float32)
        bands.append(image - cv2.pyrUp(smaller, dstsize=(image.shape[1], image.shape[0])))
        image = smaller
    return [*bands, image]


def _match_band(band: Band, style: Band) -> Band:
    """Return the band with the style's distribution of values in each channel."""
    matched = np.empty_like(band)
    for channel in range(3):
        values, others = band[..., channel], style[..., channel]
        # A sixteenth of the values tells the quantiles of a large band well enough.
        step = 4 if values.size > 2**14 else 1
        here, there = (np.asarray(np.quantile(v[::step, ::step], QUANTILES)) for v in (values, others))
        rising = here + 1e-5 * np.arange(len(here))  # flat parts: keep the order
        matched[..., channel] = np.interp(values, rising, there)
    return matched


def _match_colours(rest: Band, style: Band) -> Band:
    """Return low-pass colours with the style's mean and covariance, moved as little as that takes (Pitié 2007)."""
    here, there = rest.reshape(-1, 3).astype(np.float64), style.reshape(-1, 3).astype(np.float64)
    some, other = (np.cov(values.T) + 1e-3 * np.eye(3) for values in (here, there))
    root = _square_root(some)
    inverse = np.linalg.inv(root)
    move = inverse @ _square_root(root @ other @ root) @ inverse
    return ((here - here.mean(0)) @ move.T + there.mean(0)).reshape(rest.shape).astype(np.float32)


def _square_root(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
