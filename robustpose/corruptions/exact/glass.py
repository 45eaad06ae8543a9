"""Frosted glass: which pixel each pixel takes its value from, after rounds of copying from random neighbours.

The copies do not depend on the image, so they are followed once on pixel numbers, and any image of that size is then
shuffled by one look-up.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.seeding import IndependentRng, Rng


def draw_sources(height: int, width: int, delta: int, rounds: int, rng: Rng) -> npt.NDArray[np.int32]:
    """Return the (H * W,) numbers of the pixels whose values end up at each pixel; read-only.

    In each round every pixel (h, w), from the lower right upwards, takes the value of (h + dy, w + dx), dx and dy
    uniform in [-delta, delta). The other pixel keeps its value: although it reads like a swap in the released
    program, it is a copy.
    """
    moves = draw_moves(rounds * (height - 2 * delta) * (width - 2 * delta), delta, rng)
    sources = _follow(moves, height, width, delta, rounds)
    sources.flags.writeable = False
    return sources


def draw_moves(n: int, delta: int, rng: Rng) -> npt.NDArray[np.uint8]:
    """Draw n moves, each (dy + delta) * 2 * delta + dx + delta."""
    side = 2 * delta
    if isinstance(rng, IndependentRng):
        return rng.integers(0, side * side, n, np.uint8)
    offsets = rng.first_integers(side, 2 * n).reshape(n, 2)  # (dx, dy) + delta in the order of use
    return offsets[:, 1] * np.uint8(side) + offsets[:, 0]


@numba.njit(cache=True, nogil=True)
def _follow(moves: npt.NDArray[np.uint8], height: int, width: int, delta: int, rounds: int) -> npt.NDArray[np.int32]:
    """Carry out `moves` on the numbers of the pixels."""
    side = 2 * delta
    steps = np.empty(256, np.int64)  # from a pixel to the one it copies; as long as a uint8 can index
    for move in range(side * side):
        steps[move] = (move // side - delta) * width + move % side - delta
    sources = np.arange(height * width).astype(np.int32)
    i = 0
    for _ in range(rounds):
        for h in range(height - delta, delta, -1):
            for to in range(h * width + width - delta, h * width + delta, -1):
                sources[to] = sources[to + steps[moves[i]]]
                i += 1
    return sources


@numba.njit(cache=True, nogil=True)
def take_pixels(rows: npt.NDArray[np.uint8], sources: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Return interleaved RGB `rows` (H, 3 * W) in which each pixel has the value of its source."""
    pixels = rows.reshape(-1)
    taken = np.empty(len(pixels), np.uint8)
    for to in range(len(sources)):
        source = 3 * sources[to]
        taken[3 * to] = pixels[source]
        taken[3 * to + 1] = pixels[source + 1]
        taken[3 * to + 2] = pixels[source + 2]
    return taken.reshape(rows.shape)
