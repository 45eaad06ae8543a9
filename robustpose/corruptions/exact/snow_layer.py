"""The snow layer: flakes of noise, enlarged and smeared. It does not depend on the image, only on its size."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact.motion import place_layers, sum_layers
from robustpose.corruptions.exact.zoom import Taps, find_taps

Doubles = npt.NDArray[np.float64]


def draw_flakes(normals: Doubles, mean: float, spread: float, zoom: float, threshold: float) -> Doubles:
    """Return flakes (≥ H, ≥ W) in 0..1: the centre of the noise mean + spread·normals, enlarged by the factor `zoom`.

    Noise below the threshold is no flake; `normals` (H, W) are standard normal numbers.
    """
    height, width = normals.shape
    crop_height, crop_width = math.ceil(height / zoom), math.ceil(width / zoom)
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    noise = mean + spread * normals[top : top + crop_height, left : left + crop_width]
    return _enlarge(noise, find_taps(crop_height, zoom), find_taps(crop_width, zoom), threshold)


def smear_flakes(
    flakes: Doubles, shape_hw: tuple[int, int], radius: int, sigma: float, angle: float
) -> npt.NDArray[np.uint8]:
    """Return streaks (H, W) in 1/255: flakes in motion along `angle` (degrees), by a Gaussian of `sigma` px.

    All flakes are smeared and the streaks cut to `shape_hw` then: a little more of them lies beyond the image's lower
    and right edges.
    """
    smeared = sum_layers(place_layers(flakes[:, :, None], radius, sigma, angle), shape_hw[1])
    return np.round(np.clip(smeared[: shape_hw[0]], 0, 1) * 255).astype(np.uint8)


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
