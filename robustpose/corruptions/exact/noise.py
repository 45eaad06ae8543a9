"""Inner loops of the noises, compiled by numba on first use and cached on disk.

They run over flat arrays of channel values, written so that the compiler turns them into vector instructions. No
fast-math: every value goes through the operations of the published program, in their order.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_normals(values: Bytes, normals: npt.NDArray[Any], spread: float, out: Bytes) -> None:
    """Write clip(x + spread·normal) · 255, truncated, with x = value / 255."""
    for i in range(values.size):
        x = values[i] / 255.0 + spread * normals[i]
        x = x if x > 0.0 else 0.0
        x = x if x < 1.0 else 1.0
        out[i] = np.uint8(np.int32(x * 255.0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def scale_by_normals(values: Bytes, normals: npt.NDArray[Any], spread: float, out: Bytes) -> None:
    """Write clip(x + x·(spread·normal)) · 255, truncated, with x = value / 255."""
    for i in range(values.size):
        x = values[i] / 255.0
        x = x + x * (spread * normals[i])
        x = x if x > 0.0 else 0.0
        x = x if x < 1.0 else 1.0
        out[i] = np.uint8(np.int32(x * 255.0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def encode_impulses(uniforms: Doubles, fractions: Doubles, codes: Bytes) -> None:
    """Write (n,) codes for `set_impulses` from 2n uniform numbers: the first n say whether, the others which.

    `fractions` (5,) rise with the severity.
    """
    n = codes.size
    for i in range(n):
        spared = 1
        for fraction in fractions:
            spared += int(uniforms[i] >= fraction)
        codes[i] = np.uint8(2 * spared + int(uniforms[n + i] < 0.5))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def set_impulses(values: Bytes, codes: Bytes, severity: int, out: Bytes) -> None:
    """Write 0 or 255 where the code says that a value is hit at this severity, else the value.

    A code is 2·s + w: hit from severity s on, and then white if w is 1. The others go through the range 0..1 and back,
    which loses one level of some.
    """
    for i in range(values.size):
        code = codes[i]
        struck = np.uint8(255) if code & 1 else np.uint8(0)
        unhurt = np.uint8(np.int32(values[i] / 255.0 * 255.0))
        out[i] = struck if (code >> 1) <= severity else unhurt


@numba.njit(cache=True, nogil=True, error_model="numpy")
def invert_poisson(
    values: Bytes,  # (n,)
    randoms: npt.NDArray[np.uint32],  # (n,)
    guide: Bytes,  # (256, 1024) least number that can be drawn, by value and first ten bits of the random number
    cumulative: Doubles,  # (256, m) distribution functions, scaled to 2**32
    shown: Bytes,  # (k,) what to write for each drawn number; the last one stands for all larger
    out: Bytes,  # (n,)
) -> None:
    """Write what Poisson numbers show, one uniform 32-bit number each, by inverting the distribution function."""
    last = shown.size - 1
    for i in range(values.size):
        value = values[i]
        random = randoms[i]
        k = np.int64(guide[value, random >> 22])
        while k < last and cumulative[value, k] <= random:
            k += 1
        out[i] = shown[k]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_normals_to_levels(
    counts: npt.NDArray[np.uint16], levels: Doubles, normals: npt.NDArray[Any], spread: float, out: Bytes
) -> None:
    """Write clip(x + spread·normal) · 255, truncated, with x = levels[count]."""
    for i in range(counts.size):
        x = levels[counts[i]] + spread * normals[i]
        x = x if x > 0.0 else 0.0
        x = x if x < 1.0 else 1.0
        out[i] = np.uint8(np.int32(x * 255.0))
