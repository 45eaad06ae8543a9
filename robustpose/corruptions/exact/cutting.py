"""Cutting out: parts of an image that are one value from some severity on."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]
Onsets = npt.NDArray[np.uint8]  # (n, n) severity from which a pixel is cut out; 6 for never


@numba.njit(cache=True, nogil=True, error_model="numpy")
def cut_out(image: Image, onsets: Onsets, severity: int, value: int, out: Image) -> None:
    """Write image (H, W, 3) with `value` where the onset is at most the severity."""
    height, width, channels = image.shape
    for h in range(height):
        for w in range(width):
            is_cut = onsets[h, w] <= severity
            for channel in range(channels):
                out[h, w, channel] = np.uint8(value) if is_cut else image[h, w, channel]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def find_dark(noise: Doubles, thresholds: Doubles, onsets: Onsets) -> None:
    """Write the onset of noise (n, n) that has to exceed rising thresholds, one for each severity."""
    height, width = noise.shape
    for h in range(height):
        for w in range(width):
            onset = 1
            for threshold in thresholds:
                onset += int(noise[h, w] > threshold)
            onsets[h, w] = onset


@numba.njit(cache=True, nogil=True, error_model="numpy")
def find_squares(
    cosine: float, sine: float, cell: float, uniforms: Doubles, fractions: Doubles, onsets: Onsets
) -> None:
    """Write the onset of the black fields of a turned chequerboard with squares of `cell` px.

    A square is cut where its number of `uniforms` (m, m) is below the fraction of a severity; squares left of or above
    the origin count from the table's end, and coordinates between -1 and 1 share a row, as published.
    """
    height, width = onsets.shape
    for h in range(height):
        for w in range(width):
            a = (h * cosine + w * sine) / cell
            b = (-h * sine + w * cosine) / cell
            onset = fractions.size + 1
            # Of a number modulo 2, without the library's slow function for it.
            if int(a - 2.0 * np.floor(a * 0.5)) == int(b - 2.0 * np.floor(b * 0.5)):
                uniform = uniforms[int(a), int(b)]
                for fraction in fractions:
                    onset -= int(uniform < fraction)
            onsets[h, w] = onset
