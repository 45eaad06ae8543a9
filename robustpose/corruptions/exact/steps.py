"""Additive noise in 16 bits: the steps by which it moves 8-bit values at every severity.

Noise z times an amplitude is added to a whole number and the sum truncated, so that of z only floor(amplitude·z) is
left. Of five amplitudes the five floors all grow with z. Where their sum is the same they are all the same: the sum is
the code of a value, and a table for each severity has the step that it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint16]
Tables = npt.NDArray[np.int16]
MIDDLE = 2**15  # code of noise that changes nothing


class Steps(NamedTuple):
    """Noise for all severities."""

    codes: Codes  # (n, n, 3), or (n, n, 1) for all channels alike
    tables: Tables  # (5, n_codes) what to add, by severity and code


def find_steps(planes: Iterable[Doubles], side: int, amplitudes: Doubles) -> Steps:
    """Return the steps of noise, one (n, n) plane for each channel, at the amplitude of each severity."""
    codes, tables = [], np.zeros((len(amplitudes), 2**16), np.int16)
    for plane in planes:
        codes.append(np.empty((side, side), np.uint16))
        _encode(plane, amplitudes, codes[-1], tables)
    low, high = min(int(of.min()) for of in codes), max(int(of.max()) for of in codes)
    for of in codes:
        of -= np.uint16(low)
    return Steps(np.stack(codes, axis=2), tables[:, low : high + 1].copy())


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _encode(plane: Doubles, amplitudes: Doubles, codes: Codes, tables: Tables) -> None:
    height, width = plane.shape
    for h in range(height):
        for w in range(width):
            total = 0
            for amplitude in amplitudes:
                total += int(np.floor(amplitude * plane[h, w]))
            code = total + 32768
            codes[h, w] = code
            if tables[-1, code] == 0:
                for s in range(amplitudes.size):
                    tables[s, code] = int(np.floor(amplitudes[s] * plane[h, w]))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_steps(image: Image, codes: Codes, table: npt.NDArray[np.int16], out: Image) -> None:
    """Write image (H, W, 3) plus the step of each code, clipped; codes reach at least as far as the image."""
    height, width, channels = image.shape
    last = codes.shape[2] - 1
    for h in range(height):
        for w in range(width):
            for channel in range(channels):
                value = int(image[h, w, channel]) + table[codes[h, w, min(channel, last)]]
                out[h, w, channel] = np.uint8(min(max(value, 0), 255))
