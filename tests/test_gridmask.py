from __future__ import annotations

import numpy as np
import pytest
import torch

from robustpose.errors import UserError
from robustpose.train.views.gridmask import Grid, draw_grid, grid_mask, remove_squares

SHAPE_HW = (256, 192)
NO_GRID = np.zeros(3, np.int64)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grid(period: int, phase_y: int, phase_x: int) -> Grid:
    return np.array([period, phase_y, phase_x], np.int64)


def mark_kept(grid: Grid, shape_hw: tuple[int, int]) -> np.ndarray:
    """Return (h, w): False in the squares of a grid."""
    return grid_mask(torch.from_numpy(grid)[None], shape_hw)[0, 0].numpy()


def test_squares_have_half_the_period_and_begin_at_the_phase() -> None:
    removed = ["..##..##", "........", "........", "..##..##", "..##..##", "........"]
    expected = np.array([[mark == "." for mark in row] for row in removed])
    assert np.array_equal(mark_kept(grid(4, 3, 2), (6, 8)), expected)


def test_odd_periods_keep_the_odd_pixel() -> None:
    assert (~mark_kept(grid(5, 0, 0), (50, 50))).sum() == 10 * 10 * 2 * 2


def test_period_0_keeps_everything() -> None:
    assert mark_kept(NO_GRID, SHAPE_HW).all()
    assert grid_mask(torch.from_numpy(NO_GRID)[None], SHAPE_HW).all()


def test_masks_of_a_batch_are_those_of_each_grid_pixel_by_pixel() -> None:
    generator, shape_hw = rng(), (23, 31)
    grids = np.stack([draw_grid(shape_hw, generator) for _ in range(32)])
    masks = grid_mask(torch.from_numpy(grids), shape_hw)
    assert (masks.dtype, masks.shape) == (torch.bool, (32, 1, *shape_hw))
    for (period, phase_y, phase_x), mask in zip(grids.tolist(), masks[:, 0].numpy(), strict=True):
        for y, x in np.ndindex(shape_hw):
            inside = period and (y - phase_y) % period < period // 2 and (x - phase_x) % period < period // 2
            assert mask[y, x] == (not inside)


@pytest.mark.parametrize("shape_hw", [(256, 192), (96, 128)])
def test_about_a_quarter_of_the_area_is_removed(shape_hw: tuple[int, int]) -> None:
    generator = rng(1)
    removed = [(~mark_kept(draw_grid(shape_hw, generator, 1), shape_hw)).mean() for _ in range(2000)]
    assert np.mean(removed) == pytest.approx(0.25, abs=0.01)


def test_every_pixel_is_removed_equally_often() -> None:
    kept = np.mean([mark_kept(grid(6, y, x), (20, 14)) for y in range(6) for x in range(6)], axis=0)
    np.testing.assert_allclose(kept, 0.75)


def test_grids_are_drawn_uniformly_and_with_their_probability() -> None:
    generator, shape_hw = rng(2), (9, 7)
    grids = np.stack([draw_grid(shape_hw, generator) for _ in range(20000)])
    drawn = grids[grids[:, 0] > 0]
    assert len(drawn) / len(grids) == pytest.approx(0.7, abs=0.02)
    periods, counts = np.unique(drawn[:, 0], return_counts=True)
    assert periods.tolist() == [2, 3, 4, 5, 6]
    np.testing.assert_allclose(counts / len(drawn), 1 / 5, atol=0.015)
    for period in periods:
        phases = drawn[drawn[:, 0] == period, 1:] @ [period, 1]  # both as one number
        seen, counts = np.unique(phases, return_counts=True)
        assert len(seen) == period**2
        np.testing.assert_allclose(counts / len(phases), 1 / period**2, atol=0.03)


def test_probability_does_not_change_which_grid_is_drawn() -> None:
    never, seldom, always = rng(3), rng(3), rng(3)
    for _ in range(100):
        wanted = draw_grid(SHAPE_HW, always, 1)
        assert np.array_equal(draw_grid(SHAPE_HW, never, 0), NO_GRID)
        assert draw_grid(SHAPE_HW, seldom, 0.3).tolist() in (wanted.tolist(), NO_GRID.tolist())
    assert never.random() == seldom.random() == always.random()


def test_removed_squares_are_zero_and_the_rest_stays() -> None:
    crops = torch.from_numpy(rng(4).normal(size=(2, 3, 12, 10)).astype(np.float32))
    grids = torch.from_numpy(np.stack([grid(5, 1, 3), NO_GRID]))
    masked = remove_squares(crops, grids)
    kept = torch.from_numpy(mark_kept(grid(5, 1, 3), (12, 10)))
    assert masked.dtype == torch.float32
    assert torch.equal(masked[0][:, kept], crops[0][:, kept])
    assert (masked[0][:, ~kept] == 0).all()
    assert torch.equal(masked[1], crops[1])


def test_crops_too_small_for_a_grid_are_a_clear_error() -> None:
    with pytest.raises(UserError, match="GridMask needs crops with sides above 2 px, got 2×100"):
        draw_grid((100, 2), rng())
