"""The pattern of caustics, row by row."""

from __future__ import annotations

import cv2
import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.fast.trigonometry import HALF_PI, sine

Singles = npt.NDArray[np.float32]
TURN = 2 * np.pi
ONE, REACH = np.float32(1), 5  # px, of the Gaussian and a slope


def find_luminance(time: float, size: float, side: int, shape_hw: tuple[int, int]) -> Singles:
    """Return the luminance of a square as far as an image in its corner takes it, ≤ (side, side)."""
    height, width = (min(side, n + REACH) for n in shape_hw)
    pattern = np.empty((height, width), np.float32)
    _fill_pattern(time, size, pattern)
    return np.asarray(cv2.GaussianBlur(pattern, (9, 9), 1, borderType=cv2.BORDER_REFLECT), np.float32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_pattern(time: float, size: float, pattern: Singles) -> None:
    height, width = pattern.shape
    rows = np.empty((4, width), np.float32)
    acrosses, i, j, total = rows[0], rows[1], rows[2], rows[3]
    for w in range(width):
        acrosses[w] = w / size % 1.0 * TURN - 250.0
    for h in range(height):
        down = np.float32(h / size % 1.0 * TURN - 250.0)
        for w in range(width):
            i[w], j[w], total[w] = down, acrosses[w], ONE
        for wave in range(5):
            t = np.float32(time * (1.0 - 3.5 / (wave + 1)))
            for w in range(width):
                new_i = down + (sine(t - i[w] + HALF_PI) + sine(t + j[w]))
                new_j = acrosses[w] + (sine(t - j[w]) + sine(t + i[w] + HALF_PI))
                steep_down = sine(new_i + t) / (np.float32(0.005) * down)
                steep_across = sine(new_j + t + HALF_PI) / (np.float32(0.005) * acrosses[w])
                # 1/√(A² + B²), where these are 1/A and 1/B and one of them may be 0.
                a, b = steep_down * steep_down, steep_across * steep_across
                total[w] += np.sqrt(a * b / max(a + b, np.float32(1e-30)))
                i[w], j[w] = new_i, new_j
        for w in range(width):
            light = abs(np.float32(1.17) - (total[w] * np.float32(0.2)) ** np.float32(1.4))
            light *= light
            light *= light
            pattern[h, w] = min(light * light, ONE)
