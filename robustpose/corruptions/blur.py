"""Blur: out of focus, behind frosted glass, in motion, zooming, and the held-out Gaussian.

The loops, in `exact`, are compiled by numba on first use and cached on disk. They take images as rows of interleaved
RGB, (H, 3 * W).
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact import defocus, glass, motion, zoom
from robustpose.corruptions.exact.gaussian import smooth_rows
from robustpose.corruptions.exact.pixels import to_float32
from robustpose.corruptions.seeding import Rng
from robustpose.pose.types import Image


def defocus_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Convolve with a disk of `radius` px, its edge softened."""
    radius, softness = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    return defocus.filter_image(image, *_make_disk(radius, softness))


@functools.cache
def _make_disk(radius: int, softness: float) -> tuple[npt.NDArray[np.float32], defocus.Taps]:
    half = max(8, radius)
    across, down = np.meshgrid(np.arange(-half, half + 1), np.arange(-half, half + 1))
    disk = (across**2 + down**2 <= radius**2).astype(np.float32)
    disk /= disk.sum()
    size = 3 if radius <= 8 else 5
    kernel: npt.NDArray[Any] = cv2.GaussianBlur(disk, ksize=(size, size), sigmaX=softness)
    return kernel, defocus.group_taps(kernel)


def glass_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Shuffle pixels among near neighbours between two Gaussian blurs."""
    sigma, delta, rounds = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[severity - 1]
    height, width = image.shape[:2]
    sources = rng.draw_once(
        f"glass_blur/{severity}", (height, width), lambda: glass.draw_sources(height, width, delta, rounds, rng)
    )
    shuffled = glass.take_pixels(smooth_rows(_as_rows(image), sigma), sources)
    return smooth_rows(_as_rows(shuffled), sigma).reshape(image.shape)


def motion_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Smear along a line whose angle is drawn from -45 to 45 degrees."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    angle = rng.uniform(-45, 45)
    layers = motion.place_layers(image, radius, sigma, angle)
    return motion.average_layers(layers, 3 * image.shape[1]).reshape(image.shape)


def zoom_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Average the image with enlarged copies of itself. Pixels move, the ground truth stays."""
    stop, step = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))[severity - 1]
    factors = np.arange(1, stop, step)  # in floating point: 12, 16, 11, 13 and 11 factors, the first one 1
    # Severities 1 and 3 add up what 2 and 4 begin with.
    n_shared = (12, 12, 11, 11, 11)[severity - 1]
    x = rng.once_per_image("float32", lambda: to_float32(image)).reshape(image.shape[0], -1)
    total = rng.once_per_image(f"zoom_blur/{step}", lambda: zoom.add_enlarged(x, x, factors[1:n_shared]))
    if len(factors) > n_shared:
        total = zoom.add_enlarged(total, x, factors[n_shared:])
    return zoom.average(x, total, len(factors)).reshape(image.shape)


def gaussian_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Convolve with a Gaussian."""
    return smooth_rows(_as_rows(image), (1, 2, 3, 4, 6)[severity - 1]).reshape(image.shape)


def _as_rows(image: Image) -> Image:
    """Return `image` as rows of interleaved RGB, (H, 3 * W), always read-only: numba compiles for one kind only."""
    rows = image.reshape(image.shape[0], -1)
    rows.flags.writeable = False
    return rows
