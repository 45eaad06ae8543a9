"""Perlin noise, row by row: between four corners of a lattice, noise is linear across but for the smooth step."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact.lattice_noise import N_ENTRIES, Lattice
from robustpose.corruptions.fast.rows import to_byte
from robustpose.corruptions.seeding import IndependentRng
from robustpose.pose.types import Image

Singles = npt.NDArray[np.float32]


def draw_fast_lattice(rng: IndependentRng) -> Lattice:
    """Draw a lattice: gradients from a square, normalised, and a permutation."""
    drawn = (rng.integers(0, 512, (256, 2)) - 256.0) / 256
    drawn[~drawn.any(axis=1)] = 1  # of no direction, one in 262,144
    gradients = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    continued = np.arange(N_ENTRIES) % 256
    return Lattice(rng.permutation(256)[continued], gradients[continued])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def mix_with_turbulence(image: Image, lattice: Lattice, per_pixel: float, alpha: float, out: Image) -> None:
    """Write image (H, W, 3) mixed with a share alpha of turbulence: see `exact.lattice_noise.find_turbulence`."""
    height, width = image.shape[:2]
    kept, share = np.float32(1 - alpha), np.float32(255 * alpha)
    total = np.empty(width, np.float32)
    for h in range(height):
        total[:] = np.float32(0)
        for octave in range(5):
            f = 1 << octave
            _add_octave(lattice, f * h * per_pixel, f * per_pixel, np.float32(1.5 / f), total)
        row, into = image[h], out[h]
        for w in range(width):
            mixed = share * min(np.float32(0.5) * total[w] + np.float32(0.5), np.float32(1))
            for channel in range(3):
                into[w, channel] = to_byte(kept * np.float32(row[w, channel]) + mixed)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_octave(lattice: Lattice, y: float, step: float, amount: np.float32, total: Singles) -> None:
    order, gradients = lattice
    y0 = int(y)
    dy = y - y0
    smooth = dy * dy * (3.0 - 2.0 * dy)
    upper, lower = order[y0 % 256], order[(y0 + 1) % 256]
    w, width, x0 = 0, total.size, 0
    start, slope = _join_corners(gradients, order[upper], order[lower], dy, smooth)
    while w < width:
        right = (x0 + 1) % 256
        next_start, next_slope = _join_corners(gradients, order[upper + right], order[lower + right], dy, smooth)
        last = min(width, int(np.ceil((x0 + 1) / step)))
        a, b, c, d = np.float32(start), np.float32(slope), np.float32(next_start), np.float32(next_slope)
        first, per_pixel = np.float32(w * step - x0), np.float32(step)
        for i in range(last - w):
            dx = first + np.float32(i) * per_pixel
            left = a + b * dx
            between = c + d * (dx - np.float32(1)) - left
            total[w + i] += amount * abs(left + dx * dx * (np.float32(3) - np.float32(2) * dx) * between)
        w, x0, start, slope = max(w, last), x0 + 1, next_start, next_slope


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _join_corners(
    gradients: npt.NDArray[np.float64], above: int, below: int, dy: float, smooth: float
) -> tuple[float, float]:
    """Return the noise on the line between two corners at `dy`, and its slope across."""
    start = dy * gradients[above, 0] + smooth * ((dy - 1.0) * gradients[below, 0] - dy * gradients[above, 0])
    return start, gradients[above, 1] + smooth * (gradients[below, 1] - gradients[above, 1])
