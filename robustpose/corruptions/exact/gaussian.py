"""Gaussian smoothing of 8-bit images: SciPy's separable filter, bit for bit, without its passes over memory.

A row of results needs 2 * radius + 1 rows of the image, kept as float64 in a ring that stays in the processor's cache.
Sums run over the whole row at once, in SciPy's order: the middle first, then symmetric pairs from the outside in. No
fast-math: neither reordered nor contracted, because the benchmark is exact to the last bit.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact.smoothing import gaussian_weights


def smooth_rows(rows: npt.NDArray[np.uint8], sigma: float) -> npt.NDArray[np.uint8]:
    """Smooth interleaved RGB `rows` (H, 3 * W) with a Gaussian of `sigma` px, edges replicated, and truncate.

    Equal to ``clip(gaussian_filter(rows / 255, sigma), 0, 1) * 255`` along both axes of each channel.
    """
    return _smooth(rows, gaussian_weights(sigma, 4.0)[::-1].copy())


@numba.njit(cache=True, nogil=True)
def _smooth(rows: npt.NDArray[np.uint8], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Smooth (H, 3 * W) `rows` with the symmetric filter whose first half and middle are (radius + 1,) `weights`."""
    height, width = rows.shape
    radius = len(weights) - 1
    margin = 3 * radius
    n_held = 2 * radius + 1
    held = np.empty(n_held * width)  # row y of the image at y % n_held
    across = np.empty(width + 2 * margin)  # one row, smoothed downwards, its edge pixels repeated
    total = across[margin : margin + width]
    smoothed = np.empty(width)
    out = np.empty((height, width), np.uint8)
    befores, afters = np.empty(radius, np.int64), np.empty(radius, np.int64)
    n_read = 0
    for y in range(height):
        while n_read < min(y + radius + 1, height):
            start = (n_read % n_held) * width
            row, into = rows[n_read], held[start : start + width]
            for i in range(width):
                into[i] = row[i] / 255.0
            n_read += 1
        for k in range(radius):
            befores[k] = (max(y - radius + k, 0) % n_held) * width
            afters[k] = (min(y + radius - k, height - 1) % n_held) * width
        _weigh_pairs(held, (y % n_held) * width, befores, afters, weights, total)
        for i in range(margin):
            across[i] = total[i % 3]
            across[margin + width + i] = total[width - 3 + i % 3]
        for k in range(radius):
            befores[k] = 3 * k
            afters[k] = 2 * margin - 3 * k
        _weigh_pairs(across, margin, befores, afters, weights, smoothed)
        into_row = out[y]
        for i in range(width):
            value = smoothed[i]
            value = 1.0 if value > 1.0 else value
            into_row[i] = np.uint8(value * 255.0)
    return out


@numba.njit(cache=True, nogil=True)
def _weigh_pairs(
    values: npt.NDArray[np.float64],
    middle: int,
    befores: npt.NDArray[np.int64],
    afters: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    total: npt.NDArray[np.float64],
) -> None:
    """Set `total` to the middle part of `values` times the last weight plus (before + after) * weight, in order.

    Parts are as long as `total` and begin at `middle`, `befores` and `afters`. Four pairs go into one loop, so that the
    total is read and written once for all of them.
    """
    n, n_pairs = len(total), len(befores)
    part, weight = values[middle:][:n], weights[n_pairs]
    for i in range(n):
        total[i] = part[i] * weight
    k = 0
    while k + 4 <= n_pairs:
        a0, b0, w0 = values[befores[k] :][:n], values[afters[k] :][:n], weights[k]
        a1, b1, w1 = values[befores[k + 1] :][:n], values[afters[k + 1] :][:n], weights[k + 1]
        a2, b2, w2 = values[befores[k + 2] :][:n], values[afters[k + 2] :][:n], weights[k + 2]
        a3, b3, w3 = values[befores[k + 3] :][:n], values[afters[k + 3] :][:n], weights[k + 3]
        for i in range(n):
            early = (total[i] + (a0[i] + b0[i]) * w0) + (a1[i] + b1[i]) * w1
            total[i] = (early + (a2[i] + b2[i]) * w2) + (a3[i] + b3[i]) * w3
        k += 4
    while k < n_pairs:
        a0, b0, w0 = values[befores[k] :][:n], values[afters[k] :][:n], weights[k]
        for i in range(n):
            total[i] += (a0[i] + b0[i]) * w0
        k += 1
