"""Noise: Gaussian, shot, impulse, and the held-out speckle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.pixels import to_uint8
from robustpose.corruptions.seeding import Rng

Image = npt.NDArray[np.uint8]


def gaussian_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Add normal noise, one draw per channel value: sensor noise in low light."""
    spread = (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1]
    return to_uint8(image / 255.0 + rng.normal(size=image.shape, scale=spread))


def shot_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Replace every value by a Poisson count of `photons` at full brightness."""
    photons = (60, 25, 12, 5, 3)[severity - 1]
    return to_uint8(rng.poisson(image / 255.0 * photons) / float(photons))


def impulse_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Set a fraction of the channel values to black or white: dead and hot pixels."""
    fraction = (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    hit = rng.random(image.shape) < fraction
    white = rng.random(image.shape) < 0.5
    # Through the float range and back, because that loses one level of some values.
    unhurt = to_uint8(image / 255.0)
    return np.where(hit, np.where(white, np.uint8(255), np.uint8(0)), unhurt)


def speckle_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Add normal noise in proportion to the value."""
    spread = (0.15, 0.2, 0.35, 0.45, 0.6)[severity - 1]
    x = image / 255.0
    return to_uint8(x + x * rng.normal(size=image.shape, scale=spread))
