"""Refraction: an image seen through water whose surface is lit and tilted by a pattern of caustics.

Exact but for one thing: the published program finds the refracted ray through angles and the inverse of a matrix; here
its two components come without either. Both are the same number before their last bits, and they are rounded to
thousandths of a pixel.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact.smoothing import gaussian_weights, smooth_reflected
from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]


def find_luminance(pattern: Doubles) -> Doubles:
    """Return the luminance of three equal channels (n, n) after a Gaussian of sigma 1 along all three axes."""
    smooth = smooth_reflected(pattern, (1, 1), truncate=4)
    weights = gaussian_weights(1, 4)
    across_channels = smooth * weights[0]
    for weight in weights[:0:-1]:
        across_channels += (smooth + smooth) * weight
    return 0.2126 * across_channels + 0.7152 * across_channels + 0.0722 * across_channels


@numba.njit(cache=True, nogil=True, error_model="numpy")
def refract(image: Image, luminance: Doubles, lens: float, light: float, out: Image) -> None:
    """Write image (H, W, 3) seen through a surface: luminance (≥ H, ≥ W) is its height, 0 outside.

    Pixels where the surface is tilted show the image elsewhere, by up to `lens` px; black outside. Then `light` times
    both slopes is added. The slope called north - south is horizontal, as published.
    """
    height, width = image.shape[:2]
    rows, columns = luminance.shape
    for h in range(height):
        for w in range(width):
            north = luminance[h, w - 1] if w > 0 else 0.0
            south = luminance[h, w + 1] if w < columns - 1 else 0.0
            west = luminance[h - 1, w] if h > 0 else 0.0
            east = luminance[h + 1, w] if h < rows - 1 else 0.0
            down, across = east - west, south - north
            length = np.sqrt(down * down + across * across + 1.0)
            upright = 1.0 / length
            move_down, move_across = 0.0, 0.0
            if upright < 1.0 - 1e-3:
                # The normal v, scaled: cos θ'·v + sin θ'·o with o = (z - v_z·v) / sin θ and sin θ' = sin θ / 4.
                sine = (1.0 - upright * upright) / 16.0
                bend = np.sqrt(1.0 - sine) - 0.25 * upright
                move_down = np.rint(down / length * bend * lens * 1000.0) / 1000.0
                move_across = np.rint(across / length * bend * lens * 1000.0) / 1000.0
            y, x = h + move_down, w + move_across
            top, left = int(np.floor(y)), int(np.floor(x))
            low, right = y - top, x - left
            for channel in range(3):
                if move_down == 0.0 and move_across == 0.0:
                    value = np.float64(np.float32(image[h, w, channel]) / np.float32(255.0))
                else:
                    value = _tap(image, top, left, channel) * (1.0 - right)
                    value += _tap(image, top, left + 1, channel) * right
                    below = _tap(image, top + 1, left, channel) * (1.0 - right)
                    below += _tap(image, top + 1, left + 1, channel) * right
                    value = value * (1.0 - low) + below * low
                value = value + (north - south) * light
                value = value + down * light
                out[h, w, channel] = np.uint8(int(min(max(value, 0.0), 1.0) * 255.0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _tap(image: Image, y: int, x: int, channel: int) -> float:
    """Return a value in 0..1, divided in float32; 0 outside."""
    if y < 0 or x < 0 or y >= image.shape[0] or x >= image.shape[1]:
        return 0.0
    return np.float64(np.float32(image[y, x, channel]) / np.float32(255.0))
