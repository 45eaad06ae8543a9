"""Search for a person's missing joint: high in the heatmap, and with a tag near the person's."""

from __future__ import annotations

import numpy as np
from numba import njit

from robustpose.decoding.tags.peaks import BLOCK


@njit(cache=True, fastmath={"nnan", "nsz"})
def find_tag_ranges(tags):  # type: ignore[no-untyped-def]
    """Return the smallest and the largest tag (2, T, rows, columns) in every block of 8 × 8 px of tags (H, W, T)."""
    height, width, n_tags = tags.shape
    n_rows, n_columns = (height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK
    ranges = np.empty((2, n_tags, n_rows, n_columns), np.float32)
    flat = tags.reshape(height, width * n_tags)
    least, largest = np.empty(width * n_tags, np.float32), np.empty(width * n_tags, np.float32)
    for row in range(n_rows):
        least[:], largest[:] = flat[row * BLOCK], flat[row * BLOCK]
        for y in range(row * BLOCK + 1, min((row + 1) * BLOCK, height)):
            line = flat[y]
            for i in range(len(line)):
                least[i] = min(least[i], line[i])
                largest[i] = max(largest[i], line[i])
        for column in range(n_columns):
            for t in range(n_tags):
                first = column * BLOCK * n_tags + t
                low, high = least[first], largest[first]
                for i in range(first + n_tags, min(first + BLOCK * n_tags, len(least)), n_tags):
                    low, high = min(low, least[i]), max(high, largest[i])
                ranges[0, t, row, column], ranges[1, t, row, column] = low, high
    return ranges


@njit(cache=True)
def find_nearest_tag(heatmap, tags, block_maxima, ranges, wanted):  # type: ignore[no-untyped-def]
    """Return the pixel y, x where heatmap − round(distance of its tag from `wanted`) is largest; the first of equals.

    A block's largest heatmap value and the range of its tags bound what its pixels can reach. The block with the
    highest bound is searched first, then those whose bound is not below the best pixel found.

    Heatmap (H, W), tags (H, W, T) and the tag looked for, wanted (T,), are float32; block_maxima (rows, columns) is
    that of `peaks.find_block_maxima`, ranges (2, T, rows, columns) that of `find_tag_ranges`.
    """
    n_rows, n_columns = block_maxima.shape
    bounds = _bound_blocks(block_maxima, ranges, wanted)
    first = np.argmax(bounds)
    first_row, first_column = first // n_columns, first % n_columns
    best = _search_block(first_row, first_column, heatmap, tags, wanted, (np.float32(-np.inf), 0, 0))
    bounds[first_row, first_column] = -np.inf
    for row in range(n_rows):
        for column in range(n_columns):
            if bounds[row, column] >= best[0]:
                best = _search_block(row, column, heatmap, tags, wanted, best)
    return best[1], best[2]


@njit(cache=True, fastmath={"nnan", "nsz"})
def _bound_blocks(block_maxima, ranges, wanted):  # type: ignore[no-untyped-def]
    """Return bounds (rows, columns) that no pixel of a block is above. Loops run along rows, to become vector code."""
    n_rows, n_columns = block_maxima.shape
    bounds = np.empty((n_rows, n_columns), np.float32)
    squared = np.empty(n_columns, np.float32)
    for row in range(n_rows):
        squared[:] = 0
        for t in range(len(wanted)):
            least, largest, tag = ranges[0, t, row], ranges[1, t, row], wanted[t]
            for column in range(n_columns):
                # Of the same differences that pixels have, rounded alike: so this is never above a pixel's distance.
                apart = max(max(least[column] - tag, tag - largest[column]), np.float32(0))
                squared[column] += apart * apart
        for column in range(n_columns):
            bounds[row, column] = block_maxima[row, column] - np.rint(np.sqrt(squared[column]))
    return bounds


@njit(cache=True)
def _search_block(row, column, heatmap, tags, wanted, best):  # type: ignore[no-untyped-def]
    """Return the better of `best` (value, y, x) and the best pixel (value, y, x) of one block."""
    height, width, n_tags = tags.shape
    value, best_y, best_x = best
    top, left = row * BLOCK, column * BLOCK
    bottom, right = min(top + BLOCK, height), min(left + BLOCK, width)
    for y in range(top, bottom):
        for x in range(left, right):
            if heatmap[y, x] < value:
                continue
            total = np.float32(0)
            for t in range(n_tags):
                apart = tags[y, x, t] - wanted[t]
                total += apart * apart
            here = heatmap[y, x] - np.float32(np.rint(np.sqrt(total)))
            if here > value or (here == value and (y < best_y or (y == best_y and x < best_x))):
                value, best_y, best_x = here, y, x
    return value, best_y, best_x
