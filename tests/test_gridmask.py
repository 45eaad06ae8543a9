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


def grid(period: int, start_y: int, start_x: int) -> Grid:
    return np.array([period, start_y, start_x], np.int64)


def mark_kept(grid: Grid, shape_hw: tuple[int, int]) -> np.ndarray:
    """Return (h, w): False where a grid removes a pixel."""
    return grid_mask(torch.from_numpy(grid)[None], shape_hw)[0, 0].numpy()


def mark_kept_by_hand(grid: Grid, shape_hw: tuple[int, int]) -> np.ndarray:
    """Return the same, drawn band by band on the canvas as the published program does."""
    (height, width), (period, *starts) = shape_hw, grid.tolist()
    sides = int(1.5 * height), int(1.5 * width)
    canvas = np.zeros(sides, bool)
    band = min(max(int(period / 2 + 0.5), 1), period - 1)
    for number in range(int(sides[0] / period)):
        canvas[starts[0] + number * period : starts[0] + number * period + band] = True
    for number in range(int(sides[1] / period)):
        canvas[:, starts[1] + number * period : starts[1] + number * period + band] = True
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    return canvas[top : top + height, left : left + width]


def measure_removed(grids: np.ndarray, shape_hw: tuple[int, int]) -> np.ndarray:
    """Return which share of a crop grids (n, 3) remove (n,): what is in no row band times what is in no column band."""
    shares = []
    for side, start in zip(shape_hw, (grids[:, 1, None], grids[:, 2, None]), strict=True):
        period, canvas = grids[:, 0, None], int(1.5 * side)
        place = np.arange(side) + (canvas - side) // 2 - start
        in_bands = (place >= 0) & (place // period < canvas // period) & (place % period < (period + 1) // 2)
        shares.append(1 - in_bands.mean(1))
    return shares[0] * shares[1]


# On a crop of 6 × 8 px, whose canvas is 9 × 12: the crop begins at row 1 and column 2 of it.
@pytest.mark.parametrize(
    ("numbers", "rows"),
    [
        # Bands of rows 3 and 4, 7 and 8; of columns 2 and 3, 6 and 7, 10 and 11.
        ((4, 3, 2), ["..##..##", "..##..##", "........", "........", "..##..##", "..##..##"]),
        # One band of rows, 0 to 2, and none after it, so that squares become strips; columns 3 to 5, 8 to 10.
        ((5, 0, 3), ["........", "........", "#...##..", "#...##..", "#...##..", "#...##.."]),
    ],
)
def test_bands_are_as_many_as_whole_periods_fit_on_the_canvas(numbers: tuple[int, int, int], rows: list[str]) -> None:
    expected = np.array([[mark == "." for mark in row] for row in rows])
    assert np.array_equal(mark_kept(grid(*numbers), (6, 8)), expected)


def test_period_0_keeps_everything() -> None:
    assert mark_kept(NO_GRID, SHAPE_HW).all()
    assert grid_mask(torch.from_numpy(NO_GRID)[None], SHAPE_HW).all()


@pytest.mark.parametrize("shape_hw", [(256, 192), (384, 288), (256, 256), (23, 31), (32, 17), (3, 3), (401, 401)])
def test_masks_of_a_batch_are_those_of_the_published_drawing_pixel_by_pixel(shape_hw: tuple[int, int]) -> None:
    generator = rng()
    grids = np.stack([draw_grid(shape_hw, generator, 1) for _ in range(64)])
    masks = grid_mask(torch.from_numpy(grids), shape_hw)
    assert (masks.dtype, masks.shape) == (torch.bool, (64, 1, *shape_hw))
    for numbers, mask in zip(grids, masks[:, 0].numpy(), strict=True):
        assert np.array_equal(mask, mark_kept_by_hand(numbers, shape_hw)), numbers


@pytest.mark.parametrize(("shape_hw", "percent"), [((256, 192), 26.2), ((256, 256), 27.9), ((512, 512), 28.0)])
def test_as_much_is_removed_as_by_the_published_program(shape_hw: tuple[int, int], percent: float) -> None:
    generator = rng(1)
    grids = np.stack([draw_grid(shape_hw, generator, 1) for _ in range(20_000)])
    removed = 100 * measure_removed(grids, shape_hw)
    assert removed.mean() == pytest.approx(percent, abs=0.3)
    assert removed.max() > 50  # where few bands are left of large periods
    for numbers, share in zip(grids[:20], removed, strict=False):
        assert share == pytest.approx(100 * (~mark_kept(numbers, shape_hw)).mean())


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


def test_what_is_removed_is_zero_and_the_rest_stays() -> None:
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
