"""Blur: out of focus, behind frosted glass, in motion, zooming, and the held-out Gaussian."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from robustpose.corruptions.pixels import Floats, smooth, to_uint8
from robustpose.corruptions.seeding import Rng

Image = npt.NDArray[np.uint8]


def defocus_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Convolve with a disk of `radius` px, its edge softened."""
    radius, softness = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    half = max(8, radius)
    across, down = np.meshgrid(np.arange(-half, half + 1), np.arange(-half, half + 1))
    disk = (across**2 + down**2 <= radius**2).astype(np.float32)
    disk /= disk.sum()
    size = 3 if radius <= 8 else 5
    kernel = cv2.GaussianBlur(disk, ksize=(size, size), sigmaX=softness)
    x = image / 255.0
    # Channel by channel: for kernels of this size OpenCV goes through a Fourier transform, whose last bits depend on
    # how many channels there are.
    return to_uint8(np.stack([cv2.filter2D(x[:, :, channel], -1, kernel) for channel in range(3)], axis=2))


def glass_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Shuffle pixels among near neighbours between two Gaussian blurs."""
    from robustpose.corruptions.kernels import copy_from_neighbours

    sigma, delta, rounds = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[severity - 1]
    height, width = image.shape[:2]
    shuffled = (smooth(image / 255.0, sigma) * 255).astype(np.uint8)
    n_moves = rounds * (height - 2 * delta) * (width - 2 * delta)
    offsets = rng.integers_below(-delta, delta, (n_moves, 2))
    copy_from_neighbours(shuffled, offsets, delta, rounds)
    return to_uint8(smooth(shuffled / 255.0, sigma))


def motion_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Smear along a line whose angle is drawn from -45 to 45 degrees."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    angle = rng.uniform(-45, 45)
    return np.clip(smear(image, radius, sigma, angle), 0, 255).astype(np.uint8)


def smear(image: npt.NDArray[Any], radius: int, sigma: float, angle: float) -> npt.NDArray[np.float64]:
    """Sum shifted copies of (H, W, C) `image` along `angle` (degrees), with the weights of half a Gaussian.

    Copies that would lie outside the image are left out and the weights not renormalised, as in the benchmark.
    """
    from robustpose.corruptions.kernels import sum_shifted

    steps = np.arange(2 * radius + 1)
    # In this form, term by term: it decides the last bit.
    weights = np.exp(-(steps**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
    weights = weights / np.sum(weights)
    along_y, along_x = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    dys = np.array([-math.ceil(i * along_y - 0.5) for i in steps])
    dxs = np.array([-math.ceil(i * along_x - 0.5) for i in steps])
    outside = (abs(dys) >= image.shape[0]) | (abs(dxs) >= image.shape[1])
    n_layers = int(outside.argmax()) if outside.any() else len(steps)
    return sum_shifted(image, dys[:n_layers], dxs[:n_layers], weights[:n_layers])


def zoom_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Average the image with enlarged copies of itself. Pixels move, the ground truth stays."""
    stop, step = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))[severity - 1]
    factors = np.arange(1, stop, step)  # in floating point: 12, 16, 11, 13 and 11 factors
    height, width = image.shape[:2]
    x = (image / 255.0).astype(np.float32)
    total = np.zeros_like(x)
    for factor in factors:
        layer = enlarge_centre(x, factor)[:height, :width]
        total[: layer.shape[0], : layer.shape[1]] += layer
    return to_uint8((x + total) / (len(factors) + 1))


def enlarge_centre(x: Floats, factor: float) -> Floats:
    """Return the centre of (H, W, C) `x` enlarged by `factor`: about H × W, at times a pixel more or less."""
    height, width = x.shape[:2]
    crop_height, crop_width = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    crop = x[top : top + crop_height, left : left + crop_width]
    return ndimage.zoom(crop, (factor, factor, 1), order=1)


def gaussian_blur(image: Image, severity: int, rng: Rng) -> Image:
    """Convolve with a Gaussian."""
    return to_uint8(smooth(image / 255.0, (1, 2, 3, 4, 6)[severity - 1]))
