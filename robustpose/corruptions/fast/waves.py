"""Waves, rings and plasma, row by row."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.fast.rows import add_to_row, to_byte
from robustpose.corruptions.fast.trigonometry import HALF_PI, arctangent, sine
from robustpose.pose.types import Image

Singles = npt.NDArray[np.float32]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_wave(image: Image, across: float, down: float, phase: float, amount: float, out: Image) -> None:
    """Write image (H, W, 3) plus amount·sin(across·x + down·y + phase), by the sine of a sum."""
    height, width = image.shape[:2]
    sines, cosines = np.empty(width, np.float32), np.empty(width, np.float32)
    for w in range(width):
        sines[w], cosines[w] = amount * np.sin(across * w), amount * np.cos(across * w)
    noise = np.empty(width, np.float32)
    for h in range(height):
        high, far = np.float32(np.sin(down * h + phase)), np.float32(np.cos(down * h + phase))
        for w in range(width):
            noise[w] = sines[w] * far + cosines[w] * high
        add_to_row(image[h], noise, out[h])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_rings(
    image: Image, x: float, y: float, frequency: float, amplitude: float, ring: float, amount: float, out: Image
) -> None:
    """Write image (H, W, 3) plus rings of `ring` px around (x, y): see `Rings`."""
    height, width = image.shape[:2]
    often, swing, per_ring = np.float32(frequency), np.float32(amplitude), np.float32(1 / ring)
    strength = np.float32(amount)
    noise = np.empty(width, np.float32)
    for h in range(height):
        down = np.float32(h - y)
        for w in range(width):
            across = np.float32(w) - np.float32(x)
            far = np.sqrt(across * across + down * down) + swing * sine(often * arctangent(across, down))
            rings = far * per_ring
            noise[w] = strength * (rings - np.floor(rings) - np.float32(0.5))
        add_to_row(image[h], noise, out[h])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_plasma(
    image: Image, time: float, n_bends: int, sharpness: float, scale: float, amount: float, out: Image
) -> None:
    """Write image (H, W, 3) under plasma: see `Plasma`."""
    height, width = image.shape[:2]
    x, y = np.empty(width, np.float32), np.empty(width, np.float32)
    t, strength, kept = np.float32(time), np.float32(amount), np.float32(1 - amount / 255)
    middle = np.float32(np.sin(time))
    for h in range(height):
        for w in range(width):
            x[w], y[w] = w / scale, h / scale
        frequency, slowness, damping = 1.0, 1.0, 1.0
        for _ in range(n_bends):
            often, phase, flat = np.float32(frequency), np.float32(time / slowness), np.float32(1 / damping)
            for w in range(width):
                along = flat * sine(y[w] * often + (phase + HALF_PI))
                aside = flat * sine(x[w] * often + phase)
                x[w] += along - np.float32(0.3) * aside
                y[w] += aside + np.float32(0.3) * along
            frequency, slowness, damping = frequency * 1.93, slowness * 1.15, damping * (2.25 - sharpness)
        row, into = image[h], out[h]
        for w in range(width):
            into[w, 0] = to_byte(kept * np.float32(row[w, 0]) + strength * sine(x[w] - t))
            into[w, 1] = to_byte(
                kept * np.float32(row[w, 1]) + strength * sine((x[w] + y[w] + middle) * np.float32(0.5))
            )
            into[w, 2] = to_byte(kept * np.float32(row[w, 2]) + strength * sine(y[w] + t))
