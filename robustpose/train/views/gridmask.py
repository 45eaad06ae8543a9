"""GridMask: a crop seen through the bars of a grid (Chen et al. 2020), as AdvMix's program makes one of its views.

A grid is three numbers: period, start_y and start_x, px. It lies on a canvas one and a half times as large as the crop,
whose middle the crop is, and has as many whole periods on either axis as the canvas: in each, a band of half the
period, rounded up, is kept, and what is in no band of rows and in no band of columns is removed. So what is removed are
squares and, beyond the outermost bands, strips, which makes it 26 to 28 % on average rather than a quarter. Period 0
removes nothing. The program also rotates, by 0°.

Workers send the numbers along with the uint8 crop, and the squares are taken out after normalisation, as published: the
mean colour, which becomes 0, is no uint8 colour. Joints that are hidden by it are learned all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError

if TYPE_CHECKING:  # settings know the views by name, and are checked before PyTorch is loaded
    from torch import Tensor

PROBABILITY = 0.7
LEAST_PERIOD = 2

Grid = npt.NDArray[np.int64]  # (3,) period, start_y, start_x, px


def draw_grid(shape_hw: tuple[int, int], rng: np.random.Generator, probability: float = PROBABILITY) -> Grid:
    """Return, with `probability`, a random grid; else one that removes nothing, (0, 0, 0).

    The period is an integer from 2 to below the shorter side, starts from 0 to below the period. Four numbers of `rng`
    are drawn, whatever comes of them.
    """
    limit = min(shape_hw)
    if limit <= LEAST_PERIOD:
        raise UserError(f"GridMask needs crops with sides above {LEAST_PERIOD} px, got {shape_hw[1]}×{shape_hw[0]}")
    chance, size, *starts = rng.random(4)
    if chance >= probability:
        return np.zeros(3, np.int64)
    period = LEAST_PERIOD + int(size * (limit - LEAST_PERIOD))
    return np.array([period, *(int(start * period) for start in starts)], np.int64)


def grid_mask(grids: Tensor, shape_hw: tuple[int, int]) -> Tensor:
    """Return (B, 1, h, w) bool on the device of `grids` (B, 3), integers: False where each removes a pixel."""
    rows, columns = (_find_bands(grids[:, 0], grids[:, 1 + axis], side) for axis, side in enumerate(shape_hw))
    return rows[:, None, :, None] | columns[:, None, None, :]


def _find_bands(period: Tensor, start: Tensor, side: int) -> Tensor:
    """Return (B, side): which rows, or columns, of the crop the bands of grids with these numbers (B,) keep."""
    import torch

    canvas = 3 * side // 2
    period = period[:, None]
    some = period.clamp(min=1)
    # From where the first band begins; of a crop's first row in rows of the canvas.
    place = torch.arange(side, device=period.device) + (canvas - side) // 2 - start[:, None]  # (B, side)
    in_bands = (place % some < (period + 1) // 2) & (place >= 0) & (place < canvas // some * some)
    return in_bands | (period == 0)


def remove_squares(crops: Tensor, grids: Tensor) -> Tensor:
    """Return normalised crops (B, 3, h, w) that are 0, the mean colour, where `grids` (B, 3) remove them."""
    return crops * grid_mask(grids, (crops.shape[2], crops.shape[3]))
