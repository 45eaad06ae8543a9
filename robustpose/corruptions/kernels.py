"""Inner loops that NumPy cannot express, compiled by numba on first use and cached on disk.

No fast-math: additions keep their order, because the benchmark is exact to the last bit.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt


@numba.njit(cache=True)
def copy_from_neighbours(image: npt.NDArray[Any], offsets: npt.NDArray[np.int64], delta: int, rounds: int) -> None:
    """Let each pixel of (H, W, 3) `image` take the value of a neighbour, in place, from the lower right upwards.

    `offsets` (n, 2) holds (dx, dy) in the order of use. The neighbour keeps its value: although it reads like
    a swap in the released program, it is a copy.
    """
    height, width = image.shape[0], image.shape[1]
    i = 0
    for _ in range(rounds):
        for h in range(height - delta, delta, -1):
            for w in range(width - delta, delta, -1):
                from_h = h + offsets[i, 1]
                from_w = w + offsets[i, 0]
                i += 1
                for channel in range(image.shape[2]):
                    image[h, w, channel] = image[from_h, from_w, channel]


@numba.njit(cache=True)
def sum_shifted(
    image: npt.NDArray[Any],
    dys: npt.NDArray[np.int64],
    dxs: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Sum copies of (H, W, C) `image` shifted by (dy, dx), weighted, in order; edges are replicated."""
    height, width, channels = image.shape
    out = np.zeros((height, width, channels))
    for layer in range(len(weights)):
        for h in range(height):
            from_h = min(max(h - dys[layer], 0), height - 1)
            for w in range(width):
                from_w = min(max(w - dxs[layer], 0), width - 1)
                for channel in range(channels):
                    out[h, w, channel] += weights[layer] * image[from_h, from_w, channel]
    return out
