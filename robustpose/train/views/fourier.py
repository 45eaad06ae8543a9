"""Fourier: a plane wave added to each channel, as AFA adds them (Vaish et al., CVPR 2024), on crops of any shape.

AFA has squares of side n. Here n is the longer side, and the crop is the middle of that square: f waves of the square
go along the direction on both axes alike, so that a direction stays one on a crop that is not square. The wave is
divided by its root mean square over the pixels of the crop, where AFA divides by that over the square: so it is
strength / 32 of the range of values on any crop. On a square crop all is as published, but for rounding to 8 bits.

Frequencies, directions and the exponential strength are those of the program. AFA's branch without other changes has
batch norms of its own, and a mean strength of 10 on ImageNet. A view shares the network's batch norms with the clean
crop, so `STRENGTH` is the 5 that the program's class has by default: 0.16 of the range on average, 40 of 255 levels.

    >>> crop = np.full((128, 96, 3), 128, np.uint8)
    >>> add_waves(crop, np.random.default_rng(0)).shape
    (128, 96, 3)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

STRENGTH = 5.0  # mean of the exponential, unless `mixing.fourier_strength` says otherwise
N_DIRECTIONS = 448  # from 0 to −π, both among them
PHASE = -np.pi / 4


def add_waves(crop: Image, rng: np.random.Generator, mean_strength: float = STRENGTH) -> Image:
    """Return a new crop (h, w, 3) with another wave in each channel. `rng` gives nine numbers."""
    height, width = crop.shape[:2]
    frequencies = rng.integers(1, max(height, width) + 1, 3)
    directions = -np.pi * rng.integers(N_DIRECTIONS, size=3) / (N_DIRECTIONS - 1)
    strengths = rng.exponential(mean_strength, 3)
    waves = [make_wave((height, width), f, w) for f, w in zip(frequencies.tolist(), directions.tolist(), strict=True)]
    added = crop + np.float32(255) * strengths.astype(np.float32) * np.stack(waves, axis=2)
    return np.rint(np.clip(added, 0, 255, out=added), out=added).astype(np.uint8)


def make_wave(shape_hw: tuple[int, int], frequency: int, direction: float) -> npt.NDArray[np.float32]:
    """Return a wave (h, w) whose root mean square is 1/32.

    `frequency` is in waves along the longer side, 1 to its px; `direction`, radians, is 0 down the rows.
    """
    longer = max(shape_hw)
    # Evenly from −n/2 to n/2, both ends among them, along the longer side.
    step = longer / max(longer - 1, 1)
    down, across = (step * (np.arange(side) - (side - 1) / 2) for side in shape_hw)
    rows = 2 * np.pi * frequency / longer * np.cos(direction) * down + PHASE
    columns = 2 * np.pi * frequency / longer * np.sin(direction) * across
    # sin(a + b) of all rows and columns, as a product of matrices: (h, 2) @ (2, w)
    left = np.stack([np.sin(rows), np.cos(rows)], axis=1).astype(np.float32)
    wave = left @ np.stack([np.cos(columns), np.sin(columns)]).astype(np.float32)
    return wave / np.float32(32 * np.sqrt(np.square(wave).mean(dtype=np.float64)))
