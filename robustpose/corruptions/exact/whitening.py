"""Whitening in 16 bits: how much of its distance from white every value keeps, and what is left of it in 8 bits.

A value v whose distance m = 255 - v is multiplied by p in 0..1 becomes 255 - ceil(p·m). For all m up to 255 that is
decided by the two neighbours among the fractions with denominators up to 255 between which p lies (the upper one
included). Such neighbours are at least 1 / (255·254) apart, more than 2⁻¹⁶: a multiple of 2⁻¹⁶ stands for every p.

The published programs round on their way. Where p is so close to a fraction that this could matter, the pixel is
listed and left to them.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint16]


def find_codes(kept: Doubles, slack: float) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Return the codes of p (h, w), and where they are in doubt if values 0..255 are rounded by `slack` in all."""
    codes, in_doubt = np.empty(kept.shape, np.uint16), np.empty(kept.shape, np.bool_)
    _encode(kept, *_fractions(), slack, codes, in_doubt)
    return codes, in_doubt


@lru_cache(maxsize=1)
def _fractions() -> tuple[Doubles, Doubles]:
    """Return the fraction in [i, i + 1)·2⁻¹⁶ for i up to 2¹⁶, and its denominator; infinite where there is none."""
    fractions, denominators = np.full(2**16 + 2, np.inf), np.full(2**16 + 2, np.inf)
    for denominator in range(255, 0, -1):  # the smallest one comes last
        numerators = np.arange(denominator + 1)
        at = numerators * 2**16 // denominator
        fractions[at], denominators[at] = numerators / denominator, denominator
    return fractions, denominators


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _encode(
    kept: Doubles,
    fractions: Doubles,
    denominators: Doubles,
    slack: float,
    codes: Codes,
    in_doubt: npt.NDArray[np.bool_],
) -> None:
    height, width = kept.shape
    for h in range(height):
        for w in range(width):
            p = kept[h, w]
            above = int(np.ceil(p * 65536.0))
            code = above
            doubt = False
            if 0.0 < p < 1.0:  # 0 and 1 are exact in every program
                if fractions[above - 1] >= p and fractions[above - 1] < np.inf:
                    code = above - 1
                for i in range(max(above - 2, 0), above + 2):
                    doubt |= abs(p - fractions[i]) * denominators[i] < slack and fractions[i] < np.inf
            codes[h, w] = min(code, 65535)
            in_doubt[h, w] = doubt


@numba.njit(cache=True, nogil=True, error_model="numpy")
def whiten(image: Image, codes: Codes, out: Image) -> None:
    """Write image (H, W, 3) with every value's distance from white multiplied by codes (≥ H, ≥ W) / 2¹⁶."""
    height, width, channels = image.shape
    for h in range(height):
        for w in range(width):
            code = np.uint32(codes[h, w])
            for channel in range(channels):
                distance = np.uint32(255) - np.uint32(image[h, w, channel])
                out[h, w, channel] = np.uint8(np.uint32(255) - ((code * distance + np.uint32(65535)) >> np.uint32(16)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def whiten_listed(
    image: Image, rows: npt.NDArray[np.int32], columns: npt.NDArray[np.int32], shares: Doubles, out: Image
) -> None:
    """Write the listed pixels, whitened by shares (n, k) one after the other, each from float32 as published."""
    height, width, channels = image.shape
    for i in range(rows.size):
        if rows[i] < height and columns[i] < width:
            for channel in range(channels):
                value = np.float64(image[rows[i], columns[i], channel])
                for share in shares[i]:
                    value = np.float64(np.float32(value))
                    value = value + share * (255.0 - value)
                out[rows[i], columns[i], channel] = np.uint8(int(min(max(value, 0.0), 255.0)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def show_listed(
    image: Image, rows: npt.NDArray[np.int32], columns: npt.NDArray[np.int32], shares: Doubles, out: Image
) -> None:
    """Write the listed pixels as published where one share (n,) is not of white, but of the image before white."""
    height, width, channels = image.shape
    for i in range(rows.size):
        if rows[i] < height and columns[i] < width:
            for channel in range(channels):
                value = 255.0 + shares[i] * (np.float64(image[rows[i], columns[i], channel]) - 255.0)
                out[rows[i], columns[i], channel] = np.uint8(int(min(max(value, 0.0), 255.0)))
