"""Motion: the sum of copies of an image, each shifted further along a line and weighted less.

Exact: float64 products are added layer after layer, as the benchmark does; only rows and layers are interleaved
otherwise, so that a row of sums stays in the processor's cache. No fast-math.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numba
import numpy as np
import numpy.typing as npt

Layers = tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]


def place_layers(image: npt.NDArray[Any], radius: int, sigma: float, angle: float) -> Layers:
    """Find where the copies of (H, W, C) `image` lie along `angle` (degrees), with the weights of half a Gaussian.

    Copies that would lie outside the image are left out and the weights not renormalised, as in the benchmark.

    Returns:
        rows: (H, C * (W + margins)), the image with its left and right edges repeated; read-only.
        dys: rows by which each layer is shifted.
        starts: where a row of each layer begins in `rows`.
        weights: of the layers.
    """
    height, width, channels = image.shape
    steps = np.arange(2 * radius + 1)
    # In this form, term by term: it decides the last bit.
    weights = np.exp(-(steps**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
    weights = weights / np.sum(weights)
    along_y, along_x = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    dys = np.array([-math.ceil(i * along_y - 0.5) for i in steps])
    dxs = np.array([-math.ceil(i * along_x - 0.5) for i in steps])
    outside = (abs(dys) >= height) | (abs(dxs) >= width)
    n_layers = int(outside.argmax()) if outside.any() else len(steps)
    dys, dxs, weights = dys[:n_layers], dxs[:n_layers], weights[:n_layers]
    left, right = int(dxs.max()), -int(dxs.min())  # neither is negative: the first layer is not shifted
    rows = cv2.copyMakeBorder(image, 0, 0, left, right, cv2.BORDER_REPLICATE).reshape(height, -1)
    rows.flags.writeable = False
    return rows, dys, channels * (left - dxs), weights


@numba.njit(cache=True, nogil=True)
def sum_layers(layers: Layers, width: int) -> npt.NDArray[np.float64]:
    """Return the (H, width) sum of the layers that `place_layers` returns; `width` is C * W."""
    height = layers[0].shape[0]
    total = np.empty((height, width))
    for y in range(height):
        _sum_row(layers, y, total[y])
    return total


@numba.njit(cache=True, nogil=True)
def average_layers(layers: Layers, width: int) -> npt.NDArray[np.uint8]:
    """Return what `sum_layers` gives for an 8-bit image, clipped to 0..255 and truncated."""
    height = layers[0].shape[0]
    out = np.empty((height, width), np.uint8)
    total = np.empty(width)
    for y in range(height):
        _sum_row(layers, y, total)
        into = out[y]
        for i in range(width):
            value = total[i]
            value = 255.0 if value > 255.0 else value
            into[i] = np.uint8(value)
    return out


@numba.njit(cache=True, nogil=True)
def _sum_row(layers: Layers, y: int, total: npt.NDArray[np.float64]) -> None:
    """Set `total` to row y of the sum. Four layers go into one loop: the total is read and written once for all."""
    rows, dys, starts, weights = layers
    n, n_layers, last = len(total), len(weights), rows.shape[0] - 1
    total[:] = 0
    k = 0
    while k + 4 <= n_layers:
        row0 = rows[min(max(y - dys[k], 0), last), starts[k] : starts[k] + n]
        row1 = rows[min(max(y - dys[k + 1], 0), last), starts[k + 1] : starts[k + 1] + n]
        row2 = rows[min(max(y - dys[k + 2], 0), last), starts[k + 2] : starts[k + 2] + n]
        row3 = rows[min(max(y - dys[k + 3], 0), last), starts[k + 3] : starts[k + 3] + n]
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for i in range(n):
            total[i] = (((total[i] + w0 * row0[i]) + w1 * row1[i]) + w2 * row2[i]) + w3 * row3[i]
        k += 4
    while k < n_layers:
        row0, w0 = rows[min(max(y - dys[k], 0), last), starts[k] : starts[k] + n], weights[k]
        for i in range(n):
            total[i] += w0 * row0[i]
        k += 1
