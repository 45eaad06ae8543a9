"""Light: the mottled ground that a scene is painted on, and the image as a camera gives it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.data.toy.paint import SUPERSAMPLING
from robustpose.data.toy.surroundings import draw_dull_colour


def paint_texture(size_wh: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return a canvas (2H, 2W, 3) with a colour gradient and a mottled grain."""
    width, height = size_wh
    canvas_wh = (width * SUPERSAMPLING, height * SUPERSAMPLING)
    quarter_wh = (width // 4, height // 4)
    base = np.array(draw_dull_colour(rng))
    spread = rng.uniform(5, 55)
    colours = np.clip(base + rng.uniform(-spread, spread, (3, 4, 3)), 0, 255).astype(np.uint8)
    smooth = _spread_out(colours, quarter_wh)
    amplitude = int(rng.integers(0, 32))
    coarseness = rng.choice([1, 1, 2, 4, 8], 2)  # in x and y: speckle to clouds, and streaks
    grain_wh = int(quarter_wh[0] // coarseness[0] + 2), int(quarter_wh[1] // coarseness[1] + 2)
    grain = rng.integers(128 - amplitude, 129 + amplitude, grain_wh[::-1], dtype=np.uint8)
    mottled = smooth.astype(np.int16) + _enlarge(grain, quarter_wh)[:, :, None] - 128
    return _enlarge(np.clip(mottled, 0, 255).astype(np.uint8), canvas_wh)


def _spread_out(values: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return a smooth (H, W, ...) field from a few values (h, w, ...)."""
    # Linear interpolation alone leaves creases that the eye takes for edges.
    steps = values.repeat(8, axis=0).repeat(8, axis=1)
    return _enlarge(_blur(_blur(steps, 13), 13), size_wh)


def _enlarge(image: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)


def _blur(image: npt.NDArray[np.uint8], n_pixels: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(image, (n_pixels, n_pixels), 0), np.uint8)


def expose(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the image as a camera gives it: uneven light, contrast, colour cast, blur, noise."""
    height, width = image.shape[:2]
    tone = np.arange(256)[:, None] / 255.0
    gamma, contrast = np.exp(rng.uniform(-0.3, 0.3)), rng.uniform(0.75, 1.1)
    cast = rng.uniform(0.9, 1.1, 3) * rng.uniform(0.85, 1.15)
    curve = ((tone**gamma - 0.5) * contrast + 0.5) * cast  # (256, 3)
    table = np.rint(np.clip(curve, 0, 1) * 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table[None]), np.uint8)

    spots = rng.integers(int(rng.uniform(95, 128)), 145, (3, 3), dtype=np.uint8)  # 128 is 1
    gain = _spread_out(spots, (width, height))
    lit = (image.astype(np.uint16) * gain[:, :, None]) >> 7  # (H, W, 3)
    image = np.minimum(lit, 255).astype(np.uint8)
    if rng.random() < 0.3:
        image = _blur(image, 3 if rng.random() < 0.6 else 5)

    amplitude = int(rng.integers(0, 16))  # of the sum of two uniform bytes: a triangular distribution
    byte = np.frombuffer(rng.bytes(2 * image.size), np.uint8).reshape(2, *image.shape).astype(np.int16)
    noise = ((byte[0] + byte[1] - 255) * np.int16(amplitude)) >> 8
    return np.clip(image + noise, 0, 255).astype(np.uint8)
