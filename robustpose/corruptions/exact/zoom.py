"""Zoom: enlarged copies of the centre of an image, added up.

Exact: each copy is what ``scipy.ndimage.zoom`` of order 1 gives, its four float64 products added in SciPy's order and
the result cast to float32, and the copies are added in float32, one after the other. No fast-math.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

BLOCK = 32  # rows of the sum that stay in the processor's cache while all copies are added to them


Singles = npt.NDArray[np.float32]
Taps = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def add_enlarged(total: Singles, rows: Singles, factors: npt.NDArray[np.float64]) -> Singles:
    """Return `total` plus the centre of `rows` enlarged by each of `factors` (above 1), in order.

    Both are (H, 3 * W) of interleaved RGB in 0..1.
    """
    height, width = rows.shape[0], rows.shape[1] // 3
    return _add_layers(total, rows, _find_taps_of_centres(height, factors), _find_taps_of_centres(width, factors))


def find_taps(n_pixels: int, factor: float) -> Taps:
    """Find between which two of `n_pixels` (at least 2) SciPy interpolates, for each place of the enlarged axis.

    Returns:
        first: (places,), the first of the two neighbours.
        near: (places,), the weight of the first.
        far: (places,), the weight of the second.
    """
    n_places = round(n_pixels * factor)
    at = np.arange(n_places) * ((n_pixels - 1) / (n_places - 1))
    first = np.floor(at)
    far = at - first
    near = 1 - far
    # Rounding may put the last place a hair outside the pixels, and there SciPy gives zero.
    outside = at > n_pixels - 1
    near[outside] = far[outside] = 0
    # The last pixel has no second neighbour: make it the second itself.
    last = first > n_pixels - 2
    first[last] = n_pixels - 2
    far[last], near[last] = near[last], 0
    return first.astype(np.int64), near, far


def _find_taps_of_centres(length: int, factors: npt.NDArray[np.float64]) -> Taps:
    """Find the taps of the middle of an axis, enlarged by each of `factors` and cut to `length` places again.

    Returns:
        first, near, far: as `find_taps`, but (factors, length), and counted from the start of the axis.
    """
    found = []
    for factor in factors.tolist():
        crop = math.ceil(length / factor)
        # At least `length` long, as crop * factor >= length but for a rounding: every copy covers the whole image.
        first, near, far = (taps[:length] for taps in find_taps(crop, factor))
        found.append((first + (length - crop) // 2, near, far))
    return np.stack([f[0] for f in found]), np.stack([f[1] for f in found]), np.stack([f[2] for f in found])


@numba.njit(cache=True, nogil=True)
def _add_layers(total: Singles, rows: Singles, down: Taps, across: Taps) -> Singles:
    """Return `total` plus a copy of `rows` for each of the layers in `_find_taps_of_centres`."""
    y_first, y_near, y_far = down
    x_first, x_near, x_far = across
    height, width = rows.shape
    n_layers, n_pixels = x_first.shape
    total = total.copy()
    near, far = np.empty((n_layers, width)), np.empty((n_layers, width))  # weights across, for interleaved channels
    runs = np.empty((n_layers, n_pixels + 1), np.int64)  # where runs of successive pixels start, then the end
    n_runs = np.zeros(n_layers, np.int64)
    for layer in range(n_layers):
        for x in range(n_pixels):
            near[layer, 3 * x : 3 * x + 3] = x_near[layer, x]
            far[layer, 3 * x : 3 * x + 3] = x_far[layer, x]
            if x == 0 or x_first[layer, x] != x_first[layer, x - 1] + 1:
                runs[layer, n_runs[layer]] = x
                n_runs[layer] += 1
        runs[layer, n_runs[layer]] = n_pixels
    # Stretched rows: what lies left and right of every place. Row y is held at y % 2.
    lefts, rights = np.empty((2, width), np.float32), np.empty((2, width), np.float32)
    held = np.empty(2, np.int64)
    for top in range(0, height, BLOCK):
        for layer in range(n_layers):
            held[:] = -1
            for y in range(top, min(top + BLOCK, height)):
                above = y_first[layer, y]
                below = above + 1
                for row in (above, below):
                    if held[row % 2] != row:
                        starts = runs[layer, : n_runs[layer] + 1]
                        _stretch(rows[row], x_first[layer], starts, lefts[row % 2], rights[row % 2])
                        held[row % 2] = row
                _add_layer(
                    total[y],
                    (lefts[above % 2], rights[above % 2], lefts[below % 2], rights[below % 2]),
                    (y_near[layer, y], y_far[layer, y]),
                    (near[layer], far[layer]),
                )
    return total


@numba.njit(cache=True, nogil=True)
def _stretch(
    row: Singles, first: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], left: Singles, right: Singles
) -> None:
    """Copy pixel first[x] to left[x] and the one after it to right[x], for whole runs of pixels at a time."""
    for k in range(len(starts) - 1):
        to, source, length = 3 * starts[k], 3 * first[starts[k]], 3 * (starts[k + 1] - starts[k])
        into_run, from_run = left[to : to + length], row[source : source + length]
        for i in range(length):
            into_run[i] = from_run[i]
    # Within a run, what is right of one place is left of the next.
    shifted = left[3:]
    for i in range(len(shifted)):
        right[i] = shifted[i]
    for k in range(1, len(starts)):
        x = starts[k] - 1
        for channel in range(3):
            right[3 * x + channel] = row[3 * (first[x] + 1) + channel]


@numba.njit(cache=True, nogil=True)
def _add_layer(
    total: Singles,
    corners: tuple[Singles, ...],
    weights_y: tuple[float, float],
    weights_x: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> None:
    """Add a row of an enlarged copy to `total`; its corners are upper left, upper right, lower left, lower right."""
    left_above, right_above, left_below, right_below = corners
    near_y, far_y = weights_y
    near_x, far_x = weights_x
    for i in range(len(total)):
        value = (left_above[i] * near_y) * near_x[i] + (right_above[i] * near_y) * far_x[i]
        value = (value + (left_below[i] * far_y) * near_x[i]) + (right_below[i] * far_y) * far_x[i]
        total[i] += np.float32(value)


@numba.njit(cache=True, nogil=True)
def average(rows: Singles, total: Singles, n_layers: int) -> npt.NDArray[np.uint8]:
    """Return (rows + total) / (n_layers + 1), clipped to 0..1, times 255, all in float32, and truncated."""
    out = np.empty(rows.shape, np.uint8)
    n, one, highest = np.float32(n_layers + 1), np.float32(1), np.float32(255)
    for y in range(rows.shape[0]):
        row, row_total, into = rows[y], total[y], out[y]
        for i in range(len(row)):
            value = (row[i] + row_total[i]) / n
            value = one if value > one else value
            into[i] = np.uint8(value * highest)
    return out
