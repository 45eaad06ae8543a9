"""Rays around a centre: a number of directions, each of a length, and what lies between them.

Exact: angles are NumPy's, everything else is computed in the order of the published program.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def find_angles(top: int, bottom: int, side: int, centre: Doubles) -> Doubles:
    """Return the angle about `centre` (row, column) of each pixel in some rows, (bottom - top, side) in -π..π."""
    down = np.arange(top, bottom, dtype=np.float64)[:, None] - centre[0]
    across = np.arange(side, dtype=np.float64)[None] - centre[1]
    return np.arctan2(across, down)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def find_reach(angles: Doubles, top: int, centre: Doubles, lengths: Doubles, shape: Doubles, reach: Doubles) -> None:
    """Write for rows from `top` on how round a pixel's ray is, ¾..1, and the square of length over distance.

    `angles`, `shape` and `reach` are (h, w), `lengths` (n,) px. The length between two rays is interpolated.
    """
    height, width = angles.shape
    n = lengths.size
    for h in range(height):
        down = (top + h) - centre[0]
        for w in range(width):
            across = w - centre[1]
            turn = (angles[h, w] + math.pi) / (2 * math.pi) * n
            i = int(turn)
            part = turn - i
            length = lengths[i % n] + part * (lengths[(i + 1) % n] - lengths[i % n])
            shape[h, w] = 1.0 - (part - 0.5) * (part - 0.5)
            reach[h, w] = length * length / (down * down + across * across + 1e-4)
