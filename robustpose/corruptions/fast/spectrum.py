"""Noise with a given spectrum, by a real transform in float32: see `exact.spectrum` for what it is."""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
import numpy.typing as npt
from scipy import fft

from robustpose.corruptions.fast.rows import to_byte
from robustpose.corruptions.seeding import IndependentRng
from robustpose.pose.types import Image

Singles = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint16]


def draw_fast_spectrum_noise(side: int, n_rows: int, weight: int, rng: IndependentRng) -> Singles:
    """Draw the first rows of (side, side) noise of standard deviation 1, with the weights of `exact.spectrum`.

    Phases have 16 bits. The real part of the published transform is the transform of the spectrum's symmetric part,
    of which half is enough, and the sum of its squares is the noise's.
    """
    half = side // 2
    phases = rng.words(side * half, np.uint16).reshape(side, half)
    middle = rng.words(half, np.uint16)
    whole = np.empty((2, side, side), np.float32)
    spectrum = np.empty((side, half + 1), np.complex64)
    _lay_out(phases, middle, _waves(), weight, whole)
    power = _halve(whole, spectrum.view(np.float32).reshape(side, half + 1, 2))
    spectrum *= np.float32(side**2 / np.sqrt(power))
    columns = fft.ifft(spectrum, axis=0, overwrite_x=True)[:n_rows]
    return np.asarray(fft.irfft(columns, n=side, axis=1), np.float32)


@lru_cache(maxsize=1)
def _waves() -> Singles:
    """Return the cosines and sines (2, 2¹⁶) of 2¹⁶ phases."""
    phases = 2 * np.pi * (np.arange(2**16) + 0.5) / 2**16
    return np.stack([np.cos(phases), np.sin(phases)]).astype(np.float32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _lay_out(phases: Words, middle: Words, waves: Singles, weight: int, whole: Singles) -> None:
    """Write the real and imaginary part of the spectrum, (2, side, side), before it is rolled."""
    side, half = phases.shape
    weights = np.empty(side, np.float32)
    centre, one = np.float32(0.5 * side), np.float32(1)
    for y in range(side):
        down = np.float32(y) - centre
        for x in range(side):
            across = np.float32(x) - centre
            square = down * down + across * across
            weights[x] = np.sqrt(square) if weight == 0 else one / (square + one)
        turned = side - 1 - y
        for part in range(2):
            table, row = waves[part], whole[part, y]
            for x in range(half):
                row[x] = weights[x] * table[phases[y, x]]
                row[side - 1 - x] = weights[side - 1 - x] * table[phases[turned, x]]
            if side % 2 == 1:
                value = table[middle[min(y, turned)]] if y != half else np.float32(1 - part)
                row[half] = weights[half] * value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _halve(whole: Singles, spectrum: Singles) -> float:
    """Write half of the symmetric part, rolled, (side, side // 2 + 1, 2); return its transform's variance · side⁴."""
    side, half = whole.shape[1], whole.shape[1] // 2
    power, a_half = 0.0, np.float32(0.5)
    for v in range(side):
        y, mirrored = (v - half) % side, (-v - half) % side
        for u in range(half + 1):
            x = u + side - half if u < half else 0
            left = side - half - u
            spectrum[v, u, 0] = a_half * (whole[0, y, x] + whole[0, mirrored, left])
            spectrum[v, u, 1] = a_half * (whole[1, y, x] - whole[1, mirrored, left])
        for u in range(half + 1):
            count = 1.0 if u == 0 or (side % 2 == 0 and u == half) else 2.0
            if v > 0 or u > 0:  # the mean is no part of the variance
                power += count * (np.float64(spectrum[v, u, 0]) ** 2 + np.float64(spectrum[v, u, 1]) ** 2)
    return power


@numba.njit(cache=True, nogil=True, error_model="numpy")
def cut_below(image: Image, noise: Singles, threshold: float, value: int, out: Image) -> None:
    """Write image (H, W, 3) with `value` where noise (H, ≥ W) is at most the threshold."""
    height, width = image.shape[:2]
    least = np.float32(threshold)
    for h in range(height):
        for w in range(width):
            is_cut = noise[h, w] <= least
            for channel in range(3):
                out[h, w, channel] = np.uint8(value) if is_cut else image[h, w, channel]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_to_channels(image: Image, red: Singles, green: Singles, blue: Singles, amount: float, out: Image) -> None:
    """Write image (H, W, 3) plus amount times the noise (H, ≥ W) of each channel."""
    height, width = image.shape[:2]
    strength = np.float32(amount)
    for h in range(height):
        row, into = image[h], out[h]
        for w in range(width):
            into[w, 0] = to_byte(np.float32(row[w, 0]) + strength * red[h, w])
            into[w, 1] = to_byte(np.float32(row[w, 1]) + strength * green[h, w])
            into[w, 2] = to_byte(np.float32(row[w, 2]) + strength * blue[h, w])
