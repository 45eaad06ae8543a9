"""The snow layer: flakes of noise, enlarged and smeared. It does not depend on the image, only on its size."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact import motion as blur_motion
from robustpose.corruptions.exact.zoom import Taps, find_taps

Doubles = npt.NDArray[np.float64]


def make_streaks(
    normals: Doubles, mean: float, spread: float, zoom: float, threshold: float, radius: int, sigma: float, angle: float
) -> npt.NDArray[np.uint8]:
    """Return (H, W) streaks in 1/255.

    Args:
        normals: (H, W) standard normal numbers.
        mean: of the noise.
        spread: of the noise.
        zoom: by which the centre of the noise is enlarged.
        threshold: noise below it is no flake.
        radius: of the motion blur, px.
        sigma: of the motion blur.
        angle: of the motion blur, degrees.
    """
    height, width = normals.shape
    crop_height, crop_width = math.ceil(height / zoom), math.ceil(width / zoom)
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    noise = mean + spread * normals[top : top + crop_height, left : left + crop_width]
    flakes = _enlarge(noise, find_taps(crop_height, zoom), find_taps(crop_width, zoom), threshold)
    # The whole enlarged layer is smeared: beyond the image's lower and right edges lies a little more of it.
    smeared = blur_motion.sum_layers(*blur_motion.place_layers(flakes[:, :, None], radius, sigma, angle), width)
    return np.round(np.clip(smeared[:height], 0, 1) * 255).astype(np.uint8)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _enlarge(noise: Doubles, down: Taps, across: Taps, threshold: float) -> Doubles:
    """Return `noise` interpolated in SciPy's order of operations; below the threshold 0, and at most 1."""
    y_first, y_near, y_far = down
    x_first, x_near, x_far = across
    out = np.empty((len(y_first), len(x_first)))
    for y in range(len(y_first)):
        above, below, near, far = noise[y_first[y]], noise[y_first[y] + 1], y_near[y], y_far[y]
        row = out[y]
        for x in range(len(x_first)):
            i = x_first[x]
            value = (above[i] * near) * x_near[x] + (above[i + 1] * near) * x_far[x]
            value = (value + (below[i] * far) * x_near[x]) + (below[i + 1] * far) * x_far[x]
            value = value if value >= threshold else 0.0
            row[x] = value if value < 1.0 else 1.0
    return out
