"""Peaks of heatmaps, in compiled loops: local maxima, and a person's missing joint."""

from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 8  # px: the search for a missing joint skips blocks that cannot hold it


@njit(cache=True)
def find_peaks(heatmap, threshold, limit):  # type: ignore[no-untyped-def]
    """Return positions (n, 2) as y, x of the local maxima of a heatmap (H, W), best first.

    Args:
        heatmap: float32.
        threshold: maxima must be above it.
        limit: return at most as many.
    """
    height, width = heatmap.shape
    rows, columns, values = [np.int64(0)], [np.int64(0)], [np.float32(0)]  # a first entry tells the types
    for y in range(height):
        for x in range(width):
            value = heatmap[y, x]
            if value <= threshold:
                continue
            is_peak = True
            for v in range(max(y - 2, 0), min(y + 3, height)):
                for u in range(max(x - 2, 0), min(x + 3, width)):
                    if heatmap[v, u] > value:
                        is_peak = False
                        break
                if not is_peak:
                    break
            if is_peak:
                rows.append(y)
                columns.append(x)
                values.append(value)
    order = np.argsort(-np.array(values)[1:], kind="mergesort")[:limit]
    found = np.empty((len(order), 2), np.int64)
    for i, k in enumerate(order):
        found[i, 0], found[i, 1] = rows[k + 1], columns[k + 1]
    return found


@njit(cache=True)
def nudge(heatmap, y, x):  # type: ignore[no-untyped-def]
    """Return x, y of the joint in pixel (y, x) of a heatmap (H, W): the middle, a quarter towards the larger neighbour.

    Of equal neighbours it is the one before; at the border, the pixel is its own neighbour.
    """
    height, width = heatmap.shape
    right, left = heatmap[y, min(x + 1, width - 1)], heatmap[y, max(x - 1, 0)]
    below, above = heatmap[min(y + 1, height - 1), x], heatmap[max(y - 1, 0), x]
    return x + 0.5 + (0.25 if right > left else -0.25), y + 0.5 + (0.25 if below > above else -0.25)


@njit(cache=True)
def block_maxima(heatmap):  # type: ignore[no-untyped-def]
    """Return the largest value of every block of 8 × 8 px of a heatmap (H, W)."""
    height, width = heatmap.shape
    maxima = np.full(((height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK), -np.inf, np.float32)
    for y in range(height):
        for x in range(width):
            if heatmap[y, x] > maxima[y // BLOCK, x // BLOCK]:
                maxima[y // BLOCK, x // BLOCK] = heatmap[y, x]
    return maxima


@njit(cache=True)
def find_tagged(heatmap, tags, maxima, order, wanted):  # type: ignore[no-untyped-def]
    """Return the pixel y, x where heatmap − round(tag distance) is largest, the first of equals.

    A block's largest value bounds what it can hold, for a distance is at least 0: blocks are tried from the best on,
    until none can be better.

    Args:
        heatmap: (H, W) float32.
        tags: (H, W, T) float32.
        maxima: of its blocks.
        order: of the blocks by falling maximum, as indices into the flattened maxima.
        wanted: (T,) float32, the tag looked for.
    """
    height, width, n_tags = tags.shape
    per_row = maxima.shape[1]
    best, best_y, best_x = np.float32(-np.inf), 0, 0
    for block in order:
        block_y, block_x = block // per_row, block % per_row
        if maxima[block_y, block_x] < best:
            break
        for y in range(block_y * BLOCK, min((block_y + 1) * BLOCK, height)):
            for x in range(block_x * BLOCK, min((block_x + 1) * BLOCK, width)):
                if heatmap[y, x] < best:
                    continue
                total = np.float32(0)
                for t in range(n_tags):
                    apart = tags[y, x, t] - wanted[t]
                    total += apart * apart
                value = heatmap[y, x] - np.float32(np.rint(np.sqrt(total)))
                if value > best or (value == best and (y < best_y or (y == best_y and x < best_x))):
                    best, best_y, best_x = value, y, x
    return best_y, best_x
