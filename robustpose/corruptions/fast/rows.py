"""Rows of an image with what float32 noise makes of them."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Row = npt.NDArray[np.uint8]  # (W, 3)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def to_byte(value: np.float32) -> np.uint8:
    """Return a value clipped to 0..255 and truncated."""
    return np.uint8(np.int32(min(max(value, np.float32(0)), np.float32(255))))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_to_row(row: Row, noise: Singles, out: Row) -> None:
    """Write a row plus noise (W,), the same for all channels."""
    for w in range(row.shape[0]):
        for channel in range(3):
            out[w, channel] = to_byte(np.float32(row[w, channel]) + noise[w])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def whiten_row(row: Row, kept: Singles, out: Row) -> None:
    """Write a row whose values keep shares (W,) in 0..1 of their distance from white."""
    for w in range(row.shape[0]):
        for channel in range(3):
            out[w, channel] = to_byte(np.float32(255) - kept[w] * (np.float32(255) - np.float32(row[w, channel])))
