"""Patch noise: coloured hatching in random squares, after Patch Gaussian (Lopes et al. 2019), with another noise.

Patch Gaussian adds noise in one square with a random centre, so that a network learns from clean and noisy parts at
once. Its Gaussian is a corruption that is measured. Here the noise of a square is one of lines: all pixels of a line,
some px wide and of a random direction, are changed by the same amount, other lines by others. So it differs from every
noise of the suites in both respects:

- in structure: it is constant along a line, while Gaussian, shot, impulse and speckle noise know nothing of their
  neighbours, brownish, blue, Perlin and plasma noise have no direction, and waves are one frequency and no square;
- in distribution: a line becomes brighter or darker by half of the strength at least. Two humps, none at 0, where
  those of the suites have their only one.

    >>> crop = np.full((128, 96, 3), 128, np.uint8)
    >>> add_patch_noise(crop, np.random.default_rng(0)).shape
    (128, 96, 3)
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

MOST_PATCHES = 3  # at least one
SIDES = (0.25, 0.75)  # of a square, as shares of the crop's longer side; what is beyond the crop is cut off
STRENGTHS = (16, 72)  # levels, the largest change of a square
LEAST_CHANGE = 0.5  # of a line, as a share of the largest
MOST_WIDTH = 4  # px, of a line; at least one


@dataclass(frozen=True, eq=False)
class Patch:
    """A square with lines, px of the crop."""

    top: int  # first row
    left: int  # first column
    side: int
    direction: tuple[float, float]  # across the lines, along x and y, lines per px
    changes: npt.NDArray[np.int16]  # (lines, 3) levels by channel


def add_patch_noise(crop: Image, rng: np.random.Generator) -> Image:
    """Return a new crop (h, w, 3) with lines in one to three squares."""
    noisy = np.array(crop, order="C")
    for _ in range(rng.integers(1, MOST_PATCHES + 1)):
        patch = draw_patch((crop.shape[0], crop.shape[1]), rng)
        _hatch(noisy, patch.top, patch.left, patch.side, *patch.direction, patch.changes)
    return noisy


def draw_patch(shape_hw: tuple[int, int], rng: np.random.Generator) -> Patch:
    """Return a square with its centre anywhere in a crop, and what its lines change."""
    longer = max(shape_hw)
    side = max(1, round(longer * rng.uniform(*SIDES)))
    y, x = (int(rng.integers(length)) - side // 2 for length in shape_hw)
    angle, width = rng.uniform(0, np.pi), int(rng.integers(1, MOST_WIDTH + 1))
    direction = float(np.cos(angle)) / width, float(np.sin(angle)) / width
    strength = rng.uniform(*STRENGTHS)
    n_lines = 2 * side // width + 3  # more than its diagonal crosses
    changes = strength * rng.uniform(LEAST_CHANGE, 1, (n_lines, 3)) * rng.choice((-1, 1), (n_lines, 3))
    return Patch(y, x, side, direction, np.rint(changes).astype(np.int16))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _hatch(
    crop: Image, top: int, left: int, side: int, along_x: float, along_y: float, changes: npt.NDArray[np.int16]
) -> None:
    """Change the part of a crop (h, w, 3) that is in a square, each pixel by the change of its line."""
    height, width = crop.shape[:2]
    first = min(0.0, along_x * (side - 1))  # across the lines, where the square begins; along_y is never negative
    for y in range(max(top, 0), min(top + side, height)):
        for x in range(max(left, 0), min(left + side, width)):
            line = int(along_x * (x - left) + along_y * (y - top) - first)
            for c in range(3):
                crop[y, x, c] = min(max(crop[y, x, c] + changes[line, c], 0), 255)
