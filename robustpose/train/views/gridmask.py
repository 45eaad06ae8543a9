"""GridMask: squares on a regular grid are taken out of a crop (Chen et al. 2020), as AdvMix makes one of its views.

A grid is three numbers: period, phase_y and phase_x, px. Its squares have sides of half the period, rounded down, and
one has its upper left corner at (phase_x, phase_y); period 0 takes nothing out. Workers send the numbers along with the
uint8 crop, and the squares are taken out after normalisation, as published: the mean colour, which becomes 0, is no
uint8 colour.
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

Grid = npt.NDArray[np.int64]  # (3,) period, phase_y, phase_x, px


def draw_grid(shape_hw: tuple[int, int], rng: np.random.Generator, probability: float = PROBABILITY) -> Grid:
    """Return, with `probability`, a random grid; else one that takes nothing out, (0, 0, 0).

    The period is an integer from 2 to below the shorter side, phases from 0 to below the period: unrotated, ratio 0.5.
    Four numbers of `rng` are drawn, whatever comes of them.
    """
    limit = min(shape_hw)
    if limit <= LEAST_PERIOD:
        raise UserError(f"GridMask needs crops with sides above {LEAST_PERIOD} px, got {shape_hw[1]}×{shape_hw[0]}")
    chance, size, *phases = rng.random(4)
    if chance >= probability:
        return np.zeros(3, np.int64)
    period = LEAST_PERIOD + int(size * (limit - LEAST_PERIOD))
    return np.array([period, *(int(phase * period) for phase in phases)], np.int64)


def grid_mask(grids: Tensor, shape_hw: tuple[int, int]) -> Tensor:
    """Return (B, 1, h, w) bool on the device of `grids` (B, 3), integers: False in the squares of each."""
    import torch

    period = grids[:, 0, None]  # (B, 1)
    in_rows, in_columns = (
        (torch.arange(side, device=grids.device) - phase) % period.clamp(min=1) < period // 2  # (B, side)
        for side, phase in zip(shape_hw, (grids[:, 1, None], grids[:, 2, None]), strict=True)
    )
    return ~(in_rows[:, None, :, None] & in_columns[:, None, None, :])


def remove_squares(crops: Tensor, grids: Tensor) -> Tensor:
    """Return normalised crops (B, 3, h, w) that are 0, the mean colour, in the squares of `grids` (B, 3)."""
    return crops * grid_mask(grids, (crops.shape[2], crops.shape[3]))
