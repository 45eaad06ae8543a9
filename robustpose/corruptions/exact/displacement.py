"""Displacement: each pixel shows what lies elsewhere in the image, between four pixels; compiled by numba.

Exact: positions and weights are found with the arithmetic of ``scipy.ndimage.map_coordinates`` of order 1, and its four
float64 products are added in its order. No fast-math.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _find_neighbours(
    fields: Doubles,
    strength: float,
    start: float,
    step: float,
    length: int,
    before: npt.NDArray[np.int32],
    after: npt.NDArray[np.int32],
    parts: Doubles,
) -> None:
    """Write, for positions start + step·i + float32(strength·field), the pixels before and after, and the part between.

    Outside, positions are mirrored half a pixel beyond the last pixel as SciPy's `reflect` does: a position below 0
    becomes -position - 1, so that the parts round as SciPy's.
    """
    for i in range(fields.size):
        where = start + step * i + float(np.float32(fields[i] * strength))
        mirrored = (1e-15 if where > -1e-15 else -where) - 1.0
        where = mirrored if where < 0.0 else where
        where = 2.0 * length - where - 1.0 if where >= length else where
        floor = np.floor(where)
        parts[i] = where - floor
        first = np.int32(floor)
        second = first + 1
        before[i] = -first - 1 if first < 0 else first
        after[i] = 2 * length - second - 1 if second >= length else second


@numba.njit(cache=True, nogil=True, error_model="numpy")
def displace(x: npt.NDArray[np.float32], fields: Doubles, strength: float, out: Bytes) -> None:
    """Write x (H, W, 3) in 0..1 at displaced positions, bilinear.

    The sums are float64 in SciPy's order, then cut to float32, scaled and truncated to 8 bits.
    `fields` (2, H, W) times `strength`, cut to float32, is the displacement across and down, px.
    """
    height, width = x.shape[:2]
    left, right = np.empty(width, np.int32), np.empty(width, np.int32)
    top, bottom = np.empty(width, np.int32), np.empty(width, np.int32)
    sideways, down = np.empty(width), np.empty(width)
    values = np.empty(3 * width, np.float32)
    for h in range(height):
        _find_neighbours(fields[0, h], strength, 0.0, 1.0, width, left, right, sideways)
        _find_neighbours(fields[1, h], strength, float(h), 0.0, height, top, bottom, down)
        for w in range(width):
            low, side = down[w], sideways[w]
            high, near = 1.0 - low, 1.0 - side
            for channel in range(3):
                total = np.float64(x[top[w], left[w], channel]) * high * near
                total += np.float64(x[top[w], right[w], channel]) * high * side
                total += np.float64(x[bottom[w], left[w], channel]) * low * near
                total += np.float64(x[bottom[w], right[w], channel]) * low * side
                values[3 * w + channel] = np.float32(total)
        shown = out[h].reshape(-1)
        for i in range(3 * width):
            value = values[i]
            value = value if value > np.float32(0) else np.float32(0)
            value = value if value < np.float32(1) else np.float32(1)
            shown[i] = np.uint8(np.int32(value * np.float32(255)))
