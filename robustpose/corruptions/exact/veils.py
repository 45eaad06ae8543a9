"""Veils: noise that is mixed with an image, whose values are scaled by a table first.

Noise is kept in float32, which is enough for nearly all of it: few values would, in some severity, take a value of an
image to another whole number than their float64 does. These few are listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
N_PARTS = 2**16  # of the way from one whole number to the next: each longer than the error of float32


class Veil(NamedTuple):
    """Noise for all severities, exact in each of them."""

    noise: Singles  # (n, n, C), for three channels or for all alike
    rows: npt.NDArray[np.int32]  # of the values for which float32 is not enough
    columns: npt.NDArray[np.int32]
    channels: npt.NDArray[np.int32]
    listed: Doubles  # these values


def find_veil(blocks: Iterable[Doubles], scaled: Doubles, amounts: Doubles) -> Veil:
    """Return the veil of noise in -1..1 that comes as blocks of rows, (h, n, C) each.

    `scaled` (5, 256) has what becomes of an image's values at each severity, `amounts` (5,), up to 255, how much of the
    noise is added to them.
    """
    # Where amount·noise is as far from a whole number as some value of the image needs to become one.
    near = np.zeros((len(amounts), N_PARTS), np.bool_)
    for severity, steps in enumerate(np.floor(-scaled % 1 * N_PARTS).astype(int)):
        for step in (-1, 0, 1):
            near[severity, (steps + step) % N_PARTS] = True
    top, noise, places, listed = 0, [], [], []
    for block in blocks:
        noise.append(block.astype(np.float32))
        in_doubt = np.zeros(block.shape, np.bool_)
        _find_different(block.reshape(-1), noise[-1].reshape(-1), scaled, amounts, near, in_doubt.reshape(-1))
        places.append(np.argwhere(in_doubt) + np.array([top, 0, 0]))
        listed.append(block[in_doubt])
        top += len(block)
    rows, columns, channels = np.concatenate(places).astype(np.int32).T.copy()
    return Veil(np.concatenate(noise), rows, columns, channels, np.concatenate(listed))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _find_different(
    noise: Doubles,
    short: Singles,
    scaled: Doubles,
    amounts: Doubles,
    near: npt.NDArray[np.bool_],
    in_doubt: npt.NDArray[np.bool_],
) -> None:
    """Mark the values of noise that float32 takes elsewhere, of those that come near a whole number at all."""
    for i in range(noise.size):
        for s in range(amounts.size):
            added = amounts[s] * noise[i]
            if near[s, int((added - np.floor(added)) * N_PARTS) % N_PARTS]:
                for value in range(256):
                    exact = _to_byte(scaled[s, value] + added)
                    in_doubt[i] |= exact != _to_byte(scaled[s, value] + amounts[s] * short[i])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_veil(image: Image, scaled: Doubles, amount: float, veil: Veil, out: Image) -> None:
    """Write scaled[v] + amount·noise for every value v of image (H, W, 3), clipped to 0..255 and truncated.

    `scaled` is (256,); the veil reaches at least as far as the image.
    """
    height, width, channels = image.shape
    noise = veil.noise
    last = noise.shape[2] - 1
    for h in range(height):
        for w in range(width):
            for channel in range(channels):
                added = amount * noise[h, w, min(channel, last)]
                out[h, w, channel] = _to_byte(scaled[image[h, w, channel]] + added)
    for i in range(veil.listed.size):
        h, w, first = veil.rows[i], veil.columns[i], veil.channels[i]
        if h < height and w < width:
            for channel in range(first, first + 1 if last > 0 else channels):
                out[h, w, channel] = _to_byte(scaled[image[h, w, channel]] + amount * veil.listed[i])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _to_byte(value: float) -> np.uint8:
    """Return a value clipped to 0..255 and truncated."""
    return np.uint8(int(min(max(value, 0.0), 255.0)))
