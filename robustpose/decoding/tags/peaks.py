"""Peaks of heatmaps, in compiled loops that only look at the blocks of pixels that can hold one."""

from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 8  # px


@njit(cache=True, fastmath={"nnan", "nsz"})
def find_block_maxima(heatmap):  # type: ignore[no-untyped-def]
    """Return the largest value (rows, columns) in every block of 8 × 8 px of a heatmap (H, W)."""
    height, width = heatmap.shape
    n_rows, n_columns = (height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK
    block_maxima = np.empty((n_rows, n_columns), np.float32)
    highest = np.empty(width, np.float32)
    for row in range(n_rows):
        highest[:] = heatmap[row * BLOCK]
        for y in range(row * BLOCK + 1, min((row + 1) * BLOCK, height)):
            line = heatmap[y]
            for x in range(width):
                highest[x] = max(highest[x], line[x])
        for column in range(n_columns):
            largest = highest[column * BLOCK]
            for x in range(column * BLOCK + 1, min((column + 1) * BLOCK, width)):
                largest = max(largest, highest[x])
            block_maxima[row, column] = largest
    return block_maxima


@njit(cache=True)
def find_peaks(heatmap, block_maxima, threshold, limit):  # type: ignore[no-untyped-def]
    """Return the pixels (n, 2) y, x that are the largest of 5 × 5 px around them, highest first.

    Of equal peaks, those further up are first, then those further left. All are above `threshold`, and at most `limit`;
    block_maxima (rows, columns) is that of `find_block_maxima`.
    """
    height, width = heatmap.shape
    places, values = [np.int64(0)], [np.float32(0)]  # a first entry tells the types
    for row in range(len(block_maxima)):
        for y in range(row * BLOCK, min((row + 1) * BLOCK, height)):
            for block in range(block_maxima.shape[1]):
                if block_maxima[row, block] <= threshold:
                    continue
                for x in range(block * BLOCK, min((block + 1) * BLOCK, width)):
                    if heatmap[y, x] > threshold and _is_peak(heatmap, y, x):
                        places.append(y * width + x)
                        values.append(heatmap[y, x])
    order = np.argsort(-np.array(values)[1:], kind="mergesort")[:limit]
    found = np.empty((len(order), 2), np.int64)
    for i, k in enumerate(order):
        found[i, 0], found[i, 1] = places[k + 1] // width, places[k + 1] % width
    return found


@njit(cache=True)
def _is_peak(heatmap, y, x):  # type: ignore[no-untyped-def]
    height, width = heatmap.shape
    for v in range(max(y - 2, 0), min(y + 3, height)):
        for u in range(max(x - 2, 0), min(x + 3, width)):
            if heatmap[v, u] > heatmap[y, x]:
                return False
    return True


@njit(cache=True)
def place_in_pixel(heatmap, y, x):  # type: ignore[no-untyped-def]
    """Return x, y px of the peak in pixel (y, x) of a heatmap (H, W).

    On each axis, that is the middle of the pixel, moved by a quarter towards the larger of the two neighbours. Of equal
    neighbours the one before counts; at the border, the pixel is its own neighbour.
    """
    height, width = heatmap.shape
    right, left = heatmap[y, min(x + 1, width - 1)], heatmap[y, max(x - 1, 0)]
    below, above = heatmap[min(y + 1, height - 1), x], heatmap[max(y - 1, 0), x]
    return x + 0.5 + (0.25 if right > left else -0.25), y + 0.5 + (0.25 if below > above else -0.25)
