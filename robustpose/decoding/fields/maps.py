"""Position maps: all cells of a joint together say where it is, more accurately than any of them.

The high-resolution confidence maps of PifPaf (Kreiss et al., CVPR 2019, section 3.4). One is drawn, read where it
matters and overwritten by the next joint's, so that it stays in the processor's cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from robustpose.decoding.fields.cells import pixel_span

FULL_CELLS = 16  # confident cells around a joint that give the map 1


@njit(cache=True)
def look_up_positions(cells, ends, end_xy, shape_hw):  # type: ignore[no-untyped-def]
    """Return what the position maps say where `JointCells` see their joints (n,), and at end_xy (2, L, h·w).

    Where a cell sees its joint outside of the map, it is −1. At a connection's end outside it is 0, and never above 1.
    Ends (L, 2) are the joints that each connection connects; its cells see them at end_xy (2, L, 2, h·w) px.
    """
    at_cells = np.empty(len(cells.x), np.float32)
    at_ends = np.zeros((2, len(ends), end_xy.shape[3]), np.float32)
    pixels = np.empty(shape_hw, np.float32)
    for joint in range(len(cells.starts) - 1):
        own = slice(cells.starts[joint], cells.starts[joint + 1])
        if own.start == own.stop:
            continue
        draw_positions(pixels, cells, joint)
        _look_up(at_cells[own], pixels, cells.x[own], cells.y[own], np.float32(-1))
        for connection in range(len(ends)):
            for end in range(2):
                if ends[connection, end] == joint:
                    x, y = end_xy[end, connection]
                    _look_up(at_ends[end, connection], pixels, x, y, np.float32(0))
    return at_cells, np.minimum(at_ends, np.float32(1))


@njit(cache=True, error_model="numpy")
def draw_positions(pixels, cells, joint):  # type: ignore[no-untyped-def]
    """Draw the position map (H, W) of a joint: the sum of one blob for each of its cells, but those of scale 0."""
    height, width = pixels.shape
    pixels[:] = 0
    across = np.empty(width, np.float32)
    for i in range(cells.starts[joint], cells.starts[joint + 1]):
        x, y, scale = cells.x[i], cells.y[i], cells.scale[i]
        peak = cells.confidence[i] / np.float32(FULL_CELLS)
        left, right = pixel_span(x, 2 * scale, width)
        top, bottom = pixel_span(y, 2 * scale, height)
        # exp(t) as (1 + t/8)^8 for t = −distance²/(2 scale²) down to −2, where 1 + t/8 = 3/4; 0 beyond.
        factor = np.float32(1 / 16) / (scale * scale)
        for column in range(left, right):
            across[column - left] = (np.float32(column) - x) ** 2 * factor
        for row in range(top, bottom):
            line = pixels[row, left:right]
            middle = np.float32(1) - (np.float32(row) - y) ** 2 * factor
            for k in range(len(line)):
                power = middle - across[k]
                inside = power >= np.float32(0.75)
                power *= power
                power *= power
                power *= power
                line[k] += peak * power if inside else np.float32(0)


@njit(cache=True)
def _look_up(values, pixels, x, y, outside):  # type: ignore[no-untyped-def]
    """Set values (n,) to the pixels at x, y (n,), fractions cut off, or to `outside` where these lie outside."""
    height, width = pixels.shape
    last_x, last_y = np.float32(width - 1), np.float32(height - 1)
    for i in range(len(values)):
        if 0 <= x[i] <= last_x and 0 <= y[i] <= last_y:
            values[i] = pixels[int(y[i]), int(x[i])]
        else:
            values[i] = outside
