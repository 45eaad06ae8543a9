"""Veils: noise that is mixed with an image, whose values are scaled by a table first."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_veil(image: Image, scaled: Doubles, amount: float, noise: npt.NDArray[Any], out: Image) -> None:
    """Write scaled[v] + amount·noise for every value v of image (H, W, 3), clipped to 0..255 and truncated.

    `scaled` is (256,), `noise` (≥ H, ≥ W, 3), or (≥ H, ≥ W, 1) for all channels alike.
    """
    height, width, channels = image.shape
    last = noise.shape[2] - 1
    for h in range(height):
        for w in range(width):
            for channel in range(channels):
                value = scaled[image[h, w, channel]] + amount * noise[h, w, min(channel, last)]
                out[h, w, channel] = np.uint8(int(min(max(value, 0.0), 255.0)))
