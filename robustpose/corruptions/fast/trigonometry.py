"""Sine and arctangent to five digits: straight lines of float32 operations, which become vector instructions.

Polynomials of least greatest error. Arguments of the sine may be some hundreds large.
"""

from __future__ import annotations

import numba
import numpy as np

ONE_BY_PI, PI, HALF_PI = np.float32(1 / np.pi), np.float32(np.pi), np.float32(np.pi / 2)
HALF, TWO = np.float32(0.5), np.float32(2)
S1, S3, S5, S7 = (np.float32(c) for c in (0.999996616, -0.166648284, 8.30632546e-3, -1.83636582e-4))
A1, A3, A5 = np.float32(0.99997722), np.float32(-0.33262283), np.float32(0.19354036)
A7, A9, A11 = np.float32(-0.1164264), np.float32(0.05264724), np.float32(-0.01171909)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sine(x: np.float32) -> np.float32:
    """Return sin(x)."""
    turns = np.floor(x * ONE_BY_PI + HALF)
    x = x - turns * PI
    is_odd = turns - TWO * np.floor(turns * HALF)
    square = x * x
    value = x * (S1 + square * (S3 + square * (S5 + square * S7)))
    return value - TWO * is_odd * value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def arctangent(y: np.float32, x: np.float32) -> np.float32:
    """Return the angle of (x, y) in -π..π, as atan2 does."""
    wide, high = abs(x), abs(y)
    slope = min(wide, high) / max(max(wide, high), np.float32(1e-30))
    square = slope * slope
    angle = slope * (A1 + square * (A3 + square * (A5 + square * (A7 + square * (A9 + square * A11)))))
    angle = HALF_PI - angle if high > wide else angle
    angle = PI - angle if x < np.float32(0) else angle
    return -angle if y < np.float32(0) else angle
