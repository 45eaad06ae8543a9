"""Sparkles, row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.fast.rows import whiten_row
from robustpose.corruptions.fast.trigonometry import PI, arctangent
from robustpose.pose.types import Image

Singles = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
ONE, HALF = np.float32(1), np.float32(0.5)


def join_rays(lengths: Sequence[Doubles]) -> tuple[Singles, npt.NDArray[np.int64]]:
    """Return the lengths of each sparkle's rays, its first one again after its last one, and the numbers of rays."""
    n_rays = np.array([len(of) for of in lengths])
    joined = np.zeros((len(lengths), n_rays.max() + 1), np.float32)
    for row, of in zip(joined, lengths, strict=True):
        row[: len(of)], row[len(of)] = of, of[0]
    return joined, n_rays


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_sparkles(
    image: Image,
    centres: Doubles,  # (k, 2) row and column, px
    lengths: Singles,  # (k, n) of the rays of each sparkle, the first one once more after the last one
    n_rays: npt.NDArray[np.int64],  # (k,)
    out: Image,
) -> None:
    """Write image (H, W, 3) with k white sparkles."""
    height, width = image.shape[:2]
    rows = np.empty((3, width), np.float32)
    kept, shape, reach = rows[0], rows[1], rows[2]
    for h in range(height):
        kept[:] = ONE
        for k in range(len(centres)):
            _find_reach(np.float32(h - centres[k, 0]), np.float32(centres[k, 1]), lengths[k], n_rays[k], shape, reach)
            for w in range(width):
                kept[w] *= ONE - min(shape[w] * reach[w], ONE)
        whiten_row(image[h], kept, out[h])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def show_through_sparkle(image: Image, centre: Doubles, lengths: Singles, exponent: float, out: Image) -> None:
    """Write image (H, W, 3) as it is in a sparkle and fading to white with the distance from it."""
    height, width = image.shape[:2]
    rows = np.empty((3, width), np.float32)
    kept, shape, reach = rows[0], rows[1], rows[2]
    power = np.float32(exponent)
    for h in range(height):
        _find_reach(np.float32(h - centre[0]), np.float32(centre[1]), lengths, len(lengths) - 1, shape, reach)
        for w in range(width):
            kept[w] = min(shape[w] * reach[w] ** power, ONE)
        whiten_row(image[h], kept, out[h])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _find_reach(down: np.float32, column: np.float32, lengths: Singles, n: int, shape: Singles, reach: Singles) -> None:
    """Write for a row `down` px off how round a pixel's ray is, ¾..1, and the square of length over distance."""
    per_angle, last = np.float32(n) / (PI + PI), np.float32(n - 1)
    for w in range(shape.size):
        across = np.float32(w) - column
        turn = (arctangent(across, down) + PI) * per_angle
        i = np.uint32(min(turn, last))  # no sign: nothing is counted from the end
        part = turn - np.float32(i)
        length = lengths[i] + part * (lengths[i + np.uint32(1)] - lengths[i])
        shape[w] = ONE - (part - HALF) * (part - HALF)
        reach[w] = length * length / (down * down + across * across + np.float32(1e-4))
